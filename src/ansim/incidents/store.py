"""All SQL of incidents: events, positions, and an index row an incident."""

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ansim.core.database import Tx, metadata
from ansim.incidents import events as ev
from ansim.incidents.fold import fold
from ansim.incidents.model import Incident
from ansim.incidents.positions import Position

event_table = sa.Table(
    "incident_event",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("incident", sa.String(64), nullable=False, index=True),
    sa.Column("at", sa.String(16), nullable=False),
    sa.Column("type", sa.String(32), nullable=False),
    sa.Column("node", sa.String(16), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

incident_table = sa.Table(
    "incident",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("open", sa.Boolean, nullable=False, index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("owner", sa.String(16)),
    sa.Column("person", sa.String(64), index=True),
    sa.Column("device", sa.String(64), index=True),
    sa.Column("opened_at", sa.String(16), nullable=False),
    sa.Column("ended_at", sa.String(16), nullable=False, index=True),
)

press_table = sa.Table(
    "press",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("incident", sa.String(64), nullable=False),
)

position_table = sa.Table(
    "incident_position",
    metadata,
    # The phone names its fixes: the one she stood at may be told for the next incident as well.
    sa.Column("incident", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("ix_incident_position_track", "incident", "at"),
)

TRACK = 500
"""Newest positions of an incident that screens and new parties get."""

_decode_position = msgspec.json.Decoder(Position).decode


def _event_row(event: ev.Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "incident": event.incident,
        "at": event.at,
        "type": event.type,
        "node": event.node,
        "body": ev.encode(event),
    }


def insert_events(tx: Tx, events: list[ev.Event]) -> None:
    """Store events made here; a duplicate id is a programming error and raises.

    So does an event out of its bounds: nobody could read it again, nor its incident.
    """
    rows = [_event_row(event) for event in events]
    for row in rows:
        ev.decode(row["body"])
    tx.execute(event_table.insert(), rows)


def insert_foreign(tx: Tx, events: list[ev.Event]) -> list[ev.Event]:
    """Store events of other nodes; returns those that were new."""
    known = known_ids(tx.conn, [event.id for event in events])
    new = [event for event in {event.id: event for event in events}.values() if event.id not in known]
    if new:
        tx.execute(event_table.insert(), [_event_row(event) for event in new])
    return new


def known_ids(conn: Connection, ids: list[str]) -> set[str]:
    """Which of these events are stored."""
    return set(conn.execute(sa.select(event_table.c.id).where(event_table.c.id.in_(ids))).scalars())


def incident_of_event(conn: Connection, event_id: str) -> str | None:
    """The incident that an event belongs to."""
    return conn.execute(sa.select(event_table.c.incident).where(event_table.c.id == event_id)).scalar()


def events_of(conn: Connection, incident: str) -> list[ev.Event]:
    """All events of an incident in timeline order."""
    query = sa.select(event_table.c.body).where(event_table.c.incident == incident)
    return [
        ev.decode(body) for body in conn.execute(query.order_by(event_table.c.at, event_table.c.id)).scalars()
    ]


def load(conn: Connection, incident: str) -> Incident | None:
    """The incident as its stored events make it; None when there are none."""
    events = events_of(conn, incident)
    return fold(events) if events else None


def save_index(tx: Tx, incident: Incident) -> None:
    """Bring the index row up to date with the fold."""
    armed = incident.armed
    values = {
        "open": incident.open,
        "state": incident.state.value,
        "owner": incident.owner.code if incident.owner else None,
        "person": armed.person.id if armed and armed.person else None,
        "device": (armed.device_id or None) if armed else None,
        "opened_at": incident.opened_at,
        "ended_at": incident.ended_at,
    }
    update = incident_table.update().where(incident_table.c.id == incident.id)
    if tx.execute(update.values(values)).rowcount == 0:
        tx.execute(incident_table.insert(), values | {"id": incident.id})


def open_ids(conn: Connection, ended_since: str = "") -> list[str]:
    """Open incidents, and with ``ended_since`` (a clock stamp) those that ended after it, oldest first."""
    wanted: sa.ColumnElement[bool] = incident_table.c.open.is_(True)
    if ended_since:
        wanted = wanted | (incident_table.c.ended_at > ended_since)
    query = sa.select(incident_table.c.id).where(wanted).order_by(incident_table.c.opened_at)
    return list(conn.execute(query).scalars())


def open_incident_of(conn: Connection, person: str | None, device: str) -> str | None:
    """The newest open incident of a person, or else of an unregistered device."""
    if person:
        who: sa.ColumnElement[bool] = incident_table.c.person == person
    elif device:
        who = sa.and_(incident_table.c.device == device, incident_table.c.person.is_(None))
    else:
        return None
    query = sa.select(incident_table.c.id).where(incident_table.c.open.is_(True), who)
    return conn.execute(query.order_by(incident_table.c.opened_at.desc()).limit(1)).scalar()


def pressed(conn: Connection, key: str) -> str | None:
    """The incident that a press with this key made or joined."""
    return conn.execute(sa.select(press_table.c.incident).where(press_table.c.key == key)).scalar()


def remember_press(tx: Tx, key: str, incident: str) -> None:
    """Tie an idempotency key to its incident."""
    tx.execute(press_table.insert(), {"key": key, "incident": incident})


def insert_positions(tx: Tx, incident: str, positions: Iterable[Position]) -> list[Position]:
    """Store positions; returns those that were new, in track order."""
    unique = {position.id: position for position in positions}
    query = sa.select(position_table.c.id).where(
        position_table.c.incident == incident, position_table.c.id.in_(list(unique))
    )
    known = set(tx.conn.execute(query).scalars())
    new = sorted((p for p in unique.values() if p.id not in known), key=lambda p: p.order)
    if new:
        rows = [{"id": p.id, "incident": incident, "at": p.at, "body": msgspec.json.encode(p)} for p in new]
        tx.execute(position_table.insert(), rows)
    return new


def track(conn: Connection, incident: str, limit: int = TRACK) -> list[Position]:
    """The newest ``limit`` positions, oldest first."""
    columns = position_table.c
    query = sa.select(columns.body).where(columns.incident == incident)
    rows = conn.execute(query.order_by(columns.at.desc(), columns.id.desc()).limit(limit)).scalars()
    return [_decode_position(body) for body in rows][::-1]


def newest_position(conn: Connection, incident: str) -> Position | None:
    """Where she was last."""
    found = track(conn, incident, 1)
    return found[0] if found else None


def last_known(conn: Connection, person: str, since: str) -> Position | None:
    """The person's newest position of any incident, reported after ``since`` (ISO time)."""
    join = position_table.join(incident_table, incident_table.c.id == position_table.c.incident)
    query = sa.select(position_table.c.body).select_from(join).where(incident_table.c.person == person)
    query = query.where(position_table.c.at > since).order_by(position_table.c.at.desc()).limit(1)
    body = conn.execute(query).scalar()
    return _decode_position(body) if body else None

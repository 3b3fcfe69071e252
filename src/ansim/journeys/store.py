"""The tables of journeys, and their SQL."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from ansim.core.database import Tx, metadata
from ansim.journeys.model import ENDS, Concern, Fix, Plan, Policy, Spot, State

journey = sa.Table(
    "journey",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("person", sa.String(36), nullable=False, index=True),
    sa.Column("plan", sa.Text, nullable=False),  # JSON
    sa.Column("policy", sa.Text, nullable=False),  # JSON
    sa.Column("state", sa.Integer, nullable=False),
    sa.Column("concern", sa.Integer, nullable=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("eta", sa.Float, nullable=False),
    sa.Column("changed_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float, index=True),
    sa.Column("center", sa.String(16), nullable=False),
    sa.Column("incident", sa.String(36), nullable=False),
    sa.Column("duress", sa.Boolean, nullable=False),  # whoever holds her phone must not learn of the alarm
    sa.Column("token", sa.String(64), nullable=False, unique=True),  # SHA-256 of the phone's own secret
    sa.Column("deadline", sa.Float, nullable=False),  # when its silence means something; see the watch
    sa.Column("progress", sa.LargeBinary, nullable=False),  # the watch's columns of this journey
    sa.Index("ix_journey_open", "state", "deadline"),
)

journey_fix = sa.Table(
    "journey_fix",
    metadata,
    sa.Column("journey", sa.String(36), primary_key=True),
    sa.Column("at", sa.Float, primary_key=True),
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("lat", sa.Float, nullable=False),
    sa.Column("lon", sa.Float, nullable=False),
    sa.Column("radius", sa.Float, nullable=False),
    sa.Column("speed", sa.Float),
    sa.Column("battery", sa.Float),
)

journey_step = sa.Table(
    "journey_step",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("journey", sa.String(36), nullable=False, index=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("state", sa.Integer, nullable=False),
    sa.Column("concern", sa.Integer, nullable=False),
    sa.Column("actor", sa.String(60), nullable=False),
)

saved_place = sa.Table(
    "saved_place",
    metadata,
    sa.Column("person", sa.String(36), primary_key=True),
    sa.Column("name", sa.String(60), primary_key=True),
    sa.Column("lat", sa.Float, nullable=False),
    sa.Column("lon", sa.Float, nullable=False),
    sa.Column("radius_m", sa.Float, nullable=False),
)

_ENDS = [int(state) for state in ENDS]


class Journey(Struct, frozen=True, kw_only=True):
    """A journey as it is kept. Times are epoch seconds; ``incident`` is set once it was alarmed."""

    id: str
    person: str
    plan: Plan
    policy: Policy
    state: State
    concern: Concern
    started_at: float
    eta: float
    changed_at: float
    ended_at: float | None = None
    center: str = ""
    incident: str = ""
    duress: bool = False
    token: str = ""
    deadline: float = 0.0
    progress: bytes = b""


def insert(tx: Tx, one: Journey) -> None:
    """Add a journey."""
    insert_all(tx, [one])


def insert_all(tx: Tx, journeys: Sequence[Journey]) -> None:
    """Add many journeys."""
    tx.execute(journey.insert(), [_row(one) for one in journeys])


def update(tx: Tx, journey_id: str, **changes: Any) -> None:
    """Change columns of a journey."""
    tx.execute(journey.update().where(journey.c.id == journey_id).values(**changes))


_save_progress = (
    journey.update()
    .where(journey.c.id == sa.bindparam("key"))
    .values(progress=sa.bindparam("kept"), deadline=sa.bindparam("due"))
)


def save_progress(tx: Tx, progress: Iterable[tuple[str, bytes, float]]) -> None:
    """Keep what the watch knows of these journeys: its columns, and when silence next means something."""
    rows = [{"key": key, "kept": state, "due": due} for key, state, due in progress]
    if rows:
        tx.execute(_save_progress, rows)


def load(conn: Connection, journey_id: str) -> Journey | None:
    """One journey; None when it is unknown."""
    row = conn.execute(sa.select(journey).where(journey.c.id == journey_id)).first()
    return _journey(row) if row is not None else None


def by_token(conn: Connection, token_hash: str) -> Journey | None:
    """The journey whose phone holds the secret with this hash."""
    row = conn.execute(sa.select(journey).where(journey.c.token == token_hash)).first()
    return _journey(row) if row is not None else None


def open_of(conn: Connection, person: str) -> Journey | None:
    """A person's open journey; she has at most one."""
    query = sa.select(journey).where(journey.c.person == person, journey.c.state.not_in(_ENDS))
    row = conn.execute(query.order_by(journey.c.started_at.desc())).first()
    return _journey(row) if row is not None else None


def open_after(conn: Connection, after: tuple[float, str], limit: int) -> list[Journey]:
    """Open journeys in the order of (deadline, id), those after that pair: the most urgent come first."""
    query = (
        sa.select(journey)
        .where(journey.c.state.not_in(_ENDS), sa.tuple_(journey.c.deadline, journey.c.id) > after)
        .order_by(journey.c.deadline, journey.c.id)
        .limit(limit)
    )
    return [_journey(row) for row in conn.execute(query)]


def alarmed_since(conn: Connection, since: float) -> dict[str, str]:
    """The incident of each journey alarmed since then."""
    query = sa.select(journey.c.id, journey.c.incident).where(
        journey.c.state == int(State.ALARMED), journey.c.ended_at >= since
    )
    return {row.id: row.incident for row in conn.execute(query)}


def past_shares(conn: Connection, person: str, limit: int) -> list[tuple[Plan, float]]:
    """Her newest journeys that ended at home: the plan and how many seconds it took, oldest first."""
    query = (
        sa.select(journey.c.plan, journey.c.ended_at - journey.c.started_at)
        .where(journey.c.person == person, journey.c.state == int(State.ARRIVED))
        .order_by(journey.c.started_at.desc())
        .limit(limit)
    )
    rows = [(msgspec.json.decode(plan, type=Plan), float(took)) for plan, took in conn.execute(query)]
    return rows[::-1]


def insert_fixes(tx: Tx, fixes: Iterable[tuple[str, Fix]], received_at: float) -> int:
    """Keep fixes; one known already (same journey, same time) changes nothing. Returns how many were new."""
    rows = [
        {
            "journey": key,
            "at": fix.at,
            "received_at": received_at,
            "lat": fix.lat,
            "lon": fix.lon,
            "radius": fix.radius,
            "speed": None if fix.speed != fix.speed else fix.speed,
            "battery": None if fix.battery != fix.battery else fix.battery,
        }
        for key, fix in fixes
    ]
    return tx.insert_new(journey_fix, rows)


def track(conn: Connection, journey_id: str, limit: int = 500) -> list[Fix]:
    """The newest fixes of a journey, in the order of their time."""
    query = sa.select(journey_fix).where(journey_fix.c.journey == journey_id)
    rows = conn.execute(query.order_by(journey_fix.c.at.desc()).limit(limit)).all()
    nan = float("nan")
    return [
        Fix(
            at=row.at,
            lat=row.lat,
            lon=row.lon,
            radius=row.radius,
            speed=nan if row.speed is None else row.speed,
            battery=nan if row.battery is None else row.battery,
        )
        for row in reversed(rows)
    ]


def insert_steps(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what befell journeys."""
    if rows:
        tx.execute(journey_step.insert(), list(rows))


def steps_of(conn: Connection, journey_id: str) -> list[dict[str, Any]]:
    """What befell a journey, oldest first."""
    columns = (journey_step.c[name] for name in ("at", "state", "concern", "actor"))
    query = sa.select(*columns).where(journey_step.c.journey == journey_id)
    return [dict(row._mapping) for row in conn.execute(query.order_by(journey_step.c.at, journey_step.c.id))]


def forget_tracks(tx: Tx, ended_before: float) -> int:
    """Delete the tracks of journeys that ended well before this time; returns how many fixes are gone."""
    well = (int(State.ARRIVED), int(State.ENDED))
    old = sa.select(journey.c.id).where(journey.c.ended_at < ended_before, journey.c.state.in_(well))
    gone = tx.execute(journey_fix.delete().where(journey_fix.c.journey.in_(old))).rowcount
    tx.execute(journey.update().where(journey.c.id.in_(old), journey.c.progress != b"").values(progress=b""))
    return int(gone)


def places_of(conn: Connection, person: str) -> list[Spot]:
    """The places a person has saved, by name."""
    query = sa.select(saved_place).where(saved_place.c.person == person).order_by(saved_place.c.name)
    return [
        Spot(name=row.name, lat=row.lat, lon=row.lon, radius_m=row.radius_m) for row in conn.execute(query)
    ]


def replace_places(tx: Tx, person: str, places: Sequence[Spot]) -> None:
    """Set a person's saved places."""
    tx.execute(saved_place.delete().where(saved_place.c.person == person))
    if places:
        tx.execute(
            saved_place.insert(), [{"person": person, **msgspec.structs.asdict(one)} for one in places]
        )


def _row(one: Journey) -> dict[str, Any]:
    return msgspec.structs.asdict(one) | {
        "plan": msgspec.json.encode(one.plan).decode(),
        "policy": msgspec.json.encode(one.policy).decode(),
        "state": int(one.state),
        "concern": int(one.concern),
    }


def _journey(row: sa.Row[Any]) -> Journey:
    fields = dict(row._mapping)
    fields["plan"] = msgspec.json.decode(fields["plan"], type=Plan)
    fields["policy"] = msgspec.json.decode(fields["policy"], type=Policy)
    fields["state"], fields["concern"] = State(fields["state"]), Concern(fields["concern"])
    return Journey(**fields)

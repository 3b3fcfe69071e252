"""What a national operator sees: centers and the ladder's steps, and nothing of the people who called.

An entry of the log says which center was asked, when and why. It carries no name, no position, no telephone
number and no remark; an incident is told apart by the end of its random id. So a look at this page is no look
at anybody's data. Tests keep it so.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from ansim.core.clock import iso, now
from ansim.distribution import store as states
from ansim.distribution.health import ServiceState
from ansim.distribution.service import Distribution
from ansim.distribution.store import StateChange
from ansim.distribution.watch import CENTER, POLICY, HealthWatch
from ansim.distribution.worker import LadderWorker
from ansim.incidents import events as ev
from ansim.incidents import store

LOG = 200
"""Newest steps in a snapshot; a page keeps as many."""
LOGGED = (
    "alerted",
    "ownership_assigned",
    "delivered",
    "rung",
    "accepted",
    "aid_invited",
    "aid_ended",
    "cancelled",
    "closed",
)
_TOLD = ("code", "name", "reason", "step", "agency", "because", "rule", "until")


class Entry(Struct, frozen=True, kw_only=True):
    """One line of the ladder log."""

    id: str
    at: str
    time: str
    incident: str
    kind: str
    data: dict[str, Any]


class CenterRow(Struct, frozen=True, kw_only=True):
    """One center now. Times are ISO or null; ``open`` and ``alarms`` are what the hub itself knows."""

    code: str
    name: str
    province: str
    state: ServiceState
    since: str | None
    heard_at: str | None
    operators: int | None
    open: int
    alarms: int
    waiting_since: str | None
    outbox: int
    room: bool


def entry_of(entry: Mapping[str, Any]) -> Entry | None:
    """The line that an event is, None when it is no step of the ladder."""
    kind = str(entry["type"])
    if kind not in LOGGED:
        return None
    data = entry["data"]
    kept = {key: data[key] for key in _TOLD if data.get(key)}
    if kind == "closed":  # the reason is an operator's remark about a person
        kept.pop("reason", None)
    return Entry(
        id=str(entry["id"]),
        at=str(entry["at"]),
        time=str(entry["time"]),
        incident=str(entry["incident"])[-6:],
        kind=kind,
        data=kept,
    )


def state_entry(change: StateChange) -> Entry:
    """The line that a center's change of state is."""
    return Entry(
        id=f"{change.code}@{change.at}",
        at="",
        time=change.at,
        incident="",
        kind="state",
        data={"code": change.code, "state": change.state.value},
    )


def log(conn: Connection, limit: int = LOG) -> list[Entry]:
    """The newest lines, oldest first."""
    table = store.event_table
    query = sa.select(table.c.body).where(table.c.type.in_(LOGGED)).order_by(table.c.at.desc()).limit(limit)
    events = (ev.decode(body) for body in conn.execute(query).scalars())
    lines = [entry_of(_plain(event)) for event in events]
    found = [line for line in lines if line is not None]
    found += [state_entry(change) for change in states.recent_states(conn, limit)]
    return sorted(found, key=lambda line: (line.time, line.at, line.id))[-limit:]


def _plain(event: ev.Event) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(ev.entry(event) | {"incident": event.incident})
    return plain


def change_of(payload: bytes) -> bytes | None:
    """A row of the hub's feed as this page gets it; None when it is about a person."""
    change = msgspec.json.decode(payload)
    kind = change["kind"]
    if kind == CENTER:
        line: Entry | None = state_entry(msgspec.convert(change["change"], StateChange))
    elif kind == POLICY:
        return payload
    elif kind == "event":
        line = entry_of(change["event"] | {"incident": change["incident"]})
    else:
        return None
    return None if line is None else msgspec.json.encode({"kind": "log", "entry": line})


class National:
    """The picture of the country, read from what the hub keeps in memory."""

    def __init__(self, distribution: Distribution, ladder: LadderWorker, watch: HealthWatch) -> None:
        self._distribution = distribution
        self._ladder = ladder
        self._watch = watch
        self._told: tuple[float, bytes] = (0.0, b"")

    def centers(self) -> list[CenterRow]:
        """Every enrolled center, by code."""
        return [self._row(code) for code in sorted(self._distribution.enrolled())]

    def _row(self, code: str) -> CenterRow:
        health, load = self._distribution.health, self._ladder.load(code)
        beat, known = health.last(code), self._watch.states.get(code)
        state = health.state(code)
        boundaries = self._distribution.boundaries
        heard = now() - timedelta(seconds=health.silent_s(code))
        return CenterRow(
            code=code,
            name=self._distribution.center(code).name,
            province=boundaries.provinces[boundaries.index(code)] if code in boundaries else "",
            state=state,
            since=known.at if known is not None and known.state is state else None,
            heard_at=iso(heard) if beat is not None else None,
            operators=beat.operators if beat else None,
            open=load.open,
            alarms=load.alarms,
            waiting_since=load.waiting_since,
            outbox=beat.outbox if beat else 0,
            room=code in self._distribution.policy.rooms.values(),
        )

    def status(self) -> bytes:
        """The centers now, made at most once a second for all screens."""
        made, body = self._told
        if time.monotonic() - made >= 0.9:
            body = msgspec.json.encode({"now": iso(now()), "centers": self.centers()})
            self._told = (time.monotonic(), body)
        return body

    def snapshot(self, cursor: int, lines: Sequence[Entry], node: Mapping[str, Any]) -> bytes:
        """Everything the page shows."""
        return msgspec.json.encode(
            {
                "cursor": cursor,
                "now": iso(now()),
                "node": node,
                "centers": self.centers(),
                "policy": self._watch.policy(),
                "log": lines,
            }
        )

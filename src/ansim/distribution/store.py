"""When a center's state changed: the hub's record of it. All SQL of distribution."""

from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from ansim.core.database import BigId, Tx, metadata
from ansim.distribution.health import ServiceState

service_state = sa.Table(
    "service_state",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),
    sa.Column("code", sa.String(16), nullable=False, index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
)


class StateChange(Struct, frozen=True, kw_only=True):
    """From ``at`` (ISO time) on the center was in this state."""

    code: str
    state: ServiceState
    at: str


def note_states(tx: Tx, changes: list[StateChange]) -> None:
    """Keep what changed."""
    rows = [{"code": one.code, "state": one.state.value, "at": one.at} for one in changes]
    tx.execute(service_state.insert(), rows)


def latest_states(conn: Connection) -> dict[str, StateChange]:
    """The newest state noted of each center."""
    newest = sa.select(sa.func.max(service_state.c.seq)).group_by(service_state.c.code)
    rows = conn.execute(sa.select(service_state).where(service_state.c.seq.in_(newest)))
    return {row.code: _change(row) for row in rows}


def recent_states(conn: Connection, limit: int) -> list[StateChange]:
    """The newest changes, newest first."""
    rows = conn.execute(sa.select(service_state).order_by(service_state.c.seq.desc()).limit(limit))
    return [_change(row) for row in rows]


def _change(row: Any) -> StateChange:
    return StateChange(code=row.code, state=ServiceState(row.state), at=row.at)

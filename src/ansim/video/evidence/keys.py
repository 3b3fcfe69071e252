"""The key of each incident's footage, wrapped by a key of the ledger's: without it the footage is gone."""

import os

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ansim.core.clock import iso, now
from ansim.core.database import Tx, metadata
from ansim.core.sealing import Sealer

footage_key = sa.Table(
    "footage_key",
    metadata,
    sa.Column("incident", sa.String(64), primary_key=True),
    sa.Column("wrapped", sa.LargeBinary),
    sa.Column("made_at", sa.String(24), nullable=False),
    sa.Column("destroyed_at", sa.String(24)),
)

KEY = "ledger-footage"
"""The node's wrapping key, kept among the ledger's secrets."""


class Destroyed(Exception):
    """The footage of this incident was destroyed."""


class FootageKeys:
    """The wrapped keys of a node; ``wrapper`` seals with the node's own key."""

    def __init__(self, wrapper: Sealer) -> None:
        self._wrapper = wrapper

    def make(self, tx: Tx, incident: str) -> Sealer:
        """The incident's key, made at its first recording. Raises :class:`Destroyed`."""
        known = self.find(tx.conn, incident)
        if known is not None:
            return known
        key = os.urandom(32)
        row = {
            "incident": incident,
            "wrapped": self._wrapper.seal(key, _owner(incident)),
            "made_at": iso(now()),
        }
        tx.execute(footage_key.insert(), row)
        return Sealer(key)

    def find(self, conn: Connection, incident: str) -> Sealer | None:
        """The incident's key, None when it has none. Raises :class:`Destroyed`."""
        row = conn.execute(sa.select(footage_key).where(footage_key.c.incident == incident)).first()
        if row is None:
            return None
        if row.destroyed_at is not None:
            raise Destroyed(incident)
        return Sealer(self._wrapper.open(bytes(row.wrapped), _owner(incident)))

    def destroy(self, tx: Tx, incident: str) -> bool:
        """Forget the incident's key for ever; False when there was none."""
        update = footage_key.update().where(
            footage_key.c.incident == incident, footage_key.c.destroyed_at.is_(None)
        )
        return tx.execute(update.values(wrapped=None, destroyed_at=iso(now()))).rowcount == 1


def _owner(incident: str) -> str:
    return f"footage-key/{incident}"

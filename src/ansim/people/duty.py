"""Who is on duty: signing in begins it, and it can end before the session does.

Off duty the record may still be read and finished; looking through cameras is for those on duty.
"""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ansim.core.clock import iso, now
from ansim.core.database import Database, Tx, metadata
from ansim.ledger.service import Ledger
from ansim.people.model import Staff

off_duty = sa.Table(
    "staff_off_duty",
    metadata,
    sa.Column("staff", sa.String(36), primary_key=True),
    sa.Column("since", sa.String(24), nullable=False),
)


class Duty:
    """The duty of a node's staff. ``listeners`` hear, after the commit, whose duty has ended."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger
        self.listeners: list[Callable[[str], None]] = []

    async def end(self, staff: Staff) -> None:
        """End somebody's duty; their session goes on."""

        def write(tx: Tx) -> None:
            if tx.insert_new(off_duty, [{"staff": staff.id, "since": iso(now())}]):
                self._record(tx, staff, "근무 종료")
                tx.on_commit(lambda: self._tell(staff.id))

        await self._database.write(write)

    async def begin(self, staff: Staff) -> None:
        """Begin (or go on with) somebody's duty."""

        def write(tx: Tx) -> None:
            if begin(tx, staff.id):
                self._record(tx, staff, "근무 시작")

        await self._database.write(write)

    async def on_duty(self, staff_id: str) -> bool:
        """Whether somebody is on duty."""
        return await self._database.read(lambda conn: on_duty(conn, staff_id))

    def _record(self, tx: Tx, staff: Staff, what: str) -> None:
        self._ledger.record(
            tx, actor=staff.actor, action="admin", what=what, why="근무", source=staff.address
        )

    def _tell(self, staff_id: str) -> None:
        for listener in self.listeners:
            listener(staff_id)


def begin(tx: Tx, staff_id: str) -> bool:
    """Put somebody on duty with the transaction; whether they were off."""
    return tx.execute(off_duty.delete().where(off_duty.c.staff == staff_id)).rowcount == 1


def on_duty(conn: Connection, staff_id: str) -> bool:
    """Whether somebody is on duty, in the reader's own transaction."""
    return conn.execute(sa.select(off_duty.c.staff).where(off_duty.c.staff == staff_id)).first() is None

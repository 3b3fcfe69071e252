"""What ends grants by time, and writes down every end."""

import asyncio
import contextlib

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ansim.core import logs
from ansim.core.clock import iso, now, parse_iso
from ansim.core.database import Database, Overloaded, Tx
from ansim.core.metrics import Metrics
from ansim.ledger.service import Ledger
from ansim.people import duty
from ansim.people.service import PeopleService
from ansim.video.grants import store
from ansim.video.grants.model import WORDS, Grant, Kind, Reason
from ansim.video.grants.service import Grants

_log = logs.get("grants")
SWEEP_S = 0.5
"""How often time and what another process did (a command that closes an account) are looked at."""
_WHAT: dict[Kind, str] = {"watch": "카메라 영상 끝", "ptz": "카메라 조작 끝", "clip": "녹화 영상 끝"}


class GrantKeeper:
    """Runs beside the service; ``start`` first ends what the process before left standing."""

    def __init__(
        self, database: Database, grants: Grants, ledger: Ledger, people: PeopleService, metrics: Metrics
    ) -> None:
        self._database = database
        self._grants = grants
        self._ledger = ledger
        self._people = people
        self._metrics = metrics
        self._task: asyncio.Task[None] | None = None
        metrics.queue("grants_ending", self._reading)

    async def start(self) -> None:
        """End the grants of the process before, then watch."""
        await self._database.write(self._end_left_over)
        self._task = asyncio.create_task(self._run(), name="grant-keeper")

    async def stop(self) -> None:
        """End every grant; what cannot be written now is ended at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._grants.live.end_where(lambda _: True, "restart")
        with contextlib.suppress(Overloaded, sa.exc.SQLAlchemyError):
            await self.write_ends()

    async def write_ends(self) -> None:
        """Bring every end that is known in memory onto the disk, with its ledger row."""
        ended = self._grants.ending[:]
        if not ended:
            return

        def write(tx: Tx) -> None:
            for grant, reason, at in ended:
                if store.end(tx, grant.id, reason, at):
                    self._record(tx, grant, reason)

        await self._database.write(write)
        del self._grants.ending[: len(ended)]

    async def sweep(self) -> None:
        """End what has run out, and what a session or a duty ended elsewhere takes along."""
        live = self._grants.live
        live.expire(now())
        sessions = {hold.grant.session for hold in live}
        if not sessions:
            return
        holders = {hold.grant.holder for hold in live}

        def read(conn: Connection) -> tuple[set[str], set[str]]:
            off = {one for one in holders if not duty.on_duty(conn, one)}
            return self._people.sessions.living(conn, sessions), off

        living, off = await self._database.read(read)
        live.end_where(lambda grant: grant.session in sessions - living, "signed_out")
        live.end_where(lambda grant: grant.holder in off, "duty_ended")

    def _end_left_over(self, tx: Tx) -> None:
        at = iso(now())
        for grant in store.unended(tx.conn):
            store.end(tx, grant.id, "restart", at)
            self._record(tx, grant, "restart")

    def _record(self, tx: Tx, grant: Grant, reason: Reason) -> None:
        self._ledger.record(
            tx,
            actor=grant.actor,
            action="end",
            subject=grant.subject,
            incident=grant.incident,
            what=f"{_WHAT[grant.kind]}: {grant.camera_name}",
            why=WORDS[reason][0],
        )

    def _reading(self) -> tuple[int, float]:
        waiting = self._grants.ending
        if not waiting:
            return 0, 0.0
        return len(waiting), _age(waiting[0][2])

    async def _run(self) -> None:
        while True:
            try:
                await self.sweep()
                await self.write_ends()
            except (Overloaded, sa.exc.SQLAlchemyError) as error:  # the queue keeps them: tried again
                self._metrics.faults.labels("grants").inc()
                _log.error("ends of grants not written yet", reason=str(error))
            await asyncio.sleep(SWEEP_S)


def _age(at: str) -> float:
    return max(0.0, (now() - parse_iso(at)).total_seconds())

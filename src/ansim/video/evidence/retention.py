"""Footage ends with its time: the key is destroyed, a destruction record stays."""

import asyncio
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from ansim.core import logs
from ansim.core.actors import system
from ansim.core.clock import iso, now
from ansim.core.database import Database, Overloaded, Tx
from ansim.core.metrics import Metrics
from ansim.incidents import store as incidents
from ansim.ledger.service import Ledger
from ansim.video.evidence import store
from ansim.video.evidence.keys import FootageKeys
from ansim.video.evidence.vault import Vault

_log = logs.get("footage")
EVERY_S = 3600.0


class Retention:
    """Destroys what is older than ``days`` and not on hold; runs hourly."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        keys: FootageKeys,
        vault: Vault,
        metrics: Metrics,
        *,
        code: str,
        days: float,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._keys = keys
        self._vault = vault
        self._metrics = metrics
        self._code = code
        self._days = days
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look at once, then every hour."""
        self._task = asyncio.create_task(self._run(), name="footage-retention")

    async def stop(self) -> None:
        """No more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def settle(self, at: datetime) -> list[str]:
        """Destroy what is due at ``at``; returns the incidents.

        The key goes first, with its ledger row: from then on the pieces are noise, whether or not the files
        could be removed as well.
        """
        before = iso(at - timedelta(days=self._days))
        due = await self._database.read(lambda conn: store.due(conn, before, iso(at)))
        for incident in due:
            await self._database.write(partial(self._destroy, incident=incident))
            await asyncio.to_thread(self._vault.remove, incident)
        return due

    def _destroy(self, tx: Tx, *, incident: str) -> None:
        if not self._keys.destroy(tx, incident):
            return
        found = incidents.load(tx.conn, incident)
        person = found.armed.person if found is not None and found.armed is not None else None
        recordings = store.recordings(tx.conn, incident)
        size = sum(one.bytes for one in recordings)
        store.drop_hold(tx, incident)
        self._ledger.record(
            tx,
            actor=system(self._code),
            action="destroy",
            subject=person.id if person is not None else "",
            incident=incident,
            what=f"녹화 영상 {len(recordings)}건 파기 ({size} bytes)",
            why=f"보존 기간 {self._days:g}일 경과",
        )

    async def _run(self) -> None:
        while True:
            try:
                await self.settle(now())
            except (Overloaded, sa.exc.SQLAlchemyError, OSError) as error:  # an hour later again
                self._metrics.faults.labels("retention").inc()
                _log.error("footage not destroyed", reason=str(error))
            await asyncio.sleep(EVERY_S)

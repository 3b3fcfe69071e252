"""Signing the ledger's head while it grows, and once more when the node stops."""

import asyncio

import sqlalchemy as sa

from ansim.core import logs
from ansim.core.database import Database, Overloaded
from ansim.core.tasks import end
from ansim.ledger.service import Ledger

_log = logs.get("ledger")


class HeadSigner:
    """Signs every ``every_s`` seconds when rows were added."""

    def __init__(self, database: Database, ledger: Ledger, *, every_s: float = 10.0) -> None:
        self._database = database
        self._ledger = ledger
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="ledger-heads")

    async def stop(self) -> None:
        """End, after signing what is there."""
        if self._task is None:
            return
        await end(self._task)
        await self.sign()

    async def sign(self) -> bool:
        """Sign the head now; False when nothing was added since."""
        if await self._database.read(self._ledger.unsigned) == 0:
            return False
        return await self._database.write(self._ledger.sign_head) is not None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.sign()
            except (Overloaded, sa.exc.OperationalError) as error:  # tried again next time; the rows wait
                _log.warning("head not signed", reason=f"{type(error).__name__}: {error}")

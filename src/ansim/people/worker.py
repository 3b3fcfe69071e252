"""Sending text messages: with backoff between attempts, and not at all once it is too late."""

import asyncio
import time
from collections.abc import Callable

import sqlalchemy as sa

from ansim.core import logs
from ansim.core.database import Database, Overloaded
from ansim.core.metrics import Metrics
from ansim.core.tasks import end
from ansim.people import sms
from ansim.people.sms import SmsPort, SmsQueue

_log = logs.get("sms")
_BATCH = 20
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_IDLE_S = 30.0


class SmsWorker:
    """Empties the queue through the port."""

    def __init__(
        self,
        database: Database,
        queue: SmsQueue,
        port: SmsPort,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._queue = queue
        self._port = port
        self._metrics = metrics
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up what an earlier run left, and begin."""
        self._queue.waits(await self._database.read(self._queue.take_up))
        self._task = asyncio.create_task(self._run(), name="sms")

    async def stop(self) -> None:
        """End; what waits is taken up at the next start."""
        await end(self._task)

    async def send_due(self) -> int:
        """Send what is due now; returns how many messages were looked at."""
        rows = await self._database.read(lambda conn: sms.due(conn, self._clock(), _BATCH))
        for row in rows:
            await self._send(row, row.attempts + 1)
        return len(rows)

    async def _send(self, waiting: sms.Waiting, attempts: int) -> None:
        message = waiting.id
        if self._clock() >= waiting.useless_after:
            await self._give_up(message, attempts - 1, "too late to be of use")
            return
        try:
            await self._port.send(waiting.phone, waiting.text)
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises: kept with the message, tried again
            reason = f"{type(error).__name__}: {error}"
            pause = min(_FIRST_PAUSE_S * 2.0 ** (attempts - 1), _LONGEST_PAUSE_S)
            until = self._clock() + pause
            if until >= waiting.useless_after:
                await self._give_up(message, attempts, reason)
                return
            _log.warning("sms not sent", id=message, attempts=attempts, reason=reason)
            await self._database.write(lambda tx: sms.postpone(tx, message, attempts, until, reason))
            return
        await self._database.write(lambda tx: sms.settle(tx, message, "sent", attempts))
        self._queue.settled(message)

    async def _give_up(self, message: str, attempts: int, reason: str) -> None:
        _log.error("sms given up", id=message, attempts=attempts, reason=reason)
        self._metrics.faults.labels("sms").inc()
        await self._database.write(lambda tx: sms.settle(tx, message, "failed", attempts, reason))
        self._queue.settled(message)

    async def _run(self) -> None:
        while True:
            self._queue.wake.clear()
            try:
                pause = await self._round()
            except (Overloaded, sa.exc.OperationalError) as error:  # the rows wait
                _log.warning("sms queue not read", reason=f"{type(error).__name__}: {error}")
                pause = _FIRST_PAUSE_S
            try:
                async with asyncio.timeout(pause):
                    await self._queue.wake.wait()
            except TimeoutError:
                continue

    async def _round(self) -> float:
        """Send what is due; returns the seconds until there is something again."""
        while await self.send_due() == _BATCH:
            pass
        next_due = await self._database.read(sms.next_due)
        return _IDLE_S if next_due is None else min(_IDLE_S, max(0.0, next_due - self._clock()))

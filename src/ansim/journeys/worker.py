"""The loops of journeys: reports are taken in batches, the clock is kept, old tracks are deleted."""

import asyncio
import time
from collections import deque
from typing import NamedTuple

import sqlalchemy as sa

from ansim.core import logs
from ansim.core.database import Overloaded
from ansim.core.metrics import Metrics
from ansim.journeys.service import Heard, JourneyService

_log = logs.get("journeys")
TICK_S = 1.0
_GATHER_S = 0.02
_MOST_WAITING = 20_000
_BATCH = 2_000
_FORGET_EVERY_S = 600.0


class _Waiting(NamedTuple):
    heard: Heard
    done: asyncio.Future[None]
    since: float


class JourneyWorker:
    """Feeds the service. ``kept_s`` is how long the track of a journey that ended well is kept."""

    def __init__(self, service: JourneyService, metrics: Metrics, *, kept_s: float) -> None:
        self._service = service
        self._metrics = metrics
        self._kept_s = kept_s
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        metrics.queue("journey_reports", self._reading)
        metrics.gauge("ansim_journeys_open", "Journeys under way", lambda: len(service.fleet))

    async def start(self) -> None:
        """Begin; what is on disk is taken up beside, the most urgent first."""
        loops = (self._take_up(), self._take(), self._keep_clock(), self._forget())
        self._tasks = [asyncio.create_task(one, name="journeys") for one in loops]

    async def stop(self) -> None:
        """End; whoever waits for an answer hears that there is none."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._queue:
            self._queue.popleft().done.cancel()

    async def hear(self, heard: Heard) -> None:
        """Take one phone's report; durable when it returns. Overloaded when too many wait."""
        if len(self._queue) >= _MOST_WAITING:
            raise Overloaded("too many journey reports wait")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(heard, done, time.monotonic()))
        self._wake.set()
        await done

    async def _take_up(self) -> None:
        count = 0
        while True:
            try:
                async for some in self._service.take_up():
                    count += some
                break
            except sa.exc.OperationalError as error:  # none may be forgotten: from the start again
                _log.error("journeys not taken up yet", reason=str(error))
                await asyncio.sleep(TICK_S)
        if count:
            _log.info("journeys taken up", count=count)

    async def _take(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(_GATHER_S)  # one transaction for all that come together
            self._wake.clear()
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(_BATCH, len(self._queue)))]
                await self._one(batch)

    async def _one(self, batch: list[_Waiting]) -> None:
        try:
            await self._service.hear([one.heard for one in batch])
        except Exception as error:  # noqa: BLE001 - each phone must hear that its report is not kept
            self._metrics.faults.labels("journeys").inc()
            _log.error("reports not kept", count=len(batch), reason=repr(error))
            for one in batch:
                if not one.done.done():
                    one.done.set_exception(error)
            return
        for one in batch:
            if not one.done.done():
                one.done.set_result(None)

    async def _keep_clock(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self._service.tick()
            except Exception as error:  # noqa: BLE001 - the next tick finds the same journeys due again
                self._metrics.faults.labels("journeys").inc()
                _log.error("clock not kept", reason=repr(error))

    async def _forget(self) -> None:
        while True:
            try:
                await self._service.forget_tracks(self._kept_s)
            except (Overloaded, sa.exc.OperationalError) as error:
                _log.warning("tracks not deleted yet", reason=str(error))
            await asyncio.sleep(_FORGET_EVERY_S)

    def _reading(self) -> tuple[int, float]:
        return len(self._queue), time.monotonic() - self._queue[0].since if self._queue else 0.0

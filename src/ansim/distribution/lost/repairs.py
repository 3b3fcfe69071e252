"""What clients get wrong, told to the hub's operator as discrepancy reports, beside the answers.

A report names the fault and the network it came from, never the client alone and never the place that was
asked for: it may be where somebody stands in danger.
"""

import asyncio
import ipaddress
import time

import sqlalchemy as sa
from prometheus_client import Counter

from ansim.core import logs
from ansim.core.database import Overloaded
from ansim.core.metrics import Metrics
from ansim.distribution.discrepancies import Discrepancies, Fault

OWNER = "hub"
WAITING = 200
"""Different faults that wait to be written; more are counted only."""
AGAIN_S = 600.0
"""The same fault of the same client is written once in this time."""
REMEMBERED = 10_000

_log = logs.get("lost")


class Repairs:
    """Files what the lenient reading put right; never holds up an answer."""

    def __init__(self, discrepancies: Discrepancies, metrics: Metrics) -> None:
        self._discrepancies = discrepancies
        self._queue: asyncio.Queue[tuple[float, Fault]] = asyncio.Queue(WAITING)
        self._told: dict[tuple[str, str], float] = {}
        self._oldest = 0.0
        self._task: asyncio.Task[None] | None = None
        self._count = Counter(
            "ansim_lost_repairs_total", "Faults in LoST requests", ["kind"], registry=metrics.registry
        )
        metrics.queue("lost_repairs", self._reading)

    async def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="lost-repairs")

    async def stop(self) -> None:
        """Write what waits, then end."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        faults = [self._queue.get_nowait()[1] for _ in range(self._queue.qsize())]
        await self._write(faults)

    def note(self, kind: str, address: str) -> None:
        """A request of ``address`` had this fault."""
        self._count.labels(kind).inc()
        now = time.monotonic()
        network = network_of(address)
        if now - self._told.get((kind, network), -AGAIN_S) < AGAIN_S:
            return
        if len(self._told) >= REMEMBERED:
            self._told.clear()
        detail = f"LoST request from {network}: {kind}"
        try:
            self._queue.put_nowait((now, Fault(source="lost", kind=kind, owners=(OWNER,), detail=detail)))
        except asyncio.QueueFull:  # counted above
            return
        self._told[(kind, network)] = now

    async def _run(self) -> None:
        while True:
            self._oldest, first = await self._queue.get()
            faults = [first, *(self._queue.get_nowait()[1] for _ in range(self._queue.qsize()))]
            await self._write(faults)
            self._oldest = 0.0

    async def _write(self, faults: list[Fault]) -> None:
        if not faults:
            return
        try:
            await self._discrepancies.file(faults)
        except (Overloaded, sa.exc.SQLAlchemyError) as error:
            _log.warning("discrepancy reports lost", count=len(faults), reason=str(error))

    def _reading(self) -> tuple[int, float]:
        depth = self._queue.qsize() + (1 if self._oldest else 0)
        return depth, time.monotonic() - self._oldest if self._oldest else 0.0


def network_of(address: str) -> str:
    """The network of an address: enough to find whose software it is, too little to find a person."""
    try:
        given = ipaddress.ip_address(address)
    except ValueError:
        return "an unknown network"
    return str(ipaddress.ip_network(f"{given}/{24 if given.version == 4 else 48}", strict=False))

"""Cameras opened with the press, before the alarm: when the operator looks, the pictures are already there.

Nobody sees anything by this: a picture leaves the gateway only for somebody with a permit. If the press is
cancelled or the incident ends, the cameras are let go.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ansim.cameras.sources import CameraSource
from ansim.core import logs
from ansim.core.metrics import Metrics
from ansim.incidents.model import Incident
from ansim.video.gateway import VideoGateway

_log = logs.get("video")

LikelyCameras = Callable[[str], Awaitable[Sequence[CameraSource]]]
"""The cameras that most probably see the person of an incident, best first."""

MOST = 6
"""Cameras kept open for one incident: a wall of four, and where she may come out next."""


class Prewarmer:
    """Keeps the likely cameras of each open incident open. Give its methods to the journal's listeners."""

    def __init__(
        self, gateway: VideoGateway, code: str, likely: LikelyCameras, metrics: Metrics | None = None
    ) -> None:
        self._gateway, self._code, self._likely, self._metrics = gateway, code, likely, metrics
        self._open: set[str] = set()
        self._again: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def on_incident(self, incident: Incident) -> None:
        """An incident has changed."""
        concerned = self._code in incident.co_alarmed or (
            incident.owner is not None and incident.owner.code == self._code
        )
        if incident.open and concerned:
            self._open.add(incident.id)
            self._choose(incident.id)
        elif incident.id in self._open:
            self._open.discard(incident.id)
            self._gateway.release(incident.id)

    def on_moved(self, incident: Incident) -> None:
        """The person of an incident has moved."""
        if incident.id in self._open:
            self._choose(incident.id)

    async def settled(self) -> None:
        """Wait until every choice under way is made."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values())

    async def stop(self) -> None:
        """Choose no more."""
        self._open.clear()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _choose(self, incident: str) -> None:
        """One choice at a time for an incident; what changes meanwhile leads to one more."""
        if incident in self._tasks:
            self._again.add(incident)
            return
        task = asyncio.create_task(self._warm(incident), name="prewarm")
        self._tasks[incident] = task
        task.add_done_callback(lambda _: self._done(incident))

    def _done(self, incident: str) -> None:
        self._tasks.pop(incident, None)
        if incident in self._again:
            self._again.discard(incident)
            if incident in self._open:
                self._choose(incident)

    async def _warm(self, incident: str) -> None:
        try:
            sources = await self._likely(incident)
        except Exception as error:  # noqa: BLE001 - an alarm goes on without warm cameras
            _log.error("cameras not prewarmed", incident=incident, reason=repr(error))
            if self._metrics is not None:
                self._metrics.faults.labels("prewarm").inc()
            return
        if incident in self._open:  # it may have been cancelled meanwhile
            self._gateway.prewarm(incident, sources[:MOST])

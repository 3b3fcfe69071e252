"""Which cameras are recorded now: those somebody watches and those that most likely see her, while the
incident is open. Driven by events; a recorder that fails is begun anew after a pause.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from ansim.core import logs
from ansim.core.database import Database, Overloaded
from ansim.core.metrics import Metrics
from ansim.core.sealing import SealBroken
from ansim.incidents import store as incidents
from ansim.incidents.model import Incident
from ansim.incidents.positions import Position
from ansim.video.evidence import store
from ansim.video.evidence.keys import Destroyed
from ansim.video.evidence.model import Wanted, to_record
from ansim.video.evidence.recorder import Parts, Recorder, end
from ansim.video.evidence.vault import DiskFull
from ansim.video.grants.live import Live
from ansim.video.model import MediaFault
from ansim.video.viewing import Viewer

_log = logs.get("footage")

BEST = 4
"""So many of the cameras that most likely see her are recorded without anybody looking."""
MOST_AN_INCIDENT = 12
MOST = 48
LINGER_S = 20.0
"""A camera that is no longer wanted is recorded so much longer: she may come back into its view."""
RETRY_S = 5.0
_QUIET_S = 1.0

BestOf = Callable[[str], Awaitable[Sequence[tuple[str, str]]]]
"""(camera id, name) of an incident's cameras, the one that most likely sees her first."""
Open = Callable[[str], Awaitable[Viewer | None]]
"""A tap on a camera; None when nothing is known of how to reach it. Raises MediaFault."""


class _Running(Struct):
    """One recorder and its task; ``unwanted_since`` is 0 while it is wanted."""

    recorder: Recorder
    task: asyncio.Task[None]
    unwanted_since: float = 0.0


class FootageDirector:
    """Starts and stops the recorders of a center."""

    def __init__(
        self,
        *,
        parts: Parts,
        live: Live,
        best_of: BestOf,
        open_tap: Open,
        metrics: Metrics,
    ) -> None:
        self._parts = parts
        self._database: Database = parts.database
        self._live = live
        self._best_of = best_of
        self._open_tap = open_tap
        self._metrics = metrics
        self._cases: set[str] = set()
        self._running: dict[tuple[str, str], _Running] = {}
        self._paused: dict[tuple[str, str], float] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        parts.journal.listeners.append(self._on_incident)
        parts.journal.position_listeners.append(self._on_positions)
        live.watch_listeners.append(self._wake.set)
        metrics.gauge("ansim_recordings", "Cameras being recorded", lambda: len(self._running))

    async def start(self) -> None:
        """End what the process before left open, take up open incidents, and go on."""

        def read(conn: Connection) -> tuple[list[str], list[Incident | None]]:
            left = [one.id for one in store.unended(conn)]
            return left, [incidents.load(conn, one) for one in incidents.open_ids(conn)]

        left, known = await self._database.read(read)
        for recording in left:
            await end(self._parts, recording)
        for incident in known:
            if incident is not None:
                self._on_incident(incident)
        self._task = asyncio.create_task(self._run(), name="footage-director")

    async def stop(self) -> None:
        """Record what has come, end every recording."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for running in self._running.values():
            running.recorder.stop()
        await asyncio.gather(*(one.task for one in self._running.values()), return_exceptions=True)
        self._running.clear()

    def nudge(self) -> None:
        """The choice of cameras has changed."""
        self._wake.set()

    def _on_incident(self, incident: Incident) -> None:
        if to_record(incident, self._parts.code):
            self._cases.add(incident.id)
        elif incident.id in self._cases:
            self._cases.discard(incident.id)
            for (case, _), running in self._running.items():
                if case == incident.id:
                    running.recorder.stop()
        self._wake.set()

    def _on_positions(self, _incident: Incident, _new: list[Position]) -> None:
        self._wake.set()

    async def _run(self) -> None:
        while True:
            timeout = LINGER_S if self._running else None
            if self._paused:
                timeout = RETRY_S
            with contextlib.suppress(TimeoutError):  # time alone ends what lingered, and allows another try
                await asyncio.wait_for(self._wake.wait(), timeout)
            self._wake.clear()
            try:
                await self.settle()
            except (Overloaded, sa.exc.SQLAlchemyError) as error:
                self._fault("which cameras to record could not be read", error)
                self._wake.set()
            await asyncio.sleep(_QUIET_S)

    async def settle(self) -> None:
        """Bring the recorders to what is wanted now."""
        at = time.monotonic()
        wanted: dict[tuple[str, str], tuple[str, Wanted]] = {}
        for incident in sorted(self._cases):
            for camera, name, why in (await self._wanted(incident))[:MOST_AN_INCIDENT]:
                wanted[(incident, camera)] = (name, why)
        for key, running in list(self._running.items()):
            if running.task.done():
                continue
            if key in wanted:
                running.unwanted_since = 0.0
            elif not running.unwanted_since:
                running.unwanted_since = at
            elif at - running.unwanted_since >= LINGER_S:
                running.recorder.stop()
        self._paused = {key: until for key, until in self._paused.items() if until > at and key in wanted}
        for key, (name, why) in wanted.items():
            if key not in self._running and key not in self._paused and len(self._running) < MOST:
                await self._begin(key, name, why)

    async def _wanted(self, incident: str) -> list[tuple[str, str, Wanted]]:
        watched = {
            hold.grant.camera: hold.grant.camera_name
            for hold in self._live.of_incident(incident)
            if hold.sockets
        }
        best = [one for one in (await self._best_of(incident))[:BEST] if one[0] not in watched]
        return [
            *((camera, name, "watched") for camera, name in watched.items()),
            *((camera, name, "best") for camera, name in best),
        ]

    async def _begin(self, key: tuple[str, str], name: str, why: Wanted) -> None:
        incident, camera = key
        try:
            tap = await self._open_tap(camera)
        except (MediaFault, SealBroken) as error:
            self._pause(key, error)
            return
        if tap is None:  # nothing to record: asked again with the next change
            return
        recorder = Recorder(self._parts, tap, incident, camera, name, why)
        task = asyncio.create_task(self._record(key, recorder), name=f"record-{camera}")
        self._running[key] = _Running(recorder, task)

    async def _record(self, key: tuple[str, str], recorder: Recorder) -> None:
        try:
            await recorder.run()
        except (MediaFault, DiskFull, Destroyed, SealBroken, OSError, Overloaded) as error:
            self._pause(key, error)
        except sa.exc.SQLAlchemyError as error:
            self._pause(key, error)
        else:
            if key[0] in self._cases:
                self._paused[key] = time.monotonic() + _QUIET_S
        finally:
            del self._running[key]
            self._wake.set()

    def _pause(self, key: tuple[str, str], error: Exception) -> None:
        self._paused[key] = time.monotonic() + RETRY_S
        self._fault("camera not recorded", error, camera=key[1])

    def _fault(self, text: str, error: Exception, **more: str) -> None:
        self._metrics.faults.labels("footage").inc()
        _log.error(text, reason=f"{type(error).__name__}: {error}", **more)

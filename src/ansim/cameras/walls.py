"""The walls of open incidents: which cameras are shown for each, told on as soon as that changes."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from msgspec import Struct

from ansim.cameras.buildings import Buildings, Views
from ansim.cameras.choice import Choice, Wall
from ansim.cameras.model import Camera
from ansim.cameras.registry import CameraRegistry
from ansim.cameras.select import Selection, seen_together, select, told
from ansim.core.clock import iso, now
from ansim.geo.track import Estimate, Fix, Track, follow

FixesOf = Callable[[str], Awaitable[Sequence[Fix] | None]]
"""An incident's fixes, ``at_s`` being seconds since the epoch; None when it is over or not known here."""

TILES = 9
EVERY_S = 2.0
"""How often a wall is thought over while nothing is heard of her: her uncertainty grows."""
MOST = 200
"""Walls remembered; the longest unasked are forgotten, which costs them their steadiness only."""
AVOID_S = 30.0


class _State(Struct):
    """What is remembered of one wall: its tiles as (camera id, since when), and what was told last."""

    tiles: list[tuple[str, float]] = []
    wall: Wall | None = None


class Walls:
    """Chooses for each incident, and remembers what was shown.

    ``current`` gives the registry in force, ``details`` cameras by id. One thread does the choosing, so that
    the event loop never waits for geometry.
    """

    def __init__(
        self,
        *,
        current: Callable[[], Awaitable[CameraRegistry]],
        details: Callable[[Sequence[str]], Awaitable[dict[str, Camera]]],
        fixes_of: FixesOf,
        buildings: Buildings | None = None,
        clock: Callable[[], float] = time.time,
        every_s: float = EVERY_S,
    ) -> None:
        self._current = current
        self._details = details
        self._fixes_of = fixes_of
        self._views = None if buildings is None else Views(buildings)
        self._clock = clock
        self._every_s = every_s
        self._states: dict[str, _State] = {}
        self._avoided: dict[str, float] = {}
        self._news: dict[str, set[asyncio.Event]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="camera-choice")

    def close(self) -> None:
        """End the choosing thread."""
        self._thread.shutdown(wait=True)

    async def wall(self, incident: str, count: int = TILES) -> Wall | None:
        """The wall of an incident now; None when it is over, not known, or nobody knows where she is."""
        async with self._turns.setdefault(incident, asyncio.Lock()):
            fixes = await self._fixes_of(incident)
            track = None if fixes is None else follow(fixes)
            if track is None:
                self._forget(incident)
                return None
            return await self._think(incident, track, count)

    async def follow(self, incident: str, count: int = TILES) -> AsyncIterator[Wall]:
        """The wall, and again whenever it changes; ends when the incident does."""
        news = asyncio.Event()
        self._news.setdefault(incident, set()).add(news)
        shown: Wall | None = None
        try:
            while True:
                news.clear()
                wall = await self.wall(incident, count)
                if wall is None:
                    if await self._fixes_of(incident) is None:
                        return
                elif shown is None or wall.revision != shown.revision:
                    shown = wall
                    yield wall
                try:
                    await asyncio.wait_for(news.wait(), self._every_s)
                except TimeoutError:
                    continue
        finally:
            self._news[incident].discard(news)
            if not self._news[incident]:
                del self._news[incident]

    def moved(self, incident: str) -> None:
        """Something is new about an incident: whoever follows its wall thinks again at once."""
        for news in self._news.get(incident, ()):
            news.set()

    def avoid(self, camera_id: str, seconds: float = AVOID_S) -> None:
        """Do not choose a camera for a while (it gives no picture)."""
        self._avoided[camera_id] = self._clock() + seconds
        for incident in list(self._news):
            self.moved(incident)

    def _forget(self, incident: str) -> None:
        self._states.pop(incident, None)
        if incident not in self._news:
            self._turns.pop(incident, None)

    async def _think(self, incident: str, track: Track, count: int) -> Wall:
        registry = await self._current()
        at_s = self._clock()
        state = self._states.pop(incident, None) or _State()
        self._states[incident] = state
        while len(self._states) > MOST:
            self._states.pop(next(iter(self._states)))
        self._avoided = {key: until for key, until in self._avoided.items() if until > at_s}
        estimate = track.at(at_s)
        selection = await asyncio.get_running_loop().run_in_executor(
            self._thread, self._choose, registry, estimate, track, state, count, at_s
        )
        ids = [registry.id(int(selection.candidates[tile.camera])) for tile in selection.tiles]
        known = await self._details(ids)
        state.tiles = [(key, tile.since_s) for key, tile in zip(ids, selection.tiles, strict=True)]
        choices = tuple(
            told(
                selection, tile, known[key], estimate, bool(registry.live[selection.candidates[tile.camera]])
            )
            for key, tile in zip(ids, selection.tiles, strict=True)
            if key in known
        )
        together = round(seen_together(selection), 3)
        before = state.wall
        changed = before is None or _what(before.choices) != _what(choices)
        revision = (before.revision if before else 0) + int(changed)
        state.wall = Wall(
            incident=incident, at=iso(now()), revision=revision, choices=choices, together=together
        )
        return state.wall

    def _choose(
        self,
        registry: CameraRegistry,
        estimate: Estimate,
        track: Track,
        state: _State,
        count: int,
        at_s: float,
    ) -> Selection:
        shown = registry.places([key for key, _ in state.tiles]) if state.tiles else {}
        avoided = registry.places(list(self._avoided)) if self._avoided else {}
        return select(
            registry,
            estimate,
            count,
            previous=[(shown[key], since) for key, since in state.tiles if key in shown],
            at_s=at_s,
            pace_mps=track.pace_mps,
            views=self._views,
            avoid=np.array(sorted(avoided.values()), dtype=np.intp),
        )


def _what(choices: Sequence[Choice]) -> list[tuple[str, str, float]]:
    """What makes one wall another: which cameras, in which places, what for, and roughly how good."""
    return [(one.id, one.purpose, round(one.probability, 1)) for one in choices]

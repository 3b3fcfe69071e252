"""Use cases of the camera registry: which cameras are near, which are in a box, what is stored."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import numpy as np
from msgspec import Struct
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from ansim.cameras import store
from ansim.cameras.buildings import Buildings
from ansim.cameras.choice import Wall
from ansim.cameras.model import Camera, Ranked
from ansim.cameras.ranking import place, ranked
from ansim.cameras.registry import REACH_M, CameraRegistry
from ansim.cameras.sources import CameraSource, Connections, all_connected
from ansim.cameras.store import Written
from ansim.cameras.walls import TILES, FixesOf, Walls
from ansim.core import logs
from ansim.core.database import Database, Tx
from ansim.core.language import Language
from ansim.geo.shape import require_position

_log = logs.get("cameras")

BOX_LIMIT = 5_000
CHECK_S = 2.0
"""How old the knowledge of the table may be before a question looks whether it changed."""
_CANDIDATES = 96
"""Nearest cameras among which the ranking chooses, at least; beyond them nothing sees her better."""


class CamerasInBox(Struct, frozen=True, kw_only=True):
    """``cameras`` of a box, and how many there are in ``total``: more than given when the box is full."""

    cameras: list[Camera]
    total: int


async def nobody(_incident: str) -> None:
    """A node without incidents."""


class CameraService:
    """The cameras of one node. Call :meth:`start` once the schema is there.

    ``connections`` are how the node reaches them; without any it knows where cameras are, but not their
    streams. ``fixes_of`` tells where the person of an incident was; ``buildings`` what stands in the way.
    """

    def __init__(
        self,
        database: Database,
        connections: Connections | None = None,
        *,
        fixes_of: FixesOf = nobody,
        buildings: Buildings | None = None,
    ) -> None:
        self._database = database
        self.connections = connections
        self.walls = Walls(
            current=self._current, details=self._details, fixes_of=fixes_of, buildings=buildings
        )
        self._registry: CameraRegistry | None = None
        self._revision = -1
        self._checked = 0.0
        self._loading = asyncio.Lock()
        self._taking_up: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._registry) if self._registry is not None else 0

    async def start(self) -> None:
        """Read the table into memory."""
        await self.refresh()

    async def refresh(self) -> bool:
        """Take up the table as it is now; returns whether it had changed.

        Questions are answered from the old registry until the new one stands.
        """
        async with self._loading:
            self._checked = time.monotonic()
            revision = await self._database.read(store.revision)
            if self._registry is not None and revision == self._revision:
                return False
            self._registry, self._revision = await self._database.read(_read)
            _log.info("cameras loaded", count=len(self), revision=self._revision)
            return True

    async def near(
        self, lat: float, lon: float, radius_m: float, limit: int, language: Language
    ) -> list[Ranked]:
        """The best ``limit`` cameras for a person within ``radius_m`` of a place, best first.

        Only cameras within 3 km of her circle count; none there is an empty list. Raises ValueError for
        what is no place.
        """
        require_position(lat, lon, radius_m)
        registry = await self._current()
        candidates = registry.nearest(lat, lon, max(_CANDIDATES, 4 * limit), REACH_M + radius_m)
        placings = place(registry.cameras.take(candidates), lat, lon, radius_m, limit)
        ids = [registry.id(int(candidates[one.place])) for one in placings]
        details = await self._details(ids)
        standing = [(details[key], one) for key, one in zip(ids, placings, strict=True) if key in details]
        return [ranked(camera, one, number, language) for number, (camera, one) in enumerate(standing, 1)]

    async def in_box(
        self, west: float, south: float, east: float, north: float, limit: int = BOX_LIMIT
    ) -> CamerasInBox:
        """The cameras in a box of degrees, at most ``limit``, thinned evenly when there are more."""
        registry = await self._current()
        places, total = registry.in_box(west, south, east, north, limit)
        ids = [registry.id(int(one)) for one in places]
        details = await self._details(ids)
        return CamerasInBox(cameras=[details[key] for key in ids if key in details], total=total)

    async def camera(self, camera_id: str) -> Camera | None:
        """A camera by its id; None when there is none."""
        return (await self._details([camera_id])).get(camera_id)

    async def source(self, camera_id: str) -> CameraSource | None:
        """How to reach a camera, for the node's own parts only; None when that is not on record."""
        if self.connections is None:
            return None
        camera = await self.camera(camera_id)
        return None if camera is None else await self.connections.source(camera_id, camera.name)

    async def wall(self, incident: str, count: int = TILES) -> Wall | None:
        """The cameras to show for an incident, in the order of the wall's tiles.

        None when it is over, not known here, or nobody knows where she is. The tiles are steady: they change
        only where another camera is clearly better (see ``steady.py``).
        """
        return await self.walls.wall(incident, count)

    def follow_wall(self, incident: str, count: int = TILES) -> AsyncIterator[Wall]:
        """:meth:`wall`, and again whenever it changes; ends with the incident."""
        return self.walls.follow(incident, count)

    async def seed(self, cameras: Sequence[Camera]) -> Written:
        """Put cameras into the table, harmless when they are there already, and take them up."""

        def write(tx: Tx) -> Written:
            written = store.put(tx, cameras)
            if written.added or written.changed:
                store.mark_changed(tx)
            return written

        written = await self._database.write(write)
        await self.refresh()
        return written

    async def _details(self, ids: Sequence[str]) -> dict[str, Camera]:
        """Cameras by id; one removed since the registry was read is left out."""
        found = await self._database.read(lambda conn: store.by_ids(conn, ids))
        return {one.id: one for one in found}

    async def _current(self) -> CameraRegistry:
        """The registry at hand; looks beside the question whether the table has changed."""
        if self._registry is None:
            await self.refresh()
        elif time.monotonic() - self._checked > CHECK_S and self._taking_up is None:
            self._taking_up = asyncio.create_task(self._take_up(), name="refresh-cameras")
        assert self._registry is not None
        return self._registry

    async def _take_up(self) -> None:
        try:
            await self.refresh()
        except SQLAlchemyError as error:
            _log.error("the camera table cannot be read; the cameras known so far stay", reason=str(error))
        finally:
            self._taking_up = None


def _read(conn: Connection) -> tuple[CameraRegistry, int]:
    """The registry as the tables make it, and their revision."""
    ids, columns = store.read_columns(conn)
    connected = np.array([one.encode() for one in all_connected(conn)], dtype=np.bytes_)
    live = np.isin(ids, connected) if len(connected) else None
    return CameraRegistry(ids, columns, live), store.revision(conn)

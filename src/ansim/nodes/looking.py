"""A center's eyes put together: the gateway, the grants in front of it, and the footage."""

from collections.abc import Sequence

from litestar.handlers import BaseRouteHandler
from sqlalchemy.engine import Connection

from ansim.cameras import store as camera_store
from ansim.cameras.service import CameraService
from ansim.cameras.sources import CameraSource
from ansim.core.actors import Actor
from ansim.core.database import Tx
from ansim.core.sealing import Sealer
from ansim.core.secrets import encryption_key
from ansim.incidents.journal import Journal
from ansim.nodes.letters import LOOK, LookBody
from ansim.nodes.parts import Parts
from ansim.video.api import video_routes
from ansim.video.evidence import recorder
from ansim.video.evidence.api import footage_routes
from ansim.video.evidence.keys import KEY, FootageKeys
from ansim.video.evidence.retention import Retention
from ansim.video.evidence.service import FootageService
from ansim.video.evidence.vault import Vault
from ansim.video.evidence.worker import BEST, FootageDirector
from ansim.video.gateway import Gateway
from ansim.video.grants.api import grant_routes
from ansim.video.grants.model import Eye
from ansim.video.grants.permit import permits
from ansim.video.grants.service import Grants
from ansim.video.grants.worker import GrantKeeper
from ansim.video.prewarming import Prewarmer
from ansim.video.viewing import Viewer

FOOTAGE = "footage"


class Looking:
    """Everything between a camera and somebody who may see it. ``start`` after the cameras."""

    def __init__(self, parts: Parts, journal: Journal, cameras: CameraService, gateway: Gateway) -> None:
        self._parts = parts
        self._cameras = cameras
        self.gateway = gateway
        settings = parts.settings

        def tell(tx: Tx, actor: Actor, subject: str, incident: str, what: str, why: str) -> None:
            look = LookBody(actor=actor, subject=subject, incident=incident, what=what, why=why)
            parts.outbox.put(tx, ["hub"], LOOK, look)

        self.grants = Grants(
            database=parts.database,
            journal=journal,
            ledger=parts.ledger,
            people=parts.people,
            code=settings.code,
            eye_of=_eye_of,
            tell=tell,
            metrics=parts.metrics,
        )
        self._keeper = GrantKeeper(parts.database, self.grants, parts.ledger, parts.people, parts.metrics)
        self._keys = FootageKeys(Sealer(encryption_key(settings.data_dir, KEY)))
        self._vault = Vault(settings.data_dir / FOOTAGE)
        self._director = FootageDirector(
            parts=recorder.Parts(
                database=parts.database,
                journal=journal,
                ledger=parts.ledger,
                keys=self._keys,
                vault=self._vault,
                code=settings.code,
                written=lambda _size: None,
            ),
            live=self.grants.live,
            best_of=self._best_of,
            open_tap=self._tap,
            metrics=parts.metrics,
        )

        self._footage = FootageService(parts.database, parts.ledger, self.grants, self._keys, self._vault)
        self._retention = Retention(
            parts.database,
            parts.ledger,
            self._keys,
            self._vault,
            parts.metrics,
            code=settings.code,
            days=settings.policy.footage_days,
        )
        self._prewarmer = Prewarmer(gateway, settings.code, self._likely, parts.metrics)
        journal.listeners.append(self._prewarmer.on_incident)
        journal.position_listeners.append(lambda incident, _: self._prewarmer.on_moved(incident))

    def routes(self) -> list[BaseRouteHandler]:
        """The routes of video."""
        people = self._parts.people
        return [
            *video_routes(self.gateway, permits(self.grants, people, self._cameras.source)),
            *grant_routes(self.grants, people),
            *footage_routes(self._footage),
        ]

    async def start(self) -> None:
        """End what the process before left, then watch."""
        await self._keeper.start()
        await self._director.start()
        await self._retention.start()

    async def stop(self) -> None:
        """End every look and every recording, then close the cameras."""
        await self._retention.stop()
        await self._prewarmer.stop()
        await self._director.stop()
        await self._keeper.stop()
        await self.gateway.close()

    async def _best_of(self, incident: str) -> Sequence[tuple[str, str]]:
        wall = await self._cameras.wall(incident)
        if wall is None:
            return []
        return [(one.id, one.name) for one in wall.choices if one.live][:BEST]

    async def _likely(self, incident: str) -> list[CameraSource]:
        best = await self._best_of(incident)
        found = [await self._cameras.source(camera) for camera, _ in best]
        return [source for source in found if source is not None]

    async def _tap(self, camera: str) -> Viewer | None:
        source = await self._cameras.source(camera)
        return None if source is None else self.gateway.recorder_tap(source)


def _eye_of(conn: Connection, camera_id: str) -> Eye | None:
    found = camera_store.by_ids(conn, [camera_id])
    if not found:
        return None
    one = found[0]
    return Eye(id=one.id, name=one.name, lat=one.lat, lon=one.lon, heading=one.heading, fov_deg=one.fov_deg)

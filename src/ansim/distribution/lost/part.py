"""The LoST server of a hub, put together from its settings."""

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from litestar.handlers import ASGIRouteHandler

from ansim.core import logs
from ansim.core.actors import Actor
from ansim.core.clock import now
from ansim.core.database import Database, Overloaded, Tx
from ansim.core.metrics import Metrics
from ansim.core.settings import Settings
from ansim.distribution.discrepancies import Discrepancies
from ansim.distribution.lost.api import LostEndpoint, lost_routes
from ansim.distribution.lost.mappings import Contact
from ansim.distribution.lost.model import LostError
from ansim.distribution.lost.peers import Peers
from ansim.distribution.lost.repairs import Repairs
from ansim.distribution.lost.service import LostServer
from ansim.distribution.lost.sync import Sync
from ansim.distribution.service import Distribution
from ansim.geo.shapes import Shape
from ansim.ledger.service import Ledger

PULL_EVERY_S = 600.0
_UNIQUE = re.compile(r"([a-zA-Z0-9-]+\.)+[a-zA-Z0-9]+")

_log = logs.get("lost")


class LostPart:
    """The server, its routes, and what runs beside them."""

    def __init__(
        self,
        settings: Settings,
        distribution: Distribution,
        database: Database,
        ledger: Ledger,
        discrepancies: Discrepancies,
        metrics: Metrics,
        *,
        peers: Peers | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        lost = settings.lost
        self.peers = peers or Peers(lost.peers, lost.parent)
        self.server = LostServer(
            distribution,
            source=source_of(settings),
            default_uri=f"{settings.url}/",
            contacts={
                code: Contact(tuple(one.uris), one.lat, one.lon) for code, one in lost.contacts.items()
            },
            lasts_s=lost.lasts_s,
            elsewhere=self,
            clock=clock,
        )

        def record(tx: Tx, source: str, what: str) -> None:
            actor = Actor(kind="system", id=source, name=source)
            ledger.record(tx, actor=actor, action="admin", what=what, why="위임 구역의 LoST 매핑 동기화")

        self.sync = Sync(
            database,
            distribution,
            self.peers,
            source=self.server.source,
            own=self.server.own_mappings,
            record=record,
            clock=clock,
        )
        self.repairs = Repairs(discrepancies, metrics)
        self.endpoint = LostEndpoint(
            self.server,
            self.sync,
            self.repairs,
            metrics,
            strict=lost.strict,
            per_minute=lost.per_minute,
        )
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def routes(self) -> list[ASGIRouteHandler]:
        """``POST /lost``."""
        return lost_routes(self.endpoint)

    async def start(self) -> None:
        """Take the mappings of others on board, and begin to ask for new ones."""
        await self.sync.load()
        await self.repairs.start()
        self._tasks = [
            asyncio.create_task(asyncio.to_thread(self.server.warm), name="lost-warm"),
            asyncio.create_task(self._pull(), name="lost-sync"),
        ]

    async def stop(self) -> None:
        """End what runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.repairs.stop()
        await self.peers.close()

    def for_codes(self, codes: Sequence[str], *, distant: bool) -> str | None:
        """As :meth:`Peers.for_codes`."""
        return self.peers.for_codes(codes, distant=distant)

    async def ask(self, server: str, body: bytes, path: Sequence[str]) -> bytes:
        """As :meth:`Peers.ask`."""
        return await self.peers.ask(server, body, path)

    def held(self, codes: Sequence[str], service: str, shape: Shape | None, now: datetime) -> list[bytes]:
        """As :meth:`Sync.held`."""
        return self.sync.held(codes, service, shape, now)

    async def _pull(self) -> None:
        """Fetch from the servers that areas are delegated to, now and then."""
        names = [name for name, peer in self.peers.peers.items() if peer.url and peer.secret and peer.codes]
        while names:
            for name in names:
                try:
                    await self.sync.pull(name)
                except (LostError, Overloaded) as error:  # tried again at the next turn
                    _log.warning("mappings not fetched", server=name, reason=str(error))
            await asyncio.sleep(PULL_EVERY_S)


def source_of(settings: Settings) -> str:
    """The server's name in LoST: an appUniqueString, which needs a dot."""
    if settings.lost.source:
        return settings.lost.source
    host = urlsplit(settings.url).hostname or ""
    return host if _UNIQUE.fullmatch(host) else f"{settings.code}.ansim.invalid"

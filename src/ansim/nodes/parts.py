"""The parts that every node has, made from its settings and started in order."""

import asyncio
import time
from collections.abc import Callable, Mapping

import sqlalchemy as sa

from ansim.core import logs
from ansim.core.bus import Bus, Letter
from ansim.core.clock import HybridClock
from ansim.core.commands import database_url
from ansim.core.database import Database, Overloaded, Tx
from ansim.core.feed import Feed
from ansim.core.metrics import Metrics
from ansim.core.migrate import migrate
from ansim.core.nats_server import NatsServer
from ansim.core.outbox import Inbox, Outbox
from ansim.core.secrets import secret, signing_key
from ansim.core.settings import Settings
from ansim.core.tasks import end
from ansim.ledger.commands import KEY
from ansim.ledger.service import HeadHook, Ledger
from ansim.ledger.worker import HeadSigner
from ansim.people.service import PeopleService
from ansim.people.sms import SmsQueue

_log = logs.get("node")
_FEED_KEPT_S = 86_400.0
_PRUNE_EVERY_S = 600.0

Handlers = Mapping[str, Callable[[Tx, Letter], None]]


class Parts:
    """What a hub and a center have in common."""

    def __init__(self, settings: Settings, *, on_head: HeadHook | None = None) -> None:
        self.settings = settings
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.metrics = Metrics()
        self.database = Database(database_url(settings))
        migrate(self.database)
        self.metrics.queue("database", self.database.waiting)
        self.clock = HybridClock()
        self.metrics.gauge("ansim_clock_refused", "Stamps too far ahead", lambda: self.clock.refused)
        self.bus = Bus(settings, _server(settings), secret(settings.data_dir, "bus"))
        self.feed = Feed(self.database, self.metrics)
        self.outbox = Outbox(self.database, self.bus, self.metrics)
        self.ledger = Ledger(settings.code, signing_key(settings.data_dir, KEY), on_head=on_head)
        self.sms_queue = SmsQueue(self.metrics)
        self.people = PeopleService(
            database=self.database,
            ledger=self.ledger,
            settings=settings,
            sms=self.sms_queue if settings.sms != "none" else None,
        )
        self._signer = HeadSigner(self.database, self.ledger)
        self._housekeeping: asyncio.Task[None] | None = None

    async def start(self, handlers: Handlers) -> None:
        """Bus, outbox, inbox, ledger: in the order in which they need each other."""
        await self.bus.start()
        await self.outbox.start()
        Inbox(self.database, self.bus, self.outbox, self.metrics, handlers).start()
        await self._signer.start()
        self._housekeeping = asyncio.create_task(self._prune(), name="housekeeping")

    async def stop(self) -> None:
        """The other way round; what is unfinished is on disk."""
        await end(self._housekeeping)
        await self._signer.stop()
        await self.outbox.stop()
        await self.bus.stop()
        self.people.close()
        await asyncio.to_thread(self.database.close)

    async def ready(self) -> dict[str, bool]:
        """Whether the node can do its work."""
        began = time.monotonic()
        try:
            await self.database.write(lambda tx: tx.execute(sa.text("SELECT 1")).scalar_one())
            stores = time.monotonic() - began < 5
        except (Overloaded, sa.exc.SQLAlchemyError) as error:
            _log.error("database not ready", reason=str(error))
            stores = False
        return {"database": stores, "bus": self.bus.connected}

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(_PRUNE_EVERY_S)
            try:
                await self.feed.prune(_FEED_KEPT_S)
            except (Overloaded, sa.exc.OperationalError) as error:  # tried again, nothing is lost by waiting
                _log.warning("feed not pruned", reason=str(error))


def _server(settings: Settings) -> NatsServer | None:
    """The embedded nats-server, None where the settings name a cluster."""
    if settings.bus.url:
        return None
    remote = None
    if settings.role == "center" and settings.bus.hub_leaf_url:
        user = settings.bus.leaf_user or settings.code
        scheme, _, host = settings.bus.hub_leaf_url.partition("://")
        remote = f"{scheme}://{user}:{settings.bus.leaf_password}@{host}"
    return NatsServer(
        settings.data_dir / "nats",
        name=f"ansim-{settings.code}",
        token=secret(settings.data_dir, "bus"),
        port=settings.bus.port,
        leaf_port=settings.bus.leaf_port if settings.role == "hub" else None,
        leaf_users=settings.centers,
        leaf_remote=remote,
    )

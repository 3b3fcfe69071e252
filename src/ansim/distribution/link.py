"""The link between a center and the hub, as the center sees it, kept honest by heartbeats."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

import msgspec

from ansim.core import logs
from ansim.core.bus import Bus
from ansim.core.clock import iso, now
from ansim.core.feed import Feed
from ansim.distribution.health import BEAT_S, Beat
from ansim.incidents.aid_api import Peer

_log = logs.get("link")
_DOWN_AFTER_S = 3.0
_RESTART_AFTER_S = 30.0


class BeatAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub answers to a heartbeat: its time, and the other centers with their states."""

    now: str
    peers: list[Peer] = []


class HubLink:
    """Beats once a second; ``up`` is what the hub's answers say.

    A leaf link can stop trying for good (nats-server issue 7615). While the hub stays silent, the center's
    own nats-server is therefore restarted every half minute: it holds nothing that the outbox does not.
    """

    def __init__(self, bus: Bus, feed: Feed, beat: Callable[[], Beat]) -> None:
        self._bus = bus
        self._feed = feed
        self._beat = beat
        self.up = False
        self.peers: list[Peer] = []
        self.since: datetime = now()
        self._heard = time.monotonic()
        self._task: asyncio.Task[None] | None = None

    def status(self) -> bytes:
        """What screens are told of the node."""
        return msgspec.json.encode({"hub_link": {"up": self.up, "since": iso(self.since)}, "now": iso(now())})

    def state(self) -> dict[str, object]:
        """For snapshots."""
        return {"up": self.up, "since": iso(self.since)}

    def _tell(self, *, up: bool) -> None:
        if up != self.up:
            self.up, self.since = up, now()
            _log.info("hub link", up=up)
            self._feed.nudge()

    async def start(self) -> None:
        """Begin to beat."""
        self._task = asyncio.create_task(self._run(), name="hub-link")

    async def stop(self) -> None:
        """Stop beating."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        restarted = time.monotonic()
        while True:
            began = time.monotonic()
            subject = f"ansim.hub.{self._bus.node}.beat"
            answer = await self._bus.request(subject, msgspec.json.encode(self._beat()), 1.0)
            clock = time.monotonic()
            if answer is not None:
                self._heard = clock
                self.peers = msgspec.json.decode(answer, type=BeatAnswer).peers
                self._tell(up=True)
            elif clock - self._heard > _DOWN_AFTER_S:
                self._tell(up=False)
                if self._bus.server is not None and clock - max(self._heard, restarted) > _RESTART_AFTER_S:
                    restarted = clock
                    _log.warning(
                        "the hub is silent, restarting the leaf", silent_s=round(clock - self._heard)
                    )
                    self._bus.server.restart()
            await asyncio.sleep(max(0.05, BEAT_S - (time.monotonic() - began)))

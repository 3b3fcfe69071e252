"""The video gateway of a center: cameras opened once for any number of viewers, relayed as they are.

It knows nothing of who may look: whoever calls it has a permit (see ``permits``).
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

from ansim.cameras.sources import CameraSource
from ansim.core import logs
from ansim.core.metrics import Metrics
from ansim.video.model import CameraState, MediaFault, Quality, State, Still, VideoPolicy
from ansim.video.reading import fetch_snapshot
from ansim.video.relay import Relay
from ansim.video.viewing import Viewer

_log = logs.get("video")

Key = tuple[str, Quality]
AskKeyFrame = Callable[[CameraSource, Quality], Awaitable[None]]
"""Asks a camera for a key frame (ONVIF SetSynchronizationPoint); may do nothing, must not raise."""

_STILLS_KEPT = 2_000
_FRESH_S = 2.0
"""A kept still no older than this is given without asking the camera."""
_JOIN_S = 2.0


class VideoGateway(Protocol):
    """What the rest of a node needs of a gateway; the built-in one and the external engines are both this."""

    def watch(self, source: CameraSource, quality: Quality = "sub") -> Viewer:
        """A viewer of a camera (an async context manager and iterator)."""

    async def still(self, source: CameraSource) -> Still:
        """The newest picture. Raises MediaFault when there is none."""

    def prewarm(self, owner: str, sources: Iterable[CameraSource], quality: Quality = "sub") -> None:
        """Keep cameras open for ``owner``, replacing those it had before."""

    def release(self, owner: str) -> None:
        """Let an owner's prewarmed cameras go."""

    def state(self, camera_id: str) -> CameraState:
        """How a camera is doing."""

    async def close(self) -> None:
        """Close every camera."""


class Gateway:
    """Relays cameras without transcoding. Everything but the reading threads runs in one event loop."""

    def __init__(
        self,
        policy: VideoPolicy | None = None,
        *,
        ask_key_frame: AskKeyFrame | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.policy = policy or VideoPolicy()
        self._ask_key_frame = ask_key_frame
        self._relays: dict[Key, Relay] = {}
        self._closings: dict[Key, asyncio.TimerHandle] = {}
        self._held: dict[str, set[Key]] = {}
        self._releases: dict[str, asyncio.TimerHandle] = {}
        self._stills: OrderedDict[str, Still] = OrderedDict()
        self._last: dict[str, CameraState] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._fetching: dict[str, asyncio.Future[Still]] = {}
        self._closed = False
        if metrics is not None:
            metrics.gauge("ansim_cameras_open", "Cameras the gateway has open", lambda: len(self._relays))
            metrics.gauge(
                "ansim_camera_viewers",
                "Consumers of all open cameras",
                lambda: sum(relay.viewers for relay in self._relays.values()),
            )
            metrics.gauge(
                "ansim_cameras_failing",
                "Open cameras that give no picture",
                lambda: sum(relay.state.state is not State.LIVE for relay in self._relays.values()),
            )

    # Watching

    def watch(self, source: CameraSource, quality: Quality = "sub") -> Viewer:
        """A viewer of a camera; entering it opens the camera if need be.

        Entering raises MediaFault when too many cameras are open.
        """
        return self._viewer(source, quality, self.policy)

    def recorder_tap(self, source: CameraSource, quality: Quality = "sub") -> Viewer:
        """A consumer that records: like a viewer, with room for a slow disk."""
        return self._viewer(source, quality, self._recording_policy())

    def relay(self, source: CameraSource, quality: Quality = "sub") -> Relay:
        """The open camera itself, for a consumer of packets; hold it with :meth:`hold` while using it."""
        key = (source.id, quality)
        found = self._relays.get(key)
        if found is not None and found.source != source:  # its address or password was changed
            self._drop(key)
            found = None
        if found is None:
            if self._closed or len(self._relays) >= self.policy.open_cameras:
                raise MediaFault(State.FAILED, "too many cameras are open")
            found = self._relays[key] = Relay(source, quality, self.policy, self._note)
        elif self._ask_key_frame is not None and not found.gop_packets():
            task = asyncio.create_task(_asked(self._ask_key_frame, source, quality))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        if (closing := self._closings.pop(key, None)) is not None:
            closing.cancel()
        return found

    def unused(self, source: CameraSource, quality: Quality) -> None:
        """Call after a consumer has gone: closes the camera a little later if it was the last."""
        self._settle((source.id, quality))

    # Stills

    async def still(self, source: CameraSource) -> Still:
        """The newest picture of a camera: at once when one is kept, else as soon as it gives one.

        A camera that is open answers with its newest key frame, one with an address for stills is asked,
        and any other is opened for a moment. An old picture is better than none: it is given (``taken_at``
        says how old) while a new one is fetched for the next question. Raises MediaFault.
        """
        for quality in ("sub", "main"):
            relay = self._relays.get((source.id, quality))
            if relay is not None and (picture := await relay.still()) is not None:
                self._keep(source.id, picture)
                return picture
        kept = self._stills.get(source.id)
        if kept is not None and time.time() - kept.taken_at <= _FRESH_S:
            return kept
        fetching = self._fetching.get(source.id)
        if fetching is None:
            fetching = asyncio.ensure_future(self._fetch(source))
            self._fetching[source.id] = fetching
            fetching.add_done_callback(lambda done: self._fetched(source.id, done))
        if kept is not None:
            return kept
        return await asyncio.shield(fetching)

    # Keeping warm

    def prewarm(self, owner: str, sources: Iterable[CameraSource], quality: Quality = "sub") -> None:
        """Open cameras before anybody looks; ``owner`` (an incident) holds them until released.

        What the owner held before and does not name again is let go. They are dropped after
        ``prewarm_s`` in any case. A camera too many is left out.
        """
        wanted: set[Key] = set()
        for source in sources:
            try:
                self.relay(source, quality)
            except MediaFault as fault:
                _log.warning("camera not prewarmed", camera=source.id, reason=fault.reason)
                continue
            wanted.add((source.id, quality))
        before = self._held.get(owner, set())
        self._held[owner] = wanted
        for key in before - wanted:
            self._settle(key)
        if (timer := self._releases.pop(owner, None)) is not None:
            timer.cancel()
        self._releases[owner] = asyncio.get_running_loop().call_later(
            self.policy.prewarm_s, self.release, owner
        )

    def release(self, owner: str) -> None:
        """Let an owner's prewarmed cameras go; those somebody watches stay open."""
        if (timer := self._releases.pop(owner, None)) is not None:
            timer.cancel()
        for key in self._held.pop(owner, set()):
            self._settle(key)

    # States

    def state(self, camera_id: str) -> CameraState:
        """How a camera is doing; the state in which it was left when it is not open."""
        for quality in ("main", "sub"):
            relay = self._relays.get((camera_id, quality))
            if relay is not None:
                return relay.told()
        return self._last.get(camera_id) or CameraState(
            camera=camera_id, quality="sub", state=State.OFF, since=0.0
        )

    def open_cameras(self) -> list[CameraState]:
        """Every open camera."""
        return [relay.told() for relay in self._relays.values()]

    async def close(self) -> None:
        """Close every camera and wait a moment for their threads."""
        self._closed = True
        for owner in list(self._held):
            self.release(owner)
        relays = list(self._relays.values())
        for key in list(self._relays):
            self._drop(key)
        waiting: list[asyncio.Future[Any]] = [*self._asking, *self._fetching.values()]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*(asyncio.to_thread(relay.join, _JOIN_S) for relay in relays))

    # Inside

    def _recording_policy(self) -> VideoPolicy:
        return VideoPolicy(
            viewer_fragments=self.policy.viewer_fragments * 8, viewer_bytes=self.policy.viewer_bytes * 4
        )

    def _viewer(self, source: CameraSource, quality: Quality, policy: VideoPolicy) -> Viewer:
        def enter(viewer: Viewer) -> None:
            self.relay(source, quality).attach(viewer)

        def leave(viewer: Viewer) -> None:
            if (relay := self._relays.get((source.id, quality))) is not None:
                relay.detach(viewer)
            self._settle((source.id, quality))

        return Viewer(quality, policy, enter, leave)

    def _settle(self, key: Key) -> None:
        """Close a camera nobody needs, after a while."""
        if not self._needed(key) and key in self._relays and key not in self._closings:
            loop = asyncio.get_running_loop()
            self._closings[key] = loop.call_later(self.policy.linger_s, self._close_unneeded, key)

    def _needed(self, key: Key) -> bool:
        relay = self._relays.get(key)
        watched = relay is not None and relay.viewers > 0
        return watched or any(key in held for held in self._held.values())

    def _close_unneeded(self, key: Key) -> None:
        self._closings.pop(key, None)
        if not self._needed(key):
            self._drop(key)

    def _drop(self, key: Key) -> None:
        relay = self._relays.pop(key, None)
        if relay is None:
            return
        if (closing := self._closings.pop(key, None)) is not None:
            closing.cancel()
        relay.close()
        if relay.state.state in (State.LIVE, State.CONNECTING):
            self._last.pop(key[0], None)
        else:
            self._last[key[0]] = relay.told()
        if not self._closed:
            task = asyncio.create_task(self._keep_last(relay))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _keep_last(self, relay: Relay) -> None:
        """The picture a camera was closed with paints at once next time."""
        try:
            picture = await relay.still()
        except MediaFault as fault:
            _log.info("no last still", camera=relay.source.id, reason=fault.reason)
            return
        if picture is not None:
            self._keep(relay.source.id, picture)

    def _keep(self, camera_id: str, picture: Still) -> None:
        self._stills[camera_id] = picture
        self._stills.move_to_end(camera_id)
        while len(self._stills) > _STILLS_KEPT:
            self._stills.popitem(last=False)

    async def _fetch(self, source: CameraSource) -> Still:
        if source.snapshot_url:
            try:
                jpeg = await asyncio.to_thread(fetch_snapshot, source, self.policy.open_s)
                return Still(jpeg=jpeg, taken_at=time.time())
            except MediaFault as fault:
                _log.info("no snapshot", camera=source.id, state=str(fault.state), reason=fault.reason)
        relay = self.relay(source, "sub")
        try:
            async with asyncio.timeout(self.policy.open_s + self.policy.silence_s):
                await relay.first_key.wait()
            picture = await relay.still()
        except TimeoutError:
            picture = None
        finally:
            self._settle((source.id, "sub"))
        if picture is None:
            raise MediaFault(relay.state.state, "no picture")
        return picture

    def _fetched(self, camera_id: str, done: asyncio.Future[Still]) -> None:
        self._fetching.pop(camera_id, None)
        if not done.cancelled() and done.exception() is None:
            self._keep(camera_id, done.result())

    def _note(self, relay: Relay) -> None:
        self._last.pop(relay.source.id, None)


async def _asked(ask: AskKeyFrame, source: CameraSource, quality: Quality) -> None:
    await ask(source, quality)

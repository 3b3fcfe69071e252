"""One open camera: a reading thread, the group of pictures since the last key frame, and who gets them."""

import asyncio
import random
import threading
import time
from collections import deque
from collections.abc import Callable

import msgspec

from ansim.cameras.sources import CameraSource
from ansim.core import logs
from ansim.video.model import (
    CameraState,
    Fragment,
    Init,
    MediaFault,
    Quality,
    State,
    Still,
    VideoPolicy,
    retry_after,
)
from ansim.video.reading import Read, read
from ansim.video.stills import decode_key_frame
from ansim.video.viewing import Viewer

_log = logs.get("video")

_BACKLOG = 600
"""Packets a busy event loop may leave with the thread; then it goes on from the next key frame."""
_JITTER = 0.2
PacketListener = Callable[[Read], None]


class Relay:
    """A camera's stream in one quality, opened once for everybody. All methods belong to the event loop.

    ``changed`` is called after every change of state.
    """

    def __init__(
        self,
        source: CameraSource,
        quality: Quality,
        policy: VideoPolicy,
        changed: Callable[["Relay"], None] = lambda _: None,
    ) -> None:
        self.source, self.quality = source, quality
        self._policy = policy
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[Read | CameraState | None] = deque()
        self._scheduled = False
        self._stop = threading.Event()
        self._viewers: set[Viewer] = set()
        self.packet_listeners: set[PacketListener] = set()
        self._init: Init | None = None
        self._gop: list[Fragment] = []
        self._gop_packets: list[Read] = []
        self._gop_bytes = 0
        self._skipping = False
        self._key: tuple[Read, float] | None = None
        self._still: Still | None = None
        self._decoding = asyncio.Lock()
        self.first_key = asyncio.Event()
        """Set once a key frame is there (and whenever trying failed: look at the state)."""
        self.state = CameraState(camera=source.id, quality=quality, state=State.CONNECTING, since=time.time())
        self._thread = threading.Thread(target=self._run, name=f"camera-{source.id}", daemon=True)
        self._thread.start()

    @property
    def viewers(self) -> int:
        """How many consumers there are."""
        return len(self._viewers) + len(self.packet_listeners)

    def attach(self, viewer: Viewer) -> None:
        """Give a viewer everything from the last key frame on, and then what comes."""
        self._viewers.add(viewer)
        viewer.offer(self.told())
        if self._init is not None:
            viewer.offer(self._init)
            if self._gop:
                viewer.offer(_joined(self._gop))

    def detach(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        self._viewers.discard(viewer)

    def gop_packets(self) -> list[Read]:
        """The packets since the last key frame, for a consumer that needs them one by one."""
        return list(self._gop_packets)

    def told(self) -> CameraState:
        """The state, with what belongs to the moment."""
        init = self._init
        return msgspec.structs.replace(
            self.state,
            viewers=self.viewers,
            picture_at=self._gop[-1].at if self._gop else self._key[1] if self._key else None,
            codec=init.codec if init else "",
            width=init.width if init else 0,
            height=init.height if init else 0,
        )

    async def still(self) -> Still | None:
        """The newest key frame as a picture; None before there is one."""
        async with self._decoding:
            key, kept = self._key, self._still
            if key is None:
                return kept
            packet, at = key
            if kept is None or kept.taken_at < at:
                jpeg = await asyncio.to_thread(
                    decode_key_frame, packet.codec, packet.extradata, packet.packet
                )
                self._still = kept = Still(jpeg=jpeg, taken_at=at)
            return kept

    def close(self) -> None:
        """Close the camera; its thread ends with the next packet or time limit."""
        self._stop.set()
        for viewer in list(self._viewers):
            viewer.close()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread (blocking)."""
        self._thread.join(timeout_s)

    # In the reading thread

    def _run(self) -> None:
        tries, source = 0, self.source
        while not self._stop.is_set():
            tries += 1
            self._hand(self._seen(State.CONNECTING, tries=tries))
            state, reason = State.FAILED, ""
            try:
                for one in read(source, self.quality, self._policy, self._stop):
                    if tries and one.messages:
                        tries = 0
                        self._hand(self._seen(State.LIVE))
                    self._hand(one)
            except MediaFault as fault:
                state, reason = fault.state, fault.reason
            except Exception as error:  # noqa: BLE001 - whatever a camera provokes, the next try goes on
                state, reason = State.FAILED, type(error).__name__
            if self._stop.is_set():
                return
            pause = retry_after(self._policy, state, tries) * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311
            _log.warning(
                "camera lost", camera=source.id, quality=self.quality, state=str(state), reason=reason,
                tries=tries, retry_in_s=round(pause, 1),
            )  # fmt: skip
            self._hand(self._seen(state, tries=tries, retry_in_s=pause))
            self._stop.wait(pause)

    def _seen(self, state: State, tries: int = 0, retry_in_s: float | None = None) -> CameraState:
        return CameraState(
            camera=self.source.id,
            quality=self.quality,
            state=state,
            since=time.time(),
            tries=tries,
            retry_in_s=None if retry_in_s is None else round(retry_in_s, 1),
        )

    def _hand(self, one: Read | CameraState) -> None:
        """Over to the event loop: one wake-up for however many have gathered."""
        if len(self._inbox) > _BACKLOG:
            self._inbox.clear()
            self._inbox.append(None)
        self._inbox.append(one)
        if not self._scheduled:
            self._scheduled = True
            try:
                self._loop.call_soon_threadsafe(self._take)
            except RuntimeError:  # the loop has ended before the thread
                self._stop.set()

    # In the event loop

    def _take(self) -> None:
        self._scheduled = False
        while True:
            try:
                one = self._inbox.popleft()
            except IndexError:
                return
            if one is None:  # packets are missing here
                self._gop, self._gop_packets, self._skipping = [], [], True
            elif isinstance(one, CameraState):
                self._set_state(one)
            else:
                self._pass_on(one)

    def _set_state(self, state: CameraState) -> None:
        self.state = state
        if state.state not in (State.LIVE, State.CONNECTING):
            self.first_key.set()
        for viewer in self._viewers:
            viewer.offer(self.told())
        self._changed(self)

    def _pass_on(self, one: Read) -> None:
        if one.key:
            self._key = (one, time.time())
            self._gop_packets = []
        if self._gop_packets or one.key:
            self._gop_packets.append(one)
        for listener in list(self.packet_listeners):
            listener(one)
        for message in one.messages:
            if isinstance(message, Init):
                self._init, self._gop, self._gop_bytes = message, [], 0
            elif self._skipping and not message.key:
                continue
            else:
                self._skipping = False
                self._remember(message)
            for viewer in self._viewers:
                viewer.offer(message)
        if one.key:
            self.first_key.set()

    def _remember(self, fragment: Fragment) -> None:
        if fragment.key:
            self._gop, self._gop_bytes = [], 0
        elif not self._gop:
            return
        self._gop_bytes += len(fragment.data)
        if self._gop_bytes > self._policy.gop_bytes:
            self._gop, self._gop_packets, self._gop_bytes = [], [], 0
            return
        self._gop.append(fragment)


def _joined(gop: list[Fragment]) -> Fragment:
    last = gop[-1]
    data = b"".join(one.data for one in gop)
    return Fragment(data=data, key=True, media_s=last.media_s, at=last.at)

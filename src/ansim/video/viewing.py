"""One viewer of a camera: a bounded queue that falls back to the next key frame instead of growing."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Self

from ansim.video.model import CameraState, Fragment, Init, Message, Quality, VideoPolicy


class Viewer:
    """Messages of one camera for one consumer, as an async context manager and iterator.

    First the camera's state, then an :class:`Init` with the fragments since the last key frame in one piece,
    then fragments as they come. ``dropped`` counts those it was too slow for.
    """

    def __init__(
        self,
        quality: Quality,
        policy: VideoPolicy,
        enter: Callable[["Viewer"], None],
        leave: Callable[["Viewer"], None],
    ) -> None:
        self.quality: Quality = quality
        self._fragments, self._bytes = policy.viewer_fragments, policy.viewer_bytes
        self._enter, self._leave = enter, leave
        self._queue: deque[Message] = deque()
        self._waiting_bytes = 0
        self._waiting_fragments = 0
        self._wake = asyncio.Event()
        self._skipping = False
        self._closed = False
        self.dropped = 0

    async def __aenter__(self) -> Self:
        self._enter(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._leave(self)

    def __aiter__(self) -> AsyncIterator[Message]:
        return self

    async def __anext__(self) -> Message:
        while not self._queue:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        message = self._queue.popleft()
        if isinstance(message, Fragment):
            self._waiting_fragments -= 1
            self._waiting_bytes -= len(message.data)
        return message

    def close(self) -> None:
        """End the iteration after what is queued."""
        self._closed = True
        self._wake.set()

    def offer(self, message: Message) -> None:
        """Called by the relay, never waits. An overflow drops what is queued up to the next key frame."""
        if isinstance(message, Fragment):
            if self._skipping and not message.key:
                self.dropped += 1
                return
            self._skipping = False
            size = len(message.data)
            full = self._waiting_fragments >= self._fragments or (
                self._waiting_fragments and self._waiting_bytes + size > self._bytes
            )
            if full:
                self._drop_fragments()
                if not message.key:
                    self.dropped += 1
                    self._skipping = True
                    return
            self._waiting_fragments += 1
            self._waiting_bytes += size
        elif isinstance(message, Init):
            self._drop_fragments()
            self._skipping = False
        self._queue.append(message)
        self._wake.set()

    def _drop_fragments(self) -> None:
        """Keep what is not a fragment: of the states only the newest matters, and the newest init."""
        self.dropped += self._waiting_fragments
        rest = [message for message in self._queue if not isinstance(message, Fragment)]
        states = [message for message in rest if isinstance(message, CameraState)]
        inits = [message for message in rest if isinstance(message, Init)]
        self._queue = deque([*states[-1:], *inits[-1:]])
        self._waiting_fragments = self._waiting_bytes = 0

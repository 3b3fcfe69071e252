"""The streams of simulated cameras: drawn and encoded while somebody has them open, else costing nothing."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from msgspec import Struct

from ansim.cameras.model import Camera
from ansim.simulation.picture import COATS, draw
from ansim.simulation.rtsp import Unit, monotonic_wall
from ansim.simulation.scene import View, default_heading
from ansim.simulation.streets import Place

SIZES = {"sub": (640, 360), "main": (1280, 720)}
FPS = 12
GOP_S = 2.0
STRIDE_PER_M = 4.4
"""Radians of gait a metre walked."""
_MOST_WAITING = 240


class Person(Struct, frozen=True, kw_only=True):
    """Somebody in the city at a moment: ``walked`` is metres since she set out, ``coat`` a number."""

    place: Place
    walked: float = 0.0
    coat: int = 0


PeopleAt = Callable[[float], Sequence[Person]]
"""Who is where at a moment (Unix seconds)."""
Draw = Callable[[float], npt.NDArray[np.uint8]]
"""A picture at a moment, planar 4:2:0."""


class LiveFeed:
    """A stream that ``draw`` paints and libx264 encodes, in a thread that lives while somebody watches.

    One encoder serves all who watch; whoever comes gets a key frame at once when ``key_on_play``, as most
    cameras do, else waits for the next.
    """

    def __init__(
        self,
        draw: Draw,
        size: tuple[int, int],
        *,
        fps: int = FPS,
        gop_s: float = GOP_S,
        key_on_play: bool = True,
    ) -> None:
        self._draw = draw
        self.size, self.fps, self._gop_s = size, fps, gop_s
        self._key_on_play = key_on_play
        self._readers: set[asyncio.Queue[Unit]] = set()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None

    def parameter_sets(self) -> tuple[bytes, bytes]:
        """See :class:`~ansim.simulation.rtsp.Feed`."""
        return parameter_sets(self.size, self.fps)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[Unit]]:
        """Pictures from now on."""
        queue: asyncio.Queue[Unit] = asyncio.Queue(_MOST_WAITING)
        self._readers.add(queue)
        if self._key_on_play:
            self._wanted.set()
        if self._thread is None or not self._thread.is_alive():
            loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._run, args=(loop,), name="feed", daemon=True)
            self._thread.start()
        try:
            yield _units(queue)
        finally:
            self._readers.discard(queue)

    def ask_key_frame(self) -> None:
        """The next picture becomes a key frame."""
        self._wanted.set()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        encoder = make_encoder(self.size, self.fps, self._gop_s)
        due, number = time.monotonic(), 0
        while self._readers:
            at = monotonic_wall()
            frame = VideoFrame.from_ndarray(self._draw(at), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, self.fps)
            if self._wanted.is_set():
                self._wanted.clear()
                frame.pict_type = PictureType.I
            for packet in encoder.encode(frame):
                unit = Unit(bytes(packet), at, packet.is_keyframe)
                try:
                    loop.call_soon_threadsafe(self._give, unit)
                except RuntimeError:  # the loop has ended
                    return
            number += 1
            due = max(due + 1 / self.fps, time.monotonic() - 1 / self.fps)
            time.sleep(max(0.0, due - time.monotonic()))

    def _give(self, unit: Unit) -> None:
        for queue in self._readers:
            if not queue.full():
                queue.put_nowait(unit)


class LoopFeed:
    """A stream encoded beforehand and played over and over: costs nearly nothing, so that many can run."""

    def __init__(
        self, pictures: Sequence[Unit], size: tuple[int, int], fps: int, phase_s: float = 0.0
    ) -> None:
        self._pictures = pictures
        self.size, self.fps = size, fps
        self._phase_s = phase_s

    @classmethod
    def encoded(
        cls, draw: Draw, size: tuple[int, int], *, seconds: float, gop_s: float, fps: int = FPS
    ) -> "LoopFeed":
        """Draw and encode ``seconds`` (a multiple of ``gop_s``) once."""
        encoder = make_encoder(size, fps, gop_s)
        pictures: list[Unit] = []
        for number in range(round(seconds * fps)):
            frame = VideoFrame.from_ndarray(draw(number / fps), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            pictures += [
                Unit(bytes(packet), number / fps, packet.is_keyframe) for packet in encoder.encode(frame)
            ]
        return cls(pictures, size, fps)

    def shifted(self, phase_s: float) -> "LoopFeed":
        """The same pictures, its group of pictures beginning at another moment."""
        return LoopFeed(self._pictures, self.size, self.fps, phase_s)

    def parameter_sets(self) -> tuple[bytes, bytes]:
        """See :class:`~ansim.simulation.rtsp.Feed`."""
        return parameter_sets(self.size, self.fps)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[Unit]]:
        """Pictures from now on: wherever in a group of pictures that is."""
        yield self._play()

    async def _play(self) -> AsyncIterator[Unit]:
        number = round((monotonic_wall() + self._phase_s) * self.fps)
        while True:
            due = number / self.fps - self._phase_s
            await asyncio.sleep(max(0.0, due - monotonic_wall()))
            picture = self._pictures[number % len(self._pictures)]
            yield Unit(picture.data, due, picture.key)
            number += 1


def street_draw(camera: Camera, size: tuple[int, int], people: PeopleAt) -> Draw:
    """What a camera of the city sees. Its still world is computed when the first picture is asked for."""
    views: dict[float, View] = {}

    def paint(at: float) -> npt.NDArray[np.uint8]:
        there = people(at)
        heading = default_heading(camera, [one.place for one in there])
        if heading not in views:
            views[heading] = View(camera, heading, size)
        view = views[heading]
        seen = []
        for one in there:
            spot = view.spot_of(one.place)
            if spot is not None:
                seen.append((spot, one.walked * STRIDE_PER_M, COATS[one.coat % len(COATS)]))
        return draw(view, seen, at)

    return paint


def make_encoder(size: tuple[int, int], fps: int, gop_s: float, *, apart: bool = False) -> VideoCodecContext:
    """libx264 as a camera encodes: constrained baseline, no reordering, one slice; ``apart`` keeps the
    parameter sets out of the stream."""
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, fps), Fraction(fps, 1)
    encoder.thread_count = 1
    encoder.gop_size = round(gop_s * fps)
    encoder.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "crf": "26",
        "forced-idr": "1",
        "x264-params": "scenecut=0:sliced-threads=0",
    }
    if apart:
        encoder.flags |= Flags.global_header
    assert isinstance(encoder, VideoCodecContext)
    return encoder


@cache
def parameter_sets(size: tuple[int, int], fps: int) -> tuple[bytes, bytes]:
    """Sequence and picture parameter set of :func:`make_encoder`'s streams, without start codes."""
    encoder = make_encoder(size, fps, GOP_S, apart=True)
    encoder.open()
    sets = bytes(encoder.extradata or b"").split(b"\0\0\1")
    sps, pps = (one for one in sets if one.strip(b"\0"))
    return sps.rstrip(b"\0"), pps


async def _units(queue: "asyncio.Queue[Unit]") -> AsyncIterator[Unit]:
    while True:
        yield await queue.get()

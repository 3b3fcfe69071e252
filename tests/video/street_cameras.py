"""Simulated cameras for tests: a moving bar, encoded once, served as real RTSP by a server in this loop."""

import contextlib
from collections.abc import AsyncIterator
from functools import cache

import numpy as np
import numpy.typing as npt

from ansim.cameras.sources import CameraSource
from ansim.simulation.feeds import LoopFeed
from ansim.simulation.rtsp import Faults, RtspServer
from ansim.video.model import VideoPolicy

SIZE = (320, 192)
FPS = 20
QUICK = VideoPolicy(open_s=1.0, silence_s=0.6, linger_s=0.2, first_retry_s=0.1, last_retry_s=0.2)
"""Times that do not hold a test up."""


def bar(at: float) -> npt.NDArray[np.uint8]:
    """A light bar that wanders over grey."""
    width, height = SIZE
    picture = np.full((height * 3 // 2, width), 128, dtype=np.uint8)
    picture[:height] = 60
    x = round(at * 80) % (width - 24)
    picture[:height, x : x + 24] = 200
    return picture


@cache
def looped(gop_s: float = 0.5) -> LoopFeed:
    """Two seconds of the bar."""
    return LoopFeed.encoded(bar, SIZE, seconds=2.0, gop_s=gop_s, fps=FPS)


@contextlib.asynccontextmanager
async def rtsp(
    faults: Faults | None = None, *, password: str = "", gop_s: float = 0.5
) -> AsyncIterator[RtspServer]:
    """A server on which every path is the looped stream; ``/none`` is not there."""
    feed = looped(gop_s)
    server = RtspServer(
        lambda path: None if path.startswith("none") else feed, password=password, faults=faults
    )
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def camera(server: RtspServer, key: str = "a", path: str = "a/sub", password: str = "") -> CameraSource:
    """How a gateway reaches one of its cameras."""
    return CameraSource(
        id=key,
        name=f"카메라 {key}",
        kind="rtsp",
        main_url=f"rtsp://127.0.0.1:{server.port}/{path}",
        user=RtspServer.USER if password else "",
        password=password,
    )

"""The demonstration's cameras as a process of their own: real RTSP on one port, people told over its input.

``python -m ansim.simulation.camera_city CENTER`` prints a line of JSON with its port, then reads lines of
JSON (:class:`Seen`) from its standard input; when that ends, so does the process. :class:`CameraCity` runs it
for a center.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
from collections import deque
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from ansim.cameras.model import Camera
from ansim.cameras.sources import CameraSource
from ansim.core import logs
from ansim.geo.shape import distance_m
from ansim.simulation.city import cameras
from ansim.simulation.feeds import SIZES, LiveFeed, Person, street_draw
from ansim.simulation.rtsp import Feed, RtspServer

_log = logs.get("simulation")

_GONE_S = 600.0
"""Somebody of whom nothing was heard for so long is no longer drawn."""
_DELAY_S = 0.6
"""People are drawn so far in the past that their way is known, and they walk instead of jumping."""
_READY_S = 30.0


class Seen(Struct, frozen=True, kw_only=True):
    """Somebody (an incident's id) is at a place now; without a place they are gone."""

    who: str
    lat: float | None = None
    lon: float | None = None


class Ready(Struct, frozen=True, kw_only=True):
    """Where the cameras listen."""

    port: int


class Walker:
    """One person's way as it was told: where she is at a moment, between what is known."""

    def __init__(self, coat: int) -> None:
        self._coat = coat
        self._way: deque[tuple[float, float, float, float]] = deque(maxlen=8)
        self.told_at = 0.0

    def tell(self, at: float, lat: float, lon: float) -> None:
        """She is here at this moment."""
        walked = 0.0
        if self._way:
            _, before_lat, before_lon, before = self._way[-1]
            walked = before + distance_m(before_lat, before_lon, lat, lon)
        self._way.append((at, lat, lon, walked))
        self.told_at = at

    def at(self, moment: float) -> Person | None:
        """Where she is; None before anything was told. A step is taken over the time since the last one."""
        if not self._way:
            return None
        later = next((one for one in self._way if one[0] >= moment), None)
        earlier = next((one for one in reversed(self._way) if one[0] < moment), None)
        if later is None or earlier is None:
            _, lat, lon, walked = later or earlier or self._way[-1]
            return Person(place=(lat, lon), walked=walked, coat=self._coat)
        share = (moment - earlier[0]) / (later[0] - earlier[0])
        lat, lon, walked = (a + share * (b - a) for a, b in zip(earlier[1:], later[1:], strict=True))
        return Person(place=(lat, lon), walked=walked, coat=self._coat)


class People:
    """Everybody who is in the city."""

    def __init__(self) -> None:
        self._walkers: dict[str, Walker] = {}
        self._met = 0
        self._step_s = 1.0

    def tell(self, seen: Seen, at: float) -> None:
        """What a line said."""
        if seen.lat is None or seen.lon is None:
            self._walkers.pop(seen.who, None)
            return
        if seen.who not in self._walkers:
            self._walkers[seen.who] = Walker(self._met)
            self._met += 1
        self._walkers[seen.who].tell(at, seen.lat, seen.lon)

    def at(self, moment: float) -> list[Person]:
        """Who is where; called from the feeds' threads."""
        walkers = [one for one in list(self._walkers.values()) if moment - one.told_at < _GONE_S]
        places = [one.at(moment - _DELAY_S) for one in walkers]
        return [one for one in places if one is not None]


class City:
    """All cameras of a center, served on one port."""

    def __init__(self, posts: Iterable[Camera], password: str) -> None:
        self.people = People()
        self._posts = {post.id: post for post in posts}
        self._feeds: dict[str, LiveFeed] = {}
        self.server = RtspServer(self._find, password=password)

    def _find(self, path: str) -> Feed | None:
        camera, _, quality = path.partition("/")
        if camera not in self._posts or quality not in SIZES:
            return None
        if path not in self._feeds:
            paint = street_draw(self._posts[camera], SIZES[quality], self.people.at)
            self._feeds[path] = LiveFeed(paint, SIZES[quality])
        return self._feeds[path]


class CameraCity:
    """The cameras' process, as a center's demonstration holds it."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._password = secrets.token_urlsafe(18)
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0

    async def start(self) -> None:
        """Start it and wait until it listens. Raises RuntimeError when it does not."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ansim.simulation.camera_city", self._code,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "ANSIM_CAMERA_PASSWORD": self._password},
        )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(_READY_S):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the simulated cameras did not start")
        self._port = msgspec.json.decode(line, type=Ready).port
        _log.info("simulated cameras listen", port=self._port)

    def source(self, camera: Camera) -> CameraSource:
        """How a center reaches one of them."""
        base = f"rtsp://127.0.0.1:{self._port}/{camera.id}"
        return CameraSource(
            id=camera.id,
            name=camera.name,
            kind="rtsp",
            main_url=f"{base}/main",
            sub_url=f"{base}/sub",
            user=RtspServer.USER,
            password=self._password,
        )

    def tell(self, who: str, place: tuple[float, float] | None) -> None:
        """Somebody is at a place now, or gone. Lost when the process is gone: only pictures hang on it."""
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            return
        lat, lon = place if place is not None else (None, None)
        with contextlib.suppress(ConnectionError):
            process.stdin.write(msgspec.json.encode(Seen(who=who, lat=lat, lon=lon)) + b"\n")

    async def stop(self) -> None:
        """End it: it ends when its input does."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(3):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def serve(code: str, password: str) -> None:
    """The process: until its input ends."""
    city = City(cameras(code), password)
    await city.server.start()
    sys.stdout.write(msgspec.json.encode(Ready(port=city.server.port)).decode() + "\n")
    sys.stdout.flush()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        try:
            city.people.tell(msgspec.json.decode(line, type=Seen), time.time())
        except msgspec.DecodeError as error:
            _log.warning("a line nobody understands", reason=str(error))
    await city.server.stop()


def main() -> None:
    """Run for the center named on the command line; Ctrl-C is the center's affair."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)
    asyncio.run(serve(sys.argv[1], os.environ.get("ANSIM_CAMERA_PASSWORD", "")))


if __name__ == "__main__":
    main()

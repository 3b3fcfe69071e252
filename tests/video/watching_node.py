"""What tests and measurements of video share: a node with nothing but cameras, and a page that plays them."""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from litestar import Litestar
from litestar.static_files import create_static_files_router

from ansim.cameras.sources import CameraSource
from ansim.core.problems import Problem, not_found
from ansim.video.api import video_routes
from ansim.video.gateway import VideoGateway
from ansim.video.model import Quality
from ansim.video.permits import Connection, Lease, Permit, Use

ROOT = Path(__file__).resolve().parents[2]
PAGE = Path(__file__).parent / "page"


class TestLease:
    """A permission that lasts until the test ends it."""

    __test__ = False

    def __init__(self, source: CameraSource) -> None:
        self.source = source
        self.revoked = asyncio.Event()
        self.reason = ""
        self.ended = 0

    def revoke(self, reason: str) -> None:
        """End it."""
        self.reason = reason
        self.revoked.set()

    async def done(self) -> None:
        """See :class:`~ansim.video.permits.Lease`."""
        self.ended += 1


class Leases:
    """Permits everybody to see the cameras of a mapping, and remembers each lease."""

    def __init__(self, sources: Mapping[str, CameraSource]) -> None:
        self.sources = sources
        self.given: list[TestLease] = []

    async def permit(
        self, connection: Connection, incident: str, camera: str, use: Use, quality: Quality
    ) -> Lease:
        """See :data:`~ansim.video.permits.Permit`."""
        if camera not in self.sources:
            raise not_found("camera")
        lease = TestLease(self.sources[camera])
        self.given.append(lease)
        return lease


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def node(gateway: VideoGateway, permit: Permit, page: Path | None = None) -> AsyncIterator[str]:
    """Serve a gateway's routes (and the built page below ``/page``) as a center does; yields the address."""
    routes: list[Any] = list(video_routes(gateway, permit))
    if page is not None:
        routes.append(create_static_files_router(path="/page", directories=[page], html_mode=True))

    def refuse(_: Any, problem: Problem) -> Any:
        from litestar import Response

        return Response(problem.body("ko"), status_code=problem.status)

    application = Litestar(routes, exception_handlers={Problem: refuse}, openapi_config=None)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,
        log_level="warning",
        lifespan="off",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def build_page(folder: Path) -> Path:
    """Build the page of players into a folder, from the sources as they are."""
    subprocess.run([sys.executable, "-c", _BUILD, str(PAGE), str(folder)], cwd=ROOT, check=True)
    return folder


_BUILD = """
import sys
sys.path.insert(0, "tools")
import build_web
build_web.install()
build_web.node("node_modules/vite/bin/vite.js", "build", sys.argv[1], "--base", "/page/",
    "--target", "es2022", "--logLevel", "warn", "--emptyOutDir", "--outDir", sys.argv[2])
"""

Until = Callable[[], bool]


async def until(holds: Until, within_s: float = 10.0) -> None:
    """Wait until something holds; an AssertionError when it does not in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    while not holds():
        assert loop.time() < end, "it does not hold in time"
        await asyncio.sleep(0.01)

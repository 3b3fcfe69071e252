"""What browser tests of the pages share: serving an application, and checks that hold on every screen."""

import asyncio
import contextlib
import mimetypes
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from playwright.async_api import Page

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "src" / "ansim" / "web" / "static"
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self'; font-src 'self'; "
    "frame-ancestors 'none'"
)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class _Server(uvicorn.Server):
    """A server inside the test's own loop: signals stay pytest's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serve(application: Application) -> AsyncIterator[str]:
    """Serve an ASGI application on a free port of 127.0.0.1; yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(application, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    port = listening.getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def send_file(send: Send, name: str) -> bool:
    """Answer with one of the built files, under the strict security policy; False when there is none."""
    path = (STATIC / name).resolve()
    if not path.is_relative_to(STATIC) or not path.is_file():
        return False
    kind = "application/manifest+json" if path.suffix == ".webmanifest" else mimetypes.guess_type(name)[0]
    headers = [
        (b"content-type", f"{kind or 'application/octet-stream'}".encode()),
        (b"content-security-policy", CSP.encode()),
        (b"cache-control", b"no-cache"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": path.read_bytes()})
    return True


def watch_console(page: Page) -> list[str]:
    """Collect what must not happen on a page: uncaught errors and broken security policy."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(f"uncaught: {error}"))

    def message(text: str) -> None:
        if "Content Security Policy" in text or "Refused to" in text:
            faults.append(text)

    page.on("console", lambda entry: message(entry.text))
    return faults


async def accessibility_faults(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA on the screen as it is now."""
    await page.evaluate(AXE.read_text())
    result = await page.evaluate(
        """() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"""
    )
    return [
        f"{violation['id']}: {node['html']} — {node['failureSummary']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


async def overflows(page: Page) -> bool:
    """Whether the page can be scrolled sideways."""
    return bool(
        await page.evaluate(
            "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
    )


async def small_targets(page: Page, least: int = 44) -> list[str]:
    """Visible controls that are smaller than a fingertip (CSS pixels)."""
    return list(
        await page.evaluate(
            """(least) => [...document.querySelectorAll('button, a[href], input, select, textarea')]
                .map((element) => element.type === 'checkbox' || element.type === 'radio'
                    ? element.closest('label') ?? element : element)
                .filter((element) => element.checkVisibility())
                .map((element) => [element, element.getBoundingClientRect()])
                .filter(([, box]) => box.width > 0 && (box.width < least || box.height < least))
                .map(([element, box]) => `${element.outerHTML.slice(0, 120)} ${box.width}×${box.height}`)""",
            least,
        )
    )

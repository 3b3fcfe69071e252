"""One built set of pages and one Chromium for all browser tests; they share an event loop."""

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from web.pages import ROOT

FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]


@pytest.fixture(scope="session")
def built_pages() -> None:
    """The pages as the sources are now; does nothing when they are current."""
    subprocess.run([sys.executable, ROOT / "tools" / "build_web.py"], check=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(built_pages: None) -> AsyncIterator[Browser]:
    """Debian's Chromium; its absence fails the run, because a page nobody opened is not tested."""
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing: install the package chromium"
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        await opened.close()

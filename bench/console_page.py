"""A real console in Chromium that notes when each alarm arrives, and the 49 other screens beside it."""

import asyncio
import contextlib
import multiprocessing
import shutil
from collections.abc import AsyncIterator, Mapping
from multiprocessing.connection import Connection as Pipe

from playwright.async_api import Page, async_playwright

from support.wire import Broken, Wire

CHROMIUM_FLAGS = [
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
WATCH = """
(() => {
  const arrived = {}, drawn = {};
  const clock = () => performance.timeOrigin + performance.now();
  window.measured = () => ({arrived, drawn});
  window.EventSource = class extends EventSource {
    constructor(...given) {
      super(...given);
      this.addEventListener('change', (frame) => {
        const at = clock();
        arrived[JSON.parse(frame.data).incident] ??= at;
      });
    }
  };
  new MutationObserver((records) => {
    for (const record of records) for (const node of record.addedNodes) {
      const found = node.querySelector?.('[data-incident]')?.dataset.incident;
      if (found && !(found in drawn)) {
        drawn[found] = 0;
        requestAnimationFrame(() => setTimeout(() => { drawn[found] = clock(); }));
      }
    }
  }).observe(document, {childList: true, subtree: true});
})()
"""
"""``arrived``: the stream's first word of an incident; ``drawn``: after the frame in which its row stands.
Both in milliseconds since 1970, by the page's clock."""


def chromium() -> str:
    """Where the browser is."""
    found = shutil.which("chromium")
    if found is None:
        raise SystemExit("Chromium is missing: install the package chromium")
    return found


@contextlib.asynccontextmanager
async def console_page(url: str, name: str) -> AsyncIterator[Page]:
    """A console, signed in by the demonstration's button for ``name``."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        page = await browser.new_page(viewport={"width": 1440, "height": 900}, locale="ko-KR")
        await page.add_init_script(WATCH)
        await page.goto(url)
        await page.get_by_role("button", name=name).click()
        await page.locator("nav").wait_for()
        yield page
        await browser.close()


class OtherScreens:
    """Consoles without a browser, in a process of their own. A context manager."""

    def __init__(self, url: str, headers: Mapping[str, str], count: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_watch, args=(url, dict(headers), count, theirs))

    def __enter__(self) -> "OtherScreens":
        self._process.start()
        if not self._pipe.poll(60) or self._pipe.recv() != "open":
            raise SystemExit("the other consoles do not open")
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive():
            self._process.terminate()
        self._process.join()

    def frames(self) -> int:
        """Ends them; how many frames they got in all."""
        self._pipe.send("stop")
        return int(self._pipe.recv())


def _watch(url: str, headers: dict[str, str], count: int, pipe: Pipe) -> None:
    """Follow ``count`` streams; say "open" when all have their snapshot, and at the end the frames."""
    got = [0] * count

    async def follow(number: int, opened: asyncio.Event) -> None:
        async with Wire(url, headers) as wire:
            with contextlib.suppress(Broken):  # then its count stands still, which the frames show
                async for _ in wire.frames("/api/console/stream"):
                    got[number] += 1
                    if got[number] == 2:  # the answer's head, and the snapshot
                        opened.set()

    async def run() -> None:
        opened = [asyncio.Event() for _ in range(count)]
        tasks = [asyncio.create_task(follow(number, event)) for number, event in enumerate(opened)]
        await asyncio.gather(*(event.wait() for event in opened))
        pipe.send("open")
        await asyncio.to_thread(pipe.recv)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        pipe.send(sum(got))

    asyncio.run(run())

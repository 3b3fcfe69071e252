"""A phone with the citizen's page on it, and what a person does with it."""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, Locator, Page, Route, expect

from web.fake_hub import FakeHub
from web.pages import watch_console


class Phone:
    """One browser context the size of a phone."""

    def __init__(self, context: BrowserContext, page: Page, hub: FakeHub, url: str) -> None:
        self.context = context
        self.page = page
        self.hub = hub
        self.url = url

    @property
    def sos(self) -> Locator:
        """The one huge button."""
        return self.page.get_by_role("button", name="SOS")

    @property
    def current_step(self) -> Locator:
        """The newest receipt that is true."""
        return self.page.locator("[aria-current=step]")

    async def hold(self, milliseconds: float) -> None:
        """Put a finger on the button for a while."""
        await expect(self.sos).to_be_visible()
        box = await self.sos.bounding_box()
        assert box
        await self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await self.page.mouse.down()
        await self.page.wait_for_timeout(milliseconds)
        await self.page.mouse.up()

    async def press(self) -> str:
        """Hold long enough, wait until the hub has it; returns the incident."""
        known = set(self.hub.incidents)
        await self.hold(1300)
        await self.headline("신고를 보냈습니다")
        (incident,) = set(self.hub.incidents) - known
        return incident

    async def headline(self, sentence: str) -> None:
        """Wait for the one sentence at the top."""
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(sentence, timeout=10_000)

    async def enter_pin(self, pin: str) -> None:
        """Open the keypad and enter a PIN."""
        await self.page.get_by_role("button", name="취소", exact=True).click()
        await self.type_pin(pin)

    async def type_pin(self, pin: str) -> None:
        """Press the keypad's keys."""
        pad = self.page.get_by_role("group", name="PIN 입력")
        for digit in pin:
            await pad.get_by_role("button", name=digit, exact=True).click()
        await pad.get_by_role("button", name="확인").click()

    async def cut(self) -> None:
        """Cut the line to the hub; the page's files still load."""

        async def lost(route: Route) -> None:
            await route.abort("internetdisconnected")

        await self.page.route("**/api/**", lost)

    async def restore(self, *, tell: bool = True) -> None:
        """Mend the line, and let the browser tell the page unless told not to."""
        await self.page.unroute("**/api/**")
        if tell:
            await self.page.evaluate("() => window.dispatchEvent(new Event('online'))")

    async def move_to(self, lat: float, lon: float, accuracy: float = 12) -> None:
        """Be somewhere else."""
        await self.context.set_geolocation({"latitude": lat, "longitude": lon, "accuracy": accuracy})

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until the hub knows something."""
        for _ in range(200):
            if true():
                return
            await self.page.wait_for_timeout(50)
        raise AssertionError("did not come true within 10 s")

    async def allow_motion(self) -> None:
        """Let the page read the motion sensor where the browser wants to be asked."""
        ask = self.page.get_by_role("button", name="움직임 센서 허용")
        if await ask.is_visible():
            await ask.click()

    async def motion(self, forces: list[float], apart: int = 60) -> None:
        """Readings of the motion sensor, in m/s² without gravity."""
        await self.page.evaluate(
            """async ([forces, apart]) => {
                for (const x of forces) {
                    const reading = {acceleration: {x, y: 0, z: 0}};
                    window.dispatchEvent(new DeviceMotionEvent('devicemotion', reading));
                    await new Promise((done) => setTimeout(done, apart));
                }
            }""",
            [forces, apart],
        )

    async def shake(self, force: float) -> None:
        """Shake the phone for most of a second."""
        await self.motion([force, 1.0] * 5)

    async def kept_presses(self) -> list[dict[str, Any]]:
        """What IndexedDB holds of presses."""
        return await self._kept("presses")

    async def kept_fixes(self) -> list[dict[str, Any]]:
        """What IndexedDB holds of positions."""
        return await self._kept("fixes")

    async def _kept(self, store: str) -> list[dict[str, Any]]:
        rows = await self.page.evaluate(
            """(store) => new Promise((resolve, reject) => {
                const opening = indexedDB.open('ansim');
                opening.onerror = () => reject(opening.error);
                opening.onsuccess = () => {
                    const all = opening.result.transaction(store).objectStore(store).getAll();
                    all.onsuccess = () => { opening.result.close(); resolve(all.result); };
                };
            })""",
            store,
        )
        return list(rows)


@contextlib.asynccontextmanager
async def open_phone(
    browser: Browser,
    hub: FakeHub,
    url: str,
    *,
    permissions: list[str] | None = None,
    service_workers: Literal["allow", "block"] = "block",
    locale: str = "ko-KR",
    width: int = 390,
    height: int = 844,
) -> AsyncIterator[Phone]:
    """A phone that has just opened the page; afterwards nothing may have gone wrong on it."""
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        has_touch=True,
        locale=locale,
        timezone_id="Asia/Seoul",
        geolocation={"latitude": 37.3943, "longitude": 126.9568, "accuracy": 12},
        permissions=["geolocation", "accelerometer", "gyroscope"] if permissions is None else permissions,
        service_workers=service_workers,
    )
    try:
        page = await context.new_page()
        page.set_default_timeout(10_000)
        faults = watch_console(page)
        await page.goto(url)
        phone = Phone(context, page, hub, url)
        await expect(phone.sos).to_be_visible()
        yield phone
        assert faults == []
    finally:
        await context.close()

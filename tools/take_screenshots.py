"""Take the README's two pictures from the real system. Run: ``python tools/take_screenshots.py``.

A hub and three centers run in a folder of their own. Somebody registers on her phone's page, presses and
walks on; the operator accepts on the console and asks 112. Both pictures show that moment.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from ansim.simulation.walk import walk_along  # noqa: E402
from bench.console_page import CHROMIUM_FLAGS, chromium  # noqa: E402
from support.system import ANYANG, HUB, System  # noqa: E402
from web.citizen import open_phone  # noqa: E402
from web.fake_hub import FakeHub  # noqa: E402
from web.test_citizen_and_system import pressed, register  # noqa: E402

PICTURES = ROOT / "docs" / "images"
MOST_BYTES = 300_000
STEPS = 24


async def console_of(browser: Browser, url: str) -> Page:
    """The console of an operator who has just signed in."""
    page = await browser.new_page(viewport={"width": 1440, "height": 900}, locale="ko-KR")
    await page.goto(url)
    await page.get_by_role("button", name="김안심 관제요원").click()
    await expect(page.locator("nav")).to_be_visible()
    return page


async def take(system: System, browser: Browser) -> None:
    """Tell the story, then take both pictures."""
    fixes = iter(walk_along(every_s=6.0))
    console = await console_of(browser, system.url(ANYANG))
    async with open_phone(browser, FakeHub(), system.url(HUB)) as phone:
        first = next(fixes)
        await phone.move_to(first.lat, first.lon, first.radius)
        await register(phone, system, "010-2345-6789", name="이하나")
        incident = await pressed(phone)
        await phone.page.get_by_role("button", name="지금 알리기").click()
        await expect(console.locator(f'nav section.alarm [data-incident="{incident}"]')).to_be_visible()
        await console.keyboard.press("a")
        await phone.headline("관제요원이 신고를 맡았습니다")
        for _, fix in zip(range(STEPS), fixes, strict=False):
            await phone.move_to(fix.lat, fix.lon, fix.radius)
            await phone.page.wait_for_timeout(500)
        await console.keyboard.press("1")
        await console.keyboard.press("Enter")
        await phone.headline("112에 출동을 요청했습니다")
        await console.wait_for_timeout(3_000)  # the map comes to rest
        for name, page in (("console", console), ("phone", phone.page)):
            file = PICTURES / f"{name}.png"
            await page.screenshot(path=file)
            size = file.stat().st_size
            print(f"{file.relative_to(ROOT)}: {size:,} bytes")
            assert size <= MOST_BYTES, f"{name} is too large for a README"


async def run(folder: Path) -> None:
    """The system, a browser, the pictures."""
    with System(folder) as system:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
            await take(system, browser)
            await browser.close()


def main() -> None:
    """Both pictures, in docs/images."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ansim-pictures-") as folder:
        asyncio.run(run(Path(folder)))


if __name__ == "__main__":
    main()

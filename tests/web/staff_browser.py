"""A real Chromium for the staff pages' tests, and a page that lets no error pass unseen."""

import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from web.center_in_a_box import Center, Login
from web.pages import AXE

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
LAPTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
EXPECTED = re.compile(r"the server responded with a status of (401|403|409)\b")
CUT = re.compile(r"net::ERR_(EMPTY_RESPONSE|CONNECTION_|INCOMPLETE|ABORTED)")


def chromium() -> str:
    """Where Chromium is; a browser test that cannot run has failed."""
    found = shutil.which("chromium")
    assert found, "Chromium is missing: install the package chromium"
    return found


@pytest.fixture(scope="module")
def staff_browser(built_pages: None) -> Iterator[Browser]:
    """One browser a module."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def center() -> Iterator[Center]:
    """안양's center."""
    with Center() as running:
        yield running


class Screen:
    """One signed-in or signed-out page; at the end nothing unexpected stands in its console."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.page: Page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.errors: list[str] = []
        self.may_be_cut = False
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _hear(self, message: Any) -> None:
        if message.type != "error" or EXPECTED.search(message.text):
            return
        if not (self.may_be_cut and CUT.search(message.text)):
            self.errors.append(f"{message.text} {message.location.get('url', '')}")

    def sign_in(self, center: Center, who: Login) -> Page:
        """Open the page and sign in."""
        self.page.goto(center.url + ("/desk" if who.agency else "/"))
        self.page.get_by_role("button", name=who.name).click()
        expect(self.page.locator("nav")).to_be_visible()
        return self.page

    def axe(self) -> None:
        """No accessibility violation on the page as it stands (WCAG 2.2 AA rules of axe)."""
        self.page.evaluate(AXE.read_text())
        found: list[dict[str, Any]] = self.page.evaluate(
            """async () => (await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa',
                 'wcag22aa', 'best-practice']})).violations.map(v => ({id: v.id,
                 nodes: v.nodes.map(n => n.html.slice(0, 160) + ' :: ' + (n.failureSummary || ''))}))"""
        )
        assert found == [], found


@pytest.fixture
def open_screen(staff_browser: Browser) -> Iterator[Callable[..., Screen]]:
    """Make screens; each is checked for console errors, among them breaches of the security policy."""
    screens: list[Screen] = []

    def make(locale: str = "ko-KR", **options: Any) -> Screen:
        options.setdefault("viewport", LAPTOP)
        screen = Screen(staff_browser.new_context(locale=locale, **options))
        screens.append(screen)
        return screen

    yield make
    for screen in screens:
        screen.context.close()
    errors = [error for screen in screens for error in screen.errors]
    assert errors == [], errors


@pytest.fixture
def screen(open_screen: Callable[..., Screen]) -> Screen:
    """A laptop in Korean."""
    return open_screen()

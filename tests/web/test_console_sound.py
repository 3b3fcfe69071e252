"""A browser that lets nothing sound before a gesture: the console says so and offers the button.

Playwright's own questions count as gestures (it evaluates with ``userGesture``): one asked before the page
has made its AudioContext lets it sound. Until the page is known to be blocked, these tests therefore only
ask over the DevTools protocol, which leaves the page untouched.
"""

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from web.center_in_a_box import KIM, Center
from web.staff_browser import FLAGS, Screen, center, chromium, open_screen

__all__ = ["center", "open_screen"]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def staff_browser(built_pages: None) -> Iterator[Browser]:
    """The strictest autoplay policy there is."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium(), args=[*FLAGS, "--autoplay-policy=document-user-activation-required"]
        )
        yield running
        running.close()


def fresh_tab(screen: Screen, center: Center) -> Page:
    """A second tab of somebody signed in: nobody has touched it yet."""
    screen.sign_in(center, KIM)
    page = screen.context.new_page()
    page.goto(center.url)
    assert sound_of(page) == "blocked"
    return page


def sound_of(page: Page) -> str:
    """The sound's state, once the page has tried to sound, asked without a gesture."""
    protocol = page.context.new_cdp_session(page)
    ask = "document.querySelector('[data-sound]')?.dataset.sound ?? 'off'"
    until = time.monotonic() + 20
    state = "off"
    while state == "off" and time.monotonic() < until:
        answer = protocol.send("Runtime.evaluate", {"expression": ask, "userGesture": False})
        state = answer["result"]["value"]
        page.wait_for_timeout(20)
    protocol.detach()
    return str(state)


def test_blocked_sound_is_said_and_one_click_turns_it_on(
    center: Center, open_screen: Callable[..., Screen]
) -> None:
    page = fresh_tab(open_screen(), center)
    sound = page.locator("[data-sound]")
    expect(sound).to_have_attribute("data-sound", "blocked")
    expect(sound).to_contain_text("브라우저가 경보음을 막고 있습니다")
    center.alarm()
    expect(page.locator("nav section.alarm")).to_be_visible()
    expect(sound).to_have_attribute("data-sound", "blocked")
    page.get_by_role("button", name="소리 켜기").click()
    expect(sound).to_have_attribute("data-sound", "ringing")


def test_the_first_key_turns_blocked_sound_on_too(center: Center, open_screen: Callable[..., Screen]) -> None:
    page = fresh_tab(open_screen(), center)
    page.keyboard.press("j")
    expect(page.locator("[data-sound]")).to_have_attribute("data-sound", "ready")

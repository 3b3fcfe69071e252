"""Every screen of the citizen's page: accessible, fit for the smallest phone, big enough for a thumb."""

import pytest
from playwright.async_api import Browser, expect

from web.citizen import Phone, open_phone
from web.fake_hub import ANYANG, CODE, PIN, FakeHub, request, stamp
from web.pages import accessibility_faults, overflows, serve, small_targets

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]


async def sound(phone: Phone, name: str) -> None:
    """Check the screen as it is now."""
    await phone.page.wait_for_timeout(50)
    faults = await accessibility_faults(phone.page)
    assert faults == [], name
    assert not await overflows(phone.page), f"{name} scrolls sideways"
    assert await small_targets(phone.page) == [], name


async def submit(phone: Phone) -> None:
    """Press the button at the foot."""
    await phone.page.locator("button[type=submit]").click()


async def register(phone: Phone) -> None:
    """Through the registration, looking at every step."""
    page = phone.page
    await page.locator(".below .button.large").click()
    await sound(phone, "number")
    await submit(phone)
    await sound(phone, "number refused")
    await page.locator("input").fill("01012345678")
    await submit(phone)
    await expect(page.locator("input[autocomplete=one-time-code]")).to_be_visible()
    await sound(phone, "code")
    await page.locator("input").fill(CODE)
    await submit(phone)
    await expect(page.locator("textarea")).to_be_visible()
    await sound(phone, "name")
    await page.locator("input").fill("김안심")
    await submit(phone)
    await page.get_by_role("switch").click()
    await sound(phone, "pin")
    for at, pin in enumerate([PIN, PIN, "9999"]):
        await page.locator("input").nth(at).fill(pin)
    await submit(phone)
    await expect(page.locator("input[type=checkbox]")).to_have_count(3)
    await sound(phone, "consent")
    await page.locator("input[type=checkbox]").first.check()
    await submit(phone)
    await expect(page.locator("input[type=tel]")).to_be_visible()
    await sound(phone, "guardian")
    await page.locator("button.quiet.large").click()
    await expect(page.locator("button[type=submit]")).to_be_visible()
    await sound(phone, "ready")
    await submit(phone)
    await expect(phone.sos).to_be_visible()


async def settings(phone: Phone) -> None:
    """Every screen under the settings."""
    page = phone.page
    phone.hub.looks = [
        {
            "at": stamp(),
            "who": "박관제",
            "center": "안양시",
            "what": "위치",
            "why": "긴급호출",
            "incident": "i",
        }
    ]
    assert phone.hub.me
    phone.hub.me["guardians"] = [{"name": "아주 긴 이름을 가진 보호자입니다", "phone": "010-1111-2222"}]
    await page.reload()
    await page.locator("header button.icon").click()
    await sound(phone, "settings")
    links = page.locator("button.link")
    for at in range(await links.count()):
        await links.nth(at).click()
        await expect(page.get_by_role("heading", level=1)).to_be_focused()
        await phone.allow_motion()
        await page.wait_for_timeout(150)
        await sound(phone, f"settings {at}")
        await page.go_back()
    await page.go_back()
    await expect(phone.sos).to_be_visible()


async def incident(phone: Phone) -> None:
    """From the press to the end, and without a connection."""
    page, hub = phone.page, phone.hub
    hub.window = 30
    await phone.hold(300)
    await sound(phone, "let go too early")
    await phone.hold(1300)
    await expect(page.locator(".countdown")).to_be_visible()
    await sound(phone, "countdown")
    await page.locator(".actions .button").nth(1).click()
    await expect(page.locator("dialog[open] .keys")).to_be_visible()
    await sound(phone, "keypad")
    await page.keyboard.type("0000")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog .error-text")).not_to_be_empty()
    await sound(phone, "wrong pin")
    await page.keyboard.press("Escape")
    (known,) = hub.incidents
    hub.move(known, state="alerting", delivered={ANYANG["code"]: stamp()})
    await expect(page.locator(".countdown")).to_be_hidden()
    await sound(phone, "delivered")
    both = [request("112", "en_route"), request("119", "requested")]
    hub.move(known, state="dispatched", accepted_at=stamp(), requests=both, exercise=True)
    await expect(page.locator(".badge")).to_be_visible()
    await sound(phone, "on the way")
    await phone.cut()
    hub.end_streams()
    await expect(page.locator(".banner")).to_be_visible()
    await sound(phone, "line cut")
    await phone.restore()
    await expect(page.locator(".banner")).to_be_hidden()
    hub.move(known, state="closed", disposition="rescued")
    await expect(page.locator(".end")).to_be_visible()
    await sound(phone, "closed")
    await page.locator(".end button").click()
    await phone.cut()
    await phone.hold(1300)
    await expect(page.locator(".queue")).to_be_visible()
    await sound(phone, "waiting for a connection")


@pytest.mark.parametrize(("locale", "width"), [("ko-KR", 390), ("en-GB", 320)])
async def test_every_screen(browser: Browser, locale: str, width: int) -> None:
    hub = FakeHub()
    height = 844 if width == 390 else 568
    async with (
        serve(hub) as url,
        open_phone(browser, hub, url, locale=locale, width=width, height=height) as phone,
    ):
        await sound(phone, "home of a stranger")
        await phone.page.locator("button.other").click()
        await sound(phone, "second question")
        await phone.page.keyboard.press("Escape")
        await register(phone)
        await sound(phone, "home")
        await settings(phone)
        await incident(phone)


async def test_the_whole_button_fits_a_small_phone_without_scrolling(browser: Browser) -> None:
    hub = FakeHub()
    async with serve(hub) as url, open_phone(browser, hub, url, width=320, height=568) as phone:
        box = await phone.sos.bounding_box()
        assert box
        assert box["y"] + box["height"] <= 568
        assert box["width"] >= 200


async def test_nothing_moves_by_itself_for_who_asked_for_less_motion(browser: Browser) -> None:
    hub = FakeHub()
    async with serve(hub) as url, open_phone(browser, hub, url) as phone:
        await phone.page.emulate_media(reduced_motion="reduce")
        await phone.press()
        await phone.page.wait_for_timeout(100)
        moving = await phone.page.evaluate(
            """() => document.getAnimations().filter((one) => one.playState === 'running')
                .map((one) => one.effect.target.outerHTML)"""
        )
        assert moving == []

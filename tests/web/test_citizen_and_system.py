"""The citizen's page on the real hub and centers: every receipt comes from where it is made."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from support.system import ANYANG, HUB, System
from web.citizen import Phone, open_phone
from web.fake_hub import FakeHub

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, built_pages: None) -> Iterator[System]:
    """A hub and three centers; the time to cancel is long enough for a slow machine's keypad."""
    with System(tmp_path_factory.mktemp("system"), policy={"cancel_window_s": 12.0}) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def phone(browser: Browser, system: System) -> AsyncIterator[Phone]:
    """A phone that the hub does not know yet."""
    async with open_phone(browser, FakeHub(), system.url(HUB)) as opened:
        yield opened


async def register(phone: Phone, system: System, number: str, name: str = "김안심") -> None:
    """Register on the page with the code that the demonstration prints."""
    page = phone.page
    await page.get_by_role("button", name="미리 등록하기").click()
    await page.get_by_label("휴대전화 번호", exact=True).fill(number)
    await page.get_by_role("button", name="다음").click()
    field = page.get_by_label("인증번호", exact=True)
    await expect(field).to_be_visible()
    await field.fill(system.code(number))
    await page.get_by_role("button", name="다음").click()
    await page.get_by_label("이름", exact=True).fill(name)
    await page.get_by_role("button", name="다음").click()
    await page.get_by_label("취소용 PIN", exact=True).fill("2580")
    await page.get_by_label("한 번 더 입력", exact=True).fill("2580")
    await page.get_by_role("switch", name="협박용 PIN도 만들기").click()
    await page.get_by_label("협박용 PIN", exact=True).fill("9999")
    await page.get_by_role("button", name="다음").click()
    await page.get_by_role("checkbox", name="위치 정보 제공").check()
    await page.get_by_role("button", name="동의하고 등록").click()
    await page.get_by_label("보호자 이름").fill("김보호")
    await page.get_by_label("보호자 휴대전화 번호").fill("010-9876-5432")
    await page.get_by_role("button", name="다음").click()
    await page.get_by_role("button", name="시작하기").click()
    await expect(phone.sos).to_be_visible()


async def pressed(phone: Phone) -> str:
    """Press; returns the incident that the hub answered with."""
    async with phone.page.expect_response("**/api/sos") as answer:
        await phone.hold(1300)
    receipt = await (await answer.value).json()
    return str(receipt["incident"])


async def test_from_registering_to_the_end(phone: Phone, system: System) -> None:
    await register(phone, system, "010-7000-0001")
    incident = await pressed(phone)
    await phone.headline("신고를 보냈습니다")
    await expect(phone.page.get_by_text("안양시 센터 수신")).to_be_visible()
    await phone.page.get_by_role("button", name="지금 알리기").click()
    await phone.headline("안양시 센터가 받았습니다")

    operator = await system.staff(ANYANG, "op1")
    officer = await system.staff(ANYANG, "desk112")
    async with operator, officer, operator.screen("/api/console/stream") as console:
        alarm = await console.view(incident, lambda view: view["state"] == "alerting")
        assert alarm["person"]["name"] == "김안심"
        assert alarm["person"]["guardians"] == [{"name": "김보호", "phone": "010-9876-5432"}]
        assert alarm["position"]["radius"] == 12
        await operator.command(incident, "seen")
        await phone.headline("관제요원이 보고 있습니다")
        await operator.command(incident, "accept")
        await phone.headline("관제요원이 신고를 맡았습니다")
        await phone.move_to(37.3950, 126.9570, 8)
        await console.view(incident, lambda view: view["position"]["radius"] == 8)
        asked = await operator.command(incident, "requests", {"agency": "112", "note": ""})
        request = asked["requests"][0]["id"]
        await phone.headline("112에 출동을 요청했습니다")
        for status, sentence in [
            ("acknowledged", "112가 출동 요청을 받았습니다"),
            ("en_route", "112가 오고 있습니다"),
            ("on_scene", "112가 현장에 도착했습니다"),
        ]:
            await officer.call("POST", f"/api/desk/requests/{request}/status", {"status": status})
            await phone.headline(sentence)
        await operator.command(incident, "closing", {"disposition": "rescued"})
        await phone.headline("상황이 종료되었습니다")

    await phone.page.get_by_role("button", name="확인").click()
    await phone.page.get_by_role("button", name="설정").click()
    await phone.page.get_by_role("button", name="내 위치를 본 사람").click()
    await expect(phone.page.get_by_role("listitem").first).to_be_visible()
    await expect(phone.page.get_by_text("안양시").first).to_be_visible()


async def test_a_pin_cancels_and_a_duress_pin_only_seems_to(phone: Phone, system: System) -> None:
    await register(phone, system, "010-7000-0002")
    cancelled = await pressed(phone)
    await phone.headline("신고를 보냈습니다")
    await phone.enter_pin("0000")
    await expect(phone.page.get_by_role("alert")).to_contain_text("PIN이 맞지 않습니다")
    await phone.type_pin("2580")
    await phone.headline("취소했습니다")
    await phone.page.get_by_role("button", name="확인").click()

    forced = await pressed(phone)
    await phone.headline("신고를 보냈습니다")
    await phone.enter_pin("9999")
    await phone.headline("취소했습니다")
    await phone.page.reload()
    await phone.headline("취소했습니다")
    await phone.move_to(37.3960, 126.9580, 9)

    operator = await system.staff(ANYANG, "op1")
    async with operator, operator.screen("/api/console/stream") as console:
        quiet = await console.view(cancelled, lambda view: view["state"] == "cancelled")
        assert quiet["priority"] == "normal"
        await console.view(
            forced,
            lambda view: (
                view["state"] == "alerting"
                and view["priority"] == "duress"
                and view["position"]["radius"] == 9
            ),
        )


async def test_a_stranger_is_heard_and_can_say_that_it_was_a_mistake(phone: Phone, system: System) -> None:
    incident = await pressed(phone)
    await phone.headline("신고를 보냈습니다")
    await phone.page.reload()
    await phone.headline("신고를 보냈습니다")
    await phone.page.get_by_role("button", name="취소", exact=True).click()
    await phone.page.get_by_role("button", name="안전해요, 취소합니다").click()
    await phone.headline("취소했습니다")
    assert system.folds(HUB)[incident]["state"] == "cancelled"

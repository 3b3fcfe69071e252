"""Registering, signing in and changing what the hub knows, on the citizen's page."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from web.citizen import Phone, open_phone
from web.fake_hub import CODE, DURESS_PIN, PIN, FakeHub, person, stamp
from web.pages import serve

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(browser: Browser) -> AsyncIterator[Phone]:
    """A phone that nobody has registered."""
    hub = FakeHub()
    async with serve(hub) as url, open_phone(browser, hub, url) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def phone(browser: Browser) -> AsyncIterator[Phone]:
    """A registered person's phone."""
    hub = FakeHub()
    hub.me = person()
    async with serve(hub) as url, open_phone(browser, hub, url) as opened:
        yield opened


async def step(phone: Phone, title: str) -> None:
    """Wait for a step; its heading has the focus, so a screen reader says it."""
    await expect(phone.page.get_by_role("heading", name=title, level=1)).to_be_focused()


def field(phone: Phone, label: str) -> Locator:
    """A text field by its label."""
    return phone.page.get_by_label(label, exact=True)


async def next_step(phone: Phone, name: str = "다음") -> None:
    """Press the button at the foot."""
    await phone.page.get_by_role("button", name=name).click()


async def to_code(phone: Phone, number: str = "010-1234-5678") -> None:
    """From home to the code."""
    await phone.page.get_by_role("button", name="미리 등록하기").click()
    await step(phone, "휴대전화 번호")
    await field(phone, "휴대전화 번호").fill(number)
    await next_step(phone)
    await step(phone, "인증번호")


async def to_consent(phone: Phone) -> None:
    """From home to the consent, with everything right."""
    await to_code(phone)
    await field(phone, "인증번호").fill(CODE)
    await next_step(phone)
    await step(phone, "누구신가요?")
    await field(phone, "이름").fill(" 김안심 ")
    await field(phone, "관제요원이 알아야 할 것 (선택)").fill("천식")
    await next_step(phone)
    await step(phone, "PIN 만들기")
    await field(phone, "취소용 PIN").fill(PIN)
    await field(phone, "한 번 더 입력").fill(PIN)
    await phone.page.get_by_role("switch", name="협박용 PIN도 만들기").click()
    await field(phone, "협박용 PIN").fill(DURESS_PIN)
    await next_step(phone)
    await step(phone, "미리 동의해 주세요")


async def test_from_the_number_to_the_guardian(stranger: Phone) -> None:
    await to_consent(stranger)
    await stranger.page.get_by_role("checkbox", name="위치 정보 제공").check()
    await stranger.page.get_by_role("checkbox", name="영상 확인").uncheck()
    await next_step(stranger, "동의하고 등록")
    await step(stranger, "보호자")
    await field(stranger, "보호자 이름").fill("김보호")
    await field(stranger, "보호자 휴대전화 번호").fill("+82 10-9876-5432")
    await next_step(stranger)
    await step(stranger, "등록했습니다")
    await next_step(stranger, "시작하기")
    await expect(stranger.sos).to_be_visible()

    assert stranger.hub.registrations == [
        {
            "phone": "01012345678",
            "code": CODE,
            "name": "김안심",
            "pin": PIN,
            "duress_pin": DURESS_PIN,
            "consent": {"location": True, "video": False, "contact": True},
            "note": "천식",
        }
    ]
    assert stranger.hub.me
    assert stranger.hub.me["guardians"] == [{"name": "김보호", "phone": "01098765432"}]
    kept = await stranger.page.evaluate("() => JSON.stringify(localStorage)")
    assert PIN not in kept
    assert DURESS_PIN not in kept


async def test_a_known_number_is_signed_in_after_the_code(stranger: Phone) -> None:
    stranger.hub.me = person(name="이미등록")
    await to_code(stranger)
    await field(stranger, "인증번호").fill(CODE)
    await next_step(stranger)
    await expect(stranger.sos).to_be_visible()
    await expect(stranger.page.get_by_role("button", name="미리 등록하기")).to_be_hidden()
    assert stranger.hub.registrations == []


@pytest.mark.parametrize("number", ["", "12345", "02-123-4567", "010-12-34"])
async def test_a_number_that_cannot_be_one_is_refused_at_once(stranger: Phone, number: str) -> None:
    await stranger.page.get_by_role("button", name="미리 등록하기").click()
    await field(stranger, "휴대전화 번호").fill(number)
    await next_step(stranger)
    await expect(stranger.page.get_by_role("alert")).to_have_text(
        "010으로 시작하는 휴대전화 번호를 입력해 주세요."
    )
    await expect(field(stranger, "휴대전화 번호")).to_have_attribute("aria-invalid", "true")


async def test_the_hubs_word_on_a_wrong_code_stands_at_the_field(stranger: Phone) -> None:
    await to_code(stranger)
    await expect(stranger.page.get_by_text("남은 시간")).to_be_visible()
    await expect(stranger.page.get_by_text("시연용")).to_be_visible()
    await field(stranger, "인증번호").fill("999999")
    await next_step(stranger)
    await expect(stranger.page.get_by_role("alert")).to_have_text("인증번호가 맞지 않습니다.")
    await field(stranger, "인증번호").fill(CODE)
    await next_step(stranger)
    await step(stranger, "누구신가요?")


async def test_a_code_that_has_died_meanwhile_leads_back_to_its_step(stranger: Phone) -> None:
    await to_consent(stranger)
    await stranger.page.get_by_role("checkbox", name="위치 정보 제공").check()
    stranger.hub.code = "777777"
    await next_step(stranger, "동의하고 등록")
    await step(stranger, "인증번호")
    await expect(stranger.page.get_by_role("alert")).to_have_text("인증번호가 맞지 않습니다.")


@pytest.mark.parametrize(
    ("pin", "again", "duress", "complaint"),
    [
        ("12", "12", None, "숫자 4~6자리로 입력해 주세요."),
        ("12ab", "12ab", None, "숫자 4~6자리로 입력해 주세요."),
        ("1234", "4321", None, "두 PIN이 서로 다릅니다."),
        ("1234", "1234", "1234", "취소용 PIN과 다른 번호로 정해 주세요."),
        ("1234", "1234", "1", "숫자 4~6자리로 입력해 주세요."),
    ],
)
async def test_pins_that_cannot_work_are_refused(
    stranger: Phone, pin: str, again: str, duress: str | None, complaint: str
) -> None:
    await to_code(stranger)
    await field(stranger, "인증번호").fill(CODE)
    await next_step(stranger)
    await field(stranger, "이름").fill("김안심")
    await next_step(stranger)
    await step(stranger, "PIN 만들기")
    await field(stranger, "취소용 PIN").fill(pin)
    await field(stranger, "한 번 더 입력").fill(again)
    if duress is not None:
        await stranger.page.get_by_role("switch", name="협박용 PIN도 만들기").click()
        await field(stranger, "협박용 PIN").fill(duress)
    await next_step(stranger)
    await expect(stranger.page.get_by_role("alert")).to_have_text(complaint)


async def test_a_name_and_the_consent_to_location_are_needed(stranger: Phone) -> None:
    await to_code(stranger)
    await field(stranger, "인증번호").fill(CODE)
    await next_step(stranger)
    await step(stranger, "누구신가요?")
    await next_step(stranger)
    await expect(stranger.page.get_by_role("alert")).to_have_text("이름을 입력해 주세요.")
    await field(stranger, "이름").fill("김안심")
    await next_step(stranger)
    await field(stranger, "취소용 PIN").fill(PIN)
    await field(stranger, "한 번 더 입력").fill(PIN)
    await next_step(stranger)
    await next_step(stranger, "동의하고 등록")
    await expect(stranger.page.get_by_role("alert")).to_contain_text("위치 정보 제공에 동의해야")
    assert stranger.hub.registrations == []


async def test_back_goes_one_step_back_and_keeps_what_was_typed(stranger: Phone) -> None:
    await to_code(stranger, "010 2222 3333")
    await stranger.page.go_back()
    await step(stranger, "휴대전화 번호")
    await expect(field(stranger, "휴대전화 번호")).to_have_value("010 2222 3333")
    await stranger.page.go_back()
    await expect(stranger.sos).to_be_visible()


async def test_back_after_registering_leads_home_and_not_into_the_form(stranger: Phone) -> None:
    await to_consent(stranger)
    await stranger.page.get_by_role("checkbox", name="위치 정보 제공").check()
    await next_step(stranger, "동의하고 등록")
    await step(stranger, "보호자")
    await stranger.page.go_back()
    await expect(stranger.sos).to_be_visible()


async def test_an_unreachable_hub_is_said_in_plain_words(stranger: Phone) -> None:
    await stranger.page.get_by_role("button", name="미리 등록하기").click()
    await field(stranger, "휴대전화 번호").fill("01012345678")
    await stranger.cut()
    await next_step(stranger)
    await expect(stranger.page.get_by_role("alert")).to_have_text(
        "서버에 연결할 수 없습니다. 잠시 뒤 다시 시도해 주세요."
    )


class TestSettings:
    async def test_silence_holds_here_and_on_the_hub(self, phone: Phone) -> None:
        await phone.page.get_by_role("button", name="설정").click()
        await phone.page.get_by_role("switch", name="무음으로 신고").click()
        await expect(phone.page.get_by_role("switch", name="무음으로 신고")).to_be_checked()
        await phone.until(lambda: bool(phone.hub.me and phone.hub.me["settings"]["silent"]))
        await phone.page.go_back()
        await expect(phone.page.get_by_text("무음으로 신고")).to_be_visible()

    async def test_without_the_hub_a_setting_holds_here_and_says_so(self, phone: Phone) -> None:
        await phone.page.get_by_role("button", name="설정").click()
        await phone.cut()
        await phone.page.get_by_role("switch", name="무음으로 신고").click()
        await expect(phone.page.get_by_role("alert")).to_contain_text("이 휴대전화에만 저장했습니다.")
        await expect(phone.page.get_by_role("switch", name="무음으로 신고")).to_be_checked()

    async def test_the_language_changes_at_once_and_is_remembered(self, phone: Phone) -> None:
        await phone.page.get_by_role("button", name="설정").click()
        await phone.page.get_by_role("radio", name="English").check()
        await expect(phone.page.get_by_role("heading", name="Settings")).to_be_visible()
        await expect(phone.page.locator("html")).to_have_attribute("lang", "en")
        await phone.page.reload()
        await expect(phone.page.get_by_role("heading", level=1)).to_have_text("In danger? Hold for 1 second")

    async def test_guardians_come_and_go(self, phone: Phone) -> None:
        await phone.page.get_by_role("button", name="설정").click()
        await phone.page.get_by_role("button", name="보호자").click()
        await phone.page.get_by_role("button", name="보호자 추가").click()
        await expect(phone.page.get_by_role("alert")).to_contain_text("010으로 시작하는 번호")
        for number in range(5):
            await field(phone, "보호자 이름").fill(f"보호자{number}")
            await field(phone, "보호자 휴대전화 번호").fill(f"0101111000{number}")
            await phone.page.get_by_role("button", name="보호자 추가").click()
            await expect(phone.page.get_by_text(f"010-1111-000{number}")).to_be_visible()
        await expect(phone.page.get_by_text("5명까지 등록할 수 있습니다")).to_be_visible()
        await phone.page.get_by_role("button", name="보호자0 삭제").click()
        await expect(phone.page.get_by_text("010-1111-0000")).to_be_hidden()
        assert phone.hub.me
        assert [one["name"] for one in phone.hub.me["guardians"]] == [f"보호자{n}" for n in range(1, 5)]

    async def test_a_pin_changes_only_with_the_present_one(self, phone: Phone) -> None:
        await phone.page.get_by_role("button", name="설정").click()
        await phone.page.get_by_role("button", name="PIN 바꾸기").click()
        await field(phone, "지금 PIN").fill("0000")
        await field(phone, "새 PIN").fill("8888")
        await field(phone, "한 번 더 입력").fill("8888")
        await phone.page.get_by_role("button", name="저장").click()
        await expect(field(phone, "지금 PIN")).to_have_attribute("aria-invalid", "true")
        await field(phone, "지금 PIN").fill(PIN)
        await phone.page.get_by_role("button", name="저장").click()
        await expect(phone.page.get_by_role("status")).to_have_text("저장했습니다.")
        await expect(field(phone, "지금 PIN")).to_have_value("")

    async def test_the_profile_can_be_changed(self, phone: Phone) -> None:
        await phone.page.get_by_role("button", name="설정").click()
        await phone.page.get_by_role("button", name="내 정보와 동의").click()
        await field(phone, "이름").fill("박안심")
        await phone.page.get_by_role("checkbox", name="연락처 제공").uncheck()
        await phone.page.get_by_role("button", name="저장").click()
        await expect(phone.page.get_by_role("status")).to_have_text("저장했습니다.")
        assert phone.hub.me
        assert phone.hub.me["name"] == "박안심"
        assert phone.hub.me["consent"] == {"location": True, "video": True, "contact": False}

    async def test_who_looked_is_listed_newest_first(self, phone: Phone) -> None:
        look = {"center": "안양시", "what": "위치", "why": "긴급호출", "incident": "i"}
        phone.hub.looks = [
            look | {"at": stamp(-600), "who": "먼저 본 사람"},
            look | {"at": stamp(-60), "who": "나중에 본 사람"},
        ]
        await phone.page.get_by_role("button", name="설정").click()
        await phone.page.get_by_role("button", name="내 위치를 본 사람").click()
        rows = phone.page.get_by_role("listitem")
        await expect(rows).to_have_count(2)
        await expect(rows.nth(0)).to_contain_text("나중에 본 사람")
        await expect(rows.nth(1)).to_contain_text("먼저 본 사람")

    async def test_signing_out_forgets_her_on_this_phone(self, phone: Phone) -> None:
        await phone.page.get_by_role("button", name="설정").click()
        await phone.page.get_by_role("button", name="로그아웃").click()
        await expect(phone.page.get_by_role("button", name="미리 등록하기")).to_be_visible()
        assert "김안심" not in await phone.page.evaluate("() => JSON.stringify(localStorage)")

"""The operator console in a real browser, against real events and views."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from ansim.core.actors import Actor
from ansim.incidents import events as ev
from web.center_in_a_box import (
    ANYANG,
    GEUMCHEON,
    HERE,
    KIM,
    LEE,
    NAMES,
    POLICE,
    Case,
    Center,
)
from web.staff_browser import Screen, center, open_screen, screen, staff_browser

__all__ = ["center", "open_screen", "screen", "staff_browser"]
pytestmark = pytest.mark.browser


def item(page: Page, case: Case) -> Locator:
    return page.locator(f'[data-incident="{case.id}"]')


def slot(page: Page, name: str) -> Locator:
    return page.locator(f'[data-slot="{name}"]')


def panel(page: Page, case: Case) -> Locator:
    return page.locator(f'[data-incident-panel="{case.id}"]')


def queue(page: Page) -> list[str]:
    return [str(one.get_attribute("data-incident")) for one in page.locator("nav [data-incident]").all()]


def sound(page: Page) -> Locator:
    return page.locator("[data-sound]")


def until(page: Page, ready: Callable[[], bool]) -> None:
    """Wait for something on the server's side."""
    for _ in range(200):
        if ready():
            return
        page.wait_for_timeout(25)
    raise AssertionError("it did not happen")


# ---- signing in


def test_a_wrong_password_is_said_and_a_right_one_lets_in(center: Center, screen: Screen) -> None:
    page = screen.page
    page.goto(center.url)
    page.get_by_label("아이디").fill("kim")
    page.get_by_label("비밀번호").fill("guess")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("아이디 또는 비밀번호가 맞지 않습니다.")
    page.get_by_label("비밀번호").fill("kim-pass")
    page.keyboard.press("Enter")
    expect(page.get_by_text("열린 신고가 없습니다.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("열린 신고가 없습니다.")).to_be_visible()


def test_demo_sign_ins_are_shown_in_a_demo_only(center: Center, screen: Screen) -> None:
    center.demo = False
    screen.page.goto(center.url)
    expect(screen.page.get_by_label("아이디")).to_be_visible()
    expect(screen.page.get_by_text("시연용 계정")).to_have_count(0)
    center.demo = True
    screen.page.reload()
    expect(screen.page.get_by_text("시연용 계정")).to_be_visible()
    expect(screen.page.get_by_text("112 상황실")).to_have_count(0)


def test_signing_out_warns_that_no_alarm_will_sound(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    page.get_by_role("button", name="로그아웃").click()
    expect(page.get_by_role("dialog")).to_contain_text("경보가 울리지 않습니다")
    page.get_by_role("dialog").get_by_role("button", name="로그아웃").click()
    expect(page.get_by_label("아이디")).to_be_visible()
    assert center.sessions == {}


def test_an_ended_session_says_that_nothing_sounds_any_more(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    center.sessions.clear()
    center.drop_streams()
    expect(page.get_by_role("alert")).to_contain_text("지금은 경보가 울리지 않습니다")


# ---- the alarm


def test_a_new_alarm_stands_first_sounds_and_is_reported_as_seen(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    mine = center.alarm("김내담당")
    mine.accepted(KIM)
    expect(item(page, mine)).to_be_visible()
    expect(sound(page)).to_have_attribute("data-sound", "ready")
    case = center.alarm("이하나").at()
    expect(page.locator("nav section.alarm")).to_contain_text("이하나")
    assert queue(page)[0] == case.id
    expect(sound(page)).to_have_attribute("data-sound", "ringing")
    expect(page.get_by_role("alert")).to_have_text("새 신고: 이하나. 수락을 기다리는 신고 1건.")
    expect(page).to_have_title(re.compile(r"^\(1\) 새 신고"))
    until(page, lambda: ANYANG in case.incident.seen)
    assert len(center.posted(f"{case.id}/seen")) == 1
    case.accepted(LEE)
    expect(sound(page)).to_have_attribute("data-sound", "ready")


def test_an_unattended_alarm_moves_and_an_attended_one_does_not(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.alarm()
    moving = "li => getComputedStyle(li, '::after').animationName"
    row = page.locator("nav li", has=item(page, case))
    expect(row).to_have_class(re.compile("alarm"))
    assert row.evaluate(moving) != "none"
    case.accepted(KIM)
    expect(row).not_to_have_class(re.compile("alarm"))
    assert row.evaluate(moving) == "none"
    assert page.evaluate("document.getAnimations().filter(a => a.playState === 'running').length") == 0


def test_seen_waits_until_the_page_is_visible(center: Center, screen: Screen) -> None:
    screen.page.add_init_script(
        """window.shown = 'visible';
        Object.defineProperty(document, 'visibilityState', {get: () => window.shown});"""
    )
    page = screen.sign_in(center, KIM)
    page.evaluate("window.shown = 'hidden'")
    case = center.alarm()
    expect(item(page, case)).to_be_visible()
    page.wait_for_timeout(400)
    assert center.posted("/seen") == []
    page.evaluate("window.shown = 'visible'; document.dispatchEvent(new Event('visibilitychange'))")
    until(page, lambda: ANYANG in case.incident.seen)


def test_an_armed_one_is_small_silent_and_unreported(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.case().armed(window_s=40)
    expect(item(page, case)).to_contain_text("대기(취소 가능)")
    expect(slot(page, "accept")).to_be_disabled()
    expect(panel(page, case)).to_contain_text("본인이 취소할 수 있는 시간입니다")
    expect(sound(page)).to_have_attribute("data-sound", "ready")
    assert center.posted("/seen") == []
    case.add(ev.Cancelled(), by=Actor(kind="person", id="p-hana", name="이하나"))
    expect(page.locator("nav section.closed")).to_contain_text("이하나")
    expect(panel(page, case)).to_contain_text("본인이 취소했습니다.")


def test_the_queue_puts_duress_before_age_and_mine_before_others(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    older, newer, duress, mine, others = (center.alarm(name) for name in ("가", "나", "다", "라", "마"))
    armed = center.case().armed(window_s=60)
    closed = center.alarm("바")
    duress.add(ev.Duress())
    mine.accepted(KIM)
    others.accepted(LEE)
    closed.accepted(KIM).add(
        ev.Closed(disposition="safe"), by=Actor(kind="staff", id="op-kim", name="김"), node=ANYANG
    )
    expect(page.locator("nav section.closed li")).to_have_count(1)
    assert queue(page) == [one.id for one in (duress, older, newer, mine, others, armed, closed)]
    expect(item(page, duress)).to_contain_text("강압")


def test_work_at_hand_is_not_pushed_aside(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    mine = center.alarm("김내담당").at()
    expect(slot(page, "accept")).to_be_enabled()
    page.keyboard.press("a")
    expect(slot(page, "accept")).to_contain_text("내가 수락")
    page.keyboard.press("n")
    page.keyboard.type("통화 중")
    case = center.alarm("나중")
    expect(item(page, case)).to_be_visible()
    expect(panel(page, mine)).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("q")
    expect(panel(page, case)).to_be_visible()
    page.locator(f'[data-incident="{mine.id}"]').click()
    expect(page.get_by_label("메모")).to_have_value("통화 중")


def test_mute_ends_by_itself_and_with_a_new_alarm(center: Center, screen: Screen) -> None:
    screen.may_be_cut = True  # time is turned forward: the stream takes the silence for a cut and comes back
    screen.page.clock.install()
    page = screen.sign_in(center, KIM)
    center.alarm("하나")
    expect(sound(page)).to_have_attribute("data-sound", "ringing")
    page.keyboard.press("m")
    expect(sound(page)).to_have_attribute("data-sound", "muted")
    expect(sound(page)).to_contain_text("다시 울림")
    center.alarm("둘")
    expect(sound(page)).to_have_attribute("data-sound", "ringing")
    page.keyboard.press("m")
    expect(sound(page)).to_have_attribute("data-sound", "muted")
    page.clock.fast_forward(61_000)
    expect(sound(page)).to_have_attribute("data-sound", "ringing")
    page.keyboard.press("m")
    expect(sound(page)).to_have_attribute("data-sound", "muted")
    page.keyboard.press("m")
    expect(sound(page)).to_have_attribute("data-sound", "ringing")


# ---- accepting


def test_losing_the_race_is_a_calm_notice(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.alarm()
    expect(slot(page, "accept")).to_be_enabled()

    def first(route: Route) -> None:
        case.accepted(LEE)
        route.continue_()

    page.route("**/accept", first)
    slot(page, "accept").click()
    expect(page.locator(".notice.calm")).to_have_text(re.compile("이관제 님이 먼저 수락했습니다."))
    expect(slot(page, "accept")).to_contain_text("이관제")
    expect(item(page, case)).to_contain_text("이관제 담당")
    page.keyboard.press("Escape")
    expect(page.locator(".notice")).to_have_count(0)


def test_two_operators_exactly_one_wins(center: Center, open_screen: Callable[..., Screen]) -> None:
    kim = open_screen().sign_in(center, KIM)
    lee = open_screen().sign_in(center, LEE)
    case = center.alarm()
    expect(slot(kim, "accept")).to_be_enabled()
    expect(slot(lee, "accept")).to_be_enabled()
    slot(kim, "accept").click()
    expect(slot(lee, "accept")).to_contain_text("김관제")
    expect(slot(lee, "accept")).to_be_disabled()
    assert [event.actor.name for event in case.events if event.type == "accepted"] == ["김관제"]


def test_the_whole_way_by_keyboard_alone(center: Center, screen: Screen) -> None:
    page = screen.page
    page.goto(center.url)
    expect(page.get_by_label("아이디")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.type("kim")
    page.keyboard.press("Tab")
    page.keyboard.type("kim-pass")
    page.keyboard.press("Enter")
    expect(page.locator("nav")).to_be_visible()
    case = center.alarm().at()
    expect(slot(page, "accept")).to_be_enabled()
    expect(slot(page, "close")).to_be_disabled()
    page.keyboard.press("c")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("a")
    expect(slot(page, "accept")).to_contain_text("내가 수락")
    expect(page.get_by_text("상황을 보고 112나 119를 요청하세요.")).to_be_visible()
    page.keyboard.press("1")
    expect(page.get_by_role("dialog")).to_contain_text("112 경찰에 출동을 요청할까요?")
    page.keyboard.type("골목에 숨어 있음")
    page.keyboard.press("Enter")
    expect(slot(page, "112")).to_contain_text("요청됨")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(slot(page, "119")).to_contain_text("요청됨")
    page.keyboard.press("n")
    page.keyboard.type("어머니와 통화함")
    page.keyboard.press("Enter")
    expect(page.locator('[data-event="note"]')).to_contain_text("어머니와 통화함")
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.keyboard.press("1")
    expect(page.get_by_role("radio", name="구조됨")).to_be_checked()
    page.keyboard.press("Enter")
    expect(slot(page, "close")).to_contain_text("구조됨")
    incident = case.incident
    assert incident.disposition == "rescued"
    assert [(request.agency, request.note) for request in incident.requests.values()] == [
        ("112", "골목에 숨어 있음"),
        ("119", ""),
    ]


def test_keys_work_by_place_while_hangul_is_on(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    center.alarm()
    expect(slot(page, "accept")).to_be_enabled()
    page.evaluate("window.dispatchEvent(new KeyboardEvent('keydown', {key: 'ㅁ', code: 'KeyA'}))")
    expect(slot(page, "accept")).to_contain_text("내가 수락")


def test_enter_that_ends_a_hangul_syllable_does_not_send(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    center.alarm().accepted(KIM)
    note = page.get_by_label("메모")
    note.fill("안녕")
    note.evaluate(
        """e => e.dispatchEvent(
            new KeyboardEvent('keydown', {code: 'Enter', isComposing: true, bubbles: true}))"""
    )
    page.wait_for_timeout(200)
    assert center.posted("/notes") == []
    note.press("Enter")
    expect(note).to_have_value("")
    assert center.posted("/notes") == [{"text": "안녕"}]


def test_single_keys_can_be_switched_off(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.alarm()
    expect(slot(page, "accept")).to_be_enabled()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("맨 앞의 수락 대기 신고로")
    page.get_by_label("한 글자 단축키 사용").uncheck()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("a")
    page.wait_for_timeout(200)
    assert case.incident.operator is None
    page.keyboard.press("?")
    page.get_by_label("한 글자 단축키 사용").check()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(slot(page, "accept")).to_contain_text("내가 수락")


def test_the_queue_is_walked_by_letters_and_arrows(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    first, second, third = (center.alarm(name) for name in ("하나", "둘", "셋"))
    expect(panel(page, first)).to_be_visible()
    page.keyboard.press("j")
    expect(panel(page, second)).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(panel(page, third)).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(panel(page, third)).to_be_visible()
    page.keyboard.press("k")
    page.keyboard.press("ArrowUp")
    expect(panel(page, first)).to_be_visible()
    expect(item(page, first)).to_have_attribute("aria-current", "true")
    assert page.locator("nav [tabindex='0']").count() == 1


def test_sending_twice_is_not_possible_while_one_is_on_its_way(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    center.alarm()
    expect(slot(page, "accept")).to_be_enabled()

    def slowly(route: Route) -> None:
        page.wait_for_timeout(300)
        route.continue_()

    page.route("**/accept", slowly)
    page.evaluate("for (let i = 0; i < 5; i += 1) document.querySelector('[data-slot=accept]').click()")
    expect(slot(page, "accept")).to_contain_text("내가 수락")
    assert len(center.posted("/accept")) == 1


# ---- asking for help, closing


def test_a_requests_steps_show_as_the_agency_takes_them(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.alarm().accepted(KIM)
    request = case.requested("112")
    expect(slot(page, "112")).to_contain_text("요청됨")
    for status, words in (("acknowledged", "접수"), ("en_route", "출동"), ("on_scene", "도착")):
        assert center.agency_step(POLICE, request.id, {"status": status})[0] == 200
        expect(slot(page, "112")).to_contain_text(words)
        expect(page.locator(".requests [aria-current=step]")).to_have_text(words)
    expect(page.get_by_text("도착했습니다. 안전을 확인하고 종결하세요.")).to_be_visible()
    expect(slot(page, "close")).to_have_class(re.compile("next"))
    expect(page.locator('[data-event="dispatch_updated"]').first).to_contain_text(
        "112 경찰: 현장에 도착했습니다"
    )


def test_a_prank_is_for_two_people_to_say(center: Center, open_screen: Callable[..., Screen]) -> None:
    kim = open_screen().sign_in(center, KIM)
    lee = open_screen().sign_in(center, LEE)
    case = center.alarm().accepted(KIM)
    expect(slot(kim, "close")).to_be_enabled()
    kim.keyboard.press("c")
    kim.keyboard.press("4")
    expect(kim.get_by_role("dialog").get_by_role("button", name="종결 제안")).to_be_visible()
    kim.keyboard.press("Enter")
    expect(kim.get_by_text("제안한 사람은 확인할 수 없습니다.")).to_be_visible()
    expect(kim.get_by_role("button", name="확인하고 종결")).to_have_count(0)
    kim.keyboard.press("y")
    assert case.incident.disposition is None
    expect(item(lee, case)).to_contain_text("종결 확인 필요")
    item(lee, case).click()
    expect(lee.get_by_text("김관제 님이 ‘허위 신고’ 종결을 제안했습니다.")).to_be_visible()
    lee.keyboard.press("x")
    expect(lee.get_by_role("button", name="확인하고 종결")).to_have_count(0)
    assert case.incident.closing is None
    expect(slot(kim, "close")).to_be_enabled()
    kim.keyboard.press("c")
    kim.keyboard.press("4")
    expect(kim.get_by_role("dialog").get_by_role("button", name="종결 제안")).to_be_visible()
    kim.keyboard.press("Enter")
    expect(lee.get_by_role("button", name="확인하고 종결")).to_be_visible()
    lee.keyboard.press("y")
    expect(slot(kim, "close")).to_contain_text("허위 신고")
    assert case.incident.disposition == "prank"


def test_the_proposer_may_take_it_back(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.alarm().accepted(KIM)
    case.add(
        ev.ClosingProposed(disposition="prank"),
        by=KIM.actor,
        node=ANYANG,
    )
    page.get_by_role("button", name="제안 철회").click()
    expect(slot(page, "close")).to_be_enabled()
    assert case.incident.closing is None


def test_an_unusual_end_needs_words_and_an_end_needs_a_choice(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    center.alarm().accepted(KIM)
    slot(page, "close").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="종결", exact=True).click()
    expect(dialog.get_by_role("alert")).to_have_text("하나를 고르세요.")
    dialog.get_by_text("기타").click()
    dialog.get_by_role("button", name="종결 제안").click()
    expect(dialog.get_by_role("alert")).to_have_text("사유를 적어 주세요.")
    dialog.get_by_label("사유 (필수)").fill("다른 사건과 같은 사람")
    dialog.get_by_role("button", name="종결 제안").click()
    expect(page.locator(".closing")).to_contain_text("다른 사건과 같은 사람")
    assert center.posted("/closing") == [{"disposition": "other", "reason": "다른 사건과 같은 사람"}]


def test_focus_returns_from_a_dialog(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    center.alarm().accepted(KIM)
    slot(page, "119").click()
    expect(page.get_by_label("전할 말")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(slot(page, "119")).to_be_focused()
    assert center.posted("/requests") == []


def test_an_unverified_request_is_marked_and_can_be_made_good(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.alarm()
    case.add(ev.Rung(step="agency_direct", code=ANYANG, name=NAMES[ANYANG], agency="112"))
    expect(page.locator(".unverified")).to_have_text("관제 미확인 – 직접 요청")
    expect(panel(page, case)).to_contain_text("관제 응답 없이 112 직접 요청")
    expect(slot(page, "accept")).to_be_enabled()
    page.keyboard.press("a")
    expect(slot(page, "112")).to_have_class(re.compile("next"))
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(slot(page, "112")).to_contain_text("요청됨")


def test_an_exercise_says_so_everywhere(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.alarm("훈련생", exercise=True, trigger="drill").at()
    expect(item(page, case)).to_contain_text("훈련")
    expect(panel(page, case).locator(".badge.exercise")).to_have_text("훈련")
    expect(page.get_by_role("alert")).to_contain_text("훈련 신고")
    page.keyboard.press("a")
    expect(slot(page, "112")).to_be_enabled()
    page.keyboard.press("1")
    expect(page.get_by_role("dialog")).to_contain_text("훈련입니다. 실제 기관에는 전달되지 않습니다.")
    page.keyboard.press("Enter")
    expect(page.locator(".requests")).to_contain_text("훈련 기관")
    expect(slot(page, "112")).to_be_disabled()
    expect(slot(page, "119")).to_be_disabled()


# ---- truth


def test_an_event_that_lost_its_race_stays_and_says_so(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.alarm().accepted(LEE)
    lost = case.add(ev.Accepted(code=ANYANG, epoch=1), by=KIM.actor, node=ANYANG)
    assert case.incident.superseded == [lost.id]
    rows = page.locator('[data-event="accepted"]')
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("무효 (먼저 처리됨)")
    expect(rows.first).to_contain_text("김관제 님이 수락했습니다")
    expect(rows.last).not_to_contain_text("무효")


def test_the_timeline_tells_korean_time_to_the_second(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.alarm()
    first = page.locator('[data-event="alerted"] time')
    moment = str(first.get_attribute("datetime"))
    hour = (int(moment[11:13]) + 9) % 24
    expect(first).to_have_text(f"{hour:02d}{moment[13:19]}")
    assert case.view()["alerted_at"] == moment


def test_marks_and_doubts_are_said_in_words(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.case().armed(
        person=None, marks=("garbled_position", "expired_login", "unknown_device"), silent=True
    )
    case.alerted().add(ev.OwnershipAssigned(code=ANYANG, name=NAMES[ANYANG], epoch=2, reason="no_ack"))
    for words in (
        "위치 깨짐",
        "로그인 만료",
        "미등록 기기",
        "인접 센터에서 넘어옴",
        "무음",
        "미등록 신고자",
        "관할 근사",
    ):
        expect(panel(page, case)).to_contain_text(words)
    expect(page.get_by_text("위치를 아직 모릅니다")).to_be_visible()
    expect(page.get_by_text("위치를 알아야 카메라를 찾을 수 있습니다.")).to_be_visible()


def test_the_profile_is_one_click_from_a_call(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.alarm()
    hers = panel(page, case).get_by_role("link", name="010-1234-5678")
    expect(hers).to_have_attribute("href", "tel:+821012345678")
    mother = panel(page, case).get_by_role("link", name="010-9876-5432")
    expect(mother).to_have_attribute("href", "tel:01098765432")
    expect(panel(page, case)).to_contain_text("천식이 있어")


def test_an_old_fix_is_called_old(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.alarm().at(age_s=300, radius=40)
    card = page.locator(".map .card")
    expect(card).to_contain_text("오래된 정보")
    expect(card).to_contain_text("오차 반경 40 m")
    case.at(radius=12, battery=0.08, speed=1.5, heading=10.0)
    expect(card).not_to_contain_text("오래된 정보")
    expect(card).to_contain_text("배터리 8%")
    expect(card).to_contain_text("시속 5 km 북쪽으로 이동")


def test_a_handed_over_incident_is_read_only(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.alarm().accepted(KIM)
    expect(slot(page, "112")).to_be_enabled()
    case.owned(GEUMCHEON, "handover")
    expect(page.get_by_text("금천구로 이관됨 – 읽기 전용")).to_be_visible()
    for name in ("accept", "112", "119", "close"):
        expect(slot(page, name)).to_be_disabled()
    expect(page.get_by_label("메모")).to_have_count(0)
    expect(page.locator('[data-event="ownership_assigned"]').first).to_contain_text("금천구로 이관했습니다")
    case.at(37.4400, 126.9100)
    expect(page.locator(".map .card")).to_contain_text("37.44000")
    expect(sound(page)).to_have_attribute("data-sound", "ready")


def test_the_new_owner_has_to_accept_what_was_handed_over(open_screen: Callable[..., Screen]) -> None:
    with Center(GEUMCHEON) as neighbour:
        page = open_screen().sign_in(neighbour, KIM)
        case = neighbour.alarm().accepted(LEE)
        expect(page.get_by_text("안양시로 이관됨 – 읽기 전용")).to_be_visible()
        expect(sound(page)).to_have_attribute("data-sound", "ready")
        case.owned(GEUMCHEON, "handover")
        expect(page.get_by_text("이관받은 신고입니다. 수락하여 이어받으세요.")).to_be_visible()
        expect(sound(page)).to_have_attribute("data-sound", "ringing")
        page.keyboard.press("a")
        expect(slot(page, "accept")).to_contain_text("내가 수락")
        expect(page.get_by_label("메모")).to_be_visible()


def test_a_co_alarmed_center_asks_for_the_incident(open_screen: Callable[..., Screen]) -> None:
    with Center(GEUMCHEON) as neighbour:
        page = open_screen().sign_in(neighbour, KIM)
        case = neighbour.alarm()
        expect(item(page, case)).to_contain_text("안양시 담당")
        case.add(ev.Rung(step="co_alarm", code=GEUMCHEON, name=NAMES[GEUMCHEON]))
        expect(item(page, case)).to_contain_text("안양시 응답 없음 – 함께 경보")
        expect(sound(page)).to_have_attribute("data-sound", "ringing")
        page.keyboard.press("a")
        expect(page.locator(".notice.good")).to_contain_text("안양시에서 넘겨받도록 요청했습니다")
        case.owned(GEUMCHEON, "claimed")
        case.accepted(KIM)
        expect(slot(page, "accept")).to_contain_text("내가 수락")


def test_a_cut_line_is_said_and_the_page_catches_up(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    known = center.alarm("이하나")
    expect(item(page, known)).to_be_visible()
    until(page, lambda: bool(page.workers))  # the map's own: what is still being loaded cannot be cut off
    snapshots = center.snapshots
    screen.may_be_cut = True
    center.cut_off()
    expect(page.get_by_text("이후의 소식은 화면에 없습니다.")).to_be_visible()
    expect(page.get_by_text("연결이 끊겨 있습니다.")).to_be_visible()
    slot(page, "accept").click()
    expect(page.locator(".notice.bad")).to_contain_text("전송하지 못했습니다.")
    expect(slot(page, "accept")).to_be_enabled()
    missed = center.alarm("그동안")
    expect(item(page, missed)).to_have_count(0)
    center.mend()
    expect(item(page, missed)).to_be_visible(timeout=20_000)
    expect(page.get_by_text("이후의 소식은 화면에 없습니다.")).to_have_count(0)
    assert center.snapshots == snapshots, "what was missed came by the cursor, without starting over"


def test_a_resync_replaces_everything(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    gone, kept = center.alarm("사라짐"), center.alarm("남음")
    expect(panel(page, gone)).to_be_visible()
    # What the page asks about it must be answered first: a moment later there is nothing to be asked about.
    until(page, lambda: ANYANG in gone.incident.seen and ANYANG in kept.incident.seen)
    with center.lock:
        center.cases.pop(gone.id)
    kept.events.append(
        ev.Event(
            id="late", incident=kept.id, at=center.clock.tick(), node=ANYANG,
            actor=LEE.actor, data=ev.Note(text="뒤늦은 메모"),
        )
    )  # fmt: skip
    center.resync()
    expect(item(page, gone)).to_have_count(0)
    expect(panel(page, kept)).to_contain_text("뒤늦은 메모")


def test_an_incident_that_is_gone_leaves_the_screen(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.alarm()
    expect(panel(page, case)).to_be_visible()
    until(page, lambda: ANYANG in case.incident.seen)  # else its being seen is told of what is gone
    center.gone(case)
    expect(page.get_by_text("열린 신고가 없습니다.")).to_be_visible()
    expect(sound(page)).to_have_attribute("data-sound", "ready")


def test_a_cut_hub_is_said_and_work_goes_on(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    center.alarm()
    center.status(up=False)
    expect(page.get_by_text("허브 연결 끊김")).to_be_visible()
    expect(page.get_by_text("이 센터는 계속 동작합니다.")).to_be_visible()
    page.keyboard.press("a")
    expect(slot(page, "accept")).to_contain_text("내가 수락")
    center.status(up=True)
    expect(page.get_by_text("허브 연결 끊김")).to_have_count(0)


# ---- map and cameras


def test_the_map_draws_under_the_strict_policy(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    expect(page.locator(".maplibregl-canvas")).to_be_visible()
    expect(page.locator(".map .approximate")).to_have_text("근사 경계")
    workers: list[str] = []
    page.on("worker", lambda worker: workers.append(worker.url))
    page.reload()
    expect(page.locator(".maplibregl-canvas")).to_be_visible()
    until(page, lambda: any("maplibre-gl-worker" in url for url in workers))
    canvas = page.locator(".map .canvas")
    page.wait_for_timeout(800)
    empty = canvas.screenshot()
    center.alarm().at(radius=60)
    expect(page.locator("[data-camera]")).to_have_count(12)
    page.wait_for_timeout(800)
    assert canvas.screenshot() != empty


def test_the_map_stops_following_when_it_is_moved_and_says_so(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    center.alarm().at()
    follow = page.get_by_role("button", name="따라가기")
    expect(follow).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(500)
    box = page.locator(".map .canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 320, box["y"] + 360, steps=5)
    page.mouse.up()
    expect(follow).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("f")
    expect(follow).to_have_attribute("aria-pressed", "true")


def test_cameras_are_ranked_reached_by_key_and_pointed_out(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    case = center.alarm().at()
    cameras = page.locator("[data-camera]")
    expect(cameras).to_have_count(12)
    expect(cameras.first).to_contain_text("북동쪽 32 m")
    expect(cameras.first).to_contain_text("이쪽을 봄")
    expect(cameras.nth(1)).to_contain_text("전방위")
    expect(cameras.nth(2)).to_contain_text("다른 쪽을 봄")
    page.keyboard.press("/")
    expect(cameras.first).to_be_focused()
    expect(cameras.first).to_have_class(re.compile("lit"))
    page.keyboard.press("ArrowDown")
    expect(cameras.nth(1)).to_be_focused()
    expect(panel(page, case)).to_be_visible()
    asked = len([1 for _, path, _ in center.calls if path.endswith(f"{case.id}/cameras")])
    case.at(HERE[0] + 0.001, HERE[1])
    until(
        page,
        lambda: len([1 for _, path, _ in center.calls if path.endswith(f"{case.id}/cameras")]) == asked + 1,
    )


def test_without_webgl_the_words_remain(center: Center, screen: Screen) -> None:
    screen.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page = screen.sign_in(center, KIM)
    center.alarm().at()
    expect(page.get_by_text("이 브라우저에서는 지도를 그릴 수 없습니다.")).to_be_visible()
    expect(page.locator(".map .card")).to_contain_text(f"{HERE[0]:.5f}, {HERE[1]:.5f}")
    page.keyboard.press("a")
    expect(slot(page, "accept")).to_contain_text("내가 수락")


# ---- many, and for everybody


def test_two_hundred_incidents_stay_usable(center: Center, screen: Screen) -> None:
    cases = [
        center.alarm(f"신고자 {index:03d}").at(HERE[0] + index / 10_000, HERE[1]) for index in range(200)
    ]
    page = screen.sign_in(center, KIM)
    expect(page.locator("nav [data-incident]")).to_have_count(200)
    assert queue(page) == [case.id for case in cases]
    page.keyboard.press("a")
    expect(page.locator("nav section.mine")).to_contain_text("신고자 000")
    for _ in range(3):
        page.keyboard.press("j")
    for case in cases[:100]:
        case.at(HERE[0], HERE[1] + 0.002)
    urgent = center.alarm("급한 사람")
    urgent.add(ev.Duress())
    expect(page.locator("nav [data-incident]").first).to_have_attribute("data-incident", urgent.id)
    page.keyboard.press("q")
    expect(panel(page, urgent)).to_be_visible()
    page.keyboard.press("a")
    expect(slot(page, "accept")).to_contain_text("내가 수락")
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1440, 900), (2560, 1440)])
def test_the_next_action_is_always_in_the_same_place(
    center: Center, open_screen: Callable[..., Screen], width: int, height: int
) -> None:
    page = open_screen(viewport={"width": width, "height": height}).sign_in(center, KIM)
    plain = center.alarm("짧은")
    full = center.alarm("긴 이름을 가진 신고자", marks=("no_position", "expired_login", "unknown_device"))
    places = []
    for case in (plain, full):
        item(page, case).click()
        expect(panel(page, case)).to_be_visible()
        for step in (lambda: None, lambda one=case: one.accepted(KIM)):
            step()
            box = slot(page, "accept").bounding_box()
            assert box
            places.append((round(box["x"]), round(box["y"])))
    assert len(set(places)) == 1
    box = page.locator(".slots").bounding_box()
    assert box
    assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_axe_finds_nothing(center: Center, open_screen: Callable[..., Screen], locale: str) -> None:
    screen = open_screen(locale, reduced_motion="reduce")
    page = screen.page
    page.goto(center.url)
    expect(page.locator("form")).to_be_visible()
    screen.axe()
    screen.sign_in(center, KIM)
    screen.axe()
    center.case().armed(window_s=60)
    duress = center.alarm("최강압", marks=("expired_login",), silent=True).at(radius=35)
    duress.add(ev.Duress())
    center.alarm("박훈련", exercise=True).accepted(LEE)
    case = center.alarm().at()
    item(page, case).click()
    expect(page.locator("[data-camera]")).to_have_count(12)
    screen.axe()
    page.keyboard.press("a")
    expect(slot(page, "112")).to_be_enabled()
    page.keyboard.press("1")
    screen.axe()
    page.keyboard.press("Enter")
    page.keyboard.press("c")
    screen.axe()
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    expect(page.locator(".closing")).to_be_visible()
    screen.axe()
    page.keyboard.press("?")
    screen.axe()
    page.keyboard.press("Escape")
    screen.may_be_cut = True
    center.status(up=False)
    center.cut_off()
    expect(page.locator(".lines .banner")).to_be_visible()
    screen.axe()


def test_the_language_changes_at_once_and_stays(center: Center, screen: Screen) -> None:
    page = screen.sign_in(center, KIM)
    center.alarm()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_text("Accept it now.")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.reload()
    expect(page.get_by_text("Accept it now.")).to_be_visible()

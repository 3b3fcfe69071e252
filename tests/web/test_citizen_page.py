"""The citizen's page in a real browser, against a hub that keeps its contract."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from web.citizen import Phone, open_phone
from web.fake_hub import ANYANG, DURESS_PIN, GEUMCHEON, PIN, FakeHub, person, request, stamp
from web.pages import serve

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def phone(browser: Browser) -> AsyncIterator[Phone]:
    """A registered person's phone, opened on the home screen."""
    hub = FakeHub()
    hub.me = person()
    async with serve(hub) as url, open_phone(browser, hub, url) as opened:
        yield opened


async def test_a_hold_of_less_than_a_second_sends_nothing_and_says_so(phone: Phone) -> None:
    await phone.hold(400)
    await expect(phone.page.get_by_text("보내지 않았습니다")).to_be_visible()
    await phone.hold(700)
    await expect(phone.page.get_by_role("heading", level=1)).to_have_text("위험하면 1초 동안 누르세요")
    assert phone.hub.bodies == []


async def test_a_held_second_sends_one_report_at_once(phone: Phone) -> None:
    await phone.hold(1300)
    await phone.headline("신고를 보냈습니다")
    (body,) = phone.hub.bodies
    assert body["trigger"] == "hold"
    assert body["silent"] is False
    assert body["device_id"]
    assert body["position"]["lat"] == pytest.approx(37.3943)
    assert body["position"]["radius"] == 12
    assert phone.hub.incidents[phone.hub.only()]["state"] == "armed"


@pytest.mark.parametrize("key", ["Space", "Enter"])
async def test_a_key_can_be_held_instead_of_a_finger(phone: Phone, key: str) -> None:
    await phone.sos.focus()
    await phone.page.keyboard.down(key)
    await phone.page.wait_for_timeout(300)
    await phone.page.keyboard.up(key)
    assert phone.hub.bodies == []
    await phone.page.keyboard.down(key)
    await phone.headline("신고를 보냈습니다")
    await phone.page.keyboard.up(key)
    assert len(phone.hub.bodies) == 1


async def test_who_cannot_hold_answers_a_second_question_instead(phone: Phone) -> None:
    await phone.page.get_by_role("button", name="누르고 있기 어려우신가요?").click()
    await phone.page.get_by_role("button", name="돌아가기").click()
    assert phone.hub.bodies == []
    await phone.page.get_by_role("button", name="누르고 있기 어려우신가요?").click()
    await phone.page.get_by_role("button", name="SOS 보내기").click()
    await phone.headline("신고를 보냈습니다")
    assert [body["trigger"] for body in phone.hub.bodies] == ["key"]


async def test_an_open_report_swallows_further_presses(phone: Phone) -> None:
    await phone.press()
    await phone.shake(40)
    await phone.page.wait_for_timeout(200)
    assert len(phone.hub.bodies) == 1


async def test_letting_go_of_a_captured_finger_outside_the_button_is_letting_go(phone: Phone) -> None:
    box = await phone.sos.bounding_box()
    assert box
    await phone.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await phone.page.mouse.down()
    await phone.page.mouse.move(10, 10)
    await phone.page.mouse.up()
    await phone.page.wait_for_timeout(1200)
    assert phone.hub.bodies == []


class TestReceipts:
    async def test_every_step_shows_when_it_is_true_and_not_before(self, phone: Phone) -> None:
        incident = await phone.press()
        steps = phone.page.get_by_role("list", name="진행 상황").get_by_role("listitem")
        await expect(steps).to_have_count(4)
        await expect(phone.current_step).to_contain_text("신고 접수")

        phone.hub.move(incident, state="alerting", alerted_at=stamp())
        await phone.headline("안양시 센터에 전하고 있습니다")
        phone.hub.move(incident, delivered={ANYANG["code"]: stamp()})
        await phone.headline("안양시 센터가 받았습니다")
        await expect(phone.current_step).to_contain_text("안양시 센터 수신")
        phone.hub.move(incident, seen={ANYANG["code"]: {"at": stamp(), "operator": ""}})
        await phone.headline("관제요원이 보고 있습니다")
        phone.hub.move(incident, state="accepted", accepted_at=stamp())
        await phone.headline("관제요원이 신고를 맡았습니다")
        for status, sentence in [
            ("requested", "112에 출동을 요청했습니다"),
            ("acknowledged", "112가 출동 요청을 받았습니다"),
            ("en_route", "112가 오고 있습니다"),
            ("on_scene", "112가 현장에 도착했습니다"),
            ("done", "112가 조치를 마쳤습니다"),
        ]:
            phone.hub.move(incident, state="dispatched", requests=[request("112", status)])
            await phone.headline(sentence)
        phone.hub.move(incident, state="closed", closed_at=stamp(), disposition="rescued")
        await phone.headline("상황이 종료되었습니다")
        await expect(phone.page.get_by_text("구조가 끝났습니다.")).to_be_visible()
        await phone.page.get_by_role("button", name="확인").click()
        await expect(phone.sos).to_be_visible()

    async def test_the_agency_that_got_further_makes_the_sentence(self, phone: Phone) -> None:
        incident = await phone.press()
        both = [request("112", "acknowledged"), request("119", "on_scene")]
        phone.hub.move(incident, state="on_scene", accepted_at=stamp(), requests=both)
        await phone.headline("119가 현장에 도착했습니다")
        await expect(phone.page.get_by_text("112 요청 확인")).to_be_visible()

    async def test_a_hand_over_names_the_new_center(self, phone: Phone) -> None:
        incident = await phone.press()
        phone.hub.move(incident, state="alerting", delivered={ANYANG["code"]: stamp()})
        await phone.headline("안양시 센터가 받았습니다")
        owner = GEUMCHEON | {"epoch": 2, "since": stamp(), "reason": "handover"}
        phone.hub.move(incident, owner=owner)
        await phone.headline("금천구 센터에 전하고 있습니다")

    async def test_an_exercise_is_marked_as_one(self, phone: Phone) -> None:
        incident = await phone.press()
        phone.hub.move(incident, exercise=True)
        await expect(phone.page.get_by_text("훈련", exact=True)).to_be_visible()


class TestCountdown:
    async def test_now_skips_it(self, phone: Phone) -> None:
        incident = await phone.press()
        await expect(phone.page.get_by_text("초 뒤 관제센터에 경보가 울립니다")).to_be_visible()
        await phone.page.get_by_role("button", name="지금 알리기").click()
        await expect(phone.page.get_by_role("button", name="지금 알리기")).to_be_hidden()
        assert phone.hub.hurried == [incident]

    async def test_a_wrong_phone_clock_does_not_bend_it(self, phone: Phone) -> None:
        await phone.page.evaluate("() => { const real = Date.now; Date.now = () => real() - 600000; }")
        await phone.press()
        shown = phone.page.get_by_text("초 뒤 관제센터에 경보가 울립니다")
        await expect(shown).to_be_visible()
        assert int((await shown.inner_text()).split("초")[0]) <= 5


class TestCancel:
    async def test_a_wrong_pin_is_told_and_the_right_one_cancels(self, phone: Phone) -> None:
        await phone.press()
        await phone.enter_pin("0000")
        await expect(phone.page.get_by_role("alert")).to_contain_text("4번 더 입력할 수 있습니다")
        await phone.type_pin(PIN)
        await phone.headline("취소했습니다")
        assert [cancel["pin"] for cancel in phone.hub.cancels] == ["0000", PIN]
        assert {cancel["key"] for cancel in phone.hub.cancels} == {phone.hub.presses[0]["key"]}
        await phone.page.get_by_role("button", name="확인").click()
        await expect(phone.sos).to_be_visible()

    async def test_a_keyboard_can_type_it(self, phone: Phone) -> None:
        await phone.press()
        await phone.page.get_by_role("button", name="취소", exact=True).click()
        await phone.page.keyboard.type(PIN)
        await phone.page.keyboard.press("Enter")
        await phone.headline("취소했습니다")

    async def test_under_duress_the_screen_is_the_same_to_the_letter(self, phone: Phone) -> None:
        async def cancelled_with(pin: str) -> tuple[str, list[str]]:
            await phone.press()
            await phone.enter_pin(pin)
            await phone.headline("취소했습니다")
            markup = await phone.page.locator("#app").inner_html()
            screen = re.sub(r'"c\d+"', "a component's number", markup)
            kept = await phone.page.evaluate("() => Object.keys(localStorage).sort()")
            await phone.page.get_by_role("button", name="확인").click()
            await expect(phone.sos).to_be_visible()
            return screen, kept

        assert await cancelled_with(PIN) == await cancelled_with(DURESS_PIN)
        assert len(phone.hub.duress) == 1

    async def test_positions_go_on_after_a_cancel_because_it_may_have_been_forced(self, phone: Phone) -> None:
        await phone.press()
        await phone.enter_pin(DURESS_PIN)
        await phone.headline("취소했습니다")
        await phone.page.get_by_role("button", name="확인").click()
        await phone.move_to(37.41, 126.91)
        await phone.until(lambda: any(at["lat"] == 37.41 for at in phone.hub.positions.values()))

    async def test_without_a_duress_pin_a_cancel_ends_them(self, phone: Phone) -> None:
        assert phone.hub.me
        phone.hub.me["has_duress_pin"] = False
        await phone.page.reload()
        await phone.press()
        await phone.enter_pin(PIN)
        await phone.headline("취소했습니다")
        calls = phone.hub.position_calls
        await phone.move_to(37.42, 126.92)
        await phone.page.wait_for_timeout(1500)
        assert phone.hub.position_calls == calls

    async def test_too_late_is_said_and_the_report_goes_on(self, phone: Phone) -> None:
        incident = await phone.press()
        await phone.page.get_by_role("button", name="취소", exact=True).click()
        phone.hub.incidents[incident]["state"] = "accepted"
        await phone.type_pin(PIN)
        await expect(phone.page.get_by_role("alert")).to_contain_text("관제요원이 이미 확인하고 있어")
        phone.hub.move(incident, accepted_at=stamp())
        await phone.headline("관제요원이 신고를 맡았습니다")
        await expect(phone.page.get_by_role("button", name="취소", exact=True)).to_be_hidden()


class TestOffline:
    async def test_the_report_survives_a_reload_and_arrives_once_under_its_key(self, phone: Phone) -> None:
        await phone.cut()
        await phone.hold(1300)
        await phone.headline("아직 보내지 못했습니다. 연결되는 즉시 보냅니다")
        await expect(phone.page.get_by_text("이 휴대전화에 보관했습니다")).to_be_visible()
        await expect(phone.page.get_by_role("timer")).to_contain_text("번째")
        (kept,) = await phone.kept_presses()
        assert phone.hub.bodies == []

        await phone.page.reload()
        await phone.headline("아직 보내지 못했습니다. 연결되는 즉시 보냅니다")
        await phone.restore()
        await phone.headline("신고를 보냈습니다")
        assert [body["key"] for body in phone.hub.bodies] == [kept["key"]]
        assert phone.hub.bodies[0]["pressed_at"] == kept["pressed_at"]

    async def test_a_lost_answer_makes_no_second_incident(self, phone: Phone) -> None:
        async def lose_the_first_answer(route: Route) -> None:
            if phone.hub.bodies:
                await route.continue_()
                return
            await route.fetch()
            await route.abort("connectionreset")

        await phone.page.route("**/api/sos", lose_the_first_answer)
        await phone.press()
        assert len(phone.hub.bodies) == 2
        assert len(phone.hub.presses) == len(phone.hub.incidents) == 1

    async def test_a_broken_hub_is_tried_again(self, phone: Phone) -> None:
        phone.hub.fail = [503, 500, 429]
        await phone.press()
        assert len({body["key"] for body in phone.hub.bodies}) == 1
        assert len(phone.hub.bodies) == 4

    async def test_a_refused_report_is_sent_bare(self, phone: Phone) -> None:
        phone.hub.fail = [400]
        await phone.press()
        assert "position" in phone.hub.bodies[0]
        assert set(phone.hub.bodies[1]) == {"key", "trigger", "pressed_at", "silent", "device_id"}

    async def test_retry_now_does_not_wait(self, phone: Phone) -> None:
        await phone.cut()
        await phone.hold(1300)
        await phone.headline("아직 보내지 못했습니다. 연결되는 즉시 보냅니다")
        # Only after some failures is the pause so long that the button, and not the clock, sends.
        await expect(phone.page.get_by_role("timer")).to_contain_text("뒤 6번째", timeout=30_000)
        await phone.restore(tell=False)
        await phone.page.get_by_role("button", name="지금 다시").click()
        await phone.headline("신고를 보냈습니다")

    async def test_a_cancel_waits_for_the_report_and_is_not_written_down(self, phone: Phone) -> None:
        await phone.cut()
        await phone.hold(1300)
        await phone.headline("아직 보내지 못했습니다. 연결되는 즉시 보냅니다")
        await phone.enter_pin(PIN)
        await expect(phone.page.get_by_text("연결되면 취소를 전합니다")).to_be_visible()
        assert PIN not in str(await phone.kept_presses())
        await phone.restore()
        await phone.headline("취소했습니다")
        assert [cancel["pin"] for cancel in phone.hub.cancels] == [PIN]

    async def test_a_refused_waiting_cancel_is_said(self, phone: Phone) -> None:
        await phone.cut()
        await phone.hold(1300)
        await phone.headline("아직 보내지 못했습니다. 연결되는 즉시 보냅니다")
        await phone.enter_pin("1111")
        await phone.restore()
        await expect(phone.page.get_by_text("취소되지 않았습니다. 신고는 진행 중입니다.")).to_be_visible()

    async def test_without_storage_it_is_sent_all_the_same(self, phone: Phone) -> None:
        await phone.page.add_init_script(
            """IDBFactory.prototype.open = () => { throw new DOMException('refused', 'SecurityError'); };
            for (const name of ['getItem', 'setItem', 'removeItem'])
                Storage.prototype[name] = () => { throw new DOMException('refused', 'SecurityError'); };"""
        )
        await phone.page.reload()
        await phone.press()
        assert len(phone.hub.presses) == 1

    async def test_a_cut_line_is_said_and_heals_by_itself(self, phone: Phone) -> None:
        incident = await phone.press()
        await phone.cut()
        phone.hub.end_streams()
        await expect(phone.page.get_by_text("연결 끊김.")).to_be_visible()
        phone.hub.move(incident, state="alerting", delivered={ANYANG["code"]: stamp()})
        await phone.restore()
        await expect(phone.page.get_by_text("연결 끊김.")).to_be_hidden()


class TestResume:
    async def test_a_reload_comes_back_to_the_open_incident(self, phone: Phone) -> None:
        incident = await phone.press()
        phone.hub.move(incident, state="accepted", accepted_at=stamp())
        await phone.headline("관제요원이 신고를 맡았습니다")
        await phone.page.reload()
        await phone.headline("관제요원이 신고를 맡았습니다")
        assert len(phone.hub.bodies) == 1

    async def test_an_incident_that_only_the_hub_remembers_is_taken_up(self, phone: Phone) -> None:
        incident = await phone.press()
        await phone.page.evaluate("() => indexedDB.deleteDatabase('ansim')")
        phone.hub.move(incident, state="alerting", seen={ANYANG["code"]: {"at": stamp(), "operator": ""}})
        await phone.page.reload()
        await phone.headline("관제요원이 보고 있습니다")

    async def test_an_incident_closed_meanwhile_is_shown_as_closed(self, phone: Phone) -> None:
        incident = await phone.press()
        await phone.page.goto("about:blank")
        phone.hub.incidents[incident].update(state="closed", disposition="safe")
        await phone.page.goto(phone.url)
        await phone.headline("상황이 종료되었습니다")

    async def test_an_incident_the_hub_does_not_show_any_more_is_said_to_be_lost(self, phone: Phone) -> None:
        incident = await phone.press()
        await phone.page.goto("about:blank")
        del phone.hub.incidents[incident]
        await phone.page.goto(phone.url)
        await phone.headline("신고는 접수되었지만 소식을 더 받을 수 없습니다")
        await phone.page.get_by_role("button", name="확인").click()
        await expect(phone.sos).to_be_visible()


class TestPosition:
    async def test_fixes_follow_the_report_and_show_their_circle_and_age(self, phone: Phone) -> None:
        await phone.press()
        await phone.move_to(37.40, 126.92, 25)
        await phone.until(lambda: any(at["radius"] == 25 for at in phone.hub.positions.values()))
        card = phone.page.get_by_role("region", name="내 위치")
        await expect(card).to_contain_text("반경 25 m 안")
        await expect(card.locator("time")).to_be_visible()

    async def test_fixes_taken_offline_arrive_later_and_none_twice(self, phone: Phone) -> None:
        await phone.press()
        await phone.cut()
        for step in range(3):
            await phone.move_to(37.5 + step / 100, 127.0)
            await phone.page.wait_for_timeout(100)
        await phone.restore()
        await phone.until(lambda: {37.5, 37.51, 37.52} <= {at["lat"] for at in phone.hub.positions.values()})
        await phone.page.wait_for_timeout(1200)
        assert await phone.kept_fixes() == []

    async def test_without_permission_the_report_goes_out_and_says_so(self, browser: Browser) -> None:
        hub = FakeHub()
        async with serve(hub) as url, open_phone(browser, hub, url, permissions=[]) as phone:
            await phone.press()
            assert "position" not in hub.bodies[0]
            await expect(phone.page.get_by_role("region", name="내 위치")).to_contain_text(
                "위치 권한이 꺼져 있습니다"
            )


class TestSilent:
    async def test_nothing_vibrates_or_sounds_and_the_center_is_told(self, phone: Phone) -> None:
        assert phone.hub.me
        phone.hub.me["settings"] = {"shake": {"enabled": False, "strength": 5}, "silent": True}
        await phone.page.add_init_script(
            """window.noise = [];
            navigator.vibrate = (pattern) => { window.noise.push(pattern); return true; };
            window.AudioContext = class { constructor() { window.noise.push('sound'); } };"""
        )
        await phone.page.reload()
        await expect(phone.page.get_by_text("무음으로 신고")).to_be_visible()
        incident = await phone.press()
        phone.hub.move(incident, state="accepted", accepted_at=stamp())
        await phone.headline("관제요원이 신고를 맡았습니다")
        assert await phone.page.evaluate("() => window.noise") == []
        assert phone.hub.bodies[0]["silent"] is True

    async def test_otherwise_the_press_is_felt(self, phone: Phone) -> None:
        await phone.page.add_init_script(
            """window.noise = [];
            navigator.vibrate = (pattern) => { window.noise.push(pattern); return true; };"""
        )
        await phone.page.reload()
        await phone.press()
        assert await phone.page.evaluate("() => window.noise.length") >= 2


class TestShake:
    async def test_the_test_screen_shows_peaks_and_sends_nothing(self, phone: Phone) -> None:
        await phone.page.get_by_role("button", name="흔들기 꺼짐").click()
        await phone.allow_motion()
        await phone.motion([5.0, 12.5, 3.0])
        await expect(phone.page.locator("[data-test=peak]")).to_have_text("12.5")
        await expect(phone.page.locator("[data-test=threshold]")).to_have_text("21")
        await expect(phone.page.locator("[data-test=count]")).to_have_text("0 / 4")
        await phone.shake(30)
        await expect(phone.page.get_by_text("흔들기를 알아챘습니다")).to_be_visible()
        await phone.page.get_by_role("button", name="다시 연습").click()
        await expect(phone.page.locator("[data-test=peak]")).to_have_text("0.0")
        assert phone.hub.bodies == []

    async def test_a_higher_strength_needs_a_harder_shake(self, phone: Phone) -> None:
        await phone.page.get_by_role("button", name="흔들기 꺼짐").click()
        await phone.allow_motion()
        slider = phone.page.get_by_role("slider")
        await slider.fill("9")
        await slider.dispatch_event("change")
        await expect(phone.page.locator("[data-test=threshold]")).to_have_text("33")
        await phone.shake(30)
        await expect(phone.page.get_by_text("흔들기를 알아챘습니다")).to_be_hidden()
        await phone.shake(36)
        await expect(phone.page.get_by_text("흔들기를 알아챘습니다")).to_be_visible()
        assert phone.hub.me
        assert phone.hub.me["settings"]["shake"]["strength"] == 9

    async def test_switched_on_it_sends_a_report(self, phone: Phone) -> None:
        await phone.shake(40)
        assert phone.hub.bodies == []
        await phone.page.get_by_role("button", name="흔들기 꺼짐").click()
        await phone.allow_motion()
        await phone.page.get_by_role("switch", name="흔들어 신고하기").click()
        await expect(phone.page.get_by_role("switch", name="흔들어 신고하기")).to_be_checked()
        await phone.page.go_back()
        await expect(phone.sos).to_be_visible()
        await phone.shake(12)
        assert phone.hub.bodies == []
        await phone.shake(30)
        await phone.headline("신고를 보냈습니다")
        assert [body["trigger"] for body in phone.hub.bodies] == ["shake"]

    async def test_a_phone_that_wants_to_be_asked_is_asked_by_a_touch(self, phone: Phone) -> None:
        await phone.page.add_init_script(
            """DeviceMotionEvent.requestPermission = () => navigator.userActivation.isActive
                ? Promise.resolve('granted')
                : Promise.reject(new DOMException('touch', 'NotAllowedError'));"""
        )
        assert phone.hub.me
        phone.hub.me["settings"] = {"shake": {"enabled": True, "strength": 3}, "silent": False}
        await phone.page.reload()
        await phone.page.get_by_role("button", name="흔들기: 눌러서 허용").click()
        await expect(phone.page.get_by_role("button", name="흔들기 켜짐")).to_be_visible()


async def test_back_leaves_a_screen_and_never_traps(phone: Phone) -> None:
    page = phone.page
    await page.get_by_role("button", name="설정").click()
    await page.get_by_role("button", name="보호자").click()
    await expect(page.get_by_role("heading", name="보호자", level=1)).to_be_focused()
    await page.go_back()
    await expect(page.get_by_role("heading", name="설정", level=1)).to_be_visible()
    await page.get_by_role("button", name="뒤로").click()
    await expect(phone.sos).to_be_visible()
    length = await page.evaluate("() => history.length")
    incident = await phone.press()
    phone.hub.move(incident, state="closed", disposition="test")
    await page.get_by_role("button", name="확인").click()
    await expect(phone.sos).to_be_visible()
    assert await page.evaluate("() => history.length") == length


async def test_the_page_opens_without_a_connection(browser: Browser) -> None:
    hub = FakeHub()
    async with serve(hub) as url, open_phone(browser, hub, url, service_workers="allow") as phone:
        await phone.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
        await phone.page.wait_for_function("() => navigator.serviceWorker.controller !== null")
        await phone.context.set_offline(True)
        await phone.page.reload()
        await phone.hold(1300)
        await phone.headline("아직 보내지 못했습니다. 연결되는 즉시 보냅니다")
        await phone.page.reload()
        await phone.headline("아직 보내지 못했습니다. 연결되는 즉시 보냅니다")
        await phone.context.set_offline(False)
        await phone.headline("신고를 보냈습니다")
        assert len(hub.incidents) == 1


async def test_only_her_page_is_kept_for_offline_use(phone: Phone) -> None:
    """The console and its map would make the download large and could show an old version."""
    worker = await (await phone.context.request.get(f"{phone.url}/sw.js")).text()
    assert "citizen.html" in worker
    for other in ("console.html", "desk.html", "maplibre", "console-", "desk-"):
        assert other not in worker


async def test_an_expired_login_is_said_and_does_not_stop_a_report(phone: Phone) -> None:
    phone.hub.signed_in = False
    await phone.page.reload()
    await expect(phone.page.get_by_text("로그인이 만료되었습니다. SOS는 그대로 작동합니다.")).to_be_visible()
    await phone.press()
    assert len(phone.hub.presses) == 1


async def test_without_registration_the_button_works_and_cancelling_asks_once_more(browser: Browser) -> None:
    hub = FakeHub()
    async with serve(hub) as url, open_phone(browser, hub, url) as phone:
        await expect(phone.page.get_by_text("등록하지 않아도 지금 바로 쓸 수 있습니다.")).to_be_visible()
        await phone.press()
        await phone.page.get_by_role("button", name="취소", exact=True).click()
        await phone.page.get_by_role("button", name="안전해요, 취소합니다").click()
        await phone.headline("취소했습니다")

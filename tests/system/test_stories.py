"""What people do on a bad night, through real nodes: cancel, be made to cancel, race, take over, disagree."""

import asyncio

import pytest

from ansim.nodes.staffing import demo_signins
from support.system import ANYANG, GEUMCHEON, HUB, PLACES, System, Visitor, fix, press_body

pytestmark = pytest.mark.processes

PIN, DURESS = "1234", "9999"


@pytest.fixture(scope="module")
def policy() -> dict[str, float]:
    """Co-alarm soon, so that a neighbour may claim."""
    return {"accept_s": 1.0, "agency_s": 3.0, "cancel_window_s": 30.0}


async def refused(who: Visitor, path: str, body: object = None) -> tuple[int, str]:
    """Status and kind of a refusal."""
    answer = await who.send("POST", path, body)
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, str(answer.json()["type"]).removeprefix("/problems/")


async def alarmed(her: Visitor, operator: Visitor) -> str:
    """An incident that rings at 안양's console."""
    incident = str((await her.press())["incident"])
    await her.call("POST", f"/api/sos/{incident}/now")
    async with operator.screen("/api/console/stream") as console:
        await console.view(incident, lambda view: view["state"] == "alerting")
    return incident


async def test_a_cancel_needs_her_pin_and_ends_it(system: System) -> None:
    async with await system.citizen(11) as her:
        incident = (await her.press())["incident"]
        cancel = f"/api/sos/{incident}/cancel"
        assert (await her.call("GET", "/api/sos/current")).json()["incident"] == incident
        assert await refused(her, cancel, {"pin": "0000"}) == (403, "wrong-pin")
        assert (await her.call("POST", cancel, {"pin": PIN})).json() == {"state": "cancelled"}
        assert (await her.call("POST", cancel, {"pin": PIN})).json() == {"state": "cancelled"}
        assert (await her.call("GET", "/api/sos/current")).status_code == 204
        later = {"positions": [fix(*PLACES[ANYANG]), {"lat": "nowhere"}]}
        assert (await her.call("POST", f"/api/sos/{incident}/positions", later)).json() == {
            "accepted": 1,
            "marked": 1,
        }
        nothing = (await her.call("POST", f"/api/sos/{incident}/positions", {"positions": []})).json()
        assert nothing == {"accepted": 0, "marked": 0}
    assert system.folds(HUB)[incident]["state"] == "cancelled"


async def test_a_cancel_under_duress_looks_real_and_alarms(system: System) -> None:
    her, operator = await system.citizen(12), await system.staff(ANYANG, "op1")
    async with her, operator, operator.screen("/api/console/stream") as console:
        incident = (await her.press())["incident"]
        async with her.screen(f"/api/sos/{incident}/stream") as phone:
            await phone.view(incident, lambda view: view["state"] == "armed")
            cancel = f"/api/sos/{incident}/cancel"
            assert (await her.call("POST", cancel, {"pin": DURESS})).json() == {"state": "cancelled"}
            assert (await her.call("POST", cancel, {"pin": DURESS})).json() == {"state": "cancelled"}
            shown = await phone.view(incident, lambda view: view["state"] == "cancelled")
            assert shown["priority"] == "normal"
            assert (await her.call("GET", "/api/sos/current")).status_code == 204
            alarm = await console.view(incident, lambda view: view["state"] == "alerting")
            assert alarm["priority"] == "duress"
            after = {"positions": [fix(37.3950, 126.9570)]}
            await her.call("POST", f"/api/sos/{incident}/positions", after)
            newest = after["positions"][0]["id"]
            await console.view(incident, lambda view: view["position"]["id"] == newest)
            assert phone.types(incident)[-1] == "cancelled"
        again = await her.press()
        assert again["incident"] != incident, "pressing again is a new incident, as after a real cancel"


async def test_too_late_to_cancel_is_said_also_under_duress(system: System) -> None:
    her, operator = await system.citizen(13), await system.staff(ANYANG, "op1")
    async with her, operator:
        incident = await alarmed(her, operator)
        await operator.command(incident, "accept")
        await system.converged(HUB, ANYANG, incidents=[incident])
        for pin in (PIN, DURESS, DURESS):
            assert await refused(her, f"/api/sos/{incident}/cancel", {"pin": pin}) == (409, "too-late")
        await her.call("POST", f"/api/sos/{incident}/now")  # the window is over: nothing changes
        await operator.command(incident, "closing", {"disposition": "safe"})


async def test_the_same_key_is_the_same_incident_and_a_strangers_key_is_not(system: System) -> None:
    async with await system.citizen(14) as her, system.phone() as stranger, system.phone() as nameless:
        key = "a-key-of-hers"
        first = await her.press(key=key, device_id="d-14")
        assert (await her.press(key=key, device_id="d-14"))["incident"] == first["incident"]
        more = await her.press(device_id="d-14")
        assert more["incident"] == first["incident"], "pressed again while it is open"
        other = await stranger.press(key=key)
        assert other["incident"] != first["incident"]
        assert other["key"] != key
        bare = press_body(None, key="not-an-id", device_id="")
        one = (await nameless.call("POST", "/api/sos", bare)).json()
        async with system.phone() as another:
            two = (await another.call("POST", "/api/sos", bare)).json()
        assert one["incident"] != two["incident"], "a key that anybody may have joins no two phones"
        safe = press_body(None, device_id="")
        same = [(await nameless.call("POST", "/api/sos", safe)).json()["incident"] for _ in range(2)]
        assert same[0] == same[1]
        assert await refused(stranger, f"/api/sos/{first['incident']}/cancel", {}) == (404, "not-found")


async def test_without_a_position_she_is_looked_for_where_she_was(system: System) -> None:
    async with await system.citizen(15) as her:
        first = await her.press(PLACES[GEUMCHEON])
        await her.call("POST", f"/api/sos/{first['incident']}/cancel", {"pin": PIN})
        second = await her.press(None)
        assert second["owner"]["code"] == GEUMCHEON
        assert {"no_position", "last_known_position"} <= set(second["marks"])
        await her.call("POST", f"/api/sos/{second['incident']}/cancel", {"pin": PIN})
    async with await system.citizen(16) as never_seen:
        receipt = await never_seen.press(None)
        assert "last_known_position" not in receipt["marks"]
        await never_seen.call("POST", f"/api/sos/{receipt['incident']}/cancel", {"pin": PIN})


async def test_whatever_arrives_is_taken(system: System) -> None:
    async with system.phone() as phone:
        for content, mark in (
            (b"{not json", "garbled_report"),
            (b"x" * 70_000, "oversized"),
            (b"[]", "garbled_report"),
        ):
            answer = await phone.send("POST", "/api/sos", content=content)
            assert answer.status_code == 201
            assert mark in answer.json()["marks"]
        late = await phone.press(pressed_at="2026-01-01T00:00:00Z", device_id="late")
        assert late["state"] == "alerting"
        assert "late_report" in late["marks"]
        current = (await phone.call("GET", "/api/sos/current")).json()
        assert current["incident"] == late["incident"], "known by the incident's own secret"
        cancelled = await phone.call("POST", f"/api/sos/{late['incident']}/cancel", {})
        assert cancelled.json() == {"state": "cancelled"}, "somebody unknown has no PIN"


async def test_a_body_that_breaks_off_is_a_press(system: System) -> None:
    before = set(system.folds(HUB))
    port = system.nodes[HUB].settings.port
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b'POST /api/sos HTTP/1.1\r\nhost: hub\r\ncontent-length: 500\r\n\r\n{"key":')
    await writer.drain()
    async with system.phone() as phone:
        await phone.call("GET", "/api/node")  # answered: the press before it has begun to be read
    writer.close()
    await writer.wait_closed()
    for _ in range(200):
        if set(system.folds(HUB)) - before:
            break
        await asyncio.sleep(0.05)
    (incident,) = set(system.folds(HUB)) - before
    assert "garbled_report" in system.folds(HUB)[incident]["marks"]


async def test_her_stream_goes_on_where_it_broke_off_and_tells_nothing_of_others(system: System) -> None:
    async with await system.citizen(17) as her, system.phone() as other:
        incident = (await her.press())["incident"]
        async with her.screen(f"/api/sos/{incident}/stream") as phone:
            await phone.view(incident)
            cursor = phone.cursor
        await other.press()
        await her.press()
        async with her.screen(f"/api/sos/{incident}/stream", cursor=cursor) as again:
            await again.until(lambda screen: any(frame.event == "change" for frame in screen.frames))
            assert all(frame.event != "snapshot" for frame in again.frames)
            assert set(again.incidents) == {incident}
        async with other.screen(f"/api/sos/{incident}/stream", resume=False) as strangers:
            assert await strangers.ended() == 404


async def test_of_two_operators_one_wins_and_the_other_is_told_who(system: System) -> None:
    her, first, second = (
        await system.citizen(13),
        await system.staff(ANYANG, "op1"),
        await system.staff(ANYANG, "op2"),
    )
    async with her, first, second:
        incident = await alarmed(her, first)
        path = f"/api/console/incidents/{incident}"
        answers = await asyncio.gather(
            first.send("POST", f"{path}/accept"), second.send("POST", f"{path}/accept")
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        lost = next(answer for answer in answers if answer.status_code == 409).json()
        assert lost["holder"]["center"] == "안양시"
        winner = first if answers[0].status_code == 200 else second
        await winner.command(incident, "accept")  # once more changes nothing
        await winner.command(incident, "seen")
        await winner.command(incident, "requests", {"agency": "119"})
        await winner.command(incident, "requests", {"agency": "112"})
        assert await refused(winner, f"{path}/requests", {"agency": "112"}) == (409, "already-requested")
        assert await refused(winner, f"{path}/requests", {"agency": "exercise"}) == (403, "forbidden")
        await winner.command(incident, "closing", {"disposition": "rescued"})
        assert await refused(winner, f"{path}/closing", {"disposition": "safe"}) == (
            409,
            "illegal-transition",
        )
        other = second if winner is first else first
        assert await refused(other, f"{path}/accept") == (409, "already-accepted")
        await winner.command(incident, "notes", {"text": "뒤늦게"})
        await winner.command(incident, "seen")  # over: nothing is noted


async def test_a_prank_needs_a_second_person(system: System) -> None:
    her, first, second = (
        await system.citizen(13),
        await system.staff(ANYANG, "op1"),
        await system.staff(ANYANG, "op2"),
    )
    async with her, first, second:
        incident = await alarmed(her, first)
        path = f"/api/console/incidents/{incident}/closing"
        assert await refused(first, path, {"disposition": "prank"}) == (409, "illegal-transition")
        await first.command(incident, "accept")
        for step in ("confirm", "reject"):
            assert await refused(first, f"{path}/{step}") == (409, "nothing-proposed")
        await first.command(incident, "closing", {"disposition": "prank", "reason": "장난"})
        assert await refused(first, f"{path}/confirm") == (403, "second-person-needed")
        rejected = await second.command(incident, "closing/reject")
        assert rejected["closing"] is None
        await first.command(incident, "closing", {"disposition": "prank", "reason": "장난"})
        closed = await second.command(incident, "closing/confirm")
        assert (closed["state"], closed["disposition"]) == ("closed", "prank")


async def test_a_neighbour_claims_what_nobody_takes(system: System) -> None:
    her, own = await system.citizen(13), await system.staff(ANYANG, "op1")
    async with her, own:
        incident = await alarmed(her, own)
        helpers = [code for code in system.nodes if code not in (HUB, ANYANG)]
        neighbour = None
        async with own.screen("/api/console/stream") as console:
            view = await console.view(
                incident, lambda view: any(party["role"] == "co_alarmed" for party in view["parties"])
            )
            code = next(party["code"] for party in view["parties"] if party["role"] == "co_alarmed")
            assert code in helpers
            neighbour = await system.staff(code, "op1")
            async with neighbour, neighbour.screen("/api/console/stream") as theirs:
                await theirs.view(incident, lambda view: view["state"] == "alerting")
                path = f"/api/console/incidents/{incident}"
                assert await refused(neighbour, f"{path}/requests", {"agency": "119"}) == (
                    409,
                    "illegal-transition",
                )
                answer = await neighbour.send("POST", f"{path}/accept")
                assert answer.status_code == 202, "the hub is asked first"
                taken = await theirs.view(incident, lambda view: view["operator"])
                assert (taken["owner"]["code"], taken["operator"]["center"]) == (code, code)
                await console.view(incident, lambda view: view["owner"]["code"] == code and view["operator"])
                assert await refused(own, f"{path}/requests", {"agency": "119"}) == (409, "not-owner")
                await neighbour.command(incident, "closing", {"disposition": "safe"})


async def test_who_was_not_asked_may_not_accept(system: System) -> None:
    """A center that only knows of it (near a border) is neither owner nor co-alarmed."""
    border = (37.4352, 126.9032)
    async with await system.citizen(11) as her:
        receipt = await her.press(border, radius=900.0)
        incident = receipt["incident"]
        await her.call("POST", f"/api/sos/{incident}/now")
        owner = receipt["owner"]["code"]
        informed = [
            party["code"]
            for party in system.folds(HUB)[incident]["parties"]
            if party["code"] != owner and party["role"] == "informed"
        ]
        assert informed, "a wide circle over the border informs the neighbour"
        async with await system.staff(informed[0], "op1") as neighbour:
            async with neighbour.screen("/api/console/stream") as theirs:
                await theirs.view(incident, lambda view: view["state"] == "alerting")
            assert await refused(neighbour, f"/api/console/incidents/{incident}/accept") == (409, "not-owner")


async def test_unknown_incidents_and_strangers_are_turned_away(system: System) -> None:
    async with await system.staff(ANYANG, "op1") as operator, Visitor(system.url(ANYANG)) as nobody:
        assert await refused(operator, "/api/console/incidents/no-such/accept") == (404, "not-found")
        await nobody.greet()
        assert (await refused(nobody, "/api/console/incidents/no-such/accept"))[0] == 401
        async with nobody.screen("/api/console/stream", resume=False) as screen:
            assert await screen.ended() == 401


async def test_signing_out_ends_the_console(system: System) -> None:
    one = next(one for one in demo_signins(system.nodes[ANYANG].settings) if one.login == "op2")
    async with Visitor(system.url(ANYANG)) as operator:
        await operator.sign_in(one.app, one.login, one.password)
        async with operator.screen("/api/console/stream", resume=False) as console:
            await console.until(lambda screen: screen.status)
            await operator.call("DELETE", "/api/console/session")
            assert await console.ended() == 200

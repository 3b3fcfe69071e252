"""One press from the phone to the end, through two real nodes and every kind of screen."""

from collections.abc import Callable

import pytest

from support.screen import Shown
from support.system import ANYANG, HUB, PLACES, System, fix

pytestmark = pytest.mark.processes


async def test_one_press_from_phone_to_close(system: System) -> None:
    her = await system.citizen(1)
    operator = await system.staff(ANYANG, "op1")
    officer = await system.staff(ANYANG, "desk112")
    async with (
        her,
        operator,
        officer,
        operator.screen("/api/console/stream") as console,
        officer.screen("/api/desk/stream") as desk,
    ):
        receipt = await her.press(trigger="hold")
        incident = receipt["incident"]
        assert receipt["state"] == "armed"
        assert receipt["owner"] == {"code": ANYANG, "name": "안양시"}
        assert receipt["marks"] == []
        async with her.screen(f"/api/sos/{incident}/stream") as phone:
            await phone.view(incident, lambda view: ANYANG in view["delivered"])
            await her.call("POST", f"/api/sos/{incident}/now")

            alarm = await console.view(incident, lambda view: view["state"] == "alerting")
            assert alarm["person"]["name"] == "시민1"
            assert alarm["person"]["note"] == "천식"
            assert (alarm["position"]["lat"], alarm["position"]["lon"]) == PLACES[ANYANG]
            assert alarm["responsible"]["code"] == ANYANG
            await operator.command(incident, "seen")
            await phone.view(incident, lambda view: ANYANG in view["seen"])
            await operator.command(incident, "accept")
            hers = await phone.view(incident, lambda view: view["state"] == "accepted")
            assert hers["operator"] == {"center": ANYANG}
            assert "person" not in hers

            await operator.command(incident, "notes", {"text": "통화 연결됨"})
            assert incident not in desk.incidents
            asked = await operator.command(incident, "requests", {"agency": "112", "note": "위협받는 중"})
            request = asked["requests"][0]["id"]
            await desk.view(incident)
            moved = fix(37.3950, 126.9570)
            await her.call("POST", f"/api/sos/{incident}/positions", {"positions": [moved]})
            await desk.view(incident, lambda view: view["position"]["id"] == moved["id"])
            for status, state in (
                ("acknowledged", "dispatched"),
                ("en_route", "dispatched"),
                ("on_scene", "on_scene"),
                ("done", "on_scene"),
            ):
                await officer.call("POST", f"/api/desk/requests/{request}/status", {"status": status})
                for screen in (phone, console, desk):
                    shown = await screen.view(incident, _stands_at(status))
                    assert shown["state"] == state
            await operator.command(incident, "closing", {"disposition": "rescued"})
            for screen in (phone, console, desk):
                shown = await screen.view(incident, lambda view: view["state"] == "closed")
                assert shown["disposition"] == "rescued"
            assert "note" not in phone.types(incident)
            assert console.types(incident) == [
                "armed",
                "routed",
                "ownership_assigned",
                "delivered",
                "alerted",
                "seen",
                "accepted",
                "note",
                "dispatch_requested",
                *["dispatch_updated"] * 4,
                "closed",
            ]


def _stands_at(status: str) -> Callable[[Shown], bool]:
    return lambda view: bool(view["requests"][0]["status"] == status)


async def test_nodes_agree_when_all_is_told(system: System) -> None:
    for code in (HUB, ANYANG):
        assert system.folds(code)
    await system.converged(HUB, ANYANG)

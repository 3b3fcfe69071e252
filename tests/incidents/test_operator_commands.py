"""What operators do with an incident, through the real routes of a center: who may, when, and who wins."""

from collections.abc import Iterator
from typing import Any

import pytest

from ansim.core.actors import Actor
from ansim.incidents import events as ev
from incidents.center_node import CenterNode, Seat, at_the_same_time, running_center
from support.story import PERSON, Story, accepted, alerting, armed, owns, pressed, routed

POLICE = Actor(kind="agency", id="desk-1", name="112 상황실")
CO_ALARM = ev.Rung(step="co_alarm", code="11545", name="금천구")
NO_RIGHT_STATE = "/problems/illegal-transition"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterNode]:
    with running_center(tmp_path_factory.mktemp("center")) as node:
        yield node


@pytest.fixture(scope="module")
def kim(node: CenterNode) -> Seat:
    return node.seat("kim")


@pytest.fixture(scope="module")
def lee(node: CenterNode) -> Seat:
    return node.seat("lee")


@pytest.fixture(scope="module")
def boss(node: CenterNode) -> Seat:
    return node.seat("boss", "supervisor")


@pytest.fixture(scope="module")
def neighbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterNode]:
    with running_center(tmp_path_factory.mktemp("neighbour"), "11545") as node:
        yield node


@pytest.fixture(scope="module")
def park(neighbour: CenterNode) -> Seat:
    return neighbour.seat("park")


def taken(seat: Seat, story: Story | None = None) -> str:
    """An incident that this operator has accepted."""
    incident = seat.node.hear(story or alerting())
    assert seat.done(incident, "accept")["state"] == "accepted"
    seat.node.owed()
    return incident


def moved(seat: Seat) -> str:
    """An incident that went on to another center after this operator accepted it."""
    incident = taken(seat)
    seat.node.hub_tells(incident, owns("11545", 2, "handover"))
    return incident


def elsewhere() -> Story:
    """An alarm of 금천구, of which 안양시 is only informed."""
    story = Story().tell(armed(), actor=PERSON).tell(routed("11545", informed=("41170",)))
    return story.tell(owns("11545", 1)).tell(ev.Alerted(reason="window"))


# Seen


def test_the_first_sight_counts_and_no_other(node: CenterNode, kim: Seat, lee: Seat) -> None:
    incident = node.hear(alerting())
    node.owed()
    for seat in (kim, lee, kim):
        answer = seat.post(incident, "seen")
        assert (answer.status_code, answer.content) == (204, b"")
    (seen,) = [event for event in node.events(incident) if event.type == "seen"]
    assert (seen.data, seen.actor) == (ev.Seen(code="41170"), Actor(kind="staff", id=kim.id, name=kim.name))
    assert node.owed() == [("hub", "seen")]


def test_nobody_sees_an_alarm_before_it_rings_or_after_its_end(node: CenterNode, kim: Seat) -> None:
    still_hers = node.hear(pressed())
    over = node.hear(alerting().tell(ev.Cancelled(), actor=PERSON))
    for incident in (still_hers, over):
        assert kim.post(incident, "seen").status_code == 204
        assert "seen" not in node.types(incident)


# Accepting


def test_an_operator_accepts_once(node: CenterNode, kim: Seat) -> None:
    incident = node.hear(alerting())
    node.owed()
    for _ in range(2):  # a second press of the button, or an answer that was lost
        answer = kim.post(incident, "accept")
        assert answer.status_code == 200
        shown = answer.json()
        assert (shown["id"], shown["state"]) == (incident, "accepted")
        assert shown["operator"] == {"id": kim.id, "name": kim.name, "center": "41170"}
    assert node.types(incident).count("accepted") == 1
    assert node.owed() == [("hub", "accepted")]


def test_of_two_operators_at_once_exactly_one_wins_and_the_other_is_told_who(
    node: CenterNode, kim: Seat, lee: Seat
) -> None:
    for order in ([kim, lee], [lee, kim]) * 5:
        incident = node.hear(alerting())
        answers = at_the_same_time(incident, "accept", order)
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        won, lost = sorted(answers, key=lambda answer: answer.status_code)
        winner = order[answers.index(won)]
        assert won.json()["operator"]["id"] == winner.id
        problem = lost.json()
        assert problem["type"] == "/problems/already-accepted"
        assert problem["holder"] == {"name": winner.name, "center": "안양시"}
        (event,) = [event for event in node.events(incident) if event.type == "accepted"]
        assert event.actor.id == winner.id


def test_a_late_operator_is_told_who_has_it_in_their_own_language(
    node: CenterNode, kim: Seat, lee: Seat
) -> None:
    incident = taken(kim)
    assert lee.refused(incident, "accept") == {
        "type": "/problems/already-accepted",
        "title": "다른 관제요원이 먼저 수락했습니다.",
        "status": 409,
        "detail": "다른 관제요원이 먼저 수락했습니다.",
        "holder": {"name": kim.name, "center": "안양시"},
    }
    answer = lee.post(incident, "accept", language="en")
    assert answer.json()["title"] == "Another operator accepted it first."


@pytest.mark.parametrize(
    ("story", "state"),
    [(pressed(), "armed"), (alerting().tell(ev.Cancelled(), actor=PERSON), "cancelled")],
)
def test_only_an_alarm_can_be_accepted(node: CenterNode, kim: Seat, story: Story, state: str) -> None:
    problem = kim.refused(node.hear(story), "accept")
    assert problem["type"] == NO_RIGHT_STATE
    assert (problem["status"], problem["state"], problem["wanted"]) == (409, state, "accept")


def test_who_is_only_informed_cannot_accept(node: CenterNode, kim: Seat) -> None:
    problem = kim.refused(node.hear(elsewhere()), "accept")
    assert (problem["type"], problem["status"]) == ("/problems/not-owner", 409)
    assert problem["owner"] == {"code": "11545", "name": "금천구"}


def test_an_alarm_that_no_center_owns_yet_cannot_be_accepted(node: CenterNode, kim: Seat) -> None:
    incident = node.hear(Story().tell(armed(), actor=PERSON).tell(ev.Alerted(reason="now")))
    problem = kim.refused(incident, "accept")
    assert (problem["type"], problem["owner"]) == ("/problems/not-owner", None)


def test_after_a_hand_over_the_new_center_accepts_anew(
    node: CenterNode, kim: Seat, neighbour: CenterNode, park: Seat
) -> None:
    assert kim.refused(moved(kim), "accept")["type"] == "/problems/not-owner"
    incident = neighbour.hear(accepted().tell(owns("11545", 2, "handover")))
    shown = park.done(incident, "accept")
    assert (shown["state"], shown["operator"]["center"]) == ("accepted", "11545")


# A co-alarmed center asks for it


def test_a_co_alarmed_center_claims_and_has_it_when_the_hub_says_so(
    neighbour: CenterNode, park: Seat
) -> None:
    incident = neighbour.hear(alerting().tell(CO_ALARM))
    neighbour.owed()
    for _ in range(2):
        answer = park.post(incident, "accept")
        assert answer.status_code == 202
        assert (answer.json()["state"], answer.json()["operator"]) == ("alerting", None)
    assert neighbour.owed() == [("hub", "claimed")]
    neighbour.hub_tells(incident, owns("11545", 2, "claimed"))
    assert neighbour.owed() == [("hub", "delivered"), ("hub", "accepted")]
    answer = park.post(incident, "accept")
    assert answer.status_code == 200
    assert answer.json()["operator"] == {"id": park.id, "name": park.name, "center": "11545"}


def test_a_refused_claim_may_be_made_again(neighbour: CenterNode, park: Seat) -> None:
    incident = neighbour.hear(alerting().tell(CO_ALARM))
    for _ in range(2):
        assert park.post(incident, "accept").status_code == 202
        neighbour.hub_tells(incident, ev.ClaimRefused(code="11545"))
    assert neighbour.types(incident).count("claimed") == 2


def test_a_claim_of_another_center_holds_nobody_up(neighbour: CenterNode, park: Seat) -> None:
    story = alerting().tell(CO_ALARM).tell(ev.Rung(step="co_alarm", code="41410", name="군포시"))
    story.tell(ev.Claimed(code="41410", name="군포시"), node="41410")
    incident = neighbour.hear(story)
    assert park.post(incident, "accept").status_code == 202
    assert neighbour.types(incident)[-2:] == ["claimed", "claimed"]


# Remarks


def test_remarks_are_added_at_any_time(node: CenterNode, kim: Seat, lee: Seat) -> None:
    incident = taken(kim)
    assert lee.post(incident, "notes", {"text": "검은 차 <b>"}).status_code == 201
    kim.done(incident, "closing", {"disposition": "safe"})
    assert kim.post(incident, "notes", {"text": "가족과 통화"}).status_code == 201
    notes = [event for event in node.events(incident) if event.type == "note"]
    assert [(note.data, note.actor.name) for note in notes] == [
        (ev.Note(text="검은 차 <b>"), lee.name),
        (ev.Note(text="가족과 통화"), kim.name),
    ]
    assert node.owed() == [("hub", "note"), ("hub", "closed"), ("hub", "note")]


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("notes", {"text": ""}, "text"),
        ("notes", {"text": "가" * 2001}, "text"),
        ("notes", {}, "text"),
        ("requests", {"agency": "911"}, "agency"),
        ("requests", {"agency": "112", "note": "가" * 2001}, "note"),
        ("closing", {"disposition": "bored"}, "disposition"),
        ("closing", {"disposition": "safe", "reason": 5}, "reason"),
    ],
)
def test_a_malformed_command_names_the_field(
    node: CenterNode, kim: Seat, action: str, body: dict[str, Any], field: str
) -> None:
    problem = kim.refused(node.hear(accepted()), action, body)
    assert (problem["type"], problem["status"]) == ("/problems/invalid-input", 400)
    assert problem["field"] == field


# Asking for help


def test_police_and_ambulance_are_asked_each_once(node: CenterNode, kim: Seat, lee: Seat) -> None:
    incident = taken(kim)
    answer = kim.post(incident, "requests", {"agency": "112", "note": "칼을 들었음"})
    assert answer.status_code == 201
    shown = answer.json()
    assert shown["state"] == "dispatched"
    (police,) = shown["requests"]
    assert (police["agency"], police["center"], police["note"]) == ("112", "41170", "칼을 들었음")
    assert (police["status"], police["by"], police["unverified"]) == ("requested", kim.name, False)
    assert [one["agency"] for one in lee.done(incident, "requests", {"agency": "119"})["requests"]] == [
        "112",
        "119",
    ]
    for agency in ("112", "119"):
        problem = kim.refused(incident, "requests", {"agency": agency})
        assert (problem["type"], problem["status"]) == ("/problems/already-requested", 409)
        assert problem["agency"] == agency
    assert node.owed() == [("hub", "dispatch_requested"), ("hub", "dispatch_requested")]


def test_an_agency_that_is_done_may_be_asked_again(node: CenterNode, kim: Seat) -> None:
    incident = taken(kim)
    (first,) = kim.done(incident, "requests", {"agency": "112"})["requests"]
    node.record(incident, ev.DispatchUpdated(request=first["id"], status="on_scene"), POLICE)
    assert kim.refused(incident, "requests", {"agency": "112"})["type"] == "/problems/already-requested"
    node.record(incident, ev.DispatchUpdated(request=first["id"], status="done"), POLICE)
    shown = kim.done(incident, "requests", {"agency": "112"})
    assert [request["status"] for request in shown["requests"]] == ["done", "requested"]
    assert shown["state"] == "on_scene"


def test_what_the_ladder_asked_unverified_may_be_asked_by_a_person(node: CenterNode, kim: Seat) -> None:
    rung = ev.Rung(step="agency_direct", code="41170", name="안양시", agency="112")
    incident = node.hear(alerting().tell(rung))
    assert kim.done(incident, "accept")["state"] == "dispatched"
    shown = kim.done(incident, "requests", {"agency": "112"})
    assert [request["unverified"] for request in shown["requests"]] == [True, False]
    assert kim.refused(incident, "requests", {"agency": "112"})["type"] == "/problems/already-requested"


@pytest.mark.parametrize("agency", ["112", "119", "exercise"])
def test_an_exercise_never_asks_a_real_agency(node: CenterNode, kim: Seat, agency: str) -> None:
    incident = taken(kim, alerting(exercise=True))
    shown = kim.done(incident, "requests", {"agency": agency})
    assert [request["agency"] for request in shown["requests"]] == ["exercise"]
    problem = kim.refused(incident, "requests", {"agency": "119"})
    assert (problem["type"], problem["agency"]) == ("/problems/already-requested", "exercise")


def test_a_real_incident_never_asks_the_exercise_agency(node: CenterNode, kim: Seat) -> None:
    problem = kim.refused(taken(kim), "requests", {"agency": "exercise"})
    assert (problem["type"], problem["status"]) == ("/problems/forbidden", 403)
    assert problem["detail"] == "훈련이 아닙니다."


# In the wrong state, or at the wrong center

COMMANDS: list[tuple[str, dict[str, Any] | None, str]] = [
    ("requests", {"agency": "112"}, "request dispatch"),
    ("closing", {"disposition": "safe"}, "close"),
    ("closing", {"disposition": "prank"}, "close"),
    ("closing/confirm", None, "close"),
    ("closing/reject", None, "reject a closing"),
]


@pytest.mark.parametrize(("action", "body", "wanted"), COMMANDS)
def test_what_needs_an_accepted_incident_is_refused_before_and_after(
    node: CenterNode, kim: Seat, action: str, body: dict[str, Any] | None, wanted: str
) -> None:
    closed = taken(kim)
    kim.done(closed, "closing", {"disposition": "rescued"})
    for incident, state in ((node.hear(alerting()), "alerting"), (closed, "closed")):
        assert kim.refused(incident, action, body) == {
            "type": NO_RIGHT_STATE,
            "title": "지금 상태에서는 할 수 없습니다.",
            "status": 409,
            "detail": "지금 상태에서는 할 수 없습니다.",
            "state": state,
            "wanted": wanted,
        }


@pytest.mark.parametrize(("action", "body", "_wanted"), COMMANDS)
def test_only_the_center_that_answers_for_it_goes_on(
    kim: Seat, action: str, body: dict[str, Any] | None, _wanted: str
) -> None:
    problem = kim.refused(moved(kim), action, body)
    assert (problem["type"], problem["status"]) == ("/problems/not-owner", 409)
    assert problem["owner"] == {"code": "11545", "name": "금천구"}


@pytest.mark.parametrize(
    ("action", "body"),
    [("seen", None), ("accept", None), ("notes", {"text": "…"}), *[one[:2] for one in COMMANDS]],
)
def test_an_unknown_incident_is_not_found(kim: Seat, action: str, body: dict[str, Any] | None) -> None:
    problem = kim.refused("i-nobody", action, body)
    assert (problem["type"], problem["status"], problem["what"]) == (
        "/problems/not-found",
        404,
        "incident",
    )
    assert kim.node.events("i-nobody") == []


# The end


@pytest.mark.parametrize("disposition", ["rescued", "safe", "false_press", "test"])
def test_one_operator_closes(node: CenterNode, kim: Seat, disposition: ev.Disposition) -> None:
    incident = taken(kim)
    answer = kim.post(incident, "closing", {"disposition": disposition, "reason": "귀가"})
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["state"], shown["disposition"], shown["closing"]) == ("closed", disposition, None)
    assert shown["closed_at"] is not None
    last = node.events(incident)[-1]
    assert last.data == ev.Closed(disposition=disposition, reason="귀가")
    assert last.actor.id == kim.id
    assert node.owed() == [("hub", "closed")]
    assert kim.refused(incident, "closing", {"disposition": disposition})["state"] == "closed"


@pytest.mark.parametrize("disposition", ["prank", "other"])
def test_a_judgement_about_the_caller_needs_somebody_else(
    node: CenterNode, kim: Seat, lee: Seat, disposition: ev.Disposition
) -> None:
    incident = taken(kim)
    shown = kim.done(incident, "closing", {"disposition": disposition, "reason": "웃음소리"})
    assert (shown["state"], shown["disposition"]) == ("accepted", None)
    closing = shown["closing"]
    assert (closing["disposition"], closing["reason"]) == (disposition, "웃음소리")
    assert (closing["by"], closing["by_id"]) == (kim.name, kim.id)
    problem = kim.refused(incident, "closing/confirm")
    assert (problem["type"], problem["status"]) == ("/problems/second-person-needed", 403)
    shown = lee.done(incident, "closing/confirm")
    assert (shown["state"], shown["disposition"], shown["closing"]) == ("closed", disposition, None)
    last = node.events(incident)[-1]
    assert last.data == ev.Closed(disposition=disposition, reason="웃음소리", second=lee.name)
    assert last.actor.id == lee.id
    assert node.owed() == [("hub", "closing_proposed"), ("hub", "closed")]


def test_of_two_who_confirm_at_once_one_closes(node: CenterNode, kim: Seat, lee: Seat, boss: Seat) -> None:
    incident = taken(kim)
    kim.done(incident, "closing", {"disposition": "prank"})
    answers = at_the_same_time(incident, "closing/confirm", [lee, boss])
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    lost = max(answers, key=lambda answer: answer.status_code).json()
    assert (lost["type"], lost["state"]) == (NO_RIGHT_STATE, "closed")
    assert node.types(incident).count("closed") == 1


def test_the_other_disagrees_and_it_goes_on(node: CenterNode, kim: Seat, lee: Seat) -> None:
    incident = taken(kim)
    kim.done(incident, "closing", {"disposition": "prank"})
    shown = lee.done(incident, "closing/reject")
    assert (shown["state"], shown["closing"]) == ("accepted", None)
    for action in ("closing/confirm", "closing/reject"):
        problem = lee.refused(incident, action)
        assert (problem["type"], problem["status"]) == ("/problems/nothing-proposed", 409)
        assert problem["field"] == "disposition"
    assert kim.done(incident, "requests", {"agency": "119"})["state"] == "dispatched"


def test_the_proposer_may_take_it_back(kim: Seat) -> None:
    incident = taken(kim)
    kim.done(incident, "closing", {"disposition": "other"})
    assert kim.done(incident, "closing/reject")["closing"] is None


def test_the_second_person_is_measured_by_who_proposed_last(kim: Seat, lee: Seat) -> None:
    incident = taken(kim)
    kim.done(incident, "closing", {"disposition": "prank"})
    lee.done(incident, "closing", {"disposition": "other"})
    assert lee.refused(incident, "closing/confirm")["type"] == "/problems/second-person-needed"
    assert kim.done(incident, "closing/confirm")["disposition"] == "other"


# Rights


def test_a_supervisor_commands_as_an_operator_does(node: CenterNode, kim: Seat, boss: Seat) -> None:
    incident = taken(boss)
    boss.done(incident, "requests", {"agency": "112"})
    boss.done(incident, "closing", {"disposition": "prank"})
    assert boss.refused(incident, "closing/confirm")["type"] == "/problems/second-person-needed"
    boss.done(incident, "closing/reject")
    kim.done(incident, "closing", {"disposition": "prank"})
    assert boss.done(incident, "closing/confirm")["state"] == "closed"
    last = node.events(incident)[-1]
    assert last.actor == Actor(kind="staff", id=boss.id, name=boss.name)


ROUTES: list[tuple[str, dict[str, Any] | None]] = [
    ("seen", None),
    ("accept", None),
    ("notes", {"text": "…"}),
    *[one[:2] for one in COMMANDS],
]


@pytest.mark.parametrize(("action", "body"), ROUTES)
def test_nobody_commands_without_signing_in(
    node: CenterNode, action: str, body: dict[str, Any] | None
) -> None:
    incident = node.hear(accepted())
    before = node.events(incident)
    for headers_say in ("nobody", "somebody"):
        node.other_device()
        if headers_say == "somebody":
            node.client.cookies.set("ansim_41170_console", "guessed")
        answer = node.send("POST", f"/api/console/incidents/{incident}/{action}", body)
        assert answer.status_code == 401
        assert answer.json()["type"] == "/problems/sign-in-required"
    node.other_device()
    assert node.events(incident) == before


def test_a_command_without_the_page_s_token_is_refused(node: CenterNode, kim: Seat) -> None:
    incident = node.hear(alerting())
    answer = node.client.post(
        f"/api/console/incidents/{incident}/accept", headers={"cookie": kim.headers["cookie"]}
    )
    node.other_device()
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/csrf")
    assert "accepted" not in node.types(incident)

"""What each kind of event does to an incident, and what becomes of one that comes too late."""

from typing import Literal

import pytest

from ansim.core.actors import Actor
from ansim.incidents import events as ev
from ansim.incidents.lifecycle import State
from ansim.incidents.model import Closing, Operator
from support.story import (
    COLLEAGUE,
    OPERATOR,
    Story,
    accepted,
    alerting,
    armed,
    claimed,
    dispatched,
    owns,
    pressed,
    routed,
)

DESK = Actor(kind="agency", id="desk-1", name="112 상황실")


def test_a_press_arms_routes_and_has_an_owner() -> None:
    incident = pressed(informed=("41410",)).fold
    assert (incident.state, incident.complete, incident.presses) == (State.ARMED, True, 1)
    assert incident.owner is not None
    assert (incident.owner.code, incident.owner.epoch, incident.owner.reason) == ("41170", 1, "routed")
    assert incident.parties == {"41410": "군포시", "41170": "안양시"}
    assert not incident.owner_has_it
    assert not incident.needs_operator
    assert incident.responsible is not None
    assert incident.marks == []
    assert incident.open
    assert not incident.exercise


def test_an_exercise_says_so() -> None:
    assert pressed(exercise=True).fold.exercise
    assert not Story().tell(ev.Note(text="?")).fold.exercise


def test_a_second_arming_changes_nothing() -> None:
    story = pressed().tell(armed(marks=("late_report",)))
    assert story.lost
    assert story.fold.presses == 1
    assert story.fold.marks == []


def test_events_before_the_arming_wait_for_it() -> None:
    story = Story().tell(owns("41170", 1)).tell(ev.Alerted(reason="window"))
    assert not story.fold.complete
    assert story.fold.state is State.ALERTING
    assert story.fold.opened_at == ""


@pytest.mark.parametrize(("reason", "marks"), [("window", []), ("now", ["window_skipped"])])
def test_the_alarm(reason: str, marks: list[str]) -> None:
    story = pressed().tell(ev.Alerted(reason=reason))  # type: ignore[arg-type]
    incident = story.fold
    assert incident.state is State.ALERTING
    assert incident.alerted_at == story.last.at
    assert incident.marks == marks
    assert incident.needs_operator
    assert story.tell(ev.Alerted(reason="now")).lost


def test_she_may_cancel_until_somebody_has_it() -> None:
    for story in (pressed(), alerting()):
        cancelled = story.tell(ev.Cancelled()).fold
        assert cancelled.state is State.CANCELLED
        assert cancelled.ended_at == story.last.at
        assert not cancelled.open
    assert accepted().tell(ev.Cancelled()).lost


def test_duress_and_pressing_again_are_heard_even_at_the_end() -> None:
    story = pressed().tell(ev.Cancelled()).tell(ev.Duress())
    story.tell(ev.PressedAgain(key="k-2", trigger="key", pressed_at="", marks=("late_report",)))
    story.tell(ev.PressedAgain(key="k-3", trigger="key", pressed_at="", marks=("late_report",)))
    incident = story.fold
    assert incident.duress
    assert incident.presses == 3
    assert incident.marks == ["late_report"]
    assert incident.superseded == []


def test_routing_marks_what_was_assumed() -> None:
    story = pressed().tell(routed("11545", method="nearest", marks=("center_not_connected",)))
    assert story.fold.marks == ["outside_boundaries", "center_not_connected"]
    assert story.fold.responsible is not None
    assert story.fold.responsible.code == "11545"


def test_routing_after_the_end_changes_nothing_but_who_was_told() -> None:
    story = pressed().tell(ev.Cancelled()).tell(routed("11545", informed=("41410",)))
    assert story.lost
    assert story.fold.responsible is not None
    assert story.fold.responsible.code == "41170"
    assert "41410" in story.fold.parties


def test_ownership_moves_by_epoch_and_takes_the_case_from_the_operator() -> None:
    story = accepted().tell(ev.ClosingProposed(disposition="prank"), node="41170", actor=OPERATOR)
    story.tell(owns("11545", 2, "handover"))
    incident = story.fold
    assert incident.owner is not None
    assert (incident.owner.code, incident.owner.since) == ("11545", story.last.at)
    assert [owner.code for owner in incident.owners] == ["41170", "11545"]
    assert incident.operator is None
    assert incident.closing is None
    assert incident.state is State.ACCEPTED
    assert incident.needs_operator
    assert incident.marks == []


def test_an_old_epoch_moves_nothing() -> None:
    story = pressed().tell(owns("11545", 2, "no_ack"))
    assert story.fold.marks == ["rerouted"]
    assert story.tell(owns("41410", 2, "no_ack")).lost
    assert story.tell(owns("41410", 1, "no_ack")).lost


def test_ownership_after_the_end_moves_nothing() -> None:
    story = pressed().tell(ev.Cancelled()).tell(owns("11545", 2, "no_ack"))
    assert story.lost
    assert "11545" in story.fold.parties


def test_the_rungs_of_the_ladder() -> None:
    story = alerting().tell(ev.Rung(step="co_alarm", code="11545", name="금천구"))
    assert story.fold.co_alarmed == ["11545"]
    assert story.fold.parties["11545"] == "금천구"
    story.tell(ev.Rung(step="exhausted"))
    assert story.fold.exhausted_at == story.last.at
    story.tell(ev.Rung(step="agency_direct", agency="119", code="41170", name="안양시"))
    request = story.fold.requests[story.last.id]
    assert (request.agency, request.unverified, request.center, request.status) == (
        "119",
        True,
        "41170",
        "requested",
    )
    assert story.fold.agency_asked
    assert "agency_direct" in story.fold.marks
    assert story.fold.state is State.ALERTING


def test_a_rung_without_an_agency_asks_112() -> None:
    story = alerting().tell(ev.Rung(step="agency_direct", code="41170"))
    assert story.fold.requests[story.last.id].agency == "112"


@pytest.mark.parametrize("step", ["co_alarm", "exhausted", "agency_direct"])
def test_a_rung_after_the_end_changes_nothing_but_who_was_told(step: str) -> None:
    story = alerting().tell(ev.Cancelled())
    story.tell(ev.Rung(step=step, code="11545", name="금천구", agency="112"))  # type: ignore[arg-type]
    incident = story.fold
    assert story.lost
    assert (incident.co_alarmed, incident.exhausted_at, incident.requests) == ([], "", {})
    assert ("11545" in incident.parties) == (step == "co_alarm")


def test_a_confirmation_counts_for_its_epoch() -> None:
    story = pressed().tell(ev.Delivered(code="41170", epoch=1), node="41170")
    assert story.fold.owner_has_it
    assert story.fold.delivered == {"41170": (1, story.last.at)}
    assert story.tell(ev.Delivered(code="41170", epoch=1), node="41170").lost
    story.tell(owns("11545", 2, "handover"))
    assert not story.fold.owner_has_it
    story.tell(owns("41170", 3, "handover_failed"))
    assert not story.fold.owner_has_it
    assert story.tell(ev.Delivered(code="41170", epoch=3), node="41170").fold.owner_has_it


def test_a_confirmation_of_a_later_ownership_counts_as_well() -> None:
    """The owner's database plainly has the incident; asking for more would ask for ever."""
    story = pressed().tell(ev.Delivered(code="41170", epoch=7), node="41170")
    assert story.fold.owner_has_it


def test_nobody_has_an_incident_without_an_owner() -> None:
    assert not Story().tell(armed()).fold.owner_has_it


def test_the_first_screen_is_remembered() -> None:
    story = alerting().tell(ev.Seen(code="41170"), node="41170", actor=OPERATOR)
    first = story.last.at
    story.tell(ev.Seen(code="41170"), node="41170", actor=COLLEAGUE)
    assert story.fold.seen == {"41170": (first, "김관제")}


def test_the_first_acceptance_wins() -> None:
    story = accepted()
    first = story.last.at
    assert story.fold.accepted_at == first
    assert story.tell(ev.Accepted(code="41170", epoch=1), node="41170", actor=COLLEAGUE).lost
    assert story.fold.operator == Operator(id="op-1", name="김관제", center="41170")


@pytest.mark.parametrize("data", [ev.Accepted(code="11545", epoch=1), ev.Accepted(code="41170", epoch=2)])
def test_only_the_owner_accepts_and_only_in_its_epoch(data: ev.Accepted) -> None:
    story = alerting().tell(data, node=data.code, actor=OPERATOR)
    assert story.lost
    assert story.fold.state is State.ALERTING


def test_nobody_accepts_before_the_alarm_or_without_an_owner() -> None:
    assert pressed().tell(ev.Accepted(code="41170", epoch=1), node="41170").lost
    assert Story().tell(armed()).tell(ev.Accepted(code="41170", epoch=1), node="41170").lost


def test_after_a_handover_the_new_owner_accepts_anew() -> None:
    story = accepted()
    first = story.last.at
    story.tell(owns("11545", 2, "handover"))
    story.tell(ev.Accepted(code="11545", epoch=2), node="11545", actor=COLLEAGUE)
    incident = story.fold
    assert incident.operator == Operator(id="op-2", name="박관제", center="11545")
    assert incident.accepted_at == first
    assert incident.state is State.ACCEPTED


@pytest.mark.parametrize(
    ("status", "state"),
    [("acknowledged", State.DISPATCHED), ("on_scene", State.ON_SCENE), ("done", State.ON_SCENE)],
)
def test_an_acceptance_catches_up_with_the_agency(status: ev.Status, state: State) -> None:
    story = alerting().tell(ev.Rung(step="agency_direct", agency="112", code="41170", name="안양시"))
    story.tell(ev.DispatchUpdated(request=story.last.id, status=status), node="41170", actor=DESK)
    assert story.fold.state is State.ALERTING
    story.tell(ev.Accepted(code="41170", epoch=1), node="41170", actor=OPERATOR)
    assert story.fold.state is state


def test_claims_stand_until_they_are_answered() -> None:
    story = alerting().tell(claimed("11545"), node="11545", actor=COLLEAGUE)
    story.tell(claimed("41410"), node="41410", actor=OPERATOR)
    assert [(claim.code, claim.by) for claim in story.fold.claims] == [
        ("11545", COLLEAGUE),
        ("41410", OPERATOR),
    ]
    story.tell(ev.ClaimRefused(code="41410"))
    assert [claim.code for claim in story.fold.claims] == ["11545"]
    assert story.tell(ev.ClaimRefused(code="41410")).lost
    story.tell(owns("11545", 2, "claimed")).tell(ev.Accepted(code="11545", epoch=2), node="11545")
    assert story.fold.claims == []


def test_a_claim_after_the_end_is_void() -> None:
    assert alerting().tell(ev.Cancelled()).tell(claimed("11545"), node="11545").lost


def test_a_note_is_only_on_the_timeline() -> None:
    before = accepted().fold
    after = accepted().tell(ev.Note(text="통화 중"), node="41170", actor=OPERATOR).fold
    assert after.count == before.count + 1
    after.count = before.count
    assert after == before


def test_a_request_and_its_answers() -> None:
    story = dispatched("119")
    request_id = story.last.id
    assert story.fold.state is State.DISPATCHED
    for status, state in (
        ("acknowledged", State.DISPATCHED),
        ("en_route", State.DISPATCHED),
        ("on_scene", State.ON_SCENE),
        ("done", State.ON_SCENE),
    ):
        story.tell(ev.DispatchUpdated(request=request_id, status=status, note="…"), node="41170", actor=DESK)  # type: ignore[arg-type]
        assert story.fold.state is state
    request = story.fold.requests[request_id]
    assert [step.status for step in request.history] == list(ev.STATUSES)
    assert [step.by for step in request.history] == ["김관제", *["112 상황실"] * 4]
    assert (request.agency, request.by, request.unverified) == ("119", "김관제", False)


def test_a_request_never_goes_back() -> None:
    story = dispatched()
    request_id = story.last.id
    story.tell(ev.DispatchUpdated(request=request_id, status="en_route"), node="41170")
    assert story.tell(ev.DispatchUpdated(request=request_id, status="acknowledged"), node="41170").lost
    assert story.tell(ev.DispatchUpdated(request="unknown", status="done"), node="41170").lost


def test_nothing_is_asked_before_somebody_has_it() -> None:
    story = alerting().tell(ev.DispatchRequested(agency="112", code="41170"), node="41170", actor=OPERATOR)
    assert story.lost
    assert story.fold.requests == {}


def test_two_agencies_one_arrives() -> None:
    story = dispatched("112")
    story.tell(ev.DispatchRequested(agency="119", code="41170"), node="41170", actor=OPERATOR)
    story.tell(ev.DispatchUpdated(request=story.last.id, status="on_scene"), node="41170", actor=DESK)
    assert story.fold.state is State.ON_SCENE
    assert [request.agency for request in story.fold.requests.values()] == ["112", "119"]


def test_a_proposal_waits_for_a_second_person() -> None:
    story = accepted().tell(
        ev.ClosingProposed(disposition="prank", reason="장난"), node="41170", actor=OPERATOR
    )
    assert story.fold.closing == Closing(
        disposition="prank", reason="장난", by="김관제", by_id="op-1", at=story.last.at
    )
    story.tell(ev.ClosingRejected(), node="41170", actor=COLLEAGUE)
    assert story.fold.closing is None
    assert story.tell(ev.ClosingRejected(), node="41170", actor=COLLEAGUE).lost


@pytest.mark.parametrize("data", [ev.ClosingProposed(disposition="safe"), ev.Closed(disposition="safe")])
def test_only_the_owner_closes_and_only_what_somebody_has(data: ev.Data) -> None:
    assert accepted().tell(data, node="11545").lost
    assert alerting().tell(data, node="41170").lost
    assert not accepted().tell(data, node="41170").lost


def test_only_the_owner_rejects_a_closing() -> None:
    story = accepted().tell(ev.ClosingProposed(disposition="prank"), node="41170", actor=OPERATOR)
    assert story.tell(ev.ClosingRejected(), node="11545").lost
    assert story.fold.closing is not None


def test_closing_ends_it() -> None:
    story = dispatched().tell(ev.ClosingProposed(disposition="prank"), node="41170", actor=OPERATOR)
    story.tell(ev.Closed(disposition="prank", second="박관제"), node="41170", actor=COLLEAGUE)
    incident = story.fold
    assert (incident.state, incident.disposition, incident.closing) == (State.CLOSED, "prank", None)
    assert incident.ended_at == story.last.at
    assert not incident.needs_operator
    assert story.tell(ev.Closed(disposition="safe"), node="41170").lost
    assert story.fold.disposition == "prank"


def test_equal_stamps_are_ordered_by_id() -> None:
    first, second = alerting(), alerting()
    for story, names in ((first, (OPERATOR, COLLEAGUE)), (second, (COLLEAGUE, OPERATOR))):
        for who in names:
            story.tell(ev.Accepted(code="41170", epoch=1), node="41170", actor=who, gap_ms=0)
    assert first.fold.operator is not None
    assert first.fold.operator.id == "op-1"
    assert second.fold.operator is not None
    assert second.fold.operator.id == "op-2"


def test_a_camera_is_shared_and_withdrawn() -> None:
    story = dispatched("112").tell(share("shared"), node="41170", actor=OPERATOR)
    (shared,) = story.fold.shared.values()
    assert (shared.camera, shared.agency, shared.center, shared.by) == ("c-1", "112", "41170", "김관제")
    story.tell(share("withdrawn"), node="41170", actor=OPERATOR)
    assert story.fold.shared == {}
    assert not story.lost
    story.tell(share("withdrawn"), node="41170", actor=OPERATOR)
    assert story.lost


def test_nothing_is_shared_after_the_end() -> None:
    story = dispatched("112").tell(ev.Closed(disposition="safe"), node="41170", actor=OPERATOR)
    story.tell(share("shared"), node="41170", actor=OPERATOR)
    assert story.lost
    assert story.fold.shared == {}


def test_broken_glass_sightings_and_footage_stand_in_the_record() -> None:
    story = dispatched("112")
    glass = ev.GlassBroken(camera="c-9", name="먼 카메라", code="41170", reason="터널", second="박관제")
    story.tell(glass, node="41170", actor=OPERATOR)
    (broken,) = story.fold.broken_glass
    assert (broken.camera, broken.by, broken.second, broken.reason) == ("c-9", "김관제", "박관제", "터널")
    for camera, bearing in (("c-1", None), ("c-2", 90.0)):
        data = ev.Sighted(
            camera=camera, name="카메라", code="41170", lat=37.4, lon=127.0, bearing=bearing, x=0.5, y=0.5
        )
        story.tell(data, node="41170", actor=OPERATOR)
    assert story.fold.sighting is not None
    assert (story.fold.sighting.camera, story.fold.sighting.bearing) == ("c-2", 90.0)
    footage = ev.Footage(recording="r-1", camera="c-1", name="카메라", code="41170", state="started")
    assert not story.tell(footage, node="41170").lost


def share(state: Literal["shared", "withdrawn"]) -> ev.CameraShare:
    return ev.CameraShare(camera="c-1", name="큰길 카메라", agency="112", code="41170", state=state)

"""What a node writes by rule, and that it comes to rest."""

from hypothesis import given
from hypothesis import strategies as st

from ansim.core.actors import system
from ansim.core.clock import hlc_from_ms
from ansim.incidents import events as ev
from ansim.incidents.fold import fold
from ansim.incidents.reactions import Write, at_center, at_hub
from support.story import COLLEAGUE, OPERATOR, Story, accepted, alerting, armed, claimed, owns, pressed
from support.strategies import START_MS, histories


def test_a_center_confirms_each_ownership_once() -> None:
    story = pressed()
    assert at_center("41170", story.fold) == [(ev.Delivered(code="41170", epoch=1), system("41170"))]
    story.tell(ev.Delivered(code="41170", epoch=1), node="41170")
    assert at_center("41170", story.fold) == []
    story.tell(owns("11545", 2, "handover")).tell(owns("41170", 3, "handover_failed"))
    assert at_center("41170", story.fold) == [(ev.Delivered(code="41170", epoch=3), system("41170"))]


def test_a_center_is_quiet_about_what_is_not_its_own() -> None:
    assert at_center("11545", pressed().fold) == []
    assert at_center("41170", Story().tell(armed()).fold) == []
    assert at_center("41170", pressed().tell(ev.Cancelled()).fold) == []


def test_a_granted_claim_is_accepted_for_the_operator_who_made_it() -> None:
    story = alerting().tell(claimed("11545"), node="11545", actor=COLLEAGUE).tell(owns("11545", 2, "claimed"))
    story.tell(ev.Delivered(code="11545", epoch=2), node="11545")
    assert at_center("11545", story.fold) == [(ev.Accepted(code="11545", epoch=2), COLLEAGUE)]
    story.tell(ev.Accepted(code="11545", epoch=2), node="11545", actor=COLLEAGUE)
    assert at_center("11545", story.fold) == []


def test_a_claim_before_the_alarm_is_not_accepted_yet() -> None:
    story = pressed().tell(claimed("11545"), node="11545", actor=COLLEAGUE).tell(owns("11545", 2, "no_ack"))
    story.tell(ev.Delivered(code="11545", epoch=2), node="11545")
    assert at_center("11545", story.fold) == []


def test_the_hub_grants_the_first_claim_and_refuses_the_second() -> None:
    story = alerting().tell(claimed("11545"), node="11545", actor=COLLEAGUE)
    move = ev.OwnershipAssigned(code="11545", name="금천구", epoch=2, reason="claimed")
    assert at_hub("hub", story.fold) == [(move, system("hub"))]
    story.tell(move)
    assert at_hub("hub", story.fold) == []
    story.tell(claimed("41410"), node="41410", actor=OPERATOR)
    assert at_hub("hub", story.fold) == [(ev.ClaimRefused(code="41410"), system("hub"))]


def test_the_hub_refuses_a_claim_on_what_somebody_has() -> None:
    story = accepted().tell(claimed("11545"), node="11545", actor=COLLEAGUE)
    assert at_hub("hub", story.fold) == [(ev.ClaimRefused(code="11545"), system("hub"))]


def test_the_hub_is_quiet_without_owner_claims_or_future() -> None:
    assert at_hub("hub", Story().tell(armed()).fold) == []
    assert at_hub("hub", alerting().fold) == []
    assert at_hub("hub", alerting().tell(claimed("11545"), node="11545").tell(ev.Cancelled()).fold) == []


@given(histories, st.sampled_from(["hub", "41170", "11545", "41410"]))
def test_reactions_come_to_rest(events: list[ev.Event], node: str) -> None:
    """As the journal does it: written after everything known, asked again until quiet."""
    rule = at_hub if node == "hub" else at_center
    known = list(events)
    steps = 0
    while writes := rule(node, fold(known)):
        steps += 1
        assert steps <= len(events) + 2, "it never ends"
        known += _written(node, writes, known)
    for event in known[len(events) :]:
        assert event.id not in fold(known).superseded


def _written(node: str, writes: list[Write], known: list[ev.Event]) -> list[ev.Event]:
    last = max(int(event.at, 16) for event in known)
    return [
        ev.Event(
            id=f"w-{len(known)}-{place}",
            incident="i-1",
            at=f"{max(last, int(hlc_from_ms(START_MS), 16)) + 1 + place:016x}",
            node=node,
            actor=actor,
            data=data,
        )
        for place, (data, actor) in enumerate(writes)
    ]

"""The ladder's rule: given an incident and the policy, the one next step and when it is due."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansim.core.clock import hlc_from_ms, hlc_ms, iso, ms_time, parse_iso
from ansim.core.settings import PolicySettings
from ansim.distribution.health import ServiceState
from ansim.distribution.ladder import Step, StepKind, next_step
from ansim.distribution.policy import Plan
from ansim.incidents import events as ev
from ansim.incidents.events import CenterRef
from ansim.incidents.fold import fold
from ansim.incidents.lifecycle import State
from support.story import OPERATOR, PERSON, Story, accepted, alerting, armed, claimed, owns, pressed
from support.strategies import CENTERS, HUB, NAMES, START_MS, WINDOW_ENDS, histories

POLICY = Plan.of(PolicySettings())
ORDER = [CenterRef(code=code, name=NAMES[code]) for code in CENTERS]


def step(story: Story, order: list[CenterRef] = ORDER) -> Step | None:
    return next_step(story.fold, POLICY, order)


def after(story: Story, seconds: float) -> int:
    """Milliseconds since the epoch, ``seconds`` after the story's last event."""
    return hlc_ms(story.last.at) + int(seconds * 1000)


def rang(kind: StepKind, due_ms: int, center: CenterRef | None = None) -> Step:
    """A step because the owner's screens rang in vain."""
    return Step(kind=kind, due_ms=due_ms, center=center, because="no_answer", rang=True)


def confirmed() -> Story:
    return pressed().tell(ev.Delivered(code="41170", epoch=1), node="41170")


def unanswered(*codes: str) -> Story:
    """The window is over and each center in turn was given the incident, none confirmed."""
    story = pressed().tell(ev.Alerted(reason="now"))
    for epoch, code in enumerate(codes, 2):
        story.tell(owns(code, epoch, "no_ack"), gap_ms=2_000)
    return story


def test_the_window_ends_with_the_alarm() -> None:
    ends = int(parse_iso(WINDOW_ENDS).timestamp() * 1000)
    assert step(confirmed()) == Step(kind="alert", due_ms=ends)


def test_a_window_nobody_can_read_ends_at_once() -> None:
    story = Story().tell(msgspec.structs.replace(armed(), window_ends_at="soon"), actor=PERSON)
    assert step(story) == Step(kind="alert", due_ms=hlc_ms(story.last.at))


def test_nothing_is_due_before_the_arming_or_after_the_end() -> None:
    assert step(Story().tell(ev.Note(text="?"))) is None
    assert step(pressed().tell(ev.Cancelled())) is None
    assert step(Story().tell(ev.Alerted(reason="now"))) is None


def test_an_owner_that_stays_silent_is_passed_over() -> None:
    story = pressed()
    assert step(story) == Step(kind="reroute", due_ms=after(story, 2), center=ORDER[1])
    story = unanswered("11545")
    assert step(story) == Step(kind="reroute", due_ms=after(story, 2), center=ORDER[2])


def test_a_round_without_an_answer_is_said_and_begun_again_ever_slower() -> None:
    story = unanswered("11545", "41410")
    assert step(story) == Step(kind="exhausted", due_ms=after(story, 2))
    story.tell(ev.Rung(step="exhausted"))
    waits: list[int] = []
    codes: list[str] = []
    while len(waits) < 16:
        due, owner = step(story), story.fold.owner
        assert due is not None
        assert owner is not None
        if due.kind == "reroute":
            assert due.center is not None
            assert due.center.code != owner.code
            waits.append(due.due_ms - hlc_ms(owner.since))
            codes.append(due.center.code)
        story.at_ms = max(story.at_ms, due.due_ms)
        story.tell(write(story, due), gap_ms=0)
    assert waits == sorted(waits)
    assert waits[0] >= 2_000
    assert waits[-1] == 30_000
    assert set(codes) == set(CENTERS)


def test_a_single_center_keeps_what_is_on_its_way() -> None:
    story = pressed().tell(ev.Alerted(reason="now"))
    assert step(story, ORDER[:1]) == Step(
        kind="exhausted",
        due_ms=hlc_ms(story.fold.owner.since) + 2_000,  # type: ignore[union-attr]
    )
    story.tell(ev.Rung(step="exhausted"))
    due = step(story, ORDER[:1])
    assert due is not None
    assert due.kind == "agency_direct"
    story.tell(ev.Rung(step="agency_direct", agency="112", code="41170"))
    assert step(story, ORDER[:1]) is None


def test_an_owner_outside_the_order_is_passed_over_too() -> None:
    """Its enrolment ended; the centers that can be reached are tried."""
    story = pressed()
    due = step(story, ORDER[1:])
    assert due is not None
    assert (due.kind, due.center) == ("reroute", ORDER[1])
    assert next_step(story.fold, POLICY, []) == Step(kind="exhausted", due_ms=after(story, 2))


def test_a_handover_nobody_confirms_goes_back() -> None:
    story = accepted().tell(owns("11545", 2, "handover"))
    assert step(story) == Step(kind="return", due_ms=after(story, 2), center=ORDER[0])
    story.tell(owns("41170", 3, "handover_failed"))
    due = step(story)
    assert due is not None
    assert (due.kind, due.center) == ("reroute", ORDER[2]), "the one that failed is not asked again at once"


def test_a_first_owner_by_handover_has_nobody_to_return_to() -> None:
    story = Story().tell(armed()).tell(owns("11545", 1, "handover"))
    due = step(story)
    assert due is not None
    assert (due.kind, due.center) == ("reroute", ORDER[0])


def test_a_confirmed_owner_begins_a_new_round() -> None:
    story = pressed().tell(owns("11545", 2, "no_ack")).tell(owns("41410", 3, "claimed"))
    assert step(story) == Step(kind="reroute", due_ms=after(story, 2), center=ORDER[0])


def test_nobody_accepts_then_the_next_centers_hear_the_alarm_three_at_most() -> None:
    order = [*ORDER, *(CenterRef(code=f"9000{n}", name=f"{n}시") for n in range(3))]
    story = alerting()
    alerted = hlc_ms(story.last.at)
    for number in range(1, 4):
        due = min((one for one in [step(story, order)] if one), key=lambda one: one.due_ms)
        if due.kind == "agency_direct":
            assert due.due_ms == alerted + 30_000
            story.tell(ev.Rung(step="agency_direct", agency="112", code="41170"))
            following = step(story, order)
            assert following is not None
            due = following
        assert due == rang("co_alarm", alerted + 15_000 * number, order[number])
        story.tell(ev.Rung(step="co_alarm", code=order[number].code, name=order[number].name))
    if not story.fold.agency_asked:
        story.tell(ev.Rung(step="agency_direct", agency="112", code="41170"))
    assert step(story, order) is None


def test_the_agency_is_asked_when_nobody_is_left_to_alarm() -> None:
    story = alerting()
    alerted = hlc_ms(story.last.at)
    assert step(story, ORDER[:1]) == rang("agency_direct", alerted + 30_000)


ROOM = CenterRef(code="gyeonggi", name="경기도 상황실")


def test_ringing_in_vain_is_said_once_until_another_owns_it() -> None:
    story = alerting().tell(ev.Rung(step="no_answer", code="41170", name="안양시"))
    assert story.fold.unanswered == ["41170"]
    due = step(story)
    assert due is not None
    assert (due.kind, due.rang) == ("co_alarm", False)
    story.tell(owns("11545", 2, "claimed")).tell(ev.Delivered(code="11545", epoch=2), node="11545")
    due = step(story)
    assert due is not None
    assert due.rang


@pytest.mark.parametrize("state", list(ServiceState))
def test_a_center_in_which_nobody_is_is_not_waited_for(state: ServiceState) -> None:
    """Without time to ring, all that may be alarmed are alarmed at once, and why is said."""
    story = alerting()
    alerted = hlc_ms(story.last.at)
    plan = msgspec.structs.replace(POLICY, accept_s=0, state=state, rules={"accept_s": "야간"})
    for number in (1, 2):
        due = next_step(story.fold, plan, ORDER)
        assert due is not None
        assert (due.kind, due.due_ms, due.center) == ("co_alarm", alerted, ORDER[number])
        assert due.because == ("no_answer" if state is ServiceState.NORMAL else state.value)
        assert (due.rule, due.rang) == ("야간", False)
        story.tell(ev.Rung(step="co_alarm", code=ORDER[number].code, name=ORDER[number].name))


def test_the_room_of_the_province_is_alarmed_before_the_agency_is_asked() -> None:
    story = alerting()
    alerted = hlc_ms(story.last.at)
    plan = msgspec.structs.replace(POLICY, co_alarms=0, province_s=20)
    assert next_step(story.fold, plan, ORDER, ROOM) == rang("province_room", alerted + 20_000, ROOM)
    story.tell(ev.Rung(step="province_room", code=ROOM.code, name=ROOM.name))
    assert story.fold.rooms == [ROOM.code]
    assert story.fold.may_claim(ROOM.code, 0)
    assert ROOM.code in story.fold.parties
    assert next_step(story.fold, plan, ORDER, ROOM) == rang("agency_direct", alerted + 30_000)


def test_a_room_that_owns_the_incident_is_not_alarmed_again() -> None:
    story = (
        Story()
        .tell(armed())
        .tell(ev.OwnershipAssigned(code=ROOM.code, name=ROOM.name, epoch=1, reason="policy"))
    )
    story.tell(ev.Delivered(code=ROOM.code, epoch=1), node=ROOM.code).tell(ev.Alerted(reason="now"))
    plan = msgspec.structs.replace(POLICY, co_alarms=0)
    due = next_step(story.fold, plan, ORDER, ROOM)
    assert due is not None
    assert due.kind == "agency_direct"


def test_help_ends_by_itself() -> None:
    story = accepted()
    for code, minutes in (("11545", 30), ("41410", 10)):
        until = iso(ms_time(story.at_ms + minutes * 60_000))
        story.tell(ev.AidInvited(code=code, name=NAMES[code], until=until), node="41170", actor=OPERATOR)
    first = story.fold.aid["41410"]
    assert step(story) == Step(kind="aid_over", due_ms=first.until_ms, center=ORDER[2])
    assert story.fold.may_claim("41410", first.until_ms - 1)
    assert not story.fold.may_claim("41410", first.until_ms)
    story.tell(ev.AidEnded(code="41410", reason="expired"))
    assert step(story) == Step(kind="aid_over", due_ms=story.fold.aid["11545"].until_ms, center=ORDER[1])
    story.tell(ev.Closed(disposition="safe"), node="41170")
    assert step(story) is None


def test_an_acceptance_ends_the_ladder() -> None:
    assert step(accepted()) is None


def test_after_a_handover_the_new_center_has_its_own_time_to_accept() -> None:
    story = accepted().tell(owns("11545", 2, "handover"), gap_ms=60_000)
    story.tell(ev.Delivered(code="11545", epoch=2), node="11545")
    since = hlc_ms(story.fold.owner.since)  # type: ignore[union-attr]
    assert step(story) == rang("co_alarm", since + 15_000, ORDER[0])


def test_a_rerouted_incident_keeps_the_time_of_its_alarm() -> None:
    story = alerting()
    alerted = hlc_ms(story.last.at)
    story.tell(owns("11545", 2, "no_ack"), gap_ms=4_000).tell(
        ev.Delivered(code="11545", epoch=2), node="11545"
    )
    assert step(story) == rang("co_alarm", alerted + 15_000, ORDER[0])


def test_a_granted_claim_gives_time_to_accept() -> None:
    story = alerting().tell(claimed("11545"), node="11545", actor=OPERATOR)
    story.tell(owns("11545", 2, "claimed"), gap_ms=10_000)
    story.tell(ev.Delivered(code="11545", epoch=2), node="11545")
    since = hlc_ms(story.fold.owner.since)  # type: ignore[union-attr]
    due = step(story)
    assert due is not None
    assert (due.kind, due.due_ms) == ("co_alarm", since + 15_000)


@pytest.mark.parametrize(("ack", "accept", "agency"), [(0.5, 3, 9), (10, 60, 600)])
def test_the_deadlines_are_policy(ack: float, accept: float, agency: float) -> None:
    policy = Plan.of(PolicySettings(center_ack_s=ack, accept_s=accept, agency_s=agency))
    silent = pressed()
    due = next_step(silent.fold, policy, ORDER)
    assert due is not None
    assert (due.kind, due.due_ms) == min(
        ("alert", int(parse_iso(WINDOW_ENDS).timestamp() * 1000)),
        ("reroute", hlc_ms(silent.last.at) + int(ack * 1000)),
        key=lambda pair: pair[1],
    )
    story = alerting()
    due = next_step(story.fold, policy, ORDER)
    assert due is not None
    assert due.due_ms == hlc_ms(story.last.at) + int(accept * 1000)
    due = next_step(story.fold, policy, ORDER[:1])
    assert due is not None
    assert due.due_ms == hlc_ms(story.last.at) + int(agency * 1000)


@given(histories, st.permutations(ORDER), st.integers(0, 3))
def test_the_ladder_is_total_and_names_a_center_where_it_needs_one(
    events: list[ev.Event], order: list[CenterRef], count: int
) -> None:
    incident = fold(events)
    due = next_step(incident, POLICY, order[:count])
    if due is None:
        return
    assert incident.open
    if due.kind in ("reroute", "co_alarm", "return"):
        assert due.center is not None
        assert due.kind == "return" or due.center in order[:count]
        if due.kind != "return" and incident.owner is not None:
            assert due.center.code != incident.owner.code
    else:
        assert due.center is None


@given(histories)
def test_somebody_is_always_asked_while_nobody_has_it(events: list[ev.Event]) -> None:
    """An open incident that waits for a center or an operator has a next step, until all were asked."""
    incident = fold(events)
    if not incident.open or incident.owner is None:
        return
    asked_all = incident.agency_asked and len(incident.co_alarmed) >= 2
    waits = not incident.owner_has_it or (incident.state is State.ALERTING and not asked_all)
    if waits:
        assert next_step(incident, POLICY, ORDER) is not None


def write(story: Story, due: Step) -> ev.Data:
    """What the worker writes for a step."""
    epoch = story.fold.owner.epoch + 1 if story.fold.owner else 1
    if due.kind == "alert":
        return ev.Alerted(reason="window")
    if due.kind in ("reroute", "return"):
        assert due.center is not None
        return owns(due.center.code, epoch, "no_ack" if due.kind == "reroute" else "handover_failed")
    if due.kind == "co_alarm":
        assert due.center is not None
        return ev.Rung(step="co_alarm", code=due.center.code, name=due.center.name)
    if due.kind == "exhausted":
        return ev.Rung(step="exhausted")
    return ev.Rung(step="agency_direct", code="41170", agency="112")


@given(st.lists(st.sampled_from(["confirm", "wait", "wait", "accept", "silence"]), max_size=25))
def test_every_step_carried_out_changes_the_incident_and_time_never_runs_back(answers: list[str]) -> None:
    story = pressed()
    clock = START_MS
    for answer in answers:
        incident = story.fold
        owner = incident.owner
        assert owner is not None
        if answer == "confirm":
            story.tell(ev.Delivered(code=owner.code, epoch=owner.epoch), node=owner.code)
        elif answer == "accept":
            story.tell(ev.Accepted(code=owner.code, epoch=owner.epoch), node=owner.code)
        else:
            due = next_step(incident, POLICY, ORDER)
            if due is None:
                continue
            clock = max(clock, due.due_ms, story.at_ms)
            story.at_ms = clock
            story.tell(write(story, due), node=HUB, gap_ms=1)
            assert not story.lost
            assert story.last.at >= hlc_from_ms(due.due_ms)
        assert story.fold.owner is not None

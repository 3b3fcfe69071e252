"""The fold's law: whatever the order, the copies and the portions, the same events make the same incident."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansim.incidents import events as ev
from ansim.incidents.fold import fold
from ansim.incidents.lifecycle import ENDED, STEPS, IllegalTransition, State, can, require
from support.strategies import any_events, histories, likely_events


@given(histories, st.randoms(use_true_random=False))
def test_any_order_and_any_copies_fold_to_the_same_incident(
    events: list[ev.Event], chance: random.Random
) -> None:
    expected = fold(events)
    told = events + chance.choices(events, k=len(events))
    chance.shuffle(told)
    assert fold(told) == expected


@given(histories, st.data())
def test_decoded_copies_fold_like_the_originals(events: list[ev.Event], data: st.DataObject) -> None:
    encoded = [ev.encode(event) for event in data.draw(st.permutations(events))]
    assert fold(ev.decode(body) for body in encoded) == fold(events)


@given(any_events(most=30))
def test_the_fold_is_total_and_counts_every_event(events: list[ev.Event]) -> None:
    incident = fold(events)
    assert incident.count == len(events)
    assert incident.id == "i-1"
    timeline = [event.id for event in sorted(events, key=lambda event: event.order)]
    assert incident.superseded == [one for one in timeline if one in set(incident.superseded)]


@given(histories)
def test_a_superseded_event_changes_nothing_but_the_record_of_it(events: list[ev.Event]) -> None:
    incident = fold(events)
    lost = set(incident.superseded)
    kept = [event for event in events if event.id not in lost]
    if not kept:
        return
    without = fold(kept)
    assert without.superseded == []
    assert incident.parties.keys() >= without.parties.keys()
    without.superseded, without.count, without.parties = incident.superseded, incident.count, incident.parties
    assert without == incident


@given(histories, histories)
def test_a_center_once_told_stays_a_party(first: list[ev.Event], more: list[ev.Event]) -> None:
    """Late events may undo why it was told, never that it was: it must hear the end as well."""
    assert fold(first).parties.keys() <= fold([*more, *first]).parties.keys()


@given(histories)
def test_epochs_of_ownership_only_grow(events: list[ev.Event]) -> None:
    incident = fold(events)
    epochs = [owner.epoch for owner in incident.owners]
    assert epochs == sorted(set(epochs))
    assert incident.owner == (incident.owners[-1] if incident.owners else None)


@given(histories)
def test_the_operator_works_for_the_owner(events: list[ev.Event]) -> None:
    incident = fold(events)
    if incident.operator is not None:
        assert incident.owner is not None
        assert incident.operator.center == incident.owner.code
        assert not incident.needs_operator


@given(histories)
def test_each_prefix_of_the_timeline_makes_legal_steps(events: list[ev.Event]) -> None:
    timeline = sorted(events, key=lambda event: event.order)
    states = [State.ARMED, *(fold(timeline[: n + 1]).state for n in range(len(timeline)))]
    for before, after in itertools.pairwise(states):
        assert after is before or (after in _reachable(before) and before not in ENDED)


def _reachable(state: State) -> set[State]:
    """States one event may lead to: an acceptance may catch up with what agencies did already."""
    found, open_ = set(), {state}
    while open_:
        found |= open_
        open_ = {target for one in open_ for target in STEPS[one]} - found
    return found


@given(likely_events())
def test_a_life_by_the_rules_begins_complete(events: list[ev.Event]) -> None:
    incident = fold(events)
    assert incident.complete
    assert incident.opened_at == events[0].at
    assert incident.owner is not None
    assert events[0].id not in incident.superseded
    assert incident.open == (incident.ended_at == "")


def test_nothing_is_not_an_incident() -> None:
    with pytest.raises(ValueError, match="at least one event"):
        fold([])


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("target", State)
def test_a_step_is_there_or_is_loud(state: State, target: State) -> None:
    if can(state, target):
        require(state, target)
        return
    with pytest.raises(IllegalTransition, match=f"cannot {target.value} while {state.value}") as caught:
        require(state, target)
    assert (caught.value.state, caught.value.wanted) == (state, target.value)


def test_the_ends_lead_nowhere_and_everything_starts_armed() -> None:
    assert all(not STEPS[state] for state in ENDED)
    assert _reachable(State.ARMED) == set(State)

"""The states of an incident and the steps between them. An illegal step is loud."""

from enum import StrEnum


class State(StrEnum):
    """Where an incident stands. Hand-over and escalation are events, not states."""

    ARMED = "armed"
    ALERTING = "alerting"
    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    ON_SCENE = "on_scene"
    CLOSED = "closed"
    CANCELLED = "cancelled"


ENDED = frozenset({State.CLOSED, State.CANCELLED})
IN_HAND = frozenset({State.ACCEPTED, State.DISPATCHED, State.ON_SCENE})

STEPS: dict[State, frozenset[State]] = {
    State.ARMED: frozenset({State.ALERTING, State.CANCELLED}),
    State.ALERTING: frozenset({State.ACCEPTED, State.CANCELLED}),
    State.ACCEPTED: frozenset({State.DISPATCHED, State.CLOSED}),
    State.DISPATCHED: frozenset({State.ON_SCENE, State.CLOSED}),
    State.ON_SCENE: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
    State.CANCELLED: frozenset(),
}


class IllegalTransition(Exception):
    """A command does not fit the incident's state."""

    def __init__(self, state: State, wanted: str) -> None:
        super().__init__(f"cannot {wanted} while {state.value}")
        self.state = state
        self.wanted = wanted


def can(state: State, target: State) -> bool:
    """Whether the step exists."""
    return target in STEPS[state]


def require(state: State, target: State) -> None:
    """Raise IllegalTransition unless the step exists."""
    if not can(state, target):
        raise IllegalTransition(state, target.value)

"""A journey's words and its lifecycle. Pure.

A journey is *open* from its planning until she arrived, ended it, or an alarm took it over. While it is open
it may show a *concern* (late, off the way, ...); a concern that needs an answer asks her first, then her
guardians are told, then the center has it as an incident. No client is needed for any of these steps.
"""

from enum import IntEnum, IntFlag
from typing import Annotated, Literal

from msgspec import Meta, Struct

from ansim.geo.shape import require_position

Name = Annotated[str, Meta(max_length=60)]
Watcher = Literal["center", "guardians", "machine"]
"""Who watches: the center and her guardians, her guardians, or nobody but the machine."""

WAY_POINTS = 32
"""Corners of a planned way that are kept; a longer way is thinned out to as many."""


class Way(IntEnum):
    """How she goes home."""

    FOOT = 0
    BUS = 1
    TAXI = 2


class State(IntEnum):
    """Where a journey stands. The states from ``LATE`` to ``LOW_BATTERY`` say what is of concern."""

    PLANNED = 0
    ACTIVE = 1
    LATE = 2
    OFF_ROUTE = 3
    STILL = 4
    LOST_SIGNAL = 5
    LOW_BATTERY = 6
    CHECK_ASKED = 7
    GUARDIANS_TOLD = 8
    ALARMED = 9
    ARRIVED = 10
    ENDED = 11


ENDS = frozenset({State.ALARMED, State.ARRIVED, State.ENDED})
"""States nothing follows."""
UNDER_WAY = frozenset(
    {State.ACTIVE, State.LATE, State.OFF_ROUTE, State.STILL, State.LOST_SIGNAL, State.LOW_BATTERY}
)
"""States in which the rules are applied."""
ASKING = frozenset({State.CHECK_ASKED, State.GUARDIANS_TOLD})
"""States in which an answer is waited for."""


class Concern(IntFlag):
    """What the rules saw. Those in :data:`ASKS` need an answer, the others are only shown."""

    NONE = 0
    LATE = 1
    LOW_BATTERY = 2
    OVERDUE = 4
    OFF_ROUTE = 8
    STILL = 16
    TOO_FAST = 32
    TURNED_BACK = 64
    LOST_SIGNAL = 128


ASKS = (
    Concern.OVERDUE
    | Concern.OFF_ROUTE
    | Concern.STILL
    | Concern.TOO_FAST
    | Concern.TURNED_BACK
    | Concern.LOST_SIGNAL
)

_SHOWN: tuple[tuple[Concern, State], ...] = (
    (Concern.LOST_SIGNAL, State.LOST_SIGNAL),
    (Concern.OFF_ROUTE | Concern.TOO_FAST | Concern.TURNED_BACK, State.OFF_ROUTE),
    (Concern.STILL, State.STILL),
    (Concern.LATE | Concern.OVERDUE, State.LATE),
    (Concern.LOW_BATTERY, State.LOW_BATTERY),
)


def state_of(concern: Concern) -> State:
    """The state that shows the gravest of these concerns."""
    return next((state for mask, state in _SHOWN if concern & mask), State.ACTIVE)


class IllegalStep(Exception):
    """A step the lifecycle does not know from where the journey stands."""

    def __init__(self, state: State, step: State) -> None:
        super().__init__(f"a journey that is {state.name.lower()} cannot become {step.name.lower()}")
        self.state, self.step = state, step


_FROM_ALL_OPEN = frozenset({State.ARRIVED, State.ENDED, State.ALARMED})
_NEXT: dict[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.ACTIVE, State.ENDED}),
    **{state: UNDER_WAY | {State.CHECK_ASKED} | _FROM_ALL_OPEN for state in UNDER_WAY},
    State.CHECK_ASKED: frozenset({State.ACTIVE, State.GUARDIANS_TOLD}) | _FROM_ALL_OPEN,
    State.GUARDIANS_TOLD: frozenset({State.ACTIVE}) | _FROM_ALL_OPEN,
    **{state: frozenset() for state in ENDS},
}


def step(state: State, to: State) -> State:
    """The state after the step; IllegalStep when it may not be taken."""
    if to not in _NEXT[state]:
        raise IllegalStep(state, to)
    return to


class Policy(Struct, frozen=True, kw_only=True):
    """When a journey is of concern. Each person may have their own; seconds and metres.

    ``still_s`` holds on foot; waiting for a bus or riding in a car allows ``still_ride_s``.
    """

    heartbeat_s: Annotated[float, Meta(ge=15, le=600)] = 90.0
    lost_after_s: Annotated[float, Meta(ge=30, le=3600)] = 300.0
    lost_known_s: Annotated[float, Meta(ge=60, le=7200)] = 1500.0
    overdue_s: Annotated[float, Meta(ge=60, le=7200)] = 1200.0
    corridor_m: Annotated[float, Meta(ge=30, le=2000)] = 220.0
    off_for_s: Annotated[float, Meta(ge=0, le=1800)] = 90.0
    still_s: Annotated[float, Meta(ge=60, le=3600)] = 660.0
    still_ride_s: Annotated[float, Meta(ge=60, le=7200)] = 1500.0
    still_m: Annotated[float, Meta(ge=15, le=500)] = 60.0
    fast_mps: Annotated[float, Meta(ge=2, le=60)] = 6.0
    back_m: Annotated[float, Meta(ge=50, le=5000)] = 350.0
    prompt_s: Annotated[float, Meta(ge=10, le=300)] = 30.0
    guardian_s: Annotated[float, Meta(ge=0, le=900)] = 60.0
    low_battery: Annotated[float, Meta(ge=0, le=0.5)] = 0.08
    quiet_s: Annotated[float, Meta(ge=60, le=7200)] = 600.0
    night_share: Annotated[float, Meta(gt=0.2, le=1)] = 0.8


DEFAULT_POLICY = Policy()


class Spot(Struct, frozen=True, kw_only=True):
    """A place by name: where a journey goes, or a saved one."""

    name: Name
    lat: float
    lon: float
    radius_m: Annotated[float, Meta(ge=10, le=1000)] = 60.0

    def __post_init__(self) -> None:
        require_position(self.lat, self.lon, self.radius_m)


class Plan(Struct, frozen=True, kw_only=True):
    """What she told before setting out. ``way`` is the planned way as (lat, lon), may be empty."""

    start: Spot
    destination: Spot
    by: Way = Way.FOOT
    way: tuple[tuple[float, float], ...] = ()
    arrive_by: float = 0.0
    watcher: Watcher = "guardians"
    plate: Annotated[str, Meta(max_length=20)] = ""


class Fix(Struct, frozen=True, kw_only=True):
    """A reported position: epoch seconds, degrees, metres (95 %), metres a second, share of the battery.

    ``speed`` and ``battery`` are NaN where the phone does not say.
    """

    at: float
    lat: float
    lon: float
    radius: float
    speed: float = float("nan")
    battery: float = float("nan")


def next_deadline(state: State, asked_at: float, policy: Policy, guardians: bool) -> tuple[float, State]:
    """When silence leads to the next step, and which: prompt → guardians (if any watch) → center."""
    if state is State.CHECK_ASKED:
        tell = guardians and policy.guardian_s > 0
        return asked_at + policy.prompt_s, State.GUARDIANS_TOLD if tell else State.ALARMED
    if state is State.GUARDIANS_TOLD:
        return asked_at + policy.prompt_s + policy.guardian_s, State.ALARMED
    raise IllegalStep(state, State.ALARMED)

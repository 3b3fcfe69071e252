"""Which centers can answer, from their heartbeats: silence must be observed before it counts."""

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

BEAT_S = 1.0
"""How often a center says it is there."""
DEAD_AFTER_S = 5.0

Count = Annotated[int, Meta(ge=0, le=10_000_000)]


class ServiceState(StrEnum):
    """Whether a center can take an alarm (the sense of NENA-STA-010's ServiceState registry)."""

    NORMAL = "normal"
    OVERLOADED = "overloaded"
    UNSTAFFED = "unstaffed"
    DOWN = "down"


RANK = {state: place for place, state in enumerate(ServiceState)}
"""The better a center can take an alarm, the lower."""


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a staffed center counts as overloaded; part of the signed policy."""

    alarms_per_operator: Annotated[float, Meta(gt=0, le=1000)] = 3.0
    oldest_alarm_s: Annotated[float, Meta(gt=0, le=86_400)] = 60.0


class Beat(Struct, frozen=True, kw_only=True):
    """What a center says of itself each second.

    ``operators`` are the people with a console open, None where the center does not say. ``open`` counts its
    incidents, ``alarms`` those that wait for an operator, ``oldest_s`` how long the first of them has waited.
    """

    code: Annotated[str, Meta(max_length=16)]
    name: Annotated[str, Meta(max_length=60)]
    operators: Count | None = None
    open: Count = 0
    alarms: Count = 0
    oldest_s: Annotated[float, Meta(ge=0)] = 0.0
    outbox: Count = 0
    outbox_oldest_s: Annotated[float, Meta(ge=0)] = 0.0


def state_of(beat: Beat | None, silent_s: float, limits: Limits) -> ServiceState:
    """A center's state. What it does not say is not held against it."""
    if silent_s >= DEAD_AFTER_S:
        return ServiceState.DOWN
    if beat is None or beat.operators is None:
        return ServiceState.NORMAL
    if beat.operators == 0:
        return ServiceState.UNSTAFFED
    crowded = beat.alarms > limits.alarms_per_operator * beat.operators
    late = beat.alarms > 0 and beat.oldest_s > limits.oldest_alarm_s
    return ServiceState.OVERLOADED if crowded or late else ServiceState.NORMAL


class CenterHealth:
    """The newest heartbeat of each enrolled center."""

    def __init__(self, codes: list[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._codes = codes
        self._beats: dict[str, tuple[float, Beat]] = {}
        self.limits = Limits()

    def beat(self, beat: Beat) -> None:
        """A center has spoken."""
        if beat.code in self._codes:
            self._beats[beat.code] = (self._clock(), beat)

    def silent_s(self, code: str) -> float:
        """Seconds since the center was last heard, or since this hub began to listen."""
        at, _ = self._beats.get(code, (self._since, None))
        return self._clock() - at

    def alive(self, code: str) -> bool:
        """Whether the center has been heard lately."""
        return self.silent_s(code) < DEAD_AFTER_S

    def last(self, code: str) -> Beat | None:
        """What the center said last, None when it never spoke."""
        found = self._beats.get(code)
        return found[1] if found else None

    def state(self, code: str) -> ServiceState:
        """Whether the center can take an alarm now."""
        return state_of(self.last(code), self.silent_s(code), self.limits)

    def name(self, code: str) -> str | None:
        """The name it gives itself."""
        found = self._beats.get(code)
        return found[1].name if found else None

    def all(self) -> dict[str, Beat | None]:
        """Every enrolled center with its newest heartbeat."""
        return {code: self.last(code) for code in self._codes}

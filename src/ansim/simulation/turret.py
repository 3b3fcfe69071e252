"""A camera's turning head: it moves at a finite speed, to a position or with a speed, until it is stopped.
Pure.
"""

import math
import time
from collections.abc import Callable

from ansim.cameras.pointing import Pose

START = Pose(pan=0.0, tilt=-0.1, zoom=0.0)


class Turret:
    """One head. A full turn of pan takes 2 / ``speed`` seconds; ``clock`` is its time in seconds."""

    def __init__(
        self, start: Pose = START, speed: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pose = start
        self._speed = speed
        self._clock = clock
        self._goal: Pose | None = None
        self._rate: tuple[float, float, float] | None = None
        self._until = math.inf
        self._told = clock()

    @property
    def pose(self) -> Pose:
        """Where it is turned to now."""
        self._advance()
        return self._pose

    @property
    def moving(self) -> bool:
        """Whether it turns."""
        self._advance()
        return self._goal is not None or self._rate is not None

    def go(self, goal: Pose) -> None:
        """Begin to turn to a position."""
        self._advance()
        self._goal, self._rate = goal, None

    def push(self, pan: float, tilt: float, zoom: float, seconds: float = math.inf) -> None:
        """Begin to turn with a speed."""
        self._advance()
        self._rate, self._goal = (pan, tilt, zoom), None
        self._until = self._clock() + seconds

    def stop(self) -> None:
        """Stand."""
        self._advance()
        self._goal = self._rate = None

    def _advance(self) -> None:
        """Turn as far as the time since the last look allows."""
        now = self._clock()
        before, self._told = self._told, now
        if self._rate is not None:
            span = max(min(now, self._until) - before, 0.0) * self._speed
            rate = self._rate
            self._pose = Pose(
                pan=_within(self._pose.pan + rate[0] * span, -1.0),
                tilt=_within(self._pose.tilt + rate[1] * span, -1.0),
                zoom=_within(self._pose.zoom + rate[2] * span, 0.0),
            )
            if now >= self._until:
                self._rate = None
        elif self._goal is not None:
            step, goal, at = (now - before) * self._speed, self._goal, self._pose
            self._pose = Pose(
                pan=_towards(at.pan, goal.pan, step),
                tilt=_towards(at.tilt, goal.tilt, step),
                zoom=_towards(at.zoom, goal.zoom, step),
            )
            if self._pose == goal:
                self._goal = None


def _within(value: float, low: float) -> float:
    return min(max(value, low), 1.0)


def _towards(value: float, goal: float, step: float) -> float:
    return goal if abs(goal - value) <= step else value + math.copysign(step, goal - value)

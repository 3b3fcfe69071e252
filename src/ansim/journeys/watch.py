"""The machine that watches: what it hears and what time brings, turned into steps of journeys. No I/O.

Whoever runs it writes the steps down; a watch that is built anew from what was written goes on the same way.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ansim.journeys import rules
from ansim.journeys.fleet import Fleet, Rows
from ansim.journeys.model import ASKING, ASKS, UNDER_WAY, Concern, State, next_deadline, state_of, step

_SHOWN = np.array([state_of(Concern(value)) for value in range(256)], np.uint8)
_ASKS = np.uint16(ASKS)


class Step(NamedTuple):
    """A journey's row came to ``state`` at ``at`` (epoch seconds); ``concern`` are the reasons."""

    row: int
    state: State
    concern: Concern
    at: float


class Watch:
    """Applies the rules to a fleet and moves its journeys through their lifecycle."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    def heard(self, rows: Rows, fixes: npt.NDArray[np.void], now: float) -> list[Step]:
        """Take a batch of fixes (dtype ``fleet.FIX``) of journeys in the fleet; returns what that changed."""
        touched, concern, home = rules.observe(self.fleet, rows, fixes, now)
        home = home[self._under_way(home)]
        steps = [self._step(int(row), State.ARRIVED, now) for row in home]
        return steps + self._judge(touched, concern, now)

    def tick(self, now: float) -> list[Step]:
        """What the clock brings; call it at least once a second."""
        rows = self.fleet.due(now)
        under_way = self._under_way(rows)
        silent = rows[under_way]
        steps = self._judge(silent, rules.lapse(self.fleet, silent, now), now)
        self.fleet.set_deadlines(silent)
        for row in rows[~under_way]:
            policy, guardians = self.fleet.policy_of(row), bool(self.fleet.guardians[row])
            asked_at = float(self.fleet.time["asked_at"][row])
            _, to = next_deadline(State(self.fleet.state[row]), asked_at, policy, guardians)
            steps.append(self._step(int(row), to, now))
        return steps

    def safe(self, row: int, now: float) -> list[Step]:
        """She (or who may speak for her) said that all is well; nothing where nothing was asked."""
        if State(self.fleet.state[row]) not in ASKING | UNDER_WAY:
            return []
        asked = State(self.fleet.state[row]) in ASKING
        rules.settle(self.fleet, np.array([row]), now)
        return [Step(row, State.ACTIVE, Concern.NONE, now)] if asked else []

    def end(self, row: int, state: State, now: float) -> Step:
        """She arrived, ended it, or needs help at once. Raises IllegalStep when it is over already."""
        return self._step(row, state, now)

    def _under_way(self, rows: Rows) -> npt.NDArray[np.bool_]:
        return np.isin(self.fleet.state[rows], [int(state) for state in UNDER_WAY])

    def _judge(self, rows: Rows, concern: rules.Flags, now: float) -> list[Step]:
        """Ask where an answer is needed; elsewhere show what is of concern."""
        under_way = self._under_way(rows)
        ask = under_way & (concern & _ASKS != 0)
        steps = []
        for row in rows[ask]:
            self.fleet.time["asked_at"][row] = now
            steps.append(self._step(int(row), State.CHECK_ASKED, now))
        other = under_way & ~ask
        shown = _SHOWN[concern[other] & 255]
        changed = shown != self.fleet.state[rows[other]]
        steps += [
            self._step(int(row), State(to), now)
            for row, to in zip(rows[other][changed], shown[changed], strict=True)
        ]
        return steps

    def _step(self, row: int, to: State, now: float) -> Step:
        self.fleet.state[row] = step(State(self.fleet.state[row]), to)
        self.fleet.set_deadlines(np.array([row]))
        return Step(row, to, Concern(int(self.fleet.concern[row])), now)

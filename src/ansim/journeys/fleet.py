"""All open journeys of a node as columns: one row a journey, every column an array. No I/O.

A journey costs about half a kilobyte whether there are ten or a million. Places are kept in metres east and
north of its start. Timers are one column: whoever keeps the clock asks :meth:`Fleet.due` once a second, which
reads one array from end to end (a million entries in about a millisecond) instead of keeping a task each.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ansim.geo.shape import METRES_PER_DEGREE
from ansim.journeys.model import WAY_POINTS, Concern, Plan, Policy, State

Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]

FIX_FIELDS = ("at", "lat", "lon", "radius", "speed", "battery")
FIX = np.dtype([*((name, np.float64) for name in FIX_FIELDS), ("known", np.bool_)])
"""A report's fix as the rules take it; ``known`` marks a place where phones fall silent (tunnel, subway)."""

NEVER = math.inf
_TIMES = (
    *("lat0", "lon0", "last_at", "expires", "eta", "started", "anchor_at", "ref_at"),
    *("off_since", "back_since", "fast_since", "near_since", "quiet_until", "asked_at", "deadline"),
)
_METRES = (
    *("dest_x", "dest_y", "dest_r", "x", "y", "r", "ax", "ay", "ar", "rx", "ry", "rr"),
    *("furthest", "corridor", "speed", "battery"),
)
_PROGRESS = np.dtype(
    [
        *((name, "<f8") for name in _TIMES),
        *((name, "<f4") for name in _METRES),
        ("state", "<u2"),
        ("concern", "<u2"),
    ]
)
_LIMITS = tuple(name for name in Policy.__struct_fields__)
_START_CAPACITY = 64


class Times(NamedTuple):
    """When a journey began and when she is expected (epoch seconds)."""

    started: float
    eta: float


class Fleet:
    """The columns, the policies they refer to, and which row belongs to which journey (16-byte id)."""

    def __init__(self) -> None:
        self.rows: dict[bytes, int] = {}
        self._free: list[int] = []
        self._used = 0
        self.ids = np.zeros((_START_CAPACITY,), dtype="V16")
        self.time = {name: np.full(_START_CAPACITY, NEVER) for name in _TIMES}
        self.metre = {name: np.full(_START_CAPACITY, np.nan, np.float32) for name in _METRES}
        self.way = np.zeros(_START_CAPACITY, np.uint8)
        self.state = np.full(_START_CAPACITY, State.ENDED, np.uint8)
        self.concern = np.zeros(_START_CAPACITY, np.uint16)
        self.guardians = np.zeros(_START_CAPACITY, np.bool_)
        self.policy = np.zeros(_START_CAPACITY, np.uint16)
        self.route = np.zeros((_START_CAPACITY, WAY_POINTS, 2), np.float32)
        self.policies: list[Policy] = []
        self._policy_rows: dict[Policy, int] = {}
        self.limits = np.zeros((0, len(_LIMITS)))

    def __len__(self) -> int:
        return len(self.rows)

    def bytes_held(self) -> int:
        """Memory of the columns, without the index of ids."""
        columns = [self.ids, self.way, self.state, self.concern, self.guardians, self.policy, self.route]
        return sum(one.nbytes for one in [*columns, *self.time.values(), *self.metre.values()])

    def limit(self, rows: Rows, name: str) -> Floats:
        """One limit of these journeys' policies."""
        found: Floats = self.limits[self.policy[rows], _LIMITS.index(name)]
        return found

    def policy_of(self, row: int) -> Policy:
        """The policy of one journey."""
        return self.policies[int(self.policy[row])]

    def add(self, journey: bytes, plan: Plan, policy: Policy, times: Times) -> int:
        """Take up a journey; its row."""
        return int(self.add_many([(journey, plan, policy, times)])[0])

    def add_many(self, journeys: Sequence[tuple[bytes, Plan, Policy, Times]]) -> Rows:
        """Take up many journeys at once; their rows, in order."""
        rows = np.array([self._take_row() for _ in journeys], np.intp)
        policies = [policy for _, _, policy, _ in journeys]
        self.policy[rows] = [self._policy_row(policy) for policy in policies]
        self.ids[rows] = np.array([key for key, *_ in journeys], "V16")
        self.rows.update(zip((key for key, *_ in journeys), rows.tolist(), strict=True))
        plans = [plan for _, plan, _, _ in journeys]
        for name in _TIMES:
            self.time[name][rows] = NEVER
        for name in _METRES:
            self.metre[name][rows] = 0.0
        self.time["lat0"][rows] = [plan.start.lat for plan in plans]
        self.time["lon0"][rows] = [plan.start.lon for plan in plans]
        started = np.array([times.started for *_, times in journeys])
        for name in ("started", "last_at", "anchor_at", "ref_at"):
            self.time[name][rows] = started
        self.time["quiet_until"][rows] = -NEVER
        self.time["eta"][rows] = [times.eta for *_, times in journeys]
        self.time["expires"][rows] = started + self.limit(rows, "lost_after_s")
        self.metre["speed"][rows] = self.metre["battery"][rows] = np.nan
        for name in ("r", "ar", "rr"):
            self.metre[name][rows] = [plan.start.radius_m for plan in plans]
        end_lat = np.array([plan.destination.lat for plan in plans])
        end_lon = np.array([plan.destination.lon for plan in plans])
        x, y = self.local(rows, end_lat, end_lon)
        self.metre["dest_x"][rows], self.metre["dest_y"][rows] = x, y
        self.metre["dest_r"][rows] = [plan.destination.radius_m for plan in plans]
        told = np.array([len(plan.way) > 1 for plan in plans])
        width = self.limit(rows, "corridor_m")
        self.metre["corridor"][rows] = np.where(told, width, np.maximum(width, 0.35 * np.hypot(x, y)))
        self._lay(rows, plans)
        self.way[rows] = [plan.by for plan in plans]
        self.guardians[rows] = [plan.watcher != "machine" for plan in plans]
        self.state[rows], self.concern[rows] = State.ACTIVE, Concern.NONE
        self.set_deadlines(rows)
        return rows

    def remove(self, journey: bytes) -> None:
        """Forget a journey that has ended; unknown ones are ignored."""
        row = self.rows.pop(journey, None)
        if row is None:
            return
        self.state[row] = State.ENDED
        self.time["deadline"][row] = NEVER
        self._free.append(row)

    def progress(self, rows: Rows) -> list[bytes]:
        """What the watch knows of these journeys, to be kept; :meth:`restore` takes one back."""
        kept = np.zeros(len(rows), _PROGRESS)
        for name in _TIMES:
            kept[name] = self.time[name][rows]
        for name in _METRES:
            kept[name] = self.metre[name][rows]
        kept["state"], kept["concern"] = self.state[rows], self.concern[rows]
        whole, size = kept.tobytes(), _PROGRESS.itemsize
        return [whole[start : start + size] for start in range(0, len(whole), size)]

    def restore(self, row: int, progress: bytes) -> None:
        """Go on from what was kept. Raises ValueError when it is not this watch's."""
        if len(progress) != _PROGRESS.itemsize:
            raise ValueError(f"progress is {_PROGRESS.itemsize} bytes, not {len(progress)}")
        kept = np.frombuffer(progress, _PROGRESS)[0]
        for name in _TIMES:
            self.time[name][row] = kept[name]
        for name in _METRES:
            self.metre[name][row] = kept[name]
        self.state[row], self.concern[row] = kept["state"], kept["concern"]

    def local(self, rows: Rows, lat: Floats, lon: Floats) -> tuple[Floats, Floats]:
        """Metres east and north of each journey's start (a plane that touches there: ways home are short)."""
        lat0, lon0 = self.time["lat0"][rows], self.time["lon0"][rows]
        east = (lon - lon0) * METRES_PER_DEGREE * np.cos(np.radians(lat0))
        return east, (lat - lat0) * METRES_PER_DEGREE

    def set_deadlines(self, rows: Rows) -> None:
        """When silence next means something for these journeys."""
        time, state = self.time, self.state[rows]
        late = time["eta"][rows] + self.limit(rows, "overdue_s")
        seen = self.concern[rows] & Concern.OVERDUE != 0
        late = np.where(seen, NEVER, np.maximum(late, time["quiet_until"][rows]))
        under_way = np.minimum(time["expires"][rows], late)  # her word that all is well hushes no silence
        prompt = time["asked_at"][rows] + self.limit(rows, "prompt_s")
        told = prompt + self.limit(rows, "guardian_s")
        time["deadline"][rows] = np.select(
            [state == State.CHECK_ASKED, state == State.GUARDIANS_TOLD, state < State.CHECK_ASKED],
            [prompt, told, under_way],
            NEVER,
        )

    def due(self, now: float) -> Rows:
        """The rows whose deadline has come, most overdue first."""
        found = np.flatnonzero(self.time["deadline"][: self._used] <= now)
        order: Rows = found[np.argsort(self.time["deadline"][found], kind="stable")]
        return order

    def _take_row(self) -> int:
        if self._free:
            return self._free.pop()
        if self._used == len(self.state):
            self._grow()
        self._used += 1
        return self._used - 1

    def _grow(self) -> None:
        more = self._used + max(self._used // 2, _START_CAPACITY)

        def longer(column: Any) -> Any:
            wider = np.zeros((more, *column.shape[1:]), column.dtype)
            wider[: self._used] = column[: self._used]
            return wider

        self.time = {name: longer(column) for name, column in self.time.items()}
        self.metre = {name: longer(column) for name, column in self.metre.items()}
        for name in ("ids", "way", "state", "concern", "guardians", "policy", "route"):
            setattr(self, name, longer(getattr(self, name)))
        self.time["deadline"][self._used :] = NEVER
        self.state[self._used :] = State.ENDED

    def _policy_row(self, policy: Policy) -> int:
        known = self._policy_rows.get(policy)
        if known is None:
            known = self._policy_rows[policy] = len(self.policies)
            self.policies.append(policy)
            row = np.array([[float(getattr(policy, name)) for name in _LIMITS]])
            self.limits = np.vstack([self.limits, row])
        return known

    def _lay(self, rows: Rows, plans: Sequence[Plan]) -> None:
        """Write the ways' corners; what is left over repeats the last, a leg without length."""
        places = np.empty((len(plans), WAY_POINTS, 2))
        for index, plan in enumerate(plans):
            start, end = plan.start, plan.destination
            way = thinned(plan.way) if len(plan.way) > 1 else ((start.lat, start.lon), (end.lat, end.lon))
            places[index, : len(way)] = way
            places[index, len(way) :] = way[-1]
        self.route[rows, :, 0], self.route[rows, :, 1] = (
            column.reshape(len(plans), WAY_POINTS)
            for column in self.local(
                np.repeat(rows, WAY_POINTS), places[..., 0].ravel(), places[..., 1].ravel()
            )
        )


def thinned(way: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most :data:`WAY_POINTS` corners of a way, its ends among them, evenly chosen."""
    if len(way) <= WAY_POINTS:
        return list(way)
    chosen = np.linspace(0, len(way) - 1, WAY_POINTS).round().astype(int)
    return [way[index] for index in chosen]


def rounds(rows: Rows, fixes: npt.NDArray[np.void]) -> Iterator[tuple[Rows, npt.NDArray[np.void]]]:
    """A batch as rounds in which no journey occurs twice, each journey's fixes in the order of their time."""
    if not len(rows):
        return
    order = np.lexsort((fixes["at"], rows))
    rows, fixes = rows[order], fixes[order]
    first = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
    nth = np.arange(len(rows)) - np.repeat(first, np.diff(np.r_[first, len(rows)]))
    for number in range(int(nth.max()) + 1):
        mine = nth == number
        yield rows[mine], fixes[mine]

"""What a track says about a journey: rules as pure functions over columns, a whole batch at a time.

Every comparison is against what is certain: a fix counts as off the way, moved or fast only as far as its
circle of uncertainty cannot explain it. Numbers are metres, seconds, metres a second.
"""

import numpy as np
import numpy.typing as npt

from ansim.journeys.fleet import NEVER, Fleet, Floats, Rows, rounds
from ansim.journeys.model import Concern, State, Way

SPEED_SPAN_S = 60.0
"""Speed is judged over at least this long: shorter spans only measure the error of the fixes."""
ARRIVED_FOR_S = 20.0
BACK_FOR_S = 60.0
FAST_FOR_S = 25.0
_KST_S = 9 * 3600.0
_NIGHT = (23.0, 5.0)
Flags = npt.NDArray[np.uint16]


def observe(fleet: Fleet, rows: Rows, fixes: npt.NDArray[np.void], now: float) -> tuple[Rows, Flags, Rows]:
    """Apply a batch of fixes (dtype ``FIX``), any number a journey, in any order, heard at ``now``.

    Returns the rows it concerned, the concerns each of them has now, and the rows that have arrived.
    """
    touched = np.unique(rows)
    arrived: list[Rows] = []
    for some, batch in rounds(rows, fixes):
        arrived.append(_one_each(fleet, some, batch, now))
    fleet.set_deadlines(touched)
    home = np.unique(np.concatenate(arrived)) if arrived else touched[:0]
    return touched, fleet.concern[touched], home


def lapse(fleet: Fleet, rows: Rows, now: float) -> Flags:
    """The concerns of journeys whose deadline has come while nothing was heard of them."""
    concern = fleet.concern[rows]
    concern |= where(fleet.time["expires"][rows] <= now, Concern.LOST_SIGNAL)
    concern |= where(fleet.time["eta"][rows] + fleet.limit(rows, "overdue_s") <= now, Concern.OVERDUE)
    fleet.concern[rows] = concern
    return concern


def settle(fleet: Fleet, rows: Rows, now: float) -> None:
    """She said that all is well: what was of concern is taken as meant, and not asked again for a while."""
    time, metre = fleet.time, fleet.metre
    for name in ("off_since", "back_since", "fast_since"):
        time[name][rows] = NEVER
    time["anchor_at"][rows] = now
    metre["ax"][rows], metre["ay"][rows], metre["ar"][rows] = (
        metre["x"][rows],
        metre["y"][rows],
        metre["r"][rows],
    )
    metre["furthest"][rows] = -np.float32(np.inf)  # the next fix says how far along she is
    time["quiet_until"][rows] = now + fleet.limit(rows, "quiet_s")
    time["expires"][rows] = now + fleet.limit(rows, "lost_after_s")
    time["eta"][rows] = np.maximum(time["eta"][rows], now + fleet.limit(rows, "quiet_s") / 2)
    fleet.concern[rows] = Concern.NONE
    fleet.state[rows] = State.ACTIVE
    fleet.set_deadlines(rows)


def night_share(fleet: Fleet, rows: Rows, at: Floats) -> Floats:
    """What is left of a patient limit at night (23 to 5 o'clock in Korea)."""
    hour = (at + _KST_S) / 3600.0 % 24.0
    night = (hour >= _NIGHT[0]) | (hour < _NIGHT[1])
    return np.where(night, fleet.limit(rows, "night_share"), 1.0)


def where(true: npt.NDArray[np.bool_], concern: Concern) -> Flags:
    """The concern where something is true."""
    return true.astype(np.uint16) * np.uint16(concern)


def _one_each(fleet: Fleet, rows: Rows, fixes: npt.NDArray[np.void], now: float) -> Rows:
    """At most one fix a journey; returns the rows that have arrived."""
    time = fleet.time
    known = np.where(fixes["known"], fleet.limit(rows, "lost_known_s"), fleet.limit(rows, "lost_after_s"))
    time["expires"][rows] = now + known  # whatever she sent, her phone is alive
    fresh = fixes["at"] > time["last_at"][rows]
    rows, fixes = rows[fresh], fixes[fresh]
    if not len(rows):
        return rows
    at, r = fixes["at"], fixes["radius"]
    x, y = fleet.local(rows, fixes["lat"], fixes["lon"])
    patience = night_share(fleet, rows, at)
    concern = np.zeros(len(rows), np.uint16)
    concern |= _still(fleet, rows, at, x, y, r, patience)
    concern |= _fast(fleet, rows, at, x, y, r, fixes["speed"])
    concern |= _astray(fleet, rows, at, x, y, r, patience)
    concern |= where(at > time["eta"][rows], Concern.LATE)
    overdue = at > time["eta"][rows] + fleet.limit(rows, "overdue_s")
    concern |= where(overdue, Concern.OVERDUE)
    low = fixes["battery"] < fleet.limit(rows, "low_battery")
    concern |= where(low, Concern.LOW_BATTERY)
    hushed = at < time["quiet_until"][rows]
    concern[hushed] &= np.uint16(Concern.LATE | Concern.LOW_BATTERY)
    fleet.concern[rows] = concern
    time["last_at"][rows] = at
    for name, value in (
        ("x", x),
        ("y", y),
        ("r", r),
        ("speed", fixes["speed"]),
        ("battery", fixes["battery"]),
    ):
        fleet.metre[name][rows] = value
    return _near(fleet, rows, at, x, y, r, fixes["speed"])


def _still(fleet: Fleet, rows: Rows, at: Floats, x: Floats, y: Floats, r: Floats, patience: Floats) -> Flags:
    """For how long she has not certainly moved away from one place."""
    time, metre = fleet.time, fleet.metre
    moved = np.hypot(x - metre["ax"][rows], y - metre["ay"][rows])
    error = np.hypot(r, metre["ar"][rows])
    away = moved > np.maximum(fleet.limit(rows, "still_m"), 1.2 * error)
    here = rows[away]
    metre["ax"][here], metre["ay"][here], metre["ar"][here] = x[away], y[away], r[away]
    time["anchor_at"][here] = at[away]
    foot = fleet.way[rows] == Way.FOOT
    allowed = np.where(foot, fleet.limit(rows, "still_s"), fleet.limit(rows, "still_ride_s")) * patience
    still = at - time["anchor_at"][rows] > allowed
    return where(still, Concern.STILL)


def _fast(fleet: Fleet, rows: Rows, at: Floats, x: Floats, y: Floats, r: Floats, speed: Floats) -> Flags:
    """On foot and faster than anybody runs: by the way made good, or by what the receiver measures."""
    time, metre = fleet.time, fleet.metre
    limit = fleet.limit(rows, "fast_mps")
    span = at - time["ref_at"][rows]
    made = np.hypot(x - metre["rx"][rows], y - metre["ry"][rows])
    certain = made - np.hypot(r, metre["rr"][rows])
    ripe = span >= SPEED_SPAN_S
    fast = ripe & (certain > limit * np.maximum(span, 1.0))
    next_ref = rows[ripe]
    metre["rx"][next_ref], metre["ry"][next_ref], metre["rr"][next_ref] = x[ripe], y[ripe], r[ripe]
    time["ref_at"][next_ref] = at[ripe]
    told = speed > limit  # NaN, not told, is not fast
    since = np.where(told, np.minimum(time["fast_since"][rows], at), NEVER)
    time["fast_since"][rows] = since
    fast |= at - since >= FAST_FOR_S
    fast &= fleet.way[rows] == Way.FOOT
    return where(fast, Concern.TOO_FAST)


def _astray(fleet: Fleet, rows: Rows, at: Floats, x: Floats, y: Floats, r: Floats, patience: Floats) -> Flags:
    """Off the planned way, or back along it, for longer than a moment."""
    time, metre = fleet.time, fleet.metre
    away, along = from_way(fleet.route[rows], x, y)
    off = away - r > metre["corridor"][rows]
    off_since = np.where(off, np.minimum(time["off_since"][rows], at), NEVER)
    time["off_since"][rows] = off_since
    furthest = np.maximum(metre["furthest"][rows], along)
    metre["furthest"][rows] = furthest
    back = furthest - along - r > fleet.limit(rows, "back_m")
    back_since = np.where(back, np.minimum(time["back_since"][rows], at), NEVER)
    time["back_since"][rows] = back_since
    off_for = fleet.limit(rows, "off_for_s") * patience
    concern = where(at - off_since >= off_for, Concern.OFF_ROUTE)
    return concern | where(at - back_since >= BACK_FOR_S, Concern.TURNED_BACK)


def _near(fleet: Fleet, rows: Rows, at: Floats, x: Floats, y: Floats, r: Floats, speed: Floats) -> Rows:
    """The rows that have been at their destination for a moment, and not only passed it."""
    metre = fleet.metre
    away = np.hypot(x - metre["dest_x"][rows], y - metre["dest_y"][rows])
    inside = (away <= metre["dest_r"][rows] + 0.5 * np.minimum(r, 150.0)) & ~(speed > 3.0)
    since = np.where(inside, np.minimum(fleet.time["near_since"][rows], at), NEVER)
    fleet.time["near_since"][rows] = since
    home: Rows = rows[inside & (at - since >= ARRIVED_FOR_S)]
    return home


def from_way(route: npt.NDArray[np.float32], x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Distance from each way (n, corners, 2) to its place, and how far along the way the nearest point is."""
    start = route[:, :-1].astype(np.float64)
    leg = np.diff(route, axis=1).astype(np.float64)
    length = np.hypot(leg[..., 0], leg[..., 1])
    to_x, to_y = x[:, None] - start[..., 0], y[:, None] - start[..., 1]
    share = (to_x * leg[..., 0] + to_y * leg[..., 1]) / np.maximum(length * length, 1e-9)
    share = np.clip(share, 0.0, 1.0)
    away = np.hypot(to_x - share * leg[..., 0], to_y - share * leg[..., 1])
    nearest = np.argmin(away, axis=1)
    one = np.arange(len(x))
    before = np.cumsum(length, axis=1) - length
    along = before[one, nearest] + share[one, nearest] * length[one, nearest]
    return away[one, nearest], along

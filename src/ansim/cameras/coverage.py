"""How probably cameras see a person who is somewhere: alone, and several together.

She is a cloud of m equally likely places (see ``geo/track.py``); each camera sees each place with a
probability that follows from its range, its heading and field of view as far as those can be believed,
whether it can be turned, and what stands between. Together they miss her only where all of them do, so the
value of a set is ``1 - mean over places of the product of misses``: submodular, which makes the greedy
choice good (at least 63 % of the optimum always, Nemhauser et al. 1978; with exchanges afterwards far better
on real layouts).
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ansim.cameras.ranking import CameraColumns
from ansim.geo.shape import METRES_PER_DEGREE, MIN_COSINE

Array = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]

RAYS = 360
"""Directions, one a degree clockwise from north, in which it is known how far a camera sees freely."""
MOST_SURE = 0.95
"""No camera is surer than this: people stand behind trees, lorries and other people."""
TURN_SHARE = 0.85
"""What a camera that has to be turned first is worth beside one that looks there already."""
PTZ_FOV_DEG = 55.0
"""Field of view of a camera turned to her, taken in the middle of its zoom."""
PTZ_RANGE = 1.5
"""How much further a zoom lets it see what a person does."""
_EDGE_DEG = 6.0
"""Width over which the edge of a field of view blurs."""
_EDGE_SHARE = 0.12
"""Share of the range over which seeing a person well becomes not seeing her."""
_BENEATH_M = 2.0
"""Nearer to the pole than this she is beneath it, seen by what looks down and else by luck."""


class Sight(Struct, frozen=True, eq=False, kw_only=True):
    """What n cameras see of m places: ``sees`` (n, m) probabilities.

    ``aimed`` (n) is the bearing a camera that can be turned was turned to, NaN for the others; ``blocked``
    (n) the share of the places in its range and field of view that something hides from it.
    """

    sees: Float32
    aimed: Array
    blocked: Array


def draws(count: int, dimensions: int = 6) -> Array:
    """``count`` evenly spread standard normal draws (a Kronecker sequence), the same every time."""
    root = 2.0
    for _ in range(40):
        root = (1.0 + root) ** (1.0 / (dimensions + 1))
    steps = np.array([root ** -(axis + 1) for axis in range(dimensions)])
    even = (0.5 + np.arange(1, count + 1)[:, None] * steps) % 1.0
    normal: Array = np.vectorize(NormalDist().inv_cdf)(even)
    normal -= normal.mean(axis=0)
    return normal


def sight(
    cameras: CameraColumns, lat: float, lon: float, places: Array, free_m: Float32 | None = None
) -> Sight:
    """What the cameras see of ``places``, (m, 2) metres east and north of ``lat``, ``lon``.

    ``free_m`` (n, :data:`RAYS`): how far each sees freely in each direction, None where nothing is known to
    stand in the way.
    """
    metres_lon = METRES_PER_DEGREE * max(math.cos(math.radians(lat)), MIN_COSINE)
    east = ((cameras.lon - lon + 180.0) % 360.0 - 180.0) * metres_lon
    north = (cameras.lat - lat) * METRES_PER_DEGREE
    dx = (places[None, :, 0] - east[:, None]).astype(np.float32)
    dy = (places[None, :, 1] - north[:, None]).astype(np.float32)
    distance = np.sqrt(dx * dx + dy * dy)
    bearing = np.degrees(np.arctan2(dx, dy))

    believed = cameras.confidence.astype(np.float32)[:, None]
    share = (cameras.fov_deg / 360.0).astype(np.float32)[:, None]
    all_round = cameras.fov_deg >= 360.0
    fixed = np.isfinite(cameras.heading) & ~all_round
    heading = np.where(fixed, cameras.heading, 0.0).astype(np.float32)[:, None]
    half = (cameras.fov_deg / 2.0).astype(np.float32)[:, None]
    inside = _inside(bearing, heading, half)
    inside[distance <= _BENEATH_M] = 0.5
    unaimed = np.where(all_round, 1.0, 0.25).astype(np.float32)[:, None]
    looks = np.where(
        fixed[:, None],
        believed * inside + (1.0 - believed) * share,
        believed * unaimed + (1 - believed) * share,
    )
    reach = cameras.range_m.astype(np.float32)[:, None]
    sees = looks * _within(distance, reach)

    aimed = np.full(len(cameras), np.nan)
    turning = np.flatnonzero(cameras.ptz)
    if len(turning):
        aim = _aim(dx[turning], dy[turning], distance[turning], reach[turning] * PTZ_RANGE)
        aimed[turning] = np.degrees(aim[:, 0]) % 360.0
        half_ptz = np.float32(PTZ_FOV_DEG / 2.0)
        turned = _inside(bearing[turning], aimed[turning].astype(np.float32)[:, None], half_ptz)
        turned *= _within(distance[turning], reach[turning] * PTZ_RANGE) * np.float32(TURN_SHARE)
        sees[turning] = np.maximum(sees[turning], turned)

    blocked = np.zeros(len(cameras))
    if free_m is not None:
        ray = np.round(bearing).astype(np.int64) % RAYS
        clear = np.take_along_axis(free_m, ray, axis=1) >= distance
        seen = sees.sum(axis=1)
        sees *= clear
        with np.errstate(invalid="ignore", divide="ignore"):
            blocked = np.where(seen > 1e-6, 1.0 - sees.sum(axis=1) / seen, 0.0)
    return Sight(sees=np.minimum(sees, np.float32(MOST_SURE)), aimed=aimed, blocked=blocked)


def together(sees: Float32, chosen: Sequence[int]) -> float:
    """The probability that at least one of the chosen cameras sees her."""
    if not len(chosen):
        return 0.0
    return float(1.0 - np.prod(1.0 - sees[list(chosen)], axis=0).mean())


def adds(sees: Float32, chosen: Sequence[int]) -> list[float]:
    """What each of the chosen cameras adds to all the others."""
    if not len(chosen):
        return []
    misses = 1.0 - sees[list(chosen)]
    ahead = np.ones_like(misses)
    behind = np.ones_like(misses)
    np.cumprod(misses[:-1], axis=0, out=ahead[1:])
    np.cumprod(misses[:0:-1], axis=0, out=behind[-2::-1])
    gains: list[float] = ((ahead * behind) * (1.0 - misses)).mean(axis=1).tolist()
    return gains


def greedy(sees: Float32, count: int, *, start: Sequence[int] = (), least: float = 0.0) -> list[int]:
    """Up to ``count`` cameras beyond ``start``, each the one that adds most to those before it.

    Ends early where none adds more than ``least``.
    """
    left = np.prod(1.0 - sees[list(start)], axis=0)
    open_to = np.ones(len(sees), dtype=bool)
    open_to[list(start)] = False
    chosen: list[int] = []
    for _ in range(min(count, int(open_to.sum()))):
        gains = (sees @ left) / sees.shape[1]
        gains[~open_to] = -1.0
        best = int(np.argmax(gains))
        if gains[best] <= least:
            break
        chosen.append(best)
        open_to[best] = False
        left *= 1.0 - sees[best]
    return chosen


def exchange(sees: Float32, chosen: Sequence[int], rounds: int = 4) -> list[int]:
    """The set made better by exchanging one camera at a time for another while that gains."""
    kept = list(chosen)
    if not kept or len(kept) >= len(sees):
        return kept
    misses = 1.0 - sees
    for _ in range(rounds):
        value = together(sees, kept)
        best = (value + 1e-6, -1, -1)
        for slot in range(len(kept)):
            rest = np.prod(misses[kept[:slot] + kept[slot + 1 :]], axis=0)
            values = 1.0 - (misses @ rest) / sees.shape[1]
            values[kept] = -1.0
            other = int(np.argmax(values))
            if values[other] > best[0]:
                best = (float(values[other]), slot, other)
        if best[1] < 0:
            break
        kept[best[1]] = best[2]
    return kept


def best_set(sees: Float32, count: int) -> list[int]:
    """The ``count`` cameras that together see her most probably, most useful first."""
    chosen = exchange(sees, greedy(sees, count))
    inside = sees[chosen]
    return [chosen[place] for place in greedy(inside, len(chosen), least=-1.0)]


def _inside(bearing: Float32, heading: Float32, half: Float32 | np.float32) -> Float32:
    """1 inside a field of view, 0 outside, a ramp at its edge."""
    off = np.abs((bearing - heading + 540.0) % 360.0 - 180.0)
    ramp: Float32 = np.clip((half + np.float32(_EDGE_DEG / 2) - off) / np.float32(_EDGE_DEG), 0.0, 1.0)
    return ramp


def _within(distance: Float32, reach: Float32) -> Float32:
    """1 well within the range, one half at it, 0 beyond."""
    width = reach * np.float32(_EDGE_SHARE)
    ramp: Float32 = np.clip((reach + width - distance) / (2.0 * width), 0.0, 1.0)
    return ramp


def _aim(dx: Float32, dy: Float32, distance: Float32, reach: Float32) -> Array:
    """The direction in radians, (n, 1), in which most of the places in reach lie."""
    weight = (distance <= reach) / np.maximum(distance, 1.0)
    ahead: Array = np.arctan2((dx * weight).sum(axis=1), (dy * weight).sum(axis=1)).astype(np.float64)
    return ahead[:, None]

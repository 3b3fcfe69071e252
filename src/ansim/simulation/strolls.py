"""Labelled walks home to judge a journey's rules by: where she is every few seconds, and what befell her.

A walk is made from a seed. How people walk, wait and ride is drawn from distributions that are stated here
and nowhere fitted to the rules; whoever changes a limit must judge it on seeds that the change has not seen.
"""

import math
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from ansim.geo.shape import METRES_PER_DEGREE
from ansim.journeys.model import Plan, Spot, Way

Floats = npt.NDArray[np.float64]
Random = np.random.Generator

EVERY_S = 2.0
"""The phone's receiver has a fix this often."""
CORRELATION_S = 25.0
RADIUS_95 = math.sqrt(-2.0 * math.log(0.05))
AT_HOME_S = 420.0
NOT_YET_HOME_M = 200.0
"""Need arises at least this far from home: at her door a walk that ends well looks the same."""
_ORIGIN = (37.40, 126.92)
EVENING = 1_764_000_000.0 + 20 * 3600.0  # 21:00 in Korea


class Kind(StrEnum):
    """What a walk is. The last four end in need."""

    NORMAL = "normal"
    DETOUR = "detour to a shop"
    BUS = "bus, with a wait"
    TAXI = "taxi home"
    CANYON = "street canyon, 12-50 m"
    CELL = "cell fixes, 107 m"
    GAPS = "gaps in the signal"
    ABDUCTION = "taken away by car"
    LED_AWAY = "led away on foot"
    THROWN = "phone thrown away"
    SMASHED = "phone smashed"


IN_NEED = frozenset({Kind.ABDUCTION, Kind.LED_AWAY, Kind.THROWN, Kind.SMASHED})


class Stroll(NamedTuple):
    """One walk. ``t`` are seconds from its start, ``x`` and ``y`` metres east and north of it.

    ``true_x`` and ``true_y`` are where the phone is, ``x`` and ``y`` what its receiver says, ``radius`` what
    it says of its error (95 %), ``speed`` what it measures (NaN: not measured), ``heard`` whether the
    network carried a report then. ``need_at`` is when she came to be in need, infinite when never.
    """

    kind: Kind
    plan: Plan
    t: Floats
    true_x: Floats
    true_y: Floats
    x: Floats
    y: Floats
    radius: Floats
    speed: Floats
    heard: npt.NDArray[np.bool_]
    need_at: float


class _Leg(NamedTuple):
    """Towards a corner at a pace, or ``wait`` seconds in place."""

    x: float
    y: float
    pace: float
    wait: float = 0.0


def stroll(kind: Kind, seed: int) -> Stroll:
    """The walk of this kind and seed."""
    random = np.random.default_rng([seed, list(Kind).index(kind)])
    by = {Kind.BUS: Way.BUS, Kind.TAXI: Way.TAXI}.get(kind, Way.FOOT)
    corners = _corners(random, far={Way.FOOT: 1.0, Way.BUS: 4.0, Way.TAXI: 5.0}[by])
    pace = float(np.clip(random.normal(1.3, 0.15), 0.8, 1.8))
    legs = {Way.FOOT: _on_foot, Way.BUS: _by_bus, Way.TAXI: _by_taxi}[by](random, corners, pace)
    if kind is Kind.DETOUR:
        legs = _with_detour(random, legs, pace)
    t, x, y = _along(legs)
    need_at = math.inf
    if kind in IN_NEED:
        on_the_way = np.flatnonzero(np.hypot(x - x[-1], y - y[-1]) > NOT_YET_HOME_M)
        need_at = float(t[on_the_way[int(random.uniform(0.1, 0.95) * len(on_the_way))]])
        t, x, y = _NEEDS[kind](random, t, x, y, need_at)
    heard = np.ones(len(t), bool)
    if kind is Kind.GAPS:
        for _ in range(int(random.integers(1, 4))):
            begin = random.uniform(0, t[-1])
            heard &= ~((t >= begin) & (t < begin + random.uniform(30, 180)))
    if kind is Kind.SMASHED:
        heard = t < need_at
    error_x, error_y, radius = _errors(random, kind, len(t))
    speed = np.hypot(np.gradient(x, t), np.gradient(y, t)) + random.normal(0, 0.3, len(t))
    told = np.where(radius < 120.0, np.abs(speed), np.nan)
    return Stroll(
        kind, _plan(random, corners, by), t, x, y, x + error_x, y + error_y, radius, told, heard, need_at
    )


def degrees(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Latitude and longitude of metres east and north of a walk's start."""
    lat = _ORIGIN[0] + y / METRES_PER_DEGREE
    return lat, _ORIGIN[1] + x / (METRES_PER_DEGREE * math.cos(math.radians(_ORIGIN[0])))


def _corners(random: Random, far: float) -> list[tuple[float, float]]:
    """A way through a town: legs of 60 to 220 m that turn, never sharply back."""
    goal = random.uniform(500, 2200) * far
    heading, x, y, gone = random.uniform(0, 2 * math.pi), 0.0, 0.0, 0.0
    corners = [(0.0, 0.0)]
    course = heading
    while gone < goal:
        length = random.uniform(60, 220) * max(1.0, far / 2)
        x, y = x + length * math.cos(course), y + length * math.sin(course)
        corners.append((float(x), float(y)))
        gone += length
        course = heading + random.choice([-1.0, 0.0, 0.0, 1.0]) * random.uniform(0.5, 1.5)
    return corners


def _on_foot(random: Random, corners: list[tuple[float, float]], pace: float) -> list[_Leg]:
    """Every third corner is a crossing where one waits."""
    return [
        _Leg(x, y, pace, random.uniform(5, 70) if random.random() < 0.33 else 0.0) for x, y in corners[1:]
    ]


def _by_bus(random: Random, corners: list[tuple[float, float]], pace: float) -> list[_Leg]:
    wait = min(float(random.lognormal(math.log(360), 0.6)), 1200.0)
    first, *ride, last = corners[1:]
    return [
        _Leg(*first, pace, wait),
        *(_Leg(x, y, random.uniform(5, 9), random.uniform(10, 40)) for x, y in ride),
        _Leg(*last, pace),
    ]


def _by_taxi(random: Random, corners: list[tuple[float, float]], _pace: float) -> list[_Leg]:
    return [
        _Leg(x, y, random.uniform(6, 14), random.uniform(0, 60) * (random.random() < 0.3))
        for x, y in corners[1:]
    ]


def _with_detour(random: Random, legs: list[_Leg], pace: float) -> list[_Leg]:
    """Off the way to a shop at a corner in the middle, a few minutes in it, and back."""
    at = int(random.integers(0, len(legs)))
    corner = legs[at]
    course, away = random.uniform(0, 2 * math.pi), random.uniform(30, 200)
    inside = min(float(random.lognormal(math.log(200), 0.5)), 900.0)
    shop = _Leg(corner.x + away * math.cos(course), corner.y + away * math.sin(course), pace, inside)
    return [*legs[: at + 1], shop, _Leg(corner.x, corner.y, pace), *legs[at + 1 :]]


def _along(legs: list[_Leg]) -> tuple[Floats, Floats, Floats]:
    """Time and place every :data:`EVERY_S`, with some minutes at home at the end."""
    times, xs, ys = [0.0], [0.0], [0.0]
    for leg in [*legs, _Leg(legs[-1].x, legs[-1].y, 1.0, AT_HOME_S)]:
        took = math.hypot(leg.x - xs[-1], leg.y - ys[-1]) / leg.pace
        for more in (took, leg.wait):
            if more > 0:
                times.append(times[-1] + more)
                xs.append(leg.x)
                ys.append(leg.y)
    t = np.arange(0.0, times[-1], EVERY_S)
    return t, np.interp(t, times, xs), np.interp(t, times, ys)


def _moved_on(
    random: Random, t: Floats, x: Floats, y: Floats, need_at: float, pace: float, turn: float
) -> tuple[Floats, Floats, Floats]:
    """From ``need_at`` on along another line, for half an hour."""
    kept = int(np.searchsorted(t, need_at))
    kept = max(kept, 2)
    dx, dy = x[kept - 1] - x[0], y[kept - 1] - y[0]
    course = math.atan2(dy, dx) + turn
    more = np.arange(1, int(1800 / EVERY_S)) * EVERY_S
    wobble = np.cumsum(random.normal(0, 0.02, len(more)))
    step_x, step_y = np.cos(course + wobble), np.sin(course + wobble)
    return (
        np.r_[t[:kept], t[kept - 1] + more],
        np.r_[x[:kept], x[kept - 1] + np.cumsum(step_x) * pace * EVERY_S],
        np.r_[y[:kept], y[kept - 1] + np.cumsum(step_y) * pace * EVERY_S],
    )


def _by_car(random: Random, t: Floats, x: Floats, y: Floats, need_at: float) -> tuple[Floats, Floats, Floats]:
    return _moved_on(random, t, x, y, need_at, random.uniform(8, 16), random.uniform(-math.pi, math.pi))


def _led(random: Random, t: Floats, x: Floats, y: Floats, need_at: float) -> tuple[Floats, Floats, Floats]:
    turn = random.choice([-1.0, 1.0]) * random.uniform(0.35, 0.8) * math.pi
    return _moved_on(random, t, x, y, need_at, random.uniform(0.8, 1.2), turn)


def _lies(random: Random, t: Floats, x: Floats, y: Floats, need_at: float) -> tuple[Floats, Floats, Floats]:
    return _moved_on(random, t, x, y, need_at, 0.0, 0.0)


_NEEDS: dict[Kind, Callable[[Random, Floats, Floats, Floats, float], tuple[Floats, Floats, Floats]]] = {
    Kind.ABDUCTION: _by_car,
    Kind.LED_AWAY: _led,
    Kind.THROWN: _lies,
    Kind.SMASHED: _lies,
}


def _errors(random: Random, kind: Kind, count: int) -> tuple[Floats, Floats, Floats]:
    """First-order Gauss-Markov error; its deviation changes along the way in a street canyon."""
    sigma = np.full(count, random.uniform(3, 8))
    if kind is Kind.CANYON:
        pieces = random.uniform(12, 50, count // 60 + 1)
        sigma = np.repeat(pieces, 60)[:count]
    elif kind is Kind.CELL:
        sigma = np.full(count, 107.0 / math.sqrt(2 * math.log(2)))  # half the fixes are within 107 m
    kept = math.exp(-EVERY_S / CORRELATION_S)
    fresh = math.sqrt(1 - kept * kept)
    noise = random.normal(0, fresh, (2, count))
    noise[:, 0] /= fresh  # the process starts in its own distribution
    unit = lfilter([1.0], [1.0, -kept], noise, axis=1)
    stated = sigma * RADIUS_95 * np.exp(random.normal(0, 0.15, count))  # phones know their error only roughly
    return unit[0] * sigma, unit[1] * sigma, stated


def _plan(random: Random, corners: list[tuple[float, float]], by: Way) -> Plan:
    """Six of ten plan the way, the others name only where they go."""
    xs, ys = np.array([c[0] for c in corners]), np.array([c[1] for c in corners])
    lat, lon = degrees(xs, ys)
    way = tuple(zip(lat.tolist(), lon.tolist(), strict=True)) if random.random() < 0.6 else ()
    return Plan(
        start=Spot(name="start", lat=float(lat[0]), lon=float(lon[0])),
        destination=Spot(name="home", lat=float(lat[-1]), lon=float(lon[-1])),
        by=by,
        way=way,
    )

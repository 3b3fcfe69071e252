"""Where a moving person is, and where she will be: a Kalman track with honest growth of uncertainty.

Her velocity is an Ornstein-Uhlenbeck process (people turn and stop: what she does now says little about what
she does a minute from now), her position its integral. North and east are alike and independent, so the
filter is two scalars an axis with one covariance. The errors of neighbouring fixes are alike too, which a
Kalman filter would take for confirmation: a fix soon after another tells less, and the estimate is never
made tighter than :data:`SHARED` of the newest fix's own error.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ansim.geo.shape import METRES_PER_DEGREE, MIN_COSINE, require_position

Array = npt.NDArray[np.float64]

CALM_MPS = 1.0
"""Deviation per axis of a walker's velocity, when nothing is known of it."""
TURNING_S = 45.0
"""Time after which her velocity has little to do with what it was."""
ERRORS_ALIKE_S = 25.0
"""Time after which the errors of two fixes have little in common."""
SHARED = 0.85
"""Share of the newest fix's deviation that further fixes cannot average away."""
LONGEST_S = 600.0
"""Fixes older than this before the newest say nothing of where she is now."""
MOST = 64
LEAST_SIGMA_M = 1.0
_GATE = 9.21
"""A fix outside the circle that should hold 99 of 100 is believed less, not thrown away."""


class Fix(Struct, frozen=True, kw_only=True):
    """One report: a circle that holds her with ``confidence``; ``at_s`` seconds on any steady clock.

    ``speed_mps`` and ``heading_deg`` (clockwise from north) are what the phone measured, where it did.
    """

    at_s: float
    lat: float
    lon: float
    radius_m: float
    confidence: float = 0.95
    speed_mps: float | None = None
    heading_deg: float | None = None

    def __post_init__(self) -> None:
        require_position(self.lat, self.lon, self.radius_m)

    @property
    def sigma_m(self) -> float:
        """Deviation per axis of the circle taken as a normal error."""
        within = min(max(self.confidence, 0.05), 0.999)
        return max(self.radius_m / math.sqrt(-2.0 * math.log1p(-within)), LEAST_SIGMA_M)


class Estimate(Struct, frozen=True, kw_only=True):
    """Where she is at one time: a normal distribution round a place; deviations per axis, velocity in m/s.

    ``age_s`` is how long ago she was last heard of.
    """

    lat: float
    lon: float
    sigma_m: float
    east_mps: float
    north_mps: float
    sigma_mps: float
    correlation: float
    age_s: float

    @property
    def radius_m(self) -> float:
        """Radius of the circle that holds her with 95 %."""
        return self.sigma_m * math.sqrt(-2.0 * math.log(0.05))


class Track(Struct, frozen=True, kw_only=True):
    """The state after the last fix, in metres east and north of ``lat``, ``lon``.

    ``var`` is the covariance of position and velocity of one axis: (pp, pv, vv). ``floor_m`` is the least
    deviation that the newest fix allows; ``pace_mps`` the deviation of velocity she tends to.
    """

    at_s: float
    lat: float
    lon: float
    east: float
    north: float
    east_mps: float
    north_mps: float
    var: tuple[float, float, float]
    floor_m: float
    pace_mps: float

    def at(self, at_s: float) -> Estimate:
        """Where she is at a time from the last fix on (earlier counts as then); uncertainty grows with it."""
        age = max(at_s - self.at_s, 0.0)
        carried, left = _carry(age)
        pp, pv, vv = _grown(self.var, age, self.pace_mps)
        lat = self.lat + (self.north + carried * self.north_mps) / METRES_PER_DEGREE
        metres = METRES_PER_DEGREE * max(math.cos(math.radians(self.lat)), MIN_COSINE)
        lon = self.lon + (self.east + carried * self.east_mps) / metres
        known = max(self.floor_m**2 - self.var[0], 0.0)  # what fixes could not average away does not shrink
        sigma = math.sqrt(pp + known)
        sigma_v = math.sqrt(vv)
        return Estimate(
            lat=lat,
            lon=(lon + 540.0) % 360.0 - 180.0,
            sigma_m=sigma,
            east_mps=left * self.east_mps,
            north_mps=left * self.north_mps,
            sigma_mps=sigma_v,
            correlation=pv / (sigma * sigma_v) if sigma_v > 0.0 else 0.0,
            age_s=age,
        )


def follow(fixes: Sequence[Fix]) -> Track | None:
    """The track of fixes in any order; None without any.

    Only the newest :data:`MOST` of the last :data:`LONGEST_S` seconds count.
    """
    ordered = sorted(fixes, key=lambda fix: fix.at_s)[-MOST:]
    if not ordered:
        return None
    ordered = [fix for fix in ordered if ordered[-1].at_s - fix.at_s <= LONGEST_S]
    first = ordered[0]
    pace = _pace(ordered)
    metres_lon = METRES_PER_DEGREE * max(math.cos(math.radians(first.lat)), MIN_COSINE)
    east = north = east_v = north_v = 0.0
    var = (first.sigma_m**2, 0.0, pace**2)
    if first.speed_mps is not None:
        east_v, north_v, var = _measured(first, east_v, north_v, var)
    before = first.at_s
    for fix in ordered[1:]:
        step = fix.at_s - before
        before = fix.at_s
        carried, left = _carry(step)
        east, north = east + carried * east_v, north + carried * north_v
        east_v, north_v = left * east_v, left * north_v
        var = _grown(var, step, pace)
        off_east = ((fix.lon - first.lon + 540.0) % 360.0 - 180.0) * metres_lon - east
        off_north = (fix.lat - first.lat) * METRES_PER_DEGREE - north
        noise = fix.sigma_m**2 * _sameness(step)
        surprise = (off_east**2 + off_north**2) / (var[0] + noise)
        if surprise > _GATE:
            noise += (off_east**2 + off_north**2) / _GATE
        gain, gain_v = var[0] / (var[0] + noise), var[1] / (var[0] + noise)
        east, north = east + gain * off_east, north + gain * off_north
        east_v, north_v = east_v + gain_v * off_east, north_v + gain_v * off_north
        pp, pv, vv = var
        var = ((1.0 - gain) * pp, (1.0 - gain) * pv, vv - gain_v * pv)
        if fix.speed_mps is not None:
            east_v, north_v, var = _measured(fix, east_v, north_v, var)
    return Track(
        at_s=before,
        lat=first.lat,
        lon=first.lon,
        east=east,
        north=north,
        east_mps=east_v,
        north_mps=north_v,
        var=var,
        floor_m=SHARED * ordered[-1].sigma_m,
        pace_mps=pace,
    )


def samples(estimate: Estimate, unit: Array, ahead_s: float = 0.0, pace_mps: float = CALM_MPS) -> Array:
    """Places she may be at, (n, 2) in metres east and north of the estimate, ``ahead_s`` seconds from then.

    ``unit`` (n, 6) are independent standard normal draws: position, velocity, and what she does on the way.
    """
    here, speed, way = unit[:, 0:2], unit[:, 2:4], unit[:, 4:6]
    places: Array = estimate.sigma_m * here
    if ahead_s <= 0.0:
        return places
    rho = min(max(estimate.correlation, -1.0), 1.0)
    velocity = np.array([estimate.east_mps, estimate.north_mps]) + estimate.sigma_mps * (
        rho * here + math.sqrt(1.0 - rho * rho) * speed
    )
    carried, _ = _carry(ahead_s)
    wander = math.sqrt(_grown((0.0, 0.0, 0.0), ahead_s, pace_mps)[0])
    ahead: Array = places + carried * velocity + wander * way
    return ahead


def _carry(step: float) -> tuple[float, float]:
    """How far a velocity of 1 takes her in ``step`` seconds on average, and how much of it is left."""
    left = math.exp(-step / TURNING_S)
    return TURNING_S * (1.0 - left), left


def _grown(var: tuple[float, float, float], step: float, pace: float) -> tuple[float, float, float]:
    """The covariance ``step`` seconds on: the integral of an Ornstein-Uhlenbeck process adds to it."""
    carried, left = _carry(step)
    pp, pv, vv = var
    fresh = pace * pace
    tau = TURNING_S
    q_pp = fresh * (2.0 * tau * step - tau * tau * (3.0 - 4.0 * left + left * left))
    return (
        pp + 2.0 * carried * pv + carried * carried * vv + max(q_pp, 0.0),
        left * (pv + carried * vv) + fresh * tau * (1.0 - left) ** 2,
        left * left * vv + fresh * (1.0 - left * left),
    )


def _measured(
    fix: Fix, east_v: float, north_v: float, var: tuple[float, float, float]
) -> tuple[float, float, tuple[float, float, float]]:
    """The velocity that the phone measured taken in (its covariance with position let go: the wider
    choice).
    """
    speed = fix.speed_mps or 0.0
    if fix.heading_deg is None and speed > 0.5:
        return east_v, north_v, var
    course = math.radians(fix.heading_deg or 0.0)
    noise = 0.6**2 + (0.2 * speed) ** 2
    pp, pv, vv = var
    gain = vv / (vv + noise)
    east_v += gain * (speed * math.sin(course) - east_v)
    north_v += gain * (speed * math.cos(course) - north_v)
    return east_v, north_v, (pp, (1.0 - gain) * pv, (1.0 - gain) * vv)


def _sameness(step: float) -> float:
    """By how much a fix ``step`` seconds after another counts less: their errors are largely one error."""
    alike = math.exp(-step / ERRORS_ALIKE_S)
    return (1.0 + alike) / max(1.0 - alike, 0.05)


def _pace(fixes: Sequence[Fix]) -> float:
    """Deviation per axis of the velocity she tends to: a walker's, or the last minute's if faster."""
    newest = fixes[-1].at_s
    told = [fix.speed_mps for fix in fixes if fix.speed_mps is not None and newest - fix.at_s <= 60.0]
    fastest = max(told, default=0.0)
    for one, two in itertools.pairwise(fixes):
        step = two.at_s - one.at_s
        if newest - two.at_s > 60.0 or step < 5.0:
            continue
        east = (two.lon - one.lon) * METRES_PER_DEGREE * math.cos(math.radians(one.lat))
        moved = math.hypot(east, (two.lat - one.lat) * METRES_PER_DEGREE)
        sure = moved - 2.0 * math.hypot(one.sigma_m, two.sigma_m)
        fastest = max(fastest, min(sure / step, 60.0))
    return max(CALM_MPS, fastest / math.sqrt(2.0))

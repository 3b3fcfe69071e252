"""Where a moving person probably is, from fixes whose errors last: a filter, and its honest forecast. Pure.

A phone's errors are no coin tosses: a street canyon that throws a fix to the left throws the next ones there
too. Fixes that follow each other closely therefore tell little more than one of them. The filter takes them
as a first-order Gauss-Markov series with the correlation time :data:`ERROR_LASTS_S`: n fixes, ``dt`` apart,
weigh as much as n (1 - phi) / (1 + phi) independent ones, phi = exp(-dt / ERROR_LASTS_S).
"""

import math
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ansim.geo.shape import METRES_PER_DEGREE, MIN_COSINE

ERROR_LASTS_S = 15.0
"""How long the error of a fix stays much the same."""
AGILITY = 0.3
"""How fast her velocity may change: spectral density of the acceleration, m²/s³ (a walker who turns)."""
_STANDING_M_S = 2.0
"""Standard deviation of a velocity nothing is known of, one axis."""
_GATE = 4.0
_SAMPLES = 192

Array = npt.NDArray[np.float64]


class Fix(Struct, frozen=True):
    """A circle of ``radius`` metres that holds her with ``confidence``, at ``time`` (seconds)."""

    time: float
    lat: float
    lon: float
    radius: float
    confidence: float = 0.95

    @property
    def sigma(self) -> float:
        """Standard deviation on one axis of the round Gaussian with that circle (RFC 7459, section 5.2)."""
        confidence = min(max(self.confidence, 0.05), 0.9999)
        return max(self.radius, 1.0) / math.sqrt(-2.0 * math.log(1.0 - confidence))


class Estimate(Struct, frozen=True):
    """Where she is at ``time``: a round Gaussian of ``sigma`` metres an axis, and its velocity (m/s)."""

    time: float
    lat: float
    lon: float
    east: float
    north: float
    position_var: float
    mixed_var: float
    velocity_var: float

    @property
    def sigma(self) -> float:
        """Standard deviation of the position on one axis, metres."""
        return math.sqrt(self.position_var)

    def ahead(self, seconds: float) -> "Estimate":
        """Where she will be if she goes on: the velocity's uncertainty and her freedom to turn included."""
        lat = self.lat + self.north * seconds / METRES_PER_DEGREE
        lon = self.lon + self.east * seconds / _metres_per_lon(self.lat)
        position = (
            self.position_var
            + 2.0 * seconds * self.mixed_var
            + seconds * seconds * self.velocity_var
            + AGILITY * seconds**3 / 3.0
        )
        return Estimate(
            time=self.time + seconds,
            lat=lat,
            lon=lon,
            east=self.east,
            north=self.north,
            position_var=position,
            mixed_var=self.mixed_var + seconds * self.velocity_var + AGILITY * seconds**2 / 2.0,
            velocity_var=self.velocity_var + AGILITY * seconds,
        )

    def samples(self) -> tuple[Array, Array]:
        """Latitudes and longitudes of places that are equally likely: shares of them are probabilities."""
        north = self.lat + self.sigma * _cloud()[:, 1] / METRES_PER_DEGREE
        east = self.lon + self.sigma * _cloud()[:, 0] / _metres_per_lon(self.lat)
        return north, east


def follow(fixes: Sequence[Fix]) -> Iterator[Estimate]:
    """The estimate after each fix, in the order of their times; what they said before is never looked at."""
    estimate: Estimate | None = None
    for fix in sorted(fixes, key=lambda fix: fix.time):
        estimate = _start(fix) if estimate is None else _update(estimate, fix)
        yield estimate


def _start(fix: Fix) -> Estimate:
    return Estimate(fix.time, fix.lat, fix.lon, 0.0, 0.0, fix.sigma**2, 0.0, _STANDING_M_S**2)


def _update(before: Estimate, fix: Fix) -> Estimate:
    elapsed = fix.time - before.time
    prior = before.ahead(elapsed)
    east = (fix.lon - prior.lon) * _metres_per_lon(prior.lat)
    north = (fix.lat - prior.lat) * METRES_PER_DEGREE
    away = math.hypot(east, north)
    # It contradicts what was known, or alone is worth far more: begin with it.
    doubt = _GATE * math.sqrt(prior.position_var + fix.sigma**2)
    if away > doubt or fix.sigma < 0.5 * before.sigma:
        return _start(fix)
    lasting = math.exp(-elapsed / ERROR_LASTS_S)
    if lasting >= 1.0:  # the same moment again: the same error, so nothing new
        return prior
    noise = fix.sigma**2 * (1.0 + lasting) / (1.0 - lasting)
    gain = prior.position_var / (prior.position_var + noise)
    turn = prior.mixed_var / (prior.position_var + noise)
    return Estimate(
        time=fix.time,
        lat=prior.lat + gain * north / METRES_PER_DEGREE,
        lon=prior.lon + gain * east / _metres_per_lon(prior.lat),
        east=prior.east + turn * east,
        north=prior.north + turn * north,
        position_var=(1.0 - gain) * prior.position_var,
        mixed_var=(1.0 - gain) * prior.mixed_var,
        velocity_var=prior.velocity_var - turn * prior.mixed_var,
    )


def _metres_per_lon(lat: float) -> float:
    return METRES_PER_DEGREE * max(math.cos(math.radians(lat)), MIN_COSINE)


@cache
def _cloud() -> Array:
    """Places that cut the standard round Gaussian into equal parts: a sunflower, rings at quantiles."""
    number = np.arange(_SAMPLES) + 0.5
    reach = np.sqrt(-2.0 * np.log1p(-number / _SAMPLES))
    turn = number * math.pi * (3.0 - math.sqrt(5.0))
    cloud: Array = np.column_stack([reach * np.cos(turn), reach * np.sin(turn)])
    cloud.flags.writeable = False
    return cloud

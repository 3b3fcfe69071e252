"""A person of the demonstration walking, and what her phone says of it: pure functions of time.

The error of a fix wanders as that of satellite fixes does, by a first-order Gauss-Markov process:
neighbouring fixes err alike, and every seed gives the same walk.
"""

import bisect
import itertools
import math
from collections.abc import Iterator, Sequence
from random import Random

from msgspec import Struct

from ansim.geo.shape import bearing_deg, destination, distance_m
from ansim.simulation.streets import Place

START: Place = (37.4236, 126.9046)
"""안양시 만안구 석수동, more than 150 m inside by the approximate and by the exact boundaries."""
END: Place = (37.4470, 126.9032)
"""금천구 시흥동, likewise."""
ROUTE: tuple[Place, ...] = (
    START,
    (37.4258, 126.9042),
    (37.4310, 126.9036),
    (37.4352, 126.9032),
    (37.4410, 126.9030),
    END,
)
"""Home from 석수동 along the main road, past 석수역 and over the border."""

WALKING_MPS = 1.35
CORRELATION_S = 25.0
"""Time after which two errors have little in common."""
RADIUS_95 = math.sqrt(-2.0 * math.log(0.05))
"""Radius of the circle that holds 95 % of a two-dimensional normal error of deviation 1 per axis."""


class Fix(Struct, frozen=True, kw_only=True):
    """What the phone reports ``after_s`` seconds after setting out; ``battery`` is from 0 to 1."""

    after_s: float
    lat: float
    lon: float
    radius: float
    speed: float
    heading: float
    battery: float


class Way:
    """A line over the ground that knows where so many metres along it are."""

    def __init__(self, corners: Sequence[Place]) -> None:
        if len(corners) < 2:
            raise ValueError("a way needs at least two corners")
        self._corners = tuple(corners)
        self._starts = [0.0]
        for (lat1, lon1), (lat2, lon2) in itertools.pairwise(corners):
            self._starts.append(self._starts[-1] + distance_m(lat1, lon1, lat2, lon2))
        self.length_m = self._starts[-1]
        if self.length_m == 0.0:
            raise ValueError("a way needs two different corners")

    def at(self, metres: float) -> tuple[float, float, float]:
        """Latitude, longitude and direction after ``metres``; before the start or past the end: that end."""
        metres = min(max(metres, 0.0), self.length_m)
        leg = min(bisect.bisect_right(self._starts, metres), len(self._corners) - 1) - 1
        while self._starts[leg + 1] == self._starts[leg]:  # two corners in one place have no direction
            leg -= 1
        (lat1, lon1), (lat2, lon2) = self._corners[leg : leg + 2]
        course = bearing_deg(lat1, lon1, lat2, lon2)
        lat, lon = destination(lat1, lon1, course, metres - self._starts[leg])
        return lat, lon, course


def walk(
    start: Place = START,
    end: Place = END,
    speed_mps: float = WALKING_MPS,
    every_s: float = 2.0,
    noise_m: float = 4.0,
    seed: int = 1,
) -> list[Fix]:
    """The fixes of a walk straight from ``start`` to ``end``; see :func:`walk_along`."""
    return walk_along((start, end), speed_mps, every_s, noise_m, seed)


def walk_along(
    corners: Sequence[Place] = ROUTE,
    speed_mps: float = WALKING_MPS,
    every_s: float = 2.0,
    noise_m: float = 4.0,
    seed: int = 1,
) -> list[Fix]:
    """The fixes of a walk, one every ``every_s`` seconds from the start until she is there.

    ``noise_m`` is the error's deviation per axis; each fix states the radius that holds her with 95 %.
    Raises ValueError for what is no walk.
    """
    for name, value in (("speed_mps", speed_mps), ("every_s", every_s)):
        if not 0.0 < value < math.inf:
            raise ValueError(f"{name} must be a finite number above 0, not {value}")
    if not 0.0 <= noise_m < math.inf:
        raise ValueError(f"noise_m must be a finite number of at least 0, not {noise_m}")
    way = Way(corners)
    duration = way.length_m / speed_mps
    steps = math.ceil(duration / every_s)
    errors = _errors(every_s, noise_m, Random(seed))  # noqa: S311 - noise, no secret
    return [
        _fix(way, min(step * every_s, duration), speed_mps, noise_m, error)
        for step, error in zip(range(steps + 1), errors, strict=False)
    ]


def truth(corners: Sequence[Place], speed_mps: float, after_s: float) -> Place:
    """Where she really is ``after_s`` seconds after setting out."""
    lat, lon, _ = Way(corners).at(speed_mps * after_s)
    return lat, lon


def _fix(way: Way, after_s: float, speed_mps: float, noise_m: float, error: tuple[float, float]) -> Fix:
    lat, lon, course = way.at(speed_mps * after_s)
    north, east = error
    lat, lon = destination(lat, lon, math.degrees(math.atan2(east, north)), math.hypot(north, east))
    arrived = speed_mps * after_s >= way.length_m
    return Fix(
        after_s=round(after_s, 3),
        lat=round(lat, 7),
        lon=round(lon, 7),
        radius=round(max(noise_m, 1.0) * RADIUS_95, 1),
        speed=0.0 if arrived else speed_mps,
        heading=round(course, 1) % 360.0,
        battery=round(max(0.05, 0.62 - after_s / 36_000.0), 3),
    )


def _errors(every_s: float, noise_m: float, random: Random) -> Iterator[tuple[float, float]]:
    """Metres north and east, one pair a fix."""
    kept = math.exp(-every_s / CORRELATION_S)
    fresh = noise_m * math.sqrt(1.0 - kept * kept)
    north, east = random.gauss(0.0, noise_m), random.gauss(0.0, noise_m)
    while True:
        yield north, east
        north = kept * north + random.gauss(0.0, fresh)
        east = kept * east + random.gauss(0.0, fresh)

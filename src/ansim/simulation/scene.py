"""What a street camera of the demonstration sees: streets, houses and a night sky, in perspective.

A camera's still world is computed once; a person is drawn into it at the size, place and occlusion that her
distance gives. Metres are east and north of the camera, angles clockwise from north.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ansim.cameras.model import Camera
from ansim.geo.shape import METRES_PER_DEGREE
from ansim.simulation.streets import DISTRICTS, Place

Plane = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

REACH_M = 110.0
"""Beyond this everything is haze."""
ROAD_M, PAVEMENT_M = 4.5, 7.5
"""Half widths from a street's middle."""
_GRID_M = 0.5
_GRID = int(2 * REACH_M / _GRID_M)
_STEPS = 150
_PITCH_DEG = 9.0
_LENS_MOST_DEG = 100.0
_PERSON_M = 1.66


class Point(NamedTuple):
    """Metres east and north of the camera."""

    east: float
    north: float


class Spot(NamedTuple):
    """A person in the picture: pixel of her feet, her height in pixels, how far away (m)."""

    x: float
    y: float
    height: float
    distance: float


class View:
    """One camera's picture without people: luma and chroma planes (4:2:0) and each pixel's distance."""

    def __init__(self, camera: Camera, heading: float, size: tuple[int, int]) -> None:
        self.camera, self.heading, self.size = camera, heading, size
        width, height = size
        fov = min(camera.fov_deg, _LENS_MOST_DEG)
        self._focal = width / 2 / math.tan(math.radians(fov) / 2)
        self._horizon = height * 0.5 - self._focal * math.tan(math.radians(_PITCH_DEG))
        self._walls = _distance_to_streets(camera, heading)
        self.luma, self.chroma, self.depth = self._render()

    def point_of(self, place: Place) -> Point:
        """A place as metres from the camera."""
        return local(self.camera, place)

    def spot_of(self, place: Place) -> Spot | None:
        """Where somebody at a place stands in the picture; None when outside of it or too far away."""
        east, north = self.point_of(place)
        heading = math.radians(self.heading)
        ahead = east * math.sin(heading) + north * math.cos(heading)
        aside = east * math.cos(heading) - north * math.sin(heading)
        if not 1.5 < ahead < REACH_M:
            return None
        width, height = self.size
        x = width / 2 + self._focal * aside / ahead
        y = self._horizon + self._focal * self.camera.height_m / ahead
        tall = self._focal * _PERSON_M / ahead
        if not -tall < x < width + tall or y - tall > height:
            return None
        return Spot(x, y, tall, ahead)

    def _render(self) -> tuple[Plane, Plane, Floats]:
        """March along each pixel's ray until it meets the ground or a wall."""
        width, height = self.size
        down = 2 if width <= 640 else 4  # houses need no finer edge; the picture is scaled up
        w, h = width // down, height // down
        columns = (np.arange(w, dtype=np.float32) + 0.5) * down - width / 2
        rows = (np.arange(h, dtype=np.float32) + 0.5) * down - self._horizon
        side, drop = columns / self._focal, rows / self._focal
        heading = math.radians(self.heading)
        depth = np.full((h, w), REACH_M, dtype=np.float32)
        luma = np.empty((h, w), dtype=np.float32)
        luma[:] = np.clip(40 - 26 * (1 - np.arange(h) / max(h * 0.5, 1)), 12, 46)[:, None]
        blue = np.full((h, w), 136.0, dtype=np.float32)
        red = np.full((h, w), 124.0, dtype=np.float32)
        open_ = np.ones((h, w), dtype=bool)
        for step in range(_STEPS):
            ahead = np.float32(1.2 * (REACH_M / 1.2) ** (step / (_STEPS - 1)))
            east = ahead * (math.sin(heading) + side * math.cos(heading))
            north = ahead * (math.cos(heading) - side * math.sin(heading))
            from_street = self._walls[_cell(north), _cell(east)]
            level = self.camera.height_m - ahead * drop
            tall = 5.0 + 3.0 * np.floor(
                np.abs(np.sin(np.floor(east / 12) * 7.1 + np.floor(north / 12) * 3.7)) * 3
            )
            wall = (from_street > PAVEMENT_M)[None, :] & (level[:, None] < tall[None, :])
            ground = (level <= 0.0)[:, None] & np.ones(w, dtype=bool)[None, :]
            met = open_ & (wall | ground)
            if not met.any():
                continue
            fade = math.exp(-float(ahead) / 55.0)
            shade = _ground(from_street)[None, :] + np.zeros((h, 1), dtype=np.float32)
            lit = ((level[:, None] % 3.0 > 1.1) & (level[:, None] % 3.0 < 2.2)) & (
                ((east + north) % 4.0 > 1.4) & (np.sin(np.floor((east + north) / 4.0) * 12.9) > 0.1)
            )[None, :]
            face = np.where(lit, 150.0, 62.0).astype(np.float32)
            value = np.where(wall & ~ground, face, shade)
            luma[met] = (value * fade + 34.0 * (1 - fade))[met]
            warm = met & wall & lit & ~ground
            blue[met], red[met] = 128.0, 129.0
            blue[warm], red[warm] = 112.0, 140.0
            depth[met] = ahead
            open_ &= ~met
        luma += np.random.default_rng(7).normal(0, 1.5, luma.shape).astype(np.float32)
        big = np.clip(luma, 16, 235).astype(np.uint8).repeat(down, 0).repeat(down, 1)
        half = down // 2
        chroma = np.stack([blue, red]).astype(np.uint8).repeat(half, 1).repeat(half, 2)
        return big, chroma, depth.repeat(down, 0).repeat(down, 1)


def local(camera: Camera, place: Place) -> Point:
    """A place as metres east and north of a camera (flat: good to centimetres over 200 m)."""
    lat, lon = place
    north = (lat - camera.lat) * METRES_PER_DEGREE
    east = (lon - camera.lon) * METRES_PER_DEGREE * math.cos(math.radians(camera.lat))
    return Point(east, north)


def _distance_to_streets(camera: Camera, heading: float) -> Floats:
    """Metres to the nearest street's middle on a grid around the camera; its own line of sight is a lane."""
    axis = (np.arange(_GRID, dtype=np.float32) + 0.5) * _GRID_M - REACH_M
    east, north = np.meshgrid(axis, axis)
    ahead = math.radians(heading)
    end = Point(90.0 * math.sin(ahead), 90.0 * math.cos(ahead))
    nearest = _to_segment(east, north, Point(0.0, 0.0), end) + 2.5  # a lane is narrower than a street
    seen = {id(street): street for found in DISTRICTS.values() for one in found for street in one.streets}
    for street in seen.values():
        corners = [local(camera, corner) for corner in street.corners]
        for start, stop in itertools.pairwise(corners):
            if _passes(start, stop):
                nearest = np.minimum(nearest, _to_segment(east, north, start, stop))
    return nearest


def _passes(start: Point, stop: Point) -> bool:
    reach = REACH_M + PAVEMENT_M
    low_east, high_east = sorted((start.east, stop.east))
    low_north, high_north = sorted((start.north, stop.north))
    return high_east > -reach and low_east < reach and high_north > -reach and low_north < reach


def _to_segment(east: Floats, north: Floats, start: Point, stop: Point) -> Floats:
    along_e, along_n = stop.east - start.east, stop.north - start.north
    length = max(along_e**2 + along_n**2, 1e-6)
    share = np.clip(((east - start.east) * along_e + (north - start.north) * along_n) / length, 0, 1)
    return np.hypot(east - start.east - share * along_e, north - start.north - share * along_n).astype(
        np.float32
    )


def _cell(metres: Floats) -> npt.NDArray[np.intp]:
    return np.clip(((metres + REACH_M) / _GRID_M).astype(np.intp), 0, _GRID - 1)


def _ground(from_street: Floats) -> Floats:
    """How bright the ground is: asphalt, a line in its middle, kerb, pavement."""
    return np.select(
        [from_street < 0.25, from_street < ROAD_M, from_street < ROAD_M + 0.4, from_street < PAVEMENT_M],
        [150.0, 70.0, 140.0, 100.0],
        48.0,
    ).astype(np.float32)


def default_heading(camera: Camera, people: Sequence[Place]) -> float:
    """Where a camera looks: as mounted; one that sees all round turns to the nearest person in reach."""
    if camera.heading is not None:
        return camera.heading
    best, found = camera.range_m, 0.0
    for place in people:
        east, north = local(camera, place)
        away = math.hypot(east, north)
        if away < best:
            best, found = away, math.degrees(math.atan2(east, north)) % 360.0
    return round(found / 60.0) * 60.0 % 360.0

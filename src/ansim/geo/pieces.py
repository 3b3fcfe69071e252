"""Boundaries cut into small pieces: areas and distances touch only the few vertices near a place.

Works in a plane of degrees whose longitudes are shrunk by the cosine of the middle latitude, so that a length
is the same in every direction; the plane never decides whether a point lies inside.
"""

import math
from threading import Lock

import numpy as np
import numpy.typing as npt
import shapely
from shapely import Point
from shapely.geometry.base import BaseGeometry

from ansim.geo.polygons import subdivide
from ansim.geo.shape import METRES_PER_DEGREE, MIN_COSINE, circle_polygons, distance_m, distances_m

MAX_VERTICES = 64
MAX_RADIUS_M = 500_000.0
"""Circles are taken no larger: they hold the whole country anyway."""
_AT_ONCE = 256

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Geometries = npt.NDArray[np.object_]


def half_sides(lat: Array, radius_m: Array) -> tuple[Array, Array]:
    """Degrees that circles reach to north and south, and to east and west of their centres."""
    north = np.minimum(radius_m, MAX_RADIUS_M) / METRES_PER_DEGREE
    return north, north / np.maximum(np.cos(np.radians(lat)), MIN_COSINE)


def _true_areas(flat: Geometries) -> Array:
    """Areas of shapes in the plane that are in proportion to those on the ground (equal-area cylinder)."""
    areas: Array = shapely.area(
        shapely.transform(flat, lambda xy: np.column_stack([xy[:, 0], np.sin(np.radians(xy[:, 1]))]))
    )
    return areas


class Pieces:
    """The pieces of ``polygons`` (longitude, latitude); an *owner* is an index into ``polygons``."""

    def __init__(self, polygons: Geometries) -> None:
        west, south, east, north = shapely.total_bounds(polygons)
        self._middle_lon = float(west + east) / 2
        self._squeeze = max(float(np.cos(np.radians((south + north) / 2))), MIN_COSINE)
        self._owners = len(polygons)
        self._pieces, self._owner = subdivide(self._flat(polygons), np.arange(len(polygons)), MAX_VERTICES)
        self._tree = shapely.STRtree(self._pieces)
        shapely.prepare(self._pieces)
        self._prepared = Lock()

    def shares(self, lat: Array, lon: Array, radius_m: Array) -> tuple[Indices, Indices, Array]:
        """Which share of each of n circles lies in which polygon: (circle, owner, share), one row a pair."""
        circles = self._flat(circle_polygons(lat, lon, np.minimum(radius_m, MAX_RADIUS_M)))
        areas = shapely.area(circles)
        circle, piece = self._tree.query(circles)
        area = np.empty(len(circle))
        whole = self._within(circles[circle], piece)
        area[whole] = areas[circle[whole]]
        cut = ~whole
        area[cut] = shapely.area(shapely.intersection(self._pieces[piece[cut]], circles[circle[cut]]))
        pairs, pair = np.unique(circle * self._owners + self._owner[piece], return_inverse=True)
        share = np.bincount(pair, weights=area, minlength=len(pairs)) / areas[pairs // self._owners]
        return pairs // self._owners, pairs % self._owners, share

    def _within(self, circles: Geometries, piece: Indices) -> npt.NDArray[np.bool_]:
        """Whether each circle lies inside its piece.

        A prepared polygon keeps notes while it is asked such a thing (GEOS), so two threads must not ask at
        once; a few at a time, so that an SOS does not wait for somebody's thousands.
        """
        whole = np.empty(len(piece), dtype=np.bool_)
        for start in range(0, len(piece), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            with self._prepared:
                whole[rows] = shapely.contains_properly(self._pieces[piece[rows]], circles[rows])
        return whole

    def shares_of(self, ground: BaseGeometry) -> tuple[Indices, Array]:
        """Which share of any ground (longitude, latitude, with area) lies in which polygon: (owner, share).

        Areas are true ones, so that a ground from north to south of the country is weighed rightly too.
        """
        flat = self._laid(ground)
        pieces = self._tree.query(flat, predicate="intersects")
        parts = np.full(len(pieces), flat, dtype=object)
        cut = ~shapely.contains_properly(flat, self._pieces[pieces])
        parts[~cut] = self._pieces[pieces[~cut]]
        parts[cut] = shapely.intersection(self._pieces[pieces[cut]], flat)
        owners, owner = np.unique(self._owner[pieces], return_inverse=True)
        area = np.bincount(owner, weights=_true_areas(parts), minlength=len(owners))
        return owners, area / _true_areas(np.array([flat], dtype=object))[0]

    def nearest_to(self, ground: BaseGeometry) -> tuple[int, float]:
        """The polygon nearest to any ground and how far it is (m, to the mm); ties: the lowest owner."""
        flat = self._laid(ground)
        _, distance = self._tree.query_nearest(flat, return_distance=True, all_matches=False)
        reach = self._reach(flat.centroid.y, float(distance[0]))
        pieces = self._tree.query(flat, predicate="dwithin", distance=reach)
        ends = shapely.get_coordinates(shapely.shortest_line(flat, self._pieces[pieces]))
        (lon, lat), (other_lon, other_lat) = ends[::2].T, ends[1::2].T
        metres = distances_m(lat, lon / self._squeeze, other_lat, other_lon / self._squeeze)
        away, owner = min(zip(np.round(metres, 3).tolist(), self._owner[pieces].tolist(), strict=True))
        return owner, away

    def nearest(self, lat: Array, lon: Array) -> tuple[Indices, Array]:
        """The nearest polygon of each of n places and how far it is (m, to the millimetre).

        Equally near: the lowest owner.
        """
        turned = self._middle_lon + (lon - self._middle_lon + 180.0) % 360.0 - 180.0
        points = shapely.points(turned * self._squeeze, lat)
        (place, _), away = self._tree.query_nearest(points, return_distance=True, all_matches=False)
        reach = np.zeros(len(points))
        reach[place] = [self._reach(*pair) for pair in zip(lat[place].tolist(), away.tolist(), strict=True)]
        place, piece = self._tree.query(points, predicate="dwithin", distance=reach)
        metres = self._metres(lat[place], turned[place], points[place], piece)
        order = np.lexsort((self._owner[piece], metres, place))
        _, first = np.unique(place[order], return_index=True)
        chosen = order[first]
        return self._owner[piece[chosen]], metres[chosen]

    def nearest_one(self, lat: float, lon: float) -> tuple[int, float]:
        """:meth:`nearest` of one place, without what it costs to carry arrays."""
        turned = self._middle_lon + (lon - self._middle_lon + 180.0) % 360.0 - 180.0
        point = shapely.points(turned * self._squeeze, lat)
        _, distance = self._tree.query_nearest(point, return_distance=True, all_matches=False)
        reach = self._reach(lat, float(distance[0]))
        pieces = self._tree.query(point, predicate="dwithin", distance=reach)
        ends = shapely.get_coordinates(shapely.shortest_line(point, self._pieces[pieces]))[1::2]
        away, owner = min(
            (round(distance_m(lat, turned, y, x / self._squeeze), 3), owner)
            for (x, y), owner in zip(ends.tolist(), self._owner[pieces].tolist(), strict=True)
        )
        return owner, away

    def distance_to(self, owner: int, lat: float, lon: float) -> float:
        """Metres from a place to the polygon, 0 inside it."""
        pieces = np.flatnonzero(self._owner == owner)
        point = shapely.Point(lon * self._squeeze, lat)
        near = pieces[int(np.argmin(shapely.distance(self._pieces[pieces], point)))]
        return float(self._metres(lat, lon, point, np.array([near]))[0])

    def distances(self, owner: int) -> Array:
        """Metres from one polygon to every polygon (itself: 0), in the plane."""
        tree = shapely.STRtree(self._pieces[self._owner == owner])
        (piece, _), away = tree.query_nearest(self._pieces, return_distance=True, all_matches=False)
        least = np.full(self._owners, np.inf)
        np.minimum.at(least, self._owner[piece], away * METRES_PER_DEGREE)
        return least

    def _reach(self, lat: float, away: float) -> float:
        """How far in the plane the truly nearest may lie when the nearest there is ``away`` degrees.

        True lengths are the plane's times 1 northward and k eastward; k goes with the cosine of the latitude.
        """
        north = min(abs(lat) + 1.2 * away, 90.0)
        south = max(abs(lat) - 1.2 * away, 0.0)
        greatest = max(math.cos(math.radians(south)) / self._squeeze, 1.0)
        least = min(max(math.cos(math.radians(north)), MIN_COSINE) / self._squeeze, 1.0)
        return away * greatest / least + 1e-9

    def _laid(self, ground: BaseGeometry) -> BaseGeometry:
        """Any ground laid into the plane, turned to the country's side of the earth."""
        west, _, east, _ = ground.bounds
        turn = 360.0 * round((self._middle_lon - (west + east) / 2) / 360.0)
        laid: BaseGeometry = shapely.transform(
            ground, lambda xy: np.add(xy, (turn, 0.0)) * [self._squeeze, 1.0]
        )
        return laid

    def _flat(self, shapes: Geometries) -> Geometries:
        """Shapes in longitude, latitude laid into the plane."""
        flat: Geometries = shapely.transform(shapes, lambda xy: xy * [self._squeeze, 1.0])
        return flat

    def _metres(
        self, lat: Array | float, lon: Array | float, points: Geometries | Point, piece: Indices
    ) -> Array:
        """Great-circle distance from a point to the place of each piece that is nearest in the plane (mm)."""
        ends = shapely.get_coordinates(shapely.shortest_line(points, self._pieces[piece]))[1::2]
        metres: Array = np.round(distances_m(lat, lon, ends[:, 1], ends[:, 0] / self._squeeze), 3)
        return metres

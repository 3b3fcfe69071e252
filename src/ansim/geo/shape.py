"""Positions as shapes, and the metric of the ground they lie on.

Angles are degrees (WGS84), lengths metres. Distances are great-circle distances on the sphere of mean radius
(IUGG): within 0.6 % of the ellipsoid, far below the uncertainty of a phone's fix.
"""

import math

import msgspec
import numpy as np
import numpy.typing as npt
import shapely
from shapely import Polygon

EARTH_RADIUS_M = 6_371_008.8
METRES_PER_DEGREE = EARTH_RADIUS_M * math.pi / 180
CIRCLE_VERTICES = 64
"""Vertices of a circle drawn as a polygon: its area is short of the true one by 0.16 %."""
MIN_COSINE = 1e-6
"""Floor of the cosine of the latitude: at a pole a degree of longitude has no length."""

Array = npt.NDArray[np.float64]

_TURN = np.linspace(0.0, 2 * math.pi, CIRCLE_VERTICES, endpoint=False)
_UNIT_CIRCLE: Array = np.column_stack([np.cos(_TURN), np.sin(_TURN)])


def require_position(lat: float, lon: float, radius_m: float = 0.0) -> None:
    """Refuse what is no place on earth: a ``ValueError`` names the field."""
    if not -90.0 <= lat <= 90.0:
        raise ValueError(f"lat must be a number from -90 to 90, not {lat}")
    if not -180.0 <= lon <= 180.0:
        raise ValueError(f"lon must be a number from -180 to 180, not {lon}")
    if not 0.0 <= radius_m < math.inf:
        raise ValueError(f"radius_m must be a finite number of at least 0, not {radius_m}")


def position_columns(
    lat: npt.ArrayLike, lon: npt.ArrayLike, radius_m: npt.ArrayLike | None
) -> tuple[Array, Array, Array]:
    """Columns of n circles (no radii: points); ``ValueError`` names the first row that is none."""
    lats, lons = np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)
    radii = np.zeros(len(lats)) if radius_m is None else np.asarray(radius_m, dtype=np.float64)
    if not lats.shape == lons.shape == radii.shape or lats.ndim != 1:
        raise ValueError("lat, lon and radius_m must be one-dimensional and of one length")
    sound = (np.abs(lats) <= 90) & (np.abs(lons) <= 180) & (radii >= 0) & (radii < math.inf)
    if not sound.all():
        row = int(np.flatnonzero(~sound)[0])
        try:
            require_position(float(lats[row]), float(lons[row]), float(radii[row]))
        except ValueError as problem:
            raise ValueError(f"row {row}: {problem}") from None
    return lats, lons, radii


class Circle(msgspec.Struct, frozen=True, kw_only=True):
    """A circle (RFC 5491, section 5.2.3) the person is in with ``confidence``; a point has radius 0."""

    lat: float
    lon: float
    radius_m: float = 0.0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        require_position(self.lat, self.lon, self.radius_m)
        if not 0.0 < self.confidence <= 1.0:
            raise ValueError(f"confidence must be above 0 and at most 1, not {self.confidence}")

    @property
    def is_point(self) -> bool:
        return self.radius_m == 0.0

    def polygon(self) -> Polygon:
        """The circle as a polygon of :data:`CIRCLE_VERTICES` vertices in longitude, latitude."""
        ring = circle_rings(np.array([self.lat]), np.array([self.lon]), np.array([self.radius_m]))[0]
        return Polygon(ring)


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance (haversine) between two places."""
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half_dlat, half_dlon = (phi2 - phi1) / 2, math.radians(lon2 - lon1) / 2
    chord = math.sin(half_dlat) ** 2 + math.cos(phi1) * math.cos(phi2) * math.sin(half_dlon) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(chord, 1.0)))


def distances_m(lat1: Array | float, lon1: Array | float, lat2: Array | float, lon2: Array | float) -> Array:
    """:func:`distance_m` for arrays, broadcast against each other."""
    phi1, phi2 = np.radians(lat1), np.radians(lat2)
    half_dlat = (phi2 - phi1) / 2
    half_dlon = np.radians(np.subtract(lon2, lon1)) / 2
    chord = np.sin(half_dlat) ** 2 + np.cos(phi1) * np.cos(phi2) * np.sin(half_dlon) ** 2
    distances: Array = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    return distances


def bearing_deg(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Initial course from the first place to the second, clockwise from north, in [0, 360)."""
    phi1, phi2, dlon = math.radians(lat1), math.radians(lat2), math.radians(lon2 - lon1)
    east = math.sin(dlon) * math.cos(phi2)
    north = math.cos(phi1) * math.sin(phi2) - math.sin(phi1) * math.cos(phi2) * math.cos(dlon)
    turned = math.degrees(math.atan2(east, north)) % 360.0
    return 0.0 if turned == 360.0 else turned


def destination(lat: float, lon: float, bearing: float, distance: float) -> tuple[float, float]:
    """Latitude and longitude ``distance`` metres away on the initial course ``bearing`` (degrees)."""
    phi, course, angle = math.radians(lat), math.radians(bearing), distance / EARTH_RADIUS_M
    sine = math.sin(phi) * math.cos(angle) + math.cos(phi) * math.sin(angle) * math.cos(course)
    phi2 = math.asin(max(-1.0, min(1.0, sine)))
    dlon = math.atan2(
        math.sin(course) * math.sin(angle) * math.cos(phi), math.cos(angle) - math.sin(phi) * math.sin(phi2)
    )
    return math.degrees(phi2), (lon + math.degrees(dlon) + 540.0) % 360.0 - 180.0


def circle_rings(lat: Array, lon: Array, radius_m: Array) -> Array:
    """Vertices (n, :data:`CIRCLE_VERTICES`, 2: longitude, latitude) of circles given by n centres and radii.

    Drawn in the local plane that touches at each centre: good for radii of up to some hundred kilometres.
    """
    north = radius_m / METRES_PER_DEGREE
    east = north / np.maximum(np.cos(np.radians(lat)), MIN_COSINE)
    x = lon[:, None] + east[:, None] * _UNIT_CIRCLE[:, 0]
    y = lat[:, None] + north[:, None] * _UNIT_CIRCLE[:, 1]
    return np.stack([x, y], axis=-1)


def circle_polygons(lat: Array, lon: Array, radius_m: Array) -> npt.NDArray[np.object_]:
    """The circles as an array of n polygons in longitude, latitude."""
    polygons: npt.NDArray[np.object_] = shapely.polygons(circle_rings(lat, lon, radius_m))
    return polygons

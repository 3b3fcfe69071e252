"""The ground around a place as a plane: exact on the WGS84 ellipsoid in distance and direction from it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pyproj import Geod

Array = npt.NDArray[np.float64]

WGS84 = Geod(ellps="WGS84")


class Plane(NamedTuple):
    """An azimuthal equidistant plane around a place: x metres to the east, y to the north.

    Every geodesic through the place is a straight line of true length and true direction; lengths across it
    are stretched by (distance / earth radius)² / 6: 4 millionths at 30 km.
    """

    lat: float
    lon: float

    def to_xy(self, lat: npt.ArrayLike, lon: npt.ArrayLike) -> tuple[Array, Array]:
        """Metres to the east and north of the plane's place."""
        lats, lons = np.atleast_1d(np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64))
        course, _, away = WGS84.inv(np.full(len(lats), self.lon), np.full(len(lats), self.lat), lons, lats)
        angle = np.radians(course)
        return np.asarray(away * np.sin(angle)), np.asarray(away * np.cos(angle))

    def to_lonlat(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Array, Array]:
        """Longitude and latitude; longitudes run on past ±180° rather than jump away from the place."""
        east, north = np.atleast_1d(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
        course, away = np.degrees(np.arctan2(east, north)), np.hypot(east, north)
        lon, lat, _ = WGS84.fwd(np.full(len(away), self.lon), np.full(len(away), self.lat), course, away)
        return unwrapped(np.asarray(lon), self.lon), np.asarray(lat)


def unwrapped(lon: Array, near: float) -> Array:
    """Longitudes turned by whole circles to within 180° of ``near``."""
    turned: Array = near + (lon - near + 180.0) % 360.0 - 180.0
    return turned


def wrapped(lon: float) -> float:
    """A longitude in [-180, 180)."""
    return (lon + 180.0) % 360.0 - 180.0

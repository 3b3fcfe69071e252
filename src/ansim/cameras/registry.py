"""The nearest cameras among millions: a grid of 250 m cells over sorted numpy columns, in memory."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ansim.cameras.ranking import CameraColumns
from ansim.geo.shape import EARTH_RADIUS_M, METRES_PER_DEGREE, distances_m

Indices = npt.NDArray[np.intp]

CELL_M = 250.0
REACH_M = 3_000.0
"""Cameras further away than this, beyond her circle, are not looked for."""
_MIDDLE_LAT = 36.5
"""Where a cell is square: the middle of the country. Elsewhere it is some metres wider or narrower."""
_ROW_DEG = CELL_M / METRES_PER_DEGREE
_COLUMN_DEG = _ROW_DEG / math.cos(math.radians(_MIDDLE_LAT))
_COLUMNS = int(360.0 / _COLUMN_DEG) + 1


class CameraRegistry:
    """The stored cameras, ready to be searched; never changed, only replaced as a whole.

    ``ids``, ``cameras`` and ``live`` are parallel; all are kept in the order of the grid's cells. ``live``
    says of which a connection is on record, none unless given.
    """

    def __init__(
        self,
        ids: npt.NDArray[np.bytes_],
        cameras: CameraColumns,
        live: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        if len(ids) != len(cameras):
            raise ValueError(f"{len(ids)} ids for {len(cameras)} cameras")
        keys = _row(cameras.lat) * _COLUMNS + _column(cameras.lon)
        order = np.argsort(keys, kind="stable")
        self._keys = keys[order]
        self.ids = ids[order]
        self.cameras = cameras.take(order)
        self._by_id: Indices | None = None
        self.live = np.zeros(len(ids), dtype=np.bool_) if live is None else live[order]

    def __len__(self) -> int:
        return len(self.ids)

    def id(self, place: int) -> str:
        """The id of the camera at a place."""
        return bytes(self.ids[place]).decode()

    def places(self, ids: Sequence[str]) -> dict[str, int]:
        """Where the cameras of these ids are; those that are not there are left out."""
        if not len(self) or not ids:
            return {}
        if self._by_id is None:
            self._by_id = np.argsort(self.ids, kind="stable")
        wanted = np.array([one.encode() for one in ids], dtype=np.bytes_)
        at = np.searchsorted(self.ids, wanted, sorter=self._by_id)
        found = self._by_id[np.minimum(at, len(self) - 1)]
        there = self.ids[found] == wanted
        return {key: int(place) for key, place, hit in zip(ids, found, there, strict=True) if hit}

    def nearest(self, lat: float, lon: float, count: int, reach_m: float = REACH_M) -> Indices:
        """Places of the ``count`` cameras nearest to a point within ``reach_m``, nearest first.

        Widens a square of cells until nothing outside it can be nearer than what was found.
        """
        if not len(self) or count < 1:
            return np.empty(0, dtype=np.intp)
        row, column = int(_row(lat)), int(_column(lon))
        ring = 1
        while True:
            found = self._square(row, column, ring)
            distance = distances_m(lat, lon, self.cameras.lat[found], self.cameras.lon[found])
            certain = _certain_m(lat, lon, row, column, ring)
            enough = len(found) >= count and np.partition(distance, count - 1)[count - 1] <= certain
            if enough or certain >= reach_m:
                break
            ring *= 2
        near = distance <= reach_m
        found, distance = found[near], distance[near]
        return found[np.lexsort((found, distance))[:count]]

    def in_box(self, west: float, south: float, east: float, north: float, limit: int) -> tuple[Indices, int]:
        """Places of the cameras in a box of degrees, and how many there are.

        Of more than ``limit`` every n-th is given, so that a map shows where they are dense and where not.
        """
        first, last = _row(south) * _COLUMNS, (_row(north) + 1) * _COLUMNS
        low, high = np.searchsorted(self._keys, (first, last))
        lat, lon = self.cameras.lat[low:high], self.cameras.lon[low:high]
        inside = low + np.flatnonzero((lat >= south) & (lat <= north) & (lon >= west) & (lon <= east))
        total = len(inside)
        if total > limit:
            inside = inside[np.arange(limit) * total // limit]
        return inside, total

    def _square(self, row: int, column: int, ring: int) -> Indices:
        """Places in the cells at most ``ring`` away; the cells of one row lie side by side."""
        rows = np.arange(row - ring, row + ring + 1) * _COLUMNS
        low = np.searchsorted(self._keys, rows + (column - ring), side="left")
        high = np.searchsorted(self._keys, rows + (column + ring), side="right")
        filled = high > low
        if not filled.any():
            return np.empty(0, dtype=np.intp)
        runs = zip(low[filled].tolist(), high[filled].tolist(), strict=True)
        return np.concatenate([np.arange(start, end) for start, end in runs])


def _row(lat: npt.NDArray[np.float64] | float) -> npt.NDArray[np.int64]:
    return np.floor((np.asarray(lat) + 90.0) / _ROW_DEG).astype(np.int64)


def _column(lon: npt.NDArray[np.float64] | float) -> npt.NDArray[np.int64]:
    return np.floor((np.asarray(lon) + 180.0) / _COLUMN_DEG).astype(np.int64)


def _certain_m(lat: float, lon: float, row: int, column: int, ring: int) -> float:
    """How near to the point anything outside the square of cells can be at least.

    The nearest point beyond a parallel is due north or south of her; the distance to a meridian is
    asin(cos lat · sin Δlon) (Napier's rules).
    """
    south = (row - ring) * _ROW_DEG - 90.0
    north = (row + ring + 1) * _ROW_DEG - 90.0
    west = (column - ring) * _COLUMN_DEG - 180.0
    east = (column + ring + 1) * _COLUMN_DEG - 180.0
    up_down = min(lat - south, north - lat) * METRES_PER_DEGREE
    aside = min(lon - west, east - lon)
    if aside >= 90.0:
        return up_down
    sine = math.cos(math.radians(lat)) * math.sin(math.radians(max(aside, 0.0)))
    return min(up_down, EARTH_RADIUS_M * math.asin(sine))

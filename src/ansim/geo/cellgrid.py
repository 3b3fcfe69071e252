"""A grid of small cells in front of polygons: most places are answered without asking geometry.

Every cell knows the one polygon that fills it, or that none does, or that it is *mixed*: a border may pass.
Of a mixed cell the polygons that may hold a place in it are known; the exact polygons themselves decide.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

MIXED = -2
OUTSIDE = -1
MAX_CELLS = 4_000_000

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]


class CellGrid:
    """Labels of the cells that cover ``polygons`` (an array in longitude, latitude; never changed)."""

    def __init__(self, polygons: npt.NDArray[np.object_], cell_deg: float = 0.005) -> None:
        west, south, east, north = (float(bound) for bound in shapely.total_bounds(polygons))
        span = (east - west + 2 * cell_deg) * (north - south + 2 * cell_deg)
        self.cell_deg = max(cell_deg, (span / MAX_CELLS) ** 0.5 * 1.01)
        self._west, self._south = west - self.cell_deg, south - self.cell_deg
        self._columns = int((east - self._west) / self.cell_deg) + 2
        self._rows = int((north - self._south) / self.cell_deg) + 2
        self._cells = self._fill(polygons, self._crossed(polygons))
        self.candidates, self._first = self._touching(polygons)
        self._firsts: list[int] = self._first.tolist()
        self._mixed_before = np.zeros((self._rows + 1, self._columns + 1), dtype=np.int32)
        np.cumsum(np.cumsum(self._cells <= MIXED, axis=0), axis=1, out=self._mixed_before[1:, 1:])

    def at(self, lat: float, lon: float) -> int:
        """Index of the polygon that fills the cell of a place, :data:`OUTSIDE`, or a mixed cell's label.

        Labels of mixed cells are below :data:`MIXED`; :meth:`span` takes them.
        """
        row = (lat - self._south) / self.cell_deg
        column = (lon - self._west) / self.cell_deg
        if 0.0 <= row < self._rows and 0.0 <= column < self._columns:
            return int(self._cells[int(row), int(column)])
        return OUTSIDE

    def span(self, label: int) -> tuple[int, int]:
        """Where in ``candidates`` the polygons stand that may hold a place in a mixed cell, lowest first."""
        cell = MIXED - 1 - label
        return self._firsts[cell], self._firsts[cell + 1]

    def candidates_many(self, labels: Labels) -> tuple[Labels, Labels]:
        """The candidates of n mixed cells: (place, polygon), one row a pair, by polygon and cell."""
        cell = MIXED - 1 - labels
        first = self._first[cell]
        count = self._first[cell + 1] - first
        place = np.repeat(np.arange(len(labels)), count)
        within = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
        polygon = self.candidates[np.repeat(first, count) + within]
        # One polygon after the other, and within it from cell to cell: its index stays in the cache.
        order = np.argsort(polygon * len(self._first) + cell[place])
        return place[order], polygon[order]

    def at_many(self, lat: Array, lon: Array) -> Labels:
        """:meth:`at` of n places."""
        row, column, inside = self._index(lat, lon)
        labels: Labels = np.where(inside, self._cells[row, column], OUTSIDE).astype(np.intp)
        return labels

    def fill_many(self, lat: Array, lon: Array, north: Array, east: Array) -> Labels:
        """What fills the whole box of half sides ``north`` and ``east`` (degrees) around each of n places.

        Without a mixed cell between them all cells of a box carry one label: no border passes. With one the
        label is :data:`MIXED` or below.
        """
        low_row, low_column, low_inside = self._index(lat - north, lon - east)
        high_row, high_column, high_inside = self._index(lat + north, lon + east)
        before = self._mixed_before
        crossings = (
            before[high_row + 1, high_column + 1]
            - before[low_row, high_column + 1]
            - before[high_row + 1, low_column]
            + before[low_row, low_column]
        )
        labels = self.at_many(lat, lon)
        labels = np.where((crossings > 0) & (labels > MIXED), MIXED, labels)
        # A box over the grid's edge reaches ground that belongs to nobody: only OUTSIDE can fill it.
        astray = ~(low_inside & high_inside) & (labels > OUTSIDE)
        return np.where(astray, MIXED, labels)

    def _index(self, lat: Array, lon: Array) -> tuple[Labels, Labels, npt.NDArray[np.bool_]]:
        row = np.floor((lat - self._south) / self.cell_deg)
        column = np.floor((lon - self._west) / self.cell_deg)
        inside = (row >= 0) & (row < self._rows) & (column >= 0) & (column < self._columns)
        return (
            np.clip(row, 0, self._rows - 1).astype(np.intp),
            np.clip(column, 0, self._columns - 1).astype(np.intp),
            inside,
        )

    def _crossed(self, polygons: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
        """Cells in the boxes of the borders' segments, cut no longer than a cell: too many, never too few."""
        mixed = np.zeros((self._rows, self._columns), dtype=np.bool_)
        lines: Any = shapely.get_parts(shapely.segmentize(shapely.boundary(polygons), 0.9 * self.cell_deg))
        xy, part = shapely.get_coordinates(lines, return_index=True)
        column = np.floor((xy[:, 0] - self._west) / self.cell_deg).astype(np.intp)
        row = np.floor((xy[:, 1] - self._south) / self.cell_deg).astype(np.intp)
        joined = part[1:] == part[:-1]
        low_row, high_row = np.minimum(row[1:], row[:-1])[joined], np.maximum(row[1:], row[:-1])[joined]
        low_column = np.minimum(column[1:], column[:-1])[joined]
        high_column = np.maximum(column[1:], column[:-1])[joined]
        # One cell more to the south and west, for borders that run along a cell's edge.
        for down in range(-1, 2):
            for right in range(-1, 2):
                rows = np.minimum(low_row + down, high_row)
                mixed[rows, np.minimum(low_column + right, high_column)] = True
        return mixed

    def _fill(self, polygons: npt.NDArray[np.object_], mixed: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
        """Ask one cell of every run of unmixed cells in a row, and let it speak for the run."""
        run_starts = ~mixed
        run_starts[:, 1:] &= mixed[:, :-1]
        row, column = np.nonzero(run_starts)
        lon = self._west + (column + 0.5) * self.cell_deg
        lat = self._south + (row + 0.5) * self.cell_deg
        owner = np.full(len(row), OUTSIDE, dtype=np.int32)
        tree = shapely.STRtree(polygons)
        place, candidate = tree.query(shapely.points(lon, lat))
        hit = shapely.contains_xy(polygons[candidate], lon[place], lat[place])
        owner[place[hit]] = candidate[hit]
        owner[np.bincount(place[hit], minlength=len(row)) > 1] = MIXED  # polygons overlap here
        run = np.cumsum(run_starts.ravel()) - 1
        # The outermost cells are never mixed, so there is always a run.
        cells: npt.NDArray[np.int32] = np.where(mixed.ravel(), np.int32(MIXED), owner[np.maximum(run, 0)])
        return cells.reshape(mixed.shape)

    def _touching(self, polygons: npt.NDArray[np.object_]) -> tuple[Labels, Labels]:
        """The polygons that touch each mixed cell, and where each cell's begin; numbers the cells."""
        row, column = np.nonzero(self._cells == MIXED)
        self._cells[row, column] = MIXED - 1 - np.arange(len(row), dtype=np.int32)
        side, margin = self.cell_deg, self.cell_deg * 1e-6
        west, south = self._west + column * side, self._south + row * side
        boxes = shapely.box(west - margin, south - margin, west + side + margin, south + side + margin)
        cell, polygon = shapely.STRtree(polygons).query(boxes)
        shapely.prepare(polygons)
        order = np.argsort(polygon, kind="stable")
        cell, polygon = cell[order], polygon[order]
        touch = shapely.intersects(polygons[polygon], boxes[cell])
        cell, polygon = cell[touch], polygon[touch]
        order = np.lexsort((polygon, cell))
        first = np.zeros(len(row) + 1, dtype=np.intp)
        np.cumsum(np.bincount(cell, minlength=len(row)), out=first[1:])
        return polygon[order], first

"""Small countries for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime

import shapely
from shapely.geometry.base import BaseGeometry

from ansim.geo.boundaries import BoundarySet

WEST, SOUTH, SIDE = 127.0, 37.0, 0.1


def square(column: int, row: int, side: float = SIDE) -> BaseGeometry:
    west, south = WEST + column * side, SOUTH + row * side
    return shapely.box(west, south, west + side, south + side)


def boundary_set(shapes: Sequence[BaseGeometry], cell_deg: float = 0.005) -> BoundarySet:
    """Boundaries with codes 10000, 10001 … in the order given."""
    codes = [str(10_000 + place) for place in range(len(shapes))]
    return BoundarySet(
        codes,
        [f"{code}시" for code in codes],
        shapes,
        effective_from=datetime(2024, 1, 1, tzinfo=UTC),
        source="test",
        cell_deg=cell_deg,
    )


def country(columns: int = 3, rows: int = 3, cell_deg: float = 0.005) -> BoundarySet:
    """A chessboard of municipalities of about 9 km by 11 km, counted row by row from the south-west."""
    return boundary_set([square(column, row) for row in range(rows) for column in range(columns)], cell_deg)

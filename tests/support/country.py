"""A country of three municipalities in a row, each with its center, and what the hub knows of it."""

from datetime import UTC, datetime

import shapely

from ansim.distribution.boundaries import BoundaryHistory
from ansim.distribution.health import Beat, CenterHealth
from ansim.distribution.service import Distribution
from ansim.geo.boundaries import BoundarySet
from support.strategies import CENTERS, NAMES

WEST, SOUTH, SIDE = 127.0, 37.0, 0.1
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)


def place(column: float) -> tuple[float, float]:
    """(lat, lon) in the middle of a municipality, counted from 0 in the west; halves are on a border."""
    return SOUTH + SIDE / 2, WEST + (column + 0.5) * SIDE


def three_in_a_row(codes: tuple[str, ...] = CENTERS, columns: int = 3) -> BoundarySet:
    """안양시, 금천구 and 군포시 as squares of about 9 km, from west to east."""
    shapes = [
        shapely.box(WEST + column * SIDE, SOUTH, WEST + (column + 1) * SIDE, SOUTH + SIDE)
        for column in range(columns)
    ]
    names = [NAMES.get(code, code) for code in codes]
    return BoundarySet(codes, names, shapes, effective_from=BEGAN, source="test", cell_deg=0)


class SmallCountry(Distribution):
    """Distribution over the three, without the national map: every jurisdiction's center is its own."""

    def __init__(
        self, health: CenterHealth, enrolled: tuple[str, ...] = CENTERS, boundaries: BoundarySet | None = None
    ) -> None:
        self.health = health
        self._centers = {code: NAMES[code] for code in enrolled}
        self._history = BoundaryHistory([boundaries or three_in_a_row()])

    def answering(self, jurisdiction: str, boundaries: BoundarySet | None = None) -> str | None:
        """Itself, when its center is connected."""
        return jurisdiction if jurisdiction in self._centers else None


def beat(code: str) -> Beat:
    return Beat(code=code, name=NAMES[code])

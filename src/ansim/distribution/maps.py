"""The borders that a center's map shows: its own area and its neighbours'."""

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from ansim.distribution.boundaries import default_boundaries, inherit
from ansim.geo.boundaries import BoundarySet
from ansim.people.model import Operator

_NEIGHBOURS = 12
_SIMPLIFY_M = 15.0


class Place(Struct, frozen=True, kw_only=True):
    """A point on the map, degrees WGS84."""

    lat: float
    lon: float


class Borders(Struct, frozen=True, kw_only=True):
    """GeoJSON of the center's area and of those around it; ``approximate`` must be said on the map."""

    own: dict[str, Any]
    neighbours: dict[str, Any]
    approximate: bool
    center: Place


def own_area(boundaries: BoundarySet, code: str) -> frozenset[str]:
    """The jurisdictions that the center ``code`` answers for."""
    table = {one: one for one in default_boundaries().codes}
    if boundaries is not default_boundaries():
        table = inherit(default_boundaries(), boundaries, table)
    return frozenset(one for one in boundaries.codes if table.get(one, one) == code)


def borders(boundaries: BoundarySet, code: str) -> Borders:
    """The map of the center ``code``; a center without an area on it gets the nearest names only."""
    own = sorted(own_area(boundaries, code)) or [boundaries.codes[0]]
    around = [one for one in boundaries.neighbours(own[0]) if one not in own][:_NEIGHBOURS]
    middle = boundaries.geometry(own[0]).representative_point()
    return Borders(
        own=boundaries.geojson(own, _SIMPLIFY_M),
        neighbours=boundaries.geojson(around, _SIMPLIFY_M),
        approximate=boundaries.approximate,
        center=Place(lat=middle.y, lon=middle.x),
    )


def map_routes(answer: Borders) -> list[HTTPRouteHandler]:
    """``GET /api/console/map``, with the borders worked out once."""

    @get("/api/console/map", tags=["console"], sync_to_thread=False)
    def borders_of_center(operator: NamedDependency[Operator]) -> Borders:
        """The center's own borders and its neighbours'."""
        return answer

    return [borders_of_center]

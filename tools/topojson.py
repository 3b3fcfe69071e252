"""Write a polygon coverage as quantised TopoJSON: every shared border is stored once, as an arc."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

Grid = tuple[int, int]
Ring = list[Grid]


class Quantiser:
    """The integer grid laid over a bounding box (TopoJSON 1.0, section 2.1.2, *transform*)."""

    def __init__(self, bounds: Sequence[float], steps: int) -> None:
        west, south, east, north = (float(bound) for bound in bounds)
        self.translate = (west, south)
        self.scale = ((east - west) / (steps - 1), (north - south) / (steps - 1))

    def ring(self, coords: Any) -> Ring:
        """The closed ring on the grid, without repeated vertices and without its closing vertex."""
        grid = [
            (round((x - self.translate[0]) / self.scale[0]), round((y - self.translate[1]) / self.scale[1]))
            for x, y in coords
        ]
        return [here for here, following in pairwise(grid) if here != following]


def _rings(geometry: BaseGeometry, quantiser: Quantiser) -> Iterator[list[Ring]]:
    """Exterior and holes of every polygon of ``geometry``; what vanishes on the grid is left out."""
    for part in shapely.get_parts(geometry):
        if not isinstance(part, Polygon):
            continue
        exterior, *holes = [quantiser.ring(ring.coords) for ring in (part.exterior, *part.interiors)]
        if len(exterior) >= 3:
            yield [exterior, *(hole for hole in holes if len(hole) >= 3)]


class _Arcs:
    """The distinct arcs between junctions; an arc walked backwards is referred to as ``~index``."""

    def __init__(self, rings: Sequence[Ring]) -> None:
        neighbours: dict[Grid, set[Grid]] = defaultdict(set)
        for ring in rings:
            for here, following in pairwise([*ring, ring[0]]):
                neighbours[here].add(following)
                neighbours[following].add(here)
        self._junctions = {vertex for vertex, around in neighbours.items() if len(around) != 2}
        self._index: dict[tuple[Grid, ...], int] = {}

    def split(self, ring: Ring) -> list[int]:
        starts = [place for place, vertex in enumerate(ring) if vertex in self._junctions]
        first = starts[0] if starts else ring.index(min(ring))
        turned = [*ring[first:], *ring[: first + 1]]
        cuts = [place for place, vertex in enumerate(turned) if vertex in self._junctions]
        cuts = cuts if starts else [0, len(ring)]
        return [self._refer(tuple(turned[here : following + 1])) for here, following in pairwise(cuts)]

    def _refer(self, arc: tuple[Grid, ...]) -> int:
        if arc in self._index:
            return self._index[arc]
        if arc[::-1] in self._index:
            return ~self._index[arc[::-1]]
        return self._index.setdefault(arc, len(self._index))

    def encoded(self) -> list[list[list[int]]]:
        """Every arc delta-encoded (TopoJSON 1.0, section 2.1.3)."""
        return [
            [list(arc[0]), *([bx - ax, by - ay] for (ax, ay), (bx, by) in pairwise(arc))]
            for arc in self._index
        ]


def write(
    path: Path,
    name: str,
    geometries: Sequence[BaseGeometry],
    properties: Sequence[dict[str, Any]],
    *,
    steps: int = 100_000,
) -> None:
    """Write the coverage ``geometries`` (WGS84 longitude, latitude) as one TopoJSON object ``name``."""
    bounds = shapely.total_bounds(list(geometries))
    quantiser = Quantiser(bounds, steps)
    polygons = [list(_rings(geometry, quantiser)) for geometry in geometries]
    arcs = _Arcs([ring for shapes in polygons for rings in shapes for ring in rings])
    members = [
        {
            "type": "MultiPolygon",
            "arcs": [[arcs.split(ring) for ring in rings] for rings in shapes],
            "properties": described,
        }
        for shapes, described in zip(polygons, properties, strict=True)
    ]
    document = {
        "type": "Topology",
        "bbox": [round(float(bound), 7) for bound in bounds],
        "transform": {"scale": quantiser.scale, "translate": quantiser.translate},
        "objects": {name: {"type": "GeometryCollection", "geometries": members}},
        "arcs": arcs.encoded(),
    }
    path.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")

"""Who answers for a place: an immutable set of boundaries with the rule of the greatest overlap.

Order of the rule: greatest overlap with the shape; then the boundary nearest to the shape's centre; then the
lowest code. A shape outside every boundary belongs to the nearest one. Nothing ever returns "no one".
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from ansim.geo import cellgrid
from ansim.geo.answers import Answer, Columns, Draft
from ansim.geo.flat import flattened
from ansim.geo.pieces import Pieces, half_sides
from ansim.geo.polygons import polygonal
from ansim.geo.shape import position_columns, require_position
from ansim.geo.shapes import Circle, Point, Shape

SAME_SHARE = 1e-6
"""Shares of a shape that differ by less are equal: below it lies the noise of floating point."""
POINT_BELOW_M = 1.0
"""A circle of a smaller radius is taken as its centre."""

Array = npt.NDArray[np.float64]
Geometries = npt.NDArray[np.object_]
Indices = npt.NDArray[np.intp]


class BoundarySet:
    """Boundaries in force from one moment on; sorted by code, never changed, shared between threads.

    ``geometries`` are polygons in longitude, latitude (WGS84). Invalid ones are made valid, and their codes
    kept in ``repaired``. ``cell_deg``: side of the cells of the grid in front, 0 for none.
    """

    def __init__(
        self,
        codes: Sequence[str],
        names: Sequence[str],
        geometries: Iterable[BaseGeometry],
        *,
        provinces: Sequence[str] | None = None,
        effective_from: datetime,
        source: str,
        approximate: bool = False,
        cell_deg: float = 0.005,
    ) -> None:
        raw: Geometries = np.array(list(geometries), dtype=object)
        provinces = [""] * len(codes) if provinces is None else provinces
        if not len(codes):
            raise ValueError("a set of boundaries needs at least one")
        if not len(codes) == len(names) == len(provinces) == len(raw):
            raise ValueError("codes, names, provinces and geometries differ in number")
        order = sorted(range(len(codes)), key=lambda place: codes[place])
        self.codes = tuple(codes[place] for place in order)
        self.names = tuple(names[place] for place in order)
        self.provinces = tuple(provinces[place] for place in order)
        self.effective_from = effective_from
        self.source = source
        self.approximate = approximate
        self._index = {code: place for place, code in enumerate(self.codes)}
        if len(self._index) != len(self.codes):
            twice = sorted({code for code in self.codes if self.codes.count(code) > 1})
            raise ValueError(f"codes are given twice: {', '.join(twice)}")
        raw = raw[order]
        valid = shapely.is_valid(raw)
        self.repaired = tuple(code for code, sound in zip(self.codes, valid, strict=True) if not sound)
        self.geometries: Geometries = np.array([polygonal(shape) for shape in raw], dtype=object)
        for code, shape in zip(self.codes, self.geometries, strict=True):
            if shape.is_empty:
                raise ValueError(f"boundary {code} has no area")
        self.geometries.flags.writeable = False
        self._tree = shapely.STRtree(self.geometries)
        self._pieces = Pieces(self.geometries)
        self._grid = cellgrid.CellGrid(self.geometries, cell_deg) if cell_deg else None
        self._candidates: Geometries = self.geometries[self._grid.candidates if self._grid else slice(0)]
        self._contained = [
            Answer(center_code=code, center_name=name, method="contains", approximate=approximate)
            for code, name in zip(self.codes, self.names, strict=True)
        ]
        self._neighbours: dict[str, tuple[str, ...]] = {}
        self._warm()

    def __len__(self) -> int:
        return len(self.codes)

    def __contains__(self, code: str) -> bool:
        return code in self._index

    def index(self, code: str) -> int:
        """Place of ``code`` in the columns of the set; ``KeyError`` when it has no boundary here."""
        return self._index[code]

    def name(self, code: str) -> str:
        return self.names[self._index[code]]

    def geometry(self, code: str) -> BaseGeometry:
        """The boundary of ``code`` in longitude, latitude."""
        shape: BaseGeometry = self.geometries[self._index[code]]
        return shape

    def locate(self, lat: float, lon: float, radius_m: float = 0.0) -> Answer:
        """Who answers for a point or a circle on the ground.

        ``ValueError`` names the field that is no finite number in range; anything else has an answer.
        """
        require_position(lat, lon, radius_m)
        if radius_m < POINT_BELOW_M:
            return self._locate_point(lat, lon)
        return self.locate_many(np.array([lat]), np.array([lon]), np.array([radius_m]))[0]

    def locate_many(
        self, lat: npt.ArrayLike, lon: npt.ArrayLike, radius_m: npt.ArrayLike | None = None
    ) -> Columns:
        """:meth:`locate` for n shapes at once, the same answers; ``ValueError`` names the first bad row."""
        lats, lons, radii = position_columns(lat, lon, radius_m)
        radii = np.where(radii < POINT_BELOW_M, 0.0, radii)
        draft = Draft(len(lats))
        labels = self._by_grid(lats, lons, radii)
        draft.index[:] = np.maximum(labels, cellgrid.OUTSIDE)
        undecided = np.flatnonzero(labels <= cellgrid.MIXED)
        wide = radii[undecided] > 0.0
        self._points(lats, lons, labels, undecided[~wide], draft)
        self._circles(lats, lons, radii, undecided[wide], draft)
        outside = draft.open()
        if len(outside):
            nearest, away = self._pieces.nearest(lats[outside], lons[outside])
            draft.default(outside, nearest, np.maximum(away - radii[outside], 0.0))
        return draft.columns(self.codes, self.names, self.approximate)

    def locate_shape(self, shape: Shape) -> Answer:
        """Who answers for a position of any shape (RFC 5491), by the greatest overlap with its ground.

        Always answers: a shape has been checked when it was made. One without area is its middle.
        """
        flat = flattened(shape)
        if isinstance(flat, Point | Circle):
            radius = 0.0 if isinstance(flat, Point) else flat.radius_m
            return self.locate(flat.lat, flat.lon, radius)
        ground = flat.to_polygon()
        lat, lon = flat.center
        if ground.is_empty:
            return self._locate_point(lat, lon)
        return self.locate_ground(ground, lat, lon)

    def locate_ground(self, ground: BaseGeometry, lat: float, lon: float) -> Answer:
        """Who answers for any ground with an area, whose middle is at ``lat``, ``lon``."""
        west, south, east, north = ground.bounds
        label = cellgrid.MIXED
        if self._grid is not None:
            middle = np.array([(south + north) / 2]), np.array([(west + east) / 2])
            half = np.array([(north - south) / 2]), np.array([(east - west) / 2])
            label = int(self._grid.fill_many(*middle, *half)[0])
        if label >= 0:
            return self._contained[label]
        owner, share = self._pieces.shares_of(ground)
        touched = share > SAME_SHARE
        owner, share = owner[touched], share[touched]
        if not len(owner):
            nearest, away = self._pieces.nearest_to(ground)
            return msgspec.structs.replace(self._contained[nearest], method="nearest", distance_m=away)
        level = np.round(share / SAME_SHARE).astype(np.int64)
        apart = np.zeros(len(owner))
        for row in np.flatnonzero((level[:, None] == level).sum(axis=1) > 1):
            apart[row] = self._pieces.distance_to(int(owner[row]), lat, lon)
        first, *others = (int(owner[place]) for place in np.lexsort((owner, apart, -level)))
        whole = float(share.max()) >= 1.0 - SAME_SHARE
        return msgspec.structs.replace(
            self._contained[first],
            method="contains" if whole else "overlap",
            others=tuple(self.codes[other] for other in others),
        )

    def neighbours(self, code: str) -> tuple[str, ...]:
        """All other codes, nearest boundary first (whole metres), then by code: the order to fall back in."""
        if code not in self._neighbours:
            own = self._index[code]
            away = np.round(self._pieces.distances(own))
            order = np.lexsort((np.arange(len(self)), away))
            self._neighbours[code] = tuple(self.codes[place] for place in order if place != own)
        return self._neighbours[code]

    def overlap_share(self, code: str, lat: float, lon: float, radius_m: float = 0.0) -> float:
        """Share of the circle's area inside the boundary of ``code``, 0 to 1; of a point 0 or 1."""
        require_position(lat, lon, radius_m)
        own = self._index[code]
        if radius_m < POINT_BELOW_M:
            return float(shapely.intersects_xy(self.geometries[own], lon, lat))
        _, owner, share = self._pieces.shares(np.array([lat]), np.array([lon]), np.array([radius_m]))
        return min(1.0, float(share[owner == own].sum()))

    def geojson(self, codes: Iterable[str], simplify_m: float = 0.0) -> dict[str, Any]:
        """The boundaries of ``codes`` as a GeoJSON FeatureCollection (RFC 7946) for maps.

        Simplified together within ``simplify_m`` metres, so that shared borders stay shared; coordinates
        have six decimals (a decimetre).
        """
        chosen = [self._index[code] for code in codes]
        shapes = self.geometries[chosen]
        if simplify_m > 0.0 and chosen:
            shapes = shapely.coverage_simplify(shapes, simplify_m / 111_195.0)
        rounded = shapely.transform(shapes, lambda xy: np.round(xy, 6))
        return {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "id": self.codes[place],
                    "geometry": shape.__geo_interface__,
                    "properties": {
                        "code": self.codes[place],
                        "name": self.names[place],
                        "province": self.provinces[place],
                        "approximate": self.approximate,
                    },
                }
                for place, shape in zip(chosen, rounded, strict=True)
            ],
        }

    def _warm(self) -> None:
        """Prepared geometries index themselves on the second hit: milliseconds an SOS should not wait.

        It is no safe thing to do in two threads at once either. Afterwards points only read the index;
        nothing else may be asked of these geometries' prepared form.
        """
        shapely.prepare(self.geometries)
        inner = shapely.point_on_surface(self.geometries)
        for _ in range(3):
            shapely.intersects_xy(self.geometries, shapely.get_x(inner), shapely.get_y(inner))

    def _locate_point(self, lat: float, lon: float) -> Answer:
        """:meth:`locate_many` of one point, without what it costs to carry arrays."""
        label = cellgrid.MIXED if self._grid is None else self._grid.at(lat, lon)
        if label >= 0:
            return self._contained[label]
        if label <= cellgrid.MIXED:
            hits = self._holding(label, lat, lon)
            if len(hits) == 1:
                return self._contained[int(hits[0])]
            if len(hits):
                touched = tuple(self.codes[other] for other in hits[1:])
                return msgspec.structs.replace(self._contained[int(hits[0])], others=touched)
        nearest, away = self._pieces.nearest_one(lat, lon)
        return msgspec.structs.replace(self._contained[nearest], method="nearest", distance_m=away)

    def _holding(self, label: int, lat: float, lon: float) -> Indices:
        """The polygons that hold a place, lowest first."""
        if self._grid is None:
            candidates: Indices = np.sort(self._tree.query(shapely.points(lon, lat)))
            shapes = self.geometries[candidates]
        else:
            first, end = self._grid.span(label)
            candidates, shapes = self._grid.candidates[first:end], self._candidates[first:end]
        holding: Indices = candidates[shapely.intersects_xy(shapes, lon, lat)]
        return holding

    def _by_grid(self, lats: Array, lons: Array, radii: Array) -> Indices:
        """Labels of the grid: an answer for what lies in cells without a border."""
        if self._grid is None:
            return np.full(len(lats), cellgrid.MIXED, dtype=np.intp)
        labels = self._grid.at_many(lats, lons)
        wide = radii > 0.0
        if wide.any():
            lats, lons = lats[wide], lons[wide]
            labels[wide] = self._grid.fill_many(lats, lons, *half_sides(lats, radii[wide]))
        return labels

    def _points(self, lats: Array, lons: Array, labels: Indices, places: Indices, draft: Draft) -> None:
        """Boundaries are closed: on a shared border the lowest code answers and the rest are others."""
        if not len(places):
            return
        if self._grid is None:
            place, candidate = self._tree.query(shapely.points(lons[places], lats[places]))
        else:
            place, candidate = self._grid.candidates_many(labels[places])
        place = places[place]
        hit = shapely.intersects_xy(self.geometries[candidate], lons[place], lats[place])
        place, candidate = place[hit], candidate[hit]
        alone = np.bincount(place, minlength=len(lats))[place] == 1
        draft.index[place[alone]] = candidate[alone]
        place, candidate = place[~alone], candidate[~alone]
        order = np.lexsort((candidate, place))
        draft.rank(place[order], candidate[order])

    def _circles(self, lats: Array, lons: Array, radii: Array, places: Indices, draft: Draft) -> None:
        if not len(places):
            return
        place, owner, share = self._pieces.shares(lats[places], lons[places], radii[places])
        touched = share > SAME_SHARE
        place, owner, share = places[place[touched]], owner[touched], share[touched]
        level = np.round(share / SAME_SHARE).astype(np.int64)
        apart = np.zeros(len(place))
        _, tie, count = np.unique(place * 2**21 + level, return_inverse=True, return_counts=True)
        for row in np.flatnonzero(count[tie] > 1):
            apart[row] = self._pieces.distance_to(int(owner[row]), lats[place[row]], lons[place[row]])
        order = np.lexsort((owner, apart, -level, place))
        draft.rank(place[order], owner[order])
        whole = share >= 1.0 - SAME_SHARE
        draft.method[np.setdiff1d(place, place[whole])] = "overlap"

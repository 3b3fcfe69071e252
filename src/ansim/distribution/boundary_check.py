"""What is wrong with a set of boundaries: ground that two claim or none, invalid shapes, names missing."""

from collections import Counter
from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from ansim.geo.boundaries import BoundarySet
from ansim.geo.shape import EARTH_RADIUS_M

MIN_AREA_M2 = 1_000.0
"""Below it a gap or an overlap is the rounding of coordinates."""


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong.

    ``kind``: *gap*, *overlap*, *invalid* (was made valid), *no-name*, *same-name* (twice in one province).
    ``area_m2`` and the place (``lat``, ``lon``) are of the ground in question, where there is any.
    """

    kind: str
    codes: tuple[str, ...]
    area_m2: float = 0.0
    lat: float | None = None
    lon: float | None = None


def check(boundaries: BoundarySet, *, min_area_m2: float = MIN_AREA_M2) -> list[Discrepancy]:
    """Everything wrong with ``boundaries``, worst of each kind first; gaps are holes in the whole."""
    found = [
        *_overlaps(boundaries, min_area_m2),
        *_gaps(boundaries, min_area_m2),
        *(Discrepancy(kind="invalid", codes=(code,)) for code in boundaries.repaired),
        *_names(boundaries),
    ]
    return sorted(found, key=lambda one: (one.kind, -one.area_m2, one.codes))


def area_m2(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    """Areas on the sphere, by the cylindrical equal-area projection; edges are straight in degrees."""
    flat = shapely.transform(shapes, _equal_area)
    areas: npt.NDArray[np.float64] = shapely.area(flat)
    return areas


def _equal_area(lonlat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    radians = np.radians(lonlat)
    return EARTH_RADIUS_M * np.column_stack([radians[:, 0], np.sin(radians[:, 1])])


def _overlaps(boundaries: BoundarySet, min_area_m2: float) -> Iterator[Discrepancy]:
    shapes = boundaries.geometries
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    left, right = left[left < right], right[left < right]
    common = shapely.intersection(shapes[left], shapes[right])
    for one, other, shape, area in zip(left, right, common, area_m2(common), strict=True):
        if area >= min_area_m2:
            codes = (boundaries.codes[one], boundaries.codes[other])
            yield _at("overlap", codes, shape, area)


def _gaps(boundaries: BoundarySet, min_area_m2: float) -> Iterator[Discrepancy]:
    whole = shapely.union_all(boundaries.geometries)
    rings = shapely.get_parts([ring for part in shapely.get_parts(whole) for ring in part.interiors])
    if not len(rings):
        return
    holes = shapely.polygons(rings)
    tree = shapely.STRtree(boundaries.geometries)
    for shape, area in zip(holes, area_m2(holes), strict=True):
        if area >= min_area_m2:
            around = np.sort(tree.query(shape, predicate="intersects"))
            yield _at("gap", tuple(boundaries.codes[index] for index in around), shape, area)


def _names(boundaries: BoundarySet) -> Iterator[Discrepancy]:
    for code, name in zip(boundaries.codes, boundaries.names, strict=True):
        if not name.strip():
            yield Discrepancy(kind="no-name", codes=(code,))
    full = list(zip(boundaries.provinces, boundaries.names, strict=True))
    for (province, name), times in Counter(full).items():
        if times > 1 and province and name.strip():
            same = tuple(
                code for code, one in zip(boundaries.codes, full, strict=True) if one == (province, name)
            )
            yield Discrepancy(kind="same-name", codes=same)


def _at(kind: str, codes: tuple[str, ...], shape: BaseGeometry, area: float) -> Discrepancy:
    inner = shapely.point_on_surface(shape)
    return Discrepancy(kind=kind, codes=codes, area_m2=round(float(area), 1), lat=inner.y, lon=inner.x)

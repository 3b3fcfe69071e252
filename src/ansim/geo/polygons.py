"""Small operations on polygons that boundaries are made of."""

import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

Geometries = npt.NDArray[np.object_]


def polygonal(shape: BaseGeometry | None) -> BaseGeometry:
    """The ground a geometry covers, made valid: lines and points in it have no area and are left out.

    No geometry, or one without area, gives an empty polygon.
    """
    if shape is None:
        return Polygon()
    if not shapely.is_valid(shape):
        shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    if isinstance(shape, Polygon | MultiPolygon):
        return shape
    parts = [
        part
        for member in shapely.get_parts(shape)
        for part in shapely.get_parts(member)
        if isinstance(part, Polygon)
    ]
    return shapely.union_all(parts) if parts else Polygon()


def subdivide(
    polygons: Geometries, owner: npt.NDArray[np.intp], max_vertices: int
) -> tuple[Geometries, npt.NDArray[np.intp]]:
    """Cut polygons into pieces of at most ``max_vertices``; each piece keeps the owner of its polygon.

    The pieces of one polygon share cut lines and no area, and cover it together.
    """
    done: list[Geometries] = []
    owners: list[npt.NDArray[np.intp]] = []
    parts, owner = _solid_parts(polygons, owner)
    while len(parts):
        small = shapely.get_num_coordinates(parts) <= max_vertices
        done.append(parts[small])
        owners.append(owner[small])
        parts, owner = parts[~small], owner[~small]
        halves = shapely.intersection(np.repeat(parts, 2), _half_boxes(parts))
        parts, owner = _solid_parts(halves, np.repeat(owner, 2))
    return np.concatenate(done), np.concatenate(owners)


def _solid_parts(shapes: Geometries, owner: npt.NDArray[np.intp]) -> tuple[Geometries, npt.NDArray[np.intp]]:
    """The valid polygons that make up ``shapes``: rounding of a cut can leave one touching itself."""
    shapes = shapes.copy()
    for broken in np.flatnonzero(~shapely.is_valid(shapes)):
        shapes[broken] = polygonal(shapes[broken])
    parts, part = shapely.get_parts(shapes, return_index=True)
    solid = (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & (shapely.area(parts) > 0)
    return parts[solid], owner[part[solid]]


def _half_boxes(polygons: Geometries) -> Geometries:
    """The two halves of each polygon's bounding box, cut across its longer side: 2 n boxes."""
    west, south, east, north = shapely.bounds(polygons).T
    wide = east - west >= north - south
    middle_x, middle_y = (west + east) / 2, (south + north) / 2
    low = shapely.box(west, south, np.where(wide, middle_x, east), np.where(wide, north, middle_y))
    high = shapely.box(np.where(wide, middle_x, west), np.where(wide, south, middle_y), east, north)
    boxes: Geometries = np.column_stack([low, high]).ravel()
    return boxes

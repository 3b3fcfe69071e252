"""Shapes as GeoJSON (RFC 7946) and back.

GeoJSON knows points and polygons only. A feature therefore carries the ground as its geometry, for any map to
draw, and the exact shape in ``properties.shape``, from which it is read back without loss.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import shapely

from ansim.geo.require import MAX_VERTICES, Place
from ansim.geo.shapes import Circle, Point, Polygon, Shape


class GeoJsonError(ValueError):
    """A value that is no shape; ``field`` is the member at fault."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


def to_geojson(shape: Shape) -> dict[str, Any]:
    """A Feature (RFC 7946, section 3.2)."""
    ground = shape.to_polygon()
    lat, lon = shape.center
    drawn = shapely.Point(lon, lat) if ground.is_empty else _cut(ground)
    return {
        "type": "Feature",
        "geometry": drawn.__geo_interface__,
        "properties": {"shape": msgspec.to_builtins(shape)},
    }


def from_geojson(value: object) -> Shape:
    """The shape of a Feature or geometry. Raises :class:`GeoJsonError`.

    A Feature with ``properties.shape`` is that shape; a Point with a ``radius`` (metres) among its properties
    is a circle.
    """
    if not isinstance(value, dict):
        raise GeoJsonError("type", "a GeoJSON value is an object")
    if value.get("type") != "Feature":
        return _geometry(value, {})
    properties = value.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    if "shape" in properties:
        try:
            shape: Shape = msgspec.convert(properties["shape"], Shape, strict=True)
        except msgspec.ValidationError as problem:
            raise GeoJsonError("properties.shape", str(problem)[:300]) from problem
        return shape
    return _geometry(value.get("geometry"), properties)


def _geometry(value: object, properties: dict[str, Any]) -> Shape:
    if not isinstance(value, dict):
        raise GeoJsonError("geometry", "is missing")
    kind, coordinates = value.get("type"), value.get("coordinates")
    try:
        if kind == "Point":
            lat, lon, altitude = _position(coordinates)
            radius = properties.get("radius")
            if isinstance(radius, int | float) and not isinstance(radius, bool) and radius > 0:
                return Circle(lat=lat, lon=lon, radius_m=float(radius))
            return Point(lat=lat, lon=lon, altitude_m=altitude)
        if kind == "Polygon":
            if not isinstance(coordinates, list) or not coordinates:
                raise GeoJsonError("coordinates", "a Polygon needs at least one ring")
            outer, *holes = (_ring(ring) for ring in coordinates)
            return Polygon(ring=outer, holes=tuple(holes))
    except GeoJsonError:
        raise
    except ValueError as problem:
        raise GeoJsonError("coordinates", str(problem)) from problem
    raise GeoJsonError("type", f"{str(kind)[:40]!r} is no position; Point and Polygon are")


def _ring(value: object) -> tuple[Place, ...]:
    if not isinstance(value, list) or len(value) > MAX_VERTICES:
        raise GeoJsonError("coordinates", f"a ring is an array of at most {MAX_VERTICES} positions")
    return tuple(_position(one)[:2] for one in value)


def _position(value: object) -> tuple[float, float, float | None]:
    """Latitude, longitude, altitude from GeoJSON's longitude, latitude[, altitude]."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not 2 <= len(value) <= 3:
        raise GeoJsonError("coordinates", "a position is two or three numbers")
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in value):
        raise GeoJsonError("coordinates", "a position is two or three numbers")
    return float(value[1]), float(value[0]), float(value[2]) if len(value) == 3 else None


def _cut(ground: shapely.geometry.base.BaseGeometry) -> shapely.geometry.base.BaseGeometry:
    """Ground over ±180° cut in two there (RFC 7946, section 3.1.9)."""
    west, south, east, north = ground.bounds
    if west >= -180.0 and east <= 180.0:
        return ground
    parts = []
    for turn in (-360.0, 0.0, 360.0):
        window = shapely.box(-180.0 + turn, south - 1.0, 180.0 + turn, north + 1.0)
        part = shapely.intersection(ground, window)
        if not part.is_empty and part.area > 0.0:
            parts.append(shapely.transform(part, lambda xy, turn=turn: np.subtract(xy, (turn, 0.0))))
    return shapely.union_all(parts)

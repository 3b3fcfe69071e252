"""Shapes without their altitude (RFC 7459, section 5.3)."""

import msgspec

from ansim.geo.shapes import Circle, Ellipse, Ellipsoid, Point, Polygon, Prism, Shape, Sphere


def dimensions(shape: Shape) -> int:
    """How many dimensions the uncertainty has: 0, 2 or 3."""
    if isinstance(shape, Point):
        return 0
    return 3 if isinstance(shape, Prism | Sphere | Ellipsoid) else 2


def flattened(shape: Shape) -> Shape:
    """The shape without its altitude (section 5.3), surer by it: any altitude would do."""
    if shape.confidence == "unknown" or dimensions(shape) < 3:
        sure = shape.confidence
    else:
        sure = 100.0 * (float(shape.confidence) / 100.0) ** (2 / 3)
    match shape:
        case Point():
            return msgspec.structs.replace(shape, altitude_m=None)
        case Polygon():
            return msgspec.structs.replace(shape, altitude_m=None)
        case Prism():
            return Polygon(ring=shape.ring, confidence=sure, pdf=shape.pdf)
        case Sphere():
            return Circle(
                lat=shape.lat, lon=shape.lon, radius_m=shape.radius_m, confidence=sure, pdf=shape.pdf
            )
        case Ellipsoid():
            return Ellipse(
                lat=shape.lat,
                lon=shape.lon,
                semi_major_m=shape.semi_major_m,
                semi_minor_m=shape.semi_minor_m,
                orientation_deg=shape.orientation_deg,
                confidence=sure,
                pdf=shape.pdf,
            )
        case _:
            return shape

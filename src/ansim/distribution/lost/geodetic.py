"""Geodetic locations (RFC 5222, section 12.2; RFC 5491): shapes out of GML, strictly or leniently."""

import re

from ansim.distribution.lost import model
from ansim.distribution.lost.model import ErrorKind, LostError
from ansim.distribution.lost.xml import SHOWN, Element
from ansim.geo import gml
from ansim.geo.shapes import Point, Polygon, Prism, Shape

MOST_VERTICES = 20_000
"""Places of a polygon."""
MOST_CROSSING = 500
"""Places of a polygon that crosses itself: making it valid takes time with the square of them."""
CROSSING = "self-crossing-ring"
CRS = "reference-system"

_ALIAS = re.compile(
    r"(urn:(x-)?ogc:def:crs:EPSG:[0-9.]*:|(https?://www\.opengis\.net/def/crs/EPSG/[0-9.]+/)|EPSG:"
    r"|http://www\.opengis\.net/gml/srs/epsg\.xml#)(4326|4979)|(urn:ogc:def:crs:OGC:[0-9.]*:|OGC:|CRS:)?(CRS)?84"
    r"|WGS ?-?84",
    re.IGNORECASE,
)
_POINT = f"{{{model.GML}}}Point"
_POS = f"{{{model.GML}}}pos"


def read_shape(element: Element, *, strict: bool) -> tuple[Shape, tuple[str, ...]]:
    """The shape of a GML element and the names of what had to be put right (none when strict).

    Raises locationInvalid, or SRSInvalid for another reference system.
    """
    point = _plain_point(element)
    if point is not None:
        return point, ()
    mended = _reference_system(element, strict=strict)
    try:
        shape, repairs = gml.read(element, lenient=not strict)
    except gml.GmlError as error:
        raise LostError(ErrorKind.LOCATION_INVALID, str(error)) from None
    if isinstance(shape, Polygon | Prism):
        _bound(shape, repairs)
    return shape, (*mended, *repairs)


def _reference_system(element: Element, *, strict: bool) -> tuple[str, ...]:
    """Hold a shape to WGS84 (section 12.2); other names of it are put right where reading is lenient.

    Names that put the longitude first need no more: the order of the axes is seen in the numbers.
    """
    name = element.get("srsName", "").strip()
    if name in (model.WGS84, model.WGS84_3D):
        return ()
    if strict or (name and not _ALIAS.fullmatch(name)):
        raise LostError(
            ErrorKind.SRS_INVALID, f"{model.WGS84} is understood, not {name[:SHOWN] or 'nothing'}"
        )
    element.set("srsName", model.WGS84_3D if name.endswith("4979") else model.WGS84)
    return (CRS,)


def _bound(shape: Polygon | Prism, repairs: tuple[str, ...]) -> None:
    holes = shape.holes if isinstance(shape, Polygon) else ()
    count = len(shape.ring) + sum(len(hole) for hole in holes)
    most = MOST_CROSSING if CROSSING in repairs else MOST_VERTICES
    if count > most:
        crossing = " that crosses itself" if CROSSING in repairs else ""
        told = f"a polygon{crossing} has at most {most} places here, not {count}"
        raise LostError(ErrorKind.LOCATION_INVALID, told)


def _plain_point(element: Element) -> Point | None:
    """A point as nearly every request has it; None when there is anything special about it."""
    if element.tag != _POINT or element.get("srsName") != model.WGS84 or len(element) != 1:
        return None
    pos = element[0]
    words = (pos.text or "").split() if pos.tag == _POS and not len(pos) else []
    if len(words) != 2 or not (words[0].isascii() and words[1].isascii()) or "_" in words[0] + words[1]:
        return None
    try:
        return Point(lat=float(words[0]), lon=float(words[1]))
    except ValueError:
        return None

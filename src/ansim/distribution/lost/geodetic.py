"""Geodetic locations (RFC 5222, section 12.2; RFC 5491): shapes out of GML, strictly or leniently."""

from lxml import etree

from ansim.distribution.lost import model
from ansim.distribution.lost.model import ErrorKind, LostError, Repair
from ansim.geo.shapes import Point, Shape


def read_shape(element: etree._Element, *, strict: bool) -> tuple[Shape, tuple[Repair, ...]]:
    """The shape of a GML element and what had to be put right.

    Raises locationInvalid, or SRSInvalid for another reference system.
    """
    point = _plain_point(element)
    if point is not None:
        return point, ()
    raise LostError(ErrorKind.LOCATION_INVALID, "this shape is not known")


def _plain_point(element: etree._Element) -> Point | None:
    """A point as nearly every request has it; None when there is anything special about it."""
    if element.tag != _POINT or element.get("srsName") != model.WGS84 or len(element) != 1:
        return None
    pos = element[0]
    words = (pos.text or "").split() if pos.tag == _POS and not len(pos) else []
    if len(words) != 2 or "_" in words[0] or "_" in words[1]:
        return None
    try:
        return Point(lat=float(words[0]), lon=float(words[1]))
    except ValueError:
        return None


_POINT = f"{{{model.GML}}}Point"
_POS = f"{{{model.GML}}}pos"

"""Shapes as XML: the GML of PIDF-LO (RFC 5491, section 5) and of LoST's geodetic profile (RFC 5222, 12.2).

Reading is strict unless asked to be lenient; then what phones and networks commonly get wrong is
mended, and each repair named: *comma-separated*, *wrong-namespace*, *unclosed-ring*, *self-crossing-ring*,
*swapped-axes*, *missing-altitude*, *axes-exchanged* (semi-major and semi-minor).
"""

from collections.abc import Callable
from typing import NamedTuple, TypedDict

from lxml import etree

from ansim.geo import gml_text as text
from ansim.geo.gml_text import GML, GS, GmlError, Reading
from ansim.geo.require import MAX_VERTICES, Place, closed
from ansim.geo.shapes import (
    ArcBand,
    Circle,
    Confidence,
    Ellipse,
    Ellipsoid,
    Pdf,
    Point,
    Polygon,
    Prism,
    Shape,
    Sphere,
)

__all__ = ["GML", "GS", "GmlError", "Read", "is_shape", "read"]


class Stated(TypedDict, total=False):
    """What stands beside a shape, where something does."""

    confidence: Confidence
    pdf: Pdf


class Read(NamedTuple):
    """A shape, and what was mended to get it (empty unless reading was lenient)."""

    shape: Shape
    repairs: tuple[str, ...] = ()


def is_shape(element: etree._Element) -> bool:
    """Whether the element is called like a shape, in whichever namespace."""
    return text.local(element) in _READERS


def read(
    element: etree._Element,
    *,
    lenient: bool = False,
    confidence: Confidence | None = None,
    pdf: Pdf = "unknown",
) -> Read:
    """The shape of one ``gml:`` or ``gs:`` element. Raises :class:`GmlError` that names the element at fault.

    ``confidence`` and ``pdf`` stand beside the shape in PIDF-LO, so the caller gives them.
    """
    name = text.local(element)
    if name not in _READERS:
        raise GmlError(name, "is no shape that is known here")
    namespace, reader = _READERS[name]
    reading = Reading(lenient=lenient)
    reading.require_namespace(element, namespace)
    reading.crs(element)
    known: Stated = {} if confidence is None else {"confidence": confidence, "pdf": pdf}
    try:
        shape = reader(reading, element, known)
        flaw = shape.flaw if isinstance(shape, Polygon | Prism) else ""
    except GmlError:
        raise
    except ValueError as problem:
        raise GmlError(name, str(problem)) from problem
    if flaw:
        reading.mend("self-crossing-ring", element, f"is no simple polygon: {flaw}")
    return Read(shape, tuple(dict.fromkeys(reading.repairs)))


def _point(reading: Reading, element: etree._Element, known: Stated) -> Shape:
    lat, lon, altitude = reading.position(element)
    return Point(lat=lat, lon=lon, altitude_m=altitude, **known)


def _circle(reading: Reading, element: etree._Element, known: Stated) -> Shape:
    lat, lon, altitude = reading.position(element)
    radius = reading.length(element, "radius")
    if altitude is not None:
        raise GmlError("Circle", "must lie in two dimensions; in three it is a Sphere")
    return Circle(lat=lat, lon=lon, radius_m=radius, **known)


def _sphere(reading: Reading, element: etree._Element, known: Stated) -> Shape:
    lat, lon, altitude = reading.position(element)
    radius = reading.length(element, "radius")
    if altitude is None:
        reading.mend("missing-altitude", element, "needs an altitude (EPSG 4979)")
        return Circle(lat=lat, lon=lon, radius_m=radius, **known)
    return Sphere(lat=lat, lon=lon, altitude_m=altitude, radius_m=radius, **known)


def _axes(reading: Reading, element: etree._Element) -> tuple[float, float, float]:
    """Semi-major and semi-minor axis and the orientation."""
    major, minor = reading.length(element, "semiMajorAxis"), reading.length(element, "semiMinorAxis")
    orientation = reading.angle(element, "orientation")
    if minor > major:
        reading.mend("axes-exchanged", element, "has a semi-minor axis longer than the semi-major")
        return minor, major, orientation - 90.0 if orientation >= 90.0 else orientation + 90.0
    return major, minor, orientation


def _ellipse(reading: Reading, element: etree._Element, known: Stated) -> Shape:
    lat, lon, altitude = reading.position(element)
    if altitude is not None:
        raise GmlError("Ellipse", "must lie in two dimensions; in three it is an Ellipsoid")
    major, minor, orientation = _axes(reading, element)
    return Ellipse(
        lat=lat, lon=lon, semi_major_m=major, semi_minor_m=minor, orientation_deg=orientation, **known
    )


def _ellipsoid(reading: Reading, element: etree._Element, known: Stated) -> Shape:
    lat, lon, altitude = reading.position(element)
    major, minor, orientation = _axes(reading, element)
    vertical = reading.length(element, "verticalAxis")
    if altitude is None:
        reading.mend("missing-altitude", element, "needs an altitude (EPSG 4979)")
        return Ellipse(
            lat=lat,
            lon=lon,
            semi_major_m=major,
            semi_minor_m=minor,
            orientation_deg=orientation,
            **known,
        )
    return Ellipsoid(
        lat=lat,
        lon=lon,
        altitude_m=altitude,
        semi_major_m=major,
        semi_minor_m=minor,
        vertical_m=vertical,
        orientation_deg=orientation,
        **known,
    )


def _arc_band(reading: Reading, element: etree._Element, known: Stated) -> Shape:
    lat, lon, _ = reading.position(element)
    return ArcBand(
        lat=lat,
        lon=lon,
        inner_m=reading.length(element, "innerRadius"),
        outer_m=reading.length(element, "outerRadius"),
        start_deg=reading.angle(element, "startAngle"),
        opening_deg=reading.angle(element, "openingAngle"),
        **known,
    )


def _polygon(reading: Reading, element: etree._Element, known: Stated) -> Shape:
    ring, altitude = _ring(reading, element, reading.child(element, "exterior", "outerBoundaryIs"))
    holes = tuple(
        _ring(reading, element, hole)[0] for hole in reading.children(element, "interior", "innerBoundaryIs")
    )
    return Polygon(ring=ring, holes=holes, altitude_m=altitude, **known)


def _prism(reading: Reading, element: etree._Element, known: Stated) -> Shape:
    base = reading.child(reading.child(element, "base"), "Polygon")
    system = base if base.get("srsName") else element
    ring, altitude = _ring(reading, system, reading.child(base, "exterior", "outerBoundaryIs"))
    height = reading.length(element, "height")
    if altitude is None:
        reading.mend("missing-altitude", element, "needs an altitude (EPSG 4979)")
        return Polygon(ring=ring, **known)
    if height <= 0.0:
        raise GmlError("height", "must be more than 0")
    return Prism(ring=ring, altitude_m=altitude, height_m=height, **known)


def _ring(
    reading: Reading, system: etree._Element, boundary: etree._Element
) -> tuple[tuple[Place, ...], float | None]:
    """The places of a ring, closed, and their one altitude; ``system`` names the reference system."""
    linear = reading.child(boundary, "LinearRing")
    positions = reading.ring_positions(system, linear, MAX_VERTICES)
    places = tuple((lat, lon) for lat, lon, _ in positions)
    altitudes = {altitude for _, _, altitude in positions}
    if len(altitudes) > 1:
        raise GmlError("LinearRing", "must have one altitude for all of its places")
    if len(places) < 3:
        raise GmlError("LinearRing", f"needs at least 4 places, it has {len(places)}")
    if places[0] != places[-1]:
        reading.mend("unclosed-ring", linear, "is not closed: the last place must repeat the first")
    return closed(places), altitudes.pop()


Reader = Callable[[Reading, etree._Element, Stated], Shape]
_READERS: dict[str, tuple[str, Reader]] = {
    "Point": (GML, _point),
    "Polygon": (GML, _polygon),
    "Circle": (GS, _circle),
    "Ellipse": (GS, _ellipse),
    "ArcBand": (GS, _arc_band),
    "Sphere": (GS, _sphere),
    "Ellipsoid": (GS, _ellipsoid),
    "Prism": (GS, _prism),
}

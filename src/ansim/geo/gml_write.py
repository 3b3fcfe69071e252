"""Shapes written as XML, as RFC 5491 has them; confidence goes beside them (RFC 7459), not into them."""

from collections.abc import Sequence

from lxml import etree

from ansim.geo.gml_text import CRS_2D, CRS_3D, DEGREE, GML, GS, METRE
from ansim.geo.require import Place
from ansim.geo.shapes import ArcBand, Circle, Ellipse, Ellipsoid, Point, Polygon, Prism, Shape, Sphere

NSMAP = {"gml": GML, "gs": GS}


def shape_element(shape: Shape) -> etree._Element:
    """The XML of a shape, as RFC 5491 writes it."""
    match shape:
        case Point():
            element = _new(GML, "Point", _crs(shape.altitude_m))
            _pos(element, shape.lat, shape.lon, shape.altitude_m)
        case Polygon():
            element = _new(GML, "Polygon", _crs(shape.altitude_m))
            _rings(element, shape.ring, shape.holes, shape.altitude_m)
        case Prism():
            element = _new(GS, "Prism", CRS_3D)
            base = etree.SubElement(etree.SubElement(element, f"{{{GS}}}base"), f"{{{GML}}}Polygon")
            _rings(base, shape.ring, (), shape.altitude_m)
            _measure(element, "height", shape.height_m)
        case Circle():
            element = _new(GS, "Circle", CRS_2D)
            _pos(element, shape.lat, shape.lon)
            _measure(element, "radius", shape.radius_m)
        case Sphere():
            element = _new(GS, "Sphere", CRS_3D)
            _pos(element, shape.lat, shape.lon, shape.altitude_m)
            _measure(element, "radius", shape.radius_m)
        case Ellipse():
            element = _new(GS, "Ellipse", CRS_2D)
            _pos(element, shape.lat, shape.lon)
            _measure(element, "semiMajorAxis", shape.semi_major_m)
            _measure(element, "semiMinorAxis", shape.semi_minor_m)
            _measure(element, "orientation", shape.orientation_deg, DEGREE)
        case Ellipsoid():
            element = _new(GS, "Ellipsoid", CRS_3D)
            _pos(element, shape.lat, shape.lon, shape.altitude_m)
            _measure(element, "semiMajorAxis", shape.semi_major_m)
            _measure(element, "semiMinorAxis", shape.semi_minor_m)
            _measure(element, "verticalAxis", shape.vertical_m)
            _measure(element, "orientation", shape.orientation_deg, DEGREE)
        case ArcBand():
            element = _new(GS, "ArcBand", CRS_2D)
            _pos(element, shape.lat, shape.lon)
            _measure(element, "innerRadius", shape.inner_m)
            _measure(element, "outerRadius", shape.outer_m)
            _measure(element, "startAngle", shape.start_deg, DEGREE)
            _measure(element, "openingAngle", shape.opening_deg, DEGREE)
    return element


def number(value: float) -> str:
    """A number as xs:double writes it, without losing any of it."""
    written = repr(float(value))
    return written[:-2] if written.endswith(".0") else written


def _new(namespace: str, name: str, crs: str) -> etree._Element:
    element = etree.Element(f"{{{namespace}}}{name}", nsmap=NSMAP)
    element.set("srsName", crs)
    return element


def _crs(altitude_m: float | None) -> str:
    return CRS_2D if altitude_m is None else CRS_3D


def _pos(parent: etree._Element, lat: float, lon: float, altitude_m: float | None = None) -> None:
    values = (lat, lon) if altitude_m is None else (lat, lon, altitude_m)
    etree.SubElement(parent, f"{{{GML}}}pos").text = " ".join(map(number, values))


def _rings(
    polygon: etree._Element, ring: Sequence[Place], holes: Sequence[Sequence[Place]], altitude_m: float | None
) -> None:
    rest = () if altitude_m is None else (altitude_m,)
    for name, places in (("exterior", ring), *(("interior", hole) for hole in holes)):
        linear = etree.SubElement(etree.SubElement(polygon, f"{{{GML}}}{name}"), f"{{{GML}}}LinearRing")
        values = (number(value) for place in places for value in (*place, *rest))
        etree.SubElement(linear, f"{{{GML}}}posList").text = " ".join(values)


def _measure(parent: etree._Element, name: str, value: float, unit: str = METRE) -> None:
    element = etree.SubElement(parent, f"{{{GS}}}{name}")
    element.set("uom", unit)
    element.text = number(value)

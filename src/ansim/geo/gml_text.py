"""The small parts of GML: positions, lists of them, measures with units, namespaces and reference systems."""

import math
import re
from typing import TypeAlias

import numpy as np
from lxml import etree

GML = "http://www.opengis.net/gml"
GS = "http://www.opengis.net/pidflo/1.0"
CRS_2D, CRS_3D = "urn:ogc:def:crs:EPSG::4326", "urn:ogc:def:crs:EPSG::4979"
METRE, DEGREE, RADIAN = (f"urn:ogc:def:uom:EPSG::{code}" for code in (9001, 9102, 9101))

Position: TypeAlias = tuple[float, float, float | None]
"""Latitude, longitude, altitude in metres or None."""

_CRS = re.compile(r"(?:urn:ogc:def:crs:EPSG:[\d.]*:|EPSG:)(4326|4979)")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
"""xs:double without its infinities and NaN."""
_OF_GML = {"pos", "posList", "exterior", "interior", "LinearRing", "Polygon"}
_LAT, _LON = (30.0, 45.0), (120.0, 135.0)
"""Around Korea, where no latitude looks like a longitude: axes can be told apart."""


class GmlError(ValueError):
    """A shape that is not taken: ``field`` is the element at fault, ``reason`` says what is wrong with it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def local(element: etree._Element) -> str:
    """The name of an element without its namespace."""
    return str(etree.QName(element).localname)


class Reading:
    """One shape being read; ``repairs`` grows with what had to be mended."""

    def __init__(self, *, lenient: bool) -> None:
        self.lenient = lenient
        self.repairs: list[str] = []

    def mend(self, repair: str, element: etree._Element, fault: str) -> None:
        """Note a repair, or refuse where reading is strict."""
        if not self.lenient:
            raise GmlError(local(element), fault)
        self.repairs.append(repair)

    def require_namespace(self, element: etree._Element, namespace: str) -> None:
        found = etree.QName(element).namespace
        if found != namespace:
            self.mend("wrong-namespace", element, f"must be in {namespace}, it is in {found or 'none'}")

    def crs(self, element: etree._Element) -> None:
        """Refuse coordinates that are not WGS84's."""
        name = element.get("srsName")
        if name is not None and not _CRS.fullmatch(name.strip()):
            raise GmlError(local(element), f"is in {name[:80]!r}; EPSG 4326 and 4979 (WGS84) are taken")

    def children(self, parent: etree._Element, *names: str) -> list[etree._Element]:
        """The children of this name; other spellings (of GML 2) are taken too."""
        found = [child for child in parent if isinstance(child.tag, str) and local(child) in names]
        for child in found:
            self.require_namespace(child, GML if names[0] in _OF_GML else GS)
        return found

    def child(self, parent: etree._Element, *names: str) -> etree._Element:
        """The one child of this name."""
        found = self.children(parent, *names)
        if len(found) != 1:
            raise GmlError(names[0], f"{local(parent)} needs exactly one, it has {len(found)}")
        return found[0]

    def position(self, element: etree._Element) -> Position:
        """The ``gml:pos`` of a shape."""
        [position] = self._positions(element, self.child(element, "pos", "coordinates"), None)
        return position

    def ring_positions(self, polygon: etree._Element, ring: etree._Element, most: int) -> list[Position]:
        """All positions of a ring, from one ``posList`` or from many ``pos``."""
        if lists := self.children(ring, "posList", "coordinates"):
            if len(lists) > 1:
                raise GmlError("posList", f"LinearRing needs exactly one, it has {len(lists)}")
            stated = lists[0].get("srsDimension") or polygon.get("srsDimension")
            name = polygon.get("srsName", "").strip()
            dimensions = 3 if stated == "3" or (stated is None and name.endswith("4979")) else 2
            return self._positions(polygon, lists[0], dimensions, most)
        found = self.children(ring, "pos", "pointMember")
        if len(found) > most:
            raise GmlError("LinearRing", f"has {len(found)} places, at most {most} are taken")
        return [position for pos in found for position in self._positions(polygon, pos, None)]

    def length(self, parent: etree._Element, name: str) -> float:
        """A length in metres."""
        element = self.child(parent, name)
        if element.get("uom", METRE) not in (METRE, "m", "metre", "meter"):
            raise GmlError(name, f"is in {element.get('uom', '')[:60]!r}; metres (EPSG 9001) are taken")
        return self._numbers(element)[0]

    def angle(self, parent: etree._Element, name: str) -> float:
        """An angle in degrees, from degrees or radians."""
        element = self.child(parent, name)
        unit = element.get("uom", DEGREE)
        if unit in (RADIAN, "radian", "rad"):
            return math.degrees(self._numbers(element)[0])
        if unit not in (DEGREE, "degree", "deg"):
            raise GmlError(name, f"is in {unit[:60]!r}; degrees (EPSG 9102) and radians (9101) are taken")
        return self._numbers(element)[0]

    def _positions(
        self, shape: etree._Element, element: etree._Element, dimensions: int | None, most: int = 1
    ) -> list[Position]:
        """Tuples of an element's text; without ``dimensions`` the whole text is one."""
        values = self._numbers(element)
        size = dimensions or len(values)
        if size not in (2, 3) or len(values) % size:
            raise GmlError(local(element), f"has {len(values)} numbers, which are no places of 2 or 3")
        if len(values) // size > most:
            raise GmlError(local(element), f"has {len(values) // size} places, at most {most} are taken")
        table = np.array(values, dtype=np.float64).reshape(-1, size)
        lat, lon = table[:, 0], table[:, 1]
        if ((_LON[0] <= lat) & (lat <= _LON[1]) & (_LAT[0] <= lon) & (lon <= _LAT[1])).all():
            self.mend("swapped-axes", element, "has longitude before latitude")
            lat, lon = lon, lat
        rest = table[:, 2].tolist() if size == 3 else [None] * len(table)
        return list(zip(lat.tolist(), lon.tolist(), rest, strict=True))

    def _numbers(self, element: etree._Element) -> list[float]:
        """The numbers in an element's text."""
        written = element.text or ""
        if len(element):
            raise GmlError(local(element), "holds elements where numbers were expected")
        if "," in written:
            self.mend("comma-separated", element, "has commas between its numbers")
            written = written.replace(",", " ")
        parts = written.split()
        if not parts:
            raise GmlError(local(element), "is empty")
        bad = next((part for part in parts if not _NUMBER.fullmatch(part)), None)
        if bad is not None:
            raise GmlError(local(element), f"holds {bad[:40]!r}, which is no finite number")
        return [float(part) for part in parts]

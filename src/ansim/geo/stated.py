"""The shape that a report states for a position, read leniently: nothing refused, what was assumed marked."""

from typing import Any

import msgspec

from ansim.geo import pidf
from ansim.geo.geojson import GeoJsonError, from_geojson
from ansim.geo.pidf import PidfError
from ansim.geo.shapes import Polygon, Prism, Shape

MOST_PLACES = 500
"""Places of a ring that a position carries along; a longer one becomes the circle around it."""
KOREA_LAT = (32.0, 39.5)
KOREA_LON = (123.5, 132.5)


def stated_shape(raw: object) -> tuple[Shape | None, tuple[str, ...]]:
    """A shape from a report's JSON: our own form, GeoJSON, or a PIDF-LO document as text; None without one.

    Marks: *garbled_shape*, *repaired_shape* (see :mod:`ansim.geo.gml`), *swapped_axes*, *shape_reduced*.
    """
    if raw is None:
        return None, ()
    try:
        shape, marks = _document(raw) if isinstance(raw, str) else _value(raw)
    except (PidfError, GeoJsonError, msgspec.ValidationError, RecursionError):
        return None, ("garbled_shape",)
    if isinstance(shape, Polygon | Prism) and len(shape.ring) > MOST_PLACES:
        return shape.to_circle(), (*marks, "shape_reduced")
    return shape, marks


def swapped(lat: float, lon: float) -> bool:
    """Whether a place lies in Korea only with its axes exchanged."""
    return KOREA_LAT[0] <= lon <= KOREA_LAT[1] and KOREA_LON[0] <= lat <= KOREA_LON[1]


def _document(text: str) -> tuple[Shape | None, tuple[str, ...]]:
    """The first shape of a PIDF-LO document, in the order to be believed."""
    for location in pidf.parse(text.encode("utf-8", "replace"), lenient=True).locations:
        for shape in location.shapes:
            return shape, ("repaired_shape",) if location.repairs else ()
    return None, ("garbled_shape",)


def _value(raw: object) -> tuple[Shape | None, tuple[str, ...]]:
    if isinstance(raw, dict) and "type" in raw:
        return from_geojson(raw), ()
    turned = _turned(raw) if isinstance(raw, dict) else None
    shape: Shape = msgspec.convert(raw if turned is None else turned, Shape, strict=True)
    return shape, () if turned is None else ("swapped_axes",)


def _turned(raw: dict[str, Any]) -> dict[str, Any] | None:
    """The value with its axes exchanged, where it is in Korea only so."""
    if "ring" in raw:
        ring = raw["ring"]
        places = ring if isinstance(ring, list) else []
        if places and all(isinstance(one, list) and len(one) == 2 and _is_swapped(*one) for one in places):
            return raw | {"ring": [[lon, lat] for lat, lon in places]}
        return None
    if _is_swapped(raw.get("lat"), raw.get("lon")):
        return raw | {"lat": raw["lon"], "lon": raw["lat"]}
    return None


def _is_swapped(lat: object, lon: object) -> bool:
    return isinstance(lat, int | float) and isinstance(lon, int | float) and swapped(lat, lon)

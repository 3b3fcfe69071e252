"""Any shape that there can be, for property tests."""

import math
from typing import Any

from hypothesis import strategies as st

from ansim.geo.shapes import (
    ArcBand,
    Circle,
    Ellipse,
    Ellipsoid,
    Place,
    Point,
    Polygon,
    Prism,
    Shape,
    Sphere,
    closed,
)

lats = st.floats(-85.0, 85.0)
lons = st.floats(-180.0, 180.0)
lengths = st.floats(0.5, 50_000.0)
altitudes = st.floats(-500.0, 9_000.0)
directions = st.floats(0.0, 360.0)
confidences = st.one_of(st.just("unknown"), st.floats(0.5, 99.5))
pdfs = st.sampled_from(["unknown", "normal", "rectangular"])
stated = st.fixed_dictionaries({"confidence": confidences, "pdf": pdfs})


@st.composite
def rings(draw: st.DrawFn) -> tuple[Place, ...]:
    """A simple ring: places around a middle, each further round than the one before."""
    lat, lon = draw(st.floats(-80.0, 80.0)), draw(lons)
    count = draw(st.integers(3, 12))
    radii = draw(st.lists(st.floats(0.001, 0.05), min_size=count, max_size=count))
    places = []
    for number, radius in enumerate(radii):
        turn = 2 * math.pi * number / count
        east = (lon + radius * math.cos(turn) + 180.0) % 360.0 - 180.0
        places.append((lat + radius * math.sin(turn), east))
    return closed(places)


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Any of the eight."""
    known: dict[str, Any] = draw(stated)
    at: dict[str, Any] = {"lat": draw(lats), "lon": draw(lons)}
    major = draw(lengths)
    minor = draw(st.floats(0.25, 1.0)) * major
    kind = draw(st.integers(0, 7))
    if kind == 0:
        return Point(**at, altitude_m=draw(st.none() | altitudes))
    if kind == 1:
        return Circle(**at, radius_m=major, **known)
    if kind == 2:
        return Ellipse(
            **at, semi_major_m=major, semi_minor_m=minor, orientation_deg=draw(directions), **known
        )
    if kind == 3:
        inner = draw(st.floats(0.0, 0.9)) * major
        opening = draw(st.floats(1.0, 360.0))
        return ArcBand(
            **at, inner_m=inner, outer_m=major, start_deg=draw(directions), opening_deg=opening, **known
        )
    if kind == 4:
        return Polygon(ring=draw(rings()), altitude_m=draw(st.none() | altitudes), **known)
    if kind == 5:
        return Prism(
            ring=draw(rings()), altitude_m=draw(altitudes), height_m=draw(st.floats(0.5, 100)), **known
        )
    if kind == 6:
        return Sphere(**at, altitude_m=draw(altitudes), radius_m=major, **known)
    return Ellipsoid(
        **at,
        altitude_m=draw(altitudes),
        semi_major_m=major,
        semi_minor_m=minor,
        vertical_m=draw(lengths),
        orientation_deg=draw(directions),
        **known,
    )

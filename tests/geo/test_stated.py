"""Shapes as reports state them: own form, GeoJSON, PIDF-LO; never refused, always marked."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansim.geo import pidf
from ansim.geo.geojson import to_geojson
from ansim.geo.pidf import Location, Presence
from ansim.geo.shapes import ArcBand, Circle, Point, Polygon, Shape
from ansim.geo.stated import stated_shape, swapped
from geo.shape_strategies import shapes

RING = ((37.0, 127.0), (37.0, 127.1), (37.1, 127.1), (37.0, 127.0))


@given(shapes())
@settings(max_examples=60, deadline=None)
def test_all_three_forms_are_read(shape: Shape) -> None:
    presence = Presence(entity="pres:x@example.com", locations=(Location(shapes=(shape,)),))
    for raw in (msgspec.to_builtins(shape), to_geojson(shape), pidf.serialise(presence).decode()):
        found, marks = stated_shape(raw)
        if isinstance(raw, str) and isinstance(shape, Point):
            continue  # PIDF-LO states no confidence for a point
        assert set(marks) <= {"swapped_axes"}
        assert marks or found == shape


def test_nothing_stated_is_nothing_marked() -> None:
    assert stated_shape(None) == (None, ())


@pytest.mark.parametrize(
    "raw",
    [7, [], {}, "", "<a/>", {"shape": "blob"}, {"type": "Feature"}, {"shape": "circle", "lat": 1}, "\ud800"],
)
def test_what_is_no_shape_is_marked(raw: Any) -> None:
    assert stated_shape(raw) == (None, ("garbled_shape",))


def test_a_document_that_only_names_an_address_has_no_shape() -> None:
    presence = Presence(entity="e", locations=(Location(civic={"country": "KR"}),))
    assert stated_shape(pidf.serialise(presence).decode()) == (None, ("garbled_shape",))


def test_axes_are_exchanged_where_only_that_is_in_korea() -> None:
    band = {"shape": "arc-band", "inner_m": 1.0, "outer_m": 9.0, "start_deg": 1.0, "opening_deg": 30.0}
    shape, marks = stated_shape(band | {"lat": 127.0, "lon": 37.0})
    assert marks == ("swapped_axes",)
    assert isinstance(shape, ArcBand)
    assert shape.center[0] == pytest.approx(37.0, abs=0.01)
    ring = [[lon, lat] for lat, lon in RING]
    assert stated_shape({"shape": "polygon", "ring": ring}) == (Polygon(ring=RING), ("swapped_axes",))
    assert stated_shape({"shape": "polygon", "ring": 5}) == (None, ("garbled_shape",))
    assert stated_shape({"shape": "polygon", "ring": [list(one) for one in RING]}) == (Polygon(ring=RING), ())
    assert not swapped(37.0, 127.0)


def test_a_mended_document_is_marked() -> None:
    point = Presence(entity="e", locations=(Location(shapes=(Point(lat=37.0, lon=127.0),)),))
    text = pidf.serialise(point).decode().replace("37 127", "37,127")
    assert stated_shape(text) == (Point(lat=37.0, lon=127.0), ("repaired_shape",))


def test_a_ring_of_many_places_becomes_its_circle() -> None:
    turn = [2 * math.pi * number / 600 for number in range(600)]
    ring = [[37.0 + 0.01 * math.sin(angle), 127.0 + 0.01 * math.cos(angle)] for angle in turn]
    shape, marks = stated_shape({"shape": "polygon", "ring": [*ring, ring[0]]})
    assert marks == ("shape_reduced",)
    assert isinstance(shape, Circle)
    assert shape.radius_m == pytest.approx(1_112, rel=0.01)


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["shape", "lat", "lon", "ring", "type", "radius_m"]), inner)
    ),
    max_leaves=10,
)


@given(values)
@settings(max_examples=150, deadline=None)
def test_anything_is_read_or_marked(raw: Any) -> None:
    shape, marks = stated_shape(raw)
    if shape is None and raw is not None:
        assert marks == ("garbled_shape",)

"""Shapes as GeoJSON: any map draws them, and they come back exactly."""

import json
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from ansim.geo.geojson import GeoJsonError, from_geojson, to_geojson
from ansim.geo.shapes import Circle, Point, Polygon, Shape
from geo.shape_strategies import shapes

RING = [[127.0, 37.0], [127.1, 37.0], [127.1, 37.1], [127.0, 37.0]]


@given(shapes())
@settings(max_examples=120, deadline=None)
def test_a_shape_comes_back_exactly_and_is_drawn_within_the_world(shape: Shape) -> None:
    feature = json.loads(json.dumps(to_geojson(shape)))
    assert from_geojson(feature) == shape
    drawn = shapely.from_geojson(json.dumps(feature["geometry"]))
    assert shapely.is_valid(drawn)
    west, south, east, north = drawn.bounds
    assert -180.0 <= west <= east <= 180.0
    assert -90.0 <= south <= north <= 90.0


def test_ground_over_the_antimeridian_is_cut_there() -> None:
    feature = to_geojson(Circle(lat=0.0, lon=179.99, radius_m=5_000.0))
    assert feature["geometry"]["type"] == "MultiPolygon"
    assert len(feature["geometry"]["coordinates"]) == 2


def test_what_others_write() -> None:
    assert from_geojson({"type": "Point", "coordinates": [127, 37, 5.5]}) == Point(
        lat=37.0, lon=127.0, altitude_m=5.5
    )
    place = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [127.0, 37.0]},
        "properties": {"radius": 20},
    }
    assert from_geojson(place) == Circle(lat=37.0, lon=127.0, radius_m=20.0)
    ring = tuple((lat, lon) for lon, lat in RING)
    assert from_geojson({"type": "Polygon", "coordinates": [RING, RING]}) == Polygon(ring=ring, holes=(ring,))
    assert from_geojson(
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [RING]}}
    ) == Polygon(ring=ring)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([], "type"),
        ({"type": "LineString", "coordinates": RING}, "type"),
        ({"type": "Point", "coordinates": [127.0, True]}, "coordinates"),
        ({"type": "Point", "coordinates": "12"}, "coordinates"),
        ({"type": "Point", "coordinates": [1.0]}, "coordinates"),
        ({"type": "Point", "coordinates": [37.0, 127.0]}, "coordinates: lat"),
        ({"type": "Polygon", "coordinates": []}, "coordinates"),
        ({"type": "Polygon", "coordinates": [7]}, "coordinates"),
        ({"type": "Polygon", "coordinates": [RING[:2]]}, "coordinates: ring"),
        ({"type": "Feature", "geometry": None}, "geometry"),
        (
            {"type": "Feature", "properties": {"shape": {"shape": "circle", "lat": 99, "lon": 1}}},
            "properties.shape",
        ),
        ({"type": "Feature", "properties": {"shape": {"shape": "blob"}}}, "properties.shape"),
    ],
)
def test_what_is_no_shape_is_refused_by_name(value: Any, field: str) -> None:
    with pytest.raises(GeoJsonError, match=f"^{field}"):
        from_geojson(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["type", "coordinates", "geometry", "properties", "shape", "radius", "lat", "lon"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
geometry = st.fixed_dictionaries(
    {"type": st.sampled_from(["Point", "Polygon", "Feature"]), "coordinates": json_values}
)


@given(json_values | geometry | st.fixed_dictionaries({"type": st.just("Feature"), "geometry": geometry}))
@settings(max_examples=150, deadline=None)
def test_anything_is_read_or_refused(value: Any) -> None:
    try:
        from_geojson(value).to_polygon()
    except GeoJsonError as problem:
        if not problem.field:
            pytest.fail("no field is named")

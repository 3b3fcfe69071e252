"""Shapes of the standards: what they cover, their middles and circles, and what can't be one."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
import shapely
from hypothesis import given, settings

from ansim.geo.drawing import lay_flat
from ansim.geo.geodesy import WGS84, Plane
from ansim.geo.shapes import ArcBand, Circle, Ellipse, Ellipsoid, Point, Polygon, Prism, Shape, Sphere
from geo.shape_strategies import shapes

SEOUL: dict[str, Any] = {"lat": 37.5, "lon": 127.0}
ODD: dict[str, Any] = {"pdf": "flat"}
SQUARE = ((37.0, 127.0), (37.0, 127.01), (37.01, 127.01), (37.01, 127.0), (37.0, 127.0))


def area_m2(shape: Shape) -> float:
    """The true area on the ellipsoid."""
    ground = shapely.orient_polygons(shape.to_polygon())
    return float(WGS84.geometry_area_perimeter(ground)[0])


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        (Circle(**SEOUL, radius_m=50.0), math.pi * 2_500),
        (Circle(**SEOUL, radius_m=20_000.0), math.pi * 4e8),
        (Ellipse(**SEOUL, semi_major_m=300.0, semi_minor_m=100.0, orientation_deg=30.0), math.pi * 30_000),
        (
            ArcBand(**SEOUL, inner_m=0.0, outer_m=900.0, start_deg=350.0, opening_deg=90.0),
            math.pi * 810_000 / 4,
        ),
        (
            ArcBand(**SEOUL, inner_m=500.0, outer_m=900.0, start_deg=10.0, opening_deg=360.0),
            math.pi * 560_000,
        ),
        (Sphere(**SEOUL, altitude_m=30.0, radius_m=12.0), math.pi * 144),
        (
            Ellipsoid(**SEOUL, altitude_m=30.0, semi_major_m=20.0, semi_minor_m=10.0, vertical_m=40.0),
            math.pi * 200,
        ),
    ],
)
def test_a_drawn_shape_has_the_area_it_should(shape: Shape, area: float) -> None:
    assert area_m2(shape) == pytest.approx(area, rel=2e-4)


def test_an_ellipse_points_where_it_is_oriented() -> None:
    east = Ellipse(**SEOUL, semi_major_m=1_000.0, semi_minor_m=100.0, orientation_deg=90.0).to_polygon()
    west, south, right, north = lay_flat(east, Plane(37.5, 127.0)).bounds
    assert (right - west) / (north - south) == pytest.approx(10.0, rel=0.01)
    assert shapely.contains_xy(
        Ellipse(**SEOUL, semi_major_m=1_000.0, semi_minor_m=100.0, orientation_deg=45.0).to_polygon(),
        *(float(one[0]) for one in Plane(37.5, 127.0).to_lonlat(600.0, 600.0)),
    )


def test_the_arc_band_of_rfc_5491_opens_clockwise_from_north() -> None:
    paul = ArcBand(
        lat=-43.5723, lon=153.2176, inner_m=3_594.0, outer_m=4_148.0, start_deg=20.0, opening_deg=120.0
    )
    ground, plane = paul.to_polygon(), Plane(-43.5723, 153.2176)
    for course, away, inside in (
        (80.0, 3_900.0, True),
        (10.0, 3_900.0, False),
        (150.0, 3_900.0, False),
        (80.0, 100.0, False),
    ):
        angle = math.radians(course)
        lon, lat = plane.to_lonlat(away * math.sin(angle), away * math.cos(angle))
        assert bool(shapely.contains_xy(ground, lon[0], lat[0])) is inside
    assert 3_000.0 < float(np.hypot(*plane.to_xy(*paul.center))[0]) < 3_594.0


def test_a_point_covers_nothing_and_a_shape_without_width_neither() -> None:
    assert Point(**SEOUL).to_polygon().is_empty
    assert Ellipse(**SEOUL, semi_major_m=5.0, semi_minor_m=0.0).to_polygon().is_empty
    assert Point(**SEOUL).to_circle() == Circle(**SEOUL)


@given(shapes())
@settings(max_examples=150, deadline=None)
def test_every_shape_is_sound_and_inside_its_circle(shape: Shape) -> None:
    ground, circle = shape.to_polygon(), shape.to_circle()
    assert shapely.is_valid(ground)
    assert -90 <= circle.lat <= 90
    assert -180 <= circle.lon <= 180
    if not ground.is_empty:
        lon, lat = shapely.get_coordinates(ground).T
        away = np.hypot(*Plane(circle.lat, circle.lon).to_xy(lat, lon))
        assert away.max() <= circle.radius_m * 1.01 + 0.01
    assert msgspec.json.decode(msgspec.json.encode(shape), type=Shape) == shape


def test_a_polygon_over_the_antimeridian_is_in_one_piece() -> None:
    shape = Polygon(ring=((0.0, 179.9), (0.0, -179.9), (0.1, -179.9), (0.1, 179.9), (0.0, 179.9)))
    assert area_m2(shape) == pytest.approx(22_264 * 11_057, rel=0.01)
    assert abs(shape.center[1]) == pytest.approx(180.0)
    circle = Circle(lat=-17.0, lon=179.999, radius_m=5_000.0)
    assert area_m2(circle) == pytest.approx(math.pi * 25e6, rel=1e-3)


def test_a_ring_that_crosses_itself_is_told_and_its_ground_is_sound() -> None:
    bow = Polygon(ring=((37.0, 127.0), (37.01, 127.01), (37.01, 127.0), (37.0, 127.01), (37.0, 127.0)))
    assert "Self-intersection" in bow.flaw
    assert shapely.is_valid(bow.to_polygon())
    assert area_m2(bow) == pytest.approx(area_m2(Polygon(ring=SQUARE)) / 2, rel=0.01)
    flat = Polygon(ring=((37.0, 127.0), (37.0, 127.01), (37.0, 127.02), (37.0, 127.0)))
    assert flat.to_polygon().is_empty
    assert flat.center == pytest.approx((37.0, 127.0075))


def test_holes_are_no_ground() -> None:
    hole = ((37.004, 127.004), (37.004, 127.006), (37.006, 127.006), (37.006, 127.004), (37.004, 127.004))
    assert area_m2(Polygon(ring=SQUARE, holes=(hole,))) == pytest.approx(
        0.96 * area_m2(Polygon(ring=SQUARE)), rel=1e-4
    )


def test_a_hundred_thousand_places_are_taken_and_more_than_twice_that_refused() -> None:
    turn = np.linspace(0, 2 * math.pi, 100_000, endpoint=False)
    places = [(37.0 + 0.1 * math.sin(angle), 127.0 + 0.1 * math.cos(angle)) for angle in turn.tolist()]
    shape = Polygon(ring=(*places, places[0]))
    assert shape.center == pytest.approx((37.0, 127.0), abs=1e-4)
    with pytest.raises(ValueError, match="ring must have at most 200000 places"):
        Polygon(ring=(*places, *places, *places, places[0]))


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Point(lat=math.nan, lon=127.0), "lat"),
        (lambda: Point(lat=37.0, lon=181.0), "lon"),
        (lambda: Point(lat=True, lon=127.0), "lat"),
        (lambda: Point(**SEOUL, altitude_m=math.inf), "altitude_m"),
        (lambda: Circle(**SEOUL, radius_m=-1.0), "radius_m"),
        (lambda: Circle(**SEOUL, radius_m=math.inf), "radius_m"),
        (lambda: Circle(**SEOUL, radius_m=5.0, confidence=100.0), "confidence"),
        (lambda: Circle(**SEOUL, radius_m=5.0, confidence=0.0), "confidence"),
        (lambda: Circle(**SEOUL, radius_m=5.0, **ODD), "pdf"),
        (lambda: Ellipse(**SEOUL, semi_major_m=1.0, semi_minor_m=2.0), "semi_minor_m"),
        (
            lambda: Ellipse(**SEOUL, semi_major_m=2.0, semi_minor_m=1.0, orientation_deg=math.nan),
            "orientation_deg",
        ),
        (lambda: ArcBand(**SEOUL, inner_m=2.0, outer_m=2.0, start_deg=0.0, opening_deg=9.0), "outer_m"),
        (lambda: ArcBand(**SEOUL, inner_m=1.0, outer_m=2.0, start_deg=0.0, opening_deg=0.0), "opening_deg"),
        (lambda: Polygon(ring=SQUARE[:3]), "ring"),
        (lambda: Polygon(ring=SQUARE[:4]), "ring"),
        (
            lambda: Polygon(ring=((37.0, 127.0), (math.nan, 127.0), (37.0, 128.0), (37.0, 127.0))),
            r"ring\[1\].lat",
        ),
        (lambda: Polygon(ring=SQUARE, holes=(SQUARE[:2],)), r"holes\[0\]"),
        (lambda: Prism(ring=SQUARE, altitude_m=0.0, height_m=-1.0), "height_m"),
        (lambda: Sphere(**SEOUL, altitude_m=math.nan, radius_m=1.0), "altitude_m"),
        (
            lambda: Ellipsoid(**SEOUL, altitude_m=0.0, semi_major_m=1.0, semi_minor_m=1.0, vertical_m=-1.0),
            "vertical_m",
        ),
    ],
)
def test_what_can_not_be_is_refused_by_the_name_of_the_field(make: Any, field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field} "):
        make()

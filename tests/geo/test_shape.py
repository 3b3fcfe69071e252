"""Positions and the metric of the ground."""

import math

import msgspec
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from ansim.geo import shape
from ansim.geo.shape import Circle, bearing_deg, circle_polygons, destination, distance_m, distances_m

SEOUL, BUSAN = (37.5665, 126.9780), (35.1796, 129.0756)

latitudes = st.floats(-89.0, 89.0)
longitudes = st.floats(-179.0, 179.0)
korean = st.tuples(st.floats(33.0, 38.7), st.floats(124.5, 132.0))


def test_a_degree_of_latitude_is_as_long_as_the_mean_sphere_says() -> None:
    assert distance_m(36.0, 127.0, 37.0, 127.0) == pytest.approx(111_195, abs=1)


def test_distance_between_two_cities() -> None:
    assert distance_m(*SEOUL, *BUSAN) == pytest.approx(325_000, rel=0.01)


def test_antipodes_are_half_the_girth_apart() -> None:
    assert distance_m(0.0, 0.0, 0.0, 180.0) == pytest.approx(math.pi * shape.EARTH_RADIUS_M)


@given(korean, korean)
def test_distance_is_symmetric_and_zero_only_at_home(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    assert distance_m(*one, *other) == pytest.approx(distance_m(*other, *one), abs=1e-6)
    assert distance_m(*one, *one) == 0.0


def test_arrays_are_measured_as_single_places_are() -> None:
    lat, lon = np.array([37.0, 36.0, 35.0]), np.array([127.0, 128.0, 129.0])
    many = distances_m(lat, lon, SEOUL[0], SEOUL[1])
    one_by_one = [distance_m(a, o, *SEOUL) for a, o in zip(lat.tolist(), lon.tolist(), strict=True)]
    assert many.tolist() == pytest.approx(one_by_one)


@pytest.mark.parametrize(
    ("there", "course"),
    [((38.0, 127.0), 0.0), ((37.0, 128.0), 90.0), ((36.0, 127.0), 180.0), ((37.0, 126.0), 270.0)],
)
def test_bearings_are_clockwise_from_north(there: tuple[float, float], course: float) -> None:
    assert bearing_deg(37.0, 127.0, *there) == pytest.approx(course, abs=0.5)


@given(latitudes, longitudes, st.floats(0.0, 359.9), st.floats(1.0, 50_000.0))
def test_destination_undoes_distance_and_bearing(lat: float, lon: float, course: float, away: float) -> None:
    there = destination(lat, lon, course, away)
    assert distance_m(lat, lon, *there) == pytest.approx(away, rel=1e-5, abs=0.01)
    turn = abs(bearing_deg(lat, lon, *there) - course)
    assert min(turn, 360.0 - turn) < 0.1


@given(latitudes, longitudes, latitudes, longitudes)
def test_a_bearing_is_in_the_half_open_turn(lat1: float, lon1: float, lat2: float, lon2: float) -> None:
    assert 0.0 <= bearing_deg(lat1, lon1, lat2, lon2) < 360.0


@given(korean, st.floats(1.0, 100_000.0))
def test_every_vertex_of_a_circle_is_a_radius_away(centre: tuple[float, float], radius: float) -> None:
    ring = np.array(Circle(lat=centre[0], lon=centre[1], radius_m=radius).polygon().exterior.coords)
    away = distances_m(centre[0], centre[1], ring[:, 1], ring[:, 0])
    assert np.allclose(away, radius, rtol=0.01)


def test_a_drawn_circle_has_nearly_the_area_of_a_circle() -> None:
    polygon = circle_polygons(np.array([37.0]), np.array([127.0]), np.array([1000.0]))[0]
    flat = shapely.transform(
        polygon, lambda xy: xy * shape.METRES_PER_DEGREE * [math.cos(math.radians(37.0)), 1.0]
    )
    assert flat.area == pytest.approx(math.pi * 1000.0**2, rel=0.002)


def test_a_circle_at_the_pole_can_be_drawn() -> None:
    polygon = circle_polygons(np.array([90.0]), np.array([0.0]), np.array([10.0]))[0]
    assert np.isfinite(shapely.get_coordinates(polygon)).all()


def test_a_point_is_a_circle_of_radius_zero() -> None:
    assert Circle(lat=37.0, lon=127.0).is_point
    assert not Circle(lat=37.0, lon=127.0, radius_m=3.0).is_point
    assert Circle(lat=37.0, lon=127.0).confidence == 0.95


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"lat": 91.0, "lon": 0.0}, "lat"),
        ({"lat": math.nan, "lon": 0.0}, "lat"),
        ({"lat": 0.0, "lon": 180.1}, "lon"),
        ({"lat": 0.0, "lon": -math.inf}, "lon"),
        ({"lat": 0.0, "lon": 0.0, "radius_m": -1.0}, "radius_m"),
        ({"lat": 0.0, "lon": 0.0, "radius_m": math.inf}, "radius_m"),
        ({"lat": 0.0, "lon": 0.0, "radius_m": math.nan}, "radius_m"),
        ({"lat": 0.0, "lon": 0.0, "confidence": 0.0}, "confidence"),
        ({"lat": 0.0, "lon": 0.0, "confidence": 1.5}, "confidence"),
    ],
)
def test_what_is_no_place_is_refused_by_name(fields: dict[str, float], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named} must"):
        Circle(**fields)


def test_decoded_circles_are_checked_too() -> None:
    with pytest.raises(msgspec.ValidationError, match="lat must"):
        msgspec.json.decode(b'{"lat": 1000, "lon": 0}', type=Circle)

"""The worked examples of RFC 7459, section 6, and what follows from section 5."""

import math

import pytest
import shapely

from ansim.geo.flat import dimensions, flattened
from ansim.geo.geodesy import WGS84, Plane
from ansim.geo.shapes import ArcBand, Circle, Ellipse, Ellipsoid, Point, Polygon, Prism, Sphere, closed
from ansim.geo.uncertainty import (
    CannotScale,
    circles_overlap_m2,
    probability_within,
    scaled,
    to_sphere,
)

ALICE = Ellipsoid(
    lat=-34.407242,
    lon=150.882518,
    altitude_m=34.0,
    semi_major_m=7.7156,
    semi_minor_m=3.31,
    vertical_m=28.7,
    orientation_deg=43.0,
    confidence=19.0,
    pdf="normal",
)
BOB = Polygon(
    ring=(
        (-33.856625, 151.215906),
        (-33.856299, 151.215343),
        (-33.856326, 151.214731),
        (-33.857533, 151.214495),
        (-33.857720, 151.214613),
        (-33.857369, 151.215375),
        (-33.856625, 151.215906),
    ),
    pdf="rectangular",
)
CONCERT_HALL = closed(
    [
        (-33.856473, 151.215257),
        (-33.856322, 151.214973),
        (-33.856424, 151.21471),
        (-33.857248, 151.214753),
        (-33.857413, 151.214941),
        (-33.857311, 151.215128),
    ]
)


def area_m2(shape: Polygon) -> float:
    return abs(float(WGS84.geometry_area_perimeter(shape.to_polygon())[0]))


def test_alice_is_reduced_to_a_ball_and_to_a_circle() -> None:
    assert to_sphere(ALICE).radius_m == 28.7
    assert to_sphere(to_sphere(ALICE)) == to_sphere(ALICE)
    circle = ALICE.to_circle()
    assert (circle.lat, circle.lon, circle.radius_m, circle.confidence) == (
        -34.407242,
        150.882518,
        7.7156,
        19.0,
    )


def test_bob_is_reduced_to_a_circle() -> None:
    circle = BOB.to_circle()
    assert (circle.lat, circle.lon) == pytest.approx((-33.856926, 151.215102), abs=1e-6)
    assert circle.radius_m == pytest.approx(99.1, abs=0.1)
    assert area_m2(BOB) == pytest.approx(12_600, rel=0.002)


def test_alice_is_scaled_to_95_percent() -> None:
    sure = scaled(ALICE, 95.0)
    assert sure.semi_major_m / ALICE.semi_major_m == pytest.approx(2.9937, abs=1e-4)
    assert (sure.semi_major_m, sure.semi_minor_m, sure.vertical_m) == pytest.approx(
        (23.1, 10.0, 86.0), rel=0.01
    )
    assert sure.confidence == 95.0
    assert scaled(sure, 19.0).semi_major_m == pytest.approx(ALICE.semi_major_m)


def test_bob_in_the_concert_hall() -> None:
    hall = Polygon(ring=CONCERT_HALL)
    assert area_m2(hall) == pytest.approx(4_566.2, rel=0.002)
    assert probability_within(BOB, hall.to_polygon()) == pytest.approx(0.34, abs=0.005)


def test_bob_in_the_region_of_interest() -> None:
    """Section 6.3 prints Alice's place for Bob's: with Bob's own, the figures are these."""
    bob, middle = BOB.to_circle(), Plane(-33.872754, 151.20683)
    x, y = middle.to_xy(bob.lat, bob.lon)
    apart = math.hypot(float(x[0]), float(y[0]))
    assert apart == pytest.approx(1_915.26, abs=0.5)
    assert circles_overlap_m2(99.1, 1_950.0, 1_915.26) == pytest.approx(22_030, abs=5)
    assert circles_overlap_m2(99.1, 1_920.0, 1_915.26) == pytest.approx(16_196, abs=5)
    assert math.pi * 99.1**2 == pytest.approx(30_853, abs=1)
    for radius, probability in ((1_950.0, 0.678), (1_920.0, 0.498)):
        region = Circle(lat=-33.872754, lon=151.20683, radius_m=radius).to_polygon()
        assert probability_within(bob, region) == pytest.approx(probability, abs=0.005)


def test_alices_place_is_60_km_from_the_region_that_the_standard_gives_for_bob() -> None:
    region = Circle(lat=-33.872754, lon=151.20683, radius_m=1_950.0).to_polygon()
    misprint = Circle(lat=-34.407242, lon=150.882518, radius_m=7.7156)
    assert probability_within(misprint, region) == 0.0


def test_circles_apart_and_within_each_other() -> None:
    assert circles_overlap_m2(1.0, 2.0, 3.0) == 0.0
    assert circles_overlap_m2(1.0, 5.0, 2.0) == pytest.approx(math.pi)
    assert circles_overlap_m2(5.0, 1.0, 0.0) == pytest.approx(math.pi)


def test_a_normal_distribution_is_integrated() -> None:
    """Half of it lies on each side of a line through the middle; more near the middle than at the rim."""
    circle = Circle(lat=37.5, lon=127.0, radius_m=100.0, confidence=95.0, pdf="normal")
    half = shapely.box(127.0, 37.0, 128.0, 38.0)
    assert probability_within(circle, half) == pytest.approx(0.5, abs=0.005)
    deviation = 100.0 / math.sqrt(-2 * math.log(0.05))
    one = Circle(lat=37.5, lon=127.0, radius_m=deviation).to_polygon()
    assert probability_within(circle, one) == pytest.approx(1 - math.exp(-0.5), abs=0.005)
    assert probability_within(circle, circle.to_polygon()) == pytest.approx(0.95, abs=0.005)
    ellipse = Ellipse(
        lat=37.5, lon=127.0, semi_major_m=300.0, semi_minor_m=30.0, orientation_deg=90.0, pdf="normal"
    )
    strip = Ellipse(lat=37.5, lon=127.0, semi_major_m=3_000.0, semi_minor_m=40.0, orientation_deg=90.0)
    assert probability_within(ellipse, strip.to_polygon()) > 0.98
    assert probability_within(ellipse, half) == pytest.approx(0.5, abs=0.005)


def test_points_and_shapes_without_area_are_inside_or_not() -> None:
    region = shapely.box(126.0, 37.0, 128.0, 38.0)
    assert probability_within(Point(lat=37.5, lon=127.0), region) == 1.0
    assert probability_within(Point(lat=38.5, lon=127.0), region) == 0.0
    assert probability_within(Circle(lat=37.5, lon=127.0, pdf="normal"), region) == 1.0
    assert probability_within(Point(lat=37.5, lon=127.0), shapely.Polygon()) == 0.0


def test_over_the_antimeridian() -> None:
    region = shapely.box(-180.0, -1.0, -179.0, 1.0)
    circle = Circle(lat=0.0, lon=179.9999999, radius_m=1_000.0, pdf="rectangular")
    assert probability_within(circle, region) == pytest.approx(0.475, abs=0.001)


def test_unknown_confidence_counts_as_the_usual() -> None:
    circle = Circle(lat=37.5, lon=127.0, radius_m=10.0, confidence="unknown", pdf="normal")
    assert probability_within(circle, shapely.box(126.0, 37.0, 128.0, 38.0)) == pytest.approx(0.95)


def test_without_altitude_the_confidence_is_higher() -> None:
    ball = Sphere(lat=37.5, lon=127.0, altitude_m=10.0, radius_m=20.0, confidence=95.0)
    flat = flattened(ball)
    assert isinstance(flat, Circle)
    assert flat.confidence == pytest.approx(96.6, abs=0.05)
    assert isinstance(flattened(ALICE), Ellipse)
    prism = Prism(ring=CONCERT_HALL, altitude_m=3.0, height_m=3.0, confidence="unknown")
    assert flattened(prism) == Polygon(ring=CONCERT_HALL, confidence="unknown")
    assert flattened(Point(lat=1.0, lon=2.0, altitude_m=3.0)) == Point(lat=1.0, lon=2.0)
    assert flattened(Polygon(ring=CONCERT_HALL, altitude_m=2.0)) == Polygon(ring=CONCERT_HALL)
    band = ArcBand(lat=37.5, lon=127.0, inner_m=1.0, outer_m=2.0, start_deg=0.0, opening_deg=9.0)
    assert flattened(band) == band
    assert [dimensions(one) for one in (Point(lat=1.0, lon=2.0), band, prism)] == [0, 2, 3]


def test_what_can_not_be_scaled() -> None:
    even = Circle(lat=37.5, lon=127.0, radius_m=100.0, confidence=80.0, pdf="rectangular")
    assert scaled(even, 20.0).radius_m == pytest.approx(50.0)
    with pytest.raises(CannotScale, match="rectangular"):
        scaled(even, 95.0)
    with pytest.raises(CannotScale, match="unknown"):
        scaled(Circle(lat=37.5, lon=127.0, radius_m=100.0), 90.0)
    with pytest.raises(CannotScale, match="above 0 and below 100"):
        scaled(even, 100.0)

"""Who answers for a shape: greatest overlap, documented ties, islands, holes, sea, strips; never no one."""

import math
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given, settings

from ansim.distribution.importer import read_file
from ansim.geo.boundaries import BoundarySet
from ansim.geo.shapes import ArcBand, Circle, Ellipse, Ellipsoid, Point, Polygon, Prism, Shape, Sphere, closed
from geo.shape_strategies import shapes
from geo.squares import SIDE, SOUTH, WEST, boundary_set, country, square

BOARD = country()
BARE = country(cell_deg=0.0)
MIDDLE = SOUTH + SIDE / 2


@given(shapes())
@settings(max_examples=100, deadline=None)
def test_every_shape_on_earth_has_an_answer(shape: Shape) -> None:
    answer = BOARD.locate_shape(shape)
    assert answer.center_code in BOARD
    assert math.isfinite(answer.distance_m)
    assert answer.center_code not in answer.others
    assert answer == BARE.locate_shape(shape)


def test_the_kinds_that_are_round_are_answered_as_circles() -> None:
    place: dict[str, Any] = {"lat": MIDDLE, "lon": WEST + SIDE - 0.001}
    circle = BOARD.locate(place["lat"], place["lon"], 400.0)
    assert (circle.method, circle.others) == ("overlap", ("10001",))
    assert BOARD.locate_shape(Circle(**place, radius_m=400.0)) == circle
    assert BOARD.locate_shape(Sphere(**place, altitude_m=9.0, radius_m=400.0)) == circle
    assert BOARD.locate_shape(Point(**place)) == BOARD.locate(place["lat"], place["lon"])


def test_an_ellipse_reaches_over_the_border_only_along_its_axis() -> None:
    place: dict[str, Any] = {"lat": MIDDLE, "lon": WEST + SIDE - 0.002}
    across = Ellipse(**place, semi_major_m=1_000.0, semi_minor_m=50.0, orientation_deg=90.0)
    along = Ellipse(**place, semi_major_m=1_000.0, semi_minor_m=50.0, orientation_deg=0.0)
    assert BOARD.locate_shape(across).others == ("10001",)
    assert BOARD.locate_shape(along).others == ()
    assert BOARD.locate_shape(along).method == "contains"
    ball = Ellipsoid(
        **place, altitude_m=1.0, semi_major_m=1_000.0, semi_minor_m=50.0, vertical_m=9.0, orientation_deg=90.0
    )
    assert BOARD.locate_shape(ball) == BOARD.locate_shape(across)


def test_an_arc_band_belongs_to_where_the_band_is_not_the_antenna() -> None:
    band = ArcBand(
        lat=MIDDLE, lon=WEST + SIDE / 2, inner_m=6_000.0, outer_m=8_000.0, start_deg=80.0, opening_deg=20.0
    )
    answer = BOARD.locate_shape(band)
    assert (answer.center_code, answer.method, answer.others) == ("10001", "contains", ())


def test_a_room_belongs_to_the_building_s_town() -> None:
    ring = closed([(MIDDLE, WEST + 0.02), (MIDDLE, WEST + 0.021), (MIDDLE + 0.001, WEST + 0.021)])
    assert BOARD.locate_shape(Prism(ring=ring, altitude_m=30.0, height_m=3.0)).center_code == "10000"


def box(west: float, south: float, east: float, north: float) -> Polygon:
    return Polygon(ring=closed([(south, west), (south, east), (north, east), (north, west)]))


def test_equal_overlaps_go_to_the_nearest_to_the_middle_then_to_the_lowest_code() -> None:
    halves = box(WEST + SIDE - 0.01, MIDDLE - 0.01, WEST + SIDE + 0.01, MIDDLE + 0.01)
    answer = BOARD.locate_shape(halves)
    assert (answer.center_code, answer.method, answer.others) == ("10000", "overlap", ("10001",))
    apart = boundary_set([square(0, 0, 0.01), square(3, 0, 0.01)])
    both = box(WEST - 0.01, SOUTH, WEST + 0.04, SOUTH + 0.01)  # its middle is nearer to the first
    assert apart.locate_shape(both).center_code == "10000"
    both = box(WEST, SOUTH, WEST + 0.05, SOUTH + 0.01)
    assert apart.locate_shape(both).center_code == "10001"


def test_a_hole_belongs_to_what_fills_it_or_to_the_nearest() -> None:
    """An enclave (RFC 5964): its ground is not the surrounding town's."""
    ring = square(0, 0).difference(shapely.box(WEST + 0.04, SOUTH + 0.04, WEST + 0.06, SOUTH + 0.06))
    inside = box(WEST + 0.045, SOUTH + 0.045, WEST + 0.055, SOUTH + 0.055)
    filled = boundary_set([ring, shapely.box(WEST + 0.04, SOUTH + 0.04, WEST + 0.06, SOUTH + 0.06)])
    assert filled.locate_shape(inside).center_code == "10001"
    empty = boundary_set([ring, square(5, 5)])
    answer = empty.locate_shape(inside)
    assert (answer.center_code, answer.method) == ("10000", "nearest")
    assert answer.distance_m == pytest.approx(0.005 * 111_195 * math.cos(math.radians(37.05)), rel=0.01)


def test_a_shape_with_a_hole_is_weighed_without_it() -> None:
    hole = box(WEST + SIDE - 0.02, MIDDLE - 0.01, WEST + SIDE, MIDDLE + 0.01).ring
    around = Polygon(
        ring=box(WEST + SIDE - 0.02, MIDDLE - 0.01, WEST + SIDE + 0.019, MIDDLE + 0.01).ring, holes=(hole,)
    )
    assert BOARD.locate_shape(around).center_code == "10001"


def test_an_island_is_its_town_and_the_sea_beside_it_the_nearest() -> None:
    islands = boundary_set([shapely.union_all([square(0, 0), square(9, 0, 0.05)]), square(2, 0)])
    on_island = box(WEST + 0.455, SOUTH + 0.01, WEST + 0.46, SOUTH + 0.02)
    assert islands.locate_shape(on_island).center_code == "10000"
    at_sea = box(WEST + 0.52, SOUTH + 0.01, WEST + 0.53, SOUTH + 0.02)
    answer = islands.locate_shape(at_sea)
    assert (answer.center_code, answer.method) == ("10000", "nearest")
    assert answer.distance_m == pytest.approx(
        0.02 * 111_195 * math.cos(math.radians(SOUTH + 0.015)), rel=0.02
    )
    half = box(WEST + 0.49, SOUTH + 0.01, WEST + 0.53, SOUTH + 0.02)
    assert islands.locate_shape(half).method == "overlap"


def test_a_strip_that_two_towns_claim_names_both_and_one_that_none_claims_the_nearest() -> None:
    claimed = boundary_set([shapely.box(127.0, 37.0, 127.1005, 37.1), shapely.box(127.1, 37.0, 127.2, 37.1)])
    strip = box(127.1001, 37.04, 127.1004, 37.05)
    answer = claimed.locate_shape(strip)
    assert (answer.center_code, answer.others) == ("10000", ("10001",))
    gap = boundary_set([shapely.box(127.0, 37.0, 127.0995, 37.1), shapely.box(127.1, 37.0, 127.2, 37.1)])
    answer = gap.locate_shape(box(127.09952, 37.04, 127.0996, 37.05))
    assert (answer.center_code, answer.method, answer.others) == ("10000", "nearest", ())


def test_a_ring_that_crosses_itself_and_one_without_area_are_answered() -> None:
    bow = Polygon(ring=((37.02, 127.02), (37.04, 127.04), (37.04, 127.02), (37.02, 127.04), (37.02, 127.02)))
    assert BOARD.locate_shape(bow).center_code == "10000"
    line = Polygon(ring=((37.02, 127.02), (37.02, 127.04), (37.02, 127.03), (37.02, 127.02)))
    assert BOARD.locate_shape(line).method == "contains"


def test_a_shape_larger_than_the_country_and_one_on_the_other_side_of_the_earth() -> None:
    assert BOARD.locate_shape(box(100.0, 20.0, 150.0, 50.0)).method == "overlap"
    far = Polygon(ring=((0.0, 179.9), (0.0, -179.9), (0.1, -179.9), (0.0, 179.9)))
    assert BOARD.locate_shape(far).method == "nearest"


def test_a_country_over_the_antimeridian() -> None:
    fiji = boundary_set([shapely.box(179.0, -18.0, 180.0, -17.0), shapely.box(180.0, -18.0, 181.0, -17.0)])
    west = Ellipse(lat=-17.5, lon=-179.5, semi_major_m=2_000.0, semi_minor_m=1_000.0)
    assert fiji.locate_shape(west).center_code == "10001"


def test_a_polygon_of_a_hundred_thousand_places_is_answered() -> None:
    turn = [2 * math.pi * number / 100_000 for number in range(100_000)]
    ring = closed([(37.05 + 0.03 * math.sin(angle), 127.09 + 0.03 * math.cos(angle)) for angle in turn])
    assert BOARD.locate_shape(Polygon(ring=ring)).center_code == "10000"


def test_shares_on_surveyed_boundaries_sum_to_one(surveyed: BoundarySet) -> None:
    ground = box(126.8, 37.4, 127.2, 37.7).to_polygon()
    owner, share = surveyed._pieces.shares_of(ground)
    assert share.sum() == pytest.approx(1.0, abs=1e-3)
    assert len(owner) > 30


@pytest.fixture(scope="module")
def surveyed() -> BoundarySet:
    folder = Path(os.environ.get("ANSIM_SHARED_DATA", Path(__file__).parents[3] / "shared/data"))
    path = folder / "korea-municipalities-2018.topo.json"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    return read_file(path, effective_from=datetime(2018, 12, 31, tzinfo=UTC))

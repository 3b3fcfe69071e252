"""The rule of who answers: greatest overlap, then nearest, then lowest code; never no one."""

import json
import math
from datetime import UTC, datetime

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from ansim.geo.boundaries import POINT_BELOW_M, BoundarySet
from ansim.geo.shape import METRES_PER_DEGREE, distance_m
from geo.squares import SIDE, SOUTH, WEST, boundary_set, country, square

BOARD = country()
BARE = country(cell_deg=0.0)
METHODS = {"contains", "overlap", "nearest"}

anywhere = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
around = st.tuples(st.floats(SOUTH - 0.1, SOUTH + 0.4), st.floats(WEST - 0.1, WEST + 0.4))
on_lines = st.tuples(
    st.sampled_from([SOUTH + row * SIDE for row in range(4)] + [SOUTH + 0.05, SOUTH + 0.005]),
    st.sampled_from([WEST + column * SIDE for column in range(4)] + [WEST + 0.05, WEST + 0.115]),
)
radii = st.one_of(st.just(0.0), st.floats(0.0, 40_000.0), st.floats(0.0, 1e12))


@given(st.one_of(anywhere, around, on_lines), radii)
def test_every_finite_shape_has_exactly_one_answer(place: tuple[float, float], radius: float) -> None:
    answer = BOARD.locate(*place, radius)
    assert answer.center_code in BOARD
    assert answer.center_name == BOARD.name(answer.center_code)
    assert answer.method in METHODS
    assert answer.center_code not in answer.others
    assert len(set(answer.others)) == len(answer.others)
    assert math.isfinite(answer.distance_m)
    assert answer.distance_m == 0.0 or answer.method == "nearest"


@given(st.lists(st.tuples(st.one_of(around, on_lines, anywhere), radii), max_size=30))
def test_many_shapes_are_answered_as_one_by_one(shapes: list[tuple[tuple[float, float], float]]) -> None:
    lat = np.array([place[0] for place, _ in shapes])
    lon = np.array([place[1] for place, _ in shapes])
    radius = np.array([radius for _, radius in shapes])
    columns = BOARD.locate_many(lat, lon, radius)
    assert len(columns) == len(shapes)
    assert [columns[row] for row in range(len(shapes))] == [
        BOARD.locate(*place, radius) for place, radius in shapes
    ]


@given(st.one_of(around, on_lines), st.one_of(st.just(0.0), st.floats(0.0, 5_000.0)))
def test_the_grid_in_front_changes_no_answer(place: tuple[float, float], radius: float) -> None:
    assert BOARD.locate(*place, radius) == BARE.locate(*place, radius)


@given(around, radii, st.integers(0, 3), st.booleans())
@settings(max_examples=50)
def test_where_a_ring_begins_and_how_it_turns_changes_no_answer(
    place: tuple[float, float], radius: float, start: int, backwards: bool
) -> None:
    def turned(shape: shapely.Polygon) -> shapely.Polygon:
        ring = list(shape.exterior.coords)[:-1]
        ring = ring[start:] + ring[:start]
        return shapely.Polygon(ring[::-1] if backwards else ring)

    other = boundary_set([turned(shapely.Polygon(shape)) for shape in BOARD.geometries])
    assert other.locate(*place, radius) == BOARD.locate(*place, radius)


@given(st.integers(0, 2), st.integers(0, 2), st.floats(0.001, 0.099), st.floats(0.001, 0.099))
def test_a_point_inside_a_square_belongs_to_it(column: int, row: int, east: float, north: float) -> None:
    answer = BOARD.locate(SOUTH + row * SIDE + north, WEST + column * SIDE + east)
    assert answer.center_code == str(10_000 + row * 3 + column)
    assert (answer.method, answer.others, answer.distance_m) == ("contains", (), 0.0)


def test_a_point_on_a_shared_border_belongs_to_the_lower_code_and_touches_the_other() -> None:
    board = boundary_set([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    answer = board.locate(0.5, 1.0)
    assert (answer.center_code, answer.others, answer.method) == ("10000", ("10001",), "contains")


def test_a_corner_of_four_belongs_to_the_lowest_of_them() -> None:
    board = boundary_set([shapely.box(x, y, x + 1, y + 1) for y in (0, 1) for x in (0, 1)])
    answer = board.locate(1.0, 1.0)
    assert (answer.center_code, answer.others) == ("10000", ("10001", "10002", "10003"))


def test_a_circle_across_a_border_belongs_to_the_greater_part() -> None:
    border = WEST + SIDE
    east = BOARD.locate(SOUTH + 0.05, border + 0.001, 500.0)
    west = BOARD.locate(SOUTH + 0.05, border - 0.001, 500.0)
    assert (east.center_code, east.others, east.method) == ("10001", ("10000",), "overlap")
    assert (west.center_code, west.others, west.method) == ("10000", ("10001",), "overlap")


def test_others_come_greatest_overlap_first() -> None:
    corner = (SOUTH + SIDE + 0.002, WEST + SIDE + 0.001)
    answer = BOARD.locate(*corner, 800.0)
    shares = [BOARD.overlap_share(code, *corner, 800.0) for code in (answer.center_code, *answer.others)]
    assert answer.center_code == "10004"
    assert answer.others == ("10003", "10001", "10000")
    assert shares == sorted(shares, reverse=True)


def test_equal_halves_go_to_the_lowest_code() -> None:
    board = boundary_set([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    assert board.locate(0.5, 1.0, 1_000.0).center_code == "10000"


def test_equal_overlaps_go_to_the_boundary_nearest_to_the_centre() -> None:
    """Two areas claim the same ground of the circle, one of them reaches the centre's side."""
    strip = shapely.box(0.001, -1, 1, 1)
    both = shapely.MultiPolygon([shapely.box(-3, -1, -2, 1), strip])
    with_nearest = boundary_set([both, strip])
    answer = with_nearest.locate(0.0, 0.0, 500.0)
    assert (answer.center_code, answer.others) == ("10000", ("10001",))
    ring = shapely.Point(0, 0).buffer(0.0045).difference(shapely.Point(0, 0).buffer(0.002))
    halves = [shapely.intersection(ring, shapely.box(0, -1, 1, 1)), shapely.box(-0.001, -0.001, 0.001, 0.001)]
    area = halves[0].area / halves[1].area
    reach = math.sqrt(area) * 0.001
    equal = boundary_set([halves[0], shapely.box(-reach, -reach, reach, reach)])
    assert equal.locate(0.0, 0.0, 600.0).center_code == "10001"


def test_a_circle_that_holds_a_whole_municipality_still_weighs_shares() -> None:
    board = boundary_set([shapely.box(0, 0, 0.001, 0.001), shapely.box(0.001, 0, 1, 1)])
    assert board.locate(0.0005, 0.0005, 5_000.0).center_code == "10001"


def test_outside_every_boundary_the_nearest_answers_as_a_marked_default() -> None:
    answer = BOARD.locate(SOUTH + 0.05, WEST - 0.05)
    assert (answer.center_code, answer.method, answer.others) == ("10000", "nearest", ())
    assert answer.distance_m == pytest.approx(
        distance_m(SOUTH + 0.05, WEST, SOUTH + 0.05, WEST - 0.05), rel=0.001
    )


def test_equally_near_goes_to_the_lowest_code() -> None:
    board = boundary_set([shapely.box(1, -1, 2, 1), shapely.box(-2, -1, -1, 1)])
    assert board.locate(0.0, 0.0).center_code == "10000"


def test_nearest_is_meant_in_metres_not_in_degrees() -> None:
    """At 60° a degree of longitude is half a degree of latitude long."""
    board = boundary_set([shapely.box(0, 61.0, 1, 62), shapely.box(2.0, 59.5, 3, 60.2)])
    assert board.locate(60.0, 0.5).center_code == "10001"
    assert board.locate(60.0, 0.5).distance_m == pytest.approx(1.5 * METRES_PER_DEGREE / 2, rel=0.02)


def test_a_circle_that_only_nears_the_land_is_given_to_the_nearest() -> None:
    answer = BOARD.locate(SOUTH + 0.05, WEST - 0.05, 1_000.0)
    centre = BOARD.locate(SOUTH + 0.05, WEST - 0.05)
    assert answer.method == "nearest"
    assert answer.distance_m == pytest.approx(centre.distance_m - 1_000.0)


def test_a_circle_that_reaches_land_from_the_sea_overlaps_it() -> None:
    answer = BOARD.locate(SOUTH + 0.05, WEST - 0.005, 1_000.0)
    assert (answer.center_code, answer.method) == ("10000", "overlap")


def test_the_way_round_the_earth_is_the_short_one() -> None:
    board = boundary_set([shapely.box(178, 0, 179, 1), shapely.box(-100, 0, -99, 1)])
    assert board.locate(0.5, -179.5).center_code == "10000"


def test_a_circle_below_a_metre_is_its_centre() -> None:
    place = (SOUTH + 0.05, WEST + SIDE)
    assert BOARD.locate(*place, POINT_BELOW_M / 2) == BOARD.locate(*place)


def test_overlapping_boundaries_are_answered_by_the_lower_code() -> None:
    board = boundary_set([shapely.box(0, 0, 2, 2), shapely.box(1, 0, 3, 2)])
    answer = board.locate(1.0, 1.5)
    assert (answer.center_code, answer.others) == ("10000", ("10001",))
    assert board.locate(1.0, 1.5, 100.0).center_code == "10000"


def test_a_hole_belongs_to_what_fills_it() -> None:
    outer = shapely.box(0, 0, 3, 3).difference(shapely.box(1, 1, 2, 2))
    board = boundary_set([outer, shapely.box(1, 1, 2, 2)])
    assert board.locate(1.5, 1.5).center_code == "10001"
    assert board.locate(0.5, 0.5).center_code == "10000"
    empty = boundary_set([outer])
    assert empty.locate(1.5, 1.5).method == "nearest"


@given(around, st.floats(0.0, 30_000.0))
def test_shares_are_shares(place: tuple[float, float], radius: float) -> None:
    shares = {code: BOARD.overlap_share(code, *place, radius) for code in BOARD.codes}
    assert all(0.0 <= share <= 1.0 for share in shares.values())
    if radius >= POINT_BELOW_M:
        assert sum(shares.values()) <= 1.0 + 1e-6
    answer = BOARD.locate(*place, radius)
    if answer.method != "nearest":
        assert shares[answer.center_code] >= max(shares.values()) - 1e-5


def test_the_share_of_a_point_is_all_or_nothing() -> None:
    assert BOARD.overlap_share("10000", SOUTH + 0.05, WEST + 0.05) == 1.0
    assert BOARD.overlap_share("10001", SOUTH + 0.05, WEST + 0.05) == 0.0


def test_half_a_circle_is_half() -> None:
    assert BOARD.overlap_share("10000", SOUTH + 0.05, WEST + SIDE, 1_000.0) == pytest.approx(0.5, abs=1e-4)


def test_an_unknown_code_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        BOARD.overlap_share("99999", SOUTH, WEST)


def test_neighbours_are_all_others_nearest_first_then_by_code() -> None:
    row = boundary_set([square(column, 0) for column in (0, 3, 1, 2)])
    assert row.neighbours("10000") == ("10002", "10003", "10001")
    assert row.neighbours("10003") == ("10001", "10002", "10000")
    assert BOARD.neighbours("10004") == tuple(code for code in BOARD.codes if code != "10004")
    assert BOARD.neighbours("10000")[:3] == ("10001", "10003", "10004")


def test_one_municipality_alone_has_no_neighbours() -> None:
    assert boundary_set([square(0, 0)]).neighbours("10000") == ()


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ((math.nan, 127.0, 0.0), "lat"),
        ((90.1, 127.0, 0.0), "lat"),
        ((37.0, math.inf, 0.0), "lon"),
        ((37.0, -180.5, 0.0), "lon"),
        ((37.0, 127.0, -1.0), "radius_m"),
        ((37.0, 127.0, math.nan), "radius_m"),
        ((37.0, 127.0, math.inf), "radius_m"),
    ],
)
def test_what_is_no_place_is_refused_by_name(place: tuple[float, float, float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        BOARD.locate(*place)
    with pytest.raises(ValueError, match=f"row 1: {named}"):
        BOARD.locate_many(
            *(np.array([good, bad]) for good, bad in zip((37.0, 127.0, 0.0), place, strict=True))
        )
    with pytest.raises(ValueError, match=named):
        BOARD.overlap_share("10000", *place)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        BOARD.locate_many([37.0, 37.1], [127.0])


def test_no_shapes_have_no_answers() -> None:
    assert len(BOARD.locate_many([], [])) == 0


def test_geojson_is_a_feature_collection_of_what_was_asked_for() -> None:
    found = json.loads(json.dumps(BOARD.geojson(["10004", "10000"])))
    assert found["type"] == "FeatureCollection"
    assert [feature["properties"]["code"] for feature in found["features"]] == ["10004", "10000"]
    assert found["features"][0]["properties"]["name"] == "10004시"
    shape = shapely.from_geojson(json.dumps(found["features"][0]["geometry"]))
    assert shape.equals(square(1, 1).normalize()) or shape.symmetric_difference(square(1, 1)).area < 1e-9


def test_simplified_neighbours_still_share_their_border() -> None:
    wavy = [(WEST + 0.1 + 0.001 * math.sin(step), SOUTH + step * 0.001) for step in range(101)]
    low, high = wavy[0][1], wavy[-1][1]
    left = shapely.Polygon([(WEST, high), (WEST, low), *wavy])
    right = shapely.Polygon([*wavy, (WEST + 0.2, high), (WEST + 0.2, low)])
    board = boundary_set([left, right])
    features = board.geojson(board.codes, simplify_m=500.0)["features"]
    shapes = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in features]
    assert sum(shapely.get_num_coordinates(shapes)) < 60
    assert shapely.coverage_is_valid(shapes)


def test_geojson_of_nothing_is_empty() -> None:
    assert BOARD.geojson([], simplify_m=10.0)["features"] == []


def test_invalid_shapes_are_made_valid_and_named() -> None:
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    board = boundary_set([bow, shapely.box(5, 0, 6, 1)])
    assert board.repaired == ("10000",)
    assert shapely.is_valid(board.geometries).all()
    assert board.locate(0.5, 1.5).center_code == "10000"


def test_lines_and_points_in_a_shape_are_left_out() -> None:
    mixed = shapely.GeometryCollection([shapely.box(0, 0, 1, 1), shapely.LineString([(0, 0), (9, 9)])])
    assert boundary_set([mixed]).locate(5.0, 5.0).method == "nearest"


def test_codes_are_sorted_whatever_the_order_given() -> None:
    board = BoundarySet(
        ["2", "1"],
        ["둘", "하나"],
        [square(1, 0), square(0, 0)],
        provinces=["나", "가"],
        effective_from=datetime(2024, 1, 1, tzinfo=UTC),
        source="test",
        approximate=True,
    )
    assert (board.codes, board.names, board.provinces) == (("1", "2"), ("하나", "둘"), ("가", "나"))
    assert board.index("2") == 1
    assert board.geometry("2").equals(square(1, 0))
    assert board.locate(SOUTH + 0.05, WEST + 0.05).approximate


@pytest.mark.parametrize(
    ("codes", "shapes", "complaint"),
    [
        ([], [], "at least one"),
        (["1", "1"], [square(0, 0), square(1, 0)], "given twice: 1"),
        (["1"], [shapely.Polygon()], "boundary 1 has no area"),
        (["1"], [shapely.LineString([(0, 0), (1, 1)])], "boundary 1 has no area"),
        (["1", "2"], [square(0, 0)], "differ in number"),
    ],
)
def test_a_set_that_makes_no_sense_is_refused(
    codes: list[str], shapes: list[shapely.Geometry], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        BoundarySet(codes, codes, shapes, effective_from=datetime(2024, 1, 1, tzinfo=UTC), source="test")


def test_geometries_cannot_be_exchanged() -> None:
    with pytest.raises(ValueError, match="read-only"):
        BOARD.geometries[0] = square(9, 9)

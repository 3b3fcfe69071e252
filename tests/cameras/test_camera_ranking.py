"""Which camera is looked at first, and what is said of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansim.cameras.model import ALL_ROUND_DEG, KNOWN_CONFIDENCE, Camera, stable_id
from ansim.cameras.ranking import BENEATH_M, SEES, columns, place, rank
from ansim.geo.shape import bearing_deg, destination, distance_m
from cameras.camera_files import camera, cameras, somewhere

HER = (37.4251, 126.9071)


def at(bearing: float, metres: float, number: int = 1, **changes: object) -> Camera:
    """A camera so far from her, in a direction seen from her."""
    lat, lon = destination(*HER, bearing, metres)
    return camera(number, lat=lat, lon=lon, **changes)


def fixed(bearing: float, metres: float, heading: float, number: int = 1, **changes: object) -> Camera:
    """A camera with a known heading and a field of view of 90 degrees."""
    values: dict[str, object] = {"heading": heading, "fov_deg": 90.0, "heading_confidence": 0.8} | changes
    return at(bearing, metres, number, **values)


def order(*given: Camera, radius_m: float = 0.0, limit: int = 10) -> list[str]:
    return [one.name for one in rank(given, *HER, radius_m, limit, "ko")]


def test_a_camera_that_faces_her_comes_before_a_nearer_one_that_looks_away() -> None:
    away = fixed(0, 10, 0, 1)  # stands north of her and looks north
    towards = fixed(0, 60, 180, 2)
    first, second = rank([away, towards], *HER, 0.0, 5, "ko")
    assert (first.name, first.faces, first.rank) == (towards.name, "towards", 1)
    assert (second.name, second.faces, second.rank) == (away.name, "away", 2)


def test_the_order_of_standings() -> None:
    too_far = at(90, 81, 1)
    away = fixed(90, 5, 90, 2)
    turnable = fixed(90, 50, 90, 3, ptz=True)
    unknown = at(90, 40, 4, heading_confidence=0.0, heading=None, fov_deg=90.0)
    all_round = at(90, 79, 5)
    towards = fixed(90, 78, 270, 6)
    names = order(too_far, away, turnable, unknown, all_round, towards)
    assert names == [one.name for one in (towards, all_round, unknown, turnable, away, too_far)]


def test_nearer_first_among_equals_then_as_given() -> None:
    near, far, twin = at(10, 20, 1), at(200, 30, 2), at(200, 30, 3)
    assert order(far, twin, near) == [near.name, far.name, twin.name]


def test_a_direction_below_the_confidence_is_not_believed() -> None:
    doubtful = fixed(0, 10, 0, heading_confidence=KNOWN_CONFIDENCE - 0.01)
    assert rank([doubtful], *HER, 0.0, 1, "en")[0].faces == "unknown"


def test_uncertainty_brings_cameras_into_reach() -> None:
    beyond = fixed(0, 120, 180, range_m=80.0)
    out, partly = (rank([beyond], *HER, radius, 1, "en")[0] for radius in (0.0, 50.0))
    assert out.why == "120 m north of her, beyond its reach of 80 m."
    assert partly.why == "120 m north of her, reaches part of the circle she may be in."


@pytest.mark.parametrize(
    ("one", "ko", "en"),
    [
        (fixed(90, 42, 270), "동쪽 42 m, 신고자 쪽을 비추고 있습니다.", "42 m east of her, faces her."),
        (at(225, 30), "남서쪽 30 m, 전 방향을 비춥니다.", "30 m south-west of her, looks all round."),
        (
            fixed(0, 30, 0),
            "북쪽 30 m, 다른 쪽을 비추고 있습니다.",
            "30 m north of her, looks the other way.",
        ),
        (
            fixed(0, 30, 0, ptz=True),
            "북쪽 30 m, 다른 쪽을 비추지만 회전형이라 돌려 볼 수 있습니다.",
            "30 m north of her, looks the other way, but can be turned to her.",
        ),
        (
            at(180, 30, heading_confidence=0.0),
            "남쪽 30 m, 촬영 방향 정보가 없습니다.",
            "30 m south of her, its direction is not on record.",
        ),
        (
            at(180, 30, heading_confidence=0.0, ptz=True),
            "남쪽 30 m, 촬영 방향 정보가 없지만 회전형이라 돌려 볼 수 있습니다.",
            "30 m south of her, its direction is not on record, but can be turned to her.",
        ),
        (
            at(315, 1_234),
            "북서쪽 1,234 m, 촬영 거리(80 m)를 벗어나 있습니다.",
            "1,234 m north-west of her, beyond its reach of 80 m.",
        ),
        (at(0, 0), "바로 그 자리, 전 방향을 비춥니다.", "Right where she is, looks all round."),
    ],
)
def test_the_reason_in_both_languages(one: Camera, ko: str, en: str) -> None:
    assert rank([one], *HER, 0.0, 1, "ko")[0].why == ko
    assert rank([one], *HER, 0.0, 1, "en")[0].why == en


def test_somebody_right_under_a_fixed_camera_is_seen() -> None:
    assert rank([fixed(0, 0, 77)], *HER, 0.0, 1, "ko")[0].faces == "towards"


def test_nothing_from_nothing() -> None:
    assert rank([], *HER, 5.0, 5, "ko") == []
    assert rank([camera()], *HER, 5.0, 0, "ko") == []


def test_a_bearing_just_short_of_north_is_not_360() -> None:
    found = rank([at(359.99, 50)], *HER, 0.0, 1, "ko")[0]
    assert found.bearing_deg == 0.0


@given(st.lists(cameras(), max_size=30), somewhere(0.004), st.floats(0, 300), st.integers(1, 12))
def test_every_rank_can_be_accounted_for(
    found: list[Camera], her: tuple[float, float], radius: float, limit: int
) -> None:
    placings = place(columns(found), *her, radius, limit)
    assert len(placings) == min(limit, len(found))
    assert len({one.place for one in placings}) == len(placings)
    keys = [(one.standing, one.distance_m, one.place) for one in placings]
    assert keys == sorted(keys)
    left_out = set(range(len(found))) - {one.place for one in placings}
    for one in place(columns(found), *her, radius, len(found)):
        if one.place in left_out:
            assert (one.standing, one.distance_m) >= keys[-1][:2]
    for one in placings:
        camera_there = found[one.place]
        assert one.distance_m == pytest.approx(distance_m(*her, camera_there.lat, camera_there.lon), abs=1e-6)
        assert 0.0 <= one.bearing_deg < 360.0
        assert (one.faces == "all_round") == (
            camera_there.heading_confidence >= KNOWN_CONFIDENCE and camera_there.fov_deg == ALL_ROUND_DEG
        )


@given(cameras(), somewhere(0.004))
def test_facing_is_the_angle_between_heading_and_the_way_to_her(
    one: Camera, her: tuple[float, float]
) -> None:
    placing = place(columns([one]), *her, 0.0, 1)[0]
    if placing.faces not in ("towards", "away"):
        return
    assert one.heading is not None
    off = abs((bearing_deg(one.lat, one.lon, *her) - one.heading + 180) % 360 - 180)
    if placing.distance_m <= BENEATH_M or math.isclose(off, one.fov_deg / 2, abs_tol=1e-6):
        return
    assert (placing.faces == "towards") == (off < one.fov_deg / 2)
    if placing.standing == SEES:
        assert placing.faces == "towards"
        assert placing.distance_m <= one.range_m


def test_columns_can_be_taken_in_another_order() -> None:
    both = columns([camera(1, lat=37.0), camera(2, lat=38.0, heading=10.0, fov_deg=90.0)])
    turned = both.take(np.array([1, 0]))
    assert turned.lat.tolist() == [38.0, 37.0]
    assert turned.heading[0] == 10.0
    assert np.isnan(turned.heading[1])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lat", 91.0),
        ("lat", math.nan),
        ("lon", -181.0),
        ("heading", 360.0),
        ("heading", -1.0),
        ("fov_deg", 0.0),
        ("fov_deg", 361.0),
        ("heading_confidence", 1.1),
        ("range_m", 0.0),
        ("range_m", math.inf),
        ("height_m", -1.0),
        ("count", 0),
    ],
)
def test_a_camera_that_makes_no_sense_cannot_be_made(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        camera(1, **{field: value})


def test_a_stable_id_depends_on_where_its_parts_end() -> None:
    assert stable_id("a", "bc") == stable_id("a", "bc")
    assert stable_id("a", "bc") != stable_id("ab", "c")
    assert len(stable_id("석수동")) == 16

"""Direction words as installers write them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansim.cameras.direction import LONGEST, UNKNOWN, parse_direction, turns
from ansim.cameras.model import ALL_ROUND_DEG, DEFAULT_FOV_DEG, KNOWN_CONFIDENCE


@pytest.mark.parametrize(
    "text",
    [
        "360도 전방면",
        "360도",
        "360",
        "360°",
        "３６０도",
        "전방위",
        "전 방향",
        "사방",
        "4방향",
        "동서남북",
        "동,서,남,북",
        "파노라마",
    ],
)
def test_all_round(text: str) -> None:
    direction = parse_direction(text)
    assert direction.heading is None
    assert direction.fov_deg == ALL_ROUND_DEG
    assert direction.confidence >= KNOWN_CONFIDENCE
    assert not direction.ptz


@pytest.mark.parametrize("text", ["회전형", "360도 회전", "PTZ", "스피드돔 카메라", "speed dome", "팬틸트"])
def test_a_camera_that_turns_can_look_anywhere(text: str) -> None:
    direction = parse_direction(text)
    assert direction.ptz
    assert direction.fov_deg == ALL_ROUND_DEG


@pytest.mark.parametrize("text", ["회전교차로 방면", "비회전", "좌회전 차로", "우회전차로 방면", "회전불가"])
def test_a_word_that_merely_contains_turning_does_not_make_a_camera_turn(text: str) -> None:
    assert not turns(text)
    assert parse_direction(text) == UNKNOWN


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("북", 0.0),
        ("동측", 90.0),
        ("동쪽", 90.0),
        ("남쪽방면", 180.0),
        ("서방향", 270.0),
        ("정남향", 180.0),
        ("북동", 45.0),
        ("동북", 45.0),
        ("북동측", 45.0),
        ("남서방향", 225.0),
        ("북서 방면", 315.0),
        ("서북", 315.0),
        ("북북동", 22.5),
        ("남남서측", 202.5),
        ("정문 동측", 90.0),
        ("도로방면(남측)", 180.0),
        ("N", 0.0),
        ("SE", 135.0),
        ("SSW", 202.5),
        ("north", 0.0),
        ("North-East", 45.0),
        ("southwest", 225.0),
        ("westbound", 270.0),
        ("방위각 135도", 135.0),
        ("방향각: 222.5", 222.5),
        ("heading 90", 90.0),
        ("방위각 360", 0.0),
    ],
)
def test_a_direction_word(text: str, heading: float) -> None:
    direction = parse_direction(text)
    assert direction.heading == heading
    assert direction.fov_deg == DEFAULT_FOV_DEG
    assert direction.confidence > KNOWN_CONFIDENCE


@pytest.mark.parametrize("text", ["135", "135도", "135°", "225 방향"])
def test_a_number_alone_is_believed_half(text: str) -> None:
    direction = parse_direction(text)
    assert direction.heading == float("".join(filter(str.isdigit, text)))
    assert direction.confidence == KNOWN_CONFIDENCE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "도로방면",
        "전방",
        "교차로",
        "상행",
        "청담동",
        "안양동 방면",
        "101동",
        "A동",
        "경찰서 방면",
        "강남대로 방면",
        "서울방면",
        "북한산",
        "남문",
        "동문 입구",
        "S-OIL 방면",
        "E마트",
        "Westin 호텔",
        "테헤란로 360 방면",
        "999도",
        "남북",
        "동서",
        "동, 서",
        "사방댐",
    ],
)
def test_what_says_nothing_of_a_direction_is_unknown(text: str) -> None:
    assert parse_direction(text) == UNKNOWN


@pytest.mark.parametrize(
    ("text", "heading", "fov"),
    [
        ("동, 북", 45.0, 180.0),
        ("북측/서측", 315.0, 180.0),
        ("동 남 서", 180.0, 270.0),
        ("북동, 남동", 90.0, 180.0),
    ],
)
def test_neighbouring_directions_are_one_wide_arc(text: str, heading: float, fov: float) -> None:
    direction = parse_direction(text)
    assert direction.heading == heading
    assert direction.fov_deg == fov


def test_a_stated_field_of_view_is_taken() -> None:
    assert parse_direction("동측 화각 60도").fov_deg == 60.0
    assert parse_direction("동측 화각 60도").heading == 90.0
    wide = parse_direction("180도 전방면")
    assert (wide.heading, wide.fov_deg, wide.confidence) == (None, 180.0, 0.0)
    assert parse_direction("시야각 5도").fov_deg == DEFAULT_FOV_DEG


def test_four_cameras_on_a_pole_look_all_round_unless_something_is_said() -> None:
    assert parse_direction("", 3) == UNKNOWN
    silent = parse_direction("도로방면", 4)
    assert silent.fov_deg == ALL_ROUND_DEG
    assert silent.confidence == KNOWN_CONFIDENCE
    assert parse_direction("동측", 4).heading == 90.0


_PIECES = st.sampled_from(
    [
        "동",
        "서",
        "남",
        "북",
        "측",
        "방면",
        "360",
        "도",
        "화각",
        "방위각",
        "N",
        "SE",
        "회전",
        " ",
        ",",
        "·",
        "(",
        "°",
        "90",
        "전방",
    ]
)


@given(st.text(max_size=300) | st.lists(_PIECES, max_size=12).map("".join), st.integers(1, 30))
def test_any_text_gives_a_direction_that_makes_sense(text: str, count: int) -> None:
    direction = parse_direction(text, count)
    assert direction.heading is None or 0.0 <= direction.heading < 360.0
    assert 0.0 < direction.fov_deg <= ALL_ROUND_DEG
    assert 0.0 <= direction.confidence <= 1.0
    assert direction.heading is None or direction.confidence > 0.0
    assert direction.heading is None or math.isfinite(direction.heading)


@given(st.permutations(["동", "북동", "북"]), st.sampled_from([", ", "/", " ", "·"]))
def test_the_order_of_the_words_does_not_matter(words: list[str], between: str) -> None:
    direction = parse_direction(between.join(words))
    assert direction.heading == 45.0
    assert direction.fov_deg == 180.0


def test_only_the_beginning_of_an_endless_text_is_read() -> None:
    assert parse_direction(" " * LONGEST + "동측") == UNKNOWN

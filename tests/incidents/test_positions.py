"""Positions are read leniently, marked honestly, and never made up."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansim.core.clock import iso, parse_iso
from ansim.core.ids import is_id, new_id
from ansim.geo.shapes import Ellipse
from ansim.incidents.positions import UNKNOWN_RADIUS_M, Position, number, parse

RECEIVED = datetime(2026, 11, 24, 3, 4, 5, 678_000, tzinfo=UTC)
GOOD = {
    "id": "0190b6d0-0000-7000-8000-000000000001",
    "at": "2026-11-24T03:04:00.000Z",
    "lat": 37.3943,
    "lon": 126.9568,
    "radius": 12,
    "speed": 1.4,
    "heading": 90,
    "battery": 0.5,
    "source": "gnss",
}

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**400, 10**401)
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["1e999", "nan", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
)
plain = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
reports = st.fixed_dictionaries({}, optional={name: plain | st.just(value) for name, value in GOOD.items()})


def test_a_good_fix_is_taken_as_it_is() -> None:
    position, marks = parse(GOOD, RECEIVED)
    assert marks == ()
    assert position == Position(
        id=str(GOOD["id"]),
        at="2026-11-24T03:04:00.000Z",
        received_at="2026-11-24T03:04:05.678Z",
        lat=37.3943,
        lon=126.9568,
        radius=12,
        speed=1.4,
        heading=90,
        battery=0.5,
        source="gnss",
    )
    assert position.order == ("2026-11-24T03:04:00.000Z", GOOD["id"])
    assert position.confidence == 0.95


@given(plain | reports)
def test_whatever_comes_is_taken_or_marked(raw: Any) -> None:
    position, marks = parse(raw, RECEIVED)
    if position is None:
        assert marks in (("no_position",), ("garbled_position",))
        return
    assert -90 <= position.lat <= 90
    assert -180 <= position.lon <= 180
    assert (position.lat, position.lon) != (0, 0)
    assert 0 <= position.radius <= 100_000
    assert is_id(position.id)
    assert parse_iso(position.at) <= RECEIVED + timedelta(minutes=2)
    assert position.received_at == iso(RECEIVED)
    assert position.marks == marks
    for value, high in ((position.speed, 200), (position.heading, 360), (position.battery, 1)):
        assert value is None or 0 <= value <= high


@pytest.mark.parametrize("raw", [None])
def test_no_position_says_so(raw: None) -> None:
    assert parse(raw, RECEIVED) == (None, ("no_position",))


@pytest.mark.parametrize(
    "raw",
    [
        "37.39,126.95",
        [],
        {},
        {"lat": 37.4},
        {"lat": "north", "lon": 127},
        {"lat": 0, "lon": 0},
        {"lat": math.nan, "lon": 127.0},
        {"lat": 37.0, "lon": 181},
        {"lat": 120.0, "lon": 200.0},
        {"lat": 95.0, "lon": 10.0},
        {"lat": True, "lon": 127.0},
        {"lat": 10**400, "lon": 127.0},
    ],
)
def test_a_place_nobody_can_read_is_no_place(raw: Any) -> None:
    assert parse(raw, RECEIVED) == (None, ("garbled_position",))


def test_exchanged_axes_are_put_right_and_marked() -> None:
    position, marks = parse({**GOOD, "lat": 126.9568, "lon": 37.3943}, RECEIVED)
    assert position is not None
    assert (position.lat, position.lon) == (37.3943, 126.9568)
    assert marks == ("swapped_axes",)


def test_a_place_abroad_keeps_its_axes() -> None:
    position, marks = parse({**GOOD, "lat": 52.5, "lon": 13.4}, RECEIVED)
    assert position is not None
    assert (position.lat, position.lon, marks) == (52.5, 13.4, ())


@pytest.mark.parametrize(("radius", "expected", "marks"), [
    (None, UNKNOWN_RADIUS_M, ("no_accuracy",)),
    (-1, UNKNOWN_RADIUS_M, ("no_accuracy",)),
    ("15.5", 15.5, ()),
    (0, 0, ()),
    (10**9, 100_000, ()),
])  # fmt: skip
def test_accuracy(radius: object, expected: float, marks: tuple[str, ...]) -> None:
    position, found = parse({**GOOD, "radius": radius}, RECEIVED)
    assert position is not None
    assert (position.radius, found) == (expected, marks)


@pytest.mark.parametrize(("at", "expected", "marks"), [
    (None, RECEIVED, ("no_time",)),
    ("yesterday", RECEIVED, ("no_time",)),
    (1_790_000_000, RECEIVED, ("no_time",)),
    ("0001-01-01T00:00:00+14:00", RECEIVED, ("no_time",)),
    ("2026-11-24T04:00:00Z", RECEIVED, ("clock_ahead",)),
    ("2026-11-24T12:00:00+09:00", datetime(2026, 11, 24, 3, tzinfo=UTC), ()),
    ("2026-11-24T03:00:00", datetime(2026, 11, 24, 3, tzinfo=UTC), ()),
    ("2026-11-24T03:05:05Z", datetime(2026, 11, 24, 3, 5, 5, tzinfo=UTC), ()),
])  # fmt: skip
def test_device_time(at: object, expected: datetime, marks: tuple[str, ...]) -> None:
    position, found = parse({**GOOD, "at": at}, RECEIVED)
    assert position is not None
    assert (position.at, found) == (iso(expected), marks)


def test_an_id_that_is_none_is_replaced() -> None:
    position, _ = parse({**GOOD, "id": "7"}, RECEIVED)
    assert position is not None
    assert is_id(position.id)
    upper, _ = parse({**GOOD, "id": str(GOOD["id"]).upper()}, RECEIVED)
    assert upper is not None
    assert upper.id == GOOD["id"]


@pytest.mark.parametrize("source", ["divination", None, [], 7])
def test_an_unknown_source_is_unknown(source: object) -> None:
    position, _ = parse({**GOOD, "source": source}, RECEIVED)
    assert position is not None
    assert position.source == "unknown"


@given(scalars, st.floats(-1e6, 0), st.floats(0, 1e6))
def test_a_number_is_finite_and_within_its_bounds(raw: object, low: float, high: float) -> None:
    value = number(raw, low, high)
    assert value is None or (math.isfinite(value) and low <= value <= high)
    assert number(new_id(), low, high) is None


ELLIPSE = {"shape": "ellipse", "lat": 37.5, "lon": 127.0, "semi_major_m": 80.0, "semi_minor_m": 20.0}


def test_a_stated_shape_is_kept_and_gives_the_circle_where_none_is_stated() -> None:
    alone, marks = parse({"at": GOOD["at"], "shape": ELLIPSE}, RECEIVED)
    assert alone is not None
    assert marks == ()
    assert alone.shape == Ellipse(lat=37.5, lon=127.0, semi_major_m=80.0, semi_minor_m=20.0)
    assert (alone.lat, alone.lon, alone.radius) == (37.5, 127.0, 80.0)
    beside, _ = parse(GOOD | {"shape": ELLIPSE}, RECEIVED)
    assert beside is not None
    assert (beside.lat, beside.radius, beside.shape) == (37.3943, 12, alone.shape)
    again = msgspec.json.decode(msgspec.json.encode(beside), type=Position)
    assert again == beside


def test_a_stated_point_says_nothing_of_its_accuracy() -> None:
    position, marks = parse(
        {"at": GOOD["at"], "shape": {"shape": "point", "lat": 37.5, "lon": 127.0}}, RECEIVED
    )
    assert position is not None
    assert position.radius == UNKNOWN_RADIUS_M
    assert marks == ("no_accuracy",)


def test_a_shape_nobody_can_use_is_marked_and_the_circle_stays() -> None:
    position, marks = parse(GOOD | {"shape": {"shape": "blob"}}, RECEIVED)
    assert position is not None
    assert (position.shape, marks) == (None, ("garbled_shape",))
    assert parse({"shape": {"shape": "blob"}}, RECEIVED) == (None, ("garbled_position", "garbled_shape"))
    exchanged, marks = parse({"at": GOOD["at"], "shape": ELLIPSE | {"lat": 127.0, "lon": 37.5}}, RECEIVED)
    assert exchanged is not None
    assert (exchanged.lat, marks) == (37.5, ("swapped_axes",))

"""An SOS is never refused for being imperfect: whatever arrives becomes a report, marked."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansim.core.clock import iso
from ansim.core.ids import is_id
from ansim.incidents import events as ev
from ansim.incidents.report import read

RECEIVED = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "key": "0190b6d0-0000-7000-8000-000000000001",
    "trigger": "hold",
    "pressed_at": "2026-11-24T03:04:04.500Z",
    "silent": True,
    "device_id": "phone-1",
    "battery": 0.42,
    "position": {"lat": 37.39, "lon": 126.95, "radius": 10, "at": "2026-11-24T03:04:00Z"},
}

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=90)
plain = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)
almost = st.fixed_dictionaries({}, optional=dict.fromkeys(GOOD, plain))


def body(**fields: Any) -> bytes:
    return msgspec.json.encode(GOOD | fields)


def fits_an_event(report: Any) -> None:
    """What was read must survive the trip to another node."""
    armed = ev.Armed(
        key=report.key,
        trigger=report.trigger,
        pressed_at=report.pressed_at,
        window_ends_at=iso(RECEIVED),
        silent=report.silent,
        device_id=report.device_id,
        battery=report.battery,
        marks=report.marks,
        raw=report.raw,
    )
    assert msgspec.json.decode(msgspec.json.encode(armed), type=ev.Armed) == armed


def test_a_good_report_is_read_whole() -> None:
    report = read(body(), RECEIVED)
    assert report.marks == ()
    assert (report.key, report.trigger, report.silent, report.device_id) == (
        GOOD["key"],
        "hold",
        True,
        "phone-1",
    )
    assert (report.pressed_at, report.battery, report.raw) == ("2026-11-24T03:04:04.500Z", 0.42, "")
    assert report.position is not None
    assert report.position.radius == 10


@given(st.binary(max_size=300))
def test_any_bytes_make_a_report(raw: bytes) -> None:
    report = read(raw, RECEIVED)
    assert is_id(report.key) or report.key
    fits_an_event(report)


@given(plain | almost, st.text(max_size=90), st.booleans())
def test_any_json_makes_a_report(raw: Any, key: str, truncated: bool) -> None:
    report = read(msgspec.json.encode(raw), RECEIVED, key=key, truncated=truncated)
    assert report.key
    assert "\0" not in report.key + report.device_id
    assert ("oversized" in report.marks) == truncated
    fits_an_event(report)


@pytest.mark.parametrize(
    "raw", [b"", b"SOS!", b"[1,2]", b'"help"', b"null", b"\xff\xfe", b'{"key":', b"[" * 60_000]
)
def test_what_is_no_json_object_is_kept_as_it_came(raw: bytes) -> None:
    report = read(raw, RECEIVED)
    assert "garbled_report" in report.marks
    assert "no_position" in report.marks
    assert "no_key" in report.marks
    assert report.raw == raw.decode("utf-8", "replace")[:2000]
    assert (report.trigger, report.device_id, report.silent) == ("unknown", "", False)
    assert report.pressed_at == iso(RECEIVED)


def test_the_header_names_the_key_before_the_body() -> None:
    assert read(body(), RECEIVED, key=" header ").key == "header"
    assert read(body(key="  "), RECEIVED).marks == ("no_key",)
    assert len(read(body(key="x" * 300), RECEIVED).key) == 64


@pytest.mark.parametrize("trigger", ["drill", "telepathy", "", None, 7, ["hold"], {"hold": 1}])
def test_a_trigger_nobody_knows(trigger: object) -> None:
    assert read(body(trigger=trigger), RECEIVED).trigger == "unknown"


def test_only_true_is_silent() -> None:
    assert not read(body(silent="true"), RECEIVED).silent


@pytest.mark.parametrize(("pressed", "expected", "marks"), [
    (RECEIVED - timedelta(seconds=30), RECEIVED - timedelta(seconds=30), ()),
    (RECEIVED - timedelta(minutes=10), RECEIVED - timedelta(minutes=10), ("late_report",)),
    (RECEIVED + timedelta(minutes=1), RECEIVED + timedelta(minutes=1), ()),
    (RECEIVED + timedelta(minutes=3), RECEIVED, ("clock_ahead",)),
])  # fmt: skip
def test_when_she_pressed(pressed: datetime, expected: datetime, marks: tuple[str, ...]) -> None:
    report = read(body(pressed_at=iso(pressed)), RECEIVED)
    assert (report.pressed_at, report.marks) == (iso(expected), marks)


@pytest.mark.parametrize("pressed", [None, 5, "soon", "9999-12-31T23:59:59-12:00"])
def test_an_unreadable_time_is_the_time_of_arrival(pressed: object) -> None:
    report = read(body(pressed_at=pressed), RECEIVED)
    assert (report.pressed_at, report.marks) == (iso(RECEIVED), ())


def test_a_mark_is_set_once() -> None:
    fix = GOOD["position"] | {"at": "2027-01-01T00:00:00Z"}
    report = read(body(pressed_at="2027-01-01T00:00:00Z", position=fix), RECEIVED)
    assert report.marks == ("clock_ahead",)

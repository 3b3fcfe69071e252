"""An SOS report as it arrives. Imperfect input is accepted and marked; nothing here refuses.

A report that is not JSON, names no place, or comes from an unknown device is still somebody who pressed.
"""

from datetime import datetime
from typing import Any, cast, get_args

import msgspec
from msgspec import Struct

from ansim.core.clock import iso, parse_iso
from ansim.core.ids import new_id
from ansim.incidents import events as ev
from ansim.incidents import positions
from ansim.incidents.positions import Position

MAX_BODY = 65_536
"""Bytes of a report that are read; more is cut off and marked."""
_TRIGGERS = frozenset(get_args(ev.Trigger))
_KEPT_RAW = 2_000


class Report(Struct, frozen=True, kw_only=True):
    """One press, with everything that could be read of it."""

    key: str
    trigger: ev.Trigger
    pressed_at: str
    silent: bool
    device_id: str
    battery: float | None
    position: Position | None
    marks: tuple[str, ...]
    raw: str


def read(body: bytes, received: datetime, *, key: str = "", truncated: bool = False) -> Report:
    """The report in ``body``; ``key`` is the Idempotency-Key header where one was sent."""
    marks: list[str] = ["oversized"] if truncated else []
    data, unreadable = _decode(body)
    if unreadable:
        marks.append("garbled_report")
    position, place_marks = positions.parse(data.get("position"), received)
    marks.extend(place_marks)
    pressed, time_mark = _pressed_at(data.get("pressed_at"), received)
    if time_mark:
        marks.append(time_mark)
    given = data.get("trigger")
    known = isinstance(given, str) and given in _TRIGGERS and given != "drill"
    trigger: ev.Trigger = cast(ev.Trigger, given) if known else "unknown"
    if data.get("registered") is True:  # said only to a center: who she is and her PIN are the hub's to know
        marks.append("pin_at_hub")
    own_key = _text(key) or _text(data.get("key"))
    if not own_key:
        marks.append("no_key")
    return Report(
        key=own_key or new_id(),
        trigger=trigger,
        pressed_at=pressed,
        silent=data.get("silent") is True,
        device_id=_text(data.get("device_id")),
        battery=positions.number(data.get("battery"), 0, 1),
        position=position,
        marks=tuple(dict.fromkeys(marks)),
        raw=body[:_KEPT_RAW].decode("utf-8", "replace")[:_KEPT_RAW] if unreadable else "",
    )


def _decode(body: bytes) -> tuple[dict[str, Any], bool]:
    """The JSON object in the body, and whether that failed."""
    try:
        data = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}, True
    return (data, False) if isinstance(data, dict) else ({}, True)


def _text(raw: object) -> str:
    """Text fit for a column: PostgreSQL keeps no NUL."""
    return raw.replace("\0", "").strip()[:64] if isinstance(raw, str) else ""


def _pressed_at(raw: object, received: datetime) -> tuple[str, str]:
    try:
        pressed = parse_iso(raw)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return iso(received), ""
    late = (received - pressed).total_seconds()
    if late < -120:
        return iso(received), "clock_ahead"
    return iso(pressed), "late_report" if late > 30 else ""

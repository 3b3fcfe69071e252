"""Positions as they come in: a circle, a shape where one is stated; read leniently, repaired in the open."""

import math
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from ansim.core.clock import iso, parse_iso
from ansim.core.ids import is_id, new_id
from ansim.geo.shapes import Point, Shape
from ansim.geo.stated import stated_shape, swapped

Source = Literal["gnss", "network", "manual", "unknown"]

UNKNOWN_RADIUS_M = 500.0
"""Taken when a report names no accuracy: wide enough to be honest about a phone in a city."""
_MAX_RADIUS_M = 100_000.0


class Position(Struct, frozen=True, kw_only=True):
    """A circle of ``radius`` metres that holds the person with ``confidence``; ``at`` is device time."""

    id: str
    at: str
    received_at: str
    lat: float
    lon: float
    radius: float
    confidence: float = 0.95
    speed: float | None = None
    heading: float | None = None
    battery: float | None = None
    source: Source = "unknown"
    marks: tuple[str, ...] = ()
    shape: Shape | None = None
    """What the circle was taken from, or what is known beside it: it decides who is responsible."""

    @property
    def order(self) -> tuple[str, str]:
        """Track order."""
        return (self.at, self.id)


def number(raw: object, low: float, high: float) -> float | None:
    """A finite number within bounds, from a number or its text; None otherwise."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        return None
    try:
        value = float(raw)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) and low <= value <= high else None


def parse(raw: object, received: datetime) -> tuple[Position | None, tuple[str, ...]]:
    """A position from a report's JSON, with marks for what had to be assumed.

    Nothing is refused: without usable coordinates the position is None and the marks say why.
    """
    if raw is None:
        return None, ("no_position",)
    if not isinstance(raw, dict):
        return None, ("garbled_position",)
    shape, shape_marks = stated_shape(raw.get("shape"))
    marks: list[str] = list(shape_marks)
    lat, lon = number(raw.get("lat"), -180, 180), number(raw.get("lon"), -180, 180)
    radius = number(raw.get("radius"), 0, math.inf)
    if shape is not None and raw.get("lat") is None and raw.get("lon") is None:
        circle = shape.to_circle()
        lat, lon = circle.lat, circle.lon
        radius = radius if isinstance(shape, Point) else circle.radius_m
    if lat is None or lon is None or (lat == 0 and lon == 0):
        return None, ("garbled_position", *marks)
    if swapped(lat, lon):
        lat, lon = lon, lat
        marks.append("swapped_axes")
    if abs(lat) > 90:
        return None, ("garbled_position", *marks)
    if radius is None:
        radius = UNKNOWN_RADIUS_M
        marks.append("no_accuracy")
    at, time_mark = _time(raw.get("at"), received)
    if time_mark:
        marks.append(time_mark)
    given = raw.get("id")
    source = raw.get("source")
    position = Position(
        id=str(given).lower() if is_id(given) else new_id(),
        at=at,
        received_at=iso(received),
        lat=lat,
        lon=lon,
        radius=min(radius, _MAX_RADIUS_M),
        speed=number(raw.get("speed"), 0, 200),
        heading=number(raw.get("heading"), 0, 360),
        battery=number(raw.get("battery"), 0, 1),
        source=source if source in ("gnss", "network", "manual") else "unknown",
        marks=tuple(dict.fromkeys(marks)),
        shape=shape,
    )
    return position, position.marks


def _time(raw: Any, received: datetime) -> tuple[str, str]:
    """Device time as text and a mark; a time nobody can use is replaced by the time of arrival."""
    try:
        moment = parse_iso(raw)
    except (TypeError, ValueError):
        return iso(received), "no_time"
    if moment > received + timedelta(minutes=2):
        return iso(received), "clock_ahead"
    return iso(moment), ""

"""What the fields of a shape may hold: each refusal is a ``ValueError`` that begins with the field's name."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

Place: TypeAlias = tuple[float, float]
"""Latitude and longitude."""

MAX_LENGTH_M = 5_000_000.0
MAX_ALTITUDE_M = 1_000_000.0
MAX_VERTICES = 200_000


def require_number(field: str, value: float, least: float, most: float, *, above: bool = False) -> None:
    """Refuse a value that is no number from ``least`` (``above``: more than it) to ``most``."""
    sound = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
    if not sound or (above and value == least):
        bounds = f"above {least:g} and at most {most:g}" if above else f"from {least:g} to {most:g}"
        raise ValueError(f"{field} must be a number {bounds}, not {str(value)[:40]}")


def require_altitude(altitude_m: float | None) -> None:
    if altitude_m is not None:
        require_number("altitude_m", altitude_m, -MAX_ALTITUDE_M, MAX_ALTITUDE_M)


def require_axes(semi_major_m: float, semi_minor_m: float, orientation_deg: float) -> None:
    require_number("semi_major_m", semi_major_m, 0.0, MAX_LENGTH_M)
    require_number("semi_minor_m", semi_minor_m, 0.0, MAX_LENGTH_M)
    if semi_minor_m > semi_major_m:
        raise ValueError(f"semi_minor_m must not be more than semi_major_m ({semi_major_m:g})")
    require_number("orientation_deg", orientation_deg, -360.0, 360.0)


def require_ring(field: str, ring: Sequence[Place]) -> None:
    if len(ring) < 4:
        raise ValueError(f"{field} needs at least 4 places, the last as the first; it has {len(ring)}")
    if len(ring) > MAX_VERTICES:
        raise ValueError(f"{field} must have at most {MAX_VERTICES} places, it has {len(ring)}")
    lat, lon = np.array(ring, dtype=np.float64).reshape(-1, 2).T
    bad = np.flatnonzero(~((np.abs(lat) <= 90.0) & (np.abs(lon) <= 180.0)))
    if len(bad):
        at = int(bad[0])
        require_number(f"{field}[{at}].lat", float(lat[at]), -90.0, 90.0)
        require_number(f"{field}[{at}].lon", float(lon[at]), -180.0, 180.0)
    if tuple(ring[0]) != tuple(ring[-1]):
        raise ValueError(f"{field} is not closed: the last place must repeat the first")


def closed(places: Sequence[Place]) -> tuple[Place, ...]:
    """A ring of these places: the first is repeated at the end where it isn't yet."""
    ring = tuple(places)
    return ring if not ring or ring[0] == ring[-1] else (*ring, ring[0])

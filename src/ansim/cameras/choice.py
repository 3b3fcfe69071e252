"""What the choice of cameras says: which, in what order, what for, and why."""

from typing import Literal

from msgspec import Struct

Purpose = Literal["now", "next"]
"""``now``: to see her where she is; ``next``: where she may come out within the next minute."""


class Reason(Struct, frozen=True, kw_only=True):
    """One reason, as a key of the pages' catalogue and what to put into it."""

    key: str
    params: dict[str, str | float] = {}


class Choice(Struct, frozen=True, kw_only=True):
    """One camera of the wall; the list's order is the order to look in.

    ``probability`` that this camera alone sees her (``next``: will see her within the minute), ``adds`` what
    it adds to the others shown. ``bearing_deg`` is from her to the camera. ``live``: a picture can be had,
    that is a connection is on record.
    """

    id: str
    name: str
    lat: float
    lon: float
    heading: float | None
    fov_deg: float
    range_m: float
    ptz: bool
    distance_m: float
    bearing_deg: float
    purpose: Purpose
    probability: float
    adds: float
    reasons: tuple[Reason, ...]
    live: bool = False


class Wall(Struct, frozen=True, kw_only=True):
    """The choice for one incident at one moment.

    ``together`` is the probability that at least one ``now`` camera sees her. ``at`` is when it was made,
    ISO-8601; ``revision`` grows by one with each change of it.
    """

    incident: str
    at: str
    revision: int
    choices: tuple[Choice, ...]
    together: float

"""Cameras as the registry knows them, and how each stands to a person."""

import hashlib
import math
from typing import Annotated, Literal

from msgspec import Meta, Struct

from ansim.geo.shape import require_position

Faces = Literal["towards", "away", "all_round", "unknown"]

ALL_ROUND_DEG = 360.0
DEFAULT_FOV_DEG = 90.0
"""Horizontal field of view of a fixed street camera (a 3-4 mm lens before a 1/3-inch sensor)."""
DEFAULT_RANGE_M = 80.0
"""How far away a 2-megapixel camera still shows what a person does."""
DEFAULT_HEIGHT_M = 5.0
KNOWN_CONFIDENCE = 0.5
"""From this confidence on, a direction is treated as known."""
ID_LENGTH = 16


class Camera(Struct, frozen=True, kw_only=True):
    """One camera post: a pole with ``count`` cameras that a center knows by one entry.

    ``heading`` is degrees clockwise from north, None when it looks all round (``fov_deg`` 360) or nobody
    said where to; ``heading_confidence`` says how far heading and field of view can be believed, 0 being
    "unknown". ``installed`` is YYYY-MM. ``source`` names the data set it came from, ``source_id`` the entry
    in it, ``direction`` what the source said in words.
    """

    id: Annotated[str, Meta(min_length=1, max_length=32)]
    name: str
    lat: float
    lon: float
    source: str = ""
    source_id: str = ""
    address: str = ""
    heading: float | None = None
    fov_deg: float = DEFAULT_FOV_DEG
    heading_confidence: float = 0.0
    range_m: float = DEFAULT_RANGE_M
    height_m: float = DEFAULT_HEIGHT_M
    ptz: bool = False
    count: int = 1
    purpose: str = ""
    manager: str = ""
    phone: str = ""
    installed: str | None = None
    direction: str = ""

    def __post_init__(self) -> None:
        require_position(self.lat, self.lon)
        if self.heading is not None and not 0.0 <= self.heading < 360.0:
            raise ValueError(f"heading must be from 0 to below 360 degrees, not {self.heading}")
        if not 0.0 < self.fov_deg <= ALL_ROUND_DEG:
            raise ValueError(f"fov_deg must be above 0 and at most 360, not {self.fov_deg}")
        if not 0.0 <= self.heading_confidence <= 1.0:
            raise ValueError(f"heading_confidence must be from 0 to 1, not {self.heading_confidence}")
        for field, value in (("range_m", self.range_m), ("height_m", self.height_m)):
            if not 0.0 < value < math.inf:
                raise ValueError(f"{field} must be a finite number above 0, not {value}")
        if self.count < 1:
            raise ValueError(f"count must be at least 1, not {self.count}")


class Ranked(Struct, frozen=True, kw_only=True):
    """A camera as it stands to a person: rank 1 is the one to look at first.

    ``bearing_deg`` is from her to the camera, clockwise from north; ``why`` one sentence in the reader's
    language.
    """

    id: str
    name: str
    address: str
    lat: float
    lon: float
    distance_m: float
    bearing_deg: float
    heading: float | None
    fov_deg: float
    range_m: float
    ptz: bool
    faces: Faces
    rank: int
    why: str


def stable_id(*parts: str) -> str:
    """The same 16 hexadecimal digits for the same parts, on every node and in every import."""
    text = "\x1f".join(parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:ID_LENGTH]

"""Pointing a camera that can be turned: from a place on the ground to pan, tilt and zoom. Pure.

Positions are ONVIF's generic spaces (PTZ Service Specification, annex A): pan and tilt from -1 to 1, zoom
from 0 to 1. What they mean on the ground is the camera's :class:`Mount`.
"""

import math
from collections.abc import Sequence

from msgspec import Struct

from ansim.cameras.model import Camera
from ansim.geo.shape import bearing_deg, distance_m

EYE_M = 1.2
"""Height of what is aimed at: the middle of a person."""
LEAST_VIEW_M = 4.0
"""Half the width that the picture shall show at least, so that she stays in it while she walks."""
PRESET_REACH_DEG = 40.0
"""A preset that looks further away from her than this is of no use."""


class Pose(Struct, frozen=True, kw_only=True):
    """Where a camera is turned to, in ONVIF's generic spaces."""

    pan: float
    tilt: float
    zoom: float


class Preset(Struct, frozen=True, kw_only=True):
    """A stored position; ``heading`` where it looks (degrees from north), None while nobody has said."""

    token: str
    name: str = ""
    heading: float | None = None
    pose: Pose | None = None


class Mount(Struct, frozen=True, kw_only=True):
    """How a camera hangs, and what it can do.

    ``heading_deg`` is where it looks at pan 0, ``pan_deg`` how far it turns from there to pan 1 (clockwise
    from above; negative when it hangs the other way round). Tilt runs from ``tilt_low_deg`` at -1 to
    ``tilt_high_deg`` at 1, 0 being the horizon. ``wide_deg`` and ``tele_deg`` are the field of view at zoom
    0 and 1.
    """

    heading_deg: float = 0.0
    pan_deg: float = 180.0
    tilt_low_deg: float = -90.0
    tilt_high_deg: float = 90.0
    wide_deg: float = 60.0
    tele_deg: float = 4.0
    absolute: bool = True
    continuous: bool = True
    presets: tuple[Preset, ...] = ()

    def __post_init__(self) -> None:
        if not (0.0 <= self.heading_deg < 360.0 and 0.0 < abs(self.pan_deg) <= 360.0):
            raise ValueError("heading_deg must be in [0, 360) and pan_deg from 0 to 360 either way")
        if not -90.0 <= self.tilt_low_deg < self.tilt_high_deg <= 90.0:
            raise ValueError("tilt_low_deg must be below tilt_high_deg, both from -90 to 90")
        if not 0.5 <= self.tele_deg < self.wide_deg <= 180.0:
            raise ValueError("tele_deg must be below wide_deg, both from 0.5 to 180")


def pose_towards(camera: Camera, mount: Mount, lat: float, lon: float, radius_m: float) -> Pose:
    """How to turn to a place so that a circle of ``radius_m`` round it fills the picture.

    Turned as near as it gets where the place is out of its reach.
    """
    away = distance_m(camera.lat, camera.lon, lat, lon)
    turn = (bearing_deg(camera.lat, camera.lon, lat, lon) - mount.heading_deg + 180.0) % 360.0 - 180.0
    down = -math.degrees(math.atan2(camera.height_m - EYE_M, max(away, 0.1)))
    middle = (mount.tilt_high_deg + mount.tilt_low_deg) / 2.0
    half = (mount.tilt_high_deg - mount.tilt_low_deg) / 2.0
    slant = math.hypot(max(away, 0.1), camera.height_m - EYE_M)
    view = 2.0 * math.degrees(math.atan2(max(radius_m, LEAST_VIEW_M), slant))
    return Pose(
        pan=_clamp(turn / mount.pan_deg, -1.0, 1.0),
        tilt=_clamp((down - middle) / half, -1.0, 1.0),
        zoom=_zoom(mount, view),
    )


def looks_to(mount: Mount, pose: Pose) -> float:
    """The heading in degrees of a camera turned to ``pose``."""
    return (mount.heading_deg + pose.pan * mount.pan_deg) % 360.0


def view_deg(mount: Mount, zoom: float) -> float:
    """The horizontal field of view at a zoom."""
    return mount.wide_deg * math.pow(mount.tele_deg / mount.wide_deg, zoom)


def nearest_preset(camera: Camera, mount: Mount, lat: float, lon: float) -> Preset | None:
    """The preset that looks nearest to a place; None when none looks its way."""
    wanted = bearing_deg(camera.lat, camera.lon, lat, lon)
    return _nearest(mount, mount.presets, wanted)


def _nearest(mount: Mount, presets: Sequence[Preset], wanted: float) -> Preset | None:
    best: tuple[float, Preset] | None = None
    for preset in presets:
        heading = preset.heading
        if heading is None and preset.pose is not None:
            heading = looks_to(mount, preset.pose)
        if heading is None:
            continue
        off = abs((wanted - heading + 180.0) % 360.0 - 180.0)
        if off <= PRESET_REACH_DEG and (best is None or off < best[0]):
            best = (off, preset)
    return None if best is None else best[1]


def _zoom(mount: Mount, view: float) -> float:
    """The zoom whose field of view is ``view`` degrees: lenses zoom by ratio, not by degrees."""
    view = _clamp(view, mount.tele_deg, mount.wide_deg)
    return _clamp(math.log(mount.wide_deg / view) / math.log(mount.wide_deg / mount.tele_deg), 0.0, 1.0)


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)

"""What can be done with uncertain positions (RFC 7459, section 5): scale, flatten, ask if she is inside."""

import math
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import shapely
from scipy.special import erfinv
from shapely.geometry.base import BaseGeometry

from ansim.geo.drawing import lay_flat
from ansim.geo.flat import dimensions, flattened
from ansim.geo.geodesy import Plane
from ansim.geo.shapes import Circle, Ellipse, Ellipsoid, Shape, Sphere

USUAL_CONFIDENCE = 95.0
"""In percent: what estimates are scaled to before they are compared (section 5.5)."""
_RINGS, _SPOKES = 64, 64

Array = npt.NDArray[np.float64]
Sized = TypeVar("Sized", Circle, Ellipse, Sphere, Ellipsoid)


class CannotScale(ValueError):
    """The uncertainty of this shape can't be scaled to the confidence that was asked for."""


def scaled(shape: Sized, confidence: float) -> Sized:
    """The shape grown or shrunk until it holds her with ``confidence`` percent (section 5.4).

    A normal distribution scales both ways, a rectangular one only down. Raises :class:`CannotScale` for
    anything else: of an unknown distribution nothing can be said.
    """
    if not 0.0 < confidence < 100.0:
        raise CannotScale(f"confidence must be above 0 and below 100, not {confidence}")
    if shape.confidence == "unknown" or shape.pdf == "unknown":
        raise CannotScale("neither confidence nor distribution may be unknown")
    before, wanted, axes = float(shape.confidence) / 100, confidence / 100, dimensions(shape)
    if shape.pdf == "rectangular":
        if wanted > before:
            raise CannotScale("a rectangular distribution can't be made surer by making it larger")
        factor = (wanted / before) ** (1 / axes)
    else:
        factor = float(erfinv(wanted ** (1 / axes)) / erfinv(before ** (1 / axes)))
    lengths = ("radius_m", "semi_major_m", "semi_minor_m", "vertical_m")
    grown = {name: getattr(shape, name) * factor for name in lengths if hasattr(shape, name)}
    return msgspec.structs.replace(shape, confidence=confidence, **grown)


def to_sphere(shape: Ellipsoid | Sphere) -> Sphere:
    """The ball around an ellipsoid (section 5.2); confidence unchanged."""
    if isinstance(shape, Sphere):
        return shape
    return Sphere(
        lat=shape.lat,
        lon=shape.lon,
        altitude_m=shape.altitude_m,
        radius_m=max(shape.semi_major_m, shape.semi_minor_m, shape.vertical_m),
        confidence=shape.confidence,
        pdf=shape.pdf,
    )


def circles_overlap_m2(radius: float, other_radius: float, apart: float) -> float:
    """The area two circles share, in the unit of their radii squared (section 5.5.1)."""
    if apart >= radius + other_radius:
        return 0.0
    if apart <= abs(radius - other_radius):
        return math.pi * min(radius, other_radius) ** 2
    to_chord = (radius**2 - other_radius**2 + apart**2) / (2 * apart)
    first = radius**2 * math.acos(_cosine(to_chord / radius))
    second = other_radius**2 * math.acos(_cosine((apart - to_chord) / other_radius))
    return first + second - apart * math.sqrt(max(radius**2 - to_chord**2, 0.0))


def probability_within(shape: Shape, region: BaseGeometry) -> float:
    """How probable it is, 0 to 1, that she is inside ``region`` (polygons in longitude, latitude).

    A normal distribution over a circle, ellipse, ball or ellipsoid is integrated over the region. Any other
    is taken as even over the shape (section 5.5): confidence × overlap / area, where an unknown confidence
    counts as 95 %. A point, or a shape without area, is inside or not.
    """
    ground = flattened(shape)
    lat, lon = ground.center
    region = _turned_to(region, lon)
    axes = _deviations(ground) if isinstance(ground, Circle | Ellipse) else None
    if axes is not None:
        return _normal_within(Plane(lat, lon), axes, region)
    drawn = ground.to_polygon()
    if drawn.is_empty:
        return float(shapely.intersects_xy(region, lon, lat))
    plane = Plane(lat, lon)
    flat = lay_flat(drawn, plane)
    within = lay_flat(shapely.intersection(drawn, region), plane)
    sure = USUAL_CONFIDENCE if ground.confidence == "unknown" else float(ground.confidence)
    return min(1.0, sure / 100.0 * float(within.area / flat.area))


def _cosine(value: float) -> float:
    return max(-1.0, min(1.0, value))


def _turned_to(region: BaseGeometry, lon: float) -> BaseGeometry:
    """The region turned by whole circles to the side of ±180° on which the shape is drawn."""
    west, _, east, _ = region.bounds if not region.is_empty else (lon, 0.0, lon, 0.0)
    turns = round((lon - (west + east) / 2) / 360.0)
    return region if not turns else shapely.transform(region, lambda xy: np.add(xy, (360.0 * turns, 0.0)))


def _deviations(shape: Circle | Ellipse) -> tuple[float, float, float] | None:
    """Standard deviations along the two axes in metres and the direction of the first; None if not normal.

    Within k deviations of a normal distribution in the plane lie 1 - exp(-k² / 2) of it.
    """
    if shape.pdf != "normal" or shape.confidence == "unknown":
        return None
    sure = float(shape.confidence) / 100.0
    reach = math.sqrt(-2.0 * math.log1p(-sure))
    if isinstance(shape, Circle):
        axes = (shape.radius_m / reach, shape.radius_m / reach, 0.0)
    else:
        axes = (shape.semi_major_m / reach, shape.semi_minor_m / reach, shape.orientation_deg)
    return None if axes[0] == 0.0 else axes


def _normal_within(plane: Plane, axes: tuple[float, float, float], region: BaseGeometry) -> float:
    """The share in the region of points that each stand for an equal part of the distribution."""
    along, across, direction = axes
    ring = (np.arange(_RINGS) + 0.5) / _RINGS
    reach = np.sqrt(-2.0 * np.log1p(-ring))[:, None]
    turn = (np.arange(_SPOKES)[None, :] + 0.618034 * np.arange(_RINGS)[:, None]) * (2 * math.pi / _SPOKES)
    u, v = (along * reach * np.cos(turn)).ravel(), (across * reach * np.sin(turn)).ravel()
    tilt = math.radians(direction)
    lon, lat = plane.to_lonlat(
        u * math.sin(tilt) + v * math.cos(tilt), u * math.cos(tilt) - v * math.sin(tilt)
    )
    shapely.prepare(region)
    return float(np.mean(shapely.contains_xy(region, lon, lat)))

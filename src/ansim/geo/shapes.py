"""Where somebody is, as the standards say it: a shape with a confidence (RFC 5491, section 5.2; RFC 7459).

Latitudes and longitudes are degrees on WGS84, lengths metres, directions degrees clockwise from north.
``confidence`` is the probability in percent that she is inside, or ``"unknown"``; without a word it is 95 %
(RFC 5491, section 5.1). ``pdf`` says how that probability lies over the shape (RFC 7459, section 4).
Every shape knows its middle (``center``), the ground it covers (``to_polygon``) and the circle around it
(``to_circle``). A shape that can't be is a ``ValueError`` that begins with the name of the field.
"""

import math
from typing import Literal, TypeAlias

import msgspec
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from ansim.geo.drawing import TURN_VERTICES, centroid, degrees, fair, farthest, laid, oval
from ansim.geo.geodesy import Plane, wrapped
from ansim.geo.polygons import polygonal
from ansim.geo.require import (
    MAX_ALTITUDE_M,
    MAX_LENGTH_M,
    MAX_VERTICES,
    Place,
    closed,
    require_altitude,
    require_axes,
    require_number,
    require_ring,
)

Confidence: TypeAlias = float | Literal["unknown"]
Pdf = Literal["unknown", "normal", "rectangular"]

DEFAULT_CONFIDENCE = 95.0
PDFS = ("unknown", "normal", "rectangular")


__all__ = [
    "ArcBand",
    "Circle",
    "Ellipse",
    "Ellipsoid",
    "Place",
    "Point",
    "Polygon",
    "Prism",
    "Shape",
    "Sphere",
    "closed",
]


class _Shape(msgspec.Struct, frozen=True, kw_only=True, tag_field="shape"):
    """What all shapes have."""

    confidence: Confidence = DEFAULT_CONFIDENCE
    pdf: Pdf = "unknown"

    def _require_confidence(self) -> None:
        if self.confidence != "unknown":
            require_number("confidence", self.confidence, 0.0, 100.0, above=True)
            if self.confidence == 100.0:
                raise ValueError("confidence must be below 100: no measurement is certain (RFC 7459)")
        if self.pdf not in PDFS:
            raise ValueError(f"pdf must be one of {', '.join(PDFS)}, not {str(self.pdf)[:40]}")


class _Centered(_Shape, frozen=True, kw_only=True):
    """A shape that is given by its middle."""

    lat: float
    lon: float

    def _require_center(self) -> None:
        require_number("lat", self.lat, -90.0, 90.0)
        require_number("lon", self.lon, -180.0, 180.0)
        self._require_confidence()

    @property
    def center(self) -> Place:
        return self.lat, self.lon

    @property
    def plane(self) -> Plane:
        """The ground around the shape in metres."""
        return Plane(self.lat, self.lon)


class Point(_Centered, frozen=True, kw_only=True, tag="point"):
    """A place without a word on its uncertainty (``gml:Point``); ``altitude_m`` above the ellipsoid."""

    altitude_m: float | None = None

    def __post_init__(self) -> None:
        self._require_center()
        require_altitude(self.altitude_m)

    def to_polygon(self) -> BaseGeometry:
        """A point covers no ground: an empty polygon."""
        return shapely.Polygon()

    def to_circle(self) -> "Circle":
        return Circle(lat=self.lat, lon=self.lon, confidence=self.confidence, pdf=self.pdf)


class Circle(_Centered, frozen=True, kw_only=True, tag="circle"):
    """``gs:Circle`` (section 5.2.3)."""

    radius_m: float = 0.0

    def __post_init__(self) -> None:
        self._require_center()
        require_number("radius_m", self.radius_m, 0.0, MAX_LENGTH_M)

    def to_polygon(self) -> BaseGeometry:
        return oval(self.plane, self.radius_m, self.radius_m, 0.0)

    def to_circle(self) -> "Circle":
        return self


class Ellipse(_Centered, frozen=True, kw_only=True, tag="ellipse"):
    """``gs:Ellipse`` (section 5.2.4); ``orientation_deg`` is the direction of the longer axis."""

    semi_major_m: float
    semi_minor_m: float
    orientation_deg: float = 0.0

    def __post_init__(self) -> None:
        self._require_center()
        require_axes(self.semi_major_m, self.semi_minor_m, self.orientation_deg)

    def to_polygon(self) -> BaseGeometry:
        return oval(self.plane, self.semi_major_m, self.semi_minor_m, self.orientation_deg)

    def to_circle(self) -> Circle:
        return _around(self, self.center, self.semi_major_m)


class ArcBand(_Centered, frozen=True, kw_only=True, tag="arc-band"):
    """``gs:ArcBand`` (section 5.2.5): what a cell's antenna with a timing advance knows.

    ``lat``, ``lon`` are of the antenna; the band lies between the two radii, from ``start_deg`` clockwise
    over ``opening_deg``.
    """

    inner_m: float
    outer_m: float
    start_deg: float
    opening_deg: float

    def __post_init__(self) -> None:
        self._require_center()
        require_number("inner_m", self.inner_m, 0.0, MAX_LENGTH_M)
        require_number("outer_m", self.outer_m, 0.0, MAX_LENGTH_M)
        if self.outer_m <= self.inner_m:
            raise ValueError(f"outer_m must be more than inner_m ({self.inner_m:g}), not {self.outer_m:g}")
        require_number("start_deg", self.start_deg, -360.0, 360.0)
        require_number("opening_deg", self.opening_deg, 0.0, 360.0, above=True)

    @property
    def _centroid_m(self) -> float:
        """How far the middle of the band lies from the antenna (RFC 7459, section 5.1.1.4)."""
        half = math.radians(self.opening_deg) / 2
        inner, outer = self.inner_m, self.outer_m
        thick = (outer**2 + outer * inner + inner**2) / (outer + inner)
        return 2 / 3 * math.sin(half) / half * thick

    @property
    def center(self) -> Place:
        course = math.radians(self.start_deg + self.opening_deg / 2)
        lon, lat = self.plane.to_lonlat(
            self._centroid_m * math.sin(course), self._centroid_m * math.cos(course)
        )
        return float(lat[0]), wrapped(float(lon[0]))

    def to_polygon(self) -> BaseGeometry:
        steps = max(2, math.ceil(self.opening_deg / 360.0 * TURN_VERTICES))
        turn = np.radians(self.start_deg + np.linspace(0.0, self.opening_deg, steps + 1))
        courses = np.column_stack([np.sin(turn), np.cos(turn)])
        grown = fair(math.radians(self.opening_deg) / steps)
        outer, inner = courses * (self.outer_m * grown), courses[::-1] * (self.inner_m * grown)
        if self.opening_deg == 360.0:
            return laid(self.plane, outer[1:], [inner[1:]] if self.inner_m > 0.0 else [])
        end = inner if self.inner_m > 0.0 else np.zeros((1, 2))
        return laid(self.plane, np.concatenate([outer, end]), [])

    def to_circle(self) -> Circle:
        half, away = math.radians(self.opening_deg) / 2, self._centroid_m
        corners = [
            math.sqrt(away**2 + radius**2 - 2 * away * radius * math.cos(half))
            for radius in (self.inner_m, self.outer_m)
        ]
        return _around(self, self.center, max(corners))


class Polygon(_Shape, frozen=True, kw_only=True, tag="polygon"):
    """``gml:Polygon`` (section 5.2.2). Rings are closed: the last place repeats the first.

    ``holes`` are of areas (RFC 5964) rather than of positions. ``altitude_m`` is that of all vertices.
    """

    ring: tuple[Place, ...]
    holes: tuple[tuple[Place, ...], ...] = ()
    altitude_m: float | None = None

    def __post_init__(self) -> None:
        self._require_confidence()
        require_ring("ring", self.ring)
        for number, hole in enumerate(self.holes):
            require_ring(f"holes[{number}]", hole)
        if len(self.ring) + sum(len(hole) for hole in self.holes) > MAX_VERTICES:
            raise ValueError(f"ring must have at most {MAX_VERTICES} places with its holes")
        require_altitude(self.altitude_m)

    @property
    def center(self) -> Place:
        """The centroid of the ground."""
        return centroid(self.to_polygon(), self.ring)

    @property
    def flaw(self) -> str:
        """Why this is no simple polygon (it crosses itself, a hole lies outside …), empty where it is one."""
        drawn = degrees(self.ring, self.holes)
        return "" if shapely.is_valid(drawn) else str(shapely.is_valid_reason(drawn))

    def to_polygon(self) -> BaseGeometry:
        """The ground, edges straight in degrees, made valid where it isn't (never by a buffer)."""
        return polygonal(degrees(self.ring, self.holes))

    def to_circle(self) -> Circle:
        return _around(self, self.center, farthest(self.center, self.ring))


class Prism(_Shape, frozen=True, kw_only=True, tag="prism"):
    """``gs:Prism`` (section 5.2.8): a polygon at ``altitude_m`` that reaches ``height_m`` up, as a storey."""

    ring: tuple[Place, ...]
    altitude_m: float
    height_m: float

    def __post_init__(self) -> None:
        self._require_confidence()
        require_ring("ring", self.ring)
        require_altitude(self.altitude_m)
        require_number("height_m", self.height_m, 0.0, MAX_ALTITUDE_M)

    @property
    def base(self) -> Polygon:
        return Polygon(ring=self.ring, altitude_m=self.altitude_m, confidence=self.confidence, pdf=self.pdf)

    @property
    def center(self) -> Place:
        return self.base.center

    @property
    def flaw(self) -> str:
        """As :attr:`Polygon.flaw`."""
        return self.base.flaw

    def to_polygon(self) -> BaseGeometry:
        return self.base.to_polygon()

    def to_circle(self) -> Circle:
        return self.base.to_circle()


class Sphere(_Centered, frozen=True, kw_only=True, tag="sphere"):
    """``gs:Sphere`` (section 5.2.6)."""

    altitude_m: float
    radius_m: float

    def __post_init__(self) -> None:
        self._require_center()
        require_altitude(self.altitude_m)
        require_number("radius_m", self.radius_m, 0.0, MAX_LENGTH_M)

    def to_polygon(self) -> BaseGeometry:
        return self.to_circle().to_polygon()

    def to_circle(self) -> Circle:
        return _around(self, self.center, self.radius_m)


class Ellipsoid(_Centered, frozen=True, kw_only=True, tag="ellipsoid"):
    """``gs:Ellipsoid`` (section 5.2.7): an ellipse on the ground and ``vertical_m`` up and down."""

    altitude_m: float
    semi_major_m: float
    semi_minor_m: float
    vertical_m: float
    orientation_deg: float = 0.0

    def __post_init__(self) -> None:
        self._require_center()
        require_altitude(self.altitude_m)
        require_axes(self.semi_major_m, self.semi_minor_m, self.orientation_deg)
        require_number("vertical_m", self.vertical_m, 0.0, MAX_ALTITUDE_M)

    def to_polygon(self) -> BaseGeometry:
        return oval(self.plane, self.semi_major_m, self.semi_minor_m, self.orientation_deg)

    def to_circle(self) -> Circle:
        return _around(self, self.center, self.semi_major_m)


Shape: TypeAlias = Point | Circle | Ellipse | ArcBand | Polygon | Prism | Sphere | Ellipsoid


def _around(shape: _Shape, center: Place, radius_m: float) -> Circle:
    """The circle that holds the whole shape: as sure as it, or surer (RFC 7459, section 5.2)."""
    radius = min(radius_m, MAX_LENGTH_M)
    return Circle(lat=center[0], lon=center[1], radius_m=radius, confidence=shape.confidence, pdf=shape.pdf)

"""Shapes drawn on the ground: polygons in longitude, latitude (degrees) from lengths in metres."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from ansim.geo.geodesy import Plane, unwrapped, wrapped
from ansim.geo.polygons import polygonal
from ansim.geo.require import Place

Array = npt.NDArray[np.float64]

TURN_VERTICES = 64
"""Vertices of a full turn drawn as a polygon, which is made to have the true area."""


def fair(step: float) -> float:
    """By how much the radius of a drawn turn grows so that its chords enclose the true area."""
    return math.sqrt(step / math.sin(step))


def oval(plane: Plane, major_m: float, minor_m: float, orientation_deg: float) -> BaseGeometry:
    """An ellipse as a polygon of equal area."""
    if minor_m == 0.0:
        return shapely.Polygon()
    turn = np.linspace(0.0, 2 * math.pi, TURN_VERTICES, endpoint=False)
    grown, tilt = fair(2 * math.pi / TURN_VERTICES), math.radians(orientation_deg)
    along, across = major_m * grown * np.cos(turn), minor_m * grown * np.sin(turn)
    east = along * math.sin(tilt) + across * math.cos(tilt)
    north = along * math.cos(tilt) - across * math.sin(tilt)
    return laid(plane, np.column_stack([east, north]), [])


def laid(plane: Plane, ring: Array, holes: Sequence[Array]) -> BaseGeometry:
    """Rings of metres laid on the ground: a polygon in longitude, latitude."""
    drawn = [np.column_stack(plane.to_lonlat(one[:, 0], one[:, 1])) for one in (ring, *holes)]
    return polygonal(shapely.Polygon(drawn[0], drawn[1:]))


def lay_flat(ground: BaseGeometry, plane: Plane) -> BaseGeometry:
    """Polygons in longitude, latitude as metres in the plane: areas and distances are true near its place."""
    flat: BaseGeometry = shapely.transform(
        ground, lambda xy: np.column_stack(plane.to_xy(xy[:, 1], xy[:, 0]))
    )
    return flat


def degrees(ring: Sequence[Place], holes: Sequence[Sequence[Place]]) -> shapely.Polygon:
    """The rings in longitude, latitude, in one piece across ±180°."""
    near = ring[0][1]
    drawn = []
    for one in (ring, *holes):
        lat, lon = np.array(one, dtype=np.float64).T
        drawn.append(np.column_stack([unwrapped(lon, near), lat]))
    return shapely.Polygon(drawn[0], drawn[1:])


def centroid(ground: BaseGeometry, ring: Sequence[Place]) -> Place:
    """The middle of the ground, of the ring's places where there is no ground."""
    lat, lon = np.array(ring, dtype=np.float64).T
    if ground.is_empty:
        return float(lat.mean()), wrapped(float(unwrapped(lon, float(lon[0])).mean()))
    rough = ground.centroid
    plane = Plane(rough.y, rough.x)
    middle = lay_flat(ground, plane).centroid
    east, north = plane.to_lonlat(middle.x, middle.y)
    return float(north[0]), wrapped(float(east[0]))


def farthest(center: Place, ring: Sequence[Place]) -> float:
    lat, lon = np.array(ring, dtype=np.float64).T
    return float(np.hypot(*Plane(*center).to_xy(lat, lon)).max())

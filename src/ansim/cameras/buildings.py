"""What stands in a camera's way: building footprints, and how far a camera sees freely in each direction.

A footprint is opaque whatever its height, since a person on the ground behind a house is hidden even from a
pole higher than the house. A footprint that holds the camera itself does not hide anything: it hangs on that
wall, or its coordinates are those of the address.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FieldError

from ansim.cameras.coverage import RAYS, Float32
from ansim.geo.shape import METRES_PER_DEGREE, MIN_COSINE

SUFFIXES = (".json", ".geojson", ".shp", ".gpkg", ".fgb")
MAX_BYTES = 4 << 30
MOST = 10_000_000
FILE = "buildings.fgb"
"""Where a node keeps its footprints, in its data folder."""
KEPT_VIEWS = 20_000

_TURN = np.radians(np.arange(RAYS, dtype=np.float32))
_EAST, _NORTH = np.sin(_TURN), np.cos(_TURN)
_WGS84 = ("EPSG:4326", "OGC:CRS84", "EPSG:4737")

Geometries = npt.NDArray[np.object_]


class BuildingFileError(ValueError):
    """A file of buildings that cannot be taken; the message says what is wrong."""


class Buildings:
    """Footprints in longitude, latitude (WGS84), ready to be asked; never changed, shared between threads."""

    def __init__(self, footprints: Sequence[shapely.Geometry] | Geometries) -> None:
        self._shapes: Geometries = np.asarray(footprints, dtype=object)
        self._tree = shapely.STRtree(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def free_m(self, lat: float, lon: float, reach_m: float) -> Float32:
        """How far one sees from a place in each of :data:`~ansim.cameras.coverage.RAYS` directions.

        Infinite where nothing stands within ``reach_m``.
        """
        free = np.full(RAYS, np.inf, dtype=np.float32)
        north = reach_m / METRES_PER_DEGREE
        east = north / max(math.cos(math.radians(lat)), MIN_COSINE)
        near = self._shapes[self._tree.query(shapely.box(lon - east, lat - north, lon + east, lat + north))]
        if len(near):
            near = near[~shapely.intersects_xy(near, lon, lat)]
        starts, steps = _walls(near, lat, lon)
        if not len(starts):
            return free
        crossed = steps[:, 1:] * _EAST - steps[:, :1] * _NORTH  # of the ray's direction and the wall
        with np.errstate(divide="ignore", invalid="ignore"):
            along = (starts[:, :1] * steps[:, 1:] - starts[:, 1:] * steps[:, :1]) / crossed
            part = (starts[:, :1] * _NORTH - starts[:, 1:] * _EAST) / crossed
            met = (along > 0.0) & (part >= 0.0) & (part <= 1.0)
        nearest: Float32 = np.where(met, along, np.inf).min(axis=0).astype(np.float32)
        nearest[nearest > reach_m] = np.inf
        return nearest


class Views:
    """How far cameras see freely, worked out once each; the longest unused are forgotten.

    Not for two threads at once.
    """

    def __init__(self, buildings: Buildings, most: int = KEPT_VIEWS) -> None:
        self._buildings = buildings
        self._kept: OrderedDict[tuple[float, float, float], Float32] = OrderedDict()
        self._most = most

    def of(self, lat: npt.NDArray[np.float64], lon: npt.NDArray[np.float64], reach_m: Float32) -> Float32:
        """(n, RAYS) metres for n cameras."""
        return np.stack(
            [self._one(*place) for place in zip(lat.tolist(), lon.tolist(), reach_m.tolist(), strict=True)]
        )

    def _one(self, lat: float, lon: float, reach_m: float) -> Float32:
        key = (lat, lon, reach_m)
        known = self._kept.get(key)
        if known is None:
            known = self._kept[key] = self._buildings.free_m(lat, lon, reach_m)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return known


def read_buildings(path: Path, progress: Callable[[int, int], None] | None = None) -> Geometries:
    """The footprints in a file (GeoJSON, Shapefile, GeoPackage, FlatGeobuf) in longitude, latitude.

    Other coordinate systems are converted. Raises :class:`BuildingFileError`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise BuildingFileError(f"{path.name}: a file of buildings ends in one of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise BuildingFileError(f"there is no file {path}")
    if path.stat().st_size > MAX_BYTES:
        raise BuildingFileError(f"{path.name}: larger than {MAX_BYTES >> 30} GiB")
    try:
        meta, _, wkb, _ = pyogrio.raw.read(path, columns=[], force_2d=True, max_features=MOST + 1)
    except (DataSourceError, DataLayerError, FieldError, UnicodeDecodeError) as problem:
        raise BuildingFileError(f"{path.name} is no readable file of buildings: {problem}") from problem
    if wkb is None or not len(wkb):
        raise BuildingFileError(f"{path.name} holds no buildings")
    if len(wkb) > MOST:
        raise BuildingFileError(f"{path.name} holds more than {MOST:,} buildings")
    shapes: Geometries = shapely.get_parts(shapely.make_valid(shapely.from_wkb(wkb, on_invalid="fix")))
    shapes = shapes[np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_empty(shapes)]
    shapes = shapely.get_parts(shapes)
    if not len(shapes):
        raise BuildingFileError(f"{path.name} holds no areas")
    if meta["crs"] not in (*_WGS84, None):
        shapes = _converted(shapes, str(meta["crs"]), path.name)
    west, south, east, north = shapely.total_bounds(shapes)
    if not (-180.0 <= west <= east <= 180.0 and -90.0 <= south <= north <= 90.0):
        raise BuildingFileError(
            f"{path.name}: coordinates that are no degrees, and no coordinate system named"
        )
    if progress is not None:
        progress(len(shapes), len(shapes))
    return shapes


def keep_buildings(data: Path, shapes: Geometries) -> Path:
    """Keep footprints in a node's data folder in place of the former ones; it takes them at its start."""
    path = data / FILE
    draft = path.with_suffix(".new.fgb")
    pyogrio.raw.write(
        draft,
        shapely.to_wkb(shapes),
        [],
        [],
        driver="FlatGeobuf",
        geometry_type="Polygon",
        crs="EPSG:4326",
    )
    draft.replace(path)
    return path


def kept_buildings(data: Path) -> Buildings | None:
    """The footprints a node keeps; None when it has none."""
    path = data / FILE
    return Buildings(read_buildings(path)) if path.exists() else None


def _walls(near: Geometries, lat: float, lon: float) -> tuple[Float32, Float32]:
    """Start and step of every wall, (s, 2) metres east and north of a place."""
    rings = shapely.get_parts(near)
    points, owner = shapely.get_coordinates(shapely.get_exterior_ring(rings), return_index=True)
    metres_lon = METRES_PER_DEGREE * math.cos(math.radians(lat))
    flat = ((points - (lon, lat)) * (metres_lon, METRES_PER_DEGREE)).astype(np.float32)
    same = owner[1:] == owner[:-1]
    starts, ends = flat[:-1][same], flat[1:][same]
    return starts, ends - starts


def _converted(shapes: Geometries, crs: str, file: str) -> Geometries:
    from pyproj import Transformer
    from pyproj.exceptions import CRSError

    try:
        to_wgs84 = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    except CRSError as problem:
        raise BuildingFileError(f"{file}: unknown coordinate system {crs}") from problem
    converted: Geometries = shapely.transform(
        shapes, lambda points: np.column_stack(to_wgs84.transform(points[:, 0], points[:, 1]))
    )
    return converted

"""Boundary files to boundary sets: TopoJSON, GeoJSON, Shapefile, GeoPackage, FlatGeobuf; all or nothing."""

import importlib
import importlib.util
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FieldError
from shapely.geometry.base import BaseGeometry

from ansim.geo.boundaries import BoundarySet
from ansim.geo.polygons import polygonal

Progress = Callable[[str, int, int], None]
"""Called with the step at hand, how much of it is done, and of how much."""

SUFFIXES = (".json", ".topojson", ".geojson", ".shp", ".gpkg", ".fgb")
MAX_BYTES = 1 << 30
MAX_ROWS = 20_000
CODE_FIELDS = ("code", "sig_cd", "sigungu_cd", "sigungu_code", "sgg_cd", "sgg", "adm_cd", "adm_code", "sggcd")
NAME_FIELDS = ("name", "sig_kor_nm", "sigungu_nm", "sigungu_name", "sggnm", "sgg_nm", "adm_nm", "adm_name")
PROVINCE_FIELDS = ("province", "ctp_kor_nm", "sido_nm", "sidonm", "sido_name", "sido")
WGS84 = ("EPSG:4326", "OGC:CRS84", "EPSG:4737")
"""Geographic systems whose coordinates are WGS84's (Korea 2000 differs from it by less than a decimetre)."""
CITY_DISTRICT = re.compile(r"(?P<city>\S+시)\s*(?P<district>\S+구)")
"""A 일반구 under its city, as in 안양시만안구 or 안양시 만안구."""


class BoundaryFileError(ValueError):
    """A boundary file that can't be taken; the message says what is wrong, and in which row."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One feature of a boundary file: its place in the file (from 0), its properties and its shape."""

    index: int
    code: str
    name: str
    province: str
    shape: BaseGeometry

    @property
    def label(self) -> str:
        return f"row {self.index} (code {self.code or 'none'}, name {self.name or 'none'})"


def read_file(
    path: Path,
    *,
    effective_from: datetime,
    progress: Progress | None = None,
    unite: bool = False,
    source: str | None = None,
) -> BoundarySet:
    """The boundaries in a file, in force from ``effective_from`` (with time zone) on.

    Codes and names come from the file's properties, by their usual spellings. ``unite`` puts the 일반구 of
    a city together under the city (안양시만안구 41171 + 안양시동안구 41173 → 안양시 41170). Coordinates
    other than WGS84 need pyproj. ``source`` is the file's name unless given.

    Raises :class:`BoundaryFileError`; never returns a part of a file.
    """
    if effective_from.tzinfo is None:
        raise BoundaryFileError("effective_from needs a time zone")
    report = progress or (lambda _step, _done, _total: None)
    rows, approximate = _read_rows(path, report)
    if unite:
        rows = _united(rows)
    report("index", 0, len(rows))
    try:
        boundaries = BoundarySet(
            [row.code for row in rows],
            [row.name for row in rows],
            [row.shape for row in rows],
            provinces=[row.province for row in rows],
            effective_from=effective_from,
            source=source or path.name,
            approximate=approximate,
        )
    except ValueError as problem:
        raise BoundaryFileError(f"{path.name}: {problem}") from problem
    report("index", len(rows), len(rows))
    return boundaries


def _read_rows(path: Path, report: Progress) -> tuple[list[Row], bool]:
    if not path.is_file():
        raise BoundaryFileError(f"there is no file {path}")
    if path.suffix.lower() not in SUFFIXES:
        raise BoundaryFileError(f"{path.name}: a boundary file ends in one of {', '.join(SUFFIXES)}")
    if path.stat().st_size > MAX_BYTES:
        raise BoundaryFileError(f"{path.name}: larger than {MAX_BYTES >> 20} MiB")
    report("read", 0, 1)
    try:
        meta, _, wkb, columns = _read_raw(path)
    except (DataSourceError, DataLayerError, FieldError, UnicodeDecodeError) as problem:
        raise BoundaryFileError(f"{path.name} is no readable boundary file: {problem}") from problem
    if wkb is None or not len(wkb):
        raise BoundaryFileError(f"{path.name} holds no boundaries")
    if len(wkb) > MAX_ROWS:
        raise BoundaryFileError(f"{path.name} holds more than {MAX_ROWS} rows")
    report("read", 1, 1)
    table = dict(zip((str(field) for field in meta["fields"]), columns, strict=True))
    rows = _rows(path.name, table, shapely.from_wkb(wkb, on_invalid="fix"), meta["crs"], report)
    methods = {str(value) for value in table.get("method", ())}
    return rows, "approximate" in methods


def _read_raw(path: Path) -> Any:
    """The layer; a Shapefile that names no encoding is UTF-8 or, as Korean offices write it, CP949."""
    if path.suffix.lower() != ".shp" or path.with_suffix(".cpg").exists():
        return pyogrio.raw.read(path, max_features=MAX_ROWS + 1)
    try:
        return pyogrio.raw.read(path, max_features=MAX_ROWS + 1, encoding="UTF-8")
    except UnicodeDecodeError:
        return pyogrio.raw.read(path, max_features=MAX_ROWS + 1, encoding="CP949")


def _rows(
    file: str,
    table: dict[str, npt.NDArray[Any]],
    shapes: Sequence[BaseGeometry | None],
    crs: str | None,
    report: Progress,
) -> list[Row]:
    codes = _column(file, table, CODE_FIELDS, "code")
    names = _column(file, table, NAME_FIELDS, "name")
    provinces = _column(file, table, PROVINCE_FIELDS, None) or [""] * len(codes)
    project = _projection(file, crs)
    rows: list[Row] = []
    for index, (code, name, province, shape) in enumerate(zip(codes, names, provinces, shapes, strict=True)):
        ground = shapely.Polygon() if shape is None else project(shape)
        row = Row(index=index, code=code, name=name, province=province, shape=ground)
        if not code or not name:
            raise BoundaryFileError(f"{file}: {row.label} has no {'name' if code else 'code'}")
        if polygonal(ground).is_empty:
            raise BoundaryFileError(f"{file}: {row.label} has no area")
        _require_degrees(file, row)
        rows.append(row)
        report("check", index + 1, len(codes))
    _require_distinct(file, rows)
    return rows


def _column(
    file: str, table: dict[str, npt.NDArray[Any]], spellings: tuple[str, ...], required: str | None
) -> list[str]:
    by_lower = {field.lower(): field for field in table}
    for spelling in spellings:
        if spelling in by_lower:
            return [_text(value) for value in table[by_lower[spelling]]]
    if required is None:
        return []
    raise BoundaryFileError(
        f"{file} has no property for the {required}:"
        f" looked for {', '.join(spellings)}, found {', '.join(table)}"
    )


def _text(value: Any) -> str:
    """A property as text: numbers lose the fraction a file format gave them, missing values are empty."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _projection(file: str, crs: str | None) -> Callable[[BaseGeometry], BaseGeometry]:
    """How the file's coordinates become WGS84; GeoJSON and TopoJSON without a CRS are WGS84 already."""
    if crs is None or crs in WGS84:
        return lambda shape: shapely.force_2d(shape)
    if importlib.util.find_spec("pyproj") is None:
        raise BoundaryFileError(
            f"{file} is in {crs[:60]}: convert it to WGS84 (EPSG:4326), or install pyproj, and try again"
        )
    transformer = importlib.import_module("pyproj").Transformer.from_crs(crs, "EPSG:4326", always_xy=True)

    def project(shape: BaseGeometry) -> BaseGeometry:
        projected: BaseGeometry = shapely.transform(
            shapely.force_2d(shape), lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))
        )
        return projected

    return project


def _require_degrees(file: str, row: Row) -> None:
    west, south, east, north = row.shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BoundaryFileError(
            f"{file}: {row.label} reaches {west:.0f}, {south:.0f}, which are no degrees:"
            " the file needs its CRS"
        )


def _require_distinct(file: str, rows: Sequence[Row]) -> None:
    seen: dict[str, Row] = {}
    for row in rows:
        if row.code in seen:
            raise BoundaryFileError(f"{file}: {row.label} repeats the code of {seen[row.code].label}")
        seen[row.code] = row


def _united(rows: Sequence[Row]) -> list[Row]:
    """Cities in place of their 일반구: the code of a city is its districts' first four digits and a 0."""
    cities: dict[tuple[str, str], list[Row]] = {}
    kept: list[Row] = []
    for row in rows:
        match = CITY_DISTRICT.fullmatch(row.name)
        if match is None:
            kept.append(row)
        else:
            cities.setdefault((row.code[:4], match["city"]), []).append(row)
    taken = {row.code: row for row in kept}
    for (stem, city), districts in cities.items():
        code = stem + "0"
        if len(districts[0].code) != 5 or code in taken:
            raise BoundaryFileError(f"{districts[0].label}: its city {city} can't take the code {code}")
        shape = polygonal(shapely.union_all([polygonal(row.shape) for row in districts]))
        united = msgspec.structs.replace(districts[0], code=code, name=city, shape=shape)
        taken[code] = united
        kept.append(united)
    return kept

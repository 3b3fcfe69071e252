"""Derive the national default of the jurisdictions from the place points of ``korean-geocoding`` (MIT).

Every place (읍·면·동·리) claims the land nearest to it; the claims are united by municipality (시·군·자치구,
a city's 일반구 under their city), cut to the land around the places and written as TopoJSON. The result is an
approximation, marked so; import a surveyed boundary file to replace it.

Run from the repository's root: ``python -m tools.derive_jurisdictions``.
"""

import csv
import io
import pickle
from collections import defaultdict
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from tools import topojson

HERE = Path(__file__).parent
OUTPUT = HERE.parent / "src/ansim/distribution/data/jurisdictions-default.topo.json"
AS_OF = "2024-01-18"
"""State shown: 군위군 in 대구광역시, 강원 and 전북 special self-governing provinces."""

REACH_KM = 5.0
"""How far land is taken to reach around a place: covers the land, and a coastal strip of the sea."""
SIMPLIFY = 0.0004
"""Tolerance of the topological simplification, in degrees of longitude (about 35 m)."""

RENAMED = {"강원도": "강원특별자치도", "전라북도": "전북특별자치도"}
MOVED = {("경상북도", "군위군"): "대구광역시"}
SEJONG = "세종특별자치시"

Municipality = tuple[str, str]
Array = npt.NDArray[np.float64]


class Section:
    """Stand-in for the package's node of the address tree: data only, no code of the package runs."""

    full_addr: str
    coordinates: tuple[float, float] | None
    children: dict[str, "Section"]


class SectionUnpickler(pickle.Unpickler):
    """Unpickles address trees and nothing else: any other global is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) != ("korean_geocoding.section", "Section"):
            raise pickle.UnpicklingError(f"the place data may not name {module}.{name}")
        return Section


def municipality(address: list[str]) -> Municipality:
    """Province and municipality of an address in today's names."""
    province, name = (address[0], "세종시") if address[0] == SEJONG else (address[0], address[1])
    province = MOVED.get((province, name), province)
    return RENAMED.get(province, province), name


def places() -> Iterator[tuple[Municipality, float, float]]:
    """Municipality, latitude and longitude of every place below a municipality.

    A municipality's own point is its office, which may stand in the next one
    (옹진군청 in 미추홀구): left out.
    """

    def walk(section: Section, depth: int) -> Iterator[tuple[Municipality, float, float]]:
        address = section.full_addr.split()
        below = 2 if address[0] == SEJONG else 3
        if section.coordinates is not None and len(address) >= below:
            yield municipality(address), *section.coordinates
        for child in section.children.values():
            yield from walk(child, depth + 1)

    for file in sorted(files("korean_geocoding").joinpath("data").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".dat"):
            yield from walk(SectionUnpickler(io.BytesIO(file.read_bytes())).load(), 0)


def to_mercator(lonlat: Array) -> Array:
    """Spherical Mercator in degrees of longitude: conformal, so the nearest place stays the nearest."""
    return np.column_stack([lonlat[:, 0], np.degrees(np.arcsinh(np.tan(np.radians(lonlat[:, 1]))))])


def from_mercator(xy: Array) -> Array:
    return np.column_stack([xy[:, 0], np.degrees(np.arctan(np.sinh(np.radians(xy[:, 1]))))])


def distinct(found: list[tuple[Municipality, float, float]]) -> tuple[list[Municipality], Array]:
    """Places by position; a position given to two municipalities tells nothing and is left out."""
    claims: dict[tuple[float, float], set[Municipality]] = defaultdict(set)
    for owner, lat, lon in found:
        claims[lon, lat].add(owner)
    kept = {position: owners for position, owners in claims.items() if len(owners) == 1}
    owners = [next(iter(claimed)) for claimed in kept.values()]
    return owners, to_mercator(np.array(list(kept), dtype=np.float64))


def land(xy: Array) -> Any:
    """Discs of ``REACH_KM`` around the places, their narrow gaps closed."""
    degrees = REACH_KM / 111.19 / np.cos(np.arctan(np.sinh(np.radians(xy[:, 1]))))
    discs = shapely.union_all(shapely.buffer(shapely.points(xy), degrees, quad_segs=4))
    gap = float(degrees.mean())
    return shapely.buffer(shapely.buffer(discs, gap, quad_segs=4), -gap, quad_segs=4)


def derive() -> tuple[list[Municipality], list[Any]]:
    owners, xy = distinct(list(places()))
    ground = land(xy)
    frame = shapely.box(*shapely.bounds(ground)).buffer(1.0)
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(xy), extend_to=frame, ordered=True)
    )
    names = sorted(set(owners))
    of = np.array([names.index(owner) for owner in owners])
    united = [shapely.coverage_union_all(cells[of == index]) for index in range(len(names))]
    clipped = shapely.intersection(np.array(united), ground)
    simple = shapely.coverage_simplify(clipped, SIMPLIFY, simplify_boundary=True)
    return names, [shapely.transform(shape, from_mercator) for shape in simple]


def main() -> None:
    names, shapes = derive()
    with (HERE / "municipality_codes.csv").open(encoding="utf-8", newline="") as file:
        codes = {(row["province"], row["name"]): row["code"] for row in csv.DictReader(file)}
    if missing := set(names) ^ set(codes):
        raise SystemExit(f"places and codes disagree about {sorted(missing)}")
    rows = sorted(zip([codes[name] for name in names], names, shapes, strict=True), key=lambda row: row[0])
    properties = [
        {"code": code, "name": name, "province": province, "method": "approximate", "as_of": AS_OF}
        for code, (province, name), _ in rows
    ]
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    topojson.write(OUTPUT, "jurisdictions", [shape for _, _, shape in rows], properties)
    print(f"{OUTPUT.name}: {len(rows)} jurisdictions, {OUTPUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

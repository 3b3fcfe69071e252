"""How fast the responsible municipality of a place is found. Run: ``python bench/locate.py``.

Uses the surveyed boundaries of 2018 (250 polygons) from ``ANSIM_SHARED_DATA`` or ``../shared/data``, or the
shipped default where they are absent. Places are spread evenly over the land; one in ten lies within 200 m
of a border or a shore, a third of those at sea.
"""

import gc
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

import numpy as np
import numpy.typing as npt
import shapely
from rich.console import Console
from rich.table import Table

from ansim.distribution.boundaries import default_boundaries
from ansim.distribution.importer import read_file
from ansim.geo.boundaries import BoundarySet

ROOT = Path(__file__).parents[1]
SURVEY = "korea-municipalities-2018.topo.json"
POINTS = 100_000
CIRCLES = 20_000
RADII_M = (30.0, 300.0, 1_000.0)
Array = npt.NDArray[np.float64]


class Measures(TypedDict):
    """Figures of one run; times in microseconds, load in seconds."""

    boundaries: str
    polygons: int
    vertices: int
    load_s: float
    locate_p50_us: float
    locate_p99_us: float
    locate_p999_us: float
    locate_p99_cpu_us: float
    locate_border_p99_us: float
    locate_outside_p99_us: float
    circle_p50_us: float
    circle_p99_us: float
    many_points_us: float
    many_circles_us: dict[str, float]


def load() -> tuple[BoundarySet, float]:
    folder = Path(os.environ.get("ANSIM_SHARED_DATA", ROOT.parent / "shared/data"))
    begin = time.perf_counter()
    if (folder / SURVEY).is_file():
        boundaries = read_file(folder / SURVEY, effective_from=datetime(2018, 12, 31, tzinfo=UTC))
    else:
        boundaries = default_boundaries()
    return boundaries, time.perf_counter() - begin


def places(boundaries: BoundarySet, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Places on land, near borders, and outside: arrays of (latitude, longitude)."""
    west, south, east, north = shapely.total_bounds(boundaries.geometries)
    spread = np.column_stack([rng.uniform(south, north, 4 * POINTS), rng.uniform(west, east, 4 * POINTS)])
    outside = boundaries.locate_many(spread[:, 0], spread[:, 1]).method == "nearest"
    vertices = shapely.get_coordinates(boundaries.geometries)
    near = vertices[rng.integers(0, len(vertices), POINTS // 10)][:, ::-1]
    border = near + rng.uniform(-0.0018, 0.0018, near.shape)
    land = np.concatenate([spread[~outside][: POINTS - len(border)], border])
    return rng.permutation(land), border, spread[outside][:5_000]


def each(
    boundaries: BoundarySet,
    where: Array,
    radius_m: float = 0.0,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> Array:
    """Microseconds of every single call."""
    took = np.empty(len(where))
    rows = where.tolist()
    for lat, lon in rows[:2_000]:
        boundaries.locate(lat, lon, radius_m)
    gc.collect()
    for row, (lat, lon) in enumerate(rows):
        begin = clock()
        boundaries.locate(lat, lon, radius_m)
        took[row] = clock() - begin
    return took / 1_000


def batch(boundaries: BoundarySet, where: Array, radius_m: float = 0.0) -> float:
    """Microseconds a shape when all are asked at once."""
    begin = time.perf_counter()
    boundaries.locate_many(where[:, 0], where[:, 1], np.full(len(where), radius_m))
    return (time.perf_counter() - begin) / len(where) * 1e6


def measure() -> Measures:
    boundaries, load_s = load()
    land, border, outside = places(boundaries, np.random.default_rng(11))
    single, at_border, beyond = each(boundaries, land), each(boundaries, border), each(boundaries, outside)
    circles = each(boundaries, land[: CIRCLES // 4], 300.0)
    return {
        "boundaries": boundaries.source,
        "polygons": len(boundaries),
        "vertices": int(shapely.get_num_coordinates(boundaries.geometries).sum()),
        "load_s": load_s,
        "locate_p50_us": float(np.percentile(single, 50)),
        "locate_p99_us": float(np.percentile(single, 99)),
        "locate_p999_us": float(np.percentile(single, 99.9)),
        "locate_p99_cpu_us": float(np.percentile(each(boundaries, land, clock=time.thread_time_ns), 99)),
        "locate_border_p99_us": float(np.percentile(at_border, 99)),
        "locate_outside_p99_us": float(np.percentile(beyond, 99)),
        "circle_p50_us": float(np.percentile(circles, 50)),
        "circle_p99_us": float(np.percentile(circles, 99)),
        "many_points_us": batch(boundaries, land),
        "many_circles_us": {f"{radius:.0f}": batch(boundaries, land[:CIRCLES], radius) for radius in RADII_M},
    }


def main() -> None:
    found = measure()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    machine += f", Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"
    size = f"{found['polygons']} polygons, {found['vertices']:,} vertices"
    table = Table(title=f"Responsible municipality: {found['boundaries']}\n{size}\n{machine}")
    for column in ("what", "figure", "to hold"):
        table.add_column(column, justify="left" if column == "what" else "right")
    rows = [
        ("point, one call, p50", found["locate_p50_us"], ""),
        ("point, one call, p99", found["locate_p99_us"], "≤ 100 µs"),
        ("point, one call, p99.9", found["locate_p999_us"], ""),
        ("point, one call, p99 of processor time", found["locate_p99_cpu_us"], ""),
        ("point within 200 m of a border or shore, p99", found["locate_border_p99_us"], ""),
        ("point outside every boundary, p99", found["locate_outside_p99_us"], ""),
        ("circle of 300 m, one call, p50", found["circle_p50_us"], ""),
        ("circle of 300 m, one call, p99", found["circle_p99_us"], ""),
        (f"{POINTS:,} points at once, each", found["many_points_us"], ""),
        *(
            (f"{CIRCLES:,} circles of {radius} m at once, each", took, "≤ 50 µs")
            for radius, took in found["many_circles_us"].items()
        ),
    ]
    for what, took, hold in rows:
        table.add_row(what, f"{took:.1f} µs", hold)
    table.add_row("load and index", f"{found['load_s']:.2f} s", "")
    Console().print(table)


if __name__ == "__main__":
    main()

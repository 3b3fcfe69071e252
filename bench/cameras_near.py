"""How fast the cameras near a person are found and ranked. Run: ``python bench/cameras_near.py [COUNT]``.

Invented cameras (1,000,000 unless told), nine of ten in a hundred crowded towns and the rest over the
country; the persons are where cameras are, some in the empty country between. Wall time and this process's
own time stand side by side: what they differ by is the machine being busy with something else.
"""

import gc
import platform
import sys
import time
from collections.abc import Callable
from typing import TypedDict

import msgspec
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from ansim.cameras.ranking import CameraColumns, place
from ansim.cameras.registry import REACH_M, CameraRegistry
from ansim.cameras.service import BOX_LIMIT
from ansim.geo.shape import distances_m

COUNT = 1_000_000
TOWNS = 100
QUESTIONS = 5_000
CANDIDATES = 96
LIMIT = 12
RADIUS_M = 30.0
CHECKED = 200
"""Answers compared with a search through every camera."""
Array = npt.NDArray[np.float64]


class Percentiles(TypedDict):
    """Microseconds a question."""

    p50: float
    p99: float
    p99_cpu: float


class Measures(TypedDict):
    """Figures of one run."""

    cameras: int
    build_s: float
    near_p50_us: float
    near_p99_us: float
    near_p99_cpu_us: float
    ranked_p50_us: float
    ranked_p99_us: float
    ranked_p99_cpu_us: float
    box_p50_us: float
    box_p99_us: float
    brute_p50_us: float
    wrong: int


def places(count: int, chance: np.random.Generator) -> tuple[Array, Array]:
    """Latitudes and longitudes, crowded in towns."""
    lat, lon = chance.uniform(34.5, 38.0, count), chance.uniform(126.5, 129.2, count)
    centre_lat, centre_lon = chance.uniform(34.6, 37.9, TOWNS), chance.uniform(126.6, 129.1, TOWNS)
    crowded = chance.random(count) < 0.9
    town = chance.integers(0, TOWNS, count)
    spread = chance.uniform(0.01, 0.05, TOWNS)
    lat[crowded] = (centre_lat[town] + chance.normal(0, 1, count) * spread[town])[crowded]
    lon[crowded] = (centre_lon[town] + chance.normal(0, 1, count) * spread[town])[crowded]
    return lat, lon


def registry(count: int, chance: np.random.Generator) -> tuple[CameraRegistry, float]:
    """A registry of invented cameras, and the seconds it took to build."""
    lat, lon = places(count, chance)
    heading = chance.uniform(0, 360, count)
    all_round = chance.random(count) < 0.2
    heading[all_round] = np.nan
    columns = CameraColumns(
        lat=lat,
        lon=lon,
        heading=heading,
        fov_deg=np.where(all_round, 360.0, 90.0),
        confidence=np.where(chance.random(count) < 0.7, 0.8, 0.0),
        range_m=chance.choice([50.0, 80.0, 100.0], count),
        ptz=chance.random(count) < 0.15,
    )
    ids = np.array([f"{number:016x}".encode() for number in range(count)], dtype=np.bytes_)
    begin = time.perf_counter()
    built = CameraRegistry(ids, columns)
    return built, time.perf_counter() - begin


def times(question: Callable[[int], object], count: int) -> Percentiles:
    """Ask ``count`` questions one by one."""
    for number in range(min(50, count)):
        question(number)
    wall, own = np.empty(count), np.empty(count)
    gc.disable()
    try:
        for number in range(count):
            cpu, begin = time.thread_time_ns(), time.perf_counter_ns()
            question(number)
            wall[number] = time.perf_counter_ns() - begin
            own[number] = time.thread_time_ns() - cpu
    finally:
        gc.enable()
    return Percentiles(
        p50=float(np.percentile(wall, 50)) / 1e3,
        p99=float(np.percentile(wall, 99)) / 1e3,
        p99_cpu=float(np.percentile(own, 99)) / 1e3,
    )


def measure(count: int) -> Measures:
    chance = np.random.default_rng(7)
    cameras, build_s = registry(count, chance)
    persons = chance.integers(0, count, QUESTIONS)
    lats = cameras.cameras.lat[persons] + chance.normal(0, 0.0005, QUESTIONS)
    lons = cameras.cameras.lon[persons] + chance.normal(0, 0.0005, QUESTIONS)
    lonely = len(lats[::10])
    lats[::10], lons[::10] = chance.uniform(34.5, 38.0, lonely), chance.uniform(126.5, 129.2, lonely)
    who = list(zip(lats.tolist(), lons.tolist(), strict=True))

    def near(number: int) -> npt.NDArray[np.intp]:
        return cameras.nearest(*who[number], CANDIDATES, REACH_M + RADIUS_M)

    def ranked(number: int) -> object:
        return place(cameras.cameras.take(near(number)), *who[number], RADIUS_M, LIMIT)

    def box(number: int) -> object:
        lat, lon = who[number]
        return cameras.in_box(lon - 0.02, lat - 0.015, lon + 0.02, lat + 0.015, BOX_LIMIT)

    def brute(number: int) -> Array:
        lat, lon = who[number]
        away = distances_m(lat, lon, cameras.cameras.lat, cameras.cameras.lon)
        nearest: Array = np.sort(np.partition(away, CANDIDATES)[:CANDIDATES])
        return nearest[nearest <= REACH_M + RADIUS_M]

    def differs(number: int) -> bool:
        found = near(number)
        away = distances_m(*who[number], cameras.cameras.lat[found], cameras.cameras.lon[found])
        wanted = brute(number)
        return len(found) != len(wanted) or not np.allclose(away, wanted, rtol=0, atol=1e-6)

    near_times, ranked_times = times(near, QUESTIONS), times(ranked, QUESTIONS)
    box_times, brute_times = times(box, QUESTIONS // 10), times(brute, 20)
    return Measures(
        cameras=count,
        build_s=build_s,
        near_p50_us=near_times["p50"],
        near_p99_us=near_times["p99"],
        near_p99_cpu_us=near_times["p99_cpu"],
        ranked_p50_us=ranked_times["p50"],
        ranked_p99_us=ranked_times["p99"],
        ranked_p99_cpu_us=ranked_times["p99_cpu"],
        box_p50_us=box_times["p50"],
        box_p99_us=box_times["p99"],
        brute_p50_us=brute_times["p50"],
        wrong=sum(differs(number) for number in range(CHECKED)),
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    if count <= CANDIDATES:
        sys.exit(f"COUNT must be above {CANDIDATES}")
    found = measure(count)
    table = Table(
        title=f"Cameras near a person, {found['cameras']:,} cameras, Python {platform.python_version()}"
    )
    for title in ("question", "p50 µs", "p99 µs", "p99 µs, own time"):
        table.add_column(title, justify="left" if title == "question" else "right")
    table.add_row(
        f"nearest {CANDIDATES}",
        f"{found['near_p50_us']:,.0f}",
        f"{found['near_p99_us']:,.0f}",
        f"{found['near_p99_cpu_us']:,.0f}",
    )
    table.add_row(
        f"nearest {CANDIDATES}, best {LIMIT} of them",
        f"{found['ranked_p50_us']:,.0f}",
        f"{found['ranked_p99_us']:,.0f}",
        f"{found['ranked_p99_cpu_us']:,.0f}",
    )
    table.add_row("box of 3.5 km", f"{found['box_p50_us']:,.0f}", f"{found['box_p99_us']:,.0f}", "")
    table.add_row("through every camera", f"{found['brute_p50_us']:,.0f}", "", "")
    console = Console()
    console.print(table)
    console.print(
        f"index built in {found['build_s']:.2f} s; "
        f"{found['wrong']} of {CHECKED} answers differ from the search through every camera"
    )
    print(msgspec.json.encode(found).decode())


if __name__ == "__main__":
    main()

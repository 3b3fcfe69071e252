"""How fast cameras near a person are found, and imported. Run: ``python bench/cameras_near.py [--rows N]``.

Cameras are spread as real ones are: most in towns of very different size. Questions are asked where cameras
are, as incidents happen where people live. ``near`` is the search in memory: the nearest candidates and
their ranking; ``with details`` adds reading the twelve shown from the database. An import runs beside a
stranger who writes one row at a time into the same database file, as a running node does.
"""

import argparse
import asyncio
import csv
import json
import multiprocessing
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from ansim.cameras.importer import import_file
from ansim.cameras.ranking import CameraColumns, place
from ansim.cameras.registry import CameraRegistry
from ansim.cameras.service import CameraService
from ansim.core.database import Database
from ansim.geo.shape import distances_m

SIZES = (100_000, 1_000_000, 1_700_000)
QUESTIONS = 5_000
ROWS = 356_000
CHECKED = 200
"""Questions whose answer is compared with brute force."""

Array = npt.NDArray[np.float64]


def spread(count: int, seed: int) -> tuple[Array, Array]:
    """Latitudes and longitudes around 400 towns of very different size, one in ten anywhere."""
    random = np.random.default_rng(seed)
    towns = np.column_stack([random.uniform(34.5, 38.2, 400), random.uniform(126.4, 129.4, 400)])
    weights = 1.0 / np.arange(1, 401)
    town = random.choice(400, count, p=weights / weights.sum())
    size = 0.01 + 0.04 * weights[town]
    lat = towns[town, 0] + random.normal(0, 1, count) * size
    lon = towns[town, 1] + random.normal(0, 1, count) * size * 1.2
    rural = random.random(count) < 0.1
    lat[rural], lon[rural] = random.uniform(34, 38.5, rural.sum()), random.uniform(126, 129.5, rural.sum())
    return np.round(lat, 6), np.round(lon, 6)


def registry(count: int) -> tuple[CameraRegistry, float]:
    """A registry of made-up cameras, and the seconds that building it took."""
    lat, lon = spread(count, 1)
    random = np.random.default_rng(2)
    kind = random.random(count)
    columns = CameraColumns(
        lat=lat,
        lon=lon,
        heading=np.where(kind < 0.6, random.uniform(0, 360, count), np.nan),
        fov_deg=np.where(kind < 0.6, 90.0, 360.0),
        confidence=np.where(kind < 0.9, 0.9, 0.0),
        range_m=np.full(count, 80.0),
        ptz=kind > 0.8,
    )
    ids = np.char.encode(np.char.zfill(np.arange(count).astype(str), 16))
    began = time.perf_counter()
    built = CameraRegistry(ids, columns)
    return built, time.perf_counter() - began


def questions(count: int) -> Iterator[tuple[float, float]]:
    lat, lon = spread(count, 3)
    yield from zip(lat.tolist(), lon.tolist(), strict=True)


def percentiles(microseconds: list[float]) -> tuple[float, float, float]:
    p50, p99 = np.percentile(microseconds, (50, 99))
    return float(p50), float(p99), max(microseconds)


def measure_near(grid: CameraRegistry) -> tuple[list[float], int]:
    """Microseconds of each question, and how many checked answers missed a nearer camera."""
    took, missed = [], 0
    for number, (lat, lon) in enumerate(questions(QUESTIONS)):
        began = time.perf_counter()
        found = grid.nearest(lat, lon, 96)
        place(grid.cameras.take(found), lat, lon, 15.0, 12)
        took.append((time.perf_counter() - began) * 1e6)
        if number < CHECKED:
            every = np.sort(distances_m(lat, lon, grid.cameras.lat, grid.cameras.lon))[:96]
            mine = distances_m(lat, lon, grid.cameras.lat[found], grid.cameras.lon[found])
            missed += not np.allclose(mine, every[every <= 3_000.0])
    return took, missed


def write_file(path: Path, rows: int) -> None:
    """A made-up file in the standard's columns, CP949, a few of its rows dirty."""
    lat, lon = spread(rows, 5)
    titles = [
        "개방자치단체코드",
        "관리번호",
        "관리기관명",
        "소재지도로명주소",
        "설치목적구분",
        "카메라대수",
        "촬영방면정보",
        "설치연월",
        "관리기관전화번호",
        "WGS84위도",
        "WGS84경도",
    ]
    directions = ["360도 전방면", "동측", "북동", "도로방면", ""]
    with path.open("w", encoding="cp949", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(titles)
        for number in range(rows):
            place_of = (lat[number], lon[number]) if number % 100 else (lon[number], lat[number])
            writer.writerow(
                [
                    f"{number % 250:07d}",
                    number,
                    "경기도 안양시청",
                    f"경기도 안양시 만안구 석수로 {number % 900} (석수동, 한빛아파트)",
                    "생활방범",
                    number % 5 + 1,
                    directions[number % 5],
                    "202005",
                    "031-000-0000",
                    *place_of,
                ]
            )


def stranger(url: str, pipe: Pipe) -> None:
    """Write a row every 10 ms until told to stop; send the milliseconds each took."""
    table = sa.Table("stranger", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))

    async def run() -> list[float]:
        database = Database(url, readers=1)
        table.metadata.create_all(database.engine)
        took = []
        while not pipe.poll():
            began = time.perf_counter()
            await database.write(lambda tx: tx.execute(sa.insert(table), {}))
            took.append((time.perf_counter() - began) * 1e3)
            await asyncio.sleep(0.01)
        database.close()
        return took

    pipe.send(asyncio.run(run()))


async def measure_import(folder: Path, rows: int) -> dict[str, float]:
    """Seconds of a first and a second import, of loading, and milliseconds of the stranger's writes."""
    path = folder / "cameras.csv"
    write_file(path, rows)
    database = Database.sqlite_file(folder / "node.db")
    database.create_all()
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    other = multiprocessing.get_context("spawn").Process(target=stranger, args=(database.url, theirs))
    other.start()
    await asyncio.sleep(2)
    figures = {}
    for name in ("import_s", "import_again_s"):
        began = time.perf_counter()
        summary = await import_file(database, path)
        figures[name] = time.perf_counter() - began
        assert summary.refused == 0, summary
    ours.send("stop")
    waits = ours.recv()
    other.join()
    figures["beside_p50_ms"], figures["beside_p99_ms"], figures["beside_max_ms"] = percentiles(waits)
    cameras = CameraService(database)
    began = time.perf_counter()
    await cameras.start()
    figures["load_s"] = time.perf_counter() - began
    took = []
    for lat, lon in list(questions(1_000)):
        began = time.perf_counter()
        await cameras.near(lat, lon, 15.0, 12, "ko")
        took.append((time.perf_counter() - began) * 1e3)
    figures["details_p50_ms"], figures["details_p99_ms"], _ = percentiles(took)
    database.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the imported file; 0 leaves it out")
    rows = parser.parse_args().rows
    console = Console()
    console.print(
        f"{platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, numpy {np.__version__}"
    )
    table = Table("cameras", "near p50", "p99", "max", "built in", "missed")
    result: dict[str, float] = {}
    for size in SIZES:
        grid, seconds = registry(size)
        took, missed = measure_near(grid)
        p50, p99, worst = percentiles(took)
        table.add_row(
            f"{size:,}", f"{p50:.0f} µs", f"{p99:.0f} µs", f"{worst:.0f} µs", f"{seconds:.2f} s", str(missed)
        )
        result |= {f"near_{size}_p50_us": round(p50), f"near_{size}_p99_us": round(p99), "missed": missed}
    console.print(table)
    if rows:
        with tempfile.TemporaryDirectory() as folder:
            figures = asyncio.run(measure_import(Path(folder), rows))
        table = Table(
            "import of",
            "first",
            "again",
            "load",
            "write beside p50",
            "p99",
            "max",
            "near with details p50",
            "p99",
        )
        table.add_row(
            f"{rows:,} rows",
            *(f"{figures[name]:.1f} s" for name in ("import_s", "import_again_s", "load_s")),
            *(f"{figures[f'beside_{name}_ms']:.1f} ms" for name in ("p50", "p99", "max")),
            *(f"{figures[f'details_{name}_ms']:.2f} ms" for name in ("p50", "p99")),
        )
        console.print(table)
        result |= {name: round(value, 2) for name, value in figures.items()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()

"""Who is responsible, measured beside PostGIS on the same polygons. Run: ``python -m bench.routing``.

The polygons are the 250 surveyed municipalities of 2018 from ``ANSIM_SHARED_DATA`` or ``../shared/data``.
Half of the points are spread over land and water, half lie within 5 m of a border. Agreement is asked
of all: which polygons hold the point. Time is taken, in turn and in one run, of the points that a polygon
holds, and apart from them of points at sea, for which both find the nearest. The last line is JSON.
"""

import gc
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import shapely
from rich.console import Console

from ansim.distribution.importer import read_file
from ansim.geo.boundaries import BoundarySet
from ansim.geo.shape import METRES_PER_DEGREE, circle_polygons
from bench.lost_http import Lost, lost_over_http
from bench.postgis import Missing, PostGis
from bench.report import ROOT, Row, percentile, show

SURVEY = "korea-municipalities-2018.topo.json"
SINGLE = 4_000
TURN = 100
AT_SEA = 300
BATCH = 100_000
CIRCLES = 20_000
BORDER_CIRCLES = 300
RADIUS_M = 50.0
BORDER_M = 5.0
TIE_M = 1e-6
"""A point nearer to a border than this lies on it: binary numbers can't say on which side."""

Array = npt.NDArray[np.float64]

ONE = "SELECT array_agg(id ORDER BY id) FROM b WHERE ST_Intersects(g, ST_SetSRID(ST_MakePoint(%s, %s), 4326))"
ALL = "SELECT p.id AS point, b.id AS boundary FROM p JOIN b ON ST_Intersects(b.g, p.g)"
NEAREST = "SELECT id FROM b ORDER BY g <-> ST_SetSRID(ST_MakePoint(%s, %s), 4326) LIMIT 1"
OVERLAP = """SELECT DISTINCT ON (c.id) c.id, b.id FROM c JOIN b ON ST_Intersects(b.g, c.g)
ORDER BY c.id, ST_Area(ST_Intersection(b.g, c.g)) DESC, b.id"""


class Side(msgspec.Struct, kw_only=True):
    """What was measured of the search in memory and of PostGIS; times in microseconds a point."""

    agree: float
    ties: int
    compared: int
    circles_agree: float
    ours_us: list[float]
    theirs_us: list[float]
    ours_sea_us: list[float]
    theirs_sea_us: list[float]
    ours_batch_us: float
    theirs_batch_us: float
    theirs_stored_us: float
    circle_us: float
    border_circle_us: float


def boundaries() -> BoundarySet:
    path = Path(os.environ.get("ANSIM_SHARED_DATA", ROOT.parent / "shared/data")) / SURVEY
    if not path.is_file():
        raise SystemExit(f"{path} is absent: set ANSIM_SHARED_DATA to the folder that has it")
    return read_file(path, effective_from=datetime(2018, 12, 31, tzinfo=UTC))


def places(known: BoundarySet, rng: np.random.Generator) -> tuple[Array, Array]:
    """Latitudes and longitudes: half anywhere in the country's box, half within 5 m of a border."""
    west, south, east, north = shapely.total_bounds(known.geometries)
    half = BATCH // 2
    anywhere = np.column_stack([rng.uniform(south, north, half), rng.uniform(west, east, half)])
    lines = shapely.boundary(known.geometries)
    xy, part = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    starts = rng.choice(np.flatnonzero(part[1:] == part[:-1]), half)
    along = rng.uniform(0.0, 1.0, half)[:, None]
    on_border = (xy[starts] * (1 - along) + xy[starts + 1] * along)[:, ::-1]
    turn, away = rng.uniform(0, 2 * np.pi, half), rng.uniform(0.0, BORDER_M, half) / METRES_PER_DEGREE
    squeeze = np.cos(np.radians(on_border[:, 0]))
    near = on_border + np.column_stack([away * np.sin(turn), away * np.cos(turn) / squeeze])
    lat, lon = rng.permutation(np.concatenate([anywhere, near])).T
    return np.ascontiguousarray(lat), np.ascontiguousarray(lon)


def hold(known: BoundarySet, row: int, lat: Array, lon: Array) -> list[int]:
    """Our answer to *which polygons hold this point*."""
    answer = known.locate(float(lat[row]), float(lon[row]))
    if answer.method == "nearest":
        return []
    return sorted(known.index(code) for code in (answer.center_code, *answer.others))


def one_by_one(
    known: BoundarySet, peer: PostGis, question: str, lat: Array, lon: Array
) -> tuple[list[float], list[float]]:
    """Microseconds of each single question, asked of both by turns of :data:`TURN`."""
    ours, theirs = [], []
    cursor = peer.connection.cursor(binary=True)
    query = question.encode()
    for row in range(min(200, len(lat))):  # both warm; the statement becomes a prepared one
        known.locate(lat[row], lon[row])
        cursor.execute(query, (lon[row], lat[row]), prepare=True).fetchone()
    gc.collect()
    points = list(zip(lon.tolist(), lat.tolist(), strict=True))
    for start in range(0, len(points), TURN):
        for x, y in points[start : start + TURN]:
            begin = time.perf_counter_ns()
            known.locate(y, x)
            ours.append((time.perf_counter_ns() - begin) / 1_000)
        for x, y in points[start : start + TURN]:
            begin = time.perf_counter_ns()
            cursor.execute(query, (x, y), prepare=True).fetchone()
            theirs.append((time.perf_counter_ns() - begin) / 1_000)
    return ours, theirs


def agreement(known: BoundarySet, peer: PostGis, lat: Array, lon: Array) -> tuple[float, int]:
    """Share of the points, ties left out, of which both say that the same polygons hold them."""
    theirs: dict[int, list[int]] = {}
    for point, boundary in peer.connection.execute(ALL.encode()):
        theirs.setdefault(point, []).append(boundary)
    differ = [row for row in range(len(lat)) if hold(known, row, lat, lon) != sorted(theirs.get(row, []))]
    lines = shapely.union_all(shapely.boundary(known.geometries)) if differ else shapely.Point()
    points = shapely.points(lon[differ], lat[differ])
    ties = int((shapely.distance(points, lines) * METRES_PER_DEGREE < TIE_M).sum()) if differ else 0
    return 1.0 - (len(differ) - ties) / (len(lat) - ties), ties


def circles_agreement(known: BoundarySet, peer: PostGis, lat: Array, lon: Array) -> float:
    """Share of circles on borders that both give to the same polygon, by the greatest overlap."""
    radius = np.full(len(lat), RADIUS_M)
    peer.load("c", circle_polygons(lat, lon, radius))
    theirs = dict(peer.connection.execute(OVERLAP.encode()).fetchall())
    columns = known.locate_many(lat, lon, radius)
    same = [columns.index[circle] == boundary for circle, boundary in theirs.items()]
    return float(sum(same) / len(same))


def measure(known: BoundarySet, peer: PostGis) -> Side:
    rng = np.random.default_rng(7)
    lat, lon = places(known, rng)
    peer.load("b", known.geometries)
    peer.load("p", shapely.points(lon, lat))
    agree, ties = agreement(known, peer, lat, lon)
    at_sea = known.locate_many(lat, lon).method == "nearest"
    sea_lat, sea_lon = lat[at_sea][:AT_SEA], lon[at_sea][:AT_SEA]
    compared, lat, lon = len(lat), lat[~at_sea], lon[~at_sea]
    peer.run("DROP TABLE p")
    peer.load("p", shapely.points(lon, lat))
    ours, theirs = one_by_one(known, peer, ONE, lat[:SINGLE], lon[:SINGLE])
    ours_sea, theirs_sea = one_by_one(known, peer, NEAREST, sea_lat, sea_lon)
    batches: list[tuple[float, float, float]] = []
    for _ in range(3):
        begin = time.perf_counter()
        known.locate_many(lat, lon)
        middle = time.perf_counter()
        peer.connection.cursor(binary=True).execute(ALL.encode()).fetchall()
        end = time.perf_counter()
        batches.append((middle - begin, end - middle, peer.server_ms(ALL) / 1_000))
    border = np.flatnonzero(known.locate_many(lat, lon, np.full(len(lat), RADIUS_M)).method == "overlap")
    return Side(
        agree=agree,
        ties=ties,
        compared=compared,
        circles_agree=circles_agreement(
            known, peer, lat[border][:BORDER_CIRCLES], lon[border][:BORDER_CIRCLES]
        ),
        ours_us=ours,
        theirs_us=theirs,
        ours_sea_us=ours_sea,
        theirs_sea_us=theirs_sea,
        ours_batch_us=percentile([one for one, _, _ in batches], 0.5) / len(lat) * 1e6,
        theirs_batch_us=percentile([other for _, other, _ in batches], 0.5) / len(lat) * 1e6,
        theirs_stored_us=percentile([stored for _, _, stored in batches], 0.5) / len(lat) * 1e6,
        circle_us=circles(known, lat[:CIRCLES], lon[:CIRCLES]),
        border_circle_us=circles(known, lat[border][:CIRCLES], lon[border][:CIRCLES]),
    )


def circles(known: BoundarySet, lat: Array, lon: Array) -> float:
    """Microseconds a circle of 50 m when all are asked at once."""
    took = []
    for _ in range(3):
        begin = time.perf_counter()
        known.locate_many(lat, lon, np.full(len(lat), RADIUS_M))
        took.append((time.perf_counter() - begin) / len(lat) * 1e6)
    return percentile(took, 0.5)


def main() -> int:
    console = Console(width=110)
    known = boundaries()
    try:
        with PostGis() as peer:
            version = peer.version
            found = measure(known, peer)
    except Missing as problem:
        console.print(f"[red]{problem}[/red]")
        return 1
    lost = lost_over_http()
    single = sum(found.theirs_us) / sum(found.ours_us)
    batch = found.theirs_batch_us / found.ours_batch_us
    show(console, f"Who is responsible: {known.source}, {len(known)} polygons; {version}", rows(found, lost))
    figures = {
        "agree_ratio": round(found.agree, 8),
        "single_vs_postgis": round(single, 1),
        "batch_vs_postgis": round(batch, 1),
        "circle_us": round(found.circle_us, 2),
        "lost_http_p99_ms": None if lost is None else round(lost.p99_ms, 2),
    }
    print(msgspec.json.encode(figures).decode(), flush=True)
    return 0


def rows(found: Side, lost: Lost | None) -> list[Row]:
    def both(ours: list[float], theirs: list[float], share: float) -> str:
        return f"{percentile(ours, share):.1f} µs / {percentile(theirs, share):.1f} µs"

    single = sum(found.theirs_us) / sum(found.ours_us)
    middle = percentile(found.theirs_us, 0.5) / percentile(found.ours_us, 0.5)
    mean, their_mean = (sum(took) / len(took) for took in (found.ours_us, found.theirs_us))
    batch = found.theirs_batch_us / found.ours_batch_us
    table = [
        Row(
            f"{found.compared:,} points, half within {BORDER_M:.0f} m of a border: agreement"
            f" ({found.ties} ties left out)",
            f"{found.agree:.6%}",
            "100 %",
        ),
        Row(
            f"{BORDER_CIRCLES} circles of {RADIUS_M:.0f} m on a border: agreement",
            f"{found.circles_agree:.4%}",
        ),
        Row("point, one by one, p50: here / PostGIS", both(found.ours_us, found.theirs_us, 0.5)),
        Row("point, one by one, p99: here / PostGIS", both(found.ours_us, found.theirs_us, 0.99)),
        Row("point, one by one, mean: here / PostGIS", f"{mean:.1f} µs / {their_mean:.1f} µs"),
        Row(
            "point, one by one: times faster over all, and at p50",
            f"{single:.1f} ×, {middle:.1f} ×",
            "≥ 10 ×",
        ),
        Row(
            "point at sea, the nearest, one by one, p50: here / PostGIS",
            both(found.ours_sea_us, found.theirs_sea_us, 0.5),
        ),
        Row(
            "points at once (PostGIS: stored and indexed before), answers at the asker: here / PostGIS",
            f"{found.ours_batch_us:.2f} µs / {found.theirs_batch_us:.2f} µs",
        ),
        Row("points at once: times faster", f"{batch:.1f} ×", "≥ 10 ×"),
        Row(
            "points at once, PostGIS's server alone, nothing sent: µs, times faster",
            f"{found.theirs_stored_us:.2f} µs, {found.theirs_stored_us / found.ours_batch_us:.1f} ×",
        ),
        Row(
            f"circle of {RADIUS_M:.0f} m at once, half of them on a border",
            f"{found.circle_us:.2f} µs",
            "≤ 50 µs",
        ),
        Row(f"circle of {RADIUS_M:.0f} m at once, all on a border", f"{found.border_circle_us:.2f} µs"),
    ]
    if lost is None:
        return [*table, Row("LoST over HTTP", "not in this tree", "p99 ≤ 5 ms")]
    return [
        *table,
        Row(f"LoST findService over HTTP at {lost.per_second:,.0f} requests/s, p50", f"{lost.p50_ms:.2f} ms"),
        Row(f"LoST findService over HTTP, {lost.asked:,} requests, p99", f"{lost.p99_ms:.2f} ms", "≤ 5 ms"),
        Row("LoST answers that were not a mapping", f"{lost.wrong}", "0"),
    ]


if __name__ == "__main__":
    sys.exit(main())

"""One press, measured from end to end on real processes. Run: ``python -m bench.spine``.

Everything shares this machine's cores: the hub, three centers, their buses, the browser and the load
generator. Requests are offered on a schedule and timed from it (offered.py).
"""

import asyncio
import json
import sqlite3
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import msgspec
import sqlalchemy as sa
from rich.console import Console

from ansim.incidents import store
from bench import kill9, locate
from bench.console_page import OtherScreens, console_page
from bench.demo_memory import Demo, drill
from bench.offered import offer
from bench.report import Row, percentile, show
from support.kill9 import CENTERS, Outcome, Plan
from support.system import ANYANG, HUB, PLACES, System, free_ports, press_body
from support.wire import Wire

RATE = 200.0
WARM = 400
CONSOLES = 50
SCREEN_RATE = 5.0
"""Presses a second while consoles are open: a disaster's pace, a thousand times a city's."""


class Lines:
    """Kept connections to one node, handed out to whoever presses."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._free: list[Wire] = []

    async def press(self, body: bytes) -> str:
        """One press; returns the incident. An answer other than 201 ends the measurement."""
        wire = self._free.pop() if self._free else Wire(self._url)
        answer = await wire.send("POST", "/api/sos", body, timeout_s=60)
        if answer.status != 201:
            raise SystemExit(f"an SOS was answered with {answer.status}: {answer.body[:200]!r}")
        self._free.append(wire)
        return str(msgspec.json.decode(answer.body)["incident"])

    def close(self) -> None:
        """Drop them."""
        for wire in self._free:
            wire.close()


def bodies(count: int, places: list[tuple[float, float]]) -> list[bytes]:
    """Reports of as many phones, spread over the places."""
    return [msgspec.json.encode(press_body(places[number % len(places)])) for number in range(count)]


async def measure_sos(up: System, seconds: float) -> tuple[list[float], int]:
    """Milliseconds of each SOS at RATE, and how many acknowledged ones the hub's database has."""
    count = int(seconds * RATE) + WARM
    reports = bodies(count, [PLACES[code] for code in CENTERS])
    lines = Lines(up.url(HUB))
    incidents: set[str] = set()

    async def press(number: int) -> None:
        incidents.add(await lines.press(reports[number]))

    took = await offer(RATE, count, press, warm=WARM)
    lines.close()
    stored = up.read(HUB, lambda conn: set(conn.execute(sa.select(store.incident_table.c.id)).scalars()))
    assert incidents <= stored, "an acknowledged SOS is not in the database"
    return took, len(incidents)


async def measure_insert(folder: Path, seconds: float) -> list[float]:
    """The peer: the bare report into one SQLite table, durable, by one writer thread, at the same RATE."""
    count = int(seconds * RATE) + WARM
    reports = bodies(count, [PLACES[ANYANG]])
    loop = asyncio.get_running_loop()
    with (
        closing(sqlite3.connect(folder / "peer.sqlite", check_same_thread=False, isolation_level=None)) as db,
        ThreadPoolExecutor(1) as writer,
    ):
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE IF NOT EXISTS report (id INTEGER PRIMARY KEY, body BLOB)")

        async def insert(number: int) -> None:
            add = "INSERT INTO report (body) VALUES (?)"
            await loop.run_in_executor(writer, db.execute, add, (reports[number],))

        return await offer(RATE, count, insert, warm=WARM)


async def settled(up: System) -> None:
    """Wait until no letter is owed by anybody: the centers have everything."""
    owed = sa.text("SELECT count(*) FROM outbox")
    until = time.monotonic() + 120
    while any(up.read(code, lambda conn: conn.execute(owed).scalar_one()) for code in up.nodes):
        assert time.monotonic() < until, "letters are owed after two minutes"
        await asyncio.sleep(0.2)


async def measure_screen(up: System, seconds: float) -> tuple[dict[str, list[float]], int]:
    """Milliseconds from each press to its event in the page and to its row's frame; frames of the others."""
    count = int(seconds * SCREEN_RATE)
    reports = bodies(count, [PLACES[ANYANG]])
    operator = await up.staff(ANYANG, "op1")
    lines = Lines(up.url(HUB))
    pressed: dict[str, float] = {}
    async with operator, console_page(up.url(ANYANG), "김안심 관제요원") as page:
        with OtherScreens(up.url(ANYANG), operator._headers(), CONSOLES - 1) as others:
            await asyncio.sleep(2)

            async def press(number: int) -> None:
                at = time.time() * 1e3
                pressed[await lines.press(reports[number])] = at

            await offer(SCREEN_RATE, count, press)
            until = time.monotonic() + 20
            measured: dict[str, dict[str, float]] = {}
            while time.monotonic() < until:
                measured = await page.evaluate("measured()")
                if all(measured["drawn"].get(one) for one in pressed):
                    break
                await asyncio.sleep(0.2)
            frames = others.frames()
    lines.close()
    warm = list(pressed)[int(2 * SCREEN_RATE) :]
    missing = [one for one in pressed if one not in measured["arrived"]]
    assert not missing, f"{len(missing)} alarms never arrived at the page"
    return {
        kind: [measured[kind][one] - pressed[one] for one in warm if measured[kind].get(one)]
        for kind in ("arrived", "drawn")
    }, frames


async def measure_system(folder: Path, seconds: float) -> dict[str, Any]:
    """SOS beside the peer, in turn and on the same disk, then the screens."""
    with System(folder / "nodes") as up:
        before = await measure_insert(folder, seconds / 4)
        sos, acknowledged = await measure_sos(up, seconds)
        await settled(up)
        after = await measure_insert(folder, seconds / 4)
    with System(folder / "fresh") as up:
        shown, frames = await measure_screen(up, seconds * 1.5)
    return {
        "sos": sos,
        "acknowledged": acknowledged,
        "insert": [*before, *after],
        "frames": frames,
        **shown,
    }


def measure_demo(folder: Path) -> dict[str, float]:
    """Twice the demonstration: the first start, and the second one with its memory after a drill."""
    port = free_ports()
    with Demo(folder, port) as first:
        pass
    with Demo(folder, port) as second:
        whole = drill(folder)
        memory = second.memory()
    if first.exit_code or second.exit_code or first.left or second.left or not whole:
        raise SystemExit(
            f"the demonstration: exit codes {first.exit_code}, {second.exit_code}; "
            f"left over {first.left + second.left}; drill whole: {whole}"
        )
    return {
        "demo_first_s": first.ready_s,
        "demo_ready_s": second.ready_s,
        "demo_rss_mb": memory.rss,
        "demo_pss_mb": memory.pss,
    }


@click.command()
@click.option("--seconds", default=20.0, show_default=True, help="Of the SOS measurement.")
@click.option("--kill9", "presses", default=2_000, show_default=True, help="Presses of the kill -9 run.")
def main(seconds: float, presses: int) -> None:
    """Print the table; the last line is one JSON object."""
    console = Console(width=110, highlight=False)
    with tempfile.TemporaryDirectory(prefix="ansim-spine-") as name:
        folder = Path(name)
        demo = measure_demo(folder / "demo")
        system = asyncio.run(measure_system(folder, seconds))
    place = locate.measure()
    outcome = kill9.measure(Plan(count=presses, rate=100.0), console)
    figures = {
        f"{label}_{name}_ms": round(percentile(system[key], share), 2)
        for label, key in (("sos", "sos"), ("insert", "insert"), ("screen", "arrived"), ("drawn", "drawn"))
        for name, share in (("p50", 0.5), ("p99", 0.99))
    }
    show(
        console, "The spine: one press, from end to end", rows(system, figures, demo, place, outcome, seconds)
    )
    result = (
        figures
        | {key: round(value, 1) for key, value in demo.items()}
        | {
            "sos_to_insert_p50": round(figures["sos_p50_ms"] / figures["insert_p50_ms"], 1),
            "sos_to_insert_p99": round(figures["sos_p99_ms"] / figures["insert_p99_ms"], 1),
            "locate_p50_us": round(place["locate_p50_us"], 1),
            "locate_p99_us": round(place["locate_p99_us"], 1),
            "kill9_acknowledged": outcome.acknowledged,
            "kill9_lost": outcome.lost,
            "kill9_twice": outcome.twice,
            "kill9_kills": sum(outcome.kills.values()),
            "kill9_whole": outcome.whole,
        }
    )
    print(json.dumps(result))


def rows(
    system: dict[str, Any],
    figures: dict[str, float],
    demo: dict[str, float],
    place: locate.Measures,
    outcome: Outcome,
    seconds: float,
) -> list[Row]:
    """The table."""

    def pair(label: str) -> str:
        return f"{figures[f'{label}_p50_ms']:.1f} / {figures[f'{label}_p99_ms']:.1f} ms"

    ratio = [figures[f"sos_{name}_ms"] / figures[f"insert_{name}_ms"] for name in ("p50", "p99")]
    located = f"{place['locate_p50_us']:.0f} / {place['locate_p99_us']:.0f} µs"
    starts = f"{demo['demo_first_s']:.1f}; {demo['demo_ready_s']:.1f} s"
    memory = f"{demo['demo_rss_mb']:.0f} ({demo['demo_pss_mb']:.0f}) MB"
    kills = f"{outcome.acknowledged:,}; {sum(outcome.kills.values())}"
    faults = f"{outcome.lost}; {outcome.twice}; {'none' if outcome.whole else outcome}"
    seen = f"{len(system['arrived'])}; {system['frames']:,}"
    return [
        Row(f"SOS answered durably, {RATE:.0f}/s for {seconds:.0f} s, p50 / p99", pair("sos"), "5 / 25 ms"),
        Row("the same report, bare durable SQLite insert, p50 / p99", pair("insert")),
        Row("SOS : bare insert, p50 / p99", f"{ratio[0]:.1f} / {ratio[1]:.1f} ×"),
        Row(f"SOS → event in Chromium, {CONSOLES} consoles, p50 / p99", pair("screen"), "20 / 100 ms"),
        Row("SOS → its row drawn on that console, p50 / p99", pair("drawn")),
        Row("presses measured on the page; frames to the 49 others", seen),
        Row(f"center of {place['polygons']} polygons, one call, p50 / p99", located, "p99 100 µs"),
        Row("make demo: ready, first and second start", starts, "180; 10 s"),
        Row("the demonstration's whole memory, RSS (PSS)", memory, "800 MB"),
        Row("kill -9 under load: acknowledged; kills", kills),
        Row("… lost; shown twice; other faults", faults, "0; 0; none"),
    ]


if __name__ == "__main__":
    main()

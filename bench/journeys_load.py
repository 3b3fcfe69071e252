"""What one node carries: positions through the rules, memory a journey, and lateness after a kill -9."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

import ansim.nodes.tables  # noqa: F401 - declares every table
from ansim.core.database import Database
from ansim.core.ids import new_id
from ansim.journeys import store
from ansim.journeys.fleet import FIX, Fleet, Times
from ansim.journeys.model import DEFAULT_POLICY, Concern, Plan, Policy, Spot, State
from ansim.journeys.watch import Watch
from bench.report import percentile

JOURNEYS = 1_000_000
BATCH = 20_000
LAPSING = 2_000
OPEN = 100_000
SPREAD_S = 30.0
_ROOT = Path(__file__).parents[1]


class Load(NamedTuple):
    """Figures of a node."""

    positions_per_s_core: float
    bytes_per_journey: float
    tick_ms: float
    journeys: int


def plan_of(number: int) -> Plan:
    """A way of a kilometre or two, each somewhere else, with twelve corners."""
    lat, lon = 37.3 + number % 977 * 1e-4, 126.8 + number % 991 * 1e-4
    way = tuple((lat + step * 1e-3, lon + step % 3 * 2e-4) for step in range(12))
    start = Spot(name="", lat=lat, lon=lon)
    return Plan(start=start, destination=Spot(name="", lat=way[-1][0], lon=way[-1][1]), way=way)


def load() -> Load:
    """A million open journeys, then batches of positions of random ones for some seconds."""
    plans = [plan_of(number) for number in range(1_000)]
    now = 1_764_000_000.0
    fleet = Fleet()
    watch = Watch(fleet)
    before = _resident()
    for first in range(0, JOURNEYS, 10_000):
        fleet.add_many(
            [
                (number.to_bytes(16, "big"), plans[number % 1_000], DEFAULT_POLICY, Times(now, now + 1800))
                for number in range(first, first + 10_000)
            ]
        )
    held = (_resident() - before) / JOURNEYS
    random = np.random.default_rng(11)
    begin, done, second = time.thread_time(), 0, 1.0
    while time.thread_time() - begin < 4.0:
        rows = random.integers(0, JOURNEYS, BATCH)
        fixes = np.zeros(BATCH, FIX)
        fixes["at"], fixes["radius"], fixes["speed"], fixes["battery"] = now + second, 10.0, 1.3, 0.5
        fixes["lat"] = fleet.time["lat0"][rows] + second * 1e-6 + random.normal(0, 2e-5, BATCH)
        fixes["lon"] = fleet.time["lon0"][rows] + random.normal(0, 2e-5, BATCH)
        watch.heard(rows, fixes, now + second)
        done += BATCH
        second += 0.1
    rate = done / (time.thread_time() - begin)
    ticks = []
    for _ in range(20):
        start = time.thread_time()
        watch.tick(now + second)
        ticks.append((time.thread_time() - start) * 1e3)
    return Load(rate, held, percentile(ticks, 0.5), JOURNEYS)


def lateness(journeys: int = OPEN, lapsing: int = LAPSING) -> list[float]:
    """Seconds by which the questions came late that fell due around a kill -9 and a new start."""
    with tempfile.TemporaryDirectory(prefix="ansim-journeys-") as folder:
        file = Path(folder) / "node.db"
        database = Database.sqlite_file(file)
        database.create_all()
        began = time.time()
        due = asyncio.run(_fill(database, journeys, lapsing, began + 12.0))
        database.close()
        node = _start(file)
        time.sleep(max(0.0, began + 12.0 + SPREAD_S / 2 - time.time()))
        node.send_signal(signal.SIGKILL)
        node.wait()
        node = _start(file)
        time.sleep(max(0.0, began + 12.0 + SPREAD_S + 6.0 - time.time()))
        node.send_signal(signal.SIGKILL)
        node.wait()
        database = Database.sqlite_file(file)
        asked = asyncio.run(database.read(_asked))
        database.close()
    forgotten = [key for key in due if key not in asked]
    if forgotten:
        raise SystemExit(f"{len(forgotten)} journeys were forgotten")
    return [asked[key] - when for key, when in due.items()]


def _start(file: Path) -> subprocess.Popen[str]:
    node = subprocess.Popen(
        [sys.executable, "-m", "bench.journeys_node", str(file)],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    if node.stdout is None or node.stdout.readline().strip() != "ready":
        raise SystemExit("the node did not start")
    return node


async def _fill(database: Database, journeys: int, lapsing: int, first: float) -> dict[str, float]:
    """Open journeys on disk: so many lapse within :data:`SPREAD_S` from ``first`` on, the rest in an hour."""
    random = np.random.default_rng(5)
    due: dict[str, float] = {}
    patient = Policy(lost_after_s=3600.0)
    batch: list[store.Journey] = []
    for number in range(journeys):
        lapses = number < lapsing
        when = first + float(random.uniform(0, SPREAD_S))
        policy = DEFAULT_POLICY if lapses else patient
        started = when - policy.lost_after_s if lapses else first - 60.0
        key = new_id()
        one = store.Journey(
            id=key,
            person=key,
            plan=plan_of(number),
            policy=policy,
            state=State.ACTIVE,
            concern=Concern.NONE,
            started_at=started,
            eta=first + 3600.0,
            changed_at=started,
            center="41170",
            token=key,
            deadline=started + policy.lost_after_s,
        )
        if lapses:
            due[key] = when
        batch.append(one)
        if len(batch) == 5_000 or number == journeys - 1:
            rows, batch = batch, []
            await database.write(lambda tx, rows=rows: store.insert_all(tx, rows))  # type: ignore[misc]
    return due


def _asked(conn: sa.Connection) -> dict[str, float]:
    """When each journey was first asked."""
    query = sa.select(store.journey_step.c.journey, sa.func.min(store.journey_step.c.at)).where(
        store.journey_step.c.state == int(State.CHECK_ASKED)
    )
    return {row[0]: float(row[1]) for row in conn.execute(query.group_by(store.journey_step.c.journey))}


def _resident() -> int:
    """Resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    print(os.getpid(), load())
    late = lateness()
    print({share: round(percentile(late, share), 2) for share in (0.5, 0.99, 1.0)})

"""A running hub: faults reach their owners, planned changes take effect, and no query sees half a change."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
import shapely

from ansim.core import clock
from ansim.core.database import Database
from ansim.core.migrate import migrate
from ansim.distribution import generations
from ansim.distribution import service as distribution_service
from ansim.distribution import watch as watching
from ansim.distribution.boundaries import default_boundaries
from ansim.distribution.discrepancies import Discrepancies
from ansim.distribution.generations import FOLDER
from ansim.distribution.health import CenterHealth
from ansim.distribution.service import Distribution
from ansim.distribution.watch import BoundaryWatch
from ansim.geo.boundaries import BoundarySet
from ansim.incidents.positions import parse

JULY = datetime(2026, 7, 1, tzinfo=UTC)
PLACE = (37.05, 127.05)


def survey(first: str, *, began: datetime = JULY, gap_deg: float = 0.0, count: int = 2) -> BoundarySet:
    """Towns side by side; ``gap_deg``: side of a hole in the first, ``first``, that nobody claims."""
    shapes = [shapely.box(127.0 + 0.1 * number, 37.0, 127.1 + 0.1 * number, 37.1) for number in range(count)]
    if gap_deg:
        shapes[0] = shapes[0].difference(shapely.box(127.02, 37.02, 127.02 + gap_deg, 37.02 + gap_deg))
    codes = [first, *(str(90_000 + number) for number in range(1, count))]
    names = [f"{code}시" for code in codes]
    names = [f"{code}시" for code in codes]
    return BoundarySet(codes, names, shapes, effective_from=began, source=f"of {first}")


def keep(folder: Path, boundaries: BoundarySet) -> None:
    generations.keep(folder / FOLDER, boundaries, imported_at=clock.now())


def distribution(folder: Path) -> Distribution:
    codes = ["11110", *default_boundaries().codes[:3]]
    return Distribution(folder, {code: code for code in codes}, CenterHealth(codes))


@pytest_asyncio.fixture
async def reports(tmp_path: Path) -> AsyncIterator[Discrepancies]:
    database = Database.sqlite_file(tmp_path / "node.db")
    migrate(database)
    yield Discrepancies(database)
    database.close()


async def test_faults_of_what_is_in_force_or_planned_reach_the_owners_once(
    tmp_path: Path, reports: Discrepancies
) -> None:
    keep(tmp_path, survey("80001", gap_deg=0.01))
    keep(tmp_path, survey("80002", gap_deg=0.02, began=clock.now() + timedelta(days=30)))
    hub = distribution(tmp_path)
    watch = BoundaryWatch(hub, reports, min_area_m2=1_000.0)
    assert await watch.look() == 2
    assert await watch.look() == 0
    found = {(report.kind, report.codes): report for report in await reports.of()}
    assert set(found) == {("gap", ("80001",)), ("gap", ("80002",))}
    gap = found["gap", ("80001",)]
    assert gap.area_m2 == pytest.approx(889 * 1_112, rel=0.02)
    assert "80001시 (80001)" in gap.detail
    assert gap.lat is not None


async def test_the_threshold_leaves_small_ground_out(tmp_path: Path, reports: Discrepancies) -> None:
    keep(tmp_path, survey("80001", gap_deg=0.01))
    assert await BoundaryWatch(distribution(tmp_path), reports, min_area_m2=2e6).look() == 0


async def test_the_approximate_default_is_not_checked(tmp_path: Path, reports: Discrepancies) -> None:
    assert await BoundaryWatch(distribution(tmp_path), reports, min_area_m2=0.0).look() == 0


async def test_it_looks_by_itself_and_takes_up_what_is_imported_later(
    tmp_path: Path, reports: Discrepancies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_LOOK_EVERY_S", 0.01)
    hub = distribution(tmp_path)
    watch = BoundaryWatch(hub, reports, min_area_m2=1_000.0)
    await watch.start()
    keep(tmp_path, survey("80001", gap_deg=0.01))
    assert await hub.reload()
    for _ in range(500):
        if await reports.of():
            break
    await watch.stop()
    assert [report.kind for report in await reports.of()] == ["gap"]
    await BoundaryWatch(hub, reports, min_area_m2=1.0).stop()


def test_a_planned_change_takes_effect_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(tmp_path, survey("80001"))
    keep(tmp_path, survey("80002", began=JULY + timedelta(days=365)))
    hub = distribution(tmp_path)
    for moment, code in (
        (JULY, "80001"),
        (JULY + timedelta(days=364), "80001"),
        (JULY + timedelta(days=365), "80002"),
    ):
        monkeypatch.setattr(distribution_service, "now", lambda moment=moment: moment)
        assert hub.boundaries.locate(*PLACE).center_code == code


async def test_no_query_fails_or_sees_half_while_boundaries_are_exchanged(tmp_path: Path) -> None:
    """Queries go on in threads while one import after another is taken over."""
    sets = {f"8000{number}": 2 + number for number in range(6)}
    hub = distribution(tmp_path)
    keep(tmp_path, survey("80000", count=2))
    await hub.reload()
    ended = threading.Event()
    position, _ = parse({"lat": PLACE[0], "lon": PLACE[1], "radius": 5}, JULY)
    wrong: list[str] = []
    asked = [0] * 3

    def ask(number: int) -> None:
        while not ended.is_set():
            boundaries = hub.boundaries
            answer = boundaries.locate(*PLACE)
            try:
                routed = hub.route(position).routed
            except Exception as error:  # noqa: BLE001 - whatever fails is what the test looks for
                wrong.append(repr(error))
                return
            if sets.get(answer.center_code) != len(boundaries) or routed.code not in sets:
                wrong.append(f"{answer.center_code} of {len(boundaries)}, {routed.code}")
            asked[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for number, (code, count) in enumerate(list(sets.items())[1:], start=1):
        before = list(asked)
        keep(tmp_path, survey(code, began=JULY + timedelta(days=number), count=count))
        assert await hub.reload()
        for _ in range(5_000):
            if wrong or all(now > then for now, then in zip(asked, before, strict=True)):
                break
            await asyncio.sleep(0.001)
        assert all(now > then for now, then in zip(asked, before, strict=True)), wrong
    ended.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert hub.boundaries.locate(*PLACE).center_code == "80005"

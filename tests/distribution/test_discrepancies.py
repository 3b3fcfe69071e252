"""Discrepancy reports: one row a fault, told to its owner, mended by whom, open again when found again."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from ansim.core.database import Database, Tx
from ansim.core.migrate import migrate
from ansim.distribution import discrepancies
from ansim.distribution.discrepancies import LETTER, MENDED_LETTER, Discrepancies, Fault, Mended, Report

NOON = datetime(2026, 7, 1, 3, tzinfo=UTC)
GAP = Fault(
    source="boundaries",
    kind="gap",
    owners=("11110", "11140"),
    codes=("11110", "11140"),
    detail="nobody's ground",
    area_m2=5_000.0,
    lat=37.5,
    lon=127.0,
)


class PostBox:
    """Keeps the letters instead of sending them."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, str, object]] = []

    def put(self, tx: Tx, destinations: list[str], kind: str, body: object) -> None:
        self.letters += [(destination, kind, body) for destination in destinations]


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database.sqlite_file(tmp_path / "node.db")
    migrate(made)
    yield made
    made.close()


async def test_a_fault_is_one_report_for_each_owner(database: Database) -> None:
    post = PostBox()
    desk = Discrepancies(database, post, ["11110"])
    assert await desk.file([GAP], NOON) == 2
    assert await desk.file([GAP], NOON + timedelta(hours=1)) == 0
    [mine] = await desk.of("11110")
    assert (mine.kind, mine.codes, mine.times) == ("gap", ("11110", "11140"), 2)
    assert (mine.first_at, mine.last_at) == ("2026-07-01T03:00:00.000Z", "2026-07-01T04:00:00.000Z")
    assert len(await desk.of()) == 2
    assert [(to, kind) for to, kind, _ in post.letters] == [("11110", LETTER)]


async def test_different_places_are_different_faults(database: Database) -> None:
    desk = Discrepancies(database)
    elsewhere = Fault(
        source="boundaries", kind="gap", owners=("11110",), codes=("11110",), lat=37.6, lon=127.0
    )
    assert await desk.file([GAP, elsewhere], NOON) == 3


async def test_the_owner_mends_it_and_the_hub_hears(database: Database, tmp_path: Path) -> None:
    hub_post, center_post = PostBox(), PostBox()
    hub = Discrepancies(database, hub_post, ["11110"])
    await hub.file([GAP], NOON)
    [(_, _, letter)] = hub_post.letters
    assert isinstance(letter, Report)
    there = Database.sqlite_file(tmp_path / "center.db")
    migrate(there)
    center = Discrepancies(there, center_post)
    await there.write(lambda tx: center.receive(tx, letter))
    [report] = await center.of("11110")
    done = await center.mend(report.id, "김상황")
    assert done is not None
    assert done.mended_by == "김상황"
    assert await center.of("11110") == []
    assert await center.mend(report.id, "이상황") == done
    assert await center.mend("nothing", "김상황") is None
    [(to, kind, mended)] = center_post.letters
    assert (to, kind) == ("hub", MENDED_LETTER)
    assert isinstance(mended, Mended)
    await database.write(lambda tx: hub.receive_mended(tx, mended, "11140"))
    assert len(await hub.of("11110")) == 1, "another center's word does not count"
    await database.write(lambda tx: hub.receive_mended(tx, mended, "11110"))
    assert await hub.of("11110") == []
    assert [one.mended_by for one in await hub.of("11110", include_mended=True)] == ["김상황"]
    there.close()


async def test_found_again_it_is_open_again(database: Database) -> None:
    desk = Discrepancies(database)
    await desk.file([GAP], NOON)
    [report] = await desk.of("11140")
    await desk.mend(report.id, "김상황")
    assert await desk.file([GAP], NOON) == 1
    [again] = await desk.of("11140")
    assert (again.id, again.times, again.mended_at) == (report.id, 2, None)


async def test_a_flood_for_one_owner_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discrepancies, "MOST_OPEN", 3)
    desk = Discrepancies(database)
    flood = [
        Fault(source="lost", kind="unclosed-ring", owners=("11110",), detail=f"request {number}")
        for number in range(10)
    ]
    assert await desk.file(flood, NOON) == 3
    assert len(await desk.of("11110")) == 3
    assert await desk.file([GAP], NOON) == 1, "another owner's reports are still taken"

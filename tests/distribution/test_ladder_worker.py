"""The worker that carries the ladder out: at start, at faults, at new boundaries; when she is across."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from ansim.core.clock import system_ms
from ansim.core.database import Overloaded, Tx
from ansim.core.metrics import Metrics
from ansim.core.settings import PolicySettings
from ansim.distribution import service, worker
from ansim.distribution.boundaries import default_boundaries
from ansim.distribution.generations import FOLDER, keep, stamp
from ansim.distribution.handover import crossing
from ansim.distribution.health import CenterHealth
from ansim.distribution.ladder import Step
from ansim.distribution.service import Distribution
from ansim.distribution.worker import LadderWorker
from ansim.incidents import events as ev
from ansim.incidents.model import Incident
from ansim.incidents.reactions import Write
from support.country import SmallCountry, beat, place, three_in_a_row
from support.nodes import InlineDatabase, Station, T, position
from support.story import PERSON, owns, pressed, routed
from support.strategies import CENTERS, HUB

POLICY = PolicySettings(accept_s=600, agency_s=900)
HURRIED = PolicySettings(center_ack_s=0.1, accept_s=0.1, agency_s=0.1)
IMPORTED = datetime(2026, 6, 1, tzinfo=UTC)


class Hub:
    """The hub's journal and ladder on its own file, without a network."""

    def __init__(self, folder: Path) -> None:
        self.station = Station.in_folder(HUB, folder, enrolled=CENTERS, wall=system_ms)
        self.health = CenterHealth(list(CENTERS))
        for code in CENTERS:
            self.health.beat(beat(code))
        self.metrics = Metrics()
        self.country: Distribution = SmallCountry(self.health)
        self.policy = POLICY
        self.ladder = self.worker()

    def worker(self) -> LadderWorker:
        return LadderWorker(
            self.station.database, self.station.journal, self.country, self.policy, self.metrics
        )

    def press(self, incident: str, *, window_ends_at: str = "2026-01-01T00:00:00.000Z") -> None:
        """An incident whose window has ended unless told otherwise, owned by 안양."""
        one = ev.Armed(key=incident, trigger="hold", pressed_at=window_ends_at, window_ends_at=window_ends_at)
        writes: list[Write] = [(one, PERSON), (routed(), PERSON), (owns("41170", 1), PERSON)]
        self.station.write(lambda tx: self.station.journal.record(tx, incident, writes, known=[]))

    def types(self, incident: str) -> list[str]:
        return [event.type for event in self.station.events(incident)]


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    running = Hub(tmp_path)
    yield running
    await running.ladder.stop()
    running.station.close()


async def until(true: Callable[[], bool]) -> None:
    """Wait until something has happened."""
    for _ in range(2_000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


async def test_what_was_open_at_the_start_is_taken_up(hub: Hub) -> None:
    hub.press("i-1")
    hub.station.journal.listeners.clear()
    again = hub.worker()
    assert hub.metrics.readings()["ladder"] == {"depth": 0, "oldest_s": 0.0}
    hub.ladder = again
    await again.start()
    await until(lambda: "alerted" in hub.types("i-1"))


async def test_a_step_that_is_overdue_shows_its_age(hub: Hub) -> None:
    hub.press("i-1")
    reading = hub.metrics.readings()["ladder"]
    assert reading["depth"] == 1
    assert reading["oldest_s"] > 0
    hub.press("i-2", window_ends_at="2999-01-01T00:00:00.000Z")
    assert hub.metrics.readings()["ladder"]["depth"] == 1, "what is not due yet is not late"


async def test_one_incidents_fault_does_not_stop_the_others(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung = LadderWorker._rung

    def fail_for_one(self: LadderWorker, incident: Incident, step: Step) -> list[Write]:
        if incident.id == "broken":
            raise ValueError("a fault in one incident")
        return rung(self, incident, step)

    monkeypatch.setattr(LadderWorker, "_rung", fail_for_one)
    hub.press("broken")
    hub.press("whole")
    await hub.ladder.start()
    await until(lambda: "alerted" in hub.types("whole"))
    assert "alerted" not in hub.types("broken")
    assert b'ansim_faults_total{part="ladder"} 1.0' in hub.metrics.exposition()


@pytest.mark.parametrize("error", [Overloaded("full"), sa.exc.OperationalError("", {}, Exception("locked"))])
async def test_a_step_that_cannot_be_written_is_tried_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    failures = [error, error]

    async def write(self: InlineDatabase, fn: Callable[[Tx], T]) -> T:
        if failures:
            raise failures.pop()
        return self.commit(fn)

    hub.press("i-1")
    monkeypatch.setattr(InlineDatabase, "write", write)
    await hub.ladder.start()
    await until(lambda: "alerted" in hub.types("i-1"))
    assert failures == []


async def test_where_nobody_answers_every_rung_is_climbed(hub: Hub) -> None:
    hub.policy = HURRIED
    hub.station.journal.listeners.clear()
    hub.ladder = hub.worker()
    hub.press("i-1")
    await hub.ladder.start()

    def rungs() -> set[str]:
        return {e.data.step for e in hub.station.events("i-1") if isinstance(e.data, ev.Rung)}

    await until(lambda: rungs() == {"co_alarm", "agency_direct", "exhausted"})
    owners = [e.data for e in hub.station.events("i-1") if isinstance(e.data, ev.OwnershipAssigned)]
    assert {owner.code for owner in owners} == set(CENTERS)
    assert {owner.reason for owner in owners[1:]} == {"no_ack"}


async def test_over_the_border_of_a_city_without_a_center_the_owner_stays(hub: Hub) -> None:
    hub.country = SmallCountry(hub.health, enrolled=CENTERS[:2])
    hub.policy = PolicySettings(center_ack_s=600, accept_s=600, agency_s=900)
    hub.station.journal.listeners.clear()
    hub.station.journal.position_listeners.clear()
    hub.ladder = hub.worker()
    hub.press("i-1", window_ends_at="2999-01-01T00:00:00.000Z")
    await hub.ladder.start()
    lat, lon = place(2)
    for number in (1, 2):
        fix = position(number, lat=lat, lon=lon)
        hub.station.write(lambda tx, fix=fix: hub.station.journal.record_positions(tx, "i-1", [fix]))  # type: ignore[misc]
    await until(lambda: hub.types("i-1").count("routed") == 2)
    incident = hub.station.incident("i-1")
    assert incident is not None
    assert incident.owner is not None
    assert incident.responsible is not None
    assert (incident.responsible.code, incident.owner.code) == (CENTERS[2], "41170")
    assert "center_not_connected" in incident.marks


async def test_boundaries_imported_meanwhile_are_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: Hub
) -> None:
    monkeypatch.setattr(worker, "_RELOAD_S", 0.01)
    hub.country = Distribution(tmp_path, {"41170": "안양시"}, hub.health)
    await hub.ladder.stop()
    hub.ladder = hub.worker()
    await hub.ladder.start()
    assert hub.country.boundaries is default_boundaries()
    keep(tmp_path / FOLDER, three_in_a_row(), imported_at=IMPORTED)
    await until(lambda: len(hub.country.boundaries) == 3)


async def test_damaged_boundaries_leave_the_old_ones_in_force(tmp_path: Path) -> None:
    country = Distribution(tmp_path, {"41170": "안양시"}, CenterHealth(["41170"]))
    assert not await country.reload(), "nothing new"
    kept = keep(tmp_path / FOLDER, three_in_a_row(), imported_at=IMPORTED)
    (tmp_path / FOLDER / f"{kept.id}.fgb").write_bytes(b"damaged")
    assert not await country.reload()
    assert country.boundaries is default_boundaries()
    assert country._stamp == stamp(tmp_path / FOLDER), "said once, not every three seconds"
    assert not await country.reload()


def test_a_hub_without_centers_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one center"):
        service.Distribution(tmp_path, {}, CenterHealth([]))


def test_nobody_knows_where_so_every_center_in_its_order() -> None:
    country = SmallCountry(CenterHealth(list(CENTERS)))
    for jurisdiction in (None, "99999"):
        assert [center.code for center in country.order(jurisdiction)] == list(CENTERS)


def test_a_closed_or_unowned_incident_crosses_nothing() -> None:
    boundaries = three_in_a_row()
    over = pressed().tell(ev.Cancelled(), actor=PERSON).fold
    lat, lon = place(1)
    fixes = [position(number, lat=lat, lon=lon) for number in (1, 2)]
    assert crossing(over, fixes, boundaries, POLICY, system_ms()) is None
    open_one = pressed().fold
    assert crossing(open_one, fixes[:1], boundaries, POLICY, system_ms()) is None
    answer = crossing(open_one, fixes, boundaries, POLICY, system_ms())
    assert answer is not None
    assert answer.center_code == CENTERS[1]


def test_beyond_every_border_or_between_two_nobody_is_entered() -> None:
    boundaries = three_in_a_row()
    over = pressed().fold
    outside, here, next_door = place(5), place(1), place(2)
    for track in ((outside, outside), (next_door, here)):
        fixes = [position(number, lat=lat, lon=lon) for number, (lat, lon) in enumerate(track)]
        assert crossing(over, fixes, boundaries, POLICY, system_ms()) is None
    home = [position(number, lat=lat, lon=lon) for number, (lat, lon) in enumerate((place(0), place(0)))]
    assert crossing(over, home, boundaries, POLICY, system_ms()) is None


async def test_steps_of_somebody_who_is_safe_are_not_followed(hub: Hub) -> None:
    hub.ladder.notice_positions(pressed().tell(ev.Cancelled(), actor=PERSON).fold, [position(1)])
    hub.ladder.notice_positions(pressed().fold, [])
    assert hub.ladder._moved == set()


def test_after_a_hand_over_there_is_rest() -> None:
    boundaries = three_in_a_row()
    story = pressed().tell(routed("11545")).tell(owns("11545", 2, "handover"))
    lat, lon = place(2)
    fixes = [position(number, lat=lat, lon=lon) for number in (1, 2)]
    assert crossing(story.fold, fixes, boundaries, POLICY, story.at_ms + 1_000) is None
    assert crossing(story.fold, fixes, boundaries, POLICY, story.at_ms + 60_000) is not None

"""What the worker writes for each rung, minute by minute on a clock turned by hand, and whom it tells."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansim.core.actors import system
from ansim.core.metrics import Metrics
from ansim.core.settings import PolicySettings
from ansim.distribution import worker
from ansim.distribution.boundaries import BoundaryHistory, default_boundaries
from ansim.distribution.health import CenterHealth
from ansim.distribution.worker import LadderWorker
from ansim.incidents import events as ev
from ansim.incidents.lifecycle import State
from ansim.incidents.model import Incident
from ansim.incidents.reactions import Write
from support.country import SmallCountry, beat, place
from support.nodes import Station, WallClock, letter, position
from support.story import OPERATOR, PERSON, armed, owns, routed
from support.strategies import CENTERS, HUB, event_id

ANYANG, GEUMCHEON, GUNPO = CENTERS
POLICY = PolicySettings()


class Night:
    """The hub's ladder and the time."""

    def __init__(self, folder: Path, wall: WallClock) -> None:
        self.wall = wall
        self.hub = Station.in_folder(HUB, folder, enrolled=CENTERS, wall=wall)
        self.health = CenterHealth(list(CENTERS), lambda: wall.ms / 1000)
        self.metrics = Metrics()
        self.ladder = self.worker(CENTERS)
        self.told = 0
        self.hear(*CENTERS)

    def worker(self, enrolled: tuple[str, ...]) -> LadderWorker:
        country = SmallCountry(self.health, enrolled)
        return LadderWorker(self.hub.database, self.hub.journal, country, POLICY, self.metrics)

    def hear(self, *codes: str) -> None:
        for code in codes:
            self.health.beat(beat(code))

    def press(self, *, exercise: bool = False, owner: str = ANYANG) -> None:
        self.write((armed(exercise=exercise), PERSON), (routed(), system(HUB)), (owns(owner, 1), system(HUB)))

    def write(self, *writes: Write, incident: str = "i-1") -> None:
        self.hub.write(lambda tx: self.hub.journal.record(tx, incident, list(writes)))

    def tell(self, code: str, data: ev.Data) -> None:
        """A center tells something that happened there."""
        self.told += 1
        stamp = self.hub.clock.tick()
        actor = OPERATOR if isinstance(data, ev.Accepted) else system(code)
        event = ev.Event(id=event_id(self.told), incident="i-1", at=stamp, node=code, actor=actor, data=data)
        self.hub.receive(letter(code, [event], self.told))

    def confirm(self, code: str) -> None:
        """Its database has the incident."""
        self.tell(code, ev.Delivered(code=code, epoch=self.epoch))

    def walk(self, *columns: float, radius: float = 10.0) -> None:
        """One fix after another, counted in municipalities from the west."""
        fixes = []
        for column in columns:
            self.told += 1
            lat, lon = place(column)
            fixes.append(position(self.told, lat=lat, lon=lon, radius=radius))
        self.hub.write(lambda tx: self.hub.journal.record_positions(tx, "i-1", fixes))

    def after(self, seconds: float) -> list[ev.Data]:
        """What one look of the worker writes, ``seconds`` later."""
        self.wall.ms += round(seconds * 1000)
        before = len(self.hub.events("i-1"))
        self.hub.write(lambda tx: self.ladder.carry_out(tx, "i-1"))
        return [event.data for event in self.hub.events("i-1")[before:]]

    @property
    def incident(self) -> Incident:
        found = self.hub.incident("i-1")
        assert found is not None
        return found

    @property
    def owner(self) -> str:
        assert self.incident.owner is not None
        return self.incident.owner.code

    @property
    def epoch(self) -> int:
        assert self.incident.owner is not None
        return self.incident.owner.epoch


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    wall = WallClock()
    monkeypatch.setattr(worker, "system_ms", wall)
    running = Night(tmp_path, wall)
    yield running
    running.hub.close()


async def until(true: Callable[[], bool]) -> None:
    """Wait until something has happened."""
    for _ in range(4_000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen")


def test_the_windows_end_alarms_and_not_a_moment_before(night: Night) -> None:
    night.press()
    night.confirm(ANYANG)
    assert night.after(4.999) == []
    assert night.after(0.001) == [ev.Alerted(reason="window")]
    assert night.incident.state is State.ALERTING
    assert night.hub.events("i-1")[-1].actor == system(HUB)


def test_a_cancel_that_came_first_is_not_overtaken_by_the_step(night: Night) -> None:
    """Whatever the worker remembered, it decides anew inside the transaction."""
    night.press()
    night.confirm(ANYANG)
    night.wall.ms += 6_000
    assert night.metrics.readings()["ladder"] == {"depth": 1, "oldest_s": 1.0}
    night.write((ev.Cancelled(), PERSON))
    assert night.metrics.readings()["ladder"] == {"depth": 0, "oldest_s": 0.0}
    assert night.after(0) == []
    assert night.incident.state is State.CANCELLED


def test_centers_that_stay_silent_are_passed_over_until_one_confirms(night: Night) -> None:
    night.press()
    assert night.after(1.999) == []
    assert night.after(0.001) == [owns(GEUMCHEON, 2, "no_ack")]
    assert night.after(2) == [owns(GUNPO, 3, "no_ack")]
    assert night.after(1) == [ev.Alerted(reason="window")]
    assert night.after(1) == [ev.Rung(step="exhausted")]
    night.confirm(GUNPO)
    assert night.after(1) == []
    assert night.owner == GUNPO


def test_who_is_passed_the_incident_is_told_all_of_it(night: Night) -> None:
    night.press()
    assert {mail.dest for mail in night.hub.outbox.take()} == {ANYANG}
    night.after(2)
    mail = {one.dest: ev.decode_many(one.letter.body) for one in night.hub.outbox.take()}
    assert [event.type for event in mail[ANYANG]] == ["ownership_assigned"]
    assert [event.id for event in mail[GEUMCHEON]] == [event.id for event in night.hub.events("i-1")]


@pytest.mark.parametrize(("exercise", "agency"), [(False, "112"), (True, "exercise")])
def test_nobody_accepts_so_neighbours_are_alarmed_and_the_agency_asked(
    night: Night, exercise: bool, agency: ev.Agency
) -> None:
    night.press(exercise=exercise)
    night.confirm(ANYANG)
    assert night.after(5) == [ev.Alerted(reason="window")]
    assert night.after(14.999) == []
    assert night.after(0.001) == [ev.Rung(step="co_alarm", code=GEUMCHEON, name="금천구")]
    both = [*night.after(15), *night.after(0)]
    assert both == [
        ev.Rung(step="co_alarm", code=GUNPO, name="군포시"),
        ev.Rung(step="agency_direct", agency=agency, code=ANYANG, name="안양시"),
    ]
    assert night.after(3_600) == [], "everybody was asked"
    assert night.incident.agency_asked
    assert night.owner == ANYANG, "a co-alarm moves nothing"


def test_an_operators_acceptance_ends_the_ladder(night: Night) -> None:
    night.press()
    night.confirm(ANYANG)
    night.after(5)
    night.tell(ANYANG, ev.Accepted(code=ANYANG, epoch=1))
    assert night.after(3_600) == []
    assert night.metrics.readings()["ladder"] == {"depth": 0, "oldest_s": 0.0}


def test_she_is_handed_over_and_comes_back_when_nobody_there_confirms(night: Night) -> None:
    night.press()
    night.confirm(ANYANG)
    night.after(5)
    night.tell(ANYANG, ev.Accepted(code=ANYANG, epoch=1))
    night.hear(*CENTERS)
    night.walk(1, 1)
    assert night.after(0) == [routed(GEUMCHEON), owns(GEUMCHEON, 2, "handover")]
    assert night.after(1.999) == []
    assert night.after(0.001) == [owns(ANYANG, 3, "handover_failed")]


def test_almost_all_of_her_circle_across_is_across(night: Night) -> None:
    night.press()
    night.confirm(ANYANG)
    night.walk(0.6015, 0.6015, radius=1_000)
    assert night.after(1) == [routed(GEUMCHEON, method="overlap"), owns(GEUMCHEON, 2, "handover")]


def test_a_silent_center_is_handed_nobody(night: Night) -> None:
    night.press()
    night.confirm(ANYANG)
    night.wall.ms += 4_500
    night.hear(ANYANG)
    night.wall.ms += 499
    night.walk(1, 1)
    night.confirm(ANYANG)
    assert night.health.alive(GEUMCHEON)
    night.wall.ms += 1
    assert not night.health.alive(GEUMCHEON)
    assert night.after(0) == [ev.Alerted(reason="window")], "the rung that is due goes first"
    assert night.after(0) == [routed(GEUMCHEON)]
    assert night.owner == ANYANG


def test_a_jurisdiction_without_a_center_is_marked_and_the_owner_keeps_her(night: Night) -> None:
    night.ladder = night.worker((ANYANG, GUNPO))
    night.press()
    night.confirm(ANYANG)
    night.walk(1, 1)
    assert night.after(1) == [routed(GEUMCHEON, marks=("center_not_connected",))]
    assert night.after(1) == [], "said once"
    assert night.owner == ANYANG


def test_who_walks_into_her_owners_jurisdiction_changes_no_hands(night: Night) -> None:
    night.press(owner=GEUMCHEON)
    night.confirm(GEUMCHEON)
    night.walk(1, 1)
    assert night.after(1) == [routed(GEUMCHEON)]
    assert (night.owner, night.epoch) == (GEUMCHEON, 1)


def test_one_step_across_or_one_and_back_moves_nothing(night: Night) -> None:
    night.press()
    night.confirm(ANYANG)
    night.walk(1)
    assert night.after(1) == []
    night.walk(0)
    assert night.after(1) == []
    night.walk(1)
    assert night.after(1) == []
    assert night.incident.responsible is not None
    assert night.incident.responsible.code == ANYANG


def test_without_an_owner_nobody_hands_over(night: Night) -> None:
    night.write((armed(), PERSON), (routed(), system(HUB)))
    night.walk(1, 1)
    assert night.after(1) == []


async def test_a_walk_across_the_border_wakes_the_worker(night: Night) -> None:
    await night.ladder.start()
    try:
        night.press()
        night.confirm(ANYANG)
        night.walk(0)
        night.walk(1, 1)
        await until(lambda: night.owner == GEUMCHEON)
    finally:
        await night.ladder.stop()


async def test_who_was_routed_without_a_place_is_routed_by_her_first_steps(night: Night) -> None:
    """No position at the press, and no jurisdiction known: every fix is looked at."""
    await night.ladder.start()
    try:
        night.write((armed(), PERSON), (owns(ANYANG, 1), system(HUB)))
        night.confirm(ANYANG)
        assert night.incident.responsible is None
        night.walk(2, 2)
        await until(lambda: night.owner == GUNPO)
    finally:
        await night.ladder.stop()


async def test_a_restart_takes_up_what_came_due_while_the_hub_was_down(night: Night) -> None:
    night.press()
    night.confirm(ANYANG)
    night.hub.journal.listeners.clear()
    night.wall.ms += 600_000
    night.hear(*CENTERS)
    restarted = night.worker(CENTERS)
    await restarted.start()
    try:
        await until(lambda: night.incident.state is State.ALERTING)
    finally:
        await restarted.stop()
    assert [event.type for event in night.hub.events("i-1")].count("alerted") == 1


async def test_after_the_stop_nothing_is_written_any_more(night: Night) -> None:
    await night.ladder.stop()  # not begun yet: nothing to end
    before = asyncio.all_tasks()
    await night.ladder.start()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() > before
    await night.ladder.stop()
    assert asyncio.all_tasks() == before
    night.press()
    night.wall.ms += 600_000
    await asyncio.sleep(0)
    assert [event.type for event in night.hub.events("i-1")] == ["armed", "routed", "ownership_assigned"]


class Looked(SmallCountry):
    """Counts how often boundaries were looked for; the third look finds new ones."""

    looks = 0

    async def reload(self) -> bool:
        self.looks += 1
        if self.looks == 3:
            self._history = BoundaryHistory([default_boundaries()])
        return self.looks == 3


async def test_new_boundaries_are_looked_for_again_and_again(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_RELOAD_S", 0.001)
    country = Looked(night.health)
    ladder = LadderWorker(night.hub.database, night.hub.journal, country, POLICY, night.metrics)
    await ladder.start()
    try:
        await until(lambda: country.looks >= 5)
    finally:
        await ladder.stop()
    assert country.boundaries is default_boundaries()

"""Hub and centers under any weather: letters late, repeated and out of order, clocks apart, links cut.

The nodes' real code runs on real database files; only the network, the clocks and the people are made up.
Whatever happens, exactly one center owns each incident from the moment it is armed, and when the weather
clears, all who know of an incident agree on it.
"""

import itertools
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ansim.core.actors import Actor
from ansim.core.clock import iso
from ansim.core.metrics import Metrics
from ansim.core.problems import Problem
from ansim.core.settings import PolicySettings
from ansim.dispatch.service import DispatchService
from ansim.distribution import worker
from ansim.distribution.health import CenterHealth
from ansim.distribution.worker import LadderWorker
from ansim.incidents import events as ev
from ansim.incidents import journal, sos, store
from ansim.incidents.lifecycle import IllegalTransition
from ansim.incidents.model import Incident
from ansim.incidents.operations import Operations
from ansim.incidents.positions import parse
from ansim.incidents.report import Report
from ansim.incidents.sos import Caller, SosService
from support.country import SmallCountry, beat, place
from support.nodes import Mail, Station, WallClock, at_once
from support.strategies import CENTERS, HUB, NAMES

POLICY = PolicySettings()
REFUSALS = (Problem, IllegalTransition)
OPERATORS = {
    code: [Actor(kind="staff", id=f"{code}-{n}", name=f"요원 {n}") for n in (1, 2)] for code in CENTERS
}


class World:
    """Hub and centers with their files, used again by every run: each has its own incidents."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall = WallClock()
        self.skew = dict.fromkeys(CENTERS, 0)
        self.hub = Station.in_folder(HUB, folder, enrolled=CENTERS, wall=self.wall)
        self.centers = {
            code: Station.in_folder(code, folder, wall=lambda code=code: self.wall.ms + self.skew[code])  # type: ignore[misc]
            for code in CENTERS
        }
        self.health = CenterHealth(list(CENTERS), lambda: self.wall.ms / 1000)
        self.country = SmallCountry(self.health)
        self.ladder = LadderWorker(self.hub.database, self.hub.journal, self.country, POLICY, Metrics())
        self.sos = SosService(
            database=self.hub.database,
            journal=self.hub.journal,
            route=self.country.route,
            card=lambda _conn, _person: None,
            policy=POLICY,
        )
        self.operations: dict[str, Operations] = {}
        self.desks: dict[str, DispatchService] = {}
        for code, one in self.centers.items():
            self.operations[code] = Operations(one.database, one.journal, code, NAMES[code])
            self.desks[code] = DispatchService(one.database, one.journal, code)
        self._numbers = itertools.count(1)
        monkeypatch.setattr(worker, "system_ms", self.wall)
        for module in (journal, sos):
            monkeypatch.setattr(module, "new_id", self.next_id)

    @property
    def nodes(self) -> list[Station]:
        return [self.hub, *self.centers.values()]

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.wall.ms / 1000, UTC)

    def next_id(self) -> str:
        """Ids that grow, as UUIDv7 do, and repeat from run to run."""
        return str(UUID(int=next(self._numbers) << 80 | 7 << 76))

    def start(self, skew: tuple[int, ...]) -> None:
        """Forget the letters and the beats of the run before."""
        self.wall.ms += 600_000
        self.skew.update(zip(CENTERS, skew, strict=True))
        for node in self.nodes:
            node.outbox.take()
        for code in CENTERS:
            self.health.beat(beat(code))

    def close(self) -> None:
        for node in self.nodes:
            node.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = World(tmp_path_factory.mktemp("country"), monkeypatch)
        yield made
        made.close()


class Weather:
    """The network between the nodes of a world: letters owed, and links that are cut."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.owed: list[Mail] = []
        self.cut: set[str] = set()

    def collect(self) -> None:
        for node in self.world.nodes:
            self.owed += node.outbox.take()

    def can_pass(self) -> list[Mail]:
        return [mail for mail in self.owed if mail.dest not in self.cut and mail.letter.node not in self.cut]

    def deliver(self, mail: Mail, *, again: bool = False) -> None:
        """Hand a letter over; ``again``: its confirmation is lost, so it will come once more."""
        if not again:
            self.owed.remove(mail)
        node = self.world.hub if mail.dest == HUB else self.world.centers[mail.dest]
        node.receive(mail.letter)
        self.collect()

    def pass_all(self) -> None:
        """Deliver all that can pass, and what comes of it."""
        while letters := self.can_pass():
            self.deliver(letters[0])

    def clear(self) -> None:
        """Deliver until nobody owes anything."""
        self.cut.clear()
        for _ in range(10_000):
            if not self.owed:
                return
            self.deliver(self.owed[0])
        raise AssertionError("the nodes never come to rest")


def press(world: World, key: str, column: float | None) -> str:
    fix = None
    if column is not None:
        lat, lon = place(column)
        fix, _ = parse({"lat": lat, "lon": lon, "radius": 20, "at": iso(world.moment)}, world.moment)
    report = Report(
        key=key,
        trigger="hold",
        pressed_at=iso(world.moment),
        silent=False,
        device_id=key,
        battery=None,
        position=fix,
        marks=(),
        raw="",
    )
    return at_once(world.sos.press(report, Caller(), world.moment)).incident


def climb(world: World, incident_id: str) -> None:
    """Carry out every step that is due."""
    for _ in range(20):
        before = len(world.hub.events(incident_id))
        world.hub.write(lambda tx: world.ladder.carry_out(tx, incident_id))
        if len(world.hub.events(incident_id)) == before:
            return
    raise AssertionError("the ladder never comes to rest")


def ownerships(world: World, incident_id: str) -> list[ev.Event]:
    return [event for event in world.hub.events(incident_id) if event.type == "ownership_assigned"]


def check_one_owner(world: World, incident_id: str) -> None:
    """At every instant one center owns it, decided by the hub, epoch by epoch."""
    incident = world.hub.incident(incident_id)
    assert incident is not None
    assert incident.owner is not None
    assert incident.owner.code in CENTERS
    moves = ownerships(world, incident_id)
    assert [move.data.epoch for move in moves] == list(range(1, len(moves) + 1))  # type: ignore[union-attr]
    assert all(move.node == HUB for move in moves)
    assert len({move.at for move in moves}) == len(moves)
    epochs = [owner.epoch for owner in incident.owners]
    assert epochs == list(range(1, len(epochs) + 1))
    if incident.operator is not None:
        assert incident.operator.center == incident.owner.code
    accepted = [event for event in world.hub.events(incident_id) if event.type == "accepted"]
    for event in accepted:
        if event.id not in incident.superseded:
            assert incident.owner.epoch >= event.data.epoch  # type: ignore[union-attr]
            assert any(
                move.data.code == event.node and move.data.epoch == event.data.epoch  # type: ignore[union-attr]
                for move in moves
            )
    decided = {(move.data.epoch, move.data.code) for move in moves}  # type: ignore[union-attr]
    for center in world.centers.values():
        known = center.incident(incident_id)
        if known is not None and known.owner is not None:
            assert (known.owner.epoch, known.owner.code) in decided


def check_agreement(world: World, incident_id: str) -> Incident:
    """Hub and all parties have folded the same incident and the same track."""
    expected = world.hub.incident(incident_id)
    assert expected is not None
    track = world.hub.read(lambda conn: store.track(conn, incident_id))
    for code in expected.parties:
        assert world.centers[code].incident(incident_id) == expected
        assert world.centers[code].read(lambda conn: store.track(conn, incident_id)) == track
    for code in set(CENTERS) - set(expected.parties):
        assert world.centers[code].incident(incident_id) is None
    return expected


class Country(RuleBasedStateMachine):
    """Everything that people, clocks and links can do, in any order."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.weather = Weather(world)
        self.incidents: list[str] = []

    @initialize(skew=st.tuples(*[st.sampled_from([0, -1_500, 900, 90_000])] * 3))
    def begin(self, skew: tuple[int, ...]) -> None:
        self.world.start(skew)

    def _pick(self, choice: int) -> str:
        return self.incidents[choice % len(self.incidents)]

    @precondition(lambda self: len(self.incidents) < 2)
    @rule(column=st.sampled_from([None, 0, 1, 2, 0.5]))
    def press(self, column: float | None) -> None:
        incident = press(self.world, f"{self.world.wall.ms}-{len(self.incidents)}", column)
        self.incidents.append(incident)

    @precondition(lambda self: self.weather.can_pass())
    @rule(choice=st.integers(0, 99), again=st.booleans())
    def a_letter_arrives(self, choice: int, again: bool) -> None:
        letters = self.weather.can_pass()
        self.weather.deliver(letters[choice % len(letters)], again=again)

    @precondition(lambda self: self.weather.can_pass())
    @rule()
    def the_letters_arrive(self) -> None:
        self.weather.pass_all()

    @rule(code=st.sampled_from(CENTERS))
    def a_link_is_cut_or_joined(self, code: str) -> None:
        self.weather.cut ^= {code}

    @rule(ms=st.sampled_from([10, 500, 2_100, 5_100, 15_100, 30_100]))
    def time_passes(self, ms: int) -> None:
        self.world.wall.ms += ms
        for code in CENTERS:
            if code not in self.weather.cut:
                self.world.health.beat(beat(code))
        for incident in self.incidents:
            climb(self.world, incident)

    @precondition(lambda self: self.incidents)
    @rule(choice=st.integers(0, 1), column=st.sampled_from([0, 0.5, 1, 2]))
    def she_walks(self, choice: int, column: float) -> None:
        lat, lon = place(column)
        fixes = []
        for _ in range(2):
            self.world.wall.ms += 200
            raw = {"lat": lat, "lon": lon, "radius": 20, "at": iso(self.world.moment)}
            fix, _ = parse({**raw, "id": self.world.next_id()}, self.world.moment)
            assert fix is not None
            fixes.append(fix)
        incident = self._pick(choice)
        self.world.hub.write(lambda tx: self.world.hub.journal.record_positions(tx, incident, fixes))
        climb(self.world, incident)

    @precondition(lambda self: self.incidents)
    @rule(choice=st.integers(0, 1), what=st.sampled_from(["cancel", "duress", "now", "again"]))
    def she_acts(self, choice: int, what: str) -> None:
        incident = self._pick(choice)
        try:
            if what == "now":
                at_once(self.world.sos.alarm_now(incident, Caller()))
            elif what == "again":
                again = ev.PressedAgain(key="again", trigger="hold", pressed_at="")
                person = Caller().actor
                self.world.hub.write(
                    lambda tx: self.world.hub.journal.record(tx, incident, [(again, person)])
                )
            else:
                at_once(self.world.sos.cancel(incident, Caller(), duress=what == "duress"))
        except REFUSALS:
            return

    @precondition(lambda self: self.incidents)
    @rule(choice=st.integers(0, 1), code=st.sampled_from(CENTERS), who=st.integers(0, 1))
    def an_operator_accepts(self, choice: int, code: str, who: int) -> None:
        try:
            at_once(self.world.operations[code].accept(self._pick(choice), OPERATORS[code][who]))
        except REFUSALS:
            return

    @precondition(lambda self: self.incidents)
    @rule(
        choice=st.integers(0, 1),
        code=st.sampled_from(CENTERS),
        who=st.integers(0, 1),
        what=st.sampled_from(["see", "note", "request", "close", "propose", "confirm", "reject"]),
    )
    def an_operator_acts(self, choice: int, code: str, who: int, what: str) -> None:
        operations, actor, incident = self.world.operations[code], OPERATORS[code][who], self._pick(choice)
        acts: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
            "see": lambda: operations.seen(incident, actor),
            "note": lambda: operations.note(incident, actor, "…"),
            "request": lambda: operations.request(incident, actor, "112", ""),
            "close": lambda: operations.close(incident, actor, "safe", ""),
            "propose": lambda: operations.close(incident, actor, "prank", ""),
            "confirm": lambda: operations.confirm_closing(incident, actor),
            "reject": lambda: operations.reject_closing(incident, actor),
        }
        try:
            at_once(acts[what]())
        except REFUSALS:
            return

    @precondition(lambda self: self.incidents)
    @rule(choice=st.integers(0, 1), code=st.sampled_from(CENTERS), status=st.sampled_from(ev.STATUSES))
    def an_agency_answers(self, choice: int, code: str, status: ev.Status) -> None:
        incident = self.world.centers[code].incident(self._pick(choice))
        desk = Actor(kind="agency", id="desk", name="112 상황실")
        for request in incident.requests.values() if incident else []:
            try:
                at_once(self.world.desks[code].update(request.id, request.agency, desk, status, ""))
            except REFUSALS:
                continue

    @invariant()
    def each_incident_has_exactly_one_owner(self) -> None:
        self.weather.collect()
        for incident in self.incidents:
            check_one_owner(self.world, incident)

    def teardown(self) -> None:
        """The weather clears: everything arrives, and every clock has its say."""
        self.weather.collect()
        self.weather.clear()
        for incident_id in self.incidents:
            check_agreement(self.world, incident_id)
        for _ in range(8):
            self.time_passes(15_100)
            self.weather.collect()
            self.weather.clear()
        for incident_id in self.incidents:
            check_one_owner(self.world, incident_id)
            incident = check_agreement(self.world, incident_id)
            assert incident.owner is not None
            if incident.open:
                assert incident.owner_has_it
                assert all(claim.code == incident.owner.code for claim in incident.claims)


def test_whatever_the_weather_one_center_owns_each_incident_and_all_agree(world: World) -> None:
    run_state_machine_as_test(
        lambda: Country(world),  # type: ignore[arg-type]
        settings=settings(
            max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.permutations(["11545", "41410"]),
    st.tuples(*[st.sampled_from([0, -1_500, 90_000])] * 3),
    st.data(),
)
def test_of_two_claims_exactly_one_is_granted(
    world: World, order: list[str], skew: tuple[int, ...], data: st.DataObject
) -> None:
    world.start(skew)
    weather = Weather(world)
    incident_id = press(world, f"claims-{world.wall.ms}", 0)
    weather.collect()
    weather.clear()
    for ms in (5_100, 15_100, 15_100):
        world.wall.ms += ms
        climb(world, incident_id)
    weather.collect()
    weather.clear()
    alarmed = world.hub.incident(incident_id)
    assert alarmed is not None
    assert sorted(alarmed.co_alarmed) == sorted(order)
    for code in order:
        incident, ours = at_once(world.operations[code].accept(incident_id, OPERATORS[code][0]))
        assert not ours
        assert incident.owner is not None
        assert incident.owner.code == "41170"
    weather.collect()
    while weather.owed:
        mail = data.draw(st.sampled_from(weather.owed))
        weather.deliver(mail, again=data.draw(st.booleans()) and len(weather.owed) < 20)
        check_one_owner(world, incident_id)
    final = check_agreement(world, incident_id)
    granted = [owner for owner in final.owners if owner.reason == "claimed"]
    assert len(granted) == 1
    (winner,) = granted
    assert final.operator is not None
    assert final.operator.center == winner.code
    assert final.operator.id == OPERATORS[winner.code][0].id
    refused = [event for event in world.hub.events(incident_id) if event.type == "claim_refused"]
    loser = next(code for code in order if code != winner.code)
    assert [event.data.code for event in refused] == [loser]  # type: ignore[union-attr]
    assert final.claims == []


def test_the_center_that_died_is_passed_over_and_catches_up(world: World) -> None:
    """안양시's center is gone when she presses; it returns, and everything is there once."""
    world.start((0, 0, 0))
    weather = Weather(world)
    weather.cut = {"41170"}
    incident_id = press(world, "dead-center", 0)
    weather.collect()
    assert [owner.code for owner in world.hub.incident(incident_id).owners] == ["41170"]  # type: ignore[union-attr]
    world.wall.ms += 2_100
    climb(world, incident_id)
    weather.collect()
    weather.pass_all()
    moved = world.hub.incident(incident_id)
    assert moved is not None
    assert moved.owner is not None
    assert (moved.owner.code, moved.owner.reason) == ("11545", "no_ack")
    assert moved.owner_has_it
    assert "rerouted" in moved.marks
    world.wall.ms += 5_000
    climb(world, incident_id)
    weather.collect()
    weather.clear()
    final = check_agreement(world, incident_id)
    assert [event.type for event in world.centers["41170"].events(incident_id)].count("armed") == 1
    assert final.owner == moved.owner


def test_a_walk_across_the_border_hands_over_and_the_new_center_accepts(world: World) -> None:
    world.start((0, 0, 0))
    weather = Weather(world)
    incident_id = press(world, "walk", 0)
    weather.collect()
    weather.clear()
    at_once(world.sos.alarm_now(incident_id, Caller()))
    weather.collect()
    weather.clear()
    at_once(world.operations["41170"].accept(incident_id, OPERATORS["41170"][0]))
    machine = Country(world)
    machine.weather, machine.incidents = weather, [incident_id]
    machine.she_walks(0, 1)
    weather.collect()
    weather.clear()
    handed = check_agreement(world, incident_id)
    assert handed.owner is not None
    assert (handed.owner.code, handed.owner.reason) == ("11545", "handover")
    assert handed.operator is None
    assert handed.parties.keys() == {"41170", "11545"}
    at_once(world.operations["11545"].accept(incident_id, OPERATORS["11545"][0]))
    weather.collect()
    weather.clear()
    taken = check_agreement(world, incident_id)
    assert taken.operator is not None
    assert taken.operator.center == "11545"


def test_the_window_is_over_even_if_her_phone_is_smashed(world: World) -> None:
    world.start((0, 0, 0))
    incident_id = press(world, "smashed", None)
    world.wall.ms += int(timedelta(seconds=POLICY.cancel_window_s).total_seconds() * 1000)
    climb(world, incident_id)
    incident = world.hub.incident(incident_id)
    assert incident is not None
    assert incident.alerted_at
    assert msgspec.to_builtins(incident.responsible)["method"] == "default"

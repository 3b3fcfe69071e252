"""An SOS that a center takes while the hub is silent, and how hub and center come together again."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansim.core.actors import Actor, system
from ansim.core.clock import hlc_from_ms, iso
from ansim.core.ids import new_id
from ansim.core.metrics import Metrics
from ansim.core.problems import Problem
from ansim.core.settings import PolicySettings
from ansim.distribution.health import CenterHealth
from ansim.incidents import direct, direct_worker, store
from ansim.incidents import events as ev
from ansim.incidents.direct_sos import DirectSos, to_itself
from ansim.incidents.direct_worker import DirectClock, next_alarm
from ansim.incidents.fold import fold
from ansim.incidents.lifecycle import State
from ansim.incidents.operations import Operations
from ansim.incidents.report import Report, read
from ansim.incidents.route import Route
from ansim.incidents.sos import Caller, Receipt, SosService
from support.country import SmallCountry, beat, place, three_in_a_row
from support.nodes import Mail, Station, WallClock, at_once
from support.strategies import CENTERS, HUB, NAMES

POLICY = PolicySettings()
OPERATOR = Actor(kind="staff", id="op-1", name="김관제")
PERSON = {"id": "p-1", "name": "김안심", "phone": "010-1234-5678", "note": "", "guardians": []}
OTHER = Actor(kind="staff", id="op-2", name="박관제")
STRANGER = Caller()


class Country:
    """A hub and its centers, each of which can take a press by itself."""

    def __init__(self, folder: Path) -> None:
        self.wall = WallClock()
        self.hub = Station.in_folder(HUB, folder, enrolled=CENTERS, wall=self.wall)
        self.centers = {code: Station.in_folder(code, folder, wall=self.wall) for code in CENTERS}
        health = CenterHealth(list(CENTERS), lambda: self.wall.ms / 1000)
        for code in CENTERS:
            health.beat(beat(code))
        self.at_hub = SosService(
            database=self.hub.database,
            journal=self.hub.journal,
            route=SmallCountry(health).route,
            card=lambda _conn, person: PERSON | {"id": person},
            policy=POLICY,
        )
        self.at_center = {
            code: DirectSos(
                database=one.database,
                journal=one.journal,
                route=to_itself(code, NAMES[code], three_in_a_row().locate, frozenset({code})),
                policy=POLICY,
            )
            for code, one in self.centers.items()
        }
        self.clocks = {
            code: DirectClock(one.database, one.journal, POLICY, Metrics())
            for code, one in self.centers.items()
        }
        self.operations = {
            code: Operations(one.database, one.journal, code, NAMES[code])
            for code, one in self.centers.items()
        }
        self.owed: list[Mail] = []
        self._keys = itertools.count(1)

    def somebody(self) -> Caller:
        """A registered person who has no open incident."""
        return Caller(person=f"p-{next(self._keys)}", name="김안심")

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.wall.ms / 1000, UTC)

    def report(self, column: float | None = 0, **fields: Any) -> Report:
        """A press as a phone sends it, to whomever."""
        body: dict[str, Any] = {
            "key": new_id(),
            "trigger": "hold",
            "pressed_at": iso(self.moment),
            "device_id": f"phone-{next(self._keys)}",
        }
        if column is not None:
            lat, lon = place(column)
            body["position"] = {"lat": lat, "lon": lon, "radius": 20, "at": iso(self.moment)}
        return read(msgspec.json.encode(body | fields), self.moment)

    def press_hub(self, report: Report, caller: Caller = STRANGER) -> Receipt:
        self.wall.ms += 7
        return at_once(self.at_hub.press(report, caller, self.moment))

    def press_center(self, code: str, report: Report) -> Receipt:
        self.wall.ms += 7
        return at_once(self.at_center[code].press(report, Caller(), self.moment))

    def collect(self) -> list[Mail]:
        for node in (self.hub, *self.centers.values()):
            self.owed += node.outbox.take()
        return self.owed

    def deliver(self, mail: Mail, *, again: bool = False) -> None:
        if not again:
            self.owed.remove(mail)
        self.wall.ms += 1
        node = self.hub if mail.dest == HUB else self.centers[mail.dest]
        node.receive(mail.letter)
        self.collect()

    def settle(self) -> None:
        """The links are whole: everything arrives."""
        for _ in range(500):
            if not self.collect():
                return
            self.deliver(self.owed[0])
        raise AssertionError("the nodes never come to rest")

    def agreed(self, incident_id: str) -> Any:
        """The incident as the hub and every center that is party to it have it, which is the same."""
        known = self.hub.incident(incident_id)
        assert known is not None
        for code in known.parties:
            assert self.centers[code].incident(incident_id) == known
        return known

    def ids(self) -> set[str]:
        return set(self.hub.read(lambda conn: store.open_ids(conn)))


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    made = Country(tmp_path_factory.mktemp("direct"))
    yield made
    for node in (made.hub, *made.centers.values()):
        node.close()


def test_the_same_press_has_the_same_id_everywhere(country: Country) -> None:
    report = country.report()
    assert direct.incident_id(report) == direct.incident_id(msgspec.structs.replace(report, trigger="shake"))
    assert direct.incident_id(report) != direct.incident_id(country.report(key=report.key))
    nameless = msgspec.structs.replace(report, device_id="")
    assert direct.incident_id(nameless) == direct.incident_id(nameless)
    weak = msgspec.structs.replace(nameless, key="1")
    assert direct.incident_id(weak) != direct.incident_id(weak)


def test_a_center_takes_a_press_and_the_hub_confirms_it(country: Country) -> None:
    report = country.report()
    receipt = country.press_center("41170", report)
    assert receipt.owner == ev.CenterRef(code="41170", name="안양시")
    alone = country.centers["41170"].incident(receipt.incident)
    assert alone is not None
    assert alone.unconfirmed
    assert alone.owner_has_it
    assert "direct" in alone.marks
    country.settle()
    joined = country.agreed(receipt.incident)
    assert not joined.unconfirmed
    assert joined.owner.reason == "direct"
    assert country.hub.read(lambda conn: store.newest_position(conn, receipt.incident)) is not None


def test_the_press_that_reaches_the_hub_later_is_the_same_incident_and_names_her(country: Country) -> None:
    report = country.report()
    taken = country.press_center("41170", report)
    country.settle()
    caller = country.somebody()
    repeated = country.press_hub(report, caller)
    assert repeated.incident == taken.incident
    assert repeated.repeated
    assert country.press_hub(report, caller).incident == taken.incident
    country.settle()
    known = country.agreed(taken.incident)
    assert known.armed.person.name == "김안심"
    assert "unknown_person" not in known.marks
    assert known.presses == 1
    assert [event.type for event in country.hub.events(taken.incident)].count("identified") == 1


def test_a_repeated_direct_press_changes_nothing(country: Country) -> None:
    report = country.report()
    first, second = country.press_center("41170", report), country.press_center("41170", report)
    assert first.incident == second.incident
    assert second.repeated


@pytest.mark.parametrize("first", ["hub", "center"])
def test_taken_by_both_it_is_one_incident_with_one_owner(country: Country, first: str) -> None:
    """The hub stored it, its answer was lost, and the phone, far off its own center, asked another."""
    report = country.report(0)
    if first == "hub":
        country.press_hub(report, country.somebody())
        country.press_center("11545", report)
    else:
        country.press_center("11545", report)
        country.press_hub(report, country.somebody())
    country.settle()
    incident = country.agreed(direct.incident_id(report))
    assert incident.owner.code == ("41170" if first == "hub" else "11545")
    assert incident.owner_has_it
    assert incident.armed.person.name == "김안심"
    assert set(incident.parties) == {"41170", "11545"}
    assert not incident.unconfirmed


@pytest.mark.parametrize("also", [False, True])
def test_who_accepted_as_a_rival_asks_for_it_by_that(country: Country, also: bool) -> None:
    report = country.report(0)
    incident_id = country.press_hub(report).incident
    country.press_center("11545", report)
    at_once(country.at_center["11545"].alarm_now(incident_id, Caller()))
    at_once(country.operations["11545"].accept(incident_id, OPERATOR))
    assert country.centers["11545"].incident(incident_id).operator is not None  # type: ignore[union-attr]
    if also:
        at_once(country.at_hub.alarm_now(incident_id, Caller()))
        for mail in list(country.collect()):
            if mail.dest == "41170":
                country.deliver(mail)
        at_once(country.operations["41170"].accept(incident_id, OTHER))
        for mail in [mail for mail in country.collect() if mail.letter.node == "41170"]:
            country.deliver(mail)  # the hub hears of the owner's acceptance first
    country.settle()
    incident = country.agreed(incident_id)
    assert incident.operator.id == (OTHER if also else OPERATOR).id
    assert incident.operator.center == incident.owner.code
    if not also:
        assert (incident.owner.code, incident.owner.reason) == ("11545", "claimed")
    assert incident.claims == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_in_any_order_of_letters_they_agree_on_one_owner(country: Country, data: st.DataObject) -> None:
    country.settle()
    report = country.report(data.draw(st.sampled_from([None, 0, 0.5, 1])))
    caller = country.somebody()
    takers = data.draw(st.lists(st.sampled_from([HUB, *CENTERS]), min_size=1, max_size=4))
    for taker in takers:
        if taker == HUB:
            country.press_hub(report, caller)
        else:
            country.press_center(taker, report)
        for _ in range(data.draw(st.integers(0, 3))):
            if country.collect():
                mail = data.draw(st.sampled_from(country.owed))
                country.deliver(mail, again=data.draw(st.booleans()) and len(country.owed) < 30)
    country.collect()
    while country.owed:
        mail = data.draw(st.sampled_from(country.owed))
        country.deliver(mail, again=data.draw(st.booleans()) and len(country.owed) < 15)
    incident = country.agreed(direct.incident_id(report))
    assert incident.owner is not None
    assert incident.owner_has_it
    assert not incident.unconfirmed
    assert incident.presses == 1
    assert {event.incident for event in country.hub.events(incident.id)} == {incident.id}
    for code in set(CENTERS) - set(incident.parties):
        assert country.centers[code].incident(incident.id) is None


def test_a_press_from_elsewhere_is_taken_and_told_so(country: Country) -> None:
    far = country.press_center("41170", country.report(1))
    nowhere = country.press_center("41170", country.report(None))
    border = country.press_center("41170", country.report(0.499))
    for receipt, method in ((far, "default"), (nowhere, "default"), (border, "overlap")):
        incident = country.centers["41170"].incident(receipt.incident)
        assert incident is not None
        assert incident.responsible is not None
        assert (incident.responsible.code, incident.responsible.method) == ("41170", method)


def test_a_center_cancels_alone_only_what_it_alone_has_and_what_needs_no_pin(country: Country) -> None:
    center, sos = country.centers["41170"], country.at_center["41170"]
    stranger = country.press_center("41170", country.report())
    assert at_once(sos.person_of(stranger.incident)) is None
    assert at_once(sos.cancel(stranger.incident, Caller(), duress=False)) == "cancelled"
    assert center.incident(stranger.incident).state is State.CANCELLED  # type: ignore[union-attr]
    assert at_once(sos.cancel(stranger.incident, Caller(), duress=False)) == "cancelled"

    registered = country.press_center("41170", country.report(registered=True))
    for _ in range(2):
        assert at_once(sos.cancel(registered.incident, Caller(), duress=False)) == "cancel_asked"
    asked = center.incident(registered.incident)
    assert asked is not None
    assert asked.open
    assert "cancel_asked" in asked.marks
    assert [event.type for event in center.events(registered.incident)].count("cancel_asked") == 1

    report = country.report()
    shared = country.press_center("41170", report)
    country.settle()
    country.press_hub(report, country.somebody())
    country.settle()
    assert at_once(sos.cancel(shared.incident, Caller(), duress=False)) == "cancel_asked"


def test_too_late_to_cancel_is_said(country: Country) -> None:
    receipt = country.press_center("41170", country.report())
    at_once(country.at_center["41170"].alarm_now(receipt.incident, Caller()))
    at_once(country.operations["41170"].accept(receipt.incident, OPERATOR))
    with pytest.raises(Problem):
        at_once(country.at_center["41170"].cancel(receipt.incident, Caller(), duress=False))


def test_the_center_climbs_the_ladder_alone(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct_worker, "system_ms", country.wall)
    receipt = country.press_center("41170", country.report())
    center, clock = country.centers["41170"], country.clocks["41170"]

    def climb(ms: int) -> list[str]:
        country.wall.ms += ms
        center.write(lambda tx: clock.carry_out(tx, receipt.incident))
        return [event.type for event in center.events(receipt.incident)]

    assert "alerted" not in climb(4_000)
    assert climb(1_100)[-1] == "alerted"
    assert "rung" not in climb(29_000)
    assert climb(1_100)[-1] == "rung"
    asked = center.incident(receipt.incident)
    assert asked is not None
    assert asked.agency_asked
    assert next_alarm(asked, "41170", POLICY) is None
    country.settle()
    confirmed = center.incident(receipt.incident)
    assert confirmed is not None
    assert next_alarm(confirmed, "41170", POLICY) is None


def direct_story(window: str = "", **fields: Any) -> list[ev.Event]:
    """A direct incident's first events."""
    armed = ev.Armed(key="k", trigger="hold", pressed_at="", window_ends_at=window, **fields)
    owner = ev.OwnershipAssigned(code="41170", name="안양시", epoch=1, reason="direct")
    made: list[ev.Data] = [armed, owner]
    return [
        ev.Event(
            id=f"{n}", incident="i", at=hlc_from_ms(1_000 + n), node="41170", actor=system("41170"), data=one
        )
        for n, one in enumerate(made)
    ]


def test_a_window_nobody_can_read_is_over_and_a_drill_asks_nobody_real() -> None:
    incident = fold(direct_story("soon"))
    assert next_alarm(incident, "41170", POLICY) == (1_000, ev.Alerted(reason="window"))
    assert next_alarm(incident, "11545", POLICY) is None
    drill = fold(direct_story(exercise=True))
    drill.state, drill.alerted_at = State.ALERTING, hlc_from_ms(5_000)
    due = next_alarm(drill, "41170", POLICY)
    assert due is not None
    assert due[0] == 35_000
    assert msgspec.to_builtins(due[1])["agency"] == "exercise"
    drill.state = State.ACCEPTED
    assert next_alarm(drill, "41170", POLICY) is None


def test_what_does_not_fit_changes_nothing() -> None:
    incident = fold(direct_story())
    assert not direct.confirmed(incident, direct_story()[0], ev.DirectConfirmed(code="11545", epoch=1))
    assert direct.confirmed(incident, direct_story()[0], ev.DirectConfirmed(code="41170", epoch=1))
    assert not direct.confirmed(incident, direct_story()[0], ev.DirectConfirmed(code="41170", epoch=1))
    person = msgspec.convert(PERSON, ev.PersonCard)
    assert direct.identify(incident, person)
    assert not direct.identify(incident, person)
    approach = ev.Approaching(code="41170", name="안양시", eta_s=5, probability=0.6)
    assert not direct.approach(incident, direct_story()[0], approach)
    other = ev.Approaching(code="11545", name="금천구", eta_s=5, probability=0.6)
    assert direct.approach(incident, direct_story()[0], other)
    route: Route = to_itself("41170", "안양시", three_in_a_row().locate, frozenset({"41170"}))(None)
    assert route.reason == "direct"

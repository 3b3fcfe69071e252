"""The journal on a real file: convergence under any delivery, causality, and what is told to whom."""

from collections.abc import Iterator
from itertools import count, pairwise

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansim.core.actors import system
from ansim.core.bus import Letter
from ansim.core.clock import hlc_from_ms
from ansim.core.feed import feed
from ansim.incidents import events as ev
from ansim.incidents import store
from ansim.incidents.fold import fold
from ansim.incidents.journal import EVENTS, POSITIONS, PositionsBody
from ansim.incidents.positions import Position
from ansim.incidents.reactions import Write
from support.nodes import Mail, Station, letter, position
from support.story import (
    COLLEAGUE,
    OPERATOR,
    PERSON,
    Story,
    alerting,
    armed,
    claimed,
    owns,
    pressed,
    routed,
)
from support.strategies import CENTERS, HUB, START_MS, any_events, histories

numbers = count(1)


@pytest.fixture(scope="module")
def stations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Station]]:
    folder = tmp_path_factory.mktemp("journal")
    made = {HUB: Station.in_folder(HUB, folder, enrolled=CENTERS)}
    made |= {code: Station.in_folder(code, folder) for code in CENTERS}
    yield made
    for station in made.values():
        station.close()


@pytest.fixture
def hub(stations: dict[str, Station]) -> Station:
    stations[HUB].outbox.take()
    return stations[HUB]


@pytest.fixture
def center(stations: dict[str, Station]) -> Station:
    stations["41170"].outbox.take()
    return stations["41170"]


def renamed(events: list[ev.Event]) -> list[ev.Event]:
    """The same events as another incident: a database lives longer than one example."""
    number = next(numbers)
    ids = {event.id: f"{number}-{event.id[:8]}" for event in events}
    copies = []
    for event in events:
        data = event.data
        if isinstance(data, ev.DispatchUpdated):
            request = ids.get(data.request, data.request)
            data = msgspec.structs.replace(data, request=request)
        copies.append(msgspec.structs.replace(event, id=ids[event.id], incident=f"i-{number}", data=data))
    return copies


def feed_of(station: Station, incident: str) -> list[dict[str, object]]:
    query = sa.select(feed.c.payload).where(feed.c.incident == incident).order_by(feed.c.seq)
    return [
        msgspec.json.decode(body) for body in station.read(lambda conn: conn.execute(query).scalars().all())
    ]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories, st.data())
def test_a_center_folds_any_delivery_to_the_same_incident(
    center: Station, events: list[ev.Event], data: st.DataObject
) -> None:
    told = renamed(events)
    portions = _portions(data, told)
    for number, portion in enumerate(portions):
        center.receive(letter(HUB, portion, number))
    known = center.events(told[0].incident)
    own = [event for event in known if event not in told]
    assert sorted(event.id for event in known) == sorted({event.id for event in [*told, *own]})
    assert all(event.node == center.code for event in own)
    assert center.incident(told[0].incident) == fold([*told, *own])
    shown = feed_of(center, told[0].incident)
    assert sorted(change["event"]["id"] for change in shown) == sorted(event.id for event in known)  # type: ignore[index]
    assert [mail.dest for mail in center.outbox.take() if mail.letter.kind == EVENTS] in (
        [],
        [HUB] * len(own),
    ) or own


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_events(), st.data())
def test_the_hub_and_all_parties_converge_after_any_delivery(
    stations: dict[str, Station], events: list[ev.Event], data: st.DataObject
) -> None:
    told = renamed(events)
    incident_id = told[0].incident
    for station in stations.values():
        station.outbox.take()
    hub = stations[HUB]
    from_hub = [event for event in told if event.node == HUB]
    portions = [(HUB, portion) for portion in _portions(data, from_hub)] if from_hub else []
    for code in CENTERS:
        own = [event for event in told if event.node == code]
        portions += [(code, portion) for portion in _portions(data, own)] if own else []
    for number, (node, portion) in enumerate(data.draw(st.permutations(portions))):
        if node != HUB:  # the writer has what it tells, and says so to the hub
            stations[node].receive(letter(HUB, portion, number))
        hub.receive(letter(node, portion, number))
    _exchange(stations, data)
    expected = hub.incident(incident_id)
    assert expected is not None
    assert {event.id for event in told} <= {event.id for event in hub.events(incident_id)}
    for code in expected.parties:
        assert stations[code].incident(incident_id) == expected
    for station in stations.values():
        row = station.read(
            lambda conn: conn.execute(
                sa.select(store.incident_table).where(store.incident_table.c.id == incident_id)
            ).first()
        )
        mine = station.incident(incident_id)
        assert (row is None) == (mine is None)
        if row is not None and mine is not None:
            assert (row.open, row.state) == (mine.open, mine.state.value)
            assert row.owner == (mine.owner.code if mine.owner else None)


def _portions(data: st.DataObject, events: list[ev.Event]) -> list[list[ev.Event]]:
    """The events in any order, in letters of any size, some told again."""
    order = data.draw(st.permutations(events))
    again = data.draw(st.lists(st.sampled_from(events), max_size=5))
    told = [*order, *again]
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(told) - 1)), max_size=6)))
    edges = [0, *cuts, len(told)]
    return [told[a:b] for a, b in pairwise(edges) if told[a:b]]


def _exchange(stations: dict[str, Station], data: st.DataObject) -> None:
    """Deliver until nobody owes anything; now and then a letter comes twice or late."""
    owed: list[Mail] = []
    for rounds in range(1000):
        for station in stations.values():
            owed += station.outbox.take()
        if not owed:
            return
        place = data.draw(st.integers(0, len(owed) - 1)) if rounds < 20 else 0
        again = rounds < 20 and data.draw(st.booleans())
        mail = owed[place] if again else owed.pop(place)
        stations[mail.dest].receive(mail.letter)
    raise AssertionError("the nodes never come to rest")


def test_an_answer_is_stamped_after_its_question_even_when_the_clock_is_not_followed(center: Station) -> None:
    """A hub whose clock is hours ahead is not followed, and yet is answered once, not for ever."""
    hours = Story("i-ahead", START_MS + 7_200_000)
    hours.tell(armed(), actor=PERSON).tell(routed()).tell(owns("11545", 1))
    hours.tell(ev.Alerted(reason="window")).tell(claimed("41170"), node="41170", actor=COLLEAGUE)
    hours.tell(owns("41170", 2, "claimed"))
    center.receive(letter(HUB, hours.events))
    incident = center.incident("i-ahead")
    assert incident is not None
    assert incident.superseded == []
    assert incident.owner_has_it
    assert incident.operator is not None
    assert incident.operator.id == COLLEAGUE.id
    assert center.clock.refused > 0
    assert center.clock.tick() < hours.last.at


def test_a_refusal_comes_after_a_claim_from_the_future(hub: Station) -> None:
    story = alerting()
    story.incident = "i-future"
    events = [msgspec.structs.replace(event, incident="i-future") for event in story.events]
    for code in (HUB, "41170"):
        hub.receive(letter(code, [e for e in events if e.node == code]))
    accepted = Story("i-future", START_MS + 5_000).tell(
        ev.Accepted(code="41170", epoch=1), node="41170", actor=OPERATOR
    )
    later = Story("i-future", START_MS + 9_000_000).tell(claimed("11545"), node="11545", actor=COLLEAGUE)
    hub.receive(letter("41170", [msgspec.structs.replace(accepted.last, id="f-1")]))
    hub.receive(letter("11545", [msgspec.structs.replace(later.last, id="f-2")]))
    incident = hub.incident("i-future")
    assert incident is not None
    assert incident.claims == []
    assert incident.superseded == []
    assert hub.events("i-future")[-1].type == "claim_refused"


def test_no_answer_after_the_last_stamp_there_is(center: Station) -> None:
    """Nothing can come after it; the letter is refused aloud rather than answered without end."""
    events = [
        msgspec.structs.replace(event, at="f" * 16, incident="i-end", id=f"zzz-{event.id}")
        for event in (*alerting().events[:3], alerting().last)
    ]
    claim = Story("i-end").tell(claimed("41170"), node="41170", actor=COLLEAGUE).last
    claim = msgspec.structs.replace(claim, at="f" * 16, id="zzz-9")
    with pytest.raises(ValueError, match="no stamp is left"):
        center.receive(letter(HUB, [*events, claim]))
    assert center.events("i-end") == []


def test_the_hub_takes_no_events_under_another_name(hub: Station) -> None:
    forged = msgspec.structs.replace(pressed().tell(owns("11545", 2, "claimed")).last, incident="i-forged")
    with pytest.raises(ValueError, match="another node's name"):
        hub.receive(letter("11545", [forged]))
    assert hub.events("i-forged") == []


def test_what_is_known_changes_nothing(center: Station) -> None:
    told = renamed(pressed().events)
    center.receive(letter(HUB, told))
    center.outbox.take()
    before = (center.events(told[0].incident), len(feed_of(center, told[0].incident)))
    center.receive(letter(HUB, told))
    assert (center.events(told[0].incident), len(feed_of(center, told[0].incident))) == before
    assert center.outbox.take() == []


def test_one_letter_may_tell_of_several_incidents(center: Station) -> None:
    first, second = renamed(pressed().events), renamed(pressed().events)
    mixed = [event for pair in zip(first, second, strict=True) for event in pair]
    center.receive(letter(HUB, mixed))
    for told in (first, second):
        assert len(center.events(told[0].incident)) == len(told) + 1  # and the confirmation


def press(hub: Station, incident: str, owner: str = "41170", informed: tuple[str, ...] = ()) -> None:
    writes: list[Write] = [
        (armed(), PERSON),
        (routed(owner, informed=informed), system(HUB)),
        (owns(owner, 1), system(HUB)),
    ]
    hub.write(lambda tx: hub.journal.record(tx, incident, writes, known=[]))


def told_to(hub: Station) -> list[tuple[str, str, int]]:
    """(destination, kind, how many) of what the hub owes."""
    found = []
    for mail in hub.outbox.take():
        body = msgspec.json.decode(mail.letter.body)
        found.append(
            (mail.dest, mail.letter.kind, len(body if mail.letter.kind == EVENTS else body["positions"]))
        )
    return found


def test_a_center_hears_everything_when_it_becomes_party(hub: Station) -> None:
    press(hub, "i-party")
    hub.write(lambda tx: hub.journal.record_positions(tx, "i-party", [position(1), position(2)]))
    assert told_to(hub) == [("41170", EVENTS, 3), ("41170", POSITIONS, 2)]
    hub.write(lambda tx: hub.journal.record(tx, "i-party", [(owns("11545", 2, "handover"), system(HUB))]))
    assert told_to(hub) == [("41170", EVENTS, 1), ("11545", EVENTS, 4), ("11545", POSITIONS, 2)]
    hub.write(lambda tx: hub.journal.record_positions(tx, "i-party", [position(3), position(3), position(2)]))
    assert told_to(hub) == [("11545", POSITIONS, 1), ("41170", POSITIONS, 1)]


def test_a_center_is_not_told_what_it_told(hub: Station) -> None:
    press(hub, "i-echo", informed=("41410",))
    hub.outbox.take()
    (told,) = renamed(Story().tell(ev.Note(text="…"), node="41170", actor=OPERATOR).events)
    hub.receive(letter("41170", [msgspec.structs.replace(told, incident="i-echo")]))
    assert told_to(hub) == [("41410", EVENTS, 1)]


def test_who_claims_hears_the_answer_alone_and_the_others_both(hub: Station) -> None:
    press(hub, "i-claim", informed=("11545",))
    hub.write(lambda tx: hub.journal.record(tx, "i-claim", [(ev.Alerted(reason="now"), system(HUB))]))
    hub.outbox.take()
    story = Story("i-claim", START_MS + 5_000).tell(claimed("11545"), node="11545", actor=COLLEAGUE)
    hub.receive(letter("11545", [msgspec.structs.replace(story.last, id="c-1")]))
    assert told_to(hub) == [("41170", EVENTS, 2), ("11545", EVENTS, 1)]


def test_an_unconnected_center_is_no_destination(stations: dict[str, Station], hub: Station) -> None:
    writes: list[Write] = [
        (armed(), PERSON),
        (ev.Routed(code="99999", name="없음", method="nearest"), system(HUB)),
        (ev.OwnershipAssigned(code="99999", name="없음", epoch=1, reason="routed"), system(HUB)),
    ]
    hub.write(lambda tx: hub.journal.record(tx, "i-nowhere", writes, known=[]))
    assert hub.outbox.take() == []


def test_a_center_tells_the_hub_only_what_it_made(center: Station) -> None:
    told = renamed(pressed().events)
    center.receive(letter(HUB, told))
    (mail,) = center.outbox.take()
    assert mail.dest == HUB
    assert [event.type for event in ev.decode_many(mail.letter.body)] == ["delivered"]
    center.write(lambda tx: center.journal.record(tx, told[0].incident, [(ev.Note(text="…"), OPERATOR)]))
    (mail,) = center.outbox.take()
    assert [event.type for event in ev.decode_many(mail.letter.body)] == ["note"]


def test_a_cancelled_race_still_reaches_whom_it_was_told(hub: Station) -> None:
    """The center closed while it was cut off; the hub alarmed another meanwhile, which must hear the end."""
    press(hub, "i-late")
    hub.write(lambda tx: hub.journal.record(tx, "i-late", [(ev.Alerted(reason="now"), system(HUB))]))
    events = hub.events("i-late")
    after = int(events[-1].at, 16)
    rung = ev.Rung(step="co_alarm", code="11545", name="금천구")
    hub.clock.observe(f"{after + (20 << 16):016x}")
    hub.write(lambda tx: hub.journal.record(tx, "i-late", [(rung, system(HUB))]))
    hub.outbox.take()
    closing: list[ev.Data] = [ev.Accepted(code="41170", epoch=1), ev.Closed(disposition="safe")]
    late = [
        ev.Event(
            id=f"l-{n}",
            incident="i-late",
            at=f"{after + 1 + n:016x}",
            node="41170",
            actor=OPERATOR,
            data=data,
        )
        for n, data in enumerate(closing)
    ]
    hub.receive(letter("41170", late))
    assert told_to(hub) == [("11545", EVENTS, 2)]
    incident = hub.incident("i-late")
    assert incident is not None
    assert not incident.open
    hub.write(lambda tx: hub.journal.record(tx, "i-late", [(ev.Note(text="끝"), system(HUB))]))
    assert told_to(hub) == [("11545", EVENTS, 1), ("41170", EVENTS, 1)]


def positions_letter(incident: str, *positions: Position) -> Letter:
    body = msgspec.Raw(msgspec.json.encode(PositionsBody(incident, list(positions))))
    return Letter(id="p-1", kind=POSITIONS, node=HUB, body=body)


def test_positions_that_come_first_are_shown_with_the_incident(center: Station) -> None:
    told = renamed(pressed().events)
    incident = told[0].incident
    center.receive(positions_letter(incident, position(2), position(1)))
    assert feed_of(center, incident) == []
    center.receive(letter(HUB, told))
    shown = feed_of(center, incident)
    tracks = [change for change in shown if change["kind"] == "positions"]
    assert [[one["id"] for one in change["positions"]] for change in tracks] == [  # type: ignore[attr-defined]
        [position(1).id, position(2).id]
    ]


def test_a_fix_may_be_told_for_two_incidents(center: Station) -> None:
    first, second = renamed(pressed().events), renamed(pressed().events)
    for told in (first, second):
        center.receive(letter(HUB, told))
        center.receive(positions_letter(told[0].incident, position(1)))
        assert center.read(lambda conn: store.track(conn, told[0].incident)) == [position(1)]  # noqa: B023


def test_positions_known_already_change_nothing(center: Station) -> None:
    told = renamed(pressed().events)
    incident = told[0].incident
    center.receive(letter(HUB, told))
    for _ in range(2):
        center.receive(positions_letter(incident, position(1), position(1)))
    assert len([change for change in feed_of(center, incident) if change["kind"] == "positions"]) == 1


def test_listeners_hear_after_the_commit_and_never_of_what_was_undone(hub: Station) -> None:
    heard: list[str] = []
    moved: list[int] = []
    hub.journal.listeners.append(lambda incident: heard.append(incident.id))
    hub.journal.position_listeners.append(lambda incident, new: moved.append(len(new)))
    try:
        press(hub, "i-heard")
        hub.write(lambda tx: hub.journal.record_positions(tx, "i-heard", [position(1)]))

        def undone(tx: object) -> None:
            hub.journal.record(tx, "i-heard", [(ev.Cancelled(), PERSON)])  # type: ignore[arg-type]
            assert heard == ["i-heard"]
            raise RuntimeError("taken back")

        with pytest.raises(RuntimeError, match="taken back"):
            hub.write(undone)
    finally:
        hub.journal.listeners.clear()
        hub.journal.position_listeners.clear()
    assert (heard, moved) == (["i-heard"], [1])
    assert len(hub.events("i-heard")) == 3


def test_a_new_party_is_announced_in_the_transaction(hub: Station) -> None:
    announced: list[tuple[str, str]] = []
    hub.journal._on_party = lambda tx, incident, code: announced.append((incident.id, code))
    try:
        press(hub, "i-new", informed=("41410",))
        hub.write(lambda tx: hub.journal.record(tx, "i-new", [(owns("41410", 2, "no_ack"), system(HUB))]))
    finally:
        hub.journal._on_party = None
    assert announced == [("i-new", "41170"), ("i-new", "41410")]


def test_stamps_of_one_incident_grow_on_every_node(stations: dict[str, Station]) -> None:
    hub = stations[HUB]
    press(hub, "i-grow")
    stamps = [event.at for event in hub.events("i-grow")]
    assert stamps == sorted(set(stamps))
    assert stamps[0] >= hlc_from_ms(START_MS)


def test_an_event_nobody_could_read_again_is_not_written(hub: Station) -> None:
    press(hub, "i-bounds")
    with pytest.raises(msgspec.ValidationError, match="length <= 2000"):
        hub.write(lambda tx: hub.journal.record(tx, "i-bounds", [(ev.Note(text="x" * 2001), OPERATOR)]))
    assert len(hub.events("i-bounds")) == 3

"""Screens when word comes late, and the looks behind them: what was shown is taken back or put right."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ansim.core.actors import Actor
from ansim.core.clock import hlc_from_ms, system_ms
from ansim.core.database import Tx
from ansim.incidents import access, screens, store
from ansim.incidents import events as ev
from ansim.incidents.duress import as_told
from ansim.incidents.lifecycle import State
from ansim.incidents.looks import Looks
from ansim.incidents.view import role
from support.nodes import Station, letter
from support.story import OPERATOR, PERSON, accepted, alerting, owns
from support.strategies import HUB


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Station]:
    station = Station.in_folder("41170", tmp_path, wall=system_ms)
    yield station
    station.close()


def record(_tx: Tx, _session: str, _actor: Actor, _subject: str, _incident: str, _source: str) -> None:
    """A ledger that is not asked here."""


def agency(center: Station) -> screens.Agency:
    async def load(incident: str) -> screens.Shown:
        return await center.database.read(lambda conn: screens.incident_shown(conn, incident))

    reader = Looks(center.database, record).reader("s", OPERATOR, "")
    return screens.Agency("112", "41170", load, reader)


async def changes(center: Station, cursor: int = 0) -> list[Any]:
    found = await center.feed.since(cursor, 10_000)
    assert found is not None
    return found


async def test_a_request_that_late_word_undoes_leaves_the_desk(center: Station) -> None:
    """She had cancelled before it was accepted; the desk saw the request first."""
    story = accepted()
    incident = story.incident
    center.receive(letter(HUB, story.events))
    asked = ev.DispatchRequested(agency="112", code="41170")
    center.write(lambda tx: center.journal.record(tx, incident, [(asked, OPERATOR)]))
    seen = agency(center)
    resumed = agency(center)
    never = agency(center)
    for change in await changes(center):
        await screens.project(change, seen)
    cursor = (await changes(center))[-1].seq
    before = alerting()
    cancelled = before.tell(ev.Cancelled(), actor=PERSON, gap_ms=10).last
    cancelled = msgspec.structs.replace(cancelled, id="ffffffff-0000-7000-8000-000000000002")
    center.receive(letter(HUB, [cancelled], 2))
    (told, *_) = await changes(center, cursor)
    gone = {"kind": "gone", "incident": incident}
    assert msgspec.json.decode(await screens.project(told, seen) or b"null") == gone
    assert await screens.project(told, seen) is not None, "asked again, the timeline still knows of it"
    assert msgspec.json.decode(await screens.project(told, resumed) or b"null") == gone
    other = screens.Agency("119", "41170", never._load, never._reader)
    assert await screens.project(told, other) is None


async def test_a_desk_that_resumes_gets_the_whole_at_the_first_change(center: Station) -> None:
    story = accepted()
    center.receive(letter(HUB, story.events))
    asked = ev.DispatchRequested(agency="112", code="41170")
    center.write(lambda tx: center.journal.record(tx, story.incident, [(asked, OPERATOR)]))
    desk = agency(center)
    shares = [await screens.project(change, desk) for change in await changes(center)]
    kinds = [msgspec.json.decode(share)["kind"] for share in shares if share is not None]
    assert kinds == ["whole"]


async def test_a_seeming_cancel_that_came_too_late_after_all_is_put_right(center: Station) -> None:
    """Her phone was told "cancelled"; then word came that an operator had it in hand before."""
    story = alerting()
    center.receive(letter(HUB, story.events))
    incident = story.incident
    start = story.at_ms

    async def load() -> screens.Shown:
        return await center.database.read(lambda conn: screens.incident_told(conn, incident))

    phone = screens.Person(load)
    await phone.whole(await load())
    cursor = (await changes(center))[-1].seq
    story.at_ms = start + 1_000
    center.receive(letter(HUB, [story.tell(ev.Duress()).last], 2))
    (duress,) = await changes(center, cursor)
    share = msgspec.json.decode(await screens.project(duress, phone) or b"null")
    assert share["view"]["state"] == "cancelled"
    earlier = msgspec.structs.replace(
        accepted().last, id="ffffffff-0000-7000-8000-000000000001", at=hlc_from_ms(start + 10)
    )
    center.receive(letter("41170", [earlier], 3))
    late = (await changes(center, duress.seq))[0]
    whole = msgspec.json.decode(await screens.project(late, phone) or b"null")
    assert (whole["kind"], whole["view"]["state"]) == ("whole", "accepted")
    asked = ev.DispatchRequested(agency="112", code="41170")
    center.write(lambda tx: center.journal.record(tx, incident, [(asked, OPERATOR)]))
    help_comes = (await changes(center, late.seq))[-1]
    told_on = msgspec.json.decode(await screens.project(help_comes, phone) or b"null")
    assert (told_on["kind"], told_on["event"]["type"]) == ("event", "dispatch_requested")
    assert told_on["view"]["priority"] == "normal"
    told = as_told(center.events(incident))
    assert told.until == ""
    assert all(not isinstance(event.data, ev.Duress) for event in told.events)


async def test_two_changes_at_once_are_one_look(center: Station) -> None:
    rows: list[str] = []

    def note(_tx: Tx, _session: str, _actor: Actor, _subject: str, incident: str, _source: str) -> None:
        rows.append(incident)

    reader = Looks(center.database, note).reader("s", OPERATOR, "")
    lock = reader._lock
    await lock.acquire()
    both = [asyncio.create_task(reader.gives("i-1", "p")) for _ in range(2)]
    await asyncio.sleep(0)
    lock.release()
    await asyncio.gather(*both)
    assert rows == ["i-1"]
    assert reader.has_given("i-1")


def test_what_a_center_is_to_an_incident() -> None:
    story = accepted().tell(owns("11545", 2, "handover"))
    incident = story.tell(ev.Rung(step="co_alarm", code="41410", name="군포시")).fold
    assert role(incident, "11545") == "owner"
    assert role(incident, "41170") == "previous"
    assert role(incident, "00000") == "informed"


def test_no_token_opens_nothing(center: Station) -> None:
    token = center.write(lambda tx: access.grant(tx, "i-1"))
    assert center.read(lambda conn: access.incident_of(conn, token)) == "i-1"
    for wrong in ("", "x" * 101, "not-one"):
        assert center.read(lambda conn, wrong=wrong: access.incident_of(conn, wrong)) is None  # type: ignore[misc]


def test_nobody_has_no_open_incident(center: Station) -> None:
    center.receive(letter(HUB, alerting().events))
    assert center.read(lambda conn: store.open_incident_of(conn, None, "")) is None
    assert center.read(lambda conn: store.open_incident_of(conn, "p-1", "")) == "i-1"
    assert center.incident("i-1") is not None
    assert alerting().fold.state is State.ALERTING

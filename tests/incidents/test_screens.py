"""For each audience and every kind of change: stale snapshot + changes == fresh snapshot."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansim.core.actors import Actor
from ansim.core.clock import hlc_from_ms, hlc_time, system_ms
from ansim.core.database import Tx
from ansim.core.feed import Change
from ansim.incidents import events as ev
from ansim.incidents import screens
from ansim.incidents.fold import fold
from ansim.incidents.looks import Looks
from support.nodes import Station, letter, position
from support.screen import apply
from support.story import OPERATOR, PERSON, accepted, alerting, dispatched, pressed
from support.strategies import HUB, START_MS, histories

numbers = count(1)
AUDIENCES = ("console", "person", "112")


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    station = Station.in_folder("41170", tmp_path_factory.mktemp("screens"), wall=system_ms)
    yield station
    station.close()


class Page:
    """One screen of an audience, from a snapshot on; ``looks`` are the ledger rows that it caused."""

    def __init__(self, station: Station, kind: str, incident: str) -> None:
        self._station = station
        self._kind = kind
        self._incident = incident
        self.looks: list[tuple[str, str]] = []
        self.shown: dict[str, Any] = {}
        self.cursor = 0
        self.audience = self._audience()

    def _audience(self) -> Any:
        reader = Looks(self._station.database, self._record).reader("s-1", OPERATOR, "")
        if self._kind == "console":
            return screens.Console(reader)
        if self._kind == "person":
            return screens.Person(lambda: self._load(screens.incident_told, self._incident))
        return screens.Agency(
            self._kind, self._station.code, lambda one: self._load(screens.incident_shown, one), reader
        )

    def _record(
        self, _tx: Tx, _session: str, _actor: Actor, subject: str, incident: str, _source: str
    ) -> None:
        self.looks.append((incident, subject))

    async def _load(self, what: Callable[..., screens.Shown], incident: str) -> screens.Shown:
        return await self._station.database.read(lambda conn: what(conn, incident))

    async def snapshot(self) -> None:
        """Start over, as a new page or after an overflow."""

        def mine(conn: Any) -> list[screens.Shown]:
            if self._kind == "person":
                return [screens.incident_told(conn, self._incident)]
            return [shown for shown in screens.recent(conn) if shown["view"]["id"] == self._incident]

        self.cursor, body = await screens.snapshot(self._station.database, mine, self.audience, dict)
        self.shown = {one["view"]["id"]: one for one in msgspec.json.decode(body)["incidents"]}

    async def catch_up(self) -> None:
        """Every change since."""
        changes = await self._station.feed.since(self.cursor, 10_000)
        assert changes is not None
        for change in changes:
            await self.take(change)

    async def take(self, change: Change) -> None:
        """One change of the feed, if it is for this screen."""
        self.cursor = change.seq
        if change.incident == self._incident:
            share = await screens.project(change, self.audience)
            if share is not None:
                apply(self.shown, msgspec.json.decode(share))

    def resume(self) -> None:
        """The line broke: the page keeps what it shows, the node knows nothing of it any more."""
        self.audience = self._audience()


def today(events: list[ev.Event]) -> list[ev.Event]:
    """The events as a new incident that began a minute ago."""
    number = next(numbers)
    ids = {event.id: f"{event.id[:8]}-{number:04x}-7000-8000-000000000000" for event in events}
    shift = system_ms() - START_MS - 60_000

    def moved(event: ev.Event) -> ev.Event:
        data = event.data
        if isinstance(data, ev.DispatchUpdated):
            data = msgspec.structs.replace(data, request=ids.get(data.request, data.request))
        at = hlc_from_ms(round(hlc_time(event.at).timestamp() * 1000) + shift)
        return msgspec.structs.replace(event, id=ids[event.id], incident=f"s-{number}", at=at, data=data)

    return [moved(event) for event in events]


async def same(station: Station, pages: dict[str, Page], incident: str) -> None:
    """Each page, brought up to date, shows what a new one shows."""
    for kind, page in pages.items():
        await page.catch_up()
        fresh = Page(station, kind, incident)
        await fresh.snapshot()
        assert page.shown == fresh.shown, kind


async def follow(center: Station, portions: list[list[ev.Event]], stale_at: int, resumed: bool) -> None:
    incident = portions[0][0].incident
    for number, portion in enumerate(portions[:stale_at]):
        center.receive(letter(HUB, portion, number))
    pages = {kind: Page(center, kind, incident) for kind in AUDIENCES}
    for page in pages.values():
        if center.incident(incident) is not None:
            await page.snapshot()
    for number, portion in enumerate(portions[stale_at:]):
        center.receive(letter(HUB, portion, 100 + number))
        if number % 3 == 0:
            fix = position(next(numbers) % 3_000)
            center.write(lambda tx, fix=fix: center.journal.record_positions(tx, incident, [fix]))  # type: ignore[misc]
        if resumed:
            for page in pages.values():
                page.resume()
        if stale_at:
            await same(center, pages, incident)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories, st.data())
def test_a_stale_screen_catches_up_whatever_happens(
    center: Station, events: list[ev.Event], data: st.DataObject
) -> None:
    told = sorted(today(events), key=lambda event: event.order)
    first = next((n for n, event in enumerate(told) if isinstance(event.data, ev.Armed)), 0)
    opening, rest = told[: first + 1], [[event] for event in told[first + 1 :]]
    stale_at = data.draw(st.integers(1, len(rest) + 1))
    asyncio.run(follow(center, [opening, *rest], stale_at, data.draw(st.booleans())))


STORIES: dict[str, Callable[[], list[ev.Event]]] = {
    "pressed": lambda: pressed().events,
    "alerting": lambda: alerting().events,
    "accepted": lambda: accepted().events,
    "dispatched": lambda: dispatched().events,
}
CHANGES: dict[str, tuple[str, ev.Data]] = {
    "alerted": ("pressed", ev.Alerted(reason="now")),
    "cancelled": ("alerting", ev.Cancelled()),
    "duress": ("alerting", ev.Duress()),
    "pressed_again": (
        "alerting",
        ev.PressedAgain(key="k-2", trigger="hold", pressed_at="2026-09-21T14:13:20.000Z"),
    ),
    "routed": ("alerting", ev.Routed(code="11545", name="금천구", method="contains")),
    "ownership_assigned": (
        "alerting",
        ev.OwnershipAssigned(code="11545", name="금천구", epoch=2, reason="handover"),
    ),
    "rung": ("alerting", ev.Rung(step="co_alarm", code="11545", name="금천구")),
    "delivered": ("pressed", ev.Delivered(code="41170", epoch=1)),
    "seen": ("alerting", ev.Seen(code="41170")),
    "accepted": ("alerting", ev.Accepted(code="41170", epoch=1)),
    "claimed": ("alerting", ev.Claimed(code="11545", name="금천구")),
    "claim_refused": ("alerting", ev.ClaimRefused(code="11545")),
    "note": ("accepted", ev.Note(text="통화 연결됨")),
    "dispatch_requested": ("accepted", ev.DispatchRequested(agency="112", code="41170")),
    "dispatch_updated": ("dispatched", ev.DispatchUpdated(request="", status="en_route")),
    "closing_proposed": ("accepted", ev.ClosingProposed(disposition="prank")),
    "closing_rejected": ("accepted", ev.ClosingRejected()),
    "closed": ("accepted", ev.Closed(disposition="rescued")),
}


def test_no_kind_of_change_is_left_out() -> None:
    assert {*CHANGES, "armed"} == set(ev.KINDS)


@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize("kind", [*CHANGES, "armed", "positions"])
async def test_every_kind_of_change_reaches_every_audience(center: Station, kind: str, resumed: bool) -> None:
    story, data = CHANGES.get(kind, ("dispatched", None))
    events = today(STORIES[story]())
    incident = events[0].incident
    if kind == "armed":
        events, last = events[1:], events[:1]  # the first word comes last
    else:
        last = []
    center.receive(letter(HUB, events))
    pages = {name: Page(center, name, incident) for name in AUDIENCES}
    for page in pages.values():
        await page.snapshot()
        if resumed:
            page.resume()
    if isinstance(data, ev.DispatchUpdated):
        data = msgspec.structs.replace(data, request=events[-1].id)
    if kind == "armed":
        center.receive(letter(HUB, last))
    elif data is None:
        center.write(lambda tx: center.journal.record_positions(tx, incident, [position(7)]))
    else:
        made = data
        center.write(lambda tx: center.journal.record(tx, incident, [(made, PERSON)]))
    await same(center, pages, incident)


async def test_a_screen_that_slept_learns_that_it_is_over(center: Station) -> None:
    """A laptop closed over an open incident, opened again when that has long ended."""
    events = today(accepted().events)
    incident = events[0].incident
    center.receive(letter(HUB, events))
    page = Page(center, "console", incident)
    await page.snapshot()
    page.resume()
    hours = 2 * 3_600_000
    ended = [
        msgspec.structs.replace(event, at=hlc_from_ms(round(hlc_time(event.at).timestamp() * 1000) - hours))
        for event in today(
            accepted().tell(ev.Closed(disposition="safe"), node="41170", actor=OPERATOR).events
        )
    ]
    past = ended[0].incident
    center.receive(letter(HUB, ended[:-1]))
    slept = Page(center, "console", past)
    await slept.snapshot()
    assert past in slept.shown
    slept.resume()
    center.receive(letter(HUB, ended[-1:]))
    assert not fold(center.events(past)).open
    await slept.catch_up()
    assert slept.shown == {}
    await page.catch_up()
    assert incident in page.shown


async def test_each_incident_is_on_record_once_before_it_is_shown(center: Station) -> None:
    events = today(dispatched().events)
    incident = events[0].incident
    for kind in ("console", "112"):
        page = Page(center, kind, incident)
        if kind == "console":
            center.receive(letter(HUB, events))
        await page.snapshot()
        center.write(lambda tx: center.journal.record(tx, incident, [(ev.Note(text="…"), OPERATOR)]))
        await page.catch_up()
        assert page.looks == [(incident, "p-1")]

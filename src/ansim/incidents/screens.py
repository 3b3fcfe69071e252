"""What each kind of screen is shown: its snapshot, and its share of every change.

``stale snapshot + changes == fresh snapshot`` holds for each audience; tests keep it so.
"""

import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Protocol

import msgspec
from sqlalchemy.engine import Connection

from ansim.core.clock import hlc_from_ms, iso, now, system_ms
from ansim.core.database import Database
from ansim.core.feed import Change, last_seq
from ansim.incidents import events as ev
from ansim.incidents import store
from ansim.incidents.duress import as_told
from ansim.incidents.fold import fold
from ansim.incidents.lifecycle import State
from ansim.incidents.looks import Reader, subject_of
from ansim.incidents.positions import Position
from ansim.incidents.view import entry_for_person, for_agency, for_person, view

ENDED_SHOWN = timedelta(hours=1)
"""How long an ended incident stays on staff screens."""

Shown = dict[str, Any]
"""``{view, timeline, track}`` of one incident."""


class Audience(Protocol):
    """A kind of reader."""

    async def change(self, change: Shown) -> Shown | None:
        """The reader's share of a change, None when it is not for them."""
        ...

    async def whole(self, shown: Shown) -> Shown | None:
        """The reader's share of one incident in a snapshot."""
        ...


def incident_shown(conn: Connection, incident_id: str) -> Shown:
    """One incident as staff see it, in plain JSON types."""
    return _shown(store.events_of(conn, incident_id), store.track(conn, incident_id))


def incident_told(conn: Connection, incident_id: str) -> Shown:
    """One incident as her phone may know it (see duress.py)."""
    events, until = as_told(store.events_of(conn, incident_id))
    track = store.track(conn, incident_id, sys.maxsize if until else store.TRACK)
    if until:
        track = [position for position in track if position.received_at <= until][-store.TRACK :]
    shown = _shown(events, track)
    entries = [entry_for_person(entry) for entry in shown["timeline"]]
    return {
        "view": for_person(shown["view"]),
        "timeline": [entry for entry in entries if entry is not None],
        "track": shown["track"],
    }


def _shown(events: list[ev.Event], track: list[Position]) -> Shown:
    shown = {
        "view": view(fold(events), track[-1] if track else None),
        "timeline": [ev.entry(event) for event in events],
        "track": track,
    }
    plain: Shown = msgspec.json.decode(msgspec.json.encode(shown))
    return plain


def recent(conn: Connection) -> list[Shown]:
    """Open incidents and those that ended a short while ago, as staff see them."""
    since = hlc_from_ms(system_ms() - int(ENDED_SHOWN.total_seconds() * 1000))
    return [incident_shown(conn, one) for one in store.open_ids(conn, ended_since=since)]


async def snapshot(
    database: Database,
    incidents: Callable[[Connection], list[Shown]],
    audience: Audience,
    node: Callable[[], Shown],
) -> tuple[int, bytes]:
    """(cursor, JSON): everything the reader may see, read in one transaction with its cursor."""

    def read(conn: Connection) -> tuple[int, list[Shown]]:
        return last_seq(conn), incidents(conn)

    cursor, found = await database.read(read)
    shares = [await audience.whole(shown) for shown in found]
    body = {
        "cursor": cursor,
        "now": iso(now()),
        "node": node(),
        "incidents": [share for share in shares if share is not None],
    }
    return cursor, msgspec.json.encode(body)


async def project(change: Change, audience: Audience) -> bytes | None:
    """A change as this reader gets it."""
    if isinstance(audience, Console) and audience.knows(change.incident):
        return change.payload
    share = await audience.change(msgspec.json.decode(change.payload))
    return None if share is None else msgspec.json.encode(share)


class Console:
    """An operator's console: everything its center is party to, each incident after its look is on record."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def knows(self, incident: str) -> bool:
        """Whether the look is on record, so that changes go out as they are."""
        return self._reader.has_given(incident)

    async def change(self, change: Shown) -> Shown | None:
        """All of it; one that ended too long ago for a snapshot is gone, also from a screen that slept."""
        ended = change["view"]["closed_at"]
        if ended is not None and ended < iso(now() - ENDED_SHOWN):
            return {"kind": "gone", "incident": change["incident"]}
        await self._reader.gives(change["incident"], subject_of(change["view"]))
        return change

    async def whole(self, shown: Shown) -> Shown:
        """All of it."""
        await self._reader.gives(shown["view"]["id"], subject_of(shown["view"]))
        return shown


class Person:
    """The phone of the person herself, on her own incident; ``load`` reads ``incident_told``.

    Under duress its share is taken from there and not from the change: after a seeming cancel that is
    silence, unless word comes late that an operator had it in hand before.
    """

    def __init__(self, load: Callable[[], Awaitable[Shown]]) -> None:
        self._load = load
        self._over = False

    async def change(self, change: Shown) -> Shown | None:
        """Only what is for her."""
        if change["view"]["priority"] == "duress":
            return await self._under_duress(change)
        if change["kind"] == "positions":
            return change | {"view": for_person(change["view"])}
        entry = entry_for_person(change["event"])
        if entry is None:
            return None
        if entry["type"] == "cancelled":
            return self._anew(change, await self.whole(await self._load()))
        return change | {"event": entry, "view": for_person(change["view"])}

    @staticmethod
    def _anew(change: Shown, told: Shown) -> Shown:
        """The whole story: under duress a cancel ends it, whatever was told before the cancel was heard of.

        A real cancel brings it along too, so that the two look alike.
        """
        return {"kind": "whole", "incident": change["incident"], **told}

    async def _under_duress(self, change: Shown) -> Shown | None:
        was_over, told = self._over, await self.whole(await self._load())
        if was_over and not self._over:
            return self._anew(change, told)
        if change["kind"] == "positions":
            known = {position["id"] for position in told["track"]}
            new = [position for position in change["positions"] if position["id"] in known]
            return change | {"positions": new, "view": told["view"]} if new else None
        entry = next((one for one in told["timeline"] if one["id"] == change["event"]["id"]), None)
        if entry is None:
            return None
        if entry["type"] == "cancelled":
            return self._anew(change, told)
        return change | {"event": entry, "view": told["view"]}

    async def whole(self, shown: Shown) -> Shown:
        """All of what ``incident_told`` reads."""
        self._over = shown["view"]["state"] == State.CANCELLED
        return shown


class Agency:
    """A desk: incidents in which this center asked the agency, whole from that moment on."""

    def __init__(
        self, agency: str, center: str, load: Callable[[str], Awaitable[Shown]], reader: Reader
    ) -> None:
        self._reader = reader
        self._agency = agency
        self._center = center
        self._load = load
        self._given: set[str] = set()

    async def change(self, change: Shown) -> Shown | None:
        """A change of an incident it was asked about; the first one brings the timeline along."""
        incident = change["incident"]
        own = for_agency(change["view"], self._agency, self._center)
        if own is None:
            return {"kind": "gone", "incident": incident} if await self._taken_back(change) else None
        await self._reader.gives(incident, subject_of(own))
        if incident not in self._given:
            self._given.add(incident)
            return {"kind": "whole", "incident": incident, **await self._load(incident), "view": own}
        return change | {"view": own}

    async def _taken_back(self, change: Shown) -> bool:
        """Whether the screen may show an incident whose request an event that came late has undone."""
        incident = change["incident"]
        if incident in self._given:
            self._given.remove(incident)
            return True
        if not change["view"]["superseded"]:
            return False
        shown = await self._load(incident)  # a screen that resumed may have it from before
        return any(self._asked(entry["data"]) for entry in shown["timeline"])

    def _asked(self, data: Shown) -> bool:
        return data.get("agency") == self._agency and data.get("code") == self._center

    async def whole(self, shown: Shown) -> Shown | None:
        """An incident it was asked about."""
        own = for_agency(shown["view"], self._agency, self._center)
        if own is None:
            return None
        await self._reader.gives(own["id"], subject_of(own))
        self._given.add(own["id"])
        return shown | {"view": own}

"""What each kind of screen is shown: its snapshot, and its share of every change.

``stale snapshot + changes == fresh snapshot`` holds for each audience; tests keep it so.
"""

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
from ansim.incidents.fold import fold
from ansim.incidents.looks import Reader, subject_of
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


def incident_shown(conn: Connection, incident_id: str) -> Shown | None:
    """One incident as staff see it, in plain JSON types; None when it is unknown."""
    events = store.events_of(conn, incident_id)
    if not events:
        return None
    track = store.track(conn, incident_id)
    shown = {
        "view": view(fold(events), track[-1] if track else None),
        "timeline": [ev.entry(event) for event in events],
        "track": track,
    }
    plain: Shown = msgspec.json.decode(msgspec.json.encode(shown))
    return plain


def recent_ids(conn: Connection) -> list[str]:
    """Open incidents and those that ended a short while ago."""
    since = hlc_from_ms(system_ms() - int(ENDED_SHOWN.total_seconds() * 1000))
    return store.open_ids(conn, ended_since=since)


async def snapshot(
    database: Database,
    ids: Callable[[Connection], list[str]],
    audience: Audience,
    node: Callable[[], Shown],
) -> tuple[int, bytes]:
    """(cursor, JSON): everything the reader may see, read in one transaction with its cursor."""

    def read(conn: Connection) -> tuple[int, list[Shown]]:
        cursor = last_seq(conn)
        found = [incident_shown(conn, one) for one in ids(conn)]
        return cursor, [shown for shown in found if shown is not None]

    cursor, incidents = await database.read(read)
    shares = [await audience.whole(shown) for shown in incidents]
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
        """All of it."""
        await self._reader.gives(change["incident"], subject_of(change["view"]))
        return change

    async def whole(self, shown: Shown) -> Shown | None:
        """All of it."""
        await self._reader.gives(shown["view"]["id"], subject_of(shown["view"]))
        return shown


class Person:
    """The person herself, on her own incident. After a cancel under duress the screen falls silent."""

    def __init__(self, incident_id: str) -> None:
        self._incident = incident_id
        self._silent = False

    async def change(self, change: Shown) -> Shown | None:
        """Only her incident; only what is for her."""
        if change["incident"] != self._incident or self._silent:
            return None
        her_view = for_person(change["view"])
        if change["kind"] == "positions":
            return change | {"view": her_view}
        self._silent = change["event"]["type"] == "duress"
        entry = entry_for_person(change["event"])
        return None if entry is None else change | {"event": entry, "view": her_view}

    async def whole(self, shown: Shown) -> Shown | None:
        """Her incident, up to the cancel where that was made under duress."""
        timeline, track = shown["timeline"], shown["track"]
        duress = next((entry for entry in timeline if entry["type"] == "duress"), None)
        if duress is not None:
            self._silent = True
            timeline = timeline[: timeline.index(duress) + 1]
            track = [position for position in track if position["received_at"] <= duress["time"]]
        entries = [entry_for_person(entry) for entry in timeline]
        return {
            "view": for_person(shown["view"]),
            "timeline": [entry for entry in entries if entry is not None],
            "track": track,
        }


class Agency:
    """A desk: incidents in which this center asked the agency, whole from that moment on."""

    def __init__(
        self, agency: str, center: str, load: Callable[[str], Awaitable[Shown | None]], reader: Reader
    ) -> None:
        self._reader = reader
        self._agency = agency
        self._center = center
        self._load = load
        self._given: set[str] = set()

    async def change(self, change: Shown) -> Shown | None:
        """A change of an incident it was asked about; the first one brings the timeline along."""
        own = for_agency(change["view"], self._agency, self._center)
        if own is None:
            return None
        await self._reader.gives(change["incident"], subject_of(change["view"]))
        if change["incident"] not in self._given:
            self._given.add(change["incident"])
            shown = await self._load(change["incident"])
            return (
                None
                if shown is None
                else {"kind": "whole", "incident": change["incident"], **shown, "view": own}
            )
        return change | {"view": own}

    async def whole(self, shown: Shown) -> Shown | None:
        """An incident it was asked about."""
        own = for_agency(shown["view"], self._agency, self._center)
        if own is None:
            return None
        await self._reader.gives(own["id"], subject_of(own))
        self._given.add(own["id"])
        return shown | {"view": own}

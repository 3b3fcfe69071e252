"""Every look is on record: a ledger row before a screen is given an incident."""

import asyncio
from collections.abc import Callable

from ansim.core.actors import Actor
from ansim.core.database import Database, Tx

Record = Callable[[Tx, str, Actor, str, str, str], None]
"""(tx, session, actor, subject, incident, source): writes the row, once per session and incident."""


class Looks:
    """Remembers which screen has been given which incident; the ledger row is durable first."""

    def __init__(self, database: Database, record: Record) -> None:
        self._database = database
        self._record = record

    def reader(self, session: str, actor: Actor, source: str) -> "Reader":
        """The looks of one open screen."""
        return Reader(self._database, self._record, session, actor, source)


class Reader:
    """One open screen."""

    def __init__(self, database: Database, record: Record, session: str, actor: Actor, source: str) -> None:
        self._database = database
        self._record = record
        self._session = session
        self._actor = actor
        self._source = source
        self._given: set[str] = set()
        self._lock = asyncio.Lock()

    def has_given(self, incident: str) -> bool:
        """Whether the look is on record."""
        return incident in self._given

    async def gives(self, incident: str, subject: str) -> None:
        """Call before the screen gets an incident: returns once the row is durable."""
        if incident in self._given:
            return
        async with self._lock:
            if incident in self._given:
                return
            await self._database.write(
                lambda tx: self._record(tx, self._session, self._actor, subject, incident, self._source)
            )
            self._given.add(incident)


def subject_of(view: dict[str, object]) -> str:
    """Whose data an incident's view is: the person's id, empty for somebody unknown."""
    person = view.get("person")
    return str(person["id"]) if isinstance(person, dict) else ""

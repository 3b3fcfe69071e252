"""Nodes without a network: the real journal on a real database, and an outbox that only collects."""

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlalchemy.engine import Connection

from ansim.core.bus import Letter
from ansim.core.clock import HybridClock
from ansim.core.database import Database, Tx
from ansim.core.feed import Feed
from ansim.core.metrics import Metrics
from ansim.core.outbox import Outbox
from ansim.incidents import events as ev
from ansim.incidents import reactions, store
from ansim.incidents.journal import EVENTS, POSITIONS, Journal
from ansim.incidents.model import Incident
from ansim.incidents.positions import Position
from support.strategies import HUB, START_MS

T = TypeVar("T")


class Mail(msgspec.Struct, frozen=True):
    """A letter on its way."""

    dest: str
    letter: Letter


class CollectingOutbox(Outbox):
    """Keeps what a node owes after its commit, for the test to deliver."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._numbers = itertools.count(1)
        self.mail: list[Mail] = []

    def put(self, tx: Tx, destinations: list[str], kind: str, body: object) -> None:
        """As the real one, with ids that repeat from run to run."""
        raw = msgspec.Raw(msgspec.json.encode(body))
        owed = [
            Mail(dest, Letter(id=f"{self._node}-{next(self._numbers)}", kind=kind, node=self._node, body=raw))
            for dest in destinations
        ]
        tx.on_commit(lambda: self.mail.extend(owed))

    def take(self) -> list[Mail]:
        """What is owed since the last time."""
        taken, self.mail = self.mail, []
        return taken


class WallClock:
    """A clock the test winds."""

    def __init__(self, ms: int = START_MS) -> None:
        self.ms = ms

    def __call__(self) -> int:
        return self.ms


class Station:
    """One node: a hub when it has ``enrolled`` centers, else a center.

    ``relaxed`` leaves the disk out (no fsync), for tests that make thousands of commits.
    """

    def __init__(
        self,
        code: str,
        database: Database,
        *,
        enrolled: Iterable[str] = (),
        wall: Callable[[], int] | None = None,
        relaxed: bool = True,
    ) -> None:
        self.code = code
        self.database = database
        self.clock = HybridClock(wall or WallClock())
        self.outbox = CollectingOutbox(code)
        self.feed = Feed(database, Metrics())
        is_hub = code == HUB
        self.journal = Journal(
            node=code,
            is_hub=is_hub,
            clock=self.clock,
            feed=self.feed,
            outbox=self.outbox,
            enrolled=enrolled,
            react=reactions.at_hub if is_hub else reactions.at_center,
        )
        if relaxed and database.sqlite:
            with database.engine.connect() as conn:
                conn.connection.execute("PRAGMA synchronous=OFF")

    @classmethod
    def in_folder(
        cls, code: str, folder: Path, *, enrolled: Iterable[str] = (), wall: Callable[[], int] | None = None
    ) -> "Station":
        """A node with its own SQLite file."""
        database = Database.sqlite_file(folder / f"{code}.sqlite")
        database.create_all()
        return cls(code, database, enrolled=enrolled, wall=wall)

    def write(self, fn: Callable[[Tx], T]) -> T:
        """As Database.write, at once and without a loop; the hooks run after the commit."""
        with self.database.engine.begin() as conn:
            tx = Tx(conn)
            result = fn(tx)
        for hook in tx._hooks:
            hook()
        return result

    def read(self, fn: Callable[[Connection], T]) -> T:
        """Read in a transaction of its own."""
        with self.database.engine.begin() as conn:
            return fn(conn)

    def receive(self, letter: Letter) -> None:
        """Take a letter as the inbox would hand it over."""
        handler = {EVENTS: self.journal.receive, POSITIONS: self.journal.receive_positions}[letter.kind]
        self.write(lambda tx: handler(tx, letter))

    def incident(self, incident_id: str) -> Incident | None:
        """What this node knows."""
        return self.read(lambda conn: store.load(conn, incident_id))

    def events(self, incident_id: str) -> list[ev.Event]:
        """Its events in timeline order."""
        return self.read(lambda conn: store.events_of(conn, incident_id))

    def close(self) -> None:
        """End its database's threads."""
        self.database.close()


def letter(node: str, events: list[ev.Event], number: int = 0) -> Letter:
    """Events as a node tells them."""
    return Letter(id=f"{node}-t-{number}", kind=EVENTS, node=node, body=msgspec.Raw(ev.encode(events)))


def position(number: int, *, lat: float = 37.39, lon: float = 126.95, radius: float = 10.0) -> Position:
    """A fix taken ``number`` seconds after the start."""
    at = f"2026-09-21T14:{13 + number // 60:02d}:{number % 60:02d}.000Z"
    return Position(
        id=f"{number:08x}-1111-7000-8000-000000000000",
        at=at,
        received_at=at,
        lat=lat,
        lon=lon,
        radius=radius,
        source="gnss",
    )

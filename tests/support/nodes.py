"""Nodes without a network: the real journal on a real database, and an outbox that only collects."""

import itertools
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, TypeVar

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


class InlineDatabase(Database):
    """Writes at once in the caller's thread, without fsync: thousands of commits in a fixed order."""

    def __init__(self, url: str, *, max_waiting: int = 10_000, readers: int = 4) -> None:
        super().__init__(url, max_waiting=max_waiting, readers=readers)
        if self.sqlite:
            with self.engine.connect() as conn:
                conn.connection.execute("PRAGMA synchronous=OFF")

    def commit(self, fn: Callable[[Tx], T]) -> T:
        """Run ``fn`` in a transaction, then its hooks."""
        with self.engine.begin() as conn:
            tx = Tx(conn)
            result = fn(tx)
        for hook in tx._hooks:
            hook()
        return result

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """As ``commit``; it never waits, so ``at_once`` can drive what awaits it."""
        return self.commit(fn)


def at_once(use_case: Coroutine[Any, Any, T]) -> T:
    """The result of a use case that waits for nothing but an InlineDatabase."""
    try:
        use_case.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    use_case.close()
    raise AssertionError("it waited for something else")


class Station:
    """One node: the hub (with its ``enrolled`` centers) or a center."""

    def __init__(
        self,
        code: str,
        database: InlineDatabase,
        *,
        enrolled: Iterable[str] = (),
        wall: Callable[[], int] | None = None,
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

    @classmethod
    def in_folder(
        cls, code: str, folder: Path, *, enrolled: Iterable[str] = (), wall: Callable[[], int] | None = None
    ) -> "Station":
        """A node with its own SQLite file."""
        database = InlineDatabase(f"sqlite:///{folder / code}.sqlite")
        database.create_all()
        return cls(code, database, enrolled=enrolled, wall=wall)

    def write(self, fn: Callable[[Tx], T]) -> T:
        """As Database.write, at once."""
        return self.database.commit(fn)

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

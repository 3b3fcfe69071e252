"""The node's ordered, resumable log of changes, and the screens that follow it.

Each change is one row written with the fact itself. Row numbers follow commit order (one writer), so
"everything after *n*" is exact. A screen that falls behind its bounded queue is told to start over from a
snapshot; it never holds up another.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ansim.core.database import BigId, Database, Tx, metadata
from ansim.core.metrics import Metrics

feed = sa.Table(
    "feed",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),
    sa.Column("incident", sa.String(36), nullable=False, index=True),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.Float, nullable=False, index=True),
    sqlite_autoincrement=True,  # a pruned number must never come again
)

_insert = feed.insert()


class Change(msgspec.Struct, frozen=True):
    """One row of the feed; ``payload`` is the JSON of the change."""

    seq: int
    incident: str
    payload: bytes


class Follower:
    """One screen's place in the feed: a bounded queue that forgets everything when it overflows."""

    def __init__(self, size: int) -> None:
        self._items: deque[tuple[float, Change]] = deque()
        self._size = size
        self._wake = asyncio.Event()
        self.overflowed = False

    def push(self, change: Change) -> None:
        """Called for each change, in order."""
        if self.overflowed:
            return
        if len(self._items) >= self._size:
            self._items.clear()
            self.overflowed = True
        else:
            self._items.append((time.monotonic(), change))
        self._wake.set()

    def nudge(self) -> None:
        """Wake the screen although nothing changed (a status to tell)."""
        self._wake.set()

    async def wait(self, timeout_s: float) -> Sequence[Change]:
        """What has come, at the latest after ``timeout_s``; empty when nothing has (or it overflowed)."""
        if not self._items and not self.overflowed:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wake.wait()
            except TimeoutError:
                return ()
        self._wake.clear()
        changes = [change for _, change in self._items]
        self._items.clear()
        return changes

    def reading(self) -> tuple[int, float]:
        """Depth and age of the oldest."""
        return len(self._items), time.monotonic() - self._items[0][0] if self._items else 0.0


class Feed:
    """The log of one node."""

    def __init__(self, database: Database, metrics: Metrics, *, follower_size: int = 1_000) -> None:
        self._database = database
        self._followers: set[Follower] = set()
        self._size = follower_size
        self.metrics = metrics
        metrics.queue("screens", self._reading)
        metrics.gauge("ansim_screens", "Screens that follow this node", lambda: len(self._followers))

    def append(self, tx: Tx, incident: str, payload: bytes) -> None:
        """Add a change; screens get it after the commit."""
        result = tx.execute(_insert, {"incident": incident, "payload": payload, "at": time.time()})
        key = result.inserted_primary_key
        change = Change(int(key[0]) if key else 0, incident, payload)
        tx.on_commit(lambda: self._announce(change))

    def _announce(self, change: Change) -> None:
        for follower in self._followers:
            follower.push(change)

    def nudge(self) -> None:
        """Wake every screen."""
        for follower in self._followers:
            follower.nudge()

    def follow(self) -> Follower:
        """A new screen; ``leave`` when it closes."""
        follower = Follower(self._size)
        self._followers.add(follower)
        return follower

    def leave(self, follower: Follower) -> None:
        """The screen has gone."""
        self._followers.discard(follower)

    def _reading(self) -> tuple[int, float]:
        readings = [follower.reading() for follower in self._followers]
        return sum(depth for depth, _ in readings), max((age for _, age in readings), default=0.0)

    async def since(self, cursor: int, limit: int) -> list[Change] | None:
        """Changes after ``cursor``; None when they are too many or no longer all there."""

        def read(conn: Connection) -> list[Change] | None:
            first = conn.execute(sa.select(sa.func.min(feed.c.seq))).scalar()
            last = last_seq(conn)
            if (
                cursor > last
                or (first is not None and first > cursor + 1)
                or (first is None and cursor < last)
            ):
                return None
            query = sa.select(feed.c.seq, feed.c.incident, feed.c.payload).where(feed.c.seq > cursor)
            rows = conn.execute(query.order_by(feed.c.seq).limit(limit + 1)).all()
            return None if len(rows) > limit else [Change(*row) for row in rows]

        return await self._database.read(read)

    async def prune(self, older_than_s: float) -> int:
        """Forget changes older than this; returns how many."""
        limit = time.time() - older_than_s
        return await self._database.write(
            lambda tx: tx.execute(feed.delete().where(feed.c.at < limit)).rowcount
        )


def last_seq(conn: Connection) -> int:
    """The newest row number, 0 when there is none; read it in the snapshot's own transaction."""
    return int(conn.execute(sa.select(sa.func.coalesce(sa.func.max(feed.c.seq), 0))).scalar_one())

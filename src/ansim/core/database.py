"""Durable state: one writer thread per node, group commit, readers beside it.

One schema serves SQLite (embedded, WAL, ``synchronous=FULL``) and PostgreSQL. Every write of a node
goes through one thread, so commit order equals sequence order: a screen that has seen row *n* of the
feed has seen everything before it. Jobs that wait together share one COMMIT (one fsync); each runs in
its own savepoint, so one that raises takes nothing with it.
"""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import QueuePool

T = TypeVar("T")

metadata = sa.MetaData()
"""All tables of all features; a store declares its tables on it."""

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""An auto-incrementing key: SQLite only increments a plain INTEGER."""

_GROUP = 64


class Overloaded(Exception):
    """The write queue is full: the caller must be told, nothing was written."""


class Tx:
    """One unit of work inside the writer thread."""

    __slots__ = ("_hooks", "conn")

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self._hooks: list[Callable[[], None]] = []

    def on_commit(self, hook: Callable[[], None]) -> None:
        """Run ``hook`` on the event loop after the commit, never when it rolled back."""
        self._hooks.append(hook)

    def execute(self, statement: Any, parameters: Any = None) -> sa.CursorResult[Any]:
        """Shorthand for ``tx.conn.execute``."""
        return self.conn.execute(statement, parameters)

    def insert_new(self, table: sa.Table, rows: list[dict[str, Any]]) -> int:
        """Insert rows, silently leaving those whose key is there already; returns how many were new."""
        if not rows:
            return 0
        if self.conn.dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import insert as pg_insert

            # One by one: many at once have no count, and a single INSERT's is thrown away unless asked for.
            insert = pg_insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
            return sum(self.conn.execute(insert, row).rowcount for row in rows)
        from sqlalchemy.dialects.sqlite import insert as lite_insert

        before = self.conn.exec_driver_sql("SELECT total_changes()").scalar_one()
        self.conn.execute(lite_insert(table).on_conflict_do_nothing(), rows)
        return int(self.conn.exec_driver_sql("SELECT total_changes()").scalar_one() - before)


class _Job:
    __slots__ = ("fn", "future", "hooks", "queued")

    def __init__(self, fn: Callable[[Tx], Any]) -> None:
        self.fn = fn
        self.future: Future[Any] = Future()
        self.queued = time.monotonic()
        self.hooks: list[Callable[[], None]] = []


class Database:
    """The storage of one node.

    ``url`` is an SQLAlchemy URL: ``sqlite:////path/file.db`` or ``postgresql+psycopg://…``.
    """

    def __init__(self, url: str, *, max_waiting: int = 10_000, readers: int = 4) -> None:
        self.url = url
        self.sqlite = url.startswith("sqlite")
        self._writer_engine = _engine(url, writer=True, size=1)
        self._reader_engine = _engine(url, writer=False, size=readers)
        self._jobs: queue.Queue[_Job | None] = queue.Queue(maxsize=max_waiting)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="db-read")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._oldest: float | None = None
        self._thread = threading.Thread(target=self._run, name="db-write", daemon=True)
        self._thread.start()
        self.commits = 0

    @classmethod
    def sqlite_file(cls, path: Path) -> "Database":
        """The embedded database in one file, its folder made when missing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return cls(f"sqlite:///{path}")

    @property
    def engine(self) -> Engine:
        """The writer's engine, for migrations before the node serves."""
        return self._writer_engine

    def create_all(self) -> None:
        """Create every declared table (tests; nodes migrate instead)."""
        metadata.create_all(self._writer_engine)

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run ``fn`` in a durable transaction; returns after the commit reached the disk.

        Raises what ``fn`` raises (nothing of it is kept) and Overloaded when the queue is full.
        """
        self._loop = asyncio.get_running_loop()
        job = _Job(fn)
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise Overloaded("the write queue is full") from None
        result: T = await asyncio.wrap_future(job.future)
        return result

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run ``fn`` on a reader's connection, in one consistent snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, fn)

    def _read(self, fn: Callable[[Connection], T]) -> T:
        with self._reader_engine.begin() as conn:
            return fn(conn)

    def waiting(self) -> tuple[int, float]:
        """How many writes wait, and the age in seconds of the oldest."""
        oldest = self._oldest
        return self._jobs.qsize(), 0.0 if oldest is None else time.monotonic() - oldest

    def close(self) -> None:
        """Finish what waits, then close."""
        self._jobs.put(None)
        self._thread.join(timeout=10)
        self._readers.shutdown(wait=True)
        self._writer_engine.dispose()
        self._reader_engine.dispose()

    def _run(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            group = [job]
            while len(group) < _GROUP:
                try:
                    more = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    self._jobs.put(None)
                    break
                group.append(more)
            self._oldest = group[0].queued
            self._commit(group)
            self._oldest = None

    def _commit(self, group: list[_Job]) -> None:
        """One transaction for the group; answers go out only after COMMIT returned."""
        done: list[tuple[_Job, Any]] = []
        try:
            with self._writer_engine.begin() as conn:
                for job in group:
                    if not job.future.set_running_or_notify_cancel():
                        continue
                    tx = Tx(conn)
                    try:
                        with conn.begin_nested() if len(group) > 1 else contextlib.nullcontext():
                            result = job.fn(tx)
                    except BaseException as error:
                        if len(group) == 1:
                            raise
                        job.future.set_exception(error)
                    else:
                        job.hooks = tx._hooks
                        done.append((job, result))
        except BaseException as error:  # noqa: BLE001 - the whole transaction is gone: every job in it must hear so
            for job in group:
                if not job.future.done():
                    job.future.set_exception(error)
            return
        self.commits += 1
        hooks = [hook for job, _ in done for hook in job.hooks]
        if hooks and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_call_all, hooks)
        for job, result in done:
            job.future.set_result(result)


def _call_all(hooks: list[Callable[[], None]]) -> None:
    for hook in hooks:
        hook()


def _engine(url: str, *, writer: bool, size: int) -> Engine:
    if not url.startswith("sqlite"):
        isolation = "READ COMMITTED" if writer else "REPEATABLE READ"
        return sa.create_engine(url, pool_size=size, max_overflow=0, isolation_level=isolation)
    engine = sa.create_engine(
        url, poolclass=QueuePool, pool_size=size, max_overflow=0, connect_args={"check_same_thread": False}
    )

    @sa.event.listens_for(engine, "connect")
    def _connect(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None  # SQLAlchemy's BEGIN below is the only one
        cursor = dbapi.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA busy_timeout=5000")
        if not writer:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine

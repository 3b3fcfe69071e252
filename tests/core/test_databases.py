"""One schema on SQLite and on a real PostgreSQL: migrations, transactions, feed, outbox, journal, ledger."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import msgspec
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection

import ansim.nodes.tables  # noqa: F401 - declares every table
from ansim.core.actors import Actor
from ansim.core.database import Database, Overloaded, Tx, metadata
from ansim.core.feed import Feed, feed, last_seq
from ansim.core.metrics import Metrics
from ansim.core.migrate import migrate
from ansim.core.outbox import dead_letter, outbox
from ansim.core.secrets import signing_key
from ansim.incidents import events as ev
from ansim.incidents import store
from ansim.incidents.reactions import Write
from ansim.ledger.commands import KEY
from ansim.ledger.service import Ledger, looks
from support.nodes import InlineDatabase, Station, position
from support.postgres import Postgres
from support.story import COLLEAGUE, OPERATOR, PERSON, armed, owns, routed
from support.strategies import CENTERS, HUB

DIALECTS = ["sqlite", "postgresql"]


def new_url(dialect: str, folder: Path, request: pytest.FixtureRequest, name: str = "node") -> str:
    if dialect == "sqlite":
        return f"sqlite:///{folder / name}.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.database()


@pytest.fixture(params=DIALECTS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return new_url(request.param, tmp_path, request)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    migrate(opened)
    yield opened
    opened.close()


def hold(busy: Event, gate: Event) -> bool:
    """Keep the writer until the gate opens."""
    busy.set()
    return gate.wait(10)


def letter_row(name: str) -> dict[str, object]:
    return {"id": name, "node": "hub", "payload": b"x", "reason": "test", "at": "2026-09-21T14:13:20.000Z"}


def test_migrations_make_exactly_what_the_stores_declare(database: Database) -> None:
    migrate(database)  # as at every start
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


async def test_jobs_that_wait_together_succeed_and_fail_alone(database: Database) -> None:
    busy, gate = Event(), Event()
    committed: list[int] = []

    def job(tx: Tx, number: int) -> int:
        tx.on_commit(lambda: committed.append(number))
        tx.insert_new(dead_letter, [letter_row(f"l{number}")])
        if number % 3 == 0:
            raise LookupError(number)
        return number

    before = database.commits
    first = asyncio.create_task(database.write(lambda _: hold(busy, gate)))
    await asyncio.to_thread(busy.wait, 10)
    rest = [asyncio.create_task(database.write(lambda tx, number=n: job(tx, number))) for n in range(30)]  # type: ignore[misc]
    await asyncio.sleep(0)
    assert database.waiting()[0] == 30
    gate.set()
    results = await asyncio.gather(*rest, return_exceptions=True)
    assert await first
    kept = [number for number in range(30) if number % 3]
    assert [one for one in results if not isinstance(one, BaseException)] == kept
    assert sum(isinstance(one, LookupError) for one in results) == 10
    assert committed == kept
    assert database.commits - before == 2, "those that waited together share one commit"
    rows = await database.read(lambda conn: conn.execute(sa.select(dead_letter.c.id)).scalars().all())
    assert sorted(rows) == sorted(f"l{number}" for number in kept)
    assert database.waiting() == (0, 0.0)


async def test_a_full_queue_says_so(url: str) -> None:
    database = Database(url, max_waiting=1)
    busy, gate = Event(), Event()
    first = asyncio.create_task(database.write(lambda _: hold(busy, gate)))
    await asyncio.to_thread(busy.wait, 10)
    second = asyncio.create_task(database.write(lambda _: 2))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await database.write(lambda _: 3)
    gate.set()
    assert await second == 2
    assert await first
    database.close()


async def test_a_reader_sees_one_moment(database: Database) -> None:
    """What is committed while it reads is not in the second look: the cursor and the rows fit."""
    began, gate = Event(), Event()

    def count(conn: Connection) -> int:
        return int(conn.execute(sa.select(sa.func.count()).select_from(dead_letter)).scalar_one())

    def look(conn: Connection) -> tuple[int, int]:
        before = count(conn)
        began.set()
        gate.wait(10)
        return before, count(conn)

    reading = asyncio.create_task(database.read(look))
    await asyncio.to_thread(began.wait, 10)
    await database.write(lambda tx: tx.insert_new(dead_letter, [letter_row("l1")]))
    gate.set()
    assert await reading == (0, 0)
    assert await database.read(count) == 1


async def test_only_new_rows_count(database: Database) -> None:
    def add(tx: Tx) -> list[int]:
        return [
            tx.insert_new(dead_letter, []),
            tx.insert_new(dead_letter, [letter_row("l1"), letter_row("l2")]),
            tx.insert_new(dead_letter, [letter_row("l2"), letter_row("l3")]),
        ]

    assert await database.write(add) == [0, 2, 1]


async def test_a_feed_resumes_exactly_or_not_at_all(database: Database) -> None:
    changes = Feed(database, Metrics())

    async def append(count: int) -> int:
        def write(tx: Tx) -> int:
            for number in range(count):
                changes.append(tx, "i-1", b'{"number":%d}' % number)
            return last_seq(tx.conn)

        return await database.write(write)

    assert await changes.since(0, 10) == []
    last = await append(4)
    found = await changes.since(last - 2, 10)
    assert found is not None
    assert [change.payload for change in found] == [b'{"number":2}', b'{"number":3}']
    assert await changes.since(last, 10) == []
    assert await changes.since(last - 4, 3) is None, "too many to replay"
    assert await changes.since(last + 1, 10) is None, "a number that this node never gave"
    await database.write(lambda tx: tx.execute(feed.update().where(feed.c.seq < last).values(at=1.0)))
    assert await changes.prune(60) == 3
    assert await changes.since(last - 1, 10) is not None
    assert await changes.since(last - 2, 10) is None, "a part of it is gone"
    assert await changes.prune(-60) == 1
    assert await changes.since(last - 1, 10) is None, "nothing is left to go on from"
    assert await append(1) > last, "a pruned number never comes again"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_one_press_is_told_and_folded_alike(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Hub and center, each with a database of this kind: from arming to closing, letters given twice."""
    hub, center = (
        Station(code, migrated(new_url(dialect, tmp_path, request, code)), enrolled=enrolled)
        for code, enrolled in ((HUB, CENTERS), ("41170", ()))
    )

    def deliver() -> None:
        while letters := [*hub.outbox.take(), *center.outbox.take()]:
            for mail in [*letters, *letters]:
                for station in (hub, center):
                    if mail.dest == station.code:
                        station.receive(mail.letter)

    try:
        hub.write(lambda tx: hub.journal.record_positions(tx, "i-1", [position(1)]))
        opening: list[Write] = [(armed(), PERSON), (routed(), PERSON), (owns("41170", 1), PERSON)]
        hub.write(lambda tx: hub.journal.record(tx, "i-1", opening, known=[]))
        hub.write(lambda tx: store.remember_press(tx, "k-1", "i-1"))
        deliver()
        hub.write(lambda tx: hub.journal.record(tx, "i-1", [(ev.Alerted(reason="window"), PERSON)]))
        hub.write(lambda tx: hub.journal.record_positions(tx, "i-1", [position(2), position(1)]))
        deliver()
        steps: tuple[ev.Data, ...] = (
            ev.Accepted(code="41170", epoch=1),
            ev.DispatchRequested(agency="112", code="41170"),
            ev.Note(text="통화 연결됨"),
            ev.Closed(disposition="rescued"),
        )
        for data in steps:
            center.write(lambda tx, data=data: center.journal.record(tx, "i-1", [(data, OPERATOR)]))  # type: ignore[misc]
        deliver()
        at_hub, at_center = hub.incident("i-1"), center.incident("i-1")
        assert at_hub is not None
        assert at_hub == at_center
        assert at_hub.state.value == "closed"
        assert not at_hub.open
        assert hub.read(lambda conn: store.pressed(conn, "k-1")) == "i-1"
        for station in (hub, center):
            track = station.read(lambda conn: store.track(conn, "i-1"))
            assert [one.id for one in track] == [position(1).id, position(2).id]
            assert station.read(lambda conn: store.open_ids(conn, ended_since="z")) == []
            shown = station.read(
                lambda conn: conn.execute(sa.select(feed.c.payload).order_by(feed.c.seq)).scalars().all()
            )
            kinds = [msgspec.json.decode(payload)["kind"] for payload in shown]
            assert kinds.count("event") == len(station.events("i-1"))
            assert kinds.count("positions") == 2
    finally:
        hub.close()
        center.close()


def migrated(url: str) -> InlineDatabase:
    database = InlineDatabase(url)
    migrate(database)
    return database


async def test_the_ledger_chains_whoever_writes(database: Database, tmp_path: Path) -> None:
    """Two nodes' processes could write at once; here two writers share the database."""
    second = Database(database.url, readers=1)
    ledger = Ledger("41170", signing_key(tmp_path, KEY))

    def look(tx: Tx, actor: Actor, session: str) -> bool:
        return ledger.record_once(
            tx,
            session=session,
            actor=actor,
            action="view",
            subject="p-1",
            incident="i-1",
            what="위치 \0",
            why="대응",
        )

    jobs = [
        writer.write(lambda tx, a=actor, n=number: look(tx, a, f"s{n}"))  # type: ignore[misc]
        for number in range(20)
        for writer, actor in ((database, OPERATOR), (second, COLLEAGUE))
    ]
    assert sum(await asyncio.gather(*jobs)) == 20, "a session's second look is the same look"
    assert await database.write(ledger.sign_head) is not None
    assert await database.write(ledger.sign_head) is None
    rows = await database.read(lambda conn: looks(conn, "p-1"))
    assert len(rows) == 20
    second.close()


async def test_letters_outlive_the_process(url: str) -> None:
    first = Database(url)
    migrate(first)
    row = {"id": "l1", "dest": "hub", "payload": b"{}", "created": 1.0}
    await first.write(lambda tx: tx.execute(outbox.insert(), [row]))
    first.close()
    again = Database(url)
    migrate(again)
    kept = await again.read(lambda conn: conn.execute(sa.select(outbox.c.id, outbox.c.seq)).all())
    assert [tuple(one) for one in kept] == [("l1", 1)]
    again.close()

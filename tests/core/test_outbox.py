"""The outbox and the inbox on a real file, beside a bus that does what the test says."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
import sqlalchemy as sa

from ansim.core.bus import Bus, Letter, PublishFailed
from ansim.core.database import Database, Tx
from ansim.core.metrics import Metrics
from ansim.core.outbox import Inbox, Outbox, dead_letter, outbox
from ansim.core.settings import Settings
from ansim.core.tasks import end


class Wire(Bus):
    """A bus without a network: keeps what is published, or refuses it."""

    def __init__(self) -> None:
        super().__init__(Settings(role="center", code="41170", name="안양시"), None, "")
        self.up = True
        self.published: list[tuple[str, Letter, int]] = []
        self.heard = asyncio.Event()

    async def publish(self, destination: str, letter_id: str, payload: bytes, *, attempt: int = 0) -> None:
        if not self.up:
            raise PublishFailed("the link is cut")
        letter = msgspec.json.decode(payload, type=Letter)
        assert letter.id == letter_id
        self.published.append((destination, letter, attempt))
        self.heard.set()


class Message:
    """What the inbox needs of a message of the bus."""

    def __init__(self, data: bytes, subject: str = "ansim.center.41170.msg") -> None:
        self.data = data
        self.subject = subject
        self.became = ""

    async def ack(self) -> None:
        self.became = "acknowledged"

    async def term(self) -> None:
        self.became = "refused"


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database.sqlite_file(tmp_path / "node.db")
    opened.create_all()
    yield opened
    await asyncio.to_thread(opened.close)


async def owed(database: Database) -> list[str]:
    query = sa.select(outbox.c.dest).order_by(outbox.c.seq)
    return list(await database.read(lambda conn: conn.execute(query).scalars().all()))


async def until_owed(database: Database, count: int) -> None:
    async with asyncio.timeout(20):
        while len(await owed(database)) != count:  # each look waits for the database
            pass


async def test_a_letter_stays_until_the_receiver_confirms_it(database: Database) -> None:
    wire = Wire()
    box = Outbox(database, wire, Metrics())
    await box.start()
    await database.write(lambda tx: box.put(tx, ["hub"], "note", {"a": 1}))
    await asyncio.wait_for(wire.heard.wait(), 20)
    destination, letter, attempt = wire.published[0]
    assert (destination, letter.kind, letter.node, attempt) == ("hub", "note", "41170", 0)
    assert msgspec.json.decode(letter.body) == {"a": 1}
    assert await owed(database) == ["hub"], "the stream has it, the receiver's database perhaps not"
    assert box.owed() == {"hub": 1}
    assert box.reading()[0] == 1
    box.confirm([letter.id])
    assert box.reading() == (0, 0.0)
    await until_owed(database, 0)
    await box.stop()


async def test_nobody_to_tell_owes_nothing(database: Database) -> None:
    box = Outbox(database, Wire(), Metrics())
    await database.write(lambda tx: box.put(tx, [], "note", {}))
    assert await owed(database) == []


async def test_a_cut_link_delays_and_a_restart_remembers(database: Database) -> None:
    wire = Wire()
    wire.up = False
    box = Outbox(database, wire, Metrics())
    await box.start()
    await database.write(lambda tx: box.put(tx, ["hub", "41410"], "note", {}))
    assert await owed(database) == ["hub", "41410"]
    async with asyncio.timeout(5):
        await box.stop()
    assert wire.published == []
    wire.up = True
    again = Outbox(database, wire, Metrics())
    await again.start()
    async with asyncio.timeout(20):
        while len(wire.published) < 2:
            await wire.heard.wait()
            wire.heard.clear()
    assert sorted(destination for destination, _, _ in wire.published) == ["41410", "hub"]
    await again.stop()


async def test_it_stops_although_a_letter_comes_in_that_moment(database: Database) -> None:
    """The last thing that a node writes is a signed head, and its letter wakes the relay that is to end."""
    wire = Wire()
    wire.up = False
    box = Outbox(database, wire, Metrics())
    await box.start()
    for _ in range(5):
        await asyncio.sleep(0)
    await database.write(lambda tx: box.put(tx, ["hub"], "note", {}))
    async with asyncio.timeout(5):
        await box.stop()


async def test_what_swallows_a_cancellation_ends_all_the_same() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while swallowed < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1

    async def failed() -> None:
        raise LookupError

    tasks = asyncio.create_task(stubborn()), asyncio.create_task(failed())
    await asyncio.sleep(0)  # both have begun
    async with asyncio.timeout(10):
        await end(tasks[0], None, tasks[1])
    assert swallowed == 2
    await end(None)


def envelope(kind: str, body: object, *, node: str = "hub", name: str = "l-1") -> Letter:
    return Letter(id=name, kind=kind, node=node, body=msgspec.Raw(msgspec.json.encode(body)))


class Post:
    """An inbox whose letters go into a list, inside the transaction."""

    def __init__(self, database: Database) -> None:
        self.wire = Wire()
        self.outbox = Outbox(database, self.wire, Metrics())
        self.metrics = Metrics()
        self.taken: list[str] = []
        self.inbox = Inbox(database, self.wire, self.outbox, self.metrics, {"note": self.take})

    def take(self, tx: Tx, letter: Letter) -> None:
        if msgspec.json.decode(letter.body) == "bad":
            raise ValueError("cannot be handled")
        tx.on_commit(lambda: self.taken.append(letter.id))

    async def give(self, *messages: Message) -> None:
        await self.inbox._receive(list(messages))  # type: ignore[arg-type]


async def test_a_batch_is_stored_then_confirmed(database: Database) -> None:
    post = Post(database)
    messages = [Message(envelope("note", "x", name=name).encode()) for name in ("l-1", "l-2")]
    await post.give(*messages)
    assert post.taken == ["l-1", "l-2"]
    assert [message.became for message in messages] == ["acknowledged"] * 2
    ((destination, ack, _),) = post.wire.published
    assert (destination, ack.kind) == ("hub", "ack")
    assert msgspec.json.decode(ack.body) == ["l-1", "l-2"]


async def test_a_confirmation_clears_what_is_owed(database: Database) -> None:
    post = Post(database)
    await database.write(lambda tx: post.outbox.put(tx, ["hub"], "note", {}))
    (name,) = post.outbox._lanes["hub"]
    message = Message(envelope("ack", [name, "unknown"]).encode())
    await post.give(message)
    assert message.became == "acknowledged"
    assert post.outbox.reading() == (0, 0.0)
    assert post.wire.published == []


async def test_one_bad_letter_stops_no_other_and_is_kept(database: Database) -> None:
    post = Post(database)
    bodies = {"l-1": "x", "l-2": "bad", "l-3": "y"}
    await post.give(*(Message(envelope("note", body, name=name).encode()) for name, body in bodies.items()))
    assert post.taken == ["l-1", "l-3"]
    kept = await database.read(lambda conn: conn.execute(sa.select(dead_letter)).all())
    assert [(row.id, row.node, row.reason) for row in kept] == [
        ("l-2", "hub", "ValueError: cannot be handled")
    ]
    await post.give(Message(envelope("note", "bad", name="l-2").encode()))
    assert len(await database.read(lambda conn: conn.execute(sa.select(dead_letter)).all())) == 1


@pytest.mark.parametrize("data", [b"no letter", envelope("note", "x", node="11545").encode()])
async def test_what_is_no_letter_of_the_sender_is_refused_and_counted(
    database: Database, data: bytes
) -> None:
    post = Post(database)
    message = Message(data)
    await post.give(message)
    assert message.became == "refused"
    assert post.taken == []
    assert post.metrics.registry.get_sample_value("ansim_faults_total", {"part": "inbox"}) == 1


async def test_a_confirmation_that_cannot_be_sent_is_asked_for_again(database: Database) -> None:
    post = Post(database)
    post.wire.up = False
    message = Message(envelope("note", "x").encode())
    await post.give(message)
    assert (post.taken, message.became) == (["l-1"], "acknowledged")
    post.wire.up = True
    await post.give(Message(envelope("note", "x").encode()))
    assert len(post.wire.published) == 1

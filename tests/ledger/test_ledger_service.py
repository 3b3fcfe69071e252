"""The ledger on a real database file: in the fact's own transaction, whatever else shares the commit."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from ansim.core.actors import Actor, system
from ansim.core.commands import DATABASE_FILE
from ansim.core.database import Database, Tx
from ansim.core.secrets import signing_key
from ansim.ledger import store
from ansim.ledger.commands import ledger as commands
from ansim.ledger.model import Entry, Head, Verdict, verify
from ansim.ledger.service import Ledger, looks
from ansim.ledger.worker import HeadSigner

OPERATOR = Actor(kind="staff", id="op-1", name="김관제")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database.sqlite_file(tmp_path / DATABASE_FILE)
    database.create_all()
    yield database
    database.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger("41170", signing_key(tmp_path, "ledger"))


def note(ledger: Ledger, tx: Tx, what: str = "위치", subject: str = "person-1") -> None:
    ledger.record(
        tx,
        actor=OPERATOR,
        action="view",
        subject=subject,
        incident="i-1",
        what=what,
        why="사건 대응",
        source="10.0.0.7",
    )


async def check(database: Database, tmp_path: Path) -> Verdict:
    key = signing_key(tmp_path, "ledger").public_key()
    return await database.read(lambda conn: verify(store.entries(conn), store.heads(conn), key))


async def rows(database: Database) -> list[Entry]:
    return await database.read(lambda conn: list(store.entries(conn)))


async def test_a_row_holds_who_whose_what_why_and_whence(database: Database, ledger: Ledger) -> None:
    await database.write(lambda tx: note(ledger, tx))
    (row,) = await rows(database)
    assert (row.seq, row.node, row.actor_kind, row.actor_id, row.actor_name) == (
        1,
        "41170",
        "staff",
        "op-1",
        "김관제",
    )
    assert (row.action, row.subject, row.incident) == ("view", "person-1", "i-1")
    assert (row.what, row.why, row.source) == ("위치", "사건 대응", "10.0.0.7")
    assert row.at.endswith("Z")


async def test_the_node_may_be_where_the_actor_stood(database: Database, ledger: Ledger) -> None:
    def write(tx: Tx) -> None:
        ledger.record(tx, actor=OPERATOR, action="provide", what="위치", why="배정", node="11545")

    await database.write(write)
    assert (await rows(database))[0].node == "11545"


async def test_writes_that_share_a_commit_make_one_chain(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    await asyncio.gather(*(database.write(lambda tx, n=n: note(ledger, tx, f"위치 {n}")) for n in range(200)))  # type: ignore[misc]
    assert database.commits < 200  # they did share
    verdict = await check(database, tmp_path)
    assert verdict.whole
    assert verdict.rows == 200


async def test_a_job_that_rolls_back_leaves_no_hole(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    def write(tx: Tx, number: int) -> None:
        note(ledger, tx, f"위치 {number}")
        if number % 3 == 0:
            note(ledger, tx, "둘째 줄")
            raise RuntimeError("refused")

    results = await asyncio.gather(
        *(database.write(lambda tx, n=n: write(tx, n)) for n in range(90)),  # type: ignore[misc]
        return_exceptions=True,
    )
    assert sum(isinstance(result, RuntimeError) for result in results) == 30
    kept = await rows(database)
    assert [row.seq for row in kept] == list(range(1, 61))
    assert all(int(row.what.split()[1]) % 3 for row in kept)
    assert (await check(database, tmp_path)).whole


async def test_a_second_process_continues_the_same_chain(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    other = Database.sqlite_file(tmp_path / DATABASE_FILE)
    try:
        for number in range(20):
            writer = other if number % 2 else database
            await writer.write(lambda tx: note(ledger, tx))
        await asyncio.gather(
            *((database, other)[n % 2].write(lambda tx: note(ledger, tx)) for n in range(60))
        )
    finally:
        other.close()
    verdict = await check(database, tmp_path)
    assert (verdict.whole, verdict.rows) == (True, 80)


async def test_a_screen_that_opens_again_is_one_look(database: Database, ledger: Ledger) -> None:
    def look(tx: Tx, session: str, incident: str, what: str) -> bool:
        return ledger.record_once(
            tx,
            session=session,
            actor=OPERATOR,
            action="view",
            subject="p",
            incident=incident,
            what=what,
            why="w",
        )

    assert await database.write(lambda tx: look(tx, "s1", "i1", "위치"))
    assert not await database.write(lambda tx: look(tx, "s1", "i1", "위치"))
    assert await database.write(lambda tx: look(tx, "s2", "i1", "위치"))
    assert await database.write(lambda tx: look(tx, "s1", "i2", "위치"))
    assert await database.write(lambda tx: look(tx, "s1", "i1", "카메라"))
    assert len(await rows(database)) == 4


async def test_a_look_that_rolled_back_counts_as_not_told(database: Database, ledger: Ledger) -> None:
    def look(tx: Tx, fail: bool) -> bool:
        told = ledger.record_once(
            tx, session="s", actor=OPERATOR, action="view", incident="i", what="위치", why="w"
        )
        if fail:
            raise RuntimeError("refused")
        return told

    with pytest.raises(RuntimeError):
        await database.write(lambda tx: look(tx, True))
    assert await database.write(lambda tx: look(tx, False))


async def test_texts_that_a_database_cannot_hold_are_cleaned(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    await database.write(lambda tx: note(ledger, tx, "a\0b\ud800" + "가" * 900))
    (row,) = await rows(database)
    assert row.what.startswith("a\ufffdb?가")
    assert len(row.what) == 500
    assert (await check(database, tmp_path)).whole


async def test_the_head_is_signed_once_for_each_growth(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    signer = HeadSigner(database, ledger)
    assert not await signer.sign()
    await database.write(lambda tx: note(ledger, tx))
    await database.write(lambda tx: note(ledger, tx))
    assert await signer.sign()
    assert not await signer.sign()
    assert await database.write(ledger.sign_head) is None
    verdict = await check(database, tmp_path)
    assert (verdict.whole, verdict.rows, verdict.signed) == (True, 2, 2)


async def test_the_worker_signs_while_it_runs_and_when_it_stops(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    signer = HeadSigner(database, ledger, every_s=0.01)
    await signer.start()
    await database.write(lambda tx: note(ledger, tx))
    while await database.read(ledger.unsigned):  # noqa: ASYNC110 - nothing else tells of a signature
        await asyncio.sleep(0.01)
    await signer.stop()

    slow = HeadSigner(database, ledger, every_s=3600)
    await slow.stop()  # never started: nothing to end
    await slow.start()
    await database.write(lambda tx: note(ledger, tx))
    await slow.stop()
    assert (await check(database, tmp_path)).signed == 2


async def test_each_head_can_be_sent_away_in_its_transaction(database: Database, tmp_path: Path) -> None:
    sent: list[Head] = []
    ledger = Ledger("41170", signing_key(tmp_path, "ledger"), on_head=lambda _, head: sent.append(head))
    await database.write(lambda tx: note(ledger, tx))
    head = await database.write(ledger.sign_head)
    assert sent == [head]


async def test_she_sees_who_looked_newest_first_and_nothing_of_others(
    database: Database, ledger: Ledger
) -> None:
    await database.write(lambda tx: note(ledger, tx, "첫째"))
    await database.write(lambda tx: note(ledger, tx, "둘째"))
    await database.write(lambda tx: note(ledger, tx, "남의 것", subject="person-2"))
    await database.write(
        lambda tx: ledger.record(
            tx, actor=system("hub"), action="sign_in", subject="person-1", what="로그인", why="본인"
        )
    )
    seen = await database.read(lambda conn: looks(conn, "person-1"))
    assert [look["what"] for look in seen] == ["둘째", "첫째"]
    assert seen[0]["who"] == "김관제"
    assert seen[0]["center"] == "41170"
    assert seen[0]["incident"] == "i-1"


def seed(tmp_path: Path, count: int = 30) -> Path:
    """A closed database with a signed ledger."""

    async def fill() -> None:
        database = Database.sqlite_file(tmp_path / DATABASE_FILE)
        database.create_all()
        ledger = Ledger("41170", signing_key(tmp_path, "ledger"))
        for number in range(count):
            await database.write(lambda tx, n=number: note(ledger, tx, f"위치 {n}"))  # type: ignore[misc]
        await database.write(ledger.sign_head)
        database.close()

    asyncio.run(fill())
    return tmp_path


def run(data: Path, *more: str) -> tuple[int, str]:
    result = CliRunner().invoke(commands, ["verify", "--data", str(data), *more])
    return result.exit_code, result.output.strip()


def test_the_command_says_that_the_ledger_is_whole(tmp_path: Path) -> None:
    assert run(seed(tmp_path)) == (0, "The ledger is whole: 30 rows.")


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("UPDATE ledger SET actor_name = '홍길동' WHERE seq = 17", "Row 17 was edited after it was written."),
        ("UPDATE ledger SET what = x'ff' WHERE seq = 3", "Row 3 was edited after it was written."),
        ("DELETE FROM ledger WHERE seq = 5", "Row 5 was removed."),
        (
            "DELETE FROM ledger WHERE seq > 28",
            "Row 29 is missing: the ledger was cut off before its last signed head.",
        ),
        (
            "UPDATE ledger_head SET hash = 'ab'",
            "The signed head at row 30 was not signed with this ledger's key.",
        ),
        (
            "UPDATE ledger SET seq = 1000 WHERE seq = 8; UPDATE ledger SET seq = 8 WHERE seq = 9; "
            "UPDATE ledger SET seq = 9 WHERE seq = 1000",
            "Row 8 is not in its place: rows were swapped or renumbered.",
        ),
    ],
)
def test_the_command_names_the_broken_row_and_fails(tmp_path: Path, sql: str, says: str) -> None:
    data = seed(tmp_path)
    with sqlite3.connect(data / DATABASE_FILE) as connection:
        connection.executescript(sql)
    connection.close()
    assert run(data) == (1, says)


def test_the_command_takes_another_public_key(tmp_path: Path) -> None:
    data = seed(tmp_path)
    other = tmp_path / "other"
    signing_key(other, "ledger")
    code, output = run(data, "--public-key", str(other / "secrets" / "ledger.pub"))
    assert (code, output) == (1, "The signed head at row 30 was not signed with this ledger's key.")


def test_what_is_missing_is_said_in_one_sentence(tmp_path: Path) -> None:
    code, output = run(tmp_path / "nowhere")
    assert code == 1
    assert "there is no folder" in output
    code, output = run(tmp_path)
    assert code == 1
    assert "public key" in output
    signing_key(tmp_path, "ledger")
    code, output = run(tmp_path)
    assert code == 1
    assert "there is no database" in output
    with sqlite3.connect(tmp_path / DATABASE_FILE) as connection:
        connection.execute("CREATE TABLE x (y)")
    connection.close()
    code, output = run(tmp_path)
    assert code == 1
    assert "has no table ledger, ledger_head" in output
    (tmp_path / "broken.toml").write_text("x=", "utf-8")
    result = CliRunner().invoke(commands, ["verify", "--config", str(tmp_path / "broken.toml")])
    assert result.exit_code == 1
    assert "is not TOML" in result.output


def test_the_configuration_in_the_data_folder_is_used(tmp_path: Path) -> None:
    data = seed(tmp_path)
    (data / "ansim.toml").write_text('role = "center"\ncode = "41170"\nname = "안양시 센터"\n', "utf-8")
    assert run(data)[0] == 0


async def test_two_writers_on_postgresql_take_a_lock() -> None:
    """Before it reads the end of the chain, a PostgreSQL writer shuts out the others."""
    from sqlalchemy.dialects import postgresql

    class Recorder:
        dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
        said: list[str]

        def __init__(self) -> None:
            self.said = []

        def execute(self, statement: sa.Select[tuple[object]], _: object = None) -> "Recorder":
            self.said.append(str(statement.compile(dialect=self.dialect)))
            return self

        def first(self) -> None:
            return None

    recorder = Recorder()
    assert store.last(Tx(recorder)) == (0, "0" * 64)  # type: ignore[arg-type]
    assert "pg_advisory_xact_lock" in recorder.said[0]
    assert recorder.said[1].startswith("SELECT ledger.seq")

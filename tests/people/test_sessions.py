"""What memory may believe about sessions, and what it must not."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansim.core.database import Overloaded
from ansim.people import sessions
from ansim.people.store import session
from people.people_node import Node, running


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with running(tmp_path) as node:
        yield node


def test_a_session_that_ends_while_it_is_read_is_not_remembered(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.register()
    token = node.client.cookies["ansim_hub_citizen"]
    (row,) = node.rows(session)
    real = node.database.read

    async def race() -> tuple[bool, bool]:
        async def read_then_end(fn: object) -> object:
            found: object = await real(fn)  # type: ignore[arg-type]
            monkeypatch.setattr(node.database, "read", real)
            await node.database.write(lambda tx: node.people.sessions.close(tx, session_id=row.id))
            await asyncio.sleep(0.01)
            return found

        monkeypatch.setattr(node.database, "read", read_then_end)
        before = await node.people.sessions.find("citizen", token)
        after = await node.people.sessions.find("citizen", token)
        return before is not None, after is not None

    assert node.call(race) == (True, False)


def test_memory_is_bounded(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_MOST", 2)
    person_id = node.register()["id"]

    async def many() -> int:
        found = 0
        for _ in range(5):
            token, _session = await node.database.write(
                lambda tx: node.people.sessions.open(tx, "citizen", person_id, "")
            )
            found += await node.people.sessions.find("citizen", token) is not None
        assert len(node.people.sessions._known) == 2
        return found

    assert node.call(many) == 5


def test_an_overloaded_database_does_not_sign_her_out(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The use of a session is written down now and then; that this fails must not refuse the use itself."""
    me = node.register()
    node.later(2 * 86_400)

    async def full(_: object) -> None:
        raise Overloaded("the write queue is full")

    monkeypatch.setattr(node.database, "write", full)
    assert node.client.get("/api/test/caller").json() == {"id": me["id"], "expired": False}


def test_all_sessions_of_somebody_end_together(node: Node) -> None:
    me = node.register()
    node.other_device()
    node.send("POST", "/api/session", {"phone": me["phone"], "code": node.code()})
    assert node.client.get("/api/me").status_code == 200

    async def end() -> int:
        return await node.database.write(lambda tx: node.people.sessions.close(tx, subject=me["id"]))

    assert node.call(end) == 2
    assert node.call(end) == 0
    assert node.client.get("/api/me").status_code == 401
    assert all(row.revoked_at is not None for row in node.rows(session))


def test_a_session_nobody_opened_is_not_alive(node: Node) -> None:
    assert not node.call(node.people.session_alive, "no-such-session")

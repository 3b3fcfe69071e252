"""A whole center for the tests of its console: real file, journal, feed, looks, ledger and application.

The hub is the test: it tells what happened by letters, and what the center owes it is collected.
"""

import asyncio
import queue
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient

from ansim.core.actors import Actor
from ansim.core.clock import HybridClock
from ansim.core.database import Tx
from ansim.core.feed import Feed
from ansim.core.web import build_app
from ansim.incidents import events as ev
from ansim.incidents import store
from ansim.incidents.console_api import console_routes
from ansim.incidents.journal import EVENTS, Journal
from ansim.incidents.looks import Looks
from ansim.incidents.operations import Operations
from ansim.incidents.reactions import at_center
from ansim.people.access import dependencies
from ansim.people.api import staff_routes
from ansim.people.model import Role
from people.people_node import Node
from support.nodes import CollectingOutbox, WallClock, letter
from support.story import Story
from support.strategies import HUB, NAMES, START_MS
from support.wire import Frame

WITHIN_S = 40.0
"""How long a test waits for what must happen: long, because only a fault should reach it."""
WHAT, WHY = "위치, 프로필, 사건 기록", "긴급호출 대응 화면"

_numbers = count(1)


class CenterNode(Node):
    """A center wired as nodes/center.py does it, without bus and cameras."""

    outbox: CollectingOutbox
    feed: Feed
    journal: Journal
    status: bytes

    def _app(self, per_minute: int) -> Litestar:
        code, name = self.settings.code, NAMES[self.settings.code]
        self.status = b'{"hub_link":"up"}'
        self.outbox = CollectingOutbox(code)
        self.feed = Feed(self.database, self.metrics)
        clock = HybridClock(WallClock(START_MS + 60_000))  # a minute into the stories, whatever day it is
        self.journal = Journal(
            node=code, is_hub=False, clock=clock, feed=self.feed, outbox=self.outbox, react=at_center
        )

        def record_look(tx: Tx, session: str, actor: Actor, subject: str, incident: str, source: str) -> None:
            self.ledger.record_once(
                tx,
                session=session,
                actor=actor,
                action="view",
                subject=subject,
                incident=incident,
                what=WHAT,
                why=WHY,
                source=source,
            )

        async def ready() -> dict[str, bool]:
            return {"database": True}

        routes = console_routes(
            settings=self.settings,
            database=self.database,
            feed=self.feed,
            operations=Operations(self.database, self.journal, code, name),
            people=self.people,
            looks=Looks(self.database, record_look),
            node=lambda: {"code": code, "name": name, "hub_link": "up"},
            status=lambda: self.status,
        )
        return build_app(
            settings=self.settings,
            metrics=self.metrics,
            route_handlers=[*staff_routes(self.people, per_minute=per_minute), *routes],
            dependencies=dependencies(self.people),
            lifespan=[],
            pages={},
            ready=ready,
        )

    def hear(self, story: Story) -> str:
        """Take the story as a new incident, as the hub and this center wrote it; returns the incident."""
        number = next(_numbers)
        incident = f"i-{number}"
        self.receive(
            [
                msgspec.structs.replace(event, id=f"{number}-{event.id[:8]}", incident=incident)
                for event in story.events
            ]
        )
        return incident

    def hub_tells(self, incident: str, data: ev.Data) -> None:
        """The hub adds something, after all that the center knows."""
        last = self.events(incident)[-1]
        story = Story(incident, int(last.at, 16) >> 16).tell(data)
        self.receive([msgspec.structs.replace(story.last, id=f"{next(_numbers)}-hub")])

    def receive(self, events: list[ev.Event]) -> None:
        """Take a letter of the hub."""

        async def take() -> None:
            await self.database.write(lambda tx: self.journal.receive(tx, letter(HUB, events)))

        self.call(take)

    def record(self, incident: str, data: ev.Data, actor: Actor) -> None:
        """Somebody else at this center (an agency's desk) writes."""

        async def write() -> None:
            await self.database.write(lambda tx: self.journal.record(tx, incident, [(data, actor)]))

        self.call(write)

    def events(self, incident: str) -> list[ev.Event]:
        """What the center knows, in timeline order."""

        async def read() -> list[ev.Event]:
            return await self.database.read(lambda conn: store.events_of(conn, incident))

        return self.call(read)

    def types(self, incident: str) -> list[str]:
        """The kinds of event, in timeline order."""
        return [event.type for event in self.events(incident)]

    def owed(self) -> list[tuple[str, str]]:
        """(destination, kind of event) of what the center has told since the last time."""
        return [
            (mail.dest, event.type)
            for mail in self.outbox.take()
            if mail.letter.kind == EVENTS
            for event in ev.decode_many(mail.letter.body)
        ]

    def seat(self, login: str, role: Role = "operator") -> "Seat":
        """A new account, signed in at a browser of its own."""
        return Seat(self, login, self.add_staff(login, role))


class Seat:
    """One operator in front of one browser."""

    def __init__(self, node: CenterNode, login: str, staff_id: str) -> None:
        self.node = node
        self.id = staff_id
        self.name = f"이름 {login}"
        node.other_device()
        answer = node.sign_in(login)
        assert answer.status_code == 200, answer.text
        cookies = dict(node.client.cookies)
        node.other_device()
        self.headers = {
            "cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "x-csrftoken": cookies[f"ansim_{node.settings.code}_csrf"],
        }

    def post(self, incident: str, action: str, body: Any = None, language: str = "ko") -> Response:
        """A command of the console."""
        headers = self.headers | {"accept-language": language}
        return self.node.client.post(_path(incident, action), json=body, headers=headers)

    def done(self, incident: str, action: str, body: Any = None) -> dict[str, Any]:
        """A command that must succeed; returns the incident as the console is shown it."""
        answer = self.post(incident, action, body)
        assert answer.is_success, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def refused(self, incident: str, action: str, body: Any = None) -> dict[str, Any]:
        """A command that must be refused, without a trace; returns the problem (RFC 9457)."""
        before = self.node.events(incident)
        answer = self.post(incident, action, body)
        problem: dict[str, Any] = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["status"] == answer.status_code >= 400
        assert problem["title"]
        assert problem["detail"]
        assert self.node.events(incident) == before
        return problem

    def sign_out(self) -> None:
        """Leave the browser."""
        answer = self.node.client.delete("/api/console/session", headers=self.headers)
        assert answer.status_code == 204

    def page(self, query: str = "", last_event_id: str = "") -> "Page":
        """Open the console's stream."""
        resume = {"last-event-id": last_event_id} if last_event_id else {}
        return Page(self.node, query, self.headers | resume)


def at_the_same_time(incident: str, action: str, seats: list[Seat]) -> list[Response]:
    """All of them send the command before the first has its answer."""
    node = seats[0].node

    async def send() -> list[Response]:
        app: Any = node.app  # litestar's types of ASGI are narrower than httpx's
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver.local") as client:
            return await asyncio.gather(
                *(client.post(_path(incident, action), headers=seat.headers) for seat in seats)
            )

    return node.call(send)


def _path(incident: str, action: str) -> str:
    return f"/api/console/incidents/{incident}/{action}"


class Page:
    """An open stream, read frame by frame while the test goes on."""

    def __init__(self, node: CenterNode, query: str, headers: Mapping[str, str]) -> None:
        self._node = node
        self._scope: Any = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/api/console/stream",
            "raw_path": b"/api/console/stream",
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("testclient", 50_000),
            "server": ("testserver.local", 80),
            "state": {},
        }
        self._frames: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        self._left = asyncio.Event()
        self._asked = False
        self._unread = b""
        self._running: Future[None]
        self.answer: dict[str, Any] = {}
        self.complete = False

    def __enter__(self) -> Self:
        self._running = self._node.client.blocking_portal.start_task_soon(self._run)
        return self

    def __exit__(self, *_: object) -> None:
        self._node.client.blocking_portal.start_task_soon(self._leave).result(WITHIN_S)
        self._running.result(WITHIN_S)

    async def _run(self) -> None:
        await self._node.app(self._scope, self._receive, self._send)
        self._frames.put(None)

    async def _leave(self) -> None:
        self._left.set()

    async def _receive(self) -> Any:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            self.answer = {"status": message["status"]} | headers
            return
        if not message.get("more_body", False):  # complete: from here on a server tells of the end
            self.complete = True
            self._left.set()
        *whole, self._unread = (self._unread + message["body"]).split(b"\n\n")
        for part in whole:
            fields = dict(line.split(b": ", 1) for line in part.split(b"\n"))
            if b"event" in fields:
                number = fields.get(b"id")
                self._frames.put(
                    Frame(
                        fields[b"event"].decode(),
                        None if number is None else int(number),
                        fields[b"data"],
                    )
                )

    def next(self, event: str) -> tuple[int | None, dict[str, Any]]:
        """The next frame that is no ping, which must be such an event: its number and its data."""
        while (frame := self._frames.get(timeout=WITHIN_S)) is not None and frame.event == "ping":
            pass
        assert frame is not None, f"the stream ended: {self.answer}"
        assert frame.event == event
        return frame.id, msgspec.json.decode(frame.data)

    def ended(self) -> bool:
        """Whether the node ends the stream, with nothing but pings before."""
        while (frame := self._frames.get(timeout=WITHIN_S)) is not None:
            assert frame.event == "ping"
        return self.complete


@contextmanager
def running_center(data: Path, code: str = "41170") -> Iterator[CenterNode]:
    """A center while it runs."""
    node = CenterNode(data, code, 100_000, with_sms=False)
    try:
        with TestClient(node.app, raise_server_exceptions=False) as client:
            node.client = client
            yield node
    finally:
        node.people.close()
        node.database.close()

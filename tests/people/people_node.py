"""A whole node for the tests of people: real database file, real application, a clock that can be turned."""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from httpx import Response
from litestar import Litestar, get
from litestar.di import NamedDependency
from litestar.testing import TestClient

from ansim.core.actors import system
from ansim.core.commands import DATABASE_FILE
from ansim.core.database import Database
from ansim.core.metrics import Metrics
from ansim.core.secrets import signing_key
from ansim.core.settings import Settings
from ansim.core.web import build_app
from ansim.ledger.model import Entry, verify
from ansim.ledger.service import Ledger
from ansim.ledger.store import entries, heads
from ansim.people.access import dependencies
from ansim.people.api import citizen_routes, staff_routes
from ansim.people.model import AgencyCode, Citizen, Desk, Operator, Role, Supervisor
from ansim.people.service import PeopleService
from ansim.people.sms import SmsNotSent, SmsQueue, sms
from ansim.people.worker import SmsWorker

T = TypeVar("T")
PASSWORD = "correct horse battery"
PHONE = "010-1234-5678"


class Clock:
    """Seconds since the epoch, turned by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class RecordingSms:
    """An SMS provider that keeps what it was given, and can be made to fail."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.failures = 0

    async def send(self, phone: str, text: str) -> None:
        if self.failures:
            self.failures -= 1
            raise SmsNotSent("provider down")
        self.sent.append((phone, text))


class Node:
    """One node with its client."""

    def __init__(self, data: Path, code: str, per_minute: int, with_sms: bool) -> None:
        self.clock = Clock()
        self.settings = Settings(
            role="hub" if code == "hub" else "center", code=code, data=str(data), secure_cookies=False
        )
        self.database = Database.sqlite_file(data / DATABASE_FILE)
        self.database.create_all()
        self.metrics = Metrics()
        self.ledger = Ledger(code, signing_key(data, "ledger"))
        self.queue = SmsQueue(self.metrics, self.clock)
        self.port = RecordingSms()
        self.worker = SmsWorker(self.database, self.queue, self.port, self.metrics, self.clock)
        self.people = PeopleService(
            database=self.database,
            ledger=self.ledger,
            settings=self.settings,
            sms=self.queue if with_sms else None,
            clock=self.clock,
        )
        self.app = self._app(per_minute)
        self.client: TestClient[Litestar]

    def _app(self, per_minute: int) -> Litestar:
        async def ready() -> dict[str, bool]:
            return {"database": True}

        @get("/api/test/operator")
        async def for_operator(operator: NamedDependency[Operator]) -> dict[str, Any]:
            return {"id": operator.id, "kind": operator.actor.kind, "address": operator.address}

        @get("/api/test/supervisor")
        async def for_supervisor(supervisor: NamedDependency[Supervisor]) -> dict[str, Any]:
            return {"id": supervisor.id, "role": supervisor.role}

        @get("/api/test/desk")
        async def for_desk(desk: NamedDependency[Desk]) -> dict[str, Any]:
            return {"id": desk.id, "agency": desk.agency, "kind": desk.actor.kind}

        @get("/api/test/citizen")
        async def for_citizen(citizen: NamedDependency[Citizen]) -> dict[str, Any]:
            return {"id": citizen.id, "kind": citizen.actor.kind, "name": citizen.actor.name}

        @get("/api/test/caller")
        async def for_caller(caller: NamedDependency[Citizen | None]) -> dict[str, Any]:
            return {"id": caller.id, "expired": caller.expired} if caller else {"id": None}

        return build_app(
            settings=self.settings,
            metrics=self.metrics,
            route_handlers=[
                *citizen_routes(self.people, per_minute=per_minute, center_name=lambda code: f"{code} 센터"),
                *staff_routes(self.people, per_minute=per_minute),
                for_operator,
                for_supervisor,
                for_desk,
                for_citizen,
                for_caller,
            ],
            dependencies=dependencies(self.people),
            lifespan=[],
            pages={},
            ready=ready,
        )

    def call(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Run something on the application's loop."""
        return self.client.blocking_portal.call(function, *arguments)

    def send(self, method: str, path: str, body: Any = None, language: str = "ko") -> Response:
        """Call a route with the CSRF token, as a page does."""
        name = f"ansim_{self.settings.code}_csrf"
        if name not in self.client.cookies:
            self.client.get("/api/node")
        headers = {"x-csrftoken": self.client.cookies[name], "accept-language": language}
        return self.client.request(method, path, json=body, headers=headers)

    def other_device(self) -> None:
        """Forget the cookies."""
        self.client.cookies.clear()

    def later(self, seconds: float) -> None:
        """Turn the clock."""
        self.clock.now += seconds

    def add_staff(self, login: str = "op1", role: Role = "operator", agency: AgencyCode | None = None) -> str:
        """Add an account with the tests' password; returns its id."""

        async def add() -> str:
            member = await self.people.accounts.add(
                login=login,
                name=f"이름 {login}",
                role=role,
                agency=agency,
                password=PASSWORD,
                by=system("test"),
            )
            return member.id

        return self.call(add)

    def sign_in(self, login: str = "op1", app: str = "console", password: str = PASSWORD) -> Response:
        """Sign in at a page."""
        return self.send("POST", f"/api/{app}/session", {"login": login, "password": password})

    def code(self, phone: str = PHONE) -> str:
        """Ask for a code and read it from the phone."""
        answer = self.send("POST", "/api/registration/code", {"phone": phone})
        assert answer.status_code == 202, answer.text
        self.call(self.worker.send_due)
        match = re.search(r"\d{6}$", self.port.sent[-1][1])
        assert match is not None
        return match.group()

    def register(self, phone: str = PHONE, **changes: Any) -> dict[str, Any]:
        """Register a person on this device; returns what the hub answers."""
        answer = self.send("POST", "/api/registration", registration(phone, self.code(phone), **changes))
        assert answer.status_code == 201, answer.text
        me: dict[str, Any] = answer.json()
        return me

    def told(self) -> list[Entry]:
        """The ledger's rows, which must be a whole chain."""

        def read(conn: sa.Connection) -> list[Entry]:
            rows = list(entries(conn))
            key = signing_key(self.settings.data_dir, "ledger").public_key()
            assert verify(rows, heads(conn), key).whole
            return rows

        async def ask() -> list[Entry]:
            return await self.database.read(read)

        return self.call(ask)

    def rows(self, table: sa.Table) -> list[sa.Row[Any]]:
        """Everything in a table."""

        async def ask() -> list[sa.Row[Any]]:
            return await self.database.read(lambda conn: list(conn.execute(sa.select(table))))

        return self.call(ask)


def registration(phone: str, code: str, **changes: Any) -> dict[str, Any]:
    """The body of a registration."""
    body = {
        "phone": phone,
        "code": code,
        "name": "김하나",
        "pin": "1234",
        "duress_pin": "4321",
        "consent": {"location": True, "video": True, "contact": False},
        "note": "천식이 있어요",
    }
    return {key: value for key, value in (body | changes).items() if value is not None}


@contextmanager
def running(
    data: Path, code: str = "hub", *, per_minute: int = 100_000, with_sms: bool = True
) -> Iterator[Node]:
    """A node while it runs."""
    node = Node(data, code, per_minute, with_sms)
    try:
        with TestClient(node.app, raise_server_exceptions=False) as client:
            node.client = client
            yield node
    finally:
        node.people.close()
        node.database.close()


__all__ = ["PASSWORD", "PHONE", "Clock", "Node", "RecordingSms", "registration", "running", "sms"]

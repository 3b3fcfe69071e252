"""The center's routes for discrepancy reports: its own alone, mended by a supervisor."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar, Request
from litestar.di import Provide
from litestar.testing import TestClient

from ansim.core.database import Database
from ansim.core.metrics import Metrics
from ansim.core.problems import forbidden, unauthorized
from ansim.core.settings import Settings
from ansim.core.web import build_app
from ansim.distribution.discrepancies import Discrepancies, Fault
from ansim.distribution.discrepancy_api import discrepancy_routes
from ansim.people.model import Operator, Supervisor

WHO: dict[str, Any] = {
    "id": "o1",
    "login": "op1",
    "name": "김책임",
    "agency": None,
    "session": "s1",
    "address": "127.0.0.1",
}


async def operator(request: Request[Any, Any, Any]) -> Operator:
    if "x-role" not in request.headers:
        raise unauthorized()
    return Operator(role="operator", **WHO)


async def supervisor(request: Request[Any, Any, Any]) -> Supervisor:
    if request.headers.get("x-role") != "supervisor":
        raise forbidden()
    return Supervisor(role="supervisor", **WHO)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    database = Database.sqlite_file(tmp_path / "node.db")
    database.create_all()
    discrepancies = Discrepancies(database)

    @contextlib.asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        await discrepancies.file(
            [
                Fault(source="boundaries", kind="gap", owners=("41170",), codes=("41170",), area_m2=5e3),
                Fault(source="boundaries", kind="gap", owners=("11110",), codes=("11110",), area_m2=5e3),
            ]
        )
        yield

    async def ready() -> dict[str, bool]:
        return {}

    app = build_app(
        settings=Settings(role="center", code="41170", data=str(tmp_path), secure_cookies=False),
        metrics=Metrics(),
        route_handlers=discrepancy_routes(discrepancies, "41170"),
        dependencies={"operator": Provide(operator), "supervisor": Provide(supervisor)},
        lifespan=[running],
        pages={},
        ready=ready,
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        client.headers["x-role"] = "supervisor"
        yield client
    database.close()


def token(client: TestClient[Litestar]) -> dict[str, str]:
    """The header that a page sends with a change: the value of the cookie it was given."""
    [name] = [one for one in client.cookies if "csrf" in one]
    return {"x-csrftoken": client.cookies[name]}


def test_a_center_sees_its_own_reports_and_a_supervisor_mends_them(client: TestClient[Litestar]) -> None:
    [report] = client.get("/api/console/discrepancies").json()
    assert (report["owner"], report["kind"], report["mended_at"]) == ("41170", "gap", None)
    path = f"/api/console/discrepancies/{report['id']}/mended"
    assert client.post(path, headers=token(client) | {"x-role": "operator"}).status_code == 403
    done = client.post(path, headers=token(client))
    assert (done.status_code, done.json()["mended_by"]) == (200, "김책임")
    assert client.get("/api/console/discrepancies").json() == []
    assert len(client.get("/api/console/discrepancies?mended=true").json()) == 1


def test_other_reports_do_not_exist_here_and_strangers_see_none(client: TestClient[Litestar]) -> None:
    client.get("/api/console/discrepancies")
    answer = client.post("/api/console/discrepancies/other/mended", headers=token(client))
    assert answer.status_code == 404
    del client.headers["x-role"]
    assert client.get("/api/console/discrepancies").status_code == 401

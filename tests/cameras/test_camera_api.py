"""The console's two camera routes over HTTP."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar, Request
from litestar.di import Provide
from litestar.testing import TestClient

from ansim.cameras import api
from ansim.cameras.api import camera_routes, parse_bbox
from ansim.cameras.service import CameraService
from ansim.core.database import Database
from ansim.core.metrics import Metrics
from ansim.core.problems import Problem, not_found, unauthorized
from ansim.core.settings import Settings
from ansim.core.web import build_app
from ansim.geo.shape import destination
from ansim.people.model import Operator
from cameras.camera_files import camera

HER = (37.4251, 126.9071)
POSITIONS: dict[str, tuple[float, float, float] | None] = {"here": (*HER, 12.0), "nowhere": None}


async def position_of(incident: str) -> tuple[float, float, float] | None:
    if incident not in POSITIONS:
        raise not_found("incident")
    return POSITIONS[incident]


async def operator(request: Request[Any, Any, Any]) -> Operator:
    if "x-operator" not in request.headers:
        raise unauthorized()
    return Operator(
        id="o1", login="op1", name="김관제", role="operator", agency=None, session="s1", address="127.0.0.1"
    )


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    database = Database.sqlite_file(tmp_path / "node.db")
    database.create_all()
    cameras = CameraService(database)

    @contextlib.asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        places = [destination(*HER, 45.0 * number, 15.0 * (number + 1)) for number in range(60)]
        await cameras.seed(
            [
                camera(number, lat=lat, lon=lon, heading=90.0 if number % 2 else None, address="석수로")
                for number, (lat, lon) in enumerate(places)
            ]
        )
        yield

    async def ready() -> dict[str, bool]:
        return {}

    app = build_app(
        settings=Settings(role="center", code="41170", data=str(tmp_path), secure_cookies=False),
        metrics=Metrics(),
        route_handlers=camera_routes(cameras, position_of),
        dependencies={"operator": Provide(operator)},
        lifespan=[running],
        pages={},
        ready=ready,
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        client.headers["x-operator"] = "1"
        yield client
    database.close()


def test_the_cameras_near_an_incident(client: TestClient[Litestar]) -> None:
    answer = client.get("/api/console/incidents/here/cameras")
    assert answer.status_code == 200
    found = answer.json()
    assert [one["rank"] for one in found] == list(range(1, 13))
    assert set(found[0]) == {
        "id",
        "name",
        "address",
        "lat",
        "lon",
        "distance_m",
        "bearing_deg",
        "heading",
        "fov_deg",
        "range_m",
        "ptz",
        "faces",
        "rank",
        "why",
    }
    assert found[0]["why"] == "북쪽 15 m, 전 방향을 비춥니다."
    english = client.get("/api/console/incidents/here/cameras?limit=1", headers={"accept-language": "en"})
    assert [one["why"] for one in english.json()] == ["15 m north of her, looks all round."]


def test_an_incident_without_a_position_has_no_cameras_and_no_incident_is_404(
    client: TestClient[Litestar],
) -> None:
    assert client.get("/api/console/incidents/nowhere/cameras").json() == []
    answer = client.get("/api/console/incidents/other/cameras")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/api/console/incidents/here/cameras", "/api/console/cameras?bbox=126,37,127,38"]
)
def test_only_for_operators(client: TestClient[Litestar], path: str) -> None:
    del client.headers["x-operator"]
    answer = client.get(path)
    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/sign-in-required"


@pytest.mark.parametrize("limit", ["0", "-1", "51", "many", "1.5"])
def test_a_limit_out_of_range_names_its_field(client: TestClient[Litestar], limit: str) -> None:
    answer = client.get(f"/api/console/incidents/here/cameras?limit={limit}")
    assert answer.status_code == 400
    assert answer.json()["field"] == "limit"


def test_the_cameras_of_a_box_are_geojson(client: TestClient[Litestar]) -> None:
    answer = client.get("/api/console/cameras?bbox=126.9061,37.4241,126.9081,37.4261")
    assert answer.status_code == 200
    found = answer.json()
    assert found["type"] == "FeatureCollection"
    assert 0 < len(found["features"]) == found["total"] < 60
    first = found["features"][0]
    assert first["type"] == "Feature"
    assert first["geometry"]["type"] == "Point"
    lon, lat = first["geometry"]["coordinates"]
    assert 126.9061 <= lon <= 126.9081
    assert 37.4241 <= lat <= 37.4261
    assert set(first["properties"]) == {"id", "name", "heading", "fov_deg", "range_m"}


def test_a_full_box_says_how_many_there_are(
    client: TestClient[Litestar], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "BOX_LIMIT", 10)
    found = client.get("/api/console/cameras?bbox=-180,-90,180,90").json()
    assert (len(found["features"]), found["total"]) == (10, 60)


@pytest.mark.parametrize(
    "bbox",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "a,b,c,d",
        "nan,37,127,38",
        "126,inf,127,38",
        "127,37,126,38",
        "126,38,127,37",
        "-181,37,127,38",
        "126,37,127,91",
        "1" * 300,
    ],
)
def test_a_box_that_is_none_names_its_field(client: TestClient[Litestar], bbox: str) -> None:
    answer = client.get("/api/console/cameras", params={"bbox": bbox})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == "bbox"


def test_a_box_is_required(client: TestClient[Litestar]) -> None:
    answer = client.get("/api/console/cameras")
    assert answer.status_code == 400
    assert answer.json()["field"] == "bbox"


def test_a_box_is_west_south_east_north() -> None:
    assert parse_bbox("126.5, 37, 127,38.25") == (126.5, 37.0, 127.0, 38.25)
    with pytest.raises(Problem):
        parse_bbox("126.5 37 127 38")

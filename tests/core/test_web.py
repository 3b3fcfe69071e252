"""The assembled web side: refusals, headers, tokens, limits, health, documents, files."""

import gzip
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Annotated, Any

import jsonschema
import msgspec
import pytest
from litestar import Litestar, Request, get, post, put
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException, InternalServerException
from litestar.params import FromPath, JSONBody
from litestar.testing import TestClient

from ansim.core.database import Overloaded
from ansim.core.limits import address_of, per_client
from ansim.core.metrics import Metrics
from ansim.core.problems import Problem, not_found
from ansim.core.settings import Settings
from ansim.core.static import StaticFiles
from ansim.core.web import BODY_LIMIT, DemoSignIn, build_app

Client = TestClient[Litestar]
PARTS = {"database": True, "bus": True}


class Item(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=5)]
    count: int = 0


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """An order."""

    title: str
    items: list[Item] = []
    first: Item | None = None


def routes() -> list[Any]:
    @post("/api/orders", status_code=200)
    async def order(data: JSONBody[Order]) -> Order:
        """Take an order."""
        return data

    @put("/api/items", status_code=200)
    async def items(data: JSONBody[list[Item]]) -> int:
        return len(data)

    @get("/api/numbers/{number:int}")
    async def number(number: FromPath[int], depth: NamedDependency[int]) -> int:
        return number + depth

    @get("/api/fault")
    async def fault(request: Request[Any, Any, Any]) -> None:
        very_private = "position 37.4, 126.9"
        raise RuntimeError(f"broken at {len(very_private)}")

    @get("/api/litestar-fault")
    async def litestar_fault() -> None:
        raise InternalServerException("private detail")

    @get("/api/refused")
    async def refused() -> None:
        raise Problem(
            409,
            "illegal-transition",
            ("안 됩니다.", "Not now."),
            ("닫힘", "closed"),
            field="x",
            state="closed",
        )

    @get("/api/missing")
    async def missing() -> None:
        raise not_found("incident")

    @get("/api/teapot")
    async def teapot() -> None:
        raise HTTPException(status_code=418, detail="short and stout")

    @get("/api/busy")
    async def busy() -> None:
        raise Overloaded("the write queue is full")

    @get("/api/limited", middleware=[per_client("a", 2)], status_code=204)
    async def limited() -> None:
        return None

    @get("/api/limited-too", middleware=[per_client("b", 2)], status_code=204)
    async def limited_too() -> None:
        return None

    @post("/api/sos", status_code=201)
    async def sos() -> str:
        return "stored"

    @post("/api/sos/{incident:str}/cancel", status_code=200)
    async def cancel(incident: FromPath[str]) -> str:
        return incident

    @post("/api/sosimilar", status_code=201)
    async def similar() -> str:
        return "stored"

    @get("/api/own-cache")
    async def own_cache() -> Any:
        from litestar import Response

        return Response("x", headers={"cache-control": "max-age=60"})

    @get("/api/address")
    async def address(request: Request[Any, Any, Any]) -> str:
        return address_of(request)

    return [
        order,
        items,
        number,
        fault,
        litestar_fault,
        refused,
        missing,
        teapot,
        busy,
        limited,
        limited_too,
        sos,
        cancel,
        similar,
        own_cache,
        address,
    ]


def app(tmp_path: Path, *, parts: dict[str, bool] | None = None, **changes: Any) -> Litestar:
    static = changes.pop("static", StaticFiles(tmp_path / "faces"))
    extra = {key: changes.pop(key) for key in ("demo_signins", "lifespan") if key in changes}
    fields: dict[str, Any] = {"data": str(tmp_path), "secure_cookies": False} | changes

    async def ready() -> dict[str, bool]:
        return PARTS if parts is None else parts

    async def depth() -> int:
        return 40

    return build_app(
        settings=Settings(**fields),
        metrics=Metrics(),
        route_handlers=routes(),
        dependencies={"depth": Provide(depth)},
        pages={"/": "citizen.html"},
        ready=ready,
        static=static,
        **({"lifespan": []} | extra),
    )


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with TestClient(app(tmp_path), raise_server_exceptions=False) as client:
        yield client


def token(client: Client) -> dict[str, str]:
    client.get("/api/node")
    return {"x-csrftoken": client.cookies["ansim_hub_csrf"]}


PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "pattern": "^/problems/[a-z0-9-]+$"},
        "title": {"type": "string", "minLength": 1},
        "detail": {"type": "string", "minLength": 1},
        "status": {"type": "integer"},
        "field": {"type": "string", "minLength": 1},
    },
}


def problem(answer: Any, status: int, slug: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    jsonschema.validate(body, PROBLEM)
    assert body["status"] == status
    assert body["type"] == f"/problems/{slug}"
    return body


# Refusals (RFC 9457)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": 5}, "title"),
        ({"title": None}, "title"),
        ({"title": "a", "colour": "red"}, "colour"),
        ({"title": "a", "items": [{"name": "ok"}, {"name": "too long"}]}, "items[1].name"),
        ({"title": "a", "items": [{"count": 1}]}, "items[0].name"),
        ({"title": "a", "items": [{"name": "a", "count": "many"}]}, "items[0].count"),
        ({"title": "a", "items": "none"}, "items"),
        ({"title": "a", "first": {"count": 1}}, "first.name"),
        ([], "body"),
        ("text", "body"),
    ],
)
def test_the_wrong_field_is_named(client: Client, body: Any, field: str) -> None:
    refused = problem(client.post("/api/orders", json=body, headers=token(client)), 400, "invalid-input")
    assert refused["field"] == field
    assert field in refused["detail"]


def test_the_wrong_field_of_a_list_is_named(client: Client) -> None:
    answer = client.put("/api/items", json=[{"name": "ok"}, {"name": ""}], headers=token(client))
    assert problem(answer, 400, "invalid-input")["field"] == "[1].name"


@pytest.mark.parametrize("raw", [b"{nope", b"", b"\xff\xfe", b"title=a"])
def test_a_body_that_cannot_be_read_is_refused(client: Client, raw: bytes) -> None:
    headers = token(client) | {"content-type": "application/json"}
    problem(client.post("/api/orders", content=raw, headers=headers), 400, "invalid-input")


def test_a_body_that_is_too_large_is_refused(client: Client) -> None:
    headers = token(client) | {"content-type": "application/json"}
    raw = b'{"title": "' + b"a" * BODY_LIMIT + b'"}'
    problem(client.post("/api/orders", content=raw, headers=headers), 413, "too-large")


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/api/nothing", 404, "not-found"),
        ("GET", "/api/missing", 404, "not-found"),
        ("GET", "/api/numbers/abc", 404, "not-found"),
        ("GET", "/api/orders", 405, "method-not-allowed"),
        ("GET", "/api/teapot", 418, "http-418"),
        ("GET", "/api/busy", 503, "overloaded"),
        ("GET", "/api/refused", 409, "illegal-transition"),
    ],
)
def test_every_refusal_is_a_problem(client: Client, method: str, path: str, status: int, slug: str) -> None:
    problem(client.request(method, path), status, slug)


def test_a_problem_carries_its_field_and_more(client: Client) -> None:
    body = problem(client.get("/api/refused"), 409, "illegal-transition")
    assert (body["field"], body["state"]) == ("x", "closed")
    assert client.get("/api/busy").headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("header", "title"),
    [
        (None, "안 됩니다."),
        ("en", "Not now."),
        ("en-US,en;q=0.9,ko;q=0.8", "Not now."),
        ("ko-KR,ko;q=0.9,en;q=0.8", "안 됩니다."),
        ("fr, en;q=0.5", "Not now."),
        ("fr", "안 됩니다."),
        ("en;q=0.1, ko;q=0.2", "안 됩니다."),
        ("en;q=zero", "안 됩니다."),
        ("en;level=1", "Not now."),
        (",,;q=,", "안 됩니다."),
    ],
)
def test_problems_speak_the_readers_language(client: Client, header: str | None, title: str) -> None:
    headers = {} if header is None else {"accept-language": header}
    assert client.get("/api/refused", headers=headers).json()["title"] == title


def test_a_fault_tells_the_reader_only_a_reference(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    body = problem(client.get("/api/fault"), 500, "internal")
    assert set(body) == {"type", "title", "status", "detail", "reference"}
    logged = capsys.readouterr()
    assert body["reference"] in logged.out + logged.err
    assert "RuntimeError: broken at 20" in logged.out + logged.err
    # the line of source is there, the values of variables are not
    assert "very_private = " not in logged.out + logged.err
    assert "cookie" not in logged.out + logged.err


def test_a_fault_of_the_framework_says_no_more(client: Client) -> None:
    assert "private" not in client.get("/api/litestar-fault").text
    problem(client.get("/api/litestar-fault"), 500, "internal")


def test_a_dependency_reaches_its_handler(client: Client) -> None:
    assert client.get("/api/numbers/2").json() == 42


# Tokens against cross-site requests


def test_without_the_token_nothing_is_changed(client: Client) -> None:
    client.get("/api/node")
    for headers in ({}, {"x-csrftoken": ""}, {"x-csrftoken": "x" * 128}):
        problem(client.post("/api/orders", json={"title": "a"}, headers=headers), 403, "csrf")
    assert client.post("/api/orders", json={"title": "a"}, headers=token(client)).status_code == 200


def test_a_token_of_another_visitor_is_refused(client: Client, tmp_path: Path) -> None:
    stolen = token(client)
    client.cookies.clear()
    client.get("/api/node")
    problem(client.post("/api/orders", json={"title": "a"}, headers=stolen), 403, "csrf")


def test_a_cookie_from_before_the_secret_changed_is_replaced(client: Client) -> None:
    stale = "0" * 128
    client.cookies.set("ansim_hub_csrf", stale)
    client.get("/api/node")
    assert client.cookies["ansim_hub_csrf"] == stale  # Litestar keeps what is there
    answer = client.post("/api/orders", json={"title": "a"}, headers={"x-csrftoken": stale})
    problem(answer, 403, "csrf")
    fresh = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    client.cookies.clear()
    client.cookies.set("ansim_hub_csrf", fresh)
    answer = client.post("/api/orders", json={"title": "a"}, headers={"x-csrftoken": fresh})
    assert answer.status_code == 200


def test_an_sos_needs_no_token(client: Client) -> None:
    assert client.post("/api/sos").status_code == 201
    assert client.post("/api/sos/i-1/cancel").text == "i-1"
    problem(client.post("/api/sosimilar"), 403, "csrf")


def test_the_secret_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    with TestClient(app(tmp_path)) as first:
        headers = token(first)
    with TestClient(app(tmp_path)) as second:
        second.cookies.set("ansim_hub_csrf", headers["x-csrftoken"])
        assert second.post("/api/orders", json={"title": "a"}, headers=headers).status_code == 200
    path = tmp_path / "secrets" / "csrf"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_the_tokens_cookie_can_be_read_by_the_page_alone(tmp_path: Path) -> None:
    with TestClient(app(tmp_path, secure_cookies=True), base_url="https://testserver.local") as client:
        cookie = client.get("/api/node").headers["set-cookie"]
    assert cookie.startswith("ansim_hub_csrf=")
    assert "Secure" in cookie
    assert "SameSite=strict" in cookie
    assert "HttpOnly" not in cookie


# Limits


def test_a_client_that_knocks_too_often_is_told_when_to_come_back(client: Client) -> None:
    assert [client.get("/api/limited").status_code for _ in range(2)] == [204, 204]
    answer = client.get("/api/limited")
    body = problem(answer, 429, "too-many-requests")
    assert 0 <= body["retry_after"] <= 60
    assert answer.headers["retry-after"] == str(body["retry_after"])
    assert client.get("/api/limited-too").status_code == 204


def test_an_sos_is_never_limited(client: Client) -> None:
    assert {client.post("/api/sos").status_code for _ in range(60)} == {201}


async def test_forgotten_clients_take_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    from ansim.core import web

    monkeypatch.setattr(web, "_FORGET_EVERY_S", 0.01)
    application = app(tmp_path)
    store = application.stores.get("rate_limit")
    async with application.lifespan():
        await store.set("RateLimitMiddleware::a:1.2.3.4", b"x", expires_in=-1)
        while store._store:  # type: ignore[attr-defined]  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)


def test_the_clients_address_is_known(client: Client) -> None:
    assert client.get("/api/address").text == "testclient"

    class Unix:
        client = None

    assert address_of(Unix()) == ""  # type: ignore[arg-type]


# Headers


@pytest.mark.parametrize("path", ["/api/node", "/", "/api/nothing", "/api/fault", "/docs", "/metrics"])
def test_security_headers_are_on_every_answer(client: Client, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy["img-src"] == "'self' data: blob:"
    assert policy["worker-src"] == "'self' blob:"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    for feature in ("geolocation", "accelerometer", "camera", "microphone"):
        assert f"{feature}=(self)" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers


def test_behind_https_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    with TestClient(app(tmp_path, public_url="https://ansim.example")) as client:
        assert client.get("/api/node").headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("path", "control"),
    [
        ("/api/node", "no-store"),
        ("/api/nothing", "no-store"),
        ("/readyz", "no-store"),
        ("/", "no-cache"),
        ("/sw.js", "no-cache"),
        ("/assets/gone.js", "no-cache"),
        ("/api/own-cache", "max-age=60"),
    ],
)
def test_what_may_be_kept_how_long(client: Client, path: str, control: str) -> None:
    assert client.get(path).headers.get_list("cache-control") == [control]


# Node, health, metrics


def test_a_page_learns_what_its_node_is(tmp_path: Path) -> None:
    signin = DemoSignIn(app="desk", login="police", password="p", name="경찰", agency="112")
    plain = DemoSignIn(app="console", login="op", password="p", name="관제")
    fields: dict[str, Any] = {"role": "center", "code": "41170", "name": "안양시 센터"}
    with TestClient(app(tmp_path, **fields, demo_signins=[signin, plain])) as client:
        node = client.get("/api/node").json()
        assert "demo_signins" not in node
        assert node.pop("version")
        assert node == {
            "role": "center",
            "code": "41170",
            "name": "안양시 센터",
            "csrf_cookie": "ansim_41170_csrf",
            "demo": False,
        }
    with TestClient(app(tmp_path, **fields, demo=True, demo_signins=[signin, plain])) as client:
        assert client.get("/api/node").json()["demo_signins"] == [
            {"app": "desk", "login": "police", "password": "p", "name": "경찰", "agency": "112"},
            {"app": "console", "login": "op", "password": "p", "name": "관제"},
        ]


def test_the_probe_answers_with_nothing(client: Client) -> None:
    answer = client.get("/api/probe")
    assert (answer.status_code, answer.content) == (204, b"")


def test_health_shows_the_queues(client: Client) -> None:
    client.app.state.metrics.queue("sms", lambda: (3, 1.5))
    body = client.get("/healthz").json()
    assert body == {"status": "ok", "queues": {"sms": {"depth": 3, "oldest_s": 1.5}}}
    text = client.get("/metrics")
    assert text.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'ansim_queue_oldest_seconds{queue="sms"} 1.5' in text.text


def test_a_node_is_ready_when_every_part_is(tmp_path: Path) -> None:
    with TestClient(app(tmp_path)) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "parts": PARTS})
    with TestClient(app(tmp_path, parts={"database": True, "bus": False})) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["ready"]) == (503, False)


def test_the_nodes_parts_live_as_long_as_the_application(tmp_path: Path) -> None:
    told: list[str] = []

    @asynccontextmanager
    async def part(_: Litestar) -> AsyncIterator[None]:
        told.append("up")
        yield
        told.append("down")

    with TestClient(app(tmp_path, lifespan=[part])):
        assert told == ["up"]
    assert told == ["up", "down"]


# Documents


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_api_document_is_openapi_3_1(client: Client) -> None:
    answer = client.get("/docs/openapi.json")
    assert answer.status_code == 200
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    assert document["paths"]["/api/orders"]["post"]["description"] == "Take an order."
    assert "/api/node" in document["paths"]
    assert not any(path.startswith(("/assets", "/sw.js", "/docs")) for path in document["paths"])


def test_the_api_page_stands_alone(client: Client) -> None:
    answer = client.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Page()
    page.feed(answer.text)
    tags = [tag for tag, _ in page.tags]
    assert "script" not in tags
    assert "style" not in tags
    assert not any("style" in attributes for _, attributes in page.tags)
    links = [str(a.get("href") or a.get("src")) for _, a in page.tags if "href" in a or "src" in a]
    assert links
    assert all(link.startswith(("/docs/", "#")) for link in links)
    for link in {link for link in links if link.startswith("/")}:
        assert client.get(link).status_code == 200
    anchors = {str(a["id"]) for _, a in page.tags if "id" in a}
    assert {link[1:] for link in links if link.startswith("#")} <= anchors
    assert "POST /api/orders" in answer.text
    assert client.get("/docs/style.css").headers["content-type"] == "text/css; charset=utf-8"


def test_what_the_document_says_cannot_become_markup() -> None:
    from ansim.core.docs import page

    evil = "<script>alert(1)</script>"
    schema = {"oneOf": [{"const": evil}, {"type": ["string", "null"], "format": evil}, {"anyOf": [{}]}]}
    html = page(
        {
            "openapi": "3.1.0",
            "info": {"title": evil, "version": evil},
            "paths": {
                f"/{evil}": {
                    "get": {
                        "summary": evil,
                        "parameters": [{"name": evil, "in": evil, "schema": schema, "description": evil}],
                        "responses": {"200": {"description": evil}},
                    }
                }
            },
            "components": {
                "schemas": {evil: {"description": evil, "properties": {evil: {"enum": [evil]}}}},
            },
        }
    )
    assert "<script" not in html


# The faces' files


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    root = tmp_path / "faces"
    (root / "assets").mkdir(parents=True)
    (root / ".vite").mkdir()
    (root / "citizen.html").write_text("<!doctype html><title>안심</title>", "utf-8")
    (root / "assets" / "main-abc.js").write_text("export const x = 1;\n" * 200, "utf-8")
    (root / "assets" / "small.css").write_text("p{}", "utf-8")
    (root / "assets" / "secret.pem").write_text("key", "utf-8")
    (root / ".vite" / "manifest.json").write_text("{}", "utf-8")
    (root / "sw.js").write_text("self", "utf-8")
    (root / "manifest.webmanifest").write_text("{}", "utf-8")
    (tmp_path / "outside.js").write_text("outside", "utf-8")
    return root


def test_pages_and_files_have_their_types(client: Client, faces: Path) -> None:
    for path, media_type in (
        ("/", "text/html; charset=utf-8"),
        ("/citizen.html", "text/html; charset=utf-8"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/assets/main-abc.js", "text/javascript; charset=utf-8"),
        ("/assets/small.css", "text/css; charset=utf-8"),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type), path
    assert client.get("/").text == client.get("/citizen.html").text


def test_assets_are_kept_for_ever_and_pages_are_asked_for_again(client: Client, faces: Path) -> None:
    answer = client.get("/assets/main-abc.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    page = client.get("/")
    assert page.headers["cache-control"] == "no-cache"
    again = client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    (faces / "citizen.html").write_text("<!doctype html><title>새 화면</title>", "utf-8")
    changed = client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert changed.status_code == 200
    assert "새 화면" in changed.text


def test_texts_travel_packed_when_the_reader_can_unpack(client: Client, faces: Path) -> None:
    plain = (faces / "assets" / "main-abc.js").read_bytes()
    answer = client.get("/assets/main-abc.js", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == plain
    assert int(answer.headers["content-length"]) == len(gzip.compress(plain, 6, mtime=0)) < len(plain)
    answer = client.get("/assets/main-abc.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert answer.content == plain
    small = client.get("/assets/small.css", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in small.headers


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../../outside.js",
        "/assets/%2e%2e/%2e%2e/outside.js",
        "/assets/..%2f..%2foutside.js",
        "/assets//etc/passwd",
        "/assets/secret.pem",
        "/assets/",
        "/assets/nothing.js",
        "/.vite/manifest.json",
        "/assets/main-abc.js/x",
        "/assets/%00.js",
    ],
)
def test_nothing_but_the_faces_is_served(client: Client, faces: Path, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "outside" not in answer.text


def test_before_the_faces_are_built_the_page_says_how(client: Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 503
    assert "make web" in answer.text
    assert "<script" not in answer.text
    problem(client.get("/sw.js"), 404, "not-found")

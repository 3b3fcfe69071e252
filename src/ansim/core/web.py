"""The web side of a node, put together: routes, refusals, headers, tokens, health, documents."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from importlib.metadata import version
from typing import Any, Literal

from litestar import Litestar, Response, get
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.stores.memory import MemoryStore
from litestar.types import BeforeMessageSendHookHandler, ControllerRouterHandler, Message, Scope
from msgspec import UNSET, Struct, UnsetType

from ansim.core.docs import DocumentPage
from ansim.core.metrics import Metrics
from ansim.core.refusals import handlers
from ansim.core.secrets import secret
from ansim.core.settings import Settings
from ansim.core.static import StaticFiles

Lifespan = Callable[[Litestar], contextlib.AbstractAsyncContextManager[None]]
BODY_LIMIT = 262_144
"""Largest request body in bytes: 500 positions fit twice."""

_FORGET_EVERY_S = 300.0

_CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self'; font-src 'self'; "
    "manifest-src 'self'; "
    "object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_HEADERS = {
    "content-security-policy": _CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "geolocation=(self), accelerometer=(self), gyroscope=(self), camera=(self), "
    "microphone=(self), screen-wake-lock=(self), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class DemoSignIn(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A sign-in that a demonstration shows on its own sign-in page."""

    app: Literal["console", "desk"]
    login: str
    password: str
    name: str
    agency: Literal["112", "119", "exercise"] | None = None


class NodeInfo(Struct, frozen=True, kw_only=True):
    """What a page needs to know of the node it came from."""

    role: Literal["hub", "center"]
    code: str
    name: str
    version: str
    csrf_cookie: str
    demo: bool
    demo_signins: list[DemoSignIn] | UnsetType = UNSET


def build_app(
    *,
    settings: Settings,
    metrics: Metrics,
    route_handlers: Sequence[ControllerRouterHandler],
    dependencies: dict[str, Provide],
    lifespan: Sequence[Lifespan],
    pages: dict[str, str],
    ready: Callable[[], Awaitable[dict[str, bool]]],
    demo_signins: Sequence[DemoSignIn] = (),
    static: StaticFiles | None = None,
) -> Litestar:
    """The node's application.

    ``pages`` maps a URL path to an html file among the built faces; ``ready`` answers each part the node
    depends on; ``demo_signins`` are shown only when the settings say that this is a demonstration.
    """
    csrf = csrf_config(settings)
    attempts = MemoryStore()
    return Litestar(
        route_handlers=[
            *_node_routes(settings, csrf.cookie_name, list(demo_signins)),
            *_health_routes(metrics, ready),
            *(static or StaticFiles()).handlers(pages),
            *route_handlers,
        ],
        dependencies=dependencies,
        lifespan=[_forgetting(attempts), *lifespan],
        exception_handlers=handlers(csrf),
        before_send=[_headers(settings)],
        csrf_config=csrf,
        request_max_body_size=BODY_LIMIT,
        stores={"rate_limit": attempts},
        openapi_config=OpenAPIConfig(
            title=f"Ansim {settings.role} {settings.name}",
            version=version("ansim"),
            path="/docs",
            use_handler_docstrings=True,
            render_plugins=[DocumentPage()],
        ),
        logging_config=None,
        debug=False,
        state=State({"settings": settings, "metrics": metrics}),
    )


def csrf_config(settings: Settings) -> CSRFConfig:
    """The token that every unsafe method must carry, except an SOS: nothing may hold that up."""
    return CSRFConfig(
        secret=secret(settings.data_dir, "csrf"),
        cookie_name=f"ansim_{settings.code}_csrf",
        header_name="x-csrftoken",
        cookie_secure=settings.secure_cookies,
        cookie_samesite="strict",
        exclude=[r"^/api/sos(/|$)"],
    )


def _node_routes(settings: Settings, csrf_cookie: str, signins: list[DemoSignIn]) -> list[Any]:
    about = NodeInfo(
        role=settings.role,
        code=settings.code,
        name=settings.name,
        version=version("ansim"),
        csrf_cookie=csrf_cookie,
        demo=settings.demo,
        demo_signins=signins if settings.demo else UNSET,
    )

    @get("/api/node", tags=["node"], sync_to_thread=False)
    def node() -> NodeInfo:
        """What this node is, and the name of the cookie that holds its CSRF token."""
        return about

    @get("/api/probe", tags=["node"], status_code=204, sync_to_thread=False)
    def probe() -> None:
        """Whether the node can be reached at all."""

    return [node, probe]


def _health_routes(metrics: Metrics, ready: Callable[[], Awaitable[dict[str, bool]]]) -> list[Any]:
    @get("/healthz", tags=["health"], sync_to_thread=False)
    def healthz() -> dict[str, Any]:
        """The process answers; each queue with its depth and the age of its oldest item."""
        return {"status": "ok", "queues": metrics.readings()}

    @get("/readyz", tags=["health"])
    async def readyz() -> Response[dict[str, Any]]:
        """Whether every part the node depends on is there: 200, else 503."""
        parts = await ready()
        whole = all(parts.values())
        return Response({"ready": whole, "parts": parts}, status_code=200 if whole else 503)

    @get("/metrics", tags=["health"], sync_to_thread=False)
    def exposition() -> Response[bytes]:
        """Prometheus text exposition."""
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")

    return [healthz, readyz, exposition]


def _headers(settings: Settings) -> BeforeMessageSendHookHandler:
    """Put the security headers on every answer, and say how long it may be kept when the route does not."""
    common = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
    if settings.url.startswith("https://"):
        common.append((b"strict-transport-security", b"max-age=31536000"))

    async def before_send(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        headers = [*message["headers"], *common]
        if not any(name == b"cache-control" for name, _ in headers):
            headers.append((b"cache-control", _cache_control(scope["path"], message["status"])))
        message["headers"] = headers

    return before_send


def _cache_control(path: str, status: int) -> bytes:
    if path.startswith("/assets/") and status in (200, 304):  # their names change with their content
        return b"public, max-age=31536000, immutable"
    if path.startswith(("/api/", "/metrics", "/healthz", "/readyz")):
        return b"no-store"
    return b"no-cache"


def _forgetting(store: MemoryStore) -> Lifespan:
    """Drop expired rate-limit entries now and then, or every address ever seen would stay in memory."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async def forget() -> None:
            while True:
                await asyncio.sleep(_FORGET_EVERY_S)
                await store.delete_expired()

        task = asyncio.create_task(forget(), name="forget-rate-limits")
        try:
            yield
        finally:
            task.cancel()

    return lifespan

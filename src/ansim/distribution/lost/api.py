"""``POST /lost``: LoST over HTTP (RFC 5222, section 14), as a plain ASGI application beside the pages.

The clients are machines: no session, no CSRF token; size and rate are bounded. Whatever arrives, the answer
is a LoST document; errors of the protocol come with status 200, those of the transport with their own.
"""

import asyncio
import time
from typing import Any

from litestar.handlers import ASGIRouteHandler, asgi
from litestar.types import Receive, Scope, Send
from msgspec import Struct
from prometheus_client import Counter

from ansim.core import logs
from ansim.core.ids import new_id
from ansim.core.metrics import Metrics
from ansim.distribution.lost import model, writing
from ansim.distribution.lost.model import ErrorKind, GetMappings, LostError, PushMappings, repairs_of
from ansim.distribution.lost.reading import read
from ansim.distribution.lost.repairs import Repairs
from ansim.distribution.lost.service import LostServer
from ansim.distribution.lost.sync import Sync
from ansim.distribution.lost.xml import BODY_LIMIT

AT_ONCE = 16_384
"""Requests of up to so many bytes are read on the event loop, larger ones beside it."""
_TYPE = f"{model.MEDIA_TYPE};charset=utf-8".encode()
_SYNC_TYPE = f"{model.SYNC_MEDIA_TYPE};charset=utf-8".encode()

_log = logs.get("lost")


class Allowance:
    """So many requests a minute for each address; forgets everything when a minute is over."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._minute = -1
        self._counts: dict[str, int] = {}

    def take(self, address: str) -> bool:
        """Whether one more request of ``address`` is allowed."""
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        count = self._counts.get(address, 0) + 1
        self._counts[address] = count
        return count <= self._per_minute


class _Asked(Struct, frozen=True, kw_only=True):
    """A request as it arrived."""

    body: bytes
    strict: bool
    authorization: str
    address: str


class TooLarge(Exception):
    """The body is over the limit."""


class LostEndpoint:
    """The ASGI application."""

    def __init__(
        self,
        server: LostServer,
        sync: Sync,
        repairs: Repairs,
        metrics: Metrics,
        *,
        strict: bool,
        per_minute: int,
    ) -> None:
        self._server = server
        self._sync = sync
        self._repairs = repairs
        self._strict = strict
        self._allowance = Allowance(per_minute)
        self._requests = Counter(
            "ansim_lost_requests_total", "LoST requests", ["outcome"], registry=metrics.registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        status, answer, headers = await self._respond(scope, receive)
        if not any(name == b"content-type" for name, _ in headers):
            headers.append((b"content-type", _TYPE))
        headers.append((b"content-length", str(len(answer)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer, "more_body": False})

    async def _respond(self, scope: Scope, receive: Receive) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        if scope.get("method") != "POST":
            return 405, self._refusal("LoST requests are posted", "method"), [(b"allow", b"POST")]
        client = scope.get("client")
        address = client[0] if client else ""
        if not self._allowance.take(address):
            return 429, self._refusal("too many requests: wait a minute", "rate"), [(b"retry-after", b"60")]
        given = dict(scope["headers"])
        try:
            body = await _body(given.get(b"content-length", b""), receive)
        except TooLarge:
            told = f"a request has at most {BODY_LIMIT} bytes"
            return 413, self._refusal(told, "size"), [(b"connection", b"close")]
        asked = _Asked(
            body=body,
            strict=_handling(given.get(b"prefer", b""), self._strict),
            authorization=given.get(b"authorization", b"").decode("latin-1"),
            address=address,
        )
        answer, media_type = await self._answer(asked)
        return 200, answer, [(b"content-type", media_type)]

    async def _answer(self, asked: "_Asked") -> tuple[bytes, bytes]:
        """The document, and its media type; whatever happens here is an answer of the protocol."""
        try:
            return await self._answered(asked)
        except LostError as error:
            self._requests.labels(str(error.kind)).inc()
            return writing.errors(error, source=self._server.source), _TYPE
        except Exception:  # noqa: BLE001 - the asker gets an answer of the protocol whatever happens here
            reference = new_id()
            _log.exception("LoST request failed", reference=reference)
            self._requests.labels("internalError").inc()
            fault = LostError(ErrorKind.INTERNAL_ERROR, f"something went wrong here; reference {reference}")
            return writing.errors(fault, source=self._server.source), _TYPE

    async def _answered(self, asked: "_Asked") -> tuple[bytes, bytes]:
        if len(asked.body) > AT_ONCE:
            request = await asyncio.to_thread(read, asked.body, strict=asked.strict)
        else:
            request = read(asked.body, strict=asked.strict)
        if isinstance(request, GetMappings | PushMappings):
            answer, media_type = await self._sync.answer(request, asked.authorization), _SYNC_TYPE
        else:
            for kind in repairs_of(request):
                self._repairs.note(kind, asked.address)
            answer, media_type = await self._server.answer(request, asked.body, strict=asked.strict), _TYPE
        self._requests.labels("answered").inc()
        return answer, media_type

    def _refusal(self, message: str, outcome: str) -> bytes:
        self._requests.labels(outcome).inc()
        return writing.errors(LostError(ErrorKind.BAD_REQUEST, message), source=self._server.source)


def lost_routes(endpoint: LostEndpoint) -> list[ASGIRouteHandler]:
    """The route of the hub."""

    @asgi("/lost", copy_scope=False, exclude_from_csrf=True)
    async def lost(scope: Scope, receive: Receive, send: Send) -> None:
        await endpoint(scope, receive, send)

    return [lost]


async def _body(announced: bytes, receive: Receive) -> bytes:
    """The whole body; raises TooLarge before reading what is announced to be too much."""
    if announced.isdigit() and int(announced) > BODY_LIMIT:
        raise TooLarge
    parts: list[bytes] = []
    size = 0
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        part = message.get("body", b"")
        size += len(part)
        if size > BODY_LIMIT:
            raise TooLarge
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _handling(prefer: bytes, default: bool) -> bool:
    """Whether to read strictly: ``Prefer: handling=strict`` or ``=lenient`` (RFC 7240, section 4.4)."""
    wishes = {wish.split(b";")[0].strip().lower() for wish in prefer.split(b",")}
    if b"handling=strict" in wishes:
        return True
    return False if b"handling=lenient" in wishes else default

"""``POST /lost``: LoST over HTTP (RFC 5222, section 14), as a plain ASGI application beside the pages.

The clients are machines: no session, no CSRF token; size and rate are bounded. Whatever arrives, the answer
is a LoST document; errors of the protocol come with status 200, those of the transport with their own.
"""

import time
from typing import Any

from litestar.handlers import ASGIRouteHandler, asgi
from litestar.types import Receive, Scope, Send
from prometheus_client import Counter

from ansim.core import logs
from ansim.core.ids import new_id
from ansim.core.metrics import Metrics
from ansim.distribution.lost import model, writing
from ansim.distribution.lost.model import ErrorKind, LostError
from ansim.distribution.lost.reading import read
from ansim.distribution.lost.service import LostServer

BODY_LIMIT = 1_000_000
"""Largest request in bytes."""
_TYPE = f"{model.MEDIA_TYPE};charset=utf-8".encode()

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


class TooLarge(Exception):
    """The body is over the limit."""


class LostEndpoint:
    """The ASGI application."""

    def __init__(self, server: LostServer, metrics: Metrics, *, strict: bool, per_minute: int) -> None:
        self._server = server
        self._strict = strict
        self._allowance = Allowance(per_minute)
        self._requests = Counter(
            "ansim_lost_requests_total", "LoST requests", ["outcome"], registry=metrics.registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        status, answer, headers = await self._respond(scope, receive)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", _TYPE),
                    (b"content-length", str(len(answer)).encode()),
                    *headers,
                ],
            }
        )
        await send({"type": "http.response.body", "body": answer, "more_body": False})

    async def _respond(self, scope: Scope, receive: Receive) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        if scope.get("method") != "POST":
            return 405, self._refusal("LoST requests are posted", "method"), [(b"allow", b"POST")]
        client = scope.get("client")
        if not self._allowance.take(client[0] if client else ""):
            return 429, self._refusal("too many requests: wait a minute", "rate"), [(b"retry-after", b"60")]
        given = dict(scope["headers"])
        try:
            body = await _body(given.get(b"content-length", b""), receive)
        except TooLarge:
            told = f"a request has at most {BODY_LIMIT} bytes"
            return 413, self._refusal(told, "size"), [(b"connection", b"close")]
        strict = _handling(given.get(b"prefer", b""), self._strict)
        return 200, await self._answer(body, strict), []

    async def _answer(self, body: bytes, strict: bool) -> bytes:
        try:
            answer = await self._server.answer(read(body, strict=strict), body, strict=strict)
        except LostError as error:
            self._requests.labels(str(error.kind)).inc()
            return writing.errors(error, source=self._server.source)
        except Exception:  # noqa: BLE001 - the asker gets an answer of the protocol whatever happens here
            reference = new_id()
            _log.exception("LoST request failed", reference=reference)
            self._requests.labels("internalError").inc()
            fault = LostError(ErrorKind.INTERNAL_ERROR, f"something went wrong here; reference {reference}")
            return writing.errors(fault, source=self._server.source)
        self._requests.labels("answered").inc()
        return answer

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

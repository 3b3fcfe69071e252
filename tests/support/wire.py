"""HTTP/1.1 over one kept connection, as little as a load generator needs.

A full client costs as much processor time as the node that answers it; here both share two cores.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import httptools
import msgspec


class Broken(Exception):
    """No answer: the connection failed, broke off, or stayed silent too long."""


class Answer(NamedTuple):
    """A whole answer; header names are lower case, of several with one name the last counts."""

    status: int
    headers: dict[str, str]
    body: bytes


class Frame(NamedTuple):
    """One server-sent event; ``id`` is None where the frame has none."""

    event: str
    id: int | None
    data: bytes


class _Parts:
    """What httptools reports of one answer."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.begun = False
        self.complete = False
        self.body = bytearray()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.begun = True

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


class Wire:
    """A connection to one node, opened when first needed and again after it broke."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 80
        self._common = f"host: {address.netloc}\r\n" + _lines(headers or {})
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> "Wire":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> Answer:
        """One request with a JSON body (bytes go out as they are); Broken when it got no whole answer."""
        raw = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        try:
            async with asyncio.timeout(timeout_s):
                reader = await self._ask(method, path, raw, headers or {})
                parts, parser = _parser()
                while not parts.complete:
                    parser.feed_data(await _some(reader))
        except (OSError, TimeoutError, httptools.HttpParserError, Broken) as error:
            self.close()
            raise Broken(f"{method} {path}: {type(error).__name__} {error}") from error
        except asyncio.CancelledError:
            self.close()  # half an answer is left on it
            raise
        if not parser.should_keep_alive():
            self.close()
        return Answer(parser.get_status_code(), parts.headers, bytes(parts.body))

    async def frames(
        self, path: str, *, headers: Mapping[str, str] | None = None, silence_s: float = 15.0
    ) -> AsyncIterator[Answer | Frame]:
        """A stream of server-sent events: first the answer's head, then each frame; ends where it ends.

        Raises Broken when the connection fails or nothing comes for ``silence_s``.
        """
        parts, parser = _parser()
        try:
            async with asyncio.timeout(silence_s):
                reader = await self._ask("GET", path, b"", headers or {})
            begun = False
            while True:
                if parts.begun and not begun:
                    begun = True
                    yield Answer(parser.get_status_code(), parts.headers, b"")
                while (end := parts.body.find(b"\n\n")) >= 0:
                    block = bytes(parts.body[:end])
                    del parts.body[: end + 2]
                    if (frame := _frame(block)) is not None:
                        yield frame
                if parts.complete:
                    return
                async with asyncio.timeout(silence_s):
                    parser.feed_data(await _some(reader))
        except (OSError, TimeoutError, httptools.HttpParserError) as error:
            raise Broken(f"GET {path}: {type(error).__name__} {error}") from error
        finally:
            self.close()

    async def _ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> asyncio.StreamReader:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=1 << 20)
        reader, writer = self._streams
        length = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n" if body else ""
        if method == "POST" and not body:
            length = "content-length: 0\r\n"
        head = f"{method} {path} HTTP/1.1\r\n{self._common}{_lines(headers)}{length}\r\n"
        writer.write(head.encode("latin-1") + body)
        await writer.drain()
        return reader


def _parser() -> tuple[_Parts, httptools.HttpResponseParser]:
    parts = _Parts()
    return parts, httptools.HttpResponseParser(parts)


async def _some(reader: asyncio.StreamReader) -> bytes:
    data = await reader.read(1 << 18)
    if not data:
        raise Broken("the connection was closed")
    return data


def _lines(headers: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def _frame(block: bytes) -> Frame | None:
    """WHATWG HTML §9.2.6, for what the nodes send: one data line a frame; None for a bare ``retry``."""
    fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
    if b"data" not in fields:
        return None
    seq = fields.get(b"id")
    return Frame(
        fields.get(b"event", b"message").decode(), None if seq is None else int(seq), fields[b"data"]
    )

"""A street camera's network side, to simulate one: RTSP 1.0 (RFC 2326) with RTP interleaved over one TCP
connection, Digest sign-in, and the faults that cameras in the field have.

Only what cameras and their readers really use. RTP packets (RFC 3550, RFC 6184) come from libavformat.
"""

import asyncio
import base64
import contextlib
import hashlib
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from fractions import Fraction
from typing import Protocol

import av
from msgspec import Struct

from ansim.core import logs

_log = logs.get("simulation")

_REALM = "ansim camera"
_CLOCK = Fraction(1, 90_000)
_PACKET_BYTES = 1_400
_RTCP_SENDER_REPORT = 200
_MOST_BEHIND = 4_000_000
"""Bytes that may wait for a slow reader before the camera hangs up, as real ones do."""
_REQUEST_LIMIT = 8_192
_FIELD = re.compile(r'(\w+)="?([^",]*)"?')


class Unit(Struct, frozen=True):
    """One encoded picture: Annex B bytes, time in seconds, and whether it can be begun with."""

    data: bytes
    at: float
    key: bool


class Feed(Protocol):
    """One stream of a camera."""

    size: tuple[int, int]
    fps: int

    def parameter_sets(self) -> tuple[bytes, bytes]:
        """Sequence and picture parameter set, without start codes."""

    def open(self) -> AbstractAsyncContextManager[AsyncIterator[Unit]]:
        """Pictures from now on; the camera works only while somebody has it open."""


class Faults(Struct, kw_only=True):
    """What is wrong with a camera; may be changed while it runs."""

    silent_after: int | None = None
    """Pictures after which it says nothing more and keeps the connection (a half-open TCP connection)."""
    deaf: bool = False
    """Takes connections and never answers."""
    frozen_clock: bool = False
    """RTP timestamps stand still."""
    jump_at: int | None = None
    """The picture at which its clock jumps an hour back."""
    corrupt_every: int | None = None
    """Every n-th picture is garbage inside."""


class Refused(Exception):
    """A request answered with a status of its own."""

    def __init__(self, status: str, *headers: str) -> None:
        super().__init__(status)
        self.status, self.headers = status, headers


class RtspServer:
    """Cameras on one port of 127.0.0.1, each by its path: ``find`` gives the feed of ``/camera/quality``.

    ``password`` empty means no sign-in; the user is always ``ansim``.
    """

    USER = "ansim"

    def __init__(
        self, find: Callable[[str], Feed | None], *, password: str = "", faults: Faults | None = None
    ) -> None:
        self._find = find
        self.password = password
        self.faults = faults or Faults()
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self.opened = 0
        """Sessions that have ever played."""

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, port: int = 0) -> None:
        """Listen; 0 is any free port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)

    async def stop(self) -> None:
        """Hang up on everybody."""
        if self._server is not None:
            self._server.close()
        for task in list(self._sessions):
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        session = _Session(self, reader, writer)
        try:
            await session.run()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the reader has gone
        except asyncio.CancelledError:
            pass  # the server stops; a task of the stream server must not end as cancelled
        finally:
            self._sessions.discard(task)
            await session.close()

    def feed(self, url: str) -> Feed:
        """The feed a request is about. Raises Refused with 404."""
        path = re.sub(r"^rtsps?://[^/]*", "", url).strip("/")
        found = self._find(path.removesuffix("/track"))
        if found is None:
            raise Refused("404 Not Found")
        return found


class _Session:
    def __init__(
        self, server: RtspServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server, self._reader, self._writer = server, reader, writer
        self._nonce = secrets.token_hex(16)
        self._id = secrets.token_hex(8)
        self._channel = 0
        self._playing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        while True:
            method, url, headers = await self._request()
            if self._server.faults.deaf:
                await asyncio.sleep(3_600)
            try:
                extra, body = self._answer(method, url, headers)
                status = "200 OK"
            except Refused as refused:
                status, extra, body = refused.status, list(refused.headers), ""
            lines = [f"RTSP/1.0 {status}", f"CSeq: {headers.get('cseq', '0')}", *extra]
            if body:
                lines.append(f"Content-Length: {len(body)}")
            self._writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            await self._writer.drain()
            if method == "TEARDOWN":
                return
            if method == "PLAY" and status.startswith("200") and self._playing is None:
                self._server.opened += 1
                self._playing = asyncio.create_task(self._play(self._server.feed(url)), name="rtsp-play")

    async def close(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _request(self) -> tuple[str, str, dict[str, str]]:
        """The next request; what the reader sends on the RTP channels is passed over."""
        while (first := await self._reader.readexactly(1)) == b"$":
            head = await self._reader.readexactly(3)
            await self._reader.readexactly(int.from_bytes(head[1:], "big"))
        text = (first + await self._reader.readuntil(b"\r\n\r\n")).decode("utf-8", "replace")
        line, *rest = text[:_REQUEST_LIMIT].splitlines()
        method, url, _ = [*line.split(" ", 2), "", ""][:3]
        pairs = (one.partition(":") for one in rest if ":" in one)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        await self._reader.readexactly(int(headers.get("content-length", "0") or 0))
        return method, url, headers

    def _answer(self, method: str, url: str, headers: dict[str, str]) -> tuple[list[str], str]:
        if method == "OPTIONS":
            return ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"], ""
        self._authorize(method, headers)
        session = f"Session: {self._id};timeout=60"
        if method == "DESCRIBE":
            base = url.rstrip("/") + "/"
            return [f"Content-Base: {base}", "Content-Type: application/sdp"], _sdp(self._server.feed(url))
        if method == "SETUP":
            self._server.feed(url)
            wanted = headers.get("transport", "")
            if "TCP" not in wanted:
                raise Refused("461 Unsupported Transport")
            found = re.search(r"interleaved=(\d+)", wanted)
            self._channel = int(found.group(1)) if found else 0
            channels = f"{self._channel}-{self._channel + 1}"
            return [f"Transport: RTP/AVP/TCP;unicast;interleaved={channels}", session], ""
        if method in ("PLAY", "GET_PARAMETER", "TEARDOWN", "SET_PARAMETER"):
            return [session], ""
        raise Refused("501 Not Implemented")

    def _authorize(self, method: str, headers: dict[str, str]) -> None:
        """Digest without qop (RFC 2069, the one every RTSP camera speaks)."""
        if not self._server.password:
            return
        given = dict(_FIELD.findall(headers.get("authorization", "")))
        secret = _md5(f"{RtspServer.USER}:{_REALM}:{self._server.password}")
        request = _md5(f"{method}:{given.get('uri', '')}")
        wanted = _md5(f"{secret}:{self._nonce}:{request}")
        if given.get("username") != RtspServer.USER or given.get("response") != wanted:
            raise Refused(
                "401 Unauthorized", f'WWW-Authenticate: Digest realm="{_REALM}", nonce="{self._nonce}"'
            )

    async def _play(self, feed: Feed) -> None:
        packets = Packetizer(feed)
        faults, number = self._server.faults, 0
        async with feed.open() as units:
            async for unit in units:
                number += 1
                if faults.silent_after is not None and number > faults.silent_after:
                    continue
                if faults.corrupt_every and number % faults.corrupt_every == 0:
                    unit = Unit(_corrupted(unit.data), unit.at, unit.key)
                at = unit.at
                if faults.frozen_clock:
                    at = 0.0
                elif faults.jump_at is not None and number >= faults.jump_at:
                    at = unit.at - 3_600.0
                for packet in packets.packets(unit.data, unit.at, shown_at=at):
                    channel = self._channel + (packet[1] == _RTCP_SENDER_REPORT)
                    self._writer.write(b"$" + bytes((channel,)) + len(packet).to_bytes(2, "big") + packet)
                if self._writer.transport.get_write_buffer_size() > _MOST_BEHIND:
                    self._writer.transport.abort()
                    return
                await self._writer.drain()


class Packetizer:
    """Pictures to RTP packets, by libavformat's own packetizer; reports (RTCP) come among them."""

    def __init__(self, feed: Feed) -> None:
        self._written: list[bytes] = []
        options = {"packetsize": str(_PACKET_BYTES), "ssrc": str(secrets.randbelow(2**31))}
        self._out = av.open(self, "w", format="rtp", options=options, buffer_size=_PACKET_BYTES)
        self._stream = self._out.add_stream("libx264", rate=feed.fps)
        self._stream.width, self._stream.height = feed.size
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = _CLOCK
        self._first: float | None = None

    def write(self, data: bytes) -> int:
        """Called by libavformat, once a packet."""
        self._written.append(bytes(data))
        return len(data)

    def packets(self, data: bytes, at: float, shown_at: float | None = None) -> list[bytes]:
        """The packets of one picture; ``shown_at`` replaces its time in them (a camera with a bad clock)."""
        self._first = at if self._first is None else self._first
        packet = av.Packet(data)
        packet.stream = self._stream
        packet.time_base = _CLOCK
        packet.pts = packet.dts = round((at - self._first) * 90_000)
        self._out.mux_one(packet)
        made, self._written = self._written, []
        if shown_at is not None and shown_at != at:
            stamp = (round(shown_at * 90_000) % 2**32).to_bytes(4, "big")
            made = [one if one[1] == _RTCP_SENDER_REPORT else one[:4] + stamp + one[8:] for one in made]
        return made


def _sdp(feed: Feed) -> str:
    """RFC 4566 with the parameters of RFC 6184 §8.1."""
    sps, pps = feed.parameter_sets()
    sets = ",".join(base64.b64encode(one).decode() for one in (sps, pps))
    profile = sps[1:4].hex().upper()
    lines = (
        "v=0",
        "o=- 0 0 IN IP4 127.0.0.1",
        "s=camera",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "m=video 0 RTP/AVP 96",
        "a=rtpmap:96 H264/90000",
        f"a=fmtp:96 packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={sets}",
        f"a=framerate:{feed.fps}",
        "a=control:track",
    )
    return "\r\n".join(lines) + "\r\n"


def _corrupted(data: bytes) -> bytes:
    """Garbage in the middle of a picture, as a broken link leaves it."""
    broken = bytearray(data)
    start = len(broken) // 3
    broken[start : start + 200] = hashlib.shake_128(data).digest(min(200, max(0, len(broken) - start)))
    return bytes(broken)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def monotonic_wall() -> float:
    """Unix seconds that never go back."""
    return _WALL + time.monotonic()


_WALL = time.time() - time.monotonic()

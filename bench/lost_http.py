"""LoST over HTTP under a steady load: a real hub process, asked findService at a fixed rate.

Requests leave by the clock over kept connections, and each is timed from the moment it was due: a server that
falls behind can't hide it.
"""

import asyncio
import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.report import percentile

PER_SECOND = 1_000
SECONDS = 10.0
WARM_S = 3.0
CONNECTIONS = 16
_READY_S = 60.0

QUESTION = """<?xml version="1.0" encoding="UTF-8"?>
<findService xmlns="urn:ietf:params:xml:ns:lost1" xmlns:gml="http://www.opengis.net/gml"
 serviceBoundary="reference"><location id="a" profile="geodetic-2d"><gml:Point
 srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos>{lat:.6f} {lon:.6f}</gml:pos></gml:Point></location>
<service>urn:service:sos.police</service></findService>"""


class Lost(NamedTuple):
    """What was measured, in milliseconds."""

    asked: int
    per_second: float
    p50_ms: float
    p99_ms: float
    wrong: int


def lost_over_http() -> Lost | None:
    """The figures of a hub started for it; None when this tree's hub answers no LoST."""
    with tempfile.TemporaryDirectory(prefix="ansim-lost-") as folder:
        port, leaf = _free_port(), _free_port()
        config = Path(folder) / "ansim.toml"
        settings = {
            "role": "hub",
            "code": "hub",
            "name": "허브",
            "data": folder,
            "port": port,
            "demo": True,
            "centers": {"41170": "measured-only-here-1", "11110": "measured-only-here-2"},
            "bus": {"leaf_port": leaf},
        }
        config.touch(mode=0o600)
        config.write_bytes(msgspec.toml.encode(settings))
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ansim", "hub", "--config", str(config)], stdout=log, stderr=log
            )
        try:
            asyncio.run(_wait(process, port))
            return asyncio.run(_load(port))
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    began = time.monotonic()
    while time.monotonic() - began < _READY_S:
        if process.poll() is not None:
            raise RuntimeError("the hub did not start")
        try:
            status, _ = await _ask_once(port, b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        except OSError:
            status = 0
        if status == 200:
            return
        await asyncio.sleep(0.2)
    raise RuntimeError("the hub is not ready after a minute")


async def _load(port: int) -> Lost | None:
    chance = random.Random(5)
    bodies = [
        QUESTION.format(lat=chance.uniform(35.0, 37.8), lon=chance.uniform(126.8, 129.0)).encode()
        for _ in range(2_000)
    ]
    requests = [
        b"POST /lost HTTP/1.1\r\nHost: x\r\nContent-Type: application/lost+xml\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        for body in bodies
    ]
    status, _ = await _ask_once(port, requests[0])
    if status == 404:
        return None
    await _drive(port, requests, WARM_S)
    took, wrong, lasted = await _drive(port, requests, SECONDS)
    return Lost(len(took), len(took) / lasted, percentile(took, 0.5), percentile(took, 0.99), wrong)


async def _drive(port: int, requests: list[bytes], seconds: float) -> tuple[list[float], int, float]:
    """Milliseconds of every request from when it was due, how many answers were wrong, seconds in all."""
    count = int(PER_SECOND * seconds)
    began = time.perf_counter() + 0.05
    took: list[float] = []
    wrong = 0

    async def connection(first: int) -> None:
        nonlocal wrong
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(first, count, CONNECTIONS):
            due = began + number / PER_SECOND
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            writer.write(requests[number % len(requests)])
            status, body = await _answer(reader)
            took.append((time.perf_counter() - due) * 1_000)
            if status != 200 or b"<mapping" not in body:
                wrong += 1
        writer.close()

    await asyncio.gather(*(connection(first) for first in range(CONNECTIONS)))
    return took, wrong, time.perf_counter() - began


async def _ask_once(port: int, request: bytes) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await _answer(reader)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    at = lower.find(b"content-length:")
    if at < 0:
        raise RuntimeError("an answer without its length")
    length = int(lower[at + 15 : lower.index(b"\r\n", at)])
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

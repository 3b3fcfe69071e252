"""Push to screens: server-sent events (WHATWG HTML §9.2), a snapshot and then everything after it.

``event: snapshot`` comes first and again whenever the screen must start over; ``change`` frames carry the
feed's number as id, so a browser that reconnects with Last-Event-ID goes on exactly where it was;
``status`` tells of the node itself; ``ping`` every 5 s lets a screen know that it is connected.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable

from ansim.core.clock import iso, now
from ansim.core.feed import Change, Feed

PING_S = 5.0
REPLAY_LIMIT = 1_000

Snapshot = Callable[[], Awaitable[tuple[int, bytes]]]
"""Reads (cursor, JSON) in one transaction."""
Project = Callable[[Change], Awaitable[bytes | None]]
"""What this reader may see of a change; None when it is not for them."""
Alive = Callable[[], Awaitable[bool]]
"""Whether the reader may still read (sign-out and expiry end a stream)."""


def frame(event: str, data: bytes, seq: int | None = None) -> bytes:
    """One SSE frame; ``data`` is JSON and so has no line breaks."""
    head = f"event: {event}\n" + (f"id: {seq}\n" if seq is not None else "")
    return head.encode() + b"data: " + data + b"\n\n"


async def stream(
    feed: Feed,
    *,
    cursor: int | None,
    snapshot: Snapshot,
    project: Project,
    status: Callable[[], bytes] | None = None,
    alive: Alive | None = None,
    tick_s: float = PING_S,
) -> AsyncIterator[bytes]:
    """The frames for one screen, from ``cursor`` on when that is still possible, else from a snapshot.

    In silence there is a ping, and ``status`` is asked, every ``tick_s``.
    """
    follower = feed.follow()
    try:
        yield b"retry: 1000\n\n"
        position = -1
        told = b""
        asked = time.monotonic()
        if cursor is not None:
            missed = await feed.since(cursor, REPLAY_LIMIT)
            if missed is not None:
                position = cursor
                for change in missed:
                    position = change.seq
                    data = await project(change)
                    if data is not None:
                        yield frame("change", data, change.seq)
        if position < 0:
            position, data = await snapshot()
            yield frame("snapshot", data, position)
        while True:
            current = status() if status is not None else b""
            if current != told:
                told = current
                yield frame("status", current)
            changes = await follower.wait(tick_s)
            if alive is not None and time.monotonic() - asked >= PING_S - 0.5:  # also while changes rush by
                asked = time.monotonic()
                if not await alive():
                    return
            if follower.overflowed:
                feed.metrics.resyncs.inc()
                feed.leave(follower)
                follower = feed.follow()
                position, data = await snapshot()
                yield frame("snapshot", data, position)
                continue
            if not changes:
                yield frame("ping", f'{{"now":"{iso(now())}"}}'.encode())
                continue
            for change in changes:
                if change.seq <= position:
                    continue
                position = change.seq
                data = await project(change)
                if data is not None:
                    yield frame("change", data, change.seq)
    finally:
        feed.leave(follower)

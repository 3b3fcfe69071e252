"""The wall over HTTP: the cameras chosen for an incident, pushed whenever the choice changes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from ansim.cameras.choice import Wall
from ansim.cameras.service import CameraService
from ansim.cameras.walls import TILES
from ansim.core.clock import iso, now
from ansim.core.problems import Problem
from ansim.core.push import PING_S, frame
from ansim.people.model import Operator

Look = Callable[[Operator, str], Awaitable[None]]
"""Puts on record that somebody is shown an incident; raises a 404 problem for one that is not here."""
Alive = Callable[[str], Awaitable[bool]]
"""Whether a session may still read."""

Count = Annotated[int, QueryParameter(ge=1, le=16)]


def wall_routes(service: CameraService, look: Look, alive: Alive) -> list[HTTPRouteHandler]:
    """The wall of an incident, once and as a stream (server-sent events)."""

    @get("/api/incidents/{incident:str}/wall", tags=["cameras"])
    async def wall(
        incident: FromPath[str], operator: NamedDependency[Operator], count: Count = TILES
    ) -> Wall:
        """The cameras to show now; 409 while nobody knows where she is, or when it is over."""
        await look(operator, incident)
        found = await service.wall(incident, count)
        if found is None:
            raise Problem(
                409,
                "no-wall",
                ("보여 줄 카메라가 없습니다.", "There is no wall."),
                ("위치가 없거나 사건이 끝났습니다.", "Her position is not known, or the incident is over."),
            )
        return found

    @get("/api/incidents/{incident:str}/wall/stream", tags=["cameras"])
    async def stream(
        incident: FromPath[str], operator: NamedDependency[Operator], count: Count = TILES
    ) -> Stream:
        """``wall`` at once and at every change, ``ping`` every 5 s, ``over`` when the incident ended."""
        await look(operator, incident)
        frames = wall_frames(service.follow_wall(incident, count), lambda: alive(operator.session))
        return Stream(frames, media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    return [wall, stream]


async def wall_frames(
    walls: AsyncIterator[Wall], alive: Callable[[], Awaitable[bool]], ping_s: float = PING_S
) -> AsyncIterator[bytes]:
    """The frames of a wall's stream; every one is whole, so a screen that reconnects needs nothing of
    before.
    """
    yield b"retry: 1000\n\n"
    coming: asyncio.Future[Wall] = asyncio.ensure_future(anext(walls))
    try:
        while True:
            await asyncio.wait({coming}, timeout=ping_s)
            if not coming.done():
                if not await alive():
                    return
                yield frame("ping", f'{{"now":"{iso(now())}"}}'.encode())
                continue
            try:
                wall = coming.result()
            except StopAsyncIteration:
                yield frame("over", b"{}")
                return
            yield frame("wall", msgspec.json.encode(wall), wall.revision)
            coming = asyncio.ensure_future(anext(walls))
    finally:
        coming.cancel()
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
            await coming

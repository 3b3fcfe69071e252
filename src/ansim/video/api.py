"""Video for pages: live pictures over a WebSocket, the newest still over HTTP; each behind a permit.

A live socket carries text frames (JSON) and binary frames. ``state`` tells how the camera is doing, ``init``
how to read what follows (for ``mp4`` the next binary frame is the initialization segment), ``time`` how old
the newest picture is, ``ended`` that the permission is over. Every other binary frame is a fragment to append
(``mp4``) or one picture (``jpeg``).
"""

import asyncio
import time
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from litestar import Request, Response, WebSocket, get, websocket
from litestar.exceptions import HTTPException, WebSocketDisconnect
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler
from litestar.params import FromPath, FromQuery

from ansim.core import logs
from ansim.core.language import language_of
from ansim.core.problems import Problem, forbidden
from ansim.video.gateway import VideoGateway
from ansim.video.model import CameraState, Fragment, Init, MediaFault, Quality, Still
from ansim.video.permits import Lease, Permit, nobody
from ansim.video.viewing import Viewer

_log = logs.get("video")

REFUSED, ENDED, FAULT = 4403, 4410, 4500
"""Close codes (RFC 6455 §7.4.2, private use): not permitted; permission over; the gateway failed."""
_TIME_EVERY_S = 0.5
_REASON_BYTES = 120

Socket = WebSocket[Any, Any, Any]


class Told(msgspec.Struct, kw_only=True, tag_field="type", omit_defaults=True):
    """The text frames of a live socket."""


class ToldState(Told, tag="state"):
    """How the camera is doing (see :class:`~ansim.video.model.CameraState`)."""

    state: str
    tries: int
    retry_in_s: float | None = None


class ToldInit(Told, tag="init"):
    """What follows."""

    kind: Literal["mp4", "jpeg"]
    mime: str
    codec: str
    width: int
    height: int
    quality: Quality


class ToldTime(Told, tag="time"):
    """The newest picture sent is at ``media_s`` of media time and arrived ``age_s`` seconds ago."""

    media_s: float
    age_s: float


class ToldEnd(Told, tag="ended"):
    """The permission is over; ``reason`` is a word pages translate."""

    reason: str


_encode = msgspec.json.encode


def video_routes(
    gateway: VideoGateway, permit: Permit = nobody
) -> list[HTTPRouteHandler | WebsocketRouteHandler]:
    """``WS …/live`` and ``GET …/still`` below ``/api/incidents/{incident}/cameras/{camera}``."""

    @websocket("/api/incidents/{incident:str}/cameras/{camera:str}/live")
    async def live(
        socket: Socket, incident: FromPath[str], camera: FromPath[str], quality: FromQuery[Quality] = "sub"
    ) -> None:
        """The camera's pictures as they come."""
        try:
            _require_own_page(socket)
            lease = await permit(socket, incident, camera, "live", quality)
        except (Problem, HTTPException) as problem:
            await _refuse(socket, problem)
            return
        try:
            await socket.accept()
            await _serve(socket, gateway.watch(lease.source, quality), lease)
        except WebSocketDisconnect:
            pass  # the page has gone: that is how watching usually ends
        finally:
            await lease.done()

    @get("/api/incidents/{incident:str}/cameras/{camera:str}/still", tags=["video"])
    async def still(
        request: Request[Any, Any, Any], incident: FromPath[str], camera: FromPath[str]
    ) -> Response[bytes]:
        """The newest picture (JPEG), its age in seconds in the header ``age``; 504 when there is none."""
        lease = await permit(request, incident, camera, "still", "sub")
        try:
            picture = await _unless_revoked(gateway, lease)
        finally:
            await lease.done()
        age = max(0, round(time.time() - picture.taken_at))
        headers = {"age": str(age), "x-taken-at": f"{picture.taken_at:.3f}", "cache-control": "no-store"}
        return Response(picture.jpeg, media_type="image/jpeg", headers=headers)

    return [live, still]


async def _serve(socket: Socket, viewer: Viewer, lease: Lease) -> None:
    """Send until the page leaves, the permission ends or the gateway closes."""
    sending = asyncio.create_task(_send(socket, viewer), name="video-send")
    reading = asyncio.create_task(_until_gone(socket), name="video-read")
    revoked = asyncio.create_task(lease.revoked.wait(), name="video-revoked")
    tasks = (sending, reading, revoked)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if revoked.done():
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await socket.send_data(_encode(ToldEnd(reason=lease.reason)), mode="text")
            await socket.close(code=ENDED, reason=lease.reason[:_REASON_BYTES])
        elif sending.done() and not reading.done():
            fault = sending.exception()
            if fault is not None and not isinstance(fault, MediaFault | WebSocketDisconnect):
                _log.error("live picture failed", camera=lease.source.id, reason=type(fault).__name__)
            await socket.close(code=FAULT)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send(socket: Socket, viewer: Viewer) -> None:
    told_at = 0.0
    async with viewer:
        async for message in viewer:
            if isinstance(message, CameraState):
                state = ToldState(
                    state=str(message.state), tries=message.tries, retry_in_s=message.retry_in_s
                )
                await socket.send_data(_encode(state), mode="text")
            elif isinstance(message, Init):
                await socket.send_data(_encode(_told(message, viewer.quality)), mode="text")
                if message.data:
                    await socket.send_bytes(message.data)
            else:
                await socket.send_bytes(message.data)
                if time.monotonic() - told_at >= _TIME_EVERY_S:
                    told_at = time.monotonic()
                    await socket.send_data(_encode(_time(message)), mode="text")


def _told(init: Init, quality: Quality) -> ToldInit:
    return ToldInit(
        kind=init.kind,
        mime=init.mime,
        codec=init.codec,
        width=init.width,
        height=init.height,
        quality=quality,
    )


def _time(fragment: Fragment) -> ToldTime:
    return ToldTime(media_s=round(fragment.media_s, 3), age_s=round(max(0.0, time.time() - fragment.at), 3))


async def _until_gone(socket: Socket) -> None:
    """Without a reader nobody would learn that the page has left. What it says is of no interest."""
    try:
        while True:
            await socket.receive_data(mode="text")
    except WebSocketDisconnect:
        return


async def _unless_revoked(gateway: VideoGateway, lease: Lease) -> Still:
    """A still, unless the permission ends while the camera is asked."""
    fetching = asyncio.ensure_future(gateway.still(lease.source))
    revoked = asyncio.create_task(lease.revoked.wait())
    try:
        await asyncio.wait((fetching, revoked), return_when=asyncio.FIRST_COMPLETED)
        if lease.revoked.is_set():
            raise forbidden("영상을 볼 권한이 끝났습니다.", "Your permission to watch has ended.")
        return await fetching
    except MediaFault as fault:
        raise no_picture(fault) from None
    finally:
        for task in (fetching, revoked):
            task.cancel()
        await asyncio.gather(fetching, revoked, return_exceptions=True)


def no_picture(fault: MediaFault) -> Problem:
    """504 with the camera's state."""
    return Problem(
        504,
        "no-picture",
        ("카메라가 영상을 보내지 않습니다.", "The camera gives no picture."),
        state=str(fault.state),
    )


def _require_own_page(socket: Socket) -> None:
    """A page of another origin must not open a socket with our cookies (RFC 6455 §10.2)."""
    origin = socket.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != socket.headers.get("host"):
        raise forbidden("다른 사이트에서는 볼 수 없습니다.", "Not from another site.")


async def _refuse(socket: Socket, problem: Problem | HTTPException) -> None:
    """A page cannot read a refused handshake: accept, say why, and close."""
    await socket.accept()
    if isinstance(problem, Problem):
        body = {"type": "refused", "problem": problem.body(language_of(socket))}
    else:
        body = {"type": "refused", "problem": {"status": problem.status_code, "title": problem.detail}}
    try:
        await socket.send_data(_encode(body), mode="text")
        await socket.close(code=REFUSED)
    except WebSocketDisconnect:
        pass

"""The routes of the person in danger, on the hub. A press is never refused for being imperfect."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import InternalServerException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Stream
from msgspec import Meta, Struct

from ansim.core import push
from ansim.core.clock import now
from ansim.core.database import Database
from ansim.core.feed import Change, Feed
from ansim.core.metrics import Metrics
from ansim.core.settings import Settings
from ansim.incidents import report as reports
from ansim.incidents import screens
from ansim.incidents.events import CenterRef
from ansim.incidents.sos import Caller, SosService
from ansim.people.model import Citizen
from ansim.people.service import PeopleService, wrong_pin

_INCIDENT_COOKIE_S = 7 * 86_400
_MAX_POSITIONS = 500


class Pressed(Struct, frozen=True, kw_only=True):
    """The durable answer to a press."""

    incident: str
    key: str
    state: str
    window_ends_at: str
    owner: CenterRef | None
    marks: tuple[str, ...]


class Cancel(Struct, frozen=True, kw_only=True):
    """Cancelling: with the PIN (or the duress PIN), which a person who is not registered has none of."""

    pin: Annotated[str, Meta(max_length=12)] = ""
    key: Annotated[str, Meta(max_length=64)] = ""


class StateNow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an incident stands."""

    state: str
    incident: str = ""


class Fixes(Struct, frozen=True, kw_only=True):
    """A batch of positions; each is read leniently."""

    positions: Annotated[list[Any], Meta(max_length=_MAX_POSITIONS)]


class Taken(Struct, frozen=True, kw_only=True):
    """How many positions were taken, and how many of all carry a mark."""

    accepted: int
    marked: int


def person_routes(
    *,
    settings: Settings,
    database: Database,
    feed: Feed,
    sos: SosService,
    people: PeopleService,
    metrics: Metrics,
    drill_token: str,
    node: Callable[[], dict[str, Any]],
) -> list[HTTPRouteHandler]:
    """The routes under ``/api/sos``."""
    cookie = f"ansim_{settings.code}_incident"

    def who(request: Request[Any, Any, Any], caller: Citizen | None) -> Caller:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        return Caller(
            person=caller.id if caller else "",
            name=caller.name if caller else "",
            expired=caller.expired if caller else False,
            token=bearer or request.cookies.get(cookie, ""),
            exercise=bearer == drill_token,
        )

    @post("/api/sos", request_max_body_size=None, tags=["sos"])
    async def press(
        request: Request[Any, Any, Any], caller: NamedDependency[Citizen | None]
    ) -> Response[Pressed]:
        """Raise an SOS. Answered once it is on disk; what is wrong with the report is marked, not refused."""
        began = time.perf_counter()
        body, truncated = await _read(request)
        received = now()
        report = reports.read(
            body, received, key=request.headers.get("idempotency-key", ""), truncated=truncated
        )
        receipt = await sos.press(report, who(request, caller), received)
        metrics.sos.labels("repeated" if receipt.repeated else "stored").inc()
        metrics.sos_seconds.observe(time.perf_counter() - began)
        answer = Pressed(
            incident=receipt.incident,
            key=receipt.key,
            state=receipt.state,
            window_ends_at=receipt.window_ends_at,
            owner=receipt.owner,
            marks=receipt.marks,
        )
        secret = Cookie(
            key=cookie,
            value=receipt.token,
            max_age=_INCIDENT_COOKIE_S,
            path="/api/sos",
            httponly=True,
            secure=settings.secure_cookies,
            samesite="lax",
        )
        headers = {"x-incident-token": receipt.token}
        status = 200 if receipt.repeated else 201
        return Response(answer, status_code=status, cookies=[secret], headers=headers)

    @post("/api/sos/{incident:str}/cancel", status_code=200, tags=["sos"])
    async def cancel(
        incident: FromPath[str],
        data: JSONBody[Cancel],
        request: Request[Any, Any, Any],
        caller: NamedDependency[Citizen | None],
    ) -> StateNow:
        """Cancel before anybody has it in hand. The duress PIN gets the same answer."""
        person = who(request, caller)
        await sos.require_own(incident, person)
        owner = await sos.person_of(incident)
        verdict = await people.check_pin(owner, data.pin) if owner else "pin"
        if verdict == "wrong" and owner:
            raise wrong_pin(people.pin_attempts_left(owner))
        return StateNow(state=await sos.cancel(incident, person, duress=verdict == "duress"))

    @post("/api/sos/{incident:str}/now", status_code=200, tags=["sos"])
    async def alarm_now(
        incident: FromPath[str], request: Request[Any, Any, Any], caller: NamedDependency[Citizen | None]
    ) -> StateNow:
        """Alarm people at once, without waiting for the rest of the window."""
        person = who(request, caller)
        await sos.require_own(incident, person)
        await sos.alarm_now(incident, person)
        return StateNow(state="alerting")

    @post("/api/sos/{incident:str}/positions", status_code=202, tags=["sos"])
    async def report_positions(
        incident: FromPath[str],
        data: JSONBody[Fixes],
        request: Request[Any, Any, Any],
        caller: NamedDependency[Citizen | None],
    ) -> Taken:
        """Where she is; repeating a batch changes nothing."""
        await sos.require_own(incident, who(request, caller))
        taken, marked = await sos.report_positions(incident, data.positions)
        return Taken(accepted=taken, marked=marked)

    @get("/api/sos/current", tags=["sos"])
    async def current(
        request: Request[Any, Any, Any], caller: NamedDependency[Citizen | None]
    ) -> Response[StateNow | None]:
        """Her open incident, 204 when there is none."""
        incident = await sos.current(who(request, caller))
        if incident is None:
            return Response(None, status_code=204)
        return Response(StateNow(incident=incident.id, state=incident.state.value))

    @get("/api/sos/{incident:str}/stream", tags=["sos"])
    async def stream(
        incident: FromPath[str],
        request: Request[Any, Any, Any],
        caller: NamedDependency[Citizen | None],
        cursor: FromQuery[int | None] = None,
    ) -> Stream:
        """Her incident, live: a snapshot and every change after it (server-sent events)."""
        person = who(request, caller)
        await sos.require_own(incident, person)

        async def load() -> screens.Shown:
            return await database.read(lambda conn: screens.incident_told(conn, incident))

        audience = screens.Person(load)

        async def whole() -> tuple[int, bytes]:
            return await screens.snapshot(
                database, lambda conn: [screens.incident_told(conn, incident)], audience, node
            )

        async def share(change: Change) -> bytes | None:
            return await screens.project(change, audience) if change.incident == incident else None

        frames = push.stream(
            feed,
            cursor=resume_at(request, cursor),
            snapshot=whole,
            project=share,
        )
        return sse(frames)

    return [press, cancel, alarm_now, report_positions, current, stream]


def sse(frames: AsyncIterator[bytes]) -> Stream:
    """The response that carries a push stream."""
    return Stream(frames, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


def resume_at(request: Request[Any, Any, Any], cursor: int | None) -> int | None:
    """Where to go on: the browser's Last-Event-ID first, else the address's cursor."""
    last = request.headers.get("last-event-id", "")
    return int(last) if last.isdecimal() and len(last) < 19 else cursor


async def _read(request: Request[Any, Any, Any]) -> tuple[bytes, bool]:
    """At most MAX_BODY bytes of the body, and whether there was more. A body that breaks off is what came."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > reports.MAX_BODY:
                return bytes(body[: reports.MAX_BODY]), True
    except InternalServerException:  # how the framework tells that the phone is gone: it pressed all the same
        pass
    return bytes(body), False

"""The routes of a watched walk home, on the hub: hers and her phone's."""

import time
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, WebSocket, get, post, put, websocket
from litestar.di import NamedDependency
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Stream
from msgspec import Meta, Struct

from ansim.core import push
from ansim.core.clock import iso, now
from ansim.core.database import Database, Overloaded
from ansim.core.feed import Change, Feed, last_seq
from ansim.core.problems import invalid
from ansim.incidents.person_api import resume_at, sse
from ansim.journeys import store, wire
from ansim.journeys.model import Plan, Spot, State, Watcher, Way
from ansim.journeys.service import Heard, JourneyService
from ansim.journeys.view import view
from ansim.journeys.worker import JourneyWorker
from ansim.people.model import Citizen
from ansim.people.service import PeopleService, wrong_pin

MAX_BATCH = wire.HEADER.itemsize + wire.MOST * wire.RECORD.itemsize
_MAX_CORNERS = 2_000
_MAX_PLACES = 20
_WAYS = {"foot": Way.FOOT, "bus": Way.BUS, "taxi": Way.TAXI}

Degrees = Annotated[float, Meta(ge=-180, le=180)]


class Begin(Struct, frozen=True, kw_only=True):
    """Where from, where to, how, and who watches. ``arrive_by`` is epoch seconds, 0: to be estimated."""

    start: Spot
    destination: Spot
    by: Literal["foot", "bus", "taxi"] = "foot"
    way: Annotated[list[tuple[Degrees, Degrees]], Meta(max_length=_MAX_CORNERS)] = []
    arrive_by: Annotated[float, Meta(ge=0)] = 0.0
    watcher: Watcher = "guardians"
    plate: Annotated[str, Meta(max_length=20)] = ""


class Begun(Struct, frozen=True, kw_only=True):
    """The journey, and the secret by which a phone or tracker may report without her login."""

    journey: dict[str, Any]
    token: str


class Answer(Struct, frozen=True, kw_only=True):
    """Her answer: a PIN. The duress PIN gets the same reply."""

    pin: Annotated[str, Meta(max_length=12)]


class Taken(Struct, frozen=True, kw_only=True):
    """What became of a batch of fixes."""

    seq: int
    accepted: int
    left_out: int


class Places(Struct, frozen=True, kw_only=True):
    """Her saved places."""

    places: Annotated[list[Spot], Meta(max_length=_MAX_PLACES)]


def journey_routes(
    *, service: JourneyService, worker: JourneyWorker, people: PeopleService, database: Database, feed: Feed
) -> list[HTTPRouteHandler | WebsocketRouteHandler]:
    """The routes under ``/api/journeys``."""

    async def hear(journey: str, body: bytes) -> Taken:
        received = time.time()
        try:
            seq, fixes, left_out = wire.read(body, received)
        except wire.Garbled as error:
            raise invalid("body", "위치 묶음의 형식이 올바르지 않습니다.", str(error)) from error
        if fixes:
            await worker.hear(Heard(journey, fixes, received))
        return Taken(seq=seq, accepted=len(fixes), left_out=left_out)

    @post("/api/journeys", tags=["journeys"])
    async def begin(data: JSONBody[Begin], citizen: NamedDependency[Citizen]) -> Begun:
        """Set out. 409 where she is under way already."""
        plan = Plan(
            start=data.start,
            destination=data.destination,
            by=_WAYS[data.by],
            way=tuple(data.way),
            arrive_by=data.arrive_by,
            watcher=data.watcher,
            plate=data.plate.strip(),
        )
        one, token = await service.begin(citizen.id, plan)
        return Begun(journey=view(one, None), token=token)

    @get("/api/journeys/current", tags=["journeys"])
    async def current(citizen: NamedDependency[Citizen]) -> Response[dict[str, Any] | None]:
        """Her open journey, 204 when there is none."""
        one = await service.current(citizen.id)
        if one is None:
            return Response(None, status_code=204)
        return Response(view(one, None))

    @get("/api/journeys/places", tags=["journeys"])
    async def places(citizen: NamedDependency[Citizen]) -> Places:
        """Her saved places."""
        return Places(places=await service.places(citizen.id))

    @put("/api/journeys/places", status_code=204, tags=["journeys"])
    async def save_places(data: JSONBody[Places], citizen: NamedDependency[Citizen]) -> None:
        """Set her saved places; names must differ."""
        names = [one.name for one in data.places]
        if len(set(names)) != len(names):
            raise invalid("places", "장소 이름이 서로 달라야 합니다.", "The places' names must differ.")
        await service.save_places(citizen.id, data.places)

    @post("/api/journeys/{journey:str}/fixes", status_code=202, request_max_body_size=MAX_BATCH)
    async def fixes(
        journey: FromPath[str],
        request: Request[Any, Any, Any],
        caller: NamedDependency[Citizen | None],
    ) -> Taken:
        """A batch of fixes (``application/octet-stream``, see wire.py), by login or by the phone's secret."""
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        await service.require_reporter(journey, caller.id if caller else "", bearer)
        return await hear(journey, await request.body())

    @websocket("/api/journeys/{journey:str}/live")
    async def live(socket: WebSocket[Any, Any, Any], journey: FromPath[str]) -> None:
        """The same, kept open: each binary message is a batch, each answer the JSON of what became of it.

        An open socket costs a monitored hour a fraction of what separate requests would. The first message
        may be text: the phone's secret; else the login's cookie counts.
        """
        await socket.accept()
        try:
            first = await socket.receive_data(mode="text")
            await service.require_reporter(journey, "", str(first)[:100])
            while True:
                body = await socket.receive_data(mode="binary")
                if len(body) > MAX_BATCH:
                    await socket.close(code=1009)
                    return
                await socket.send_data(msgspec.json.encode(await hear(journey, bytes(body))))
        except WebSocketDisconnect:
            return
        except Overloaded:
            await socket.close(code=1013)

    @post("/api/journeys/{journey:str}/answer", status_code=204, tags=["journeys"])
    async def answer(
        journey: FromPath[str], data: JSONBody[Answer], citizen: NamedDependency[Citizen]
    ) -> None:
        """All is well, said with her PIN; with the duress PIN it looks the same and raises the alarm."""
        await service.require_own(journey, citizen.id)
        await service.answer(journey, duress=await _duress(people, citizen, data.pin))

    @post("/api/journeys/{journey:str}/end", status_code=204, tags=["journeys"])
    async def end(journey: FromPath[str], data: JSONBody[Answer], citizen: NamedDependency[Citizen]) -> None:
        """End it before arriving, with her PIN: else whoever takes her phone could."""
        await service.require_own(journey, citizen.id)
        if await _duress(people, citizen, data.pin):
            await service.answer(journey, duress=True)
        else:
            await service.end(journey, State.ENDED)

    @post("/api/journeys/{journey:str}/help", status_code=204, tags=["journeys"])
    async def help_now(journey: FromPath[str], citizen: NamedDependency[Citizen]) -> None:
        """She needs help at once."""
        await service.require_own(journey, citizen.id)
        await service.end(journey, State.ALARMED)

    @get("/api/journeys/{journey:str}/stream", tags=["journeys"])
    async def stream(
        journey: FromPath[str],
        request: Request[Any, Any, Any],
        citizen: NamedDependency[Citizen],
        cursor: FromQuery[int | None] = None,
    ) -> Stream:
        """Her journey, live: a snapshot and every change after it (server-sent events)."""
        await service.require_own(journey, citizen.id)

        def read(conn: Any) -> tuple[int, bytes]:
            one, track = store.load(conn, journey), store.track(conn, journey)
            shown = view(one, track[-1] if track else None) if one is not None else None
            seq = last_seq(conn)
            body = {"cursor": seq, "now": iso(now()), "journey": shown, "track": _track(track)}
            return seq, msgspec.json.encode(body)

        async def whole() -> tuple[int, bytes]:
            return await database.read(read)

        async def share(change: Change) -> bytes | None:
            return change.payload if change.incident == journey else None

        frames = push.stream(feed, cursor=resume_at(request, cursor), snapshot=whole, project=share)
        return sse(frames)

    return [begin, current, places, save_places, fixes, live, answer, end, help_now, stream]


def _track(track: list[Any]) -> list[dict[str, Any]]:
    return [{"at": one.at, "lat": one.lat, "lon": one.lon, "radius": one.radius} for one in track]


async def _duress(people: PeopleService, citizen: Citizen, pin: str) -> bool:
    verdict = await people.check_pin(citizen.id, pin)
    if verdict == "wrong":
        raise wrong_pin(people.pin_attempts_left(citizen.id))
    return verdict == "duress"

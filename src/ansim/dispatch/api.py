"""The routes of the 112 / 119 desk, on a center."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Stream
from msgspec import Meta, Struct

from ansim.core import push
from ansim.core.database import Database
from ansim.core.feed import Change, Feed
from ansim.core.settings import Settings
from ansim.dispatch.service import DispatchService
from ansim.incidents import screens
from ansim.incidents.looks import Looks
from ansim.incidents.person_api import resume_at, sse
from ansim.people.model import Desk
from ansim.people.service import PeopleService


class StatusChange(Struct, frozen=True, kw_only=True):
    """The next step of a request."""

    status: Literal["acknowledged", "en_route", "on_scene", "done"]
    note: Annotated[str, Meta(max_length=2000)] = ""


class StatusNow(Struct, frozen=True, kw_only=True):
    """Where the request stands."""

    request: str
    status: str


def desk_routes(
    *,
    settings: Settings,
    database: Database,
    feed: Feed,
    dispatch: DispatchService,
    people: PeopleService,
    looks: Looks,
    node: Callable[[], dict[str, Any]],
    status: Callable[[], bytes],
) -> list[HTTPRouteHandler]:
    """The routes under ``/api/desk``."""

    async def load(incident: str) -> screens.Shown:
        return await database.read(lambda conn: screens.incident_shown(conn, incident))

    @get("/api/desk/stream", tags=["desk"])
    async def stream(
        request: Request[Any, Any, Any], desk: NamedDependency[Desk], cursor: FromQuery[int | None] = None
    ) -> Stream:
        """Incidents in which this agency was asked, live (server-sent events)."""
        reader = looks.reader(desk.session, desk.actor, desk.address)
        audience = screens.Agency(desk.agency or "", settings.code, load, reader)

        async def whole() -> tuple[int, bytes]:
            return await screens.snapshot(database, screens.recent, audience, node)

        async def share(change: Change) -> bytes | None:
            return await screens.project(change, audience)

        async def alive() -> bool:
            return await people.session_alive(desk.session)

        frames = push.stream(
            feed,
            cursor=resume_at(request, cursor),
            snapshot=whole,
            project=share,
            status=status,
            alive=alive,
        )
        return sse(frames)

    @post("/api/desk/requests/{request_id:str}/status", status_code=200, tags=["desk"])
    async def change_status(
        request_id: FromPath[str], data: JSONBody[StatusChange], desk: NamedDependency[Desk]
    ) -> StatusNow:
        """Acknowledge, set out, arrive, finish."""
        incident = await dispatch.update(request_id, desk.agency or "", desk.actor, data.status, data.note)
        return StatusNow(request=request_id, status=incident.requests[request_id].status)

    return [stream, change_status]

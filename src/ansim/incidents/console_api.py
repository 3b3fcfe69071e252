"""The console's routes for incidents, on a center. Who may call stands in each signature."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Stream
from msgspec import Meta, Struct

from ansim.core import push
from ansim.core.database import Database
from ansim.core.feed import Change, Feed
from ansim.core.settings import Settings
from ansim.incidents import events as ev
from ansim.incidents import screens, store
from ansim.incidents.aid_api import Peer, aid_routes
from ansim.incidents.duty import Duty
from ansim.incidents.looks import Looks
from ansim.incidents.model import Incident
from ansim.incidents.operations import Operations
from ansim.incidents.person_api import resume_at, sse
from ansim.incidents.view import view
from ansim.people.model import Operator
from ansim.people.service import PeopleService

Text = Annotated[str, Meta(max_length=2000)]


class NoteText(Struct, frozen=True, kw_only=True):
    """A remark."""

    text: Annotated[str, Meta(min_length=1, max_length=2000)]


class Ask(Struct, frozen=True, kw_only=True):
    """A request to an agency."""

    agency: ev.Agency
    note: Text = ""


class Closing(Struct, frozen=True, kw_only=True):
    """How it ended."""

    disposition: ev.Disposition
    reason: Text = ""


def console_routes(
    *,
    settings: Settings,
    database: Database,
    feed: Feed,
    operations: Operations,
    people: PeopleService,
    looks: Looks,
    node: Callable[[], dict[str, Any]],
    status: Callable[[], bytes],
    duty: Duty,
    peers: Callable[[], Sequence[Peer]],
) -> list[HTTPRouteHandler]:
    """The routes under ``/api/console/incidents`` and the console's stream."""

    async def shown(incident: Incident) -> dict[str, Any]:
        position = await database.read(lambda conn: store.newest_position(conn, incident.id))
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(view(incident, position)))
        return plain

    @get("/api/console/stream", tags=["console"])
    async def stream(
        request: Request[Any, Any, Any],
        operator: NamedDependency[Operator],
        cursor: FromQuery[int | None] = None,
    ) -> Stream:
        """All incidents of this center, live (server-sent events)."""
        audience = screens.Console(
            looks.reader(operator.session, operator.actor, operator.address), settings.code
        )

        async def whole() -> tuple[int, bytes]:
            return await screens.snapshot(database, screens.recent, audience, node)

        async def share(change: Change) -> bytes | None:
            return await screens.project(change, audience)

        async def alive() -> bool:
            return await people.session_alive(operator.session)

        frames = push.stream(
            feed,
            cursor=resume_at(request, cursor),
            snapshot=whole,
            project=share,
            status=status,
            alive=alive,
        )
        return sse(duty.while_open(operator, frames))

    @post("/api/console/incidents/{incident:str}/seen", status_code=204, tags=["console"])
    async def seen(incident: FromPath[str], operator: NamedDependency[Operator]) -> None:
        """The alarm is on this operator's screen."""
        await operations.seen(incident, operator.actor)

    @post("/api/console/incidents/{incident:str}/accept", tags=["console"])
    async def accept(
        incident: FromPath[str], operator: NamedDependency[Operator]
    ) -> Response[dict[str, Any]]:
        """Take the incident: 200, or 202 when the hub has to move it here first, or 409 with the holder."""
        taken, ours = await operations.accept(incident, operator.actor)
        return Response(await shown(taken), status_code=200 if ours else 202)

    @post("/api/console/incidents/{incident:str}/notes", status_code=201, tags=["console"])
    async def note(
        incident: FromPath[str], data: JSONBody[NoteText], operator: NamedDependency[Operator]
    ) -> None:
        """Add a remark."""
        await operations.note(incident, operator.actor, data.text)

    @post("/api/console/incidents/{incident:str}/requests", status_code=201, tags=["console"])
    async def ask(
        incident: FromPath[str], data: JSONBody[Ask], operator: NamedDependency[Operator]
    ) -> dict[str, Any]:
        """Request 112 or 119."""
        return await shown(await operations.request(incident, operator.actor, data.agency, data.note))

    @post("/api/console/incidents/{incident:str}/closing", status_code=200, tags=["console"])
    async def close(
        incident: FromPath[str], data: JSONBody[Closing], operator: NamedDependency[Operator]
    ) -> dict[str, Any]:
        """Close, or propose to where a second person must agree."""
        return await shown(await operations.close(incident, operator.actor, data.disposition, data.reason))

    @post("/api/console/incidents/{incident:str}/closing/confirm", status_code=200, tags=["console"])
    async def confirm(incident: FromPath[str], operator: NamedDependency[Operator]) -> dict[str, Any]:
        """Agree to the proposed closing, as somebody else than the proposer."""
        return await shown(await operations.confirm_closing(incident, operator.actor))

    @post("/api/console/incidents/{incident:str}/closing/reject", status_code=200, tags=["console"])
    async def reject(incident: FromPath[str], operator: NamedDependency[Operator]) -> dict[str, Any]:
        """Disagree with the proposed closing."""
        return await shown(await operations.reject_closing(incident, operator.actor))

    return [stream, seen, accept, note, ask, close, confirm, reject, *aid_routes(operations, peers, shown)]

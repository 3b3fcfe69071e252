"""Mutual aid on the console: invite another center to an incident for a while, and thank it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from ansim.core.problems import invalid
from ansim.incidents.events import CenterRef
from ansim.incidents.model import Incident
from ansim.incidents.operations import Operations
from ansim.people.model import Operator


class Peer(Struct, frozen=True, kw_only=True):
    """Another center as the hub last told of it, nearest first."""

    code: str
    name: str
    state: str


class Invitation(Struct, frozen=True, kw_only=True):
    """Whom to ask for help, and for how long."""

    code: Annotated[str, Meta(max_length=16)]
    minutes: Annotated[int, Meta(ge=5, le=720)] = 60
    note: Annotated[str, Meta(max_length=500)] = ""


def aid_routes(
    operations: Operations,
    peers: Callable[[], Sequence[Peer]],
    shown: Callable[[Incident], Awaitable[dict[str, Any]]],
) -> list[HTTPRouteHandler]:
    """The routes for inviting; ``peers`` are the centers that can be asked."""

    @get("/api/console/peers", tags=["console"], sync_to_thread=False)
    def others(operator: NamedDependency[Operator]) -> list[Peer]:
        """The centers that can be asked for help."""
        return list(peers())

    @post("/api/console/incidents/{incident:str}/aid", status_code=201, tags=["console"])
    async def invite(
        incident: FromPath[str], data: JSONBody[Invitation], operator: NamedDependency[Operator]
    ) -> dict[str, Any]:
        """Ask a center to help."""
        center = next((peer for peer in peers() if peer.code == data.code), None)
        if center is None:
            raise invalid("code", "연결된 센터가 아닙니다.", "No center that can be asked has this code.")
        asked = CenterRef(code=center.code, name=center.name)
        return await shown(await operations.invite(incident, operator.actor, asked, data.minutes, data.note))

    @delete("/api/console/incidents/{incident:str}/aid/{code:str}", status_code=200, tags=["console"])
    async def end(
        incident: FromPath[str], code: FromPath[str], operator: NamedDependency[Operator]
    ) -> dict[str, Any]:
        """The help is needed no more."""
        return await shown(await operations.end_aid(incident, operator.actor, code))

    return [others, invite, end]

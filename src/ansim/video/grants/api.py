"""Sharing a camera, breaking the glass, and whose eyes a connection is."""

from typing import Annotated, Any

from litestar import post
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from ansim.core.limits import per_client
from ansim.core.problems import unauthorized
from ansim.incidents import events as ev
from ansim.people.access import cookie_name
from ansim.people.model import CONSOLE_ROLES, Operator, SessionKind, Staff, StaffMember
from ansim.people.service import PeopleService
from ansim.video.grants.model import Viewer
from ansim.video.grants.service import Grants

_SIGNATURES_PER_MINUTE = 10


class Sharing(Struct, frozen=True, kw_only=True):
    """With which agency, and whether from now on or no longer."""

    agency: ev.Agency
    shared: bool = True


class Glass(Struct, frozen=True, kw_only=True):
    """Why two people open the camera; the second signs with login and password."""

    reason: Annotated[str, Meta(min_length=5, max_length=500)]
    second_login: Annotated[str, Meta(min_length=1, max_length=60)]
    second_password: Annotated[str, Meta(min_length=1, max_length=200)]


class Spot(Struct, frozen=True, kw_only=True):
    """Where in the picture she is, from 0 to 1, from the top left corner."""

    x: Annotated[float, Meta(ge=0, le=1)]
    y: Annotated[float, Meta(ge=0, le=1)]


class Opened(Struct, frozen=True, kw_only=True):
    """Until when (ISO-8601) the camera is open."""

    camera: str
    until: str


def viewer(staff: Staff) -> Viewer:
    """A signed-in staff member as somebody who wants to look."""
    return Viewer(
        id=staff.id, name=staff.name, session=staff.session, address=staff.address, agency=staff.agency
    )


async def viewer_of(
    people: PeopleService, connection: ASGIConnection[Any, Any, Any, Any], page: SessionKind
) -> Viewer:
    """Whose eyes a request or socket is, by the session cookie of ``page`` (console or desk); 401 else."""
    token = connection.cookies.get(cookie_name(people.settings, page), "")
    found = await people.sessions.find(page, token)
    if found is None or found.expired or not isinstance(found.subject, StaffMember):
        raise unauthorized()
    member = found.subject
    if not (member.role == "agency" if page == "desk" else member.role in CONSOLE_ROLES):
        raise unauthorized()
    address = connection.client.host if connection.client else ""
    return Viewer(
        id=member.id,
        name=member.name,
        session=found.session.id,
        address=address,
        agency=member.agency if page == "desk" else None,
    )


def grant_routes(grants: Grants, people: PeopleService) -> list[HTTPRouteHandler]:
    """The console's routes for sharing and for breaking the glass."""

    @post(
        "/api/console/incidents/{incident:str}/cameras/{camera:str}/sharing", status_code=204, tags=["video"]
    )
    async def share(
        incident: FromPath[str],
        camera: FromPath[str],
        data: JSONBody[Sharing],
        operator: NamedDependency[Operator],
    ) -> None:
        """Let an agency that was asked look through this camera, or no longer."""
        await grants.share(viewer(operator), incident, camera, data.agency, on=data.shared)

    @post(
        "/api/console/incidents/{incident:str}/cameras/{camera:str}/glass",
        status_code=201,
        middleware=[per_client("glass", _SIGNATURES_PER_MINUTE)],
        tags=["video"],
    )
    async def break_glass(
        incident: FromPath[str],
        camera: FromPath[str],
        data: JSONBody[Glass],
        operator: NamedDependency[Operator],
    ) -> Opened:
        """Open a camera that the rule keeps shut: two people, a reason, and everybody is told."""
        second = await people.accounts.verify(
            "console", data.second_login, data.second_password, operator.address
        )
        hold = await grants.break_glass(viewer(operator), second, incident, camera, data.reason)
        return Opened(camera=hold.grant.camera, until=hold.grant.expires_at)

    @post(
        "/api/console/incidents/{incident:str}/cameras/{camera:str}/sighting", status_code=204, tags=["video"]
    )
    async def sighted(
        incident: FromPath[str],
        camera: FromPath[str],
        data: JSONBody[Spot],
        operator: NamedDependency[Operator],
    ) -> None:
        """The operator sees her on this camera."""
        await grants.sighted(viewer(operator), incident, camera, data.x, data.y)

    return [share, break_glass, sighted]

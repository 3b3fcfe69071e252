"""Who may call a route stands in its signature: ``operator: NamedDependency[Operator]`` and so on."""

from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import Cookie
from litestar.di import Provide

from ansim.core.limits import address_of
from ansim.core.problems import forbidden, unauthorized
from ansim.core.settings import Settings
from ansim.people.model import (
    PAGE_ROLES,
    Citizen,
    Desk,
    NationalOperator,
    Operator,
    Person,
    SessionKind,
    StaffMember,
    Supervisor,
)
from ansim.people.service import PeopleService
from ansim.people.sessions import Found

_YEAR_S = 365 * 86_400


def cookie_name(settings: Settings, kind: SessionKind) -> str:
    """The session cookie of a page on this node: nodes on one host must not overwrite each other's."""
    return f"ansim_{settings.code}_{kind}"


def session_cookie(settings: Settings, kind: SessionKind, token: str) -> Cookie:
    """The cookie that holds a session's token.

    A citizen's outlives her session, so that an SOS still says who she is when her login has expired.
    """
    return Cookie(
        key=cookie_name(settings, kind),
        value=token,
        max_age=_YEAR_S if kind == "citizen" else None,
        path="/",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax" if kind == "citizen" else "strict",
    )


def no_cookie(settings: Settings, kind: SessionKind) -> Cookie:
    """The cookie that deletes it."""
    cookie = session_cookie(settings, kind, "")
    cookie.max_age, cookie.expires = 0, 0
    return cookie


async def found(people: PeopleService, request: Request[Any, Any, Any], kind: SessionKind) -> Found | None:
    """The session that the request's cookie names, expired or not."""
    token = request.cookies.get(cookie_name(people.settings, kind), "")
    return await people.sessions.find(kind, token)


def dependencies(people: PeopleService) -> dict[str, Provide]:
    """The people a handler can ask for by parameter name.

    ``operator``, ``supervisor``: 401 without a console session, 403 without the role. ``desk``: an agency's
    session. ``national``: a national operator's. ``citizen``: her session. ``caller``: the citizen when she
    is known, though her login may have expired (``expired``), else None; never refuses.
    """

    async def operator(request: Request[Any, Any, Any]) -> Operator:
        return Operator(**_staff(await found(people, request, "console"), request))

    async def supervisor(request: Request[Any, Any, Any]) -> Supervisor:
        fields = _staff(await found(people, request, "console"), request)
        if fields["role"] not in ("supervisor", "admin"):
            raise forbidden("책임자 권한이 필요합니다.", "A supervisor's rights are needed.")
        return Supervisor(**fields)

    async def desk(request: Request[Any, Any, Any]) -> Desk:
        return Desk(**_staff(await found(people, request, "desk"), request))

    async def national(request: Request[Any, Any, Any]) -> NationalOperator:
        return NationalOperator(**_staff(await found(people, request, "national"), request))

    async def caller(request: Request[Any, Any, Any]) -> Citizen | None:
        session = await found(people, request, "citizen")
        if session is None or not isinstance(session.subject, Person):
            return None
        return _citizen(session, session.subject, request)

    async def citizen(request: Request[Any, Any, Any]) -> Citizen:
        known = await caller(request)
        if known is None or known.expired:
            raise unauthorized()
        return known

    return {
        "operator": Provide(operator),
        "supervisor": Provide(supervisor),
        "desk": Provide(desk),
        "national": Provide(national),
        "citizen": Provide(citizen),
        "caller": Provide(caller),
    }


def _staff(session: Found | None, request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The fields of a signed-in staff member; the role is looked at anew at every request."""
    if session is None or session.expired or not isinstance(session.subject, StaffMember):
        raise unauthorized()
    member = session.subject
    if member.role not in PAGE_ROLES[session.session.kind]:
        raise forbidden()
    return {
        "id": member.id,
        "login": member.login,
        "name": member.name,
        "role": member.role,
        "agency": member.agency,
        "session": session.session.id,
        "address": address_of(request),
    }


def _citizen(session: Found, person: Person, request: Request[Any, Any, Any]) -> Citizen:
    return msgspec.convert(
        {
            "id": person.id,
            "name": person.name,
            "phone": person.phone,
            "session": session.session.id,
            "address": address_of(request),
            "expired": session.expired,
        },
        Citizen,
    )

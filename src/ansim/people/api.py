"""Registration, sign-in and profile over HTTP."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from litestar import Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from litestar.types import Middleware
from msgspec import UNSET, Meta, Struct, UnsetType

from ansim.core.limits import address_of, per_client
from ansim.ledger.service import Look, looks
from ansim.people.access import found, no_cookie, session_cookie
from ansim.people.model import (
    AgencyCode,
    Citizen,
    CitizenSettings,
    Consent,
    Desk,
    Guardian,
    Name,
    Note,
    Operator,
    Person,
    PhoneText,
    Pin,
    Role,
    Staff,
    StaffMember,
    spoken_phone,
)
from ansim.people.service import PeopleService

SIGN_INS_PER_MINUTE = 10
"""Per client and kind of route."""

Code = Annotated[str, Meta(min_length=4, max_length=12)]


class CodeRequest(Struct, frozen=True, kw_only=True):
    """Where to send a one-time code."""

    phone: PhoneText


class CodeSent(Struct, frozen=True, kw_only=True):
    """Seconds until the code is void."""

    expires_in: int


class Registration(Struct, frozen=True, kw_only=True):
    """Everything the hub needs to know of a person."""

    phone: PhoneText
    code: Code
    name: Name
    pin: Pin
    duress_pin: Pin | None = None
    consent: Consent
    note: Note = ""


class CitizenSignIn(Struct, frozen=True, kw_only=True):
    """A registered phone and the code sent to it."""

    phone: PhoneText
    code: Code


class MeChange(Struct, frozen=True, kw_only=True):
    """What is given is changed."""

    name: Name | UnsetType = UNSET
    note: Note | UnsetType = UNSET
    settings: CitizenSettings | UnsetType = UNSET
    consent: Consent | UnsetType = UNSET


class PinChange(Struct, frozen=True, kw_only=True):
    """``pin`` is the present one; ``duress_pin`` null removes it."""

    pin: Pin
    new_pin: Pin | None = None
    duress_pin: Pin | UnsetType | None = UNSET


class Me(Struct, frozen=True, kw_only=True):
    """A person as she sees herself."""

    id: str
    name: str
    phone: str
    note: str
    consent: Consent
    guardians: list[Guardian]
    settings: CitizenSettings
    has_duress_pin: bool


class StaffSignIn(Struct, frozen=True, kw_only=True):
    """Login and password."""

    login: Annotated[str, Meta(min_length=1, max_length=60)]
    password: Annotated[str, Meta(min_length=1, max_length=200)]


class StaffMe(Struct, frozen=True, kw_only=True):
    """A staff member as the page shows them."""

    id: str
    name: str
    role: Role
    agency: AgencyCode | None
    on_duty: bool


def citizen_routes(
    people: PeopleService,
    *,
    per_minute: int = SIGN_INS_PER_MINUTE,
    center_name: Callable[[str], str] = str,
) -> list[HTTPRouteHandler]:
    """The hub's routes; ``center_name`` turns a node's code into what people call it."""
    citizens, settings = people.citizens, people.settings
    codes: Sequence[Middleware] = [per_client("code", per_minute)]
    entries: Sequence[Middleware] = [per_client("citizen", per_minute)]

    async def me_of(person_id: str) -> Me:
        return _me(*await citizens.me(person_id))

    @post("/api/registration/code", status_code=202, middleware=codes, tags=["citizen"])
    async def send_code(data: JSONBody[CodeRequest]) -> CodeSent:
        """Send a one-time code to a phone."""
        return CodeSent(expires_in=await people.codes.send(data.phone))

    @post("/api/registration", status_code=201, middleware=entries, tags=["citizen"])
    async def register(data: JSONBody[Registration], request: Request[Any, Any, Any]) -> Response[Me]:
        """Register, and sign in on this device."""
        token, person, _ = await citizens.register(
            phone=data.phone,
            code=data.code,
            name=data.name,
            pin=data.pin,
            duress_pin=data.duress_pin,
            consent=data.consent,
            note=data.note,
            address=address_of(request),
        )
        return Response(_me(person, []), cookies=[session_cookie(settings, "citizen", token)])

    @post("/api/session", status_code=200, middleware=entries, tags=["citizen"])
    async def sign_in(data: JSONBody[CitizenSignIn], request: Request[Any, Any, Any]) -> Response[Me]:
        """Sign in with a registered phone on another device."""
        token, person, _ = await citizens.sign_in(data.phone, data.code, address_of(request))
        cookies = [session_cookie(settings, "citizen", token)]
        return Response(await me_of(person.id), cookies=cookies)

    @delete("/api/session", status_code=204, tags=["citizen"])
    async def sign_out(request: Request[Any, Any, Any]) -> Response[None]:
        """Sign out on this device."""
        session = await found(people, request, "citizen")
        if session is not None:
            await people.sign_out(session.session.id)
        return Response(None, cookies=[no_cookie(settings, "citizen")])

    @get("/api/me", tags=["citizen"])
    async def me(citizen: NamedDependency[Citizen]) -> Me:
        """Her profile, guardians and settings."""
        return await me_of(citizen.id)

    @put("/api/me", tags=["citizen"])
    async def change_me(data: JSONBody[MeChange], citizen: NamedDependency[Citizen]) -> Me:
        """Change name, note, settings or consent."""
        given = {name: getattr(data, name) for name in data.__struct_fields__}
        await citizens.update(citizen, **{name: value for name, value in given.items() if value is not UNSET})
        return await me_of(citizen.id)

    @put("/api/me/guardians", tags=["citizen"])
    async def set_guardians(data: JSONBody[list[Guardian]], citizen: NamedDependency[Citizen]) -> Me:
        """Replace her guardians (at most five)."""
        await citizens.set_guardians(citizen, data)
        return await me_of(citizen.id)

    @put("/api/me/pin", middleware=entries, tags=["citizen"])
    async def set_pin(data: JSONBody[PinChange], citizen: NamedDependency[Citizen]) -> Me:
        """Change her PIN, her duress PIN, or both."""
        duress: str | Literal[False] | None = None
        if data.duress_pin is not UNSET:
            duress = data.duress_pin or False
        await people.pins.change(citizen, data.pin, data.new_pin, duress)
        return await me_of(citizen.id)

    @get("/api/me/looks", tags=["citizen"])
    async def my_looks(citizen: NamedDependency[Citizen]) -> list[Look]:
        """Who looked at her position, or was given it, newest first."""
        seen = await people.database.read(lambda conn: looks(conn, citizen.id))
        return [Look(**{**look, "center": center_name(look["center"])}) for look in seen]

    return [
        send_code,
        register,
        sign_in,
        sign_out,
        me,
        change_me,
        set_guardians,
        set_pin,
        my_looks,
    ]


def staff_routes(people: PeopleService, *, per_minute: int = SIGN_INS_PER_MINUTE) -> list[HTTPRouteHandler]:
    """A center's routes for both pages, console and desk."""
    limit: Sequence[Middleware] = [per_client("staff", per_minute)]

    @get("/api/console/me", tags=["console"])
    async def console_me(operator: NamedDependency[Operator]) -> StaffMe:
        """Who is signed in at the console."""
        return _staff_me(operator, on_duty=await people.duty.on_duty(operator.id))

    @get("/api/desk/me", tags=["desk"])
    async def desk_me(desk: NamedDependency[Desk]) -> StaffMe:
        """Who is signed in at the desk."""
        return _staff_me(desk, on_duty=await people.duty.on_duty(desk.id))

    return [
        *_staff_session(people, "console", limit),
        *_staff_session(people, "desk", limit),
        console_me,
        desk_me,
    ]


def _staff_session(
    people: PeopleService, app: Literal["console", "desk"], limit: Sequence[Middleware]
) -> list[HTTPRouteHandler]:
    path = f"/api/{app}/session"

    @post(path, status_code=200, middleware=limit, tags=[app], operation_id=f"{app}_sign_in")
    async def sign_in(data: JSONBody[StaffSignIn], request: Request[Any, Any, Any]) -> Response[StaffMe]:
        """Sign in with login and password."""
        token, member, _ = await people.accounts.sign_in(app, data.login, data.password, address_of(request))
        return Response(_staff_me(member), cookies=[session_cookie(people.settings, app, token)])

    @delete(path, status_code=204, tags=[app], operation_id=f"{app}_sign_out")
    async def sign_out(request: Request[Any, Any, Any]) -> Response[None]:
        """Sign out."""
        session = await found(people, request, app)
        if session is not None:
            await people.sign_out(session.session.id)
        return Response(None, cookies=[no_cookie(people.settings, app)])

    return [sign_in, sign_out]


def _staff_me(staff: Staff | StaffMember, *, on_duty: bool = True) -> StaffMe:
    return StaffMe(id=staff.id, name=staff.name, role=staff.role, agency=staff.agency, on_duty=on_duty)


def _me(person: Person, guardians: list[Guardian]) -> Me:
    return Me(
        id=person.id,
        name=person.name,
        phone=spoken_phone(person.phone),
        note=person.note,
        consent=person.consent,
        guardians=[Guardian(name=one.name, phone=spoken_phone(one.phone)) for one in guardians],
        settings=person.settings,
        has_duress_pin=person.duress_hash is not None,
    )

"""Accounts that a center makes for itself: the drill's robots, and a demonstration's people."""

from ansim.core.actors import system
from ansim.core.secrets import secret
from ansim.core.settings import Settings
from ansim.core.web import DemoSignIn
from ansim.drill.service import ROBOT_DESK, ROBOT_OPERATOR
from ansim.people.model import AgencyCode, Role
from ansim.people.service import PeopleService

_DEMO: tuple[tuple[str, str, Role, AgencyCode | None], ...] = (
    ("op1", "김안심 관제요원", "operator", None),
    ("op2", "이든든 관제요원", "operator", None),
    ("chief", "박살핌 책임자", "supervisor", None),
    ("desk112", "112 상황실", "agency", "112"),
    ("desk119", "119 상황실", "agency", "119"),
)


_HUB_DEMO: tuple[tuple[str, str, Role, AgencyCode | None], ...] = (
    ("national", "전국 상황 담당", "national", None),
)


def robot_password(settings: Settings) -> str:
    """The secret of the drill's robots on this node."""
    return secret(settings.data_dir, "robot")


def demo_signins(settings: Settings) -> list[DemoSignIn]:
    """The demonstration's sign-ins, their passwords made at the first start; none otherwise."""
    if not settings.demo:
        return []
    return [
        DemoSignIn(
            app="desk" if role == "agency" else "national" if role == "national" else "console",
            login=login,
            password=secret(settings.data_dir, f"demo-{login}", 9),
            name=name,
            agency=agency,
        )
        for login, name, role, agency in (_HUB_DEMO if settings.role == "hub" else _DEMO)
    ]


async def seed_staff(people: PeopleService, settings: Settings) -> None:
    """Add the accounts that are not there yet."""
    known = {member.login for member in await people.accounts.all()}
    robots: list[tuple[str, str, Role, AgencyCode | None, str]] = [
        (ROBOT_OPERATOR, "훈련 로봇 (관제)", "operator", None, robot_password(settings)),
        (ROBOT_DESK, "훈련 로봇 (기관)", "agency", "exercise", robot_password(settings)),
    ]
    if settings.role == "hub":
        robots = []
    roles = {login: (role, agency) for login, _, role, agency in (*_HUB_DEMO, *_DEMO)}
    shown = [(one.login, one.name, *roles[one.login], one.password) for one in demo_signins(settings)]
    for login, name, role, agency, password in (*robots, *shown):
        if login not in known:
            await people.accounts.add(
                login=login,
                name=name,
                role=role,
                agency=agency,
                password=password,
                by=system(settings.code),
            )

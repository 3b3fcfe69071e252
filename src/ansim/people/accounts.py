"""Staff accounts: adding them, signing in and out. Every sign-in and every failure goes into the ledger."""

import time
from collections.abc import Callable

from ansim.core.actors import Actor
from ansim.core.clock import iso, now
from ansim.core.database import Database, Tx
from ansim.core.ids import new_id
from ansim.core.problems import Problem, invalid
from ansim.ledger.service import Ledger
from ansim.people import duty, refusals, store
from ansim.people.hashes import Hashes
from ansim.people.model import (
    CONSOLE_ROLES,
    AgencyCode,
    Attempts,
    Role,
    Session,
    SessionKind,
    StaffMember,
    clean_text,
)
from ansim.people.sessions import Sessions

_FAILURES = 10
_LOCKED_S = 300.0
_PASSWORD_MIN = 8


class Accounts:
    """The staff of one node."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        sessions: Sessions,
        hashes: Hashes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._sessions = sessions
        self._hashes = hashes
        self._attempts = Attempts(_FAILURES, _LOCKED_S, clock)

    async def add(
        self, *, login: str, name: str, role: Role, agency: AgencyCode | None, password: str, by: Actor
    ) -> StaffMember:
        """Add an account; a Problem names the field that is wrong or taken."""
        login, name = normal_login(login), clean_text(name)
        if not login or len(login) > 60:
            raise invalid("login", "아이디는 1~60자여야 합니다.", "The login must have 1 to 60 characters.")
        if not name or len(name) > 60:
            raise invalid("name", "이름은 1~60자여야 합니다.", "The name must have 1 to 60 characters.")
        if (role == "agency") != (agency is not None):
            raise invalid(
                "agency",
                "agency 역할에만, 반드시 기관을 지정해 주세요.",
                "An agency account needs its agency; other roles have none.",
            )
        if not _PASSWORD_MIN <= len(password) <= 200:
            raise invalid("password", "비밀번호는 8자 이상이어야 합니다.", "The password needs 8 characters.")
        member = StaffMember(
            id=new_id(),
            login=login,
            name=name,
            role=role,
            agency=agency,
            password_hash=await self._hashes.of_password(password),
            active=True,
            created_at=iso(now()),
        )

        def write(tx: Tx) -> bool:
            added = store.insert_staff(tx, member)
            if added:
                self._ledger.record(
                    tx, actor=by, action="admin", what=f"계정 추가: {login} ({role})", why="계정 관리"
                )
            return added

        if not await self._database.write(write):
            raise Problem(
                409,
                "login-taken",
                ("이미 있는 아이디입니다.", "This login is taken."),
                (f"아이디 {login}은(는) 이미 있습니다.", f"The login {login} exists already."),
                field="login",
            )
        return member

    async def all(self) -> list[StaffMember]:
        """Every account, by login."""
        return await self._database.read(store.all_staff)

    async def deactivate(self, staff_id: str, by: Actor) -> None:
        """Close an account: its sessions end with it."""

        def write(tx: Tx) -> None:
            store.update_staff(tx, staff_id, active=False)
            self._sessions.close(tx, subject=staff_id)
            self._ledger.record(tx, actor=by, action="admin", what=f"계정 정지: {staff_id}", why="계정 관리")

        await self._database.write(write)

    async def sign_in(
        self, app: SessionKind, login: str, password: str, address: str
    ) -> tuple[str, StaffMember, Session]:
        """Sign in at a page; returns the token for the cookie, and begins the duty."""
        member = await self.verify(app, login, password, address)
        actor = _actor(member)

        def write(tx: Tx) -> tuple[str, Session]:
            token, session = self._sessions.open(tx, app, member.id, address)
            duty.begin(tx, member.id)
            self._ledger.record(tx, actor=actor, action="sign_in", what=app, why="근무", source=address)
            return token, session

        token, session = await self._database.write(write)
        return token, member, session

    async def verify(self, app: SessionKind, login: str, password: str, address: str) -> StaffMember:
        """Whose login and password these are; raises the refusal. An unknown login takes as long.

        Also how a second person signs something on the first one's screen.
        """
        login = normal_login(login)
        key = f"{login}|{address}"
        if not self._attempts.begin(key):
            raise refusals.too_many_attempts(self._attempts.retry_after(key))
        member = await self._database.read(lambda conn: store.staff_by_login(conn, login))
        stored = member.password_hash if member is not None and member.active else None
        if not await self._hashes.is_password(stored, password) or member is None:
            await self._failed(member, login, address, "비밀번호 불일치")
            raise refusals.sign_in_failed()
        if (app == "desk") != (member.role == "agency") or (app == "console") != (
            member.role in CONSOLE_ROLES
        ):
            await self._failed(member, login, address, "다른 화면의 계정")
            raise refusals.other_page(app)
        self._attempts.succeed(key)
        return member

    async def _failed(self, member: StaffMember | None, login: str, address: str, why: str) -> None:
        unknown = Actor(kind="staff", id="", name=login[:60])
        actor = _actor(member) if member is not None else unknown
        await self._database.write(
            lambda tx: self._ledger.record(
                tx, actor=actor, action="sign_in_failed", what="로그인 실패", why=why, source=address
            )
        )


def normal_login(login: str) -> str:
    """A login as it is kept and compared."""
    return clean_text(login).casefold()


def _actor(member: StaffMember) -> Actor:
    return Actor(kind="agency" if member.role == "agency" else "staff", id=member.id, name=member.name)

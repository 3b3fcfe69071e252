"""Who is signed in: cookies carry a random token, the database its hash, memory the recent answers."""

import contextlib
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

import msgspec
from sqlalchemy.engine import Connection

from ansim.core.database import Database, Overloaded, Tx
from ansim.core.ids import new_id, new_secret
from ansim.people import store
from ansim.people.model import Person, Session, SessionKind, StaffMember

LASTS_S: dict[SessionKind, float] = {"console": 12 * 3600.0, "desk": 12 * 3600.0, "citizen": 90 * 86_400.0}
"""How long a session lasts after its last use."""
_TOUCH_S: dict[SessionKind, float] = {"console": 300.0, "desk": 300.0, "citizen": 86_400.0}
"""A use is written down at most this often: reading must not cost a write each time."""
_TRUST_S = 5.0
"""Another process (a command) may end a session: memory is believed no longer than this."""
_MOST = 10_000
_TOKEN_MAX = 100

Subject = StaffMember | Person


class Found(msgspec.Struct, frozen=True):
    """A session with the person it belongs to; ``expired`` when it has ended by itself."""

    session: Session
    subject: Subject
    expired: bool


class Sessions:
    """The sessions of one node."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._known: OrderedDict[str, tuple[Session, Subject, float]] = OrderedDict()
        self._generation = 0
        self.ended_listeners: list[Callable[[list[str]], None]] = []
        """Hear, after the commit, which sessions (ids) were ended."""

    def open(self, tx: Tx, kind: SessionKind, subject: str, address: str) -> tuple[str, Session]:
        """Begin a session with the transaction; returns the token for the cookie."""
        token, now = new_secret(), self._clock()
        opened = Session(
            id=new_id(),
            kind=kind,
            subject=subject,
            created_at=now,
            expires_at=now + LASTS_S[kind],
            last_seen=now,
            revoked_at=None,
            address=address[:60],
        )
        store.insert_session(tx, _hash(token), opened)
        return token, opened

    async def find(self, kind: SessionKind, token: str) -> Found | None:
        """The session of a cookie: None when unknown, signed out, or its owner is no longer active.

        Using a session moves its end; one that has ended by itself is still found, marked expired.
        """
        if not token or len(token) > _TOKEN_MAX:
            return None
        known = await self._look_up(_hash(token))
        if known is None or known[0].kind != kind:
            return None
        session, subject = known
        now = self._clock()
        if now >= session.expires_at:
            return Found(session, subject, expired=True)
        if now - session.last_seen >= _TOUCH_S[kind]:
            with contextlib.suppress(Overloaded):  # written down at the next use: it must not refuse this one
                await self._database.write(
                    lambda tx: store.touch_session(tx, session.id, now, now + LASTS_S[kind])
                )
                self._forget([session.id])
        return Found(session, subject, expired=False)

    async def alive(self, session_id: str) -> bool:
        """Whether a session (by id) may still be used: what an open stream asks now and then."""

        def read(conn: Connection) -> Session | None:
            session = store.session_by_id(conn, session_id)
            return session if session is not None and _subject(conn, session) is not None else None

        session = await self._database.read(read)
        return session is not None and session.revoked_at is None and self._clock() < session.expires_at

    def close(self, tx: Tx, *, session_id: str = "", subject: str = "") -> int:
        """End one session, or all of a subject, with the transaction; returns how many."""
        ended = store.revoke_sessions(tx, self._clock(), session_id=session_id, subject=subject)
        tx.on_commit(lambda: self._ended(ended))
        return len(ended)

    def changed(self, tx: Tx, subject: str) -> None:
        """A subject's details changed with the transaction: read them again."""
        tx.on_commit(lambda: self._forget_subject(subject))

    async def _look_up(self, token: str) -> tuple[Session, Subject] | None:
        known = self._known.get(token)
        if known is not None and self._clock() - known[2] < _TRUST_S:
            return known[0], known[1]
        generation = self._generation

        def read(conn: Connection) -> tuple[Session, Subject] | None:
            session = store.session_by_token(conn, token)
            if session is None or session.revoked_at is not None:
                return None
            subject = _subject(conn, session)
            return None if subject is None else (session, subject)

        found = await self._database.read(read)
        if found is None:
            self._known.pop(token, None)
            return None
        if generation == self._generation:  # else something ended while we read: do not remember
            self._known[token] = (*found, self._clock())
            self._known.move_to_end(token)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return found

    def living(self, conn: Connection, session_ids: Iterable[str]) -> set[str]:
        """Which of these sessions may still be used, in the reader's own transaction."""
        found = (store.session_by_id(conn, one) for one in session_ids)
        return {
            one.id
            for one in found
            if one is not None
            and one.revoked_at is None
            and self._clock() < one.expires_at
            and _subject(conn, one) is not None
        }

    def _ended(self, session_ids: list[str]) -> None:
        self._forget(session_ids)
        for listener in self.ended_listeners:
            listener(session_ids)

    def _forget(self, session_ids: list[str]) -> None:
        self._drop([token for token, known in self._known.items() if known[0].id in session_ids])

    def _forget_subject(self, subject: str) -> None:
        self._drop([token for token, known in self._known.items() if known[0].subject == subject])

    def _drop(self, tokens: list[str]) -> None:
        self._generation += 1
        for token in tokens:
            del self._known[token]


def _subject(conn: Connection, session: Session) -> Subject | None:
    if session.kind == "citizen":
        return store.person_by(conn, person_id=session.subject)
    member = store.staff_by_id(conn, session.subject)
    return member if member is not None and member.active else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()

"""The tables of people, and their SQL."""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ansim.core.database import Tx, metadata
from ansim.people.model import CitizenSettings, Consent, Guardian, Person, Session, StaffMember

staff = sa.Table(
    "staff",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("login", sa.String(60), nullable=False, unique=True),
    sa.Column("name", sa.String(60), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("agency", sa.String(16)),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.String(24), nullable=False),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("token", sa.String(64), nullable=False, unique=True),  # SHA-256 of what the cookie holds
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("subject", sa.String(36), nullable=False, index=True),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("last_seen", sa.Float, nullable=False),
    sa.Column("revoked_at", sa.Float),
    sa.Column("address", sa.String(60), nullable=False),
)

person = sa.Table(
    "person",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("phone", sa.String(16), nullable=False, unique=True),
    sa.Column("name", sa.String(60), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("pin_hash", sa.Text, nullable=False),
    sa.Column("duress_hash", sa.Text),
    sa.Column("consent", sa.Text, nullable=False),  # JSON
    sa.Column("consent_at", sa.String(24), nullable=False),
    sa.Column("settings", sa.Text, nullable=False),  # JSON
    sa.Column("created_at", sa.String(24), nullable=False),
)

guardian = sa.Table(
    "guardian",
    metadata,
    sa.Column("person_id", sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(60), nullable=False),
    sa.Column("phone", sa.String(16), nullable=False),
)

one_time_code = sa.Table(
    "one_time_code",
    metadata,
    sa.Column("phone", sa.String(16), primary_key=True),
    sa.Column("mac", sa.String(64), nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("sent", sa.Integer, nullable=False),
    sa.Column("sent_since", sa.Float, nullable=False),
)


def insert_staff(tx: Tx, member: StaffMember) -> bool:
    """Add an account; False when the login is taken."""
    return tx.insert_new(staff, [msgspec.structs.asdict(member)]) == 1


def update_staff(tx: Tx, staff_id: str, **changes: Any) -> None:
    """Change columns of an account."""
    tx.execute(staff.update().where(staff.c.id == staff_id).values(**changes))


def staff_by_login(conn: Connection, login: str) -> StaffMember | None:
    """The account with this login."""
    row = conn.execute(sa.select(staff).where(staff.c.login == login)).first()
    return StaffMember(**row._mapping) if row is not None else None


def all_staff(conn: Connection) -> list[StaffMember]:
    """Every account, by login."""
    return [StaffMember(**row._mapping) for row in conn.execute(sa.select(staff).order_by(staff.c.login))]


_SESSION = [session.c[name] for name in Session.__struct_fields__]


def insert_session(tx: Tx, token: str, opened: Session) -> None:
    """Keep a session under the hash of its token."""
    tx.execute(session.insert(), msgspec.structs.asdict(opened) | {"token": token})


def session_by_token(conn: Connection, token: str) -> Session | None:
    """The session of this token's hash."""
    row = conn.execute(sa.select(*_SESSION).where(session.c.token == token)).first()
    return Session(**row._mapping) if row is not None else None


def session_by_id(conn: Connection, session_id: str) -> Session | None:
    """The session with this id."""
    row = conn.execute(sa.select(*_SESSION).where(session.c.id == session_id)).first()
    return Session(**row._mapping) if row is not None else None


def touch_session(tx: Tx, session_id: str, last_seen: float, expires_at: float) -> None:
    """Move a session's end, unless it was revoked meanwhile."""
    tx.execute(
        session.update()
        .where(session.c.id == session_id, session.c.revoked_at.is_(None))
        .values(last_seen=last_seen, expires_at=expires_at)
    )


def revoke_sessions(tx: Tx, at: float, *, session_id: str = "", subject: str = "") -> list[str]:
    """End one session or all of a subject; returns the ids of those ended."""
    which = session.c.id == session_id if session_id else session.c.subject == subject
    open_ones = sa.and_(which, session.c.revoked_at.is_(None))
    ids = list(tx.execute(sa.select(session.c.id).where(open_ones)).scalars())
    tx.execute(session.update().where(open_ones).values(revoked_at=at))
    return ids


def staff_by_id(conn: Connection, staff_id: str) -> StaffMember | None:
    """The account with this id."""
    row = conn.execute(sa.select(staff).where(staff.c.id == staff_id)).first()
    return StaffMember(**row._mapping) if row is not None else None


def insert_person(tx: Tx, one: Person) -> bool:
    """Add a person; False when the phone number is registered."""
    return tx.insert_new(person, [_person_row(one)]) == 1


def update_person(tx: Tx, one: Person) -> None:
    """Store every field of a person."""
    row = _person_row(one)
    tx.execute(person.update().where(person.c.id == row.pop("id")).values(**row))


def person_by(conn: Connection, *, person_id: str = "", phone: str = "") -> Person | None:
    """The person with this id or this phone number."""
    which = person.c.id == person_id if person_id else person.c.phone == phone
    row = conn.execute(sa.select(person).where(which)).first()
    return _person(row) if row is not None else None


def replace_guardians(tx: Tx, person_id: str, guardians: Sequence[Guardian]) -> None:
    """Set a person's guardians, in order."""
    tx.execute(guardian.delete().where(guardian.c.person_id == person_id))
    rows = [
        {"person_id": person_id, "position": position, "name": one.name, "phone": one.phone}
        for position, one in enumerate(guardians)
    ]
    if rows:
        tx.execute(guardian.insert(), rows)


def guardians_of(conn: Connection, person_id: str) -> list[Guardian]:
    """A person's guardians, in order."""
    query = sa.select(guardian.c.name, guardian.c.phone).where(guardian.c.person_id == person_id)
    rows = conn.execute(query.order_by(guardian.c.position))
    return [Guardian(name=row.name, phone=row.phone) for row in rows]


def code_of(conn: Connection, phone: str) -> sa.Row[Any] | None:
    """The one-time code row of a phone number."""
    return conn.execute(sa.select(one_time_code).where(one_time_code.c.phone == phone)).first()


def put_code(tx: Tx, **row: Any) -> None:
    """Replace the code of a phone number."""
    tx.execute(one_time_code.delete().where(one_time_code.c.phone == row["phone"]))
    tx.execute(one_time_code.insert(), row)


def update_code(tx: Tx, phone: str, **changes: Any) -> None:
    """Change columns of a phone number's code."""
    tx.execute(one_time_code.update().where(one_time_code.c.phone == phone).values(**changes))


def forget_codes(tx: Tx, before: float) -> None:
    """Drop codes whose sending window lies before this time."""
    tx.execute(
        one_time_code.delete().where(one_time_code.c.expires_at < before, one_time_code.c.sent_since < before)
    )


def _person_row(one: Person) -> dict[str, Any]:
    consent = msgspec.structs.asdict(one.consent)
    return {
        "id": one.id,
        "phone": one.phone,
        "name": one.name,
        "note": one.note,
        "pin_hash": one.pin_hash,
        "duress_hash": one.duress_hash,
        "consent_at": consent.pop("at"),
        "consent": msgspec.json.encode(consent).decode(),
        "settings": msgspec.json.encode(one.settings).decode(),
        "created_at": one.created_at,
    }


def _person(row: sa.Row[Any]) -> Person:
    fields = dict(cast("dict[str, Any]", row._mapping))
    consent = msgspec.json.decode(fields.pop("consent"), type=Consent)
    fields["consent"] = msgspec.structs.replace(consent, at=fields.pop("consent_at"))
    fields["settings"] = msgspec.json.decode(fields["settings"], type=CitizenSettings)
    return Person(**fields)

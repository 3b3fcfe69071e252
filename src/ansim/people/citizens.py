"""Citizens: registration by one-time code, sign-in, profile, guardians."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy.engine import Connection

from ansim.core.actors import Actor
from ansim.core.clock import iso, now
from ansim.core.database import Database, Tx
from ansim.core.ids import new_id
from ansim.core.problems import invalid, unauthorized
from ansim.ledger.service import Ledger
from ansim.people import refusals, store
from ansim.people.codes import OneTimeCodes, mobile, must_be_right
from ansim.people.hashes import Hashes
from ansim.people.model import (
    GUARDIANS_MAX,
    Citizen,
    CitizenSettings,
    CodeResult,
    Consent,
    Guardian,
    Person,
    Session,
    clean_text,
    normal_phone,
    spoken_phone,
)
from ansim.people.pins import same_pins
from ansim.people.sessions import Sessions


class Citizens:
    """The registered people of the hub."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        sessions: Sessions,
        hashes: Hashes,
        codes: OneTimeCodes,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._sessions = sessions
        self._hashes = hashes
        self._codes = codes

    async def register(
        self,
        *,
        phone: str,
        code: str,
        name: str,
        pin: str,
        duress_pin: str | None,
        consent: Consent,
        note: str,
        address: str,
    ) -> tuple[str, Person, Session]:
        """Register a person and sign her in; returns the token for the cookie."""
        e164 = mobile(phone)
        if not consent.location:
            raise invalid(
                "consent",
                "위치정보 이용에 동의해야 등록할 수 있습니다.",
                "Registering needs consent to the use of location.",
            )
        if duress_pin == pin:
            raise same_pins("duress_pin")
        clean_name = _name(name)
        must_be_right(*await self._database.write(lambda tx: self._codes.check(tx, e164, code)))
        person = Person(
            id=new_id(),
            phone=e164,
            name=clean_name,
            note=clean_text(note, lines=True),
            pin_hash=await self._hashes.of_pin(pin),
            duress_hash=await self._hashes.of_pin(duress_pin) if duress_pin is not None else None,
            consent=msgspec.structs.replace(consent, at=iso(now())),
            settings=CitizenSettings(),
            created_at=iso(now()),
        )

        def write(tx: Tx) -> tuple[CodeResult, int, tuple[str, Session] | None]:
            result, left = self._codes.check(tx, e164, code)
            if result != "right" or not store.insert_person(tx, person):
                return result, left, None
            self._codes.spend(tx, e164)
            self._note_consent(tx, person, "가입", address)
            return result, left, self._sign_in(tx, person, address)

        result, left, opened = await self._database.write(write)
        must_be_right(result, left)
        if opened is None:
            raise refusals.already_registered()
        token, session = opened
        return token, person, session

    async def sign_in(self, phone: str, code: str, address: str) -> tuple[str, Person, Session]:
        """Sign in a registered person on another device; the code stays good when she has yet to register."""
        e164 = mobile(phone)

        def write(tx: Tx) -> tuple[CodeResult, int, tuple[str, Person, Session] | None]:
            result, left = self._codes.check(tx, e164, code)
            person = store.person_by(tx.conn, phone=e164) if result == "right" else None
            if person is None:
                return result, left, None
            self._codes.spend(tx, e164)
            token, session = self._sign_in(tx, person, address)
            return result, left, (token, person, session)

        result, left, opened = await self._database.write(write)
        must_be_right(result, left)
        if opened is None:
            raise refusals.not_registered()
        return opened

    async def me(self, person_id: str) -> tuple[Person, list[Guardian]]:
        """A person and her guardians; 401 when she no longer exists."""

        def read(conn: Connection) -> tuple[Person | None, list[Guardian]]:
            return store.person_by(conn, person_id=person_id), store.guardians_of(conn, person_id)

        person, guardians = await self._database.read(read)
        if person is None:
            raise unauthorized()
        return person, guardians

    async def update(self, citizen: Citizen, **changes: Any) -> None:
        """Change ``name``, ``note``, ``settings`` or ``consent``; what is not given stays."""
        if "name" in changes:
            changes["name"] = _name(changes["name"])
        if "note" in changes:
            changes["note"] = clean_text(changes["note"], lines=True)

        def write(tx: Tx) -> None:
            person = _there(tx.conn, citizen.id)
            if "consent" in changes:
                changes["consent"] = _consent(person.consent, changes["consent"])
            changed = msgspec.structs.replace(person, **changes)
            store.update_person(tx, changed)
            if changed.consent != person.consent:
                self._note_consent(tx, changed, "동의 변경", citizen.address)
            self._sessions.changed(tx, citizen.id)

        await self._database.write(write)

    async def set_guardians(self, citizen: Citizen, guardians: Sequence[Guardian]) -> None:
        """Replace her guardians."""
        if len(guardians) > GUARDIANS_MAX:
            raise invalid(
                "guardians", "보호자는 5명까지 등록할 수 있습니다.", "At most 5 guardians can be named."
            )
        clean = [_guardian(position, one) for position, one in enumerate(guardians)]
        await self._database.write(lambda tx: store.replace_guardians(tx, citizen.id, clean))

    def _sign_in(self, tx: Tx, person: Person, address: str) -> tuple[str, Session]:
        self._ledger.record(
            tx,
            actor=_actor(person),
            action="sign_in",
            subject=person.id,
            what="citizen",
            why="본인",
            source=address,
        )
        return self._sessions.open(tx, "citizen", person.id, address)

    def _note_consent(self, tx: Tx, person: Person, why: str, address: str) -> None:
        given = ", ".join(
            name
            for name, agreed in (
                ("위치", person.consent.location),
                ("영상", person.consent.video),
                ("연락", person.consent.contact),
            )
            if agreed
        )
        self._ledger.record(
            tx,
            actor=_actor(person),
            action="admin",
            subject=person.id,
            what=f"동의: {given or '없음'}",
            why=why,
            source=address,
        )


def person_card(conn: Connection, person_id: str) -> dict[str, Any] | None:
    """What a center is told of a person in danger; two short queries, for use inside a transaction."""
    person = store.person_by(conn, person_id=person_id)
    if person is None:
        return None
    return {
        "id": person.id,
        "name": person.name,
        "phone": spoken_phone(person.phone),
        "note": person.note,
        "guardians": [
            {"name": one.name, "phone": spoken_phone(one.phone)}
            for one in store.guardians_of(conn, person_id)
        ],
    }


def _there(conn: Connection, person_id: str) -> Person:
    person = store.person_by(conn, person_id=person_id)
    if person is None:
        raise unauthorized()
    return person


def _consent(old: Consent, new: Consent) -> Consent:
    same = (old.location, old.video, old.contact) == (new.location, new.video, new.contact)
    return old if same else msgspec.structs.replace(new, at=iso(now()))


def _name(text: str) -> str:
    name = clean_text(text)
    if not name:
        raise invalid("name", "이름을 입력해 주세요.", "Enter a name.")
    return name


def _guardian(position: int, one: Guardian) -> Guardian:
    name = clean_text(one.name)
    if not name:
        raise invalid(f"[{position}].name", "보호자 이름을 입력해 주세요.", "Enter the guardian's name.")
    try:
        return Guardian(name=name, phone=normal_phone(one.phone))
    except ValueError:
        raise invalid(
            f"[{position}].phone", "보호자 전화번호를 확인해 주세요.", "Check the guardian's phone number."
        ) from None


def _actor(person: Person) -> Actor:
    return Actor(kind="person", id=person.id, name=person.name)

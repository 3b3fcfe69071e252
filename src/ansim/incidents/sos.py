"""What a person in danger can do: press, cancel, hurry, and say where she is. Runs on the hub.

Nothing in here waits for anything but the hub's own disk.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy.engine import Connection

from ansim.core.actors import Actor, system
from ansim.core.clock import iso, now
from ansim.core.database import Database, Tx
from ansim.core.ids import is_id, new_id
from ansim.core.problems import Problem, not_found
from ansim.core.settings import PolicySettings
from ansim.incidents import access, direct, positions, store
from ansim.incidents import events as ev
from ansim.incidents.duress import as_told
from ansim.incidents.fold import fold
from ansim.incidents.journal import Journal
from ansim.incidents.lifecycle import State
from ansim.incidents.model import Incident
from ansim.incidents.positions import Position
from ansim.incidents.reactions import Write
from ansim.incidents.report import Report
from ansim.incidents.route import Route

LAST_KNOWN = timedelta(hours=12)
"""How old a known position may be that stands in for a missing one when an SOS is routed."""

Card = Callable[[Connection, str], dict[str, Any] | None]
"""Reads the person's card by id."""


class Caller(Struct, frozen=True, kw_only=True):
    """Who presses, as far as it is known. ``token`` is the incident's own secret, where the phone has one."""

    person: str = ""
    name: str = ""
    expired: bool = False
    token: str = ""
    exercise: bool = False

    @property
    def actor(self) -> Actor:
        """As the author of an event."""
        return Actor(kind="person", id=self.person or "unknown", name=self.name)


class Receipt(Struct, frozen=True, kw_only=True):
    """The durable answer to a press."""

    incident: str
    key: str
    state: str
    window_ends_at: str
    owner: ev.CenterRef | None
    marks: tuple[str, ...]
    repeated: bool
    token: str


class SosService:
    """Use cases of the person in danger. ``route`` must not do any I/O, ``card`` reads her profile."""

    def __init__(
        self,
        *,
        database: Database,
        journal: Journal,
        route: Callable[[Position | None], Route],
        card: Card,
        policy: PolicySettings,
    ) -> None:
        self._database = database
        self._journal = journal
        self._route = route
        self._card = card
        self._policy = policy

    async def press(self, report: Report, caller: Caller, received: datetime) -> Receipt:
        """Store a press, durably, and say who has it. The same key gives the same incident."""
        return await self._database.write(lambda tx: self._press(tx, report, caller, received))

    def _press(self, tx: Tx, report: Report, caller: Caller, received: datetime) -> Receipt:
        known = store.pressed(tx.conn, report.key)
        if known is not None or store.events_of(tx.conn, direct.incident_id(report)):
            incident = store.load(tx.conn, known or direct.incident_id(report))
            if incident is not None and self._same_phone(incident, report, caller):
                if known is None:  # another node took this press and has told of it
                    store.remember_press(tx, report.key, incident.id)
                incident = self._recognise(tx, incident, caller)
                return self._receipt(tx, incident, report.key, repeated=True)
            # Somebody else's key: a stranger must not learn of her incident, nor be turned away.
            report = msgspec.structs.replace(report, key=f"{report.key[:24]}-{new_id()}")
        open_id = store.open_incident_of(tx.conn, caller.person or None, report.device_id)
        standing = store.load(tx.conn, open_id) if open_id and not caller.exercise else None
        if standing is not None and not standing.exercise and self._as_told(tx.conn, standing).open:
            incident = self._again(tx, standing, report, caller)
        else:
            incident = self._new(tx, report, caller, received)
        store.remember_press(tx, report.key, incident.id)
        if report.position is not None:
            self._journal.record_positions(tx, incident.id, [report.position])
        return self._receipt(tx, incident, report.key, repeated=False)

    def _recognise(self, tx: Tx, incident: Incident, caller: Caller) -> Incident:
        """Say who she is where the node that took the press could not know."""
        nameless = incident.armed is not None and incident.armed.person is None
        card = self._card(tx.conn, caller.person) if nameless and caller.person else None
        if card is None:
            return incident
        known = ev.Identified(person=msgspec.convert(card, ev.PersonCard))
        return self._journal.record(tx, incident.id, [(known, system(self._journal.node))])

    @staticmethod
    def _same_phone(incident: Incident, report: Report, caller: Caller) -> bool:
        armed = incident.armed
        if armed is None or (report.device_id and armed.device_id == report.device_id):
            return True
        if armed.person is None and not caller.person and not armed.device_id and not report.device_id:
            return is_id(report.key)  # both nameless: only a key that nobody else can have tells them apart
        return armed.person is not None and armed.person.id == caller.person

    @staticmethod
    def _as_told(conn: Connection, incident: Incident) -> Incident:
        """The incident as her phone may know it (see duress.py)."""
        return fold(as_told(store.events_of(conn, incident.id)).events) if incident.duress else incident

    def _receipt(self, tx: Tx, incident: Incident, key: str, *, repeated: bool) -> Receipt:
        incident = self._as_told(tx.conn, incident)
        owner = incident.owner
        return Receipt(
            incident=incident.id,
            key=key,
            state=incident.state.value,
            window_ends_at=incident.armed.window_ends_at if incident.armed else "",
            owner=ev.CenterRef(code=owner.code, name=owner.name) if owner else None,
            marks=tuple(incident.marks),
            repeated=repeated,
            token=access.grant(tx, incident.id),
        )

    def _again(self, tx: Tx, incident: Incident, report: Report, caller: Caller) -> Incident:
        again = ev.PressedAgain(
            key=report.key, trigger=report.trigger, pressed_at=report.pressed_at, marks=report.marks
        )
        return self._journal.record(tx, incident.id, [(again, caller.actor)])

    def _new(self, tx: Tx, report: Report, caller: Caller, received: datetime) -> Incident:
        marks = list(report.marks)
        place = report.position
        card = self._card(tx.conn, caller.person) if caller.person else None
        if card is None:
            marks.append("unknown_person")
        if caller.expired:
            marks.append("expired_login")
        if place is None and caller.person:
            place = store.last_known(tx.conn, caller.person, iso(received - LAST_KNOWN))
            marks += ["last_known_position"] if place else []
        late = "late_report" in marks  # pressed long ago and only now heard: its window is over
        window = timedelta(0) if late else timedelta(seconds=self._policy.cancel_window_s)
        armed = ev.Armed(
            key=report.key,
            trigger="drill" if caller.exercise else report.trigger,
            pressed_at=report.pressed_at,
            window_ends_at=iso(received + window),
            silent=report.silent,
            exercise=caller.exercise,
            person=msgspec.convert(card, ev.PersonCard) if card else None,
            device_id=report.device_id,
            battery=report.battery,
            marks=tuple(dict.fromkeys(marks)),
            raw=report.raw,
        )
        route = self._route(place)
        actor = system(self._journal.node)
        owner = ev.OwnershipAssigned(
            code=route.owner.code, name=route.owner.name, epoch=1, reason=route.reason
        )
        writes: list[Write] = [(armed, caller.actor), (route.routed, actor), (owner, actor)]
        if not window:
            writes.append((ev.Alerted(reason="window"), actor))
        return self._journal.record(tx, direct.incident_id(report), writes, known=[])

    async def require_own(self, incident_id: str, caller: Caller) -> None:
        """Raise 404 unless the incident is this caller's, by login or by the incident's own secret."""
        if not await self._database.read(lambda conn: self._owns(conn, incident_id, caller)):
            raise not_found("incident")

    @staticmethod
    def _owns(conn: Connection, incident_id: str, caller: Caller) -> bool:
        if access.opens(conn, caller.token, incident_id):
            return True
        incident = store.load(conn, incident_id) if caller.person else None
        person = incident.armed.person if incident and incident.armed else None
        return person is not None and person.id == caller.person and not caller.expired

    async def person_of(self, incident_id: str) -> str | None:
        """Whose PIN cancels the incident; None when it was raised by somebody unknown."""
        incident = await self._database.read(lambda conn: store.load(conn, incident_id))
        person = incident.armed.person if incident and incident.armed else None
        return person.id if person else None

    async def current(self, caller: Caller) -> Incident | None:
        """The caller's open incident, as her phone may know it."""

        def read(conn: Connection) -> Incident | None:
            found = store.open_incident_of(conn, caller.person, "") if caller.person else None
            found = found or access.incident_of(conn, caller.token)
            incident = store.load(conn, found) if found else None
            told = self._as_told(conn, incident) if incident else None
            return told if told and told.open else None

        return await self._database.read(read)

    async def cancel(self, incident_id: str, caller: Caller, *, duress: bool) -> str:
        """Cancel, or with the duress PIN only seem to; returns what her phone may say of it.

        Raises 409 once somebody has it in hand.
        """
        late = await self._database.write(lambda tx: self._cancel(tx, incident_id, caller, duress=duress))
        if late:
            raise _too_late()
        return "cancelled"

    def _cancel(self, tx: Tx, incident_id: str, caller: Caller, *, duress: bool) -> bool:
        """Returns whether it came too late; raising would take back what duress wrote."""
        events = store.events_of(tx.conn, incident_id)
        told = fold(as_told(events).events)  # a PIN's answer must not tell whether duress came before
        if told.state is State.CANCELLED:
            return False
        too_late = told.state not in (State.ARMED, State.ALERTING)
        if duress:
            if not fold(events).duress:
                writes: list[Write] = [(ev.Duress(), caller.actor)]
                if told.state is State.ARMED:
                    writes.append((ev.Alerted(reason="duress"), system(self._journal.node)))
                self._journal.record(tx, incident_id, writes, known=events)
        elif not too_late:
            self._journal.record(tx, incident_id, [(ev.Cancelled(), caller.actor)], known=events)
        return too_late

    async def alarm_now(self, incident_id: str, caller: Caller) -> None:
        """Skip the rest of the window; harmless when it is over."""

        def hurry(tx: Tx) -> None:
            events = store.events_of(tx.conn, incident_id)
            if fold(events).state is State.ARMED:
                self._journal.record(
                    tx, incident_id, [(ev.Alerted(reason="now"), caller.actor)], known=events
                )

        await self._database.write(hurry)

    async def report_positions(self, incident_id: str, raw: list[Any]) -> tuple[int, int]:
        """Take positions leniently; returns (taken, of these marked).

        After the end they are dropped, except after a cancel under duress; the answer is the same.
        """
        received = now()
        parsed = [positions.parse(one, received) for one in raw]
        good = [position for position, _ in parsed if position is not None]

        def save(tx: Tx) -> None:
            incident = store.load(tx.conn, incident_id)
            if incident is not None and incident.open:
                self._journal.record_positions(tx, incident_id, good)

        if good:
            await self._database.write(save)
        return len(good), sum(1 for _, marks in parsed if marks)


def _too_late() -> Problem:
    return Problem(
        409,
        "too-late",
        ("이미 관제요원이 확인했습니다.", "An operator already has it."),
        (
            "관제요원이 이미 대응 중이라 취소할 수 없습니다.",
            "An operator is already on it; it cannot be cancelled here.",
        ),
    )

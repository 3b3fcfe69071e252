"""Use cases of footage: list it, play it, keep it longer, take it out. Each has its row in the ledger."""

import asyncio
import time
from datetime import timedelta

from msgspec import Struct
from sqlalchemy.engine import Connection

from ansim.core.clock import iso, now, parse_iso
from ansim.core.database import Database, Tx
from ansim.core.problems import Problem, invalid, not_found
from ansim.core.sealing import SealBroken
from ansim.incidents import store as incidents
from ansim.incidents.model import Incident
from ansim.ledger.model import Action
from ansim.ledger.service import Ledger
from ansim.people.model import Operator, Supervisor
from ansim.video.evidence import store
from ansim.video.evidence.keys import Destroyed, FootageKeys
from ansim.video.evidence.model import Hold, Recording, Segment, broken_at
from ansim.video.evidence.vault import Vault
from ansim.video.grants.api import viewer
from ansim.video.grants.service import Grants

REVIEW_S = 1800.0
"""How long a supervisor's reason opens the footage of an incident that has ended."""
HOLD_MOST = timedelta(days=3 * 365)

Segments = dict[str, list[Segment]]


class Footage(Struct, frozen=True):
    """Everything there is of an incident; ``destroyed`` when nothing is left but this list."""

    recordings: list[Recording]
    segments: Segments
    hold: Hold | None
    destroyed: bool


class FootageService:
    """The footage of a center."""

    def __init__(
        self, database: Database, ledger: Ledger, grants: Grants, keys: FootageKeys, vault: Vault
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._grants = grants
        self._keys = keys
        self._vault = vault
        self._reviews: dict[tuple[str, str], float] = {}

    async def footage(self, operator: Operator, incident_id: str) -> Footage:
        """What was recorded; open to who may play it."""
        incident = await self._incident(incident_id)
        if not incident.open:
            self._require_review(operator, incident_id)
        return await self._footage(incident_id)

    async def piece(self, operator: Operator, incident_id: str, recording_id: str, number: int) -> Segment:
        """A piece's entry, for who may play its camera now (a ``clip`` grant, or a review after the end)."""
        recording, segment = await self._find(incident_id, recording_id, number)
        incident = await self._incident(incident_id)
        if incident.open:
            await self._grants.permit(viewer(operator), incident_id, recording.camera, "clip")
        else:
            self._require_review(operator, incident_id)
        return segment

    async def read(self, incident_id: str, segment: Segment) -> bytes:
        """The plain bytes of a piece. Raises 410 when the footage was destroyed, 500 when it was changed."""
        try:
            sealer = await self._database.read(lambda conn: self._keys.find(conn, incident_id))
        except Destroyed:
            raise destroyed() from None
        if sealer is None:
            raise not_found("footage")
        try:
            return await asyncio.to_thread(
                self._vault.read, sealer, incident_id, segment.recording, segment.number
            )
        except (SealBroken, FileNotFoundError) as error:
            raise damaged(segment) from error

    async def review(self, supervisor: Supervisor, incident_id: str, reason: str) -> str:
        """Open the footage of an incident that has ended, for this session; returns until when (ISO-8601)."""
        incident = await self._incident(incident_id)
        await self._database.write(
            lambda tx: self._record(tx, supervisor, incident, "view", "녹화 영상 열람", reason)
        )
        self._reviews = {key: until for key, until in self._reviews.items() if until > time.monotonic()}
        self._reviews[supervisor.session, incident_id] = time.monotonic() + REVIEW_S
        return iso(now() + timedelta(seconds=REVIEW_S))

    async def export(self, operator: Operator, incident_id: str, reason: str, wanted: list[str]) -> Footage:
        """What to take out; the reason is on record when this returns. ``wanted`` empty: everything.

        Raises 409 ``chain-broken`` when a recording no longer fits its chain, and 410 when it was destroyed.
        """
        incident = await self._incident(incident_id)
        if not incident.open and operator.role not in ("supervisor", "admin"):
            raise Problem(
                403,
                "supervisor-needed",
                ("종결된 사건의 영상은 책임자만 반출합니다.", "Only a supervisor may export after the end."),
            )
        found = await self._footage(incident_id)
        if found.destroyed:
            raise destroyed()
        chosen = [one for one in found.recordings if not wanted or one.id in wanted]
        if not chosen:
            raise not_found("footage")
        for one in chosen:
            if (number := broken_at(found.segments[one.id], one.head)) is not None:
                raise Problem(
                    409,
                    "chain-broken",
                    ("녹화 기록이 손상되었습니다.", "The record of a recording was changed."),
                    recording=one.id,
                    number=number,
                )
        names = ", ".join(dict.fromkeys(one.camera_name for one in chosen))
        await self._database.write(
            lambda tx: self._record(tx, operator, incident, "export", f"녹화 영상 반출: {names}", reason)
        )
        return Footage(chosen, {one.id: found.segments[one.id] for one in chosen}, found.hold, False)

    async def hold(self, supervisor: Supervisor, incident_id: str, reason: str, until: str) -> Hold:
        """Keep the footage beyond its time, with a reason and an end."""
        try:
            end = parse_iso(until)
        except ValueError as error:
            raise invalid("until", "날짜가 올바르지 않습니다.", "not a time") from error
        if not now() < end <= now() + HOLD_MOST:
            raise invalid("until", "지금부터 3년 안이어야 합니다.", "must lie within three years from now")
        incident = await self._incident(incident_id)
        held = Hold(incident=incident_id, reason=reason, until=iso(end), by=supervisor.name, at=iso(now()))

        def write(tx: Tx) -> None:
            store.put_hold(tx, held)
            self._record(tx, supervisor, incident, "admin", f"영상 보존 연장: {held.until[:10]}까지", reason)

        await self._database.write(write)
        return held

    async def release(self, supervisor: Supervisor, incident_id: str) -> None:
        """End a hold before its time."""
        incident = await self._incident(incident_id)

        def write(tx: Tx) -> None:
            if store.drop_hold(tx, incident_id):
                self._record(tx, supervisor, incident, "admin", "영상 보존 연장 해제", "책임자 결정")

        await self._database.write(write)

    async def _incident(self, incident_id: str) -> Incident:
        found = await self._database.read(lambda conn: incidents.load(conn, incident_id))
        if found is None:
            raise not_found("incident")
        return found

    async def _footage(self, incident_id: str) -> Footage:
        def read(conn: Connection) -> Footage:
            found = store.recordings(conn, incident_id)
            try:
                gone = self._keys.find(conn, incident_id) is None and bool(found)
            except Destroyed:
                gone = True
            pieces = {one.id: store.segments(conn, one.id) for one in found}
            return Footage(found, pieces, store.hold(conn, incident_id), gone)

        return await self._database.read(read)

    async def _find(self, incident_id: str, recording_id: str, number: int) -> tuple[Recording, Segment]:
        def read(conn: Connection) -> tuple[Recording | None, Segment | None]:
            return store.recording(conn, recording_id), store.segment(conn, recording_id, number)

        recording, segment = await self._database.read(read)
        if recording is None or segment is None or recording.incident != incident_id:
            raise not_found("footage")
        return recording, segment

    def _require_review(self, operator: Operator, incident_id: str) -> None:
        until = self._reviews.get((operator.session, incident_id), 0.0)
        if until <= time.monotonic():
            raise Problem(
                403,
                "review-needed",
                ("끝난 사건의 영상입니다.", "The incident has ended."),
                (
                    "책임자가 사유를 남기고 열람해야 합니다.",
                    "A supervisor must open its footage, with a reason.",
                ),
            )

    def _record(self, tx: Tx, who: Operator, incident: Incident, action: Action, what: str, why: str) -> None:
        person = incident.armed.person if incident.armed is not None else None
        self._ledger.record(
            tx,
            actor=who.actor,
            action=action,
            subject=person.id if person is not None else "",
            incident=incident.id,
            what=what,
            why=why,
            source=who.address,
        )


def destroyed() -> Problem:
    """410: the footage was destroyed; the ledger says when."""
    return Problem(
        410,
        "footage-destroyed",
        ("보존 기간이 지나 파기된 영상입니다.", "The footage was destroyed when its time had passed."),
    )


def damaged(segment: Segment) -> Problem:
    """500: a piece is missing or was changed."""
    return Problem(
        500,
        "footage-damaged",
        ("영상 조각이 손상되었습니다.", "A piece of the footage is missing or was changed."),
        recording=segment.recording,
        number=segment.number,
    )

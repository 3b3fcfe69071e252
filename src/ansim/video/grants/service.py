"""Use cases of grants: permit, share, break the glass. Each decision stands in the ledger with its reason,
in the transaction that made it.
"""

from collections.abc import Callable
from datetime import timedelta

import msgspec
from sqlalchemy.engine import Connection

from ansim.core.actors import Actor
from ansim.core.clock import iso, now
from ansim.core.database import Database, Tx
from ansim.core.ids import new_id
from ansim.core.metrics import Metrics
from ansim.core.problems import Problem, invalid, not_found
from ansim.incidents import events as ev
from ansim.incidents import store as incidents
from ansim.incidents.journal import Journal
from ansim.incidents.model import Incident
from ansim.incidents.positions import Position
from ansim.ledger.service import Ledger
from ansim.people import duty
from ansim.people.model import StaffMember
from ansim.people.service import PeopleService
from ansim.video.grants import store
from ansim.video.grants.live import Hold, Live
from ansim.video.grants.model import (
    BREAKABLE,
    GLASS_LASTS_S,
    LASTS_S,
    WORDS,
    Eye,
    Grant,
    Kind,
    Reason,
    Viewer,
    refusal,
)

EyeOf = Callable[[Connection, str], Eye | None]
"""The camera with this id, read in the caller's transaction."""
Tell = Callable[[Tx, Actor, str, str, str, str], None]
"""(tx, actor, subject, incident, what, why): tells the hub of a look, so that the person can see it."""

_WHAT: dict[Kind, str] = {"watch": "카메라 영상", "ptz": "카메라 조작", "clip": "녹화 영상"}
_WHY = "긴급호출 대응"


class Grants:
    """The grants of the center ``code``; ``live`` holds those in force."""

    def __init__(
        self,
        *,
        database: Database,
        journal: Journal,
        ledger: Ledger,
        people: PeopleService,
        code: str,
        eye_of: EyeOf,
        tell: Tell,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._journal = journal
        self._ledger = ledger
        self._people = people
        self._code = code
        self._eye_of = eye_of
        self._tell = tell
        self.ending: list[tuple[Grant, Reason, str]] = []
        """Ended in memory, not yet on disk: (grant, reason, when)."""
        self.live = Live(code, lambda grant, reason, at: self.ending.append((grant, reason, at)))
        journal.listeners.append(self.live.on_incident)
        journal.position_listeners.append(self.live.on_positions)
        people.sessions.ended_listeners.append(self.live.on_sessions_ended)
        people.duty.listeners.append(self.live.on_duty_ended)
        metrics.gauge("ansim_video_grants", "Grants in force", lambda: len(self.live))

    async def permit(self, viewer: Viewer, incident_id: str, camera_id: str, kind: Kind = "watch") -> Hold:
        """The grant for this use, a new one or the one that stands.

        Raises 403 ``grant-refused`` with the ``reason`` (see model.Reason); the refusal is on record, once
        for each session, incident, camera and reason.
        """

        made: list[Hold] = []

        def run(tx: Tx) -> Grant | Reason:
            reason, incident, eye, position = self._judge(tx, viewer, incident_id, camera_id, kind)
            if reason is not None or incident is None or eye is None:
                why = reason or "no_incident"
                self._refused(tx, viewer, incident_id, eye, camera_id, kind, why, incident)
                return why
            known = store.standing(
                tx.conn,
                session=viewer.session,
                incident=incident.id,
                camera=eye.id,
                kind=kind,
                at=iso(now()),
            )
            if known is not None and self.live.hold(known.id) is not None:
                return known
            return self._issue(tx, viewer, incident, eye, position, made, kind)

        while True:
            granted = await self._database.write(run)
            if not isinstance(granted, Grant):
                raise refused_problem(granted)
            hold = made[0] if made else self.live.hold(granted.id)
            if hold is not None:  # else it ended while we asked for it: it is judged anew
                return hold

    async def break_glass(
        self, viewer: Viewer, second: StaffMember, incident_id: str, camera_id: str, reason: str
    ) -> Hold:
        """Open a camera that the rule keeps shut, together with a second person, loudly.

        The second has signed with their own credentials (``people.accounts.verify``). Raises 403 when it is
        the same person, or where two people may not do it either.
        """
        if second.id == viewer.id:
            raise invalid(
                "second_login", "다른 근무자가 함께 서명해야 합니다.", "Somebody else must sign as well."
            )

        made: list[Hold] = []

        def run(tx: Tx) -> Reason | None:
            why, incident, eye, position = self._judge(tx, viewer, incident_id, camera_id, "watch")
            if incident is None or eye is None or (why is not None and why not in BREAKABLE):
                refused: Reason = why or ("no_camera" if incident is not None else "no_incident")
                self._refused(tx, viewer, incident_id, eye, camera_id, "watch", refused, incident)
                return refused
            grant = self._issue(
                tx, viewer, incident, eye, position, made, "watch", second=second.name, why=reason
            )
            event = ev.GlassBroken(
                camera=eye.id, name=eye.name, code=self._code, reason=reason, second=second.name
            )
            self._journal.record(tx, incident.id, [(event, viewer.actor)])
            cosigned = Actor(kind="staff", id=second.id, name=second.name)
            self._ledger.record(
                tx,
                actor=cosigned,
                action="admin",
                subject=grant.subject,
                incident=incident.id,
                what=f"비상 개방 서명: {eye.name}",
                why=reason,
                source=viewer.address,
            )
            return None

        refused = await self._database.write(run)
        if refused is not None:
            raise refused_problem(refused)
        return made[0]

    async def share(
        self, viewer: Viewer, incident_id: str, camera_id: str, agency: ev.Agency, *, on: bool
    ) -> Incident:
        """Let an agency that was asked look through a camera, or no longer. Only who may look may share."""

        def run(tx: Tx) -> Incident | Reason:
            reason, incident, eye, _ = self._judge(tx, viewer, incident_id, camera_id, "watch")
            if incident is None:
                raise not_found("incident")
            shared = (self._code, camera_id, agency) in incident.shared
            if on and reason is None:
                reason = self._asked(incident, agency)
            if eye is None or (on and reason is not None):
                refused: Reason = reason or "no_camera"
                self._refused(tx, viewer, incident_id, eye, camera_id, "watch", refused, incident)
                return refused
            if shared == on:
                return incident
            event = ev.CameraShare(
                camera=eye.id,
                name=eye.name,
                agency=agency,
                code=self._code,
                state="shared" if on else "withdrawn",
            )
            self._ledger.record(
                tx,
                actor=viewer.actor,
                action="provide" if on else "end",
                subject=_subject(incident),
                incident=incident.id,
                what=f"{_WHAT['watch']}: {eye.name} → {agency}",
                why=_WHY if on else "공유 중지",
                source=viewer.address,
            )
            return self._journal.record(tx, incident.id, [(event, viewer.actor)])

        done = await self._database.write(run)
        if isinstance(done, Incident):
            return done
        raise refused_problem(done)

    async def sighted(self, viewer: Viewer, incident_id: str, camera_id: str, x: float, y: float) -> None:
        """Somebody who watches the camera sees her at this point of its picture."""

        def run(tx: Tx) -> Reason | None:
            reason, incident, eye, _ = self._judge(tx, viewer, incident_id, camera_id, "watch")
            if incident is None or eye is None or reason is not None:
                return reason or "no_camera"
            event = ev.Sighted(
                camera=eye.id,
                name=eye.name,
                code=self._code,
                lat=eye.lat,
                lon=eye.lon,
                bearing=eye.bearing(x),
                x=x,
                y=y,
            )
            self._journal.record(tx, incident.id, [(event, viewer.actor)])
            return None

        refused = await self._database.write(run)
        if refused is not None:
            raise refused_problem(refused)

    def _judge(
        self, tx: Tx, viewer: Viewer, incident_id: str, camera_id: str, kind: Kind
    ) -> tuple[Reason | None, Incident | None, Eye | None, Position | None]:
        """The rule on what the transaction reads: nothing that changes meanwhile slips through."""
        conn = tx.conn
        incident = incidents.load(conn, incident_id)
        eye = self._eye_of(conn, camera_id)
        position = incidents.newest_position(conn, incident_id)
        viewer = msgspec.structs.replace(
            viewer,
            alive=bool(self._people.sessions.living(conn, [viewer.session])),
            on_duty=duty.on_duty(conn, viewer.id),
        )
        reason = refusal(viewer, incident, eye, position, kind=kind, center=self._code, at=now())
        return reason, incident, eye, position

    def _issue(
        self,
        tx: Tx,
        viewer: Viewer,
        incident: Incident,
        eye: Eye,
        position: Position | None,
        made: list[Hold],
        kind: Kind,
        *,
        second: str = "",
        why: str = "",
    ) -> Grant:
        """A new grant; from the commit on it is in force and its hold in ``made``."""
        at = now()
        lasts = GLASS_LASTS_S if second else LASTS_S
        grant = Grant(
            id=new_id(),
            incident=incident.id,
            camera=eye.id,
            camera_name=eye.name,
            lat=eye.lat,
            lon=eye.lon,
            kind=kind,
            holder=viewer.id,
            holder_name=viewer.name,
            agency=viewer.agency,
            session=viewer.session,
            subject=_subject(incident),
            issued_at=iso(at),
            expires_at=iso(at + timedelta(seconds=lasts)),
            second=second,
            why=why,
        )
        store.insert(tx, grant)
        what = f"{_WHAT[kind]}: {eye.name}"
        reason = f"비상 개방: {why} (함께: {second})" if second else _WHY
        self._ledger.record(
            tx,
            actor=viewer.actor,
            action="use" if kind == "ptz" else "view",
            subject=grant.subject,
            incident=incident.id,
            what=what,
            why=reason,
            source=viewer.address,
        )
        self._tell(tx, viewer.actor, grant.subject, incident.id, what, reason)
        tx.on_commit(lambda: made.append(self.live.add(grant, position)))
        return grant

    def _refused(
        self,
        tx: Tx,
        viewer: Viewer,
        incident_id: str,
        eye: Eye | None,
        camera_id: str,
        kind: Kind,
        reason: Reason,
        incident: Incident | None,
    ) -> None:
        name = eye.name if eye is not None else camera_id[:32]
        self._ledger.record_once(
            tx,
            session=viewer.session,
            actor=viewer.actor,
            action="refuse",
            subject=_subject(incident) if incident is not None else "",
            incident=incident_id[:64],
            what=f"{_WHAT[kind]}: {name} ({reason})",
            why=WORDS[reason][0],
            source=viewer.address,
        )

    def _asked(self, incident: Incident, agency: str) -> Reason | None:
        asked = any(
            request.agency == agency and request.center == self._code and request.status != "done"
            for request in incident.requests.values()
        )
        return None if asked else "not_asked"


def refused_problem(reason: Reason) -> Problem:
    """403: no grant, with the reason."""
    return Problem(
        403,
        "grant-refused",
        ("카메라를 볼 수 없습니다.", "This camera may not be used."),
        WORDS[reason],
        reason=reason,
        breakable=reason in BREAKABLE,
    )


def _subject(incident: Incident) -> str:
    armed = incident.armed
    return armed.person.id if armed is not None and armed.person is not None else ""

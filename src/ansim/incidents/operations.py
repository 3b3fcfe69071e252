"""What an operator does with an incident. Runs on a center; every command checks the fold inside the
transaction that writes, so two operators racing are told apart by the one writer.
"""

from collections.abc import Callable
from datetime import timedelta

from ansim.core.actors import Actor
from ansim.core.clock import iso, now, system_ms
from ansim.core.database import Database, Tx
from ansim.core.problems import Problem, forbidden, invalid, not_found
from ansim.incidents import events as ev
from ansim.incidents import store
from ansim.incidents.fold import fold
from ansim.incidents.journal import Journal
from ansim.incidents.lifecycle import IN_HAND, IllegalTransition, State
from ansim.incidents.model import Incident
from ansim.incidents.reactions import Write
from ansim.incidents.view import role

Decide = Callable[[Incident], list[Write]]


class Operations:
    """Commands of the center ``code`` called ``name``."""

    def __init__(self, database: Database, journal: Journal, code: str, name: str) -> None:
        self._database = database
        self._journal = journal
        self._code = code
        self._name = name

    async def _command(self, incident_id: str, decide: Decide) -> Incident:
        try:
            return await self._database.write(lambda tx: self._run(tx, incident_id, decide))
        except IllegalTransition as error:
            raise _illegal(error) from error

    def _run(self, tx: Tx, incident_id: str, decide: Decide) -> Incident:
        events = store.events_of(tx.conn, incident_id)
        if not events:
            raise not_found("incident")
        incident = fold(events)
        writes = decide(incident)
        return self._journal.record(tx, incident_id, writes, known=events) if writes else incident

    async def seen(self, incident_id: str, actor: Actor) -> None:
        """The alarm was on this operator's screen; the first sight counts."""

        def decide(incident: Incident) -> list[Write]:
            alarmed = incident.state is not State.ARMED and incident.open
            if not alarmed or self._code in incident.seen:
                return []
            return [(ev.Seen(code=self._code), actor)]

        await self._command(incident_id, decide)

    async def accept(self, incident_id: str, actor: Actor) -> tuple[Incident, bool]:
        """Take the incident. Returns it and whether it is ours now; False: the hub was asked for it.

        Raises 409 ``already-accepted`` with the holder, ``not-owner`` or ``illegal-transition``.
        """

        def decide(incident: Incident) -> list[Write]:
            if incident.operator is not None:
                if incident.operator.id == actor.id:
                    return []
                raise _already(incident)
            if not incident.needs_operator:
                raise IllegalTransition(incident.state, "accept")
            if incident.owner is not None and incident.owner.code == self._code:
                return [(ev.Accepted(code=self._code, epoch=incident.owner.epoch), actor)]
            if not incident.may_claim(self._code, system_ms()):
                raise _not_owner(incident)
            if any(claim.code == self._code for claim in incident.claims):
                return []
            return [(ev.Claimed(code=self._code, name=self._name), actor)]

        incident = await self._command(incident_id, decide)
        return incident, incident.operator is not None

    async def note(self, incident_id: str, actor: Actor, text: str) -> None:
        """Add a remark; also after the end, but not where our help is over."""

        def decide(incident: Incident) -> list[Write]:
            if role(incident, self._code) == "aided":
                raise _not_owner(incident)
            return [(ev.Note(text=text), actor)]

        await self._command(incident_id, decide)

    async def request(self, incident_id: str, actor: Actor, agency: ev.Agency, note: str) -> Incident:
        """Ask an agency for help. An exercise only ever asks the exercise agency."""

        def decide(incident: Incident) -> list[Write]:
            self._require_owned(incident, "request dispatch", helper=True)
            wanted: ev.Agency = "exercise" if incident.exercise else agency
            if wanted == "exercise" and not incident.exercise:
                raise forbidden("훈련이 아닙니다.", "This is no exercise.")
            for request in incident.requests.values():
                if request.agency == wanted and request.status != "done" and not request.unverified:
                    raise _already_requested(wanted)
            return [(ev.DispatchRequested(agency=wanted, code=self._code, note=note), actor)]

        return await self._command(incident_id, decide)

    async def invite(
        self, incident_id: str, actor: Actor, center: ev.CenterRef, minutes: int, note: str
    ) -> Incident:
        """Ask another center to help for so many minutes; asking again sets a new end."""

        def decide(incident: Incident) -> list[Write]:
            self._require_own_open(incident, "invite a center")
            if center.code == self._code:
                raise invalid("code", "우리 센터입니다.", "This is our own center.")
            until = iso(now() + timedelta(minutes=minutes))
            return [(ev.AidInvited(code=center.code, name=center.name, until=until, note=note), actor)]

        return await self._command(incident_id, decide)

    async def end_aid(self, incident_id: str, actor: Actor, code: str) -> Incident:
        """Thank a center that helps; without an invitation that stands nothing happens."""

        def decide(incident: Incident) -> list[Write]:
            self._require_own_open(incident, "end the help")
            return [(ev.AidEnded(code=code, reason="withdrawn"), actor)] if code in incident.aid else []

        return await self._command(incident_id, decide)

    async def close(
        self, incident_id: str, actor: Actor, disposition: ev.Disposition, reason: str
    ) -> Incident:
        """Close, or propose to where the disposition needs a second person."""

        def decide(incident: Incident) -> list[Write]:
            self._require_owned(incident, "close")
            if disposition in ev.NEEDS_SECOND:
                return [(ev.ClosingProposed(disposition=disposition, reason=reason), actor)]
            return [(ev.Closed(disposition=disposition, reason=reason), actor)]

        return await self._command(incident_id, decide)

    async def confirm_closing(self, incident_id: str, actor: Actor) -> Incident:
        """Close as proposed; only somebody else than the proposer may (403)."""

        def decide(incident: Incident) -> list[Write]:
            self._require_owned(incident, "close")
            closing = incident.closing
            if closing is None:
                raise _nothing_proposed()
            if closing.by_id == actor.id:
                raise _second_person()
            closed = ev.Closed(disposition=closing.disposition, reason=closing.reason, second=actor.name)
            return [(closed, actor)]

        return await self._command(incident_id, decide)

    async def reject_closing(self, incident_id: str, actor: Actor) -> Incident:
        """Do not close as proposed; the proposer may take it back too."""

        def decide(incident: Incident) -> list[Write]:
            self._require_owned(incident, "reject a closing")
            if incident.closing is None:
                raise _nothing_proposed()
            return [(ev.ClosingRejected(), actor)]

        return await self._command(incident_id, decide)

    def _require_own_open(self, incident: Incident, wanted: str) -> None:
        if not incident.open:
            raise IllegalTransition(incident.state, wanted)
        if incident.owner is None or incident.owner.code != self._code:
            raise _not_owner(incident)

    def _require_owned(self, incident: Incident, wanted: str, *, helper: bool = False) -> None:
        if incident.state not in IN_HAND:
            raise IllegalTransition(incident.state, wanted)
        if helper and incident.helps(self._code, system_ms()):
            return
        if incident.owner is None or incident.owner.code != self._code:
            raise _not_owner(incident)


def _already(incident: Incident) -> Problem:
    holder = incident.operator
    center = incident.parties.get(holder.center, "") if holder else ""
    return Problem(
        409,
        "already-accepted",
        ("다른 관제요원이 먼저 수락했습니다.", "Another operator accepted it first."),
        holder={"name": holder.name if holder else "", "center": center},
    )


def _not_owner(incident: Incident) -> Problem:
    owner = incident.owner
    return Problem(
        409,
        "not-owner",
        ("다른 센터가 담당하는 사건입니다.", "Another center answers for this incident."),
        owner={"code": owner.code, "name": owner.name} if owner else None,
    )


def _already_requested(agency: str) -> Problem:
    return Problem(
        409,
        "already-requested",
        ("이미 출동을 요청했습니다.", "Help was already requested."),
        agency=agency,
    )


def _nothing_proposed() -> Problem:
    return Problem(
        409, "nothing-proposed", ("종결 제안이 없습니다.", "No closing was proposed."), field="disposition"
    )


def _second_person() -> Problem:
    return Problem(
        403,
        "second-person-needed",
        ("제안한 사람이 아닌 다른 사람이 확인해야 합니다.", "Somebody other than the proposer must confirm."),
    )


def _illegal(error: IllegalTransition) -> Problem:
    return Problem(
        409,
        "illegal-transition",
        ("지금 상태에서는 할 수 없습니다.", "Not possible in the incident's present state."),
        state=error.state.value,
        wanted=error.wanted,
    )

"""The hub's clockwork: carries out the ladder when a rung is due, and hands over who crosses a border."""

import asyncio
import contextlib
import time

import sqlalchemy as sa
from msgspec import Struct

from ansim.core import logs
from ansim.core.actors import system
from ansim.core.clock import hlc_time, iso, system_ms
from ansim.core.database import Database, Overloaded, Tx
from ansim.core.metrics import Metrics
from ansim.core.settings import PolicySettings
from ansim.distribution.handover import crossing
from ansim.distribution.ladder import Step, next_step
from ansim.distribution.policy import Plan, Service
from ansim.distribution.service import Distribution
from ansim.incidents import events as ev
from ansim.incidents import store
from ansim.incidents.fold import fold
from ansim.incidents.journal import Journal
from ansim.incidents.model import Incident
from ansim.incidents.positions import Position
from ansim.incidents.reactions import Write

_log = logs.get("ladder")
_RELOAD_S = 3.0


class Load(Struct, frozen=True, kw_only=True):
    """What a center has on its hands, as the hub knows it; ``waiting_since``: its oldest alarm (ISO)."""

    open: int = 0
    alarms: int = 0
    waiting_since: str | None = None


class LadderWorker:
    """Keeps the next step of every open incident; survives restarts because it is computed from events."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        distribution: Distribution,
        policy: PolicySettings,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._journal = journal
        self._distribution = distribution
        self._policy = policy
        self._due: dict[str, Step] = {}
        self._open: dict[str, Incident] = {}
        self._moved: set[str] = set()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._metrics = metrics
        metrics.queue("ladder", self._overdue)
        journal.listeners.append(self.notice)
        journal.position_listeners.append(self.notice_positions)

    def _overdue(self) -> tuple[int, float]:
        late = [system_ms() - step.due_ms for step in self._due.values()]
        return len([ms for ms in late if ms > 0]), max([0, *late]) / 1000

    def notice(self, incident: Incident) -> None:
        """An incident changed: its next step may have."""
        self._open.pop(incident.id, None)
        if incident.open:
            self._open[incident.id] = incident
        step = self._next(incident)
        if step is None:
            self._due.pop(incident.id, None)
        else:
            self._due[incident.id] = step
        self._wake.set()

    def notice_positions(self, incident: Incident, new: list[Position]) -> None:
        """She moved: look whether she left the jurisdiction she was routed to."""
        if not incident.open or not new:
            return
        newest = new[-1]
        answer = self._distribution.boundaries.locate(newest.lat, newest.lon, newest.radius)
        if incident.responsible is None or answer.center_code != incident.responsible.code:
            self._moved.add(incident.id)
            self._wake.set()

    def load(self, code: str) -> Load:
        """The open incidents that the center owns."""
        owned = [one for one in self._open.values() if one.owner is not None and one.owner.code == code]
        waiting = [one.alerted_at for one in owned if one.needs_operator]
        since = iso(hlc_time(min(waiting))) if waiting else None
        return Load(open=len(owned), alarms=len(waiting), waiting_since=since)

    def look_again(self) -> None:
        """The hour, a center's state or the policy may have changed, and with them what is due."""
        for incident in list(self._open.values()):
            self.notice(incident)

    def _plan(self, incident: Incident) -> Plan:
        owner = incident.owner
        service: Service = "exercise" if incident.exercise else "duress" if incident.duress else "sos"
        return self._distribution.plan(owner.code if owner else "", service, self._policy)

    def _next(self, incident: Incident) -> Step | None:
        responsible = incident.responsible.code if incident.responsible else None
        plan = self._plan(incident)
        order = self._distribution.order(responsible, plan.fallback)
        return next_step(incident, plan, order, self._distribution.room(responsible))

    async def start(self) -> None:
        """Take up every open incident, then keep the clock."""

        def read(conn: sa.Connection) -> list[Incident]:
            return [fold(store.events_of(conn, one)) for one in store.open_ids(conn)]

        for incident in await self._database.read(read):
            self.notice(incident)
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._reload())]

    async def stop(self) -> None:
        """Stop the clock."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            soonest = min((step.due_ms for step in self._due.values()), default=system_ms() + 60_000)
            with contextlib.suppress(TimeoutError):  # then a step is due
                await asyncio.wait_for(self._wake.wait(), max(0.0, (soonest - system_ms()) / 1000))
            self._wake.clear()
            moved, self._moved = self._moved, set()
            due = [one for one, step in self._due.items() if step.due_ms <= system_ms()]
            for incident_id in dict.fromkeys([*due, *moved]):
                await self._attend(incident_id)

    async def _attend(self, incident_id: str) -> None:
        try:
            await self._database.write(lambda tx: self.carry_out(tx, incident_id))
        except (Overloaded, sa.exc.OperationalError) as error:
            _log.error("a step waits", incident=incident_id, reason=str(error))
            await asyncio.sleep(0.1)
            self._wake.set()
        except Exception as error:  # noqa: BLE001 - one incident's fault must not stop the others' ladder
            _log.error("a step failed", incident=incident_id, exc_info=error)
            self._metrics.faults.labels("ladder").inc()
            self._due.pop(incident_id, None)

    def carry_out(self, tx: Tx, incident_id: str) -> Incident:
        """Write what is due for one incident, decided anew inside the transaction."""
        events = store.events_of(tx.conn, incident_id)
        incident = fold(events)
        now_ms = system_ms()
        step = self._next(incident)
        if step is not None and step.due_ms <= now_ms:
            tx.on_commit(self._metrics.rungs.labels(step.kind).inc)
            return self._journal.record(tx, incident_id, self._rung(incident, step), known=events)
        writes = self._hand_over(tx, incident, now_ms)
        if writes:
            return self._journal.record(tx, incident_id, writes, known=events)
        tx.on_commit(lambda: self.notice(incident))
        return incident

    def _rung(self, incident: Incident, step: Step) -> list[Write]:
        actor = system(self._journal.node)
        epoch = incident.owner.epoch + 1 if incident.owner else 1
        center = step.center
        _log.info("rung", incident=incident.id, step=step.kind, center=center.code if center else "")
        if step.kind == "alert":
            return [(ev.Alerted(reason="window"), actor)]
        if step.kind in ("reroute", "return") and center is not None:
            reason: ev.OwnershipReason = "no_ack" if step.kind == "reroute" else "handover_failed"
            move = ev.OwnershipAssigned(code=center.code, name=center.name, epoch=epoch, reason=reason)
            return [(move, actor)]
        if step.kind == "aid_over" and center is not None:
            return [(ev.AidEnded(code=center.code, reason="expired"), actor)]
        rungs = [rung for rung in (_rang(incident, step), self._widening(incident, step)) if rung is not None]
        return [(rung, actor) for rung in rungs]

    def _widening(self, incident: Incident, step: Step) -> ev.Rung:
        """The rung that a step is, with why."""
        owner, center = incident.owner, step.center
        if step.kind in ("co_alarm", "province_room") and center is not None:
            wider: ev.RungStep = "co_alarm" if step.kind == "co_alarm" else "province_room"
            return ev.Rung(
                step=wider, code=center.code, name=center.name, because=step.because, rule=step.rule
            )
        if step.kind == "agency_direct" and owner is not None:
            agency: ev.Agency = "exercise" if incident.exercise else self._plan(incident).agency
            return ev.Rung(
                step="agency_direct",
                agency=agency,
                code=owner.code,
                name=owner.name,
                because=step.because,
                rule=step.rule,
            )
        return ev.Rung(step="exhausted", because="silent")

    def _hand_over(self, tx: Tx, incident: Incident, now_ms: int) -> list[Write]:
        fixes = store.track(tx.conn, incident.id, self._policy.handover_fixes)
        answer = crossing(incident, fixes, self._distribution.boundaries, self._policy, now_ms)
        if answer is None or incident.owner is None:
            return []
        actor = system(self._journal.node)
        code = self._distribution.answering(answer.center_code)
        routed = ev.Routed(
            code=answer.center_code,
            name=answer.center_name,
            method="overlap" if answer.method == "overlap" else "contains",
            approximate=answer.approximate,
            marks=() if code else ("center_not_connected",),
        )
        writes: list[Write] = [(routed, actor)]
        if code is not None and code != incident.owner.code and self._distribution.health.alive(code):
            center = self._distribution.center(code)
            move = ev.OwnershipAssigned(
                code=center.code, name=center.name, epoch=incident.owner.epoch + 1, reason="handover"
            )
            writes.append((move, actor))
        _log.info("crossed a border", incident=incident.id, into=answer.center_code, center=code or "none")
        return writes

    async def _reload(self) -> None:
        while True:
            await asyncio.sleep(_RELOAD_S)
            started = time.monotonic()
            self.look_again()
            if await self._distribution.reload():
                _log.info("new boundaries in force", seconds=round(time.monotonic() - started, 2))


def _rang(incident: Incident, step: Step) -> ev.Rung | None:
    """Ring no answer: a rung of its own, so that the record shows who was called in vain."""
    if not step.rang or incident.owner is None:
        return None
    owner = incident.owner
    return ev.Rung(step="no_answer", code=owner.code, name=owner.name, because="no_answer", rule=step.rule)

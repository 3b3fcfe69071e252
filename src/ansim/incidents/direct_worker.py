"""A center's clockwork for the incidents that it alone has: what the hub's ladder would do for them.

It ends where the hub confirms: from then on the hub's ladder counts, and both speak of the same events.
"""

import asyncio
import contextlib

import sqlalchemy as sa

from ansim.core import logs
from ansim.core.actors import system
from ansim.core.clock import hlc_ms, parse_iso, system_ms
from ansim.core.database import Database, Overloaded, Tx
from ansim.core.metrics import Metrics
from ansim.core.settings import PolicySettings
from ansim.incidents import events as ev
from ansim.incidents import store
from ansim.incidents.fold import fold
from ansim.incidents.journal import Journal
from ansim.incidents.lifecycle import State
from ansim.incidents.model import Incident

_log = logs.get("direct")
_IDLE_MS = 60_000


def next_alarm(incident: Incident, node: str, policy: PolicySettings) -> tuple[int, ev.Data] | None:
    """When (ms since the epoch) something is due for an incident that only this center has, and what.

    The window ends; nobody accepts in time, so the agency is asked directly, marked unverified.
    """
    owner = incident.owner
    if not incident.open or not incident.unconfirmed or owner is None or owner.code != node:
        return None
    if incident.state is State.ARMED and incident.armed is not None:
        return _ms(incident.armed.window_ends_at, incident.opened_at), ev.Alerted(reason="window")
    if incident.state is State.ALERTING and not incident.agency_asked:
        agency: ev.Agency = "exercise" if incident.exercise else "112"
        due = hlc_ms(incident.alerted_at) + int(policy.agency_s * 1000)
        return due, ev.Rung(step="agency_direct", agency=agency, code=owner.code, name=owner.name)
    return None


def _ms(text: str, otherwise: str) -> int:
    try:
        return int(parse_iso(text).timestamp() * 1000)
    except ValueError:  # a window nobody can read must not keep people from being alarmed
        return hlc_ms(otherwise)


class DirectClock:
    """Carries out what is due; computed from events, so a restart forgets nothing."""

    def __init__(
        self, database: Database, journal: Journal, policy: PolicySettings, metrics: Metrics
    ) -> None:
        self._database = database
        self._journal = journal
        self._policy = policy
        self._metrics = metrics
        self._due: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        metrics.queue("direct", self._overdue)
        journal.listeners.append(self.notice)

    def _overdue(self) -> tuple[int, float]:
        late = [ms for ms in (system_ms() - due for due in self._due.values()) if ms > 0]
        return len(late), max([0, *late]) / 1000

    def notice(self, incident: Incident) -> None:
        """An incident changed: what is due may have."""
        step = next_alarm(incident, self._journal.node, self._policy)
        if step is None:
            self._due.pop(incident.id, None)
        else:
            self._due[incident.id] = step[0]
            self._wake.set()

    async def start(self) -> None:
        """Take up what was open, then keep the clock."""

        def read(conn: sa.Connection) -> list[Incident]:
            return [fold(store.events_of(conn, one)) for one in store.open_ids(conn)]

        for incident in await self._database.read(read):
            self.notice(incident)
        self._task = asyncio.create_task(self._run(), name="direct-clock")

    async def stop(self) -> None:
        """Stop the clock."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            wait_ms = min(self._due.values(), default=system_ms() + _IDLE_MS) - system_ms()
            with contextlib.suppress(TimeoutError):  # then something is due
                await asyncio.wait_for(self._wake.wait(), max(0.0, wait_ms / 1000))
            self._wake.clear()
            for incident_id in [one for one, due in self._due.items() if due <= system_ms()]:
                await self._attend(incident_id)

    async def _attend(self, incident_id: str) -> None:
        try:
            await self._database.write(lambda tx: self.carry_out(tx, incident_id))
        except (Overloaded, sa.exc.OperationalError) as error:
            _log.error("an alarm waits", incident=incident_id, reason=str(error))
            await asyncio.sleep(0.1)
        except Exception as error:  # noqa: BLE001 - one incident's fault must not stop the others' alarm
            _log.error("an alarm failed", incident=incident_id, exc_info=error)
            self._metrics.faults.labels("direct").inc()
            self._due.pop(incident_id, None)

    def carry_out(self, tx: Tx, incident_id: str) -> Incident:
        """Write what is due for one incident, decided anew inside the transaction."""
        events = store.events_of(tx.conn, incident_id)
        incident = fold(events)
        step = next_alarm(incident, self._journal.node, self._policy)
        if step is not None and step[0] <= system_ms():
            writes = [(step[1], system(self._journal.node))]
            return self._journal.record(tx, incident_id, writes, known=events)
        tx.on_commit(lambda: self.notice(incident))
        return incident

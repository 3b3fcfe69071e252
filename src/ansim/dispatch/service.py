"""An agency's answers to requests for help, written by the center that asked."""

from ansim.core.actors import Actor
from ansim.core.database import Database, Tx
from ansim.core.problems import Problem, forbidden, not_found
from ansim.incidents import events as ev
from ansim.incidents import store
from ansim.incidents.fold import fold
from ansim.incidents.journal import Journal
from ansim.incidents.model import Incident


class DispatchService:
    """Requests made by the center ``code``."""

    def __init__(self, database: Database, journal: Journal, code: str) -> None:
        self._database = database
        self._journal = journal
        self._code = code

    async def update(
        self, request_id: str, agency: str, actor: Actor, status: ev.Status, note: str
    ) -> Incident:
        """Move a request one or more steps on; 409 for a step back, 403 for another agency's request."""

        def run(tx: Tx) -> Incident:
            incident_id = store.incident_of_event(tx.conn, request_id)
            events = store.events_of(tx.conn, incident_id) if incident_id else []
            if not events:
                raise not_found("request")
            incident = fold(events)
            request = incident.requests.get(request_id)
            if request is None or request.center != self._code:
                raise not_found("request")
            if request.agency != agency:
                raise forbidden("다른 기관의 요청입니다.", "This request went to another agency.")
            if request.status == status:
                return incident  # said twice: once is enough
            if ev.STATUSES.index(status) < ev.STATUSES.index(request.status):
                raise _backwards(request.status)
            update = ev.DispatchUpdated(request=request_id, status=status, note=note)
            return self._journal.record(tx, incident.id, [(update, actor)], known=events)

        return await self._database.write(run)


def _backwards(status: str) -> Problem:
    return Problem(
        409,
        "illegal-transition",
        ("되돌릴 수 없는 단계입니다.", "This step cannot be taken back."),
        state=status,
        field="status",
    )

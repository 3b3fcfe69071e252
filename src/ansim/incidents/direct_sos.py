"""The person's use cases on a center, for the time in which the hub is silent.

The same service as on the hub, with two differences: the center itself is the owner, and it cancels by itself
only what it alone has and what needs no PIN. Her PIN is the hub's to check: a center that took any PIN for
the right one would end the alarm for whoever took her phone.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy.engine import Connection

from ansim.core.database import Database, Tx
from ansim.core.settings import PolicySettings
from ansim.geo.answers import Answer
from ansim.incidents import events as ev
from ansim.incidents import store
from ansim.incidents.direct import PIN_AT_HUB
from ansim.incidents.fold import fold
from ansim.incidents.journal import Journal
from ansim.incidents.positions import Position
from ansim.incidents.route import Route
from ansim.incidents.sos import Caller, SosService

DIRECT = "direct"
"""Mark of an incident that a center took without the hub."""
Locate = Callable[[float, float, float], Answer]


def to_itself(
    code: str, name: str, locate: Locate, own: frozenset[str]
) -> Callable[[Position | None], Route]:
    """The route of every press that reaches this center: here. ``own`` are its jurisdictions.

    A press from elsewhere is taken as well. It counts as routed here by default, so that the hub, once it is
    back, sees that she is in another area and hands her over.
    """

    def route(position: Position | None) -> Route:
        owner = ev.CenterRef(code=code, name=name)
        answer = locate(position.lat, position.lon, position.radius) if position else None
        if answer is None or answer.center_code not in own:
            routed = ev.Routed(code=code, name=name, method="default", marks=(DIRECT,))
        else:
            routed = ev.Routed(
                code=answer.center_code,
                name=answer.center_name,
                method="overlap" if answer.method == "overlap" else "contains",
                approximate=answer.approximate,
                marks=(DIRECT,),
            )
        return Route(routed=routed, owner=owner, reason="direct")

    return route


class DirectSos(SosService):
    """Press, cancel, positions at a center."""

    def __init__(
        self,
        *,
        database: Database,
        journal: Journal,
        route: Callable[[Position | None], Route],
        policy: PolicySettings,
    ) -> None:
        def nobody(_conn: Connection, _person: str) -> dict[str, Any] | None:
            return None

        super().__init__(database=database, journal=journal, route=route, card=nobody, policy=policy)

    async def person_of(self, incident_id: str) -> str | None:
        """None: whose PIN it would be, and what it is, only the hub knows."""
        return None

    async def cancel(self, incident_id: str, caller: Caller, *, duress: bool) -> str:
        """Cancel what this center alone has and what has no PIN; else ask its operators, and say so."""
        if await self._database.write(lambda tx: self._ask(tx, incident_id, caller)):
            return "cancel_asked"
        return await super().cancel(incident_id, caller, duress=duress)

    def _ask(self, tx: Tx, incident_id: str, caller: Caller) -> bool:
        events = store.events_of(tx.conn, incident_id)
        incident = fold(events)
        alone = incident.unconfirmed and PIN_AT_HUB not in incident.marks
        if alone and incident.armed is not None and incident.armed.person is None:
            return False
        if incident.open and "cancel_asked" not in incident.marks:
            self._journal.record(tx, incident_id, [(ev.CancelAsked(), caller.actor)], known=events)
        return True

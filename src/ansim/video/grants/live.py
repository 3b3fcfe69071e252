"""The grants in force, in memory: what a media socket waits on, and what ends them at once.

A grant ends in memory first, in the very turn of the event loop in which its reason is known, so that the
sockets close without waiting for the disk; its row and ledger entry follow from a queue that forgets nothing.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from ansim.core.clock import iso, now, parse_iso
from ansim.incidents.model import Incident
from ansim.incidents.positions import Position
from ansim.video.grants.model import KEEP_M, Grant, Reason, Viewer, refusal, still_broken


class Hold:
    """One grant in force. A socket sends as long as it is not ``ended`` and stops when ``wait`` returns."""

    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self.reason: Reason | None = None
        self.sockets = 0
        """How many live pictures it feeds now."""
        self.over = asyncio.Event()
        """Set when it is over."""

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.reason is not None

    async def wait(self) -> Reason:
        """Returns when it is over, with the reason."""
        await self.over.wait()
        assert self.reason is not None
        return self.reason

    def end(self, reason: Reason) -> None:
        """It is over."""
        if self.reason is None:
            self.reason = reason
            self.over.set()


class Live:
    """All grants in force on this node. ``on_end`` hears each end, in the turn in which it happens."""

    def __init__(self, center: str, on_end: Callable[[Grant, Reason, str], None]) -> None:
        self._center = center
        self._on_end = on_end
        self._holds: dict[str, Hold] = {}
        self._by_incident: dict[str, dict[str, Hold]] = {}
        self._positions: dict[str, Position] = {}
        self.end_listeners: list[Callable[[Grant, Reason], None]] = []
        """Hear of each end as well: PTZ leases, the recorder."""
        self.watch_listeners: list[Callable[[], None]] = []
        """Hear that a live picture was opened or closed."""

    def __len__(self) -> int:
        return len(self._holds)

    def __iter__(self) -> Iterator[Hold]:
        return iter(list(self._holds.values()))

    def hold(self, grant_id: str) -> Hold | None:
        """The hold of a grant in force."""
        return self._holds.get(grant_id)

    def add(self, grant: Grant, position: Position | None) -> Hold:
        """A grant comes into force."""
        hold = self._holds[grant.id] = Hold(grant)
        self._by_incident.setdefault(grant.incident, {})[grant.id] = hold
        if position is not None:
            self._keep(grant.incident, position)
        return hold

    def watched(self, hold: Hold, by: int) -> None:
        """A live picture of this grant was opened (1) or closed (-1)."""
        hold.sockets += by
        for listener in self.watch_listeners:
            listener()

    def of_incident(self, incident: str) -> list[Hold]:
        """The grants in force for an incident."""
        return list(self._by_incident.get(incident, {}).values())

    def on_incident(self, incident: Incident) -> None:
        """The incident has changed: end what no longer stands."""
        self._judge(incident.id, incident)

    def on_positions(self, incident: Incident, new: list[Position]) -> None:
        """She has moved."""
        if incident.id not in self._by_incident or not new:
            return
        self._keep(incident.id, max(new, key=lambda fix: fix.order))
        self._judge(incident.id, incident)

    def on_sessions_ended(self, sessions: Iterable[str]) -> None:
        """Somebody signed out or was signed out."""
        gone = set(sessions)
        self.end_where(lambda grant: grant.session in gone, "signed_out")

    def on_duty_ended(self, staff: str) -> None:
        """Somebody's duty is over."""
        self.end_where(lambda grant: grant.holder == staff, "duty_ended")

    def expire(self, at: datetime) -> None:
        """End what has run out."""
        self.end_where(lambda grant: parse_iso(grant.expires_at) <= at, "expired")

    def end_where(self, matches: Callable[[Grant], bool], reason: Reason) -> None:
        """End every grant that matches."""
        for hold in self:
            if matches(hold.grant):
                self._end(hold, reason)

    def _judge(self, incident_id: str, incident: Incident) -> None:
        position = self._positions.get(incident_id)
        at = now()
        for hold in self.of_incident(incident_id):
            reason = standing_reason(hold.grant, incident, position, self._center, at)
            if reason is not None:
                self._end(hold, reason)

    def _end(self, hold: Hold, reason: Reason) -> None:
        grant = hold.grant
        self._holds.pop(grant.id, None)
        held = self._by_incident.get(grant.incident, {})
        held.pop(grant.id, None)
        if not held:
            self._by_incident.pop(grant.incident, None)
            self._positions.pop(grant.incident, None)
        hold.end(reason)
        self._on_end(grant, reason, iso(now()))
        for listener in self.end_listeners:
            listener(grant, reason)

    def _keep(self, incident: str, position: Position) -> None:
        known = self._positions.get(incident)
        if known is None or known.order < position.order:
            self._positions[incident] = position


def standing_reason(
    grant: Grant, incident: Incident, position: Position | None, center: str, at: datetime
) -> Reason | None:
    """Why a grant in force must end now; None: it stands."""
    viewer = Viewer(
        id=grant.holder, name=grant.holder_name, session=grant.session, address="", agency=grant.agency
    )
    if grant.second:
        return still_broken(viewer, incident)
    return refusal(
        viewer, incident, grant.eye, position, kind=grant.kind, center=center, at=at, slack_m=KEEP_M
    )

"""Staff on duty and what waits for them: what a center tells the hub of itself each second."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable

from sqlalchemy.engine import Connection

from ansim.core.clock import hlc_ms, system_ms
from ansim.incidents import store
from ansim.incidents.model import Incident
from ansim.people.model import Operator

GRACE_S = 10.0
"""A console that is gone for less than this was reloaded: its operator is still on duty."""


class Duty:
    """Counts people with a console open, once each, and the incidents of the center ``code``.

    Accounts in ``robots`` (the drill's) are nobody who could help.
    """

    def __init__(
        self, code: str, *, robots: frozenset[str] = frozenset(), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._code = code
        self._robots = robots
        self._clock = clock
        self._screens: Counter[str] = Counter()
        self._left: dict[str, float] = {}
        self._open: set[str] = set()
        self._alarms: dict[str, int] = {}

    async def while_open(self, operator: Operator, frames: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The frames of a console, whose operator is on duty as long as they are read."""
        if operator.login not in self._robots:
            self._screens[operator.id] += 1
        try:
            async for frame in frames:
                yield frame
        finally:
            if operator.login not in self._robots:
                self._screens[operator.id] -= 1
                self._left[operator.id] = self._clock()

    def operators(self) -> int:
        """How many people are on duty."""
        here = {who for who, screens in self._screens.items() if screens > 0}
        self._screens = Counter({who: self._screens[who] for who in here})
        self._left = {who: at for who, at in self._left.items() if self._clock() - at < GRACE_S}
        return len(here | self._left.keys())

    def take_up(self, conn: Connection) -> None:
        """Begin with what the database holds."""
        for incident_id in store.open_ids(conn):
            incident = store.load(conn, incident_id)
            if incident is not None:
                self.notice(incident)

    def notice(self, incident: Incident) -> None:
        """An incident changed."""
        ours = incident.open and incident.owner is not None and incident.owner.code == self._code
        self._open.discard(incident.id)
        self._alarms.pop(incident.id, None)
        if ours:
            self._open.add(incident.id)
        if ours and incident.needs_operator:
            self._alarms[incident.id] = hlc_ms(incident.alerted_at)

    @property
    def open(self) -> int:
        """Incidents that the center owns."""
        return len(self._open)

    @property
    def alarms(self) -> int:
        """Those that wait for an operator."""
        return len(self._alarms)

    def oldest_s(self) -> float:
        """How long the first of them has waited, seconds; 0 when none does."""
        began = min(self._alarms.values(), default=None)
        return 0.0 if began is None else max(0.0, round((system_ms() - began) / 1000, 1))

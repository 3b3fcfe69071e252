"""Distribution: which center an incident goes to, in which order the others follow."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from ansim.core import logs
from ansim.core.clock import now
from ansim.core.settings import PolicySettings
from ansim.distribution import policy as rules
from ansim.distribution.boundaries import BoundaryHistory, default_boundaries, inherit
from ansim.distribution.generations import FOLDER, history_from_dir, stamp
from ansim.distribution.health import RANK, CenterHealth, ServiceState
from ansim.distribution.importer import BoundaryFileError
from ansim.geo.boundaries import BoundarySet
from ansim.incidents.aid_api import Peer
from ansim.incidents.events import CenterRef, Method, Routed
from ansim.incidents.positions import Position
from ansim.incidents.route import Route

_PEERS = 12
"""So many neighbours are told to a center."""
_log = logs.get("distribution")


class Distribution:
    """The hub's knowledge of boundaries and centers. ``centers`` maps enrolled codes to names.

    ``policy`` is what is in force (policy_file.py keeps it); ``settings`` stand where it is silent.
    """

    policy = rules.DEFAULT
    settings = PolicySettings()

    def __init__(
        self,
        data: Path,
        centers: Mapping[str, str],
        health: CenterHealth,
        settings: PolicySettings = PolicySettings(),  # noqa: B008 - it is frozen
    ) -> None:
        if not centers:
            raise ValueError("a hub needs at least one center; enrol one in [centers]")
        self._folder = data / FOLDER
        self._centers = dict(centers)
        self.health = health
        self.settings = settings
        self._stamp = stamp(self._folder)
        self._history = history_from_dir(self._folder)
        self._assigned: tuple[BoundarySet, dict[str, str]] | None = None

    @property
    def boundaries(self) -> BoundarySet:
        """The boundaries in force now."""
        return self._history.as_of(now())

    def center(self, code: str) -> CenterRef:
        """An enrolled center by code."""
        return CenterRef(code=code, name=self.health.name(code) or self._centers[code])

    def enrolled(self) -> list[str]:
        """Codes of the centers that can be reached."""
        return list(self._centers)

    async def reload(self) -> bool:
        """Take over boundaries that were imported meanwhile; the old ones serve until the new are ready."""
        found = stamp(self._folder)
        if found == self._stamp:
            return False
        try:
            history: BoundaryHistory = await asyncio.to_thread(history_from_dir, self._folder)
        except BoundaryFileError as error:
            _log.error("imported boundaries are damaged, the old ones stay", reason=str(error))
            self._stamp = found
            return False
        self._history, self._stamp, self._assigned = history, found, None
        _log.info("boundaries reloaded", count=len(self.boundaries))
        return True

    def answering(self, jurisdiction: str) -> str | None:
        """The enrolled center that answers for a jurisdiction, None when its center is not connected."""
        boundaries = self.boundaries
        if self._assigned is None or self._assigned[0] is not boundaries:
            own = {code: code for code in default_boundaries().codes}
            table = (
                own if boundaries is default_boundaries() else inherit(default_boundaries(), boundaries, own)
            )
            self._assigned = (boundaries, table)
        code = self._assigned[1].get(jurisdiction, jurisdiction)
        return code if code in self._centers else None

    def follow(self, policy: rules.Policy) -> None:
        """Go by this policy from now on."""
        self.policy = policy
        self.health.limits = policy.limits

    def plan(self, code: str, service: rules.Service, settings: PolicySettings | None = None) -> rules.Plan:
        """What the policy says now of an incident that the center ``code`` has ("" when none has)."""
        beat = self.health.last(code)
        conditions = rules.Conditions(
            moment=now(),
            center=code,
            state=self.health.state(code) if code in self._centers else ServiceState.NORMAL,
            service=service,
            alarms=beat.alarms if beat else 0,
        )
        return rules.plan(self.policy, settings or self.settings, conditions)

    def room(self, jurisdiction: str | None) -> CenterRef | None:
        """The province's room behind a jurisdiction, None when there is none that can be reached."""
        code = rules.room_of(self.policy, jurisdiction) if jurisdiction is not None else None
        return self.center(code) if code in self._centers and code is not None else None

    def order(self, jurisdiction: str | None, fallback: Sequence[str] = ()) -> list[CenterRef]:
        """Enrolled centers, the one that answers for the jurisdiction first.

        Then those of the ``fallback`` order, then by nearness; among these who can take an alarm comes before
        who is overloaded, unstaffed or down. Rooms of provinces have a rung of their own.
        """
        boundaries = self.boundaries
        first: list[str] = []
        ranked = dict.fromkeys(code for code in fallback if code in self._centers)
        if jurisdiction is not None and jurisdiction in boundaries:
            own = self.answering(jurisdiction)
            first = [] if own is None else [own]
            for code in boundaries.neighbours(jurisdiction):
                center = self.answering(code)
                if center is not None:
                    ranked.setdefault(center)
        for code in self._centers:  # one whose own area is not on this map still answers, last
            ranked.setdefault(code)
        rooms = set(self.policy.rooms.values())
        rest = [code for code in ranked if code not in first and code not in rooms]
        rest.sort(key=lambda code: RANK[self.health.state(code)])
        return [self.center(code) for code in (*first, *rest)]

    def peers(self, code: str) -> list[Peer]:
        """The other centers that can be asked for help, nearest first."""
        near = self.order(code)
        rooms = [self.center(one) for one in self.policy.rooms.values() if one in self._centers]
        return [
            Peer(code=one.code, name=one.name, state=self.health.state(one.code).value)
            for one in (*near[: _PEERS + 1], *rooms)
            if one.code != code
        ]

    def route(self, position: Position | None) -> Route:
        """Who gets a new incident. Never fails: without a position the first enrolled center does."""
        if position is None:
            first = self._first_alive(self.order(None))
            routed = Routed(code=first.code, name=first.name, method="default")
            return Route(routed=routed, owner=first, reason="routed")
        boundaries = self.boundaries
        answer = boundaries.locate(position.lat, position.lon, position.radius)
        responsible = self.answering(answer.center_code)
        plan = self.plan(responsible or "", "sos")
        order = self.order(answer.center_code, plan.fallback)
        diverted = plan.divert and len(order) > 1 and order[0].code == responsible
        if diverted:
            order = [*order[1:], order[0]]
        touched = dict.fromkeys(self.answering(code) for code in answer.others)
        owner = self._first_alive(order)
        informed = tuple(self.center(code) for code in touched if code is not None and code != owner.code)
        marks = ("center_not_connected",) if responsible is None else ()
        routed = Routed(
            code=answer.center_code,
            name=answer.center_name,
            method=cast(Method, answer.method),
            approximate=answer.approximate,
            informed=informed,
            marks=marks,
        )
        if responsible is None or owner.code == responsible:
            return Route(routed=routed, owner=owner, reason="routed")
        return Route(routed=routed, owner=owner, reason="policy" if diverted else "no_ack")

    def _first_alive(self, order: list[CenterRef]) -> CenterRef:
        return next((center for center in order if self.health.alive(center.code)), order[0])

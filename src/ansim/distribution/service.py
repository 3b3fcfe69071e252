"""Distribution: which center an incident goes to, in which order the others follow."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from ansim.core import logs
from ansim.core.clock import now
from ansim.distribution.boundaries import BoundaryHistory, default_boundaries, inherit
from ansim.distribution.generations import FOLDER, history_from_dir, stamp
from ansim.distribution.health import CenterHealth
from ansim.distribution.importer import BoundaryFileError
from ansim.geo.boundaries import BoundarySet
from ansim.incidents.events import CenterRef, Method, Routed
from ansim.incidents.positions import Position
from ansim.incidents.route import Route

_log = logs.get("distribution")


class Distribution:
    """The hub's knowledge of boundaries and centers. ``centers`` maps enrolled codes to names."""

    def __init__(self, data: Path, centers: Mapping[str, str], health: CenterHealth) -> None:
        if not centers:
            raise ValueError("a hub needs at least one center; enrol one in [centers]")
        self._folder = data / FOLDER
        self._centers = dict(centers)
        self.health = health
        self._stamp = stamp(self._folder)
        self._history = history_from_dir(self._folder)
        self._assigned: tuple[BoundarySet, dict[str, str]] | None = None

    @property
    def boundaries(self) -> BoundarySet:
        """The boundaries in force now."""
        return self._history.as_of(now())

    def good_until(self, moment: datetime, most: timedelta) -> datetime:
        """Until when an answer of ``moment`` may be kept: ``most`` long, or to the next planned change."""
        planned = [one.effective_from for one in self._history.generations if one.effective_from > moment]
        return min([moment + most, *planned])

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

    def order(self, jurisdiction: str | None) -> list[CenterRef]:
        """Enrolled centers, the one that answers for the jurisdiction first, then by nearness."""
        boundaries = self.boundaries
        if jurisdiction is None or jurisdiction not in boundaries:
            return [self.center(code) for code in self._centers]
        ranked: dict[str, None] = {}
        for code in (jurisdiction, *boundaries.neighbours(jurisdiction)):
            center = self.answering(code)
            if center is not None:
                ranked.setdefault(center)
        for code in self._centers:  # one whose own area is not on this map still answers, last
            ranked.setdefault(code)
        return [self.center(code) for code in ranked]

    def route(self, position: Position | None) -> Route:
        """Who gets a new incident. Never fails: without a position the first enrolled center does."""
        if position is None:
            first = self._first_alive([self.center(code) for code in self._centers])
            routed = Routed(code=first.code, name=first.name, method="default")
            return Route(routed=routed, owner=first, reason="routed")
        boundaries = self.boundaries
        answer = boundaries.locate(position.lat, position.lon, position.radius)
        order = self.order(answer.center_code)
        responsible = self.answering(answer.center_code)
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
        rerouted = responsible is not None and owner.code != responsible
        return Route(routed=routed, owner=owner, reason="no_ack" if rerouted else "routed")

    def _first_alive(self, order: list[CenterRef]) -> CenterRef:
        return next((center for center in order if self.health.alive(center.code)), order[0])

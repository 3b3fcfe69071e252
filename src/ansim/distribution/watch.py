"""The hub's eye on boundaries: what the check finds wrong in a generation is reported to the owners, once."""

import asyncio
from collections.abc import Iterable, Iterator

import sqlalchemy as sa

from ansim.core import logs
from ansim.core.clock import now
from ansim.core.database import Overloaded
from ansim.distribution.boundary_check import Discrepancy, check
from ansim.distribution.discrepancies import Discrepancies, Fault
from ansim.distribution.service import Distribution
from ansim.geo.boundaries import BoundarySet

_log = logs.get("boundaries")
_LOOK_EVERY_S = 5.0
_DETAILS = {
    "gap": "아무도 담당하지 않는 땅이 있습니다 · ground that nobody claims",
    "overlap": "두 곳이 같은 땅을 담당합니다 · ground that two claim",
    "invalid": "도형이 올바르지 않아 고쳐서 씁니다 · the shape is invalid, a repaired one is used",
    "no-name": "이름이 없습니다 · there is no name",
    "same-name": "한 시도에 같은 이름이 있습니다 · two in one province have this name",
}


class BoundaryWatch:
    """Checks every surveyed generation that is in force or planned, whenever there are new ones."""

    def __init__(
        self, distribution: Distribution, discrepancies: Discrepancies, *, min_area_m2: float
    ) -> None:
        self._distribution = distribution
        self._discrepancies = discrepancies
        self._min_area_m2 = min_area_m2
        self._checked: tuple[BoundarySet, ...] = ()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="boundary-watch")

    async def stop(self) -> None:
        """Stop looking; a check that is under way ends by itself."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self) -> int:
        """Check what has not been checked; returns how many reports were new."""
        current = self._distribution.boundaries
        moment = now()
        wanted = [
            one
            for one in self._distribution.generations
            if not one.approximate and (one is current or one.effective_from > moment)
        ]
        fresh = 0
        for boundaries in wanted:
            if any(boundaries is one for one in self._checked):
                continue
            found = await asyncio.to_thread(check, boundaries, min_area_m2=self._min_area_m2)
            fresh += await self._discrepancies.file(list(faults(boundaries, found, self._distribution)))
            self._checked = (*self._checked, boundaries)
            _log.info("boundaries checked", source=boundaries.source, found=len(found), fresh=fresh)
        self._checked = tuple(one for one in self._checked if any(one is other for other in wanted))
        return fresh

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except (
                Overloaded,
                sa.exc.OperationalError,
            ) as error:  # looked at again, nothing is lost by waiting
                _log.warning("reports wait", reason=str(error))
            await asyncio.sleep(_LOOK_EVERY_S)


def faults(
    boundaries: BoundarySet, found: Iterable[Discrepancy], distribution: Distribution
) -> Iterator[Fault]:
    """What was found, addressed to the centers that answer for the ground; without one, to its own code."""
    for one in found:
        owners = dict.fromkeys(distribution.answering(code) or code for code in one.codes)
        if owners:
            names = ", ".join(f"{boundaries.name(code)} ({code})" for code in one.codes)
            yield Fault(
                source="boundaries",
                kind=one.kind,
                owners=tuple(owners),
                codes=one.codes,
                detail=f"{_DETAILS[one.kind]}: {names}",
                area_m2=one.area_m2,
                lat=one.lat,
                lon=one.lon,
            )

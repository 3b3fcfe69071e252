"""A center's discrepancy reports: what is wrong with its boundaries, and its word that it is mended."""

from typing import Annotated

from litestar import get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from ansim.core.problems import not_found
from ansim.distribution.discrepancies import Discrepancies, Report
from ansim.people.model import Operator, Supervisor


def discrepancy_routes(discrepancies: Discrepancies, owner: str) -> list[HTTPRouteHandler]:
    """The console's routes; ``owner`` is the center's code, whose reports alone are shown."""

    @get("/api/console/discrepancies", tags=["boundaries"])
    async def reports(
        operator: NamedDependency[Operator],
        mended: Annotated[bool, QueryParameter(description="those that are dealt with too")] = False,
    ) -> list[Report]:
        """What is wrong with this center's boundaries, the newest first."""
        return await discrepancies.of(owner, include_mended=mended)

    @post("/api/console/discrepancies/{report:str}/mended", tags=["boundaries"], status_code=200)
    async def mend(report: FromPath[str], supervisor: NamedDependency[Supervisor]) -> Report:
        """Say that a report is dealt with; the hub hears of it. Found again, it is open again."""
        known = {one.id for one in await discrepancies.of(owner, include_mended=True)}
        mended = await discrepancies.mend(report, supervisor.name) if report in known else None
        if mended is None:
            raise not_found("discrepancy")
        return mended

    return [reports, mend]

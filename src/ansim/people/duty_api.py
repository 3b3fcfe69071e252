"""Beginning and ending one's duty."""

from litestar import put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Struct

from ansim.people.model import Desk, Operator, Staff
from ansim.people.service import PeopleService


class DutyChange(Struct, frozen=True, kw_only=True):
    """Whether one is on duty from now on."""

    on_duty: bool


def duty_routes(people: PeopleService) -> list[HTTPRouteHandler]:
    """``PUT /api/console/duty`` and ``PUT /api/desk/duty``."""

    async def change(staff: Staff, data: DutyChange) -> DutyChange:
        if data.on_duty:
            await people.duty.begin(staff)
        else:
            await people.duty.end(staff)
        return data

    @put("/api/console/duty", tags=["console"])
    async def console_duty(data: JSONBody[DutyChange], operator: NamedDependency[Operator]) -> DutyChange:
        """Begin or end one's duty at the console: off duty no camera plays."""
        return await change(operator, data)

    @put("/api/desk/duty", tags=["desk"])
    async def desk_duty(data: JSONBody[DutyChange], desk: NamedDependency[Desk]) -> DutyChange:
        """Begin or end one's duty at the desk: off duty no camera plays."""
        return await change(desk, data)

    return [console_duty, desk_duty]

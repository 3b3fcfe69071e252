"""A center's hands on its cameras: the PTZ service and when it must let go."""

from litestar.handlers import HTTPRouteHandler

from ansim.cameras.ptz import Permit, PtzService
from ansim.cameras.ptz_api import ptz_routes
from ansim.cameras.ptz_hands import Hands
from ansim.cameras.service import CameraService
from ansim.core.problems import forbidden
from ansim.incidents.journal import Journal
from ansim.incidents.model import Incident
from ansim.nodes.parts import Parts
from ansim.people.model import Operator


async def nobody(operator: Operator, incident: str, camera: str) -> None:
    """The permit of a node that has no rule for grants: nobody may turn a camera."""
    raise forbidden("카메라를 조작할 권한이 없습니다.", "You may not turn this camera.")


class Turning:
    """PTZ on a center. ``permit`` is the rule of grants; nobody may turn a camera without one."""

    def __init__(
        self, parts: Parts, journal: Journal, cameras: CameraService, permit: Permit = nobody
    ) -> None:
        self.hands = Hands(parts.database, cameras, parts.ledger)
        self.service = PtzService(self.hands, cameras, permit)

        def on_incident(incident: Incident) -> None:
            if not incident.open:
                self.hands.ended(incident.id)

        journal.listeners.append(on_incident)

    def routes(self) -> list[HTTPRouteHandler]:
        """The routes of PTZ."""
        return ptz_routes(self.service)

    async def start(self) -> None:
        """Put back what was left turned."""
        await self.hands.start()

    async def stop(self) -> None:
        """Let go of the devices; what is turned is put back at the next start."""
        await self.hands.stop()

"""The demonstration's cameras beside a center: their process, their addresses, and who walks before them."""

from ansim.cameras.service import CameraService
from ansim.cameras.sources import Connections
from ansim.core.actors import system
from ansim.incidents.journal import Journal
from ansim.incidents.model import Incident
from ansim.incidents.positions import Position
from ansim.simulation.camera_city import CameraCity
from ansim.simulation.city import cameras as demo_cameras


class DemoCity:
    """Starts the simulated cameras of a center and tells them where each person of an incident is."""

    def __init__(self, code: str, journal: Journal, cameras: CameraService, connections: Connections) -> None:
        self._code = code
        self._cameras, self._connections = cameras, connections
        self._city = CameraCity(code)
        journal.listeners.append(self._changed)
        journal.position_listeners.append(self._moved)

    async def start(self) -> None:
        """The posts into the registry, their process up, their addresses on record."""
        posts = demo_cameras(self._code)
        await self._cameras.seed(posts)
        await self._city.start()
        sources = [self._city.source(post) for post in posts]
        await self._connections.connect(sources, system(self._code), "시연 카메라")

    async def stop(self) -> None:
        """End the process."""
        await self._city.stop()

    def _moved(self, incident: Incident, new: list[Position]) -> None:
        newest = max(new, key=lambda one: one.order)
        self._city.tell(incident.id, (newest.lat, newest.lon))

    def _changed(self, incident: Incident) -> None:
        if not incident.open:
            self._city.tell(incident.id, None)

"""Turning cameras over HTTP. Each route asks for the grant first; what happens is told on the wall's
stream.
"""

from typing import Annotated

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from ansim.cameras.choice import Held
from ansim.cameras.pointing import Preset
from ansim.cameras.ptz import PtzService
from ansim.people.model import Operator

Speed = Annotated[float, Meta(ge=-1.0, le=1.0)]
_BASE = "/api/incidents/{incident:str}/cameras/{camera:str}/ptz"


class Aim(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place to aim at (WGS84 degrees), and the radius in metres that the picture shall show round it."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    radius_m: Annotated[float, Meta(ge=0, le=500)] = 6.0


class ToPreset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the camera's stored positions."""

    token: Annotated[str, Meta(min_length=1, max_length=100)]


class Push(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Speeds, -1 to 1: pan to the right, tilt up, zoom in."""

    pan: Speed = 0.0
    tilt: Speed = 0.0
    zoom: Speed = 0.0


class Hand(Struct, frozen=True, kw_only=True):
    """What can be done with a camera, and who has it in hand (None: nobody)."""

    absolute: bool
    continuous: bool
    presets: list[Preset]
    held: Held | None


def ptz_routes(service: PtzService) -> list[HTTPRouteHandler]:
    """The routes under ``/api/incidents/…/cameras/…/ptz``."""

    @get(_BASE, tags=["ptz"])
    async def hand(
        incident: FromPath[str], camera: FromPath[str], operator: NamedDependency[Operator]
    ) -> Hand:
        """What the camera can do, and who turns it."""
        mount, held = await service.about(operator, incident, camera)
        return Hand(
            absolute=mount.absolute, continuous=mount.continuous, presets=list(mount.presets), held=held
        )

    @post(f"{_BASE}/aim", status_code=200, tags=["ptz"])
    async def aim(
        incident: FromPath[str],
        camera: FromPath[str],
        data: JSONBody[Aim],
        operator: NamedDependency[Operator],
    ) -> Held:
        """Turn it to a place, as clicked on the map."""
        return await service.aim(operator, incident, camera, data.lat, data.lon, data.radius_m)

    @post(f"{_BASE}/follow", status_code=200, tags=["ptz"])
    async def at_her(
        incident: FromPath[str], camera: FromPath[str], operator: NamedDependency[Operator]
    ) -> Held:
        """Turn it to where she is now."""
        return await service.aim_at_her(operator, incident, camera)

    @post(f"{_BASE}/preset", status_code=200, tags=["ptz"])
    async def preset(
        incident: FromPath[str],
        camera: FromPath[str],
        data: JSONBody[ToPreset],
        operator: NamedDependency[Operator],
    ) -> Held:
        """Turn it to a stored position."""
        return await service.preset(operator, incident, camera, data.token)

    @post(f"{_BASE}/push", status_code=200, tags=["ptz"])
    async def push(
        incident: FromPath[str],
        camera: FromPath[str],
        data: JSONBody[Push],
        operator: NamedDependency[Operator],
    ) -> Held:
        """Turn it by hand for a moment; repeated while the key is held."""
        return await service.push(operator, incident, camera, data.pan, data.tilt, data.zoom)

    @post(f"{_BASE}/stop", status_code=200, tags=["ptz"])
    async def stop(
        incident: FromPath[str], camera: FromPath[str], operator: NamedDependency[Operator]
    ) -> Held:
        """Stop it now."""
        return await service.halt(operator, incident, camera)

    @delete(_BASE, status_code=204, tags=["ptz"])
    async def release(
        incident: FromPath[str], camera: FromPath[str], operator: NamedDependency[Operator]
    ) -> None:
        """Let go; the camera is put back to where it looked."""
        await service.release(operator, incident, camera)

    return [hand, aim, at_her, preset, push, stop, release]

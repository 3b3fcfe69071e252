"""The cameras as the console shows them: those near an incident, and all in a box of the map."""

import math
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from ansim.cameras.model import Camera, Ranked
from ansim.cameras.service import BOX_LIMIT, CameraService
from ansim.core.language import language_of
from ansim.core.problems import invalid
from ansim.people.model import Operator

PositionOf = Callable[[str], Awaitable[tuple[float, float, float] | None]]
"""Latitude, longitude and radius in metres of an incident's newest position; None when it has none."""

MOST_NEAR = 50


class Point(Struct, frozen=True, kw_only=True):
    """GeoJSON point (RFC 7946 §3.1.2): longitude, latitude."""

    type: Literal["Point"] = "Point"
    coordinates: tuple[float, float]


class CameraProperties(Struct, frozen=True, kw_only=True):
    """What the map draws of a camera."""

    id: str
    name: str
    heading: float | None
    fov_deg: float
    range_m: float


class CameraFeature(Struct, frozen=True, kw_only=True):
    """One camera on the map."""

    type: Literal["Feature"] = "Feature"
    geometry: Point
    properties: CameraProperties


class CameraFeatures(Struct, frozen=True, kw_only=True):
    """The cameras of a box; ``total`` is how many there are, though not all are given when there are many."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[CameraFeature]
    total: int


def camera_routes(service: CameraService, position_of: PositionOf) -> list[HTTPRouteHandler]:
    """The console's camera routes; ``position_of`` also decides whether the incident exists here."""

    @get("/api/console/incidents/{incident:str}/cameras", tags=["cameras"])
    async def near(
        incident: FromPath[str],
        operator: NamedDependency[Operator],
        request: Request[Any, Any, Any],
        limit: Annotated[int, QueryParameter(ge=1, le=MOST_NEAR)] = 12,
    ) -> list[Ranked]:
        """The cameras that may see the person, best first; empty while her position is not known."""
        position = await position_of(incident)
        if position is None:
            return []
        return await service.near(*position, limit, language_of(request))

    @get("/api/console/cameras", tags=["cameras"])
    async def in_box(
        operator: NamedDependency[Operator],
        bbox: Annotated[
            str, QueryParameter(max_length=200, description="west,south,east,north in degrees")
        ] = "",
    ) -> CameraFeatures:
        """The cameras in a box of the map, at most 5000."""
        found = await service.in_box(*parse_bbox(bbox), limit=BOX_LIMIT)
        return CameraFeatures(features=[_feature(camera) for camera in found.cameras], total=found.total)

    return [near, in_box]


def parse_bbox(text: str) -> tuple[float, float, float, float]:
    """West, south, east, north from their text (RFC 7946 §5). Raises a 400 problem naming ``bbox``."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise invalid(
            "bbox", "bbox는 서,남,동,북 네 개의 수입니다.", "bbox is four numbers: west,south,east,north."
        ) from None
    if not all(math.isfinite(edge) for edge in (west, south, east, north)):
        raise invalid("bbox", "bbox의 값이 수가 아닙니다.", "bbox holds something that is not a number.")
    if not (-180.0 <= west <= east <= 180.0 and -90.0 <= south <= north <= 90.0):
        raise invalid(
            "bbox",
            "bbox는 서≤동, 남≤북이어야 하며 지구 위에 있어야 합니다.",
            "bbox needs west ≤ east and south ≤ north, on this earth.",
        )
    return west, south, east, north


def _feature(camera: Camera) -> CameraFeature:
    return CameraFeature(
        geometry=Point(coordinates=(camera.lon, camera.lat)),
        properties=CameraProperties(
            id=camera.id,
            name=camera.name,
            heading=camera.heading,
            fov_deg=camera.fov_deg,
            range_m=camera.range_m,
        ),
    )

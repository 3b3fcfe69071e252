"""``GET /api/where/mapping``: the hub tells a phone whom to call when the hub is silent."""

from typing import Annotated

from litestar import get
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from msgspec import Meta

from ansim.core.clock import now
from ansim.core.limits import per_client
from ansim.distribution.mapping import Mappings, ServiceMapping

_A_MINUTE = 30
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Radius = Annotated[float, Meta(ge=0, le=100_000)]


def mapping_routes(mappings: Mappings) -> list[HTTPRouteHandler]:
    """The route; answered from memory, kept nowhere, and not often to the same address."""

    @get(
        "/api/where/mapping",
        tags=["where"],
        sync_to_thread=False,
        middleware=[per_client("mapping", _A_MINUTE)],
    )
    def mapping(
        lat: FromQuery[Latitude], lon: FromQuery[Longitude], radius: FromQuery[Radius] = 0.0
    ) -> ServiceMapping:
        """Who answers for this circle, in which boundary, until when, and where without the hub."""
        try:
            return mappings.find(lat, lon, radius, now())
        except ValueError as error:  # NaN passes every bound
            raise ValidationException(str(error)) from error

    return [mapping]

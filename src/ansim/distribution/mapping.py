"""What a phone keeps for the hour in which the hub is silent: the area it is in, and who answers there.

The answer to findService is the same for every place inside the service boundary until it expires (RFC 5222,
section 5.5), so a phone that has it needs no hub to know its center.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from ansim.core.clock import iso
from ansim.distribution.service import Distribution
from ansim.geo.boundaries import BoundarySet

KEPT = timedelta(hours=24)
"""How long a mapping is good for, unless a planned change of the boundaries comes first."""
SERVICE = "urn:service:sos"
_SIMPLIFY_M = 10.0
_FALLBACKS = 3


class DirectCenter(Struct, frozen=True, kw_only=True):
    """A center that takes an SOS without the hub; ``url`` is the origin it does so at."""

    code: str
    name: str
    url: str


class ServiceMapping(Struct, frozen=True, kw_only=True):
    """Who answers inside ``boundary`` (a GeoJSON geometry, within 10 m) until ``expires``.

    ``centers`` are the ones that phones can reach directly, the responsible one first where it can be.
    """

    service: str
    code: str
    name: str
    method: str
    approximate: bool
    expires: str
    boundary: dict[str, Any]
    centers: list[DirectCenter]


class Mappings:
    """Mappings out of the boundaries in force; ``urls`` are the centers' public origins by code."""

    def __init__(self, distribution: Distribution, urls: Mapping[str, str]) -> None:
        self._distribution = distribution
        self._urls = dict(urls)
        self._drawn: tuple[BoundarySet, dict[str, dict[str, Any]]] | None = None

    def find(self, lat: float, lon: float, radius_m: float, moment: datetime) -> ServiceMapping:
        """The mapping for a circle. ``ValueError`` names the field that is no place."""
        boundaries = self._distribution.boundaries
        answer = boundaries.locate(lat, lon, radius_m)
        order = self._distribution.order(answer.center_code)
        centers = [
            DirectCenter(code=one.code, name=one.name, url=self._urls[one.code])
            for one in order
            if one.code in self._urls
        ]
        return ServiceMapping(
            service=SERVICE,
            code=answer.center_code,
            name=answer.center_name,
            method=answer.method,
            approximate=answer.approximate,
            expires=iso(self._distribution.good_until(moment, KEPT)),
            boundary=self._boundary(boundaries, answer.center_code),
            centers=centers[:_FALLBACKS],
        )

    def _boundary(self, boundaries: BoundarySet, code: str) -> dict[str, Any]:
        if self._drawn is None or self._drawn[0] is not boundaries:
            self._drawn = (boundaries, {})
        drawn = self._drawn[1]
        if code not in drawn:
            drawn[code] = boundaries.geojson([code], _SIMPLIFY_M)["features"][0]["geometry"]
        return drawn[code]

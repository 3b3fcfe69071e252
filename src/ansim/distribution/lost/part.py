"""The LoST server of a hub, put together from its settings."""

import re
from urllib.parse import urlsplit

from litestar.handlers import ASGIRouteHandler
from msgspec import Struct

from ansim.core.metrics import Metrics
from ansim.core.settings import Settings
from ansim.distribution.lost.api import LostEndpoint, lost_routes
from ansim.distribution.lost.mappings import Contact
from ansim.distribution.lost.service import LostServer
from ansim.distribution.service import Distribution

_UNIQUE = re.compile(r"([a-zA-Z0-9-]+\.)+[a-zA-Z0-9]+")


class LostPart(Struct, frozen=True):
    """What the hub gets: the server, and its routes."""

    server: LostServer
    routes: list[ASGIRouteHandler]


def lost_part(settings: Settings, distribution: Distribution, metrics: Metrics) -> LostPart:
    """The LoST server and its routes."""
    lost = settings.lost
    server = LostServer(
        distribution,
        source=source_of(settings),
        default_uri=f"{settings.url}/",
        contacts={code: Contact(tuple(one.uris), one.lat, one.lon) for code, one in lost.contacts.items()},
        lasts_s=lost.lasts_s,
    )
    endpoint = LostEndpoint(server, metrics, strict=lost.strict, per_minute=lost.per_minute)
    return LostPart(server, lost_routes(endpoint))


def source_of(settings: Settings) -> str:
    """The server's name in LoST: an appUniqueString, which needs a dot."""
    if settings.lost.source:
        return settings.lost.source
    host = urlsplit(settings.url).hostname or ""
    return host if _UNIQUE.fullmatch(host) else f"{settings.code}.ansim.invalid"

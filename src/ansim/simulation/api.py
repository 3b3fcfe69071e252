"""A demonstration's stand-in for a phone's positioning; a real system has no such route."""

from litestar import get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from ansim.simulation.walk import Fix, walk_along

DEMO_SPEED_MPS = 6.0
"""Quicker than she would walk, so that the border is crossed while somebody watches."""


class Walk(Struct, frozen=True, kw_only=True):
    """The whole walk, for the page to play from the moment it is switched on."""

    fixes: list[Fix]


def demo_routes() -> list[HTTPRouteHandler]:
    """``GET /api/demo/walk``."""
    played = Walk(fixes=list(walk_along(speed_mps=DEMO_SPEED_MPS)))

    @get("/api/demo/walk", tags=["demo"], sync_to_thread=False)
    def demo_walk() -> Walk:
        """A walk from Anyang across the border into Geumcheon, as a phone would report it."""
        return played

    return [demo_walk]

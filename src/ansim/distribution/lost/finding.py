"""From a request to the municipalities and the service that answer it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from ansim.distribution.lost import model, services
from ansim.distribution.lost.model import ErrorKind, LostError, Note, WarningKind
from ansim.geo.answers import Answer
from ansim.geo.boundaries import BoundarySet
from ansim.geo.shapes import Point, Shape


class Found(Struct, frozen=True, kw_only=True):
    """Municipalities that answer, the best first; ``distant`` says that none of them holds the place."""

    codes: tuple[str, ...]
    distant: bool = False
    notes: tuple[Note, ...] = ()
    validation: bytes = b""


class Elsewhere(Protocol):
    """Other servers: those that areas are delegated to, and the one above."""

    def for_codes(self, codes: Sequence[str], *, distant: bool) -> str | None:
        """The server to ask for these municipalities, None: this one answers."""
        ...

    async def ask(self, server: str, body: bytes, path: Sequence[str]) -> bytes:
        """The answer of another server to the request in ``body``; raises LostError when there is none."""
        ...

    def held(self, codes: Sequence[str], service: str, shape: Shape | None, now: datetime) -> list[bytes]:
        """Mappings that were pushed for the place (RFC 6739), ready to be passed on."""
        ...


def locate(boundaries: BoundarySet, shape: Shape) -> Answer:
    """Who answers for a shape."""
    if isinstance(shape, Point):
        return boundaries.locate(shape.lat, shape.lon)
    return boundaries.locate_shape(shape)


def by_shape(boundaries: BoundarySet, location: model.GeodeticLocation) -> Found:
    """The municipalities of a geodetic location, with what is to be said of it."""
    answer = locate(boundaries, location.shape)
    notes = tuple(
        Note(WarningKind.LOCATION_INVALID, f"repaired before use: {repair}") for repair in location.repairs
    )
    if answer.method == "nearest":
        told = f"outside every boundary: the nearest is {answer.distance_m / 1000:.1f} km away"
        notes = (*notes, Note(WarningKind.DEFAULT_MAPPING_RETURNED, told))
    return Found(codes=(answer.center_code, *answer.others), distant=answer.method == "nearest", notes=notes)


def service_for(urn: str | None) -> tuple[services.Service, tuple[Note, ...]]:
    """The service to answer for, its parent in doubt; raises serviceNotImplemented."""
    if urn is None:
        note = Note(WarningKind.SERVICE_SUBSTITUTION, f"no service was named: {services.SOS} is answered")
        return services.SERVICES[services.SOS], (note,)
    found = services.resolve(urn)
    if found is None:
        raise LostError(ErrorKind.SERVICE_NOT_IMPLEMENTED, f"{urn} is not offered here")
    if found.urn == urn.strip().lower():
        return found, ()
    return found, (Note(WarningKind.SERVICE_SUBSTITUTION, f"{found.urn} is answered for {urn}"),)


def offered(urn: str | None) -> tuple[str, ...]:
    """The services beneath one; raises serviceNotImplemented when it is unknown."""
    if urn is not None and services.resolve(urn) is None:
        raise LostError(ErrorKind.SERVICE_NOT_IMPLEMENTED, f"{urn} is not offered here")
    return services.beneath(urn)


def as_warning(kind: ErrorKind) -> WarningKind:
    """The warning for an error of another server."""
    timeout = kind is ErrorKind.SERVER_TIMEOUT
    return WarningKind.SERVER_TIMEOUT if timeout else WarningKind.SERVER_ERROR

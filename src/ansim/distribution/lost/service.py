"""The LoST server: requests in, answers out. Nothing here waits except for another server."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

import shapely

from ansim.core.clock import iso, now
from ansim.distribution.lost import model, services, writing
from ansim.distribution.lost.civic import Gazetteer, Match
from ansim.distribution.lost.finding import (
    Elsewhere,
    Found,
    as_warning,
    by_shape,
    locate,
    offered,
    service_for,
)
from ansim.distribution.lost.mappings import FRESH_S, Contact, Ground, MappingBook, MappingFor, expiry
from ansim.distribution.lost.model import ErrorKind, LostError, Note, WarningKind
from ansim.distribution.lost.nearby import Nearby
from ansim.distribution.service import Distribution
from ansim.geo.boundaries import BoundarySet
from ansim.geo.shapes import Circle, Polygon, Prism, Shape

MOST_MAPPINGS = 10
"""Mappings in one answer, unless a limit asks for more (RFC 6451)."""
AT_ONCE = 100
"""Polygons of more places are looked up beside the event loop."""
_REDIRECTED = "this area is answered for there"


class LostServer:
    """Answers LoST requests over the boundaries of a :class:`Distribution`.

    ``source`` is this server's name (an appUniqueString), ``lasts_s`` how long a mapping holds.
    """

    def __init__(
        self,
        distribution: Distribution,
        *,
        source: str,
        default_uri: str,
        contacts: Mapping[str, Contact],
        lasts_s: float = 86_400.0,
        elsewhere: Elsewhere | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.source = source
        self._distribution = distribution
        self._default_uri = default_uri
        self._contacts = dict(contacts)
        self._lasts_s = lasts_s
        self._elsewhere = elsewhere
        self._clock = clock
        self._ground = Ground(lambda: distribution.generations)
        self._book: MappingBook | None = None
        self._gazetteer: tuple[BoundarySet, Gazetteer] | None = None
        self._nearby: tuple[BoundarySet, Nearby] | None = None
        self._began = clock()

    def mapping_for(self, shape: Shape | None, moment: datetime | None = None) -> MappingFor:
        """Who answers for a place, for one who may have to do without the hub later; never nobody.

        Without a shape the first enrolled center answers, as a default.
        """
        book = self._current(moment or self._clock())
        boundaries = book.boundaries
        if shape is None:
            first = self._distribution.enrolled()[0]
            code = first if first in boundaries else boundaries.codes[0]
            others: tuple[str, ...] = ()
            default = True
        else:
            answer = locate(boundaries, shape)
            code, others, default = answer.center_code, answer.others, answer.method == "nearest"
        entry = book.entry(code)
        return MappingFor(
            center=entry.center,
            center_name=entry.center_name,
            jurisdiction=code,
            jurisdiction_name=boundaries.name(code),
            boundary=boundaries.geometry(code),
            boundary_key=entry.key,
            expires=book.expires,
            uris=entry.uris,
            default=default or not entry.connected,
            others=others,
        )

    async def answer(self, request: model.Request, body: bytes, *, strict: bool = False) -> bytes:
        """The answer to ``request``, which was read from ``body``. Raises :class:`LostError`."""
        match request:
            case model.FindService():
                return await self._find_service(request, body, strict)
            case model.ListServices():
                path = self._path(request.path)
                return writing.list_services(offered(request.service), source=self.source, path=path)
            case model.ListServicesByLocation():
                return await self._list_by_location(request, body, strict)
            case model.GetServiceBoundary():
                return self._get_boundary(request)
        raise LostError(ErrorKind.BAD_REQUEST, "this is not asked for here")

    async def _find_service(self, request: model.FindService, body: bytes, strict: bool) -> bytes:
        path = self._path(request.path)
        service, substituted = service_for(request.service)
        book = self._current(self._clock())
        found = await self._found_beside(book, request.location, strict)
        notes = [*substituted, *found.notes]
        if request.validate and isinstance(request.location, model.GeodeticLocation):
            unavailable = "only civic locations are validated"
            notes.append(Note(WarningKind.LOCATION_VALIDATION_UNAVAILABLE, unavailable))
        if self._elsewhere is not None:
            server = self._elsewhere.for_codes(found.codes, distant=found.distant)
            if server is not None:
                place = request.location
                shape = place.shape if isinstance(place, model.GeodeticLocation) else None
                held = self._elsewhere.held(found.codes, service.urn, shape, book.made)
                if held:
                    return self._response(held, request, path, notes, b"")
                if not request.recursive:
                    return writing.redirect(server, source=self.source, message=_REDIRECTED)
                try:
                    return await self._elsewhere.ask(server, body, path)
                except LostError as error:
                    if strict or error.kind is ErrorKind.LOOP:
                        raise
                    notes.append(Note(as_warning(error.kind), error.message))
        mappings = self._mappings(book, request, service, found)
        connected = found.distant or book.entry(found.codes[0]).connected
        if not connected:
            notes.append(
                Note(
                    WarningKind.DEFAULT_MAPPING_RETURNED,
                    "the center of this municipality is not connected: the nearest answers for it",
                )
            )
        validation = found.validation if request.validate else b""
        return self._response(mappings, request, path, notes, validation)

    def _response(
        self,
        mappings: Sequence[bytes],
        request: model.FindService,
        path: Sequence[str],
        notes: Sequence[Note],
        validation: bytes,
    ) -> bytes:
        return writing.find_service(
            mappings,
            source=self.source,
            path=path,
            location_id=request.location.id,
            notes=notes,
            validation=validation,
        )

    def _mappings(
        self, book: MappingBook, request: model.FindService, service: services.Service, found: Found
    ) -> list[bytes]:
        wish = request.extension
        places: dict[str, tuple[float, float]] = {}
        codes: Sequence[str] = found.codes
        if wish.region is False or (wish.limit is not None and wish.region is None):
            codes, places = self._near(book, request.location, found.codes)
        codes = codes[: wish.limit or MOST_MAPPINGS]
        return [
            book.mapping(
                code,
                service,
                self._ground.gml(book.boundaries, code) if request.by_value else None,
                writing.service_location(*places[code]) if code in places else b"",
            )
            for code in codes
        ]

    def _near(
        self, book: MappingBook, location: model.Location, codes: Sequence[str]
    ) -> tuple[list[str], dict[str, tuple[float, float]]]:
        """The centers near a place, the nearest first; within its circle where it is one (RFC 6451)."""
        boundaries = book.boundaries
        if self._nearby is None or self._nearby[0] is not boundaries:
            self._nearby = (boundaries, Nearby(boundaries, self._distribution.answering, self._contacts))
        nearby = self._nearby[1]
        if isinstance(location, model.GeodeticLocation):
            lat, lon = location.shape.center
            within = location.shape.radius_m if isinstance(location.shape, Circle) else None
        else:
            middle = shapely.point_on_surface(boundaries.geometry(codes[0]))
            lat, lon, within = middle.y, middle.x, None
        ranked = nearby.ranked(lat, lon, within)
        return ranked or list(codes), nearby.places

    async def _list_by_location(
        self, request: model.ListServicesByLocation, body: bytes, strict: bool
    ) -> bytes:
        path = self._path(request.path)
        book = self._current(self._clock())
        found = await self._found_beside(book, request.location, strict)
        notes = found.notes
        if self._elsewhere is not None:
            server = self._elsewhere.for_codes(found.codes, distant=found.distant)
            if server is not None and request.recursive:
                try:
                    return await self._elsewhere.ask(server, body, path)
                except LostError as error:
                    if strict or error.kind is ErrorKind.LOOP:
                        raise
                    notes = (*notes, Note(as_warning(error.kind), error.message))
            elif server is not None:
                return writing.redirect(server, source=self.source, message=_REDIRECTED)
        code, extra = found.codes[0], b""
        if request.list_boundary == "value":
            extra = writing.list_boundary(self._ground.gml(book.boundaries, code), book.expires)
        elif request.list_boundary == "reference":
            extra = writing.list_boundary_reference(self.source, book.entry(code).key)
        return writing.list_services_by_location(
            offered(request.service),
            source=self.source,
            path=path,
            location_id=request.location.id,
            notes=notes,
            extra=extra,
        )

    def _get_boundary(self, request: model.GetServiceBoundary) -> bytes:
        known = self._ground.by_key(request.key)
        if known is None:
            raise LostError(ErrorKind.NOT_FOUND, "there is no boundary of that key")
        gml = self._ground.gml(*known)
        if request.of_list:
            expires = self._current(self._clock()).expires
            return writing.get_service_list_boundary(gml, expires, path=(self.source,))
        return writing.get_service_boundary(gml, path=(self.source,))

    def warm(self) -> None:
        """Work out who answers for each municipality, so that no early asker waits for it."""
        book = self._current(self._clock())
        for code in book.boundaries.codes:
            book.entry(code)

    def own_mappings(self) -> Iterator[tuple[model.Fingerprint, bytes]]:
        """The mappings that this server answers for, with their boundaries, for other servers (RFC 6739)."""
        book = self._current(self._clock())
        for code in book.boundaries.codes:
            if self._elsewhere is not None and self._elsewhere.for_codes((code,), distant=False):
                continue
            for urn in services.ROOTS:
                service = services.SERVICES[urn]
                name = model.Fingerprint(self.source, book.source_id(code, service), iso(book.last_updated))
                yield name, book.mapping(code, service, self._ground.gml(book.boundaries, code))

    async def _found_beside(self, book: MappingBook, location: model.Location, strict: bool) -> Found:
        """:meth:`_found`, beside the event loop where the shape is a large one."""
        shape = location.shape if isinstance(location, model.GeodeticLocation) else None
        if isinstance(shape, Polygon | Prism) and len(shape.ring) > AT_ONCE:
            return await asyncio.to_thread(self._found, book, location, strict)
        return self._found(book, location, strict)

    def _found(self, book: MappingBook, location: model.Location, strict: bool) -> Found:
        if isinstance(location, model.GeodeticLocation):
            return by_shape(book.boundaries, location)
        if self._gazetteer is None or self._gazetteer[0] is not book.boundaries:
            self._gazetteer = (book.boundaries, Gazetteer(book.boundaries))
        match = self._gazetteer[1].match(location.fields)
        return self._by_match(book.boundaries, match, strict)

    def _by_match(self, boundaries: BoundarySet, match: Match, strict: bool) -> Found:
        validation = writing.validation(match.valid, match.wrong, match.unchecked)
        if match.codes:
            return Found(codes=match.codes, validation=validation)
        if strict:
            raise LostError(ErrorKind.NOT_FOUND, "the address names no municipality known here")
        first = self._distribution.enrolled()[0]
        code = first if first in boundaries else boundaries.codes[0]
        note = Note(WarningKind.DEFAULT_MAPPING_RETURNED, "the address names no municipality known here")
        return Found(codes=(code,), distant=True, notes=(note,), validation=validation)

    def _current(self, now: datetime) -> MappingBook:
        """The mappings in force, made anew now and then so that their expiry moves on."""
        book, boundaries = self._book, self._distribution.boundaries
        stale = book is None or book.boundaries is not boundaries
        if book is None or stale or not 0 <= (now - book.made).total_seconds() < FRESH_S:
            book = self._book = MappingBook(
                boundaries,
                self._distribution,
                self._contacts,
                source=self.source,
                default_uri=self._default_uri,
                now=now,
                expires=expiry(now, self._lasts_s, self._distribution.changes_at(now)),
                last_updated=max(boundaries.effective_from, self._began),
            )
        return book

    def _path(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """The way of the request with this server at its end (section 6); raises *loop*."""
        if self.source in path:
            raise LostError(ErrorKind.LOOP, "the request has been here before")
        return (*path, self.source)

"""Who answers where, as mappings: made once for each municipality and service, used a thousand times."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

import shapely
from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from ansim.distribution.lost import writing
from ansim.distribution.lost.services import Service
from ansim.distribution.service import Distribution
from ansim.geo.boundaries import BoundarySet

FRESH_S = 60
"""Mappings are made anew this often; what they say of expiry is true to that."""


class MappingFor(Struct, frozen=True, kw_only=True):
    """Who answers for a place, until when that may be relied on, and how to reach them without the hub.

    ``jurisdiction`` and ``boundary`` (longitude, latitude) are of the municipality, ``center`` is the code of
    the center that answers for it, ``default`` says that the place lies outside every boundary.
    """

    center: str
    center_name: str
    jurisdiction: str
    jurisdiction_name: str
    boundary: BaseGeometry
    boundary_key: str
    expires: datetime
    uris: tuple[str, ...]
    default: bool = False
    others: tuple[str, ...] = ()


class Contact(Struct, frozen=True):
    """How a center is reached, and where it is (None: not said)."""

    uris: tuple[str, ...]
    lat: float | None = None
    lon: float | None = None


class Entry(Struct, frozen=True, kw_only=True):
    """What is known of one municipality."""

    jurisdiction: str
    center: str
    connected: bool
    names: tuple[tuple[str, str], ...]
    center_name: str
    uris: tuple[str, ...]
    key: str


class MappingBook:
    """The mappings of one generation of boundaries; made again, they would be the same."""

    def __init__(
        self,
        boundaries: BoundarySet,
        distribution: Distribution,
        contacts: Mapping[str, Contact],
        *,
        source: str,
        default_uri: str,
        now: datetime,
        expires: datetime,
        last_updated: datetime,
    ) -> None:
        self.boundaries = boundaries
        self.last_updated = last_updated
        self.made = now
        self.expires = expires
        self._distribution = distribution
        self._contacts = contacts
        self._source = source
        self._default_uri = default_uri
        self._entries: dict[str, Entry] = {}
        self._xml: dict[tuple[str, str], tuple[bytes, bytes]] = {}

    def entry(self, code: str) -> Entry:
        """A municipality with the center that answers for it, or else the nearest one connected."""
        found = self._entries.get(code)
        if found is None:
            found = self._entries[code] = self._entry(code)
        return found

    @staticmethod
    def source_id(code: str, service: Service) -> str:
        """The name of a mapping among this server's."""
        return f"{code}.{service.urn.rpartition(':')[2]}"

    def mapping(self, code: str, service: Service, gml: bytes | None, extra: bytes = b"") -> bytes:
        """The mapping for a municipality and a service; ``gml``: its boundary, None for a reference to it."""
        entry = self.entry(code)
        made = self._xml.get((code, service.urn))
        if made is None:
            marker = b"\0"
            whole = writing.mapping(
                names=entry.names,
                service=service.urn,
                boundary=marker,
                uris=entry.uris,
                number=service.number,
                expires=self.expires,
                last_updated=self.last_updated,
                source=self._source,
                source_id=self.source_id(code, service),
            )
            head, _, tail = whole.partition(marker)
            made = self._xml[(code, service.urn)] = (head, tail)
        head, tail = made
        bound = writing.boundary_reference(self._source, entry.key) if gml is None else writing.boundary(gml)
        if extra:
            tail = tail.replace(b"</mapping>", extra + b"</mapping>")
        return head + bound + tail

    def _entry(self, code: str) -> Entry:
        answering = self._distribution.answering(code)
        center = (
            self._distribution.order(code)[0] if answering is None else self._distribution.center(answering)
        )
        contact = self._contacts.get(center.code)
        names = (("ko", f"{center.name} 스마트도시 통합운영센터"), ("en", f"{center.name} Smart City Center"))
        return Entry(
            jurisdiction=code,
            center=center.code,
            connected=answering is not None,
            center_name=center.name,
            names=names,
            uris=contact.uris if contact is not None and contact.uris else (self._default_uri,),
            key=key_of(self.boundaries, code),
        )


class Ground:
    """Boundaries as GML and under their keys, for every generation; made when first asked for."""

    def __init__(self, generations: Callable[[], Sequence[BoundarySet]]) -> None:
        self._generations = generations
        self._gml: WeakKeyDictionary[BoundarySet, dict[str, bytes]] = WeakKeyDictionary()
        self._keys: WeakKeyDictionary[BoundarySet, dict[str, str]] = WeakKeyDictionary()

    def gml(self, boundaries: BoundarySet, code: str) -> bytes:
        """The boundary of ``code`` as GML."""
        known = self._gml.setdefault(boundaries, {})
        if code not in known:
            known[code] = writing.polygons(boundaries.geometry(code))
        return known[code]

    def by_key(self, key: str) -> tuple[BoundarySet, str] | None:
        """The boundary that a reference means: its generation and code, None when there is none."""
        for boundaries in reversed(self._generations()):
            known = self._keys.get(boundaries)
            if known is None:
                known = {key_of(boundaries, code): code for code in boundaries.codes}
                self._keys[boundaries] = known
            if key in known:
                return boundaries, known[key]
        return None


def key_of(boundaries: BoundarySet, code: str) -> str:
    """The name of a boundary in the whole world: it changes when the ground does."""
    digest = hashlib.sha256(shapely.to_wkb(boundaries.geometry(code))).hexdigest()
    return f"{code}-{digest[:32]}"


def expiry(now: datetime, lasts_s: float, changes: datetime | None) -> datetime:
    """Until when a mapping holds: the usual time, but not past a planned change of the boundaries."""
    until = now.astimezone(UTC) + timedelta(seconds=lasts_s)
    return until if changes is None else min(until, max(changes, now))

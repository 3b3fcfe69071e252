"""The words of LoST (RFC 5222), without XML, web or database."""

import enum
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from msgspec import Struct

from ansim.geo.shapes import Shape

LOST = "urn:ietf:params:xml:ns:lost1"
SYNC = "urn:ietf:params:xml:ns:lostsync1"
"""RFC 6739."""
EXT = "urn:ietf:params:xml:ns:lost-ext"
"""RFC 6451."""
LIST_BOUNDARY = "urn:ietf:params:xml:ns:lost1:slb"
"""RFC 6197."""
CIVIC = "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"
"""RFC 5139."""
GML = "http://www.opengis.net/gml"
WGS84 = "urn:ogc:def:crs:EPSG::4326"
WGS84_3D = "urn:ogc:def:crs:EPSG::4979"

GEODETIC_PROFILE = "geodetic-2d"
CIVIC_PROFILE = "civic"

MEDIA_TYPE = "application/lost+xml"
SYNC_MEDIA_TYPE = "application/lostsync+xml"


class ErrorKind(enum.StrEnum):
    """Why there is no answer (section 13.1)."""

    BAD_REQUEST = "badRequest"
    FORBIDDEN = "forbidden"
    INTERNAL_ERROR = "internalError"
    LOCATION_PROFILE_UNRECOGNIZED = "locationProfileUnrecognized"
    LOCATION_INVALID = "locationInvalid"
    SRS_INVALID = "SRSInvalid"
    LOOP = "loop"
    NOT_FOUND = "notFound"
    SERVER_ERROR = "serverError"
    SERVER_TIMEOUT = "serverTimeout"
    SERVICE_NOT_IMPLEMENTED = "serviceNotImplemented"


class WarningKind(enum.StrEnum):
    """What the asker should know about the answer (section 13.2); the schema lets errors be warnings too."""

    LOCATION_VALIDATION_UNAVAILABLE = "locationValidationUnavailable"
    SERVICE_SUBSTITUTION = "serviceSubstitution"
    DEFAULT_MAPPING_RETURNED = "defaultMappingReturned"
    LOCATION_INVALID = "locationInvalid"
    SERVER_ERROR = "serverError"
    SERVER_TIMEOUT = "serverTimeout"


class LostError(Exception):
    """An answer that is an error. ``profiles``: those not understood, for locationProfileUnrecognized."""

    def __init__(self, kind: ErrorKind, message: str, *, profiles: tuple[str, ...] = ()) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message
        self.profiles = profiles


class Note(Struct, frozen=True):
    """A warning with its English sentence."""

    kind: WarningKind
    message: str


@dataclass(frozen=True, slots=True)
class CivicField:
    """One element of a civic address (RFC 5139): its local name, its text, the namespace it is from."""

    name: str
    text: str
    namespace: str = CIVIC


@dataclass(frozen=True, slots=True)
class CivicLocation:
    """``civic`` profile: the elements in the order of the request."""

    id: str
    fields: tuple[CivicField, ...]
    profile: str = CIVIC_PROFILE


BoundaryMode = Literal["reference", "value"]


@dataclass(slots=True)
class Extension:
    """RFC 6451: at most ``limit`` mappings; ``region`` true *served by*, false *near*; None: not asked."""

    limit: int | None = None
    region: bool | None = None

    def __bool__(self) -> bool:
        return self.limit is not None or self.region is not None


@dataclass(slots=True)
class ListServices:
    """Section 10: ``service`` None asks for the top-level services."""

    service: str | None = None
    path: tuple[str, ...] = ()


@dataclass(slots=True)
class GetServiceBoundary:
    """Section 9; with ``of_list`` RFC 6197, section 3.2."""

    key: str
    of_list: bool = False


@dataclass(slots=True)
class Fingerprint:
    """A mapping that the asker has already (RFC 6739, section 4.1)."""

    source: str
    source_id: str
    last_updated: str


@dataclass(slots=True)
class GetMappings:
    """RFC 6739, section 4.1: all mappings but those that ``exists`` has in the same or a newer state."""

    exists: tuple[Fingerprint, ...] = field(default_factory=tuple)


@dataclass(slots=True)
class GeodeticLocation:
    """``geodetic-2d`` profile; ``repairs`` is what the lenient reading put right."""

    id: str
    shape: Shape
    repairs: tuple[str, ...] = ()
    profile: str = GEODETIC_PROFILE


Location: TypeAlias = GeodeticLocation | CivicLocation


@dataclass(slots=True)
class FindService:
    """Section 8: the location is the first one of the request that could be understood."""

    location: Location
    service: str | None = None
    validate: bool = False
    by_value: bool = False
    recursive: bool = False
    path: tuple[str, ...] = ()
    extension: Extension = field(default_factory=Extension)


@dataclass(slots=True)
class ListServicesByLocation:
    """Section 11; ``list_boundary``: the boundary of the list is wished for (RFC 6197)."""

    location: Location
    service: str | None = None
    recursive: bool = True
    path: tuple[str, ...] = ()
    list_boundary: BoundaryMode | None = None


@dataclass(slots=True)
class PushedMapping:
    """A mapping of another server (RFC 6739, section 4.2); ``xml`` is its element, empty to remove it."""

    source: str
    source_id: str
    last_updated: str
    expires: str
    service: str
    xml: bytes
    boundary: tuple[Shape, ...] = ()

    @property
    def removes(self) -> bool:
        """A mapping with neither boundary nor contact takes the one of its name away."""
        return not self.xml


@dataclass(slots=True)
class PushMappings:
    """RFC 6739, section 4.2."""

    mappings: tuple[PushedMapping, ...]


Request: TypeAlias = (
    FindService | ListServices | ListServicesByLocation | GetServiceBoundary | GetMappings | PushMappings
)


def repairs_of(request: Request) -> tuple[str, ...]:
    """What the lenient reading put right in a request."""
    if isinstance(request, FindService | ListServicesByLocation):
        place = request.location
        return place.repairs if isinstance(place, GeodeticLocation) else ()
    return ()

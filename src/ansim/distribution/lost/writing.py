"""Answers as XML. They are put together from bytes: at a thousand answers a second a tree would cost most.

Every text passes :func:`token` or :func:`escape`; tests hold each kind of answer to the schema of the RFC.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from xml.sax.saxutils import escape as _escape

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from ansim.distribution.lost import model
from ansim.distribution.lost.model import CivicField, ErrorKind, LostError, Note

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_OPEN = f'xmlns="{model.LOST}" xmlns:gml="{model.GML}"'
_LONGEST = 300
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECIMALS = 7
"""Of a degree: a centimetre."""


def escape(text: str) -> str:
    """Text for the content of an element or an attribute in double quotes."""
    return _escape(_NOT_XML.sub("\ufffd", text), {'"': "&quot;"})


def token(text: str) -> str:
    """Escaped text of the type xsd:token: no space but single ones between words."""
    return escape(" ".join(text[: 4 * _LONGEST].split())[:_LONGEST])


def moment(at: datetime) -> str:
    """A time of the type xsd:dateTime in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def polygons(ground: BaseGeometry) -> bytes:
    """The polygons of an area as GML (RFC 5491, section 5.2.2; holes as in RFC 5964), one after the other."""
    parts = shapely.get_parts(ground)
    return "".join(_polygon(part) for part in parts if isinstance(part, shapely.Polygon)).encode()


def _polygon(polygon: shapely.Polygon) -> str:
    inner = "".join(f"<gml:interior>{_ring(hole)}</gml:interior>" for hole in polygon.interiors)
    outer = f"<gml:exterior>{_ring(polygon.exterior)}</gml:exterior>"
    return f'<gml:Polygon srsName="{model.WGS84}">{outer}{inner}</gml:Polygon>'


def _ring(ring: shapely.LinearRing) -> str:
    places = np.round(shapely.get_coordinates(ring)[:, ::-1], _DECIMALS).ravel().tolist()
    return f"<gml:LinearRing><gml:posList>{' '.join(map(_number, places))}</gml:posList></gml:LinearRing>"


def _number(value: float) -> str:
    return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")


def boundary(gml: bytes) -> bytes:
    """A boundary by value."""
    return b'<serviceBoundary profile="geodetic-2d">' + gml + b"</serviceBoundary>"


def boundary_reference(source: str, key: str) -> bytes:
    """A boundary by reference, for getServiceBoundary at ``source``."""
    return f'<serviceBoundaryReference source="{token(source)}" key="{token(key)}"/>'.encode()


def service_location(lat: float, lon: float) -> bytes:
    """Where the service is (RFC 6451, section 3.6)."""
    point = f'<gml:Point srsName="{model.WGS84}"><gml:pos>{_number(lat)} {_number(lon)}</gml:pos></gml:Point>'
    head = f'<ext:serviceLocation xmlns:ext="{model.EXT}" profile="geodetic-2d">'
    return f"{head}{point}</ext:serviceLocation>".encode()


def mapping(
    *,
    names: Sequence[tuple[str, str]],
    service: str,
    boundary: bytes,
    uris: Iterable[str],
    number: str,
    expires: datetime,
    last_updated: datetime,
    source: str,
    source_id: str,
    extra: bytes = b"",
) -> bytes:
    """A mapping (section 5). ``names``: (language, name); ``boundary`` as made above, or empty."""
    attributes = (
        f'expires="{moment(expires)}" lastUpdated="{moment(last_updated)}"'
        f' source="{token(source)}" sourceId="{token(source_id)}"'
    )
    told = "".join(
        f'<displayName xml:lang="{token(language)}">{escape(name)}</displayName>' for language, name in names
    )
    contacts = "".join(f"<uri>{escape(uri)}</uri>" for uri in uris)
    dialled = f"<serviceNumber>{token(number)}</serviceNumber>" if number else ""
    head = f"<mapping {attributes}>{told}<service>{escape(service)}</service>"
    return head.encode() + boundary + f"{contacts}{dialled}".encode() + extra + b"</mapping>"


def validation(
    valid: Sequence[CivicField], invalid: Sequence[CivicField], unchecked: Sequence[CivicField]
) -> bytes:
    """Which elements of a civic address hold (section 8.4.2), as qualified names."""
    namespaces: dict[str, str] = {model.CIVIC: "ca"}
    for field in (*valid, *invalid, *unchecked):
        namespaces.setdefault(field.namespace, f"n{len(namespaces)}")
    lists = "".join(
        f"<{name}>{' '.join(_qname(field, namespaces) for field in fields)}</{name}>"
        for name, fields in (("valid", valid), ("invalid", invalid), ("unchecked", unchecked))
        if fields
    )
    declared = " ".join(
        f'xmlns:{prefix}="{escape(namespace)}"' for namespace, prefix in namespaces.items() if namespace
    )
    return f"<locationValidation {declared}>{lists}</locationValidation>".encode()


def _qname(field: CivicField, namespaces: dict[str, str]) -> str:
    """The field's qualified name; one without a namespace is named as if it were of RFC 5139."""
    return f"{namespaces[field.namespace] if field.namespace else 'ca'}:{field.name}"


def find_service(
    mappings: Sequence[bytes],
    *,
    source: str,
    path: Sequence[str],
    location_id: str,
    notes: Sequence[Note] = (),
    validation: bytes = b"",
) -> bytes:
    """A findServiceResponse."""
    return b"".join(
        (
            DECLARATION,
            _FIND_SERVICE,
            *mappings,
            validation,
            warnings(notes, source),
            via(path),
            f'<locationUsed id="{token(location_id)}"/></findServiceResponse>'.encode(),
        )
    )


_FIND_SERVICE = f"<findServiceResponse {_OPEN}>".encode()


def list_services(services: Iterable[str], *, source: str, path: Sequence[str]) -> bytes:
    """A listServicesResponse."""
    inside = _service_list(services) + via(path)
    return DECLARATION + f"<listServicesResponse {_OPEN}>".encode() + inside + b"</listServicesResponse>"


def list_services_by_location(
    services: Iterable[str],
    *,
    source: str,
    path: Sequence[str],
    location_id: str,
    notes: Sequence[Note] = (),
    extra: bytes = b"",
) -> bytes:
    """A listServicesByLocationResponse; ``extra`` is the boundary of the list (RFC 6197)."""
    used = f'<locationUsed id="{token(location_id)}"/>'.encode()
    inside = _service_list(services) + warnings(notes, source) + via(path) + extra + used
    head = f"<listServicesByLocationResponse {_OPEN}>".encode()
    return DECLARATION + head + inside + b"</listServicesByLocationResponse>"


def get_service_boundary(gml: bytes, *, path: Sequence[str]) -> bytes:
    """A getServiceBoundaryResponse."""
    inside = boundary(gml) + via(path)
    head = f"<getServiceBoundaryResponse {_OPEN}>".encode()
    return DECLARATION + head + inside + b"</getServiceBoundaryResponse>"


def list_boundary(gml: bytes, expires: datetime) -> bytes:
    """The area in which a list of services holds (RFC 6197, section 3.1)."""
    head = f'<slb:serviceListBoundary xmlns:slb="{model.LIST_BOUNDARY}" profile="geodetic-2d"'
    return f'{head} expires="{moment(expires)}">'.encode() + gml + b"</slb:serviceListBoundary>"


def list_boundary_reference(source: str, key: str) -> bytes:
    """The same by reference."""
    head = f'<slb:serviceListBoundaryReference xmlns:slb="{model.LIST_BOUNDARY}"'
    return f'{head} source="{token(source)}" key="{token(key)}"/>'.encode()


def get_service_list_boundary(gml: bytes, expires: datetime, *, path: Sequence[str]) -> bytes:
    """A getServiceListBoundaryResponse (RFC 6197, section 3.2)."""
    inside = list_boundary(gml, expires) + f'<path xmlns="{model.LOST}">'.encode() + via(path)[6:]
    names = f'xmlns:slb="{model.LIST_BOUNDARY}" xmlns:gml="{model.GML}"'
    head = f"<slb:getServiceListBoundaryResponse {names}>".encode()
    return DECLARATION + head + inside + b"</slb:getServiceListBoundaryResponse>"


def redirect(target: str, *, source: str, message: str) -> bytes:
    """Ask there instead (section 12.3)."""
    attributes = f'target="{token(target)}" source="{token(source)}" {_message(message)}'
    return DECLARATION + f'<redirect xmlns="{model.LOST}" {attributes}/>'.encode()


def errors(error: LostError, *, source: str, extra: bytes = b"") -> bytes:
    """An answer that is an error (section 13.1)."""
    profiles = ""
    if error.kind is ErrorKind.LOCATION_PROFILE_UNRECOGNIZED:
        known = " ".join(re.sub(r"[^\w.:-]", "_", profile) for profile in error.profiles)
        profiles = f'unsupportedProfiles="{token(known) or "none"}" '
    told = f"<{error.kind} {profiles}{_message(error.message)}/>".encode()
    head = f'<errors xmlns="{model.LOST}" source="{token(source)}">'.encode()
    return DECLARATION + head + told + extra + b"</errors>"


def warnings(notes: Sequence[Note], source: str) -> bytes:
    """Warnings, one element for each: the schema allows a kind once in an element."""
    if not notes:
        return b""
    head, tail = f'<warnings source="{token(source)}">', "</warnings>"
    return "".join(f"{head}<{note.kind} {_message(note.message)}/>{tail}" for note in notes).encode()


def via(path: Sequence[str]) -> bytes:
    """The servers that a request went through, the one that answers last."""
    return ("<path>" + "".join(f'<via source="{token(one)}"/>' for one in path) + "</path>").encode()


def _service_list(services: Iterable[str]) -> bytes:
    return f"<serviceList>{escape(' '.join(services))}</serviceList>".encode()


def _message(message: str) -> str:
    return f'message="{token(message)}" xml:lang="en"'

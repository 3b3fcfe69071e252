"""Requests of synchronization out of XML (RFC 6739); these are held to the schema in either mode."""

from lxml import etree

from ansim.core.clock import iso, parse_iso
from ansim.distribution.lost import model
from ansim.distribution.lost.geodetic import read_shape
from ansim.distribution.lost.model import LOST, SYNC, Fingerprint, PushedMapping
from ansim.distribution.lost.schema import schema
from ansim.distribution.lost.xml import Element, bad, children, parse, split, text

MOST_MAPPINGS = 2_000
MOST_FINGERPRINTS = 20_000
_NO_TIMES = ("NO-EXPIRATION", "NO-CACHE")
_IN_BODY = (f"{{{LOST}}}serviceBoundary", f"{{{LOST}}}serviceBoundaryReference", f"{{{LOST}}}uri")


def get_mappings(root: Element) -> model.GetMappings:
    """What the asker has already."""
    _hold(root)
    prints = [
        Fingerprint(one.get("source", ""), one.get("sourceId", ""), _time(one.get("lastUpdated", "")))
        for one in root.iterfind(f"{{{SYNC}}}exists/{{{SYNC}}}mapping-fingerprint")
    ]
    if len(prints) > MOST_FINGERPRINTS:
        raise bad(f"at most {MOST_FINGERPRINTS} fingerprints are read")
    return model.GetMappings(exists=tuple(prints))


def push_mappings(root: Element) -> model.PushMappings:
    """The mappings pushed."""
    _hold(root)
    return model.PushMappings(mappings=_mappings(root))


def read_mappings(body: bytes, limit: int) -> tuple[PushedMapping, ...]:
    """The mappings of a getMappingsResponse of at most ``limit`` bytes. Raises LostError."""
    root = parse(body, limit)
    if split(root) != (SYNC, "getMappingsResponse"):
        raise bad("this is no getMappingsResponse")
    _hold(root)
    return _mappings(root)


def _hold(root: Element) -> None:
    rules = schema("lostsync1")
    if not rules.validate(root):
        first = rules.error_log.last_error
        raise bad(f"not valid by the schema: {first.message if first is not None else 'unknown reason'}")


def _mappings(root: Element) -> tuple[PushedMapping, ...]:
    found = root.findall(f"{{{LOST}}}mapping")
    if len(found) > MOST_MAPPINGS:
        raise bad(f"at most {MOST_MAPPINGS} mappings are read at once")
    return tuple(_mapping(one) for one in found)


def _mapping(element: Element) -> PushedMapping:
    service = element.find(f"{{{LOST}}}service")
    expires = element.get("expires", "")
    removes = not any(child.tag in _IN_BODY for child in element)
    shapes = [
        read_shape(child, strict=False)[0]
        for boundary in element.iterfind(f"{{{LOST}}}serviceBoundary")
        if boundary.get("profile") == model.GEODETIC_PROFILE
        for _, _, child in children(boundary)
    ]
    element.tail = None
    xml: bytes = b"" if removes else etree.tostring(element, encoding="UTF-8", xml_declaration=False)
    return PushedMapping(
        source=element.get("source", "")[:120],
        source_id=element.get("sourceId", "")[:200],
        last_updated=_time(element.get("lastUpdated", "")),
        expires="" if expires in _NO_TIMES else _time(expires),
        service="" if service is None else text(service).lower()[:200],
        xml=xml,
        boundary=tuple(shapes),
    )


def _time(written: str) -> str:
    """A time of the schema's dateTime as the text that sorts; raises badRequest."""
    try:
        return iso(parse_iso(written.strip()))
    except ValueError:
        raise bad(f"{written[:40]} is no time that is known here") from None

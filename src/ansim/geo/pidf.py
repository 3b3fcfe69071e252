"""PIDF-LO: presence documents with locations (RFC 4119, 5491, 7459), read and written.

What a document does not say is what the standards say for it: not to be passed on, and to be forgotten after
24 hours (RFC 4119, section 2.2.2).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal, cast

from lxml import etree
from msgspec import Struct

from ansim.core import xml
from ansim.core.clock import iso, parse_iso
from ansim.core.xml import XmlError
from ansim.geo import gml, gml_write
from ansim.geo.gml import GmlError
from ansim.geo.shapes import Confidence, Pdf, Point, Shape

PIDF = "urn:ietf:params:xml:ns:pidf"
MODEL = "urn:ietf:params:xml:ns:pidf:data-model"
GEOPRIV = "urn:ietf:params:xml:ns:pidf:geopriv10"
POLICY = "urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy"
CIVIC = "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"
CONFIDENCE = "urn:ietf:params:xml:ns:geopriv:conf"
NSMAP: dict[str | None, str] = {
    None: PIDF,
    "dm": MODEL,
    "gp": GEOPRIV,
    "gbp": POLICY,
    "ca": CIVIC,
    "con": CONFIDENCE,
    "gml": gml.GML,
    "gs": gml.GS,
}

RETENTION = timedelta(hours=24)
MOST_LOCATIONS = 32
_MOST_TEXT = 500

Carrier = Literal["device", "tuple", "person"]
CARRIERS: tuple[Carrier, ...] = ("device", "tuple", "person")
"""In the order in which their locations are to be believed (RFC 5491, rule 8)."""


class PidfError(ValueError):
    """A document that is not taken; ``field`` is the element at fault."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


class Usage(Struct, frozen=True, kw_only=True):
    """What may be done with a location (RFC 4119, section 2.2.2)."""

    retransmission_allowed: bool = False
    retention_expiry: datetime | None = None
    """None: 24 hours after it was received."""
    ruleset_reference: str = ""
    note_well: str = ""

    def keep_until(self, received: datetime) -> datetime:
        """When the location must have been forgotten."""
        return self.retention_expiry or received + RETENTION


class Location(Struct, frozen=True, kw_only=True):
    """One ``geopriv`` element: where the entity is, by shapes, by an address, or by both.

    ``civic`` maps the names of RFC 5139's elements (country, A1 … PC) to their texts. ``repairs`` says what
    was mended in lenient reading (see :mod:`ansim.geo.gml`).
    """

    shapes: tuple[Shape, ...] = ()
    civic: dict[str, str] = {}
    usage: Usage = Usage()
    method: str = ""
    timestamp: datetime | None = None
    carrier: Carrier = "tuple"
    id: str = "location"
    repairs: tuple[str, ...] = ()


class Presence(Struct, frozen=True, kw_only=True):
    """A document: whose it is (a URI) and its locations, in the order to be believed (RFC 5491, rule 8)."""

    entity: str
    locations: tuple[Location, ...]


def parse(body: bytes, *, lenient: bool = False) -> Presence:
    """The presence document in ``body``. Raises :class:`PidfError` with the field, in bounded time."""
    try:
        root = xml.parse(body)
    except XmlError as problem:
        raise PidfError("presence", str(problem)) from problem
    if root.tag != f"{{{PIDF}}}presence":
        raise PidfError("presence", f"the document is a {str(root.tag)[:80]}")
    found = [
        _location(holder, geopriv, carrier, lenient=lenient)
        for carrier in CARRIERS
        for holder, geopriv in _carried(root, carrier)
    ]
    if not found:
        raise PidfError("geopriv", "the document holds no location")
    if len(found) > MOST_LOCATIONS:
        raise PidfError("geopriv", f"the document holds more than {MOST_LOCATIONS} locations")
    return Presence(entity=root.get("entity", "")[:_MOST_TEXT], locations=tuple(found))


def serialise(presence: Presence) -> bytes:
    """The document as XML in UTF-8. Usage rules are always stated, the defaults too."""
    root = etree.Element(f"{{{PIDF}}}presence", nsmap=NSMAP)
    root.set("entity", presence.entity)
    for location in presence.locations:
        space = PIDF if location.carrier == "tuple" else MODEL
        holder = etree.SubElement(root, f"{{{space}}}{location.carrier}")
        holder.set("id", location.id)
        parent = etree.SubElement(holder, f"{{{PIDF}}}status") if location.carrier == "tuple" else holder
        _write(etree.SubElement(parent, f"{{{GEOPRIV}}}geopriv"), location)
        if location.timestamp is not None:
            etree.SubElement(holder, f"{{{space}}}timestamp").text = iso(location.timestamp)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def read_confidence(location_info: etree._Element) -> tuple[Confidence | None, Pdf]:
    """The confidence that stands beside a shape (RFC 7459, section 4.1); None where none is stated."""
    stated = location_info.find(f"{{{CONFIDENCE}}}confidence")
    if stated is None:
        return None, "unknown"
    pdf, text = stated.get("pdf", "unknown").strip(), (stated.text or "").strip()
    if pdf not in ("unknown", "normal", "rectangular"):
        raise PidfError("confidence", f"pdf is {pdf[:40]!r}; unknown, normal and rectangular are known")
    if text == "unknown":
        return "unknown", cast(Pdf, pdf)
    try:
        value = float(text)
    except ValueError:
        raise PidfError("confidence", f"{text[:40]!r} is neither a number nor unknown") from None
    if not 0.0 < value < 100.0:
        raise PidfError("confidence", f"must be above 0 and below 100, not {text[:40]}")
    return value, cast(Pdf, pdf)


def _carried(root: etree._Element, carrier: Carrier) -> Iterator[tuple[etree._Element, etree._Element]]:
    space = PIDF if carrier == "tuple" else MODEL
    for holder in root.iterchildren(f"{{{space}}}{carrier}"):
        for geopriv in holder.iterdescendants(f"{{{GEOPRIV}}}geopriv"):
            yield holder, geopriv


def _location(
    holder: etree._Element, geopriv: etree._Element, carrier: Carrier, *, lenient: bool
) -> Location:
    info = geopriv.find(f"{{{GEOPRIV}}}location-info")
    if info is None:
        raise PidfError("location-info", "is missing")
    confidence, pdf = read_confidence(info)
    shapes: list[Shape] = []
    repairs: list[str] = []
    civic: dict[str, str] = {}
    for child in info:
        if gml.is_shape(child):
            try:
                read = gml.read(child, lenient=lenient, confidence=confidence, pdf=pdf)
            except GmlError as problem:
                raise PidfError(problem.field, problem.reason) from problem
            shapes.append(read.shape)
            repairs += read.repairs
        elif child.tag == f"{{{CIVIC}}}civicAddress":
            civic |= {str(etree.QName(part).localname): _text(part) for part in child}
    if not shapes and not civic:
        raise PidfError("location-info", "holds neither a shape nor an address that is known here")
    return Location(
        shapes=tuple(shapes),
        civic=civic,
        usage=_usage(geopriv.find(f"{{{GEOPRIV}}}usage-rules")),
        method=_text(geopriv.find(f"{{{GEOPRIV}}}method")),
        timestamp=_moment(holder),
        carrier=carrier,
        id=holder.get("id", "")[:_MOST_TEXT],
        repairs=tuple(dict.fromkeys(repairs)),
    )


def _usage(rules: etree._Element | None) -> Usage:
    if rules is None:
        return Usage()
    expiry = _text(rules.find(f"{{{POLICY}}}retention-expiry"))
    return Usage(
        retransmission_allowed=_text(rules.find(f"{{{POLICY}}}retransmission-allowed"))
        in ("true", "1", "yes"),
        retention_expiry=_time("retention-expiry", expiry) if expiry else None,
        ruleset_reference=_text(rules.find(f"{{{POLICY}}}ruleset-reference")),
        note_well=_text(rules.find(f"{{{POLICY}}}note-well")),
    )


def _moment(holder: etree._Element) -> datetime | None:
    text = _text(holder.find(f"{{{PIDF}}}timestamp")) or _text(holder.find(f"{{{MODEL}}}timestamp"))
    return _time("timestamp", text) if text else None


def _time(field: str, text: str) -> datetime:
    try:
        return parse_iso(text)
    except ValueError:
        raise PidfError(field, f"{text[:40]!r} is no time (RFC 3339)") from None


def _text(element: etree._Element | None) -> str:
    return "" if element is None else (element.text or "").strip()[:_MOST_TEXT]


def _write(geopriv: etree._Element, location: Location) -> None:
    info = etree.SubElement(geopriv, f"{{{GEOPRIV}}}location-info")
    for shape in location.shapes:
        info.append(gml_write.shape_element(shape))
    if location.civic:
        address = etree.SubElement(info, f"{{{CIVIC}}}civicAddress")
        for name, text in location.civic.items():
            etree.SubElement(address, f"{{{CIVIC}}}{name}").text = text
    sure = next((shape for shape in location.shapes if not isinstance(shape, Point)), None)
    if sure is not None:  # a point alone must have none
        stated = etree.SubElement(info, f"{{{CONFIDENCE}}}confidence")
        stated.set("pdf", sure.pdf)
        known = sure.confidence
        stated.text = known if known == "unknown" else gml_write.number(float(known))
    rules = etree.SubElement(geopriv, f"{{{GEOPRIV}}}usage-rules")
    usage = location.usage
    allowed = "true" if usage.retransmission_allowed else "false"
    etree.SubElement(rules, f"{{{POLICY}}}retransmission-allowed").text = allowed
    if usage.retention_expiry is not None:
        expiry = iso(usage.retention_expiry.astimezone(UTC))
        etree.SubElement(rules, f"{{{POLICY}}}retention-expiry").text = expiry
    if usage.ruleset_reference:
        etree.SubElement(rules, f"{{{POLICY}}}ruleset-reference").text = usage.ruleset_reference
    if usage.note_well:
        etree.SubElement(rules, f"{{{POLICY}}}note-well").text = usage.note_well
    if location.method:
        etree.SubElement(geopriv, f"{{{GEOPRIV}}}method").text = location.method

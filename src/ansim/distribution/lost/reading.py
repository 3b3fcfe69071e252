"""Requests out of XML: everything that arrives is bounded, and what is wrong is said in the standard's words.

Strict reading holds a request to the schema of RFC 5222; lenient reading takes what is found in the wild and
remembers what it put right. Document type declarations are refused before they are parsed, so there are no
entities to expand and nothing to fetch.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from lxml import etree

from ansim.distribution.lost import model
from ansim.distribution.lost.geodetic import read_shape
from ansim.distribution.lost.model import LOST, ErrorKind, LostError
from ansim.distribution.lost.schema import schema

MAX_LOCATIONS = 16
MAX_PATH = 32
MAX_LIMIT = 100
_SHOWN = 80
_ENCODINGS = frozenset({None, "UTF-8", "UTF8", "UTF-16", "UTF-16LE", "UTF-16BE", "US-ASCII", "ASCII"})

Element: TypeAlias = etree._Element

_PARSER = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    dtd_validation=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
    collect_ids=False,
)


def bad(message: str) -> LostError:
    """The request itself is wrong."""
    return LostError(ErrorKind.BAD_REQUEST, message)


def parse(body: bytes) -> Element:
    """The document element. Raises badRequest for what is no XML, or XML with a document type."""
    plain = body.replace(b"\0", b"") if b"\0" in body else body
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
        raise bad("a document type declaration is not accepted")
    try:
        root = etree.fromstring(body, _PARSER)
    except etree.XMLSyntaxError as error:
        raise bad(f"this is no XML: {error.msg}") from None
    except (ValueError, LookupError) as error:  # an encoding that libxml2 knows by name only
        raise bad(f"this can't be read as XML: {error}") from None
    info = root.getroottree().docinfo
    if info.doctype:
        raise bad("a document type declaration is not accepted")
    encoding = info.encoding
    if (encoding.upper() if encoding else None) not in _ENCODINGS:
        raise bad(f"the encoding must be UTF-8 or UTF-16, not {encoding}")
    return root


def read(body: bytes, *, strict: bool) -> model.Request:
    """The request in ``body``; raises :class:`LostError`."""
    root = parse(body)
    namespace, name = split(root)
    if strict:
        _hold_to_schema(root, namespace)
    reader = _READERS.get(name)
    if reader is None:
        raise bad(f"{name[:_SHOWN]} is no request of LoST")
    if namespace != _NAMESPACES.get(name, LOST) and (strict or namespace):
        raise bad(f"{name} is not in the namespace {_NAMESPACES.get(name, LOST)}")
    return reader(root, strict)


def split(element: Element) -> tuple[str, str]:
    """Namespace (empty: none) and local name."""
    namespace, brace, name = str(element.tag).rpartition("}")
    return namespace[1:] if brace else "", name


def children(element: Element) -> Iterator[tuple[str, str, Element]]:
    """Child elements with namespace and local name."""
    for child in element:
        if isinstance(child.tag, str):
            yield (*split(child), child)


def text(element: Element) -> str:
    """What stands in an element, without the space around it."""
    return (element.text or "").strip()


def boolean(element: Element, name: str, default: bool) -> bool:
    """An attribute of type xsd:boolean."""
    return _boolean(name, element.get(name), default)


def _boolean(name: str, value: str | None, default: bool) -> bool:
    if value is None:
        return default
    found = {"true": True, "1": True, "false": False, "0": False}.get(value.strip())
    if found is None:
        raise bad(f"{name} must be true or false, not {value[:_SHOWN]}")
    return found


def _hold_to_schema(root: Element, namespace: str) -> None:
    held = schema("lostsync1" if namespace == model.SYNC else "lost1")
    if namespace in (LOST, model.SYNC) and not held.validate(root):
        first = held.error_log.last_error
        raise bad(f"not valid by the schema: {first.message if first is not None else 'unknown reason'}")


def _find_service(root: Element, strict: bool) -> model.Request:
    service, path, locations = _common(root)
    by_value = root.get("serviceBoundary", "reference").strip()
    if by_value not in ("reference", "value"):
        raise bad(f"serviceBoundary must be reference or value, not {by_value[:_SHOWN]}")
    if service is None and strict:
        raise bad("service is missing")
    return model.FindService(
        location=_location(locations, strict),
        service=service,
        validate=boolean(root, "validateLocation", False),
        by_value=by_value == "value",
        recursive=boolean(root, "recursive", False),
        path=path,
        extension=_extension(root),
    )


def _list_services(root: Element, strict: bool) -> model.Request:
    service, path, _ = _common(root)
    return model.ListServices(service=service, path=path)


def _list_services_by_location(root: Element, strict: bool) -> model.Request:
    service, path, locations = _common(root)
    wished: model.BoundaryMode | None = None
    asked = root.find(f"{{{model.LIST_BOUNDARY}}}serviceListBoundaryRequest")
    if asked is not None:
        kind = asked.get("type", "reference").strip()
        if kind not in ("reference", "value"):
            raise bad(f"type must be reference or value, not {kind[:_SHOWN]}")
        wished = "value" if kind == "value" else "reference"
    return model.ListServicesByLocation(
        location=_location(locations, strict),
        service=service,
        recursive=boolean(root, "recursive", True),
        path=path,
        list_boundary=wished,
    )


def _get_service_boundary(root: Element, strict: bool) -> model.Request:
    key = root.get("key", "").strip()
    if not key:
        raise bad("key is missing")
    return model.GetServiceBoundary(key=key, of_list=split(root)[0] == model.LIST_BOUNDARY)


def _common(root: Element) -> tuple[str | None, tuple[str, ...], list[Element]]:
    """The service, the path and the locations of a request."""
    service: str | None = None
    path: tuple[str, ...] = ()
    locations: list[Element] = []
    for namespace, name, child in children(root):
        if namespace not in (LOST, ""):
            continue
        if name == "location":
            locations.append(child)
        elif name == "service":
            service = text(child) or None
        elif name == "path":
            path = tuple(via.get("source", "").strip() for _, _, via in children(child))
        else:
            raise bad(f"{name[:_SHOWN]} does not belong here")
    if len(locations) > MAX_LOCATIONS:
        raise bad(f"at most {MAX_LOCATIONS} locations are read")
    if len(path) > MAX_PATH:
        raise LostError(ErrorKind.LOOP, f"the path has more than {MAX_PATH} servers")
    return service, path, locations


def _extension(root: Element) -> model.Extension:
    """The limits of RFC 6451, wherever they stand among the other elements."""
    found = model.Extension()
    for namespace, name, child in children(root):
        if namespace != model.EXT:
            continue
        if name == "limit":
            digits = text(child)
            if not (digits.isascii() and digits.isdigit() and len(digits) < 10 and int(digits)):
                raise bad(f"limit must be a whole number of at least 1, not {digits[:_SHOWN]}")
            found.limit = min(int(digits), MAX_LIMIT)
        elif name == "region":
            found.region = _boolean("region", text(child), False)
    return found


def _location(locations: list[Element], strict: bool) -> model.Location:
    """The first location that is understood (section 12.1: they stand in the asker's order of preference)."""
    if not locations:
        raise bad("location is missing")
    unknown: list[str] = []
    wrong: LostError | None = None
    for element in locations:
        try:
            found = _understood(element, strict)
        except LostError as error:
            wrong = wrong or error
            continue
        if found is not None:
            return found
        unknown.append(element.get("profile", "").strip()[:_SHOWN] or "none")
    if wrong is not None:
        raise wrong
    raise LostError(
        ErrorKind.LOCATION_PROFILE_UNRECOGNIZED,
        "none of the location profiles is known here: geodetic-2d and civic are",
        profiles=tuple(dict.fromkeys(unknown)),
    )


def _understood(element: Element, strict: bool) -> model.Location | None:
    identifier, profile = element.get("id", "").strip(), element.get("profile", "").strip()
    inside = [child for child in element if isinstance(child.tag, str)]
    if not profile and inside:
        profile = model.CIVIC_PROFILE if split(inside[0])[1] == "civicAddress" else model.GEODETIC_PROFILE
    if profile not in (model.GEODETIC_PROFILE, model.CIVIC_PROFILE):
        return None
    if not inside:
        raise LostError(ErrorKind.LOCATION_INVALID, "the location is empty")
    if profile == model.GEODETIC_PROFILE:
        shape, repairs = read_shape(inside[0], strict=strict)
        return model.GeodeticLocation(id=identifier, shape=shape, repairs=repairs)
    return _civic(identifier, inside[0], strict)


def _civic(identifier: str, element: Element, strict: bool) -> model.CivicLocation:
    namespace, name = split(element)
    if name != "civicAddress" or (strict and namespace != model.CIVIC):
        raise LostError(ErrorKind.LOCATION_INVALID, "a civic location holds a civicAddress (RFC 5139)")
    fields = tuple(
        model.CivicField(name=name, text=" ".join(text(child).split())[:200], namespace=namespace)
        for namespace, name, child in children(element)
    )
    return model.CivicLocation(id=identifier, fields=fields[:64])


Reader = Callable[[Element, bool], model.Request]

_READERS: dict[str, Reader] = {
    "findService": _find_service,
    "listServices": _list_services,
    "listServicesByLocation": _list_services_by_location,
    "getServiceBoundary": _get_service_boundary,
    "getServiceListBoundary": _get_service_boundary,
}
_NAMESPACES = {"getServiceListBoundary": model.LIST_BOUNDARY}

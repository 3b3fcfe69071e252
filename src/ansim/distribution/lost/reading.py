"""Requests out of XML: everything that arrives is bounded, and what is wrong is said in the standard's words.

Strict reading holds a request to the schema of RFC 5222; lenient reading takes what is found in the wild and
remembers what it put right.
"""

from collections.abc import Callable

from ansim.distribution.lost import model
from ansim.distribution.lost.geodetic import read_shape
from ansim.distribution.lost.model import LOST, ErrorKind, LostError
from ansim.distribution.lost.reading_sync import get_mappings, push_mappings
from ansim.distribution.lost.schema import schema
from ansim.distribution.lost.xml import SHOWN, Element, bad, boolean, children, parse, split, text

MAX_LOCATIONS = 16
MAX_PATH = 32
MAX_LIMIT = 100


def read(body: bytes, *, strict: bool) -> model.Request:
    """The request in ``body``; raises :class:`LostError`."""
    root = parse(body)
    namespace, name = split(root)
    if strict:
        _hold_to_schema(root, namespace)
    reader = _READERS.get(name)
    if reader is None:
        raise bad(f"{name[:SHOWN]} is no request of LoST")
    if namespace != _NAMESPACES.get(name, LOST) and (strict or namespace):
        raise bad(f"{name} is not in the namespace {_NAMESPACES.get(name, LOST)}")
    return reader(root, strict)


def _hold_to_schema(root: Element, namespace: str) -> None:
    held = schema("lost1")
    if namespace == LOST and not held.validate(root):
        first = held.error_log.last_error
        raise bad(f"not valid by the schema: {first.message if first is not None else 'unknown reason'}")


def _find_service(root: Element, strict: bool) -> model.Request:
    service, path, locations = _common(root)
    by_value = root.get("serviceBoundary", "reference").strip()
    if by_value not in ("reference", "value"):
        raise bad(f"serviceBoundary must be reference or value, not {by_value[:SHOWN]}")
    if service is None and strict:
        raise bad("service is missing")
    return model.FindService(
        location=_location(locations, strict),
        service=service,
        validate=boolean("validateLocation", root.get("validateLocation"), False),
        by_value=by_value == "value",
        recursive=boolean("recursive", root.get("recursive"), False),
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
            raise bad(f"type must be reference or value, not {kind[:SHOWN]}")
        wished = "value" if kind == "value" else "reference"
    return model.ListServicesByLocation(
        location=_location(locations, strict),
        service=service,
        recursive=boolean("recursive", root.get("recursive"), True),
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
            raise bad(f"{name[:SHOWN]} does not belong here")
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
                raise bad(f"limit must be a whole number of at least 1, not {digits[:SHOWN]}")
            found.limit = min(int(digits), MAX_LIMIT)
        elif name == "region":
            found.region = boolean("region", text(child), False)
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
        unknown.append(element.get("profile", "").strip()[:SHOWN] or "none")
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
    "getMappingsRequest": lambda root, strict: get_mappings(root),
    "pushMappings": lambda root, strict: push_mappings(root),
}
_NAMESPACES = {
    "getServiceListBoundary": model.LIST_BOUNDARY,
    "getMappingsRequest": model.SYNC,
    "pushMappings": model.SYNC,
}

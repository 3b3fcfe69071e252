"""XML as LoST needs it: parsed with bounds, names taken apart, words of the schema read."""

import codecs
from collections.abc import Iterator
from typing import TypeAlias

from lxml import etree

from ansim.core.xml import XmlError
from ansim.core.xml import parse as parse_xml
from ansim.distribution.lost.model import ErrorKind, LostError

BODY_LIMIT = 1_000_000
"""Largest request in bytes."""
SHOWN = 80
"""So much of a stranger's text is repeated to him."""

Element: TypeAlias = etree._Element

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def bad(message: str) -> LostError:
    """The request itself is wrong."""
    return LostError(ErrorKind.BAD_REQUEST, message)


def parse(body: bytes, limit: int = BODY_LIMIT) -> Element:
    """The document element of UTF-8 or UTF-16 (RFC 5222, section 16). Raises badRequest."""
    try:
        if body[:2] in _UTF_16:
            body = body.decode("utf-16").encode()
        return parse_xml(body, max_bytes=limit)
    except UnicodeDecodeError:
        raise bad("this is neither UTF-8 nor UTF-16") from None
    except XmlError as error:
        raise bad(str(error)) from None


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


def boolean(name: str, value: str | None, default: bool) -> bool:
    """A value of type xsd:boolean; raises badRequest."""
    if value is None:
        return default
    found = {"true": True, "1": True, "false": False, "0": False}.get(value.strip())
    if found is None:
        raise bad(f"{name} must be true or false, not {value[:SHOWN]}")
    return found

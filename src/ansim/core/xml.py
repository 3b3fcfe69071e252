"""XML from strangers: read with bounds, without document types, entities or the network."""

from lxml import etree

MAX_BYTES = 4 << 20
"""A polygon of 10^5 vertices fits."""
MAX_TAGS = 500_000

_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00")


class XmlError(ValueError):
    """A body that is not taken as XML; the message says why, in one sentence."""


def parse(body: bytes, *, max_bytes: int = MAX_BYTES) -> etree._Element:
    """The root element of ``body``, which must be UTF-8 and have no document type.

    Comments and processing instructions are left out, so that text is in one piece. Raises
    :class:`XmlError`; time and memory are bounded by ``max_bytes`` and :data:`MAX_TAGS`.
    """
    if len(body) > max_bytes:
        raise XmlError(f"the document has {len(body)} bytes, at most {max_bytes} are read")
    if any(mark in body[:4] for mark in _MARKS):
        raise XmlError("the document is not in UTF-8")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise XmlError("the document has a document type (DTD), which is not allowed")
    if body.count(b"<") > MAX_TAGS:
        raise XmlError(f"the document has more than {MAX_TAGS} tags")
    parser = etree.XMLParser(
        encoding="utf-8",  # whatever the declaration says: another one could hide a document type
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise XmlError(f"the document is not well-formed XML: {_reason(error)}") from error
    except ValueError as error:
        raise XmlError(f"the document is not XML: {str(error)[:200]}") from error
    if root is None or root.getroottree().docinfo.internalDTD is not None:
        raise XmlError("the document is empty or has a document type")
    return root


def _reason(error: etree.XMLSyntaxError) -> str:
    return (error.msg or "unreadable")[:200]

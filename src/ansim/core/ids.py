"""Identifiers: UUIDv7 (RFC 9562 §5.7), so that ids sort by the time they were made."""

import secrets
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> str:
    """A fresh UUIDv7 as its 36-character text."""
    return str(uuid7())


def is_id(text: object) -> bool:
    """Whether the text is a UUID in canonical form."""
    if not isinstance(text, str) or len(text) != 36:
        return False
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def new_secret(nbytes: int = 32) -> str:
    """A URL-safe random secret from the operating system's generator."""
    return secrets.token_urlsafe(nbytes)

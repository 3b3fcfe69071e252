"""The reader's language, chosen at the edge: Korean unless English is preferred."""

from typing import Any, Literal

from litestar.connection import ASGIConnection

Language = Literal["ko", "en"]


def preferred(accept_language: str) -> Language:
    """Choose between Korean and English by an Accept-Language header (RFC 9110 §12.5.4).

    Korean when the header names neither, or both equally.
    """
    weights: dict[Language, float] = {}
    for part in accept_language[:500].split(","):
        tag, _, parameters = part.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        if primary not in ("ko", "en"):
            continue
        name, _, value = parameters.strip().partition("=")
        try:
            weight = float(value) if name.strip().lower() == "q" else 1.0
        except ValueError:
            weight = 0.0
        language: Language = "en" if primary == "en" else "ko"
        weights[language] = max(weights.get(language, 0.0), weight)
    return "en" if weights.get("en", 0.0) > weights.get("ko", 0.0) else "ko"


def language_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Language:
    """The language of whoever sent this request."""
    return preferred(connection.headers.get("accept-language", ""))

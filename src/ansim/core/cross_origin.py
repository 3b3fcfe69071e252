"""Pages of another node that may call this one, named origin by origin. Never a wildcard, never cookies."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from litestar.types import BeforeMessageSendHookHandler, Message, Scope

from ansim.core.settings import SettingsError

_ALLOWED = [
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, content-type, accept-language, last-event-id"),
    (b"access-control-expose-headers", b"x-incident-token"),
    (b"access-control-max-age", b"600"),
]


def origin_of(url: str, setting: str) -> str:
    """The origin that a setting names; SettingsError when it is more or less than scheme and host."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and "*" not in url
        plain = f"{parts.scheme}://{parts.netloc}"
        _ = parts.port  # raises when it is no number
    except ValueError:
        sound, plain = False, ""
    if not sound or parts.username is not None or url.rstrip("/") != plain:
        raise SettingsError(f"{setting}: {url!r} is no origin; write https://host or https://host:port")
    return plain.lower()


def allow(origins: Sequence[str], prefix: str) -> BeforeMessageSendHookHandler:
    """Let pages of these origins read answers below ``prefix``, without cookies."""
    known = {origin.encode() for origin in origins}

    async def before_send(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start" or not scope["path"].startswith(prefix):
            return
        headers = [*message["headers"], (b"vary", b"origin")]
        asked = next((value for name, value in scope["headers"] if name == b"origin"), b"")
        if asked in known:
            headers += [(b"access-control-allow-origin", asked), *_ALLOWED]
        message["headers"] = headers

    return before_send

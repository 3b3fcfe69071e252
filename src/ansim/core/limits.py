"""How often one client may knock: on sign-in and registration only, never on an SOS."""

from typing import Any

from litestar import Request
from litestar.middleware.base import DefineMiddleware
from litestar.middleware.rate_limit import RateLimitConfig


def per_client(name: str, per_minute: int) -> DefineMiddleware:
    """Middleware for the routes that share the allowance ``name``: so many requests a minute per address.

    Behind a proxy the address is the one uvicorn takes from trusted forwarding headers.
    """

    def client(request: Request[Any, Any, Any]) -> str:
        return f"{name}:{address_of(request)}"

    return RateLimitConfig(rate_limit=("minute", per_minute), identifier_for_request=client).middleware


def address_of(request: Request[Any, Any, Any]) -> str:
    """The client's network address, empty when there is none (a Unix socket)."""
    return request.client.host if request.client else ""

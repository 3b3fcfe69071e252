"""Every refusal that leaves the node, whatever raised it, as an RFC 9457 problem."""

import re
import traceback
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException
from litestar.middleware.csrf import generate_csrf_token
from litestar.types import ExceptionHandlersMap

from ansim.core import logs
from ansim.core.database import Overloaded
from ansim.core.ids import new_id
from ansim.core.language import language_of
from ansim.core.problems import Problem, invalid

_log = logs.get("web")
_PATH_IN_BODY = re.compile(r"`\$\.data\.?(.*?)`$")
_NAMED = re.compile(r"(?:missing required|unknown) field `(.+?)`")

_BY_STATUS: dict[int, tuple[str, tuple[str, str]]] = {
    400: ("invalid-input", ("입력이 올바르지 않습니다.", "The input is not valid.")),
    401: ("sign-in-required", ("로그인이 필요합니다.", "Sign in first.")),
    403: ("forbidden", ("권한이 없습니다.", "You may not do this.")),
    404: ("not-found", ("찾을 수 없습니다.", "Not found.")),
    405: ("method-not-allowed", ("지원하지 않는 방식입니다.", "This method is not allowed here.")),
    413: ("too-large", ("보낸 내용이 너무 큽니다.", "What was sent is too large.")),
    415: ("unsupported-media-type", ("지원하지 않는 형식입니다.", "This media type is not supported.")),
    429: (
        "too-many-requests",
        ("요청이 너무 많습니다. 잠시 뒤 다시 시도해 주세요.", "Too many requests. Please try again shortly."),
    ),
    503: ("unavailable", ("지금은 처리할 수 없습니다.", "This is not available now.")),
}
_CSRF = (
    "보안 토큰이 없거나 맞지 않습니다. 다시 시도해 주세요.",
    "The security token is missing or wrong. Please try again.",
)


def respond(request: Request[Any, Any, Any], problem: Problem) -> Response[bytes]:
    """The problem as a response, in the reader's language; ``retry_after`` also goes into its header."""
    retry_after = problem.extra.get("retry_after")
    return Response(
        msgspec.json.encode(problem.body(language_of(request))),
        status_code=problem.status,
        media_type="application/problem+json",
        headers={"retry-after": str(retry_after)} if retry_after is not None else None,
    )


def handlers(csrf: CSRFConfig) -> ExceptionHandlersMap:
    """The exception handlers of a node."""

    def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        if error.status_code == 500:
            return _on_fault(request, error)
        forged = error.status_code == 403 and error.detail.startswith("CSRF")
        response = respond(request, Problem(403, "csrf", _CSRF) if forged else _from_http(error))
        for name, value in (error.headers or {}).items():
            response.headers.setdefault(name.lower(), value)
        if forged:  # a cookie from before the secret changed would be refused for ever
            response.set_cookie(_fresh_token(csrf))
        return response

    return {Problem: respond, HTTPException: on_http, Overloaded: _on_overload, Exception: _on_fault}


def _from_http(error: HTTPException) -> Problem:
    """Litestar's own refusals in our words."""
    if error.status_code == 400:
        field, reason = _what_is_wrong(error)
        if field:
            return invalid(field, f"‘{field}’ 값을 확인해 주세요.", f"{field}: {reason}")
    slug, title = _BY_STATUS.get(
        error.status_code, (f"http-{error.status_code}", ("처리하지 못했습니다.", "That did not work."))
    )
    extra: dict[str, Any] = {}
    if error.status_code == 429 and error.headers:
        extra["retry_after"] = int(error.headers.get("RateLimit-Reset", "60"))
    detail = ("보낸 내용을 읽을 수 없습니다.", error.detail) if error.status_code == 400 else None
    return Problem(error.status_code, slug, title, detail, **extra)


def _what_is_wrong(error: HTTPException) -> tuple[str, str]:
    """The first offending field as a dotted path inside the input, and why; ("", "") when none is named."""
    wrongs = error.extra if isinstance(error.extra, list) else []
    first = wrongs[0] if wrongs and isinstance(wrongs[0], dict) else {}
    key, reason = str(first.get("key", "")), str(first.get("message", ""))
    # Litestar's key loses list indices and nested gaps; msgspec's own message has the whole path.
    inside = _PATH_IN_BODY.search(str(error.__cause__ or ""))
    if inside is not None:
        key = inside.group(1).removeprefix(".")
    elif key == "data":
        key = ""
    named = _NAMED.search(reason)
    if named is not None:
        key = f"{key}.{named.group(1)}" if key else named.group(1)
    if not key and first:
        key = "body"
    return key, reason


def _fresh_token(csrf: CSRFConfig) -> Cookie:
    return Cookie(
        key=csrf.cookie_name,
        value=generate_csrf_token(csrf.secret),
        path=csrf.cookie_path,
        secure=csrf.cookie_secure,
        httponly=False,
        samesite=csrf.cookie_samesite,
    )


def _on_overload(request: Request[Any, Any, Any], _: Overloaded) -> Response[bytes]:
    title = ("지금 요청이 많습니다. 잠시 뒤 다시 시도해 주세요.", "Busy right now. Please try again shortly.")
    return respond(request, Problem(503, "overloaded", title, retry_after=1))


def _on_fault(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A fault of ours: all of it into the log, none of it to the reader but a reference."""
    reference = new_id()
    _log.error(
        "request failed",
        reference=reference,
        method=request.method,
        path=request.url.path,
        # as text: a traceback with local variables would carry cookies and positions into the log
        traceback="".join(traceback.format_exception(error)),
    )
    title = ("서버에 문제가 생겼습니다.", "Something went wrong on the server.")
    return respond(request, Problem(500, "internal", title, reference=reference))

"""RFC 9457 problem details: every refusal says what is wrong, where, and stays machine-readable."""

from typing import Any


class Problem(Exception):
    """A refusal with an HTTP meaning.

    ``slug`` names the kind (it becomes ``type: /problems/<slug>``), ``field`` the offending input, and
    ``extra`` further members of the problem (RFC 9457 §3.2). ``title`` and ``detail`` are Korean and
    English; the reader's language is chosen at the edge.
    """

    def __init__(
        self,
        status: int,
        slug: str,
        title: tuple[str, str],
        detail: tuple[str, str] | None = None,
        *,
        field: str | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(f"{slug}: {title[1]}" + (f" ({field})" if field else ""))
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail or title
        self.field = field
        self.extra = extra

    def body(self, language: str) -> dict[str, Any]:
        """The problem document in ``ko`` or ``en``."""
        index = 1 if language == "en" else 0
        body: dict[str, Any] = {
            "type": f"/problems/{self.slug}",
            "title": self.title[index],
            "status": self.status,
            "detail": self.detail[index],
        }
        if self.field:
            body["field"] = self.field
        return body | self.extra


def invalid(field: str, ko: str, en: str) -> Problem:
    """400: one field of the input is wrong."""
    return Problem(
        400, "invalid-input", ("입력이 올바르지 않습니다.", "The input is not valid."), (ko, en), field=field
    )


def unauthorized() -> Problem:
    """401: nobody is signed in."""
    return Problem(401, "sign-in-required", ("로그인이 필요합니다.", "Sign in first."))


def forbidden(ko: str = "권한이 없습니다.", en: str = "You may not do this.") -> Problem:
    """403: signed in, but not allowed."""
    return Problem(403, "forbidden", (ko, en))


def not_found(what: str) -> Problem:
    """404: the thing named by the address does not exist (or is not for this reader)."""
    return Problem(404, "not-found", ("찾을 수 없습니다.", "Not found."), what=what)

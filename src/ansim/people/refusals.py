"""What people are told when something about their sign-in, code or PIN is not right."""

from ansim.core.problems import Problem


def wrong_pin(attempts_left: int, retry_after: int = 0, *, field: str = "pin") -> Problem:
    """403: not her PIN, or no more attempts until ``retry_after`` seconds have passed."""
    if retry_after:
        detail = (
            f"PIN을 여러 번 틀렸습니다. {_minutes(retry_after)}분 뒤 다시 시도해 주세요.",
            f"Too many wrong PINs. Try again in {_minutes(retry_after)} min.",
        )
        return Problem(
            403, "wrong-pin", _WRONG_PIN, detail, field=field, attempts_left=0, retry_after=retry_after
        )
    detail = (
        f"PIN이 맞지 않습니다. {attempts_left}번 더 시도할 수 있습니다.",
        f"The PIN is wrong. {attempts_left} attempts are left.",
    )
    return Problem(403, "wrong-pin", _WRONG_PIN, detail, field=field, attempts_left=attempts_left)


def sign_in_failed() -> Problem:
    """401: login or password is wrong; which of them is not said."""
    return Problem(
        401,
        "sign-in-failed",
        ("아이디 또는 비밀번호가 맞지 않습니다.", "The login or the password is wrong."),
    )


def too_many_attempts(retry_after: int) -> Problem:
    """429: this login from this address must wait."""
    return Problem(
        429,
        "too-many-attempts",
        ("여러 번 실패했습니다.", "Too many failed attempts."),
        (
            f"{_minutes(retry_after)}분 뒤 다시 시도해 주세요.",
            f"Try again in {_minutes(retry_after)} min.",
        ),
        retry_after=retry_after,
    )


def other_page(app: str) -> Problem:
    """403: the account belongs to another page."""
    detail = {
        "console": (
            "112·119 계정입니다. /desk에서 로그인해 주세요.",
            "This is an agency's account: use /desk.",
        ),
        "national": (
            "센터나 기관의 계정입니다. 그 센터의 화면에서 로그인해 주세요.",
            "This is a center's or an agency's account: use its own page.",
        ),
        "desk": ("관제 계정입니다. 관제 화면에서 로그인해 주세요.", "This is a center's account: use /."),
    }[app]
    return Problem(
        403, "other-page", ("이 화면의 계정이 아닙니다.", "The account is not for this page."), detail
    )


def wrong_code(attempts_left: int) -> Problem:
    """400: not the code that was sent."""
    detail = (
        f"인증번호가 맞지 않습니다. {attempts_left}번 더 입력할 수 있습니다.",
        f"The code is wrong. {attempts_left} attempts are left.",
    )
    return Problem(
        400,
        "wrong-code",
        ("인증번호가 맞지 않습니다.", "The code is wrong."),
        detail,
        field="code",
        attempts_left=attempts_left,
    )


def spent_code() -> Problem:
    """400: the code has expired, was used, or was tried too often."""
    return Problem(
        400,
        "code-expired",
        ("인증번호를 더 쓸 수 없습니다.", "The code can no longer be used."),
        (
            "인증번호가 만료되었거나 너무 많이 틀렸습니다. 새 번호를 받아 주세요.",
            "The code has expired or was tried too often. Ask for a new one.",
        ),
        field="code",
    )


def too_many_codes(retry_after: int) -> Problem:
    """429: this phone number has had its share of codes."""
    return Problem(
        429,
        "too-many-codes",
        ("인증번호를 너무 많이 보냈습니다.", "Too many codes were sent."),
        (
            f"이 번호로 인증번호를 너무 많이 보냈습니다. {_minutes(retry_after)}분 뒤 다시 시도해 주세요.",
            f"Too many codes were sent to this number. Try again in {_minutes(retry_after)} min.",
        ),
        field="phone",
        retry_after=retry_after,
    )


def no_sms() -> Problem:
    """503: this node has no way to send a code."""
    return Problem(
        503,
        "sms-unavailable",
        ("지금은 인증번호를 보낼 수 없습니다.", "Codes cannot be sent at the moment."),
    )


def not_registered() -> Problem:
    """404: the phone number is proven, but nobody has registered it."""
    return Problem(
        404,
        "not-registered",
        ("등록되지 않은 번호입니다.", "This number is not registered."),
        ("이 번호로 먼저 등록해 주세요.", "Register this number first."),
        field="phone",
    )


def already_registered() -> Problem:
    """409: the phone number is registered; its holder can sign in."""
    return Problem(
        409,
        "already-registered",
        ("이미 등록된 번호입니다.", "This number is registered already."),
        ("이 번호로 로그인해 주세요.", "Sign in with this number."),
        field="phone",
    )


_WRONG_PIN = ("PIN이 맞지 않습니다.", "The PIN is wrong.")


def _minutes(seconds: int) -> int:
    return max(1, -(-seconds // 60))

"""People: citizens, staff, their sessions, and the rules for phones, PINs and names. Pure."""

import re
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from ansim.core.actors import Actor

Role = Literal["operator", "supervisor", "admin", "auditor", "agency", "national"]
AgencyCode = Literal["112", "119", "exercise"]
SessionKind = Literal["console", "desk", "citizen", "national"]
PinResult = Literal["pin", "duress", "wrong"]
CodeResult = Literal["right", "wrong", "spent"]

CONSOLE_ROLES: frozenset[Role] = frozenset({"operator", "supervisor", "admin"})
PAGE_ROLES: dict[SessionKind, frozenset[Role]] = {
    "console": CONSOLE_ROLES,
    "desk": frozenset({"agency"}),
    "national": frozenset({"national"}),
}
"""Whose accounts open which staff page."""
GUARDIANS_MAX = 5

Name = Annotated[str, Meta(min_length=1, max_length=60)]
PhoneText = Annotated[str, Meta(min_length=3, max_length=30)]
Note = Annotated[str, Meta(max_length=500)]
Pin = Annotated[str, Meta(pattern="^[0-9]{4,6}$")]


class Staff(Struct, frozen=True, kw_only=True):
    """Somebody of a center or an agency, signed in; ``session`` is an id, ``address`` where from."""

    id: str
    login: str
    name: str
    role: Role
    agency: AgencyCode | None
    session: str
    address: str

    @property
    def actor(self) -> Actor:
        """As the author of an action."""
        return Actor(kind="agency" if self.role == "agency" else "staff", id=self.id, name=self.name)


class Operator(Staff, frozen=True, kw_only=True):
    """Signed in at the console: operator, supervisor or administrator."""


class Supervisor(Operator, frozen=True, kw_only=True):
    """Signed in at the console with a supervisor's (or administrator's) rights."""


class Desk(Staff, frozen=True, kw_only=True):
    """Signed in at the desk of an agency; ``agency`` is always set."""


class NationalOperator(Staff, frozen=True, kw_only=True):
    """Signed in at the hub's national page: sees centers, never people."""


class Citizen(Struct, frozen=True, kw_only=True):
    """A registered person on a phone. ``expired``: her login has ended, so she is only recognised."""

    id: str
    name: str
    phone: str
    session: str
    address: str
    expired: bool = False

    @property
    def actor(self) -> Actor:
        """As the author of an action."""
        return Actor(kind="person", id=self.id, name=self.name)


class StaffMember(Struct, frozen=True, kw_only=True):
    """A staff account."""

    id: str
    login: str
    name: str
    role: Role
    agency: AgencyCode | None
    password_hash: str
    active: bool
    created_at: str


class Session(Struct, frozen=True, kw_only=True):
    """A sign-in. Times are seconds since the epoch."""

    id: str
    kind: SessionKind
    subject: str
    created_at: float
    expires_at: float
    last_seen: float
    revoked_at: float | None
    address: str


class Guardian(Struct, frozen=True, kw_only=True):
    """Somebody who is told when she is in danger."""

    name: Name
    phone: PhoneText


class Consent(Struct, frozen=True, kw_only=True):
    """What she agreed to; ``at`` is when (ISO-8601), set by the hub."""

    location: bool
    video: bool = False
    contact: bool = False
    at: str = ""


class ShakeSettings(Struct, frozen=True, kw_only=True):
    """Shaking as a trigger: ``strength`` 1 (a light shake is enough) to 10 (only a very hard one)."""

    enabled: bool = False
    strength: Annotated[int, Meta(ge=1, le=10)] = 5


class CitizenSettings(Struct, frozen=True, kw_only=True):
    """How her phone behaves."""

    shake: ShakeSettings = field(default_factory=ShakeSettings)
    silent: bool = False


class Person(Struct, frozen=True, kw_only=True):
    """A registered citizen. ``phone`` is E.164."""

    id: str
    phone: str
    name: str
    note: str
    pin_hash: str
    duress_hash: str | None
    consent: Consent
    settings: CitizenSettings
    created_at: str


def normal_phone(text: str) -> str:
    """A telephone number as E.164 (ITU-T E.164): ``010-1234-5678`` → ``+821012345678``.

    A number without a country code is Korean. Raises ValueError when it cannot be a number.
    """
    digits = re.sub(r"[\s().-]", "", unicodedata.normalize("NFKC", text))
    if re.fullmatch(r"\+?82\d{8,11}", digits):
        rest = digits.removeprefix("+").removeprefix("82").removeprefix("0")
        digits = f"0{rest}"
    if re.fullmatch(r"0[1-9]\d{7,10}", digits):
        return f"+82{digits[1:]}"
    if re.fullmatch(r"\+[1-9]\d{7,14}", digits):
        return digits
    raise ValueError("not a telephone number")


def is_mobile(phone: str) -> bool:
    """Whether an E.164 number is a Korean mobile one, which can receive a code."""
    return re.fullmatch(r"\+821[016789]\d{7,8}", phone) is not None


def spoken_phone(phone: str) -> str:
    """An E.164 number as people in Korea write it: ``010-1234-5678``; foreign numbers stay as they are."""
    if not phone.startswith("+82"):
        return phone
    digits = f"0{phone[3:]}"
    area = 2 if digits.startswith("02") else 4 if digits.startswith("050") else 3
    return f"{digits[:area]}-{digits[area:-4]}-{digits[-4:]}"


def clean_text(text: str, *, lines: bool = False) -> str:
    """Text as it is kept: NFC, no control characters (line breaks only with ``lines``), trimmed."""
    normal = unicodedata.normalize("NFC", text)
    kept = (c for c in normal if unicodedata.category(c) not in ("Cc", "Cs") or (lines and c == "\n"))
    return "".join(kept).strip()


class Attempts:
    """Counts failures per key and refuses after ``limit`` of them until ``window_s`` has passed.

    An attempt is counted before it is judged, so that many at once gain nothing. The oldest key is
    forgotten beyond ``most``: memory stays bounded.
    """

    def __init__(
        self, limit: int, window_s: float, clock: Callable[[], float], *, most: int = 50_000
    ) -> None:
        self._limit = limit
        self._window_s = window_s
        self._clock = clock
        self._most = most
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def begin(self, key: str) -> bool:
        """Count an attempt; False when it must not be made."""
        count, since = self._current(key)
        if count >= self._limit:
            return False
        self._counts[key] = (count + 1, since)
        self._counts.move_to_end(key)
        while len(self._counts) > self._most:
            self._counts.popitem(last=False)
        return True

    def succeed(self, key: str) -> None:
        """The attempt was right: forget the failures."""
        self._counts.pop(key, None)

    def left(self, key: str) -> int:
        """How many attempts remain."""
        return max(0, self._limit - self._current(key)[0])

    def retry_after(self, key: str) -> int:
        """Whole seconds until attempts are allowed again, 0 when they are."""
        count, since = self._current(key)
        return max(1, round(since + self._window_s - self._clock())) if count >= self._limit else 0

    def _current(self, key: str) -> tuple[int, float]:
        now = self._clock()
        count, since = self._counts.get(key, (0, now))
        return (0, now) if now - since >= self._window_s else (count, since)

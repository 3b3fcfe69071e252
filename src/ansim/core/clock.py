"""Wall time and the hybrid logical clock that orders events across nodes."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

_COUNTER_BITS = 16
_LAST_STAMP = (1 << 64) - 1
_LAST_MS = 253_402_300_799_000


def now() -> datetime:
    """The current time, timezone-aware, UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """ISO-8601 UTC with milliseconds, the one spelling used on every wire."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_iso(text: str) -> datetime:
    """Parse an ISO-8601 time; a time without an offset is taken as UTC.

    Raises ValueError when the text is not a time.
    """
    moment = datetime.fromisoformat(text)
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:  # its offset carries it out of the years 1 to 9999
        raise ValueError(f"time out of range: {text}") from error


def system_ms() -> int:
    """Milliseconds since the epoch."""
    return int(datetime.now(UTC).timestamp() * 1000)


def hlc_ms(stamp: str) -> int:
    """The physical part of a stamp in milliseconds since the epoch."""
    return int(stamp, 16) >> _COUNTER_BITS


def ms_time(ms: int) -> datetime:
    """Milliseconds since the epoch as a time; outside the years 1970 to 9999 the nearest moment inside."""
    return datetime.fromtimestamp(min(max(ms, 0), _LAST_MS) / 1000, UTC)


def hlc_time(stamp: str) -> datetime:
    """The physical part of a stamp as a time; one beyond the year 9999 is its last moment."""
    return datetime.fromtimestamp(min(hlc_ms(stamp), _LAST_MS) / 1000, UTC)


def hlc_from_ms(ms: int, counter: int = 0) -> str:
    """A stamp from its parts."""
    return f"{(ms << _COUNTER_BITS) | counter:016x}"


def hlc_after(stamp: str) -> str:
    """The next stamp; the last one there is has none after it."""
    return f"{min(int(stamp, 16) + 1, _LAST_STAMP):016x}"


class HybridClock:
    """Hybrid logical clock (Kulkarni et al. 2014): 48 bits of milliseconds, 16 bits of counter.

    A stamp is 16 lower-case hexadecimal digits, so that text order is time order in SQL, JSON and
    JavaScript alike (an integer would lose its low bits in a browser). Safe to use from any thread.

    A remote clock further ahead than ``max_drift_ms`` is not followed: one node with a broken clock
    must not drag the whole country's timeline into the future. Such stamps are counted in ``refused``.
    """

    def __init__(self, wall_ms: Callable[[], int] = system_ms, max_drift_ms: int = 60_000) -> None:
        self._wall_ms = wall_ms
        self._max_drift_ms = max_drift_ms
        self._last = 0
        self._lock = threading.Lock()
        self.refused = 0

    def tick(self) -> str:
        """A stamp later than every stamp given or followed before."""
        with self._lock:
            self._last = max(self._last + 1, self._wall_ms() << _COUNTER_BITS)
            return f"{self._last:016x}"

    def observe(self, stamp: str) -> bool:
        """Follow a remote stamp; False when it lies too far in the future to be believed."""
        remote = int(stamp, 16)
        with self._lock:
            if (remote >> _COUNTER_BITS) - self._wall_ms() > self._max_drift_ms:
                self.refused += 1
                return False
            self._last = max(self._last, remote)
            return True

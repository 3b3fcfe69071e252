"""Which centers are alive, from their heartbeats: silence must be observed before it counts."""

import time
from collections.abc import Callable
from typing import Annotated

from msgspec import Meta, Struct

BEAT_S = 1.0
"""How often a center says it is there."""
DEAD_AFTER_S = 5.0


class Beat(Struct, frozen=True, kw_only=True):
    """What a center says of itself each second."""

    code: Annotated[str, Meta(max_length=16)]
    name: Annotated[str, Meta(max_length=60)]
    operators: int = 0
    open: int = 0
    outbox: int = 0
    outbox_oldest_s: float = 0.0


class CenterHealth:
    """The newest heartbeat of each enrolled center."""

    def __init__(self, codes: list[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._codes = codes
        self._beats: dict[str, tuple[float, Beat]] = {}

    def beat(self, beat: Beat) -> None:
        """A center has spoken."""
        if beat.code in self._codes:
            self._beats[beat.code] = (self._clock(), beat)

    def silent_s(self, code: str) -> float:
        """Seconds since the center was last heard, or since this hub began to listen."""
        at, _ = self._beats.get(code, (self._since, None))
        return self._clock() - at

    def alive(self, code: str) -> bool:
        """Whether the center has been heard lately."""
        return self.silent_s(code) < DEAD_AFTER_S

    def heard(self) -> int:
        """How many centers have really been heard lately."""
        now = self._clock()
        return sum(now - at < DEAD_AFTER_S for at, _ in self._beats.values())

    def name(self, code: str) -> str | None:
        """The name it gives itself."""
        found = self._beats.get(code)
        return found[1].name if found else None

    def all(self) -> dict[str, Beat | None]:
        """Every enrolled center with its newest heartbeat."""
        return {code: self._beats[code][1] if code in self._beats else None for code in self._codes}

"""What a gateway tells of a camera: media messages for a viewer, and in which state the camera is."""

import enum
from typing import Literal

from msgspec import Struct

Quality = Literal["sub", "main"]
"""``sub`` is the small stream for a tile, ``main`` the full one for an enlarged picture."""

CLOCK_HZ = 90_000
"""Ticks a second of media time (RFC 6184 §5.1); the tracks' timescale."""


class State(enum.StrEnum):
    """In which state a camera is, in words a page can translate."""

    OFF = "off"
    """Nobody watches; not connected."""
    CONNECTING = "connecting"
    LIVE = "live"
    STALLED = "stalled"
    """Connected, but no picture comes any more."""
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a state, no secret
    UNREACHABLE = "unreachable"
    """No answer, refused, or the connection broke."""
    NOT_FOUND = "not_found"
    """The camera answers, but has no such stream."""
    UNSUPPORTED = "unsupported"
    """A codec that cannot be passed on."""
    FAILED = "failed"
    """Anything else; the log has more."""


WAITS_LONG = frozenset({State.WRONG_PASSWORD, State.NOT_FOUND, State.UNSUPPORTED})
"""Faults that trying again at once does not mend; a camera may even lock the user out."""


class Init(Struct, frozen=True, kw_only=True):
    """How to read the fragments that follow; comes first, and again whenever the stream began anew.

    ``kind`` is ``mp4`` (an ISO BMFF initialization segment in ``data``, ISO/IEC 14496-12 §8.16) or ``jpeg``
    (no data, every fragment is one picture). ``mime`` is what Media Source Extensions are asked for
    (RFC 6381).
    """

    kind: Literal["mp4", "jpeg"]
    mime: str
    codec: str
    width: int
    height: int
    data: bytes = b""


class Fragment(Struct, frozen=True, kw_only=True):
    """A piece that can be appended: one or more moof + mdat, or one JPEG picture.

    ``key`` says that it begins with a key frame; ``media_s`` is the media time of its last frame since the
    initialization, ``at`` when that frame arrived (Unix seconds).
    """

    data: bytes
    key: bool
    media_s: float
    at: float


class CameraState(Struct, frozen=True, kw_only=True):
    """How a camera is doing; ``since`` and ``picture_at`` are Unix seconds, the latter None before a picture.

    ``tries`` counts the attempts to connect since it last was live, ``retry_in_s`` says when the next one is.
    """

    camera: str
    quality: Quality
    state: State
    since: float
    picture_at: float | None = None
    tries: int = 0
    retry_in_s: float | None = None
    viewers: int = 0
    codec: str = ""
    width: int = 0
    height: int = 0


Message = Init | Fragment | CameraState


class Still(Struct, frozen=True, kw_only=True):
    """A picture: JPEG bytes and when its frame arrived (Unix seconds)."""

    jpeg: bytes
    taken_at: float


class MediaFault(Exception):
    """A source cannot be read; ``state`` says why. The message never holds an address or a secret."""

    def __init__(self, state: State, reason: str = "") -> None:
        super().__init__(f"{state}: {reason}" if reason else str(state))
        self.state = state
        self.reason = reason


class VideoPolicy(Struct, frozen=True, kw_only=True):
    """Times (seconds) and limits of a gateway."""

    open_s: float = 5.0
    """A camera must answer within this."""
    silence_s: float = 4.0
    """Without a packet for so long, the connection counts as dead."""
    linger_s: float = 8.0
    """How long a camera stays open after its last viewer."""
    first_retry_s: float = 0.5
    last_retry_s: float = 10.0
    long_retry_s: float = 30.0
    """Between attempts that only a person can make succeed."""
    gop_bytes: int = 12_000_000
    """A group of pictures larger than this is not kept; the next key frame begins anew."""
    viewer_fragments: int = 90
    viewer_bytes: int = 6_000_000
    """What may wait for one viewer; one that falls behind goes on from the next key frame."""
    open_cameras: int = 256
    """Cameras open at the same time, at most."""
    prewarm_s: float = 120.0
    """A prewarmed camera is dropped after this if nobody asked for it."""


def retry_after(policy: VideoPolicy, state: State, tries: int) -> float:
    """Seconds until the next attempt, growing with the failed ones."""
    if state in WAITS_LONG:
        return policy.long_retry_s
    growing = policy.first_retry_s * 2.0 ** min(max(tries - 1, 0), 16)
    return min(growing, policy.last_retry_s)

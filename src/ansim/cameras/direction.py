"""Directions in words (촬영방면정보) to heading and field of view, with a stated confidence.

What installers write there is free text: "360도 전방면", "동측", "북동", "도로방면", "120도", nothing at all.
"""

import re
import unicodedata

from msgspec import Struct

from ansim.cameras.model import ALL_ROUND_DEG, DEFAULT_FOV_DEG

SECTOR_DEG = 90.0
"""What one direction word covers: a side of the place, not a line."""
LONGEST = 200
"""Characters of a direction that are read; more is not a direction."""

_POINT = {"북": 0.0, "동": 90.0, "남": 180.0, "서": 270.0}
_ENGLISH = {"north": "N", "east": "E", "south": "S", "west": "W"}
_LETTER = {"N": 0.0, "E": 90.0, "S": 180.0, "W": 270.0}

_TURNING = r"(?<![비좌우])회전(?!\s*(?:교차로|불가|안))|스피드\s*돔|speed\s*dome|\bptz\b|팬\s*틸트"
_TURNS = re.compile(_TURNING, re.IGNORECASE)
_ALL_ROUND = re.compile(
    r"(?<!\d)360\s*(?:도|°|deg)|^\s*360\s*$|전\s*방위|전\s*방향|전체\s*방향|모든\s*방향|사방(?!댐|사업|공원)|"
    r"(?<!\d)[4네]\s*방향|동서남북|파노라마|어안|fish\s*eye|all[\s_-]*round|" + _TURNING,
    re.IGNORECASE,
)
_VIEW = re.compile(r"(?:화각|시야각?|fov)\D{0,3}(\d{1,3}(?:\.\d+)?)", re.IGNORECASE)
_WIDE = re.compile(r"(\d{2,3})\s*(?:도|°)\s*(?:전방|시야|화각|범위|촬영)")
_AZIMUTH = re.compile(r"(?:방위각?|방향각|azimuth|heading)\D{0,3}(\d{1,3}(?:\.\d+)?)", re.IGNORECASE)
_BARE_ANGLE = re.compile(r"^\s*(\d{1,3}(?:\.\d+)?)\s*(?:도|°|deg)?\s*(?:방향|방면)?\s*$", re.IGNORECASE)
# A word is a direction only when it stands alone: 동 in 청담동 or 101동, 서 in 경찰서, S in S-OIL are not.
_KOREAN = re.compile(
    r"(?<![가-힣A-Za-z\d])정?([동서남북]{1,3})"
    r"(?:(?:측|쪽|향|방향|방면|방위|방|편)(?![가-힣])|방향|방면|쪽|측|(?![가-힣\d]))"
)
_COMPASS = re.compile(r"(?<![^\s,/(·+])([NSEW]{1,3})(?![^\s,/)·+])")
_LONG_COMPASS = re.compile(
    r"(?<![a-z])(north|south)?[\s-]?(east|west)?(?:ern|bound|ward)?(?![a-z])", re.IGNORECASE
)


class Direction(Struct, frozen=True, kw_only=True):
    """Where a camera looks: no ``heading`` and ``fov_deg`` 360 is all round, ``confidence`` 0 is unknown."""

    heading: float | None = None
    fov_deg: float = DEFAULT_FOV_DEG
    confidence: float = 0.0
    ptz: bool = False


UNKNOWN = Direction()


def turns(text: str) -> bool:
    """Whether a text calls a camera one that can be turned."""
    return _TURNS.search(text) is not None


def parse_direction(text: str, count: int = 1) -> Direction:
    """What ``text`` says about ``count`` cameras on one pole. Never raises: what says nothing is unknown.

    Four and more cameras of which nothing is said are taken to look all round, since that is why a pole
    has four; with little confidence.
    """
    said = unicodedata.normalize("NFKC", text[:LONGEST]).strip()
    can_turn = turns(said)
    if _ALL_ROUND.search(said):
        return Direction(fov_deg=ALL_ROUND_DEG, confidence=0.7 if can_turn else 0.9, ptz=can_turn)
    fov = _field_of_view(said)
    azimuth = _AZIMUTH.search(said)
    if azimuth is not None and float(azimuth.group(1)) <= 360.0:
        return Direction(
            heading=float(azimuth.group(1)) % 360.0, fov_deg=fov or DEFAULT_FOV_DEG, confidence=0.9
        )
    headings = _headings(said)
    if headings:
        return _spread(headings, fov)
    bare = _BARE_ANGLE.match(said)
    if bare is not None and fov is None and float(bare.group(1)) < 360.0:
        # A number alone is more often an azimuth than a lens; hence no more than even odds.
        return Direction(heading=float(bare.group(1)), confidence=0.5)
    if count >= 4:
        return Direction(fov_deg=ALL_ROUND_DEG, confidence=0.5)
    return Direction(fov_deg=fov or DEFAULT_FOV_DEG)


def _field_of_view(said: str) -> float | None:
    found = _VIEW.search(said) or _WIDE.search(said)
    if found is None:
        return None
    degrees = float(found.group(1))
    return degrees if 10.0 <= degrees <= ALL_ROUND_DEG else None


def _headings(said: str) -> list[float]:
    """The distinct compass directions named, in degrees, in the order they stand."""
    found: dict[float, None] = {}
    for match in _KOREAN.finditer(said):
        heading = _compound([_POINT[letter] for letter in match.group(1)])
        if heading is not None:
            found[heading] = None
    for match in _COMPASS.finditer(said):
        heading = _compound([_LETTER[letter] for letter in match.group(1)])
        if heading is not None:
            found[heading] = None
    for match in _LONG_COMPASS.finditer(said):
        words = [_LETTER[_ENGLISH[word.lower()]] for word in match.groups() if word]
        heading = _compound(words) if words else None
        if heading is not None:
            found[heading] = None
    return list(found)


def _compound(points: list[float]) -> float | None:
    """북동 45, 동북 45, 북북동 22.5; None for what is no direction, such as 북남."""
    if len(points) == 1:
        return points[0]
    if len(points) == 2:
        return _between(points[0], points[1])
    between = _between(points[1], points[2])
    if between is None or abs(_turn(points[0], between)) > 45.0:
        return None
    return _between(points[0], between)


def _between(first: float, second: float) -> float | None:
    turn = _turn(first, second)
    return None if turn == 0.0 or abs(turn) > 90.0 else (first + turn / 2) % 360.0


def _turn(start: float, end: float) -> float:
    """The shorter turn from one heading to another, in (-180, 180]."""
    turn = (end - start) % 360.0
    return turn - 360.0 if turn > 180.0 else turn


def _spread(headings: list[float], fov: float | None) -> Direction:
    """One direction for a pole whose cameras look several ways: the arc that holds them, if it is one."""
    if len(headings) == 1:
        return Direction(heading=headings[0], fov_deg=fov or SECTOR_DEG, confidence=0.8)
    ordered = sorted(headings)
    gaps = [
        (after - before) % 360.0 for before, after in zip(ordered, ordered[1:] + ordered[:1], strict=True)
    ]
    widest = max(range(len(gaps)), key=gaps.__getitem__)
    if any(gap > SECTOR_DEG for place, gap in enumerate(gaps) if place != widest):
        return UNKNOWN  # 동·서: two opposite cones are no single arc
    arc = 360.0 - gaps[widest] + (fov or SECTOR_DEG)
    if arc >= ALL_ROUND_DEG:
        return Direction(fov_deg=ALL_ROUND_DEG, confidence=0.7)
    first = ordered[(widest + 1) % len(ordered)]
    return Direction(heading=(first + (360.0 - gaps[widest]) / 2) % 360.0, fov_deg=arc, confidence=0.6)

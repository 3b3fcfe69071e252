"""Walks along and across real borders, what a phone would say of them, and what a rule makes of that."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

import shapely
from shapely.geometry import LineString

from ansim.core.clock import hlc_from_ms, iso, parse_iso
from ansim.core.settings import PolicySettings
from ansim.geo.answers import Answer
from ansim.geo.boundaries import BoundarySet
from ansim.geo.shape import METRES_PER_DEGREE
from ansim.incidents import events as ev
from ansim.incidents.lifecycle import State
from ansim.incidents.model import Incident, Owner
from ansim.incidents.positions import Position

Place = tuple[float, float]
Rule = Callable[[Incident, Sequence[Position], BoundarySet, PolicySettings, int], Answer | None]

STARTED_MS = 1_790_000_000_000
PACE_M_S = 1.35
EVERY_S = 3.0
LASTS_S = 15.0
SIGMAS = math.sqrt(-2.0 * math.log(0.05))
SURVEY = Path(__file__).resolve().parents[3] / "shared" / "data" / "korea-municipalities-2018.topo.json"


class Border(NamedTuple):
    """A stretch of border between two jurisdictions, in (latitude, longitude)."""

    codes: tuple[str, str]
    line: LineString


class Journey(NamedTuple):
    """What became of an incident: each owner's code with the time it began (seconds after the press)."""

    owners: list[tuple[str, float]]
    truth: list[tuple[float, str]]


def borders(boundaries: BoundarySet, least_m: float, most: int, seed: int = 1) -> list[Border]:
    """Up to ``most`` stretches of border of at least ``least_m`` metres, drawn from all over the country."""
    random = Random(seed)
    codes = list(boundaries.codes)
    random.shuffle(codes)
    found: list[Border] = []
    for code in codes:
        other = boundaries.neighbours(code)[0]
        shared = shapely.intersection(boundaries.geometry(code).boundary, boundaries.geometry(other).boundary)
        lines = [part for part in shapely.get_parts(shapely.line_merge(shared)) if part.length > 0]
        longest = max(lines, key=lambda part: part.length, default=None)
        if longest is not None and longest.length * METRES_PER_DEGREE * 0.8 > least_m:
            found.append(Border((code, other), longest))
        if len(found) == most:
            break
    return found


def _metres_per_lon(lat: float) -> float:
    return METRES_PER_DEGREE * math.cos(math.radians(lat))


def _shift(place: Place, east: float, north: float) -> Place:
    return place[0] + north / METRES_PER_DEGREE, place[1] + east / _metres_per_lon(place[0])


def along(border: Border, seconds: float, weave_m: float = 4.0) -> list[Place]:
    """On the border's own road, from one kerb to the other every minute or so."""
    places = []
    line = border.line
    scale = METRES_PER_DEGREE * 0.9
    start = line.length / 2 - seconds * PACE_M_S / scale / 2
    for step in range(int(seconds / EVERY_S)):
        at = line.interpolate(max(0.0, start + step * EVERY_S * PACE_M_S / scale))
        side = weave_m * math.sin(step * EVERY_S / 20.0)
        places.append(_shift((at.y, at.x), side, side))
    return places


def across(
    border: Border, boundaries: BoundarySet, before_m: float = 150.0, after_m: float = 250.0
) -> list[Place]:
    """Straight over the border in its middle; empty where the ground there is too crooked for that."""
    line = border.line
    middle, next_to = line.interpolate(0.5, normalized=True), line.interpolate(0.5005, normalized=True)
    lat = middle.y
    east, north = (next_to.x - middle.x) * _metres_per_lon(lat), (next_to.y - middle.y) * METRES_PER_DEGREE
    length = math.hypot(east, north) or 1.0
    across_east, across_north = -north / length, east / length
    steps = int((before_m + after_m) / (PACE_M_S * EVERY_S))
    places = []
    for step in range(steps):
        away = step * PACE_M_S * EVERY_S - before_m
        places.append(_shift((lat, middle.x), across_east * away, across_north * away))
    ends = {boundaries.locate(*places[0]).center_code, boundaries.locate(*places[-1]).center_code}
    return places if ends == set(border.codes) else []


def heard(places: Sequence[Place], radius: float, seed: int, lasts_s: float = LASTS_S) -> list[Position]:
    """Fixes of a phone whose 95 % circle is ``radius`` and whose errors last ``lasts_s`` (0: not at all)."""
    random = Random(seed)
    keeps = math.exp(-EVERY_S / lasts_s) if lasts_s else 0.0
    east, north = random.gauss(0, 1), random.gauss(0, 1)
    fixes = []
    for step, place in enumerate(places):
        at_ms = STARTED_MS + int(step * EVERY_S * 1000)
        at = iso_ms(at_ms)
        lat, lon = _shift(place, east * radius / SIGMAS, north * radius / SIGMAS)
        fixes.append(
            Position(
                id=f"{step:08x}-2222-7000-8000-000000000000",
                at=at,
                received_at=at,
                lat=lat,
                lon=lon,
                radius=radius,
                source="gnss",
            )
        )
        fresh = math.sqrt(1.0 - keeps * keeps)
        east = keeps * east + fresh * random.gauss(0, 1)
        north = keeps * north + fresh * random.gauss(0, 1)
    return fixes


def iso_ms(ms: int) -> str:
    """Text of a time in milliseconds."""
    return iso(datetime.fromtimestamp(ms / 1000, UTC))


def pressed_at(boundaries: BoundarySet, first: Position) -> Incident:
    """An open incident, owned by whoever answers for its first fix."""
    answer = boundaries.locate(first.lat, first.lon, first.radius)
    incident = Incident(id="walk", state=State.ALERTING)
    own(incident, answer, STARTED_MS, "routed")
    return incident


def own(incident: Incident, answer: Answer, at_ms: int, reason: ev.OwnershipReason) -> None:
    """Give the incident to the center of a jurisdiction, as the fold would."""
    incident.responsible = ev.Routed(code=answer.center_code, name=answer.center_name, method="contains")
    epoch = incident.owner.epoch + 1 if incident.owner else 1
    incident.owner = Owner(
        code=answer.center_code,
        name=answer.center_name,
        epoch=epoch,
        since=hlc_from_ms(at_ms),
        reason=reason,
    )
    incident.owners.append(incident.owner)


def follow_rule(
    rule: Rule,
    fixes: Sequence[Position],
    places: Sequence[Place],
    boundaries: BoundarySet,
    policy: PolicySettings,
) -> Journey:
    """Apply a rule fix by fix."""
    incident = pressed_at(boundaries, fixes[0])
    assert incident.owner is not None
    owners = [(incident.owner.code, 0.0)]
    for number, fix in enumerate(fixes):
        now_ms = int(parse_iso(fix.at).timestamp() * 1000)
        answer = rule(incident, fixes[max(0, number - 29) : number + 1], boundaries, policy, now_ms)
        if answer is not None:
            own(incident, answer, now_ms, "handover")
            owners.append((answer.center_code, number * EVERY_S))
    truth = [(step * EVERY_S, boundaries.locate(*place).center_code) for step, place in enumerate(places)]
    return Journey(owners, truth)

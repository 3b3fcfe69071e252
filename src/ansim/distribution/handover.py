"""When a moving person's incident changes hands, and who is warned before. Pure.

What counts is how probable it is that she is across, given what her fixes are worth together
(geo/drift.py), not how far a line is away. Three things keep an incident still while she walks along a
border: between the two certainties nothing moves; several estimates in a row must agree; and a center she
comes back to needs twice the certainty each time. docs/handover.md has the measurements.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from ansim.core.clock import hlc_ms, parse_iso
from ansim.core.settings import PolicySettings
from ansim.geo.answers import Answer
from ansim.geo.boundaries import BoundarySet
from ansim.geo.drift import Estimate, Fix, follow
from ansim.incidents.model import Incident
from ansim.incidents.positions import Position

LOOK_BACK = 30
"""Newest fixes of a track that are weighed; older ones say nothing about where she is."""
_LOOK_BACK_S = 180.0
_MOST = 0.99
_FORECAST_STEP_S = 5.0
_LIKELY = 0.5
_WARN_AGAIN_MS = 60_000
_FIXES_FOR_A_COURSE = 3
_FASTEST_M_S = 3.0


class Forecast(Struct, frozen=True, kw_only=True):
    """The jurisdiction she will more probably than not be in after ``eta_s`` seconds."""

    code: str
    name: str
    eta_s: float
    probability: float


def crossing(
    incident: Incident,
    fixes: Sequence[Position],
    boundaries: BoundarySet,
    policy: PolicySettings,
    now_ms: int,
) -> Answer | None:
    """The jurisdiction she has entered with the certainty that the policy asks for, None while she has not.

    ``fixes`` are the newest ones, at most :data:`LOOK_BACK`, in any order.
    """
    if not incident.open or incident.owner is None or len(fixes) < policy.handover_fixes:
        return None
    if now_ms - hlc_ms(incident.owner.since) < policy.handover_rest_s * 1000 and len(incident.owners) > 1:
        return None
    estimates = estimates_of(fixes)[-policy.handover_fixes :]
    likely = chances(boundaries, estimates[-1])
    code = max(likely, key=lambda one: (likely[one], one), default=None)
    if code is None or len(estimates) < policy.handover_fixes:
        return None
    failed = incident.owner.reason == "handover_failed"  # then it is tried again
    if incident.responsible is not None and incident.responsible.code == code and not failed:
        return None
    wanted = certainty(incident, code, policy)
    least = min(chances(boundaries, estimate).get(code, 0.0) for estimate in estimates)
    if least < wanted:
        return None
    return Answer(
        center_code=code,
        center_name=boundaries.name(code),
        method="contains" if least >= 1.0 else "overlap",
        approximate=boundaries.approximate,
    )


def certainty(incident: Incident, code: str, policy: PolicySettings) -> float:
    """How probable ``code`` must be: each time she returns there half the doubt is allowed."""
    returns = sum(1 for owner in incident.owners if owner.code == code)
    return min(1.0 - (1.0 - policy.handover_share) * 0.5**returns, max(_MOST, policy.handover_share))


def forecast(
    incident: Incident,
    fixes: Sequence[Position],
    boundaries: BoundarySet,
    policy: PolicySettings,
    now_ms: int,
) -> Forecast | None:
    """Where her course leads within the time to warn; None where nobody new is to be warned.

    The forecast widens by what is not known of her course, so far ahead it names a neighbour only where
    more than half of what is possible lies there.
    """
    if not incident.open or incident.owner is None or len(fixes) < _FIXES_FOR_A_COURSE:
        return None
    warned = incident.approach
    if warned is not None and now_ms - hlc_ms(warned.at) < _WARN_AGAIN_MS:
        return None
    newest = estimates_of(fixes)[-1]
    home = incident.responsible.code if incident.responsible else incident.owner.code
    for seconds in np.arange(0.0, policy.handover_warn_s + 0.1, _FORECAST_STEP_S).tolist():
        likely = chances(boundaries, newest.ahead(seconds))
        code = max(likely, key=lambda one: (likely[one], one), default=home)
        if code != home and likely[code] >= _LIKELY:
            name = boundaries.name(code)
            return Forecast(code=code, name=name, eta_s=seconds, probability=round(likely[code], 2))
    return None


def near_border(
    incident: Incident, newest: Position, boundaries: BoundarySet, policy: PolicySettings
) -> bool:
    """Whether the newest fix alone gives reason to look closer: a quick no for who walks deep inside."""
    reach = newest.radius + max(newest.speed or 0.0, _FASTEST_M_S) * policy.handover_warn_s
    answer = boundaries.locate(newest.lat, newest.lon, reach)
    home = incident.responsible.code if incident.responsible else None
    return bool(answer.others) or answer.center_code != home


def estimates_of(fixes: Sequence[Position]) -> list[Estimate]:
    """Where she probably was after each of these fixes, the ones of the last minutes."""
    taken = [
        Fix(parse_iso(fix.at).timestamp(), fix.lat, fix.lon, fix.radius, fix.confidence) for fix in fixes
    ]
    since = max(fix.time for fix in taken) - _LOOK_BACK_S
    return list(follow([fix for fix in taken if fix.time >= since]))


def chances(boundaries: BoundarySet, estimate: Estimate) -> dict[str, float]:
    """How probable each jurisdiction is; what lies outside every boundary is nobody's."""
    lat, lon = estimate.samples()
    found = boundaries.locate_many(np.clip(lat, -90.0, 90.0), (lon + 180.0) % 360.0 - 180.0)
    inside = found.index[found.method != "nearest"]
    places, counts = np.unique(inside, return_counts=True)
    return {boundaries.codes[int(place)]: int(n) / len(lat) for place, n in zip(places, counts, strict=True)}

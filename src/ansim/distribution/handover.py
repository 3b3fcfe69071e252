"""When a moving person's incident changes hands. Pure.

Her newest fixes must lie, almost wholly, in another jurisdiction than the one the incident was last routed
to; one stray fix, a wide circle on the border or a walk along it moves nothing.
"""

from collections.abc import Sequence

from ansim.core.clock import hlc_ms
from ansim.core.settings import PolicySettings
from ansim.geo.answers import Answer
from ansim.geo.boundaries import BoundarySet
from ansim.incidents.model import Incident
from ansim.incidents.positions import Position


def crossing(
    incident: Incident,
    fixes: Sequence[Position],
    boundaries: BoundarySet,
    policy: PolicySettings,
    now_ms: int,
) -> Answer | None:
    """The jurisdiction she has firmly entered, None while she has not. ``fixes`` are oldest first."""
    if not incident.open or incident.owner is None or len(fixes) < policy.handover_fixes:
        return None
    if now_ms - hlc_ms(incident.owner.since) < policy.handover_rest_s * 1000 and len(incident.owners) > 1:
        return None
    recent = fixes[-policy.handover_fixes :]
    answers = [boundaries.locate(fix.lat, fix.lon, fix.radius) for fix in recent]
    newest = answers[-1]
    if incident.responsible is not None and newest.center_code == incident.responsible.code:
        return None
    if any(answer.center_code != newest.center_code or answer.method == "nearest" for answer in answers):
        return None
    shares = [boundaries.overlap_share(newest.center_code, fix.lat, fix.lon, fix.radius) for fix in recent]
    return newest if min(shares) >= policy.handover_share else None

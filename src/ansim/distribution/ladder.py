"""The delivery ladder: what must happen next to an incident that is not yet in good hands, and when.

Pure: an incident, the clock and the policy in, one step out. The worker carries it out and asks again.

1. The window ends → alarm.
2. The owner's database has not confirmed within ``center_ack_s`` → the next center owns it (a hand-over that
   is not confirmed goes back). When every center has been tried the round starts again, ever slower.
3. No operator accepted within ``accept_s`` → the next center is alarmed too, and so on, three at most.
4. Still nobody within ``agency_s`` → the agency is asked directly, marked unverified.
"""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from ansim.core.clock import hlc_ms, parse_iso
from ansim.core.settings import PolicySettings
from ansim.incidents.events import CenterRef
from ansim.incidents.lifecycle import State
from ansim.incidents.model import Incident, Owner

StepKind = Literal["alert", "reroute", "return", "exhausted", "co_alarm", "agency_direct"]
_SLOWEST_ROUND_S = 30.0
_MOST_CO_ALARMS = 3


class Step(Struct, frozen=True, kw_only=True):
    """The next rung, due at ``due_ms`` (milliseconds since the epoch), towards ``center`` if it has one."""

    kind: StepKind
    due_ms: int
    center: CenterRef | None = None


def next_step(incident: Incident, policy: PolicySettings, order: Sequence[CenterRef]) -> Step | None:
    """The earliest step, due or not; None when nothing is left to wait for.

    ``order`` lists the centers that can be reached, the responsible one first, then the fallbacks.
    """
    if not incident.open:
        return None
    steps = [_alert(incident), _confirm(incident, policy, order), _attend(incident, policy, order)]
    return min((step for step in steps if step is not None), key=lambda step: step.due_ms, default=None)


def _alert(incident: Incident) -> Step | None:
    if incident.state is not State.ARMED or incident.armed is None:
        return None
    try:
        due_ms = int(parse_iso(incident.armed.window_ends_at).timestamp() * 1000)
    except ValueError:  # a window nobody can read must not keep people from being alarmed
        due_ms = hlc_ms(incident.opened_at)
    return Step(kind="alert", due_ms=due_ms)


def _confirm(incident: Incident, policy: PolicySettings, order: Sequence[CenterRef]) -> Step | None:
    """Move on from an owner whose database stays silent."""
    owner = incident.owner
    if owner is None or incident.owner_has_it:
        return None
    since = hlc_ms(owner.since)
    patience_ms = int(policy.center_ack_s * 1000)
    if owner.reason == "handover" and len(incident.owners) > 1:
        back = incident.owners[-2]
        return Step(
            kind="return", due_ms=since + patience_ms, center=CenterRef(code=back.code, name=back.name)
        )
    tried = [one.code for one in _this_round(incident)]
    center = next((one for one in order if one.code not in tried), None)
    if center is not None:
        return Step(kind="reroute", due_ms=since + patience_ms, center=center)
    if not incident.exhausted_at:
        return Step(kind="exhausted", due_ms=since + patience_ms)
    rounds = len(incident.owners) // max(1, len(order))
    wait_ms = int(min(_SLOWEST_ROUND_S, policy.center_ack_s * 2.0 ** min(rounds, 10)) * 1000)
    others = [one for one in order if one.code != owner.code]
    if not others:
        return None  # a single center: its letter waits in the outbox, there is nobody else
    return Step(kind="reroute", due_ms=since + wait_ms, center=others[len(incident.owners) % len(others)])


def _this_round(incident: Incident) -> list[Owner]:
    """The owners tried without an answer since the last one that confirmed or was handed the incident."""
    tried: list[Owner] = []
    for owner in incident.owners:
        if owner.reason not in ("no_ack", "handover_failed"):
            tried = []
        tried.append(owner)
    return tried


def _attend(incident: Incident, policy: PolicySettings, order: Sequence[CenterRef]) -> Step | None:
    """Widen the alarm while no operator has taken it."""
    owner = incident.owner
    if not incident.needs_operator or owner is None:
        return None
    alerted = hlc_ms(incident.alerted_at)
    began = max(alerted, hlc_ms(owner.since)) if owner.reason in ("handover", "claimed") else alerted
    steps: list[Step] = []
    alarmed = len(incident.co_alarmed)
    rest = (one for one in order if one.code != owner.code and one.code not in incident.co_alarmed)
    center = next(rest, None)
    if center is not None and alarmed < _MOST_CO_ALARMS:
        due = began + int(policy.accept_s * 1000) * (alarmed + 1)
        steps.append(Step(kind="co_alarm", due_ms=due, center=center))
    if incident.state is State.ALERTING and not incident.agency_asked:
        steps.append(Step(kind="agency_direct", due_ms=alerted + int(policy.agency_s * 1000)))
    return min(steps, key=lambda step: step.due_ms, default=None)

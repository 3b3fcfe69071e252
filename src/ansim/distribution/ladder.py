"""The delivery ladder: what must happen next to an incident that is not yet in good hands, and when.

Pure: an incident and the plan that the policy makes for it in, one step out. The worker carries it out and
asks again. The plan depends on the moment and on the owner's state (policy.py), so does the step.

1. The window ends → alarm.
2. The owner's database has not confirmed within ``center_ack_s`` → the next center owns it (a hand-over that
   is not confirmed goes back). When every center has been tried the round starts again, ever slower.
3. No operator accepted within ``accept_s`` (ring no answer) → the next center is alarmed too, and so on,
   ``co_alarms`` at most. A plan for a center in which nobody is has no time to ring.
4. Nobody within ``province_s`` → the province's room (광역 상황실) is alarmed, where there is one.
5. Still nobody within ``agency_s`` → the agency is asked directly, marked unverified.
6. The time of a center that was invited to help is over → its help ends.
"""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from ansim.core.clock import hlc_ms, parse_iso
from ansim.distribution.health import ServiceState
from ansim.distribution.policy import Plan
from ansim.incidents.events import Because, CenterRef
from ansim.incidents.lifecycle import State
from ansim.incidents.model import Incident, Owner

StepKind = Literal[
    "alert", "reroute", "return", "exhausted", "co_alarm", "province_room", "agency_direct", "aid_over"
]
_SLOWEST_ROUND_S = 30.0
_BECAUSE: dict[ServiceState, Because] = {
    ServiceState.NORMAL: "no_answer",
    ServiceState.OVERLOADED: "overloaded",
    ServiceState.UNSTAFFED: "unstaffed",
    ServiceState.DOWN: "down",
}


class Step(Struct, frozen=True, kw_only=True):
    """The next rung, due at ``due_ms`` (milliseconds since the epoch), towards ``center`` if it has one.

    ``because`` and ``rule`` say why; ``rang``: the owner's screens rang and nobody answered.
    """

    kind: StepKind
    due_ms: int
    center: CenterRef | None = None
    because: Because = ""
    rule: str = ""
    rang: bool = False


def next_step(
    incident: Incident, plan: Plan, order: Sequence[CenterRef], room: CenterRef | None = None
) -> Step | None:
    """The earliest step, due or not; None when nothing is left to wait for.

    ``order`` lists the centers that can be reached, the responsible one first, then the fallbacks; ``room``
    is the province's.
    """
    if not incident.open:
        return None
    steps = [
        _alert(incident),
        _confirm(incident, plan, order),
        _attend(incident, plan, order, room),
        _aid(incident),
    ]
    return min((step for step in steps if step is not None), key=lambda step: step.due_ms, default=None)


def _alert(incident: Incident) -> Step | None:
    if incident.state is not State.ARMED or incident.armed is None:
        return None
    try:
        due_ms = int(parse_iso(incident.armed.window_ends_at).timestamp() * 1000)
    except ValueError:  # a window nobody can read must not keep people from being alarmed
        due_ms = hlc_ms(incident.opened_at)
    return Step(kind="alert", due_ms=due_ms)


def _confirm(incident: Incident, plan: Plan, order: Sequence[CenterRef]) -> Step | None:
    """Move on from an owner whose database stays silent."""
    owner = incident.owner
    if owner is None or incident.owner_has_it:
        return None
    since = hlc_ms(owner.since)
    patience_ms = int(plan.center_ack_s * 1000)
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
    wait_ms = int(min(_SLOWEST_ROUND_S, plan.center_ack_s * 2.0 ** min(rounds, 10)) * 1000)
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


def _attend(
    incident: Incident, plan: Plan, order: Sequence[CenterRef], room: CenterRef | None
) -> Step | None:
    """Widen the alarm while no operator has taken it."""
    owner = incident.owner
    if not incident.needs_operator or owner is None:
        return None
    alerted = hlc_ms(incident.alerted_at)
    began = max(alerted, hlc_ms(owner.since)) if owner.reason in ("handover", "claimed") else alerted
    because = _BECAUSE[plan.state]
    rang = plan.accept_s > 0 and owner.code not in incident.unanswered
    steps: list[Step] = []

    def widen(kind: StepKind, due_ms: int, center: CenterRef | None, setting: str) -> None:
        rule = plan.rules.get(setting, "")
        steps.append(Step(kind=kind, due_ms=due_ms, center=center, because=because, rule=rule, rang=rang))

    alarmed = len(incident.co_alarmed)
    rest = (one for one in order if one.code != owner.code and one.code not in incident.co_alarmed)
    center = next(rest, None)
    if center is not None and alarmed < plan.co_alarms:
        widen("co_alarm", began + int(plan.accept_s * 1000) * (alarmed + 1), center, "accept_s")
    if room is not None and room.code != owner.code and room.code not in incident.rooms:
        widen("province_room", began + int(plan.province_s * 1000), room, "province_s")
    if incident.state is State.ALERTING and not incident.agency_asked:
        widen("agency_direct", alerted + int(plan.agency_s * 1000), None, "agency_s")
    return min(steps, key=lambda step: step.due_ms, default=None)


def _aid(incident: Incident) -> Step | None:
    """End the help whose time is over first."""
    aid = min(incident.aid.values(), key=lambda aid: (aid.until_ms, aid.code), default=None)
    if aid is None:
        return None
    return Step(kind="aid_over", due_ms=aid.until_ms, center=CenterRef(code=aid.code, name=aid.name))

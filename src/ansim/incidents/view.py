"""What screens are shown of an incident: one shape for staff, a narrower one for the person herself."""

from collections.abc import Mapping
from typing import Any

from ansim.core.clock import hlc_time, iso
from ansim.incidents.model import Incident, Request
from ansim.incidents.positions import Position


def _time(stamp: str) -> str | None:
    return iso(hlc_time(stamp)) if stamp else None


def view(incident: Incident, position: Position | None) -> dict[str, Any]:
    """The incident for staff; ``position`` is the newest one known."""
    armed = incident.armed
    owner = incident.owner
    operator = incident.operator
    responsible = incident.responsible
    return {
        "id": incident.id,
        "state": incident.state.value,
        "exercise": incident.exercise,
        "silent": armed.silent if armed else False,
        "priority": "duress" if incident.duress else "normal",
        "trigger": armed.trigger if armed else "unknown",
        "presses": incident.presses,
        "marks": list(incident.marks),
        "opened_at": _time(incident.opened_at),
        "window_ends_at": armed.window_ends_at if armed else None,
        "alerted_at": _time(incident.alerted_at),
        "accepted_at": _time(incident.accepted_at),
        "closed_at": _time(incident.ended_at),
        "person": armed.person if armed else None,
        "owner": owner
        and {
            "code": owner.code,
            "name": owner.name,
            "epoch": owner.epoch,
            "since": _time(owner.since),
            "reason": owner.reason,
        },
        "responsible": responsible
        and {
            "code": responsible.code,
            "name": responsible.name,
            "method": responsible.method,
            "approximate": responsible.approximate,
        },
        "parties": [
            {"code": code, "name": name, "role": role(incident, code)}
            for code, name in incident.parties.items()
        ],
        "delivered": {code: _time(at) for code, (_, at) in incident.delivered.items()},
        "seen": {code: {"at": _time(at), "operator": who} for code, (at, who) in incident.seen.items()},
        "operator": operator and {"id": operator.id, "name": operator.name, "center": operator.center},
        "position": position,
        "requests": [_request(request) for request in incident.requests.values()],
        "shared": [
            {
                "camera": shared.camera,
                "name": shared.name,
                "agency": shared.agency,
                "center": shared.center,
                "by": shared.by,
                "at": _time(shared.at),
            }
            for shared in incident.shared.values()
        ],
        "sighting": incident.sighting
        and {
            "camera": incident.sighting.camera,
            "name": incident.sighting.name,
            "center": incident.sighting.center,
            "lat": incident.sighting.lat,
            "lon": incident.sighting.lon,
            "bearing": incident.sighting.bearing,
            "by": incident.sighting.by,
            "at": _time(incident.sighting.at),
        },
        "broken_glass": [
            {
                "camera": glass.camera,
                "name": glass.name,
                "center": glass.center,
                "by": glass.by,
                "second": glass.second,
                "reason": glass.reason,
                "at": _time(glass.at),
            }
            for glass in incident.broken_glass
        ],
        "closing": incident.closing
        and {
            "disposition": incident.closing.disposition,
            "reason": incident.closing.reason,
            "by": incident.closing.by,
            "by_id": incident.closing.by_id,
            "at": _time(incident.closing.at),
        },
        "disposition": incident.disposition,
        "superseded": list(incident.superseded),
        "events": incident.count,
    }


def role(incident: Incident, code: str) -> str:
    """What a center is to the incident."""
    if incident.owner is not None and incident.owner.code == code:
        return "owner"
    if code in incident.co_alarmed:
        return "co_alarmed"
    if any(owner.code == code for owner in incident.owners):
        return "previous"
    return "informed"


def _request(request: Request) -> dict[str, Any]:
    return {
        "id": request.id,
        "agency": request.agency,
        "status": request.status,
        "at": _time(request.at),
        "by": request.by,
        "center": request.center,
        "unverified": request.unverified,
        "note": request.note,
        "history": [
            {"status": step.status, "at": _time(step.at), "by": step.by, "note": step.note}
            for step in request.history
        ],
    }


_TO_HER = frozenset(
    {
        "armed",
        "alerted",
        "cancelled",
        "pressed_again",
        "routed",
        "rung",
        "ownership_assigned",
        "delivered",
        "seen",
        "accepted",
        "dispatch_requested",
        "dispatch_updated",
        "closed",
    }
)
"""Kinds of event on the person's own timeline: all that change her view."""
_NOT_FOR_HER = (
    "person",
    "closing",
    "superseded",
    "parties",
    "responsible",
    "events",
    "shared",
    "broken_glass",
    "sighting",
)
_FOR_HER = ("code", "name", "agency", "status", "request", "disposition", "step")


def for_person(staff_view: Mapping[str, Any]) -> dict[str, Any]:
    """The person's own view: what is being done, nothing of who does it beyond their center."""
    shown = dict(staff_view)
    owner = shown["owner"]
    if owner:
        shown["owner"] = {"code": owner["code"], "name": owner["name"], "since": owner["since"]}
    shown["seen"] = {code: {"at": seen["at"]} for code, seen in shown["seen"].items()}
    if shown["operator"]:
        shown["operator"] = {"center": shown["operator"]["center"]}
    shown["requests"] = [
        {
            "id": request["id"],
            "agency": request["agency"],
            "status": request["status"],
            "at": request["at"],
            "history": [{"status": step["status"], "at": step["at"]} for step in request["history"]],
        }
        for request in shown["requests"]
    ]
    for hidden in _NOT_FOR_HER:
        shown.pop(hidden)
    return shown


def entry_for_person(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """One timeline entry for the person, stripped of names and remarks; None when it is not for her."""
    kind = entry["type"]
    if kind not in _TO_HER:
        return None
    data = entry["data"]
    kept = {key: data[key] for key in _FOR_HER if key in data}
    return {
        "id": entry["id"],
        "type": kind,
        "at": entry["at"],
        "time": entry["time"],
        "node": entry["node"],
        "actor": {"kind": entry["actor"]["kind"], "id": "", "name": ""},
        "data": {"type": kind, **kept},
    }


def for_agency(staff_view: Mapping[str, Any], agency: str, center: str) -> dict[str, Any] | None:
    """The desk's view: only where this center asked the agency, and only those requests."""
    requests = [r for r in staff_view["requests"] if r["agency"] == agency and r["center"] == center]
    if not requests:
        return None
    shared = [one for one in staff_view["shared"] if one["agency"] == agency and one["center"] == center]
    return dict(staff_view) | {"requests": requests, "shared": shared, "broken_glass": []}

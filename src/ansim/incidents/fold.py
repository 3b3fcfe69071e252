"""The fold: events in, incident out.

``fold`` is pure and total: any order of arrival, any duplication, any split gives the same incident. Events
are applied in timeline order; one that no longer fits (it lost a race) changes nothing but who was told of
the incident, and is listed as superseded, still on the timeline.
"""

from collections.abc import Callable, Iterable
from typing import Any

from ansim.incidents import events as ev
from ansim.incidents.lifecycle import ENDED, IN_HAND, State, can
from ansim.incidents.model import (
    Claim,
    Closing,
    Glass,
    Incident,
    Operator,
    Owner,
    Request,
    Shared,
    Sighting,
    Step,
)


def fold(events: Iterable[ev.Event]) -> Incident:
    """The incident that these events add up to. Raises ValueError when there are none."""
    ordered = sorted({event.id: event for event in events}.values(), key=lambda event: event.order)
    if not ordered:
        raise ValueError("an incident has at least one event")
    incident = Incident(id=ordered[0].incident)
    for event in ordered:
        if not _apply(incident, event):
            incident.superseded.append(event.id)
        incident.count += 1
    return incident


def _apply(incident: Incident, event: ev.Event) -> bool:
    """Apply one event; False when it no longer fits."""
    return _APPLY[type(event.data)](incident, event, event.data)


def _mark(incident: Incident, *marks: str) -> None:
    incident.marks.extend(mark for mark in marks if mark not in incident.marks)


def _told(incident: Incident, code: str, name: str) -> None:
    """A party for good: the center was told, so it must hear the end, even where an event that came late
    undoes why it was told."""
    incident.parties.setdefault(code, name)


def _step(incident: Incident, target: State, at: str) -> bool:
    if not can(incident.state, target):
        return False
    incident.state = target
    if target in ENDED:
        incident.ended_at = at
    return True


def _armed(incident: Incident, event: ev.Event, data: ev.Armed) -> bool:
    if incident.armed is not None:
        return False
    incident.armed = data
    incident.complete = True
    incident.opened_at = event.at
    incident.presses += 1
    _mark(incident, *data.marks)
    return True


def _alerted(incident: Incident, event: ev.Event, data: ev.Alerted) -> bool:
    if not _step(incident, State.ALERTING, event.at):
        return False
    incident.alerted_at = event.at
    if data.reason != "window":
        _mark(incident, "window_skipped")
    return True


def _cancelled(incident: Incident, event: ev.Event, _data: ev.Cancelled) -> bool:
    return _step(incident, State.CANCELLED, event.at)


def _duress(incident: Incident, _event: ev.Event, _data: ev.Duress) -> bool:
    incident.duress = True
    return True


def _pressed_again(incident: Incident, _event: ev.Event, data: ev.PressedAgain) -> bool:
    incident.presses += 1
    _mark(incident, *data.marks)
    return True


def _routed(incident: Incident, _event: ev.Event, data: ev.Routed) -> bool:
    for center in data.informed:
        _told(incident, center.code, center.name)
    if not incident.open:
        return False
    incident.responsible = data
    if data.method == "nearest":
        _mark(incident, "outside_boundaries")
    _mark(incident, *data.marks)
    return True


def _ownership(incident: Incident, event: ev.Event, data: ev.OwnershipAssigned) -> bool:
    _told(incident, data.code, data.name)
    if not incident.open or (incident.owner is not None and data.epoch <= incident.owner.epoch):
        return False
    incident.owner = Owner(
        code=data.code, name=data.name, epoch=data.epoch, since=event.at, reason=data.reason
    )
    incident.owners.append(incident.owner)
    incident.operator = None
    incident.closing = None
    if data.reason == "no_ack":
        _mark(incident, "rerouted")
    return True


def _rung(incident: Incident, event: ev.Event, data: ev.Rung) -> bool:
    if data.step == "co_alarm":
        _told(incident, data.code, data.name)
    if not incident.open:
        return False
    if data.step == "co_alarm":
        incident.co_alarmed.append(data.code)
    elif data.step == "exhausted":
        incident.exhausted_at = event.at
    else:
        incident.agency_asked = True
        _mark(incident, "agency_direct")
        incident.requests[event.id] = Request(
            id=event.id,
            agency=data.agency or "112",
            center=data.code,
            by=event.actor.name,
            at=event.at,
            unverified=True,
            history=[Step(status="requested", at=event.at, by=event.actor.name)],
        )
    return True


def _delivered(incident: Incident, event: ev.Event, data: ev.Delivered) -> bool:
    epoch, _ = incident.delivered.get(data.code, (0, ""))
    if data.epoch <= epoch:
        return False
    incident.delivered[data.code] = (data.epoch, event.at)
    return True


def _seen(incident: Incident, event: ev.Event, data: ev.Seen) -> bool:
    incident.seen.setdefault(data.code, (event.at, event.actor.name))
    return True


def _owns(incident: Incident, code: str) -> bool:
    return incident.owner is not None and incident.owner.code == code


def _accepted(incident: Incident, event: ev.Event, data: ev.Accepted) -> bool:
    owner = incident.owner
    fits = owner is not None and owner.code == data.code and owner.epoch == data.epoch
    if not fits or not incident.needs_operator:
        return False
    incident.operator = Operator(id=event.actor.id, name=event.actor.name, center=data.code)
    _answer_claims(incident, data.code)
    if incident.state is State.ALERTING:
        incident.state = State.ACCEPTED
        incident.accepted_at = event.at
        _progress(incident)
    return True


def _progress(incident: Incident) -> None:
    """Move on with what the agencies already did (an unverified request may be ahead of the operator)."""
    if incident.state is State.ACCEPTED and incident.requests:
        incident.state = State.DISPATCHED
    arrived = any(
        ev.STATUSES.index(r.status) >= ev.STATUSES.index("on_scene") for r in incident.requests.values()
    )
    if incident.state is State.DISPATCHED and arrived:
        incident.state = State.ON_SCENE


def _claimed(incident: Incident, event: ev.Event, data: ev.Claimed) -> bool:
    if not incident.open:
        return False
    incident.claims.append(Claim(code=data.code, name=data.name, by=event.actor))
    return True


def _claim_refused(incident: Incident, _event: ev.Event, data: ev.ClaimRefused) -> bool:
    return _answer_claims(incident, data.code)


def _answer_claims(incident: Incident, code: str) -> bool:
    standing = [claim for claim in incident.claims if claim.code != code]
    answered = len(standing) < len(incident.claims)
    incident.claims = standing
    return answered


def _note(_incident: Incident, _event: ev.Event, _data: ev.Note) -> bool:
    return True


def _dispatch_requested(incident: Incident, event: ev.Event, data: ev.DispatchRequested) -> bool:
    if incident.state not in IN_HAND:
        return False
    incident.requests[event.id] = Request(
        id=event.id,
        agency=data.agency,
        center=data.code,
        by=event.actor.name,
        at=event.at,
        note=data.note,
        history=[Step(status="requested", at=event.at, by=event.actor.name)],
    )
    _progress(incident)
    return True


def _dispatch_updated(incident: Incident, event: ev.Event, data: ev.DispatchUpdated) -> bool:
    request = incident.requests.get(data.request)
    if request is None or ev.STATUSES.index(data.status) <= ev.STATUSES.index(request.status):
        return False
    request.status = data.status
    request.history.append(Step(status=data.status, at=event.at, by=event.actor.name, note=data.note))
    _progress(incident)
    return True


def _camera_share(incident: Incident, event: ev.Event, data: ev.CameraShare) -> bool:
    key = (data.code, data.camera, data.agency)
    if data.state == "withdrawn":
        return incident.shared.pop(key, None) is not None
    if not incident.open:
        return False
    incident.shared[key] = Shared(
        camera=data.camera,
        name=data.name,
        agency=data.agency,
        center=data.code,
        by=event.actor.name,
        at=event.at,
    )
    return True


def _glass_broken(incident: Incident, event: ev.Event, data: ev.GlassBroken) -> bool:
    incident.broken_glass.append(
        Glass(
            camera=data.camera,
            name=data.name,
            center=data.code,
            by=event.actor.name,
            second=data.second,
            reason=data.reason,
            at=event.at,
        )
    )
    return True


def _sighted(incident: Incident, event: ev.Event, data: ev.Sighted) -> bool:
    incident.sighting = Sighting(
        camera=data.camera,
        name=data.name,
        center=data.code,
        lat=data.lat,
        lon=data.lon,
        bearing=data.bearing,
        by=event.actor.name,
        at=event.at,
    )
    return True


def _footage(_incident: Incident, _event: ev.Event, _data: ev.Footage) -> bool:
    return True


def _closing_proposed(incident: Incident, event: ev.Event, data: ev.ClosingProposed) -> bool:
    if incident.state not in IN_HAND or not _owns(incident, event.node):
        return False
    incident.closing = Closing(
        disposition=data.disposition,
        reason=data.reason,
        by=event.actor.name,
        by_id=event.actor.id,
        at=event.at,
    )
    return True


def _closing_rejected(incident: Incident, event: ev.Event, _data: ev.ClosingRejected) -> bool:
    if incident.closing is None or not _owns(incident, event.node):
        return False
    incident.closing = None
    return True


def _closed(incident: Incident, event: ev.Event, data: ev.Closed) -> bool:
    if not _owns(incident, event.node) or not _step(incident, State.CLOSED, event.at):
        return False
    incident.disposition = data.disposition
    incident.closing = None
    return True


_APPLY: dict[type, Callable[[Incident, ev.Event, Any], bool]] = {
    ev.Armed: _armed,
    ev.Alerted: _alerted,
    ev.Cancelled: _cancelled,
    ev.Duress: _duress,
    ev.PressedAgain: _pressed_again,
    ev.Routed: _routed,
    ev.OwnershipAssigned: _ownership,
    ev.Rung: _rung,
    ev.Delivered: _delivered,
    ev.Seen: _seen,
    ev.Accepted: _accepted,
    ev.Claimed: _claimed,
    ev.ClaimRefused: _claim_refused,
    ev.Note: _note,
    ev.DispatchRequested: _dispatch_requested,
    ev.DispatchUpdated: _dispatch_updated,
    ev.CameraShare: _camera_share,
    ev.GlassBroken: _glass_broken,
    ev.Sighted: _sighted,
    ev.Footage: _footage,
    ev.ClosingProposed: _closing_proposed,
    ev.ClosingRejected: _closing_rejected,
    ev.Closed: _closed,
}

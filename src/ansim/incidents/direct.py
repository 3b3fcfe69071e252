"""An SOS that a center took while the hub was silent: its identity, and what the fold makes of two takers.

Pure. The id of an incident follows from its press, so whoever took the press, hub, center or both, speaks of
the same incident. Where both gave it an owner in the same epoch, the earlier one on the timeline stands; the
other is a *rival*, and its operator's acceptance counts as a claim that the hub answers.
"""

from uuid import UUID, uuid5

import msgspec

from ansim.core.ids import is_id, new_id
from ansim.incidents import events as ev
from ansim.incidents.model import Approach, Claim, Incident
from ansim.incidents.report import Report

PIN_AT_HUB = "pin_at_hub"
"""Mark of a press whose phone says that cancelling needs a PIN, which only the hub can check."""
_PRESSES = UUID("5b0f6f0e-53c5-5a0c-8f0a-0d6a3c1f7b42")


def incident_id(report: Report) -> str:
    """The incident that this press makes, the same on every node.

    A key alone may be anything, even "1" from a careless client: it counts together with the device that
    sent it, or by itself when it is a UUID. Any other press is an incident that no other node can name.
    """
    if not report.device_id and not is_id(report.key):
        return new_id()
    return str(uuid5(_PRESSES, f"{report.device_id}\n{report.key}"))


def confirmed(incident: Incident, _event: ev.Event, data: ev.DirectConfirmed) -> bool:
    """The direct owner keeps the incident, with the hub's knowledge."""
    owner = incident.owner
    fits = owner is not None and (owner.code, owner.epoch) == (data.code, data.epoch)
    if not fits or not incident.unconfirmed:
        return False
    incident.confirmed_epoch = data.epoch
    return True


def identify(incident: Incident, person: ev.PersonCard | None) -> bool:
    """Put a name to a press that had none."""
    armed = incident.armed
    if armed is None or armed.person is not None or person is None:
        return False
    incident.armed = msgspec.structs.replace(armed, person=person)
    incident.marks = [mark for mark in incident.marks if mark != "unknown_person"]
    return True


def identified(incident: Incident, _event: ev.Event, data: ev.Identified) -> bool:
    """The hub put a name to it."""
    return identify(incident, data.person)


def cancel_asked(incident: Incident, _event: ev.Event, _data: ev.CancelAsked) -> bool:
    """Shown to the operators, who ask her; nothing ends by it."""
    if incident.open and "cancel_asked" not in incident.marks:
        incident.marks.append("cancel_asked")
    return incident.open


def rival(incident: Incident, data: ev.OwnershipAssigned) -> bool:
    """Remember who was given the incident in the very epoch in which another had it, one of them directly."""
    owner = incident.owner
    if not incident.open or owner is None or data.epoch != owner.epoch or data.code == owner.code:
        return False
    if "direct" not in (owner.reason, data.reason):
        return False
    incident.rivals[data.code] = data.epoch
    return True


def claim_of_rival(incident: Incident, event: ev.Event, data: ev.Accepted) -> bool:
    """An operator of a rival accepted what her node took to be her center's: she asks for it by that."""
    if not incident.open or incident.rivals.get(data.code) != data.epoch:
        return False
    if any(claim.code == data.code for claim in incident.claims):
        return False
    incident.claims.append(Claim(code=data.code, name=incident.parties[data.code], by=event.actor))
    return True


def approach(incident: Incident, event: ev.Event, data: ev.Approaching) -> bool:
    """The next center is told that she is coming; the newest forecast counts."""
    if not incident.open or (incident.owner is not None and incident.owner.code == data.code):
        return False
    incident.approach = Approach(
        code=data.code, name=data.name, at=event.at, eta_s=data.eta_s, probability=data.probability
    )
    return True

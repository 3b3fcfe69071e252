"""What a node must write, by rule, once it knows an incident.

Pure; the journal asks again until it is quiet.
"""

from ansim.core.actors import Actor, system
from ansim.incidents import events as ev
from ansim.incidents.model import Incident

Write = tuple[ev.Data, Actor]


def at_center(node: str, incident: Incident) -> list[Write]:
    """A center confirms each ownership it learns of, and accepts for the operator whose claim was granted."""
    owner = incident.owner
    if owner is None or owner.code != node or not incident.open:
        return []
    if not incident.owner_has_it:
        return [(ev.Delivered(code=node, epoch=owner.epoch), system(node))]
    granted = next((claim for claim in incident.claims if claim.code == node), None)
    if granted is not None and incident.needs_operator:
        return [(ev.Accepted(code=node, epoch=owner.epoch), granted.by)]
    return []


def at_hub(node: str, incident: Incident) -> list[Write]:
    """The hub confirms what a center took without it, gives an incident nobody has taken to the first center
    that claims it, and refuses others."""
    owner = incident.owner
    if owner is None or not incident.open:
        return []
    if incident.unconfirmed:
        return [(ev.DirectConfirmed(code=owner.code, epoch=owner.epoch), system(node))]
    for claim in incident.claims:
        if claim.code == owner.code:
            continue  # granted; it is for that center to accept
        granted = any(other.code == owner.code for other in incident.claims)
        if incident.needs_operator and not granted:
            move = ev.OwnershipAssigned(
                code=claim.code, name=claim.name, epoch=owner.epoch + 1, reason="claimed"
            )
            return [(move, system(node))]
        return [(ev.ClaimRefused(code=claim.code), system(node))]
    return []

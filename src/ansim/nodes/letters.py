"""Letters between nodes that belong to no feature: looks and ledger heads, told to the hub."""

from msgspec import Struct

from ansim.core.actors import Actor

LOOK = "look"
HEAD = "ledger_head"


class LookBody(Struct, frozen=True, kw_only=True):
    """Somebody at the center was shown an incident."""

    actor: Actor
    subject: str
    incident: str
    what: str
    why: str


class HeadBody(Struct, frozen=True, kw_only=True):
    """The center's ledger ended here when this was signed."""

    seq: int
    hash: str
    at: str

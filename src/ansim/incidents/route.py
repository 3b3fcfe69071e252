"""Where a new incident goes: the answer that distribution gives and incidents act on."""

from msgspec import Struct

from ansim.incidents.events import CenterRef, OwnershipReason, Routed


class Route(Struct, frozen=True, kw_only=True):
    """Who is responsible, and who owns it first."""

    routed: Routed
    owner: CenterRef
    reason: OwnershipReason

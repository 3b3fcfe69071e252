"""What whoever holds her phone may learn: after a "cancel" under duress, nothing that a real one hides.

Pure.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ansim.core.clock import hlc_time, iso
from ansim.incidents import events as ev
from ansim.incidents.fold import fold
from ansim.incidents.lifecycle import State


class Told(NamedTuple):
    """The incident as her phone is told of it; ``until`` is when it fell silent (ISO time), else empty."""

    events: list[ev.Event]
    until: str = ""


def as_told(events: Sequence[ev.Event]) -> Told:
    """Her phone's share of an incident's events, which are in timeline order.

    A cancel under duress looks like any other and ends the story; one that came too late to cancel anything
    was answered so, and is left out.
    """
    told: list[ev.Event] = []
    for event in events:
        if not isinstance(event.data, ev.Duress):
            told.append(event)
            continue
        seeming = [*told, msgspec.structs.replace(event, data=ev.Cancelled())]
        if fold(seeming).state is State.CANCELLED:
            return Told(seeming, iso(hlc_time(event.at)))
    return Told(told)

"""The immutable events of an incident, their data, and their JSON.

Every kind has one writer. The hub writes arming, cancelling, routing, ladder rungs and ownership; a center
writes what it received, saw, accepted, asked for and closed; each dispatch request belongs to the center
that made it.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from ansim.core.actors import Actor
from ansim.core.clock import hlc_time, iso

Text = Annotated[str, Meta(max_length=2000)]
Name = Annotated[str, Meta(max_length=120)]
Code = Annotated[str, Meta(max_length=16)]
Id = Annotated[str, Meta(max_length=64)]
Hlc = Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
Time = Annotated[str, Meta(max_length=30)]
Epoch = Annotated[int, Meta(ge=0, le=1_000_000_000)]

Trigger = Literal["hold", "shake", "key", "button", "sms", "drill", "unknown"]
Agency = Literal["112", "119", "exercise"]
Status = Literal["requested", "acknowledged", "en_route", "on_scene", "done"]
Disposition = Literal["rescued", "safe", "false_press", "prank", "test", "other"]
Method = Literal["contains", "overlap", "nearest", "default"]
OwnershipReason = Literal["routed", "no_ack", "handover", "handover_failed", "claimed", "direct"]

STATUSES: tuple[Status, ...] = ("requested", "acknowledged", "en_route", "on_scene", "done")
NEEDS_SECOND: frozenset[str] = frozenset({"prank", "other"})
"""Dispositions that one person alone may not give: they end help on a judgement about the caller."""


class Guardian(Struct, frozen=True, kw_only=True):
    """Somebody the person named beforehand."""

    name: Name
    phone: Name


class PersonCard(Struct, frozen=True, kw_only=True):
    """What responders may know of the person, as it stood when she pressed."""

    id: Id
    name: Name
    phone: Name
    note: Text = ""
    guardians: tuple[Guardian, ...] = ()


class _Data(Struct, frozen=True, kw_only=True, tag_field="type"):
    pass


class Armed(_Data, frozen=True, kw_only=True, tag="armed"):
    """She pressed. ``window_ends_at`` is when people are alarmed unless she cancels."""

    key: Id
    trigger: Trigger
    pressed_at: Time
    window_ends_at: Time
    silent: bool = False
    exercise: bool = False
    person: PersonCard | None = None
    device_id: Id = ""
    battery: float | None = None
    marks: tuple[Name, ...] = ()
    raw: Text = ""


class Alerted(_Data, frozen=True, kw_only=True, tag="alerted"):
    """The window ended (or was skipped): people are alarmed."""

    reason: Literal["window", "now", "duress", "again"]


class Cancelled(_Data, frozen=True, kw_only=True, tag="cancelled"):
    """She cancelled with her PIN."""


class Duress(_Data, frozen=True, kw_only=True, tag="duress"):
    """She "cancelled" with the duress PIN: somebody makes her do so."""


class PressedAgain(_Data, frozen=True, kw_only=True, tag="pressed_again"):
    """Another press while the incident is open."""

    key: Id
    trigger: Trigger
    pressed_at: Time
    marks: tuple[Name, ...] = ()


class CenterRef(Struct, frozen=True, kw_only=True):
    """A center by code and name."""

    code: Code
    name: Name


class Routed(_Data, frozen=True, kw_only=True, tag="routed"):
    """Who is responsible for where she is. ``method``: contains, overlap, nearest (outside every boundary)
    or default (no position at all)."""

    code: Code
    name: Name
    method: Method
    approximate: bool = False
    informed: tuple[CenterRef, ...] = ()
    marks: tuple[Name, ...] = ()


class OwnershipAssigned(_Data, frozen=True, kw_only=True, tag="ownership_assigned"):
    """One center answers for the incident from now on; ``epoch`` grows by one each time."""

    code: Code
    name: Name
    epoch: Epoch
    reason: OwnershipReason


class Rung(_Data, frozen=True, kw_only=True, tag="rung"):
    """A step of the delivery ladder."""

    step: Literal["co_alarm", "agency_direct", "exhausted"]
    code: Code = ""
    name: Name = ""
    agency: Agency | None = None


class Delivered(_Data, frozen=True, kw_only=True, tag="delivered"):
    """The center's database has the incident, as its owner in ``epoch``."""

    code: Code
    epoch: Epoch


class Seen(_Data, frozen=True, kw_only=True, tag="seen"):
    """The alarm was on a screen, in front of this operator."""

    code: Code


class Accepted(_Data, frozen=True, kw_only=True, tag="accepted"):
    """An operator took the incident for the center that owns it in ``epoch``."""

    code: Code
    epoch: Epoch


class Claimed(_Data, frozen=True, kw_only=True, tag="claimed"):
    """An operator of a co-alarmed center asks the hub for the incident."""

    code: Code
    name: Name


class ClaimRefused(_Data, frozen=True, kw_only=True, tag="claim_refused"):
    """The hub did not move the incident: somebody has it."""

    code: Code


class Note(_Data, frozen=True, kw_only=True, tag="note"):
    """An operator's remark."""

    text: Text


class DispatchRequested(_Data, frozen=True, kw_only=True, tag="dispatch_requested"):
    """Help was asked of an agency. The event's own id is the request's id."""

    agency: Agency
    code: Code
    note: Text = ""


class DispatchUpdated(_Data, frozen=True, kw_only=True, tag="dispatch_updated"):
    """The agency's answer."""

    request: Id
    status: Status
    note: Text = ""


class CameraShare(_Data, frozen=True, kw_only=True, tag="camera_share"):
    """An operator of center ``code`` lets an agency look through a camera, or no longer."""

    camera: Id
    name: Text
    agency: Agency
    code: Code
    state: Literal["shared", "withdrawn"]


class GlassBroken(_Data, frozen=True, kw_only=True, tag="glass_broken"):
    """Two people of center ``code`` opened a camera that the rule keeps shut, and say why."""

    camera: Id
    name: Text
    code: Code
    reason: Text
    second: Name


class Sighted(_Data, frozen=True, kw_only=True, tag="sighted"):
    """An operator saw her on a camera of center ``code``, at this point of the picture (0 to 1, from the top
    left corner). ``bearing`` is the direction from the camera, degrees clockwise from north, where it is
    known. A remark beside the reported position, never in its place.
    """

    camera: Id
    name: Text
    code: Code
    lat: float
    lon: float
    bearing: float | None = None
    x: Annotated[float, Meta(ge=0, le=1)]
    y: Annotated[float, Meta(ge=0, le=1)]


class Footage(_Data, frozen=True, kw_only=True, tag="footage"):
    """A camera of center ``code`` is being recorded for this incident, or was until now.

    ``segments`` and the end of their hash chain ``head`` (SHA-256, hexadecimal) stand when it has ended.
    """

    recording: Id
    camera: Id
    name: Text
    code: Code
    state: Literal["started", "ended"]
    segments: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    head: Id = ""


class ClosingProposed(_Data, frozen=True, kw_only=True, tag="closing_proposed"):
    """A disposition that waits for a second person."""

    disposition: Disposition
    reason: Text = ""


class ClosingRejected(_Data, frozen=True, kw_only=True, tag="closing_rejected"):
    """The second person does not agree; the incident goes on."""


class Closed(_Data, frozen=True, kw_only=True, tag="closed"):
    """The end. ``second`` confirmed it where the disposition needs two people."""

    disposition: Disposition
    reason: Text = ""
    second: Name = ""


Data = (
    Armed
    | Alerted
    | Cancelled
    | Duress
    | PressedAgain
    | Routed
    | OwnershipAssigned
    | Rung
    | Delivered
    | Seen
    | Accepted
    | Claimed
    | ClaimRefused
    | Note
    | DispatchRequested
    | DispatchUpdated
    | CameraShare
    | GlassBroken
    | Sighted
    | Footage
    | ClosingProposed
    | ClosingRejected
    | Closed
)

KINDS: dict[str, type[_Data]] = {str(kind.__struct_config__.tag): kind for kind in Data.__args__}
"""Every kind of event by its name."""


class Event(Struct, frozen=True, kw_only=True):
    """One immutable change. ``at`` is a hybrid logical clock stamp, the order of the timeline."""

    id: Id
    incident: Id
    at: Hlc
    node: Code
    actor: Actor
    data: Data

    @property
    def type(self) -> str:
        """The kind's name."""
        return str(self.data.__struct_config__.tag)

    @property
    def order(self) -> tuple[str, str]:
        """Timeline order; the id breaks ties the same way on every node."""
        return (self.at, self.id)


encode = msgspec.json.encode
decode = msgspec.json.Decoder(Event).decode
decode_many = msgspec.json.Decoder(list[Event]).decode


def entry(event: Event) -> dict[str, Any]:
    """The event as screens get it: with its kind and its time spelled out."""
    return {
        "id": event.id,
        "type": event.type,
        "at": event.at,
        "time": iso(hlc_time(event.at)),
        "node": event.node,
        "actor": event.actor,
        "data": event.data,
    }


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one kind's data."""
    return msgspec.json.schema(KINDS[kind])

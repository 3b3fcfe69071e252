"""Hypothesis strategies for events: sets that could have happened, and sets that never could."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from ansim.core.actors import Actor
from ansim.core.clock import hlc_from_ms
from ansim.incidents import events as ev
from ansim.incidents.fold import fold
from ansim.incidents.lifecycle import IN_HAND, State
from ansim.incidents.model import Incident

START_MS = 1_790_000_000_000
HUB = "hub"
CENTERS = ("41170", "11545", "41410")
NODES = (HUB, *CENTERS)
NAMES = {"41170": "안양시", "11545": "금천구", "41410": "군포시"}
WINDOW_ENDS = "2026-09-21T14:13:25.000Z"

codes = st.sampled_from(CENTERS)
epochs = st.integers(0, 6)
words = st.text(max_size=12)
triggers = st.sampled_from(["hold", "shake", "key", "button", "sms", "drill", "unknown"])
agencies = st.sampled_from(["112", "119", "exercise"])
dispositions = st.sampled_from(["rescued", "safe", "false_press", "prank", "test", "other"])
marks = st.lists(st.sampled_from(["no_position", "late_report", "expired_login"]), max_size=2).map(tuple)
times = st.integers(0, 10_000).map(lambda ms: f"2026-09-21T14:13:{ms // 1000 + 20:02d}.{ms % 1000:03d}Z")
actors = st.builds(
    Actor,
    kind=st.sampled_from(["person", "staff", "agency", "system"]),
    id=st.sampled_from(["p-1", "op-1", "op-2", "desk-1"]),
    name=st.sampled_from(["이하나", "김관제", "박관제", "112 상황실"]),
)
people = st.builds(
    ev.PersonCard,
    id=st.sampled_from(["p-1", "p-2"]),
    name=words,
    phone=words,
    note=words,
    guardians=st.lists(st.builds(ev.Guardian, name=words, phone=words), max_size=2).map(tuple),
)
stamps = st.builds(hlc_from_ms, st.integers(START_MS, START_MS + 12), st.integers(0, 1))
"""So few that many are equal."""


def centers(code: str) -> dict[str, str]:
    return {"code": code, "name": NAMES[code]}


def _named(kind: Callable[..., Any], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(lambda code, **rest: kind(**centers(code), **rest), codes, **fields)


def data_of(kind: str, ids: st.SearchStrategy[str]) -> st.SearchStrategy[ev.Data]:
    """Data of one kind; ``ids`` are the events that it may refer to."""
    refs = st.lists(codes.map(lambda code: ev.CenterRef(**centers(code))), max_size=2).map(tuple)
    made: dict[str, st.SearchStrategy[Any]] = {
        "armed": st.builds(
            ev.Armed,
            key=words,
            trigger=triggers,
            pressed_at=times,
            window_ends_at=times,
            silent=st.booleans(),
            exercise=st.booleans(),
            person=st.none() | people,
            device_id=words,
            battery=st.none() | st.floats(0, 1),
            marks=marks,
            raw=words,
        ),
        "alerted": st.builds(ev.Alerted, reason=st.sampled_from(["window", "now", "duress", "again"])),
        "cancelled": st.just(ev.Cancelled()),
        "duress": st.just(ev.Duress()),
        "pressed_again": st.builds(
            ev.PressedAgain, key=words, trigger=triggers, pressed_at=times, marks=marks
        ),
        "routed": _named(
            ev.Routed,
            method=st.sampled_from(["contains", "overlap", "nearest", "default"]),
            approximate=st.booleans(),
            informed=refs,
            marks=marks,
        ),
        "ownership_assigned": _named(
            ev.OwnershipAssigned,
            epoch=epochs,
            reason=st.sampled_from(["routed", "no_ack", "handover", "handover_failed", "claimed", "direct"]),
        ),
        "rung": _named(
            ev.Rung,
            step=st.sampled_from(["co_alarm", "agency_direct", "exhausted"]),
            agency=st.none() | agencies,
        ),
        "delivered": st.builds(ev.Delivered, code=codes, epoch=epochs),
        "seen": st.builds(ev.Seen, code=codes),
        "accepted": st.builds(ev.Accepted, code=codes, epoch=epochs),
        "claimed": _named(ev.Claimed),
        "claim_refused": st.builds(ev.ClaimRefused, code=codes),
        "note": st.builds(ev.Note, text=words),
        "dispatch_requested": st.builds(ev.DispatchRequested, agency=agencies, code=codes, note=words),
        "dispatch_updated": st.builds(
            ev.DispatchUpdated, request=ids, status=st.sampled_from(ev.STATUSES), note=words
        ),
        "camera_share": st.builds(
            ev.CameraShare,
            camera=st.sampled_from(["c-1", "c-2"]),
            name=words,
            agency=agencies,
            code=codes,
            state=st.sampled_from(["shared", "withdrawn"]),
        ),
        "glass_broken": st.builds(
            ev.GlassBroken, camera=words, name=words, code=codes, reason=words, second=words
        ),
        "sighted": st.builds(
            ev.Sighted,
            camera=words,
            name=words,
            code=codes,
            lat=st.floats(-90, 90),
            lon=st.floats(-180, 180),
            bearing=st.none() | st.floats(0, 359),
            x=st.floats(0, 1),
            y=st.floats(0, 1),
        ),
        "footage": st.builds(
            ev.Footage,
            recording=words,
            camera=words,
            name=words,
            code=codes,
            state=st.sampled_from(["started", "ended"]),
            segments=st.integers(0, 99),
            head=words,
        ),
        "closing_proposed": st.builds(ev.ClosingProposed, disposition=dispositions, reason=words),
        "closing_rejected": st.just(ev.ClosingRejected()),
        "closed": st.builds(ev.Closed, disposition=dispositions, reason=words, second=words),
    }
    return made[kind]


def event_id(number: int) -> str:
    """A UUID of version 7 that sorts by ``number``."""
    return f"{number:08x}-0000-7000-8000-000000000000"


@st.composite
def any_events(draw: st.DrawFn, incident: str = "i-1", most: int = 20) -> list[ev.Event]:
    """Any events at all: writers that may not write, epochs that jump, answers before questions."""
    numbers = draw(st.lists(st.integers(0, 99), min_size=1, max_size=most, unique=True))
    ids = [event_id(number) for number in numbers]
    kinds = st.sampled_from(sorted(ev.KINDS))
    return [
        ev.Event(
            id=one,
            incident=incident,
            at=draw(stamps),
            node=draw(st.sampled_from(NODES)),
            actor=draw(actors),
            data=draw(data_of(draw(kinds), st.sampled_from(ids))),
        )
        for one in ids
    ]


def _fitting(incident: Incident | None) -> list[str]:
    """Kinds that the lifecycle allows next."""
    if incident is None:
        return ["armed"]
    always = ["note", "seen", "pressed_again", "duress", "routed"]
    if incident.owner is None:
        return ["ownership_assigned"]
    if incident.state is State.ARMED:
        return [*always, "delivered", "alerted", "cancelled"]
    if incident.state is State.ALERTING:
        return [
            *always,
            "delivered",
            "ownership_assigned",
            "rung",
            "accepted",
            "accepted",
            "claimed",
            "cancelled",
        ]
    if incident.state in IN_HAND:
        more = [
            "camera_share",
            "glass_broken",
            "sighted",
            "footage",
            "closing_proposed",
            "closing_rejected",
            "dispatch_requested",
            "dispatch_updated",
            "closed",
        ]
        return [*always, *more, "ownership_assigned", "accepted"]
    return ["note"]


@st.composite
def likely_events(draw: st.DrawFn, incident: str = "i-1", most: int = 24) -> list[ev.Event]:
    """A life of an incident, event by event as the rules allow, in timeline order."""
    made: list[ev.Event] = []
    state: Incident | None = None
    for number in range(draw(st.integers(2, most))):
        kind = draw(st.sampled_from(_fitting(state)))
        data = _meant(draw, state, draw(data_of(kind, st.sampled_from(_requests(state)))))
        owner = state.owner.code if state and state.owner else HUB
        node = owner if kind in ("accepted", "closed", "closing_proposed", "closing_rejected") else HUB
        made.append(
            ev.Event(
                id=event_id(draw(st.integers(0, 0xFFFF)) << 8 | number),
                incident=incident,
                at=hlc_from_ms(START_MS + number * 700),
                node=node,
                actor=draw(actors),
                data=data,
            )
        )
        state = fold(made)
    return made


def _requests(state: Incident | None) -> list[str]:
    return list(state.requests) if state and state.requests else ["none"]


def _meant(draw: st.DrawFn, state: Incident | None, data: ev.Data) -> ev.Data:
    """The data as the one who may write it would: for the owner, in the epoch."""
    owner = state.owner if state else None
    if isinstance(data, ev.OwnershipAssigned):
        epoch = owner.epoch + 1 if owner else 1
        return ev.OwnershipAssigned(code=data.code, name=data.name, epoch=epoch, reason=data.reason)
    if owner and isinstance(data, ev.Accepted):
        return ev.Accepted(code=owner.code, epoch=owner.epoch)
    if owner and isinstance(data, ev.Delivered):
        return ev.Delivered(code=owner.code, epoch=owner.epoch)
    return data


histories = st.one_of(any_events(), likely_events())

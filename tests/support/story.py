"""Telling an incident event by event, in the order written."""

from ansim.core.actors import Actor, system
from ansim.core.clock import hlc_from_ms
from ansim.incidents import events as ev
from ansim.incidents.fold import fold
from ansim.incidents.model import Incident
from support.strategies import HUB, NAMES, START_MS, WINDOW_ENDS, event_id

OPERATOR = Actor(kind="staff", id="op-1", name="김관제")
COLLEAGUE = Actor(kind="staff", id="op-2", name="박관제")
PERSON = Actor(kind="person", id="p-1", name="이하나")
CARD = ev.PersonCard(
    id="p-1",
    name="이하나",
    phone="010-1234-5678",
    note="천식",
    guardians=(ev.Guardian(name="이어머니", phone="010-8765-4321"),),
)


def armed(*, marks: tuple[str, ...] = (), exercise: bool = False, silent: bool = False) -> ev.Armed:
    return ev.Armed(
        key="k-1",
        trigger="hold",
        pressed_at="2026-09-21T14:13:20.000Z",
        window_ends_at=WINDOW_ENDS,
        silent=silent,
        exercise=exercise,
        person=CARD,
        device_id="d-1",
        marks=marks,
    )


def routed(
    code: str = "41170",
    *,
    method: ev.Method = "contains",
    informed: tuple[str, ...] = (),
    marks: tuple[str, ...] = (),
) -> ev.Routed:
    return ev.Routed(
        code=code,
        name=NAMES[code],
        method=method,
        informed=tuple(ev.CenterRef(code=one, name=NAMES[one]) for one in informed),
        marks=marks,
    )


def owns(code: str, epoch: int, reason: ev.OwnershipReason = "routed") -> ev.OwnershipAssigned:
    return ev.OwnershipAssigned(code=code, name=NAMES[code], epoch=epoch, reason=reason)


def claimed(code: str) -> ev.Claimed:
    return ev.Claimed(code=code, name=NAMES[code])


class Story:
    """The events of one incident; each ``tell`` is ``gap_ms`` after the one before."""

    def __init__(self, incident: str = "i-1", start_ms: int = START_MS) -> None:
        self.incident = incident
        self.at_ms = start_ms
        self.events: list[ev.Event] = []

    def tell(
        self, data: ev.Data, *, node: str = HUB, actor: Actor | None = None, gap_ms: int = 100
    ) -> "Story":
        self.at_ms += gap_ms
        event = ev.Event(
            id=event_id(len(self.events)),
            incident=self.incident,
            at=hlc_from_ms(self.at_ms),
            node=node,
            actor=actor or system(node),
            data=data,
        )
        self.events.append(event)
        return self

    @property
    def last(self) -> ev.Event:
        return self.events[-1]

    @property
    def fold(self) -> Incident:
        return fold(self.events)

    @property
    def lost(self) -> bool:
        """Whether the last event was superseded."""
        return self.last.id in self.fold.superseded


def pressed(*, exercise: bool = False, informed: tuple[str, ...] = ()) -> Story:
    """Armed, routed to 안양시 and owned by it."""
    story = Story().tell(armed(exercise=exercise), actor=PERSON)
    return story.tell(routed(informed=informed)).tell(owns("41170", 1))


def alerting(*, exercise: bool = False) -> Story:
    """The window has ended and the owner has the incident."""
    story = pressed(exercise=exercise).tell(ev.Delivered(code="41170", epoch=1), node="41170")
    return story.tell(ev.Alerted(reason="window"))


def accepted() -> Story:
    """안양시's operator has taken it."""
    return alerting().tell(ev.Accepted(code="41170", epoch=1), node="41170", actor=OPERATOR)


def dispatched(agency: ev.Agency = "112") -> Story:
    """Help has been asked for."""
    return accepted().tell(ev.DispatchRequested(agency=agency, code="41170"), node="41170", actor=OPERATOR)

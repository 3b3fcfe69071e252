"""What an incident is: the sum of its events (see fold.py)."""

from msgspec import Struct, field

from ansim.core.actors import Actor
from ansim.incidents import events as ev
from ansim.incidents.lifecycle import ENDED, IN_HAND, State


class Owner(Struct, kw_only=True, frozen=True):
    """The one center that answers; ``since`` is a clock stamp."""

    code: str
    name: str
    epoch: int
    since: str
    reason: ev.OwnershipReason


class Operator(Struct, kw_only=True, frozen=True):
    """Who accepted, and for which center."""

    id: str
    name: str
    center: str


class Step(Struct, kw_only=True, frozen=True):
    """One status of a request."""

    status: ev.Status
    at: str
    by: str
    note: str = ""


class Request(Struct, kw_only=True):
    """Help asked of an agency; ``unverified`` when the ladder asked, not a person."""

    id: str
    agency: ev.Agency
    center: str
    by: str
    at: str
    note: str = ""
    unverified: bool = False
    status: ev.Status = "requested"
    history: list[Step] = field(default_factory=list)


class Shared(Struct, kw_only=True, frozen=True):
    """A camera that a center lets an agency look through."""

    camera: str
    name: str
    agency: ev.Agency
    center: str
    by: str
    at: str


class Glass(Struct, kw_only=True, frozen=True):
    """A camera opened by two people against the rule."""

    camera: str
    name: str
    center: str
    by: str
    second: str
    reason: str
    at: str


class Sighting(Struct, kw_only=True, frozen=True):
    """Where an operator last saw her on a camera."""

    camera: str
    name: str
    center: str
    lat: float
    lon: float
    bearing: float | None
    by: str
    at: str


class Closing(Struct, kw_only=True, frozen=True):
    """A proposed disposition that waits for a second person."""

    disposition: ev.Disposition
    reason: str
    by: str
    by_id: str
    at: str


class Claim(Struct, kw_only=True, frozen=True):
    """An operator elsewhere asks for the incident; stands until the hub or the acceptance answers it."""

    code: str
    name: str
    by: Actor


class Incident(Struct, kw_only=True):
    """What the events add up to. Times are clock stamps (see core.clock)."""

    id: str
    complete: bool = False
    state: State = State.ARMED
    armed: ev.Armed | None = None
    opened_at: str = ""
    duress: bool = False
    presses: int = 0
    marks: list[str] = field(default_factory=list)
    responsible: ev.Routed | None = None
    owner: Owner | None = None
    owners: list[Owner] = field(default_factory=list)
    parties: dict[str, str] = field(default_factory=dict)
    co_alarmed: list[str] = field(default_factory=list)
    delivered: dict[str, tuple[int, str]] = field(default_factory=dict)
    seen: dict[str, tuple[str, str]] = field(default_factory=dict)
    operator: Operator | None = None
    claims: list[Claim] = field(default_factory=list)
    requests: dict[str, Request] = field(default_factory=dict)
    shared: dict[tuple[str, str, str], Shared] = field(default_factory=dict)
    sighting: Sighting | None = None
    broken_glass: list[Glass] = field(default_factory=list)
    closing: Closing | None = None
    disposition: ev.Disposition | None = None
    exhausted_at: str = ""
    agency_asked: bool = False
    alerted_at: str = ""
    accepted_at: str = ""
    ended_at: str = ""
    superseded: list[str] = field(default_factory=list)
    count: int = 0

    @property
    def open(self) -> bool:
        """Whether anybody still has to care."""
        return self.state not in ENDED

    @property
    def exercise(self) -> bool:
        """A drill, never sent to a real agency."""
        return self.armed is not None and self.armed.exercise

    @property
    def owner_has_it(self) -> bool:
        """Whether the owner's database confirmed this ownership (or, out of order, a later one)."""
        if self.owner is None:
            return False
        epoch, _ = self.delivered.get(self.owner.code, (0, ""))
        return epoch >= self.owner.epoch

    @property
    def needs_operator(self) -> bool:
        """Whether people are alarmed and nobody has taken it."""
        return self.operator is None and (self.state is State.ALERTING or self.state in IN_HAND)

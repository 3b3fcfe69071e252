"""The delivery policy as data: rules by time, state, service and load, and the plan they make for a center.

Pure. Rules are read from the highest priority down (equal ones in the document's order); for each setting the
first matching rule that speaks of it decides, and where none does the node's own settings stand. So a policy
can never leave a deadline open.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from ansim.core.settings import PolicySettings
from ansim.distribution.health import Limits, ServiceState

KOREA = timezone(timedelta(hours=9))  # no summer time since 1988
MOST_CO_ALARMS = 3
PROVINCE_S = 20.0
"""The province's room hears the alarm after this, where the policy names one and says no other time."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Service = Literal["sos", "duress", "exercise"]
Agency = Literal["112", "119"]
Code = Annotated[str, Meta(pattern="^[a-z0-9-]{2,16}$")]
Name = Annotated[str, Meta(min_length=1, max_length=60)]
Wait = Annotated[float, Meta(ge=0, le=86_400)]
Hours = Annotated[
    str, Meta(pattern="^(([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00))?$")
]


class When(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rule waits for; what is left out matches everything.

    ``hours`` are Korean local time, the end not included, and may pass midnight (``22:00-06:00``); ``days``
    then are those on which they begin. ``alarms_at_least``: incidents that wait for an operator there.
    """

    hours: Hours = ""
    days: Annotated[tuple[Day, ...], Meta(max_length=7)] = ()
    states: Annotated[tuple[ServiceState, ...], Meta(max_length=4)] = ()
    services: Annotated[tuple[Service, ...], Meta(max_length=3)] = ()
    centers: Annotated[tuple[Code, ...], Meta(max_length=300)] = ()
    alarms_at_least: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class Then(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rule decides; what is left out it leaves to others.

    ``divert``: new incidents go straight to the first of ``fallback`` (or the nearest) that can take them.
    """

    center_ack_s: Annotated[float, Meta(gt=0, le=86_400)] | None = None
    accept_s: Wait | None = None
    province_s: Wait | None = None
    agency_s: Wait | None = None
    co_alarms: Annotated[int, Meta(ge=0, le=10)] | None = None
    fallback: Annotated[tuple[Code, ...], Meta(max_length=20)] | None = None
    agency: Agency | None = None
    divert: bool | None = None


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sentence of the policy."""

    name: Name
    priority: Annotated[int, Meta(ge=-1000, le=1000)] = 0
    when: When = When()
    then: Then = Then()


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole policy. ``serial`` grows with each issue: an older one never replaces a newer.

    ``rooms``: the province's room (광역 상황실) that stands behind jurisdictions whose code begins so, as an
    enrolled center's code.
    """

    serial: Annotated[int, Meta(ge=0, le=2**53)]
    note: Annotated[str, Meta(max_length=500)] = ""
    limits: Limits = Limits()
    rooms: Annotated[dict[Annotated[str, Meta(pattern="^[0-9]{1,10}$")], Code], Meta(max_length=100)] = (
        msgspec.field(default_factory=dict)
    )
    rules: Annotated[tuple[Rule, ...], Meta(max_length=200)] = ()


DEFAULT = Policy(
    serial=0,
    note="기본 정책",
    rules=(
        Rule(
            name="근무자 없음",
            when=When(states=(ServiceState.UNSTAFFED, ServiceState.DOWN)),
            then=Then(accept_s=0),
        ),
        Rule(name="폭주", when=When(states=(ServiceState.OVERLOADED,)), then=Then(accept_s=5)),
    ),
)
"""What stands until somebody signs another: nobody waits for a center in which nobody is."""


class Conditions(Struct, frozen=True, kw_only=True):
    """The moment, and the center whose turn it is."""

    moment: datetime
    center: str
    state: ServiceState = ServiceState.NORMAL
    service: Service = "sos"
    alarms: int = 0


class Plan(Struct, frozen=True, kw_only=True):
    """What the ladder goes by for one incident now. ``rules``: which rule decided a setting."""

    center_ack_s: float
    accept_s: float
    province_s: float
    agency_s: float
    co_alarms: int = MOST_CO_ALARMS
    fallback: tuple[str, ...] = ()
    agency: Agency = "112"
    divert: bool = False
    state: ServiceState = ServiceState.NORMAL
    rules: dict[str, str] = msgspec.field(default_factory=dict)

    @classmethod
    def of(cls, settings: PolicySettings) -> "Plan":
        """The node's own settings, without any rule."""
        return cls(
            center_ack_s=settings.center_ack_s,
            accept_s=settings.accept_s,
            province_s=PROVINCE_S,
            agency_s=settings.agency_s,
        )


def plan(policy: Policy, settings: PolicySettings, now: Conditions) -> Plan:
    """What the policy says under these conditions."""
    decided: dict[str, object] = {}
    rules: dict[str, str] = {}
    for rule in sorted(policy.rules, key=lambda rule: -rule.priority):  # stable: then as they are written
        if not matches(rule.when, now):
            continue
        for name in rule.then.__struct_fields__:
            value = getattr(rule.then, name)
            if value is not None and name not in decided:
                decided[name], rules[name] = value, rule.name
    return msgspec.structs.replace(Plan.of(settings), **decided, state=now.state, rules=rules)


def matches(when: When, now: Conditions) -> bool:
    """Whether all that a rule waits for is so."""
    return (
        (not when.states or now.state in when.states)
        and (not when.services or now.service in when.services)
        and (not when.centers or now.center in when.centers)
        and now.alarms >= when.alarms_at_least
        and _in_time(when, now.moment.astimezone(KOREA))
    )


def _in_time(when: When, local: datetime) -> bool:
    minute, day = local.hour * 60 + local.minute, local.weekday()
    if when.hours:
        begin, end = (
            int(hour) * 60 + int(rest) for hour, rest in (part.split(":") for part in when.hours.split("-"))
        )
        if begin < end:
            if not begin <= minute < end:
                return False
        elif minute < end:
            day = (day - 1) % 7  # it began yesterday
        elif minute < begin:
            return False
    return not when.days or DAYS[day] in when.days


def room_of(policy: Policy, jurisdiction: str) -> str | None:
    """The province's room behind a jurisdiction: the longest beginning that fits."""
    fitting = [start for start in policy.rooms if jurisdiction.startswith(start)]
    return policy.rooms[max(fitting, key=len)] if fitting else None


def faults(policy: Policy, enrolled: Sequence[str]) -> list[str]:
    """What an author should know before signing: centers that are not enrolled, rules that can do nothing."""
    named = {code for rule in policy.rules for code in (*rule.when.centers, *(rule.then.fallback or ()))}
    strangers = sorted((named | set(policy.rooms.values())) - set(enrolled))
    names = [rule.name for rule in policy.rules]
    return [
        *(f"center {code} is not enrolled" for code in strangers),
        *(f"rule '{rule.name}' decides nothing" for rule in policy.rules if rule.then == Then()),
        *(
            f"the name '{name}' is given to more than one rule"
            for name in sorted(set(names))
            if names.count(name) > 1
        ),
    ]

"""A journey as its screens get it. Pure."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from ansim.core.clock import iso
from ansim.journeys.model import Concern, Fix, State
from ansim.journeys.store import Journey

_REASONS = tuple(Concern)


def view(one: Journey, newest: Fix | None) -> dict[str, Any]:
    """What her own page shows; times are ISO-8601, ``answer_by`` is when a prompt lapses."""
    if one.duress:  # as after any other "all is well"
        quiet = {"state": State.ACTIVE, "concern": Concern.NONE, "incident": "", "ended_at": None}
        one = msgspec.structs.replace(one, duress=False, **quiet)
    plan = one.plan
    asked = one.state is State.CHECK_ASKED
    return {
        "id": one.id,
        "state": one.state.name.lower(),
        "reasons": [str(reason.name).lower() for reason in _REASONS if reason and one.concern & reason],
        "started_at": _iso(one.started_at),
        "eta": _iso(one.eta),
        "changed_at": _iso(one.changed_at),
        "ended_at": None if one.ended_at is None else _iso(one.ended_at),
        "answer_by": _iso(one.changed_at + one.policy.prompt_s) if asked else None,
        "by": plan.by.name.lower(),
        "plate": plan.plate,
        "watcher": plan.watcher,
        "start": {"name": plan.start.name, "lat": plan.start.lat, "lon": plan.start.lon},
        "destination": {
            "name": plan.destination.name,
            "lat": plan.destination.lat,
            "lon": plan.destination.lon,
            "radius": plan.destination.radius_m,
        },
        "way": plan.way,
        "heartbeat_s": one.policy.heartbeat_s,
        "incident": one.incident,
        "newest": None
        if newest is None
        else {"at": _iso(newest.at), "lat": newest.lat, "lon": newest.lon, "radius": newest.radius},
    }


def _iso(seconds: float) -> str:
    return iso(datetime.fromtimestamp(seconds, UTC))

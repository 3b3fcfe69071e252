"""A journey that needs help becomes an incident like any other, with the way she came."""

from collections.abc import Sequence
from datetime import UTC, datetime

from ansim.core.clock import iso, now
from ansim.core.database import Tx
from ansim.core.ids import new_id
from ansim.incidents.positions import Position
from ansim.incidents.report import Report
from ansim.incidents.sos import Caller, SosService
from ansim.journeys.model import Fix
from ansim.journeys.store import Journey


class JourneyAlarm:
    """Raises the alarm through the same door as a press: routed, laddered, owned and recorded alike."""

    def __init__(self, sos: SosService) -> None:
        self._sos = sos

    def raise_for(self, tx: Tx, one: Journey, track: Sequence[Fix], *, duress: bool) -> str:
        """The incident of a journey; raising it twice gives the same one."""
        received = now()
        places = [_position(fix, received) for fix in track]
        report = Report(
            key=f"journey-{one.id}",
            trigger="journey",
            pressed_at=iso(received),
            silent=True,  # what made the machine act may stand next to her
            device_id="",
            battery=places[-1].battery if places else None,
            position=places[-1] if places else _start(one, received),
            marks=("stale_position",) if not places else (),
            raw="",
        )
        caller = Caller(person=one.person)
        receipt = self._sos.press_within(tx, report, caller, received, places[:-1])
        if duress:
            self._sos.duress_within(tx, receipt.incident, caller)
        return receipt.incident

    def follow(self, tx: Tx, incident: str, fixes: Sequence[Fix]) -> None:
        """Where she is since then."""
        received = now()
        self._sos.follow_within(tx, incident, [_position(fix, received) for fix in fixes])


def _position(fix: Fix, received: datetime) -> Position:
    return Position(
        id=new_id(),
        at=iso(datetime.fromtimestamp(fix.at, UTC)),
        received_at=iso(received),
        lat=fix.lat,
        lon=fix.lon,
        radius=fix.radius,
        speed=None if fix.speed != fix.speed else fix.speed,
        battery=None if fix.battery != fix.battery else fix.battery,
        source="gnss",
    )


def _start(one: Journey, received: datetime) -> Position:
    """Nothing was ever heard of her: where she said she sets out from."""
    start = one.plan.start
    return Position(
        id=new_id(),
        at=iso(datetime.fromtimestamp(one.started_at, UTC)),
        received_at=iso(received),
        lat=start.lat,
        lon=start.lon,
        radius=max(start.radius_m, 100.0),
        source="manual",
        marks=("stale_position",),
    )

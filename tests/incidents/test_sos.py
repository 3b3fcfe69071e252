"""A press as the service takes it, where a real phone would have to wait a month for it."""

from datetime import UTC, datetime
from pathlib import Path

from ansim.core.clock import system_ms
from ansim.core.settings import PolicySettings
from ansim.distribution.health import CenterHealth
from ansim.incidents import report
from ansim.incidents.sos import Caller, SosService
from support.country import SmallCountry
from support.nodes import Station, at_once
from support.strategies import CENTERS, HUB


def test_an_expired_login_still_says_who_she_is(tmp_path: Path) -> None:
    hub = Station.in_folder(HUB, tmp_path, enrolled=CENTERS, wall=system_ms)
    card = {"id": "p-1", "name": "이하나", "phone": "010-1234-5678", "note": "", "guardians": []}
    sos = SosService(
        database=hub.database,
        journal=hub.journal,
        route=SmallCountry(CenterHealth(list(CENTERS))).route,
        card=lambda _conn, person: card if person == "p-1" else None,
        policy=PolicySettings(),
    )
    received = datetime.now(UTC)
    receipt = at_once(
        sos.press(report.read(b"{}", received), Caller(person="p-1", name="이하나", expired=True), received)
    )
    incident = hub.incident(receipt.incident)
    assert incident is not None
    assert incident.armed is not None
    assert incident.armed.person is not None
    assert incident.armed.person.name == "이하나"
    assert "expired_login" in receipt.marks
    assert "unknown_person" not in receipt.marks
    hub.close()

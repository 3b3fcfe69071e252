"""Commands of a center that the real nodes' stories cannot time: asking twice before the hub has answered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansim.core.clock import system_ms
from ansim.incidents import events as ev
from ansim.incidents.operations import Operations
from support.nodes import Station, at_once, letter
from support.story import OPERATOR, alerting
from support.strategies import HUB


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[Station]:
    station = Station.in_folder("11545", tmp_path, wall=system_ms)
    yield station
    station.close()


def test_a_claim_is_made_once_however_often_it_is_pressed(neighbour: Station) -> None:
    story = alerting().tell(ev.Rung(step="co_alarm", code="11545", name="금천구"))
    neighbour.receive(letter(HUB, story.events))
    operations = Operations(neighbour.database, neighbour.journal, "11545", "금천구")
    for _ in range(2):
        incident, ours = at_once(operations.accept(story.incident, OPERATOR))
        assert not ours
    assert [claim.code for claim in incident.claims] == ["11545"]

"""kill -9 anywhere under load: every acknowledged SOS reaches an operator of exactly one center, once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.kill9 import Kill9, Plan
from support.system import System

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]

COUNT = int(os.environ.get("ANSIM_KILL9_COUNT", "1000"))


@pytest.fixture(scope="module")
def policy() -> dict[str, float]:
    """A short window, so that many alarms ring while nodes are dead; nobody else is alarmed meanwhile."""
    return {"cancel_window_s": 1.0, "accept_s": 3600.0, "agency_s": 3600.0}


@pytest.fixture(scope="module", autouse=True)
def unmeasured() -> Iterator[None]:
    """Nodes that are killed with -9 tell no coverage; measuring them would only slow everything down."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("COVERAGE_PROCESS")]:
            patch.delenv(name)
        yield


async def test_no_acknowledged_sos_is_lost_or_shown_twice(system: System) -> None:
    outcome = await Kill9(system, Plan(count=COUNT)).run()
    assert outcome.acknowledged == COUNT
    assert outcome.whole, f"{outcome}\n{system.logs()}"
    assert sum(outcome.kills.values()) >= 8
    assert outcome.closed > 0


def test_ledgers_are_whole_after_it(system: System) -> None:
    for node in system.nodes.values():
        verified = subprocess.run(
            [sys.executable, "-m", "ansim", "ledger", "verify", "--config", str(Path(node.config))],
            capture_output=True,
            text=True,
        )
        assert verified.returncode == 0, verified.stdout + verified.stderr

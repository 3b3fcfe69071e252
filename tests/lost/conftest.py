"""A LoST server for the tests that need no other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lost.lost_server import Rig, running


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with running(tmp_path) as opened:
        yield opened

"""Real processes for the tests in this folder: started once for each module, from folders seeded once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.system import System


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a system that ran once: its accounts and secrets are made."""
    folder = tmp_path_factory.mktemp("seed")
    with System(folder):
        pass
    return folder


@pytest.fixture(scope="module")
def policy() -> dict[str, float]:
    """The hub's deadlines; a module that needs others has a fixture of this name."""
    return {}


@pytest.fixture(scope="module")
def system(
    tmp_path_factory: pytest.TempPathFactory, seed: Path, policy: dict[str, float]
) -> Iterator[System]:
    """A hub and three centers, running."""
    with System(tmp_path_factory.mktemp("system"), policy=policy, seed=seed) as running:
        yield running

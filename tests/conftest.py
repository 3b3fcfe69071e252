"""Settings of the whole run, and the servers that it shares."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from support.postgres import Postgres

# Machines that run the tests are slow and shared: an example may take its time.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", parent=settings.get_profile("here"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "here"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: with several workers a long one at the end would be waited for alone."""
    items.sort(key=_weight, reverse=True)


def _weight(item: pytest.Item) -> int:
    """Real processes before browsers, browsers before the rest; within each the order stays."""
    return 2 * bool(item.get_closest_marker("processes")) + bool(item.get_closest_marker("browser"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL; tests take a database of their own from it."""
    with Postgres() as running:
        yield running

"""A bare node of journeys in a process of its own, to be killed. ``python -m bench.journeys_node DATABASE``.

The real service, worker and database; an alarm is written as the step it is, without an incident behind it.
Prints "ready" once it keeps the clock.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ansim.core.database import Database, Tx
from ansim.core.feed import Feed
from ansim.core.metrics import Metrics
from ansim.journeys.model import Fix
from ansim.journeys.service import JourneyService
from ansim.journeys.store import Journey
from ansim.journeys.watch import Step
from ansim.journeys.worker import JourneyWorker


class NoIncident:
    """Gives the journey's own id as the incident's."""

    def raise_for(self, _tx: Tx, one: Journey, _track: Sequence[Fix], *, duress: bool) -> str:
        """See above."""
        return one.id if not duress else ""

    def follow(self, _tx: Tx, _incident: str, _fixes: Sequence[Fix]) -> None:
        """Nothing follows."""


def tell_nobody(_tx: Tx, _one: Journey, _step: Step) -> None:
    """No guardians here."""


async def main(file: Path) -> None:
    database = Database.sqlite_file(file)
    metrics = Metrics()
    service = JourneyService(
        database=database,
        feed=Feed(database, metrics),
        alarm=NoIncident(),
        tell=tell_nobody,
        center_of=lambda _lat, _lon: "41170",
        clock=time.time,
    )
    await JourneyWorker(service, metrics, kept_s=86_400.0).start()
    print("ready", flush=True)
    await asyncio.sleep(3600)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

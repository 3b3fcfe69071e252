"""kill -9 by hand, for as many presses as one likes. Run: ``python -m bench.kill9 --count 100000``."""

import asyncio
import tempfile
from pathlib import Path

import click
import msgspec
from rich.console import Console

from bench.report import machine
from support.kill9 import Kill9, Outcome, Plan
from support.system import System

POLICY = {"cancel_window_s": 1.0, "accept_s": 3600.0, "agency_s": 3600.0}
"""Only the delivery is looked at: nobody else is alarmed while the robots cannot keep up."""


def measure(plan: Plan, console: Console) -> Outcome:
    """One run in a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="ansim-kill9-") as folder,
        System(Path(folder), policy=POLICY) as up,
    ):
        return asyncio.run(Kill9(up, plan, console.print).run())


@click.command()
@click.option("--count", default=100_000, show_default=True, help="How many presses.")
@click.option("--rate", default=100.0, show_default=True, help="Presses a second, while the hub is up.")
@click.option("--seed", default=9, show_default=True, help="Of the moments and victims of the kills.")
@click.option("--every", nargs=2, default=(100, 1_000), show_default=True, help="Presses between kills.")
@click.option("--minutes", default=0.0, help="Stop pressing after this, whatever the count; 0: never.")
def main(count: int, rate: float, seed: int, every: tuple[int, int], minutes: float) -> None:
    """Press COUNT times while hub, centers and their buses are killed; exit code 0 only when all is well."""
    console = Console(highlight=False)
    within_s = minutes * 60 or float("inf")
    plan = Plan(count=count, rate=rate, seed=seed, every=every, settle_s=1_800, within_s=within_s)
    outcome = measure(plan, console)
    console.print(machine())
    console.print_json(msgspec.json.encode(outcome).decode())
    raise SystemExit(0 if outcome.whole and (minutes or outcome.acknowledged == count) else 1)


if __name__ == "__main__":
    main()

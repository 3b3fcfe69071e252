"""``ansim drill``: run one exercise against the running system."""

import asyncio
import os
from pathlib import Path

import click
import msgspec
from rich.console import Console

from ansim.core.commands import CONFIG_FILE
from ansim.core.settings import Settings, SettingsError, load
from ansim.drill.service import DrillReport, DrillSite, DrillStep, run

_PLACE = (37.4219, 126.9027)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
@click.option(
    "--config",
    "configs",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML of the hub and of each center (repeat); default: the demonstration's.",
)
@click.option(
    "--at",
    nargs=2,
    type=float,
    default=_PLACE,
    show_default=True,
    metavar="LAT LON",
    help="Where the exercise takes place.",
)
def drill(as_json: bool, configs: tuple[Path, ...], at: tuple[float, float]) -> None:
    """One exercise incident from press to close; exit code 0 only if it went through whole.

    It is marked as an exercise and never reaches a real agency. Run it daily, on the machine of the nodes:
    it signs in with secrets from their data folders.
    """
    site = _site(configs, at)
    console = Console(highlight=False)

    def tell(step: DrillStep) -> None:
        if not as_json:
            mark = "[green]✓[/green]" if step.ok else "[red]✗[/red]"
            console.print(f"{mark} {step.name:<20} {step.ms:>9.1f} ms  {step.detail}")

    report = asyncio.run(run(site, tell))
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
    else:
        console.print(_verdict(report))
    raise SystemExit(0 if report.whole else 1)


def _verdict(report: DrillReport) -> str:
    if report.whole:
        return f"[green]whole[/green] through {report.center} in {report.total_ms:.0f} ms"
    return f"[red]stopped at: {report.stopped_at}[/red] — look at that node's /readyz and log"


def _site(configs: tuple[Path, ...], at: tuple[float, float]) -> DrillSite:
    """The nodes named, or the demonstration's in ``.demo`` (or ``ANSIM_DEMO_DATA``)."""
    demo = Path(os.environ.get("ANSIM_DEMO_DATA", ".demo"))
    files = list(configs) or sorted(demo.glob(f"*/{CONFIG_FILE}"))
    try:
        nodes: list[Settings] = [load(file, environ={}) for file in files]
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    hub = next((node for node in nodes if node.role == "hub"), None)
    centers = {node.code: node for node in nodes if node.role == "center"}
    if hub is None or not centers:
        raise click.ClickException(
            "no hub and centers are configured; start `ansim demo`, or name them with --config"
        )
    return DrillSite(hub=hub, centers=centers, lat=at[0], lon=at[1])

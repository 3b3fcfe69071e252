"""``ansim where`` and ``ansim jurisdictions``: ask for, import and check boundaries."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, TaskID

from ansim.core.clock import iso, now, parse_iso
from ansim.distribution import generations, importer
from ansim.distribution.boundaries import default_boundaries
from ansim.distribution.boundary_check import MIN_AREA_M2, Discrepancy, check
from ansim.distribution.fetch import CACHE, fetch
from ansim.distribution.where import CsvProblem, answer_csv, decode_csv, describe, located
from ansim.geo.boundaries import BoundarySet

SHOWN = 20
"""Discrepancies printed before the rest is only counted."""
KINDS = {
    "gap": "틈 · gap",
    "overlap": "겹침 · overlap",
    "invalid": "잘못된 도형, 고침 · invalid shape, repaired",
    "no-name": "이름 없음 · no name",
    "same-name": "같은 이름 · same name",
}

_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_data = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="ANSIM_DATA",
    help="Folder of the node's data, where imported boundaries live (ANSIM_DATA).",
)


class Moment(click.ParamType[datetime]):
    """A time in ISO 8601; without an offset it is UTC."""

    name = "time"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return parse_iso(value)
        except ValueError:
            self.fail(f"{value!r} is no ISO 8601 time, such as 2026-07-01T00:00+09:00", param, ctx)


@click.command(context_settings={"ignore_unknown_options": True})  # a negative number is no option
@click.argument("lat", type=float, required=False)
@click.argument("lon", type=float, required=False)
@click.option("--radius", type=float, default=0.0, help="Radius of the circle in metres; 0 is a point.")
@click.option("--as-of", type=Moment(), help="Answer by the boundaries in force at this time (ISO 8601).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--csv", "csv_file", type=_file, help="Answer every row of a CSV file with columns lat, lon[, radius]."
)
@_data
def where(
    lat: float | None,
    lon: float | None,
    radius: float,
    as_of: datetime | None,
    as_json: bool,
    csv_file: Path | None,
    data: Path | None,
) -> None:
    """Tell which municipality answers for a place: LAT LON in degrees (WGS84)."""
    boundaries = _in_force(data, as_of)
    if csv_file is not None and lat is None:
        _where_csv(csv_file, boundaries)
        return
    if csv_file is not None or lat is None or lon is None:
        raise click.UsageError("Give LAT and LON, or a file with --csv.")
    try:
        answer = boundaries.locate(lat, lon, radius)
    except ValueError as problem:
        raise click.ClickException(f"{problem}.") from problem
    if as_json:
        click.echo(msgspec.json.encode(located(boundaries, answer)).decode())
    else:
        click.echo("\n".join(describe(boundaries, answer)))


@click.group()
def jurisdictions() -> None:
    """Boundaries of the municipalities: import new ones, check what is there."""


@jurisdictions.command("import")
@click.argument("file", type=_file)
@click.option(
    "--effective-from", type=Moment(), help="When the boundaries come into force (ISO 8601); default: now."
)
@click.option("--unite", is_flag=True, help="Put the 일반구 of a city together under the city.")
@_data
def import_file(file: Path, effective_from: datetime | None, unite: bool, data: Path | None) -> None:
    """Import FILE (TopoJSON, GeoJSON, Shapefile, GeoPackage) as a new generation of boundaries."""
    node = _node(data)
    began = effective_from or now()
    with _remedy(), _progress() as progress:
        boundaries = importer.read_file(file, effective_from=began, unite=unite, progress=progress)
        _keep(node, boundaries)


@jurisdictions.command("fetch")
@click.argument("version", required=False)
@click.option(
    "--effective-from", type=Moment(), help="When they come into force (ISO 8601); default: VERSION's day."
)
@click.option(
    "--unite/--districts", default=True, show_default=True, help="Put 일반구 under their city, or not."
)
@_data
def fetch_boundaries(
    version: str | None, effective_from: datetime | None, unite: bool, data: Path | None
) -> None:
    """Fetch surveyed boundaries of a day (VERSION, as 20260701; default: the newest) and import them.

    Downloads once through the package admdongkor and keeps the file: later no network is needed.
    """
    node = _node(data)
    with _remedy(), _progress() as progress:
        boundaries = fetch(
            node / CACHE, version, effective_from=effective_from, unite=unite, progress=progress
        )
        _keep(node, boundaries)


def _node(data: Path | None) -> Path:
    if data is None:
        raise click.ClickException("Say which node: give its data folder with --data or ANSIM_DATA.")
    return data


def _keep(data: Path, boundaries: BoundarySet) -> None:
    """Keep a generation and tell what it is."""
    found = check(boundaries)
    kept = generations.keep(data / generations.FOLDER, boundaries, imported_at=now())
    click.echo(
        f"관할 {kept.count}곳, {iso(kept.effective_from)}부터 · "
        f"{kept.count} jurisdictions in force from {iso(kept.effective_from)} ({kept.id})"
    )
    strange = [code for code in boundaries.codes if code not in default_boundaries()]
    if strange:
        click.echo(
            f"행정표준코드와 다른 코드 {len(strange)}개: 면적으로 센터를 이어받음 · "
            f"{len(strange)} codes are new here: their centers are inherited by area",
            err=True,
        )
    if found:
        click.echo(
            f"살펴볼 것 {len(found)}건: `ansim jurisdictions check` · {len(found)} things to look at",
            err=True,
        )


@jurisdictions.command("check")
@click.argument("file", type=_file, required=False)
@click.option("--as-of", type=Moment(), help="Check the boundaries in force at this time; default: now.")
@click.option("--unite", is_flag=True, help="Put the 일반구 of a city together first (FILE only).")
@click.option(
    "--min-area",
    type=click.FloatRange(min=0),
    default=MIN_AREA_M2,
    show_default=True,
    help="Smallest gap or overlap to tell, in m².",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@_data
def check_boundaries(
    file: Path | None,
    as_of: datetime | None,
    unite: bool,
    min_area: float,
    as_json: bool,
    data: Path | None,
) -> None:
    """Look for gaps, overlaps and faults in FILE, or in the boundaries in force. Exit code 1: some found."""
    with _remedy(), _progress() as progress:
        if file is None:
            boundaries = _in_force(data, as_of)
        else:
            boundaries = importer.read_file(file, effective_from=now(), unite=unite, progress=progress)
        found = check(boundaries, min_area_m2=min_area)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        approximate = " · 근사 approximate" if boundaries.approximate else ""
        click.echo(f"{boundaries.source}: 관할 {len(boundaries)}곳 jurisdictions{approximate}")
        for line in _lines(boundaries, found):
            click.echo(line)
    if found:
        sys.exit(1)


def _lines(boundaries: BoundarySet, found: list[Discrepancy]) -> Iterator[str]:
    if not found:
        yield "이상 없음 · nothing wrong"
    for one in found[:SHOWN]:
        who = ", ".join(f"{boundaries.name(code)} ({code})" for code in one.codes)
        place = "" if one.lat is None else f", {one.area_m2:,.0f} m², {one.lat:.5f} {one.lon:.5f}"
        yield f"  {KINDS[one.kind]}: {who}{place}"
    if len(found) > SHOWN:
        yield f"  … 그 밖에 {len(found) - SHOWN}건 · and {len(found) - SHOWN} more (--json tells all)"


def _in_force(data: Path | None, as_of: datetime | None) -> BoundarySet:
    if data is None:
        return default_boundaries()
    with _remedy():
        return generations.in_force(data / generations.FOLDER, as_of or now())


def _where_csv(file: Path, boundaries: BoundarySet) -> None:
    def warn(text: str) -> None:
        click.echo(f"{file.name}: {text}", err=True)

    try:
        with click.open_file("-", "w", encoding="utf-8") as out:
            answer_csv(decode_csv(file), boundaries, out, warn)
    except CsvProblem as problem:
        raise click.ClickException(f"{file.name}: {problem}.") from problem
    if boundaries.approximate:
        warn("근사 경계로 답함 · answered by approximate boundaries")


@contextmanager
def _remedy() -> Iterator[None]:
    """Tell a person what is wrong with a boundary file instead of showing a traceback."""
    try:
        yield
    except importer.BoundaryFileError as problem:
        raise click.ClickException(f"{problem}.") from problem


@contextmanager
def _progress() -> Iterator[importer.Progress]:
    """A bar on the terminal's error stream, nothing where there is no terminal."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
            bar.update(tasks[step], completed=done, total=total)

        yield report

"""``ansim cameras``: bringing a center's cameras in."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, TaskID

from ansim.cameras import importer, store
from ansim.cameras.importer import Summary
from ansim.cameras.rows import REASONS
from ansim.cameras.table import CameraFileError
from ansim.core.commands import node_options, node_settings, open_database

_STEPS = {"scan": "훑어보기 · Looking through", "import": "가져오기 · Importing"}


@click.group()
def cameras() -> None:
    """The registry of cameras."""


@cameras.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@node_options
@click.option("--encoding", help="Encoding of the file; found out when not given (CP949, UTF-8).")
@click.option("--source", help="Name of the data set; default: the file's name.")
@click.option("--replace", is_flag=True, help="Remove cameras of this data set that FILE no longer has.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write every repaired or refused row, with the reason, to this CSV file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def import_command(
    file: Path,
    config: Path | None,
    data: Path | None,
    encoding: str | None,
    source: str | None,
    replace: bool,
    report: Path | None,
    as_json: bool,
) -> None:
    """Import FILE (전국CCTV표준데이터 or the like, CSV). Importing it again changes nothing."""
    database = open_database(node_settings(config, data), store.camera, store.camera_revision)
    try:
        with _progress() as progress:
            summary = asyncio.run(
                importer.import_file(
                    database,
                    file,
                    source=source,
                    encoding=encoding,
                    replace=replace,
                    report=report,
                    progress=progress,
                )
            )
    except CameraFileError as problem:
        raise click.ClickException(f"{problem}.") from problem
    except OSError as problem:
        raise click.ClickException(f"{problem.filename}: {problem.strerror}.") from problem
    finally:
        database.close()
    if as_json:
        click.echo(msgspec.json.encode(summary).decode())
        return
    for line in _lines(summary, report):
        click.echo(line)


def _lines(summary: Summary, report: Path | None) -> Iterator[str]:
    written = summary.written
    yield (
        f"{summary.rows:,}행에서 카메라 {summary.cameras:,}곳 ({summary.encoding}) · "
        f"{summary.cameras:,} cameras from {summary.rows:,} rows"
    )
    yield (
        f"  새로 {written.added:,} · 바뀜 {written.changed:,} · 그대로 {written.unchanged:,} · "
        f"뺌 {summary.removed:,} · added, changed, unchanged, removed"
    )
    if summary.reasons:
        yield f"  고친 행 {summary.repaired:,} repaired · 받지 않은 행 {summary.refused:,} refused"
    for reason, count in summary.reasons.items():
        ko, en = REASONS[reason]
        yield f"  {count:>9,}  {ko} · {en}"
    if report is not None:
        yield f"  {report}"


@contextmanager
def _progress() -> Iterator[importer.Progress]:
    """A bar on the terminal's error stream, nothing where there is no terminal."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(_STEPS[step], total=total)
            bar.update(tasks[step], completed=done, total=total)

        yield report

"""Importing a camera file into a node's table, row by row, in short transactions.

Short, because a running node writes to the same database: an SOS must not wait for an import. An import that
was cut off is made whole by importing the file again, since every entry keeps its id.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

from ansim.cameras import store
from ansim.cameras.model import Camera
from ansim.cameras.rows import NOTED, REASONS, Read, Remark, RowReader, entry_of
from ansim.cameras.store import Written
from ansim.cameras.table import Layout, read_layout, read_rows
from ansim.core.database import Database, Tx

BATCH = 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Progress = Callable[[str, int, int], None]
"""Called with the step at hand, bytes done and bytes in all."""


class Summary(Struct, frozen=True, kw_only=True):
    """What an import did: rows of the file, what became of them, and how often each reason was given."""

    rows: int
    cameras: int
    written: Written
    repaired: int
    refused: int
    removed: int
    reasons: dict[str, int]
    encoding: str


class Report:
    """A CSV of every row that was repaired or refused, with the reason. ``path`` None keeps none."""

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.open("w", encoding="utf-8-sig", newline="")
        self._writer = None if self._file is None else csv.writer(self._file)
        if self._writer is not None:
            self._writer.writerow(["line", "action", "reason", "field", "value", "설명", "explanation"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def tell(self, read: Read) -> None:
        """Write the remarks of a row."""
        if self._writer is None:
            return
        for place, remark in enumerate(read.remarks, start=1):
            refused = read.camera is None and place == len(read.remarks)
            action = "refused" if refused else "noted" if remark.reason in NOTED else "repaired"
            ko, en = REASONS[remark.reason]
            self._writer.writerow(
                [read.line, action, remark.reason, remark.field, _harmless(remark.value), ko, en]
            )


def scan(path: Path, layout: Layout, source: str, progress: Progress) -> frozenset[str]:
    """Entries that a file has more than once: their numbers do not tell them apart."""
    size = path.stat().st_size
    seen: set[str] = set()
    reused: set[str] = set()
    if "number" in layout.columns:
        for count, row in enumerate(read_rows(path, layout)):
            entry = entry_of(row, source)
            if entry:
                (reused if entry in seen else seen).add(entry)
            if count % BATCH == 0:
                progress("scan", row.bytes_read, size)
    progress("scan", size, size)
    return frozenset(reused)


def read_cameras(path: Path, layout: Layout, source: str, progress: Progress) -> Iterator[Read]:
    """Every row of a file as it was read, in order; a second row of the same content is refused."""
    size = path.stat().st_size
    reader = RowReader(layout, source, scan(path, layout, source, progress))
    seen: set[int] = set()
    for count, row in enumerate(read_rows(path, layout)):
        read = reader.read(row)
        if read.camera is not None:
            key = int(read.camera.id, 16)
            if key in seen:
                remark = Remark(reason="duplicate", field="", value=read.camera.name[:80])
                read = Read(line=read.line, camera=None, remarks=[*read.remarks, remark])
            seen.add(key)
        yield read
        if count % BATCH == 0:
            progress("import", row.bytes_read, size)
    progress("import", size, size)


async def import_file(
    database: Database,
    path: Path,
    *,
    source: str | None = None,
    encoding: str | None = None,
    replace: bool = False,
    report: Path | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Import a file into the camera table; importing it again changes nothing.

    ``source`` names the data set (the file's name unless given). ``replace`` takes out cameras of the same
    data set that the file no longer has. Raises :class:`CameraFileError` for a file that is no camera list;
    rows that are no camera are counted, and told in ``report``.
    """
    tell = progress or (lambda _step, _done, _total: None)
    origin = (source or path.stem)[:120]
    layout = read_layout(path, encoding)
    rows = repaired = refused = removed = 0
    written = Written()
    reasons: Counter[str] = Counter()
    batch: list[Camera] = []
    left = set(await database.read(lambda conn: store.ids_of_source(conn, origin))) if replace else set()
    with Report(report) as lines:
        try:
            for read in read_cameras(path, layout, origin, tell):
                rows += 1
                reasons.update({remark.reason for remark in read.remarks})
                lines.tell(read)
                if read.camera is None:
                    refused += 1
                    continue
                repaired += any(remark.reason not in NOTED for remark in read.remarks)
                left.discard(read.camera.id)
                batch.append(read.camera)
                if len(batch) == BATCH:
                    written += await _put(database, batch)
                    batch = []
            written += await _put(database, batch)
            removed = await _remove(database, sorted(left))
        finally:  # what a cut-off import brought in is there and must be seen
            if written.added or written.changed or removed:
                await database.write(store.mark_changed)
    return Summary(
        rows=rows,
        cameras=rows - refused,
        written=written,
        repaired=repaired,
        refused=refused,
        removed=removed,
        reasons=dict(reasons.most_common()),
        encoding=layout.encoding,
    )


async def _put(database: Database, batch: list[Camera]) -> Written:
    if not batch:
        return Written()
    return await database.write(lambda tx: store.put(tx, batch))


async def _remove(database: Database, ids: list[str]) -> int:
    removed = 0
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]

        def remove(tx: Tx, part: list[str] = part) -> int:
            return store.remove(tx, part)

        removed += await database.write(remove)
    return removed


def _harmless(value: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{value}" if value.startswith(_FORMULA) else value

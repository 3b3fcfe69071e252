"""``ansim where``: who answers for one place, or for every row of a CSV file."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

import msgspec
import numpy as np

from ansim.geo.answers import Answer
from ansim.geo.boundaries import BoundarySet
from ansim.geo.shape import require_position

LAT_COLUMNS = ("lat", "latitude", "위도")
LON_COLUMNS = ("lon", "lng", "longitude", "경도")
RADIUS_COLUMNS = ("radius", "radius_m", "반경")
CHUNK = 20_000
INVALID = "invalid"
"""Method of a row that names no place."""

Warn = Callable[[str], None]


class CsvProblem(ValueError):
    """The file as a whole can't be answered; the message says why."""


class Located(msgspec.Struct, frozen=True, kw_only=True):
    """An answer with what it rests on."""

    center_code: str
    center_name: str
    province: str
    method: str
    approximate: bool
    distance_m: float
    others: tuple[str, ...]
    boundaries: str
    """Source of the boundaries."""
    effective_from: datetime


class Place(NamedTuple):
    lat: float
    lon: float
    radius_m: float


def located(boundaries: BoundarySet, answer: Answer) -> Located:
    """``answer`` with the province and the boundaries it came from."""
    return Located(
        center_code=answer.center_code,
        center_name=answer.center_name,
        province=boundaries.provinces[boundaries.index(answer.center_code)],
        method=answer.method,
        approximate=answer.approximate,
        distance_m=round(answer.distance_m, 1),
        others=answer.others,
        boundaries=boundaries.source,
        effective_from=boundaries.effective_from,
    )


METHODS = {
    "contains": "경계 안에 있음 · inside its boundary",
    "overlap": "가장 많이 겹침 · greatest overlap",
    "nearest": "모든 경계 밖, 가장 가까운 곳 · outside every boundary, the nearest",
}


def describe(boundaries: BoundarySet, answer: Answer) -> Iterator[str]:
    """The lines a person reads, Korean and English."""
    found = located(boundaries, answer)
    yield f"{found.province} {found.center_name} ({found.center_code})".strip()
    away = f" ({found.distance_m / 1000:.1f} km)" if found.method == "nearest" else ""
    yield f"  {METHODS[found.method]}{away}"
    if found.others:
        touched = ", ".join(f"{boundaries.name(code)} ({code})" for code in found.others)
        yield f"  함께 걸친 곳 · also touches: {touched}"
    if found.approximate:
        yield (
            "  근사 경계임 · approximate boundaries:"
            " import surveyed ones with `ansim jurisdictions import FILE`"
        )


def decode_csv(path: Path) -> IO[str]:
    """The text of a CSV file in UTF-8 (with or without BOM) or, as Korean offices write it, CP949."""
    raw = path.read_bytes()
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return io.StringIO(raw.decode(encoding), newline="")
        except UnicodeDecodeError:
            continue
    raise CsvProblem("this is neither UTF-8 nor CP949: save it as UTF-8")


def answer_csv(source: IO[str], boundaries: BoundarySet, out: IO[str], warn: Warn) -> int:
    """Write one row to ``out`` for every row of ``source``, in order; returns how many rows there were.

    The columns lat, lon and, where given, radius are passed on as they were written; center_code,
    center_name and method follow. A row that names no place gets the method *invalid* and a warning; none is
    dropped. Raises :class:`CsvProblem` when the columns are missing or the file is no CSV.
    """
    rows = csv.reader(source)
    writer = csv.writer(out, lineterminator="\n")
    try:
        columns = _place_columns(next(rows, []))
        kept = ("lat", "lon", "radius")[: len(columns)]
        writer.writerow([*kept, "center_code", "center_name", "method"])
        done = 0
        while chunk := list(islice((row for row in rows if row), CHUNK)):
            cells = [tuple(row[at] if at < len(row) else "" for at in columns) for row in chunk]
            answers = _answers(cells, boundaries, done, warn)
            writer.writerows([*text, *answer] for text, answer in zip(cells, answers, strict=True))
            done += len(chunk)
    except csv.Error as problem:
        raise CsvProblem(f"line {rows.line_num} is no CSV: {problem}") from problem
    return done


def _place_columns(header: list[str]) -> tuple[int, ...]:
    """Where latitude, longitude and, if there is one, the radius stand in a row."""
    names = [cell.strip().lower() for cell in header]
    found = []
    for spellings in (LAT_COLUMNS, LON_COLUMNS, RADIUS_COLUMNS):
        at = next((names.index(spelling) for spelling in spellings if spelling in names), None)
        if at is not None:
            found.append(at)
        elif spellings is not RADIUS_COLUMNS:
            raise CsvProblem(
                f"the first line needs a column {spellings[0]} (or {', '.join(spellings[1:])}),"
                f" it has {', '.join(names) or 'none'}"
            )
    return tuple(found)


def _answers(
    cells: list[tuple[str, ...]], boundaries: BoundarySet, before: int, warn: Warn
) -> Iterator[tuple[str, str, str]]:
    """Code, name and method for every row of cells; ``before``: rows answered earlier, for the warnings."""
    places: dict[int, Place] = {}
    for row, text in enumerate(cells):
        try:
            places[row] = parse_place(text)
        except ValueError as problem:
            warn(f"row {before + row + 1}: {problem}")
    lat, lon, radius = np.array(list(places.values()), dtype=np.float64).reshape(-1, 3).T
    found = boundaries.locate_many(lat, lon, radius)
    position = {row: at for at, row in enumerate(places)}
    for row in range(len(cells)):
        if row in position:
            at = position[row]
            index = int(found.index[at])
            yield boundaries.codes[index], boundaries.names[index], str(found.method[at])
        else:
            yield "", "", INVALID


def parse_place(cells: tuple[str, ...]) -> Place:
    """A place from the text of its cells (no radius: 0); ``ValueError`` names the field that is wrong."""
    lat, lon, radius = (*cells, "")[:3]
    place = Place(_number("lat", lat), _number("lon", lon), _number("radius", radius.strip() or "0"))
    require_position(*place)
    return place


def _number(field: str, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise ValueError(f"{field} is no number: {cell[:40]!r}") from None

"""Generations of boundaries on disk: one normalised file and one description each, whole or not there.

A generation is ``ID.fgb`` (FlatGeobuf, WGS84) and ``ID.json``. The description is renamed into place
last, so a reader sees a generation only when all of it is written, and two imports at once cannot lose one
another.
"""

import hashlib
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pyogrio
import shapely

from ansim.distribution.boundaries import BoundaryHistory, default_boundaries
from ansim.distribution.importer import BoundaryFileError, Progress, read_file
from ansim.geo.boundaries import BoundarySet

FOLDER = "boundaries"
"""Where a node's data folder keeps its generations."""

Stamp = tuple[tuple[str, int, int], ...]


class Generation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the folder says about one generation."""

    id: str
    effective_from: datetime
    imported_at: datetime
    source: str
    approximate: bool
    count: int
    sha256: str


def keep(folder: Path, boundaries: BoundarySet, *, imported_at: datetime) -> Generation:
    """Write a generation into ``folder``; running nodes see it as soon as this returns.

    The same boundaries from the same moment on are one generation however often they are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=folder) as work:
        shapes = Path(work) / "boundaries.fgb"
        _write(shapes, boundaries)
        digest = hashlib.sha256(shapes.read_bytes()).hexdigest()
        began = boundaries.effective_from.astimezone(UTC)
        generation = Generation(
            id=f"{began:%Y%m%dT%H%M%SZ}-{digest[:12]}",
            effective_from=began,
            imported_at=imported_at.astimezone(UTC),
            source=boundaries.source,
            approximate=boundaries.approximate,
            count=len(boundaries),
            sha256=digest,
        )
        description = Path(work) / "boundaries.json"
        description.write_bytes(msgspec.json.format(msgspec.json.encode(generation), indent=2) + b"\n")
        for part in (shapes, description):
            _sync(part)
            os.replace(part, folder / f"{generation.id}{part.suffix}")
        _sync(folder)
    return generation


def generations(folder: Path) -> list[Generation]:
    """The generations in ``folder`` in the order they come into force; of equals the last import last."""
    if not folder.is_dir():
        return []
    found = []
    for path in folder.glob("*.json"):
        try:
            generation = msgspec.json.decode(path.read_bytes(), type=Generation)
        except msgspec.DecodeError as problem:
            raise BoundaryFileError(f"{path.name} does not describe a generation: {problem}") from problem
        if generation.id != path.stem:
            raise BoundaryFileError(f"{path.name} describes the generation {generation.id}: rename it back")
        found.append(generation)
    return sorted(found, key=lambda one: (one.effective_from, one.imported_at, one.id))


def history_from_dir(folder: Path, progress: Progress | None = None) -> BoundaryHistory:
    """All generations kept in ``folder``, over the shipped default that fills the time before them.

    Raises :class:`BoundaryFileError` when a file was damaged: a node then keeps the history it has.
    """
    kept = [_read(folder, generation, progress) for generation in generations(folder)]
    return BoundaryHistory([default_boundaries(), *kept])


def in_force(folder: Path, moment: datetime) -> BoundarySet:
    """``history_from_dir(folder).as_of(moment)``, reading the one generation alone."""
    begun = [generation for generation in generations(folder) if generation.effective_from <= moment]
    return _read(folder, begun[-1], None) if begun else default_boundaries()


def stamp(folder: Path) -> Stamp:
    """What changes whenever a generation is added to ``folder`` or taken away; costs one listing."""
    if not folder.is_dir():
        return ()
    with os.scandir(folder) as entries:
        described = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(".json")]
    return tuple(sorted((name, status.st_mtime_ns, status.st_size) for name, status in described))


def _read(folder: Path, generation: Generation, progress: Progress | None) -> BoundarySet:
    path = folder / f"{generation.id}.fgb"
    if not path.is_file():
        raise BoundaryFileError(f"{path.name} is missing: import {generation.source} again")
    if hashlib.sha256(path.read_bytes()).hexdigest() != generation.sha256:
        raise BoundaryFileError(f"{path.name} was changed or damaged: import {generation.source} again")
    return read_file(
        path, effective_from=generation.effective_from, progress=progress, source=generation.source
    )


def _write(path: Path, boundaries: BoundarySet) -> None:
    method = "approximate" if boundaries.approximate else "surveyed"
    columns = {
        "code": boundaries.codes,
        "name": boundaries.names,
        "province": boundaries.provinces,
        "method": [method] * len(boundaries),
    }
    pyogrio.raw.write(
        path,
        shapely.to_wkb(boundaries.geometries),
        [np.array(values, dtype=object) for values in columns.values()],
        list(columns),
        driver="FlatGeobuf",
        geometry_type="MultiPolygon",
        promote_to_multi=True,
        crs="EPSG:4326",
        layer_options={"SPATIAL_INDEX": "NO"},
    )


def _sync(path: Path) -> None:
    """Make sure a file or folder survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

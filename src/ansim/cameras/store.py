"""The cameras' table: written in batches, read whole into the registry, read by id for what a page shows."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from ansim.cameras.model import Camera
from ansim.cameras.ranking import CameraColumns
from ansim.core.database import Tx, metadata

camera = sa.Table(
    "camera",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("source", sa.String(120), nullable=False),
    sa.Column("source_id", sa.String(200), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("address", sa.String(500), nullable=False),
    sa.Column("lat", sa.Double, nullable=False),
    sa.Column("lon", sa.Double, nullable=False),
    sa.Column("heading", sa.Double),
    sa.Column("fov_deg", sa.Double, nullable=False),
    sa.Column("heading_confidence", sa.Double, nullable=False),
    sa.Column("range_m", sa.Double, nullable=False),
    sa.Column("height_m", sa.Double, nullable=False),
    sa.Column("ptz", sa.Boolean, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("purpose", sa.String(200), nullable=False),
    sa.Column("manager", sa.String(200), nullable=False),
    sa.Column("phone", sa.String(60), nullable=False),
    sa.Column("installed", sa.String(7)),
    sa.Column("direction", sa.String(200), nullable=False),
    sa.Index("camera_source", "source"),
)

camera_revision = sa.Table(
    "camera_revision",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
)
"""One row: counts the changes of the table, so that a running node sees what another process imported."""

_FIELDS = [column.name for column in camera.columns]
_AT_ONCE = 500
"""Keys in one IN list; every database takes so many."""


class Written(Struct, frozen=True, kw_only=True):
    """What a batch did to the table."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: "Written") -> "Written":
        return Written(
            added=self.added + other.added,
            changed=self.changed + other.changed,
            unchanged=self.unchanged + other.unchanged,
        )


def put(tx: Tx, cameras: Sequence[Camera]) -> Written:
    """Add cameras or change those there by id; what is the same already is not written again.

    Of several with one id the last one counts.
    """
    wanted = {one.id: one for one in cameras}
    there = {one.id: one for one in by_ids(tx.conn, list(wanted))}
    added = [_row(one) for key, one in wanted.items() if key not in there]
    changed = [_row(one) for key, one in wanted.items() if key in there and one != there[key]]
    if added:
        tx.execute(sa.insert(camera), added)
    if changed:
        values: dict[str, sa.BindParameter[Any]] = {
            name: sa.bindparam(f"new_{name}") for name in _FIELDS if name != "id"
        }
        statement = sa.update(camera).where(camera.c.id == sa.bindparam("new_id")).values(values)
        tx.execute(statement, [{f"new_{name}": value for name, value in row.items()} for row in changed])
    return Written(added=len(added), changed=len(changed), unchanged=len(wanted) - len(added) - len(changed))


def remove(tx: Tx, ids: Sequence[str]) -> int:
    """Take cameras out; returns how many were there."""
    removed = 0
    for part in _parts(ids):
        removed += tx.execute(sa.delete(camera).where(camera.c.id.in_(part))).rowcount
    return removed


def mark_changed(tx: Tx) -> None:
    """Tell every node on this database to take up the table anew."""
    tx.insert_new(camera_revision, [{"id": 1, "revision": 0}])
    tx.execute(sa.update(camera_revision).values(revision=camera_revision.c.revision + 1))


def revision(conn: Connection) -> int:
    """How often the table was changed."""
    found = conn.execute(sa.select(camera_revision.c.revision)).scalar_one_or_none()
    return 0 if found is None else int(found)


def by_ids(conn: Connection, ids: Sequence[str]) -> list[Camera]:
    """Cameras by id, in no particular order; those that are not there are left out."""
    found: list[Camera] = []
    for part in _parts(ids):
        found += [_camera(row) for row in conn.execute(sa.select(camera).where(camera.c.id.in_(part)))]
    return found


def ids_of_source(conn: Connection, source: str) -> list[str]:
    """Ids of all cameras that came from one data set."""
    return list(conn.execute(sa.select(camera.c.id).where(camera.c.source == source)).scalars())


def read_columns(conn: Connection) -> tuple[npt.NDArray[np.bytes_], CameraColumns]:
    """Ids and columns of every camera, for the registry."""
    chosen = ("id", "lat", "lon", "heading", "fov_deg", "heading_confidence", "range_m", "ptz")
    rows = conn.execute(sa.select(*(camera.c[name] for name in chosen))).all()
    ids, lat, lon, heading, fov, confidence, reach, ptz = zip(*rows, strict=True) if rows else [()] * 8

    def column(values: Iterable[float | None]) -> npt.NDArray[np.float64]:
        return np.array(values, dtype=np.float64)  # None becomes NaN

    return np.array([one.encode() for one in ids], dtype=np.bytes_), CameraColumns(
        lat=column(lat),
        lon=column(lon),
        heading=column(heading),
        fov_deg=column(fov),
        confidence=column(confidence),
        range_m=column(reach),
        ptz=np.array(ptz, dtype=np.bool_),
    )


def _parts(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _row(one: Camera) -> dict[str, object]:
    return msgspec.structs.asdict(one)


def _camera(row: sa.Row[tuple[object, ...]]) -> Camera:
    return Camera(**row._asdict())

"""What is kept of turning cameras: how each hangs, and who holds it and where it looked before."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from ansim.cameras.pointing import Mount, Pose
from ansim.core.actors import Actor
from ansim.core.database import Tx, metadata

camera_ptz = sa.Table(
    "camera_ptz",
    metadata,
    sa.Column("camera", sa.String(32), primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
)

ptz_lease = sa.Table(
    "ptz_lease",
    metadata,
    sa.Column("camera", sa.String(32), primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)


class Lease(Struct, frozen=True, kw_only=True):
    """Who turns a camera, for which incident, and where it looked before (None: it did not say).

    ``session`` is the holder's. Kept until the camera has been put back, so that a node that starts again
    can.
    """

    camera: str
    incident: str
    session: str
    holder: Actor
    home: Pose | None
    since: str


_decode_lease = msgspec.json.Decoder(Lease).decode
_decode_mount = msgspec.json.Decoder(Mount).decode


def mount_of(conn: Connection, camera: str) -> Mount | None:
    """How a camera hangs; None when nobody has said and no probe has found out."""
    body = conn.execute(sa.select(camera_ptz.c.body).where(camera_ptz.c.camera == camera)).scalar()
    return None if body is None else _decode_mount(bytes(body))


def save_mount(tx: Tx, camera: str, mount: Mount, at: str) -> None:
    """Keep how a camera hangs in place of what was known."""
    tx.execute(sa.delete(camera_ptz).where(camera_ptz.c.camera == camera))
    tx.execute(sa.insert(camera_ptz), {"camera": camera, "body": msgspec.json.encode(mount), "at": at})


def leases(conn: Connection) -> list[Lease]:
    """Every lease that has not ended."""
    return [_decode_lease(bytes(body)) for body in conn.execute(sa.select(ptz_lease.c.body)).scalars()]


def save_lease(tx: Tx, lease: Lease) -> None:
    """Keep a new lease; one camera has one, so a second raises IntegrityError."""
    tx.execute(sa.insert(ptz_lease), {"camera": lease.camera, "body": msgspec.json.encode(lease)})


def end_leases(tx: Tx, cameras: Sequence[str]) -> None:
    """The cameras are where they were."""
    tx.execute(sa.delete(ptz_lease).where(ptz_lease.c.camera.in_(list(cameras))))

"""The grants' table and its SQL."""

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ansim.core.database import Tx, metadata
from ansim.video.grants.model import Grant, Kind, Reason

grant_table = sa.Table(
    "video_grant",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("incident", sa.String(64), nullable=False, index=True),
    sa.Column("camera", sa.String(32), nullable=False),
    sa.Column("camera_name", sa.String(200), nullable=False),
    sa.Column("lat", sa.Double, nullable=False),
    sa.Column("lon", sa.Double, nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("holder", sa.String(36), nullable=False),
    sa.Column("holder_name", sa.String(60), nullable=False),
    sa.Column("agency", sa.String(16)),
    sa.Column("session", sa.String(36), nullable=False),
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("issued_at", sa.String(24), nullable=False),
    sa.Column("expires_at", sa.String(24), nullable=False),
    sa.Column("second", sa.String(60), nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("ended_at", sa.String(24), index=True),
    sa.Column("end_reason", sa.String(16)),
)

_COLUMNS = [grant_table.c[name] for name in Grant.__struct_fields__]


def insert(tx: Tx, grant: Grant) -> None:
    """Keep a new grant."""
    tx.execute(grant_table.insert(), msgspec.structs.asdict(grant))


def end(tx: Tx, grant_id: str, reason: Reason, at: str) -> bool:
    """Mark a grant as ended; False when it had ended before."""
    update = grant_table.update().where(grant_table.c.id == grant_id, grant_table.c.ended_at.is_(None))
    return tx.execute(update.values(ended_at=at, end_reason=reason)).rowcount == 1


def standing(
    conn: Connection, *, session: str, incident: str, camera: str, kind: Kind, at: str
) -> Grant | None:
    """The grant that the session has for this use already, if any."""
    c = grant_table.c
    query = sa.select(*_COLUMNS).where(
        c.session == session,
        c.incident == incident,
        c.camera == camera,
        c.kind == kind,
        c.ended_at.is_(None),
        c.expires_at > at,
    )
    row = conn.execute(query.limit(1)).first()
    return Grant(**row._mapping) if row is not None else None


def unended(conn: Connection) -> list[Grant]:
    """Grants that nobody has ended: at a start, those of the process before."""
    query = sa.select(*_COLUMNS).where(grant_table.c.ended_at.is_(None))
    return [Grant(**row._mapping) for row in conn.execute(query)]

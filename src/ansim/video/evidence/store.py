"""The tables of footage and all their SQL."""

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ansim.core.database import Tx, metadata
from ansim.video.evidence.keys import footage_key
from ansim.video.evidence.model import Hold, Recording, Segment

recording_table = sa.Table(
    "footage_recording",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("incident", sa.String(64), nullable=False, index=True),
    sa.Column("camera", sa.String(32), nullable=False),
    sa.Column("camera_name", sa.String(200), nullable=False),
    sa.Column("started_at", sa.String(24), nullable=False),
    sa.Column("ended_at", sa.String(24), nullable=False, index=True),
    sa.Column("segments", sa.Integer, nullable=False),
    sa.Column("head", sa.String(64), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
)

segment_table = sa.Table(
    "footage_segment",
    metadata,
    sa.Column("recording", sa.String(36), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(4), nullable=False),
    sa.Column("mime", sa.String(120), nullable=False),
    sa.Column("from_s", sa.Double, nullable=False),
    sa.Column("until_s", sa.Double, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("chain", sa.String(64), nullable=False),
)

hold_table = sa.Table(
    "footage_hold",
    metadata,
    sa.Column("incident", sa.String(64), primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("until", sa.String(24), nullable=False),
    sa.Column("by", sa.String(60), nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
)

_RECORDING = [recording_table.c[name] for name in Recording.__struct_fields__]
_SEGMENT = [segment_table.c[name] for name in Segment.__struct_fields__]
_HOLD = [hold_table.c[name] for name in Hold.__struct_fields__]


def insert_recording(tx: Tx, recording: Recording) -> None:
    """A camera is being recorded from now on."""
    tx.execute(recording_table.insert(), msgspec.structs.asdict(recording))


def add_segment(tx: Tx, segment: Segment) -> None:
    """List a piece that is on disk."""
    tx.execute(segment_table.insert(), msgspec.structs.asdict(segment))
    c = recording_table.c
    update = recording_table.update().where(c.id == segment.recording)
    tx.execute(update.values(segments=segment.number + 1, head=segment.chain, bytes=c.bytes + segment.bytes))


def end_recording(tx: Tx, recording_id: str, at: str) -> Recording | None:
    """The recording has ended; it as it stands then, None when it had ended before."""
    c = recording_table.c
    update = recording_table.update().where(c.id == recording_id, c.ended_at == "")
    if tx.execute(update.values(ended_at=at)).rowcount == 0:
        return None
    return recording(tx.conn, recording_id)


def recording(conn: Connection, recording_id: str) -> Recording | None:
    """One recording."""
    row = conn.execute(sa.select(*_RECORDING).where(recording_table.c.id == recording_id)).first()
    return Recording(**row._mapping) if row is not None else None


def recordings(conn: Connection, incident: str) -> list[Recording]:
    """All recordings of an incident, in the order of their beginning."""
    c = recording_table.c
    query = sa.select(*_RECORDING).where(c.incident == incident).order_by(c.started_at, c.id)
    return [Recording(**row._mapping) for row in conn.execute(query)]


def unended(conn: Connection) -> list[Recording]:
    """Recordings that nobody has ended: at a start, those of the process before."""
    query = sa.select(*_RECORDING).where(recording_table.c.ended_at == "")
    return [Recording(**row._mapping) for row in conn.execute(query)]


def segments(conn: Connection, recording_id: str) -> list[Segment]:
    """The pieces of a recording by number."""
    c = segment_table.c
    query = sa.select(*_SEGMENT).where(c.recording == recording_id).order_by(c.number)
    return [Segment(**row._mapping) for row in conn.execute(query)]


def segment(conn: Connection, recording_id: str, number: int) -> Segment | None:
    """One piece."""
    c = segment_table.c
    row = conn.execute(sa.select(*_SEGMENT).where(c.recording == recording_id, c.number == number)).first()
    return Segment(**row._mapping) if row is not None else None


def put_hold(tx: Tx, hold: Hold) -> None:
    """Keep an incident's footage, in place of a hold that stands."""
    tx.execute(hold_table.delete().where(hold_table.c.incident == hold.incident))
    tx.execute(hold_table.insert(), msgspec.structs.asdict(hold))


def drop_hold(tx: Tx, incident: str) -> bool:
    """The hold ends; False when there was none."""
    return tx.execute(hold_table.delete().where(hold_table.c.incident == incident)).rowcount == 1


def hold(conn: Connection, incident: str) -> Hold | None:
    """The hold on an incident's footage."""
    row = conn.execute(sa.select(*_HOLD).where(hold_table.c.incident == incident)).first()
    return Hold(**row._mapping) if row is not None else None


def due(conn: Connection, ended_before: str, at: str) -> list[str]:
    """Incidents whose footage must be destroyed: every recording ended before, and no hold at ``at``."""
    c = recording_table.c
    held = sa.select(hold_table.c.incident).where(hold_table.c.until > at)
    kept = sa.select(footage_key.c.incident).where(footage_key.c.destroyed_at.is_(None))
    newest: Any = sa.func.max(sa.case((c.ended_at == "", "9999"), else_=c.ended_at))
    query = sa.select(c.incident).where(c.incident.in_(kept), c.incident.not_in(held))
    return list(conn.execute(query.group_by(c.incident).having(newest < ended_before)).scalars())

"""Mappings of other servers in SQL (RFC 6739): the newest of each, removed ones as an empty mark."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ansim.core.database import Tx, metadata
from ansim.distribution.lost.model import Fingerprint, PushedMapping

lost_mapping = sa.Table(
    "lost_mapping",
    metadata,
    sa.Column("source", sa.String(120), primary_key=True),
    sa.Column("source_id", sa.String(200), primary_key=True),
    sa.Column("service", sa.String(200), nullable=False),
    sa.Column("last_updated", sa.String(24), nullable=False),
    sa.Column("expires", sa.String(24), nullable=False),
    sa.Column("xml", sa.LargeBinary, nullable=False),
    sa.Column("received_at", sa.String(24), nullable=False),
)


def keep(tx: Tx, mapping: PushedMapping, received_at: str) -> bool:
    """Keep a mapping unless the one of its name is as new; returns whether it was kept."""
    same = _same(mapping.source, mapping.source_id)
    known = tx.execute(sa.select(lost_mapping.c.last_updated).where(same)).scalar()
    if known is not None and known >= mapping.last_updated:
        return False
    row = {
        "source": mapping.source,
        "source_id": mapping.source_id,
        "service": mapping.service,
        "last_updated": mapping.last_updated,
        "expires": mapping.expires,
        "xml": mapping.xml,
        "received_at": received_at,
    }
    if known is None:
        tx.execute(lost_mapping.insert(), row)
    else:
        tx.execute(lost_mapping.update().where(same).values(**row))
    return True


def present(tx: Tx, source: str, source_id: str) -> bool:
    """Whether there is a mapping of that name that was not removed."""
    known = tx.execute(sa.select(lost_mapping.c.xml).where(_same(source, source_id))).scalar()
    return bool(known)


def count(tx: Tx, source: str) -> int:
    """How many mappings of a source there are, with the marks of removed ones."""
    counted = sa.select(sa.func.count()).where(lost_mapping.c.source == source)
    return int(tx.execute(counted).scalar_one())


def everything(conn: Connection) -> list[tuple[Fingerprint, str, str, bytes]]:
    """All mappings that were not removed: (name and age, service, expiry, element)."""
    rows = conn.execute(sa.select(lost_mapping).order_by(lost_mapping.c.source, lost_mapping.c.source_id))
    return [
        (
            Fingerprint(row.source, row.source_id, row.last_updated),
            str(row.service),
            str(row.expires),
            bytes(row.xml),
        )
        for row in rows
        if row.xml
    ]


def _same(source: str, source_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(lost_mapping.c.source == source, lost_mapping.c.source_id == source_id)

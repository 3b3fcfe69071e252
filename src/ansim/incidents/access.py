"""Secrets that open one incident to the phone that raised it, signed in or not."""

import hashlib

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ansim.core.database import Tx, metadata
from ansim.core.ids import new_secret

access_table = sa.Table(
    "incident_access",
    metadata,
    sa.Column("token", sa.String(64), primary_key=True),
    sa.Column("incident", sa.String(64), nullable=False, index=True),
)


def grant(tx: Tx, incident: str) -> str:
    """A new secret for the incident; only its hash is kept."""
    token = new_secret()
    tx.execute(access_table.insert(), {"token": _hash(token), "incident": incident})
    return token


def opens(conn: Connection, token: str, incident: str) -> bool:
    """Whether the secret was made for this incident."""
    return incident_of(conn, token) == incident


def incident_of(conn: Connection, token: str) -> str | None:
    """The incident a secret was made for."""
    if not token or len(token) > 100:
        return None
    query = sa.select(access_table.c.incident).where(access_table.c.token == _hash(token))
    return conn.execute(query).scalar()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

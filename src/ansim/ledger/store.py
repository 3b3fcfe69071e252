"""The ledger's tables and all its SQL."""

import hashlib
from collections.abc import Iterator

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ansim.core.clock import iso, now
from ansim.core.database import BigId, Tx, metadata
from ansim.ledger.model import GENESIS, Action, Entry, Head

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Column("node", sa.String(16), nullable=False),
    sa.Column("actor_kind", sa.String(8), nullable=False),
    sa.Column("actor_id", sa.Text, nullable=False),
    sa.Column("actor_name", sa.Text, nullable=False),
    sa.Column("action", sa.String(16), nullable=False),
    sa.Column("subject", sa.String(64), nullable=False, index=True),
    sa.Column("incident", sa.String(64), nullable=False, index=True),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("prev", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
)

ledger_head = sa.Table(
    "ledger_head",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Column("signature", sa.String(128), nullable=False),
)

ledger_once = sa.Table(
    "ledger_once",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("at", sa.String(24), nullable=False),
)

_LOCK = 0x616E73696D  # any number that is ours alone: "ansim"
_COLUMNS = [ledger.c[name] for name in Entry.__struct_fields__]
_insert = ledger.insert()
_last = sa.select(ledger.c.seq, ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)


def last(tx: Tx) -> tuple[int, str]:
    """Number and hash of the newest row, (0, GENESIS) for an empty ledger; nobody else adds one meanwhile.

    Always read inside the transaction: a job sharing the commit may have added rows, or had them rolled back.
    """
    if tx.conn.dialect.name == "postgresql":
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    row = tx.execute(_last).first()
    return (row.seq, row.hash) if row is not None else (0, GENESIS)


def insert(tx: Tx, entry: Entry) -> None:
    """Add a sealed row."""
    tx.execute(_insert, msgspec.structs.asdict(entry))


def first_time(tx: Tx, parts: tuple[str, ...]) -> bool:
    """Whether this combination is told for the first time; it is remembered with the transaction."""
    key = hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
    return tx.insert_new(ledger_once, [{"key": key, "at": iso(now())}]) == 1


def last_head(conn: Connection) -> int:
    """The number of the newest signed row, 0 when none is."""
    return int(conn.execute(sa.select(sa.func.coalesce(sa.func.max(ledger_head.c.seq), 0))).scalar_one())


def last_seq(conn: Connection) -> int:
    """The number of the newest row, 0 when there is none."""
    return int(conn.execute(sa.select(sa.func.coalesce(sa.func.max(ledger.c.seq), 0))).scalar_one())


def insert_head(tx: Tx, head: Head) -> None:
    """Keep a signed head."""
    tx.execute(ledger_head.insert(), msgspec.structs.asdict(head))


def entries(conn: Connection) -> Iterator[Entry]:
    """Every row by its number, streamed: a ledger of years does not fit in memory."""
    result = conn.execution_options(stream_results=True, max_row_buffer=2_000).execute(
        sa.select(*_COLUMNS).order_by(ledger.c.seq)
    )
    for row in result:
        yield Entry(**row._mapping)


def heads(conn: Connection) -> list[Head]:
    """Every signed head by its number."""
    columns = [ledger_head.c[name] for name in Head.__struct_fields__]
    return [Head(**row._mapping) for row in conn.execute(sa.select(*columns).order_by(ledger_head.c.seq))]


def about(conn: Connection, subject: str, actions: tuple[Action, ...], limit: int) -> list[Entry]:
    """The newest rows about one person, newest first."""
    query = sa.select(*_COLUMNS).where(ledger.c.subject == subject, ledger.c.action.in_(actions))
    return [Entry(**row._mapping) for row in conn.execute(query.order_by(ledger.c.seq.desc()).limit(limit))]

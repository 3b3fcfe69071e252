"""Text messages: the port a provider's adapter fills, and the queue that keeps sending off the request."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TextIO

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ansim.core.database import Tx, metadata
from ansim.core.ids import new_id
from ansim.core.metrics import Metrics
from ansim.people.model import spoken_phone

sms = sa.Table(
    "sms",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("phone", sa.String(16), nullable=False),
    sa.Column("text", sa.Text, nullable=False),  # emptied once it is sent or given up
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("due", sa.Float, nullable=False),
    sa.Column("useless_after", sa.Float, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index("ix_sms_state_due", "state", "due"),
)


class SmsNotSent(Exception):
    """The provider did not take the message; trying again may help."""


class SmsPort(Protocol):
    """A way to send text messages."""

    async def send(self, phone: str, text: str) -> None:
        """Hand over one message for an E.164 number; SmsNotSent when it was not taken."""
        ...


class PrintSms:
    """The demonstration's adapter: prints the message, and appends it to a file only the owner can read."""

    def __init__(self, log: Path | None = None, out: TextIO | None = None) -> None:
        self._log = log
        self._out = out

    async def send(self, phone: str, text: str) -> None:
        """Print it."""
        line = f"[SMS {spoken_phone(phone)}] {text}"
        print(line, file=self._out or sys.stdout, flush=True)
        if self._log is not None:
            await asyncio.to_thread(self._append, self._log, line)

    @staticmethod
    def _append(path: Path, line: str) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(f"{line}\n")


class SmsQueue:
    """Messages that wait to be sent; written with the transaction that needs them."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.time) -> None:
        self.wake = asyncio.Event()
        self._clock = clock
        self._waiting: dict[str, float] = {}
        metrics.queue("sms", self.reading)

    def put(self, tx: Tx, phone: str, text: str, *, useful_for_s: float) -> None:
        """Send ``text`` after the commit; not at all once it is older than ``useful_for_s``."""
        now = self._clock()
        row = {
            "id": new_id(),
            "phone": phone,
            "text": text,
            "state": "queued",
            "attempts": 0,
            "created": now,
            "due": now,
            "useless_after": now + useful_for_s,
            "reason": "",
        }
        tx.execute(sms.insert(), row)
        tx.on_commit(lambda: self._added(str(row["id"]), now))

    def take_up(self, conn: Connection) -> dict[str, float]:
        """What waits in the database (id → created): read once at the start."""
        query = sa.select(sms.c.id, sms.c.created).where(sms.c.state == "queued")
        return {row.id: row.created for row in conn.execute(query)}

    def waits(self, waiting: dict[str, float]) -> None:
        """Count these as waiting."""
        self._waiting |= waiting

    def settled(self, message_id: str) -> None:
        """A message was sent or given up."""
        self._waiting.pop(message_id, None)

    def reading(self) -> tuple[int, float]:
        """Depth and age of the oldest."""
        oldest = min(self._waiting.values(), default=None)
        return len(self._waiting), 0.0 if oldest is None else max(0.0, self._clock() - oldest)

    def _added(self, message_id: str, created: float) -> None:
        self._waiting[message_id] = created
        self.wake.set()


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A message in the queue, tried ``attempts`` times; useless after that time (epoch seconds)."""

    id: str
    phone: str
    text: str
    attempts: int
    useless_after: float


def due(conn: Connection, now: float, limit: int) -> list[Waiting]:
    """Messages to send now, oldest first."""
    query = (
        sa.select(*(sms.c[name] for name in Waiting.__struct_fields__))
        .where(sms.c.state == "queued", sms.c.due <= now)
        .order_by(sms.c.due)
        .limit(limit)
    )
    return [Waiting(**row._mapping) for row in conn.execute(query)]


def next_due(conn: Connection) -> float | None:
    """When the next message is to be sent."""
    return conn.execute(sa.select(sa.func.min(sms.c.due)).where(sms.c.state == "queued")).scalar()


def settle(tx: Tx, message_id: str, state: str, attempts: int, reason: str = "") -> None:
    """A message is ``sent`` or ``failed``: its text, which may hold a code, is not kept."""
    values = {"state": state, "attempts": attempts, "reason": reason[:500], "text": ""}
    tx.execute(sms.update().where(sms.c.id == message_id).values(**values))


def postpone(tx: Tx, message_id: str, attempts: int, until: float, reason: str) -> None:
    """Try a message again later."""
    values = {"attempts": attempts, "due": until, "reason": reason[:500]}
    tx.execute(sms.update().where(sms.c.id == message_id).values(**values))

"""Transactional outbox and inbox: at-least-once between databases, confirmed end to end.

A letter is written in the same transaction as the fact it tells, published after the commit, and deleted
only when the *receiver's database* has confirmed it. A broker that loses a letter therefore costs a delay.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial

import msgspec
import sqlalchemy as sa
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from sqlalchemy.engine import Connection

from ansim.core import logs
from ansim.core.bus import Bus, Letter, PublishFailed, decode_letter
from ansim.core.clock import iso, now
from ansim.core.database import BigId, Database, Overloaded, Tx, metadata
from ansim.core.ids import new_id
from ansim.core.metrics import Metrics
from ansim.core.tasks import end

_log = logs.get("outbox")

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(36), nullable=False, unique=True),
    sa.Column("dest", sa.String(16), nullable=False, index=True),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
)

dead_letter = sa.Table(
    "dead_letter",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("node", sa.String(16), nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
)

_LANE = 2_000
_FIRST_REPEAT_S = 5.0
_LAST_REPEAT_S = 60.0

_insert = outbox.insert()


class _Waiting(msgspec.Struct):
    id: str
    payload: bytes
    created: float
    sent: float = 0.0
    attempts: int = 0


class Outbox:
    """What this node still owes to others."""

    def __init__(self, database: Database, bus: Bus, metrics: Metrics) -> None:
        self._database = database
        self._bus = bus
        self._lanes: dict[str, OrderedDict[str, _Waiting]] = {}
        self._spilled: set[str] = set()
        self._wake = asyncio.Event()
        self._confirmed: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []
        metrics.queue("outbox", self.reading)
        self._metrics = metrics

    def put(self, tx: Tx, destinations: list[str], kind: str, body: object) -> None:
        """Owe a letter to each destination, within the transaction that makes it true."""
        if not destinations:
            return
        raw = msgspec.Raw(msgspec.json.encode(body))
        rows = []
        for dest in destinations:
            letter = Letter(id=new_id(), kind=kind, node=self._bus.node, body=raw)
            rows.append({"id": letter.id, "dest": dest, "payload": letter.encode(), "created": time.time()})
        tx.execute(_insert, rows)
        tx.on_commit(lambda: self._admit(rows))

    def _admit(self, rows: list[dict[str, object]]) -> None:
        for row in rows:
            lane = self._lanes.setdefault(str(row["dest"]), OrderedDict())
            if len(lane) >= _LANE or row["dest"] in self._spilled:
                self._spilled.add(str(row["dest"]))  # it stays in the table, loaded when the lane drains
                continue
            lane[str(row["id"])] = _Waiting(str(row["id"]), row["payload"], float(str(row["created"])))  # type: ignore[arg-type]
        self._wake.set()

    def reading(self) -> tuple[int, float]:
        """Depth and age of the oldest unconfirmed letter."""
        oldest = min(
            (next(iter(lane.values())).created for lane in self._lanes.values() if lane), default=None
        )
        return sum(map(len, self._lanes.values())), 0.0 if oldest is None else max(0.0, time.time() - oldest)

    def owed(self) -> dict[str, int]:
        """Unconfirmed letters by destination."""
        return {dest: len(lane) for dest, lane in self._lanes.items()}

    async def start(self) -> None:
        """Load what an earlier run left, then relay."""
        for dest in await self._database.read(_destinations):
            await self._load(dest)
        self._tasks = [asyncio.create_task(self._relay()), asyncio.create_task(self._forget_confirmed())]

    async def stop(self) -> None:
        """Stop relaying; what is unconfirmed stays in the table."""
        await end(*self._tasks)

    async def _load(self, dest: str) -> None:
        lane = self._lanes.setdefault(dest, OrderedDict())
        rows = await self._database.read(lambda conn: _oldest(conn, dest))
        for row in rows:
            lane.setdefault(row.id, _Waiting(row.id, row.payload, row.created))
        if len(rows) < _LANE:
            self._spilled.discard(dest)

    async def _relay(self) -> None:
        while True:
            try:
                async with asyncio.timeout(1.0):
                    await self._wake.wait()
            except TimeoutError:
                await self._repeat()
            self._wake.clear()
            for dest in list(self._spilled):
                if len(self._lanes.get(dest, ())) < _LANE // 2:
                    await self._load(dest)
            await asyncio.gather(*(self._send_lane(dest, lane) for dest, lane in list(self._lanes.items())))

    async def _send_lane(self, dest: str, lane: OrderedDict[str, _Waiting]) -> None:
        fresh = [item for item in lane.values() if not item.sent][:256]
        if not fresh:
            return
        results = await asyncio.gather(*(self._send(dest, item) for item in fresh), return_exceptions=True)
        failed = [result for result in results if isinstance(result, BaseException)]
        if failed:
            _log.warning("letters wait", dest=dest, waiting=len(lane), reason=str(failed[0]))
            asyncio.get_running_loop().call_later(0.5, self._wake.set)
        elif len(fresh) == 256:
            self._wake.set()

    async def _send(self, dest: str, item: _Waiting) -> None:
        item.sent = time.monotonic()
        try:
            await self._bus.publish(dest, item.id, item.payload, attempt=item.attempts)
        except PublishFailed:
            item.sent = 0.0
            raise
        self._metrics.messages.labels("out", "letter").inc()

    async def _repeat(self) -> None:
        """Send again what a drained stream has lost: the receiver took all, yet never confirmed this."""
        clock = time.monotonic()
        for dest, lane in self._lanes.items():
            late = [
                item
                for item in lane.values()
                if item.sent and clock - item.sent > _repeat_after(item.attempts)
            ]
            if not late:
                continue
            if self._bus.is_hub:
                try:
                    if await self._bus.backlog(dest):
                        continue
                except (NatsError, TimeoutError):
                    continue
            for item in late:
                item.sent, item.attempts = 0.0, item.attempts + 1

    def confirm(self, ids: list[str]) -> None:
        """The receiver's database has these."""
        self._confirmed.extend(ids)
        for lane in self._lanes.values():
            for one in ids:
                lane.pop(one, None)

    async def _forget_confirmed(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            if not self._confirmed:
                continue
            ids, self._confirmed = self._confirmed, []
            try:
                await self._database.write(partial(_delete, ids=ids))
            except (Overloaded, sa.exc.OperationalError) as error:
                _log.warning("confirmed letters stay a while", reason=str(error))
                self._confirmed.extend(ids)


class Inbox:
    """What others tell this node: one transaction a batch, then the sender hears of it."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        outbox: Outbox,
        metrics: Metrics,
        handlers: Mapping[str, Callable[[Tx, Letter], None]],
    ) -> None:
        self._database = database
        self._bus = bus
        self._outbox = outbox
        self._metrics = metrics
        self._handlers = handlers

    def start(self) -> None:
        """Begin to consume."""
        self._bus.consume(self._receive)

    async def _receive(self, messages: list[Msg]) -> None:
        letters: list[tuple[Msg, Letter]] = []
        for message in messages:
            try:
                letter = decode_letter(message.data)
            except msgspec.DecodeError as error:
                _log.error("not a letter", subject=message.subject, reason=str(error))
                self._metrics.faults.labels("inbox").inc()
                await message.term()
                continue
            if letter.node != self._sender(message):  # leaf permissions tie the subject to the sign-in
                _log.error("letter under another node's name", subject=message.subject, claims=letter.node)
                self._metrics.faults.labels("inbox").inc()
                await message.term()
                continue
            self._metrics.messages.labels("in", letter.kind).inc()
            if letter.kind == "ack":
                self._outbox.confirm(msgspec.json.decode(letter.body, type=list[str]))
                await message.ack()
            else:
                letters.append((message, letter))
        if not letters:
            return
        try:
            await self._store(letters)
        except (Overloaded, sa.exc.OperationalError) as error:
            _log.error("cannot store letters, they will come again", reason=str(error))
            await asyncio.sleep(0.2)
            return
        await self._confirm(letters)

    def _sender(self, message: Msg) -> str:
        return str(message.subject).split(".")[2] if self._bus.is_hub else "hub"

    async def _store(self, letters: list[tuple[Msg, Letter]]) -> None:
        try:
            await self._database.write(lambda tx: self._handle_all(tx, letters))
        except (Overloaded, sa.exc.OperationalError):
            raise
        except Exception as error:  # noqa: BLE001 - one bad letter must not stop the others
            _log.warning("a batch failed, one by one", reason=f"{type(error).__name__}: {error}")
            for _, letter in letters:
                await self._store_one(letter)

    def _handle_all(self, tx: Tx, letters: list[tuple[Msg, Letter]]) -> None:
        for _, letter in letters:
            self._handlers[letter.kind](tx, letter)

    async def _store_one(self, letter: Letter) -> None:
        try:
            await self._database.write(lambda tx: self._handlers[letter.kind](tx, letter))
        except (Overloaded, sa.exc.OperationalError):
            raise
        except Exception as error:  # noqa: BLE001 - kept with its reason, counted, shown on the health page
            _log.error("dead letter", kind=letter.kind, id=letter.id, exc_info=error)
            self._metrics.faults.labels("dead_letter").inc()
            row = {
                "id": letter.id,
                "node": letter.node,
                "payload": letter.encode(),
                "reason": f"{type(error).__name__}: {error}",
                "at": iso(now()),
            }
            await self._database.write(lambda tx: tx.insert_new(dead_letter, [row]))

    async def _confirm(self, letters: list[tuple[Msg, Letter]]) -> None:
        senders: dict[str, list[str]] = {}
        for message, letter in letters:
            senders.setdefault(letter.node, []).append(letter.id)
            await message.ack()
        for sender, ids in senders.items():
            ack = Letter(
                id=new_id(), kind="ack", node=self._bus.node, body=msgspec.Raw(msgspec.json.encode(ids))
            )
            try:
                await self._bus.publish(sender, ack.id, ack.encode())
            except PublishFailed as error:  # the sender repeats, we know the letters, and confirm again
                _log.warning("confirmation not sent", dest=sender, reason=str(error))


def _destinations(conn: Connection) -> list[str]:
    return list(conn.execute(sa.select(outbox.c.dest).distinct()).scalars())


def _oldest(conn: Connection, dest: str) -> list[sa.Row[str, bytes, float]]:
    query = sa.select(outbox.c.id, outbox.c.payload, outbox.c.created).where(outbox.c.dest == dest)
    return list(conn.execute(query.order_by(outbox.c.seq).limit(_LANE)).all())


def _delete(tx: Tx, ids: list[str]) -> None:
    for start in range(0, len(ids), 500):
        tx.execute(outbox.delete().where(outbox.c.id.in_(ids[start : start + 500])))


def _repeat_after(attempts: int) -> float:
    return min(_FIRST_REPEAT_S * 2.0**attempts, _LAST_REPEAT_S)

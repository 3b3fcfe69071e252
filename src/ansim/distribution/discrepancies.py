"""Discrepancy reports: what is wrong with somebody's boundaries, told to the one who can mend it.

The boundary check and the LoST server file them (NENA i3 calls this a discrepancy report). Each owner has one
row for one fault however often it is found; the hub sends it on to the owner's center, whose
staff see it and say when it is mended. Found again after that, it is open again.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from ansim.core import logs
from ansim.core.clock import iso, now
from ansim.core.database import Database, Tx, metadata
from ansim.core.ids import new_id

_log = logs.get("discrepancies")

LETTER = "discrepancy"
"""The kind of letter in which the hub tells a center of a report."""
MENDED_LETTER = "discrepancy_mended"
"""The kind of letter in which a center tells the hub that its report is dealt with."""
MOST_OPEN = 2_000
"""Open reports kept for one owner: a flood of broken requests must not fill the disk."""
SHOWN = 500

Source = Literal["boundaries", "lost"]

discrepancy = sa.Table(
    "discrepancy",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("key", sa.String(64), nullable=False, unique=True),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("owner", sa.String(16), nullable=False),
    sa.Column("codes", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("area_m2", sa.Double, nullable=False),
    sa.Column("lat", sa.Double),
    sa.Column("lon", sa.Double),
    sa.Column("first_at", sa.String(24), nullable=False),
    sa.Column("last_at", sa.String(24), nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("mended_at", sa.String(24)),
    sa.Column("mended_by", sa.String(120), nullable=False),
    sa.Index("discrepancy_owner", "owner", "mended_at"),
)


class Fault(Struct, frozen=True, kw_only=True):
    """One thing that is wrong, and whose it is.

    ``kind`` is short and machine-readable (*gap*, *overlap*, *unclosed-ring* …), ``detail`` a sentence,
    ``codes`` the jurisdictions concerned, ``owners`` the centers that should hear of it.
    """

    source: Source
    kind: str
    owners: tuple[str, ...]
    codes: tuple[str, ...] = ()
    detail: str = ""
    area_m2: float = 0.0
    lat: float | None = None
    lon: float | None = None


class Report(Struct, frozen=True, kw_only=True):
    """A fault as its owner sees it; times in ISO 8601 (UTC). Open while ``mended_at`` is None."""

    id: str
    key: str
    source: str
    kind: str
    owner: str
    codes: tuple[str, ...]
    detail: str
    area_m2: float
    lat: float | None
    lon: float | None
    first_at: str
    last_at: str
    times: int
    mended_at: str | None
    mended_by: str


class Mended(Struct, frozen=True, kw_only=True):
    """The body of :data:`MENDED_LETTER`."""

    key: str
    at: str
    by: str


class Post(Protocol):
    """What sends letters to other nodes; the node's outbox."""

    def put(self, tx: Tx, destinations: list[str], kind: str, body: object) -> None: ...


class Discrepancies:
    """Files reports and hands them on.

    ``enrolled``: codes of the centers that a hub can write to; a center gives none and writes to its hub.
    """

    def __init__(self, database: Database, post: Post | None = None, enrolled: Collection[str] = ()) -> None:
        self._database = database
        self._post = post
        self._enrolled = frozenset(enrolled)

    async def file(self, faults: Sequence[Fault], at: datetime | None = None) -> int:
        """Write faults down, durably; returns how many reports were new or open again."""
        return await self._database.write(lambda tx: self.write(tx, faults, at))

    def write(self, tx: Tx, faults: Iterable[Fault], at: datetime | None = None) -> int:
        """:meth:`file` within a transaction."""
        moment, fresh, full = iso(at or now()), 0, set[str]()
        for fault in faults:
            for owner in dict.fromkeys(fault.owners):
                if owner not in full and _open_count(tx.conn, owner) >= MOST_OPEN:
                    full.add(owner)
                    _log.warning("reports left out: too many are open", owner=owner, open=MOST_OPEN)
                if _put(tx, _report(fault, owner, moment), may_add=owner not in full):
                    fresh += 1
                    self._tell(tx, owner, _key(fault, owner))
        return fresh

    def receive(self, tx: Tx, report: Report) -> None:
        """Take a report that the hub sent (at a center)."""
        _put(tx, report, may_add=_open_count(tx.conn, report.owner) < MOST_OPEN)

    async def mend(self, report_id: str, by: str) -> Report | None:
        """Mark a report as dealt with by ``by``; None when there is no such report."""
        return await self._database.write(lambda tx: self._mend(tx, report_id, by))

    def receive_mended(self, tx: Tx, mended: Mended, owner: str) -> None:
        """Take word from the center ``owner`` that its report is dealt with (at the hub)."""
        _set_mended(tx, sa.and_(discrepancy.c.key == mended.key, discrepancy.c.owner == owner), mended)

    async def of(self, owner: str | None = None, *, include_mended: bool = False) -> list[Report]:
        """Reports of one owner (None: of all), the newest first, at most :data:`SHOWN`."""
        return await self._database.read(lambda conn: reports(conn, owner, include_mended=include_mended))

    def _tell(self, tx: Tx, owner: str, key: str) -> None:
        if self._post is not None and owner in self._enrolled:
            report = _one(tx.conn, discrepancy.c.key == key)
            self._post.put(tx, [owner], LETTER, report)

    def _mend(self, tx: Tx, report_id: str, by: str) -> Report | None:
        report = _one(tx.conn, discrepancy.c.id == report_id)
        if report is None or report.mended_at is not None:
            return report
        mended = Mended(key=report.key, at=iso(now()), by=by[:120])
        _set_mended(tx, discrepancy.c.key == mended.key, mended)
        if self._post is not None and not self._enrolled:
            self._post.put(tx, ["hub"], MENDED_LETTER, mended)
        return _one(tx.conn, discrepancy.c.id == report_id)


def reports(conn: Connection, owner: str | None, *, include_mended: bool) -> list[Report]:
    """:meth:`Discrepancies.of` on a connection."""
    query = sa.select(discrepancy).order_by(discrepancy.c.last_at.desc(), discrepancy.c.id).limit(SHOWN)
    if owner is not None:
        query = query.where(discrepancy.c.owner == owner)
    if not include_mended:
        query = query.where(discrepancy.c.mended_at.is_(None))
    return [_from_row(row) for row in conn.execute(query)]


def _key(fault: Fault, owner: str) -> str:
    """One fault of one owner: what it is and where (to about 10 m), not when or how large."""
    place = (None if fault.lat is None or fault.lon is None else (round(fault.lat, 4), round(fault.lon, 4)),)
    parts = (fault.source, fault.kind, owner, fault.codes, place, "" if fault.codes else fault.detail)
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def _report(fault: Fault, owner: str, moment: str) -> Report:
    return Report(
        id=new_id(),
        key=_key(fault, owner),
        source=fault.source,
        kind=fault.kind[:32],
        owner=owner[:16],
        codes=fault.codes[:50],
        detail=fault.detail.replace("\0", "")[:500],
        area_m2=fault.area_m2,
        lat=fault.lat,
        lon=fault.lon,
        first_at=moment,
        last_at=moment,
        times=1,
        mended_at=None,
        mended_by="",
    )


def _put(tx: Tx, report: Report, *, may_add: bool) -> bool:
    """Add a report, or count it once more; whether it is new or open again."""
    known = _one(tx.conn, discrepancy.c.key == report.key)
    if known is None:
        if may_add:
            row = msgspec.structs.asdict(report) | {"codes": msgspec.json.encode(report.codes).decode()}
            tx.execute(discrepancy.insert(), row)
        return may_add
    again = {
        "times": known.times + 1,
        "last_at": max(known.last_at, report.last_at),
        "area_m2": report.area_m2,
        "detail": report.detail,
        "mended_at": None,
        "mended_by": "",
    }
    tx.execute(discrepancy.update().where(discrepancy.c.key == report.key).values(**again))
    return known.mended_at is not None


def _set_mended(tx: Tx, which: sa.ColumnElement[bool], mended: Mended) -> None:
    tx.execute(discrepancy.update().where(which).values(mended_at=mended.at, mended_by=mended.by[:120]))


def _open_count(conn: Connection, owner: str) -> int:
    counted = sa.select(sa.func.count()).where(
        discrepancy.c.owner == owner, discrepancy.c.mended_at.is_(None)
    )
    return int(conn.execute(counted).scalar_one())


def _one(conn: Connection, which: sa.ColumnElement[bool]) -> Report | None:
    row = conn.execute(sa.select(discrepancy).where(which)).first()
    return None if row is None else _from_row(row)


def _from_row(row: sa.Row[tuple[object, ...]]) -> Report:
    fields = dict(row._mapping)
    return Report(**fields | {"codes": msgspec.json.decode(fields["codes"], type=tuple[str, ...])})

"""Exchange of mappings between servers (RFC 6739): only with known sources, each for its own area.

A source proves itself by the secret of its settings (``Authorization: Bearer``). What it pushes must carry
its own name and lie in the municipalities that are delegated to it; newer replaces older.
"""

import asyncio
import hmac
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import shapely
from lxml import etree
from msgspec import Struct
from shapely.geometry.base import BaseGeometry
from sqlalchemy.engine import Connection

from ansim.core import logs
from ansim.core.clock import iso, now, parse_iso
from ansim.core.database import Database, Tx
from ansim.distribution.lost import model, store, writing
from ansim.distribution.lost.model import ErrorKind, Fingerprint, LostError, PushedMapping
from ansim.distribution.lost.peers import ANSWER_LIMIT, Peers
from ansim.distribution.lost.reading_sync import read_mappings
from ansim.distribution.service import Distribution
from ansim.geo.polygons import polygonal
from ansim.geo.shapes import Shape

MOST_OF_A_SOURCE = 5_000
"""Mappings kept of one source."""
INSIDE = 0.95
"""Share of a pushed boundary that must lie in the area delegated to its source: maps differ by a little."""
_AHEAD = timedelta(days=1)
_NEVER = "9999-12-31T00:00:00.000Z"

_log = logs.get("lost")

Record = Callable[[Tx, str, str], None]
"""Writes into the ledger, in the transaction: the source, and what it did."""


class Held(Struct, frozen=True):
    """A mapping of another server, ready to be answered with."""

    name: Fingerprint
    service: str
    expires: str
    xml: bytes
    ground: BaseGeometry


class Sync:
    """The mappings of other servers on board, and the exchange of them.

    ``own``: the mappings this server answers for: (name and age, element).
    """

    def __init__(
        self,
        database: Database,
        distribution: Distribution,
        peers: Peers,
        *,
        source: str,
        own: Callable[[], Iterable[tuple[Fingerprint, bytes]]],
        record: Record,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._database = database
        self._distribution = distribution
        self._peers = peers
        self._source = source
        self._own = own
        self._record = record
        self._clock = clock
        self._held: tuple[Held, ...] = ()

    async def load(self) -> None:
        """Take the mappings in the database on board."""
        self._held = await self._database.read(_held)

    def who(self, authorization: str) -> str:
        """The source whose secret this is; raises *forbidden*."""
        scheme, _, given = authorization.partition(" ")
        found = ""
        for name, peer in self._peers.peers.items():
            same = hmac.compare_digest(given.strip().encode(), peer.secret.encode())
            if peer.secret and scheme.lower() == "bearer" and same:
                found = name
        if not found:
            raise LostError(ErrorKind.FORBIDDEN, "mappings are exchanged with known servers only")
        return found

    async def answer(self, request: model.GetMappings | model.PushMappings, authorization: str) -> bytes:
        """The answer to a request of another server. Raises LostError."""
        peer = self.who(authorization)
        if isinstance(request, model.GetMappings):
            return await asyncio.to_thread(self._get, request)
        missing = await self.take(peer, request.mappings)
        return _not_deleted(missing, self._source) if missing else _PUSHED

    def held(self, codes: Sequence[str], service: str, shape: Shape | None, now: datetime) -> list[bytes]:
        """Mappings of others that hold the place and are not over, for the service or its nearest parent."""
        if shape is None or not self._held:
            return []
        lat, lon = shape.center
        moment = iso(now)
        here = [
            one
            for one in self._held
            if one.expires > moment and bool(shapely.intersects_xy(one.ground, lon, lat))
        ]
        while service:
            found = [one.xml for one in here if one.service == service]
            if found:
                return found
            service = service.rpartition(".")[0]
        return []

    async def take(self, peer: str, mappings: Sequence[PushedMapping]) -> list[PushedMapping]:
        """Keep what ``peer`` pushed: all of it or, when one is refused, nothing.

        Returns the removals that had nothing to remove. Raises LostError.
        """
        for mapping in mappings:
            self._check(peer, mapping)
        received = iso(self._clock())

        def write(tx: Tx) -> list[PushedMapping]:
            missing = [
                one for one in mappings if one.removes and not store.present(tx, one.source, one.source_id)
            ]
            kept = sum(store.keep(tx, one, received) for one in mappings if one not in missing)
            if store.count(tx, peer) > MOST_OF_A_SOURCE:
                raise LostError(ErrorKind.FORBIDDEN, f"at most {MOST_OF_A_SOURCE} mappings of a source")
            if kept:
                self._record(tx, peer, f"LoST mappings: {kept} of {len(mappings)} kept")
            return missing

        missing = await self._database.write(write)
        await self.load()
        return missing

    async def pull(self, peer: str) -> int:
        """Fetch what is new at ``peer``; how many mappings came. Raises LostError."""
        known = [one.name for one in self._held if one.name.source == peer]
        answer = await self._peers.post(peer, _get_request(known), model.SYNC_MEDIA_TYPE)
        mappings = [one for one in read_mappings(answer, ANSWER_LIMIT) if one.source == peer]
        await self.take(peer, mappings)
        return len(mappings)

    async def push(self, peer: str) -> int:
        """Send this server's own mappings to ``peer``, one a message; how many. Raises LostError."""
        sent = 0
        for _, xml in self._own():
            body = writing.DECLARATION + _PUSH_HEAD + xml + b"</s:pushMappings>"
            answer = await self._peers.post(peer, body, model.SYNC_MEDIA_TYPE)
            if b"pushMappingsResponse" not in answer:
                raise LostError(ErrorKind.SERVER_ERROR, f"{peer} did not take a mapping")
            sent += 1
        return sent

    def _get(self, request: model.GetMappings) -> bytes:
        known = {(one.source, one.source_id): one.last_updated for one in request.exists}
        others = ((one.name, one.xml) for one in self._held)
        new = [
            xml
            for name, xml in (*self._own(), *others)
            if known.get((name.source, name.source_id), "") < name.last_updated
        ]
        return b"".join((writing.DECLARATION, _GOT_HEAD, *new, b"</s:getMappingsResponse>"))

    def _check(self, peer: str, mapping: PushedMapping) -> None:
        """Refuse what a source may not say."""
        if mapping.source != peer:
            raise LostError(ErrorKind.FORBIDDEN, f"{peer} may not speak for {mapping.source}")
        if parse_iso(mapping.last_updated) > self._clock() + _AHEAD:
            raise LostError(ErrorKind.BAD_REQUEST, f"{mapping.source_id} is from the future")
        if mapping.removes:
            return
        ground = _ground(mapping.boundary)
        if ground.is_empty:
            raise LostError(ErrorKind.BAD_REQUEST, f"{mapping.source_id} has no geodetic boundary by value")
        boundaries = self._distribution.boundaries
        own = [boundaries.geometry(code) for code in self._peers.peers[peer].codes if code in boundaries]
        inside = shapely.area(shapely.intersection(own, ground)).sum() if own else 0.0
        if inside < INSIDE * ground.area:
            raise LostError(ErrorKind.FORBIDDEN, f"{mapping.source_id} reaches beyond the area of {peer}")


def _ground(shapes: Sequence[Shape]) -> BaseGeometry:
    return polygonal(shapely.union_all([shape.to_polygon() for shape in shapes]))


def _held(conn: Connection) -> tuple[Held, ...]:
    held = []
    for name, service, expires, xml in store.everything(conn):
        try:
            [mapping] = read_mappings(_GOT_HEAD + xml + b"</s:getMappingsResponse>", ANSWER_LIMIT)
        except LostError as error:
            _log.error(
                "a stored mapping can't be read", source=name.source, id=name.source_id, reason=str(error)
            )
            continue
        ground = _ground(mapping.boundary)
        shapely.prepare(ground)
        held.append(Held(name, service, expires or _NEVER, xml, ground))
    return tuple(held)


def _get_request(known: Sequence[Fingerprint]) -> bytes:
    root = etree.Element(f"{{{model.SYNC}}}getMappingsRequest", nsmap={None: model.SYNC})
    if known:
        exists = etree.SubElement(root, f"{{{model.SYNC}}}exists")
        for one in known:
            print_ = etree.SubElement(exists, f"{{{model.SYNC}}}mapping-fingerprint")
            print_.set("source", one.source)
            print_.set("sourceId", one.source_id)
            print_.set("lastUpdated", one.last_updated)
    asked: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return asked


def _not_deleted(missing: Sequence[PushedMapping], source: str) -> bytes:
    """RFC 6739, section 4.2: what could not be removed is named."""
    error = LostError(ErrorKind.NOT_FOUND, "there was nothing to remove")
    named = "".join(
        f'<s:notDeleted source="{writing.token(one.source)}" sourceId="{writing.token(one.source_id)}"/>'
        for one in missing
    )
    extra = f'<s:list xmlns:s="{model.SYNC}">{named}</s:list>'.encode()
    return writing.errors(error, source=source, extra=extra)


_NAMES = f'xmlns="{model.LOST}" xmlns:s="{model.SYNC}" xmlns:gml="{model.GML}"'
_GOT_HEAD = f"<s:getMappingsResponse {_NAMES}>".encode()
_PUSH_HEAD = f"<s:pushMappings {_NAMES}>".encode()
_PUSHED = writing.DECLARATION + f'<pushMappingsResponse xmlns="{model.SYNC}"/>'.encode()

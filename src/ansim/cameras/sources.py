"""How the node reaches a camera: stream addresses and credentials, sealed at rest, never for a browser.

One row a camera holds everything that would let somebody else in: the addresses as well as user and
password, since a stream's address alone is enough on many closed networks. It is sealed under the node's own
key and bound to the camera's id. Only the node's own parts (video gateway, PTZ, speakers) ask for it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from ansim.cameras import store
from ansim.core.actors import Actor
from ansim.core.clock import iso, now
from ansim.core.database import Database, Tx, metadata
from ansim.core.sealing import Sealer
from ansim.ledger.service import Ledger

camera_connection = sa.Table(
    "camera_connection",
    metadata,
    sa.Column("camera", sa.String(32), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Column("by", sa.String(120), nullable=False),
)

CAMERA_KEY = "cameras"
"""The name of the key that seals them, among the node's secrets."""

SourceKind = Literal["rtsp", "mjpeg", "snapshot", "file", "synthetic"]

_SCHEMES: dict[str, frozenset[SourceKind]] = {
    "rtsp": frozenset({"rtsp"}),
    "rtsps": frozenset({"rtsp"}),
    "http": frozenset({"mjpeg", "snapshot"}),
    "https": frozenset({"mjpeg", "snapshot"}),
    "file": frozenset({"file"}),
    "synthetic": frozenset({"synthetic"}),
}
"""The schemes a stream may have, and the kinds of source they carry."""
_HTTP = frozenset({"http", "https"})
_LONGEST = 1_000
_AT_ONCE = 500


class CameraSource(Struct, frozen=True, kw_only=True):
    """How to reach one camera. Empty text is "none": a camera without PTZ has no ``onvif_url``.

    ``main_url`` is the full stream, ``sub_url`` a smaller one of the same picture, ``snapshot_url`` a still
    over HTTP, ``onvif_url`` the device service, ``speaker_url`` where a voice can be sent. Addresses hold no
    credentials: ``user`` and ``password`` are for all of them. Neither :func:`repr` nor a log shows a secret.
    """

    id: str
    name: str
    kind: SourceKind = "rtsp"
    main_url: str = ""
    sub_url: str = ""
    snapshot_url: str = ""
    user: str = ""
    password: str = ""
    onvif_url: str = ""
    speaker_url: str = ""

    def __repr__(self) -> str:
        return f"CameraSource(id={self.id!r}, kind={self.kind!r})"

    __str__ = __repr__

    def __rich_repr__(self) -> Any:
        yield "id", self.id
        yield "kind", self.kind


class _Sealed(Struct, kw_only=True):
    """What is sealed of a source; the camera's id and name are not secret."""

    kind: SourceKind = "rtsp"
    main_url: str = ""
    sub_url: str = ""
    snapshot_url: str = ""
    user: str = ""
    password: str = ""
    onvif_url: str = ""
    speaker_url: str = ""


_FIELDS = tuple(_Sealed.__struct_fields__)
_decode = msgspec.json.Decoder(_Sealed).decode
_encode = msgspec.json.encode


class SourceError(ValueError):
    """A source that cannot be one; ``field`` names what is wrong. The message never repeats a secret."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def checked(source: CameraSource) -> CameraSource:
    """The source with credentials taken out of its addresses into ``user`` and ``password``.

    Raises :class:`SourceError` for an address of a scheme its kind cannot have, credentials that differ
    between addresses, control characters, or nothing to reach the camera by.
    """
    values = {name: getattr(source, name).strip() for name in _FIELDS if name not in ("kind", "password")}
    values["password"] = source.password
    for name, value in values.items():
        if len(value) > _LONGEST:
            raise SourceError(name, f"longer than {_LONGEST} characters")
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
            raise SourceError(name, "control characters")
    for name in ("main_url", "sub_url", "snapshot_url", "onvif_url", "speaker_url"):
        values[name] = _address(name, values, source.kind)
    if not any(values[name] for name in ("main_url", "sub_url", "snapshot_url", "onvif_url")):
        raise SourceError("main_url", "no address at all")
    return msgspec.structs.replace(source, **values)


def _address(name: str, values: dict[str, str], kind: SourceKind) -> str:
    """One address without credentials; those found become the source's."""
    text = values[name]
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise SourceError(name, "not an address") from error
    if name in ("main_url", "sub_url"):
        if kind not in _SCHEMES.get(parts.scheme, frozenset()):
            raise SourceError(name, f"a {kind} source cannot have the scheme {parts.scheme[:20]!r}")
    elif parts.scheme not in (_HTTP | {"rtsp", "rtsps", "sip"} if name == "speaker_url" else _HTTP):
        raise SourceError(name, "must begin with http:// or https://")
    if parts.scheme not in ("file", "synthetic") and not host:
        raise SourceError(name, "names no host")
    if parts.username is None and parts.password is None:
        return text
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if (values["user"], values["password"]) not in (("", ""), (user, password)):
        raise SourceError(name, "other credentials than the other fields")
    values["user"], values["password"] = user, password
    netloc = f"[{host}]" if host and ":" in host else (host or "")
    return urlunsplit(parts._replace(netloc=netloc + (f":{port}" if port else "")))


class Connections:
    """The sealed sources of a node's cameras; every change of one leaves a row in the ledger."""

    def __init__(self, database: Database, sealer: Sealer, ledger: Ledger) -> None:
        self._database = database
        self._sealer = sealer
        self._ledger = ledger

    async def source(self, camera_id: str, name: str = "") -> CameraSource | None:
        """How to reach a camera; None when nothing is on record.

        Raises :class:`~ansim.core.sealing.SealBroken` when the row was made with another key.
        """
        found = await self._database.read(lambda conn: _rows(conn, [camera_id]))
        return self._open(camera_id, name, found[camera_id]) if camera_id in found else None

    async def connected(self, camera_ids: Sequence[str]) -> frozenset[str]:
        """Those of the cameras that have a source on record."""
        return await self._database.read(lambda conn: frozenset(_known(conn, camera_ids)))

    async def connect(self, sources: Sequence[CameraSource], by: Actor, why: str) -> int:
        """Keep sources, each in place of the camera's former one; returns how many differ from before.

        The caller has :func:`checked` them. One ledger row an import: who, how many, why.
        """
        wanted = {one.id: one for one in sources}

        def write(tx: Tx) -> int:
            there = _rows(tx.conn, list(wanted))
            new = [
                one
                for key, one in wanted.items()
                if key not in there or self._open(key, one.name, there[key]) != one
            ]
            _delete(tx, [one.id for one in new])
            stamp = iso(now())
            rows = [
                {
                    "camera": one.id,
                    "sealed": self._sealer.seal(_encode(_content(one)), _owner(one.id)),
                    "at": stamp,
                    "by": by.name,
                }
                for one in new
            ]
            if rows:
                tx.execute(sa.insert(camera_connection), rows)
                store.mark_changed(tx)
                what = f"camera {rows[0]['camera']} connection" if len(rows) == 1 else ""
                what = what or f"connections of {len(rows)} cameras"
                self._ledger.record(tx, actor=by, action="admin", what=what, why=why)
            return len(rows)

        return await self._database.write(write)

    async def disconnect(self, camera_ids: Sequence[str], by: Actor, why: str) -> int:
        """Forget how cameras are reached; returns how many were known."""

        def write(tx: Tx) -> int:
            gone = _delete(tx, camera_ids)
            if gone:
                store.mark_changed(tx)
                what = f"connections of {gone} cameras removed"
                self._ledger.record(tx, actor=by, action="admin", what=what, why=why)
            return gone

        return await self._database.write(write)

    def _open(self, camera_id: str, name: str, sealed: bytes) -> CameraSource:
        content = _decode(self._sealer.open(sealed, _owner(camera_id)))
        return CameraSource(id=camera_id, name=name, **msgspec.structs.asdict(content))


def all_connected(conn: Connection) -> list[str]:
    """Ids of all cameras that have a source on record."""
    return list(conn.execute(sa.select(camera_connection.c.camera)).scalars())


def _content(source: CameraSource) -> _Sealed:
    return _Sealed(**{name: getattr(source, name) for name in _FIELDS})


def _owner(camera_id: str) -> str:
    return f"camera/{camera_id}"


def _rows(conn: Connection, ids: Sequence[str]) -> Mapping[str, bytes]:
    columns = camera_connection.c
    found: dict[str, bytes] = {}
    for part in _parts(ids):
        query = sa.select(columns.camera, columns.sealed).where(columns.camera.in_(part))
        found |= {row.camera: bytes(row.sealed) for row in conn.execute(query)}
    return found


def _known(conn: Connection, ids: Sequence[str]) -> list[str]:
    columns = camera_connection.c
    return [
        key
        for part in _parts(ids)
        for key in conn.execute(sa.select(columns.camera).where(columns.camera.in_(part))).scalars()
    ]


def _delete(tx: Tx, ids: Sequence[str]) -> int:
    columns = camera_connection.c
    return sum(
        tx.execute(sa.delete(camera_connection).where(columns.camera.in_(part))).rowcount
        for part in _parts(ids)
    )


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]

"""Recording one camera for one incident, as it comes.

A piece begins with a key frame. It is sealed and flushed to the medium before it is listed: what the timeline
and the player name can be read, also after a power cut in between.
"""

import asyncio
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from ansim.core.actors import system
from ansim.core.clock import iso, now
from ansim.core.database import Database, Tx
from ansim.core.ids import new_id
from ansim.core.sealing import Sealer
from ansim.incidents import events as ev
from ansim.incidents import store as incidents
from ansim.incidents.journal import Journal
from ansim.ledger.service import Ledger
from ansim.video.evidence import store
from ansim.video.evidence.keys import FootageKeys
from ansim.video.evidence.model import GENESIS, Recording, Segment, Wanted, digest, linked
from ansim.video.evidence.vault import Vault
from ansim.video.model import Fragment, Init, Message
from ansim.video.viewing import Viewer

PIECE_S = 2.0
"""A piece is closed at the first key frame after this, or at once where every frame is one."""
PIECE_MOST_S = 10.0
"""A camera whose key frames are farther apart is cut all the same; seeking then goes to the piece before."""
_PIECE_MOST_BYTES = 16 * 1024 * 1024

_WHY: dict[Wanted, str] = {"watched": "관제가 보는 카메라", "best": "신고자를 볼 가능성이 큰 카메라"}


class Parts(Struct, frozen=True):
    """What every recorder of a node uses."""

    database: Database
    journal: Journal
    ledger: Ledger
    keys: FootageKeys
    vault: Vault
    code: str
    written: Callable[[int], None]
    """Called with the bytes of each piece that was listed."""


class Recorder:
    """One camera for one incident; ``run`` returns after ``stop`` or when the camera's stream has ended."""

    def __init__(
        self, parts: Parts, tap: Viewer, incident: str, camera: str, name: str, wanted: Wanted
    ) -> None:
        self._parts = parts
        self._tap = tap
        self._incident = incident
        self._camera = camera
        self._name = name
        self._wanted = wanted
        self.id = new_id()
        self._sealer: Sealer | None = None
        self._number = 0
        self._chain = GENESIS
        self._init: Init | None = None
        self._piece: list[Fragment] = []
        self._from_s = 0.0
        self._bytes = 0

    def stop(self) -> None:
        """Record what has come, and no more."""
        self._tap.close()

    async def run(self) -> None:
        """Record until the tap ends; whatever happens, the recording is then ended."""
        try:
            async with self._tap as tap:
                async for message in tap:
                    await self._take(message)
                await self._flush()
        finally:
            if self._number:
                await end(self._parts, self.id)

    async def _take(self, message: Message) -> None:
        if isinstance(message, Init):
            await self._flush()
            self._init = message
            self._from_s = 0.0
            if message.kind == "mp4":
                await self._keep("init", message.data, 0.0, 0.0, now().timestamp())
            return
        if not isinstance(message, Fragment) or self._init is None:
            return
        if self._piece and self._full(message):
            await self._flush()
        if not self._piece and self._number <= 1:
            self._from_s = message.media_s
        self._piece.append(message)
        self._bytes += len(message.data)

    def _full(self, following: Fragment) -> bool:
        lasted = following.media_s - self._from_s
        if following.key and lasted >= PIECE_S:
            return True
        return lasted >= PIECE_MOST_S or self._bytes >= _PIECE_MOST_BYTES

    async def _flush(self) -> None:
        if not self._piece or self._init is None:
            return
        piece, self._piece, self._bytes = self._piece, [], 0
        last = piece[-1]
        data = b"".join(fragment.data for fragment in piece)
        await self._keep(self._init.kind, data, self._from_s, last.media_s, last.at)
        self._from_s = last.media_s

    async def _keep(
        self, kind: Literal["init", "mp4", "jpeg"], data: bytes, from_s: float, until_s: float, at: float
    ) -> None:
        parts = self._parts
        assert self._init is not None
        if self._sealer is None:
            self._sealer = await parts.database.write(lambda tx: parts.keys.make(tx, self._incident))
        number, sha256 = self._number, await asyncio.to_thread(digest, data)
        await asyncio.to_thread(parts.vault.write, self._sealer, self._incident, self.id, number, data)
        segment = Segment(
            recording=self.id,
            number=number,
            kind=kind,
            mime=self._init.mime,
            from_s=from_s,
            until_s=until_s,
            at=at,
            bytes=len(data),
            sha256=sha256,
            chain=linked(self._chain, sha256),
        )

        def write(tx: Tx) -> None:
            if number == 0:
                self._begin(tx)
            store.add_segment(tx, segment)

        await parts.database.write(write)
        self._number, self._chain = number + 1, segment.chain
        parts.written(segment.bytes)

    def _begin(self, tx: Tx) -> None:
        """With the first piece: the recording, its ledger row, and its place on the timeline."""
        parts = self._parts
        recording = Recording(
            id=self.id,
            incident=self._incident,
            camera=self._camera,
            camera_name=self._name,
            started_at=iso(now()),
        )
        store.insert_recording(tx, recording)
        incident = incidents.load(tx.conn, self._incident)
        person = incident.armed.person if incident is not None and incident.armed is not None else None
        parts.ledger.record(
            tx,
            actor=system(parts.code),
            action="use",
            subject=person.id if person is not None else "",
            incident=self._incident,
            what=f"카메라 녹화: {self._name}",
            why=_WHY[self._wanted],
        )
        _tell(parts, tx, recording, "started")


async def end(parts: Parts, recording_id: str) -> None:
    """End a recording that may still be open, with its place on the timeline."""

    def write(tx: Tx) -> None:
        ended = store.end_recording(tx, recording_id, iso(now()))
        if ended is not None:
            _tell(parts, tx, ended, "ended")

    await parts.database.write(write)


def _tell(parts: Parts, tx: Tx, recording: Recording, state: Literal["started", "ended"]) -> None:
    event = ev.Footage(
        recording=recording.id,
        camera=recording.camera,
        name=recording.camera_name,
        code=parts.code,
        state=state,
        segments=recording.segments,
        head=recording.head if state == "ended" else "",
    )
    parts.journal.record(tx, recording.incident, [(event, system(parts.code))])

"""Footage taken out: a zip of playable files and a manifest of hashes, written while it is sent."""

import io
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

from ansim.core.clock import iso, now
from ansim.video.evidence.model import Segment, digest
from ansim.video.evidence.service import Footage

MANIFEST = "manifest.json"
_README = (
    "Each file is one recording, its pieces one after the other as the camera sent them\n"
    "(H.264/H.265 in fragmented MP4, or JPEG pictures). manifest.json lists every piece with\n"
    "its SHA-256, and the chain: chain(n) is the SHA-256 of the text chain(n-1) + sha256(n),\n"
    "from 64 zeros on. The chain's head stands in the incident's timeline, which center and\n"
    "hub both keep.\n"
)


class _Outlet(io.RawIOBase):
    """A file that can only be written to and hands on what came."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._data += piece
        self._at += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._at

    def take(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data


async def package(
    incident: str, footage: Footage, read: Callable[[str, Segment], Awaitable[bytes]], *, by: str, reason: str
) -> AsyncIterator[bytes]:
    """The bytes of the zip; one piece at a time is in memory. Raises ValueError for one that was changed."""
    outlet = _Outlet()
    listed = []
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as archive:
        for number, recording in enumerate(footage.recordings, 1):
            pieces = footage.segments[recording.id]
            kind = "jpegs" if any(one.kind == "jpeg" for one in pieces) else "mp4"
            name = f"{number:02d}-{recording.camera}.{kind}"
            with archive.open(name, "w", force_zip64=True) as file:
                for piece in pieces:
                    data = await read(incident, piece)
                    if digest(data) != piece.sha256:
                        raise ValueError(f"piece {piece.number} of {recording.id} was changed")
                    file.write(data)
                    yield outlet.take()
            listed.append({"file": name, "recording": recording, "segments": pieces})
        manifest = {
            "incident": incident,
            "exported_at": iso(now()),
            "exported_by": by,
            "reason": reason,
            "clock": "Unix seconds of the center; `at` is when the frame at `until_s` arrived",
            "recordings": listed,
        }
        archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        archive.writestr("README.txt", _README)
    yield outlet.take()

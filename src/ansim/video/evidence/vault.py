"""Sealed pieces of footage on disk: written whole, flushed to the medium, then named."""

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

from ansim.core.sealing import Sealer
from ansim.video.evidence.model import place

LEAST_FREE_BYTES = 512 * 1024 * 1024
"""Recording stops while the disk has less than this: the database beside it must go on writing."""


class DiskFull(Exception):
    """There is no room for footage."""


class Vault:
    """A folder with one folder an incident. All methods block: call them in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, sealer: Sealer, incident: str, recording: str, number: int, data: bytes) -> None:
        """Seal a piece and put it on the medium; returns when it would survive a power cut."""
        folder = self._home(incident) / recording
        if not folder.is_dir():
            folder.mkdir(parents=True, mode=0o700)
            _flush(folder.parent)
            _flush(self._folder)
        if shutil.disk_usage(folder).free < LEAST_FREE_BYTES:
            raise DiskFull(str(self._folder))
        path = _file(folder, number)
        draft = path.with_suffix(".part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealer.seal(data, place(incident, recording, number)))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        _flush(folder)

    def read(self, sealer: Sealer, incident: str, recording: str, number: int) -> bytes:
        """A piece in plain. Raises FileNotFoundError, and SealBroken when it was changed or moved."""
        path = _file(self._home(incident) / recording, number)
        return sealer.open(path.read_bytes(), place(incident, recording, number))

    def remove(self, incident: str) -> None:
        """Take an incident's sealed pieces off the disk; harmless when there are none."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._home(incident))

    def _home(self, incident: str) -> Path:
        """Named by a hash: an incident's id came over the wire and must not walk about the disk."""
        return self._folder / hashlib.sha256(incident.encode()).hexdigest()[:32]


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.sealed"


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

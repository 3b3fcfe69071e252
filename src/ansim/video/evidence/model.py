"""Footage as evidence: what a recording is, how its pieces are chained, and who may see it. Pure."""

import hashlib
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from ansim.incidents.lifecycle import State
from ansim.incidents.model import Incident

GENESIS = "0" * 64
"""What stands for the chain before a recording's first piece."""

Wanted = Literal["watched", "best"]
"""Why a camera is recorded: somebody looks through it, or it most likely sees her."""


class Recording(Struct, frozen=True, kw_only=True):
    """One camera recorded for one incident. Times are ISO-8601, ``ended_at`` empty while it goes on.

    ``head`` is the end of the chain over its ``segments`` pieces.
    """

    id: str
    incident: str
    camera: str
    camera_name: str
    started_at: str
    ended_at: str = ""
    segments: int = 0
    head: str = GENESIS
    bytes: int = 0


class Segment(Struct, frozen=True, kw_only=True):
    """One piece of a recording, numbered from 0 without gaps.

    ``kind`` is ``init`` (how to read what follows, ISO/IEC 14496-12 §8.16), ``mp4`` (moof + mdat from a key
    frame on) or ``jpeg`` (pictures one after the other). Media times are seconds since the initialization;
    ``at`` is the center's clock (Unix seconds) when the frame at ``until_s`` arrived: every camera is put on
    that one clock. ``sha256`` is of the plain bytes; ``chain`` covers all pieces up to this one.
    """

    recording: str
    number: int
    kind: Literal["init", "mp4", "jpeg"]
    mime: str
    from_s: float
    until_s: float
    at: float
    bytes: int
    sha256: str
    chain: str


class Hold(Struct, frozen=True, kw_only=True):
    """Footage that must not be destroyed before ``until`` (ISO-8601), and why."""

    incident: str
    reason: str
    until: str
    by: str
    at: str


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def linked(before: str, sha256: str) -> str:
    """The chain after a piece: SHA-256 over the chain before it and the piece's own hash, both as text."""
    return hashlib.sha256(f"{before}{sha256}".encode()).hexdigest()


def broken_at(segments: Iterable[Segment], head: str) -> int | None:
    """The number of the first piece that does not fit its chain; None when all do and end in ``head``."""
    chain, expected = GENESIS, 0
    for segment in segments:
        chain = linked(chain, segment.sha256)
        if segment.number != expected or segment.chain != chain:
            return expected
        expected += 1
    return None if chain == head else expected


def place(incident: str, recording: str, number: int) -> str:
    """What a sealed piece belongs to: authenticated with it, so that no piece can stand for another."""
    return f"footage/{incident}/{recording}/{number}"


def to_record(incident: Incident, center: str) -> bool:
    """Whether ``center`` records cameras for the incident now: alarmed, open, its own, and no exercise.

    An exercise films nobody: the people in the street have called for nothing.
    """
    alarmed = incident.open and incident.state is not State.ARMED
    owned = incident.owner is not None and incident.owner.code == center
    return alarmed and owned and not incident.exercise

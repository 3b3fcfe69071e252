"""The tamper-evident record: rows chained by SHA-256, heads signed with Ed25519. Pure.

A row's hash covers everything in it and the hash of the row before it, so no row can be changed, taken out,
put in or moved without breaking the chain there. Whoever rewrites the chain to its end breaks a signed head.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ansim.core.actors import ActorKind

Action = Literal[
    "view", "provide", "use", "export", "destroy", "refuse", "end", "sign_in", "sign_in_failed", "admin"
]
"""``view``: somebody looked; ``provide``: data went to another party; ``use``: the node worked with it;
``refuse``: somebody wanted to look and may not; ``end``: a look was ended."""

GENESIS = "0" * 64
"""What stands for the hash before the first row."""

Fault = Literal["edited", "removed", "inserted", "reordered", "broken", "rewritten", "truncated", "forged"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row. ``seq`` counts from 1 without gaps; ``at`` is ISO-8601 UTC; hashes are lower-case hexadecimal.

    ``node`` is where the actor stood, ``subject`` the person whose data it was (her id, or empty), ``what``
    the data or thing, ``why`` the reason, ``source`` the network address.
    """

    seq: int
    at: str
    node: str
    actor_kind: ActorKind
    actor_id: str
    actor_name: str
    action: Action
    subject: str
    incident: str
    what: str
    why: str
    source: str
    prev: str
    hash: str


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A signed statement that the row ``seq`` had this hash at this time; ``signature`` is hexadecimal."""

    seq: int
    hash: str
    at: str
    signature: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found: ``rows`` were read, the chain is vouched for by signature up to ``signed``.

    When it is broken, ``row`` is the first row that cannot be trusted and ``fault`` what happened there.
    """

    rows: int
    signed: int
    row: int | None = None
    fault: Fault | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing was tampered with."""
        return self.fault is None

    def sentence(self) -> str:
        """The verdict for people."""
        if self.fault is None or self.row is None:
            unsigned = self.rows - self.signed
            rest = f"; the last {unsigned} are not signed yet" if unsigned else ""
            return f"The ledger is whole: {self.rows} rows{rest}."
        return _SENTENCES[self.fault].format(row=self.row)


_SENTENCES: dict[Fault, str] = {
    "edited": "Row {row} was edited after it was written.",
    "removed": "Row {row} was removed.",
    "inserted": "Row {row} was inserted: it does not belong between its neighbours.",
    "reordered": "Row {row} is not in its place: rows were swapped or renumbered.",
    "broken": "The chain breaks at row {row}: it or the row before it was rewritten, moved or removed.",
    "rewritten": "Row {row} or a later one was rewritten together with the chain: the signed head disagrees.",
    "truncated": "Row {row} is missing: the ledger was cut off before its last signed head.",
    "forged": "The signed head at row {row} was not signed with this ledger's key.",
}


def digest(entry: Entry) -> str:
    """The hash a row must carry: SHA-256 of its canonical bytes."""
    return hashlib.sha256(canonical(entry)).hexdigest()


def canonical(entry: Entry) -> bytes:
    """Canonical JSON (RFC 8785) of everything in the row but ``hash`` and ``seq``.

    ``seq`` is left out because it is the row's place in the chain, which the chain itself proves.
    """
    fields = {name: getattr(entry, name) for name in entry.__struct_fields__ if name not in ("hash", "seq")}
    # A tampered database may hold anything: what is no JSON must fail the comparison, not the check.
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=repr)
    return text.encode("utf-8", "backslashreplace")


def sealed(entry: Entry) -> Entry:
    """The row with its own hash."""
    return msgspec.structs.replace(entry, hash=digest(entry))


def sign(seq: int, row_hash: str, at: str, key: Ed25519PrivateKey) -> Head:
    """Sign the chain up to the row ``seq``, which carries ``row_hash``, at the time ``at``."""
    return Head(seq=seq, hash=row_hash, at=at, signature=key.sign(_statement(seq, row_hash, at)).hex())


def _statement(seq: int, row_hash: str, at: str) -> bytes:
    fields = {"seq": seq, "hash": row_hash, "at": at}
    return b"ansim ledger head 1\n" + json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def verify(entries: Iterable[Entry], heads: Iterable[Head], key: Ed25519PublicKey) -> Verdict:
    """Check a whole ledger, rows and heads in the order of their numbers; stops at the first fault."""
    signed, count, before = 0, 0, GENESIS
    waiting = iter(sorted(heads, key=lambda head: head.seq))
    head = next(waiting, None)
    rows = iter(entries)
    for entry in rows:
        fault = _fault(entry, count + 1, before, rows)
        if fault is not None:
            return Verdict(rows=count, signed=signed, row=count + 1, fault=fault)
        count, before = entry.seq, entry.hash
        while head is not None and head.seq <= count:
            if not _is_ours(head, key):
                return Verdict(rows=count, signed=signed, row=head.seq, fault="forged")
            if head.hash != before:
                return Verdict(rows=count, signed=signed, row=signed + 1, fault="rewritten")
            signed = count
            head = next(waiting, None)
    if head is None:
        return Verdict(rows=count, signed=signed)
    if not _is_ours(head, key):
        return Verdict(rows=count, signed=signed, row=head.seq, fault="forged")
    return Verdict(rows=count, signed=signed, row=count + 1, fault="truncated")


def _fault(entry: Entry, place: int, before: str, following: Iterator[Entry]) -> Fault | None:
    """What is wrong with the row that stands at ``place`` after the row whose hash is ``before``."""
    if entry.seq != place:
        return "removed" if entry.seq > place and entry.prev != before else "reordered"
    if digest(entry) != entry.hash:
        return "edited"
    if entry.prev == before:
        return None
    after = next(following, None)
    if after is not None and after.prev == before:
        # The next row takes up the chain: this one is too many, or the two changed places.
        return "reordered" if entry.prev == after.hash else "inserted"
    return "broken"


def _is_ours(head: Head, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(bytes.fromhex(head.signature), _statement(head.seq, head.hash, head.at))
    except (InvalidSignature, ValueError):
        return False
    return True

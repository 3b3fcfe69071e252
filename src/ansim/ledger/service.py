"""Keeping the ledger: every use of location or video writes a row in the transaction of the use itself."""

from collections.abc import Callable
from typing import TypedDict

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.engine import Connection

from ansim.core.actors import Actor
from ansim.core.clock import iso, now
from ansim.core.database import Tx
from ansim.ledger import store
from ansim.ledger.model import Action, Entry, Head, sealed, sign

_LONGEST = 500
_LOOKS_LIMIT = 500
_LOOKS: tuple[Action, ...] = ("view", "provide", "use", "export")

HeadHook = Callable[[Tx, Head], None]
"""Called with each new head in its transaction, to send it where this node's administrator cannot reach."""


class Look(TypedDict):
    """One line of "who looked at me": ``center`` is the code of the node the looker stood at."""

    at: str
    who: str
    center: str
    what: str
    why: str
    incident: str


class Ledger:
    """The ledger of one node. Stateless: what is true is in the database."""

    def __init__(self, node: str, key: Ed25519PrivateKey, *, on_head: HeadHook | None = None) -> None:
        self.node = node
        self._key = key
        self._on_head = on_head

    def record(
        self,
        tx: Tx,
        *,
        actor: Actor,
        action: Action,
        subject: str = "",
        incident: str = "",
        what: str,
        why: str,
        source: str = "",
        node: str = "",
    ) -> None:
        """Add a row with the fact it tells of.

        ``subject`` is the id of the person whose data it was, ``source`` the client's address, ``node`` the
        node the actor stood at when that is not this one. Long texts are cut at 500 characters.
        """
        seq, before = store.last(tx)
        entry = Entry(
            seq=seq + 1,
            at=iso(now()),
            node=node or self.node,
            actor_kind=actor.kind,
            actor_id=_clean(actor.id),
            actor_name=_clean(actor.name),
            action=action,
            subject=subject,
            incident=incident,
            what=_clean(what),
            why=_clean(why),
            source=_clean(source),
            prev=before,
            hash="",
        )
        store.insert(tx, sealed(entry))

    def record_once(
        self,
        tx: Tx,
        *,
        session: str,
        actor: Actor,
        action: Action,
        subject: str = "",
        incident: str,
        what: str,
        why: str,
        source: str = "",
        node: str = "",
    ) -> bool:
        """``record``, but once per (session, incident, what): a screen that re-opens is still one look.

        Returns whether a row was added.
        """
        if not store.first_time(tx, (session, incident, what)):
            return False
        self.record(
            tx,
            actor=actor,
            action=action,
            subject=subject,
            incident=incident,
            what=what,
            why=why,
            source=source,
            node=node,
        )
        return True

    def sign_head(self, tx: Tx) -> Head | None:
        """Sign the newest row unless it is signed; returns the new head."""
        seq, row_hash = store.last(tx)
        if seq <= store.last_head(tx.conn):
            return None
        head = sign(seq, row_hash, iso(now()), self._key)
        store.insert_head(tx, head)
        if self._on_head is not None:
            self._on_head(tx, head)
        return head

    def unsigned(self, conn: Connection) -> int:
        """How many rows no signed head covers yet."""
        return store.last_seq(conn) - store.last_head(conn)


def looks(conn: Connection, person_id: str) -> list[Look]:
    """Who looked at or was given a person's data, newest first, at most 500."""
    return [
        Look(
            at=entry.at,
            who=entry.actor_name,
            center=entry.node,
            what=entry.what,
            why=entry.why,
            incident=entry.incident,
        )
        for entry in store.about(conn, person_id, _LOOKS, _LOOKS_LIMIT)
    ]


def _clean(text: str) -> str:
    """What every database can hold and UTF-8 can spell: no NUL, no lone surrogates, not endless."""
    return text[:_LONGEST].replace("\0", "\ufffd").encode("utf-8", "replace").decode()

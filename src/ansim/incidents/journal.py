"""Writing to incidents: the event, its consequences by rule, the screens, and the other nodes, in one
transaction.

Everything that changes an incident goes through here, whether it was decided on this node or told by another.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from ansim.core.bus import Letter
from ansim.core.clock import HybridClock, hlc_after
from ansim.core.database import Tx
from ansim.core.feed import Feed
from ansim.core.ids import new_id
from ansim.core.outbox import Outbox
from ansim.incidents import events as ev
from ansim.incidents import store
from ansim.incidents.fold import fold
from ansim.incidents.model import Incident
from ansim.incidents.positions import Position
from ansim.incidents.reactions import Write
from ansim.incidents.view import role, view

EVENTS = "events"
POSITIONS = "positions"


class PositionsBody(msgspec.Struct, frozen=True):
    """The body of a ``positions`` letter."""

    incident: str
    positions: list[Position]


_decode_positions = msgspec.json.Decoder(PositionsBody).decode
_encode = msgspec.json.encode


class Journal:
    """The one way to write to incidents on a node.

    ``enrolled`` are the centers that letters can go to (empty on a center, which writes to the hub).
    ``react`` is the node's rule (reactions.py). ``on_party`` runs in the transaction when a center is first
    given an incident; ``listeners`` run after the commit.
    """

    def __init__(
        self,
        *,
        node: str,
        is_hub: bool,
        clock: HybridClock,
        feed: Feed,
        outbox: Outbox,
        enrolled: Iterable[str] = (),
        react: Callable[[str, Incident], list[Write]],
        on_party: Callable[[Tx, Incident, str], None] | None = None,
    ) -> None:
        self.node = node
        self._is_hub = is_hub
        self._clock = clock
        self._feed = feed
        self._outbox = outbox
        self._enrolled = frozenset(enrolled)
        self._react = react
        self._on_party = on_party
        self.listeners: list[Callable[[Incident], None]] = []
        self.position_listeners: list[Callable[[Incident, list[Position]], None]] = []

    def record(
        self, tx: Tx, incident_id: str, writes: Sequence[Write], *, known: list[ev.Event] | None = None
    ) -> Incident:
        """Write events decided here. ``known`` are the incident's events where the caller has loaded them."""
        before = store.events_of(tx.conn, incident_id) if known is None else known
        made = self._make(incident_id, writes, before)
        store.insert_events(tx, made)
        return self._settle(tx, before, made, sender=None)

    def receive(self, tx: Tx, letter: Letter) -> None:
        """Take events from another node; those known already change nothing.

        Raises ValueError at the hub when a center tells events that are not its own.
        """
        events = ev.decode_many(letter.body)
        if self._is_hub and any(event.node != letter.node for event in events):
            raise ValueError(f"{letter.node} tells events under another node's name")
        for incident_id in dict.fromkeys(event.incident for event in events):
            told = [event for event in events if event.incident == incident_id]
            before = store.events_of(tx.conn, incident_id)
            new = store.insert_foreign(tx, told)
            if not new:
                continue
            for event in new:
                self._clock.observe(event.at)
            self._settle(tx, before, new, sender=letter.node)

    def record_positions(self, tx: Tx, incident_id: str, positions: Iterable[Position]) -> list[Position]:
        """Write positions reported here; returns those that were new."""
        return self._positions(tx, incident_id, positions, sender=None)

    def receive_positions(self, tx: Tx, letter: Letter) -> None:
        """Take positions from another node."""
        body = _decode_positions(letter.body)
        self._positions(tx, body.incident, body.positions, sender=letter.node)

    def _make(self, incident_id: str, writes: Sequence[Write], known: Sequence[ev.Event]) -> list[ev.Event]:
        """Events stamped so that the fold takes them as what comes next.

        The clock does not follow another's that is far ahead, so some of what is known may lie in its
        future. Where the clock's own time would then make an answer (or a question) superseded, which would
        be answered again without end, the new events are stamped after everything known. Elsewhere the
        clock's own time stands: the ladder counts its seconds from it.
        """
        made = [
            ev.Event(
                id=new_id(),
                incident=incident_id,
                at=self._clock.tick(),
                node=self.node,
                actor=actor,
                data=data,
            )
            for data, actor in writes
        ]
        last = max((event.at for event in known), default="")
        if not made or made[0].at > last or fold([*known, *made]).superseded == fold(known).superseded:
            return made
        late = []
        for event in made:
            last = hlc_after(last)
            late.append(msgspec.structs.replace(event, at=last))
        return late

    def _settle(self, tx: Tx, before: list[ev.Event], new: list[ev.Event], sender: str | None) -> Incident:
        """React until quiet, then tell the index, the screens and the other nodes."""
        events = [*before, *new]
        incident = fold(events)
        made: list[ev.Event] = []
        while writes := self._react(self.node, incident):
            step = self._make(incident.id, writes, events)
            store.insert_events(tx, step)
            made += step
            events += step
            incident = fold(events)
            if step[-1].id in incident.superseded:  # asked again it would say the same, for ever
                raise ValueError(f"no stamp is left after those of incident {incident.id}")
        store.save_index(tx, incident)
        self._show(tx, incident, [*new, *made])
        if not before and (early := store.track(tx.conn, incident.id)):
            self._show_positions(tx, incident, early)
        self._tell(tx, incident, before, new, made, sender)
        tx.on_commit(lambda: self._notify(incident))
        return incident

    def _show(self, tx: Tx, incident: Incident, new: list[ev.Event]) -> None:
        shown = _encode(view(incident, store.newest_position(tx.conn, incident.id)))
        head = b'{"kind":"event","incident":' + _encode(incident.id) + b',"event":'
        for event in new:
            payload = head + _encode(ev.entry(event)) + b',"view":' + shown + b"}"
            self._feed.append(tx, incident.id, payload)

    def _show_positions(self, tx: Tx, incident: Incident, new: list[Position]) -> None:
        shown = _encode(view(incident, store.newest_position(tx.conn, incident.id)))
        head = b'{"kind":"positions","incident":' + _encode(incident.id) + b',"positions":'
        self._feed.append(tx, incident.id, head + _encode(new) + b',"view":' + shown + b"}")

    def _tell(
        self,
        tx: Tx,
        incident: Incident,
        before: list[ev.Event],
        new: list[ev.Event],
        made: list[ev.Event],
        sender: str | None,
    ) -> None:
        if not self._is_hub:
            if own := made if sender else [*new, *made]:
                self._outbox.put(tx, ["hub"], EVENTS, own)
            return
        had = self._reachable(fold(before)) if before else set()
        now = self._reachable(incident)
        old_parties = sorted(had & now)
        if sender in old_parties:
            self._outbox.put(tx, [code for code in old_parties if code != sender], EVENTS, [*new, *made])
            if made:
                self._outbox.put(tx, [str(sender)], EVENTS, made)
        else:
            self._outbox.put(tx, old_parties, EVENTS, [*new, *made])
        if joining := sorted(now - had):
            self._outbox.put(tx, joining, EVENTS, [*before, *new, *made])
            self._tell_track(tx, incident, joining)
            if self._on_party is not None:
                for code in joining:
                    self._on_party(tx, incident, code)

        if before and (again := sorted(set(fold(before).aided) & set(incident.aid) & now)):
            self._tell_track(tx, incident, again)  # it was not told where she went meanwhile

    def _tell_track(self, tx: Tx, incident: Incident, codes: list[str]) -> None:
        if track := store.track(tx.conn, incident.id):
            self._outbox.put(tx, codes, POSITIONS, PositionsBody(incident.id, track))

    def _reachable(self, incident: Incident) -> set[str]:
        return set(incident.parties) & self._enrolled

    def _positions(
        self, tx: Tx, incident_id: str, positions: Iterable[Position], sender: str | None
    ) -> list[Position]:
        new = store.insert_positions(tx, incident_id, positions)
        incident = store.load(tx.conn, incident_id) if new else None
        if incident is None:  # before its first event: kept, shown as soon as the incident is known
            return new
        self._show_positions(tx, incident, new)
        if self._is_hub:
            gone = {code for code in incident.aided if role(incident, code) == "aided"}
            parties = [code for code in sorted(self._reachable(incident) - gone) if code != sender]
            self._outbox.put(tx, parties, POSITIONS, PositionsBody(incident_id, new))
        tx.on_commit(lambda: self._notify_positions(incident, new))
        return new

    def _notify(self, incident: Incident) -> None:
        for listener in self.listeners:
            listener(incident)

    def _notify_positions(self, incident: Incident, new: list[Position]) -> None:
        for listener in self.position_listeners:
            listener(incident, new)

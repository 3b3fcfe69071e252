"""Use cases of a journey: begin, report, answer, end, and what the clock brings. Runs on the hub.

The watch decides in memory, the database is told in one transaction (fixes, steps, the watch's own progress,
and the incident where the alarm was raised), and only then is anybody answered. When that transaction fails,
the journeys it concerned are taken up again from what is on disk, so nothing is believed that is not kept.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
from sqlalchemy.engine import Connection

from ansim.core import logs
from ansim.core.database import Database, Tx
from ansim.core.feed import Feed
from ansim.core.ids import new_id, new_secret
from ansim.core.problems import Problem, not_found
from ansim.journeys import store
from ansim.journeys.eta import expected_s, usual_s
from ansim.journeys.fleet import Fleet, Times
from ansim.journeys.model import DEFAULT_POLICY, ENDS, Concern, Fix, IllegalStep, Plan, Policy, Spot, State
from ansim.journeys.store import Journey
from ansim.journeys.view import view
from ansim.journeys.watch import Step, Watch
from ansim.journeys.wire import as_array

_log = logs.get("journeys")
_REMEMBERED = 20
_FOLLOWED_S = 86_400.0
_TAKEN_UP = 5_000


class Alarm(Protocol):
    """How an incident is made of a journey, within the journey's own transaction."""

    def raise_for(self, tx: Tx, one: Journey, track: Sequence[Fix], *, duress: bool) -> str:
        """Make the incident, with the way she came; returns its id. The same journey gives the same one."""
        ...

    def follow(self, tx: Tx, incident: str, fixes: Sequence[Fix]) -> None:
        """Where she is since then."""
        ...


Tell = Callable[[Tx, Journey, Step], None]
"""Told of every step in its transaction: guardians, the center."""


class Heard(NamedTuple):
    """Fixes of one journey, received at ``received`` (epoch seconds)."""

    journey: str
    fixes: Sequence[Fix]
    received: float


class JourneyService:
    """The journeys of the hub. ``known_places`` says which fixes lie where phones fall silent."""

    def __init__(
        self,
        *,
        database: Database,
        feed: Feed,
        alarm: Alarm,
        tell: Tell,
        center_of: Callable[[float, float], str],
        clock: Callable[[], float],
        known_places: Callable[[Sequence[Fix]], Any] = lambda fixes: np.zeros(len(fixes), bool),
    ) -> None:
        self._database = database
        self._feed = feed
        self._alarm = alarm
        self._tell = tell
        self._center_of = center_of
        self._clock = clock
        self._known = known_places
        self._alarmed: dict[str, str] = {}
        self.fleet = Fleet()
        self._watch = Watch(self.fleet)

    async def take_up(self) -> AsyncIterator[int]:
        """Go on with every open journey on disk, the most urgent first; yields how many came with each step.

        Between two steps the clock may be kept: a journey whose time has come need not wait for a million
        that have time. A report of one that is not taken up yet takes it up.
        """
        since = self._clock() - _FOLLOWED_S
        self._alarmed = await self._database.read(lambda conn: store.alarmed_since(conn, since))
        after = (-1.0, "")
        while True:
            place = after
            found = await self._database.read(lambda conn: store.open_after(conn, place, _TAKEN_UP))  # noqa: B023
            if not found:
                return
            after = (found[-1].deadline, found[-1].id)
            self._admit([one for one in found if _key(one.id) not in self.fleet.rows])
            yield len(found)

    async def begin(self, person: str, plan: Plan, policy: Policy = DEFAULT_POLICY) -> tuple[Journey, str]:
        """Set out; returns the journey and the secret by which her phone may report without a login.

        Raises 409 where she is under way already.
        """
        now, token = self._clock(), new_secret()

        def write(tx: Tx) -> Journey:
            if store.open_of(tx.conn, person) is not None:
                raise _under_way()
            past = store.past_shares(tx.conn, person, _REMEMBERED)
            shares = [took / usual_s(earlier) for earlier, took in past if earlier.by == plan.by]
            one = Journey(
                id=new_id(),
                person=person,
                plan=plan,
                policy=policy,
                state=State.ACTIVE,
                concern=Concern.NONE,
                started_at=now,
                eta=plan.arrive_by if plan.arrive_by > now else now + expected_s(plan, shares),
                changed_at=now,
                center=self._center_of(plan.start.lat, plan.start.lon),
                deadline=now + policy.lost_after_s,
                token=_hash(token),
            )
            store.insert(tx, one)
            self._note(tx, one, Step(-1, State.ACTIVE, Concern.NONE, now), "person")
            return one

        one = await self._database.write(write)
        self._admit([one])
        return one, token

    async def hear(self, batch: Sequence[Heard]) -> None:
        """Take what phones reported; durable when it returns. Fixes of journeys that are over are dropped."""
        rows: list[int] = []
        keys: list[str] = []
        fixes: list[Fix] = []
        for heard in batch:
            row = await self._find(heard.journey)
            if row is None:
                await self._follow(heard)
                continue
            rows += [row] * len(heard.fixes)
            keys += [heard.journey] * len(heard.fixes)
            fixes += heard.fixes
        if not fixes:
            return
        now = max(heard.received for heard in batch)
        steps = self._watch.heard(np.array(rows, np.intp), as_array(fixes, self._known(fixes)), now)
        kept = list(zip(keys, fixes, strict=True))
        await self._keep(steps, set(keys), lambda tx: store.insert_fixes(tx, kept, now))

    async def _follow(self, heard: Heard) -> None:
        """What a phone reports after the alarm belongs to the incident."""
        incident = self._alarmed.get(heard.journey)
        if incident is not None:
            await self._database.write(lambda tx: self._alarm.follow(tx, incident, heard.fixes))

    async def tick(self) -> int:
        """What the clock brings; returns how many journeys it moved."""
        steps = self._watch.tick(self._clock())
        if steps:
            await self._keep(steps, set(), lambda _: 0)
        return len(steps)

    async def answer(self, journey_id: str, *, duress: bool) -> None:
        """She said with her PIN that all is well; with the duress PIN that looks the same and is an alarm."""
        row = await self._require(journey_id)
        now = self._clock()
        steps = [self._watch.end(row, State.ALARMED, now)] if duress else self._watch.safe(row, now)
        await self._keep(steps, {journey_id}, lambda _: 0, actor="duress" if duress else "person")

    async def end(self, journey_id: str, state: State, actor: str = "person") -> None:
        """End a journey: ``ARRIVED``, ``ENDED``, or ``ALARMED`` for help at once."""
        row = await self._require(journey_id)
        try:
            step = self._watch.end(row, state, self._clock())
        except IllegalStep as error:
            raise _over() from error
        await self._keep([step], {journey_id}, lambda _: 0, actor=actor)

    async def require_own(self, journey_id: str, person: str) -> Journey:
        """Her journey; 404 for anybody else."""
        one = await self._database.read(lambda conn: store.load(conn, journey_id))
        if one is None or one.person != person:
            raise not_found("journey")
        return one

    async def require_reporter(self, journey_id: str, person: str, token: str) -> None:
        """404 unless the journey is hers, by login or by the phone's own secret."""

        def read(conn: Connection) -> bool:
            one = store.load(conn, journey_id)
            if one is None:
                return False
            return one.person == person or (bool(token) and one.token == _hash(token))

        if not await self._database.read(read):
            raise not_found("journey")

    async def places(self, person: str) -> list[Spot]:
        """Her saved places."""
        return await self._database.read(lambda conn: store.places_of(conn, person))

    async def save_places(self, person: str, places: Sequence[Spot]) -> None:
        """Set her saved places."""
        await self._database.write(lambda tx: store.replace_places(tx, person, places))

    async def current(self, person: str) -> Journey | None:
        """Her open journey."""
        return await self._database.read(lambda conn: store.open_of(conn, person))

    async def forget_tracks(self, older_than_s: float) -> int:
        """Delete the tracks of journeys that ended well longer ago than this."""
        before = self._clock() - older_than_s
        return await self._database.write(lambda tx: store.forget_tracks(tx, before))

    async def _keep(
        self, steps: list[Step], touched: set[str], also: Callable[[Tx], int], actor: str = "watch"
    ) -> None:
        """Write down what the watch decided; take the journeys up anew when that fails."""
        moved = {step.row: self._id(step.row) for step in steps}
        ids = sorted(touched | set(moved.values()))
        rows = np.array([self.fleet.rows[_key(one)] for one in ids], np.intp)
        due = self.fleet.time["deadline"][rows].tolist()
        progress = list(zip(ids, self.fleet.progress(rows), due, strict=True))

        def write(tx: Tx) -> None:
            also(tx)
            store.save_progress(tx, progress)
            for step in steps:
                self._write_step(tx, moved[step.row], step, actor)

        try:
            await self._database.write(write)
        except BaseException:
            await self._take_up_again(ids)
            raise
        for step in steps:
            if step.state in ENDS:
                self.fleet.remove(_key(moved[step.row]))

    def _write_step(self, tx: Tx, journey_id: str, step: Step, actor: str) -> None:
        one = store.load(tx.conn, journey_id)
        if one is None:
            raise LookupError(f"journey {journey_id} is not on disk")
        changes: dict[str, Any] = {
            "state": int(step.state),
            "concern": int(step.concern),
            "changed_at": step.at,
        }
        if step.state in ENDS:
            changes["ended_at"] = step.at
        if step.state is State.ALARMED:
            duress = actor == "duress"
            track = store.track(tx.conn, journey_id)
            incident = self._alarm.raise_for(tx, one, track, duress=duress)
            changes |= {"incident": incident, "duress": duress}
            tx.on_commit(lambda: self._alarmed.update({journey_id: incident}))
        store.update(tx, journey_id, **changes)
        changed = msgspec.structs.replace(one, **(changes | {"state": step.state, "concern": step.concern}))
        self._note(tx, changed, step, actor)

    def _note(self, tx: Tx, one: Journey, step: Step, actor: str) -> None:
        row = {"id": new_id(), "journey": one.id, "at": step.at, "actor": actor}
        store.insert_steps(tx, [row | {"state": int(step.state), "concern": int(step.concern)}])
        track = store.track(tx.conn, one.id, 1)
        self._feed.append(tx, one.id, change(view(one, track[-1] if track else None)))
        self._tell(tx, one, step)

    def _admit(self, journeys: Sequence[Journey]) -> None:
        rows = self.fleet.add_many(
            [(_key(one.id), one.plan, one.policy, Times(one.started_at, one.eta)) for one in journeys]
        )
        for row, one in zip(rows, journeys, strict=True):
            if one.progress:
                self.fleet.restore(int(row), one.progress)

    async def _find(self, journey_id: str) -> int | None:
        """The row of an open journey, taken up from disk where that has not happened yet."""
        row = self.fleet.rows.get(_key(journey_id))
        if row is None and journey_id not in self._alarmed:
            one = await self._database.read(lambda conn: store.load(conn, journey_id))
            if one is not None and one.state not in ENDS and _key(one.id) not in self.fleet.rows:
                self._admit([one])
            row = self.fleet.rows.get(_key(journey_id))
        return row

    async def _require(self, journey_id: str) -> int:
        row = await self._find(journey_id)
        if row is None:
            raise _over()
        return row

    async def _take_up_again(self, ids: Sequence[str]) -> None:
        def read(conn: Connection) -> list[Journey | None]:
            return [store.load(conn, one) for one in ids]

        for key, one in zip(ids, await self._database.read(read), strict=True):
            self.fleet.remove(_key(key))
            if one is not None and one.state not in ENDS:
                self._admit([one])
        _log.error("journeys taken up again from disk", count=len(ids))

    def _id(self, row: int) -> str:
        return _text(bytes(self.fleet.ids[row]))


def change(shown: dict[str, Any]) -> bytes:
    """The feed's payload for a journey that changed."""
    return b'{"kind":"journey","journey":' + msgspec.json.encode(shown) + b"}"


def _key(journey_id: str) -> bytes:
    """The 16 bytes of an id; an id that is none has no journey."""
    try:
        return bytes.fromhex(journey_id.replace("-", ""))
    except ValueError:
        return b""


def _text(key: bytes) -> str:
    digits = key.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _under_way() -> Problem:
    return Problem(
        409, "under-way", ("이미 귀가 모니터링 중입니다.", "A walk home is being watched already.")
    )


def _over() -> Problem:
    return Problem(409, "journey-over", ("이미 끝난 귀가입니다.", "This walk home is over."))

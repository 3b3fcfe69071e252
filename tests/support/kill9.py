"""Presses without end while nodes and their buses are killed with -9, and what became of them."""

import asyncio
import contextlib
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from ansim.core.outbox import outbox
from ansim.incidents import events as ev
from ansim.incidents import store
from ansim.incidents.fold import fold
from ansim.incidents.view import view
from support.screen import Screen
from support.system import ANYANG, GEUMCHEON, GUNPO, HUB, PLACES, System, Visitor, press_body
from support.wire import Broken, Frame, Wire

CENTERS = (ANYANG, GEUMCHEON, GUNPO)


class Plan(Struct, frozen=True, kw_only=True):
    """What to do. ``rate``: presses a second; ``every``: presses acknowledged between two kills; ``down_s``:
    until a killed node is started again.

    One incident in ``handled`` is accepted and closed by a robot operator as soon as it rings. After
    ``within_s`` no phone presses any more, however many presses were planned.
    """

    count: int = 1_000
    rate: float = 50.0
    seed: int = 9
    phones: int = 48
    every: tuple[int, int] = (5, 60)
    down_s: tuple[float, float] = (0.1, 1.5)
    handled: int = 5
    settle_s: float = 180.0
    within_s: float = float("inf")


class Outcome(Struct, kw_only=True):
    """What became of the presses; all but the first lines must be 0."""

    acknowledged: int = 0
    seconds: float = 0.0
    retries: int = 0
    kills: dict[str, int] = {}
    closed: int = 0
    lost: int = 0
    """Acknowledged, yet on no screen of the center that owns it."""
    twice: int = 0
    """Keys with two incidents, or incidents that two centers' screens call their own."""
    unlike: int = 0
    """Incidents whose state at the hub is not that at the owner."""
    two_owners: int = 0
    """Incidents with two owners under one epoch."""
    reopened: int = 0
    """Incidents that a robot closed and that are open in the end."""
    owed: int = 0
    """Letters still unconfirmed after everything had time to settle."""
    examples: list[str] = []

    @property
    def whole(self) -> bool:
        """Nothing lost, nothing twice, everybody of one mind."""
        return not any((self.lost, self.twice, self.unlike, self.two_owners, self.reopened, self.owed))


class _Owner(Struct):
    code: str


class _View(Struct):
    id: str
    state: str
    owner: _Owner | None


class _Data(Struct):
    key: str = ""


class _Event(Struct):
    type: str
    data: _Data


class _Shown(Struct):
    view: _View
    timeline: list[_Event]


class _Snapshot(Struct):
    incidents: list[_Shown]


class _Change(Struct):
    view: _View
    event: _Event | None = None


_snapshot = msgspec.json.Decoder(_Snapshot).decode
_change = msgspec.json.Decoder(_Change).decode


class _Console(Screen):
    """An operator's page that keeps what this test asks of it, and tells of each alarm of its own."""

    def __init__(
        self, code: str, visitor: Visitor, headers: Mapping[str, str], alarmed: Callable[[str, str], None]
    ) -> None:
        super().__init__(visitor.url, "/api/console/stream", headers)
        self.code = code
        self.views: dict[str, _View] = {}
        self.keys: dict[str, set[str]] = defaultdict(set)
        self.snapshots = 0
        self._alarmed = alarmed

    def take(self, frame: Frame) -> None:
        if frame.event == "snapshot":
            self.snapshots += 1
            self.views, self.keys = {}, defaultdict(set)
            for shown in _snapshot(frame.data).incidents:
                self._show(shown.view, shown.timeline)
        elif frame.event == "change":
            change = _change(frame.data)
            self._show(change.view, [change.event] if change.event else [])
        if frame.id is not None:
            self.cursor = frame.id

    def _show(self, shown: _View, events: list[_Event]) -> None:
        self.views[shown.id] = shown
        for event in events:
            if event.type == "armed":
                self.keys[event.data.key].add(shown.id)
        if shown.state == "alerting" and shown.owner is not None and shown.owner.code == self.code:
            self._alarmed(self.code, shown.id)


class Kill9:
    """One run against a system that is up."""

    def __init__(self, system: System, plan: Plan, told: Callable[[str], None] = lambda _: None) -> None:
        self._system = system
        self._plan = plan
        self._told = told
        self._random = random.Random(plan.seed)
        self._numbers = iter(range(plan.count))
        self._next_at = 0.0
        self._until = float("inf")
        self.acknowledged: dict[str, str] = {}
        self.incidents_of: dict[str, set[str]] = defaultdict(set)
        self._progress: asyncio.Queue[None] = asyncio.Queue()
        self._alarms: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._ringing: set[tuple[str, str]] = set()
        self._closed: set[str] = set()
        self._reviving: set[asyncio.Task[None]] = set()
        self.outcome = Outcome(kills=Counter())

    async def run(self) -> Outcome:
        """Press and kill until all are acknowledged; let it settle; count."""
        began = time.monotonic()
        async with contextlib.AsyncExitStack() as stack:
            consoles, robots = [], []
            for code in CENTERS:
                visitor = await stack.enter_async_context(await self._system.staff(code, "op1"))
                headers = visitor._headers()
                consoles.append(_Console(code, visitor, headers, self._alarm))
                await stack.enter_async_context(consoles[-1])
                robots.append((code, visitor.url, headers))
            workers = {code: (url, headers) for code, url, headers in robots}
            operators = [asyncio.create_task(self._operate(workers)) for _ in range(6)]
            killer = asyncio.create_task(self._kill())
            self._next_at = time.monotonic()
            self._until = self._next_at + self._plan.within_s
            try:
                await asyncio.gather(*(self._press() for _ in range(self._plan.phones)))
            finally:
                killer.cancel()
                await asyncio.gather(killer, return_exceptions=True)
            await asyncio.gather(*self._reviving)
            self.outcome.seconds = round(time.monotonic() - began, 1)
            self._told(f"{len(self.acknowledged):,} acknowledged, {sum(self.outcome.kills.values())} killed")
            await asyncio.to_thread(self._system.wait_ready)
            await self._settle(consoles)
            for operator in operators:
                operator.cancel()
            await asyncio.gather(*operators, return_exceptions=True)
            self._count(consoles)
        return self.outcome

    # Phones

    async def _press(self) -> None:
        choose = random.Random(self._random.random())
        async with Wire(self._system.url(HUB)) as wire:
            for number in self._numbers:
                if time.monotonic() > self._until:
                    return
                await self._turn()
                lat, lon = PLACES[CENTERS[number % len(CENTERS)]]
                place = (lat + choose.uniform(-0.004, 0.004), lon + choose.uniform(-0.004, 0.004))
                body = press_body(place)
                self.acknowledged[body["key"]] = await self._until_acknowledged(wire, body, choose)
                self._progress.put_nowait(None)
                if len(self.acknowledged) % 1_000 == 0:
                    self._told(f"{len(self.acknowledged):,} acknowledged, {dict(self.outcome.kills)}")

    async def _turn(self) -> None:
        """A steady rate for all phones together; what the node held up is not made up for in a burst."""
        at = self._next_at = max(self._next_at + 1 / self._plan.rate, time.monotonic() - 1.0)
        await asyncio.sleep(max(0.0, at - time.monotonic()))

    async def _until_acknowledged(self, wire: Wire, body: dict[str, Any], choose: random.Random) -> str:
        while True:
            with contextlib.suppress(Broken):
                answer = await wire.send("POST", "/api/sos", body)
                if answer.status in (200, 201):
                    incident = str(msgspec.json.decode(answer.body)["incident"])
                    self.incidents_of[body["key"]].add(incident)
                    return incident
            self.outcome.retries += 1
            await asyncio.sleep(choose.uniform(0.1, 0.5))

    # The killer

    async def _kill(self) -> None:
        targets: list[str] = []
        while True:
            for _ in range(self._random.randint(*self._plan.every)):
                await self._progress.get()
            if not targets:
                targets = [kind + code for kind in ("", "bus ") for code in (HUB, *CENTERS)]
                self._random.shuffle(targets)
            target = targets.pop()
            code = target.removeprefix("bus ")
            node = self._system.nodes[code]
            if not node.alive:
                continue
            self.outcome.kills[target] = self.outcome.kills.get(target, 0) + 1
            if target != code:
                self._system.kill_bus(code)
                continue
            self._system.kill(code)
            revival = asyncio.create_task(self._revive(code, self._random.uniform(*self._plan.down_s)))
            self._reviving.add(revival)
            revival.add_done_callback(self._reviving.discard)

    async def _revive(self, code: str, after_s: float) -> None:
        await asyncio.sleep(after_s)
        self._system.nodes[code].start()

    # Robot operators

    def _alarm(self, code: str, incident: str) -> None:
        chosen = int(incident[-4:], 16) % self._plan.handled == 0
        if chosen and (code, incident) not in self._ringing:
            self._ringing.add((code, incident))
            self._alarms.put_nowait((code, incident))

    async def _operate(self, where: dict[str, tuple[str, dict[str, str]]]) -> None:
        """Accept and close; where that was refused, or undone later, the alarm rings again."""
        wires = {code: Wire(url, headers) for code, (url, headers) in where.items()}
        while True:
            code, incident = await self._alarms.get()
            path = f"/api/console/incidents/{incident}"
            taken = await self._command(wires[code], f"{path}/accept", {})
            if taken and await self._command(wires[code], f"{path}/closing", {"disposition": "safe"}):
                self._closed.add(incident)
            self._ringing.discard((code, incident))

    async def _command(self, wire: Wire, path: str, body: object) -> bool:
        while True:
            try:
                answer = await wire.send("POST", path, body)
            except Broken:
                await asyncio.sleep(0.2)
                continue
            return answer.status == 200

    # The count

    async def _settle(self, consoles: list[_Console]) -> None:
        until = time.monotonic() + self._plan.settle_s
        while time.monotonic() < until:
            await asyncio.sleep(0.5)
            if self._missing(consoles) or not self._alarms.empty() or self._ringing or self._owed():
                continue
            return

    def _missing(self, consoles: list[_Console]) -> list[str]:
        """Acknowledged incidents that no screen of their owner shows as an alarm (or as what came of it)."""
        shown = {
            one.id
            for console in consoles
            for one in console.views.values()
            if one.owner is not None and one.owner.code == console.code and one.state != "armed"
        }
        return [incident for incident in self.acknowledged.values() if incident not in shown]

    def _owed(self) -> int:
        count = sa.select(sa.func.count()).select_from(outbox)
        return sum(
            self._system.read(code, lambda conn: conn.execute(count).scalar_one())
            for code in self._system.nodes
        )

    def _count(self, consoles: list[_Console]) -> None:
        outcome = self.outcome
        outcome.acknowledged = len(self.acknowledged)
        missing = self._missing(consoles)
        outcome.lost = len(missing)
        outcome.examples += [f"lost {one}" for one in missing[:5]]
        keys: dict[str, set[str]] = defaultdict(set)
        for key, incident in self.acknowledged.items():
            keys[key].add(incident)
        owners: Counter[str] = Counter()
        for console in consoles:
            for key, incidents in console.keys.items():
                keys[key] |= incidents
            owners.update(
                one.id for one in console.views.values() if one.owner and one.owner.code == console.code
            )
        double = [key for key, incidents in keys.items() if len(incidents) > 1]
        claimed = [incident for incident, times in owners.items() if times > 1]
        outcome.twice = len(double) + len(claimed)
        outcome.examples += [f"twice {one}" for one in (double + claimed)[:5]]
        outcome.owed = self._owed()
        self._compare()

    def _compare(self) -> None:
        """The hub's incidents with those at their owners, event by event and folded."""
        known = {code: self._system.read(code, _bodies) for code in self._system.nodes}
        for incident, bodies in known[HUB].items():
            folded = fold(ev.decode(body) for body in bodies)
            epochs = [owner.epoch for owner in folded.owners]
            self.outcome.two_owners += len(epochs) != len(set(epochs))
            owner = folded.owner.code if folded.owner else CENTERS[0]
            there = known[owner].get(incident, [])
            same = bool(there) and view(fold(ev.decode(body) for body in there), None) == view(folded, None)
            if not same or sorted(there) != sorted(bodies):
                self.outcome.unlike += 1
                if len(self.outcome.examples) < 20:
                    self.outcome.examples.append(f"unlike at {owner}: {incident}")
            if incident in self._closed:
                self.outcome.closed += not folded.open
                self.outcome.reopened += folded.open


def _bodies(conn: Connection) -> dict[str, list[bytes]]:
    """Every incident's events as they are stored."""
    columns = store.event_table.c
    found: dict[str, list[bytes]] = defaultdict(list)
    for incident, body in conn.execute(sa.select(columns.incident, columns.body)):
        found[incident].append(body)
    return found

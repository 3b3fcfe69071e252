"""The hub's eye on its centers and on the policy: notes each change, and lets the ladder look again."""

import asyncio

import msgspec
import sqlalchemy as sa

from ansim.core import logs
from ansim.core.actors import system
from ansim.core.clock import iso, now
from ansim.core.database import Database, Overloaded, Tx
from ansim.core.feed import Feed
from ansim.core.metrics import Metrics
from ansim.core.secrets import SecretsError
from ansim.distribution import store
from ansim.distribution.health import RANK, CenterHealth
from ansim.distribution.policy_file import PolicyKeeper
from ansim.distribution.service import Distribution
from ansim.distribution.store import StateChange
from ansim.distribution.worker import LadderWorker
from ansim.ledger.service import Ledger

_log = logs.get("watch")
_EVERY_S = 1.0
CENTER = "center"
"""Stands in the feed where an incident's id would: the change is about a center."""
POLICY = "policy"


class HealthWatch:
    """Looks once a second. A change of state is one row, one line in the feed, one word in the log."""

    def __init__(
        self,
        *,
        database: Database,
        feed: Feed,
        ledger: Ledger,
        distribution: Distribution,
        ladder: LadderWorker,
        keeper: PolicyKeeper,
        metrics: Metrics,
        node: str,
    ) -> None:
        self._database = database
        self._feed = feed
        self._ledger = ledger
        self._distribution = distribution
        self._health: CenterHealth = distribution.health
        self._ladder = ladder
        self._keeper = keeper
        self._metrics = metrics
        self._node = node
        self._task: asyncio.Task[None] | None = None
        self.states: dict[str, StateChange] = {}
        self._show(metrics)

    def _show(self, metrics: Metrics) -> None:
        def each(number: str) -> dict[str, float]:
            found = {code: getattr(self._health.last(code), number, None) for code in self._codes}
            return {code: float(value) for code, value in found.items() if value is not None}

        text = "0 normal, 1 overloaded, 2 unstaffed, 3 down"
        metrics.gauges(
            "ansim_center_state",
            text,
            "center",
            lambda: {code: float(RANK[self._health.state(code)]) for code in self._codes},
        )
        metrics.gauges(
            "ansim_center_silent_seconds",
            "Since the center's last heartbeat",
            "center",
            lambda: {code: self._health.silent_s(code) for code in self._codes},
        )
        for name, text in (
            ("operators", "People with a console open"),
            ("open", "Open incidents, as the center says"),
            ("alarms", "Incidents that wait for an operator, as the center says"),
            ("oldest_s", "How long the first of them has waited, seconds"),
            ("outbox", "Letters that the hub has not confirmed"),
        ):
            metrics.gauges(f"ansim_center_{name}", text, "center", lambda name=name: each(name))  # type: ignore[misc]
        metrics.gauge(
            "ansim_policy_serial",
            "Serial of the policy in force",
            lambda: self._keeper.in_force.policy.serial,
        )
        metrics.gauge(
            "ansim_policy_refused",
            "1 while the installed policy is not executed",
            lambda: float(self._keeper.refused != ""),
        )

    @property
    def _codes(self) -> list[str]:
        return self._distribution.enrolled()

    async def start(self) -> None:
        """Take up what was known, put the policy in force, then look every second."""
        self.states = await self._database.read(store.latest_states)
        self._distribution.follow(self._keeper.in_force.policy)
        await self.look()
        self._task = asyncio.create_task(self._run(), name="health-watch")

    async def stop(self) -> None:
        """Close the eye."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self.look()
            except (Overloaded, sa.exc.OperationalError, OSError, SecretsError) as error:
                self._metrics.faults.labels("watch").inc()
                _log.error("the watch goes on", reason=str(error))

    async def look(self) -> None:
        """Compare with what was noted, and note what changed."""
        judged = self._keeper.reload()
        if judged:
            self._distribution.follow(self._keeper.in_force.policy)
        changes = self._changes()
        if judged or changes:
            await self._database.write(lambda tx: self._note(tx, changes, judged=judged))
            self._ladder.look_again()

    def _changes(self) -> list[StateChange]:
        """A center that has not been heard since this hub began is judged only by its silence."""
        moment = iso(now())
        changes = []
        for code in self._codes:
            state = self._health.state(code)
            unknown = self._health.last(code) is None and self._health.alive(code)
            known = self.states.get(code)
            if not unknown and (known is None or known.state is not state):
                changes.append(StateChange(code=code, state=state, at=moment))
        return changes

    def _note(self, tx: Tx, changes: list[StateChange], *, judged: bool) -> None:
        if changes:
            store.note_states(tx, changes)
        for change in changes:
            _log.info("center", code=change.code, state=change.state.value)
            self._feed.append(tx, CENTER, msgspec.json.encode({"kind": CENTER, "change": change}))
        tx.on_commit(lambda: self.states.update((change.code, change) for change in changes))
        if judged:
            self._note_policy(tx)

    def _note_policy(self, tx: Tx) -> None:
        signed, refused = self._keeper.in_force, self._keeper.refused
        serial = signed.policy.serial
        if refused:
            self._metrics.faults.labels("policy").inc()
            _log.error("the installed policy is NOT executed", reason=refused, in_force=serial)
            what, why = f"전달 정책 거부: {refused}"[:500], f"기존 정책(일련번호 {serial}) 유지"
        else:
            _log.warning("policy in force", serial=serial, signer=signed.signer)
            what, why = f"전달 정책 시행: 일련번호 {serial}, 서명 키 {signed.signer}", "전달 정책 변경"
        self._ledger.record(tx, actor=system(self._node), action="admin", what=what, why=why)
        self._feed.append(tx, POLICY, msgspec.json.encode({"kind": POLICY, "policy": self.policy()}))

    def policy(self) -> dict[str, object]:
        """What screens are told of the policy."""
        signed = self._keeper.in_force
        return {
            "serial": signed.policy.serial,
            "note": signed.policy.note,
            "signer": signed.signer,
            "rules": len(signed.policy.rules),
            "refused": self._keeper.refused,
        }

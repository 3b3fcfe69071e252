"""What her guardians are told of a journey by text message: start, late, no answer, alarm, arrival."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.engine import Connection

from ansim.core.actors import system
from ansim.core.database import Tx
from ansim.journeys.model import State
from ansim.journeys.store import Journey
from ansim.journeys.watch import Step
from ansim.ledger.service import Ledger
from ansim.people.sms import SmsQueue

_USEFUL_S = 900.0
_TEXTS: dict[State, str] = {
    State.ACTIVE: "[안심] {name} 님이 귀가를 시작했습니다. 목적지: {where}",
    State.LATE: "[안심] {name} 님의 귀가가 예상보다 늦어지고 있습니다. 목적지: {where}",
    State.GUARDIANS_TOLD: "[안심] {name} 님이 안전 확인에 답하지 않습니다. 지금 연락해 주세요.",
    State.ALARMED: "[안심] {name} 님의 귀가 중 긴급 상황이 관제센터에 신고되었습니다.",
    State.ARRIVED: "[안심] {name} 님이 도착했습니다. 목적지: {where}",
    State.ENDED: "[안심] {name} 님이 귀가 모니터링을 마쳤습니다.",
}


class GuardianTexts:
    """Puts the messages into the queue in the transaction of the step they tell of."""

    def __init__(
        self, card: Callable[[Connection, str], dict[str, Any] | None], sms: SmsQueue, ledger: Ledger
    ) -> None:
        self._card = card
        self._sms = sms
        self._ledger = ledger

    def told(self, tx: Tx, one: Journey, step: Step) -> None:
        """Tell them, where guardians watch and the step is one to tell of."""
        text = _TEXTS.get(step.state)
        if step.state is State.ACTIVE and one.changed_at > one.started_at:
            text = None  # back to normal: nothing a guardian must hear of
        if text is None or one.plan.watcher == "machine" or one.duress:
            return
        card = self._card(tx.conn, one.person)
        if card is None:
            return
        message = text.format(name=card["name"], where=one.plan.destination.name)
        for guardian in card["guardians"]:
            self._sms.put(tx, guardian["phone"], message, useful_for_s=_USEFUL_S)
            self._ledger.record(
                tx,
                actor=system(self._ledger.node),
                action="provide",
                subject=one.person,
                what=f"귀가 상태: {step.state.name.lower()}",
                why=f"보호자에게 알림: {guardian['name']}",
            )

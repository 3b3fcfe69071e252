"""Her two PINs: one cancels, the other only seems to."""

import time
from collections.abc import Callable
from typing import Literal

import msgspec

from ansim.core.database import Database, Tx
from ansim.core.problems import Problem, invalid, unauthorized
from ansim.ledger.service import Ledger
from ansim.people import refusals, store
from ansim.people.hashes import Hashes
from ansim.people.model import Attempts, Citizen, PinResult

TRIES = 5
LOCKED_S = 300.0


class Pins:
    """Checking and changing PINs."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        hashes: Hashes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._hashes = hashes
        self._attempts = Attempts(TRIES, LOCKED_S, clock)

    async def check(self, person_id: str, pin: str, *, opens: tuple[PinResult, ...]) -> PinResult:
        """Which of her PINs this is; the time it takes does not tell. What is not in ``opens`` is a failure.

        After five failures in a row it raises ``wrong-pin`` without looking, until five minutes have passed.
        """
        if not self._attempts.begin(person_id):
            raise refusals.wrong_pin(0, self._attempts.retry_after(person_id))
        person = await self._database.read(lambda conn: store.person_by(conn, person_id=person_id))
        pin_hash, duress_hash = (person.pin_hash, person.duress_hash) if person is not None else (None, None)
        result = await self._hashes.which_pin(pin_hash, duress_hash, pin)
        if result in opens:
            self._attempts.succeed(person_id)
        return result

    def attempts_left(self, person_id: str) -> int:
        """How many wrong PINs remain."""
        return self._attempts.left(person_id)

    async def change(
        self, citizen: Citizen, pin: str, new_pin: str | None, duress_pin: str | Literal[False] | None
    ) -> None:
        """Change her PIN, her duress PIN (False removes it), or both; ``pin`` is the present one.

        The duress PIN does not open this: at anything but a cancel it is a wrong PIN.
        """
        if await self.check(citizen.id, pin, opens=("pin",)) != "pin":
            raise refusals.wrong_pin(self.attempts_left(citizen.id))
        if duress_pin and duress_pin == (new_pin or pin):
            raise same_pins("duress_pin")
        if new_pin and duress_pin is None and await self._is_duress(citizen.id, new_pin):
            raise same_pins("new_pin")
        changes: dict[str, str | None] = {}
        if new_pin:
            changes["pin_hash"] = await self._hashes.of_pin(new_pin)
        if duress_pin is not None:
            changes["duress_hash"] = await self._hashes.of_pin(duress_pin) if duress_pin else None

        def write(tx: Tx) -> None:
            person = store.person_by(tx.conn, person_id=citizen.id)
            if person is None:
                raise unauthorized()
            store.update_person(tx, msgspec.structs.replace(person, **changes))
            self._ledger.record(
                tx,
                actor=citizen.actor,
                action="admin",
                subject=citizen.id,
                what="PIN 변경",
                why="본인",
                source=citizen.address,
            )

        await self._database.write(write)

    async def _is_duress(self, person_id: str, pin: str) -> bool:
        person = await self._database.read(lambda conn: store.person_by(conn, person_id=person_id))
        stored = person.duress_hash if person is not None else None
        return await self._hashes.which_pin(None, stored, pin) == "duress"


def same_pins(field: str) -> Problem:
    """400: a duress PIN that equals the PIN could not be told apart."""
    return invalid(
        field, "취소 PIN과 비상 PIN은 서로 달라야 합니다.", "The PIN and the duress PIN must differ."
    )

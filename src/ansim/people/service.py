"""People: what other features and the node use."""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy.engine import Connection

from ansim.core.database import Database
from ansim.core.secrets import secret
from ansim.core.settings import Settings
from ansim.ledger.service import Ledger
from ansim.people.accounts import Accounts
from ansim.people.citizens import Citizens, person_card
from ansim.people.codes import OneTimeCodes
from ansim.people.duty import Duty
from ansim.people.hashes import Hashes
from ansim.people.model import Citizen, Desk, Operator, PinResult, Staff, Supervisor
from ansim.people.pins import Pins
from ansim.people.refusals import wrong_pin
from ansim.people.sessions import Sessions
from ansim.people.sms import SmsQueue

__all__ = ["Citizen", "Desk", "Operator", "PeopleService", "Staff", "Supervisor", "wrong_pin"]


class PeopleService:
    """The people of one node: staff ``accounts``, ``citizens``, and who is signed in (``sessions``).

    ``sms`` is the queue that a worker empties; without it no codes can be sent, so nobody can register
    (a center needs none).
    """

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        settings: Settings,
        sms: SmsQueue | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.database = database
        self._hashes = Hashes(secret(settings.data_dir, "pepper"))
        self.sessions = Sessions(database, clock)
        self.accounts = Accounts(database, ledger, self.sessions, self._hashes, clock)
        self.duty = Duty(database, ledger)
        self.codes = OneTimeCodes(database, self._hashes, sms, clock)
        self.pins = Pins(database, ledger, self._hashes, clock)
        self.citizens = Citizens(database, ledger, self.sessions, self._hashes, self.codes)

    def close(self) -> None:
        """End the threads that compute hashes."""
        self._hashes.close()

    def person_card(self, conn: Connection, person_id: str) -> dict[str, Any] | None:
        """``{id, name, phone, note, guardians: [{name, phone}]}`` of a person, None when unknown."""
        return person_card(conn, person_id)

    async def check_pin(self, person_id: str, pin: str) -> PinResult:
        """``pin``, ``duress`` or ``wrong``; raises ``wrong-pin`` when there were too many wrong ones."""
        return await self.pins.check(person_id, pin, opens=("pin", "duress"))

    def pin_attempts_left(self, person_id: str) -> int:
        """How many wrong PINs remain; goes into ``wrong_pin(attempts_left)``."""
        return self.pins.attempts_left(person_id)

    async def sign_out(self, session_id: str) -> None:
        """End a session."""
        await self.database.write(lambda tx: self.sessions.close(tx, session_id=session_id))

    async def session_alive(self, session_id: str) -> bool:
        """Whether a session may still be used (an open stream asks)."""
        return await self.sessions.alive(session_id)

"""One-time codes by text message: six digits that prove that somebody holds a phone number."""

import secrets
import time
from collections.abc import Callable

from ansim.core.database import Database, Tx
from ansim.core.problems import invalid
from ansim.people import refusals, store
from ansim.people.hashes import Hashes
from ansim.people.model import CodeResult, is_mobile, normal_phone
from ansim.people.sms import SmsQueue

CODE_S = 180
"""How long a code may be entered."""
PROVEN_S = 900.0
"""Once a code was right, she has this long to fill in the rest."""
TRIES = 5
PER_HOUR = 6


class OneTimeCodes:
    """The codes of one hub; without a queue none can be sent."""

    def __init__(
        self,
        database: Database,
        hashes: Hashes,
        queue: SmsQueue | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._hashes = hashes
        self._queue = queue
        self._clock = clock

    async def send(self, phone_text: str) -> int:
        """Queue a code for a phone; returns the seconds it is good for. The one before it is void."""
        queue = self._queue
        if queue is None:
            raise refusals.no_sms()
        phone = mobile(phone_text)
        code = f"{secrets.randbelow(1_000_000):06d}"
        mac = self._hashes.of_code(phone, code)
        at = self._clock()

        def write(tx: Tx) -> int:
            row = store.code_of(tx.conn, phone)
            sent, since = (row.sent, row.sent_since) if row is not None else (0, at)
            if at - since >= 3600:
                sent, since = 0, at
            if sent >= PER_HOUR:
                return max(1, round(since + 3600 - at))
            store.forget_codes(tx, at - 3600)
            store.put_code(
                tx, phone=phone, mac=mac, expires_at=at + CODE_S, attempts=0, sent=sent + 1, sent_since=since
            )
            queue.put(tx, phone, f"안심 인증번호 {code}", useful_for_s=CODE_S)
            return 0

        retry_after = await self._database.write(write)
        if retry_after:
            raise refusals.too_many_codes(retry_after)
        return CODE_S

    def check(self, tx: Tx, phone: str, code: str) -> tuple[CodeResult, int]:
        """Judge a code and count the attempt; answers the attempts left too.

        It never raises: the transaction that counts must not roll back.
        """
        row = store.code_of(tx.conn, phone)
        at = self._clock()
        if row is None or at >= row.expires_at or row.attempts >= TRIES:
            return "spent", 0
        if secrets.compare_digest(row.mac, self._hashes.of_code(phone, code.strip())):
            store.update_code(tx, phone, expires_at=max(row.expires_at, at + PROVEN_S))
            return "right", TRIES
        store.update_code(tx, phone, attempts=row.attempts + 1)
        return "wrong", TRIES - row.attempts - 1

    def spend(self, tx: Tx, phone: str) -> None:
        """The code has served; the count of codes sent stays."""
        store.update_code(tx, phone, expires_at=0.0)


def must_be_right(result: CodeResult, attempts_left: int) -> None:
    """Raise the problem that tells of a code that was not right."""
    if result == "spent" or (result == "wrong" and attempts_left == 0):
        raise refusals.spent_code()
    if result == "wrong":
        raise refusals.wrong_code(attempts_left)


def mobile(text: str) -> str:
    """A Korean mobile number as E.164; a Problem naming ``phone`` otherwise."""
    try:
        phone = normal_phone(text)
    except ValueError:
        phone = ""
    if not is_mobile(phone):
        raise invalid(
            "phone", "휴대전화 번호를 010-1234-5678처럼 입력해 주세요.", "Enter a Korean mobile number."
        )
    return phone

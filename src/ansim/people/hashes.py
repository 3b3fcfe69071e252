"""Slow hashes for passwords and PINs (argon2id, RFC 9106), computed beside the event loop."""

import asyncio
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from ansim.people.model import PinResult

T = TypeVar("T")

PASSWORDS = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4, type=Type.ID)
"""RFC 9106 §4, second recommended option."""
PINS = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
"""Lighter: she waits for it with a countdown running, and six digits are kept by the pepper, not by cost."""


class Hashes:
    """``pepper`` is a secret outside the database: without it, stolen hashes of short PINs are of no use."""

    def __init__(self, pepper: str) -> None:
        self._pepper = pepper.encode()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")
        # What an unknown login or a missing duress PIN is compared with, so that it takes as long.
        self._no_password = self._threads.submit(PASSWORDS.hash, secrets.token_urlsafe(16))
        self._no_pin = self._threads.submit(PINS.hash, secrets.token_urlsafe(16))

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def of_password(self, password: str) -> str:
        """The hash to store."""
        return await self._run(lambda: PASSWORDS.hash(_normal(password)))

    async def is_password(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; takes as long when there is nothing to compare with (None)."""

        def check() -> bool:
            fits = _fits(PASSWORDS, stored or self._no_password.result(), _normal(password))
            return fits and stored is not None

        return await self._run(check)

    async def of_pin(self, pin: str) -> str:
        """The hash to store."""
        return await self._run(lambda: PINS.hash(self._peppered(pin)))

    async def which_pin(self, pin_hash: str | None, duress_hash: str | None, pin: str) -> PinResult:
        """Which of her two PINs it is. Both are always compared: the time tells nothing."""

        def check() -> PinResult:
            peppered = self._peppered(pin)
            nothing = self._no_pin.result()
            is_pin = _fits(PINS, pin_hash or nothing, peppered) and pin_hash is not None
            is_duress = _fits(PINS, duress_hash or nothing, peppered) and duress_hash is not None
            return "pin" if is_pin else "duress" if is_duress else "wrong"

        return await self._run(check)

    def of_code(self, phone: str, code: str) -> str:
        """What is stored of a one-time code: a MAC, because six digits are quickly tried."""
        return hmac.new(self._pepper, f"code:{phone}:{code}".encode(), hashlib.sha256).hexdigest()

    def _peppered(self, pin: str) -> bytes:
        return hmac.new(self._pepper, f"pin:{pin}".encode(), hashlib.sha256).digest()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _fits(hasher: PasswordHasher, stored: str, given: str | bytes) -> bool:
    try:
        return hasher.verify(stored, given)
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    """The same characters typed on another keyboard are the same password."""
    return unicodedata.normalize("NFC", password)

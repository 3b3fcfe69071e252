"""Sealing: secrets at rest under AES-256-GCM (NIST SP 800-38D), bound to what they belong to."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE = 12


class SealBroken(Exception):
    """What was sealed cannot be opened: another key, another owner, or it was changed."""


class Sealer:
    """Seals and opens with one 256-bit ``key``.

    A sealed value is a version byte, a random 96-bit nonce, the ciphertext and its tag. ``owner`` is
    authenticated with it, so that a row cannot be moved to another owner.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError(f"the key must have 32 bytes, not {len(key)}")
        self._aead = AESGCM(key)

    def seal(self, content: bytes, owner: str) -> bytes:
        """``content`` so that only this key opens it, and only for ``owner``."""
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._aead.encrypt(nonce, content, owner.encode())

    def open(self, sealed: bytes, owner: str) -> bytes:
        """What was sealed for ``owner``; :class:`SealBroken` when it was not, or not with this key."""
        if sealed[:1] != _VERSION:
            raise SealBroken(f"what is kept for {owner} is not sealed as this program does")
        nonce, content = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            return self._aead.decrypt(nonce, content, owner.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"what is kept for {owner} does not open with this node's key") from error

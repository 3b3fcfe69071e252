"""The signed policy on disk: a JWS (RFC 7515, Ed25519 by RFC 9864), verified before it is believed.

``<data>/policy/policy.jws`` is what was installed, ``last-good.jws`` the last that was verified and taken.
A document with a bad signature, of an unknown signer, that is no policy, or older than the one in force is
refused: the last good one stands, or the default where there is none.
"""

import contextlib
import os
import warnings
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import OKPKey

from ansim.core.secrets import read_public_key
from ansim.distribution.policy import DEFAULT, Policy

FOLDER = "policy"
INSTALLED = "policy.jws"
LAST_GOOD = "last-good.jws"
TRUSTED = "trusted"
"""Folder of public keys (PEM) whose policies this hub executes besides its own key's."""
KEY = "policy"
"""Name of the hub's own signing key among its secrets."""
MOST_BYTES = 400_000
_ALGORITHMS = ["Ed25519"]
_TYPE = "ansim-policy+jws"


class PolicyError(Exception):
    """A policy cannot be used; the message says why and what stands instead."""


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A verified policy: who signed it (RFC 7638 thumbprint of the key), and the text it came as."""

    policy: Policy
    signer: str = ""
    text: bytes = b""


Keys = dict[str, OKPKey]


def read_policy(document: bytes) -> Policy:
    """A policy from its JSON; PolicyError names the field that is wrong."""
    if len(document) > MOST_BYTES:
        raise PolicyError(f"the policy is larger than {MOST_BYTES} bytes")
    try:
        return msgspec.json.decode(document, type=Policy)
    except msgspec.DecodeError as error:
        raise PolicyError(f"not a policy: {error}") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"not a policy: it is not UTF-8 ({error.reason})") from error


def sign(document: bytes, key: Ed25519PrivateKey) -> bytes:
    """The policy ``document`` (JSON) as a compact JWS; PolicyError when it is no policy."""
    read_policy(document)
    jwk = OKPKey.import_key(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    header = {"alg": "Ed25519", "kid": jwk.thumbprint(), "typ": _TYPE}
    return jws.serialize_compact(header, document, jwk, algorithms=_ALGORITHMS).encode()


def trusted_keys(data: Path, own: Ed25519PublicKey) -> Keys:
    """The keys whose policies are executed, by thumbprint; SecretsError names a file that is no key."""
    found = [own, *(read_public_key(file) for file in sorted((data / FOLDER / TRUSTED).glob("*.pub")))]
    keys = [
        OKPKey.import_key(
            key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        for key in found
    ]
    return {key.thumbprint(): key for key in keys}


def verify(text: bytes, keys: Keys) -> Signed:
    """The policy in a JWS, if one of ``keys`` signed it; PolicyError otherwise."""
    text = text.strip()
    if len(text) > MOST_BYTES * 2:
        raise PolicyError("the signed policy is too large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # of an algorithm that is refused anyway
            signer = str(jws.extract_compact(text).headers().get("kid", ""))
            if signer not in keys:
                raise PolicyError(f"signed with a key that is not trusted ({signer or 'it names none'})")
            opened = jws.deserialize_compact(text, keys[signer], algorithms=_ALGORITHMS)
    except (JoseError, ValueError, TypeError) as error:
        raise PolicyError(f"the signature does not hold: {error}") from error
    if opened.headers().get("typ") != _TYPE:
        raise PolicyError("signed, but not as a policy")
    return Signed(policy=read_policy(opened.payload or b""), signer=signer, text=text)


def install(data: Path, text: bytes) -> Path:
    """Put a signed policy where the hub finds it, whole or not at all."""
    return _put(data / FOLDER, INSTALLED, text)


def _put(folder: Path, name: str, text: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{name}.{os.getpid()}"
    with draft.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / name)
    return folder / name


class PolicyKeeper:
    """What is in force on this hub, and why the newest document is not (``refused``, empty when it is)."""

    def __init__(self, data: Path, own: Ed25519PublicKey) -> None:
        self._data = data
        self._own = own
        self._stamp: tuple[int, int] | None = None
        self.in_force = Signed(policy=DEFAULT)
        self.refused = ""
        with contextlib.suppress(
            PolicyError, FileNotFoundError
        ):  # then the default stands until one is signed
            self.in_force = verify((data / FOLDER / LAST_GOOD).read_bytes(), trusted_keys(data, own))

    def reload(self) -> bool:
        """Look at the installed document; True when it was taken or refused just now."""
        file = self._data / FOLDER / INSTALLED
        try:
            found = file.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp == self._stamp:
                return False
            text = file.read_bytes() if found.st_size <= MOST_BYTES * 2 else b""
        except FileNotFoundError:
            return False
        self._stamp = stamp
        try:
            offered = verify(text, trusted_keys(self._data, self._own))
            self._require_newer(offered)
        except PolicyError as error:
            self.refused = str(error)
            return True
        changed = offered.text != self.in_force.text or self.refused != ""
        self.in_force, self.refused = offered, ""
        _put(self._data / FOLDER, LAST_GOOD, offered.text)
        return changed

    def _require_newer(self, offered: Signed) -> None:
        now, then = offered.policy.serial, self.in_force.policy.serial
        if now < then or (now == then and offered.text != self.in_force.text):
            raise PolicyError(f"serial {now} is not newer than the one in force ({then})")

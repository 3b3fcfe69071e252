"""Secrets of a node: made at first start, kept in ``<data>/secrets`` for the owner's eyes only."""

import base64
import binascii
import contextlib
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ansim.core.ids import new_secret


class SecretsError(Exception):
    """A secret cannot be kept or read; the message names the file and the remedy."""


def secret(data_dir: Path, name: str, nbytes: int = 32) -> str:
    """The secret called ``name``: ``nbytes`` random bytes as URL-safe text, the same at every start."""
    return _once(data_dir, name, new_secret(nbytes).encode()).decode().strip()


def encryption_key(data_dir: Path, name: str) -> bytes:
    """The 256-bit key in ``name.key``, the same at every start: what it sealed is lost with the file."""
    kept = _once(data_dir, f"{name}.key", base64.b64encode(os.urandom(32)) + b"\n")
    path = folder(data_dir) / f"{name}.key"
    try:
        key = base64.b64decode(kept.strip(), validate=True)
    except binascii.Error as error:
        raise SecretsError(f"{path} is not a key: {error}; put its backup back") from error
    if len(key) != 32:
        raise SecretsError(f"{path} is not a 256-bit key; put its backup back")
    return key


def signing_key(data_dir: Path, name: str) -> Ed25519PrivateKey:
    """The Ed25519 key (RFC 8032) in ``name.pem``; its public half lies beside it in ``name.pub``."""
    fresh = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder(data_dir) / f"{name}.pem"
    try:
        key = serialization.load_pem_private_key(_once(data_dir, f"{name}.pem", fresh), password=None)
    except ValueError as error:
        raise SecretsError(f"{path} is not a key: {error}; put its backup back") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SecretsError(f"{path} is not an Ed25519 key; put its backup back")
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    _once(data_dir, f"{name}.pub", public)
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """An Ed25519 public key from a PEM file; SecretsError when it is not one."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise SecretsError(f"cannot read the public key {path}: {error.strerror}") from error
    except ValueError as error:
        raise SecretsError(f"{path} is not a public key: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SecretsError(f"{path} is not an Ed25519 public key")
    return key


def folder(data_dir: Path) -> Path:
    """Where a node keeps its secrets."""
    return data_dir / "secrets"


def _once(data_dir: Path, name: str, content: bytes) -> bytes:
    """Keep ``content`` under ``name`` unless something is there; answers what is there afterwards.

    A hard link makes the file appear whole or not at all, and lets only one of two processes win.
    """
    home = folder(data_dir)
    path = home / name
    try:
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o700)
        if not path.exists():
            _create(home, path, content)
        path.chmod(0o600)
        return path.read_bytes()
    except OSError as error:
        raise SecretsError(
            f"cannot keep secrets in {home}: {error.strerror}; make the folder writable"
        ) from error


def _create(home: Path, path: Path, content: bytes) -> None:
    draft = home / f".{path.name}.{os.getpid()}.{new_secret(6)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: its secret is the secret
            os.link(draft, path)
    finally:
        draft.unlink()
    directory = os.open(home, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)

"""Secrets: made once, whole or not at all, for the owner only."""

import stat
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ansim.core.secrets import SecretsError, folder, read_public_key, secret, signing_key


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    first = secret(tmp_path, "csrf")
    assert first == secret(tmp_path, "csrf")
    assert len(first) >= 43
    assert first != secret(tmp_path, "other")
    assert first != secret(tmp_path / "another-node", "csrf")
    assert len(secret(tmp_path, "long", 64)) > len(first)


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    secret(tmp_path, "csrf")
    home = folder(tmp_path)
    assert mode(home) == 0o700
    assert mode(home / "csrf") == 0o600
    (home / "csrf").chmod(0o644)
    secret(tmp_path, "csrf")
    assert mode(home / "csrf") == 0o600


def test_no_drafts_are_left(tmp_path: Path) -> None:
    secret(tmp_path, "csrf")
    signing_key(tmp_path, "ledger")
    assert sorted(path.name for path in folder(tmp_path).iterdir()) == ["csrf", "ledger.pem", "ledger.pub"]


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    found: list[str] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        found.append(secret(tmp_path, "csrf"))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_signing_key_is_kept_with_its_public_half(tmp_path: Path) -> None:
    key = signing_key(tmp_path, "ledger")
    again = signing_key(tmp_path, "ledger")
    public = read_public_key(folder(tmp_path) / "ledger.pub")
    public.verify(again.sign(b"words"), b"words")
    public.verify(key.sign(b"words"), b"words")
    assert mode(folder(tmp_path) / "ledger.pem") == 0o600


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    home = folder(tmp_path)
    home.mkdir()
    (home / "ledger.pem").write_text("nonsense")
    with pytest.raises(SecretsError, match="is not a key"):
        signing_key(tmp_path, "ledger")
    other = X25519PrivateKey.generate()
    (home / "ledger.pem").write_bytes(
        other.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    with pytest.raises(SecretsError, match="Ed25519"):
        signing_key(tmp_path, "ledger")

    with pytest.raises(SecretsError, match="cannot read"):
        read_public_key(tmp_path / "missing.pub")
    (tmp_path / "bad.pub").write_text("nonsense")
    with pytest.raises(SecretsError, match="is not a public key"):
        read_public_key(tmp_path / "bad.pub")
    (tmp_path / "x.pub").write_bytes(
        other.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    with pytest.raises(SecretsError, match="Ed25519"):
        read_public_key(tmp_path / "x.pub")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SecretsError, match="make the folder writable"):
        secret(tmp_path / "file", "csrf")

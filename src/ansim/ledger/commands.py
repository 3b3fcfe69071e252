"""``ansim ledger``: checking the record."""

import asyncio
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from rich.console import Console
from rich.progress import track
from sqlalchemy.engine import Connection

from ansim.core.commands import node_options, node_settings, open_database
from ansim.core.secrets import SecretsError, folder, read_public_key
from ansim.ledger import store
from ansim.ledger.model import Verdict, verify

KEY = "ledger"
"""The name of a node's ledger key among its secrets."""


@click.group()
def ledger() -> None:
    """The tamper-evident record of every use of location and video."""


@ledger.command("verify")
@node_options
@click.option(
    "--public-key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Check against this key (PEM) instead of the one in the data folder.",
)
def verify_command(config: Path | None, data: Path | None, public_key: Path | None) -> None:
    """Check every row and every signed head; exit 1 and name the broken row when one is not right."""
    settings = node_settings(config, data)
    try:
        key = read_public_key(public_key or folder(settings.data_dir) / f"{KEY}.pub")
    except SecretsError as error:
        raise click.ClickException(f"{error}; give --public-key") from error
    database = open_database(settings, store.ledger, store.ledger_head)
    try:
        verdict = asyncio.run(database.read(lambda conn: _check(conn, key)))
    finally:
        database.close()
    click.echo(verdict.sentence())
    if not verdict.whole:
        raise SystemExit(1)


def _check(conn: Connection, key: Ed25519PublicKey) -> Verdict:
    rows = track(
        store.entries(conn),
        "Checking the ledger",
        total=store.last_seq(conn),
        console=Console(stderr=True),
        transient=True,
    )
    return verify(rows, store.heads(conn), key)

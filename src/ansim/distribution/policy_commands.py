"""``ansim policy``: sign the delivery rules, check them, show what is in force."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from ansim.core.commands import node_options, node_settings
from ansim.core.secrets import SecretsError, signing_key
from ansim.core.settings import Settings
from ansim.distribution.policy import When, faults
from ansim.distribution.policy_file import (
    KEY,
    PolicyError,
    PolicyKeeper,
    Signed,
    install,
    read_policy,
    sign,
    trusted_keys,
    verify,
)

_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def policy() -> None:
    """Delivery rules of the hub: data, signed, executed only while the signature holds."""


@policy.command("sign")
@_file
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the JWS here, do not install."
)
@node_options
def sign_file(file: Path, out: Path | None, config: Path | None, data: Path | None) -> None:
    """Sign the rules in FILE (JSON) with the hub's policy key and put them in force."""
    settings = _hub(config, data)
    try:
        text = sign(file.read_bytes(), signing_key(settings.data_dir, KEY))
        signed = _verified(settings, text)
    except (PolicyError, SecretsError) as error:
        raise click.ClickException(f"{file}: {error}") from error
    for fault in faults(signed.policy, list(settings.centers)):
        click.echo(f"warning: {fault}", err=True)
    if out is not None:
        out.write_bytes(text)
        click.echo(f"Signed serial {signed.policy.serial} with {signed.signer}: {out}")
        return
    keeper = PolicyKeeper(settings.data_dir, signing_key(settings.data_dir, KEY).public_key())
    if signed.policy.serial <= keeper.in_force.policy.serial and signed.text != keeper.in_force.text:
        raise click.ClickException(
            f"serial {signed.policy.serial} is not newer than the one in force, "
            f"{keeper.in_force.policy.serial}"
        )
    install(settings.data_dir, text)
    click.echo(
        f"Serial {signed.policy.serial} is signed and installed; a running hub takes it within a second."
    )


@policy.command("install")
@_file
@node_options
def install_file(file: Path, config: Path | None, data: Path | None) -> None:
    """Put FILE, a policy somebody else has signed (JWS), in force if its signer is trusted here."""
    settings = _hub(config, data)
    text = file.read_bytes()
    try:
        signed = _verified(settings, text)
    except (PolicyError, SecretsError) as error:
        raise click.ClickException(f"{file}: {error}") from error
    install(settings.data_dir, text)
    click.echo(f"Serial {signed.policy.serial}, signed with {signed.signer}, is installed.")


@policy.command("check")
@_file
@node_options
def check_file(file: Path, config: Path | None, data: Path | None) -> None:
    """Check the rules in FILE: JSON before signing, or a JWS with its signature."""
    settings = _hub(config, data)
    text = file.read_bytes()
    try:
        if text.lstrip().startswith(b"{"):
            found = read_policy(text)
        else:
            signed = _verified(settings, text)
            found = signed.policy
            click.echo(f"signature holds: {signed.signer}")
    except (PolicyError, SecretsError) as error:
        raise click.ClickException(f"{file}: {error}") from error
    problems = faults(found, list(settings.centers))
    for fault in problems:
        click.echo(fault)
    click.echo(f"serial {found.serial}: {len(found.rules)} rules, {len(problems)} warnings")


@policy.command("show")
@node_options
def show(config: Path | None, data: Path | None) -> None:
    """Show the policy in force on this hub, and why the installed one is not, when it is not."""
    settings = _hub(config, data)
    try:
        keeper = PolicyKeeper(settings.data_dir, signing_key(settings.data_dir, KEY).public_key())
        try:
            keeper.reload()
        except OSError as error:
            raise click.ClickException(f"the policy cannot be read: {error}") from error
    except SecretsError as error:
        raise click.ClickException(str(error)) from error
    _table(keeper.in_force)
    if keeper.refused:
        raise click.ClickException(f"the installed policy is NOT executed: {keeper.refused}")


def _table(signed: Signed) -> None:
    console = Console()
    policy = signed.policy
    console.print(f"serial {policy.serial}  {policy.note}  signer {signed.signer or '(built in)'}")
    table = Table("priority", "rule", "when", "then")
    for rule in sorted(policy.rules, key=lambda rule: -rule.priority):
        then = {name: getattr(rule.then, name) for name in rule.then.__struct_fields__}
        decided = [f"{name} {_words(value)}" for name, value in then.items() if value is not None]
        table.add_row(str(rule.priority), rule.name, _when(rule.when), ", ".join(decided))
    console.print(table)
    for start, room in policy.rooms.items():
        console.print(f"rooms: {start}… → {room}")


def _when(when: When) -> str:
    said = {name: getattr(when, name) for name in when.__struct_fields__}
    return ", ".join(f"{name} {_words(value)}" for name, value in said.items() if value) or "always"


def _words(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _verified(settings: Settings, text: bytes) -> Signed:
    own = signing_key(settings.data_dir, KEY).public_key()
    return verify(text, trusted_keys(settings.data_dir, own))


def _hub(config: Path | None, data: Path | None) -> Settings:
    settings = node_settings(config, data)
    if settings.role != "hub":
        raise click.ClickException("the policy belongs to the hub; name its --config or --data")
    return settings

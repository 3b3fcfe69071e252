"""``ansim staff``: accounts of operators, supervisors, administrators, auditors and agencies."""

import asyncio
import sys
from pathlib import Path
from typing import get_args

import click

from ansim.core.actors import system
from ansim.core.commands import node_options, node_settings, open_database
from ansim.core.ids import new_secret
from ansim.core.problems import Problem
from ansim.core.secrets import SecretsError, signing_key
from ansim.core.settings import Settings
from ansim.ledger.commands import KEY
from ansim.ledger.service import Ledger
from ansim.ledger.store import ledger as ledger_table
from ansim.people.model import AgencyCode, Role, StaffMember
from ansim.people.service import PeopleService
from ansim.people.store import session as session_table
from ansim.people.store import staff as staff_table


@click.group()
def staff() -> None:
    """People who work at this node."""


@staff.command("add")
@click.argument("login")
@click.option("--name", required=True, help="The name others are shown.")
@click.option("--role", type=click.Choice(get_args(Role)), default="operator", show_default=True)
@click.option("--agency", type=click.Choice(get_args(AgencyCode)), help="For the role agency.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--generate", is_flag=True, help="Make a password and print it.")
@node_options
def add(
    login: str,
    name: str,
    role: Role,
    agency: AgencyCode | None,
    password_stdin: bool,
    generate: bool,
    config: Path | None,
    data: Path | None,
) -> None:
    """Add an account. Asks for the password unless told where it comes from."""
    if password_stdin and generate:
        raise click.UsageError("choose one of --password-stdin and --generate")
    settings = node_settings(config, data)
    if generate:
        password = new_secret(12)
    elif password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        member = asyncio.run(_add(settings, login, name, role, agency, password))
    except Problem as problem:
        raise click.ClickException(problem.detail[1]) from problem
    except SecretsError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Added {member.login} ({member.role}{f' {member.agency}' if member.agency else ''}).")
    if generate:
        click.echo(f"Password: {password}")


async def _add(
    settings: Settings, login: str, name: str, role: Role, agency: AgencyCode | None, password: str
) -> StaffMember:
    database = open_database(settings, staff_table, session_table, ledger_table)
    ledger = Ledger(settings.code, signing_key(settings.data_dir, KEY))
    people = PeopleService(database=database, ledger=ledger, settings=settings)
    try:
        return await people.accounts.add(
            login=login,
            name=name,
            role=role,
            agency=agency,
            password=password,
            by=system(settings.code),
        )
    finally:
        people.close()
        database.close()

"""What the commands share: which node they mean, and its database."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import sqlalchemy as sa

from ansim.core.database import Database
from ansim.core.settings import Settings, SettingsError, load

Command = TypeVar("Command", bound=Callable[..., Any])

CONFIG_FILE = "ansim.toml"
"""The configuration that ``--data DIR`` finds in the folder, when it is there."""
DATABASE_FILE = "ansim.db"


def node_options(command: Command) -> Command:
    """Give a command ``--config FILE`` and ``--data DIR``; it receives ``config`` and ``data`` as paths."""
    command = click.option(
        "--data", type=click.Path(path_type=Path, file_okay=False), help="The node's data folder."
    )(command)
    return click.option(
        "--config", type=click.Path(path_type=Path, dir_okay=False), help="The node's TOML file."
    )(command)


def node_settings(config: Path | None, data: Path | None) -> Settings:
    """The settings of the node meant; a click error in one sentence when they cannot be read."""
    overrides: dict[str, Any] = {}
    if data is not None:
        if not data.is_dir():
            raise click.ClickException(f"there is no folder {data}; give --data the node's data folder")
        if config is None and (data / CONFIG_FILE).is_file():
            config = data / CONFIG_FILE
        overrides["data"] = str(data)
    try:
        return load(config, **overrides)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def database_url(settings: Settings) -> str:
    """The SQLAlchemy URL of a node's database."""
    return settings.database_url or f"sqlite:///{settings.data_dir / DATABASE_FILE}"


def open_database(settings: Settings, *needed: sa.Table) -> Database:
    """The node's database, which must exist and hold the ``needed`` tables; a click error otherwise."""
    remedy = f"start the node once (`ansim {settings.role}`), or name one that has run by --config / --data"
    file = settings.data_dir / DATABASE_FILE
    if not settings.database_url and not file.is_file():
        raise click.ClickException(f"there is no database {file}: {remedy}")
    database = Database(database_url(settings), readers=1)
    try:
        present = set(sa.inspect(database.engine).get_table_names())
    except sa.exc.SQLAlchemyError as error:
        database.close()
        raise click.ClickException(f"the database cannot be read: {error}") from error
    missing = [table.name for table in needed if table.name not in present]
    if missing:
        database.close()
        raise click.ClickException(f"the database has no table {', '.join(missing)}: {remedy}")
    return database

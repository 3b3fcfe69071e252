"""``ansim hub``, ``ansim center``, ``ansim demo``, ``ansim config``."""

from pathlib import Path
from typing import Literal, get_args, get_origin

import click
from rich.console import Console
from rich.table import Table

from ansim.core.settings import Settings, SettingsError, fields, load


def _serve(config: Path | None, role: Literal["hub", "center"]) -> None:
    from ansim.nodes.serve import serve

    try:
        settings = load(config)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    if settings.role != role:
        raise click.ClickException(
            f'the settings are for a {settings.role}; run `ansim {settings.role}` or set role = "{role}"'
        )
    serve(settings)


_config_option = click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), help="The node's TOML file."
)


@click.command()
@_config_option
def hub(config: Path | None) -> None:
    """Run the hub, the national location-distribution node."""
    _serve(config, "hub")


@click.command()
@_config_option
def center(config: Path | None) -> None:
    """Run a center, the node of one municipality."""
    _serve(config, "center")


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=Path(".demo"), show_default=True
)
@click.option("--port", default=8700, show_default=True, help="The hub's port; centers take the next three.")
@click.option("--restart/--no-restart", default=True, help="Start a node again 20 s after it died.")
def demo(data: Path, port: int, restart: bool) -> None:
    """Run a hub and three centers on this machine."""
    from ansim.nodes.demo import run

    raise SystemExit(run(data, port, restart=restart))


@click.command()
@click.option("--explain", is_flag=True, help="Say what each setting means.")
@_config_option
def config(explain: bool, config: Path | None) -> None:
    """Show the settings in force."""
    try:
        settings = load(config)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    table = Table("setting", "value", *(["default", "environment", "type", "meaning"] if explain else []))
    for name, _section, kind, meta, default in fields():
        value = _value(settings, name)
        row = [name, "(set)" if _secret(name) and value else str(value)]
        if explain:
            environment = f"ANSIM_{name.replace('.', '_').upper()}"
            row += [str(default), environment, _kind(kind), meta.description or ""]
        table.add_row(*row)
    Console(width=None if not explain else 180).print(table)


def _value(settings: Settings, name: str) -> object:
    section, _, field = name.rpartition(".")
    return getattr(getattr(settings, section) if section else settings, field)


def _secret(name: str) -> bool:
    return name in ("centers", "bus.leaf_password", "database_url", "lost.peers")


def _kind(kind: object) -> str:
    if get_origin(kind) is Literal:
        return " | ".join(map(str, get_args(kind)))
    return getattr(kind, "__name__", str(kind))

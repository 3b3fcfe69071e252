"""The ``ansim`` command: commands only, every use case lives in its feature.

Imports are made when a command runs, so that ``ansim where`` does not wait for the web server.
"""

from importlib import import_module

import click

_COMMANDS = {
    "cameras": "ansim.cameras.commands:cameras",
    "center": "ansim.nodes.commands:center",
    "config": "ansim.nodes.commands:config",
    "demo": "ansim.nodes.commands:demo",
    "drill": "ansim.drill.commands:drill",
    "hub": "ansim.nodes.commands:hub",
    "jurisdictions": "ansim.distribution.commands:jurisdictions",
    "ledger": "ansim.ledger.commands:ledger",
    "policy": "ansim.distribution.policy_commands:policy",
    "staff": "ansim.people.commands:staff",
    "where": "ansim.distribution.commands:where",
}


class _Lazy(click.Group):
    """Finds a command by name and imports only that one's module."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = _COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, name = target.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.command(cls=_Lazy)
@click.version_option(package_name="ansim")
def main() -> None:
    """Ansim, the open smart-city safety net."""

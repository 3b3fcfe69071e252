"""The ``ansim`` command: commands only, every use case lives in its feature."""

import click


@click.group()
def main() -> None:
    """Ansim, the open smart-city safety net."""

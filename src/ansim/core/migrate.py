"""The schema, brought up to date when a node starts: Alembic migrations, the same on both databases."""

import importlib.resources

from alembic import command
from alembic.config import Config

from ansim.core.database import Database


def migrate(database: Database, revision: str = "head") -> None:
    """Upgrade the node's schema; safe to run at every start."""
    with importlib.resources.as_file(importlib.resources.files("ansim.core") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        with database.engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            connection.commit()

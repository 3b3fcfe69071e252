"""Write the next migration: the difference between the declared tables and a database at the newest revision.

python tools/new_migration.py "what changed"
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

import ansim.nodes.tables  # noqa: F401 - declares every table
from ansim.core.database import Database
from ansim.core.migrate import migrate

folder = Path(__file__).parents[1] / "src/ansim/core/migrations"
with tempfile.TemporaryDirectory() as scratch:
    database = Database.sqlite_file(Path(scratch) / "scratch.db")
    existing = sorted(folder.glob("versions/*.py"))
    if existing:
        migrate(database)
    config = Config()
    config.set_main_option("script_location", str(folder))
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        number = f"{len(existing) + 1:04d}"
        command.revision(config, message=sys.argv[1], autogenerate=True, rev_id=number)
    database.close()

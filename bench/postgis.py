"""A PostGIS of the measurement's own: a private cluster in a temporary folder, reached over a Unix socket."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import psycopg
import shapely

Array = npt.NDArray[np.float64]
Geometries = npt.NDArray[np.object_]

PACKAGES = "postgresql-15 postgresql-15-postgis-3"
_USER = "postgres"
_SETTINGS = {
    "listen_addresses": "''",
    "shared_buffers": "256MB",
    "work_mem": "64MB",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "fsync": "off",
}
"""Everything in memory, one core as for the other side, no compilation that would only cost."""


class Missing(Exception):
    """PostgreSQL or PostGIS is not on this machine; the message says how to install it."""


class PostGis:
    """A context manager with a connection to a fresh database that has PostGIS."""

    def __init__(self) -> None:
        self._binaries = _binaries()
        self._user = _USER if os.getuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="ansim-postgis-"))
        self.connection: psycopg.Connection[tuple[Any, ...]]

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.connection.close()
        self._stop()

    @property
    def version(self) -> str:
        """PostGIS and GEOS in one line."""
        return str(
            self.one("SELECT 'PostGIS ' || postgis_lib_version() || ', GEOS ' || postgis_geos_version()")
        )

    def one(self, query: str, parameters: Sequence[object] = ()) -> Any:
        """The first value of the first row."""
        row = self.connection.execute(query.encode(), parameters).fetchone()
        return None if row is None else row[0]

    def run(self, query: str) -> None:
        """Carry out a statement."""
        self.connection.execute(query.encode())

    def load(self, table: str, shapes: Geometries) -> None:
        """A table of geometries, numbered from 0 in their order, with a spatial index."""
        self.run(f"CREATE TABLE {table} (id int PRIMARY KEY, g geometry(Geometry, 4326))")
        with self.connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
            for number, wkb in enumerate(
                shapely.to_wkb(shapely.set_srid(shapes, 4326), include_srid=True, hex=True)
            ):
                copy.write_row((number, wkb))
        self.run(f"CREATE INDEX ON {table} USING gist (g)")
        self.run(f"VACUUM ANALYZE {table}")

    def server_ms(self, query: str) -> float:
        """How long the server itself needs for a query, without sending the rows."""
        lines = self.connection.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {query}".encode()).fetchall()
        [time] = [line for (line,) in lines if line.startswith("Execution Time")]
        return float(time.split()[2])

    def _start(self) -> None:
        if self._user:
            shutil.chown(self._folder, self._user)
        data = self._folder / "data"
        self._call("initdb", "-D", str(data), "-A", "trust", "-U", _USER, "-E", "UTF8", "--no-sync")
        with (data / "postgresql.auto.conf").open("a") as config:
            config.writelines(f"{name} = {value}\n" for name, value in _SETTINGS.items())
            config.write(f"unix_socket_directories = '{self._folder}'\n")
        self._call("pg_ctl", "-D", str(data), "-w", "-l", str(self._folder / "log"), "start")
        self.connection = psycopg.connect(host=str(self._folder), user=_USER, dbname=_USER, autocommit=True)
        try:
            self.run("CREATE EXTENSION postgis")
        except psycopg.errors.Error as error:
            raise Missing(
                f"PostGIS is missing ({error.diag.message_primary}): apt install {PACKAGES}"
            ) from error

    def _stop(self) -> None:
        data = self._folder / "data"
        if (data / "postmaster.pid").exists():
            self._call("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            user=self._user,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout.decode(errors='replace')[-2000:]}")


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise Missing(f"PostgreSQL is missing: apt install {PACKAGES}")
    if os.getuid() == 0:
        try:
            pwd.getpwnam(_USER)
        except KeyError:
            raise Missing(f"there is no user {_USER} to run PostgreSQL as: apt install {PACKAGES}") from None
    return found[-1].parent

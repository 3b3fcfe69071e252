"""A PostgreSQL server for the tests: its own folder, its own port, gone afterwards."""

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ansim.core.nats_server import free_port


def programs() -> Path:
    """Where Debian keeps the server's programs; a database nobody ran is not tested, so absence fails."""
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[4]))
    assert versions, "PostgreSQL is missing: install the package postgresql"
    return versions[-1].parent


class Postgres:
    """One server. It refuses to run as root, so root runs it as the package's own user. A context manager."""

    def __init__(self) -> None:
        self._programs = programs()
        self._folder = Path(tempfile.mkdtemp(prefix="ansim-postgres-"))
        self._as: dict[str, Any] = {}
        self._user = getpass.getuser()
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self._folder, account.pw_uid, account.pw_gid)
            self._as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            self._user = "postgres"
        self.port = free_port()
        self._made = 0

    def __enter__(self) -> "Postgres":
        try:
            make = [*self._data(), "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
            self._run("initdb", *make, f"--username={self._user}")
            options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self._folder} -c fsync=off"
            log = str(self._folder / "server.log")
            self._run("pg_ctl", *self._data(), "--wait", "-l", log, "-o", options, "start")
        except BaseException:
            shutil.rmtree(self._folder)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", *self._data(), "--wait", "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    def database(self) -> str:
        """The URL of a new, empty database."""
        self._made += 1
        name = f"node{self._made}"
        engine = sa.create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://{self._user}@127.0.0.1:{self.port}/{name}"

    def _data(self) -> list[str]:
        return ["-D", str(self._folder / "data")]

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a pipe would stay open as long as the server
            stderr=subprocess.DEVNULL,
            **self._as,
        )
        assert done.returncode == 0, f"{program} failed: {self._log()}"

    def _log(self) -> str:
        file = self._folder / "server.log"
        return file.read_text("utf-8")[-2_000:] if file.exists() else "it left no log"

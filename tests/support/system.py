"""The real system for tests and measurements: hub and centers as processes of their own, in one folder."""

import asyncio
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ansim.core.clock import iso, now
from ansim.core.commands import DATABASE_FILE
from ansim.core.ids import new_id
from ansim.core.secrets import secret
from ansim.drill.client import Client
from ansim.incidents import store
from ansim.incidents.view import view
from ansim.nodes.demo import CENTERS, DemoNode, write_configs
from ansim.nodes.staffing import demo_signins
from support.screen import WITHIN_S, Screen

T = TypeVar("T")
Place = tuple[float, float]

HUB = "hub"
ANYANG, GEUMCHEON, GUNPO = (code for code, _ in CENTERS)
NAMES = dict(CENTERS)
PLACES: dict[str, Place] = {
    ANYANG: (37.3943, 126.9568),
    GEUMCHEON: (37.4569, 126.8955),
    GUNPO: (37.3617, 126.9352),
}
"""A place well inside each center's area."""
_READY_S = 150.0
_LOWEST_PORT, _HIGHEST_PORT = 15_000, 30_000  # below those that the system hands out for outgoing connections


class System:
    """A hub and three centers. A context manager: every process it started ends with it.

    ``policy`` overrides the hub's deadlines. ``seed`` is the folder of a system that was stopped: its
    databases and secrets are taken over, which saves hashing the passwords of the staff again.
    """

    def __init__(
        self, folder: Path, *, policy: Mapping[str, float] | None = None, seed: Path | None = None
    ) -> None:
        self.folder = folder
        if seed is not None:
            leave = shutil.ignore_patterns("nats", "*.log")
            shutil.copytree(seed, folder, ignore=leave, dirs_exist_ok=True)
        folders = write_configs(folder, free_ports())
        if policy:
            file = folders[0] / "ansim.toml"
            config = tomllib.loads(file.read_text("utf-8")) | {"policy": dict(policy)}
            file.write_bytes(msgspec.toml.encode(config))
        self.nodes = {one.settings.code: one for one in map(DemoNode, folders)}
        self._visitors: dict[tuple[str, str], Visitor] = {}

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, *codes: str) -> None:
        """Start these nodes (all of them when none is named) and wait until each is ready."""
        for code in codes or self.nodes:
            self.nodes[code].start()
        self.wait_ready(*codes)

    def wait_ready(self, *codes: str) -> None:
        """Wait until these nodes (or all) say that they are ready, and each center hears the hub."""
        until = time.monotonic() + _READY_S
        waiting = [self.nodes[code] for code in codes or self.nodes]
        while waiting:
            waiting = [node for node in waiting if not node.ready()]
            dead = [node for node in waiting if not node.alive]
            if dead or time.monotonic() > until:
                raise AssertionError(f"{(dead or waiting)[0].settings.code} does not start: {self.logs()}")
            time.sleep(0.05)
        while not codes and not self._all_heard():
            assert time.monotonic() < until, f"the hub does not hear every center: {self.logs()}"
            time.sleep(0.05)

    def _all_heard(self) -> bool:
        """Whether the hub hears every center: before, a press may be routed past one."""
        metrics = httpx.get(f"{self.url(HUB)}/metrics", timeout=5).text
        return f"ansim_centers_heard {len(CENTERS)}.0" in metrics

    def kill(self, *codes: str) -> None:
        """kill -9 these nodes."""
        for code in codes:
            process = self.nodes[code].process
            assert process is not None
            process.kill()
            process.wait()

    def kill_bus(self, code: str) -> None:
        """kill -9 the nats-server of a node; the node starts it again."""
        try:
            os.kill(self.bus_pid(code), signal.SIGKILL)
        except ProcessLookupError:
            return  # it died with its node

    def bus_pid(self, code: str) -> int:
        """The process of a node's nats-server."""
        return int((self.nodes[code].folder / "nats" / "nats.pid").read_text())

    def terminate(self, *codes: str) -> None:
        """Stop these nodes as an administrator does."""
        for code in codes:
            process = self.nodes[code].process
            if process is not None and process.poll() is None:
                process.terminate()
        for code in codes:
            process = self.nodes[code].process
            if process is not None:
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def stop(self) -> None:
        """End everything."""
        self.terminate(*reversed(self.nodes))

    def url(self, code: str) -> str:
        """Where a node answers."""
        return self.nodes[code].settings.url

    def logs(self) -> str:
        """The last lines of every node's log."""
        ends = []
        for code, node in self.nodes.items():
            file = node.folder / "node.log"
            lines = file.read_text("utf-8").splitlines()[-12:] if file.exists() else []
            ends.append("\n".join([f"--- {code}", *lines]))
        return "\n".join(ends)

    # Databases

    def read(self, code: str, fn: Callable[[Connection], T]) -> T:
        """Read a node's database, running or not."""
        engine = sa.create_engine(f"sqlite:///{self.database_file(code)}", poolclass=sa.pool.NullPool)
        try:
            with engine.connect() as conn:
                return fn(conn)
        finally:
            engine.dispose()

    def execute(self, code: str, sql: str, values: Iterable[Any] = ()) -> int:
        """Change a node's database behind its back; returns how many rows."""
        conn = sqlite3.connect(self.database_file(code), timeout=10)
        try:
            with conn:
                return conn.execute(sql, tuple(values)).rowcount
        finally:
            conn.close()

    def database_file(self, code: str) -> Path:
        """The node's SQLite file."""
        return self.nodes[code].folder / DATABASE_FILE

    def folds(self, code: str) -> dict[str, dict[str, Any]]:
        """Every incident a node knows: its view as plain JSON, without the newest position."""

        def fold_all(conn: Connection) -> dict[str, dict[str, Any]]:
            loaded = [
                store.load(conn, one) for one in conn.execute(sa.select(store.incident_table.c.id)).scalars()
            ]
            return {one.id: msgspec.to_builtins(view(one, None)) for one in loaded if one is not None}

        return self.read(code, fold_all)

    async def converged(self, *codes: str, incidents: Iterable[str] | None = None) -> None:
        """Wait until the nodes' folds of the incidents that the last of them knows are the same."""
        until = time.monotonic() + WITHIN_S
        while True:
            folds = [self.folds(code) for code in codes]
            wanted = list(incidents) if incidents is not None else list(folds[-1])
            seen = [{one: fold.get(one) for one in wanted} for fold in folds]
            if all(one == seen[0] for one in seen):
                return
            assert time.monotonic() < until, f"they differ: {_difference(seen)}"
            await asyncio.sleep(0.2)

    # People

    async def staff(self, code: str, login: str) -> "Visitor":
        """A demonstration's staff member, signed in at this center: one session however often asked for."""
        found = self._visitors.get((code, login))
        if found is None:
            one = next(one for one in demo_signins(self.nodes[code].settings) if one.login == login)
            found = self._visitors[code, login] = Visitor(self.url(code))
            async with found:
                await found.sign_in(one.app, one.login, one.password)
        return found.again()

    async def citizen(self, number: int, *, pin: str = "1234", duress: str | None = "9999") -> "Visitor":
        """A registered person, signed in on her phone."""
        key = (HUB, str(number))
        if key not in self._visitors:
            phone = f"010-{5000 + number // 10_000:04d}-{number % 10_000:04d}"
            visitor = self._visitors[key] = Visitor(self.url(HUB))
            async with visitor:
                await visitor.greet()
                await visitor.call("POST", "/api/registration/code", {"phone": phone})
                body = {
                    "phone": phone,
                    "code": self.code(phone),
                    "name": f"시민{number}",
                    "pin": pin,
                    "duress_pin": duress,
                    "consent": {"location": True, "video": True, "contact": True},
                    "note": "천식",
                }
                await visitor.call("POST", "/api/registration", body)
        return self._visitors[key].again()

    def code(self, phone: str) -> str:
        """The newest one-time code for a phone, from the demonstration's text messages."""
        file = self.nodes[HUB].folder / "sms.log"
        until = time.monotonic() + 20
        while time.monotonic() < until:
            lines = file.read_text("utf-8").splitlines() if file.exists() else []
            for line in reversed(lines):
                if phone in line:
                    return next(word for word in line.replace(".", " ").split() if _is_code(word))
            time.sleep(0.02)
        raise AssertionError(f"no text message for {phone}")

    def phone(self) -> "Visitor":
        """Somebody's phone, not signed in."""
        return Visitor(self.url(HUB))

    def robot_bearer(self) -> str:
        """What the drill presses with."""
        return secret(self.nodes[HUB].settings.data_dir, "drill")


class Visitor(Client):
    """One person at one node, with their screens."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url

    def again(self) -> "Visitor":
        """The same person with the same cookies on another connection."""
        other = Visitor(self.url)
        other._cookies, other._csrf = dict(self._cookies), self._csrf
        return other

    def screen(self, path: str, *, cursor: int | None = None, resume: bool = True) -> Screen:
        """A page that follows a stream."""
        return Screen(self.url, path, self._headers(), cursor=cursor, resume=resume)

    def cookie(self, name: str) -> str:
        """The value of a cookie."""
        return self._cookies[name]

    async def press(self, place: Place | None = PLACES[ANYANG], **fields: Any) -> dict[str, Any]:
        """Press the button; returns the receipt."""
        answer = await self.call("POST", "/api/sos", press_body(place, **fields))
        receipt: dict[str, Any] = answer.json()
        return receipt

    async def command(self, incident: str, step: str, body: object = None) -> Any:
        """An operator's command, which must succeed; returns what it answers."""
        answer = await self.call("POST", f"/api/console/incidents/{incident}/{step}", body)
        return answer.json() if answer.content else None


def press_body(
    place: Place | None = PLACES[ANYANG], *, radius: float = 15.0, **fields: Any
) -> dict[str, Any]:
    """A report as a phone sends it; every one from a device of its own unless ``device_id`` is given."""
    moment = iso(now())
    body: dict[str, Any] = {
        "key": new_id(),
        "trigger": "hold",
        "pressed_at": moment,
        "device_id": new_id(),
        "battery": 0.6,
        "silent": False,
    }
    if place is not None:
        body["position"] = fix(*place, radius=radius)
    return body | fields


def fix(lat: float, lon: float, *, radius: float = 10.0) -> dict[str, Any]:
    """A position as a phone reports it, taken now."""
    return {"id": new_id(), "lat": lat, "lon": lon, "radius": radius, "at": iso(now()), "source": "gnss"}


def _difference(seen: list[dict[str, Any]]) -> str:
    """The first field of the first incident in which two nodes differ."""
    for incident, first in seen[0].items():
        for other in (one[incident] for one in seen[1:]):
            if first != other and first is not None and other is not None:
                fields = [field for field in first if first[field] != other[field]]
                return f"{incident} in {fields}: {[(first[f], other[f]) for f in fields]}"
            if first != other:
                return f"{incident}: {first} / {other}"
    return "nothing"


def _is_code(word: str) -> bool:
    digits = "".join(letter for letter in word if letter.isdigit())
    return len(digits) == 6 and digits == word.strip("[]():,.")


def free_ports() -> int:
    """The first of the ports that a system needs, all of them free at this moment."""
    choose = random.Random()
    for _ in range(200):
        first = choose.randrange(_LOWEST_PORT, _HIGHEST_PORT)
        if all(_free(port) for port in (*range(first, first + 1 + len(CENTERS)), first + 10)):
            return first
    raise AssertionError("no free ports")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

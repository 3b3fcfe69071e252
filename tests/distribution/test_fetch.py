"""Fetching boundaries: from the cache without a network, with one sentence where neither is there."""

from datetime import UTC, datetime
from pathlib import Path

import geopandas
import pytest
import shapely
from click.testing import CliRunner

from ansim.distribution import fetch as fetching
from ansim.distribution.commands import jurisdictions
from ansim.distribution.fetch import CACHE, fetch
from ansim.distribution.generations import FOLDER, history_from_dir
from ansim.distribution.importer import BoundaryFileError

MANAN, DONGAN = shapely.box(126.90, 37.36, 126.94, 37.42), shapely.box(126.94, 37.36, 126.98, 37.42)
GUNPO = shapely.box(126.90, 37.33, 126.98, 37.36)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloads go to a port of this machine on which nothing listens: refused for real, and at once."""
    monkeypatch.setenv("ADMDONGKOR_NO_AUTO_UPDATE", "1")
    monkeypatch.setenv("ADMDONGKOR_CACHE_DIR", "")
    import admdongkor

    monkeypatch.setattr(admdongkor._cache, "BASE_URL", "http://127.0.0.1:9/parquet")


def cache(folder: Path, version: str = "20260701", *, missing: str = "") -> None:
    """A file as the package keeps it: on the national grid, with its own columns."""
    columns = {
        "sggcd": ["41171", "41173", "41410"],
        "sggnm": ["안양시만안구", "안양시동안구", "군포시"],
        "sidonm": ["경기도"] * 3,
    }
    columns.pop(missing, None)
    frame = geopandas.GeoDataFrame(columns, geometry=[MANAN, DONGAN, GUNPO], crs=4326).to_crs(5179)
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(folder / f"sgg_{version}.parquet")


def test_what_is_in_the_cache_is_taken_without_a_network(tmp_path: Path) -> None:
    cache(tmp_path)
    steps: list[str] = []
    boundaries = fetch(tmp_path, "20260701", progress=lambda step, _done, _total: steps.append(step))
    assert boundaries.codes == ("41170", "41410")
    assert boundaries.source == "admdongkor sgg 20260701"
    assert boundaries.effective_from == datetime(2026, 6, 30, 15, tzinfo=UTC), "midnight in Seoul"
    assert boundaries.locate(37.40, 126.96).center_name == "안양시"
    assert steps[0] == "fetch"
    apart = fetch(tmp_path, "20260701", unite=False, effective_from=datetime(2026, 7, 2, tzinfo=UTC))
    assert apart.codes == ("41171", "41173", "41410")


def test_the_newest_version_is_one_that_has_begun(tmp_path: Path) -> None:
    assert fetching._newest(["20180101", "20190101", "29990101"]) == "20190101"
    assert fetching._newest(["29990101"]) == "29990101"


def test_without_cache_and_network_one_sentence_says_so(tmp_path: Path) -> None:
    done = CliRunner().invoke(jurisdictions, ["fetch", "20260701", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "Traceback" not in done.output
    assert (
        "could not be downloaded (ConnectionError): connect to the internet once, or import a file"
        in done.output
    )
    assert not list((tmp_path / CACHE).glob("*.part"))


def test_the_command_imports_what_it_fetched(tmp_path: Path) -> None:
    cache(tmp_path / CACHE)
    done = CliRunner().invoke(jurisdictions, ["fetch", "20260701", "--data", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "관할 2곳, 2026-06-30T15:00:00.000Z부터" in done.output
    [_, kept] = history_from_dir(tmp_path / FOLDER).generations
    assert kept.codes == ("41170", "41410")


@pytest.mark.parametrize(
    ("version", "complaint"), [("20260702", "knows no version 20260702"), ("nonsense", "knows no version")]
)
def test_an_unknown_version_is_named(tmp_path: Path, version: str, complaint: str) -> None:
    with pytest.raises(BoundaryFileError, match=complaint):
        fetch(tmp_path, version)


def test_a_damaged_cache_and_missing_columns_are_named(tmp_path: Path) -> None:
    (tmp_path / "sgg_20260701.parquet").write_bytes(b"half a file")
    with pytest.raises(BoundaryFileError, match="the boundaries of 20260701 are damaged"):
        fetch(tmp_path, "20260701")
    cache(tmp_path, missing="sidonm")
    with pytest.raises(BoundaryFileError, match="has no column sidonm"):
        fetch(tmp_path, "20260701")


def test_without_the_package_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "PACKAGE", "no_such_package_here")
    with pytest.raises(BoundaryFileError, match=r"pip install 'ansim\[boundaries\]'"):
        fetch(tmp_path, "20260701")

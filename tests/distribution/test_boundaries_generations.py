"""Generations on disk: whole or not there, seen by running nodes, safe against damage."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import shapely

from ansim.distribution import generations
from ansim.distribution.boundaries import default_boundaries
from ansim.distribution.generations import Generation, history_from_dir, in_force, keep, stamp
from ansim.distribution.importer import BoundaryFileError
from ansim.geo.boundaries import BoundarySet

BEGAN = datetime(2026, 7, 1, tzinfo=UTC)
IMPORTED = datetime(2026, 6, 1, tzinfo=UTC)


def boundary_set(began: datetime = BEGAN, split: float = 127.5, approximate: bool = False) -> BoundarySet:
    island = shapely.MultiPolygon([shapely.box(split, 37, 128, 38), shapely.box(129, 37, 129.1, 37.1)])
    return BoundarySet(
        ["41170", "41410"],
        ["안양시", "군포시"],
        [shapely.box(127, 37, split, 38), island],
        provinces=["경기도", ""],
        effective_from=began,
        source="survey.gpkg",
        approximate=approximate,
    )


def test_without_a_folder_the_default_is_in_force(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        history = history_from_dir(folder)
        assert history.generations == (default_boundaries(),)
        assert in_force(folder, BEGAN) is default_boundaries()
        assert generations.generations(folder) == []
        assert stamp(folder) == ()


def test_what_is_kept_comes_back_the_same(tmp_path: Path) -> None:
    kept = boundary_set(approximate=True)
    generation = keep(tmp_path / "new" / "folder", kept, imported_at=IMPORTED)
    back = history_from_dir(tmp_path / "new" / "folder").as_of(BEGAN)
    assert (back.codes, back.names, back.provinces) == (kept.codes, kept.names, kept.provinces)
    assert (back.effective_from, back.source, back.approximate) == (BEGAN, "survey.gpkg", True)
    assert shapely.equals(back.geometries, kept.geometries).all()
    assert (generation.count, generation.imported_at, generation.source) == (2, IMPORTED, "survey.gpkg")


def test_the_default_fills_the_time_before_an_import(tmp_path: Path) -> None:
    keep(tmp_path, boundary_set(), imported_at=IMPORTED)
    history = history_from_dir(tmp_path)
    before = BEGAN - timedelta(microseconds=1)
    assert history.as_of(before) is default_boundaries()
    assert history.as_of(BEGAN).source == "survey.gpkg"
    assert in_force(tmp_path, before) is default_boundaries()
    assert in_force(tmp_path, BEGAN).codes == history.as_of(BEGAN).codes


def test_a_survey_of_an_earlier_year_still_replaces_the_default(tmp_path: Path) -> None:
    keep(tmp_path, boundary_set(datetime(2018, 1, 1, tzinfo=UTC)), imported_at=IMPORTED)
    assert history_from_dir(tmp_path).as_of(BEGAN).source == "survey.gpkg"


def test_generations_come_into_force_in_their_order(tmp_path: Path) -> None:
    later = datetime(2027, 1, 1, tzinfo=UTC)
    keep(tmp_path, boundary_set(later, 127.3), imported_at=IMPORTED)
    keep(tmp_path, boundary_set(BEGAN, 127.6), imported_at=IMPORTED)
    history = history_from_dir(tmp_path)
    assert history.as_of(later - timedelta(days=1)).locate(37.5, 127.55).center_code == "41170"
    assert history.as_of(later).locate(37.5, 127.55).center_code == "41410"
    assert [one.effective_from for one in generations.generations(tmp_path)] == [BEGAN, later]


def test_of_two_from_one_moment_the_later_import_is_in_force(tmp_path: Path) -> None:
    keep(tmp_path, boundary_set(split=127.6), imported_at=IMPORTED + timedelta(hours=1))
    keep(tmp_path, boundary_set(split=127.3), imported_at=IMPORTED)
    assert history_from_dir(tmp_path).as_of(BEGAN).locate(37.5, 127.55).center_code == "41170"
    assert in_force(tmp_path, BEGAN).locate(37.5, 127.55).center_code == "41170"


def test_zones_do_not_matter(tmp_path: Path) -> None:
    kst = timezone(timedelta(hours=9))
    generation = keep(tmp_path, boundary_set(datetime(2026, 7, 1, 9, tzinfo=kst)), imported_at=IMPORTED)
    assert generation.effective_from == BEGAN
    assert generation.id.startswith("20260701T000000Z-")


def test_keeping_the_same_twice_is_one_generation(tmp_path: Path) -> None:
    first = keep(tmp_path, boundary_set(), imported_at=IMPORTED)
    again = keep(tmp_path, boundary_set(), imported_at=IMPORTED + timedelta(days=1))
    assert first.id == again.id
    assert [one.imported_at for one in generations.generations(tmp_path)] == [again.imported_at]


def test_the_stamp_changes_with_every_import_and_only_then(tmp_path: Path) -> None:
    stamps = [stamp(tmp_path)]
    for split in (127.2, 127.4):
        keep(tmp_path, boundary_set(split=split), imported_at=IMPORTED)
        stamps.append(stamp(tmp_path))
    history_from_dir(tmp_path)
    assert len(set(stamps)) == 3
    assert stamp(tmp_path) == stamps[-1]


def test_nothing_but_whole_generations_is_left_behind(tmp_path: Path) -> None:
    generation = keep(tmp_path, boundary_set(), imported_at=IMPORTED)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{generation.id}.fgb",
        f"{generation.id}.json",
    ]


def test_an_import_cut_off_before_its_description_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def cut_off(source: Path, target: Path) -> None:
        if target.suffix == ".json":
            raise OSError("power cut")
        replace(source, target)

    monkeypatch.setattr(os, "replace", cut_off)
    with pytest.raises(OSError, match="power cut"):
        keep(tmp_path, boundary_set(), imported_at=IMPORTED)
    monkeypatch.undo()
    assert history_from_dir(tmp_path).as_of(BEGAN) is default_boundaries()
    keep(tmp_path, boundary_set(), imported_at=IMPORTED)
    assert history_from_dir(tmp_path).as_of(BEGAN).source == "survey.gpkg"


def test_imports_at_once_do_not_lose_one_another(tmp_path: Path) -> None:
    splits = [127.1 + place / 10 for place in range(8)]

    def keep_one(split: float) -> Generation:
        return keep(tmp_path, boundary_set(split=split), imported_at=IMPORTED)

    with ThreadPoolExecutor(4) as pool:
        kept = list(pool.map(keep_one, splits))
    assert {one.id for one in generations.generations(tmp_path)} == {one.id for one in kept}
    assert len(history_from_dir(tmp_path).generations) == len(splits) + 1


def test_damage_is_found_and_named(tmp_path: Path) -> None:
    generation = keep(tmp_path, boundary_set(), imported_at=IMPORTED)
    path = tmp_path / f"{generation.id}.fgb"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(BoundaryFileError, match=r"damaged: import survey\.gpkg again"):
        history_from_dir(tmp_path)
    path.unlink()
    with pytest.raises(BoundaryFileError, match=r"missing: import survey\.gpkg again"):
        in_force(tmp_path, BEGAN)


def test_a_description_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BoundaryFileError, match=r"notes\.json does not describe a generation"):
        history_from_dir(tmp_path)


def test_a_renamed_description_is_named(tmp_path: Path) -> None:
    generation = keep(tmp_path, boundary_set(), imported_at=IMPORTED)
    (tmp_path / f"{generation.id}.json").rename(tmp_path / "other.json")
    with pytest.raises(BoundaryFileError, match=f"describes the generation {generation.id}"):
        history_from_dir(tmp_path)


def test_the_description_is_readable_by_people(tmp_path: Path) -> None:
    generation = keep(tmp_path, boundary_set(), imported_at=IMPORTED)
    told = json.loads((tmp_path / f"{generation.id}.json").read_text(encoding="utf-8"))
    assert told["effective_from"] == "2026-07-01T00:00:00Z"
    assert told["source"] == "survey.gpkg"
    assert told["count"] == 2

"""Importing into a real database: idempotent, reported, and in short steps."""

import csv
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ansim.cameras import importer, store
from ansim.cameras.importer import Summary, import_file
from ansim.cameras.store import Written
from ansim.cameras.table import CameraFileError
from ansim.core.database import Database
from cameras.camera_files import GANGNAM, needs_gangnam, row, text_of, write_csv


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.sqlite_file(tmp_path / "node.db")
    database.create_all()
    yield database
    database.close()


async def stored(database: Database) -> list[dict[str, Any]]:
    def read(conn: sa.Connection) -> list[dict[str, Any]]:
        statement = sa.select(store.camera).order_by(store.camera.c.id)
        return [dict(one._mapping) for one in conn.execute(statement)]

    return await database.read(read)


async def revision(database: Database) -> int:
    return await database.read(store.revision)


DIRTY = [
    row(),
    row(관리번호="2", WGS84위도="126.9081", WGS84경도="37.4261"),  # swapped
    row(관리번호="3", WGS84위도="0", WGS84경도="0"),
    row(관리번호="4", WGS84위도="", WGS84경도=""),
    row(관리번호="5", WGS84위도="35.68", WGS84경도="139.76"),
    row(관리번호="6", 소재지도로명주소="경기도 안양시 만안구 석수로 12 (192.168.0.9)"),
    row(관리번호="7", 카메라대수="5", 촬영방면정보="360도 전방면"),
    row(관리번호="8", 설치연월="어제"),
    row(관리번호="9", WGS84위도="37.4270"),
    row(관리번호="9", WGS84위도="37.4280"),  # the number again, elsewhere
    row(관리번호="", WGS84위도="37.4290"),
    row(관리번호="", WGS84위도="37.4290"),  # the very same again
    row(관리번호="10", 소재지도로명주소="=cmd|' /C calc'!A0"),
]


async def test_a_dirty_file(tmp_path: Path, database: Database) -> None:
    path, report = write_csv(tmp_path / "dirty.csv", DIRTY), tmp_path / "report.csv"
    summary = await import_file(database, path, report=report)
    assert summary == Summary(
        rows=13,
        cameras=9,
        written=Written(added=9),
        repaired=5,
        refused=4,
        removed=0,
        reasons={
            "no-position": 2,
            "number-reused": 2,
            "swapped-axes": 1,
            "outside-korea": 1,
            "ip-removed": 1,
            "date": 1,
            "duplicate": 1,
        },
        encoding="cp949",
    )
    cameras = await stored(database)
    assert len(cameras) == 9
    assert all(32 < one["lat"] < 39 and 124 < one["lon"] < 133 for one in cameras)
    assert "192.168" not in str(cameras)
    assert {one["source"] for one in cameras} == {"dirty"}

    with report.open(encoding="utf-8-sig", newline="") as file:
        told = list(csv.DictReader(file))
    assert [(one["line"], one["action"], one["reason"]) for one in told] == [
        ("3", "repaired", "swapped-axes"),
        ("4", "refused", "no-position"),
        ("5", "refused", "no-position"),
        ("6", "refused", "outside-korea"),
        ("7", "repaired", "ip-removed"),
        ("9", "repaired", "date"),
        ("10", "repaired", "number-reused"),
        ("11", "repaired", "number-reused"),
        ("13", "refused", "duplicate"),
    ]
    assert "192.168" not in report.read_text("utf-8-sig")
    assert told[0]["설명"]
    assert told[0]["explanation"] == "latitude and longitude were swapped"


async def test_a_report_never_holds_a_formula(tmp_path: Path, database: Database) -> None:
    path = write_csv(tmp_path / "a.csv", [row(카메라대수="=1+2"), row(관리번호="2", 설치연월="@SUM(1)")])
    report = tmp_path / "report.csv"
    await import_file(database, path, report=report)
    with report.open(encoding="utf-8-sig", newline="") as file:
        assert [one["value"] for one in csv.DictReader(file)] == ["'=1+2", "'@SUM(1)"]


async def test_importing_again_changes_nothing(tmp_path: Path, database: Database) -> None:
    path = write_csv(tmp_path / "dirty.csv", DIRTY)
    first = await import_file(database, path)
    before, version = await stored(database), await revision(database)
    again = await import_file(database, path)
    assert again.written == Written(unchanged=9)
    assert again.reasons == first.reasons
    assert await stored(database) == before
    assert await revision(database) == version


async def test_the_order_and_encoding_of_the_file_do_not_matter(tmp_path: Path, database: Database) -> None:
    await import_file(database, write_csv(tmp_path / "a.csv", DIRTY), source="cctv")
    before = await stored(database)
    mixed = list(DIRTY)
    for seed in range(3):
        random.Random(seed).shuffle(mixed)
        path = write_csv(tmp_path / f"{seed}.csv", mixed, encoding="utf-8-sig")
        assert (await import_file(database, path, source="cctv")).written == Written(unchanged=9)
    assert await stored(database) == before


async def test_what_changed_in_the_file_changes_in_the_table(tmp_path: Path, database: Database) -> None:
    await import_file(database, write_csv(tmp_path / "a.csv", [row(), row(관리번호="2")]))
    changed = [row(카메라대수="4"), row(관리번호="2"), row(관리번호="3")]
    summary = await import_file(database, write_csv(tmp_path / "a.csv", changed))
    assert summary.written == Written(added=1, changed=1, unchanged=1)
    assert sorted(one["count"] for one in await stored(database)) == [1, 1, 4]


async def test_only_replace_takes_cameras_out_and_only_of_its_own_data_set(
    tmp_path: Path, database: Database
) -> None:
    await import_file(database, write_csv(tmp_path / "other.csv", [row(관리번호="90")]))
    await import_file(database, write_csv(tmp_path / "a.csv", [row(), row(관리번호="2")]))
    path = write_csv(tmp_path / "a.csv", [row(관리번호="2")])
    assert (await import_file(database, path)).removed == 0
    before = await revision(database)
    assert (await import_file(database, path, replace=True)).removed == 1
    assert await revision(database) == before + 1
    assert sorted(one["source_id"] for one in await stored(database)) == ["2", "90"]


async def test_more_rows_than_a_batch(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH", 7)
    path = write_csv(tmp_path / "a.csv", [row(관리번호=str(number)) for number in range(50)])
    steps: list[tuple[str, int, int]] = []
    before = database.commits
    summary = await import_file(database, path, progress=lambda *step: steps.append(step))
    assert summary.written == Written(added=50)
    assert database.commits - before == 9  # eight batches and the mark that tells nodes to look
    size = path.stat().st_size
    assert [step for step, _, _ in steps] == sorted((step for step, _, _ in steps), reverse=True)
    assert all(0 < done <= total == size for _, done, total in steps)
    assert steps[-1] == ("import", size, size)
    empty = write_csv(tmp_path / "b.csv", [])
    assert (await import_file(database, empty, source="a", replace=True)).removed == 50


async def test_a_file_that_breaks_off_keeps_what_was_whole_and_says_so(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH", 2)
    good = text_of(
        [row(관리번호=""), row(관리번호="", WGS84위도="37.43"), row(관리번호="", WGS84위도="37.44")]
    )
    columns = text_of([]).replace("관리번호", "번호")  # without numbers nothing is read twice
    path = tmp_path / "a.csv"
    path.write_text(columns + good.partition("\n")[2] + '"' + "x" * 200_000, "utf-8", newline="")
    with pytest.raises(CameraFileError, match="before line"):
        await import_file(database, path)
    assert len(await stored(database)) == 2
    assert await revision(database) == 1


async def test_a_file_without_cameras_is_refused_before_anything_is_written(
    tmp_path: Path, database: Database
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("이름,나이\n", "utf-8")
    with pytest.raises(CameraFileError):
        await import_file(database, path)
    assert await revision(database) == 0


async def test_a_batch_with_one_camera_twice_keeps_the_last(database: Database, tmp_path: Path) -> None:
    from cameras.camera_files import camera

    written = await database.write(lambda tx: store.put(tx, [camera(1, count=2), camera(1, count=3)]))
    assert written == Written(added=1)
    assert [one["count"] for one in await stored(database)] == [3]


@needs_gangnam
async def test_the_real_file_of_gangnam(database: Database, tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    summary = await import_file(database, GANGNAM, report=report)
    assert (summary.rows, summary.cameras, summary.refused) == (1_763, 1_763, 0)
    assert summary.encoding == "cp949"
    cameras = await stored(database)
    assert all(37.4 < one["lat"] < 37.6 and 126.8 < one["lon"] < 127.2 for one in cameras)
    by_number = {one["source_id"]: one for one in cameras}
    assert len(by_number) == 1_763
    assert by_number["0"]["name"] == "율현동 116번지"
    assert by_number["1"]["count"] == 12
    assert by_number["1"]["fov_deg"] == 360.0
    assert by_number["2"]["manager"] == "서울남부혈액원"
    assert (await import_file(database, GANGNAM)).written == Written(unchanged=1_763)

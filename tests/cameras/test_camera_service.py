"""The registry in service: what is near, what is in a box, and taking up what changed."""

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ansim.cameras import service as service_module
from ansim.cameras import store
from ansim.cameras.importer import import_file
from ansim.cameras.model import Camera
from ansim.cameras.service import CameraService
from ansim.cameras.store import Written
from ansim.core.database import Database
from ansim.geo.shape import destination
from cameras.camera_files import camera, row, write_csv

HER = (37.4251, 126.9071)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.sqlite_file(tmp_path / "node.db")
    database.create_all()
    yield database
    database.close()


def around(count: int, metres: float = 20.0) -> list[Camera]:
    """Cameras ever further away from her, all round her."""
    places = [destination(*HER, 40.0 * number, metres * (number + 1)) for number in range(count)]
    return [camera(number, lat=lat, lon=lon) for number, (lat, lon) in enumerate(places)]


async def test_near_gives_the_best_cameras_with_everything_a_page_shows(database: Database) -> None:
    cameras = CameraService(database)
    behind = destination(*HER, 0.0, 15.0)
    away = camera(
        99, lat=behind[0], lon=behind[1], heading=0.0, fov_deg=90.0, name="뒤돌아선 곳", address="석수로 1"
    )
    assert await cameras.seed([*around(30), away]) == Written(added=31)
    found = await cameras.near(*HER, 10.0, 6, "ko")
    assert [one.rank for one in found] == [1, 2, 3, 4, 5, 6]
    assert [one.id for one in found[:4]] == [f"{number:016x}" for number in range(4)]
    assert [one.distance_m for one in found[:4]] == pytest.approx([20, 40, 60, 80], abs=0.2)
    assert found[0].why == "북쪽 20 m, 전 방향을 비춥니다."
    assert (await cameras.near(*HER, 10.0, 1, "en"))[0].why == "20 m north of her, looks all round."
    everything = await cameras.near(*HER, 10.0, 50, "ko")
    assert len(everything) == 31
    (turned,) = [one for one in everything if one.id == away.id]
    assert (turned.name, turned.address, turned.faces) == ("뒤돌아선 곳", "석수로 1", "away")
    assert turned.rank > 4


async def test_nothing_near_is_an_empty_answer(database: Database) -> None:
    cameras = CameraService(database)
    await cameras.start()
    assert await cameras.near(*HER, 10.0, 6, "ko") == []
    await cameras.seed([camera(1, lat=35.0, lon=129.0)])
    assert await cameras.near(*HER, 10.0, 6, "ko") == []
    far = destination(*HER, 90.0, 3_500.0)
    await cameras.seed([camera(2, lat=far[0], lon=far[1])])
    assert await cameras.near(*HER, 10.0, 6, "ko") == []
    assert len(await cameras.near(*HER, 600.0, 6, "ko")) == 1  # she may be half a kilometre nearer


@pytest.mark.parametrize(
    ("lat", "lon", "radius"), [(91.0, 0.0, 1.0), (37.0, math.nan, 1.0), (37.0, 127.0, -1.0)]
)
async def test_what_is_no_place_is_refused(database: Database, lat: float, lon: float, radius: float) -> None:
    cameras = CameraService(database)
    await cameras.start()
    with pytest.raises(ValueError, match="must be"):
        await cameras.near(lat, lon, radius, 6, "ko")


async def test_it_answers_without_having_been_started(database: Database) -> None:
    await CameraService(database).seed(around(3))
    late = CameraService(database)
    assert len(late) == 0
    assert len(await late.near(*HER, 10.0, 6, "ko")) == 3
    assert len(late) == 3


async def test_seeding_again_changes_nothing(database: Database) -> None:
    cameras = CameraService(database)
    await cameras.seed(around(5))
    assert await cameras.seed(around(5)) == Written(unchanged=5)
    assert await database.read(store.revision) == 1
    moved = [*around(5)[:4], camera(4, count=9)]
    assert await cameras.seed(moved) == Written(changed=1, unchanged=4)
    assert len(cameras) == 5


async def test_a_box_of_the_map(database: Database) -> None:
    cameras = CameraService(database)
    await cameras.seed(around(20))
    lat, lon = HER
    inside = await cameras.in_box(lon - 0.001, lat - 0.001, lon + 0.001, lat + 0.001)
    assert 0 < inside.total < 20
    assert len(inside.cameras) == inside.total
    assert all(abs(one.lat - lat) <= 0.001 and abs(one.lon - lon) <= 0.001 for one in inside.cameras)
    everywhere = await cameras.in_box(124.0, 33.0, 132.0, 39.0, limit=8)
    assert (len(everywhere.cameras), everywhere.total) == (8, 20)


async def test_what_another_process_imported_is_taken_up_beside_the_next_question(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "CHECK_S", -1.0)
    cameras = CameraService(database)
    await cameras.start()
    await import_file(database, write_csv(tmp_path / "a.csv", [row()]))
    assert await cameras.near(*HER, 10.0, 6, "ko") == []  # answered from what is known, not held up
    for _ in range(1_000):
        if await cameras.near(*HER, 10.0, 6, "ko"):
            break
        await asyncio.sleep(0.01)
    assert len(cameras) == 1


async def test_between_two_looks_at_the_table_it_is_left_alone(database: Database) -> None:
    cameras = CameraService(database)
    await cameras.start()
    await CameraService(database).seed(around(1))
    assert await cameras.near(*HER, 10.0, 6, "ko") == []
    await asyncio.sleep(0.05)
    assert len(cameras) == 0
    assert await cameras.refresh()
    assert not await cameras.refresh()
    assert len(cameras) == 1


async def test_a_camera_removed_meanwhile_is_left_out(database: Database) -> None:
    cameras = CameraService(database)
    await cameras.seed(around(3))
    await database.write(lambda tx: store.remove(tx, [camera(0).id]))
    found = await cameras.near(*HER, 10.0, 6, "ko")
    assert [(one.id, one.rank) for one in found] == [(camera(1).id, 1), (camera(2).id, 2)]
    assert len((await cameras.in_box(124, 33, 132, 39)).cameras) == 2


async def test_when_the_table_cannot_be_read_what_is_known_stays(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    cameras = CameraService(database)
    await cameras.seed(around(3))
    monkeypatch.setattr(service_module, "CHECK_S", -1.0)
    await database.write(lambda tx: store.camera_revision.drop(tx.conn))
    for _ in range(3):
        assert len(await cameras.near(*HER, 10.0, 6, "ko")) == 3
        await asyncio.sleep(0.02)
    assert len(cameras) == 3


async def test_a_camera_comes_back_from_the_table_as_it_was(database: Database) -> None:
    whole = camera(
        7,
        source="demo",
        source_id="7",
        address="석수로 7",
        heading=12.5,
        fov_deg=60.0,
        heading_confidence=0.8,
        range_m=55.5,
        height_m=4.5,
        ptz=True,
        count=3,
        purpose="생활방범",
        manager="안양시",
        phone="031-000-0000",
        installed="2020-05",
        direction="북측",
    )
    await database.write(lambda tx: store.put(tx, [whole, camera(8)]))
    found = await database.read(lambda conn: store.by_ids(conn, [whole.id, camera(8).id, "none"]))
    assert sorted(found, key=lambda one: one.id) == [whole, camera(8)]
    ids, columns = await database.read(store.read_columns)
    assert sorted(ids.tolist()) == [whole.id.encode(), camera(8).id.encode()]
    assert columns.ptz.tolist().count(True) == 1


async def test_more_ids_than_one_question_takes(database: Database) -> None:
    many = [camera(number) for number in range(1_203)]
    await database.write(lambda tx: store.put(tx, many))
    ids = [one.id for one in many]
    assert len(await database.read(lambda conn: store.by_ids(conn, ids))) == 1_203
    assert await database.write(lambda tx: store.remove(tx, ids[:1_001])) == 1_001
    assert (
        await database.read(
            lambda conn: conn.execute(sa.select(sa.func.count()).select_from(store.camera)).scalar()
        )
        == 202
    )

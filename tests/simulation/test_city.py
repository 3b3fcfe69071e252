"""The invented city: the same every time, and every post in the city it says."""

import itertools
import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from ansim.cameras.direction import parse_direction
from ansim.cameras.model import ALL_ROUND_DEG, Camera
from ansim.cameras.ranking import rank
from ansim.distribution.boundaries import default_boundaries
from ansim.distribution.importer import read_file
from ansim.geo.boundaries import BoundarySet
from ansim.simulation.city import SOURCE, cameras
from ansim.simulation.streets import ANYANG, DISTRICTS, GEUMCHEON, GUNPO
from ansim.simulation.walk import END, ROUTE, START, Way

ROOT = Path(__file__).parents[2]
EXACT = (
    Path(os.environ.get("ANSIM_SHARED_DATA", ROOT.parent / "shared/data"))
    / "korea-municipalities-2018.topo.json"
)
NAMES = {ANYANG: "안양시", GEUMCHEON: "금천구", GUNPO: "군포시"}
CITIES = pytest.mark.parametrize("code", list(NAMES))


def exact() -> BoundarySet:
    if not EXACT.is_file():
        pytest.skip(f"{EXACT.name} is absent: set ANSIM_SHARED_DATA to the folder that has it")
    return read_file(EXACT, effective_from=datetime(2018, 1, 1, tzinfo=UTC), unite=True)


@pytest.fixture(scope="module", params=["default", "exact"])
def boundaries(request: pytest.FixtureRequest) -> BoundarySet:
    return default_boundaries() if request.param == "default" else exact()


def shared(camera: Camera) -> bool:
    return camera.source_id.startswith("border-")


def city_of(boundaries: BoundarySet, lat: float, lon: float, radius_m: float = 0.0) -> str:
    return boundaries.locate(lat, lon, radius_m).center_name


def test_every_post_stands_in_its_city(boundaries: BoundarySet) -> None:
    for code, name in NAMES.items():
        for camera in cameras(code):
            found = city_of(boundaries, camera.lat, camera.lon)
            if shared(camera):
                assert found in (NAMES[ANYANG], NAMES[GEUMCHEON]), camera
            else:
                assert found == name, camera


def test_the_walk_begins_in_one_city_and_ends_in_the_other(boundaries: BoundarySet) -> None:
    for place, name in ((START, NAMES[ANYANG]), (END, NAMES[GEUMCHEON])):
        answer = boundaries.locate(*place, 150.0)
        assert (answer.center_name, answer.method) == (name, "contains")


def test_the_walk_crosses_the_border_once(boundaries: BoundarySet) -> None:
    way = Way(ROUTE)
    passed = [city_of(boundaries, *way.at(metres)[:2]) for metres in range(0, int(way.length_m), 10)]
    changes = [(a, b) for a, b in itertools.pairwise(passed) if a != b]
    assert changes == [(NAMES[ANYANG], NAMES[GEUMCHEON])]


@CITIES
def test_all_along_the_walk_a_camera_sees_her(code: str) -> None:
    """Wherever the border is drawn, the center that owns her has a camera near her."""
    posts = cameras(code)
    way = Way(ROUTE)
    for metres in range(0, int(way.length_m), 20):
        lat, lon, _ = way.at(metres)
        if code == GUNPO or city_of(default_boundaries(), lat, lon) != NAMES[code]:
            continue
        best = rank(posts, lat, lon, 10.0, 1, "ko")[0]
        assert best.distance_m <= 120.0, (metres, best)


@CITIES
def test_the_city_is_the_same_every_time(code: str) -> None:
    assert msgspec.json.encode(cameras(code)) == msgspec.json.encode(cameras(code))


def test_about_four_hundred_posts_of_all_kinds() -> None:
    posts = {camera.id: camera for code in NAMES for camera in cameras(code)}
    assert 400 <= len(posts) <= 600
    kinds = {
        "turning": [one for one in posts.values() if one.ptz],
        "fixed": [one for one in posts.values() if one.heading is not None],
        "unknown": [one for one in posts.values() if one.heading_confidence == 0.0],
        "all round": [one for one in posts.values() if one.fov_deg == ALL_ROUND_DEG],
    }
    assert {kind for kind, found in kinds.items() if len(found) < 15} == set()
    assert len(kinds["fixed"]) > len(posts) / 2


@CITIES
def test_names_and_addresses_are_of_the_place(code: str) -> None:
    posts = cameras(code)
    assert len({one.name for one in posts}) == len({one.id for one in posts}) == len(posts)
    assert all(one.source == SOURCE for one in posts)
    assert all(one.name.split()[-1].isdigit() and len(one.name.split()[-1]) == 3 for one in posts)
    own = [one for one in posts if not shared(one)]
    assert all(NAMES[code] in one.address for one in own)
    assert all("시연" in one.manager for one in posts)
    assert "석수1동 003" in {one.name for one in cameras(ANYANG)}


def test_neighbours_know_the_same_posts_along_their_border() -> None:
    ours, theirs = ([one for one in cameras(code) if shared(one)] for code in (ANYANG, GEUMCHEON))
    assert ours == theirs
    assert len(ours) > 20
    assert not any(shared(one) for one in cameras(GUNPO))


def test_what_a_post_says_in_words_is_where_it_looks() -> None:
    for camera in (one for code in NAMES for one in cameras(code)):
        said = parse_direction(camera.direction, camera.count)
        assert said.ptz == camera.ptz
        if camera.heading is None:
            assert said.heading is None
        else:
            assert said.heading is not None
            assert abs((said.heading - camera.heading + 180) % 360 - 180) <= 22.5


def test_a_center_that_is_not_part_of_it_has_no_cameras() -> None:
    assert cameras("11110") == []
    assert set(DISTRICTS) == set(NAMES)

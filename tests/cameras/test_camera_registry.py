"""The grid never misses a nearer camera, and a box holds what is in it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansim.cameras.model import Camera
from ansim.cameras.ranking import columns
from ansim.cameras.registry import CELL_M, REACH_M, CameraRegistry
from ansim.geo.shape import destination, distance_m, distances_m
from cameras.camera_files import camera

HER = (37.43, 126.90)


def registry(places: list[tuple[float, float]]) -> CameraRegistry:
    cameras = [camera(number, lat=lat, lon=lon) for number, (lat, lon) in enumerate(places)]
    return of(cameras)


def of(cameras: list[Camera]) -> CameraRegistry:
    return CameraRegistry(np.array([one.id.encode() for one in cameras], dtype=np.bytes_), columns(cameras))


def brute_force(grid: CameraRegistry, lat: float, lon: float, count: int, reach: float) -> list[float]:
    distance = np.sort(distances_m(lat, lon, grid.cameras.lat, grid.cameras.lon))
    return [float(one) for one in distance[distance <= reach][:count]]


def distances(
    grid: CameraRegistry, lat: float, lon: float, count: int, reach: float = REACH_M
) -> list[float]:
    found = grid.nearest(lat, lon, count, reach)
    assert len(set(found.tolist())) == len(found)
    return [float(one) for one in distances_m(lat, lon, grid.cameras.lat[found], grid.cameras.lon[found])]


# A few hundred metres (many in a cell), some kilometres (many cells), the whole country and beyond.
_NEAR = st.tuples(st.floats(37.425, 37.435), st.floats(126.895, 126.905))
_CITY = st.tuples(st.floats(37.38, 37.48), st.floats(126.84, 126.96))
_ANYWHERE = st.tuples(st.floats(-89.0, 89.0), st.floats(-179.9, 179.9))


@given(
    st.lists(_NEAR | _CITY, max_size=60),
    _NEAR | _CITY,
    st.integers(1, 20),
    st.sampled_from([50.0, 400.0, REACH_M, 20_000.0]),
)
def test_the_nearest_are_never_missed(
    places: list[tuple[float, float]], her: tuple[float, float], count: int, reach: float
) -> None:
    grid = registry(places)
    assert distances(grid, *her, count, reach) == pytest.approx(brute_force(grid, *her, count, reach))


@given(st.lists(_ANYWHERE, max_size=40), _ANYWHERE, st.integers(1, 5))
def test_the_nearest_are_never_missed_anywhere(
    places: list[tuple[float, float]], her: tuple[float, float], count: int
) -> None:
    grid = registry([*places, destination(*her, 77.0, 900.0)])
    assert distances(grid, *her, count) == pytest.approx(brute_force(grid, *her, count, REACH_M))


@given(st.floats(0, 360), st.floats(0, 2_990), st.lists(_NEAR, max_size=5))
def test_one_far_camera_is_found_within_reach(
    bearing: float, metres: float, nearer: list[tuple[float, float]]
) -> None:
    far = destination(*HER, bearing, metres)
    grid = registry([far, *nearer])
    found = {grid.id(int(one)) for one in grid.nearest(*HER, 10)}
    assert camera(0).id in found


def test_beyond_the_reach_there_is_nothing() -> None:
    grid = registry([destination(*HER, 90, REACH_M + 1)])
    assert len(grid.nearest(*HER, 5)) == 0
    assert len(grid.nearest(*HER, 5, REACH_M + 10)) == 1


def test_cameras_in_one_place_are_all_found_in_a_steady_order() -> None:
    grid = registry([HER] * 7)
    assert grid.nearest(*HER, 5).tolist() == grid.nearest(*HER, 5).tolist()
    assert len(grid.nearest(*HER, 5)) == 5
    assert len(grid.nearest(*HER, 50)) == 7


def test_a_corner_of_a_cell_does_not_hide_the_neighbour() -> None:
    """The nearest camera may lie in another cell than the point, right across the line."""
    for step in range(50):
        her = (HER[0] + step * CELL_M / 50 / 111_195, HER[1])
        across = destination(*her, 0, 6.0)
        grid = registry([across, *(destination(*her, 180, 7.0 + one) for one in range(20))])
        assert distances(grid, *her, 1) == pytest.approx([6.0], abs=1e-3)


def test_an_empty_registry_answers() -> None:
    empty = registry([])
    assert len(empty) == 0
    assert len(empty.nearest(*HER, 5)) == 0
    assert empty.in_box(126, 37, 127, 38, 10)[1] == 0
    assert len(registry([HER]).nearest(*HER, 0)) == 0


def test_ids_stay_with_their_cameras() -> None:
    places = [destination(*HER, angle, angle * 5.0) for angle in range(0, 360, 7)]
    grid = registry(places)
    for place in range(len(grid)):
        lat, lon = places[int(grid.id(place), 16)]
        assert (grid.cameras.lat[place], grid.cameras.lon[place]) == (lat, lon)


def test_ids_and_cameras_must_match() -> None:
    with pytest.raises(ValueError, match="2 ids for 1 cameras"):
        CameraRegistry(np.array([b"a", b"b"]), columns([camera()]))


@given(st.lists(_CITY, max_size=60), st.tuples(_CITY, _CITY))
def test_a_box_holds_exactly_what_is_in_it(
    places: list[tuple[float, float]], corners: tuple[tuple[float, float], tuple[float, float]]
) -> None:
    (lat1, lon1), (lat2, lon2) = corners
    south, north, west, east = min(lat1, lat2), max(lat1, lat2), min(lon1, lon2), max(lon1, lon2)
    grid = registry(places)
    found, total = grid.in_box(west, south, east, north, 1_000)
    inside = {
        f"{number:016x}"
        for number, (lat, lon) in enumerate(places)
        if south <= lat <= north and west <= lon <= east
    }
    assert {grid.id(int(one)) for one in found} == inside
    assert total == len(inside)


def test_a_full_box_is_thinned_evenly() -> None:
    west_end, east_end = 126.80, 126.99
    places = [(37.43, lon) for lon in np.linspace(west_end, east_end, 1_000)]
    grid = registry(places)
    found, total = grid.in_box(126, 37, 128, 38, 100)
    assert total == 1_000
    assert len(set(found.tolist())) == 100
    shown = np.sort(grid.cameras.lon[found])
    assert np.diff(shown).max() < 3 * (east_end - west_end) / 100


def test_the_whole_earth_is_a_box_too() -> None:
    grid = registry([(90.0, 180.0), (-90.0, -180.0), (0.0, 0.0)])
    assert grid.in_box(-180, -90, 180, 90, 10)[1] == 3


def test_distances_of_the_test_are_those_of_the_ground() -> None:
    assert math.isclose(distance_m(*HER, *destination(*HER, 12, 250)), 250, rel_tol=1e-6)

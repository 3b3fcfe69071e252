"""A walk is a pure function of time, and its errors are as large as it says."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansim.geo.shape import destination, distance_m
from ansim.simulation.streets import Place
from ansim.simulation.walk import END, RADIUS_95, ROUTE, START, Fix, Way, truth, walk, walk_along

HERE: Place = (37.4236, 126.9046)
_LEGS = st.lists(st.tuples(st.floats(0, 359), st.floats(1, 800)), min_size=1, max_size=6)


def way_of(legs: list[tuple[float, float]]) -> list[Place]:
    corners = [HERE]
    for bearing, metres in legs:
        corners.append(destination(*corners[-1], bearing, metres))
    return corners


@given(_LEGS)
def test_a_way_is_as_long_as_its_legs_and_ends_at_its_end(legs: list[tuple[float, float]]) -> None:
    corners = way_of(legs)
    way = Way(corners)
    assert way.length_m == pytest.approx(sum(metres for _, metres in legs), rel=1e-6)
    for metres, corner in (
        (0.0, corners[0]),
        (-5.0, corners[0]),
        (way.length_m, corners[-1]),
        (1e9, corners[-1]),
    ):
        assert distance_m(*way.at(metres)[:2], *corner) < 0.01


@given(_LEGS, st.floats(0, 1), st.floats(0.1, 50))
def test_steps_along_a_way_are_never_longer_than_asked(
    legs: list[tuple[float, float]], share: float, step: float
) -> None:
    way = Way(way_of(legs))
    start = share * way.length_m
    before, after = way.at(start), way.at(start + step)
    assert distance_m(*before[:2], *after[:2]) <= step + 0.01
    assert 0.0 <= before[2] < 360.0


def test_a_way_turns_at_its_corner() -> None:
    east = destination(*HERE, 90, 100)
    way = Way([HERE, east, destination(*east, 0, 100)])
    assert way.at(50)[2] == pytest.approx(90, abs=0.1)
    assert way.at(150)[2] == pytest.approx(0, abs=0.1)


def test_a_corner_given_twice_does_no_harm() -> None:
    there = destination(*HERE, 90, 100)
    way = Way([HERE, HERE, there, there])
    assert way.length_m == pytest.approx(100)
    assert way.at(0)[2] == pytest.approx(90, abs=0.1)
    assert way.at(100)[2] == pytest.approx(90, abs=0.1)


@pytest.mark.parametrize("corners", [[], [HERE], [HERE, HERE]])
def test_what_leads_nowhere_is_no_way(corners: list[Place]) -> None:
    with pytest.raises(ValueError, match="two"):
        Way(corners)


def test_the_same_seed_walks_the_same_way() -> None:
    assert walk(seed=7) == walk(seed=7)
    assert walk(seed=7) != walk(seed=8)


def test_a_walk_goes_from_start_to_end_in_its_time() -> None:
    fixes = walk(noise_m=0.0, speed_mps=2.0, every_s=5.0)
    length = distance_m(*START, *END)
    assert distance_m(fixes[0].lat, fixes[0].lon, *START) < 0.1
    assert distance_m(fixes[-1].lat, fixes[-1].lon, *END) < 0.1
    assert fixes[-1].after_s == pytest.approx(length / 2.0, abs=0.01)
    assert [fix.after_s for fix in fixes[:3]] == [0.0, 5.0, 10.0]
    steps = [distance_m(a.lat, a.lon, b.lat, b.lon) for a, b in itertools.pairwise(fixes)]
    assert all(step == pytest.approx(10.0, abs=0.1) for step in steps[:-1])
    assert {fix.speed for fix in fixes[:-1]} == {2.0}
    assert fixes[-1].speed == 0.0


@given(st.floats(0.5, 3), st.floats(0.5, 30), st.floats(0, 20), st.integers(0, 1_000))
def test_every_fix_is_one_a_phone_could_send(speed: float, every: float, noise: float, seed: int) -> None:
    fixes = walk_along(ROUTE, speed, every, noise, seed)
    times = [fix.after_s for fix in fixes]
    assert times == sorted(times)
    for fix in fixes:
        lat, lon = truth(ROUTE, speed, fix.after_s)
        assert distance_m(lat, lon, fix.lat, fix.lon) <= 8 * noise + 0.1
        assert fix.radius > 0
        assert 0 <= fix.heading < 360
        assert 0.05 <= fix.battery <= 1
        assert math.isfinite(fix.lat)
        assert math.isfinite(fix.lon)


def errors(fixes: list[Fix], speed: float) -> list[float]:
    return [distance_m(fix.lat, fix.lon, *truth(ROUTE, speed, fix.after_s)) for fix in fixes]


def test_the_stated_radius_holds_her_as_often_as_it_says() -> None:
    inside = total = 0
    for seed in range(40):
        fixes = walk_along(ROUTE, 1.4, 30.0, 6.0, seed)
        found = errors(fixes, 1.4)
        inside += sum(error <= fix.radius for error, fix in zip(found, fixes, strict=True))
        total += len(fixes)
    assert inside / total == pytest.approx(0.95, abs=0.02)
    assert walk_along(noise_m=6.0)[0].radius == round(6.0 * RADIUS_95, 1)


def test_neighbouring_fixes_err_alike() -> None:
    """Otherwise a person at rest would seem to leap about at running speed."""
    fixes = walk_along(ROUTE, 1.35, 1.0, 5.0, 3)
    steps = [distance_m(a.lat, a.lon, b.lat, b.lon) for a, b in itertools.pairwise(fixes)]
    assert sum(steps) / len(steps) < 3.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"speed_mps": 0.0},
        {"speed_mps": math.inf},
        {"every_s": -1.0},
        {"noise_m": -1.0},
        {"noise_m": math.nan},
    ],
)
def test_what_is_no_walk_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        walk(START, END, **wrong)  # type: ignore[arg-type]

"""The shipped default: complete, marked approximate, and near enough to the surveyed boundaries."""

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from ansim.distribution.boundaries import ALWAYS, DEFAULT_FILE, BoundaryHistory, default_boundaries, inherit
from ansim.distribution.boundary_check import area_m2, check
from ansim.distribution.importer import read_file
from ansim.geo.boundaries import BoundarySet

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("ANSIM_SHARED_DATA", ROOT.parent / "shared/data"))
EXACT = SHARED / "korea-municipalities-2018.topo.json"
SURVEYED_IN = datetime(2018, 12, 31, tzinfo=UTC)
KOSTAT_PROVINCES = {
    "11": "서울특별시",
    "21": "부산광역시",
    "22": "대구광역시",
    "23": "인천광역시",
    "24": "광주광역시",
    "25": "대전광역시",
    "26": "울산광역시",
    "29": "세종특별자치시",
    "31": "경기도",
    "32": "강원특별자치도",
    "33": "충청북도",
    "34": "충청남도",
    "35": "전북특별자치도",
    "36": "전라남도",
    "37": "경상북도",
    "38": "경상남도",
    "39": "제주특별자치도",
}
SINCE_2018 = {
    ("경상북도", "군위군"): ("대구광역시", "군위군"),
    ("인천광역시", "남구"): ("인천광역시", "미추홀구"),
}

DEFAULT = default_boundaries()
needs_survey = pytest.mark.skipif(
    not EXACT.is_file(), reason=f"{EXACT.name} is absent: set ANSIM_SHARED_DATA to the folder that has it"
)


@pytest.fixture(scope="module")
def exact() -> BoundarySet:
    return read_file(EXACT, effective_from=SURVEYED_IN)


def counterparts(surveyed: BoundarySet) -> dict[str, str]:
    """Code in the default of every surveyed municipality, by province and name."""
    names = zip(DEFAULT.provinces, DEFAULT.names, strict=True)
    codes = dict(zip(names, DEFAULT.codes, strict=True))
    found = {}
    for code, name in zip(surveyed.codes, surveyed.names, strict=True):
        full = (KOSTAT_PROVINCES[code[:2]], name)
        found[code] = codes[SINCE_2018.get(full, full)]
    return found


def test_it_holds_every_municipality_once_with_its_standard_code() -> None:
    assert len(DEFAULT) == 229
    assert all(len(code) == 5 and code.isdigit() for code in DEFAULT.codes)
    assert all(DEFAULT.names)
    assert len(set(DEFAULT.provinces)) == 17
    assert (DEFAULT.approximate, DEFAULT.effective_from) == (True, ALWAYS)


@pytest.mark.parametrize(
    ("code", "province", "name"),
    [
        ("41170", "경기도", "안양시"),
        ("11545", "서울특별시", "금천구"),
        ("41410", "경기도", "군포시"),
        ("27720", "대구광역시", "군위군"),
        ("36110", "세종특별자치시", "세종시"),
        ("51110", "강원특별자치도", "춘천시"),
        ("52110", "전북특별자치도", "전주시"),
        ("50110", "제주특별자치도", "제주시"),
    ],
)
def test_codes_are_those_in_force(code: str, province: str, name: str) -> None:
    assert (DEFAULT.provinces[DEFAULT.index(code)], DEFAULT.name(code)) == (province, name)


@pytest.mark.parametrize(
    ("lat", "lon", "name"),
    [
        (37.3943, 126.9568, "안양시"),
        (37.3616, 126.9352, "군포시"),
        (37.4569, 126.8955, "금천구"),
        (37.4979, 127.0276, "강남구"),
        (37.4841, 130.9057, "울릉군"),
        (37.2411, 131.8646, "울릉군"),
        (33.4996, 126.5312, "제주시"),
        (36.4800, 127.2890, "세종시"),
        (37.9670, 124.6300, "옹진군"),
    ],
)
def test_known_places(lat: float, lon: float, name: str) -> None:
    answer = DEFAULT.locate(lat, lon)
    assert (answer.center_name, answer.approximate) == (name, True)


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 1e7))
def test_nobody_is_ever_without_a_center(lat: float, lon: float, radius: float) -> None:
    assert DEFAULT.locate(lat, lon, radius).center_code in DEFAULT


def test_it_is_a_clean_coverage() -> None:
    assert check(DEFAULT) == []
    assert shapely.is_valid(DEFAULT.geometries).all()


def test_it_is_small() -> None:
    file = ROOT / "src/ansim/distribution/data" / DEFAULT_FILE
    assert file.stat().st_size <= 1_500_000


def test_its_sea_strip_stays_narrow() -> None:
    """100,600 km² are land; what lies beyond is a strip along the coast and around the islands."""
    assert 100_000e6 < area_m2(DEFAULT.geometries).sum() < 125_000e6


@needs_survey
def test_it_agrees_with_the_survey_on_most_of_the_land() -> None:
    """Area of the land that default and survey give to the same municipality, of all surveyed land."""
    surveyed = read_file(EXACT, effective_from=SURVEYED_IN, unite=True)
    to_default = counterparts(surveyed)
    assert sorted(to_default.values()) == list(DEFAULT.codes)
    same = [DEFAULT.geometry(to_default[code]) for code in surveyed.codes]
    common = shapely.intersection(np.array(same, dtype=object), surveyed.geometries)
    agreement = area_m2(common).sum() / area_m2(surveyed.geometries).sum()
    assert agreement >= 0.95, f"agreement {agreement:.4f}"


@needs_survey
def test_the_survey_itself_is_read_whole(exact: BoundarySet) -> None:
    assert len(exact) == 250
    assert not exact.approximate
    assert exact.source == EXACT.name
    assert exact.locate(37.3943, 126.9568).center_name == "안양시동안구"


@needs_survey
def test_many_and_one_agree_on_the_survey(exact: BoundarySet) -> None:
    rng = np.random.default_rng(20)
    lat, lon = rng.uniform(33.0, 38.7, 400), rng.uniform(125.0, 131.0, 400)
    radius = rng.choice([0.0, 30.0, 500.0, 5_000.0], 400)
    columns = exact.locate_many(lat, lon, radius)
    for row in range(400):
        assert columns[row] == exact.locate(lat[row], lon[row], radius[row])


@needs_survey
def test_centers_are_inherited_by_the_survey(exact: BoundarySet) -> None:
    """KOSTAT numbers other places with the same codes (11140 is 마포구 there and 중구 here)."""
    inherited = inherit(DEFAULT, exact, {code: code for code in DEFAULT.codes})
    assert inherited["31041"] == inherited["31042"] == "41170"
    assert inherited["11140"] == "11440"
    united = read_file(EXACT, effective_from=SURVEYED_IN, unite=True)
    assert inherit(DEFAULT, united, {code: code for code in DEFAULT.codes}) == counterparts(united)


def test_inheriting_from_oneself_changes_nothing() -> None:
    assignment = {code: f"center-{code}" for code in DEFAULT.codes}
    assert inherit(DEFAULT, DEFAULT, assignment) == assignment


def test_ground_nobody_answered_for_goes_to_the_nearest_center() -> None:
    inherited = inherit(DEFAULT, DEFAULT, {"41170": "안양", "26110": "부산"})
    assert inherited["41410"] == "안양"
    assert inherited["26140"] == "부산"
    assert set(inherited) == set(DEFAULT.codes)
    assert inherit(DEFAULT, DEFAULT, {}) == {}


def generation(began: datetime, source: str) -> BoundarySet:
    return BoundarySet(
        ["1"], ["하나"], [shapely.box(0, 0, 1, 1)], effective_from=began, source=source, cell_deg=0.1
    )


def test_history_gives_the_generation_in_force() -> None:
    begun = [datetime(year, 7, 1, tzinfo=UTC) for year in (2026, 2018, 2023)]
    history = BoundaryHistory(generation(moment, str(moment.year)) for moment in begun)
    assert history.as_of(datetime(1990, 1, 1, tzinfo=UTC)).source == "2018"
    assert history.as_of(datetime(2023, 7, 1, tzinfo=UTC)).source == "2023"
    assert history.as_of(datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC)).source == "2023"
    assert history.as_of(datetime(2099, 1, 1, tzinfo=UTC)).source == "2026"


def test_of_two_that_begin_together_the_later_given_is_in_force() -> None:
    began = datetime(2024, 1, 1, tzinfo=UTC)
    history = BoundaryHistory([generation(began, "first"), generation(began, "second")])
    assert history.as_of(began).source == "second"


def test_a_history_needs_a_generation_and_a_zoned_moment() -> None:
    with pytest.raises(ValueError, match="at least one"):
        BoundaryHistory([])
    with pytest.raises(ValueError, match="time zone"):
        BoundaryHistory([DEFAULT]).as_of(datetime(2024, 1, 1))

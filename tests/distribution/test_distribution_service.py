"""Which center an incident goes to and who follows: enrolled or not, silent or not, placed or not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import shapely

from ansim.distribution.boundaries import ALWAYS, default_boundaries
from ansim.distribution.generations import FOLDER, keep
from ansim.distribution.health import DEAD_AFTER_S, Beat, CenterHealth
from ansim.distribution.service import Distribution
from ansim.geo.boundaries import BoundarySet
from ansim.incidents.events import CenterRef
from support.country import BEGAN, SIDE, SOUTH, WEST, SmallCountry, beat, place, three_in_a_row
from support.nodes import WallClock, position
from support.strategies import CENTERS, NAMES

ANYANG, GEUMCHEON, GUNPO = CENTERS
IMPORTED = datetime(2026, 6, 1, tzinfo=UTC)


class Listening:
    """What the hub hears, on a clock turned by hand."""

    def __init__(self, codes: tuple[str, ...] = CENTERS) -> None:
        self.wall = WallClock()
        self.codes = codes
        self.health = CenterHealth(list(codes), lambda: self.wall.ms / 1000)

    def only(self, *alive: str) -> None:
        """All fall silent but these."""
        self.wall.ms += int(DEAD_AFTER_S * 1000)
        for code in alive:
            self.health.beat(beat(code))


@pytest.fixture
def listening() -> Listening:
    return Listening()


def national(folder: Path, *codes: str) -> Distribution:
    """The real service on the shipped map."""
    return Distribution(folder, {code: NAMES[code] for code in codes}, Listening(codes).health)


def codes_of(centers: list[CenterRef]) -> list[str]:
    return [center.code for center in centers]


def test_without_a_position_the_first_center_that_lives_gets_it(listening: Listening) -> None:
    country = SmallCountry(listening.health)
    route = country.route(None)
    assert (route.routed.code, route.routed.method, route.reason) == (ANYANG, "default", "routed")
    assert route.owner.code == ANYANG
    listening.only(GUNPO)
    route = country.route(None)
    assert (route.routed.code, route.owner.code) == (GUNPO, GUNPO)
    listening.only()
    assert country.route(None).owner.code == ANYANG, "nobody is heard: somebody is asked all the same"


def test_the_responsible_center_gets_it_and_a_silent_one_is_passed_over(listening: Listening) -> None:
    country = SmallCountry(listening.health)
    lat, lon = place(1)
    here = position(1, lat=lat, lon=lon)
    route = country.route(here)
    assert (route.routed.code, route.owner.code, route.reason) == (GEUMCHEON, GEUMCHEON, "routed")
    listening.only(ANYANG, GUNPO)
    route = country.route(here)
    assert route.routed.code == GEUMCHEON
    assert route.owner.code in (ANYANG, GUNPO)
    assert route.reason == "no_ack"
    assert route.routed.marks == ()
    listening.only()
    route = country.route(here)
    assert (route.owner.code, route.reason) == (GEUMCHEON, "routed")


def test_a_circle_over_the_border_informs_the_other_side(listening: Listening) -> None:
    lat, lon = place(0.49)
    wide = position(1, lat=lat, lon=lon, radius=2_000)
    route = SmallCountry(listening.health).route(wide)
    assert (route.routed.method, route.owner.code) == ("overlap", ANYANG)
    assert codes_of(list(route.routed.informed)) == [GEUMCHEON]
    without = SmallCountry(listening.health, (ANYANG, GUNPO)).route(wide)
    assert without.routed.informed == (), "who is not connected cannot be informed"
    listening.only(GEUMCHEON)
    rerouted = SmallCountry(listening.health).route(wide)
    assert (rerouted.owner.code, rerouted.routed.informed) == (GEUMCHEON, ()), "the owner knows already"


def test_where_no_center_is_connected_the_nearest_one_is_asked(listening: Listening) -> None:
    lat, lon = place(0)
    route = SmallCountry(listening.health, (GUNPO, GEUMCHEON)).route(position(1, lat=lat, lon=lon))
    assert (route.routed.code, route.routed.marks) == (ANYANG, ("center_not_connected",))
    assert (route.owner.code, route.reason) == (GEUMCHEON, "routed")


def test_beyond_every_border_the_nearest_jurisdiction_answers(listening: Listening) -> None:
    lat, lon = place(5)
    route = SmallCountry(listening.health).route(position(1, lat=lat, lon=lon))
    assert (route.routed.code, route.routed.method, route.owner.code) == (GUNPO, "nearest", GUNPO)


def test_centers_follow_by_nearness(listening: Listening) -> None:
    country = SmallCountry(listening.health)
    assert codes_of(country.order(ANYANG)) == [ANYANG, GEUMCHEON, GUNPO]
    assert codes_of(country.order(GUNPO)) == [GUNPO, GEUMCHEON, ANYANG]
    assert codes_of(SmallCountry(listening.health, (GUNPO, ANYANG)).order(GEUMCHEON))[0] != GEUMCHEON


def test_an_unknown_jurisdiction_or_none_gives_the_centers_as_they_were_enrolled(
    listening: Listening,
) -> None:
    country = SmallCountry(listening.health, (GUNPO, ANYANG))
    assert codes_of(country.order(None)) == [GUNPO, ANYANG]
    assert codes_of(country.order("00000")) == [GUNPO, ANYANG]


def test_a_center_whose_area_is_on_no_map_still_answers_last(listening: Listening) -> None:
    two = three_in_a_row((ANYANG, GEUMCHEON), columns=2)
    country = SmallCountry(listening.health, (GUNPO, ANYANG, GEUMCHEON), two)
    assert codes_of(country.order(GEUMCHEON)) == [GEUMCHEON, ANYANG, GUNPO]


def test_a_center_is_called_as_it_calls_itself(listening: Listening) -> None:
    country = SmallCountry(listening.health)
    assert country.center(ANYANG) == CenterRef(code=ANYANG, name="안양시")
    listening.health.beat(Beat(code=ANYANG, name="안양 스마트도시센터"))
    assert country.center(ANYANG) == CenterRef(code=ANYANG, name="안양 스마트도시센터")
    assert country.enrolled() == list(CENTERS)


def test_a_hub_has_at_least_one_center(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="enrol one"):
        Distribution(tmp_path, {}, CenterHealth([]))


def test_on_the_shipped_map_each_answers_for_its_own(tmp_path: Path) -> None:
    country = national(tmp_path, ANYANG, GUNPO)
    assert country.boundaries is default_boundaries()
    assert [country.answering(code) for code in (ANYANG, GUNPO, GEUMCHEON, "00000")] == [
        ANYANG,
        GUNPO,
        None,
        None,
    ]
    assert codes_of(country.order(GUNPO)) == [GUNPO, ANYANG]


async def test_new_codes_for_old_ground_find_the_center_that_answered_there(tmp_path: Path) -> None:
    """The survey numbers its areas otherwise; what was kept of the old map must not answer any more."""
    country = national(tmp_path, ANYANG, GUNPO)
    assert country.answering("90001") is None
    old = default_boundaries()
    ground = [old.geometry(code) for code in (ANYANG, GEUMCHEON)]
    survey = BoundarySet(
        ["90001", "90002"], ["만안", "금천"], ground, effective_from=BEGAN, source="survey", cell_deg=0
    )
    keep(tmp_path / FOLDER, survey, imported_at=IMPORTED)
    assert await country.reload()
    assert not await country.reload(), "nothing new since"
    assert country.answering("90001") == ANYANG
    assert country.answering("90002") is None
    inside = ground[0].representative_point()
    route = country.route(position(1, lat=inside.y, lon=inside.x))
    assert (route.routed.code, route.owner.code, route.routed.marks) == ("90001", ANYANG, ())
    assert country.answering(ANYANG, old) == ANYANG, "found in the old map while it was exchanged"


async def test_a_broken_generation_changes_nothing_until_it_is_imported_again(tmp_path: Path) -> None:
    country = national(tmp_path, ANYANG)
    kept = keep(tmp_path / FOLDER, three_in_a_row(), imported_at=IMPORTED)
    shapes = tmp_path / FOLDER / f"{kept.id}.fgb"
    shapes.write_bytes(shapes.read_bytes()[:-1] + b"\0")
    assert not await country.reload()
    assert country.boundaries is default_boundaries()
    assert country.route(position(1)).owner.code == ANYANG
    keep(tmp_path / FOLDER, three_in_a_row(), imported_at=IMPORTED + timedelta(microseconds=1))
    assert await country.reload()
    assert set(country.boundaries.codes) == set(CENTERS)


async def test_planned_boundaries_are_on_board_before_they_are_in_force(tmp_path: Path) -> None:
    country = national(tmp_path, ANYANG)
    assert country.changes_at(ALWAYS) is None
    planned = datetime(2999, 1, 1, tzinfo=UTC)
    later = BoundarySet(
        ["1"],
        ["하나"],
        [shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)],
        effective_from=planned,
        source="plan",
        cell_deg=0,
    )
    keep(tmp_path / FOLDER, later, imported_at=IMPORTED)
    assert await country.reload()
    assert [len(one) for one in country.generations] == [229, 1]
    assert country.boundaries is default_boundaries()
    assert country.changes_at(IMPORTED) == planned
    assert country.changes_at(planned) is None

"""Who is alive: silence counts only from when somebody listened."""

import msgspec
import pytest

from ansim.distribution.health import DEAD_AFTER_S, Beat, CenterHealth


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def beat(code: str = "41170", operators: int = 2) -> Beat:
    return Beat(code=code, name="안양시 센터", operators=operators)


def test_a_center_that_beats_is_alive_until_it_stops() -> None:
    clock = Clock()
    health = CenterHealth(["41170", "11545"], clock)
    assert health.heard() == 0, "believed in, not heard"
    health.beat(beat())
    clock.now += DEAD_AFTER_S / 2
    assert health.alive("41170")
    assert health.heard() == 1
    assert health.silent_s("41170") == DEAD_AFTER_S / 2
    clock.now += DEAD_AFTER_S / 2
    assert not health.alive("41170")
    assert health.heard() == 0
    health.beat(beat())
    assert health.alive("41170")


def test_a_hub_that_just_began_to_listen_believes_in_its_centers() -> None:
    clock = Clock()
    health = CenterHealth(["41170"], clock)
    assert health.alive("41170")
    clock.now += DEAD_AFTER_S
    assert not health.alive("41170")


def test_a_center_that_is_not_enrolled_is_not_heard() -> None:
    health = CenterHealth(["41170"], Clock())
    health.beat(beat("99999"))
    assert health.all() == {"41170": None}


def test_a_center_names_itself() -> None:
    health = CenterHealth(["41170", "11545"], Clock())
    assert health.name("41170") is None
    health.beat(beat())
    assert health.name("41170") == "안양시 센터"
    health.beat(beat(operators=5))
    assert health.all() == {"41170": beat(operators=5), "11545": None}


def test_a_name_that_events_could_not_carry_is_not_taken() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(Beat(code="41170", name="안" * 61)), type=Beat)

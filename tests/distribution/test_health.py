"""Who is alive: silence counts only from when somebody listened."""

import msgspec
import pytest

from ansim.distribution.health import DEAD_AFTER_S, Beat, CenterHealth, Limits, ServiceState, state_of


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def beat(code: str = "41170", operators: int = 2) -> Beat:
    return Beat(code=code, name="안양시 센터", operators=operators)


def test_a_center_that_beats_is_alive_until_it_stops() -> None:
    clock = Clock()
    health = CenterHealth(["41170", "11545"], clock)
    health.beat(beat())
    clock.now += DEAD_AFTER_S / 2
    assert health.alive("41170")
    assert health.silent_s("41170") == DEAD_AFTER_S / 2
    clock.now += DEAD_AFTER_S / 2
    assert not health.alive("41170")
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


@pytest.mark.parametrize(
    ("operators", "alarms", "oldest_s", "state"),
    [
        (None, 99, 900, ServiceState.NORMAL),
        (0, 0, 0, ServiceState.UNSTAFFED),
        (2, 6, 10, ServiceState.NORMAL),
        (2, 7, 10, ServiceState.OVERLOADED),
        (2, 1, 60, ServiceState.NORMAL),
        (2, 1, 61, ServiceState.OVERLOADED),
        (2, 0, 61, ServiceState.NORMAL),
    ],
)
def test_the_state_follows_staff_and_load(
    operators: int | None, alarms: int, oldest_s: float, state: ServiceState
) -> None:
    said = Beat(code="41170", name="안양시", operators=operators, alarms=alarms, oldest_s=oldest_s)
    assert state_of(said, 0.0, Limits()) is state
    assert state_of(said, DEAD_AFTER_S, Limits()) is ServiceState.DOWN


def test_a_center_not_heard_yet_is_believed_in_until_silence_is_observed() -> None:
    clock = Clock()
    health = CenterHealth(["41170"], clock)
    assert health.state("41170") is ServiceState.NORMAL
    clock.now += DEAD_AFTER_S
    assert health.state("41170") is ServiceState.DOWN
    health.beat(beat(operators=0))
    assert health.state("41170") is ServiceState.UNSTAFFED

"""Media time goes on whatever a camera's clock does."""

from hypothesis import given
from hypothesis import strategies as st

from ansim.video.timeline import Timeline

TICK = 90_000


def stamps(times: list[tuple[float | None, float | None, float]]) -> tuple[list[tuple[int, int]], int]:
    timeline = Timeline()
    return [timeline.stamp(*one) for one in times], timeline.rebased


def test_a_good_clock_is_kept_to_the_tick() -> None:
    made, rebased = stamps([(100 + n / 25, 100 + n / 25, 5 + n / 25 + (n % 3) / 50) for n in range(50)])
    assert made == [(n * TICK // 25, n * TICK // 25) for n in range(50)]
    assert rebased == 0


def test_reordered_pictures_keep_the_distance_between_decoding_and_showing() -> None:
    made, _ = stamps([(0.0, 0.08, 1.0), (0.04, 0.2, 1.04), (0.08, 0.12, 1.08)])
    assert [round((pts - dts) / TICK, 2) for dts, pts in made] == [0.08, 0.16, 0.04]


def test_a_clock_that_stands_still_is_replaced_by_arrival() -> None:
    made, rebased = stamps([(7.0, 7.0, 1.0 + n / 10) for n in range(11)])
    assert round(made[-1][0] / TICK, 3) == 1.0
    assert rebased == 10


def test_a_clock_set_back_an_hour_costs_one_step() -> None:
    own = [n / 10 for n in range(5)] + [n / 10 - 3_600 for n in range(5, 10)]
    made, rebased = stamps([(at, at, 1.0 + n / 10) for n, at in enumerate(own)])
    assert [round(dts / TICK, 3) for dts, _ in made] == [n / 10 for n in range(10)]
    assert rebased == 1


def test_a_pause_that_the_arrival_confirms_is_no_jump() -> None:
    made, rebased = stamps([(0.0, 0.0, 1.0), (5.0, 5.0, 6.2)])
    assert made[-1][0] == 5 * TICK
    assert rebased == 0


Clock = st.none() | st.floats(-1e5, 1e5, allow_nan=False)


@given(st.lists(st.tuples(Clock, Clock, st.floats(0, 3)), min_size=1, max_size=60))
def test_decoding_times_increase_and_no_step_is_long_whatever_comes(
    times: list[tuple[float | None, float | None, float]],
) -> None:
    arrival, packets = 1.0, []
    for dts, pts, passed in times:
        arrival += passed
        packets.append((dts, pts, arrival))
    made, _ = stamps(packets)
    for (before, _), (after, shown) in zip(made, made[1:], strict=False):
        assert before < after <= before + 5 * TICK
        assert after <= shown <= after + 2 * TICK

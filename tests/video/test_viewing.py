"""A slow viewer loses pictures, never memory, and never another viewer's time."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from ansim.video.model import CameraState, Fragment, Init, Message, State, VideoPolicy
from ansim.video.viewing import Viewer

INIT = Init(kind="mp4", mime="", codec="", width=1, height=1)


def fragment(number: int, key: bool = False, size: int = 10) -> Fragment:
    return Fragment(data=bytes(size), key=key, media_s=float(number), at=0.0)


def viewer(fragments: int = 4, octets: int = 1_000) -> Viewer:
    policy = VideoPolicy(viewer_fragments=fragments, viewer_bytes=octets)
    return Viewer("sub", policy, lambda _: None, lambda _: None)


async def drain(one: Viewer) -> list[Message]:
    one.close()
    return [message async for message in one]


async def test_what_fits_comes_in_order() -> None:
    one = viewer()
    for message in (INIT, fragment(0, key=True), fragment(1)):
        one.offer(message)
    assert await drain(one) == [INIT, fragment(0, key=True), fragment(1)]
    assert one.dropped == 0


async def test_one_that_falls_behind_goes_on_from_the_next_key_frame() -> None:
    one = viewer(fragments=3)
    for number in range(9):
        one.offer(fragment(number, key=number in (0, 7)))
    got = [message.media_s for message in await drain(one) if isinstance(message, Fragment)]
    assert got == [7.0, 8.0]
    assert one.dropped == 7


async def test_a_new_beginning_drops_the_old_pictures_and_keeps_the_newest_state() -> None:
    one = viewer(fragments=9)
    states = [CameraState(camera="a", quality="sub", state=state, since=0.0) for state in State]
    for state in states:
        one.offer(state)
    one.offer(fragment(0, key=True))
    one.offer(INIT)
    assert await drain(one) == [states[-1], INIT]


async def test_a_waiting_viewer_wakes_and_an_ended_one_stops() -> None:
    one = viewer()
    waiting = asyncio.ensure_future(anext(one))
    await asyncio.sleep(0)
    one.offer(INIT)
    assert await waiting == INIT
    one.close()
    assert [message async for message in one] == []


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 400)), max_size=80))
def test_the_queue_is_bounded_and_never_begins_in_the_middle(pictures: list[tuple[bool, int]]) -> None:
    async def run() -> None:
        one = viewer(fragments=5, octets=900)
        for number, (key, size) in enumerate(pictures):
            one.offer(fragment(number, key=key or number == 0, size=size))
        got = [message for message in await drain(one) if isinstance(message, Fragment)]
        assert len(got) <= 5
        assert len(got) == 1 or sum(len(message.data) for message in got) <= 900
        assert len(got) + one.dropped == len(pictures)
        numbers = [int(message.media_s) for message in got]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
        assert not got or got[0].key

    asyncio.run(run())

"""The gateway against cameras that speak real RTSP, and against what goes wrong with them."""

import asyncio
import io
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import av
import msgspec
import pytest

from ansim.cameras.sources import CameraSource
from ansim.simulation.rtsp import Faults
from ansim.video.gateway import Gateway
from ansim.video.model import CameraState, Fragment, Init, MediaFault, Message, State, VideoPolicy
from ansim.video.stills import decode_key_frame
from ansim.video.viewing import Viewer
from video.street_cameras import QUICK, SIZE, camera, looped, rtsp
from video.watching_node import until


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    made = Gateway(QUICK)
    yield made
    await made.close()


async def take(viewer: Viewer, fragments: int, within_s: float = 8.0) -> list[Message]:
    """Messages until there are so many fragments."""
    taken: list[Message] = []
    async with asyncio.timeout(within_s):
        while sum(isinstance(one, Fragment) for one in taken) < fragments:
            taken.append(await anext(viewer))
    return taken


async def state_of(viewer: Viewer, wanted: State, within_s: float = 8.0) -> CameraState:
    async with asyncio.timeout(within_s):
        async for message in viewer:
            if isinstance(message, CameraState) and message.state is wanted:
                return message
    raise AssertionError("the viewer ended")


def media(messages: list[Message]) -> bytes:
    return b"".join(one.data for one in messages if isinstance(one, Init | Fragment))


def pictures(data: bytes) -> int:
    with av.open(io.BytesIO(data)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        return sum(1 for _ in container.decode(video=0))


async def test_a_camera_is_relayed_as_it_is_and_every_picture_decodes(gateway: Gateway) -> None:
    async with rtsp() as server, gateway.watch(camera(server)) as viewer:
        got = await take(viewer, 15)
        init = next(one for one in got if isinstance(one, Init))
        assert (init.kind, init.width, init.height) == ("mp4", *SIZE)
        assert init.mime == f'video/mp4; codecs="{init.codec}"'
        assert init.codec.startswith("avc1.42C0")
        assert pictures(media(got)) >= 15
        live = gateway.state("a")
        assert (live.state, live.viewers, live.codec) == (State.LIVE, 1, init.codec)


async def test_a_camera_is_opened_once_and_a_late_viewer_begins_with_the_last_key_frame(
    gateway: Gateway,
) -> None:
    async with rtsp() as server, gateway.watch(camera(server)) as first:
        await take(first, 14)
        async with gateway.watch(camera(server)) as second, gateway.watch(camera(server)) as third:
            for late in (second, third):
                got = await take(late, 1)
                fragment = got[-1]
                assert isinstance(fragment, Fragment)
                assert fragment.key
                assert pictures(media(got)) >= 1
            assert gateway.state("a").viewers == 3
        assert server.opened == 1


async def test_it_is_closed_a_while_after_the_last_viewer_and_its_last_still_is_kept(
    gateway: Gateway,
) -> None:
    async with rtsp() as server:
        async with gateway.watch(camera(server)) as viewer:
            await take(viewer, 3)
        assert len(gateway.open_cameras()) == 1
        await until(lambda: not gateway.open_cameras())
        assert gateway.state("a").state is State.OFF
        source = camera(server)
        await server.stop()
        still = await gateway.still(source)
        assert still.jpeg[:2] == b"\xff\xd8"


async def test_a_viewer_who_returns_in_time_keeps_the_camera_open(gateway: Gateway) -> None:
    async with rtsp() as server:
        for _ in range(3):
            async with gateway.watch(camera(server)) as viewer:
                await take(viewer, 2)
        assert server.opened == 1


async def test_two_qualities_are_two_streams(gateway: Gateway) -> None:
    async with rtsp() as server:
        source = msgspec.structs.replace(camera(server), sub_url=f"rtsp://127.0.0.1:{server.port}/a/sub")
        async with gateway.watch(source, "sub") as small, gateway.watch(source, "main") as full:
            await take(small, 1)
            await take(full, 1)
        assert server.opened == 2


async def test_a_camera_that_goes_away_comes_back_by_itself(gateway: Gateway) -> None:
    async with rtsp() as server, gateway.watch(camera(server)) as viewer:
        await take(viewer, 3)
        port = server.port
        await server.stop()
        lost = await state_of(viewer, State.UNREACHABLE)
        assert lost.retry_in_s is not None
        await server.start(port)
        await state_of(viewer, State.LIVE)
        got = await take(viewer, 3)
        assert any(isinstance(one, Init) for one in got)
        assert pictures(media(got)) >= 3


async def test_a_wrong_password_is_named_and_not_tried_again_at_once(gateway: Gateway) -> None:
    async with rtsp(password="right") as server:
        async with gateway.watch(camera(server, password="wrong")) as viewer:
            told = await state_of(viewer, State.WRONG_PASSWORD)
            assert told.retry_in_s is not None
            assert told.retry_in_s > 10
        async with gateway.watch(camera(server, "b", password="right")) as viewer:
            await take(viewer, 2)


async def test_a_corrected_password_takes_effect_at_once(gateway: Gateway) -> None:
    async with rtsp(password="right") as server:
        async with gateway.watch(camera(server, password="wrong")) as viewer:
            await state_of(viewer, State.WRONG_PASSWORD)
        async with gateway.watch(camera(server, password="right")) as viewer:
            await take(viewer, 2)


async def test_a_stream_that_does_not_exist_and_a_camera_that_is_off(gateway: Gateway) -> None:
    async with rtsp() as server:
        async with gateway.watch(camera(server, path="none/sub")) as viewer:
            await state_of(viewer, State.NOT_FOUND)
        off = camera(server, "off")
        await server.stop()
        async with gateway.watch(off) as viewer:
            await state_of(viewer, State.UNREACHABLE)


async def test_a_half_open_connection_is_noticed_and_opened_anew(gateway: Gateway) -> None:
    async with rtsp(Faults(silent_after=8)) as server, gateway.watch(camera(server)) as viewer:
        await take(viewer, 3)
        await state_of(viewer, State.STALLED)
        server.faults.silent_after = None
        await state_of(viewer, State.LIVE)
        await take(viewer, 12)
        assert server.opened == 2


async def test_a_camera_that_takes_connections_and_never_answers(gateway: Gateway) -> None:
    async with rtsp(Faults(deaf=True)) as server, gateway.watch(camera(server)) as viewer:
        await state_of(viewer, State.UNREACHABLE)
        server.faults.deaf = False
        await take(viewer, 2)


@pytest.mark.parametrize(
    "faults", [Faults(frozen_clock=True), Faults(jump_at=6)], ids=["stands still", "jumps back an hour"]
)
async def test_time_goes_on_whatever_the_cameras_clock_does(gateway: Gateway, faults: Faults) -> None:
    async with rtsp(faults) as server, gateway.watch(camera(server)) as viewer:
        got = [one for one in await take(viewer, 24) if isinstance(one, Fragment)]
        steps = [after.media_s - before.media_s for before, after in zip(got, got[1:], strict=False)]
        assert all(0 < step < 1.0 for step in steps)
        passed = got[-1].at - got[0].at
        assert got[-1].media_s - got[0].media_s == pytest.approx(passed, abs=0.4)


async def test_garbage_inside_pictures_passes_through_and_the_next_key_frame_is_whole(
    gateway: Gateway,
) -> None:
    async with rtsp(Faults(corrupt_every=3)) as server, gateway.watch(camera(server)) as viewer:
        got = await take(viewer, 30)
        keys = sum(one.key for one in got if isinstance(one, Fragment))
        assert keys >= 2
        assert gateway.state("a").state is State.LIVE
        assert (await gateway.still(camera(server))).jpeg[:2] == b"\xff\xd8"


async def test_a_hundred_cameras_at_once() -> None:
    gateway = Gateway(msgspec.structs.replace(QUICK, open_s=20.0, silence_s=20.0))
    async with rtsp() as server:
        sources = [camera(server, f"c{number}", f"c{number}/sub") for number in range(100)]
        gateway.prewarm("incident", sources)
        await until(lambda: sum(one.picture_at is not None for one in gateway.open_cameras()) == 100, 40)
        assert server.opened == 100
        gateway.release("incident")
        await until(lambda: not gateway.open_cameras())
        await gateway.close()
    await until(lambda: not any(one.name.startswith("camera-c") for one in threading.enumerate()))


async def test_more_cameras_than_allowed_are_refused_and_say_so() -> None:
    gateway = Gateway(msgspec.structs.replace(QUICK, open_cameras=1))
    async with rtsp() as server, gateway.watch(camera(server)):
        with pytest.raises(MediaFault, match="too many"):
            async with gateway.watch(camera(server, "b")):
                raise AssertionError("it was opened")
        gateway.prewarm("incident", [camera(server, "b"), camera(server)])
        assert [one.camera for one in gateway.open_cameras()] == ["a"]
    await gateway.close()


async def test_prewarmed_cameras_are_open_until_released_or_replaced(gateway: Gateway) -> None:
    async with rtsp() as server:
        one, two = camera(server, "one"), camera(server, "two")
        gateway.prewarm("incident", [one, two])
        await until(lambda: all(state.picture_at for state in gateway.open_cameras()))
        async with gateway.watch(one) as viewer:
            got = await take(viewer, 1)
            assert isinstance(got[-1], Fragment)
            assert got[-1].key
            gateway.prewarm("incident", [two])
            gateway.release("incident")
            await until(lambda: len(gateway.open_cameras()) == 1)
            assert gateway.open_cameras()[0].camera == "one"
        await until(lambda: not gateway.open_cameras())


async def test_a_prewarmed_camera_nobody_asked_for_is_dropped_by_itself() -> None:
    gateway = Gateway(msgspec.structs.replace(QUICK, prewarm_s=0.3))
    async with rtsp() as server:
        gateway.prewarm("incident", [camera(server)])
        await until(lambda: not gateway.open_cameras())
    await gateway.close()


async def test_a_slow_viewer_delays_nobody(gateway: Gateway) -> None:
    small = Gateway(msgspec.structs.replace(QUICK, viewer_fragments=5))
    async with rtsp() as server, small.watch(camera(server)) as slow, small.watch(camera(server)) as quick:
        got = [one for one in await take(quick, 30) if isinstance(one, Fragment)]
        late = [one for one in await take(slow, 1) if isinstance(one, Fragment)]
        assert slow.dropped > 10
        assert quick.dropped == 0
        assert late[0].key
        assert late[0].media_s > got[0].media_s
    await small.close()


async def test_a_recorder_has_more_room_and_counts_as_a_viewer(gateway: Gateway) -> None:
    async with rtsp() as server, gateway.recorder_tap(camera(server)) as tap:
        assert gateway.state("a").viewers == 1
        got = await take(tap, 12)
        assert pictures(media(got)) >= 12


async def test_a_still_of_a_closed_camera_is_its_next_key_frame(gateway: Gateway) -> None:
    async with rtsp() as server:
        still = await gateway.still(camera(server))
        assert still.jpeg[:2] == b"\xff\xd8"
        with av.open(io.BytesIO(still.jpeg)) as container:
            picture = next(container.decode(video=0))
        assert (picture.width, picture.height) == SIZE
        await until(lambda: not gateway.open_cameras())


async def test_no_still_says_why(gateway: Gateway) -> None:
    async with rtsp(password="right") as server:
        with pytest.raises(MediaFault) as caught:
            await gateway.still(camera(server, password="wrong"))
        assert caught.value.state is State.WRONG_PASSWORD


async def test_no_secret_is_in_what_is_said_or_logged(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    async with rtsp(password="right") as server:
        async with gateway.watch(camera(server, password="s3cret!")) as viewer:
            told = await state_of(viewer, State.WRONG_PASSWORD)
        with pytest.raises(MediaFault) as caught:
            await gateway.still(camera(server, password="s3cret!"))
    said = repr(told) + str(caught.value) + "".join(capsys.readouterr())
    assert "wrong_password" in said
    assert "s3cret" not in said
    assert "rtsp://" not in said


# Cameras that speak HTTP


class Pictures(BaseHTTPRequestHandler):
    """A camera with stills at /still and motion JPEG at /stream."""

    jpeg = b""

    def do_GET(self) -> None:
        if self.path == "/still":
            self.send_response(200)
            self.send_header("content-type", "image/jpeg")
            self.send_header("content-length", str(len(self.jpeg)))
            self.end_headers()
            self.wfile.write(self.jpeg)
        elif self.path == "/stream":
            self.send_response(200)
            self.send_header("content-type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(self.jpeg)}\r\n\r\n"
            try:
                for _ in range(200):
                    self.wfile.write(head.encode() + self.jpeg + b"\r\n")
                    pause.wait(0.03)
            except OSError:
                return
        else:
            self.send_error(401 if self.path == "/locked" else 404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Tests have nothing to say."""


pause = threading.Event()


@pytest.fixture
def web_camera() -> Iterator[str]:
    unit = looped()._pictures[0]
    Pictures.jpeg = decode_key_frame("h264", b"", unit.data)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def http_camera(kind: str, url: str, key: str = "web") -> CameraSource:
    return msgspec.convert({"id": key, "name": key, "kind": kind, "main_url": url}, CameraSource)


async def test_motion_jpeg_is_shown_picture_by_picture(gateway: Gateway, web_camera: str) -> None:
    async with gateway.watch(http_camera("mjpeg", f"{web_camera}/stream")) as viewer:
        got = await take(viewer, 5)
    init = next(one for one in got if isinstance(one, Init))
    assert (init.kind, init.mime) == ("jpeg", "image/jpeg")
    assert all(one.data[:2] == b"\xff\xd8" and one.key for one in got if isinstance(one, Fragment))


async def test_a_camera_with_only_stills_gives_one_a_second(gateway: Gateway, web_camera: str) -> None:
    async with gateway.watch(http_camera("snapshot", f"{web_camera}/still")) as viewer:
        got = await take(viewer, 2)
    first, second = (one for one in got if isinstance(one, Fragment))
    assert first.data == Pictures.jpeg
    assert second.at - first.at > 0.8


async def test_the_cameras_own_still_is_asked_first(gateway: Gateway, web_camera: str) -> None:
    source = msgspec.structs.replace(
        http_camera("rtsp", "rtsp://127.0.0.1:9/none"), snapshot_url=f"{web_camera}/still"
    )
    assert (await gateway.still(source)).jpeg == Pictures.jpeg
    assert not gateway.open_cameras()


@pytest.mark.parametrize(
    ("path", "state"), [("/locked", State.WRONG_PASSWORD), ("/nothing", State.NOT_FOUND)]
)
async def test_http_refusals_are_named(gateway: Gateway, web_camera: str, path: str, state: State) -> None:
    for kind in ("snapshot", "mjpeg"):
        async with gateway.watch(http_camera(kind, web_camera + path, f"{kind}{path}")) as viewer:
            await state_of(viewer, state)


async def test_a_test_pattern_needs_no_camera(gateway: Gateway) -> None:
    async with gateway.watch(http_camera("synthetic", "synthetic:pattern")) as viewer:
        await take(viewer, 3)


async def test_the_policy_of_closing_ends_every_viewer() -> None:
    gateway = Gateway(VideoPolicy())
    async with rtsp() as server, gateway.watch(camera(server)) as viewer:
        await take(viewer, 2)
        await gateway.close()
        async with asyncio.timeout(5), aclosing(viewer_rest(viewer)) as rest:
            async for _ in rest:
                pass


async def viewer_rest(viewer: Viewer) -> AsyncGenerator[Message]:
    async for message in viewer:
        yield message

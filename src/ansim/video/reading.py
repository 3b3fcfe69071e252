"""Reading a camera, blocking, in a thread of its own: RTSP, HTTP MJPEG, snapshots, files, a test pattern.

Nothing is decoded here. A source is opened and read by libavformat (PyAV); what it says of a failure is put
into one of the states that a person can act on, without ever repeating an address.
"""

import itertools
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

import av
import av.error
import httpx
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from ansim.cameras.sources import CameraSource
from ansim.video.model import CLOCK_HZ, Fragment, Init, MediaFault, Quality, State, VideoPolicy
from ansim.video.muxing import JpegMuxer, Mp4Muxer
from ansim.video.stills import encode_jpeg
from ansim.video.timeline import Timeline

_RTSP = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video",  # no audio is ever asked of a street camera
    "max_delay": "0",
    "reorder_queue_size": "0",
}
_AT_ONCE = {"fpsprobesize": "0", "probesize": "32"}
"""Begin with the first packet: what is needed stands in the camera's description (SDP)."""
_THOROUGHLY = {"fpsprobesize": "0", "probesize": "2000000", "analyzeduration": "2000000"}
"""For cameras whose description says too little: look into the stream, which takes a moment."""
_HTTP_STATES = {401: State.WRONG_PASSWORD, 403: State.WRONG_PASSWORD, 404: State.NOT_FOUND}
_SNAPSHOT_EVERY_S = 1.0
_SNAPSHOT_LIMIT = 8_000_000
_MP4_CODECS = frozenset({"h264", "hevc"})


class Read(NamedTuple):
    """One packet read: the messages it completed, and itself for stills and for WebRTC.

    ``packet`` holds the packet's bytes as the camera sent them, with ``pts`` in ticks of 1/90,000 s.
    """

    messages: list[Init | Fragment]
    codec: str
    extradata: bytes
    packet: bytes
    pts: int
    key: bool


def read(
    source: CameraSource, quality: Quality, policy: VideoPolicy, stop: threading.Event
) -> Iterator[Read]:
    """Everything a camera sends until ``stop`` is set or it ends. Raises :class:`MediaFault`."""
    if source.kind == "snapshot" or not address(source, quality):
        yield from _snapshots(source, policy, stop)
        return
    if source.kind == "synthetic":
        yield from _pattern(quality, stop)
        return
    container = _open(source, quality, policy)
    try:
        yield from _packets(container, paced=source.kind == "file", stop=stop)
    except av.error.FFmpegError as error:
        raise _fault(error, opening=False) from None
    finally:
        container.close()


def address(source: CameraSource, quality: Quality) -> str:
    """The stream's address for a quality, the other one where the camera has only that."""
    small, full = source.sub_url, source.main_url
    return (small or full) if quality == "sub" else (full or small)


def fetch_snapshot(source: CameraSource, timeout_s: float) -> bytes:
    """One picture from the camera's own still address. Raises :class:`MediaFault`."""
    try:
        with _client(source, timeout_s) as client:
            return _picture(client, source.snapshot_url)
    except httpx.HTTPError as error:
        raise MediaFault(State.UNREACHABLE, type(error).__name__) from None


def _open(source: CameraSource, quality: Quality, policy: VideoPolicy) -> InputContainer:
    url = address(source, quality)
    if source.kind == "mjpeg":
        return _opened(_with_credentials(url, source), policy, {"strict_mime_boundary": "0"}, "mpjpeg")
    if source.kind == "file":
        return _opened(urlsplit(url).path, policy, {})
    url = _with_credentials(url, source)
    container = _opened(url, policy, _RTSP | _AT_ONCE)
    if _known(container):
        return container
    container.close()
    return _opened(url, policy, _RTSP | _THOROUGHLY)


def _opened(
    url: str, policy: VideoPolicy, options: dict[str, str], form: str | None = None
) -> InputContainer:
    try:
        return av.open(url, format=form, options=options, timeout=(policy.open_s, policy.silence_s))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _fault(error, opening=True) from None


def _known(container: InputContainer) -> bool:
    """Whether the stream can be put into a file as it is."""
    if not container.streams.video:
        return True  # looking longer would not find any
    context = container.streams.video[0].codec_context
    return bool(context.width) and (context.name not in _MP4_CODECS or bool(context.extradata))


def _packets(container: InputContainer, *, paced: bool, stop: threading.Event) -> Iterator[Read]:
    if not container.streams.video:
        raise MediaFault(State.NOT_FOUND, "no video in the stream")
    stream = container.streams.video[0]
    codec = stream.codec_context.name
    if codec in _MP4_CODECS:
        muxer: Mp4Muxer | JpegMuxer = Mp4Muxer(stream)
    elif codec == "mjpeg":
        muxer = JpegMuxer(stream.codec_context.width, stream.codec_context.height)
    else:
        raise MediaFault(State.UNSUPPORTED, codec)
    extradata = bytes(stream.codec_context.extradata or b"")
    timeline = Timeline()
    try:
        for packet in _looped(container, stream) if paced else container.demux(stream):
            if stop.is_set():
                return
            if not packet.size:  # libav's mark for the end
                break
            raw = bytes(packet)
            arrival = time.monotonic()
            dts, pts = timeline.stamp(*_seconds(packet), arrival)
            key = packet.is_keyframe or codec == "mjpeg"
            try:
                messages = muxer.push(packet, dts, pts, time.time())
            except av.error.InvalidDataError:  # a packet of garbage: the picture after it goes on
                continue
            yield Read(messages, codec, extradata, raw, pts, key)
    finally:
        muxer.close()
    raise MediaFault(State.UNREACHABLE, "the camera ended the stream")


def _looped(container: InputContainer, stream: VideoStream) -> Iterator["Packet[VideoStream]"]:
    """A file at the pace of its own clock, over and over."""
    for _ in itertools.count():
        began, first = time.monotonic(), None
        for packet in container.demux(stream):
            if not packet.size or packet.dts is None:
                continue
            at = float(packet.dts * packet.time_base)
            first = at if first is None else first
            time.sleep(max(0.0, began + at - first - time.monotonic()))
            yield packet
        if first is None:
            raise MediaFault(State.NOT_FOUND, "an empty file")
        container.seek(0)


def _pattern(quality: Quality, stop: threading.Event) -> Iterator[Read]:
    """A moving test pattern, to try a wall without any camera."""
    size, rate = ("640x360", 10) if quality == "sub" else ("1280x720", 10)
    width, _, height = size.partition("x")
    muxer, began = JpegMuxer(int(width), int(height)), time.monotonic()
    with av.open(f"testsrc2=size={size}:rate={rate}", format="lavfi") as container:
        for number, frame in enumerate(container.decode(video=0)):
            media_s = number / rate
            if stop.wait(max(0.0, began + media_s - time.monotonic())):
                return
            jpeg = encode_jpeg(frame)
            messages = muxer.picture(jpeg, media_s, time.time())
            yield Read(messages, "mjpeg", b"", jpeg, round(media_s * CLOCK_HZ), True)


def _snapshots(source: CameraSource, policy: VideoPolicy, stop: threading.Event) -> Iterator[Read]:
    """A picture a second from a camera that only has stills."""
    if not source.snapshot_url and not source.main_url:
        raise MediaFault(State.NOT_FOUND, "no address")
    url = source.snapshot_url or source.main_url
    muxer, began = JpegMuxer(0, 0), time.monotonic()
    try:
        with _client(source, policy.open_s) as client:
            while not stop.is_set():
                asked = time.monotonic()
                jpeg = _picture(client, url)
                media_s = time.monotonic() - began
                messages = muxer.picture(jpeg, media_s, time.time())
                yield Read(messages, "mjpeg", b"", jpeg, round(media_s * CLOCK_HZ), True)
                stop.wait(max(0.0, asked + _SNAPSHOT_EVERY_S - time.monotonic()))
    except httpx.HTTPError as error:
        raise MediaFault(State.UNREACHABLE, type(error).__name__) from None


def _client(source: CameraSource, timeout_s: float) -> httpx.Client:
    """Digest where the camera asks for it (RFC 7616), and no proxy: cameras are on the closed network."""
    auth = httpx.DigestAuth(source.user, source.password) if source.user else None
    return httpx.Client(auth=auth, timeout=timeout_s, trust_env=False)


def _picture(client: httpx.Client, url: str) -> bytes:
    answer = client.get(url)
    if answer.status_code != 200:
        raise MediaFault(_HTTP_STATES.get(answer.status_code, State.FAILED), f"HTTP {answer.status_code}")
    if not answer.content.startswith(b"\xff\xd8") or len(answer.content) > _SNAPSHOT_LIMIT:
        raise MediaFault(State.UNSUPPORTED, "not a JPEG picture")
    return answer.content


def _with_credentials(url: str, source: CameraSource) -> str:
    if not source.user:
        return url
    parts = urlsplit(url)
    secret = f"{quote(source.user, safe='')}:{quote(source.password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{secret}@{parts.netloc}"))


def _seconds(packet: "Packet[VideoStream]") -> tuple[float | None, float | None]:
    dts, pts = packet.dts, packet.pts
    base = packet.time_base
    return (
        None if dts is None else float(dts * base),
        None if pts is None else float(pts * base),
    )


def _fault(error: Exception, *, opening: bool) -> MediaFault:
    """libav's error as a state; its text may hold the address with the password, so it is left out."""
    kind = type(error).__name__
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return MediaFault(State.WRONG_PASSWORD, kind)
    if isinstance(error, av.error.HTTPNotFoundError | FileNotFoundError):
        return MediaFault(State.NOT_FOUND, kind)
    if isinstance(error, av.error.ExitError | TimeoutError):  # its interrupt callback ran out of time
        return MediaFault(State.UNREACHABLE if opening else State.STALLED, "no answer in time")
    if isinstance(error, av.error.InvalidDataError | av.error.DecoderNotFoundError):
        return MediaFault(State.UNSUPPORTED if opening else State.FAILED, kind)
    if isinstance(error, OSError | av.error.EOFError):
        return MediaFault(State.UNREACHABLE, kind)
    return MediaFault(State.FAILED, kind)

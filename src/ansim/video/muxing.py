"""Packets to what a browser can append, without touching the picture (libavformat's fragmented MP4)."""

from fractions import Fraction
from typing import Protocol

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from ansim.video.model import CLOCK_HZ, Fragment, Init

_TICK = Fraction(1, CLOCK_HZ)
_MOVFLAGS = "empty_moov+default_base_moof+frag_every_frame+skip_trailer+omit_tfhd_offset"
_BOX_HEAD = 8


class Muxer(Protocol):
    """Turns a stream's packets into media messages."""

    def push(self, packet: "Packet[VideoStream]", dts: int, pts: int, at: float) -> list[Init | Fragment]:
        """The messages that this packet completes; ``dts`` and ``pts`` in ticks of 1/90,000 s."""


class _Collected:
    """A file that keeps what libavformat writes until it is taken."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data


class Mp4Muxer:
    """H.264 or H.265 in fragmented MP4, one fragment a frame.

    A fragment is complete when the next packet's time is known, so pictures leave one frame late. No audio
    goes in: only the video stream is ever given to it.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._out = _Collected()
        self._container: OutputContainer = av.open(
            self._out, "w", format="mp4", options={"movflags": _MOVFLAGS}
        )
        self._stream = self._container.add_stream_from_template(stream)
        self._stream.time_base = _TICK
        self._context = stream.codec_context
        self._waiting: tuple[bool, float, float] | None = None
        self._begun = False

    def push(self, packet: "Packet[VideoStream]", dts: int, pts: int, at: float) -> list[Init | Fragment]:
        """See :class:`Muxer`."""
        packet.stream = self._stream
        packet.time_base = _TICK
        packet.dts, packet.pts = dts, pts
        packet.duration = 0
        waiting, self._waiting = self._waiting, (packet.is_keyframe, pts / CLOCK_HZ, at)
        self._container.mux_one(packet)
        data = self._out.take()
        made: list[Init | Fragment] = []
        if not self._begun and data:
            self._begun = True
            head = _head_length(data)
            made.append(self._init(data[:head]))
            data = data[head:]
        if data and waiting is not None:
            key, media_s, arrived = waiting
            made.append(Fragment(data=data, key=key, media_s=media_s, at=arrived))
        return made

    def close(self) -> None:
        """Free libavformat's memory."""
        self._container.close()

    def _init(self, data: bytes) -> Init:
        codec = codec_string(data)
        return Init(
            kind="mp4",
            mime=f'video/mp4; codecs="{codec}"',
            codec=codec,
            width=self._context.width,
            height=self._context.height,
            data=data,
        )


class JpegMuxer:
    """Motion JPEG: every packet is a picture that a browser shows by itself."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._begun = False

    def push(self, packet: "Packet[VideoStream]", dts: int, pts: int, at: float) -> list[Init | Fragment]:
        """See :class:`Muxer`."""
        return self.picture(bytes(packet), pts / CLOCK_HZ, at)

    def picture(self, jpeg: bytes, media_s: float, at: float) -> list[Init | Fragment]:
        """The messages for one picture."""
        made: list[Init | Fragment] = []
        if not self._begun:
            self._begun = True
            width, height = self._size
            made.append(Init(kind="jpeg", mime="image/jpeg", codec="jpeg", width=width, height=height))
        made.append(Fragment(data=jpeg, key=True, media_s=media_s, at=at))
        return made

    def close(self) -> None:
        """Nothing to free."""


def codec_string(init: bytes) -> str:
    """The codecs parameter (RFC 6381; ISO/IEC 14496-15 Annex E) of an initialization segment's one track.

    Raises ValueError when it holds neither an avcC nor an hvcC box.
    """
    place = init.find(b"avcC")
    if place >= 0:
        return f"avc1.{init[place + 5 : place + 8].hex().upper()}"
    place = init.find(b"hvcC")
    if place < 0:
        raise ValueError("neither H.264 nor H.265")
    box = init[place + 4 :]
    space = ("", "A", "B", "C")[box[1] >> 6]
    tier = "H" if box[1] & 0x20 else "L"
    compatible = int(f"{int.from_bytes(box[2:6], 'big'):032b}"[::-1], 2)
    constraints = box[6:12].rstrip(b"\0").hex(".").upper()
    entry = "hvc1" if b"hvc1" in init else "hev1"
    codec = f"{entry}.{space}{box[1] & 0x1F}.{compatible:X}.{tier}{box[12]}"
    return f"{codec}.{constraints}" if constraints else codec


def _head_length(data: bytes) -> int:
    """Length of everything before the first fragment: the boxes up to and including ``moov``."""
    at = 0
    while at + _BOX_HEAD <= len(data):
        kind = data[at + 4 : at + 8]
        at += int.from_bytes(data[at : at + 4], "big")
        if kind == b"moov":
            break
    return at

"""Key frames as JPEG pictures: the only decoding a gateway does, and only when somebody asks."""

from fractions import Fraction

import av
import av.error
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from ansim.video.model import MediaFault, State

_QUALITY = "5"
"""libavcodec's scale of 1 (best) to 31; 5 keeps faces at 8-40 kB."""


def encode_jpeg(frame: VideoFrame) -> bytes:
    """A decoded picture as JPEG."""
    encoder = VideoCodecContext.create("mjpeg", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = frame.width, frame.height
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"qmin": _QUALITY, "qmax": _QUALITY}
    picture = frame.reformat(format="yuvj420p")
    picture.pts = 0
    packets = [*encoder.encode(picture), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def decode_key_frame(codec: str, extradata: bytes, packet: bytes) -> bytes:
    """The picture of a key frame as JPEG. Raises :class:`MediaFault` when it cannot be decoded."""
    if codec == "mjpeg":
        return packet
    try:
        decoder = VideoCodecContext.create(codec, "r")
        assert isinstance(decoder, VideoCodecContext)
        decoder.extradata = extradata or None
        decoder.thread_count = 1
        frames = [*decoder.decode(av.Packet(packet)), *decoder.decode(None)]
        if not frames:
            raise MediaFault(State.FAILED, "no picture in the key frame")
        return encode_jpeg(frames[0])
    except av.error.FFmpegError as error:
        raise MediaFault(State.FAILED, f"key frame not decoded: {type(error).__name__}") from None

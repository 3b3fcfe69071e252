"""What is drawn into a simulated camera's picture: people, the camera's name and clock, and a time code.

The time code is a row of light and dark squares that a program can read from a screen: how long a picture
took from here to there can then be measured without trusting anything between.
"""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from ansim.simulation.scene import Plane, Spot, View

CODE_BITS = 44
"""40 bits of Unix milliseconds, then their sum over four bits each."""
_CODE_MS = 2**40
_LIGHT, _DARK = 220, 30
_KST = timezone(timedelta(hours=9))
_NAME_ROOM = 0.04


class Coat(NamedTuple):
    """Luma and chroma of a person's clothes."""

    luma: int
    blue: int
    red: int


COATS = (Coat(170, 90, 180), Coat(180, 165, 95), Coat(160, 120, 120), Coat(200, 100, 140))


def draw(view: View, people: Iterable[tuple[Spot, float, Coat]], at: float) -> Plane:
    """The picture at a moment (Unix seconds), planar 4:2:0: height * 3 / 2 rows.

    ``people`` are with a phase of their gait (radians) and their clothes; those behind a wall are not drawn.
    """
    width, height = view.size
    luma, chroma = view.luma.copy(), view.chroma.copy()
    for spot, phase, coat in sorted(people, key=lambda one: -one[0].distance):
        _person(luma, chroma, view, spot, phase, coat)
    _text(luma, _caption(view, at), width)
    code = time_code(at)
    cell = code_cell(width)
    luma[height - cell :, : cell * CODE_BITS] = code.repeat(cell)[None, :]
    chroma[:, -(cell // 2) :, : cell * CODE_BITS // 2] = 128
    return np.concatenate([luma.reshape(-1), chroma.reshape(-1)]).reshape(height * 3 // 2, width)


def code_cell(width: int) -> int:
    """Pixels of one square of the time code; it stands at the bottom left."""
    return max(2, width // 80 // 2 * 2)


def time_code(at: float) -> Plane:
    """The squares' brightness, most significant bit first."""
    stamp = round(at * 1000) % _CODE_MS
    bits = (stamp << 4) | _check(stamp)
    return np.array(
        [_LIGHT if bits >> (CODE_BITS - 1 - place) & 1 else _DARK for place in range(CODE_BITS)],
        dtype=np.uint8,
    )


def read_time_code(luma: Plane) -> float | None:
    """Unix seconds (modulo 2^40 ms) out of a picture's luma plane; None when the code is damaged."""
    height, width = luma.shape
    cell = code_cell(width)
    middles = luma[height - cell // 2 - 1, cell // 2 : cell * CODE_BITS : cell]
    bits = int("".join("1" if one > (_LIGHT + _DARK) / 2 else "0" for one in middles.tolist()), 2)
    stamp = bits >> 4
    return stamp / 1000 if bits & 15 == _check(stamp) else None


def _check(stamp: int) -> int:
    return sum(stamp >> shift & 15 for shift in range(0, 40, 4)) & 15


def _person(luma: Plane, chroma: Plane, view: View, spot: Spot, phase: float, coat: Coat) -> None:
    """Head, coat and two walking legs, in the proportions of a grown woman."""
    width, height = view.size
    tall = spot.height
    left, right = math.floor(spot.x - 0.3 * tall), math.ceil(spot.x + 0.3 * tall) + 1
    top, bottom = math.floor(spot.y - tall), math.ceil(spot.y) + 1
    x0, x1, y0, y1 = max(left, 0), min(right, width), max(top, 0), min(bottom, height)
    if x0 >= x1 or y0 >= y1:
        return
    x = (np.arange(x0, x1)[None, :] - spot.x) / tall
    y = (spot.y - np.arange(y0, y1)[:, None]) / tall
    near = view.depth[y0:y1, x0:x1] > spot.distance - 1.5
    head = (x / 0.062) ** 2 + ((y - 0.92) / 0.078) ** 2 < 1
    body = (np.abs(x) < 0.10 + 0.05 * (0.82 - y)) & (y > 0.42) & (y < 0.84)
    swing = 0.13 * math.sin(phase)
    legs = np.zeros_like(body)
    for side in (swing, -swing):
        legs |= (np.abs(x - side * (0.46 - y) / 0.46 - 0.02 * np.sign(side)) < 0.042) & (y >= 0) & (y <= 0.46)
    fade = math.exp(-spot.distance / 70.0)
    patch = luma[y0:y1, x0:x1]
    for shape, value in ((legs, 36.0), (body, float(coat.luma)), (head, 175.0)):
        patch[shape & near] = round(value * fade + 34.0 * (1 - fade))
    tinted = (body & near)[::2, ::2]
    rows, columns = tinted.shape
    for plane, value in ((chroma[0], coat.blue), (chroma[1], coat.red)):
        area = plane[y0 // 2 : y0 // 2 + rows, x0 // 2 : x0 // 2 + columns]
        area[tinted[: area.shape[0], : area.shape[1]]] = value


def _caption(view: View, at: float) -> str:
    moment = datetime.fromtimestamp(at, _KST)
    return f"{view.camera.name}  {moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 100_000}"


def _text(luma: Plane, text: str, width: int) -> None:
    scale = max(1, width // 640)
    x, y = 8 * scale, 6 * scale
    for letter in text:
        glyph = _glyph(letter, scale)
        rows, columns = glyph.shape
        if x + columns > width:
            return
        area = luma[y : y + rows, x : x + columns]
        area[:] = np.where(glyph, 230, area // 3 + 10)
        x += columns


@cache
def _font() -> dict[str, npt.NDArray[np.bool_]]:
    stored = msgspec.json.decode(Path(__file__).with_name("glyphs.json").read_bytes())
    height = stored["height"]
    font = {}
    for letter, rows in stored["glyphs"].items():
        width = round(height * 0.55) if ord(letter) < 128 else height
        font[letter] = np.array([[bit == "1" for bit in f"{int(row, 16):0{width}b}"] for row in rows])
    return font


@cache
def _glyph(letter: str, scale: int) -> npt.NDArray[np.bool_]:
    font = _font()
    return font.get(letter, font["-"]).repeat(scale, 0).repeat(scale, 1)

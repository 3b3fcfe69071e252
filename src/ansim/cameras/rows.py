"""One row of a camera file to a camera: repaired where that is safe, refused with the reason where not."""

import math
import re

from msgspec import Struct

from ansim.cameras.direction import parse_direction, turns
from ansim.cameras.model import DEFAULT_RANGE_M, Camera, stable_id
from ansim.cameras.screening import screen
from ansim.cameras.table import Layout, Row

LAT_KOREA = (32.9, 38.7)
LON_KOREA = (124.4, 132.1)
"""From Gageodo to Dokdo, from Marado to the northernmost post."""
MOST_CAMERAS = 200
"""More cameras on one entry than this is a slip of the key."""
_DATE = re.compile(
    r"^((?:19|20)\d{2})(?:\s*[-./년]\s*(0?[1-9]|1[0-2])(?:\s*[-./월]\s*(?:0?[1-9]|[12]\d|3[01]))?"
    r"|(0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])?)\s*[일월.]?$"
)
_WHOLE = re.compile(r"^\d+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_REGION = re.compile(r"^\S+(?:특별자치도|특별자치시|특별시|광역시|도|시|군|구)$")
_BRACKETS = re.compile(r"\s*\([^)]*\)")

REASONS: dict[str, tuple[str, str]] = {
    "cells": ("칸 수가 머리글보다 많음", "more cells than the header has"),
    "no-position": ("좌표가 없거나 0", "coordinates missing or 0"),
    "unreadable-position": ("좌표가 수가 아님", "coordinates are no numbers"),
    "outside-korea": ("좌표가 대한민국 밖", "coordinates outside Korea"),
    "duplicate": ("같은 내용의 행이 앞에 있음", "the same row stands before"),
    "swapped-axes": ("위도와 경도가 바뀌어 있어 바로잡음", "latitude and longitude were swapped"),
    "ip-removed": ("IP 주소 또는 접속 주소를 지움", "an IP address or stream URL was removed"),
    "broken-text": ("글자가 깨져 있음", "characters that the encoding does not know"),
    "count": ("카메라 대수를 읽을 수 없어 1대로 함", "number of cameras unreadable, taken as 1"),
    "date": ("설치연월을 읽을 수 없어 비움", "month of installation unreadable, left empty"),
    "coarse-position": ("좌표의 소수점 아래가 3자리보다 짧음", "coordinates given to fewer than 3 decimals"),
    "number-reused": ("관리번호가 겹쳐 내용으로 구분함", "number used more than once, told apart by content"),
    "too-long": ("너무 긴 내용을 줄임", "a text that was too long was cut"),
}
"""What can be said of a row, in Korean and English."""

NOTED = frozenset({"coarse-position", "broken-text"})
"""Reasons that change nothing: the row is kept as it is, and somebody should look."""

_LENGTHS = {"name": 200, "address": 500, "purpose": 200, "manager": 200, "phone": 60, "direction": 200}


class Remark(Struct, frozen=True, kw_only=True):
    """What was found in a row: ``value`` is what stood there, never a network address."""

    reason: str
    field: str
    value: str = ""


class Read(Struct, frozen=True, kw_only=True):
    """A row as it was read: no camera when it was refused, then the last remark says why."""

    line: int
    camera: Camera | None
    remarks: list[Remark]


class RowReader:
    """Reads the rows of one file. ``reused``: entries (:func:`entry_of`) that the file has more than once."""

    def __init__(self, layout: Layout, source: str, reused: frozenset[str] = frozenset()) -> None:
        self._layout = layout
        self._source = source
        self._reused = reused

    def read(self, row: Row) -> Read:
        """The camera of a row, or none and the reason."""
        remarks: list[Remark] = []
        if row.width > self._layout.width:
            return _refused(row, Remark(reason="cells", field="", value=str(row.width)))
        position = _position(row, remarks)
        if position is None:
            return Read(line=row.line, camera=None, remarks=remarks)
        lat, lon = position
        texts = self._texts(row, remarks)
        count = _count(row, remarks)
        direction = parse_direction(texts["direction"], count)
        entry = entry_of(row, self._source)
        if entry and entry in self._reused:
            remarks.append(Remark(reason="number-reused", field="number", value=texts["number"][:60]))
            entry = ""
        identity = entry or stable_id(
            "content",
            texts["authority"] or texts["manager"],
            texts["number"],
            texts["address"],
            texts["purpose"],
            texts["direction"],
            texts["name"],
            str(count),
            row.cells.get("installed", "").strip(),
            f"{lat:.6f}",
            f"{lon:.6f}",
        )
        camera = Camera(
            id=identity,
            source=self._source,
            source_id=texts["number"],
            name=texts["name"] or short_name(texts["address"]) or texts["number"] or identity,
            address=texts["address"],
            lat=lat,
            lon=lon,
            heading=direction.heading,
            fov_deg=direction.fov_deg,
            heading_confidence=direction.confidence,
            range_m=range_of(row.cells.get("megapixels", "")),
            ptz=direction.ptz or turns(texts["purpose"]) or turns(texts["name"]),
            count=count,
            purpose=texts["purpose"],
            manager=texts["manager"],
            phone=texts["phone"],
            installed=_installed(row, remarks),
            direction=texts["direction"],
        )
        return Read(line=row.line, camera=camera, remarks=remarks)

    def _texts(self, row: Row, remarks: list[Remark]) -> dict[str, str]:
        """The free texts, screened and no longer than their columns; road address before lot address."""
        texts: dict[str, str] = {}
        for field in ("authority", "number", "name", "manager", "purpose", "direction", "phone"):
            texts[field] = _text(row, field, _LENGTHS.get(field, 120), remarks)
        road = _text(row, "road_address", _LENGTHS["address"], remarks)
        lot = _text(row, "lot_address", _LENGTHS["address"], remarks)
        texts["address"] = road or lot
        return texts


def entry_of(row: Row, source: str) -> str:
    """The stable id of a row that has a number of its own, empty for one that has none.

    A number counts within its authority; where none is named, within the data set ``source``.
    """
    number = row.cells.get("number", "").strip()
    if not number:
        return ""
    owner = row.cells.get("authority", "").strip() or row.cells.get("manager", "").strip()
    owner = owner or f"source {source}"
    return stable_id("number", owner, number)


def parse_installed(text: str) -> str | None:
    """YYYY-MM of a date in the spellings met: 2020-05, 202005, 2020-05-20, 20200520, 2020.5; else None."""
    found = _DATE.match(text.strip())
    return None if found is None else f"{found.group(1)}-{int(found.group(2) or found.group(3)):02d}"


def range_of(megapixels: str) -> float:
    """How far a camera still shows what a person does: with the root of its pixels, 80 m at 2 million."""
    found = _NUMBER.search(megapixels.replace(",", ""))
    if found is None:
        return DEFAULT_RANGE_M
    pixels = float(found.group())
    millions = pixels / 1e6 if pixels >= 10_000 else pixels / 100  # 화소 are counted in 만: 200 is 2 million
    if not 0.0 < millions <= 100.0:
        return DEFAULT_RANGE_M
    return round(min(120.0, max(40.0, DEFAULT_RANGE_M * math.sqrt(millions / 2.0))), 1)


def short_name(address: str) -> str:
    """An address without province, municipality and brackets: what people on the spot call the place."""
    words = _BRACKETS.sub("", address).split()
    while len(words) > 1 and _REGION.match(words[0]):
        words = words[1:]
    return " ".join(words)


def _position(row: Row, remarks: list[Remark]) -> tuple[float, float] | None:
    """Latitude and longitude, axes put right; None with the reason when it is no place in Korea."""
    texts = [row.cells.get(name, "").strip() for name in ("lat", "lon")]
    value = screen(", ".join(texts))[0][:80]
    try:
        lat, lon = (float(text.rstrip("°").replace(" ", "")) if text else 0.0 for text in texts)
    except ValueError:
        remarks.append(Remark(reason="unreadable-position", field="lat, lon", value=value))
        return None
    if not (math.isfinite(lat) and math.isfinite(lon)):
        remarks.append(Remark(reason="unreadable-position", field="lat, lon", value=value))
        return None
    if lat == 0.0 or lon == 0.0:
        remarks.append(Remark(reason="no-position", field="lat, lon", value=value))
        return None
    if _in_korea(lon, lat):
        lat, lon = lon, lat
        remarks.append(Remark(reason="swapped-axes", field="lat, lon", value=value))
    elif not _in_korea(lat, lon):
        remarks.append(Remark(reason="outside-korea", field="lat, lon", value=value))
        return None
    if all(round(axis, 2) == axis for axis in (lat, lon)):
        remarks.append(Remark(reason="coarse-position", field="lat, lon", value=value))
    return lat, lon


def _in_korea(lat: float, lon: float) -> bool:
    return LAT_KOREA[0] <= lat <= LAT_KOREA[1] and LON_KOREA[0] <= lon <= LON_KOREA[1]


def _text(row: Row, field: str, longest: int, remarks: list[Remark]) -> str:
    raw = row.cells.get(field, "")
    if not raw:
        return ""
    clean, removed = screen(raw)
    if removed:
        remarks.append(Remark(reason="ip-removed", field=field, value=clean[:80]))
    if "\ufffd" in clean:
        remarks.append(Remark(reason="broken-text", field=field, value=clean[:80]))
    if len(clean) > longest:
        remarks.append(Remark(reason="too-long", field=field, value=clean[:80]))
        clean = clean[:longest]
    return clean


def _count(row: Row, remarks: list[Remark]) -> int:
    text = row.cells.get("count", "").strip()
    found = _WHOLE.match(text)
    count = int(found.group()[:9]) if found else 0
    if 1 <= count <= MOST_CAMERAS:
        return count
    if text:
        remarks.append(Remark(reason="count", field="count", value=screen(text)[0][:40]))
    return 1


def _installed(row: Row, remarks: list[Remark]) -> str | None:
    text = row.cells.get("installed", "").strip()
    month = parse_installed(text)
    if text and month is None:
        remarks.append(Remark(reason="date", field="installed", value=screen(text)[0][:40]))
    return month


def _refused(row: Row, remark: Remark) -> Read:
    return Read(line=row.line, camera=None, remarks=[remark])

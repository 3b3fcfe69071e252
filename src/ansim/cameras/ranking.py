"""Which cameras to look at first, for a person somewhere in a circle."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ansim.cameras.model import ALL_ROUND_DEG, KNOWN_CONFIDENCE, Camera, Faces, Ranked
from ansim.core.language import Language
from ansim.geo.shape import bearing_deg, distances_m

Array = npt.NDArray[np.float64]

SEES, MAY_SEE, LOOKS_AWAY, TOO_FAR = range(4)
"""Standing of a camera to her, best first."""
BENEATH_M = 1.0
"""So near to the pole her direction from it means nothing."""

_SIDES = {
    "ko": ("북쪽", "북동쪽", "동쪽", "남동쪽", "남쪽", "남서쪽", "서쪽", "북서쪽"),
    "en": ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"),
}


class CameraColumns(Struct, frozen=True, kw_only=True, eq=False):
    """n cameras column by column. ``heading`` is NaN where there is none."""

    lat: Array
    lon: Array
    heading: Array
    fov_deg: Array
    confidence: Array
    range_m: Array
    ptz: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.lat)

    def take(self, places: npt.NDArray[np.intp]) -> "CameraColumns":
        """The cameras at ``places``, in that order."""
        return CameraColumns(**{name: getattr(self, name)[places] for name in self.__struct_fields__})


class Placing(Struct, frozen=True, kw_only=True):
    """How the camera at ``place`` of the columns stands to her."""

    place: int
    distance_m: float
    bearing_deg: float
    faces: Faces
    standing: int


def columns(cameras: Sequence[Camera]) -> CameraColumns:
    """Cameras as columns."""

    def column(values: list[float]) -> Array:
        return np.array(values, dtype=np.float64)

    return CameraColumns(
        lat=column([camera.lat for camera in cameras]),
        lon=column([camera.lon for camera in cameras]),
        heading=column([np.nan if camera.heading is None else camera.heading for camera in cameras]),
        fov_deg=column([camera.fov_deg for camera in cameras]),
        confidence=column([camera.heading_confidence for camera in cameras]),
        range_m=column([camera.range_m for camera in cameras]),
        ptz=np.array([camera.ptz for camera in cameras], dtype=np.bool_),
    )


def place(cameras: CameraColumns, lat: float, lon: float, radius_m: float, limit: int) -> list[Placing]:
    """The best ``limit`` cameras for a person within ``radius_m`` of a place, best first.

    First those whose field of view holds the middle of her circle within their range; then those that may
    see her: direction unknown, able to turn, or only a part of the circle in range; then those that look
    away; then those too far off. Nearer first within each.
    """
    if not len(cameras) or limit < 1:
        return []
    distance = distances_m(lat, lon, cameras.lat, cameras.lon)
    known = cameras.confidence >= KNOWN_CONFIDENCE
    all_round = known & (cameras.fov_deg >= ALL_ROUND_DEG)
    aimed = known & ~all_round & ~np.isnan(cameras.heading)
    off = _angle_off(cameras, lat, lon)
    towards = aimed & ((off <= cameras.fov_deg / 2) | (distance <= BENEATH_M))
    away = aimed & ~towards
    within = distance <= cameras.range_m
    reachable = distance <= cameras.range_m + radius_m
    standing = np.full(len(cameras), MAY_SEE)
    standing[away & ~cameras.ptz] = LOOKS_AWAY
    standing[within & (towards | all_round)] = SEES
    standing[~reachable] = TOO_FAR
    order = np.lexsort((np.arange(len(cameras)), distance, standing))[:limit]
    return [
        Placing(
            place=int(i),
            distance_m=float(distance[i]),
            bearing_deg=bearing_deg(lat, lon, float(cameras.lat[i]), float(cameras.lon[i])),
            faces=_faces(bool(all_round[i]), bool(towards[i]), bool(away[i])),
            standing=int(standing[i]),
        )
        for i in order
    ]


def rank(
    cameras: Sequence[Camera], lat: float, lon: float, radius_m: float, limit: int, language: Language
) -> list[Ranked]:
    """:func:`place` for cameras at hand, told in the reader's language."""
    placings = place(columns(cameras), lat, lon, radius_m, limit)
    return [ranked(cameras[one.place], one, number, language) for number, one in enumerate(placings, start=1)]


def ranked(camera: Camera, placing: Placing, number: int, language: Language) -> Ranked:
    """A camera with its place in the order and the reason for it."""
    return Ranked(
        id=camera.id,
        name=camera.name,
        address=camera.address,
        lat=camera.lat,
        lon=camera.lon,
        distance_m=round(placing.distance_m, 1),
        bearing_deg=round(placing.bearing_deg, 1) % 360.0,
        heading=camera.heading,
        fov_deg=camera.fov_deg,
        range_m=camera.range_m,
        ptz=camera.ptz,
        faces=placing.faces,
        rank=number,
        why=why(camera, placing, language),
    )


def why(camera: Camera, placing: Placing, language: Language) -> str:
    """One sentence: where the camera is, and whether it can see her."""
    metres = f"{round(placing.distance_m):,} m"
    side = _SIDES[language][round(placing.bearing_deg / 45.0) % 8]
    reach = f"{round(camera.range_m):,} m"
    if language == "en":
        where = f"{metres} {side} of her" if round(placing.distance_m) else "Right where she is"
        return f"{where}, {_english(camera, placing, reach)}."
    where = f"{side} {metres}" if round(placing.distance_m) else "바로 그 자리"
    return f"{where}, {_korean(camera, placing, reach)}."


def _korean(camera: Camera, placing: Placing, reach: str) -> str:
    if placing.standing == TOO_FAR:
        return f"촬영 거리({reach})를 벗어나 있습니다"
    turn = ", 회전형이라 돌려 볼 수 있습니다" if camera.ptz else ""
    if placing.standing == SEES:
        return "전 방향을 비춥니다" if placing.faces == "all_round" else "신고자 쪽을 비추고 있습니다"
    if placing.faces == "away":
        return f"다른 쪽을 비추지만{turn.removeprefix(',')}" if turn else "다른 쪽을 비추고 있습니다"
    if placing.faces == "unknown":
        return f"촬영 방향 정보가 없{'지만' + turn.removeprefix(',') if turn else '습니다'}"
    return "위치 오차 범위의 일부가 촬영 거리 안에 있습니다"


def _english(camera: Camera, placing: Placing, reach: str) -> str:
    if placing.standing == TOO_FAR:
        return f"beyond its reach of {reach}"
    if placing.standing == SEES:
        return "looks all round" if placing.faces == "all_round" else "faces her"
    turn = ", but can be turned to her" if camera.ptz else ""
    if placing.faces == "away":
        return f"looks the other way{turn}"
    if placing.faces == "unknown":
        return f"its direction is not on record{turn}"
    return "reaches part of the circle she may be in"


def _faces(all_round: bool, towards: bool, away: bool) -> Faces:
    if all_round:
        return "all_round"
    if towards:
        return "towards"
    return "away" if away else "unknown"


def _angle_off(cameras: CameraColumns, lat: float, lon: float) -> Array:
    """Degrees between each camera's heading and the way from it to her; NaN without a heading."""
    phi1, phi2 = np.radians(cameras.lat), np.radians(lat)
    dlon = np.radians(lon - cameras.lon)
    east = np.sin(dlon) * np.cos(phi2)
    north = np.cos(phi1) * np.sin(phi2) - np.sin(phi1) * np.cos(phi2) * np.cos(dlon)
    course = np.degrees(np.arctan2(east, north))
    off: Array = np.abs((course - cameras.heading + 180.0) % 360.0 - 180.0)
    return off

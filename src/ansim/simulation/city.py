"""An invented city to demonstrate with: camera posts along streets, the same ones every time.

The streets follow the lie of the land; no post is a copy of a real one.
"""

import itertools
from collections.abc import Iterator
from random import Random

from msgspec import Struct

from ansim.cameras.model import ALL_ROUND_DEG, Camera, stable_id
from ansim.geo.shape import destination
from ansim.simulation.streets import DISTRICTS, District, Place, Street
from ansim.simulation.walk import Way

SOURCE = "demo"
_SIDES = ("북측", "북동측", "동측", "남동측", "남측", "남서측", "서측", "북서측")
_PURPOSES = ("생활방범", "생활방범", "생활방범", "어린이보호", "교통정보수집", "시설물관리")
_ALLEY_SHARE = 0.55
"""Posts from which an alley with another post turns off."""


class Spot(Struct, frozen=True, kw_only=True):
    """Where a post stands, and the way its street runs there (degrees)."""

    place: Place
    along: float
    street: Street


def cameras(code: str) -> list[Camera]:
    """The demonstration's cameras of a center; none for a center that is not part of it."""
    return [post for district in DISTRICTS.get(code, ()) for post in _posts(district)]


def _posts(district: District) -> Iterator[Camera]:
    """The posts of a district: the same for every center that sees it."""
    random = Random(f"ansim {district.key}")  # noqa: S311 - an invented city has no secrets
    numbers = {street.dong: itertools.count(1) for street in district.streets}
    for street in district.streets:
        for spot in _spots(street, random):
            yield _post(district, spot, next(numbers[street.dong]), random)


def _spots(street: Street, random: Random) -> Iterator[Spot]:
    """Posts on alternating sides of a street, and now and then one in an alley."""
    way = Way(street.corners)
    at = street.spacing_m / 2
    for side in itertools.cycle((90.0, -90.0)):
        if at >= way.length_m:
            return
        lat, lon, along = way.at(at)
        curb = destination(lat, lon, along + side, random.uniform(5.0, 9.0))
        yield Spot(place=curb, along=along, street=street)
        if random.random() < _ALLEY_SHARE:
            alley = along + side + random.uniform(-12.0, 12.0)
            yield Spot(
                place=destination(lat, lon, alley, random.uniform(50.0, 150.0)),
                along=alley % 360.0,
                street=street,
            )
        at += street.spacing_m * random.uniform(0.8, 1.2)


def _post(district: District, spot: Spot, number: int, random: Random) -> Camera:
    """One post: mostly fixed along its street, every fifth can turn, of a few the direction is unknown."""
    lat, lon = (round(axis, 6) for axis in spot.place)
    kind = random.random()
    heading: float | None = None
    fov, confidence, ptz, count, direction = ALL_ROUND_DEG, 0.9, False, 1, "360도 전방면"
    if kind < 0.20:
        ptz, count, direction = True, random.choice((1, 4, 5)), "회전형 360도 전방면"
    elif kind < 0.28:
        count = 4
    elif kind < 0.35:
        fov, confidence, direction = 90.0, 0.0, random.choice(("도로방면", ""))
    else:
        towards = (
            spot.along + random.choice((0.0, 0.0, 180.0, 180.0, 90.0, 270.0)) + random.uniform(-15.0, 15.0)
        )
        heading = round(towards) % 360.0
        fov, count = random.choice((60.0, 75.0, 90.0)), random.choice((1, 1, 2))
        direction = _SIDES[round(heading / 45.0) % 8]
    purpose = random.choice(_PURPOSES)
    source_id = f"{district.key}-{spot.street.dong}-{number:03d}"
    month = random.randrange(2015 * 12, 2024 * 12)
    return Camera(
        id=stable_id(SOURCE, source_id),
        source=SOURCE,
        source_id=source_id,
        name=f"{spot.street.dong} {number:03d}",
        address=f"{district.name} {spot.street.name} {random.randrange(3, 400)}",
        lat=lat,
        lon=lon,
        heading=heading,
        fov_deg=fov,
        heading_confidence=confidence,
        range_m=random.choice((60.0, 80.0, 80.0, 100.0)),
        height_m=random.choice((4.5, 5.0, 6.0)),
        ptz=ptz,
        count=count,
        purpose=purpose,
        manager=district.manager,
        phone=district.phone,
        installed=f"{month // 12}-{month % 12 + 1:02d}",
        direction=direction,
    )

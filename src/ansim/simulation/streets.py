"""The streets of the demonstration: rough lines where three neighbouring cities have theirs."""

from msgspec import Struct

Place = tuple[float, float]
"""Latitude and longitude."""

ANYANG, GEUMCHEON, GUNPO = "41170", "11545", "41410"


class Street(Struct, frozen=True, kw_only=True):
    """A street with camera posts about every ``spacing_m`` metres, in the neighbourhood ``dong``."""

    name: str
    dong: str
    corners: tuple[Place, ...]
    spacing_m: float = 70.0


class District(Struct, frozen=True, kw_only=True):
    """Streets whose posts one office manages; ``key`` starts the numbers of its posts."""

    key: str
    name: str
    manager: str
    phone: str
    streets: tuple[Street, ...]


_BORDER = District(
    key="border",
    name="안양시·금천구 경계",
    manager="안양시·금천구 공동 관리 (시연)",
    phone="031-000-0004",
    streets=(
        Street(
            name="경수대로",
            dong="석수역",
            corners=((37.4258, 126.9042), (37.4310, 126.9036), (37.4352, 126.9032), (37.4408, 126.9030)),
            spacing_m=60.0,
        ),
    ),
)

_ANYANG = District(
    key=ANYANG,
    name="안양시 만안구",
    manager="안양시 스마트도시통합센터 (시연)",
    phone="031-000-0001",
    streets=(
        Street(
            name="경수대로",
            dong="석수2동",
            corners=((37.4257, 126.9042), (37.4236, 126.9046), (37.4190, 126.9070), (37.4140, 126.9110)),
        ),
        Street(name="석수로", dong="석수1동", corners=((37.4232, 126.9025), (37.4165, 126.9035))),
        Street(
            name="삼막로",
            dong="석수1동",
            corners=((37.4215, 126.9075), (37.4240, 126.9160), (37.4246, 126.9230)),
        ),
        Street(
            name="안양로",
            dong="안양2동",
            corners=((37.4120, 126.9130), (37.4060, 126.9180), (37.4010, 126.9220)),
        ),
        Street(
            name="만안로",
            dong="안양1동",
            corners=((37.4110, 126.9090), (37.4030, 126.9140), (37.3985, 126.9215)),
        ),
        Street(name="박달로", dong="박달1동", corners=((37.4040, 126.9000), (37.4035, 126.9120))),
        Street(name="장내로", dong="안양4동", corners=((37.3990, 126.9230), (37.3950, 126.9290))),
    ),
)

_GEUMCHEON = District(
    key=GEUMCHEON,
    name="서울특별시 금천구",
    manager="금천구 통합관제센터 (시연)",
    phone="02-000-0002",
    streets=(
        Street(
            name="시흥대로",
            dong="시흥1동",
            corners=((37.4410, 126.9030), (37.4470, 126.9032), (37.4530, 126.9025)),
        ),
        Street(
            name="시흥대로",
            dong="독산1동",
            corners=((37.4545, 126.9015), (37.4620, 126.8990), (37.4690, 126.8975)),
        ),
        Street(
            name="독산로",
            dong="시흥4동",
            corners=((37.4530, 126.9075), (37.4600, 126.9060), (37.4660, 126.9045)),
        ),
        Street(name="금하로", dong="시흥2동", corners=((37.4490, 126.9045), (37.4500, 126.9120))),
        Street(name="벚꽃로", dong="가산동", corners=((37.4620, 126.8945), (37.4720, 126.8900))),
        Street(name="범안로", dong="독산2동", corners=((37.4650, 126.8925), (37.4665, 126.9035))),
    ),
)

_GUNPO = District(
    key=GUNPO,
    name="군포시",
    manager="군포시 도시통합센터 (시연)",
    phone="031-000-0003",
    streets=(
        Street(
            name="산본로",
            dong="산본1동",
            corners=((37.3680, 126.9270), (37.3610, 126.9300), (37.3560, 126.9350)),
        ),
        Street(name="군포로", dong="군포1동", corners=((37.3540, 126.9430), (37.3640, 126.9400))),
        Street(name="번영로", dong="금정동", corners=((37.3650, 126.9300), (37.3660, 126.9420))),
        Street(name="고산로", dong="당동", corners=((37.3530, 126.9330), (37.3520, 126.9430))),
    ),
)

DISTRICTS: dict[str, tuple[District, ...]] = {
    ANYANG: (_ANYANG, _BORDER),
    GEUMCHEON: (_GEUMCHEON, _BORDER),
    GUNPO: (_GUNPO,),
}
"""What each center of the demonstration sees, by code: along their border both neighbours see the same."""

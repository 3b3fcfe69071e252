"""Civic locations by 행정구역 name: which municipalities an address means (RFC 5139, as Korea uses it).

A1 is the province (시·도), the names of city, county and district follow in A2, A3 … as they stand in the
address, or together in one element. Short and former names of provinces are understood.
"""

import re
from collections import Counter
from dataclasses import dataclass

from ansim.distribution.lost.model import CivicField
from ansim.geo.boundaries import BoundarySet

LEVELS = ("A1", "A2", "A3", "A4", "A5", "A6")
UNSTRUCTURED = ("ADDCODE", "LOC", "LMK", "NAM")
"""Elements in which whole addresses are found in the wild."""
NAMING = frozenset((*LEVELS, *UNSTRUCTURED))
MOST = 10
_COUNTRY = frozenset({"kr", "kor", "korea", "대한민국", "한국"})
_PROVINCES = {
    "서울": "서울특별시",
    "부산": "부산광역시",
    "대구": "대구광역시",
    "인천": "인천광역시",
    "광주": "광주광역시",
    "대전": "대전광역시",
    "울산": "울산광역시",
    "세종": "세종특별자치시",
    "경기": "경기도",
    "강원": "강원특별자치도",
    "충북": "충청북도",
    "충남": "충청남도",
    "전북": "전북특별자치도",
    "전남": "전라남도",
    "경북": "경상북도",
    "경남": "경상남도",
    "제주": "제주특별자치도",
}
_FORMER = {
    "충청북": "충북",
    "충청남": "충남",
    "전라북": "전북",
    "전라남": "전남",
    "경상북": "경북",
    "경상남": "경남",
}
_KOSTAT = {
    "11": "서울",
    "21": "부산",
    "22": "대구",
    "23": "인천",
    "24": "광주",
    "25": "대전",
    "26": "울산",
    "29": "세종",
    "31": "경기",
    "32": "강원",
    "33": "충북",
    "34": "충남",
    "35": "전북",
    "36": "전남",
    "37": "경북",
    "38": "경남",
    "39": "제주",
}
"""First two digits of the statistics office's codes, for boundaries that name no province."""
_TAIL = re.compile(r"(특별자치시|특별자치도|특별시|광역시|자치도|도|시)$")


@dataclass(frozen=True, slots=True)
class Match:
    """The municipalities an address means (several when it leaves that open) and which elements said so.

    ``wrong``: elements that name no place here; ``unchecked``: finer than a municipality.
    """

    codes: tuple[str, ...]
    valid: tuple[CivicField, ...]
    wrong: tuple[CivicField, ...]
    unchecked: tuple[CivicField, ...]


def short_province(name: str) -> str | None:
    """``경기`` for 경기도, 경기 …; None for what is no province."""
    head = _TAIL.sub("", name.strip())
    head = _FORMER.get(head, head)
    return head if head in _PROVINCES else None


class Gazetteer:
    """The names of one generation of boundaries."""

    def __init__(self, boundaries: BoundarySet) -> None:
        self._by_name: dict[str, list[str]] = {}
        self._province: dict[str, str | None] = {}
        statistics = not any(boundaries.provinces)
        for code, name, province in zip(
            boundaries.codes, boundaries.names, boundaries.provinces, strict=True
        ):
            told = short_province(province) if province else None
            self._province[code] = told or (_KOSTAT.get(code[:2]) if statistics else None)
            for spelling in _spellings(name):
                self._by_name.setdefault(spelling, []).append(code)
        counted = Counter(self._province.values())
        self._sole = {
            province: code for code, province in self._province.items() if province and counted[province] == 1
        }

    def match(self, fields: tuple[CivicField, ...]) -> Match:
        """The municipalities that the elements name."""
        words = [word for field in fields if field.name in NAMING for word in field.text.split()]
        provinces, places = self._read(words)
        valid: list[CivicField] = []
        wrong: list[CivicField] = []
        unchecked: list[CivicField] = []
        for field in fields:
            if field.name == "country":
                (valid if field.text.lower() in _COUNTRY else wrong).append(field)
            elif field.name in NAMING and any(
                word in provinces or word in places for word in field.text.split()
            ):
                valid.append(field)
            else:
                (wrong if field.name in ("A1", "A2") else unchecked).append(field)
        abroad = any(field.name == "country" for field in wrong)
        codes = () if abroad else self._codes(provinces, places)
        return Match(codes, tuple(valid), tuple(wrong), tuple(unchecked))

    def _read(self, words: list[str]) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
        """Words that are provinces, with their short names; words that are municipalities, with codes."""
        provinces: dict[str, str] = {}
        places: dict[str, tuple[str, ...]] = {}
        for at, word in enumerate(words[:24]):
            short = short_province(word)
            if short is not None and not provinces and (at == 0 or word not in self._by_name):
                provinces[word] = short
                if word not in self._by_name:
                    continue
            both = word + words[at + 1] if at + 1 < len(words) else ""
            if both in self._by_name:
                places[word] = places[words[at + 1]] = tuple(self._by_name[both])
            elif word in self._by_name and word not in places:
                places[word] = tuple(self._by_name[word])
        return provinces, places

    def _codes(self, provinces: dict[str, str], places: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
        best = self._finest(places, set(provinces.values()))
        if not best and any(word in places for word in provinces):  # 광주시 is a city in 경기도, too
            best = self._finest(places, set())
        if not best and not places:  # 세종 is one municipality, and a province
            best = tuple(self._sole[province] for province in provinces.values() if province in self._sole)
        return best[:MOST]

    def _finest(self, places: dict[str, tuple[str, ...]], provinces: set[str]) -> tuple[str, ...]:
        """The fewest codes that one name leaves: a district is finer than its city."""
        best: tuple[str, ...] = ()
        for codes in places.values():
            fitting = tuple(code for code in codes if not provinces or self._province[code] in provinces)
            if fitting and (not best or len(fitting) <= len(best)):
                best = fitting
        return best


def _spellings(name: str) -> list[str]:
    """A municipality's name as addresses write it: 안양시만안구 also by its city and by its district."""
    plain = "".join(name.split())
    found = [plain]
    parts = re.fullmatch(r"(\S{2,}?시)(\S+구)", plain)
    if parts is not None:
        found += [parts.group(1), parts.group(2)]
    return found

"""Civic locations by 행정구역 name (RFC 5222, section 12.3; RFC 5139)."""

from datetime import UTC, datetime

import pytest
import shapely
from lxml import etree

from ansim.distribution.boundaries import default_boundaries
from ansim.distribution.lost.civic import Gazetteer, Match, short_province
from ansim.distribution.lost.model import CivicField
from ansim.geo.boundaries import BoundarySet
from lost.lost_server import (
    LOST,
    MIDDLE_CENTER,
    WEST_CENTER,
    Rig,
    civic,
    find_service,
    geodetic,
    gml,
    one,
    refused,
    sources,
    warned,
)

NATION = Gazetteer(default_boundaries())
DEFAULT = default_boundaries()


def match(fields: dict[str, str], gazetteer: Gazetteer = NATION) -> Match:
    return gazetteer.match(tuple(CivicField(name, text) for name, text in fields.items()))


def names(found: Match) -> list[str]:
    return [f"{DEFAULT.provinces[DEFAULT.index(code)]} {DEFAULT.name(code)}" for code in found.codes]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"country": "KR", "A1": "경기도", "A2": "안양시"}, ["경기도 안양시"]),
        ({"country": "kr", "A1": "경기", "A2": "안양시", "A3": "만안구", "A4": "안양동"}, ["경기도 안양시"]),
        ({"A1": "서울특별시", "A3": "중구"}, ["서울특별시 중구"]),
        ({"A1": "부산", "A2": "중구"}, ["부산광역시 중구"]),
        ({"A1": "경기도 안양시"}, ["경기도 안양시"]),
        ({"LOC": "서울시 금천구 시흥대로 73"}, ["서울특별시 금천구"]),
        ({"ADDCODE": "경기도 광주시 행정타운로 50"}, ["경기도 광주시"]),
        ({"A2": "광주시"}, ["경기도 광주시"]),
        ({"A1": "세종특별자치시"}, ["세종특별자치시 세종시"]),
        ({"A1": "강원도", "A2": "고성군"}, ["강원특별자치도 고성군"]),
        ({"A1": "경상남도", "A2": "고성군"}, ["경상남도 고성군"]),
        ({"A1": "전라북도", "A2": "전주시", "A3": "완산구"}, ["전북특별자치도 전주시"]),
    ],
)
def test_an_address_means_its_municipality(fields: dict[str, str], expected: list[str]) -> None:
    assert names(match(fields)) == expected


def test_an_open_address_means_every_one_of_that_name() -> None:
    found = names(match({"A2": "고성군"}))
    assert sorted(found) == ["강원특별자치도 고성군", "경상남도 고성군"]


@pytest.mark.parametrize(
    "fields",
    [{"A1": "아틀란티스"}, {"A1": "서울", "A2": "안양시"}, {"country": "DE", "A1": "서울", "A2": "중구"}, {}],
)
def test_an_address_of_nowhere_means_none(fields: dict[str, str]) -> None:
    assert match(fields).codes == ()


def test_districts_of_a_city_are_found_by_both_names() -> None:
    """The statistics office's map has a polygon a district, no provinces, and codes of its own."""
    squares = [shapely.box(127 + step, 37, 128 + step, 38) for step in range(3)]
    districts = BoundarySet(
        ["31041", "31042", "11020"],
        ["안양시만안구", "안양시동안구", "중구"],
        squares,
        effective_from=datetime(2018, 1, 1, tzinfo=UTC),
        source="test",
        cell_deg=0,
    )
    gazetteer = Gazetteer(districts)
    assert match({"A1": "경기도", "A2": "안양시", "A3": "동안구"}, gazetteer).codes == ("31042",)
    assert match({"A1": "경기도", "A2": "안양시동안구"}, gazetteer).codes == ("31042",)
    assert match({"A2": "안양시"}, gazetteer).codes == ("31041", "31042")
    assert match({"A1": "서울특별시", "A2": "중구"}, gazetteer).codes == ("11020",)
    assert match({"A1": "부산광역시", "A2": "중구"}, gazetteer).codes == ()


def test_provinces_have_short_and_former_names() -> None:
    assert [short_province(name) for name in ("충청북도", "충북", "전라북도", "전북특별자치도")] == [
        "충북",
        "충북",
        "전북",
        "전북",
    ]
    assert short_province("안양시") is None


def test_over_http(rig: Rig) -> None:
    root = rig.post(find_service(civic(country="KR", A1="서울특별시", A2="금천구")))
    assert sources(root) == [MIDDLE_CENTER]
    assert root.find(f"{LOST}locationUsed").get("id") == "civ1"
    assert root.find(f"{LOST}locationValidation") is None


def test_validation_says_which_elements_hold(rig: Rig) -> None:
    address = civic(country="KR", A1="서울특별시", A2="금천구", A3="시흥동", RD="시흥대로", HNO="73")
    root = rig.post(find_service(address, attributes='validateLocation="true"'))
    assert qualified(root, "valid") == ["country", "A1", "A2"]
    assert qualified(root, "unchecked") == ["A3", "RD", "HNO"]
    assert root.find(f"{LOST}locationValidation/{LOST}invalid") is None


def test_validation_says_what_is_wrong_and_a_default_answers(rig: Rig) -> None:
    body = find_service(civic(country="KR", A1="아틀란티스"), attributes='validateLocation="true"')
    root = rig.post(body)
    assert qualified(root, "invalid") == ["A1"]
    assert sources(root) == [WEST_CENTER]
    assert warned(root) == ["defaultMappingReturned"]
    assert refused(rig.post(body, prefer="handling=strict")) == "notFound"


def test_a_civic_location_that_is_none(rig: Rig) -> None:
    inside = gml("Point", "<g:pos>37 127</g:pos>")
    body = find_service(f'<location id="a" profile="civic">{inside}</location>')
    assert refused(rig.post(body)) == "locationInvalid"
    assert refused(rig.post(find_service(geodetic("<civicAddress xmlns='urn:x'/>")))) == "locationInvalid"


def test_elements_of_other_namespaces_are_named_as_they_are(rig: Rig) -> None:
    address = civic(A2="금천구").replace("</A2>", '</A2><x:EXT xmlns:x="urn:x&amp;y">1</x:EXT>')
    root = rig.post(find_service(address, attributes='validateLocation="1"'))
    validation = root.find(f"{LOST}locationValidation")
    prefix, _, name = one(root, "locationValidation/unchecked").partition(":")
    assert (validation.nsmap[prefix], name) == ("urn:x&y", "EXT")


def qualified(root: etree._Element, kind: str) -> list[str]:
    """Local names of the elements of RFC 5139 in a list of the validation."""
    validation = root.find(f"{LOST}locationValidation")
    found = []
    for qname in one(root, f"locationValidation/{kind}").split():
        prefix, _, name = qname.partition(":")
        assert validation.nsmap[prefix] == "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"
        found.append(name)
    return found

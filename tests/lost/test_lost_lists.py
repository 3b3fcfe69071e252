"""Lists of services (RFC 5222, sections 10 and 11), their boundary (RFC 6197), and nearness (RFC 6451)."""

from pathlib import Path

import pytest
from lxml import etree

from ansim.core.settings import LostContact
from ansim.distribution.lost import services
from lost.lost_server import (
    EAST_CENTER,
    EXT,
    GML,
    LOST,
    MIDDLE_CENTER,
    SLB,
    SOURCE,
    WEST_CENTER,
    Rig,
    civic,
    country,
    find_service,
    geodetic,
    gml,
    one,
    point,
    refused,
    request,
    running,
    sources,
    via,
    warned,
)
from support.country import place
from support.strategies import CENTERS

METRES = 'uom="urn:ogc:def:uom:EPSG::9001"'


def listed(root: etree._Element) -> list[str]:
    return one(root, "serviceList").split()


def test_the_top_level_services(rig: Rig) -> None:
    root = rig.post(request("listServices", service=None))
    assert root.tag == f"{LOST}listServicesResponse"
    assert listed(root) == list(services.ROOTS)
    assert via(root) == [SOURCE]


@pytest.mark.parametrize("urn", services.ROOTS)
def test_the_services_beneath_one(rig: Rig, urn: str) -> None:
    found = listed(rig.post(request("listServices", service=urn)))
    assert found == [one for one in services.SERVICES if one.startswith(f"{urn}.")]
    assert len(found) >= 5


def test_nothing_is_beneath_a_leaf_and_the_unknown_is_refused(rig: Rig) -> None:
    assert listed(rig.post(request("listServices", service="urn:service:sos.fire"))) == []
    assert refused(rig.post(request("listServices", service="urn:x"))) == "serviceNotImplemented"


def test_the_five_linked_services_have_their_korean_names() -> None:
    found = {services.SERVICES[urn].ko for urn in services.beneath(services.LINKED)}
    assert found == {"112 긴급영상", "112 긴급출동", "119 긴급출동", "재난상황", "사회적 약자"}


def test_services_at_a_place(rig: Rig) -> None:
    root = rig.post(request("listServicesByLocation", geodetic(point()), service=services.LINKED))
    assert root.tag == f"{LOST}listServicesByLocationResponse"
    assert listed(root) == list(services.beneath(services.LINKED))
    assert root.find(f"{LOST}locationUsed").get("id") == "loc1"
    away = rig.post(
        request("listServicesByLocation", geodetic(gml("Point", "<g:pos>37.05 131.5</g:pos>")), service=None)
    )
    assert warned(away) == ["defaultMappingReturned"]
    assert listed(away) == list(services.ROOTS)


def wish(kind: str) -> str:
    return f'<b:serviceListBoundaryRequest xmlns:b="{SLB}" type="{kind}"/>'


def test_the_boundary_of_the_list_by_value(rig: Rig) -> None:
    root = rig.post(request("listServicesByLocation", geodetic(point()), more=wish("value")))
    boundary = root.find(f"{{{SLB}}}serviceListBoundary")
    assert boundary.get("profile") == "geodetic-2d"
    assert boundary.get("expires") == "2026-11-26T03:00:00Z"
    assert len(list(boundary.iter(f"{GML}Polygon"))) == 1


def test_the_boundary_of_the_list_by_reference(rig: Rig) -> None:
    root = rig.post(request("listServicesByLocation", geodetic(point()), more=wish("reference")))
    reference = root.find(f"{{{SLB}}}serviceListBoundaryReference")
    assert reference.get("source") == SOURCE
    body = f'<b:getServiceListBoundary xmlns:b="{SLB}" key="{reference.get("key")}"/>'
    answer = rig.client.post("/lost", content=body.encode())
    fetched = etree.fromstring(answer.content)
    assert fetched.tag == f"{{{SLB}}}getServiceListBoundaryResponse"
    assert len(list(fetched.iter(f"{GML}posList"))) == 1
    assert [one.get("source") for one in fetched.iter(f"{LOST}via")] == [SOURCE]
    assert refused(rig.post(body.replace(reference.get("key"), "x").encode())) == "notFound"


def test_a_wish_that_is_none(rig: Rig) -> None:
    body = request("listServicesByLocation", geodetic(point()), more=wish("both"))
    assert refused(rig.post(body)) == "badRequest"


# RFC 6451


def limits(limit: int | str | None = None, region: str | None = None) -> str:
    told = "" if limit is None else f'<e:limit xmlns:e="{EXT}">{limit}</e:limit>'
    return told + ("" if region is None else f'<e:region xmlns:e="{EXT}">{region}</e:region>')


def circle(column: float, radius: float) -> str:
    lat, lon = place(column)
    return geodetic(
        gml("Circle", f"<g:pos>{lat} {lon}</g:pos><s:radius {METRES}>{radius}</s:radius>", prefix="s")
    )


def test_the_n_nearest_centers(rig: Rig) -> None:
    root = rig.post(find_service(geodetic(point(2)), more=limits(2)))
    assert sources(root) == [EAST_CENTER, MIDDLE_CENTER]
    places = [element.text for element in root.iter(f"{GML}pos")]
    assert places == ["37.05 127.25", "37.05 127.15"]
    locations = root.findall(f"{LOST}mapping/{{{EXT}}}serviceLocation")
    assert [one.get("profile") for one in locations] == ["geodetic-2d"] * 2


def test_nearness_is_to_where_the_center_says_it_is(tmp_path: Path) -> None:
    lat, lon = place(2.4)
    contacts = {WEST_CENTER: LostContact(uris=["https://w.test/"], lat=lat, lon=lon)}
    with running(tmp_path, contacts=contacts) as rig:
        root = rig.post(find_service(geodetic(point(2.4)), more=limits(1)))
        assert sources(root) == [WEST_CENTER]


def test_centers_within_a_distance(rig: Rig) -> None:
    """The municipalities are 8.9 km wide: a circle of 9 km around the first middle holds two middles."""
    root = rig.post(find_service(circle(0, 9_000), more=limits(region="false")))
    assert sources(root) == [WEST_CENTER, MIDDLE_CENTER]
    assert sources(rig.post(find_service(circle(0, 9_000), more=limits(1, "false")))) == [WEST_CENTER]
    assert len(sources(rig.post(find_service(circle(0, 20_000), more=limits(region="false"))))) == 3


def test_when_none_is_within_the_distance_the_responsible_one_answers(rig: Rig) -> None:
    assert sources(rig.post(find_service(circle(0.4, 100), more=limits(region="0")))) == [WEST_CENTER]


def test_served_by_is_by_the_area(rig: Rig) -> None:
    root = rig.post(find_service(circle(0.4, 2_000), more=limits(region="true")))
    assert sources(root) == [WEST_CENTER, MIDDLE_CENTER]
    assert root.find(f"{LOST}mapping/{{{EXT}}}serviceLocation") is None
    assert sources(rig.post(find_service(circle(0.4, 2_000), more=limits(1, "true")))) == [WEST_CENTER]


def test_the_nearest_to_an_address(rig: Rig) -> None:
    root = rig.post(find_service(civic(A2="군포시"), more=limits(3)))
    assert sources(root) == [EAST_CENTER, MIDDLE_CENTER, WEST_CENTER]


def test_centers_that_are_not_connected_are_not_near(tmp_path: Path) -> None:
    with running(tmp_path, distribution=country(CENTERS[:1])) as rig:
        assert sources(rig.post(find_service(geodetic(point(2)), more=limits(5)))) == [WEST_CENTER]


@pytest.mark.parametrize("limit", ["0", "-1", "1.5", "many", "", "１"])
def test_a_limit_that_is_none(rig: Rig, limit: str) -> None:
    assert refused(rig.post(find_service(more=limits(limit)))) == "badRequest"


def test_a_region_that_is_none(rig: Rig) -> None:
    assert refused(rig.post(find_service(more=limits(region="maybe")))) == "badRequest"

"""findService (RFC 5222, section 8), over HTTP."""

from datetime import timedelta
from pathlib import Path

import pytest
import shapely
from lxml import etree

from ansim.core.clock import now
from ansim.distribution.boundaries import BoundaryHistory
from ansim.distribution.lost.services import SERVICES
from ansim.geo.boundaries import BoundarySet
from ansim.geo.shapes import Point
from lost.lost_server import (
    EAST_CENTER,
    GML,
    LOST,
    MIDDLE_CENTER,
    NOW,
    SOS,
    SOURCE,
    WEST_CENTER,
    Rig,
    country,
    find_service,
    geodetic,
    gml,
    one,
    point,
    refused,
    request,
    ring,
    running,
    sources,
    via,
    warned,
)
from support.country import SIDE, WEST, place, three_in_a_row
from support.strategies import CENTERS

POS = "<g:pos>{} {}</g:pos>"
METRES = 'uom="urn:ogc:def:uom:EPSG::9001"'
DEGREES = 'uom="urn:ogc:def:uom:EPSG::9102"'


def across(fraction: float, column: float = 0.0) -> float:
    """A longitude ``fraction`` of a municipality's width east of the middle of the one in ``column``."""
    return WEST + (column + 0.5 + fraction) * SIDE


def test_a_point_has_its_municipality(rig: Rig) -> None:
    root = rig.post(find_service())
    assert root.tag == f"{LOST}findServiceResponse"
    mapping = root.find(f"{LOST}mapping")
    assert mapping.get("sourceId") == f"{WEST_CENTER}.sos"
    assert mapping.get("source") == SOURCE
    assert mapping.get("expires") == "2026-11-26T03:00:00Z"
    assert mapping.get("lastUpdated") == "2026-11-25T03:00:00Z"
    names = {name.get("{http://www.w3.org/XML/1998/namespace}lang"): name.text for name in mapping[:2]}
    assert names == {"ko": "안양시 스마트도시 통합운영센터", "en": "안양시 Smart City Center"}
    assert one(root, "mapping/service") == SOS
    assert one(root, "mapping/serviceNumber") == "112"
    assert [uri.text for uri in mapping.iterfind(f"{LOST}uri")] == [
        "https://west.ansim.test/",
        "sip:west@ansim.test",
    ]
    assert root.find(f"{LOST}locationUsed").get("id") == "loc1"
    assert via(root) == [SOURCE]
    assert warned(root) == []


def test_a_center_without_a_contact_is_reached_through_the_hub(rig: Rig) -> None:
    root = rig.post(find_service(geodetic(point(1))))
    assert sources(root) == [MIDDLE_CENTER]
    assert one(root, "mapping/uri") == "https://hub.ansim.test/"


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_service_has_a_mapping(rig: Rig, service: str) -> None:
    root = rig.post(find_service(service=service))
    assert one(root, "mapping/service") == service
    assert warned(root) == []
    number = root.findtext(f"{LOST}mapping/{LOST}serviceNumber", "")
    assert number == SERVICES[service].number


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("urn:service:sos.police.traffic", "urn:service:sos.police"),
        ("urn:service:sos.gas", "urn:service:sos"),
        ("urn:emergency:service:responder.police.federal", "urn:emergency:service:responder.police"),
        ("urn:emergency:service:responder.bomb", "urn:emergency:service:responder"),
        ("urn:ansim:service:kr.unknown", "urn:ansim:service:kr"),
    ],
)
def test_a_finer_service_is_answered_by_its_parent(rig: Rig, asked: str, answered: str) -> None:
    root = rig.post(find_service(service=asked))
    assert one(root, "mapping/service") == answered
    assert warned(root) == ["serviceSubstitution"]


def test_case_does_not_matter_in_a_service(rig: Rig) -> None:
    root = rig.post(find_service(service="urn:service:SOS.Police"))
    assert one(root, "mapping/service") == "urn:service:sos.police"
    assert warned(root) == []


@pytest.mark.parametrize("service", ["urn:service:counseling", "tel:112", "sos", "urn:emergency:service:sos"])
def test_a_service_that_is_not_offered(rig: Rig, service: str) -> None:
    assert refused(rig.post(find_service(service=service))) == "serviceNotImplemented"


def test_without_a_service_sos_is_answered_unless_strict(rig: Rig) -> None:
    root = rig.post(find_service(service=None))
    assert one(root, "mapping/service") == SOS
    assert warned(root) == ["serviceSubstitution"]
    assert refused(rig.post(find_service(service=None), prefer="handling=strict")) == "badRequest"


def test_the_boundary_by_value_is_the_municipality(rig: Rig) -> None:
    root = rig.post(find_service(attributes='serviceBoundary="value"'))
    boundary = root.find(f"{LOST}mapping/{LOST}serviceBoundary")
    assert boundary.get("profile") == "geodetic-2d"
    (text,) = [element.text for element in boundary.iter(f"{GML}posList")]
    numbers = [float(number) for number in text.split()]
    corners = set(zip(numbers[::2], numbers[1::2], strict=True))
    assert corners == {(37.0, 127.0), (37.0, 127.1), (37.1, 127.0), (37.1, 127.1)}


def test_the_boundary_by_reference_can_be_fetched(rig: Rig) -> None:
    by_value = rig.post(find_service(attributes='serviceBoundary="value"'))
    reference = rig.post(find_service()).find(f"{LOST}mapping/{LOST}serviceBoundaryReference")
    assert reference.get("source") == SOURCE
    root = rig.post(request("getServiceBoundary", service=None, attributes=f'key="{reference.get("key")}"'))
    assert root.tag == f"{LOST}getServiceBoundaryResponse"
    fetched = [element.text for element in root.iter(f"{GML}posList")]
    assert fetched == [element.text for element in by_value.iter(f"{GML}posList")]
    assert via(root) == [SOURCE]


def test_an_unknown_boundary_is_not_found(rig: Rig) -> None:
    assert refused(rig.post(request("getServiceBoundary", service=None, attributes='key="x"'))) == "notFound"
    assert refused(rig.post(request("getServiceBoundary", service=None))) == "badRequest"


SHAPES = {
    "circle": (
        gml("Circle", POS.format(37.05, across(0.45)) + f"<s:radius {METRES}>2000</s:radius>", prefix="s")
    ),
    "ellipse": gml(
        "Ellipse",
        POS.format(37.05, across(0.45))
        + f"<s:semiMajorAxis {METRES}>2000</s:semiMajorAxis><s:semiMinorAxis {METRES}>50</s:semiMinorAxis>"
        + f"<s:orientation {DEGREES}>90</s:orientation>",
        prefix="s",
    ),
    "arc band": gml(
        "ArcBand",
        POS.format(37.05, across(0.4))
        + f"<s:innerRadius {METRES}>100</s:innerRadius><s:outerRadius {METRES}>1500</s:outerRadius>"
        + f"<s:startAngle {DEGREES}>0</s:startAngle><s:openingAngle {DEGREES}>180</s:openingAngle>",
        prefix="s",
    ),
    "polygon": ring(
        [
            (37.04, across(0.4)),
            (37.04, across(0.53)),
            (37.06, across(0.53)),
            (37.06, across(0.4)),
            (37.04, across(0.4)),
        ]
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_across_a_border_has_both_the_greater_overlap_first(rig: Rig, shape: str) -> None:
    root = rig.post(find_service(geodetic(SHAPES[shape])), prefer="handling=strict")
    assert sources(root) == [WEST_CENTER, MIDDLE_CENTER]
    assert warned(root) == []


def test_the_greatest_overlap_is_of_the_shape_not_of_a_circle_around_it(rig: Rig) -> None:
    """A triangle whose centroid is in the east while 52 % of its ground is in the west."""
    triangle = [(37.03, across(0.3)), (37.07, across(0.3)), (37.05, across(0.95)), (37.03, across(0.3))]
    assert sources(rig.post(find_service(geodetic(ring(triangle))))) == [WEST_CENTER, MIDDLE_CENTER]


def test_outside_everything_the_nearest_answers_as_a_default(rig: Rig) -> None:
    root = rig.post(find_service(geodetic(gml("Point", POS.format(37.05, 130.9)))))
    assert sources(root) == [EAST_CENTER]
    assert warned(root) == ["defaultMappingReturned"]


def test_a_center_that_is_not_connected_is_answered_for_by_the_nearest(tmp_path: Path) -> None:
    with running(tmp_path, distribution=country(CENTERS[:2])) as rig:
        root = rig.post(find_service(geodetic(point(2))))
        assert sources(root) == [EAST_CENTER]
        assert "금천구" in (root.find(f"{LOST}mapping/{LOST}displayName").text or "")
        assert warned(root) == ["defaultMappingReturned"]


def test_the_first_location_that_is_understood_is_used(rig: Rig) -> None:
    strange = '<location id="a" profile="com.example.indoor"><x:floor xmlns:x="urn:x">3</x:floor></location>'
    broken = geodetic(gml("Point", POS.format(137.05, 7.0)), "b")
    root = rig.post(find_service(strange, broken, geodetic(point(1), "c"), geodetic(point(2), "d")))
    assert root.find(f"{LOST}locationUsed").get("id") == "c"
    assert sources(root) == [MIDDLE_CENTER]


def test_no_known_profile(rig: Rig) -> None:
    inside = '<x:floor xmlns:x="urn:x">3</x:floor>'
    root = rig.post(
        find_service(
            f'<location id="a" profile="indoor">{inside}</location>',
            f'<location id="b" profile="geodetic-3d">{inside}</location>',
        )
    )
    assert refused(root) == "locationProfileUnrecognized"
    assert root[0].get("unsupportedProfiles") == "indoor geodetic-3d"


def test_validation_is_for_civic_locations_only(rig: Rig) -> None:
    root = rig.post(find_service(attributes='validateLocation="true"'))
    assert warned(root) == ["locationValidationUnavailable"]
    assert sources(root) == [WEST_CENTER]


def test_the_path_is_continued_and_a_loop_is_an_error(rig: Rig) -> None:
    root = rig.post(find_service(path=("resolver.example", "forest.example")))
    assert via(root) == ["resolver.example", "forest.example", SOURCE]
    looped = rig.post(find_service(path=("resolver.example", SOURCE)))
    assert refused(looped) == "loop"
    endless = tuple(f"n{number}.example" for number in range(40))
    assert refused(rig.post(find_service(path=endless))) == "loop"


def test_an_unusual_identifier_comes_back_whole(rig: Rig) -> None:
    root = rig.post(find_service(geodetic(point(), "&lt;&quot;한글&amp;")))
    assert root.find(f"{LOST}locationUsed").get("id") == '<"한글&'


def test_a_mapping_is_not_good_past_a_planned_change(tmp_path: Path) -> None:
    moment = now()
    later = BoundarySet(
        CENTERS,
        CENTERS,
        three_in_a_row().geometries,
        effective_from=moment + timedelta(hours=2),
        source="later",
        cell_deg=0,
    )
    distribution = country()
    distribution._history = BoundaryHistory([three_in_a_row(), later])
    with running(tmp_path, distribution=distribution) as rig:
        rig.now = moment
        mapping = rig.post(find_service()).find(f"{LOST}mapping")
        assert mapping.get("expires") == later.effective_from.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_mappings_are_made_anew_after_a_while_and_when_boundaries_change(rig: Rig) -> None:
    first = rig.post(find_service()).find(f"{LOST}mapping").get("expires")
    rig.now += timedelta(seconds=30)
    assert rig.post(find_service()).find(f"{LOST}mapping").get("expires") == first
    rig.now += timedelta(seconds=31)
    assert rig.post(find_service()).find(f"{LOST}mapping").get("expires") == "2026-11-26T03:01:01Z"


def test_what_a_phone_keeps_for_the_time_without_a_hub(rig: Rig) -> None:
    lat, lon = place(0)
    kept = rig.part.server.mapping_for(Point(lat=lat, lon=lon))
    assert (kept.center, kept.jurisdiction, kept.default) == (WEST_CENTER, WEST_CENTER, False)
    assert kept.uris == ("https://west.ansim.test/", "sip:west@ansim.test")
    assert kept.boundary.contains(shapely.Point(lon, lat))
    assert kept.expires == NOW + timedelta(days=1)
    assert kept.boundary_key == _reference(rig.post(find_service()))
    assert rig.part.server.mapping_for(Point(lat=37.05, lon=131.5)).default
    without = rig.part.server.mapping_for(None)
    assert (without.center, without.default) == (WEST_CENTER, True)


def _reference(root: etree._Element) -> str:
    return str(root.find(f"{LOST}mapping/{LOST}serviceBoundaryReference").get("key"))

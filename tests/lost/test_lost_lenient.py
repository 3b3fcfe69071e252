"""What is found in the wild: refused strictly, repaired leniently with a warning and a report."""

import asyncio
import math
from pathlib import Path

import pytest

from ansim.distribution.discrepancies import Report
from ansim.distribution.lost.repairs import network_of
from lost.lost_server import (
    MIDDLE_CENTER,
    WEST_CENTER,
    Rig,
    find_service,
    geodetic,
    gml,
    point,
    refused,
    request,
    ring,
    running,
    sources,
    warned,
)
from support.country import place

LAT, LON = place(0)
CORNERS = [(37.04, 127.04), (37.04, 127.06), (37.06, 127.06), (37.06, 127.04)]
BOW = [(37.04, 127.04), (37.06, 127.06), (37.06, 127.04), (37.04, 127.06), (37.04, 127.04)]
METRES = 'uom="urn:ogc:def:uom:EPSG::9001"'

WILD = {
    "comma-separated": gml("Point", f"<g:pos>{LAT},{LON}</g:pos>"),
    "wrong-namespace": gml("Circle", f"<g:pos>{LAT} {LON}</g:pos><g:radius {METRES}>20</g:radius>"),
    "unclosed-ring": ring(CORNERS),
    "self-crossing-ring": ring(BOW),
    "swapped-axes": gml("Point", f"<g:pos>{LON} {LAT}</g:pos>"),
    "reference-system": gml("Point", f"<g:pos>{LAT} {LON}</g:pos>", srs="EPSG:4326"),
}


@pytest.mark.parametrize("fault", WILD)
def test_a_fault_is_repaired_with_a_warning(rig: Rig, fault: str) -> None:
    root = rig.post(find_service(geodetic(WILD[fault])))
    assert sources(root) == [WEST_CENTER]
    assert warned(root) == ["locationInvalid"]


@pytest.mark.parametrize("fault", WILD)
def test_a_fault_is_refused_when_reading_is_strict(rig: Rig, fault: str) -> None:
    root = rig.post(find_service(geodetic(WILD[fault])), prefer="handling=strict")
    assert refused(root) == ("SRSInvalid" if fault == "reference-system" else "locationInvalid")


def test_a_strict_server_can_be_asked_to_be_lenient(tmp_path: Path) -> None:
    body = find_service(geodetic(WILD["unclosed-ring"]))
    with running(tmp_path, strict=True) as rig:
        assert refused(rig.post(body)) == "locationInvalid"
        assert sources(rig.post(body, prefer="respond-async, handling=lenient; wait=1")) == [WEST_CENTER]


@pytest.mark.parametrize(
    ("srs", "text"),
    [
        ("urn:ogc:def:crs:OGC:1.3:CRS84", f"{LON} {LAT}"),
        ("http://www.opengis.net/def/crs/EPSG/0/4326", f"{LAT} {LON}"),
        ("http://www.opengis.net/gml/srs/epsg.xml#4326", f"{LAT} {LON}"),
        ("WGS84", f"{LAT} {LON}"),
        (None, f"{LAT} {LON}"),
    ],
)
def test_other_names_of_wgs84_are_understood(rig: Rig, srs: str | None, text: str) -> None:
    root = rig.post(find_service(geodetic(gml("Point", f"<g:pos>{text}</g:pos>", srs=srs))))
    assert sources(root) == [WEST_CENTER]


@pytest.mark.parametrize("srs", ["urn:ogc:def:crs:EPSG::5179", "EPSG:3857", "urn:x"])
def test_another_reference_system_is_refused_always(rig: Rig, srs: str) -> None:
    body = find_service(geodetic(gml("Point", "<g:pos>1953000 955000</g:pos>", srs=srs)))
    assert refused(rig.post(body)) == "SRSInvalid"
    assert refused(rig.post(body, prefer="handling=strict")) == "SRSInvalid"


@pytest.mark.parametrize(
    "inside",
    [
        gml("Point", "<g:pos>NaN 127</g:pos>"),
        gml("Point", "<g:pos>37 inf</g:pos>"),
        gml("Point", "<g:pos>37_0 127</g:pos>"),
        gml("Point", "<g:pos>91 127</g:pos>"),
        gml("Point", "<g:pos>37 181</g:pos>"),
        gml("Point", "<g:pos>37</g:pos>"),
        gml("Point", "<g:pos/>"),
        gml("Point", ""),
        gml("Point", f"<g:pos><g:pos>{LAT} {LON}</g:pos></g:pos>"),
        gml("Circle", f"<g:pos>{LAT} {LON}</g:pos><s:radius {METRES}>-1</s:radius>", prefix="s"),
        gml("Circle", f"<g:pos>{LAT} {LON}</g:pos>", prefix="s"),
        ring(CORNERS[:2]),
        gml("Torus", f"<g:pos>{LAT} {LON}</g:pos>"),
        gml("Polygon", ""),
    ],
)
def test_what_names_no_place_is_an_invalid_location(rig: Rig, inside: str) -> None:
    for handling in ("lenient", "strict"):
        root = rig.post(find_service(geodetic(inside)), prefer=f"handling={handling}")
        assert refused(root) == "locationInvalid"


def test_a_location_without_anything_in_it(rig: Rig) -> None:
    assert refused(rig.post(find_service(geodetic("")))) == "locationInvalid"
    assert refused(rig.post(request("findService"))) == "badRequest"
    assert refused(rig.post(find_service(*[geodetic(point())] * 17))) == "badRequest"


def test_a_location_without_a_profile_is_what_it_holds(rig: Rig) -> None:
    root = rig.post(find_service(f'<location id="a">{point(1)}</location>'))
    assert sources(root) == [MIDDLE_CENTER]


def test_across_the_antimeridian_the_nearest_answers(rig: Rig) -> None:
    wide = [(37.0, 179.0), (37.0, -179.0), (38.0, -179.0), (38.0, 179.0), (37.0, 179.0)]
    root = rig.post(find_service(geodetic(ring(wide))))
    assert warned(root) == ["defaultMappingReturned"]
    assert len(sources(root)) == 1


def star(count: int, step: int) -> str:
    """A ring of ``count`` places on a circle, joining every ``step``-th: it crosses itself when above 1."""
    turns = [2 * math.pi * (place * step % count) / count for place in range(count)]
    places = [(37.05 + 0.01 * math.sin(turn), 127.05 + 0.01 * math.cos(turn)) for turn in turns]
    return ring([*places, places[0]])


def test_a_polygon_has_as_many_places_as_can_be_worked_on(rig: Rig) -> None:
    assert sources(rig.post(find_service(geodetic(star(5_000, 1))))) == [WEST_CENTER]
    assert refused(rig.post(find_service(geodetic(star(20_001, 1))))) == "locationInvalid"


def test_one_that_crosses_itself_has_fewer(rig: Rig) -> None:
    root = rig.post(find_service(geodetic(star(401, 7))))
    assert sources(root) == [WEST_CENTER]
    assert warned(root) == ["locationInvalid"]
    assert refused(rig.post(find_service(geodetic(star(1_001, 500))))) == "locationInvalid"


def test_the_operator_hears_of_a_fault_but_not_of_the_place(rig: Rig) -> None:
    for _ in range(3):
        rig.post(find_service(geodetic(WILD["swapped-axes"])))
    rig.post(find_service(geodetic(WILD["unclosed-ring"])))
    reports = reported(rig, 2)
    assert {one.kind for one in reports} == {"swapped-axes", "unclosed-ring"}
    for one in reports:
        assert (one.source, one.owner, one.times) == ("lost", "hub", 1)
        assert (one.lat, one.lon, one.codes) == (None, None, ())
        assert "127.05" not in one.detail


def test_a_good_request_is_no_fault(rig: Rig) -> None:
    rig.post(find_service())
    assert reported(rig, 0) == []


def reported(rig: Rig, count: int) -> list[Report]:
    """The reports, waiting until there are so many."""

    async def ask() -> list[Report]:
        for _ in range(200):
            found = await rig.discrepancies.of()
            if len(found) >= count:
                return found
            await asyncio.sleep(0.01)
        raise AssertionError(f"no {count} reports")

    return rig.call(ask)


def test_a_report_names_a_network_not_a_client() -> None:
    assert network_of("203.0.113.77") == "203.0.113.0/24"
    assert network_of("2001:db8:1:2::9") == "2001:db8:1::/48"
    assert network_of("testclient") == network_of("") == "an unknown network"

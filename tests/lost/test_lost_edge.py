"""The edge: sizes, rates, bombs, nonsense. Whatever arrives, the answer is a document of LoST."""

import math
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from ansim.distribution.lost.xml import BODY_LIMIT
from lost.lost_server import (
    GML,
    LOST,
    WEST_CENTER,
    Rig,
    civic,
    find_service,
    geodetic,
    gml,
    held,
    point,
    refused,
    request,
    ring,
    running,
    sources,
)


def test_no_session_and_no_token_are_needed_and_none_is_given(rig: Rig) -> None:
    answer = rig.client.post("/lost", content=find_service())
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_told_so(rig: Rig, method: str) -> None:
    answer = rig.client.request(method, "/lost")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert refused(held(answer.content)) == "badRequest"


def test_a_large_body_is_refused_before_it_is_read(rig: Rig) -> None:
    began = time.perf_counter()
    answer = rig.client.post("/lost", content=b"<" * 10_000_000)
    assert answer.status_code == 413
    assert time.perf_counter() - began < 5
    error = held(answer.content)
    assert refused(error) == "badRequest"
    assert str(BODY_LIMIT) in error[0].get("message")


def test_a_large_body_without_an_announced_length_is_cut_off(rig: Rig) -> None:
    sent = 0

    def parts() -> object:
        nonlocal sent
        for _ in range(100):
            sent += 100_000
            yield b"x" * 100_000

    answer = rig.client.post("/lost", content=parts())  # type: ignore[arg-type]
    assert answer.status_code == 413
    assert refused(held(answer.content)) == "badRequest"


def test_one_address_has_an_allowance(tmp_path: Path) -> None:
    with running(tmp_path, per_minute=3) as rig:
        statuses = [rig.client.post("/lost", content=find_service()).status_code for _ in range(7)]
        assert statuses.count(200) in (3, 6), "a minute may end in between"
        last = rig.client.post("/lost", content=find_service())
        if last.status_code == 429:
            assert last.headers["retry-after"] == "60"
            assert refused(held(last.content)) == "badRequest"


LAUGHS = (
    b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">%s]><findService>&z;</findService>"""
    % b"".join(b'<!ENTITY %c "%s">' % (code, b"&%c;" % (code - 1) * 10) for code in range(98, 123))
)
EXTERNAL = (
    b'<?xml version="1.0"?><!DOCTYPE f [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<findService xmlns="urn:ietf:params:xml:ns:lost1">&x;</findService>'
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"\x00",
        b"{}",
        b"<a",
        b"<a/>",
        b"<findService/>",
        b'<findService xmlns="urn:x"/>',
        b'<findServiceResponse xmlns="urn:ietf:params:xml:ns:lost1"/>',
        b'<errors xmlns="urn:ietf:params:xml:ns:lost1"/>',
        LAUGHS,
        LAUGHS.decode().encode("utf-16"),
        EXTERNAL,
        EXTERNAL.decode().encode("utf-16"),
        b"<a>" * 100_000,
        b'<findService xmlns="urn:ietf:params:xml:ns:lost1" xmlns="urn:x"/>',
        find_service().replace(b"urn:service:sos", b"\xff\xfe"),
        find_service(attributes='recursive="perhaps"'),
        find_service(attributes='serviceBoundary="both"'),
        find_service(more="<other/>"),
        find_service()[:-5],
    ],
)
def test_what_is_no_request_is_a_bad_one(rig: Rig, body: bytes) -> None:
    tracemalloc.start()
    root = rig.post(body)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused(root) == "badRequest"
    assert b"root:" not in etree.tostring(root)
    assert most < 20_000_000


def test_utf_16_is_understood(rig: Rig) -> None:
    text = find_service(civic(A2="안양시")).decode()
    for encoding in ("utf-16", "utf-8-sig"):
        assert sources(rig.post(text.encode(encoding))) == [WEST_CENTER]
    assert refused(rig.post(text.encode("utf-16")[:-1])) == "badRequest"


def test_every_place_of_a_polygon_of_a_hundred_thousand_is_answered_in_time(rig: Rig) -> None:
    turns = [2 * math.pi * place / 100_000 for place in range(100_000)]
    places = [(round(37.05 + math.sin(t) / 99, 3), round(127.05 + math.cos(t) / 99, 3)) for t in turns]
    body = find_service(geodetic(ring(places)))
    began = time.perf_counter()
    answer = rig.client.post("/lost", content=body)
    assert time.perf_counter() - began < 10
    assert answer.status_code == (413 if len(body) > BODY_LIMIT else 200)
    assert refused(held(answer.content)) in ("badRequest", "locationInvalid")


def test_a_fault_of_ours_is_an_internal_error_without_details(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(rig.part.server, "_current", broken)
    root = rig.post(find_service())
    assert refused(root) == "internalError"
    assert "secret" not in root[0].get("message")


def test_requests_are_counted(rig: Rig) -> None:
    rig.post(find_service())
    rig.post(b"<a/>")
    text = rig.metrics.exposition().decode()
    assert 'ansim_lost_requests_total{outcome="answered"} 1.0' in text
    assert 'ansim_lost_requests_total{outcome="badRequest"} 1.0' in text


# Whatever arrives

SEEDS = [
    find_service(),
    find_service(civic(country="KR", A1="경기도", A2="안양시"), attributes='validateLocation="true"'),
    find_service(geodetic(ring([(37, 127), (37, 127.2), (37.1, 127.2), (37, 127)]))),
    request("listServicesByLocation", geodetic(point(1))),
    request("listServices", service=None),
    request("getServiceBoundary", service=None, attributes='key="k"'),
    find_service(geodetic(gml("Circle", "<g:pos>37.05 127.1</g:pos><s:radius>900</s:radius>", prefix="s"))),
]
FUZZ = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)


def answered(rig: Rig, body: bytes, handling: str) -> None:
    root = rig.post(body, prefer=f"handling={handling}")
    assert root.tag.startswith(LOST)
    if root.tag == f"{LOST}errors":
        assert root[0].tag != f"{LOST}internalError", body


@FUZZ
@given(body=st.binary(max_size=300), handling=st.sampled_from(["strict", "lenient"]))
def test_any_bytes_have_an_answer(rig: Rig, body: bytes, handling: str) -> None:
    answered(rig, body, handling)


@FUZZ
@given(data=st.data(), seed=st.sampled_from(SEEDS), handling=st.sampled_from(["strict", "lenient"]))
def test_a_request_damaged_anywhere_has_an_answer(
    rig: Rig, data: st.DataObject, seed: bytes, handling: str
) -> None:
    start = data.draw(st.integers(0, len(seed)))
    end = data.draw(st.integers(start, min(len(seed), start + 30)))
    inside = data.draw(st.binary(max_size=12) | st.text(max_size=12).map(lambda text: text.encode()))
    answered(rig, seed[:start] + inside + seed[end:], handling)


WORDS = st.sampled_from(
    [
        "37.05 127.05",
        "NaN NaN",
        "127,37",
        "1e999 0",
        "-90 180",
        "90 -180",
        "0 0",
        "",
        "37.05",
        "１ ２",
        "0x1 2",
    ]
) | st.text(max_size=20)
NAMES = st.sampled_from(["Point", "Circle", "Ellipse", "ArcBand", "Polygon", "Prism", "Sphere", "Nothing"])


@FUZZ
@given(
    name=NAMES, parts=st.lists(st.tuples(st.sampled_from(["pos", "radius", "posList"]), WORDS), max_size=4)
)
def test_any_shape_has_an_answer(rig: Rig, name: str, parts: list[tuple[str, str]]) -> None:
    root = etree.Element(f"{LOST}findService")
    location = etree.SubElement(root, f"{LOST}location", id="a", profile="geodetic-2d")
    shape = etree.SubElement(location, f"{GML}{name}", srsName="urn:ogc:def:crs:EPSG::4326")
    for tag, text in parts:
        etree.SubElement(shape, f"{GML}{tag}").text = "".join(one for one in text if one.isprintable())
    etree.SubElement(root, f"{LOST}service").text = "urn:service:sos"
    answered(rig, etree.tostring(root), "lenient")


@FUZZ
@given(texts=st.lists(st.tuples(st.sampled_from(["country", "A1", "A2", "A3", "LOC"]), st.text(max_size=20))))
def test_any_address_has_an_answer(rig: Rig, texts: list[tuple[str, str]]) -> None:
    root = etree.Element(f"{LOST}findService", validateLocation="true")
    location = etree.SubElement(root, f"{LOST}location", id="a", profile="civic")
    namespace = "{urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr}"
    address = etree.SubElement(location, f"{namespace}civicAddress")
    for tag, text in texts:
        etree.SubElement(address, f"{namespace}{tag}").text = "".join(
            one for one in text if one.isprintable()
        )
    etree.SubElement(root, f"{LOST}service").text = "urn:service:sos"
    answered(rig, etree.tostring(root, encoding="UTF-8"), "lenient")

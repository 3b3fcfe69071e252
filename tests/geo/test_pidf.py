"""PIDF-LO and GML as the standards have them, as phones get them wrong, and as attackers would."""

import math
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ansim.core import xml
from ansim.core.xml import XmlError
from ansim.geo import gml, gml_write, pidf
from ansim.geo.gml import GmlError
from ansim.geo.pidf import Location, PidfError, Presence, Usage
from ansim.geo.shapes import ArcBand, Circle, Ellipse, Ellipsoid, Point, Polygon, Prism, Shape, Sphere
from geo.shape_strategies import shapes

SPACES = (
    'xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"'
    ' xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10"'
    ' xmlns:gbp="urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy"'
    ' xmlns:ca="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"'
    ' xmlns:con="urn:ietf:params:xml:ns:geopriv:conf"'
    ' xmlns:gml="http://www.opengis.net/gml" xmlns:gs="http://www.opengis.net/pidflo/1.0"'
)
NOON = datetime(2026, 7, 1, 3, tzinfo=UTC)
D2, D3 = 'srsName="urn:ogc:def:crs:EPSG::4326"', 'srsName="urn:ogc:def:crs:EPSG::4979"'


def metres(name: str, value: object) -> str:
    return f'<gs:{name} uom="urn:ogc:def:uom:EPSG::9001">\n {value}\n</gs:{name}>'


def degrees(name: str, value: object) -> str:
    return f'<gs:{name} uom="urn:ogc:def:uom:EPSG::9102"> {value} </gs:{name}>'


def document(inside: str, rules: str = "<gp:usage-rules/>") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><presence {SPACES} entity="pres:caller@example.com">'
        f'<tuple id="t1"><status><gp:geopriv><gp:location-info>{inside}</gp:location-info>{rules}'
        "<gp:method>GPS</gp:method></gp:geopriv></status>"
        "<timestamp>2026-07-01T03:00:00Z</timestamp></tuple></presence>"
    ).encode()


def element(inside: str) -> etree._Element:
    return xml.parse(f"<x {SPACES}>{inside}</x>".encode())[0]


HEXAGON = (
    (43.311, -73.422),
    (43.111, -73.322),
    (43.111, -73.222),
    (43.311, -73.122),
    (43.411, -73.222),
    (43.411, -73.322),
    (43.311, -73.422),
)
POS_LIST = " ".join(f"{lat} {lon}" for lat, lon in HEXAGON)
STANDARD = {
    "point": (
        f"<gml:Point {D2}><gml:pos>-34.407 150.883</gml:pos></gml:Point>",
        Point(lat=-34.407, lon=150.883),
    ),
    "point with altitude": (
        f"<gml:Point {D3}><gml:pos>-34.407 150.883 24.8</gml:pos></gml:Point>",
        Point(lat=-34.407, lon=150.883, altitude_m=24.8),
    ),
    "polygon of pos": (
        f"<gml:Polygon {D2}><gml:exterior><gml:LinearRing>"
        + "".join(f"<gml:pos>{lat} {lon}</gml:pos><!-- corner -->" for lat, lon in HEXAGON)
        + "</gml:LinearRing></gml:exterior></gml:Polygon>",
        Polygon(ring=HEXAGON),
    ),
    "polygon of posList": (
        f"<gml:Polygon {D2}><gml:exterior><gml:LinearRing><gml:posList>{POS_LIST}</gml:posList>"
        "</gml:LinearRing></gml:exterior></gml:Polygon>",
        Polygon(ring=HEXAGON),
    ),
    "circle": (
        f"<gs:Circle {D2}><gml:pos>42.5463 -73.2512</gml:pos>{metres('radius', 850.24)}</gs:Circle>",
        Circle(lat=42.5463, lon=-73.2512, radius_m=850.24),
    ),
    "ellipse": (
        f"<gs:Ellipse {D2}><gml:pos>42.5463 -73.2512</gml:pos>{metres('semiMajorAxis', 1275)}"
        f"{metres('semiMinorAxis', 670)}{degrees('orientation', 43.2)}</gs:Ellipse>",
        Ellipse(lat=42.5463, lon=-73.2512, semi_major_m=1_275.0, semi_minor_m=670.0, orientation_deg=43.2),
    ),
    "arc band": (
        f"<gs:ArcBand {D2}><gml:pos>-43.5723 153.21760</gml:pos>{metres('innerRadius', 3594)}"
        f"{metres('outerRadius', 4148)}{degrees('startAngle', 20)}{degrees('openingAngle', 20)}</gs:ArcBand>",
        ArcBand(
            lat=-43.5723, lon=153.2176, inner_m=3_594.0, outer_m=4_148.0, start_deg=20.0, opening_deg=20.0
        ),
    ),
    "sphere": (
        f"<gs:Sphere {D3}><gml:pos>42.5463 -73.2512 26.3</gml:pos>{metres('radius', 850.24)}</gs:Sphere>",
        Sphere(lat=42.5463, lon=-73.2512, altitude_m=26.3, radius_m=850.24),
    ),
    "ellipsoid": (
        f"<gs:Ellipsoid {D3}><gml:pos>42.5463 -73.2512 26.3</gml:pos>{metres('semiMajorAxis', 7.7156)}"
        f"{metres('semiMinorAxis', 3.31)}{metres('verticalAxis', 28.7)}"
        f"{degrees('orientation', 90)}</gs:Ellipsoid>",
        Ellipsoid(
            lat=42.5463,
            lon=-73.2512,
            altitude_m=26.3,
            semi_major_m=7.7156,
            semi_minor_m=3.31,
            vertical_m=28.7,
            orientation_deg=90.0,
        ),
    ),
    "prism": (
        f"<gs:Prism {D3}><gs:base><gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>"
        "42.556844 -73.248157 36.6 <!--A--> 42.656844 -73.248157 36.6 <!--B-->"
        "42.656844 -73.348157 36.6 42.556844 -73.348157 36.6 42.556844 -73.248157 36.6"
        "</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gs:base>"
        f"{metres('height', 2.4)}</gs:Prism>",
        Prism(
            ring=(
                (42.556844, -73.248157),
                (42.656844, -73.248157),
                (42.656844, -73.348157),
                (42.556844, -73.348157),
                (42.556844, -73.248157),
            ),
            altitude_m=36.6,
            height_m=2.4,
        ),
    ),
}


@pytest.mark.parametrize("name", STANDARD)
def test_the_shapes_of_rfc_5491(name: str) -> None:
    written, shape = STANDARD[name]
    presence = pidf.parse(document(written))
    assert presence.entity == "pres:caller@example.com"
    [location] = presence.locations
    assert location.shapes == (shape,)
    assert (location.method, location.timestamp, location.carrier) == ("GPS", NOON, "tuple")
    assert pidf.parse(pidf.serialise(presence)) == presence


@given(shapes(), st.booleans())
@settings(max_examples=120, deadline=None)
def test_what_is_written_is_read_back(shape: Shape, allowed: bool) -> None:
    usage = Usage(
        retransmission_allowed=allowed, retention_expiry=NOON, ruleset_reference="https://x.example/r"
    )
    civic = {"country": "KR", "A1": "서울특별시", "A3": "강남구"}
    place = Location(
        shapes=(shape,), civic=civic, usage=usage, method="Wiremap", timestamp=NOON, carrier="device", id="d"
    )
    presence = Presence(entity="pres:x@example.com", locations=(place,))
    again = pidf.parse(pidf.serialise(presence))
    assert again == presence
    assert gml.read(gml_write.shape_element(shape), confidence=shape.confidence, pdf=shape.pdf).shape == shape


def test_confidence_stands_beside_the_shape() -> None:
    circle, _ = STANDARD["circle"]
    for stated, confidence, pdf_name in (
        ('<con:confidence pdf="normal">67</con:confidence>', 67.0, "normal"),
        ("<con:confidence>unknown</con:confidence>", "unknown", "unknown"),
        ("", 95.0, "unknown"),
    ):
        [shape] = pidf.parse(document(circle + stated)).locations[0].shapes
        assert (shape.confidence, shape.pdf) == (confidence, pdf_name)


def test_a_point_alone_is_written_without_confidence() -> None:
    place = Location(shapes=(Point(lat=37.5, lon=127.0),))
    assert b"confidence" not in pidf.serialise(Presence(entity="pres:x@example.com", locations=(place,)))


@pytest.mark.parametrize("stated", ["0", "100", "-1", "NaN", "much", "101"])
def test_a_confidence_that_is_none_is_refused(stated: str) -> None:
    circle, _ = STANDARD["circle"]
    with pytest.raises(PidfError, match=r"^confidence: "):
        pidf.parse(document(f"{circle}<con:confidence>{stated}</con:confidence>"))
    with pytest.raises(PidfError, match=r"^confidence: pdf is 'flat'"):
        pidf.parse(document(f'{circle}<con:confidence pdf="flat">50</con:confidence>'))


def test_what_is_not_said_is_not_to_be_passed_on_and_forgotten_after_a_day() -> None:
    point, _ = STANDARD["point"]
    for rules in ("<gp:usage-rules/>", ""):
        [location] = pidf.parse(document(point, rules)).locations
        assert location.usage.retransmission_allowed is False
        assert location.usage.keep_until(NOON) == NOON + timedelta(hours=24)
    stated = (
        "<gp:usage-rules><gbp:retransmission-allowed> true </gbp:retransmission-allowed>"
        "<gbp:retention-expiry>2026-07-01T12:30:00+09:00</gbp:retention-expiry>"
        "<gbp:note-well>맡긴 위치</gbp:note-well></gp:usage-rules>"
    )
    [location] = pidf.parse(document(point, stated)).locations
    assert location.usage.retransmission_allowed is True
    assert location.usage.keep_until(NOON) == NOON + timedelta(minutes=30)
    assert location.usage.note_well == "맡긴 위치"
    broken = "<gp:usage-rules><gbp:retention-expiry>soon</gbp:retention-expiry></gp:usage-rules>"
    with pytest.raises(PidfError, match=r"^retention-expiry: "):
        pidf.parse(document(point, broken))


def test_a_device_is_believed_before_a_tuple_and_a_person_last() -> None:
    def place(name: str, lat: float) -> str:
        geopriv = (
            f"<gp:geopriv><gp:location-info><gml:Point><gml:pos>{lat} 127</gml:pos></gml:Point>"
            "</gp:location-info><gp:usage-rules/></gp:geopriv>"
        )
        return f'<{name} id="{name[-3:]}">{geopriv}</{name}>'

    body = f'<presence {SPACES} entity="e">{place("dm:person", 1)}{place("tuple", 2)}'
    body += f"{place('dm:device', 3)}</presence>"
    found = pidf.parse(body.encode()).locations
    assert [(one.carrier, one.shapes[0].center[0]) for one in found] == [
        ("device", 3.0),
        ("tuple", 2.0),
        ("person", 1.0),
    ]


WRONG = [
    ("<gml:Point><gml:pos>37.5 NaN</gml:pos></gml:Point>", "pos"),
    ("<gml:Point><gml:pos>37.5</gml:pos></gml:Point>", "pos"),
    ("<gml:Point><gml:pos>INF 127</gml:pos></gml:Point>", "pos"),
    ("<gml:Point><gml:pos>1_0 127</gml:pos></gml:Point>", "pos"),
    ("<gml:Point><gml:pos/></gml:Point>", "pos"),
    ("<gml:Point><gml:pos>1 2</gml:pos><gml:pos>1 2</gml:pos></gml:Point>", "pos"),
    ("<gml:Point><gml:pos><gml:x/>1 2</gml:pos></gml:Point>", "pos"),
    ("<gml:Point><gml:pos>95 10</gml:pos></gml:Point>", "Point: lat"),
    ('<gml:Point srsName="EPSG:5179"><gml:pos>37 127</gml:pos></gml:Point>', "Point"),
    (f"<gs:Circle><gml:pos>37 127 3</gml:pos>{metres('radius', 5)}</gs:Circle>", "Circle"),
    ("<gs:Circle><gml:pos>37 127</gml:pos></gs:Circle>", "radius"),
    (f"<gs:Circle><gml:pos>37 127</gml:pos>{metres('radius', -5)}</gs:Circle>", "Circle: radius_m"),
    ('<gs:Circle><gml:pos>37 127</gml:pos><gs:radius uom="mile">1</gs:radius></gs:Circle>', "radius"),
    (
        f"<gs:Prism><gs:base><gml:Polygon {D3}><gml:exterior><gml:LinearRing><gml:posList>"
        "37 127 1 37 128 2 38 128 1 37 127 1</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>"
        f"</gs:base>{metres('height', 2)}</gs:Prism>",
        "LinearRing",
    ),
    (
        "<gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>37 127 37</gml:posList></gml:LinearRing>"
        "</gml:exterior></gml:Polygon>",
        "posList",
    ),
    (
        "<gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>37 127 37 128</gml:posList></gml:LinearRing>"
        "</gml:exterior></gml:Polygon>",
        "LinearRing",
    ),
    ("<gml:Polygon/>", "exterior"),
    ("<gml:LineString/>", "location-info"),
    ("", "location-info"),
]


@pytest.mark.parametrize(("inside", "field"), WRONG)
@pytest.mark.parametrize("lenient", [False, True])
def test_what_can_not_be_is_refused_by_name(inside: str, field: str, lenient: bool) -> None:
    with pytest.raises(PidfError, match=rf"^{field}"):
        pidf.parse(document(inside), lenient=lenient)


def polygon(pos_list: str) -> str:
    ring = f"<gml:LinearRing><gml:posList>{pos_list}</gml:posList></gml:LinearRing>"
    return f"<gml:Polygon><gml:exterior>{ring}</gml:exterior></gml:Polygon>"


MENDED = [
    ("<gml:Point><gml:pos>37.5,127.0</gml:pos></gml:Point>", "comma-separated", Point(lat=37.5, lon=127.0)),
    ("<gml:Point><gml:pos>127.0 37.5</gml:pos></gml:Point>", "swapped-axes", Point(lat=37.5, lon=127.0)),
    ("<gs:Point><gml:pos>37.5 127</gml:pos></gs:Point>", "wrong-namespace", Point(lat=37.5, lon=127.0)),
    (
        f"<gml:Circle><gs:pos>37.5 127</gs:pos>{metres('radius', 9)}</gml:Circle>",
        "wrong-namespace",
        Circle(lat=37.5, lon=127.0, radius_m=9.0),
    ),
    (
        polygon("37 127 37 128 38 128"),
        "unclosed-ring",
        Polygon(ring=((37.0, 127.0), (37.0, 128.0), (38.0, 128.0), (37.0, 127.0))),
    ),
    (
        polygon("37 127 38 128 38 127 37 128 37 127"),
        "self-crossing-ring",
        Polygon(ring=((37.0, 127.0), (38.0, 128.0), (38.0, 127.0), (37.0, 128.0), (37.0, 127.0))),
    ),
    (
        f"<gs:Sphere><gml:pos>37.5 127</gml:pos>{metres('radius', 9)}</gs:Sphere>",
        "missing-altitude",
        Circle(lat=37.5, lon=127.0, radius_m=9.0),
    ),
    (
        f"<gs:Ellipse><gml:pos>37.5 127</gml:pos>{metres('semiMajorAxis', 3)}{metres('semiMinorAxis', 5)}"
        f"{degrees('orientation', 100)}</gs:Ellipse>",
        "axes-exchanged",
        Ellipse(lat=37.5, lon=127.0, semi_major_m=5.0, semi_minor_m=3.0, orientation_deg=10.0),
    ),
]


@pytest.mark.parametrize(("inside", "repair", "shape"), MENDED)
def test_what_is_found_in_the_wild_is_mended_only_when_asked(inside: str, repair: str, shape: Shape) -> None:
    with pytest.raises(GmlError):
        gml.read(element(inside))
    assert gml.read(element(inside), lenient=True) == (shape, (repair,))


def test_radians_are_degrees_too() -> None:
    inside = (
        f"<gs:ArcBand><gml:pos>37 127</gml:pos>{metres('innerRadius', 1)}{metres('outerRadius', 2)}"
        '<gs:startAngle uom="urn:ogc:def:uom:EPSG::9101">3.141592653589793</gs:startAngle>'
        f"{degrees('openingAngle', 20)}</gs:ArcBand>"
    )
    shape = gml.read(element(inside)).shape
    assert isinstance(shape, ArcBand)
    assert shape.start_deg == pytest.approx(180.0)


def test_holes_are_read() -> None:
    hole = "37.2 127.2 37.2 127.4 37.4 127.4 37.2 127.2"
    inside = polygon("37 127 37 128 38 128 38 127 37 127").replace(
        "</gml:exterior>",
        f"</gml:exterior><gml:interior><gml:LinearRing><gml:posList>{hole}</gml:posList></gml:LinearRing></gml:interior>",
    )
    shape = gml.read(element(inside)).shape
    assert isinstance(shape, Polygon)
    assert len(shape.holes) == 1
    assert gml.read(gml_write.shape_element(shape)).shape == shape


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]><presence>&d;</presence>"""
OUTSIDE = (
    b'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><presence>&x;</presence>'
)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (BOMB, "document type"),
        (OUTSIDE, "document type"),
        (OUTSIDE.decode().encode("utf-16"), "UTF-8"),
        (OUTSIDE.decode().encode("utf-16-be"), "UTF-8"),
        (b'<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE p><presence/>', "XML"),
        (b"<presence>&x;</presence>", "XML"),
        (b"", "XML"),
        (b"\x00", "UTF-8"),
        (b"<presence>", "XML"),
        (b"<a>" * 100_000, "XML"),
        (b"<a>" + b"<b/>" * 500_001 + b"</a>", "tags"),
        (b"<a>" + b"x" * (10 << 20) + b"</a>", "bytes"),
        ("<presence>\ud55c".encode("cp949", "replace"), "XML"),
        (b'<a xmlns="x" xmlns="y"/>', "XML"),
    ],
)
def test_hostile_documents_are_refused_at_once(body: bytes, reason: str) -> None:
    began = time.process_time()
    with pytest.raises(XmlError, match=reason):
        xml.parse(body)
    with pytest.raises(PidfError, match=r"^presence: "):
        pidf.parse(body)
    assert time.process_time() - began < 5.0


def test_a_polygon_of_a_hundred_thousand_places_is_read_and_a_larger_one_refused() -> None:
    turn = [2 * math.pi * number / 100_000 for number in range(100_000)]
    places = " ".join(f"{37 + math.sin(angle) / 9:.7f} {127 + math.cos(angle) / 9:.7f}" for angle in turn)
    first = " ".join(places.split(" ", 2)[:2])
    [shape] = pidf.parse(document(polygon(f"{places} {first}"))).locations[0].shapes
    assert isinstance(shape, Polygon)
    assert len(shape.ring) == 100_001
    with pytest.raises(PidfError, match=r"^posList: has \d+ places, at most 200000 are taken"):
        pidf.parse(document(polygon("1 2 " * 250_000)))


def test_another_root_or_too_many_locations() -> None:
    with pytest.raises(PidfError, match=r"^presence: the document is a html"):
        pidf.parse(b"<html/>")
    with pytest.raises(PidfError, match=r"^geopriv: the document holds no location"):
        pidf.parse(f"<presence {SPACES}/>".encode())
    point = "<gml:Point><gml:pos>1 2</gml:pos></gml:Point>"
    place = f"<tuple><gp:geopriv><gp:location-info>{point}</gp:location-info></gp:geopriv></tuple>"
    with pytest.raises(PidfError, match="more than 32"):
        pidf.parse(f"<presence {SPACES}>{place * 40}</presence>".encode())


FRAGMENTS = [
    *(written for written, _ in STANDARD.values()),
    *(written for written, _ in WRONG),
    '<con:confidence pdf="normal">67</con:confidence>',
    "<ca:civicAddress><ca:country>KR</ca:country></ca:civicAddress>",
]


@given(
    st.lists(st.sampled_from(FRAGMENTS), max_size=3),
    st.lists(st.tuples(st.integers(0, 5_000), st.binary(max_size=3)), max_size=4),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_any_document_is_read_or_refused_by_name(
    fragments: list[str], edits: list[tuple[int, bytes]], lenient: bool
) -> None:
    body = bytearray(document("".join(fragments)))
    for place, new in edits:
        body[place % len(body) : place % len(body) + len(new)] = new
    try:
        presence = pidf.parse(bytes(body), lenient=lenient)
    except PidfError as problem:
        if not problem.field or not str(problem).startswith(problem.field):
            pytest.fail(f"no field is named: {problem}")
        return
    msgspec.json.encode(presence)
    for location in presence.locations:
        for shape in location.shapes:
            shape.to_polygon()
            shape.to_circle()

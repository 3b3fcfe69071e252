"""A LoST server over three municipalities in a row, asked as a client asks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.testing import TestClient
from lxml import etree

from ansim.core.metrics import Metrics
from ansim.core.settings import Settings
from ansim.core.web import build_app
from ansim.distribution.health import CenterHealth
from ansim.distribution.lost.api import LostEndpoint, lost_routes
from ansim.distribution.lost.mappings import Contact
from ansim.distribution.lost.schema import schema
from ansim.distribution.lost.service import LostServer
from support.country import SmallCountry, place
from support.strategies import CENTERS

SOURCE = "hub.ansim.test"
LOST = "{urn:ietf:params:xml:ns:lost1}"
GML = "{http://www.opengis.net/gml}"
NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
SOS = "urn:service:sos"
WEST_CENTER, MIDDLE_CENTER, EAST_CENTER = CENTERS


def country(enrolled: tuple[str, ...] = CENTERS, **more: Any) -> SmallCountry:
    return SmallCountry(CenterHealth(list(enrolled)), enrolled, **more)


def server(
    distribution: SmallCountry | None = None, contacts: Mapping[str, Contact] | None = None, **more: Any
) -> LostServer:
    return LostServer(
        distribution or country(),
        source=SOURCE,
        default_uri="https://hub.ansim.test/",
        contacts=contacts or {WEST_CENTER: Contact(("https://west.ansim.test/", "sip:west@ansim.test"))},
        clock=lambda: NOW,
        **more,
    )


def client(
    tmp_path: Path, lost: LostServer | None = None, *, strict: bool = False, per_minute: int = 100_000
) -> TestClient[Litestar]:
    metrics = Metrics()
    endpoint = LostEndpoint(lost or server(), metrics, strict=strict, per_minute=per_minute)

    async def ready() -> dict[str, bool]:
        return {}

    app = build_app(
        settings=Settings(data=str(tmp_path)),
        metrics=metrics,
        route_handlers=lost_routes(endpoint),
        dependencies={},
        lifespan=[],
        pages={},
        ready=ready,
    )
    return TestClient(app, raise_server_exceptions=True)


def point(column: float = 0.0) -> str:
    """The middle of a municipality as a GML point."""
    lat, lon = place(column)
    return (
        '<p:Point xmlns:p="http://www.opengis.net/gml" srsName="urn:ogc:def:crs:EPSG::4326">'
        f"<p:pos>{lat} {lon}</p:pos></p:Point>"
    )


def geodetic(inside: str, identifier: str = "loc1") -> str:
    return f'<location id="{identifier}" profile="geodetic-2d">{inside}</location>'


def civic(*, identifier: str = "civ1", **fields: str) -> str:
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
    address = f'<civicAddress xmlns="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr">{inside}</civicAddress>'
    return f'<location id="{identifier}" profile="civic">{address}</location>'


def find_service(
    *locations: str,
    service: str | None = SOS,
    attributes: str = "",
    path: tuple[str, ...] = (),
    more: str = "",
) -> bytes:
    asked = f"<service>{service}</service>" if service else ""
    vias = "".join(f'<via source="{one}"/>' for one in path)
    via = f"<path>{vias}</path>" if path else ""
    inside = "".join(locations or (geodetic(point()),))
    head = f'<findService xmlns="urn:ietf:params:xml:ns:lost1" {attributes}>'
    return f"{head}{inside}{asked}{via}{more}</findService>".encode()


def post(asked: TestClient[Litestar], body: bytes, **headers: str) -> etree._Element:
    """The answer's document element, held to the schema."""
    answer = asked.post("/lost", content=body, headers={"content-type": "application/lost+xml", **headers})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/lost+xml;charset=utf-8"
    return held(answer.content)


def held(body: bytes) -> etree._Element:
    """A document that the schema of RFC 5222 allows."""
    root = etree.fromstring(body)
    rules = schema("lost1")
    assert rules.validate(root), f"{rules.error_log}\n{body.decode()}"
    return root


def one(root: etree._Element, path: str) -> str:
    """The text of exactly one element, by local names of LoST."""
    found = root.findall("/".join(f"{LOST}{name}" for name in path.split("/")))
    assert len(found) == 1, etree.tostring(root).decode()
    return found[0].text or ""


def warned(root: etree._Element) -> list[str]:
    """The kinds of the warnings."""
    return [child.tag.removeprefix(LOST) for child in root.iterfind(f"{LOST}warnings/*")]


def refused(root: etree._Element) -> str:
    """The kind of the one error."""
    assert root.tag == f"{LOST}errors", etree.tostring(root).decode()
    (error,) = root
    return str(error.tag.removeprefix(LOST))

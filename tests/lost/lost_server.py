"""A LoST server over three municipalities in a row, asked as a client asks."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar import Litestar
from litestar.testing import TestClient
from lxml import etree

from ansim.core.database import Database
from ansim.core.metrics import Metrics
from ansim.core.settings import LostContact, LostSettings, Settings
from ansim.core.web import build_app
from ansim.distribution.discrepancies import Discrepancies
from ansim.distribution.health import CenterHealth
from ansim.distribution.lost.part import LostPart
from ansim.distribution.lost.peers import Peers
from ansim.distribution.lost.schema import schema
from ansim.ledger.service import Ledger
from support.country import SmallCountry, place
from support.strategies import CENTERS

T = TypeVar("T")
SOURCE = "hub.ansim.test"
LOST = "{urn:ietf:params:xml:ns:lost1}"
GML = "{http://www.opengis.net/gml}"
EXT = "urn:ietf:params:xml:ns:lost-ext"
SLB = "urn:ietf:params:xml:ns:lost1:slb"
SYNC = "urn:ietf:params:xml:ns:lostsync1"
NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
SOS = "urn:service:sos"
WEST_CENTER, MIDDLE_CENTER, EAST_CENTER = CENTERS
CONTACTS = {WEST_CENTER: LostContact(uris=["https://west.ansim.test/", "sip:west@ansim.test"])}


def country(enrolled: tuple[str, ...] = CENTERS, **more: Any) -> SmallCountry:
    return SmallCountry(CenterHealth(list(enrolled)), enrolled, **more)


class Rig:
    """A LoST server with its database and its application."""

    def __init__(
        self,
        folder: Path,
        *,
        distribution: SmallCountry | None = None,
        through: Peers | None = None,
        **lost: Any,
    ) -> None:
        given: dict[str, Any] = {"source": SOURCE, "contacts": CONTACTS}
        settings = Settings(
            data=str(folder), public_url="https://hub.ansim.test", lost=LostSettings(**given | lost)
        )
        self.metrics = Metrics()
        self.database = Database.sqlite_file(folder / "lost.db")
        self.database.create_all()
        self.discrepancies = Discrepancies(self.database)
        self.ledger = Ledger("hub", Ed25519PrivateKey.generate())
        self.now = NOW
        self.part = LostPart(
            settings,
            distribution or country(),
            self.database,
            self.ledger,
            self.discrepancies,
            self.metrics,
            peers=through,
            clock=lambda: self.now,
        )

        @asynccontextmanager
        async def running(_: Litestar) -> AsyncIterator[None]:
            await self.part.start()
            yield
            await self.part.stop()

        async def ready() -> dict[str, bool]:
            return {}

        self.app = build_app(
            settings=settings,
            metrics=self.metrics,
            route_handlers=self.part.routes,
            dependencies={},
            lifespan=[running],
            pages={},
            ready=ready,
        )
        self.client = TestClient(self.app, raise_server_exceptions=True)

    def post(self, body: bytes, **headers: str) -> etree._Element:
        """The answer's document element, held to the schema."""
        answer = self.client.post(
            "/lost", content=body, headers={"content-type": "application/lost+xml"} | headers
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/lost+xml;charset=utf-8"
        return held(answer.content)

    def call(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Run something on the application's loop."""
        result: T = self.client.blocking_portal.call(function, *arguments)
        return result

    def sync(self, body: str, secret: str | None = None) -> etree._Element:
        """The answer to a request of synchronization; with ``secret`` signed in."""
        headers = {"content-type": "application/lostsync+xml"}
        if secret is not None:
            headers["authorization"] = f"Bearer {secret}"
        answer = self.client.post("/lost", content=body.encode(), headers=headers)
        assert answer.status_code == 200, answer.text
        synced = answer.headers["content-type"].startswith("application/lostsync+xml")
        return held(answer.content, "lostsync1" if synced else "lost1")


@contextmanager
def running(folder: Path, **options: Any) -> Iterator[Rig]:
    """A LoST server while it runs."""
    rig = Rig(folder, **options)
    with contextlib.closing(rig.database), rig.client:
        yield rig


def point(column: float = 0.0) -> str:
    """The middle of a municipality as a GML point."""
    lat, lon = place(column)
    return gml("Point", f"<g:pos>{lat} {lon}</g:pos>")


def gml(name: str, inside: str, srs: str | None = "urn:ogc:def:crs:EPSG::4326", prefix: str = "g") -> str:
    """A shape; the prefixes are g (GML) and s (the shapes of PIDF-LO)."""
    names = 'xmlns:g="http://www.opengis.net/gml" xmlns:s="http://www.opengis.net/pidflo/1.0"'
    system = f'srsName="{srs}"' if srs else ""
    return f"<{prefix}:{name} {names} {system}>{inside}</{prefix}:{name}>"


def ring(places: list[tuple[float, float]]) -> str:
    """A GML polygon of (lat, lon)."""
    text = " ".join(f"{lat} {lon}" for lat, lon in places)
    inside = f"<g:exterior><g:LinearRing><g:posList>{text}</g:posList></g:LinearRing></g:exterior>"
    return gml("Polygon", inside)


def geodetic(inside: str, identifier: str = "loc1") -> str:
    return f'<location id="{identifier}" profile="geodetic-2d">{inside}</location>'


def civic(*, identifier: str = "civ1", **fields: str) -> str:
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
    address = f'<civicAddress xmlns="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr">{inside}</civicAddress>'
    return f'<location id="{identifier}" profile="civic">{address}</location>'


def request(
    name: str,
    *locations: str,
    service: str | None = SOS,
    attributes: str = "",
    path: tuple[str, ...] = (),
    more: str = "",
) -> bytes:
    """A request of LoST."""
    asked = f"<service>{service}</service>" if service else ""
    vias = "".join(f'<via source="{one}"/>' for one in path)
    way = f"<path>{vias}</path>" if path else ""
    head = f'<{name} xmlns="urn:ietf:params:xml:ns:lost1" {attributes}>'
    return f"{head}{''.join(locations)}{asked}{way}{more}</{name}>".encode()


def find_service(*locations: str, **options: Any) -> bytes:
    """A findService, for a point in the western municipality unless told."""
    return request("findService", *(locations or (geodetic(point()),)), **options)


def held(body: bytes, rules: Any = "lost1") -> etree._Element:
    """A document that the schema allows."""
    root = etree.fromstring(body)
    known = schema(rules)
    assert known.validate(root), f"{known.error_log}\n{body.decode()}"
    return root


def one(root: etree._Element, path: str) -> str:
    """The text of exactly one element, by local names of LoST."""
    found = root.findall("/".join(f"{LOST}{name}" for name in path.split("/")))
    assert len(found) == 1, shown(root)
    return found[0].text or ""


def sources(root: etree._Element) -> list[str]:
    """The municipalities of the mappings, in order."""
    return [mapping.get("sourceId").partition(".")[0] for mapping in root.iterfind(f"{LOST}mapping")]


def via(root: etree._Element) -> list[str]:
    """The servers of the path."""
    return [one.get("source") for one in root.iterfind(f"{LOST}path/{LOST}via")]


def warned(root: etree._Element) -> list[str]:
    """The kinds of the warnings."""
    return [child.tag.removeprefix(LOST) for child in root.iterfind(f"{LOST}warnings/*")]


def refused(root: etree._Element) -> str:
    """The kind of the error."""
    assert root.tag == f"{LOST}errors", shown(root)
    return str(root[0].tag.removeprefix(LOST))


def shown(root: etree._Element) -> str:
    text: str = etree.tostring(root, pretty_print=True).decode()
    return text

"""findService (RFC 5222, section 8), over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from lost.lost_server import (
    LOST,
    SOURCE,
    WEST_CENTER,
    client,
    find_service,
    one,
    post,
    warned,
)


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    with client(tmp_path) as opened:
        yield opened


def test_a_point_has_its_municipality(asked: TestClient[Litestar]) -> None:
    root = post(asked, find_service())
    assert root.tag == f"{LOST}findServiceResponse"
    mapping = root.find(f"{LOST}mapping")
    assert mapping.get("sourceId") == f"{WEST_CENTER}.sos"
    assert mapping.get("source") == SOURCE
    assert mapping.get("expires") == "2026-11-26T03:00:00Z"
    assert mapping.get("lastUpdated") == "2024-01-01T00:00:00Z"
    assert one(root, "mapping/service") == "urn:service:sos"
    assert one(root, "mapping/serviceNumber") == "112"
    assert [uri.text for uri in mapping.iterfind(f"{LOST}uri")] == [
        "https://west.ansim.test/",
        "sip:west@ansim.test",
    ]
    assert root.find(f"{LOST}locationUsed").get("id") == "loc1"
    assert [via.get("source") for via in root.iterfind(f"{LOST}path/{LOST}via")] == [SOURCE]
    assert warned(root) == []

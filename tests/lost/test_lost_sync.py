"""Exchange of mappings (RFC 6739): known sources only, each for its area, newer replaces older."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from ansim.core.settings import LostPeer
from ansim.distribution.lost.schema import schema
from ansim.distribution.lost.store import everything
from ansim.ledger.store import entries
from lost.lost_server import (
    LOST,
    MIDDLE_CENTER,
    SOURCE,
    SYNC,
    WEST_CENTER,
    Rig,
    civic,
    find_service,
    geodetic,
    held,
    one,
    point,
    refused,
    ring,
    running,
    shown,
    sources,
    warned,
)

PEER, SECRET = "middle.ansim.test", "a-secret-of-the-two"
WEST_SQUARE = [(37.0, 127.0), (37.0, 127.1), (37.1, 127.1), (37.1, 127.0), (37.0, 127.0)]
MIDDLE_SQUARE = [(lat, lon + 0.1) for lat, lon in WEST_SQUARE]


@pytest.fixture
def synced(tmp_path: Path) -> Iterator[Rig]:
    peers = {PEER: LostPeer(codes=[MIDDLE_CENTER], secret=SECRET), "other.test": LostPeer(secret="another")}
    with running(tmp_path, peers=peers) as rig:
        yield rig


def mapping(
    *,
    source: str = PEER,
    updated: str = "2026-11-01T00:00:00Z",
    expires: str = "NO-EXPIRATION",
    uri: str = "https://middle.ansim.test/",
    area: list[tuple[float, float]] | None = MIDDLE_SQUARE,
    service: str = "urn:service:sos",
    identifier: str = "m1",
) -> str:
    inside = ""
    if area is not None:
        boundary = f'<serviceBoundary profile="geodetic-2d">{ring(area)}</serviceBoundary>'
        inside = f"<service>{service}</service>{boundary}<uri>{uri}</uri>"
    head = f'expires="{expires}" lastUpdated="{updated}" source="{source}" sourceId="{identifier}"'
    return f'<mapping xmlns="urn:ietf:params:xml:ns:lost1" {head}>{inside}</mapping>'


def push(*mappings: str) -> str:
    return f'<s:pushMappings xmlns:s="{SYNC}">{"".join(mappings)}</s:pushMappings>'


def taken(root: etree._Element) -> bool:
    return bool(root.tag == f"{{{SYNC}}}pushMappingsResponse")


def uri_at(rig: Rig, column: float, **options: str) -> str:
    return one(rig.post(find_service(geodetic(point(column)), **options)), "mapping/uri")


def test_a_pushed_mapping_answers_for_its_area(synced: Rig) -> None:
    assert taken(synced.sync(push(mapping()), SECRET))
    root = synced.post(find_service(geodetic(point(1))))
    found = root.find(f"{LOST}mapping")
    assert (found.get("source"), found.get("sourceId")) == (PEER, "m1")
    assert one(root, "mapping/uri") == "https://middle.ansim.test/"
    assert sources(synced.post(find_service(geodetic(point(0))))) == [WEST_CENTER]


def test_a_finer_service_is_answered_by_the_pushed_parent(synced: Rig) -> None:
    synced.sync(push(mapping()), SECRET)
    assert uri_at(synced, 1, service="urn:service:sos.police") == "https://middle.ansim.test/"


def test_newer_replaces_older_and_never_the_other_way(synced: Rig) -> None:
    synced.sync(push(mapping(updated="2026-11-02T00:00:00Z", uri="https://new.test/")), SECRET)
    synced.sync(push(mapping(updated="2026-11-01T00:00:00Z", uri="https://old.test/")), SECRET)
    assert uri_at(synced, 1) == "https://new.test/"
    synced.sync(push(mapping(updated="2026-11-03T09:00:00+09:00", uri="https://newest.test/")), SECRET)
    assert uri_at(synced, 1) == "https://newest.test/"


def test_a_mapping_is_removed_and_does_not_come_back(synced: Rig) -> None:
    synced.sync(push(mapping()), SECRET)
    assert taken(synced.sync(push(mapping(area=None, updated="2026-11-05T00:00:00Z")), SECRET))
    synced.sync(push(mapping(updated="2026-11-04T00:00:00Z")), SECRET)
    root = synced.post(find_service(geodetic(point(1)), attributes='recursive="true"'))
    assert sources(root) == [MIDDLE_CENTER]
    assert warned(root) == ["serverError"], "its server has no address, so this one answers"


def test_what_was_not_there_can_not_be_removed(synced: Rig) -> None:
    root = synced.sync(push(mapping(area=None, identifier="gone"), mapping()), SECRET)
    (named,) = root.iter(f"{{{SYNC}}}notDeleted")
    assert (named.get("source"), named.get("sourceId")) == (PEER, "gone")
    assert uri_at(synced, 1) == "https://middle.ansim.test/"


def test_a_mapping_that_is_over_answers_no_longer(synced: Rig) -> None:
    synced.sync(push(mapping(expires="2026-11-25T03:00:30Z")), SECRET)
    assert uri_at(synced, 1) == "https://middle.ansim.test/"
    synced.now = synced.now.replace(minute=2)
    root = synced.post(find_service(geodetic(point(1)), attributes='recursive="true"'))
    assert sources(root) == [MIDDLE_CENTER]


@pytest.mark.parametrize("secret", [None, "", "wrong", "another "])
def test_strangers_are_not_heard(synced: Rig, secret: str | None) -> None:
    root = synced.sync(push(mapping()), secret)
    assert refused(root) == "forbidden"
    assert refused(synced.sync(f'<getMappingsRequest xmlns="{SYNC}"/>', "wrong")) == "forbidden"
    assert stored(synced) == []


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (mapping(source="other.test"), "forbidden"),
        (mapping(area=WEST_SQUARE), "forbidden"),
        (mapping(updated="2027-01-01T00:00:00Z"), "badRequest"),
        (mapping().replace('profile="geodetic-2d"', 'profile="civic"'), "badRequest"),
        (mapping(updated="yesterday"), "badRequest"),
        (mapping().replace("<uri>", "<url>").replace("</uri>", "</url>"), "badRequest"),
    ],
)
def test_one_mapping_that_may_not_be_refuses_them_all(synced: Rig, bad: str, kind: str) -> None:
    root = synced.sync(push(mapping(identifier="good"), bad), SECRET)
    assert refused(root) == kind, shown(root)
    assert stored(synced) == []


def stored(rig: Rig) -> list[str]:
    async def ask() -> list[str]:
        return [name.source_id for name, *_ in await rig.database.read(everything)]

    return rig.call(ask)


def test_what_is_kept_is_in_the_ledger(synced: Rig) -> None:
    synced.sync(push(mapping(), mapping(identifier="m2")), SECRET)

    async def ask() -> list[tuple[str, str]]:
        rows = await synced.database.read(lambda conn: list(entries(conn)))
        return [(row.actor_id, row.what) for row in rows]

    assert synced.call(ask) == [(PEER, "LoST mappings: 2 of 2 kept")]


def got(rig: Rig, exists: str = "") -> list[etree._Element]:
    root = rig.sync(f'<getMappingsRequest xmlns="{SYNC}">{exists}</getMappingsRequest>', "another")
    assert root.tag == f"{{{SYNC}}}getMappingsResponse"
    return list(root.iterfind(f"{LOST}mapping"))


def test_all_mappings_are_given_but_those_of_delegated_areas(synced: Rig) -> None:
    synced.sync(push(mapping()), SECRET)
    found = {(one.get("source"), one.get("sourceId").partition(".")[0]) for one in got(synced)}
    assert (PEER, "m1") in found
    assert (SOURCE, WEST_CENTER) in found
    assert (SOURCE, MIDDLE_CENTER) not in found


def test_what_the_asker_has_is_not_given_again(synced: Rig) -> None:
    synced.sync(push(mapping()), SECRET)
    complete = got(synced)
    prints = "".join(
        f'<mapping-fingerprint source="{one.get("source")}" sourceId="{one.get("sourceId")}"'
        f' lastUpdated="{one.get("lastUpdated")}"/>'
        for one in complete
    )
    assert got(synced, f"<exists>{prints}</exists>") == []
    old = f'<mapping-fingerprint source="{PEER}" sourceId="m1" lastUpdated="2026-10-01T00:00:00Z"/>'
    assert len(got(synced, f"<exists>{old}</exists>")) == len(complete)


def test_mappings_survive_a_restart(tmp_path: Path) -> None:
    peers = {PEER: LostPeer(codes=[MIDDLE_CENTER], secret=SECRET)}
    with running(tmp_path, peers=peers) as rig:
        rig.sync(push(mapping()), SECRET)
    with running(tmp_path, peers=peers) as rig:
        assert uri_at(rig, 1) == "https://middle.ansim.test/"


def test_requests_of_synchronization_are_held_to_the_schema() -> None:
    assert schema("lostsync1").validate(etree.fromstring(push(mapping())))
    assert not schema("lostsync1").validate(etree.fromstring(push()))
    assert held(find_service(civic(A1="x"))).tag == f"{LOST}findService"

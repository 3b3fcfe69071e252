"""Other servers: redirect and recursion over real HTTP, loops, silence, nonsense (RFC 5222, section 6)."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from ansim.core.settings import LostContact, LostPeer
from ansim.distribution.lost import peers as peers_module
from ansim.distribution.lost.model import LostError
from ansim.distribution.lost.peers import Peers, with_path
from lost.lost_server import (
    EAST_CENTER,
    LOST,
    MIDDLE_CENTER,
    SOURCE,
    WEST_CENTER,
    Rig,
    find_service,
    geodetic,
    gml,
    held,
    one,
    point,
    refused,
    request,
    running,
    sources,
    via,
    warned,
)

CHILD = "middle.ansim.test"
RECURSIVE = 'recursive="true"'
AT_SEA = geodetic(gml("Point", "<g:pos>37.05 131.5</g:pos>"))


@contextmanager
def served(rig: Rig) -> Iterator[str]:
    """A server under uvicorn on a free port; yields its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(rig.app, log_level="error", lifespan="on", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        try:
            deadline = time.monotonic() + 10
            while not server.started:
                assert time.monotonic() < deadline, "it did not start"
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/lost"
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture
def child(tmp_path: Path) -> Iterator[str]:
    """The server of the municipality in the middle, with a contact of its own."""
    (tmp_path / "child").mkdir()
    contacts = {MIDDLE_CENTER: LostContact(uris=["https://middle.ansim.test/"])}
    rig = Rig(tmp_path / "child", source=CHILD, contacts=contacts)
    with served(rig) as url:
        yield url
    rig.database.close()


def hub(folder: Path, url: str, **more: Any) -> Any:
    return running(folder, peers={CHILD: LostPeer(url=url, codes=[MIDDLE_CENTER])}, **more)


def test_recursion_asks_the_other_server(tmp_path: Path, child: str) -> None:
    with hub(tmp_path, child) as rig:
        root = rig.post(find_service(geodetic(point(1)), attributes=RECURSIVE, path=("resolver.example",)))
        assert sources(root) == [MIDDLE_CENTER]
        assert root.find(f"{LOST}mapping").get("source") == CHILD
        assert one(root, "mapping/uri") == "https://middle.ansim.test/"
        assert via(root) == ["resolver.example", SOURCE, CHILD]
        listed = rig.post(request("listServicesByLocation", geodetic(point(1))))
        assert via(listed) == [SOURCE, CHILD]
        assert sources(rig.post(find_service(attributes=RECURSIVE))) == [WEST_CENTER]


def test_without_recursion_the_client_is_sent_there(tmp_path: Path) -> None:
    with hub(tmp_path, "http://unused.invalid/") as rig:
        for body in (
            find_service(geodetic(point(1))),
            request("listServicesByLocation", geodetic(point(1)), attributes='recursive="false"'),
        ):
            root = rig.post(body)
            assert root.tag == f"{LOST}redirect"
            assert (root.get("target"), root.get("source")) == (CHILD, SOURCE)


def test_places_outside_are_the_parents(tmp_path: Path, child: str) -> None:
    with running(tmp_path, peers={CHILD: LostPeer(url=child)}, parent=CHILD) as rig:
        root = rig.post(find_service(AT_SEA, attributes=RECURSIVE))
        assert via(root) == [SOURCE, CHILD]
        assert root.find(f"{LOST}mapping").get("source") == CHILD
        assert rig.post(find_service(AT_SEA)).get("target") == CHILD


def test_two_servers_that_send_to_one_another_find_the_loop(tmp_path: Path) -> None:
    """The child believes that the area is the hub's."""
    (tmp_path / "child").mkdir()
    (tmp_path / "hub").mkdir()
    back = {SOURCE: LostPeer(url="http://unused.invalid/", codes=[MIDDLE_CENTER])}
    other = Rig(tmp_path / "child", source=CHILD, peers=back)
    with served(other) as url, hub(tmp_path / "hub", url) as rig:
        other.part.peers.peers[SOURCE] = LostPeer(url=url, codes=[MIDDLE_CENTER])
        assert refused(rig.post(find_service(geodetic(point(1)), attributes=RECURSIVE))) == "loop"
    other.database.close()


def answering(handler: Any) -> Peers:
    known = {CHILD: LostPeer(url="http://child.test/lost", codes=[MIDDLE_CENTER])}
    return Peers(known, transport=httpx.MockTransport(handler))


def refuse(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def slow(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("silence")


def says(body: str | bytes) -> Any:
    return lambda _: httpx.Response(200, content=body)


ERRORS = '<errors xmlns="urn:ietf:params:xml:ns:lost1" source="c.test">{}</errors>'


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (refuse, "serverError"),
        (slow, "serverTimeout"),
        (says("<html/>"), "serverError"),
        (says("no xml at all"), "serverError"),
        (says(""), "serverError"),
        (says(b"<a>" * (peers_module.ANSWER_LIMIT // 2)), "serverError"),
        (says(ERRORS.format("")), "serverError"),
        (says(ERRORS.format('<internalError message="ill" xml:lang="en"/>')), "internalError"),
        (says('<redirect xmlns="urn:ietf:params:xml:ns:lost1" target="x.y" source="c.d"/>'), "serverError"),
    ],
)
def test_when_the_other_server_fails_this_one_answers_with_a_warning(
    tmp_path: Path, handler: Any, kind: str
) -> None:
    body = find_service(geodetic(point(1)), attributes=RECURSIVE)
    peers = {CHILD: LostPeer(url="http://child.test/lost", codes=[MIDDLE_CENTER])}
    with running(tmp_path, peers=peers, through=answering(handler)) as rig:
        root = rig.post(body)
        assert sources(root) == [MIDDLE_CENTER]
        assert warned(root) == ["serverTimeout" if kind == "serverTimeout" else "serverError"]
        assert refused(rig.post(body, prefer="handling=strict")) == kind
        listed = rig.post(request("listServicesByLocation", geodetic(point(1))))
        assert warned(listed) == ["serverTimeout" if kind == "serverTimeout" else "serverError"]


def test_an_error_of_the_other_server_is_told_whole(tmp_path: Path) -> None:
    told = ERRORS.format('<locationProfileUnrecognized unsupportedProfiles="a b" message="m" xml:lang="en"/>')
    with running(tmp_path, peers={}, through=answering(says(told))) as rig:
        root = rig.post(find_service(geodetic(point(1)), attributes=RECURSIVE), prefer="handling=strict")
        assert refused(root) == "locationProfileUnrecognized"
        assert root[0].get("unsupportedProfiles") == "a b"
        assert CHILD in root[0].get("message")


async def test_a_redirect_to_a_known_server_is_followed_once() -> None:
    asked: list[str] = []

    def handler(told: httpx.Request) -> httpx.Response:
        asked.append(told.url.host)
        if told.url.host == "a.test":
            body = '<redirect xmlns="urn:ietf:params:xml:ns:lost1" target="b.example" source="a.example"/>'
            return httpx.Response(200, content=body)
        return httpx.Response(200, content='<findServiceResponse xmlns="urn:ietf:params:xml:ns:lost1"/>')

    known = {"a.example": LostPeer(url="http://a.test/"), "b.example": LostPeer(url="http://b.test/")}
    async with Peers(known, transport=httpx.MockTransport(handler)) as peers:
        answer = await peers.ask("a.example", find_service(), (SOURCE,))
    assert asked == ["a.test", "b.test"]
    assert b"findServiceResponse" in answer


async def test_too_many_requests_to_others_are_refused_not_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_module, "AT_ONCE", 0)
    async with answering(says("")) as peers:
        with pytest.raises(LostError, match="too many"):
            await peers.ask(CHILD, find_service(), ())


def test_the_path_goes_where_the_schema_has_it() -> None:
    more = '<e:limit xmlns:e="urn:ietf:params:xml:ns:lost-ext">1</e:limit>'
    for body in (find_service(path=("old.example",), more=more), find_service(service=None, more=more)):
        root = held(with_path(body, ("old.example", SOURCE)))
        assert via(root) == ["old.example", SOURCE]


def test_synchronization_between_two_servers(tmp_path: Path) -> None:
    """Pull and push over HTTP; the hub then answers with the child's own mapping."""
    (tmp_path / "child").mkdir()
    (tmp_path / "hub").mkdir()
    secret = "a-secret-of-the-two"
    contacts = {MIDDLE_CENTER: LostContact(uris=["https://middle.ansim.test/"])}
    delegated = [WEST_CENTER, EAST_CENTER]
    there = Rig(
        tmp_path / "child",
        source=CHILD,
        contacts=contacts,
        peers={SOURCE: LostPeer(codes=delegated, secret=secret)},
    )
    with served(there) as url:
        peers = {CHILD: LostPeer(url=url, codes=[MIDDLE_CENTER], secret=secret)}
        with running(tmp_path / "hub", peers=peers) as rig:
            assert rig.call(rig.part.sync.pull, CHILD) > 0
            assert rig.call(rig.part.sync.pull, CHILD) == 0
            assert rig.call(rig.part.sync.push, CHILD) > 0
            root = rig.post(find_service(geodetic(point(1))))
            assert one(root, "mapping/uri") == "https://middle.ansim.test/"
            assert root.find(f"{LOST}mapping").get("source") == CHILD
    there.database.close()

"""The console's stream: everything at once, then every change, and where it goes on and ends."""

from collections.abc import Iterator
from typing import Any

import pytest

from ansim.core import push
from incidents.center_node import WHAT, WHY, CenterNode, Seat, running_center
from support.nodes import position
from support.story import CARD, alerting, owns, pressed


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterNode]:
    with running_center(tmp_path_factory.mktemp("center")) as node:
        yield node


@pytest.fixture(scope="module")
def kim(node: CenterNode) -> Seat:
    return node.seat("kim")


def looks(node: CenterNode, *incidents: str) -> list[tuple[str, ...]]:
    """Who was given whose incident of these, by the ledger."""
    return [
        (row.actor_id, row.subject, row.incident, row.what, row.why, row.source)
        for row in node.told()
        if row.action == "view" and row.incident in incidents
    ]


def kinds(shown: dict[str, Any]) -> list[str]:
    return [entry["type"] for entry in shown["timeline"]]


def test_a_snapshot_and_then_every_change(node: CenterNode, kim: Seat) -> None:
    ringing = node.hear(alerting())
    with kim.page() as page:
        cursor, whole = page.next("snapshot")
        assert page.answer["status"] == 200
        assert page.answer["content-type"].startswith("text/event-stream")
        assert page.answer["x-accel-buffering"] == "no"
        assert whole["node"] == {"code": "41170", "name": "안양시", "hub_link": "up"}
        assert whole["cursor"] == cursor
        shown = {one["view"]["id"]: one for one in whole["incidents"]}
        assert ringing in shown
        assert kinds(shown[ringing]) == node.types(ringing)
        assert shown[ringing]["view"]["person"]["name"] == CARD.name
        assert page.next("status") == (None, {"hub_link": "up"})

        kim.done(ringing, "accept")
        number, change = page.next("change")
        assert number is not None
        assert cursor is not None
        assert number > cursor
        assert (change["kind"], change["event"]["type"]) == ("event", "accepted")
        assert change["view"]["operator"]["id"] == kim.id

        new = node.hear(pressed())
        told = [page.next("change")[1] for _ in range(4)]
        assert [change["event"]["type"] for change in told] == node.types(new)
        assert {change["incident"] for change in told} == {new}


def test_positions_come_with_the_stream_and_with_every_answer(node: CenterNode, kim: Seat) -> None:
    incident = node.hear(alerting())
    with kim.page() as page:
        page.next("snapshot")
        page.next("status")

        async def move() -> None:
            await node.database.write(
                lambda tx: node.journal.record_positions(tx, incident, [position(1), position(2)])
            )

        node.call(move)
        change = page.next("change")[1]
        assert (change["kind"], len(change["positions"])) == ("positions", 2)
    assert kim.done(incident, "accept")["position"] == change["positions"][-1]
    assert kim.done(incident, "closing", {"disposition": "safe"})["position"]["id"] == position(2).id


def test_every_look_is_on_record_before_it_is_given(node: CenterNode, kim: Seat) -> None:
    first = node.hear(alerting())
    with kim.page() as page:
        page.next("snapshot")
        expected = [(kim.id, CARD.id, first, WHAT, WHY, "testclient")]
        assert looks(node, first) == expected
        page.next("status")
        second = node.hear(pressed())
        page.next("change")
        expected.append((kim.id, CARD.id, second, WHAT, WHY, "testclient"))
        assert looks(node, first, second) == expected
    with kim.page() as again:
        again.next("snapshot")
    assert looks(node, first, second) == expected


def test_a_screen_goes_on_exactly_where_it_was(node: CenterNode, kim: Seat) -> None:
    incident = node.hear(alerting())
    with kim.page() as page:
        cursor, _ = page.next("snapshot")
    kim.done(incident, "accept")
    kim.post(incident, "notes", {"text": "달려감"})
    ways = [{"last_event_id": str(cursor)}, {"query": f"cursor={cursor}"}]
    ways.append({"last_event_id": str(cursor), "query": "cursor=0"})  # the browser's own is the newer one
    for way in ways:
        with kim.page(**way) as page:
            missed = [page.next("change") for _ in range(2)]
            assert [change["event"]["type"] for _, change in missed] == ["accepted", "note"]
            page.next("status")
    with kim.page(last_event_id=str(missed[0][0])) as page:
        assert page.next("change") == missed[1]


@pytest.mark.parametrize("last_event_id", ["999999", "9" * 30, "none", "-1"])
def test_a_screen_that_cannot_go_on_starts_over(node: CenterNode, kim: Seat, last_event_id: str) -> None:
    incident = node.hear(alerting())
    with kim.page(last_event_id=last_event_id) as page:
        _, whole = page.next("snapshot")
        assert incident in [one["view"]["id"] for one in whole["incidents"]]


def test_a_change_of_the_node_itself_is_told_at_once(node: CenterNode, kim: Seat) -> None:
    with kim.page() as page:
        page.next("snapshot")
        page.next("status")
        node.status = b'{"hub_link":"down"}'

        async def nudge() -> None:
            node.feed.nudge()

        node.call(nudge)
        assert page.next("status") == (None, {"hub_link": "down"})
        node.status = b'{"hub_link":"up"}'


def test_an_incident_that_moves_on_stays_on_the_screen_with_its_new_owner(
    node: CenterNode, kim: Seat
) -> None:
    incident = node.hear(alerting())
    with kim.page() as page:
        page.next("snapshot")
        page.next("status")
        node.hub_tells(incident, owns("11545", 2, "no_ack"))
        change = page.next("change")[1]
        assert change["view"]["owner"]["code"] == "11545"
        assert [party["role"] for party in change["view"]["parties"]] == ["previous", "owner"]


def test_the_stream_ends_with_the_session(
    node: CenterNode, kim: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "PING_S", 0.5)  # asks at every change and every half second
    incident = node.hear(alerting())
    lee = node.seat("lee")
    with lee.page() as page, kim.page() as other:
        for one in (page, other):
            one.next("snapshot")
            one.next("status")
        lee.sign_out()
        kim.done(incident, "accept")
        assert page.ended()
        assert other.next("change")[1]["event"]["type"] == "accepted"


def test_no_stream_without_signing_in(node: CenterNode) -> None:
    gone = node.seat("gone")
    gone.sign_out()
    for headers in ({}, gone.headers):
        answer = node.client.get("/api/console/stream", headers=headers)
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/sign-in-required")

"""Her two PINs: told apart, limited, changed, and equally slow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansim.core.problems import Problem
from ansim.people.service import wrong_pin
from people.people_node import Node, running


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with running(tmp_path) as node:
        yield node


def check(node: Node, person_id: str, pin: str) -> str:
    return node.call(node.people.check_pin, person_id, pin)


def test_the_pin_and_the_duress_pin_are_told_apart(node: Node) -> None:
    person_id = node.register()["id"]
    assert check(node, person_id, "1234") == "pin"
    assert check(node, person_id, "4321") == "duress"
    assert check(node, person_id, "0000") == "wrong"
    assert check(node, "nobody", "1234") == "wrong"


def test_without_a_duress_pin_nothing_is_duress(node: Node) -> None:
    me = node.register(duress_pin=None)
    assert me["has_duress_pin"] is False
    assert check(node, me["id"], "4321") == "wrong"
    assert check(node, me["id"], "1234") == "pin"


def test_both_pins_are_always_compared(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same work whichever it is: two comparisons, also without a duress PIN or for nobody."""
    from ansim.people import hashes

    with_duress = node.register()["id"]
    without = node.register("010-7777-8888", duress_pin=None)["id"]
    compared: list[str] = []
    real = hashes._fits

    def counted(*arguments: Any) -> bool:
        compared.append(arguments[1])
        return real(*arguments)

    monkeypatch.setattr(hashes, "_fits", counted)
    for person_id, pin in (
        (with_duress, "1234"),
        (with_duress, "4321"),
        (with_duress, "9"),
        (without, "1234"),
        ("x", "1"),
    ):
        compared.clear()
        check(node, person_id, pin)
        assert len(compared) == 2
        assert all(stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for stored in compared)


def test_five_wrong_pins_lock_for_five_minutes(node: Node) -> None:
    person_id = node.register()["id"]
    for left in (4, 3, 2, 1, 0):
        assert check(node, person_id, "0000") == "wrong"
        assert node.people.pin_attempts_left(person_id) == left
    with pytest.raises(Problem) as locked:
        check(node, person_id, "1234")
    assert (locked.value.status, locked.value.slug, locked.value.field) == (403, "wrong-pin", "pin")
    assert locked.value.extra == {"attempts_left": 0, "retry_after": 300}
    node.later(300)
    assert check(node, person_id, "1234") == "pin"


@pytest.mark.parametrize("pin", ["1234", "4321"])
def test_a_right_pin_of_either_kind_forgives_the_wrong_ones(node: Node, pin: str) -> None:
    person_id = node.register()["id"]
    for _ in range(3):
        check(node, person_id, "0000")
    check(node, person_id, pin)
    assert node.people.pin_attempts_left(person_id) == 5


def test_the_problem_for_a_wrong_pin_carries_what_is_left() -> None:
    body = wrong_pin(3).body("en")
    assert (body["status"], body["type"], body["field"], body["attempts_left"]) == (
        403,
        "/problems/wrong-pin",
        "pin",
        3,
    )


def change(node: Node, **body: Any) -> Any:
    return node.send("PUT", "/api/me/pin", body)


def test_she_changes_her_pin(node: Node) -> None:
    person_id = node.register()["id"]
    assert change(node, pin="1234", new_pin="778899").status_code == 200
    assert check(node, person_id, "778899") == "pin"
    assert check(node, person_id, "1234") == "wrong"
    assert check(node, person_id, "4321") == "duress"
    assert node.told()[-1].what == "PIN 변경"


def test_she_changes_and_removes_her_duress_pin(node: Node) -> None:
    person_id = node.register()["id"]
    assert change(node, pin="1234", duress_pin="5555").json()["has_duress_pin"] is True
    assert check(node, person_id, "5555") == "duress"
    assert check(node, person_id, "4321") == "wrong"
    assert change(node, pin="1234", duress_pin=None).json()["has_duress_pin"] is False
    assert check(node, person_id, "5555") == "wrong"
    assert check(node, person_id, "1234") == "pin"


def test_she_swaps_both_at_once(node: Node) -> None:
    person_id = node.register()["id"]
    assert change(node, pin="1234", new_pin="4321", duress_pin="1234").status_code == 200
    assert check(node, person_id, "4321") == "pin"
    assert check(node, person_id, "1234") == "duress"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"pin": "1234", "duress_pin": "1234"}, "duress_pin"),
        ({"pin": "1234", "new_pin": "5555", "duress_pin": "5555"}, "duress_pin"),
        ({"pin": "1234", "new_pin": "4321"}, "new_pin"),
        ({"pin": "1234", "new_pin": "12"}, "new_pin"),
        ({"pin": "1234", "duress_pin": "abcd"}, "duress_pin"),
        ({"new_pin": "5555"}, "pin"),
    ],
)
def test_pins_that_could_not_be_told_apart_are_refused(node: Node, body: dict[str, Any], field: str) -> None:
    person_id = node.register()["id"]
    answer = change(node, **body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert check(node, person_id, "1234") == "pin"
    assert check(node, person_id, "4321") == "duress"


def test_the_duress_pin_does_not_open_the_settings(node: Node) -> None:
    person_id = node.register()["id"]
    for pin, left in (("4321", 4), ("0000", 3)):
        answer = change(node, pin=pin, new_pin="5555")
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/wrong-pin")
        assert answer.json()["attempts_left"] == left
    assert check(node, person_id, "1234") == "pin"


def test_somebody_gone_meanwhile_changes_nothing(node: Node) -> None:
    from ansim.people.model import Citizen
    from ansim.people.store import person

    me = node.register()
    citizen = Citizen(id=me["id"], name="x", phone="x", session="s", address="")

    async def vanish(*_: Any) -> Any:
        await node.database.write(lambda tx: tx.execute(person.delete()))
        return "hash"

    async def attempt() -> None:
        node.people.pins._hashes.of_pin = vanish  # type: ignore[method-assign,assignment]
        await node.people.pins.change(citizen, "1234", "5555", None)

    with pytest.raises(Problem) as refused:
        node.call(attempt)
    assert refused.value.status == 401

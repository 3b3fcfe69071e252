"""Events as JSON: every kind round-trips, satisfies its published schema, and keeps within bounds."""

from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ansim.core.actors import Actor
from ansim.core.clock import parse_iso
from ansim.incidents import events as ev
from support.strategies import actors, data_of, event_id, stamps

KINDS = sorted(ev.KINDS)
SYSTEM = Actor(kind="system", id="hub", name="hub")


def event(data: ev.Data) -> ev.Event:
    return ev.Event(
        id=event_id(1), incident="i-1", at="01a0c4506c000000", node="hub", actor=SYSTEM, data=data
    )


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_kinds_are_those_of_the_contract() -> None:
    assert set(ev.KINDS) == {
        "armed", "alerted", "cancelled", "duress", "pressed_again", "routed", "ownership_assigned", "rung",
        "delivered", "seen", "accepted", "claimed", "claim_refused", "note", "dispatch_requested",
        "dispatch_updated", "closing_proposed", "closing_rejected", "closed",
        "camera_share", "glass_broken", "footage", "sighted",
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(data=st.data())
def test_a_kind_satisfies_its_schema_and_round_trips(kind: str, data: st.DataObject) -> None:
    made = ev.Event(
        id=event_id(data.draw(st.integers(0, 99))),
        incident="i-1",
        at=data.draw(stamps),
        node="41170",
        actor=data.draw(actors),
        data=data.draw(data_of(kind, st.just(event_id(7)))),
    )
    body = ev.encode(made)
    plain = msgspec.json.decode(body)
    assert plain["data"]["type"] == made.type == kind
    validator(ev.schema(kind)).validate(plain["data"])
    validator(msgspec.json.schema(ev.Event)).validate(plain)
    assert ev.decode(body) == made
    assert ev.decode_many(ev.encode([made])) == [made]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_refuses_another_kind(kind: str) -> None:
    other = KINDS[KINDS.index(kind) - 1]
    with pytest.raises(jsonschema.ValidationError):
        validator(ev.schema(kind)).validate({"type": other})


def _cases() -> list[tuple[str, tuple[str, ...], int]]:
    """Every bounded text of every kind as (kind, path inside the data, longest)."""
    found: list[tuple[str, tuple[str, ...], int]] = []
    for kind in KINDS:
        schema = ev.schema(kind)
        named = schema["$defs"]

        def walk(part: Any, path: tuple[str, ...], kind: str, named: dict[str, Any]) -> None:
            if "$ref" in part:
                walk(named[part["$ref"].rpartition("/")[2]], path, kind, named)
            for name, inner in part.get("properties", {}).items():
                walk(inner, (*path, name), kind, named)
            for inner in part.get("anyOf", []):
                walk(inner, path, kind, named)
            if "items" in part:
                walk(part["items"], (*path, "0"), kind, named)
            if part.get("type") == "string" and "maxLength" in part:
                found.append((kind, path, part["maxLength"]))

        walk(schema, (), kind, named)
    return found


CASES = _cases()


def test_every_text_is_bounded() -> None:
    for kind in KINDS:
        schema = ev.schema(kind)
        for part in schema["$defs"].values():
            for name, field in part["properties"].items():
                if field.get("type") == "string" and not {"enum", "const"} & field.keys():
                    assert "maxLength" in field, f"{kind}.{name} has no bound"
    assert len(CASES) > 30


EXAMPLES: dict[str, dict[str, Any]] = {
    "armed": {
        "key": "k", "trigger": "hold", "pressed_at": "t", "window_ends_at": "t", "device_id": "d", "raw": "",
        "person": {
            "id": "p", "name": "n", "phone": "1", "note": "", "guardians": [{"name": "n", "phone": "1"}],
        },
        "marks": ["m"],
    },
    "alerted": {"reason": "now"},
    "cancelled": {},
    "duress": {},
    "pressed_again": {"key": "k", "trigger": "hold", "pressed_at": "t", "marks": ["m"]},
    "routed": {
        "code": "41170", "name": "안양시", "method": "contains", "marks": ["m"],
        "informed": [{"code": "41410", "name": "군포시"}],
    },
    "ownership_assigned": {"code": "41170", "name": "안양시", "epoch": 1, "reason": "routed"},
    "rung": {"step": "co_alarm", "code": "41170", "name": "안양시"},
    "delivered": {"code": "41170", "epoch": 1},
    "seen": {"code": "41170"},
    "accepted": {"code": "41170", "epoch": 1},
    "claimed": {"code": "41170", "name": "안양시"},
    "claim_refused": {"code": "41170"},
    "note": {"text": ""},
    "dispatch_requested": {"agency": "112", "code": "41170", "note": ""},
    "dispatch_updated": {"request": "r", "status": "done", "note": ""},
    "camera_share": {"camera": "c", "name": "n", "agency": "112", "code": "41170", "state": "shared"},
    "glass_broken": {"camera": "c", "name": "n", "code": "41170", "reason": "", "second": ""},
    "sighted": {"camera": "c", "name": "n", "code": "41170", "lat": 37.4, "lon": 127.0, "x": 0.5, "y": 0.5},
    "footage": {"recording": "r", "camera": "c", "name": "n", "code": "41170", "state": "ended", "head": ""},
    "closing_proposed": {"disposition": "prank", "reason": ""},
    "closing_rejected": {},
    "closed": {"disposition": "safe", "reason": "", "second": ""},
}  # fmt: skip


def example(kind: str) -> dict[str, Any]:
    """The kind with every text in it, as plain JSON."""
    data = {"type": kind, **EXAMPLES[kind]}
    copy: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(data))
    return copy


def with_text(kind: str, path: tuple[str, ...], text: str) -> bytes:
    data = example(kind)
    part: Any = data
    for name in path[:-1]:
        part = part[int(name) if isinstance(part, list) else name]
    part[int(path[-1]) if isinstance(part, list) else path[-1]] = text
    return ev.encode({**msgspec.to_builtins(event(ev.Cancelled())), "data": data})


@pytest.mark.parametrize(
    ("kind", "path", "longest"), CASES, ids=[f"{kind}-{'.'.join(path)}" for kind, path, _ in CASES]
)
def test_a_text_may_be_so_long_and_no_longer(kind: str, path: tuple[str, ...], longest: int) -> None:
    assert ev.decode(with_text(kind, path, "가" * longest)).type == kind
    too_long = with_text(kind, path, "가" * (longest + 1))
    with pytest.raises(msgspec.ValidationError, match=f"length <= {longest}"):
        ev.decode(too_long)
    assert not validator(ev.schema(kind)).is_valid(msgspec.json.decode(too_long)["data"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "x" * 65),
        ("incident", "x" * 65),
        ("node", "x" * 17),
        ("at", "01A0C4506C000000"),
        ("at", "1"),
        ("at", "01a0c4506c0000001"),
        ("data", {"type": "exploded"}),
        ("data", {"type": "alerted", "reason": "boredom"}),
        ("data", {"type": "ownership_assigned", "code": "1", "name": "", "epoch": 0.5, "reason": "routed"}),
        ("data", {"type": "ownership_assigned", "code": "1", "name": "", "epoch": 2**64, "reason": "routed"}),
        ("data", {"type": "delivered", "code": "1", "epoch": -1}),
        ("actor", {"kind": "ghost", "id": "", "name": ""}),
        ("actor", {"kind": "staff", "id": "x" * 65, "name": ""}),
        ("actor", {"kind": "staff", "id": "", "name": "x" * 121}),
    ],
)
def test_a_malformed_event_is_refused(field: str, value: object) -> None:
    plain = msgspec.to_builtins(event(ev.Cancelled())) | {field: value}
    with pytest.raises(msgspec.ValidationError):
        ev.decode(ev.encode(plain))


@given(data=st.data(), kind=st.sampled_from(KINDS))
def test_an_entry_spells_out_kind_and_time(data: st.DataObject, kind: str) -> None:
    made = event(data.draw(data_of(kind, st.just("r"))))
    entry = ev.entry(made)
    assert entry["type"] == kind
    assert parse_iso(entry["time"]).timestamp() == int(made.at, 16) // 65536 / 1000
    assert list(entry) == ["id", "type", "at", "time", "node", "actor", "data"]


def test_an_entry_bears_any_stamp_the_wire_allows() -> None:
    far = msgspec.structs.replace(event(ev.Cancelled()), at="f" * 16)
    assert ev.entry(far)["time"].startswith("9999-12-31T")

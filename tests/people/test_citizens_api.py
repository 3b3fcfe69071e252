"""Registering, signing in and changing one's profile, as a phone does it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansim.core.actors import Actor
from ansim.core.commands import DATABASE_FILE
from ansim.people.store import one_time_code, person, session
from people.people_node import PHONE, Node, registration, running, sms


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with running(tmp_path) as node:
        yield node


def slug(answer: Any) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["type"]).removeprefix("/problems/")


# Codes


def test_a_code_is_queued_with_the_request_and_sent_by_the_worker(node: Node) -> None:
    answer = node.send("POST", "/api/registration/code", {"phone": "+82 10 1234 5678"})
    assert (answer.status_code, answer.json()) == (202, {"expires_in": 180})
    assert node.port.sent == []
    assert node.metrics.readings()["sms"]["depth"] == 1
    node.call(node.worker.send_due)
    ((phone, text),) = node.port.sent
    assert phone == "+821012345678"
    assert text.startswith("안심 인증번호 ")
    assert node.metrics.readings()["sms"]["depth"] == 0


def test_no_code_is_kept_in_the_clear(node: Node, tmp_path: Path) -> None:
    code = node.code()
    (row,) = node.rows(one_time_code)
    assert len(row.mac) == 64
    (message,) = node.rows(sms)
    assert (message.state, message.text) == ("sent", "")
    with sqlite3.connect(tmp_path / DATABASE_FILE) as raw:
        dump = "\n".join(raw.iterdump())
    raw.close()
    assert f"인증번호 {code}" not in dump


@pytest.mark.parametrize("phone", ["02-123-4567", "hello", "010-12", "+1 202 555 0100", "0101234567890"])
def test_only_a_korean_mobile_number_gets_a_code(node: Node, phone: str) -> None:
    answer = node.send("POST", "/api/registration/code", {"phone": phone})
    assert answer.status_code == 400
    assert answer.json()["field"] == "phone"
    assert node.rows(sms) == []


def test_a_number_gets_six_codes_an_hour(node: Node) -> None:
    for _ in range(6):
        node.code()
    answer = node.send("POST", "/api/registration/code", {"phone": PHONE})
    assert (answer.status_code, slug(answer), answer.json()["field"]) == (429, "too-many-codes", "phone")
    assert answer.headers["retry-after"] == "3600"
    assert node.send("POST", "/api/registration/code", {"phone": "010-9999-0000"}).status_code == 202
    node.later(3600)
    node.code()


def test_a_hub_without_a_provider_says_so(tmp_path: Path) -> None:
    with running(tmp_path, with_sms=False) as node:
        answer = node.send("POST", "/api/registration/code", {"phone": PHONE})
        assert (answer.status_code, slug(answer)) == (503, "sms-unavailable")


def test_a_new_code_voids_the_one_before(node: Node) -> None:
    old = node.code()
    new = node.code()
    if old != new:
        assert slug(node.send("POST", "/api/session", {"phone": PHONE, "code": old})) == "wrong-code"
    assert slug(node.send("POST", "/api/session", {"phone": PHONE, "code": new})) == "not-registered"


# Registration


def test_she_registers_and_is_signed_in(node: Node) -> None:
    me = node.register()
    assert me["name"] == "김하나"
    assert me["phone"] == PHONE
    assert me["note"] == "천식이 있어요"
    assert me["guardians"] == []
    assert me["settings"] == {"shake": {"enabled": False, "strength": 5}, "silent": False}
    assert me["has_duress_pin"] is True
    consent = me["consent"]
    assert (consent["location"], consent["video"], consent["contact"]) == (True, True, False)
    assert consent["at"].endswith("Z")
    assert node.client.get("/api/me").json() == me


def test_her_secrets_are_stored_as_argon2id_only(node: Node) -> None:
    node.register()
    (row,) = node.rows(person)
    for stored in (row.pin_hash, row.duress_hash):
        assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert row.phone == "+821012345678"


def test_registering_is_on_record(node: Node) -> None:
    me = node.register()
    rows = [row for row in node.told() if row.subject == me["id"]]
    assert [(row.action, row.what) for row in rows] == [
        ("admin", "동의: 위치, 영상"),
        ("sign_in", "citizen"),
    ]
    assert {row.actor_name for row in rows} == {"김하나"}


def test_the_cookie_is_out_of_reach_of_scripts(node: Node) -> None:
    answer = node.send("POST", "/api/registration", registration(PHONE, node.code()))
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("ansim_hub_citizen=")
    for part in ("HttpOnly", "Path=/", "SameSite=lax", "Max-Age=31536000"):
        assert part in cookie
    token = cookie.partition("=")[2].partition(";")[0]
    (row,) = node.rows(session)
    assert token not in str(row)
    assert len(row.token) == 64


def test_behind_https_the_cookie_is_secure(tmp_path: Path) -> None:
    from msgspec.structs import replace

    from ansim.people.access import session_cookie

    with running(tmp_path) as node:
        secure = replace(node.settings, secure_cookies=True)
        for kind in ("console", "desk", "citizen"):
            assert session_cookie(secure, kind, "t").secure is True
        assert session_cookie(secure, "console", "t").samesite == "strict"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pin": "12a4"}, "pin"),
        ({"pin": "123"}, "pin"),
        ({"pin": "1234567"}, "pin"),
        ({"pin": None}, "pin"),
        ({"duress_pin": "1234"}, "duress_pin"),
        ({"duress_pin": "12"}, "duress_pin"),
        ({"name": ""}, "name"),
        ({"name": " \u0000 "}, "name"),
        ({"name": "가" * 61}, "name"),
        ({"note": "가" * 501}, "note"),
        ({"consent": {"location": False}}, "consent"),
        ({"consent": {"video": True}}, "consent.location"),
        ({"consent": None}, "consent"),
        ({"phone": "1"}, "phone"),
        ({"phone": "02-123-4567"}, "phone"),
        ({"code": "1"}, "code"),
    ],
)
def test_whatever_is_wrong_is_named_and_nothing_is_kept(
    node: Node, changes: dict[str, Any], field: str
) -> None:
    body = registration(PHONE, node.code()) | changes
    body = {key: value for key, value in body.items() if value is not None}
    answer = node.send("POST", "/api/registration", body)
    assert answer.status_code == 400
    assert answer.json()["type"] == "/problems/invalid-input"
    assert answer.json()["field"] == field
    assert node.rows(person) == []


def test_a_wrong_code_counts_down_and_then_is_void(node: Node) -> None:
    code = node.code()
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for left in (4, 3, 2, 1):
        answer = node.send("POST", "/api/registration", registration(PHONE, wrong))
        assert (answer.status_code, slug(answer), answer.json()["field"]) == (400, "wrong-code", "code")
        assert answer.json()["attempts_left"] == left
    answer = node.send("POST", "/api/registration", registration(PHONE, wrong))
    assert slug(answer) == "code-expired"
    answer = node.send("POST", "/api/registration", registration(PHONE, code))
    assert (slug(answer), answer.json()["field"]) == ("code-expired", "code")
    assert node.rows(person) == []


def test_a_code_lasts_three_minutes(node: Node) -> None:
    code = node.code()
    node.later(180)
    assert slug(node.send("POST", "/api/registration", registration(PHONE, code))) == "code-expired"


def test_a_proven_number_gives_her_time_for_the_form(node: Node) -> None:
    code = node.code()
    node.later(170)
    assert slug(node.send("POST", "/api/session", {"phone": PHONE, "code": code})) == "not-registered"
    node.later(800)
    answer = node.send("POST", "/api/registration", registration(PHONE, code))
    assert answer.status_code == 201


def test_a_code_that_runs_out_while_she_is_being_registered_registers_nobody(node: Node) -> None:
    code = node.code()
    real = node.people._hashes.of_pin

    async def slow(pin: str) -> str:
        node.later(1_000)
        return await real(pin)

    node.people._hashes.of_pin = slow  # type: ignore[method-assign]
    assert slug(node.send("POST", "/api/registration", registration(PHONE, code))) == "code-expired"
    assert node.rows(person) == []


def test_a_code_serves_once(node: Node) -> None:
    code = node.code()
    assert node.send("POST", "/api/registration", registration(PHONE, code)).status_code == 201
    assert slug(node.send("POST", "/api/session", {"phone": PHONE, "code": code})) == "code-expired"


def test_a_code_for_one_number_does_not_prove_another(node: Node) -> None:
    code = node.code("010-1111-2222")
    node.code("010-3333-4444")
    answer = node.send("POST", "/api/registration", registration("010-3333-4444", code))
    assert slug(answer) in ("wrong-code", "code-expired")


def test_a_number_cannot_be_registered_over(node: Node) -> None:
    me = node.register()
    node.other_device()
    code = node.code()
    answer = node.send("POST", "/api/registration", registration(PHONE, code, name="다른 사람", pin="9999"))
    assert (answer.status_code, slug(answer)) == (409, "already-registered")
    answer = node.send("POST", "/api/session", {"phone": PHONE, "code": code})
    assert answer.json()["id"] == me["id"]
    assert answer.json()["name"] == "김하나"


# Sessions


def test_a_known_number_signs_in_on_a_new_device(node: Node) -> None:
    me = node.register()
    node.other_device()
    assert node.client.get("/api/me").status_code == 401
    answer = node.send("POST", "/api/session", {"phone": "01012345678", "code": node.code()})
    assert answer.status_code == 200
    assert answer.json() == me
    assert node.client.get("/api/me").json() == me


def test_signing_out_ends_the_session_and_takes_the_cookie(node: Node) -> None:
    node.register()
    token = node.client.cookies["ansim_hub_citizen"]
    answer = node.send("DELETE", "/api/session")
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    node.client.cookies.set("ansim_hub_citizen", token)
    assert node.client.get("/api/me").status_code == 401
    assert node.client.get("/api/test/caller").json() == {"id": None}
    assert node.send("DELETE", "/api/session").status_code == 204


def test_an_expired_login_still_says_who_she_is(node: Node) -> None:
    me = node.register()
    assert node.client.get("/api/test/caller").json() == {"id": me["id"], "expired": False}
    node.later(90 * 86_400)
    assert node.client.get("/api/me").status_code == 401
    assert node.client.get("/api/test/citizen").status_code == 401
    assert node.client.get("/api/test/caller").json() == {"id": me["id"], "expired": True}


def test_using_the_app_keeps_her_signed_in(node: Node) -> None:
    node.register()
    for _ in range(5):
        node.later(60 * 86_400)
        assert node.client.get("/api/me").status_code == 200


@pytest.mark.parametrize("token", ["", "unknown", "x" * 5_000, "한글"])
def test_a_cookie_that_means_nothing_is_nobody(node: Node, token: str) -> None:
    cookie = f"ansim_hub_citizen={token}".encode()
    answer = node.client.get("/api/test/caller", headers={b"cookie": cookie})
    assert answer.json() == {"id": None}
    assert node.client.get("/api/test/citizen", headers={b"cookie": cookie}).status_code == 401


def test_a_citizens_token_opens_no_console(node: Node) -> None:
    node.register()
    token = node.client.cookies["ansim_hub_citizen"]
    node.client.cookies.set("ansim_hub_console", token)
    assert node.client.get("/api/console/me").status_code == 401


# Profile


def test_she_changes_what_she_gives_and_nothing_else(node: Node) -> None:
    me = node.register()
    changed = node.send("PUT", "/api/me", {"name": "김둘", "note": "첫 줄\n둘째 줄"}).json()
    assert changed == me | {"name": "김둘", "note": "첫 줄\n둘째 줄"}
    settings = {"shake": {"enabled": True, "strength": 8}, "silent": True}
    changed = node.send("PUT", "/api/me", {"settings": settings}).json()
    assert changed["settings"] == settings
    assert changed["name"] == "김둘"
    assert node.client.get("/api/test/citizen").json()["name"] == "김둘"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"settings": {"shake": {"enabled": True, "strength": 11}}}, "settings.shake.strength"),
        ({"name": ""}, "name"),
        ({"name": "\n\t"}, "name"),
        ({"name": 5}, "name"),
        ({"note": "x" * 501}, "note"),
    ],
)
def test_a_wrong_change_is_refused_whole(node: Node, body: dict[str, Any], field: str) -> None:
    me = node.register()
    answer = node.send("PUT", "/api/me", {"note": "새 메모"} | body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert node.client.get("/api/me").json() == me


def test_a_change_of_consent_is_dated_and_on_record(node: Node) -> None:
    me = node.register()
    same = node.send("PUT", "/api/me", {"consent": me["consent"] | {"at": "2000-01-01T00:00:00.000Z"}}).json()
    assert same["consent"] == me["consent"]
    changed = node.send("PUT", "/api/me", {"consent": {"location": True, "video": False}}).json()
    assert changed["consent"]["video"] is False
    assert changed["consent"]["at"] > me["consent"]["at"]
    assert [(row.what, row.why) for row in node.told()][-1] == ("동의: 위치", "동의 변경")


def test_guardians_are_kept_in_order_in_one_spelling(node: Node) -> None:
    node.register()
    given = [
        {"name": "엄마", "phone": "010 2222 3333"},
        {"name": "언니", "phone": "+82-2-123-4567"},
        {"name": "Bob", "phone": "+1 202 555 0100"},
    ]
    answer = node.send("PUT", "/api/me/guardians", given)
    assert answer.status_code == 200
    assert node.client.get("/api/me").json()["guardians"] == [
        {"name": "엄마", "phone": "010-2222-3333"},
        {"name": "언니", "phone": "02-123-4567"},
        {"name": "Bob", "phone": "+12025550100"},
    ]
    node.send("PUT", "/api/me/guardians", given[:1])
    assert len(node.client.get("/api/me").json()["guardians"]) == 1
    node.send("PUT", "/api/me/guardians", [])
    assert node.client.get("/api/me").json()["guardians"] == []


@pytest.mark.parametrize(
    ("guardians", "field"),
    [
        ([{"name": "가", "phone": "010-1111-2222"}] * 6, "guardians"),
        ([{"name": "가", "phone": "010-1111-2222"}, {"name": "나", "phone": "없음!"}], "[1].phone"),
        ([{"name": " ", "phone": "010-1111-2222"}], "[0].name"),
        ([{"phone": "010-1111-2222"}], "[0].name"),
        ([{"name": "가" * 61, "phone": "010-1111-2222"}], "[0].name"),
        ({"name": "가"}, "body"),
    ],
)
def test_a_wrong_guardian_is_named(node: Node, guardians: Any, field: str) -> None:
    node.register()
    answer = node.send("PUT", "/api/me/guardians", guardians)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert node.client.get("/api/me").json()["guardians"] == []


def test_the_card_holds_what_a_center_needs(node: Node) -> None:
    me = node.register()
    node.send("PUT", "/api/me/guardians", [{"name": "엄마", "phone": "010-2222-3333"}])

    async def cards() -> list[Any]:
        return await node.database.read(
            lambda conn: [node.people.person_card(conn, me["id"]), node.people.person_card(conn, "nobody")]
        )

    assert node.call(cards) == [
        {
            "id": me["id"],
            "name": "김하나",
            "phone": PHONE,
            "note": "천식이 있어요",
            "guardians": [{"name": "엄마", "phone": "010-2222-3333"}],
        },
        None,
    ]


def test_she_sees_who_looked(node: Node) -> None:
    me = node.register()
    assert node.client.get("/api/me/looks").json() == []

    async def look() -> None:
        await node.database.write(
            lambda tx: node.ledger.record(
                tx,
                actor=Actor(kind="staff", id="op-1", name="김관제"),
                action="view",
                subject=me["id"],
                incident="i-1",
                what="위치",
                why="사건 대응",
                node="41170",
            )
        )

    node.call(look)
    (seen,) = node.client.get("/api/me/looks").json()
    assert seen.pop("at").endswith("Z")
    assert seen == {
        "who": "김관제",
        "center": "41170 센터",
        "what": "위치",
        "why": "사건 대응",
        "incident": "i-1",
    }


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/me", None),
        ("PUT", "/api/me", {}),
        ("PUT", "/api/me/guardians", []),
        ("PUT", "/api/me/pin", {"pin": "1234"}),
        ("GET", "/api/me/looks", None),
    ],
)
def test_without_a_login_nothing_of_hers_is_shown(node: Node, method: str, path: str, body: Any) -> None:
    answer = node.send(method, path, body)
    assert (answer.status_code, slug(answer)) == (401, "sign-in-required")


def test_somebody_who_no_longer_exists_is_signed_out(node: Node) -> None:
    me = node.register()

    async def erase() -> None:
        await node.database.write(lambda tx: tx.execute(person.delete().where(person.c.id == me["id"])))

    assert node.client.get("/api/me").status_code == 200
    node.call(erase)
    assert node.client.get("/api/me").status_code == 401
    assert node.send("PUT", "/api/me", {"name": "x"}).status_code == 401
    node.later(6)
    assert node.client.get("/api/test/caller").json() == {"id": None}

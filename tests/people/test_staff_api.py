"""Operators, supervisors and agencies: signing in, what each may open, and what is written down."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansim.core.actors import system
from ansim.core.problems import Problem
from ansim.people.store import session, staff
from people.people_node import PASSWORD, Node, running


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with running(tmp_path, "41170") as node:
        yield node


def slug(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def test_an_operator_signs_in_and_out(node: Node) -> None:
    staff_id = node.add_staff()
    answer = node.sign_in()
    assert answer.status_code == 200
    expected = {"id": staff_id, "name": "이름 op1", "role": "operator", "agency": None, "on_duty": True}
    assert answer.json() == expected
    assert node.client.get("/api/console/me").json() == expected
    assert node.client.get("/api/test/operator").json() == {
        "id": staff_id,
        "kind": "staff",
        "address": "testclient",
    }
    assert node.send("DELETE", "/api/console/session").status_code == 204
    assert node.client.get("/api/console/me").status_code == 401
    assert node.send("DELETE", "/api/console/session").status_code == 204


def test_the_cookie_is_strict_and_out_of_reach_of_scripts(node: Node) -> None:
    node.add_staff()
    cookie = node.sign_in().headers["set-cookie"]
    assert cookie.startswith("ansim_41170_console=")
    for part in ("HttpOnly", "Path=/", "SameSite=strict"):
        assert part in cookie
    assert "Max-Age" not in cookie


def test_an_agency_signs_in_at_its_desk(node: Node) -> None:
    staff_id = node.add_staff("police1", "agency", "112")
    answer = node.sign_in("police1", "desk")
    assert answer.json()["agency"] == "112"
    assert node.client.get("/api/desk/me").json() == answer.json()
    assert node.client.get("/api/test/desk").json() == {"id": staff_id, "agency": "112", "kind": "agency"}
    assert node.client.get("/api/console/me").status_code == 401


@pytest.mark.parametrize(
    ("role", "agency", "app", "allowed"),
    [
        ("operator", None, "console", True),
        ("supervisor", None, "console", True),
        ("admin", None, "console", True),
        ("auditor", None, "console", False),
        ("agency", "119", "console", False),
        ("operator", None, "desk", False),
        ("admin", None, "desk", False),
        ("auditor", None, "desk", False),
        ("agency", "119", "desk", True),
    ],
)
def test_each_account_has_its_page(node: Node, role: Any, agency: Any, app: str, allowed: bool) -> None:
    node.add_staff("someone", role, agency)
    answer = node.sign_in("someone", app)
    if allowed:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, slug(answer)) == (403, "other-page")
        assert "set-cookie" not in answer.headers
        assert node.rows(session) == []


@pytest.mark.parametrize(("role", "status"), [("operator", 403), ("supervisor", 200), ("admin", 200)])
def test_the_role_stands_in_the_signature(node: Node, role: Any, status: int) -> None:
    node.add_staff("someone", role)
    assert node.client.get("/api/test/supervisor").status_code == 401
    node.sign_in("someone")
    assert node.client.get("/api/test/operator").status_code == 200
    answer = node.client.get("/api/test/supervisor")
    assert answer.status_code == status
    if status == 403:
        assert slug(answer) == "forbidden"


def test_a_session_of_one_page_opens_no_other(node: Node) -> None:
    node.add_staff()
    node.sign_in()
    token = node.client.cookies["ansim_41170_console"]
    node.client.cookies.set("ansim_41170_desk", token)
    node.client.cookies.set("ansim_41170_citizen", token)
    assert node.client.get("/api/desk/me").status_code == 401
    assert node.client.get("/api/test/caller").json() == {"id": None}


def test_a_role_that_is_taken_away_stops_at_once(node: Node) -> None:
    staff_id = node.add_staff("boss", "supervisor")
    node.sign_in("boss")
    assert node.client.get("/api/test/supervisor").status_code == 200

    async def demote(role: str) -> None:
        def write(tx: Any) -> None:
            tx.execute(staff.update().where(staff.c.id == staff_id).values(role=role))
            node.people.sessions.changed(tx, staff_id)

        await node.database.write(write)

    node.call(demote, "operator")
    assert node.client.get("/api/test/supervisor").status_code == 403
    node.call(demote, "auditor")
    assert node.client.get("/api/test/operator").status_code == 403


def test_a_closed_account_is_signed_out_everywhere(node: Node) -> None:
    staff_id = node.add_staff()
    node.sign_in()
    session_id = node.rows(session)[0].id
    assert node.call(node.people.session_alive, session_id)
    node.call(node.people.accounts.deactivate, staff_id, system("test"))
    assert node.client.get("/api/console/me").status_code == 401
    assert not node.call(node.people.session_alive, session_id)
    assert node.sign_in().status_code == 401
    assert "계정 정지" in [row.what.partition(":")[0] for row in node.told()]


def test_a_change_by_another_process_counts_within_seconds(node: Node) -> None:
    node.add_staff()
    node.sign_in()
    assert node.client.get("/api/console/me").status_code == 200

    async def close() -> None:
        await node.database.write(lambda tx: tx.execute(staff.update().values(active=False)))

    node.call(close)
    node.later(5)
    assert node.client.get("/api/console/me").status_code == 401


# How long a sign-in lasts


def test_twelve_idle_hours_end_a_session(node: Node) -> None:
    node.add_staff()
    node.sign_in()
    session_id = node.rows(session)[0].id
    node.later(12 * 3600)
    assert not node.call(node.people.session_alive, session_id)
    answer = node.client.get("/api/console/me")
    assert (answer.status_code, slug(answer)) == (401, "sign-in-required")


def test_work_keeps_a_session_open(node: Node) -> None:
    node.add_staff()
    node.sign_in()
    for _ in range(4):
        node.later(11 * 3600)
        assert node.client.get("/api/console/me").status_code == 200


def test_a_use_is_written_down_at_most_every_five_minutes(node: Node) -> None:
    node.add_staff()
    node.sign_in()
    first = node.rows(session)[0].last_seen
    node.later(299)
    node.client.get("/api/console/me")
    assert node.rows(session)[0].last_seen == first
    node.later(1)
    node.client.get("/api/console/me")
    assert node.rows(session)[0].last_seen == first + 300


# Passwords


def test_passwords_are_stored_as_argon2id(node: Node) -> None:
    node.add_staff()
    (row,) = node.rows(staff)
    assert row.password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert PASSWORD not in str(row)


@pytest.mark.parametrize(
    ("login", "password"),
    [("op1", "wrong password"), ("nobody", PASSWORD), ("op1", PASSWORD + " "), ("op1", PASSWORD.upper())],
)
def test_a_wrong_sign_in_says_not_what_was_wrong(node: Node, login: str, password: str) -> None:
    node.add_staff()
    answer = node.sign_in(login, password=password)
    assert answer.status_code == 401
    assert answer.json() == {
        "type": "/problems/sign-in-failed",
        "title": "아이디 또는 비밀번호가 맞지 않습니다.",
        "status": 401,
        "detail": "아이디 또는 비밀번호가 맞지 않습니다.",
    }


def test_an_unknown_login_costs_the_same_work(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansim.people import hashes

    node.add_staff()
    compared: list[str] = []
    real = hashes._fits

    def counted(*arguments: Any) -> bool:
        compared.append(arguments[1])
        return real(*arguments)

    monkeypatch.setattr(hashes, "_fits", counted)
    for login in ("op1", "nobody"):
        compared.clear()
        node.sign_in(login, password="wrong password")
        assert len(compared) == 1
        assert compared[0].startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_logins_and_passwords_are_compared_as_people_type_them(node: Node) -> None:
    node.add_staff("Kim.Operator")
    assert node.sign_in(" kim.operator ").status_code == 200

    hangul = "가나다라마바사아"

    async def add() -> None:
        await node.people.accounts.add(
            login="hangul",
            name="한글",
            role="operator",
            agency=None,
            password=hangul,
            by=system("t"),
        )

    node.call(add)
    decomposed = unicodedata.normalize("NFD", hangul)
    assert decomposed != hangul
    assert node.sign_in("hangul", password=decomposed).status_code == 200


def test_ten_failures_lock_a_login_from_that_address_for_five_minutes(node: Node) -> None:
    node.add_staff()
    node.add_staff("op2")
    for _ in range(10):
        assert node.sign_in(password="wrong password").status_code == 401
    answer = node.sign_in()
    assert (answer.status_code, slug(answer)) == (429, "too-many-attempts")
    assert answer.headers["retry-after"] == "300"
    assert answer.json()["detail"] == "5분 뒤 다시 시도해 주세요."
    assert node.sign_in("op2").status_code == 200
    node.later(300)
    assert node.sign_in().status_code == 200


def test_a_success_forgives_the_failures(node: Node) -> None:
    node.add_staff()
    for _ in range(2):
        for _ in range(9):
            assert node.sign_in(password="wrong password").status_code == 401
        assert node.sign_in().status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"login": "op1"}, "password"),
        ({"password": "x"}, "login"),
        ({"login": "", "password": "x"}, "login"),
        ({"login": "op1", "password": "x" * 201}, "password"),
        ({"login": 5, "password": "x"}, "login"),
    ],
)
def test_a_malformed_sign_in_names_the_field(node: Node, body: dict[str, Any], field: str) -> None:
    answer = node.send("POST", "/api/console/session", body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


# The record


def test_every_sign_in_and_every_failure_is_on_record(node: Node) -> None:
    staff_id = node.add_staff()
    node.add_staff("police1", "agency", "112")
    node.sign_in(password="wrong password")
    node.sign_in("ghost")
    node.sign_in("police1")
    node.sign_in()
    told = [(row.action, row.actor_id, row.actor_kind, row.what, row.why) for row in node.told()][2:]
    police = next(row.id for row in node.rows(staff) if row.login == "police1")
    assert told == [
        ("sign_in_failed", staff_id, "staff", "로그인 실패", "비밀번호 불일치"),
        ("sign_in_failed", "", "staff", "로그인 실패", "비밀번호 불일치"),
        ("sign_in_failed", police, "agency", "로그인 실패", "다른 화면의 계정"),
        ("sign_in", staff_id, "staff", "console", "근무"),
    ]
    assert {row.source for row in node.told()[2:]} == {"testclient"}
    assert node.told()[3].actor_name == "ghost"


# Accounts


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"login": "  "}, "login"),
        ({"login": "x" * 61}, "login"),
        ({"name": "\t"}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"role": "agency"}, "agency"),
        ({"agency": "112"}, "agency"),
        ({"password": "short"}, "password"),
        ({"password": "x" * 201}, "password"),
    ],
)
def test_an_account_that_makes_no_sense_is_refused(node: Node, changes: dict[str, Any], field: str) -> None:
    fields = {"login": "a", "name": "b", "role": "operator", "agency": None, "password": PASSWORD} | changes

    async def add() -> None:
        await node.people.accounts.add(**fields, by=system("test"))

    with pytest.raises(Problem) as refused:
        node.call(add)
    assert (refused.value.status, refused.value.field) == (400, field)
    assert node.rows(staff) == []


def test_a_login_is_given_once(node: Node) -> None:
    node.add_staff("op1")
    with pytest.raises(Problem) as refused:
        node.add_staff("OP1")
    assert (refused.value.status, refused.value.slug, refused.value.field) == (409, "login-taken", "login")
    assert [member.login for member in node.call(node.people.accounts.all)] == ["op1"]


def test_the_same_client_may_knock_so_often(tmp_path: Path) -> None:
    with running(tmp_path, "41170", per_minute=3) as node:
        node.add_staff()
        for _ in range(3):
            assert node.sign_in(password="wrong password").status_code == 401
        answer = node.sign_in()
        assert (answer.status_code, slug(answer)) == (429, "too-many-requests")
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert node.client.get("/api/console/me").status_code == 401
        assert node.send("POST", "/api/registration/code", {"phone": "010-1234-5678"}).status_code == 202

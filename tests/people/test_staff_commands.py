"""``ansim staff add``."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ansim.core.commands import DATABASE_FILE
from ansim.core.database import Database
from ansim.people.commands import staff
from ansim.people.store import all_staff
from people.people_node import Node, running


@pytest.fixture
def data(tmp_path: Path) -> Path:
    database = Database.sqlite_file(tmp_path / DATABASE_FILE)
    database.create_all()
    database.close()
    (tmp_path / "ansim.toml").write_text('role = "center"\ncode = "41170"\nname = "안양시 센터"\n', "utf-8")
    return tmp_path


def run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(staff, ["add", *arguments], input=typed)


def test_a_password_from_standard_input(data: Path) -> None:
    result = run("op1", "--name", "김관제", "--password-stdin", "--data", str(data), typed="long enough\n")
    assert (result.exit_code, result.output) == (0, "Added op1 (operator).\n")
    with running(data, "41170") as node:
        assert node.sign_in("op1", password="long enough").status_code == 200
        assert [row.action for row in node.told()] == ["admin", "sign_in"]
        assert node.told()[0].what == "계정 추가: op1 (operator)"


def test_a_generated_password_is_printed_and_works(data: Path) -> None:
    result = run(
        "police1", "--name", "경찰", "--role", "agency", "--agency", "112", "--generate", "--data", str(data)
    )
    first, second = result.output.splitlines()
    assert first == "Added police1 (agency 112)."
    password = second.removeprefix("Password: ")
    with running(data, "41170") as node:
        assert node.sign_in("police1", "desk", password).status_code == 200


def test_a_password_typed_twice(data: Path) -> None:
    config = ("--config", str(data / "ansim.toml"), "--data", str(data))
    result = run("op1", "--name", "김관제", *config, typed="long enough\nlong enough\n")
    assert result.exit_code == 0, result.output
    assert "Added op1" in result.output
    assert "long enough" not in result.output


def test_it_works_while_the_node_runs(data: Path) -> None:
    with running(data, "41170") as node:
        node.add_staff("op0")
        result = run(
            "op1", "--name", "김관제", "--password-stdin", "--data", str(data), typed="long enough\n"
        )
        assert result.exit_code == 0, result.output
        node.add_staff("op2")
        assert node.sign_in("op1", password="long enough").status_code == 200
        assert len(node.told()) == 4


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["op1", "--name", "a", "--password-stdin"], "The password needs 8 characters."),
        (["op1", "--name", " ", "--generate"], "The name must have 1 to 60 characters."),
        (["op1", "--name", "a", "--role", "agency", "--generate"], "An agency account needs its agency"),
        (["op1", "--name", "a", "--agency", "112", "--generate"], "An agency account needs its agency"),
        (["op1", "--name", "a", "--generate", "--password-stdin"], "choose one of"),
        (["op1", "--name", "a", "--role", "king"], "king"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(data: Path, arguments: list[str], says: str) -> None:
    result = run(*arguments, "--data", str(data), typed="short\n")
    assert result.exit_code != 0
    assert says in result.output
    assert "Traceback" not in result.output

    async def accounts() -> list[object]:
        database = Database.sqlite_file(data / DATABASE_FILE)
        try:
            return list(await database.read(all_staff))
        finally:
            database.close()

    assert asyncio.run(accounts()) == []


def test_a_node_that_never_ran_is_named_with_the_remedy(tmp_path: Path) -> None:
    result = run("op1", "--name", "a", "--generate", "--data", str(tmp_path))
    assert result.exit_code == 1
    assert "start the node once" in result.output


def test_secrets_that_cannot_be_read_are_said(data: Path) -> None:
    (data / "secrets").mkdir()
    (data / "secrets" / "ledger.pem").write_text("nonsense")
    result = run("op1", "--name", "a", "--generate", "--data", str(data))
    assert result.exit_code == 1
    assert "is not a key" in result.output


def test_the_node_of_the_tests_is_what_it_says(tmp_path: Path) -> None:
    with running(tmp_path, "41170") as node:
        assert isinstance(node, Node)
        assert node.client.get("/api/node").json()["role"] == "center"

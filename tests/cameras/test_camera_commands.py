"""``ansim cameras import`` on a node's data folder."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ansim.cameras.commands import cameras
from ansim.core.commands import DATABASE_FILE
from ansim.core.database import Database
from cameras.camera_files import row, write_csv


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of a node that has run once."""
    folder = tmp_path / "node"
    database = Database.sqlite_file(folder / DATABASE_FILE)
    database.create_all()
    database.close()
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "cctv.csv", [row(), row(관리번호="2", WGS84위도="0", WGS84경도="0")])


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cameras, [str(one) for one in arguments])


def test_import_tells_what_it_did_and_importing_again_says_nothing_changed(data: Path, file: Path) -> None:
    first = run("import", file, "--data", data)
    assert first.exit_code == 0, first.output
    assert "2행에서 카메라 1곳 (cp949) · 1 cameras from 2 rows" in first.output
    assert "새로 1 · 바뀜 0 · 그대로 0" in first.output
    assert "받지 않은 행 1 refused" in first.output
    assert "좌표가 없거나 0 · coordinates missing or 0" in first.output
    again = run("import", file, "--data", data)
    assert "새로 0 · 바뀜 0 · 그대로 1" in again.output


def test_import_as_json_with_a_report(data: Path, file: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    result = run("import", file, "--data", data, "--json", "--report", report, "--encoding", "cp949")
    summary = json.loads(result.stdout)
    assert summary["rows"] == 2
    assert summary["written"] == {"added": 1, "changed": 0, "unchanged": 0}
    assert summary["reasons"] == {"no-position": 1}
    assert "no-position" in report.read_text("utf-8-sig")


def test_replace_and_source(data: Path, file: Path) -> None:
    run("import", file, "--data", data, "--source", "방범")
    write_csv(file, [row(관리번호="3")])
    result = run("import", file, "--data", data, "--source", "방범", "--replace")
    assert "새로 1 · 바뀜 0 · 그대로 0 · 뺌 1" in result.output


def test_a_config_file_names_the_node_too(data: Path, file: Path, tmp_path: Path) -> None:
    config = tmp_path / "center.toml"
    config.write_text(f'role = "center"\ncode = "41170"\ndata = "{data}"\n', "utf-8")
    assert run("import", file, "--config", config).exit_code == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [("이름\n", "no column WGS84위도 / WGS84경도"), ("", "is empty")],
)
def test_a_file_that_is_no_camera_list_is_one_sentence(
    data: Path, file: Path, content: str, message: str
) -> None:
    file.write_text(content, "utf-8")
    result = run("import", file, "--data", data)
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_report_that_cannot_be_written_is_one_sentence(data: Path, file: Path, tmp_path: Path) -> None:
    result = run("import", file, "--data", data, "--report", tmp_path / "none" / "report.csv")
    assert result.exit_code == 1
    assert "No such file" in result.output


def test_a_node_that_never_ran_is_said(file: Path, tmp_path: Path) -> None:
    result = run("import", file, "--data", tmp_path)
    assert result.exit_code == 1
    assert "there is no database" in result.output
    assert run("import", tmp_path / "none.csv", "--data", tmp_path).exit_code == 2

"""``ansim where`` and ``ansim jurisdictions`` as an operator uses them."""

import csv
import io
import json
from pathlib import Path

import pytest
import shapely
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from ansim.distribution import where as where_rules
from ansim.distribution.boundaries import default_boundaries
from ansim.distribution.commands import jurisdictions, where
from ansim.distribution.where import CsvProblem, answer_csv, decode_csv, parse_place

DEFAULT = default_boundaries()


def ask(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(where, arguments, env={"ANSIM_DATA": "", **(env or {})})


def manage(*arguments: str) -> Result:
    return CliRunner().invoke(jurisdictions, arguments, env={"ANSIM_DATA": ""})


def answered(text: str) -> tuple[list[list[str]], list[str]]:
    out, warnings = io.StringIO(), list[str]()
    answer_csv(io.StringIO(text, newline=""), DEFAULT, out, warnings.append)
    return list(csv.reader(io.StringIO(out.getvalue()))), warnings


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    shapes = [
        ("41171", "안양시만안구", (126.5, 37, 127, 38)),
        ("41173", "안양시동안구", (127, 37, 127.5, 38)),
    ]
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": name, "province": "경기도"},
            "geometry": shapely.box(*box).__geo_interface__,
        }
        for code, name, box in shapes
    ]
    path = tmp_path / "survey.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def test_a_person_reads_who_answers_in_both_languages() -> None:
    result = ask("37.3943", "126.9568")
    assert result.exit_code == 0
    assert result.output.splitlines()[0] == "경기도 안양시 (41170)"
    assert "경계 안에 있음 · inside its boundary" in result.output
    assert "근사 경계임 · approximate" in result.output


def test_others_and_distance_are_told() -> None:
    across = ask("37.3805", "126.93", "--radius", "1500")
    assert "가장 많이 겹침 · greatest overlap" in across.output
    assert "함께 걸친 곳 · also touches: 군포시 (41410)" in across.output
    far = ask("36.0", "131.0")
    assert "outside every boundary, the nearest" in far.output
    assert " km)" in far.output


def test_json_is_one_object() -> None:
    found = json.loads(ask("37.3943", "126.9568", "--json").output)
    assert found["center_code"] == "41170"
    assert (found["province"], found["method"], found["approximate"]) == ("경기도", "contains", True)
    assert found["others"] == []


def test_southern_and_western_places_are_no_options() -> None:
    result = ask("-37.0", "-120.0")
    assert result.exit_code == 0
    assert "nearest" in result.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["95", "127"], "lat must be a number from -90 to 90, not 95.0."),
        (["37", "nan"], "lon must be a number"),
        (["37", "127", "--radius=-1"], "radius_m must be"),
        (["37"], "Give LAT and LON, or a file with --csv."),
        ([], "Give LAT and LON, or a file with --csv."),
        (["37", "127", "--csv", __file__], "Give LAT and LON, or a file with --csv."),
        (["37", "127", "--as-of", "tomorrow"], "'tomorrow' is no ISO 8601 time"),
        (["north", "127"], "'north' is not a valid float"),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_sentence(arguments: list[str], complaint: str) -> None:
    result = ask(*arguments)
    assert result.exit_code != 0
    assert complaint in result.output
    assert "Traceback" not in result.output


def test_every_row_of_a_csv_file_is_answered_in_order(tmp_path: Path) -> None:
    path = tmp_path / "places.csv"
    path.write_text(
        "id,lat,lon,radius\n1,37.3943,126.9568,\n2,x,127,5\n3,37.4569,126.8955,1200\n4\n5,36.0,131.0,0\n",
        encoding="utf-8",
    )
    result = ask("--csv", str(path))
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "lat,lon,radius,center_code,center_name,method",
        "37.3943,126.9568,,41170,안양시,contains",
        "x,127,5,,,invalid",
        "37.4569,126.8955,1200,11545,금천구,overlap",
        ",,,,,invalid",
        "36.0,131.0,0,47110,포항시,nearest",
    ]
    assert "row 2: lat is no number: 'x'" in result.stderr
    assert "row 4: lat is no number: ''" in result.stderr
    assert "approximate" in result.stderr


def test_without_a_radius_there_is_no_radius_column() -> None:
    rows, warnings = answered("lon,lat\n126.9568,37.3943\n")
    assert rows == [
        ["lat", "lon", "center_code", "center_name", "method"],
        ["37.3943", "126.9568", "41170", "안양시", "contains"],
    ]
    assert warnings == []


cells = st.one_of(
    st.floats(30, 40).map(str),
    st.floats(120, 135).map(str),
    st.sampled_from(["", "nan", "inf", "-1e400", "900", "x,y", '"', "37,5", "３７.５", " 37.5 ", "a\nb"]),
)


@given(st.lists(st.lists(cells, min_size=1, max_size=4), max_size=12))
@settings(max_examples=60)
def test_no_row_is_dropped_and_none_stops_the_others(rows: list[list[str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["lat", "lon", "radius"])
    writer.writerows(rows)
    out, warnings = answered(text.getvalue())
    assert len(out) == len(rows) + 1
    invalid = 0
    for given_row, row in zip(rows, out[1:], strict=True):
        padded = [*given_row, "", "", ""][:3]
        assert row[:3] == padded
        try:
            place = parse_place(tuple(padded))
        except ValueError:
            invalid += 1
            assert row[3:] == ["", "", "invalid"]
        else:
            answer = DEFAULT.locate(*place)
            assert row[3:] == [answer.center_code, answer.center_name, answer.method]
    assert len(warnings) == invalid


def test_long_files_are_answered_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(where_rules, "CHUNK", 3)
    lines = [f"{35 + row / 10},127.5" for row in range(10)]
    lines[7] = "bad,127.5"
    rows, warnings = answered("\n".join(["lat,lon", *lines]))
    assert [row[0] for row in rows[1:]] == [line.split(",")[0] for line in lines]
    assert warnings == ["row 8: lat is no number: 'bad'"]


def test_korean_columns_and_code_page(tmp_path: Path) -> None:
    path = tmp_path / "안심벨.csv"
    path.write_bytes("이름,위도,경도,반경\n가,37.3943,126.9568,20\n".encode("cp949"))
    assert "37.3943,126.9568,20,41170,안양시,contains" in ask("--csv", str(path)).stdout
    path.write_bytes("위도,경도\n37.3943,126.9568\n".encode("utf-8-sig"))
    assert "37.3943,126.9568,41170,안양시,contains" in ask("--csv", str(path)).stdout


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "needs a column lat"),
        ("a,b\n1,2\n", "needs a column lat .* it has a, b"),
        ("lat,b\n1,2\n", "needs a column lon"),
        ("lat,lon\n" + "1" * 200_000 + ",2\n", "line 2 is no CSV"),
    ],
)
def test_a_file_that_cannot_be_answered_says_why(text: str, complaint: str) -> None:
    with pytest.raises(CsvProblem, match=complaint):
        answered(text)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"lat,lon\n\xff\xff\x80,1\n")
    with pytest.raises(CsvProblem, match="neither UTF-8 nor CP949"):
        decode_csv(path)
    result = ask("--csv", str(path))
    assert result.exit_code == 1
    assert "a.csv: a.csv" not in result.output


def test_an_import_is_in_force_from_its_time_on(tmp_path: Path, survey: Path) -> None:
    data = tmp_path / "data"
    result = manage("import", str(survey), "--data", str(data), "--effective-from", "2026-07-01T00:00+09:00")
    assert result.exit_code == 0, result.output
    assert "2 jurisdictions in force from 2026-06-30T15:00:00.000Z" in result.stdout
    assert "2 codes are new here" in result.stderr
    before = json.loads(ask("37.5", "126.9", "--json", "--data", str(data), "--as-of", "2026-06-30").output)
    after = json.loads(ask("37.5", "126.9", "--json", "--data", str(data), "--as-of", "2026-07-02").output)
    assert before["approximate"]
    assert (after["center_name"], after["approximate"], after["boundaries"]) == (
        "안양시만안구",
        False,
        "survey.geojson",
    )


def test_the_data_folder_may_come_from_the_environment(tmp_path: Path, survey: Path) -> None:
    data = tmp_path / "data"
    assert manage("import", str(survey), "--unite", "--data", str(data)).exit_code == 0
    result = ask("37.5", "126.9", env={"ANSIM_DATA": str(data)})
    assert result.output.splitlines()[0] == "경기도 안양시 (41170)"
    assert "approximate" not in result.output


def test_an_import_needs_to_know_the_node(survey: Path) -> None:
    result = manage("import", str(survey))
    assert result.exit_code == 1
    assert "--data or ANSIM_DATA" in result.output


def test_a_bad_file_imports_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bad.geojson"
    path.write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    result = manage("import", str(path), "--data", str(tmp_path / "data"))
    assert result.exit_code == 1
    assert "bad.geojson holds no boundaries." in result.output
    assert not (tmp_path / "data").exists()


def test_a_damaged_generation_is_told_in_a_sentence(tmp_path: Path, survey: Path) -> None:
    data = tmp_path / "data"
    manage("import", str(survey), "--data", str(data))
    for path in (data / "boundaries").glob("*.fgb"):
        path.write_bytes(b"")
    result = ask("37.5", "126.9", "--data", str(data))
    assert result.exit_code == 1
    assert "changed or damaged: import survey.geojson again." in result.output


def test_check_finds_nothing_wrong_with_the_default() -> None:
    result = manage("check")
    assert result.exit_code == 0
    assert "관할 229곳" in result.output
    assert "이상 없음 · nothing wrong" in result.output
    assert json.loads(manage("check", "--json").output) == []


def test_check_tells_what_is_wrong_and_fails(tmp_path: Path, survey: Path) -> None:
    document = json.loads(survey.read_text(encoding="utf-8"))
    document["features"][1]["geometry"] = shapely.box(126.99, 37, 127.5, 38).__geo_interface__
    survey.write_text(json.dumps(document), encoding="utf-8")
    result = manage("check", str(survey))
    assert result.exit_code == 1
    assert "겹침 · overlap: 안양시만안구 (41171), 안양시동안구 (41173)" in result.output
    [found] = json.loads(manage("check", str(survey), "--json").output)
    assert found["kind"] == "overlap"
    assert manage("check", str(survey), "--min-area", "1e12").exit_code == 0
    assert manage("check", str(survey), "--unite").exit_code == 0
    imported = manage("import", str(survey), "--data", str(tmp_path / "data"))
    assert "1 things to look at" in imported.stderr
    assert manage("check", "--data", str(tmp_path / "data")).exit_code == 1

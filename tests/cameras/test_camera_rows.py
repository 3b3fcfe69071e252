"""Dirty files: encodings, headers, quotes, and rows that are repaired or refused with the reason."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansim.cameras.model import ALL_ROUND_DEG, DEFAULT_RANGE_M
from ansim.cameras.rows import (
    REASONS,
    Read,
    RowReader,
    entry_of,
    parse_installed,
    range_of,
    short_name,
)
from ansim.cameras.table import COLUMNS, CameraFileError, Layout, Row, read_layout, read_rows
from cameras.camera_files import CLEAN, HEADER, row, text_of, write_csv

LAYOUT = Layout(
    encoding="utf-8",
    delimiter=",",
    columns={
        name: HEADER.index(title)
        for name, spellings in COLUMNS.items()
        for title in HEADER
        if title.lower() in spellings
    },
    width=len(HEADER),
)


def read(**changes: str) -> Read:
    """What becomes of a clean row with some cells changed."""
    cells = [row(**changes).get(title, "") for title in HEADER]
    given = Row(
        line=2,
        cells={name: cells[place] for name, place in LAYOUT.columns.items()},
        width=len(cells),
        bytes_read=0,
    )
    return RowReader(LAYOUT, "test").read(given)


def reasons(found: Read) -> list[str]:
    return [remark.reason for remark in found.remarks]


def rows_of(path: Path, encoding: str | None = None) -> list[Row]:
    return list(read_rows(path, read_layout(path, encoding)))


# One row


def test_a_clean_row_is_taken_as_it_is() -> None:
    found = read()
    assert found.remarks == []
    camera = found.camera
    assert camera is not None
    assert (camera.lat, camera.lon) == (37.4251, 126.9071)
    assert (camera.heading, camera.fov_deg, camera.direction) == (90.0, 90.0, "동측")
    assert camera.name == "석수로 10"
    assert camera.address == "경기도 안양시 만안구 석수로 10 (석수동, 한빛아파트)"
    assert (camera.purpose, camera.manager, camera.phone) == ("생활방범", "경기도 안양시청", "031-000-0000")
    assert (camera.count, camera.installed, camera.range_m) == (1, "2020-05", DEFAULT_RANGE_M)
    assert (camera.source, camera.source_id) == ("test", "1")
    assert not camera.ptz


def test_the_lot_address_stands_in_for_a_missing_road_address() -> None:
    camera = read(소재지도로명주소="").camera
    assert camera is not None
    assert camera.address == "경기도 안양시 만안구 석수동 101"
    assert camera.name == "석수동 101"


def test_a_camera_without_any_address_is_called_by_its_number() -> None:
    camera = read(소재지도로명주소="", 소재지지번주소="").camera
    assert camera is not None
    assert camera.name == "1"
    nameless = read(소재지도로명주소="", 소재지지번주소="", 관리번호="").camera
    assert nameless is not None
    assert nameless.name == nameless.id


def test_swapped_axes_are_put_right_and_said() -> None:
    found = read(WGS84위도="126.9071", WGS84경도="37.4251")
    assert found.camera is not None
    assert (found.camera.lat, found.camera.lon) == (37.4251, 126.9071)
    assert reasons(found) == ["swapped-axes"]


@pytest.mark.parametrize(
    ("lat", "lon", "reason"),
    [
        ("", "", "no-position"),
        ("0", "0", "no-position"),
        ("0.0", "126.9", "no-position"),
        ("37.4", "", "no-position"),
        ("없음", "126.9", "unreadable-position"),
        ("nan", "126.9", "unreadable-position"),
        ("inf", "126.9", "unreadable-position"),
        ("37,4251", "126.9", "unreadable-position"),
        ("35.68", "139.76", "outside-korea"),
        ("37.4251", "-126.9071", "outside-korea"),
        ("200123.4", "543210.9", "outside-korea"),
        ("37.4", "37.4", "outside-korea"),
    ],
)
def test_a_row_without_a_place_in_korea_is_refused(lat: str, lon: str, reason: str) -> None:
    found = read(WGS84위도=lat, WGS84경도=lon)
    assert found.camera is None
    assert reasons(found) == [reason]
    assert found.remarks[0].field == "lat, lon"


@pytest.mark.parametrize("place", [("33.06", "126.268"), ("37.24", "131.871"), ("38.61", "128.35")])
def test_marado_dokdo_and_goseong_are_korea(place: tuple[str, str]) -> None:
    assert read(WGS84위도=place[0], WGS84경도=place[1]).camera is not None


def test_coarse_coordinates_are_kept_and_noted() -> None:
    found = read(WGS84위도="37.42", WGS84경도="126.9")
    assert found.camera is not None
    assert reasons(found) == ["coarse-position"]


def test_degree_signs_and_spaces_around_a_number_do_no_harm() -> None:
    camera = read(WGS84위도=" 37.4251° ", WGS84경도="126.9071 ").camera
    assert camera is not None
    assert camera.lat == 37.4251


@pytest.mark.parametrize(
    "field",
    ["소재지도로명주소", "촬영방면정보", "관리기관명", "설치목적구분", "관리번호", "관리기관전화번호"],
)
def test_network_addresses_are_removed_from_every_text_and_never_told(field: str) -> None:
    found = read(**{field: CLEAN[field] + " 192.168.10.77"})
    assert found.camera is not None
    assert "ip-removed" in reasons(found)
    assert "192.168" not in str(found)


def test_a_network_address_among_shifted_cells_is_not_told_either() -> None:
    found = read(WGS84위도="192.168.10.77", 카메라대수="10.0.0.1", 설치연월="10.0.0.2")
    assert "192.168" not in str(found)
    kept = read(카메라대수="대수 10.0.0.1", 설치연월="10.0.0.2")
    assert "10.0.0" not in str(kept)
    assert reasons(kept) == ["count", "date"]


@pytest.mark.parametrize(
    ("text", "count", "remarks"),
    [
        ("4", 4, []),
        ("4대", 4, []),
        ("28", 28, []),
        ("2.0", 2, []),
        ("", 1, []),
        ("0", 1, ["count"]),
        ("-3", 1, ["count"]),
        ("여러대", 1, ["count"]),
        ("99999999999999999999", 1, ["count"]),
    ],
)
def test_how_many_cameras(text: str, count: int, remarks: list[str]) -> None:
    found = read(카메라대수=text)
    assert found.camera is not None
    assert found.camera.count == count
    assert reasons(found) == remarks


def test_a_pole_with_four_cameras_and_no_direction_looks_all_round() -> None:
    camera = read(카메라대수="4", 촬영방면정보="").camera
    assert camera is not None
    assert camera.fov_deg == ALL_ROUND_DEG


@pytest.mark.parametrize("field", ["촬영방면정보", "설치목적구분"])
def test_a_turning_camera_is_known_by_its_words(field: str) -> None:
    camera = read(**{field: "방범(회전형)"}).camera
    assert camera is not None
    assert camera.ptz


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2020-05", "2020-05"),
        ("202005", "2020-05"),
        ("2020-05-20", "2020-05"),
        ("20200520", "2020-05"),
        ("2020.5", "2020-05"),
        ("2020/12/1", "2020-12"),
        ("2020. 5. 20.", "2020-05"),
        ("2020년 5월", "2020-05"),
        ("2020년 05월 20일", "2020-05"),
        ("1999-12", "1999-12"),
        ("2020", None),
        ("2020-13", None),
        ("2020-00", None),
        ("20-05", None),
        ("미상", None),
        ("", None),
    ],
)
def test_dates_in_their_spellings(text: str, month: str | None) -> None:
    assert parse_installed(text) == month
    found = read(설치연월=text)
    assert found.camera is not None
    assert found.camera.installed == month
    assert reasons(found) == (["date"] if text and month is None else [])


@given(st.integers(1950, 2049), st.integers(1, 12), st.integers(1, 28), st.sampled_from(["-", ".", "/", ""]))
def test_every_month_is_read(year: int, month: int, day: int, between: str) -> None:
    expected = f"{year}-{month:02d}"
    assert parse_installed(f"{year}{between}{month:02d}") == expected
    assert parse_installed(f"{year}{between}{month:02d}{between}{day:02d}") == expected


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("", 80.0),
        ("200", 80.0),
        ("200만", 80.0),
        ("2000000", 80.0),
        ("2,000,000", 80.0),
        ("130", 64.5),
        ("800", 120.0),
        ("30", 40.0),
        ("0", 80.0),
        ("모름", 80.0),
    ],
)
def test_more_pixels_see_further(text: str, metres: float) -> None:
    assert range_of(text) == metres


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("서울특별시 강남구 율현동 116번지", "율현동 116번지"),
        ("경기도 안양시 만안구 석수로 10 (석수동)", "석수로 10"),
        ("세종특별자치시 한누리대로 2130", "한누리대로 2130"),
        ("서울특별시", "서울특별시"),
        ("", ""),
        ("(석수동)", ""),
    ],
)
def test_an_address_in_short(address: str, name: str) -> None:
    assert short_name(address) == name


def test_texts_longer_than_their_column_are_cut_and_said() -> None:
    found = read(설치목적구분="방범" * 400)
    assert found.camera is not None
    assert len(found.camera.purpose) == 200
    assert reasons(found) == ["too-long"]


def test_the_same_entry_has_the_same_id_whatever_else_changed() -> None:
    before, after = read().camera, read(카메라대수="3", WGS84위도="37.4300", 촬영방면정보="남측").camera
    other_city, other_number = read(개방자치단체코드="3170000").camera, read(관리번호="2").camera
    assert before is not None
    assert after is not None
    assert other_city is not None
    assert other_number is not None
    assert before.id == after.id
    assert len({before.id, other_city.id, other_number.id}) == 3


def test_without_a_number_the_content_makes_the_id() -> None:
    first, again, elsewhere = (
        read(관리번호="").camera,
        read(관리번호=" ").camera,
        read(관리번호="", WGS84위도="37.4252").camera,
    )
    assert first is not None
    assert again is not None
    assert elsewhere is not None
    assert first.id == again.id != elsewhere.id


def test_a_number_used_twice_does_not_tell_entries_apart() -> None:
    cells = {name: CLEAN.get(HEADER[place], "") for name, place in LAYOUT.columns.items()}
    here = Row(line=2, cells=cells, width=18, bytes_read=0)
    there = Row(line=3, cells=cells | {"lat": "37.4300"}, width=18, bytes_read=0)
    reader = RowReader(LAYOUT, "test", frozenset({entry_of(here, "test")}))
    one, other = reader.read(here), reader.read(there)
    assert one.camera is not None
    assert other.camera is not None
    assert one.camera.id != other.camera.id
    assert reasons(one) == reasons(other) == ["number-reused"]


_CELL = st.text(max_size=40) | st.sampled_from(
    ["0", "37.5", "127.1", "360도", "192.168.0.1", "=1+1", "2020-05", "\ufffd", "동측", "-1", "1e400", "nan"]
)


@given(st.fixed_dictionaries(dict.fromkeys(HEADER, _CELL)))
def test_any_row_is_taken_or_refused_with_a_reason_that_can_be_told(cells: dict[str, str]) -> None:
    found = read(**cells)
    assert all(remark.reason in REASONS for remark in found.remarks)
    assert all(len(remark.value) <= 80 for remark in found.remarks)
    if found.camera is None:
        assert found.remarks
    else:
        assert 33 <= round(found.camera.lat) <= 39
        assert 124 <= round(found.camera.lon) <= 132
        assert found.camera.name


# Files


@pytest.mark.parametrize("encoding", ["cp949", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_encoding_and_delimiter_are_found_out(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = write_csv(tmp_path / "cameras.csv", [row(), row(관리번호="2")], encoding, delimiter)
    layout = read_layout(path)
    assert layout.encoding == encoding.removesuffix("-sig")
    assert layout.delimiter == delimiter
    assert layout.width == len(HEADER)
    found = rows_of(path)
    assert [one.cells["number"] for one in found] == ["1", "2"]
    assert [one.line for one in found] == [2, 3]
    assert found[0].cells["road_address"] == CLEAN["소재지도로명주소"]  # the comma inside its quotes
    assert found[-1].bytes_read == path.stat().st_size


def test_a_header_in_latin_letters_leaves_the_encoding_to_the_body(tmp_path: Path) -> None:
    path = tmp_path / "cameras.csv"
    path.write_bytes("name,lat,lon\n석수동,37.4,126.9\n".encode("cp949"))
    assert rows_of(path)[0].cells["name"] == "석수동"
    path.write_bytes("name,lat,lon\n석수동,37.4,126.9\n".encode())
    assert rows_of(path)[0].cells["name"] == "석수동"


def test_the_columns_of_the_seoul_file(tmp_path: Path) -> None:
    path = tmp_path / "ansimi.csv"
    path.write_bytes(
        "자치구,안심 주소,CCTV 용도,위도,경도,CCTV 수량,수정 일시\r\n"
        "금천구,금천구 시흥동 1,방범,126.9030,37.4460,2,20240101\r\n".encode("cp949")
    )
    layout = read_layout(path)
    found = RowReader(layout, "ansimi").read(rows_of(path)[0])
    assert found.camera is not None
    assert (found.camera.lat, found.camera.lon, found.camera.count) == (37.446, 126.903, 2)
    assert found.camera.name == "시흥동 1"
    assert reasons(found) == ["swapped-axes"]


def test_titles_may_have_spaces_brackets_and_full_width_letters(tmp_path: Path) -> None:
    path = tmp_path / "cameras.csv"
    path.write_text("관리 번호,위도(ＷＧＳ８４),경도 (WGS84)\n7,37.4251,126.9071\n", "utf-8")
    assert rows_of(path)[0].cells == {"number": "7", "lat": "37.4251", "lon": "126.9071"}


def test_of_two_columns_for_one_thing_the_standards_own_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "cameras.csv"
    path.write_text("위도,경도,WGS84위도,WGS84경도\n1,2,37.4251,126.9071\n", "utf-8")
    assert rows_of(path)[0].cells == {"lat": "37.4251", "lon": "126.9071"}


def test_short_and_blank_rows(tmp_path: Path) -> None:
    path = tmp_path / "cameras.csv"
    path.write_text("위도,경도,용도\n37.4251,126.9071\n\n,,\n37.4,126.9,방범,,,\n", "utf-8")
    found = rows_of(path)
    assert [one.line for one in found] == [2, 5]
    assert found[1].width == 3


def test_a_row_with_more_cells_than_the_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cameras.csv"
    path.write_text("주소,위도,경도\n석수로 10, 한빛아파트,37.4251,126.9071\n", "utf-8")
    layout = read_layout(path)
    found = RowReader(layout, "test").read(rows_of(path)[0])
    assert found.camera is None
    assert reasons(found) == ["cells"]


def test_broken_bytes_are_noted_and_the_row_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "cameras.csv"
    path.write_bytes(text_of([row()]).encode().replace("생활방범".encode(), b"\xec\x83"))
    found = RowReader(read_layout(path), "test").read(rows_of(path)[0])
    assert found.camera is not None
    assert reasons(found) == ["broken-text"]


def test_a_quoted_cell_may_span_lines(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "cameras.csv", [row(소재지도로명주소='석수로 10\n"정문"'), row(관리번호="2")])
    found = rows_of(path)
    assert [one.line for one in found] == [3, 4]
    read_first = RowReader(read_layout(path), "test").read(found[0])
    assert read_first.camera is not None
    assert read_first.camera.address == '석수로 10 "정문"'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a,b,c\n1,2,3\n", "no column WGS84위도 / WGS84경도"),
        ("위도,이름\n37,x\n".encode(), "no column WGS84경도"),
        (b"\xff\xfe" + "위도,경도\n".encode("utf-16-le"), "UTF-16"),
        (b"x" * 70_000, "header does not end"),
        (b"\x00\x01\x02\x03", "no column"),
    ],
)
def test_a_file_that_is_no_camera_list(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "cameras.csv"
    path.write_bytes(content)
    with pytest.raises(CameraFileError, match=message):
        read_layout(path)


def test_an_encoding_that_does_not_exist(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "cameras.csv", [row()])
    with pytest.raises(CameraFileError, match="no encoding klingon"):
        read_layout(path, "klingon")
    assert read_layout(path, "euc-kr").encoding == "euc-kr"


@pytest.mark.parametrize("tail", ['"' + "x" * 200_000, "x" * (1 << 20)])
def test_an_open_quote_or_an_endless_line_stops_with_the_line(tmp_path: Path, tail: str) -> None:
    path = tmp_path / "cameras.csv"
    path.write_text(f"위도,경도,주소\n37.4251,126.9071,a\n37.4251,126.9071,{tail}\n", "utf-8")
    found: list[Any] = []
    with pytest.raises(CameraFileError, match=r"before line \d"):
        found.extend(read_rows(path, read_layout(path)))


def test_a_number_counts_within_its_authority_or_else_its_data_set() -> None:
    cells = {name: CLEAN.get(HEADER[place], "") for name, place in LAYOUT.columns.items()}

    def entry(source: str, **changes: str) -> str:
        return entry_of(Row(line=2, cells=cells | changes, width=18, bytes_read=0), source)

    assert entry("a") == entry("b") != entry("a", authority="3170000")
    assert (
        entry("a", authority="") == entry("b", authority="") != entry("a", authority="", manager="금천구청")
    )
    assert entry("a", authority="", manager="") != entry("b", authority="", manager="")
    assert entry("a", number=" ") == ""

"""Boundary files: what is taken, and what is refused with the row named."""

import importlib.util
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from ansim.distribution import importer
from ansim.distribution.boundary_check import check
from ansim.distribution.importer import BoundaryFileError, read_file
from ansim.geo.boundaries import BoundarySet

NOW = datetime(2026, 7, 1, tzinfo=UTC)
MANAN, DONGAN = shapely.box(126.90, 37.36, 126.94, 37.42), shapely.box(126.94, 37.36, 126.98, 37.42)
GUNPO = shapely.box(126.90, 37.33, 126.98, 37.36)
Properties = dict[str, Any]


def geojson(path: Path, features: list[tuple[Properties, BaseGeometry | None]]) -> Path:
    document = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": properties,
                "geometry": None if shape is None else shape.__geo_interface__,
            }
            for properties, shape in features
        ],
    }
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


def anyang(**more: Any) -> list[tuple[Properties, BaseGeometry | None]]:
    return [
        ({"code": "41171", "name": "안양시만안구", **more}, MANAN),
        ({"code": "41173", "name": "안양시 동안구", **more}, DONGAN),
        ({"code": "41410", "name": "군포시", **more}, GUNPO),
    ]


def named(boundaries: BoundarySet) -> dict[str, str]:
    return dict(zip(boundaries.codes, boundaries.names, strict=True))


def written(path: Path, driver: str, crs: str | None, shapes: list[BaseGeometry], fields: list[str]) -> Path:
    columns = [
        np.array(["41171", "41173", "41410"], dtype=object),
        np.array(["가", "나", "다"], dtype=object),
    ]
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(shapes, dtype=object)),
        columns,
        fields,
        driver=driver,
        geometry_type="Polygon",
        crs=crs,
        encoding="UTF-8",
    )
    return path


def test_geojson_is_taken_with_its_codes_names_and_provinces(tmp_path: Path) -> None:
    boundaries = read_file(geojson(tmp_path / "a.geojson", anyang(province="경기도")), effective_from=NOW)
    assert boundaries.codes == ("41171", "41173", "41410")
    assert boundaries.names == ("안양시만안구", "안양시 동안구", "군포시")
    assert boundaries.provinces == ("경기도",) * 3
    assert (boundaries.effective_from, boundaries.source) == (NOW, "a.geojson")
    assert not boundaries.approximate
    assert boundaries.locate(37.40, 126.92).center_code == "41171"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("SIG_CD", "SIG_KOR_NM"),
        ("adm_cd", "adm_nm"),
        ("CODE", "NAME"),
        ("sigungu_code", "sigungu_name"),
        ("SIGUNGU_CD", "SIGUNGU_NM"),
        ("sgg", "sggnm"),
    ],
)
def test_usual_spellings_of_the_properties(tmp_path: Path, code: str, name: str) -> None:
    path = geojson(tmp_path / "a.json", [({"id": 7, code: "41410", name: " 군포시 "}, GUNPO)])
    boundaries = read_file(path, effective_from=NOW)
    assert (boundaries.codes, boundaries.names, boundaries.provinces) == (("41410",), ("군포시",), ("",))


@pytest.mark.parametrize("code", [41410, 41410.0])
def test_codes_written_as_numbers(tmp_path: Path, code: float) -> None:
    path = geojson(tmp_path / "a.json", [({"code": code, "name": "군포시"}, GUNPO)])
    assert read_file(path, effective_from=NOW).codes == ("41410",)


def test_a_file_marked_approximate_stays_marked(tmp_path: Path) -> None:
    path = geojson(tmp_path / "a.json", anyang(method="approximate"))
    assert read_file(path, effective_from=NOW).approximate


def test_districts_are_united_under_their_city(tmp_path: Path) -> None:
    path = geojson(tmp_path / "a.json", anyang())
    boundaries = read_file(path, effective_from=NOW, unite=True)
    assert dict(zip(boundaries.codes, boundaries.names, strict=True)) == {
        "41170": "안양시",
        "41410": "군포시",
    }
    assert boundaries.geometry("41170").symmetric_difference(shapely.union(MANAN, DONGAN)).area < 1e-12


def test_an_autonomous_district_is_no_part_of_a_city(tmp_path: Path) -> None:
    path = geojson(tmp_path / "a.json", [({"code": "11545", "name": "금천구"}, GUNPO)])
    assert read_file(path, effective_from=NOW, unite=True).names == ("금천구",)


@pytest.mark.parametrize(("other", "district"), [("41170", "41171"), ("9", "x")])
def test_a_city_that_finds_no_code_is_refused(tmp_path: Path, other: str, district: str) -> None:
    features = [
        ({"code": other, "name": "평촌시"}, GUNPO),
        ({"code": district, "name": "안양시만안구"}, MANAN),
    ]
    with pytest.raises(BoundaryFileError, match=r"안양시만안구.*can't take the code"):
        read_file(geojson(tmp_path / "a.json", features), effective_from=NOW, unite=True)


@pytest.mark.parametrize(
    ("driver", "suffix"), [("ESRI Shapefile", "shp"), ("GPKG", "gpkg"), ("FlatGeobuf", "fgb")]
)
def test_other_formats(tmp_path: Path, driver: str, suffix: str) -> None:
    path = written(
        tmp_path / f"a.{suffix}", driver, "EPSG:4326", [MANAN, DONGAN, GUNPO], ["SIG_CD", "SIG_KOR_NM"]
    )
    boundaries = read_file(path, effective_from=NOW)
    assert dict(zip(boundaries.codes, boundaries.names, strict=True)) == {
        "41171": "가",
        "41173": "나",
        "41410": "다",
    }
    assert boundaries.locate(37.40, 126.96).center_name == "나"


def test_projected_coordinates_become_wgs84(tmp_path: Path) -> None:
    """A national grid file: EPSG:5179 (Korea 2000, unified coordinate system)."""
    transformer = pytest.importorskip("pyproj").Transformer.from_crs("EPSG:4326", "EPSG:5179", always_xy=True)
    flat = [
        shapely.transform(shape, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))
        for shape in (MANAN, DONGAN, GUNPO)
    ]
    path = written(tmp_path / "a.gpkg", "GPKG", "EPSG:5179", flat, ["code", "name"])
    assert read_file(path, effective_from=NOW).locate(37.40, 126.96).center_name == "나"


def test_without_pyproj_a_projected_file_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "a.gpkg", "GPKG", "EPSG:5179", [MANAN, DONGAN, GUNPO], ["code", "name"])
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(BoundaryFileError, match=r"EPSG:5179: convert it to WGS84 .* or install pyproj"):
        read_file(path, effective_from=NOW)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (({"code": "", "name": "군포시"}, GUNPO), r"row 3 \(code none, name 군포시\) has no code"),
        (({"code": None, "name": "군포시"}, GUNPO), r"row 3 \(code none, name 군포시\) has no code"),
        (({"code": "1", "name": " "}, GUNPO), r"row 3 \(code 1, name none\) has no name"),
        (({"code": "1", "name": "바다"}, None), r"row 3 \(code 1, name 바다\) has no area"),
        (({"code": "1", "name": "점"}, shapely.Point(127, 37)), r"row 3 \(code 1, name 점\) has no area"),
        (({"code": "1", "name": "선"}, shapely.LineString([(0, 0), (1, 1)])), "name 선.* has no area"),
        (
            ({"code": "41173", "name": "또"}, GUNPO),
            r"row 3 \(code 41173, name 또\) repeats .* of row 1",
        ),
        (({"code": "1", "name": "미터"}, shapely.box(9e5, 1.9e6, 9.1e5, 2e6)), "name 미터.* are no degrees"),
    ],
)
def test_one_wrong_row_refuses_the_file_and_is_named(
    tmp_path: Path, row: tuple[Properties, BaseGeometry | None], complaint: str
) -> None:
    path = geojson(tmp_path / "a.json", [*anyang(), row])
    with pytest.raises(BoundaryFileError, match=complaint):
        read_file(path, effective_from=NOW)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.txt", "x", "ends in one of"),
        ("a.json", "", "no readable boundary file"),
        ("a.json", "{", "no readable boundary file"),
        ("a.geojson", "[1, 2]", "no readable boundary file"),
        ("a.gpkg", "nonsense", "no readable boundary file"),
        ("a.shp", "nonsense", "no readable boundary file"),
        ("a.json", '{"type": "FeatureCollection", "features": []}', "holds no boundaries"),
    ],
)
def test_what_is_no_boundary_file_is_refused(tmp_path: Path, name: str, content: str, complaint: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BoundaryFileError, match=complaint):
        read_file(path, effective_from=NOW)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(BoundaryFileError, match="there is no file"):
            read_file(path, effective_from=NOW)


@pytest.mark.parametrize("missing", ["code", "name"])
def test_a_file_without_codes_or_names_says_what_it_looked_for(tmp_path: Path, missing: str) -> None:
    properties = {"code": "1", "name": "군포시", "other": 1}
    del properties[missing]
    path = geojson(tmp_path / "a.json", [(properties, GUNPO)])
    with pytest.raises(
        BoundaryFileError, match=f"no property for the {missing}: looked for .* found .*other"
    ):
        read_file(path, effective_from=NOW)


def test_too_large_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = geojson(tmp_path / "a.json", anyang())
    monkeypatch.setattr(importer, "MAX_ROWS", 2)
    with pytest.raises(BoundaryFileError, match="more than 2 rows"):
        read_file(path, effective_from=NOW)
    monkeypatch.setattr(importer, "MAX_BYTES", 10)
    with pytest.raises(BoundaryFileError, match="larger than"):
        read_file(path, effective_from=NOW)


def test_a_time_without_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BoundaryFileError, match="time zone"):
        read_file(geojson(tmp_path / "a.json", anyang()), effective_from=datetime(2026, 7, 1))


def test_progress_ends_where_it_said_it_would(tmp_path: Path) -> None:
    told: dict[str, tuple[int, int]] = {}

    def progress(step: str, done: int, total: int) -> None:
        assert done <= total
        told[step] = (done, total)

    read_file(geojson(tmp_path / "a.json", anyang()), effective_from=NOW, progress=progress)
    assert told == {"read": (1, 1), "check": (3, 3), "index": (3, 3)}


def test_an_invalid_shape_is_repaired_and_told(tmp_path: Path) -> None:
    bow = shapely.Polygon([(126.0, 36.0), (126.2, 36.2), (126.2, 36.0), (126.0, 36.2)])
    path = geojson(tmp_path / "a.json", [*anyang(), ({"code": "9", "name": "나비시"}, bow)])
    boundaries = read_file(path, effective_from=NOW)
    assert boundaries.repaired == ("9",)
    assert [(one.kind, one.codes) for one in check(boundaries)] == [("invalid", ("9",))]


def plain(shapes: list[BaseGeometry], names: list[str], provinces: list[str] | None = None) -> BoundarySet:
    codes = [str(10 + place) for place in range(len(shapes))]
    return BoundarySet(codes, names, shapes, provinces=provinces, effective_from=NOW, source="test")


def test_check_finds_an_overlap_with_its_area_and_place() -> None:
    boundaries = plain([MANAN, shapely.box(126.939, 37.36, 126.98, 37.42)], ["가", "나"])
    [found] = check(boundaries)
    assert (found.kind, found.codes) == ("overlap", ("10", "11"))
    assert found.area_m2 == pytest.approx(0.001 * 88_300 * 0.06 * 111_195, rel=0.01)
    assert found.lat is not None
    assert found.lon is not None
    assert shapely.contains_xy(MANAN, found.lon, found.lat)


def test_check_finds_a_gap_and_who_is_around_it() -> None:
    ring = shapely.box(0, 0, 3, 3).difference(shapely.box(1, 1, 2, 2))
    boundaries = plain([ring, shapely.box(1, 1, 1.9, 2)], ["가", "나"])
    assert [(one.kind, one.codes) for one in check(boundaries)] == [("gap", ("10", "11"))]


def test_check_passes_over_the_rounding_of_coordinates() -> None:
    boundaries = plain([MANAN, shapely.box(126.94 - 1e-8, 37.36, 126.98, 37.42)], ["가", "나"])
    assert check(boundaries) == []
    assert [one.kind for one in check(boundaries, min_area_m2=1.0)] == ["overlap"]


def test_check_finds_missing_and_repeated_names() -> None:
    boundaries = plain([MANAN, DONGAN, GUNPO], ["", "중구", "중구"], ["경기도", "경기도", "경기도"])
    assert [(one.kind, one.codes) for one in check(boundaries)] == [
        ("no-name", ("10",)),
        ("same-name", ("11", "12")),
    ]
    elsewhere = plain([MANAN, DONGAN], ["중구", "중구"], ["서울특별시", "부산광역시"])
    assert check(elsewhere) == []


@given(st.integers(2, 5), st.integers(2, 5))
def test_check_finds_nothing_in_border_strips(columns: int, rows: int) -> None:
    shapes = [
        shapely.box(127 + column * 0.1, 37 + row * 0.1, 127 + (column + 1) * 0.1, 37 + (row + 1) * 0.1)
        for column in range(columns)
        for row in range(rows)
    ]
    names = [f"{place}시" for place in range(len(shapes))]
    codes = [str(place) for place in range(len(shapes))]
    boundaries = BoundarySet(codes, names, shapes, effective_from=NOW, source="test", cell_deg=0.0)
    assert check(boundaries) == []


@pytest.mark.parametrize("grid", ["EPSG:5174", "EPSG:5179", "EPSG:5186"])
@pytest.mark.parametrize("declared", [True, False])
def test_a_shapefile_as_korean_offices_write_it(tmp_path: Path, grid: str, declared: bool) -> None:
    """CP949 attributes, with or without the file that says so, on each of the national grids."""
    transformer = pytest.importorskip("pyproj").Transformer.from_crs("EPSG:4326", grid, always_xy=True)
    flat = [
        shapely.transform(shape, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))
        for shape in (MANAN, DONGAN, GUNPO)
    ]
    path = tmp_path / "sig.shp"
    names = np.array(["안양시만안구", "안양시동안구", "군포시"], dtype=object)
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(flat, dtype=object)),
        [np.array(["41171", "41173", "41410"], dtype=object), names],
        ["SIG_CD", "SIG_KOR_NM"],
        driver="ESRI Shapefile",
        geometry_type="Polygon",
        crs=grid,
        encoding="CP949",
    )
    if not declared:
        path.with_suffix(".cpg").unlink()
    boundaries = read_file(path, effective_from=NOW)
    assert named(boundaries)["41410"] == "군포시"
    assert boundaries.geometry("41171").bounds == pytest.approx(MANAN.bounds, abs=2e-5)

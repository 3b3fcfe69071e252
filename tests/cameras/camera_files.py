"""Camera files and cameras for the tests: rows in the columns of 전국CCTV표준데이터, clean unless told."""

import csv
import io
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from ansim.cameras.model import ALL_ROUND_DEG, Camera

ROOT = Path(__file__).parents[2]
GANGNAM = Path(os.environ.get("ANSIM_SHARED_DATA", ROOT.parent / "shared/data")) / "cctv-gangnam.csv"

needs_gangnam = pytest.mark.skipif(
    not GANGNAM.is_file(), reason=f"{GANGNAM.name} is absent: set ANSIM_SHARED_DATA to the folder that has it"
)

HEADER = (
    "개방자치단체코드",
    "관리번호",
    "관리기관명",
    "소재지도로명주소",
    "소재지지번주소",
    "설치목적구분",
    "카메라대수",
    "카메라화소수",
    "촬영방면정보",
    "보관일수",
    "설치연월",
    "관리기관전화번호",
    "WGS84위도",
    "WGS84경도",
    "데이터기준일자",
    "데이터갱신구분",
    "데이터갱신시점",
    "최종수정시점",
)

CLEAN = {
    "개방자치단체코드": "3830000",
    "관리번호": "1",
    "관리기관명": "경기도 안양시청",
    "소재지도로명주소": "경기도 안양시 만안구 석수로 10 (석수동, 한빛아파트)",
    "소재지지번주소": "경기도 안양시 만안구 석수동 101",
    "설치목적구분": "생활방범",
    "카메라대수": "1",
    "카메라화소수": "200",
    "촬영방면정보": "동측",
    "보관일수": "30",
    "설치연월": "2020-05",
    "관리기관전화번호": "031-000-0000",
    "WGS84위도": "37.4251",
    "WGS84경도": "126.9071",
    "데이터기준일자": "2024-01-01",
}


def row(**changes: str) -> dict[str, str]:
    """A clean row with some cells changed."""
    unknown = set(changes) - set(HEADER)
    assert not unknown, unknown
    return CLEAN | changes


def text_of(rows: list[dict[str, str]], delimiter: str = ",") -> str:
    """Rows as the text of a CSV file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER, restval="", delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write_csv(path: Path, rows: list[dict[str, str]], encoding: str = "cp949", delimiter: str = ",") -> Path:
    """A CSV file of rows."""
    path.write_bytes(text_of(rows, delimiter).encode(encoding))
    return path


def camera(number: int = 1, **changes: Any) -> Camera:
    """A camera at 석수동 that looks all round."""
    fields: dict[str, Any] = {
        "id": f"{number:016x}",
        "name": f"석수1동 {number:03d}",
        "lat": 37.4251,
        "lon": 126.9071,
        "fov_deg": ALL_ROUND_DEG,
        "heading_confidence": 0.9,
    }
    return Camera(**(fields | changes))


def somewhere(spread: float = 0.01) -> st.SearchStrategy[tuple[float, float]]:
    """Places around 석수동, within ``spread`` degrees."""
    return st.tuples(st.floats(37.43 - spread, 37.43 + spread), st.floats(126.9 - spread, 126.9 + spread))


@st.composite
def cameras(draw: st.DrawFn, spread: float = 0.004) -> Camera:
    """Cameras of every kind; the tests number them."""
    lat, lon = draw(somewhere(spread))
    heading = draw(st.none() | st.floats(0, 360, exclude_max=True))
    return camera(
        lat=lat,
        lon=lon,
        heading=heading,
        fov_deg=draw(st.sampled_from([60.0, 90.0, 180.0, 360.0])),
        heading_confidence=draw(st.sampled_from([0.0, 0.4, 0.5, 0.9])),
        range_m=draw(st.sampled_from([20.0, 80.0, 200.0])),
        ptz=draw(st.booleans()),
    )

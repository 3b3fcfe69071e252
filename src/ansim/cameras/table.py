"""Camera files as rows: CSV in whatever encoding, delimiter and spelling of columns it comes."""

import codecs
import csv
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

MAX_BYTES = 4 << 30
_FIRST = 65_536
"""Bytes in which the header line must end."""
_LONGEST_LINE = 1 << 20
_DELIMITERS = ",\t;|"

ENCODINGS = ("utf-8", "cp949")

COLUMNS: dict[str, tuple[str, ...]] = {
    "authority": ("개방자치단체코드", "자치구", "시군구", "시군구코드", "지자체코드"),
    "number": ("관리번호", "cctv관리번호", "카메라관리번호", "안심cctv관리번호"),
    "name": ("cctv명", "카메라명", "명칭", "설치위치명", "설치장소명", "name"),
    "manager": ("관리기관명", "관리기관", "기관명"),
    "road_address": ("소재지도로명주소", "도로명주소", "주소", "안심주소", "설치주소", "소재지", "address"),
    "lot_address": ("소재지지번주소", "지번주소"),
    "purpose": ("설치목적구분", "설치목적", "cctv용도", "용도"),
    "count": ("카메라대수", "cctv수량", "수량", "대수", "count"),
    "megapixels": ("카메라화소수", "카메라화소", "화소수", "화소"),
    "direction": ("촬영방면정보", "촬영방면", "촬영방향", "방향", "direction"),
    "installed": ("설치연월", "설치년월", "설치일자", "설치연도", "설치년도"),
    "phone": ("관리기관전화번호", "전화번호"),
    "lat": ("wgs84위도", "위도", "위도wgs84", "lat", "latitude"),
    "lon": ("wgs84경도", "경도", "경도wgs84", "lon", "lng", "longitude"),
}
"""Our names for the columns of 전국CCTV표준데이터 and of Seoul's 안심이 file, with the spellings met."""
_NEEDED = {"lat": "WGS84위도", "lon": "WGS84경도"}
_SPELLED = {spelling: column for column, spellings in COLUMNS.items() for spelling in reversed(spellings)}


class CameraFileError(ValueError):
    """A camera file that cannot be read at all; the message says what is wrong."""


class Layout(Struct, frozen=True, kw_only=True):
    """How a file is written: ``columns`` maps our names to places in a row of ``width`` cells."""

    encoding: str
    delimiter: str
    columns: dict[str, int]
    width: int


class Row(Struct, frozen=True, kw_only=True):
    """One row: the line it ends on (the header is line 1) and its cells by our names.

    ``width`` is how many cells it has, blank ones after the header's last not counted.
    """

    line: int
    cells: dict[str, str]
    width: int
    bytes_read: int


def read_layout(path: Path, encoding: str | None = None) -> Layout:
    """How a file is written, seen from its header; ``encoding`` forces one.

    Raises :class:`CameraFileError` when it has no columns for latitude and longitude.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise CameraFileError(f"{path.name} is larger than {MAX_BYTES >> 30} GiB")
    with path.open("rb") as file:
        head = file.read(_FIRST)
    if not head:
        raise CameraFileError(f"{path.name} is empty")
    candidates = (encoding,) if encoding else _encodings(path.name, head)
    layouts = [layout for candidate in candidates for layout in _layouts(path.name, head, candidate)]
    best = max(layouts, key=lambda layout: (len(layout.columns), _decodes(head, layout.encoding)))
    missing = [title for name, title in _NEEDED.items() if name not in best.columns]
    if missing:
        raise CameraFileError(
            f"{path.name} has no column {' / '.join(missing)}; its first line must be the header"
        )
    return best


def read_rows(path: Path, layout: Layout) -> Iterator[Row]:
    """The rows of a file after its header, one by one; blank lines are passed over.

    Bytes that the encoding does not know become U+FFFD. Raises :class:`CameraFileError` where the file
    stops being CSV.
    """
    with path.open("rb") as binary:
        lines = _Lines(binary, layout.encoding)
        reader = csv.reader(lines, delimiter=layout.delimiter)
        try:
            for cells in reader:
                if lines.header_read and any(cell.strip() for cell in cells):
                    yield Row(
                        line=reader.line_num,
                        cells={
                            name: cells[place] for name, place in layout.columns.items() if place < len(cells)
                        },
                        width=_width(cells, layout.width),
                        bytes_read=lines.bytes_read,
                    )
                lines.header_read = True
        except csv.Error as error:
            raise CameraFileError(
                f"{path.name}, before line {reader.line_num}: {error} (a quotation mark left open?)"
            ) from error


class _Lines(Iterator[str]):
    """Decoded lines of a file that know how far they have come."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        self.bytes_read = 0
        self.header_read = False

    def __next__(self) -> str:
        line = self._file.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) == _LONGEST_LINE:
            raise csv.Error(f"a line longer than {_LONGEST_LINE >> 20} MiB")
        first = self.bytes_read == 0
        self.bytes_read += len(line)
        text = line.decode(self._encoding, "replace")
        return text.removeprefix("\ufeff") if first else text


def _width(cells: list[str], header: int) -> int:
    width = len(cells)
    while width > header and not cells[width - 1].strip():
        width -= 1
    return width


def _decodes(head: bytes, encoding: str) -> bool:
    """Whether the beginning of a file is text in an encoding; it may end within a character."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _encodings(file: str, head: bytes) -> tuple[str, ...]:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CameraFileError(f"{file} is UTF-16: save it as CSV UTF-8")
    return ("utf-8",) if head.startswith(b"\xef\xbb\xbf") else ENCODINGS


def _layouts(file: str, head: bytes, encoding: str) -> Iterator[Layout]:
    line, newline, _ = head.partition(b"\n")
    if not newline and len(head) == _FIRST:
        raise CameraFileError(f"{file}: the header does not end within {_FIRST >> 10} KiB")
    try:
        text = line.decode(encoding, "replace").removeprefix("\ufeff")
    except LookupError:
        raise CameraFileError(f"there is no encoding {encoding}; CP949 and UTF-8 are usual") from None
    for delimiter in _DELIMITERS:
        titles = next(csv.reader([text], delimiter=delimiter), [])
        columns: dict[str, int] = {}
        ranks: dict[str, int] = {}
        for place, title in enumerate(titles):
            spelled = _plain(title)
            name = _SPELLED.get(spelled)
            if name is None:
                continue
            rank = COLUMNS[name].index(spelled)
            if name not in columns or rank < ranks[name]:
                columns[name], ranks[name] = place, rank
        yield Layout(encoding=encoding, delimiter=delimiter, columns=columns, width=len(titles))


def _plain(title: str) -> str:
    """A column's title without spaces, punctuation, case and full-width letters."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", title)).lower()

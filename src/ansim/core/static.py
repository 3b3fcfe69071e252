"""The faces' files: pages, assets, service worker, manifest; from memory, with validators."""

import asyncio
import gzip
import hashlib
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler

FACES = Path(__file__).parent.parent / "web" / "static"
"""Where `make web` puts the built faces."""

_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".pbf": "application/x-protobuf",
}
_PACKED = frozenset({".html", ".js", ".css", ".json", ".geojson", ".webmanifest", ".svg", ".txt", ".wasm"})
_WORTH_PACKING = 1_000
_FOLDERS = ("assets", "icons", "fonts", "sounds", "map")
_FILES = ("sw.js", "manifest.webmanifest")
_UNBUILT = """<!doctype html>
<html lang="ko"><head><meta charset="utf-8"><title>Ansim</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main><h1>Ansim</h1>
<p>화면이 아직 만들어지지 않았습니다. 저장소에서 <code>make web</code>을 실행한 뒤 새로 고쳐 주세요.</p>
<p lang="en">The pages have not been built yet: run <code>make web</code> in the repository, then reload.</p>
</main></body></html>"""


class _File(msgspec.Struct, frozen=True):
    stamp: tuple[int, int]
    tag: str
    media_type: str
    plain: bytes
    packed: bytes | None


class StaticFiles:
    """Serves one folder: a file is read once, and again when it changes; nothing outside is found."""

    def __init__(self, root: Path = FACES) -> None:
        self.root = root.resolve()
        self._known: dict[Path, _File] = {}

    def handlers(self, pages: dict[str, str]) -> list[HTTPRouteHandler]:
        """The routes: ``pages`` (URL path → html file), each html file by its own name, files and folders."""
        made = [
            self._page(paths, name)
            for name, paths in _paths_by_file(pages).items()
            if not name.startswith((".", "/"))
        ]

        @get([f"/{name}" for name in _FILES], include_in_schema=False)
        async def root_file(request: Request[Any, Any, Any]) -> Response[bytes]:
            return await self._answer(request, request.url.path)

        @get([f"/{name}/{{rest:path}}" for name in _FOLDERS], include_in_schema=False)
        async def file(request: Request[Any, Any, Any]) -> Response[bytes]:
            return await self._answer(request, request.url.path)

        return [*made, root_file, file]

    def _page(self, paths: list[str], name: str) -> HTTPRouteHandler:
        @get(paths, include_in_schema=False)
        async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
            try:
                return await self._answer(request, name)
            except NotFoundException:
                return Response(_UNBUILT.encode(), status_code=503, media_type=_TYPES[".html"])

        return page

    async def _answer(self, request: Request[Any, Any, Any], name: str) -> Response[bytes]:
        file = await asyncio.to_thread(self._find, name)
        headers = {"etag": file.tag, "vary": "accept-encoding"}
        if file.tag in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers, media_type=file.media_type)
        if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            return Response(file.packed, headers=headers, media_type=file.media_type)
        return Response(file.plain, headers=headers, media_type=file.media_type)

    def _find(self, name: str) -> _File:
        if "\0" in name:
            raise NotFoundException
        path = (self.root / name.lstrip("/")).resolve()
        media_type = _TYPES.get(path.suffix)
        if media_type is None or not path.is_relative_to(self.root) or not path.is_file():
            raise NotFoundException
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._known.get(path)
        if known is None or known.stamp != stamp:
            plain = path.read_bytes()
            worth = path.suffix in _PACKED and len(plain) >= _WORTH_PACKING
            known = _File(
                stamp=stamp,
                tag=f'W/"{hashlib.sha256(plain).hexdigest()[:20]}"',
                media_type=media_type,
                plain=plain,
                packed=gzip.compress(plain, 6) if worth else None,
            )
            self._known[path] = known
        return known


def _paths_by_file(pages: dict[str, str]) -> dict[str, list[str]]:
    """A service worker fetches a page by its file name, people by its path."""
    paths: dict[str, list[str]] = {}
    for path, name in pages.items():
        paths.setdefault(name, [f"/{name}"]).append(path)
    return paths

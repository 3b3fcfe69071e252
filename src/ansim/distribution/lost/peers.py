"""Other LoST servers: areas that are delegated to them, and asking them in the client's stead (section 6)."""

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType

import httpx
from lxml import etree

from ansim.core import logs
from ansim.core.settings import LostPeer
from ansim.distribution.lost import model
from ansim.distribution.lost.model import LOST, ErrorKind, LostError
from ansim.distribution.lost.xml import children, parse, split

TIMEOUT_S = 2.0
"""A server that has not answered by then counts as silent."""
AT_ONCE = 32
"""Requests to other servers under way; more are refused rather than queued."""
ANSWER_LIMIT = 4_000_000
_ANSWERS = frozenset({"findServiceResponse", "listServicesByLocationResponse"})

_log = logs.get("lost")


class Peers:
    """The servers of the settings, by name; ``parent`` is the one for places outside every boundary."""

    def __init__(
        self,
        peers: Mapping[str, LostPeer],
        parent: str = "",
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.peers = dict(peers)
        self._parent = parent if parent in peers and peers[parent].url else ""
        self._delegated = {code: name for name, peer in peers.items() for code in peer.codes}
        self._under_way = 0
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S, transport=transport, follow_redirects=False)

    async def close(self) -> None:
        """End the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> "Peers":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def for_codes(self, codes: Sequence[str], *, distant: bool) -> str | None:
        """The server that answers for the first of these municipalities; for a distant place the parent."""
        if distant:
            return self._parent or None
        return self._delegated.get(codes[0])

    async def ask(self, server: str, body: bytes, path: Sequence[str]) -> bytes:
        """The answer of ``server`` to the request in ``body`` with ``path`` as its way so far.

        One redirect to another known server is followed. Raises LostError when there is no usable answer.
        """
        request = with_path(body, path)
        for _ in range(2):
            answer, root = await self._post(server, request)
            target = root.get("target", "") if split(root) == (LOST, "redirect") else ""
            if target not in self.peers or target in path:
                break
            server = target
        namespace, name = split(root)
        if namespace == LOST and name == "errors":
            raise _told(server, root)
        if namespace != LOST or name not in _ANSWERS:
            raise LostError(ErrorKind.SERVER_ERROR, f"{server} gave no answer of LoST")
        return answer

    async def post(self, server: str, body: bytes, media_type: str) -> bytes:
        """What ``server`` answers to ``body``, with this pair's secret. Raises LostError."""
        peer = self.peers[server]
        headers = {"content-type": media_type}
        if peer.secret:
            headers["authorization"] = f"Bearer {peer.secret}"
        if not peer.url:
            raise LostError(ErrorKind.SERVER_ERROR, f"no address of {server} is known")
        if self._under_way >= AT_ONCE:
            raise LostError(
                ErrorKind.SERVER_TIMEOUT, f"too many requests wait for other servers like {server}"
            )
        self._under_way += 1
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._read(peer.url, body, headers, server)
        except (TimeoutError, httpx.TimeoutException):
            raise LostError(ErrorKind.SERVER_TIMEOUT, f"{server} did not answer in time") from None
        except httpx.HTTPError as error:
            _log.warning("LoST server out of reach", server=server, reason=repr(error))
            raise LostError(ErrorKind.SERVER_ERROR, f"{server} is out of reach") from None
        finally:
            self._under_way -= 1

    async def _read(self, url: str, body: bytes, headers: dict[str, str], server: str) -> bytes:
        async with self._client.stream("POST", url, content=body, headers=headers) as response:
            parts: list[bytes] = []
            size = 0
            async for part in response.aiter_bytes():
                size += len(part)
                if size > ANSWER_LIMIT:
                    raise LostError(ErrorKind.SERVER_ERROR, f"{server} answers with too much")
                parts.append(part)
            return b"".join(parts)

    async def _post(self, server: str, body: bytes) -> tuple[bytes, etree._Element]:
        answer = await self.post(server, body, model.MEDIA_TYPE)
        try:
            return answer, parse(answer, ANSWER_LIMIT)
        except LostError:
            raise LostError(ErrorKind.SERVER_ERROR, f"{server} gave no answer of LoST") from None


def with_path(body: bytes, path: Sequence[str]) -> bytes:
    """The request with ``path`` in its place: after the service, before what extends it."""
    root = parse(body)
    at = 0
    for child in list(root):
        if not isinstance(child.tag, str) or split(child)[1] == "path":
            root.remove(child)
    for number, (namespace, name, _) in enumerate(children(root), start=1):
        if namespace in (LOST, "") and name in ("location", "service"):
            at = number
    way = etree.Element(f"{{{LOST}}}path")
    for server in path:
        etree.SubElement(way, f"{{{LOST}}}via").set("source", server)
    root.insert(at, way)
    sent: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return sent


def _told(server: str, root: etree._Element) -> LostError:
    """The error that another server answered."""
    for _, name, child in children(root):
        if name in set(ErrorKind):
            kind = ErrorKind(name)
            message = f"{server} says {name}: {child.get('message', '')}"
            return LostError(kind, message, profiles=tuple(child.get("unsupportedProfiles", "").split()))
    return LostError(ErrorKind.SERVER_ERROR, f"{server} says there was an error")

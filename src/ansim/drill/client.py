"""An HTTP client that is one person at one node: keeps cookies, carries the token, follows the stream."""

import asyncio
import json
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any, Self

import httpx


class Refused(Exception):
    """The node refused; the message is its own title."""


class StreamEnded(Exception):
    """The stream ended, or what was waited for did not come in time."""


class Client:
    """One signed-in (or anonymous) visitor of a node.

    Cookies are kept by hand: a drill runs over plain HTTP on the node's own machine, where an ordinary cookie
    jar would hold back what is marked Secure.
    """

    def __init__(self, url: str, bearer: str = "") -> None:
        headers = {"accept-language": "en"} | ({"authorization": f"Bearer {bearer}"} if bearer else {})
        self._http = httpx.AsyncClient(base_url=url, timeout=10, headers=headers)
        self._cookies: dict[str, str] = {}
        self._csrf = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    def bearer(self, token: str) -> None:
        """Use this secret from now on."""
        self._http.headers["authorization"] = f"Bearer {token}"

    async def greet(self) -> None:
        """Fetch the token that every unsafe method must carry (an SOS needs none)."""
        about = await self.call("GET", "/api/node")
        self._csrf = self._cookies.get(about.json()["csrf_cookie"], "")

    async def sign_in(self, app: str, login: str, password: str) -> None:
        """Sign in at the console or the desk."""
        await self.greet()
        await self.call("POST", f"/api/{app}/session", {"login": login, "password": password})

    async def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        """One request; Refused when the answer is a problem."""
        answer = await self.send(method, path, body)
        if answer.status_code >= 400:
            problem = answer.headers.get("content-type", "").startswith("application/problem+json")
            raise Refused(answer.json()["title"] if problem else f"HTTP {answer.status_code}")
        return answer

    async def send(
        self, method: str, path: str, body: object = None, *, content: bytes | None = None
    ) -> httpx.Response:
        """One request, whatever the answer; ``content`` goes out as it is, in place of a JSON ``body``."""
        answer = await self._http.request(method, path, json=body, content=content, headers=self._headers())
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self._cookies[name] = morsel.value
        return answer

    def _headers(self) -> dict[str, str]:
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        return headers | ({"x-csrftoken": self._csrf} if self._csrf else {})

    def follow(self, path: str) -> "Follower":
        """Open a stream of incidents."""
        return Follower(self._http, path, self._headers())


class Follower:
    """Keeps the newest view of each incident of a stream."""

    def __init__(self, http: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
        self._http = http
        self._path = path
        self._headers = headers
        self._views: dict[str, dict[str, Any]] = {}
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        timeout = httpx.Timeout(10, read=30)
        async with self._http.stream("GET", self._path, headers=self._headers, timeout=timeout) as answer:
            if answer.status_code != 200:
                raise StreamEnded(f"the stream answered {answer.status_code}")
            event = ""
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    event = line[7:]
                elif line.startswith("data: "):
                    await self._take(event, json.loads(line[6:]))

    async def _take(self, event: str, data: dict[str, Any]) -> None:
        async with self._changed:
            if event == "snapshot":
                self._views = {shown["view"]["id"]: shown["view"] for shown in data["incidents"]}
            elif event == "change" and "view" in data:
                self._views[data["incident"]] = data["view"]
            self._changed.notify_all()

    async def until(
        self, incident: str, holds: Callable[[dict[str, Any]], bool], within_s: float
    ) -> dict[str, Any]:
        """Wait until the incident's view satisfies ``holds``; StreamEnded when it does not in time."""
        if self._task is None:
            raise StreamEnded("the stream is not open")

        async def wait() -> dict[str, Any]:
            async with self._changed:
                await self._changed.wait_for(lambda: incident in self._views and holds(self._views[incident]))
                return self._views[incident]

        waiter = asyncio.create_task(wait())
        done, _ = await asyncio.wait({waiter, self._task}, timeout=within_s, return_when="FIRST_COMPLETED")
        if waiter in done:
            return waiter.result()
        waiter.cancel()
        if self._task in done:
            raise StreamEnded(f"the stream ended: {self._task.exception() or 'closed'}")
        raise StreamEnded(f"nothing within {within_s:.0f} s")

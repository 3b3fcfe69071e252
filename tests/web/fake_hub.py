"""A hub that keeps the citizen's contract in memory, so that her page can be tested alone.

It remembers every report it took, and a test moves an incident on with ``move``; nothing here routes, stores
or decides like the real one.
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from web.pages import Receive, Scope, Send, send_file

ANYANG = {"code": "41170", "name": "안양시"}
GEUMCHEON = {"code": "11545", "name": "금천구"}
CODE = "123456"
PIN = "2580"
DURESS_PIN = "9999"


def stamp(seconds: float = 0) -> str:
    """ISO time in milliseconds, ``seconds`` from now."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def person(**changes: Any) -> dict[str, Any]:
    """What GET /api/me answers for a registered person."""
    return {
        "id": "p-1",
        "name": "김안심",
        "phone": "010-1234-5678",
        "note": "",
        "consent": {"location": True, "video": True, "contact": True, "at": stamp()},
        "guardians": [],
        "settings": {"shake": {"enabled": False, "strength": 5}, "silent": False},
        "has_duress_pin": True,
    } | changes


def request(agency: str, status: str) -> dict[str, Any]:
    """A dispatch request of an incident's view."""
    return {
        "id": f"r-{agency}",
        "agency": agency,
        "status": status,
        "at": stamp(),
        "by": "",
        "center": ANYANG["code"],
        "unverified": False,
        "note": "",
        "history": [{"status": status, "at": stamp(), "by": ""}],
    }


class FakeHub:
    """The application, what it was told, and the switches a test sets."""

    def __init__(self) -> None:
        self.me: dict[str, Any] | None = None
        self.signed_in = True
        self.code = CODE
        self.window = 5.0
        self.demo = True
        self.fail: list[int] = []
        """Statuses that the next SOS reports are answered with instead of being taken."""
        self.presses: list[dict[str, Any]] = []
        self.bodies: list[dict[str, Any]] = []
        self.cancels: list[dict[str, Any]] = []
        self.registrations: list[dict[str, Any]] = []
        self.hurried: list[str] = []
        self.positions: dict[str, dict[str, Any]] = {}
        self.position_calls = 0
        self.looks: list[dict[str, Any]] = []
        self.incidents: dict[str, dict[str, Any]] = {}
        self.duress: set[str] = set()
        self.attempts_left = 5
        self._streams: list[tuple[str, asyncio.Queue[bytes | None]]] = []
        self._cursor = 0
        self._events = 0

    # What a test does to an incident.

    def move(self, incident: str, **changes: Any) -> None:
        """Change an incident's view and push it to whoever listens."""
        view = self.incidents[incident]
        view.update(changes)
        self._events += 1
        event = {
            "id": f"e-{self._events:04d}",
            "type": "seen",
            "at": f"{self._events:016x}",
            "time": stamp(),
            "node": "hub",
            "actor": {"kind": "system", "id": "hub", "name": ""},
            "data": {},
        }
        self._push(incident, {"kind": "event", "incident": incident, "event": event, "view": view})

    def only(self) -> str:
        """The one incident there is."""
        (incident,) = self.incidents
        return incident

    def end_streams(self) -> None:
        """Cut every stream, as a proxy or a restart does."""
        for _, queue in self._streams:
            queue.put_nowait(None)

    def _push(self, incident: str, change: dict[str, Any]) -> None:
        self._cursor += 1
        frame = f"event: change\nid: {self._cursor}\ndata: {json.dumps(change)}\n\n".encode()
        for listened, queue in self._streams:
            if listened == incident:
                queue.put_nowait(frame)

    # The application.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        method, path = scope["method"], scope["path"]
        if not path.startswith("/api/"):
            name = "citizen.html" if path == "/" else path.lstrip("/")
            if not await send_file(send, name):
                await self._answer(send, 404, None)
            return
        body = await self._body(receive)
        if path.startswith("/api/sos/") and path.endswith("/stream"):
            await self._stream(scope, receive, send, path.split("/")[3])
            return
        needs_token = method != "GET" and not (method == "POST" and path.startswith("/api/sos"))
        if needs_token and b"token-1" not in dict(scope["headers"]).get(b"x-csrftoken", b""):
            await self._problem(send, 403, "csrf", "token missing")
            return
        await self._route(method, path, body, send)

    async def _route(self, method: str, path: str, body: Any, send: Send) -> None:
        if path == "/api/node":
            node = {
                "role": "hub",
                "code": "hub",
                "name": "허브",
                "version": "0",
                "csrf_cookie": "ansim_hub_csrf",
                "demo": self.demo,
            }
            await self._answer(send, 200, node, cookie="ansim_hub_csrf=token-1; Path=/")
        elif path == "/api/probe":
            await self._answer(send, 204, None)
        elif path.startswith("/api/sos"):
            await self._sos(method, path, body, send)
        else:
            await self._account(method, path, body, send)

    async def _account(self, method: str, path: str, body: Any, send: Send) -> None:
        if path == "/api/registration/code":
            await self._answer(send, 202, {"expires_in": 180})
        elif path in ("/api/registration", "/api/session") and method == "POST":
            if body["code"] != self.code:
                await self._problem(
                    send, 400, "wrong-code", "인증번호가 맞지 않습니다.", field="code", attempts_left=4
                )
            elif path == "/api/session" and (self.me is None):
                await self._problem(send, 404, "not-registered", "등록되지 않은 번호입니다.", field="phone")
            else:
                if path == "/api/registration":
                    self.registrations.append(body)
                    self.me = person(
                        name=body["name"],
                        note=body.get("note", ""),
                        consent=body["consent"] | {"at": stamp()},
                        has_duress_pin="duress_pin" in body,
                    )
                self.signed_in = True
                await self._answer(send, 201 if path == "/api/registration" else 200, self.me)
        elif self.me is None or not self.signed_in:
            await self._problem(send, 401, "sign-in-required", "로그인이 필요합니다.")
        elif path == "/api/session":
            self.signed_in = False
            await self._answer(send, 204, None)
        elif path == "/api/me/looks":
            await self._answer(send, 200, self.looks)
        elif path == "/api/me/guardians":
            self.me["guardians"] = body
            await self._answer(send, 200, self.me)
        elif path == "/api/me/pin":
            if body["pin"] != PIN:
                await self._problem(
                    send, 403, "wrong-pin", "PIN이 맞지 않습니다.", field="pin", attempts_left=4
                )
            else:
                await self._answer(send, 200, self.me)
        else:
            if method == "PUT":
                self.me.update(body)
            await self._answer(send, 200, self.me)

    async def _sos(self, method: str, path: str, body: Any, send: Send) -> None:
        parts = path.split("/")
        if path == "/api/sos/current":
            opened = [
                view for view in self.incidents.values() if view["state"] not in ("closed", "cancelled")
            ]
            current = {"incident": opened[-1]["id"], "state": opened[-1]["state"]} if opened else None
            await self._answer(send, 200 if current else 204, current)
        elif path == "/api/sos":
            await self._press(body, send)
        elif parts[4] == "cancel":
            await self._cancel(parts[3], body, send)
        elif parts[4] == "now":
            self.hurried.append(parts[3])
            await self._answer(send, 200, {})
            self.move(parts[3], state="alerting", alerted_at=stamp())
        elif parts[4] == "positions":
            self.position_calls += 1
            for position in body["positions"]:
                self.positions[position["id"]] = position
            await self._answer(send, 202, {"accepted": len(body["positions"]), "marked": 0})

    async def _press(self, body: dict[str, Any], send: Send) -> None:
        self.bodies.append(body)
        if self.fail:
            await self._problem(send, self.fail.pop(0), "broken", "broken")
            return
        known = [press for press in self.presses if press["key"] == body["key"]]
        incident = f"i-{body['key'][:8]}"
        if not known:
            self.presses.append(body)
            self.incidents[incident] = self._view(incident, body)
        view = self.incidents[incident]
        answer = {
            "incident": incident,
            "key": body["key"],
            "state": view["state"],
            "window_ends_at": view["window_ends_at"],
            "owner": ANYANG,
            "marks": [],
        }
        await self._answer(send, 200 if known else 201, answer)

    def _view(self, incident: str, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": incident,
            "state": "armed",
            "exercise": False,
            "silent": body["silent"],
            "priority": "normal",
            "trigger": body["trigger"],
            "marks": [],
            "opened_at": stamp(),
            "window_ends_at": stamp(self.window),
            "alerted_at": None,
            "accepted_at": None,
            "closed_at": None,
            "person": None,
            "owner": ANYANG | {"epoch": 1, "since": stamp(), "reason": "routed"},
            "responsible": ANYANG | {"method": "contains", "approximate": True},
            "parties": [ANYANG | {"role": "owner"}],
            "delivered": {},
            "seen": {},
            "operator": None,
            "position": None,
            "requests": [],
            "closing": None,
            "disposition": None,
            "superseded": [],
            "events": 1,
        }

    async def _cancel(self, incident: str, body: dict[str, Any], send: Send) -> None:
        self.cancels.append(body)
        view = self.incidents[incident]
        if body["pin"] not in (PIN, DURESS_PIN) and self.me is not None:
            self.attempts_left -= 1
            left = self.attempts_left
            await self._problem(
                send, 403, "wrong-pin", "PIN이 맞지 않습니다.", field="pin", attempts_left=left
            )
        elif view["state"] not in ("armed", "alerting"):
            await self._problem(send, 409, "too-late", "이미 관제요원이 확인했습니다.")
        else:
            if body["pin"] == DURESS_PIN:
                self.duress.add(incident)
            await self._answer(send, 200, {"state": "cancelled"})
            self.move(incident, state="cancelled")

    async def _stream(self, scope: Scope, receive: Receive, send: Send, incident: str) -> None:
        view = self.incidents.get(incident)
        if view is None:
            await self._problem(send, 404, "not-found", "not found")
            return
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        entry = (incident, queue)
        self._streams.append(entry)
        resumed = parse_qs(scope["query_string"].decode()).get("cursor")
        if not resumed:
            snapshot = {
                "cursor": self._cursor,
                "now": stamp(),
                "node": {"code": "hub", "name": "허브", "hub_link": {"up": True, "since": stamp()}},
                "incidents": [{"view": view, "timeline": [], "track": []}],
            }
            frame = f"event: snapshot\nid: {self._cursor}\ndata: {json.dumps(snapshot)}\n\n"
            await send({"type": "http.response.body", "body": frame.encode(), "more_body": True})
        gone = asyncio.create_task(self._disconnected(receive))
        try:
            await self._feed(queue, gone, send)
        finally:
            self._streams.remove(entry)
            gone.cancel()

    async def _feed(self, queue: asyncio.Queue[bytes | None], gone: asyncio.Task[None], send: Send) -> None:
        while True:
            waiting = asyncio.create_task(queue.get())
            await asyncio.wait({waiting, gone}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                waiting.cancel()
                return
            if waiting.done():
                frame = waiting.result()
                if frame is None:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    return
            else:
                waiting.cancel()
                frame = f'event: ping\ndata: {{"now": "{stamp()}"}}\n\n'.encode()
            await send({"type": "http.response.body", "body": frame, "more_body": True})

    @staticmethod
    async def _disconnected(receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    @staticmethod
    async def _body(receive: Receive) -> Any:
        content = b""
        while True:
            message = await receive()
            content += message.get("body", b"")
            if not message.get("more_body"):
                break
        return json.loads(content) if content else None

    async def _problem(self, send: Send, status: int, slug: str, detail: str, **extra: Any) -> None:
        body = {"type": f"/problems/{slug}", "title": slug, "status": status, "detail": detail} | extra
        await self._answer(send, status, body, kind=b"application/problem+json")

    @staticmethod
    async def _answer(
        send: Send, status: int, body: Any, *, cookie: str = "", kind: bytes = b"application/json"
    ) -> None:
        headers = [(b"content-type", kind), (b"cache-control", b"no-store")]
        if cookie:
            headers.append((b"set-cookie", cookie.encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        content = b"" if body is None else json.dumps(body).encode()
        await send({"type": "http.response.body", "body": content})

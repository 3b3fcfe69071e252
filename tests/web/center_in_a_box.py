"""A center for browser tests: real events, fold and views behind the contract's HTTP, kept in memory.

Serves the built pages under the strict content security policy that nodes use. ``Case`` writes an incident's
story event by event; every command of a page is answered by the same rules a center keeps.
"""

import json
import math
import mimetypes
import queue
import secrets
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from ansim.core.actors import Actor, system
from ansim.core.clock import HybridClock, iso, now
from ansim.core.ids import new_id
from ansim.incidents import events as ev
from ansim.incidents.fold import fold
from ansim.incidents.lifecycle import IN_HAND
from ansim.incidents.model import Incident
from ansim.incidents.positions import Position
from ansim.incidents.view import for_agency, view

STATIC = Path(__file__).resolve().parents[2] / "src" / "ansim" / "web" / "static"
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self'; font-src 'self'; "
    "frame-ancestors 'none'"
)
HUB, ANYANG, GEUMCHEON, GUNPO = "hub", "41170", "11545", "41410"
NAMES = {ANYANG: "안양시", GEUMCHEON: "금천구", GUNPO: "군포시"}
HERE = (37.4320, 126.9105)
"""A street corner in the north of 안양, near the border."""


@dataclass(frozen=True)
class Login:
    """Somebody who may sign in."""

    app: str
    login: str
    password: str
    id: str
    name: str
    role: str
    agency: str | None = None

    def staff(self) -> dict[str, Any]:
        """What the page is told of them."""
        return {
            "id": self.id,
            "name": self.name,
            "role": self.role,
            "agency": self.agency,
            "on_duty": True,
        }

    @property
    def actor(self) -> Actor:
        """They as the author of events."""
        return Actor(kind="agency" if self.agency else "staff", id=self.id, name=self.name)


KIM = Login("console", "kim", "kim-pass", "op-kim", "김관제", "operator")
LEE = Login("console", "lee", "lee-pass", "op-lee", "이관제", "operator")
POLICE = Login("desk", "police", "police-pass", "desk-112", "112 상황실", "agency", "112")
FIRE = Login("desk", "fire", "fire-pass", "desk-119", "119 상황실", "agency", "119")
LOGINS = (KIM, LEE, POLICE, FIRE)

HANA = ev.PersonCard(
    id="p-hana",
    name="이하나",
    phone="+821012345678",
    note="천식이 있어 흡입기를 가지고 다닙니다.",
    guardians=(ev.Guardian(name="이어머니", phone="010-9876-5432"),),
)


@dataclass
class Case:
    """One incident as its events, with the actors' usual moves."""

    center: "Center"
    id: str = field(default_factory=new_id)
    events: list[ev.Event] = field(default_factory=list)
    track: list[Position] = field(default_factory=list)

    def add(self, data: ev.Data, *, by: Actor | None = None, node: str = HUB) -> ev.Event:
        """Append one event and push it to every screen."""
        event = ev.Event(
            id=new_id(),
            incident=self.id,
            at=self.center.clock.tick(),
            node=node,
            actor=by or system(node),
            data=data,
        )
        with self.center.lock:
            self.events.append(event)
        self.center.push(self, {"kind": "event", "incident": self.id, "event": ev.entry(event)})
        return event

    @property
    def incident(self) -> Incident:
        """What the events add up to."""
        return fold(self.events)

    @property
    def position(self) -> Position | None:
        """The newest fix."""
        return max(self.track, key=lambda fix: fix.order, default=None)

    def view(self) -> dict[str, Any]:
        """The staff view as plain JSON types."""
        plain: dict[str, Any] = msgspec.to_builtins(view(self.incident, self.position))
        return plain

    def at(
        self,
        lat: float = HERE[0],
        lon: float = HERE[1],
        *,
        radius: float = 15.0,
        age_s: float = 0.0,
        **more: Any,
    ) -> "Case":
        """A fix ``age_s`` seconds old."""
        moment = iso(now().fromtimestamp(time.time() - age_s, now().tzinfo))
        fix = Position(
            id=new_id(),
            at=moment,
            received_at=iso(now()),
            lat=lat,
            lon=lon,
            radius=radius,
            source=more.pop("source", "gnss"),
            **more,
        )
        with self.center.lock:
            self.track.append(fix)
        self.center.push(self, {"kind": "positions", "incident": self.id, "positions": [fix]})
        return self

    def armed(self, *, person: ev.PersonCard | None = HANA, window_s: float = 5.0, **more: Any) -> "Case":
        """She presses."""
        ends = iso(now().fromtimestamp(time.time() + window_s, now().tzinfo))
        trigger = more.pop("trigger", "hold")
        data = ev.Armed(
            key=new_id(), trigger=trigger, pressed_at=iso(now()), window_ends_at=ends, person=person, **more
        )
        self.add(data, by=Actor(kind="person", id=person.id if person else "", name="신고자"))
        self.add(ev.Routed(code=ANYANG, name=NAMES[ANYANG], method="contains", approximate=True))
        return self.owned(ANYANG, "routed")

    def owned(self, code: str, reason: ev.OwnershipReason) -> "Case":
        """The hub gives it to a center, which confirms."""
        owner = self.incident.owner
        epoch = owner.epoch + 1 if owner else 1
        self.add(ev.OwnershipAssigned(code=code, name=NAMES[code], epoch=epoch, reason=reason))
        self.add(ev.Delivered(code=code, epoch=epoch), node=code)
        return self

    def alerted(self) -> "Case":
        """The window is over."""
        self.add(ev.Alerted(reason="window"))
        return self

    def accepted(self, who: Login = LEE) -> "Case":
        """An operator takes it."""
        owner = self.incident.owner
        assert owner is not None
        self.add(ev.Accepted(code=owner.code, epoch=owner.epoch), by=who.actor, node=owner.code)
        return self

    def requested(self, agency: ev.Agency, who: Login = KIM, note: str = "") -> ev.Event:
        """Help is asked for."""
        code = self.center.code
        return self.add(ev.DispatchRequested(agency=agency, code=code, note=note), by=who.actor, node=code)


@dataclass
class _Screen:
    login: Login
    frames: "queue.Queue[bytes | None]" = field(default_factory=queue.Queue)
    seen: set[str] = field(default_factory=set)


class Center:
    """The node and its state; use as a context manager."""

    def __init__(self, code: str = ANYANG, *, demo: bool = True, ping_s: float = 1.0) -> None:
        self.code = code
        self.demo = demo
        self.ping_s = ping_s
        self.clock = HybridClock()
        self.lock = threading.RLock()
        self.cases: dict[str, Case] = {}
        self.log: list[tuple[int, str, dict[str, Any]]] = []
        self.screens: list[_Screen] = []
        self.sessions: dict[str, Login] = {}
        self.calls: list[tuple[str, str, Any]] = []
        self.snapshots = 0
        self.cut = False
        self.forget_cursor = False
        self.hub_link = {"up": True, "since": iso(now())}
        self.server = _Server(("127.0.0.1", 0), _Handler)
        self.server.center = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "Center":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.drop_streams()
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def case(self) -> Case:
        """A new incident without events yet."""
        case = Case(self)
        with self.lock:
            self.cases[case.id] = case
        return case

    def alarm(self, name: str = "", **more: Any) -> Case:
        """A case that has just begun to alarm."""
        person = more.pop("person", HANA)
        if name and person is not None:
            person = msgspec.structs.replace(person, id=f"p-{name}", name=name)
        return self.case().armed(person=person, **more).alerted()

    # ---- pushing

    def push(self, case: Case, change: dict[str, Any]) -> None:
        """Send one change to every open screen that may see it."""
        with self.lock:
            change = msgspec.to_builtins(change) | {"view": case.view()}
            self.log.append((len(self.log) + 1, "change", change))
            for screen in self.screens:
                self._send(screen, len(self.log), "change", change)

    def status(self, *, up: bool) -> None:
        """The hub link's state changes."""
        with self.lock:
            self.hub_link = {"up": up, "since": iso(now())}
            for screen in self.screens:
                screen.frames.put(_frame("status", {"hub_link": self.hub_link, "now": iso(now())}))

    def gone(self, case: Case) -> None:
        """The incident leaves the screens."""
        with self.lock:
            self.cases.pop(case.id)
            change = {"kind": "gone", "incident": case.id}
            self.log.append((len(self.log) + 1, "change", change))
            for screen in self.screens:
                self._send(screen, len(self.log), "change", change)

    def resync(self) -> None:
        """Tell every screen to start over."""
        with self.lock:
            for screen in self.screens:
                screen.frames.put(self._snapshot(screen))

    def drop_streams(self) -> None:
        """End every open stream."""
        with self.lock:
            for screen in self.screens:
                screen.frames.put(None)

    def cut_off(self) -> None:
        """Nothing gets through any more, in either direction."""
        self.cut = True
        self.drop_streams()

    def mend(self) -> None:
        """The line is back."""
        self.cut = False

    def _send(self, screen: _Screen, seq: int, event: str, change: dict[str, Any]) -> None:
        shown = self._project(screen, change)
        if shown is not None:
            screen.frames.put(_frame(event, shown, seq))

    def _project(self, screen: _Screen, change: dict[str, Any]) -> dict[str, Any] | None:
        if screen.login.agency is None:
            return change
        if change["kind"] == "gone":
            return change
        narrow = for_agency(change["view"], screen.login.agency, self.code)
        if narrow is None:
            return None
        if change["incident"] not in screen.seen:
            screen.seen.add(change["incident"])
            return {"kind": "whole", "incident": change["incident"]} | self._whole(
                self.cases[change["incident"]], narrow
            )
        return change | {"view": narrow}

    def _whole(self, case: Case, shown: dict[str, Any]) -> dict[str, Any]:
        ordered = sorted(case.events, key=lambda event: event.order)
        return {
            "view": shown,
            "timeline": msgspec.to_builtins([ev.entry(event) for event in ordered]),
            "track": msgspec.to_builtins(sorted(case.track, key=lambda fix: fix.order)),
        }

    def _snapshot(self, screen: _Screen) -> bytes:
        self.snapshots += 1
        incidents = []
        for case in self.cases.values():
            shown: dict[str, Any] | None = case.view()
            if screen.login.agency is not None and shown is not None:
                shown = for_agency(shown, screen.login.agency, self.code)
            if shown is not None:
                screen.seen.add(case.id)
                incidents.append(self._whole(case, shown))
        body = {
            "cursor": len(self.log),
            "now": iso(now()),
            "node": {"code": self.code, "name": NAMES[self.code], "hub_link": self.hub_link},
            "incidents": incidents,
        }
        return _frame("snapshot", body, len(self.log))

    def open_screen(self, login: Login, cursor: int | None) -> _Screen:
        """A new stream, resumed at ``cursor`` when that is possible."""
        with self.lock:
            screen = _Screen(login)
            if cursor is None or self.forget_cursor:
                screen.frames.put(self._snapshot(screen))
            else:
                screen.seen = set(self.cases)
                for seq, event, change in self.log[cursor:]:
                    self._send(screen, seq, event, change)
            self.screens.append(screen)
            return screen

    def close_screen(self, screen: _Screen) -> None:
        """The reader has left."""
        with self.lock:
            self.screens.remove(screen)

    # ---- what the tests ask

    def posted(self, path: str) -> list[Any]:
        """Bodies of the posts whose path ends so."""
        with self.lock:
            return [body for method, where, body in self.calls if method == "POST" and where.endswith(path)]

    # ---- commands

    def command(self, login: Login, case: Case, what: str, body: dict[str, Any]) -> tuple[int, Any]:
        """One command of an operator, by the rules a center keeps."""
        incident = case.incident
        me = login.actor
        owner = incident.owner
        if what == "seen":
            case.add(ev.Seen(code=self.code), by=me, node=self.code)
            return 204, None
        if what == "accept":
            if incident.operator is not None:
                holder = {"name": incident.operator.name, "center": incident.operator.center}
                return _problem(409, "already-accepted", holder=holder)
            if owner is not None and owner.code != self.code:
                case.add(ev.Claimed(code=self.code, name=NAMES[self.code]), by=me, node=self.code)
                return 202, {}
            if not incident.needs_operator:
                return _problem(409, "illegal-transition", state=incident.state.value)
            case.accepted(login)
            return 200, case.view()
        if owner is None or owner.code != self.code:
            return _problem(
                409, "not-owner", owner={"code": owner.code, "name": owner.name} if owner else None
            )
        if what == "notes":
            case.add(ev.Note(text=body["text"]), by=me, node=self.code)
            return 201, {}
        if incident.state not in IN_HAND:
            return _problem(409, "illegal-transition", state=incident.state.value)
        if what == "requests":
            wanted: ev.Agency = "exercise" if incident.exercise else body["agency"]
            case.requested(wanted, login, body.get("note", ""))
            return 201, {}
        return self._closing(login, case, what, body)

    def _closing(self, login: Login, case: Case, what: str, body: dict[str, Any]) -> tuple[int, Any]:
        closing = case.incident.closing
        me = login.actor
        if what == "closing":
            kind = ev.ClosingProposed if body["disposition"] in ev.NEEDS_SECOND else ev.Closed
            case.add(
                kind(disposition=body["disposition"], reason=body.get("reason", "")), by=me, node=self.code
            )
            return 200, case.view()
        if closing is None:
            return _problem(409, "illegal-transition", state=case.incident.state.value)
        if what == "closing/reject":
            case.add(ev.ClosingRejected(), by=me, node=self.code)
            return 200, case.view()
        if closing.by_id == login.id:
            return _problem(403, "second-person-needed")
        case.add(
            ev.Closed(disposition=closing.disposition, reason=closing.reason, second=login.name),
            by=me,
            node=self.code,
        )
        return 200, case.view()

    def agency_step(self, login: Login, request_id: str, body: dict[str, Any]) -> tuple[int, Any]:
        """One step of a desk."""
        for case in self.cases.values():
            request = case.incident.requests.get(request_id)
            if request is None or request.agency != login.agency:
                continue
            if ev.STATUSES.index(body["status"]) != ev.STATUSES.index(request.status) + 1:
                return _problem(409, "illegal-transition", state=request.status)
            case.add(
                ev.DispatchUpdated(request=request_id, status=body["status"], note=body.get("note", "")),
                by=login.actor,
                node=self.code,
            )
            return 200, {}
        return _problem(404, "not-found")


def cameras_near(lat: float, lon: float, limit: int) -> list[dict[str, Any]]:
    """Invented posts around a place, ranked."""
    near = []
    for rank in range(1, limit + 1):
        bearing, metres = (rank * 67) % 360, 18 + 14 * rank
        turn = math.radians(bearing)
        faces = ("towards", "all_round", "away", "unknown")[(rank - 1) % 4]
        heading = {"towards": (bearing + 180) % 360, "away": bearing}.get(faces)
        near.append(
            {
                "id": f"cam-{rank}",
                "name": f"석수1동 {rank:03d}",
                "address": f"경기도 안양시 만안구 석수동 {100 + rank}",
                "lat": lat + metres * math.cos(turn) / 111_195,
                "lon": lon + metres * math.sin(turn) / (111_195 * math.cos(math.radians(lat))),
                "distance_m": float(metres),
                "bearing_deg": float(bearing),
                "heading": heading,
                "fov_deg": 360.0 if faces == "all_round" else 60.0,
                "range_m": 40.0,
                "ptz": rank % 3 == 0,
                "faces": faces,
                "rank": rank,
                "why": f"{metres} m 거리에서 이쪽을 보고 있습니다.",
            }
        )
    return near


def _border(code: str, west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "properties": {"code": code, "name": NAMES[code]},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


BORDERS = {
    "own": {"type": "FeatureCollection", "features": [_border(ANYANG, 126.87, 37.36, 126.98, 37.436)]},
    "neighbours": {
        "type": "FeatureCollection",
        "features": [
            _border(GEUMCHEON, 126.87, 37.436, 126.93, 37.49),
            _border(GUNPO, 126.88, 37.31, 126.97, 37.36),
        ],
    },
    "approximate": True,
    "center": {"lat": 37.3943, "lon": 126.9568},
}


def _frame(event: str, body: Any, seq: int | None = None) -> bytes:
    head = f"event: {event}\n" + (f"id: {seq}\n" if seq is not None else "")
    return f"{head}data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


def _problem(status: int, slug: str, **extras: Any) -> tuple[int, dict[str, Any]]:
    return status, {"type": f"/problems/{slug}", "title": slug, "status": status, "detail": slug} | extras


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    center: Center

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that has gone away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet."""

    def do_GET(self) -> None:
        self._route("GET")

    def do_POST(self) -> None:
        self._route("POST")

    def do_DELETE(self) -> None:
        self._route("DELETE")

    def _route(self, method: str) -> None:
        center = self.server.center
        length = int(self.headers.get("content-length") or 0)
        raw = self.rfile.read(length)
        if center.cut:
            self.close_connection = True
            return
        url = urlsplit(self.path)
        body = json.loads(raw) if raw else None
        with center.lock:
            center.calls.append((method, url.path, body))
        if not url.path.startswith("/api/"):
            self._file(url.path)
        elif url.path.endswith("/stream"):
            self._stream(url.path.split("/")[2], parse_qs(url.query))
        else:
            status, answer = self._api(method, url.path, body or {}, parse_qs(url.query))
            self._answer(status, answer)

    def _api(
        self, method: str, path: str, body: dict[str, Any], query: dict[str, list[str]]
    ) -> tuple[int, Any]:
        center = self.server.center
        if path == "/api/node":
            return 200, self._node()
        if path == "/api/probe":
            return 204, None
        if method != "GET" and self.headers.get("x-csrftoken") != self._cookies().get("ansim_csrf", ""):
            return _problem(403, "csrf")
        app = path.split("/")[2]
        if path.endswith("/session") and method == "POST":
            found = next(
                (
                    who
                    for who in LOGINS
                    if (who.app, who.login, who.password) == (app, body["login"], body["password"])
                ),
                None,
            )
            if found is None:
                return _problem(401, "wrong-credentials")
            token = secrets.token_hex(8)
            center.sessions[token] = found
            self.cookie = f"ansim_{app}={token}; HttpOnly; SameSite=Strict; Path=/"
            return 200, found.staff()
        login = self._login(app)
        if login is None:
            return _problem(401, "signed-out")
        if path.endswith("/session") and method == "DELETE":
            center.sessions.pop(self._cookies()[f"ansim_{app}"])
            return 204, None
        if path.endswith("/me"):
            return 200, login.staff()
        return self._work(method, path, body, query, login)

    def _work(
        self, method: str, path: str, body: dict[str, Any], query: dict[str, list[str]], login: Login
    ) -> tuple[int, Any]:
        center = self.server.center
        parts = path.split("/")[3:]
        if parts == ["map"]:
            return 200, BORDERS
        if parts == ["cameras"]:
            west, south, east, north = (float(edge) for edge in query["bbox"][0].split(","))
            features = [
                {
                    "type": "Feature",
                    "properties": {"id": camera["id"], "name": camera["name"]},
                    "geometry": {"type": "Point", "coordinates": [camera["lon"], camera["lat"]]},
                }
                for camera in cameras_near(*HERE, 40)
                if west <= camera["lon"] <= east and south <= camera["lat"] <= north
            ]
            return 200, {"type": "FeatureCollection", "features": features}
        if parts[0] == "requests":
            return center.agency_step(login, parts[1], body)
        case = center.cases.get(parts[1])
        if case is None:
            return _problem(404, "not-found")
        if parts[2] == "cameras":
            fix = case.position
            limit = int(query.get("limit", ["12"])[0])
            return 200, cameras_near(fix.lat, fix.lon, limit) if fix else []
        return center.command(login, case, "/".join(parts[2:]), body)

    def _node(self) -> dict[str, Any]:
        center = self.server.center
        node: dict[str, Any] = {
            "role": "center",
            "code": center.code,
            "name": NAMES[center.code],
            "version": "0",
            "csrf_cookie": "ansim_csrf",
            "demo": center.demo,
        }
        if center.demo:
            node["demo_signins"] = [
                {"app": who.app, "login": who.login, "password": who.password, "name": who.name}
                | ({"agency": who.agency} if who.agency else {})
                for who in LOGINS
            ]
        self.cookie = (
            f"ansim_csrf={secrets.token_hex(4)}; Path=/" if "ansim_csrf" not in self._cookies() else ""
        )
        return node

    cookie = ""

    def _cookies(self) -> dict[str, str]:
        jar = SimpleCookie(self.headers.get("cookie", ""))
        return {name: morsel.value for name, morsel in jar.items()}

    def _login(self, app: str) -> Login | None:
        return self.server.center.sessions.get(self._cookies().get(f"ansim_{app}", ""))

    def _answer(self, status: int, body: Any) -> None:
        data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        kind = "application/problem+json" if status >= 400 else "application/json"
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.send_header("cache-control", "no-store")
        if self.cookie:
            self.send_header("set-cookie", self.cookie)
        self.end_headers()
        self.wfile.write(data)

    def _file(self, path: str) -> None:
        name = {"/": "console.html", "/desk": "desk.html"}.get(path, path.lstrip("/"))
        file = (STATIC / name).resolve()
        if not file.is_relative_to(STATIC) or not file.is_file():
            self._answer(404, {"type": "/problems/not-found", "title": "", "status": 404})
            return
        data = file.read_bytes()
        self.send_response(HTTPStatus.OK)
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.send_header("content-security-policy", CSP)
        self.send_header("x-content-type-options", "nosniff")
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, app: str, query: dict[str, list[str]]) -> None:
        center = self.server.center
        login = self._login(app)
        if login is None:
            self._answer(*_problem(401, "signed-out"))
            return
        resume = self.headers.get("last-event-id") or query.get("cursor", [""])[0]
        screen = center.open_screen(login, int(resume) if resume else None)
        self.close_connection = True
        try:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("cache-control", "no-store")
            self.end_headers()
            self.wfile.write(b"retry: 1000\n\n")
            while True:
                try:
                    frame = screen.frames.get(timeout=center.ping_s)
                except queue.Empty:
                    frame = _frame("ping", {"now": iso(now())})
                if frame is None:
                    return
                self.wfile.write(frame)
        finally:
            center.close_screen(screen)

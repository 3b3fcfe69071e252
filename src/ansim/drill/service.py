"""One exercise from press to close, through the same doors that people use."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import httpx
from msgspec import Struct, field

from ansim.core.clock import iso
from ansim.core.ids import new_id
from ansim.core.secrets import secret
from ansim.core.settings import Settings
from ansim.drill.client import Client, Refused, StreamEnded

ROBOT_OPERATOR = "drill-operator"
ROBOT_DESK = "drill-desk"
_WITHIN_S = 30.0


class DrillStep(Struct, frozen=True, kw_only=True):
    """One step: how long it took, and what went wrong where it did."""

    name: str
    ms: float
    ok: bool
    detail: str = ""


class DrillReport(Struct, kw_only=True):
    """All steps, in order; ``whole`` only when the last one was reached."""

    incident: str = ""
    center: str = ""
    whole: bool = False
    stopped_at: str | None = None
    total_ms: float = 0.0
    steps: list[DrillStep] = field(default_factory=list)


class DrillSite(Struct, frozen=True, kw_only=True):
    """The nodes a drill runs through, by their settings; and where the exercise takes place."""

    hub: Settings
    centers: dict[str, Settings]
    lat: float
    lon: float


async def run(site: DrillSite, told: Callable[[DrillStep], None]) -> DrillReport:
    """Run the drill; never raises for a fault of the system, which is what it reports."""
    report = DrillReport()
    began = time.perf_counter()
    async with AsyncExitStack() as stack:
        steps = _Drill(site, report, stack).steps()
        while True:
            at = time.perf_counter()
            try:
                name = await anext(steps, None)
            except (Refused, StreamEnded, httpx.HTTPError, KeyError) as error:
                ms = (time.perf_counter() - at) * 1000
                detail = str(error) or type(error).__name__
                step = DrillStep(name=_after(report.steps), ms=round(ms, 1), ok=False, detail=detail)
                report.steps.append(step)
                report.stopped_at = step.name
                told(step)
                break
            if name is None:
                report.whole = True
                break
            step = DrillStep(name=name, ms=round((time.perf_counter() - at) * 1000, 1), ok=True)
            report.steps.append(step)
            told(step)
    report.total_ms = round((time.perf_counter() - began) * 1000, 1)
    return report


_ORDER = (
    "pressed",
    "delivered",
    "operator signed in",
    "alarmed",
    "seen",
    "accepted",
    "desk signed in",
    "requested",
    "desk has it",
    "acknowledged",
    "en_route",
    "on_scene",
    "done",
    "closed",
)


def _after(steps: Sequence[DrillStep]) -> str:
    """The step that failed: the one after those that are done."""
    return _ORDER[len(steps)]


class _Drill:
    def __init__(self, site: DrillSite, report: DrillReport, stack: AsyncExitStack) -> None:
        self._site = site
        self._report = report
        self._stack = stack

    async def steps(self) -> AsyncIterator[str]:
        """Do one step after the other, yielding the name of each when it is done."""
        hub = self._site.hub
        phone = await self._enter(Client(hub.url, bearer=secret(hub.data_dir, "drill")))
        incident = await self._press(phone)
        yield "pressed"
        hers = await self._stack.enter_async_context(phone.follow(f"/api/sos/{incident}/stream"))
        view = await hers.until(incident, _delivered, _WITHIN_S)
        code = view["owner"]["code"]
        self._report.center = view["owner"]["name"]
        yield "delivered"

        center = self._site.centers[code]
        operator = await self._enter(Client(center.url))
        await operator.sign_in("console", ROBOT_OPERATOR, secret(center.data_dir, "robot"))
        console = await self._stack.enter_async_context(operator.follow("/api/console/stream"))
        await console.until(incident, lambda _: True, _WITHIN_S)
        yield "operator signed in"
        await phone.call("POST", f"/api/sos/{incident}/now")
        await console.until(incident, lambda seen: seen["state"] == "alerting", _WITHIN_S)
        yield "alarmed"
        await operator.call("POST", f"/api/console/incidents/{incident}/seen")
        await hers.until(incident, lambda seen: code in seen["seen"], _WITHIN_S)
        yield "seen"
        await operator.call("POST", f"/api/console/incidents/{incident}/accept")
        await hers.until(incident, lambda seen: seen["state"] == "accepted", _WITHIN_S)
        yield "accepted"

        desk = await self._enter(Client(center.url))
        await desk.sign_in("desk", ROBOT_DESK, secret(center.data_dir, "robot"))
        inbox = await self._stack.enter_async_context(desk.follow("/api/desk/stream"))
        yield "desk signed in"
        ask = {"agency": "exercise", "note": "drill"}
        await operator.call("POST", f"/api/console/incidents/{incident}/requests", ask)
        yield "requested"
        view = await inbox.until(incident, lambda seen: bool(seen["requests"]), _WITHIN_S)
        request = view["requests"][0]["id"]
        yield "desk has it"
        for status in ("acknowledged", "en_route", "on_scene", "done"):
            await desk.call("POST", f"/api/desk/requests/{request}/status", {"status": status})
            await hers.until(incident, _reached(status), _WITHIN_S)
            yield status
        await operator.call("POST", f"/api/console/incidents/{incident}/closing", {"disposition": "test"})
        await hers.until(incident, lambda seen: seen["state"] == "closed", _WITHIN_S)
        yield "closed"

    async def _enter(self, client: Client) -> Client:
        return await self._stack.enter_async_context(client)

    async def _press(self, phone: Client) -> str:
        moment = iso(datetime.now(UTC))
        place = {"lat": self._site.lat, "lon": self._site.lon, "radius": 15, "at": moment, "source": "gnss"}
        body = {
            "key": new_id(),
            "trigger": "button",
            "pressed_at": moment,
            "device_id": "drill",
            "position": place,
        }
        answer = await phone.call("POST", "/api/sos", body)
        phone.bearer(answer.headers["x-incident-token"])
        self._report.incident = str(answer.json()["incident"])
        return self._report.incident


def _delivered(view: dict[str, Any]) -> bool:
    return view["owner"] is not None and view["owner"]["code"] in view["delivered"]


def _reached(status: str) -> Callable[[dict[str, Any]], bool]:
    return lambda view: any(request["status"] == status for request in view["requests"])

"""A camera that speaks ONVIF over real HTTP: for the demonstration, and as the tests' double.

It answers what Profile S asks of a camera that can be turned (device, media and PTZ services, WS-Security
username tokens) and turns at a finite speed. Its faults can be switched on: slow, deaf to Stop, without
absolute moves, failing, or silent.
"""

import asyncio
import base64
import hashlib
import hmac
import math
import time
from collections.abc import Callable
from xml.sax.saxutils import escape

from aiohttp import web
from lxml import etree
from msgspec import Struct

from ansim.cameras.pointing import Pose, Preset
from ansim.simulation import soap
from ansim.simulation.turret import START, Turret

_FREE = frozenset({"GetSystemDateAndTime"})
_MOST_BODY = 256 << 10


class Faults(Struct, kw_only=True):
    """What is wrong with the device: seconds each answer takes, and what it does not do."""

    delay_s: float = 0.0
    silent: bool = False
    deaf_to_stop: bool = False
    ignores_timeout: bool = False
    no_absolute: bool = False
    no_status: bool = False
    failing: bool = False


class SimulatedCamera:
    """One device. ``main_url`` and the like are what it names as its streams.

    ``clock`` is its time in seconds; a full turn of pan takes 2 / ``speed`` seconds.
    """

    def __init__(
        self,
        *,
        user: str = "",
        password: str = "",
        main_url: str = "rtsp://127.0.0.1/main",
        sub_url: str = "rtsp://127.0.0.1/sub",
        snapshot_url: str = "",
        presets: tuple[Preset, ...] = (),
        start: Pose = START,
        speed: float = 1.0,
        turns: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.faults = Faults()
        self.calls: list[str] = []
        self._user, self._password = user, password
        self._urls = {"main": main_url, "sub": sub_url}
        self._snapshot_url = snapshot_url
        self._presets = {one.token: one for one in presets}
        self._turns = turns
        self._home = start
        self.head = Turret(start, speed, clock)
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Serve; returns the device service's address."""
        app = web.Application(client_max_size=_MOST_BODY)
        app.router.add_post("/onvif/{service}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        real = self._runner.addresses[0][1]
        self.url = f"http://{host}:{real}/onvif/device_service"
        return self.url

    async def stop(self) -> None:
        """End serving."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.faults.silent:
            await asyncio.sleep(3_600)
        if self.faults.delay_s:
            await asyncio.sleep(self.faults.delay_s)
        try:
            root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
            asked = root.find(f"{{{soap.SOAP}}}Body")[0]
        except (etree.XMLSyntaxError, TypeError, IndexError):
            return soap.fault("ter:WellFormed", "not a SOAP message", 400)
        name = etree.QName(asked).localname
        self.calls.append(name)
        if self.faults.failing:
            return web.Response(status=500, text="<broken")
        if name not in _FREE and not self._is_known(root):
            return soap.fault("ter:NotAuthorized", "Sender not authorized", 400)
        handler = getattr(self, f"_do_{name}", None)
        if handler is None:
            return soap.fault("ter:ActionNotSupported", f"{name} is not supported", 400)
        answer: web.Response = handler(asked, f"{request.scheme}://{request.host}/onvif")
        return answer

    def _is_known(self, root: etree._Element) -> bool:
        """WS-Security UsernameToken Profile 1.0: digest = Base64(SHA-1(nonce + created + password))."""
        if not self._user:
            return True
        token = root.find(f".//{{{soap.WSSE}}}UsernameToken")
        if token is None:
            return False
        nonce = base64.b64decode(token.findtext(f"{{{soap.WSSE}}}Nonce") or "")
        created = (token.findtext(f"{{{soap.WSU}}}Created") or "").encode()
        digest = hashlib.sha1(nonce + created + self._password.encode()).digest()  # noqa: S324 - the profile's
        given = token.findtext(f"{{{soap.WSSE}}}Password") or ""
        right = hmac.compare_digest(base64.b64encode(digest).decode(), given)
        return right and token.findtext(f"{{{soap.WSSE}}}Username") == self._user

    # Device service

    def _do_GetSystemDateAndTime(self, _: etree._Element, __: str) -> web.Response:  # noqa: N802
        now = time.gmtime()
        return soap.reply(
            soap.DEVICE,
            "GetSystemDateAndTime",
            "<r:SystemDateAndTime><t:DateTimeType>NTP</t:DateTimeType>"
            "<t:DaylightSavings>false</t:DaylightSavings><t:UTCDateTime>"
            f"<t:Time><t:Hour>{now.tm_hour}</t:Hour><t:Minute>{now.tm_min}</t:Minute>"
            f"<t:Second>{now.tm_sec}</t:Second></t:Time><t:Date><t:Year>{now.tm_year}</t:Year>"
            f"<t:Month>{now.tm_mon}</t:Month><t:Day>{now.tm_mday}</t:Day></t:Date>"
            "</t:UTCDateTime></r:SystemDateAndTime>",
        )

    def _do_GetServices(self, _: etree._Element, base: str) -> web.Response:  # noqa: N802
        services = [(soap.DEVICE, "device_service"), (soap.MEDIA, "media_service")]
        if self._turns:
            services.append((soap.PTZ, "ptz_service"))
        told = "".join(
            f"<r:Service><r:Namespace>{namespace}</r:Namespace><r:XAddr>{base}/{path}</r:XAddr>"
            "<r:Version><t:Major>2</t:Major><t:Minor>60</t:Minor></r:Version></r:Service>"
            for namespace, path in services
        )
        return soap.reply(soap.DEVICE, "GetServices", told)

    def _do_GetDeviceInformation(self, _: etree._Element, __: str) -> web.Response:  # noqa: N802
        return soap.reply(
            soap.DEVICE,
            "GetDeviceInformation",
            "<r:Manufacturer>Ansim</r:Manufacturer><r:Model>Simulated street camera</r:Model>"
            "<r:FirmwareVersion>1.0</r:FirmwareVersion><r:SerialNumber>1</r:SerialNumber>"
            "<r:HardwareId>1</r:HardwareId>",
        )

    # Media service

    def _do_GetProfiles(self, _: etree._Element, __: str) -> web.Response:  # noqa: N802
        profiles = (("main", 1280, 720), ("sub", 640, 360))
        return soap.reply(soap.MEDIA, "GetProfiles", "".join(self._profile(*one) for one in profiles))

    def _profile(self, token: str, width: int, height: int) -> str:
        turning = (
            '<t:PTZConfiguration token="ptz"><t:Name>ptz</t:Name><t:UseCount>2</t:UseCount>'
            "<t:NodeToken>node</t:NodeToken></t:PTZConfiguration>"
            if self._turns
            else ""
        )
        return (
            f'<r:Profiles token="{token}" fixed="true"><t:Name>{token}</t:Name>'
            f'<t:VideoEncoderConfiguration token="{token}"><t:Name>{token}</t:Name><t:UseCount>1</t:UseCount>'
            f"<t:Encoding>H264</t:Encoding><t:Resolution><t:Width>{width}</t:Width><t:Height>{height}</t:Height>"
            "</t:Resolution><t:Quality>1</t:Quality><t:SessionTimeout>PT60S</t:SessionTimeout>"
            f"</t:VideoEncoderConfiguration>{turning}</r:Profiles>"
        )

    def _do_GetStreamUri(self, asked: etree._Element, _: str) -> web.Response:  # noqa: N802
        url = self._urls.get(soap.child(asked, "ProfileToken"))
        if url is None:
            return soap.fault("ter:NoProfile", "no such profile", 400)
        return soap.reply(soap.MEDIA, "GetStreamUri", f"<r:MediaUri>{soap.uri(url)}</r:MediaUri>")

    def _do_GetSnapshotUri(self, _: etree._Element, __: str) -> web.Response:  # noqa: N802
        if not self._snapshot_url:
            return soap.fault("ter:ActionNotSupported", "no snapshots", 400)
        return soap.reply(
            soap.MEDIA, "GetSnapshotUri", f"<r:MediaUri>{soap.uri(self._snapshot_url)}</r:MediaUri>"
        )

    # PTZ service

    def _do_GetNodes(self, _: etree._Element, __: str) -> web.Response:  # noqa: N802
        absolute = soap.space("AbsolutePanTiltPositionSpace", soap.PAN_SPACE, two=True) + soap.space(
            "AbsoluteZoomPositionSpace", soap.ZOOM_SPACE, two=False
        )
        return soap.reply(
            soap.PTZ,
            "GetNodes",
            f'<r:PTZNode token="node" FixedHomePosition="false"><t:Name>node</t:Name><t:SupportedPTZSpaces>'
            f"{'' if self.faults.no_absolute else absolute}"
            f"{soap.space('ContinuousPanTiltVelocitySpace', soap.PAN_SPEED, two=True)}</t:SupportedPTZSpaces>"
            "<t:MaximumNumberOfPresets>99</t:MaximumNumberOfPresets><t:HomeSupported>true</t:HomeSupported>"
            "</r:PTZNode>",
        )

    def _do_GetPresets(self, _: etree._Element, __: str) -> web.Response:  # noqa: N802
        told = "".join(
            f'<r:Preset token="{escape(one.token)}"><t:Name>{escape(one.name)}</t:Name>'
            + (f"<t:PTZPosition>{soap.position(one.pose)}</t:PTZPosition>" if one.pose else "")
            + "</r:Preset>"
            for one in self._presets.values()
        )
        return soap.reply(soap.PTZ, "GetPresets", told)

    def _do_GetStatus(self, _: etree._Element, __: str) -> web.Response:  # noqa: N802
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        moving = "MOVING" if self.head.moving else "IDLE"
        told = (
            ""
            if self.faults.no_status
            else f"<t:Position>{soap.position(self.head.pose)}</t:Position><t:MoveStatus>"
            f"<t:PanTilt>{moving}</t:PanTilt>"
            f"<t:Zoom>{moving}</t:Zoom></t:MoveStatus>"
        )
        return soap.reply(
            soap.PTZ, "GetStatus", f"<r:PTZStatus>{told}<t:UtcTime>{now}</t:UtcTime></r:PTZStatus>"
        )

    def _do_AbsoluteMove(self, asked: etree._Element, _: str) -> web.Response:  # noqa: N802
        if self.faults.no_absolute:
            return soap.fault("ter:ActionNotSupported", "no absolute moves", 400)
        turned, zoomed = asked.find(f".//{{{soap.SCHEMA}}}PanTilt"), asked.find(f".//{{{soap.SCHEMA}}}Zoom")
        if turned is None:
            return soap.fault("ter:InvalidPosition", "no position", 400)
        now = self.head.pose
        goal = Pose(
            pan=float(turned.get("x", now.pan)),
            tilt=float(turned.get("y", now.tilt)),
            zoom=now.zoom if zoomed is None else float(zoomed.get("x", now.zoom)),
        )
        if not (abs(goal.pan) <= 1.0 and abs(goal.tilt) <= 1.0 and 0.0 <= goal.zoom <= 1.0):
            return soap.fault("ter:InvalidPosition", "out of bounds", 400)
        self.head.go(goal)
        return soap.reply(soap.PTZ, "AbsoluteMove", "")

    def _do_ContinuousMove(self, asked: etree._Element, _: str) -> web.Response:  # noqa: N802
        turned, zoomed = asked.find(f".//{{{soap.SCHEMA}}}PanTilt"), asked.find(f".//{{{soap.SCHEMA}}}Zoom")
        pan, tilt = (0.0, 0.0) if turned is None else (float(turned.get("x", 0)), float(turned.get("y", 0)))
        limit = soap.child(asked, "Timeout").removeprefix("PT").removesuffix("S")
        seconds = float(limit) if limit and not self.faults.ignores_timeout else math.inf
        self.head.push(pan, tilt, 0.0 if zoomed is None else float(zoomed.get("x", 0)), seconds)
        return soap.reply(soap.PTZ, "ContinuousMove", "")

    def _do_GotoPreset(self, asked: etree._Element, _: str) -> web.Response:  # noqa: N802
        preset = self._presets.get(soap.child(asked, "PresetToken"))
        if preset is None or preset.pose is None:
            return soap.fault("ter:NoToken", "no such preset", 400)
        self.head.go(preset.pose)
        return soap.reply(soap.PTZ, "GotoPreset", "")

    def _do_GotoHomePosition(self, _: etree._Element, __: str) -> web.Response:  # noqa: N802
        self.head.go(self._home)
        return soap.reply(soap.PTZ, "GotoHomePosition", "")

    def _do_Stop(self, _: etree._Element, __: str) -> web.Response:  # noqa: N802
        if not self.faults.deaf_to_stop:
            self.head.stop()
        return soap.reply(soap.PTZ, "Stop", "")

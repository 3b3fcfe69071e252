"""A camera through ONVIF (Profile S: device, media and PTZ services), every call bounded in time.

The protocol is ``onvif-zeep-async``'s; here are the bounds, the faults in words, and the few calls the node
needs. All calls go to the address on record, whatever addresses the device names: credentials must not
follow it elsewhere.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from ansim.cameras.pointing import Pose, Preset
from ansim.cameras.sources import CameraSource
from ansim.core import logs

_log = logs.get("onvif")
T = TypeVar("T")

CALL_S = 4.0
"""The longest that one call may take."""
MOST_PRESETS = 300

FaultKind = Literal["timeout", "unreachable", "sign_in", "unsupported", "refused"]


class DeviceFault(Exception):
    """A camera did not do what it was asked; ``kind`` says in which way. Holds no address and no
    credentials.
    """

    def __init__(self, kind: FaultKind, call: str, reason: str = "") -> None:
        super().__init__(f"{call}: {kind}" + (f" ({reason})" if reason else ""))
        self.kind: FaultKind = kind
        self.call = call


class Status(Struct, frozen=True, kw_only=True):
    """Where the camera is turned to (None when it does not say), and whether it moves (None likewise)."""

    pose: Pose | None
    moving: bool | None


class Abilities(Struct, frozen=True, kw_only=True):
    """What a probe found: streams, still and PTZ. Addresses are empty where the device has none."""

    maker: str = ""
    model: str = ""
    firmware: str = ""
    main_url: str = ""
    sub_url: str = ""
    snapshot_url: str = ""
    ptz: bool = False
    absolute: bool = False
    continuous: bool = False
    home: bool = False
    presets: tuple[Preset, ...] = ()


class PtzDevice(Protocol):
    """What the node asks of a camera that can be turned. Every call raises :class:`DeviceFault`."""

    async def status(self) -> Status:
        """Where it is turned to."""
        ...

    async def move_to(self, pose: Pose) -> None:
        """Begin to turn to a position."""
        ...

    async def move(self, pan: float, tilt: float, zoom: float, seconds: float) -> None:
        """Begin to turn with a speed (-1 to 1 each), for at most ``seconds`` if the device keeps to it."""
        ...

    async def go_preset(self, token: str) -> None:
        """Begin to turn to a stored position."""
        ...

    async def go_home(self) -> None:
        """Begin to turn to the device's own home position."""
        ...

    async def stop(self) -> None:
        """End every movement."""
        ...

    async def close(self) -> None:
        """Let the connection go."""
        ...


class OnvifDevice:
    """One camera. Opens at the first call; use :meth:`close` when done."""

    def __init__(self, source: CameraSource, *, call_s: float = CALL_S) -> None:
        self._source = source
        self._call_s = call_s
        self._camera: Any = None
        self._media: Any = None
        self._ptz: Any = None
        self._profile = ""
        self._profiles: list[Any] = []

    async def abilities(self) -> Abilities:
        """What the device is and can do: GetDeviceInformation, GetProfiles, GetStreamUri, GetSnapshotUri,
        PTZ.
        """
        await self._open()
        device = await self._bounded("GetServices", self._camera.create_devicemgmt_service())
        about = await self._bounded("GetDeviceInformation", device.GetDeviceInformation())
        ordered = sorted(self._profiles, key=_pixels, reverse=True)
        streams = [await self._stream_url(profile.token) for profile in ordered[:2]]
        found = Abilities(
            maker=_text(about.Manufacturer),
            model=_text(about.Model),
            firmware=_text(about.FirmwareVersion),
            main_url=streams[0] if streams else "",
            sub_url=streams[1] if len(streams) > 1 else "",
            snapshot_url=await self._snapshot_url(ordered[-1].token) if ordered else "",
        )
        return found if self._ptz is None else await self._turning(found)

    async def status(self) -> Status:
        found = await self._call("GetStatus", {"ProfileToken": self._profile})
        position, moving = getattr(found, "Position", None), getattr(found, "MoveStatus", None)
        axes = [getattr(moving, name, None) for name in ("PanTilt", "Zoom")]
        known = [axis for axis in axes if axis in ("IDLE", "MOVING")]
        return Status(pose=_pose(position), moving=("MOVING" in known) if known else None)

    async def move_to(self, pose: Pose) -> None:
        await self._call("AbsoluteMove", {"ProfileToken": self._profile, "Position": _vector(pose)})

    async def move(self, pan: float, tilt: float, zoom: float, seconds: float) -> None:
        speed = {"PanTilt": {"x": pan, "y": tilt}, "Zoom": {"x": zoom}}
        timeout = f"PT{seconds:.1f}S"
        await self._call(
            "ContinuousMove", {"ProfileToken": self._profile, "Velocity": speed, "Timeout": timeout}
        )

    async def go_preset(self, token: str) -> None:
        await self._call("GotoPreset", {"ProfileToken": self._profile, "PresetToken": token})

    async def go_home(self) -> None:
        await self._call("GotoHomePosition", {"ProfileToken": self._profile})

    async def stop(self) -> None:
        await self._call("Stop", {"ProfileToken": self._profile, "PanTilt": True, "Zoom": True})

    async def close(self) -> None:
        camera, self._camera, self._ptz = self._camera, None, None
        if camera is not None:
            await camera.close()

    async def _open(self) -> None:
        if self._camera is not None:
            return
        if not self._source.onvif_url:
            raise DeviceFault("unsupported", "open", "no ONVIF address on record")
        # Imported where it is used: the package comes with the extra "video" only.
        from onvif import ONVIFCamera

        parts = urlsplit(self._source.onvif_url)
        host = f"{parts.scheme}://{parts.hostname}" if parts.scheme == "https" else (parts.hostname or "")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        camera = ONVIFCamera(
            host,
            port,
            self._source.user or None,
            self._source.password or None,
            no_cache=True,
            adjust_time=True,
            nat_override=parts.scheme != "https",
        )
        try:
            await self._bounded("GetServices", camera.update_xaddrs())
            self._media = await self._bounded("GetServices", camera.create_media_service())
            self._profiles = list(await self._bounded("GetProfiles", self._media.GetProfiles()) or ())
            turning = [one for one in self._profiles if getattr(one, "PTZConfiguration", None) is not None]
            if turning:
                self._ptz = await self._bounded("GetServices", camera.create_ptz_service())
                self._profile = str(turning[0].token)
        except BaseException:
            await camera.close()
            raise
        self._camera = camera

    async def _call(self, name: str, parameters: dict[str, Any]) -> Any:
        await self._open()
        if self._ptz is None:
            raise DeviceFault("unsupported", name, "the camera cannot be turned")
        parameters["ProfileToken"] = self._profile
        return await self._bounded(name, getattr(self._ptz, name)(parameters))

    async def _bounded(self, call: str, work: Awaitable[T]) -> T:
        """One call's answer within its time, or a fault in our words."""
        import aiohttp
        from onvif.exceptions import (
            ONVIFAuthError,
            ONVIFError,
            ONVIFTimeoutError,
        )
        from zeep.exceptions import Error, Fault

        try:
            async with asyncio.timeout(self._call_s):
                return await work
        except (TimeoutError, ONVIFTimeoutError) as error:
            raise DeviceFault("timeout", call) from error
        except ONVIFAuthError as error:
            raise DeviceFault("sign_in", call) from error
        except Fault as error:
            raise DeviceFault(_fault_kind(error), call, _text(error.message)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise DeviceFault("unreachable", call, type(error).__name__) from error
        except (ONVIFError, Error, AttributeError, TypeError, ValueError) as error:
            # what is no answer to the question: broken XML, another schema, half a reply
            raise DeviceFault("refused", call, type(error).__name__) from error

    async def _stream_url(self, token: str) -> str:
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        parameters = {"StreamSetup": setup, "ProfileToken": token}
        return _text((await self._bounded("GetStreamUri", self._media.GetStreamUri(parameters))).Uri)

    async def _snapshot_url(self, token: str) -> str:
        try:
            found = await self._bounded("GetSnapshotUri", self._media.GetSnapshotUri({"ProfileToken": token}))
        except DeviceFault as fault:
            if fault.kind in ("refused", "unsupported"):
                return ""  # it has none
            raise
        return _text(found.Uri)

    async def _turning(self, found: Abilities) -> Abilities:
        nodes = list(await self._bounded("GetNodes", self._ptz.GetNodes()) or ())
        spaces = [getattr(node, "SupportedPTZSpaces", None) for node in nodes]
        presets = await self._bounded("GetPresets", self._ptz.GetPresets({"ProfileToken": self._profile}))
        return msgspec.structs.replace(
            found,
            ptz=True,
            absolute=any(getattr(one, "AbsolutePanTiltPositionSpace", None) for one in spaces),
            continuous=any(getattr(one, "ContinuousPanTiltVelocitySpace", None) for one in spaces),
            home=any(bool(getattr(node, "HomeSupported", False)) for node in nodes),
            presets=tuple(
                Preset(token=str(one.token), name=_text(one.Name), pose=_pose(one.PTZPosition))
                for one in list(presets or ())[:MOST_PRESETS]
                if one.token
            ),
        )


def _fault_kind(error: Any) -> FaultKind:
    said = f"{error.code} {error.message} {[str(code) for code in (error.subcodes or ())]}".lower()
    if "notauthorized" in said or "not authorized" in said or "unauthorized" in said:
        return "sign_in"
    return "unsupported" if "notsupported" in said or "actionnotsupported" in said else "refused"


def _vector(pose: Pose) -> dict[str, Any]:
    return {"PanTilt": {"x": pose.pan, "y": pose.tilt}, "Zoom": {"x": pose.zoom}}


def _pose(position: Any) -> Pose | None:
    turned, zoomed = getattr(position, "PanTilt", None), getattr(position, "Zoom", None)
    if turned is None:
        return None
    return Pose(
        pan=float(turned.x), tilt=float(turned.y), zoom=float(zoomed.x) if zoomed is not None else 0.0
    )


def _pixels(profile: Any) -> int:
    encoder = getattr(profile, "VideoEncoderConfiguration", None)
    size = getattr(encoder, "Resolution", None)
    return int(size.Width) * int(size.Height) if size is not None else 0


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:500]

"""Turning cameras: one holder a camera, only for an incident and with a grant (see ``ptz_hands.py``)."""

from collections.abc import Awaitable, Callable

from ansim.cameras.choice import Held
from ansim.cameras.pointing import Mount, Pose, looks_to, nearest_preset, pose_towards
from ansim.cameras.ptz_hands import Hand, Hands
from ansim.cameras.refusals import busy, cannot_aim, nowhere
from ansim.cameras.service import CameraService
from ansim.core.problems import not_found
from ansim.people.model import Operator

Permit = Callable[[Operator, str, str], Awaitable[None]]
"""Whether somebody may turn a camera for an incident (operator, incident, camera); raises a problem if not.
"""

MOVE_S = 1.5
"""The longest that one push of the stick turns a camera; the page repeats it while it is held."""


class PtzService:
    """What a person may do with the cameras that turn: each command asks ``permit`` first."""

    def __init__(self, hands: Hands, cameras: CameraService, permit: Permit) -> None:
        self._hands = hands
        self._cameras = cameras
        self._permit = permit

    async def about(self, who: Operator, incident: str, camera_id: str) -> tuple[Mount, Held | None]:
        """What a camera can do, and who has it in hand."""
        await self._permit(who, incident, camera_id)
        camera = await self._cameras.camera(camera_id)
        if camera is None:
            raise not_found("camera")
        hand = self._hands.of(camera_id)
        return await self._hands.mount(camera), None if hand is None else hand.held

    async def aim_at_her(self, who: Operator, incident: str, camera_id: str) -> Held:
        """Turn a camera to where she is now; 409 while nobody knows."""
        estimate = await self._cameras.walls.where(incident)
        if estimate is None:
            raise nowhere()
        return await self.aim(who, incident, camera_id, estimate.lat, estimate.lon, estimate.radius_m)

    async def aim(
        self, who: Operator, incident: str, camera_id: str, lat: float, lon: float, radius_m: float
    ) -> Held:
        """Turn a camera to a place, by its geometry or to the preset that looks there.

        Raises a problem: 403 without a grant, 404, 409 held by somebody else or nothing that looks there,
        502/504 when the camera does not do it.
        """
        hand = await self._take(who, incident, camera_id, f"PTZ aim {camera_id}")
        pose: Pose | None = None
        if hand.mount.absolute:
            pose = pose_towards(hand.camera, hand.mount, lat, lon, radius_m)
            heading: float | None = looks_to(hand.mount, pose)
        else:
            preset = nearest_preset(hand.camera, hand.mount, lat, lon)
            if preset is None:
                raise cannot_aim()
            token, heading = preset.token, preset.heading

        async def turn() -> None:
            await (hand.device.move_to(pose) if pose is not None else hand.device.go_preset(token))

        return await self._hands.command(hand, turn, self._hands.watch.settle_s, heading=heading)

    async def preset(self, who: Operator, incident: str, camera_id: str, token: str) -> Held:
        """Turn a camera to one of its stored positions."""
        hand = await self._take(who, incident, camera_id, f"PTZ preset {camera_id}")
        known = next((one for one in hand.mount.presets if one.token == token), None)
        if known is None:
            raise not_found("preset")
        return await self._hands.command(
            hand, lambda: hand.device.go_preset(token), self._hands.watch.settle_s, heading=known.heading
        )

    async def push(
        self, who: Operator, incident: str, camera_id: str, pan: float, tilt: float, zoom: float
    ) -> Held:
        """Turn a camera by hand: speeds from -1 to 1, for :data:`MOVE_S` at most unless repeated."""
        hand = await self._take(who, incident, camera_id, f"PTZ move {camera_id}")
        return await self._hands.command(
            hand, lambda: hand.device.move(pan, tilt, zoom, MOVE_S), MOVE_S, heading=None
        )

    async def halt(self, who: Operator, incident: str, camera_id: str) -> Held:
        """Stop a camera now."""
        hand = await self._take(who, incident, camera_id, f"PTZ stop {camera_id}")
        return await self._hands.command(hand, hand.device.stop, 0.0, heading=hand.held.heading)

    async def release(self, who: Operator, incident: str, camera_id: str) -> None:
        """Let go of a camera; it is put back."""
        hand = self._hands.of(camera_id)
        if hand is None or hand.lease.incident != incident:
            raise not_found("lease")
        if hand.lease.session != who.session:
            raise busy(hand.lease.holder.name)
        self._hands.put_back(hand, "let go")

    async def _take(self, who: Operator, incident: str, camera_id: str, what: str) -> Hand:
        await self._permit(who, incident, camera_id)
        return await self._hands.take(who, incident, camera_id, what)

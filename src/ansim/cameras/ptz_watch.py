"""Watching a camera that turns: it must come to stand, by itself or by the node's own Stop."""

import asyncio
import time

from ansim.cameras.onvif_device import DeviceFault, PtzDevice, Status
from ansim.cameras.pointing import Pose

LOOK_S = 0.4
"""How long between two looks whether a camera stands."""
SETTLE_S = 8.0
"""The longest that a camera may take to a position."""
STOPS = 3
"""How often Stop is sent to a camera that goes on."""
STILL = 0.004
"""Less movement than this between two looks (of a range of 2) is none."""


class Watch:
    """How movements are watched: ``look_s`` between two looks, ``settle_s`` to reach a position."""

    def __init__(self, *, look_s: float = LOOK_S, settle_s: float = SETTLE_S) -> None:
        self.look_s = look_s
        self.settle_s = settle_s

    async def ends(self, device: PtzDevice, most_s: float) -> bool:
        """Wait until the camera stands, at most ``most_s``, then stop it; whether it does stand in the end.

        Raises :class:`DeviceFault` when the camera does not answer whether it stands.
        """
        if most_s and await self.stands(device, most_s):
            return True
        unheard: DeviceFault | None = None
        for _ in range(STOPS):
            try:
                await device.stop()
                unheard = None
            except DeviceFault as fault:
                unheard = fault
            if await self.stands(device, 2 * self.look_s):
                return True
        if unheard is not None:
            raise unheard
        return False

    async def stands(self, device: PtzDevice, most_s: float) -> bool:
        """Whether the camera comes to stand within ``most_s``; one that tells nothing is believed then."""
        until = time.monotonic() + most_s
        before: Status | None = None
        while True:
            seen = await device.status()
            if seen.moving is False or (before is not None and _still(before, seen)):
                return True
            if time.monotonic() + self.look_s > until and before is not None:
                return seen.moving is None and seen.pose is None
            before = seen
            await asyncio.sleep(self.look_s)

    async def put_back(self, device: PtzDevice, home: Pose | None) -> None:
        """Turn a camera back to ``home``, its own home position where that is None, and see it arrive.

        Raises :class:`DeviceFault` when it does not.
        """
        await device.stop()
        await (device.go_home() if home is None else device.move_to(home))
        if not await self.stands(device, self.settle_s):
            await device.stop()
            raise DeviceFault("timeout", "put back")


def _still(before: Status, after: Status) -> bool:
    """Whether a camera that does not say so stands: it is where it was."""
    one, two = before.pose, after.pose
    if one is None or two is None or after.moving:
        return False
    return max(abs(one.pan - two.pan), abs(one.tilt - two.tilt), abs(one.zoom - two.zoom)) < STILL

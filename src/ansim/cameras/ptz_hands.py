"""Cameras in somebody's hand: begun on disk before anything moves, watched, and put back afterwards.

A lease begins with the first command: where the camera looks is asked and kept on disk before anything
moves, with the ledger row. It ends when its holder lets go, is silent for a while, or the incident is over;
then the camera is put back, again and again if it does not answer, also by a node that was started anew.
Every movement is watched: the node sends Stop itself and looks whether the camera stands; one that goes on
is told so to people, and left alone by the wall.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from ansim.cameras import ptz_store
from ansim.cameras.choice import Held
from ansim.cameras.model import Camera
from ansim.cameras.onvif_device import DeviceFault, OnvifDevice, PtzDevice
from ansim.cameras.pointing import Mount, Pose
from ansim.cameras.ptz_store import Lease
from ansim.cameras.ptz_watch import Watch
from ansim.cameras.refusals import busy, device_problem, not_connected
from ansim.cameras.service import CameraService
from ansim.cameras.sources import CameraSource
from ansim.core import logs
from ansim.core.clock import iso, now
from ansim.core.database import Database, Tx
from ansim.ledger.service import Ledger
from ansim.people.model import Operator

_log = logs.get("ptz")

DeviceFor = Callable[[CameraSource], PtzDevice]

IDLE_S = 90.0
"""A holder silent for so long has let go."""
AGAIN_S = (1.0, 3.0, 10.0, 30.0)
"""Pauses between attempts to put a camera back; the last one for ever."""


class Hand(Struct, kw_only=True):
    """One leased camera in memory: its device, the watch over its movement, and what pages are told."""

    lease: Lease
    camera: Camera
    mount: Mount
    device: PtzDevice
    held: Held
    turn: asyncio.Lock
    heard: float
    wanted: int = 0
    watch: asyncio.Task[None] | None = None


class Hands:
    """The cameras of a node in somebody's hand. ``device_for`` opens one (ONVIF unless given)."""

    def __init__(
        self,
        database: Database,
        cameras: CameraService,
        ledger: Ledger,
        *,
        device_for: DeviceFor = OnvifDevice,
        idle_s: float = IDLE_S,
        watch: Watch | None = None,
        again_s: tuple[float, ...] = AGAIN_S,
    ) -> None:
        self._database = database
        self._cameras = cameras
        self._ledger = ledger
        self._device_for = device_for
        self._idle_s = idle_s
        self.watch = watch or Watch()
        self._again_s = again_s
        self._hands: dict[str, Hand] = {}
        self._taking: dict[str, asyncio.Lock] = {}
        self._returning: dict[str, asyncio.Task[None]] = {}
        self._sweep: asyncio.Task[None] | None = None
        cameras.walls.held_of = self.held

    async def start(self) -> None:
        """Put back what a former run left turned, and begin to watch for silent holders."""
        for lease in await self._database.read(ptz_store.leases):
            hand = await self._hand(lease)
            if hand is None:
                _log.error("a turned camera is gone or cannot be reached any more", camera=lease.camera)
                await self._database.write(
                    lambda tx, lease=lease: ptz_store.end_leases(tx, [lease.camera])  # type: ignore[misc]
                )
                continue
            self._hands[lease.camera] = hand
            self.put_back(hand, "the node was started anew")
        self._sweep = asyncio.create_task(self._sweeping(), name="ptz-leases")

    async def stop(self) -> None:
        """End the watches; what is still turned is on disk and put back at the next start."""
        tasks = [*self._returning.values(), *(hand.watch for hand in self._hands.values() if hand.watch)]
        tasks += [self._sweep] if self._sweep else []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(hand.device.close() for hand in self._hands.values()), return_exceptions=True)

    def held(self, incident: str) -> tuple[Held, ...]:
        """The cameras turned for an incident."""
        return tuple(hand.held for hand in self._hands.values() if hand.lease.incident == incident)

    def of(self, camera_id: str) -> Hand | None:
        """The camera, where somebody has it in hand."""
        return self._hands.get(camera_id)

    def ended(self, incident: str) -> None:
        """The incident is over: every camera turned for it is put back."""
        for hand in list(self._hands.values()):
            if hand.lease.incident == incident:
                self.put_back(hand, "the incident is over")

    async def take(self, who: Operator, incident: str, camera_id: str, what: str) -> Hand:
        """The camera in this person's hand; begins the lease where there is none."""
        async with self._taking.setdefault(camera_id, asyncio.Lock()):
            hand = self._hands.get(camera_id)
            home: Pose | None = None
            if hand is not None and camera_id in self._returning:
                home = hand.lease.home  # where it looked before anybody turned it
                await self._let_go(hand)
            elif hand is not None:
                if hand.lease.session != who.session or hand.lease.incident != incident:
                    raise busy(hand.lease.holder.name)
                hand.heard = time.monotonic()
                return hand
            again = hand is not None
            lease = Lease(
                camera=camera_id,
                incident=incident,
                session=who.session,
                holder=who.actor,
                home=None,
                since=iso(now()),
            )
            hand = await self._hand(lease)
            if hand is None:
                raise not_connected()
            try:
                home = home if again else (await hand.device.status()).pose
            except DeviceFault as fault:
                await hand.device.close()
                raise device_problem(fault) from fault
            hand.lease = lease = msgspec.structs.replace(lease, home=home)

            def write(tx: Tx) -> None:
                ptz_store.end_leases(tx, [camera_id])
                ptz_store.save_lease(tx, lease)
                self._ledger.record(
                    tx,
                    actor=who.actor,
                    action="use",
                    incident=incident,
                    what=what,
                    why="긴급호출 대응: 카메라 회전",
                    source=who.address,
                )

            await self._database.write(write)
            self._hands[camera_id] = hand
            self._cameras.walls.moved(incident)
            return hand

    async def _hand(self, lease: Lease) -> Hand | None:
        camera = await self._cameras.camera(lease.camera)
        source = await self._cameras.source(lease.camera)
        if camera is None or source is None or not source.onvif_url:
            return None
        return Hand(
            lease=lease,
            camera=camera,
            mount=await self.mount(camera),
            device=self._device_for(source),
            held=Held(
                camera=lease.camera, incident=lease.incident, holder=lease.holder.name, since=lease.since
            ),
            turn=asyncio.Lock(),
            heard=time.monotonic(),
        )

    async def mount(self, camera: Camera) -> Mount:
        """How it hangs; where nobody has said, pan 0 is taken to look to its heading."""
        known = await self._database.read(lambda conn: ptz_store.mount_of(conn, camera.id))
        return known or Mount(heading_deg=camera.heading or 0.0)

    async def command(
        self, hand: Hand, command: Callable[[], Awaitable[None]], most_s: float, *, heading: float | None
    ) -> Held:
        """Send one command and watch the movement; of several that wait for a slow camera the newest
        counts.
        """
        hand.wanted += 1
        mine = hand.wanted
        async with hand.turn:
            if mine != hand.wanted:
                return hand.held
            if hand.watch is not None:
                hand.watch.cancel()
            try:
                await command()
            except DeviceFault as fault:
                self._tell(hand, fault=fault.kind)
                # it may have begun all the same: an answer that is lost is no proof
                hand.watch = asyncio.create_task(self._watched(hand, 0.0), name="ptz-watch")
                raise device_problem(fault) from fault
            self._tell(hand, heading=heading, fault="")
            hand.watch = asyncio.create_task(self._watched(hand, most_s), name="ptz-watch")
            return hand.held

    async def _watched(self, hand: Hand, most_s: float) -> None:
        try:
            stands = await self.watch.ends(hand.device, most_s)
        except DeviceFault as fault:
            self._tell(hand, fault=fault.kind)
            return
        if not stands:
            _log.error("a camera does not stop", camera=hand.lease.camera)
            self._cameras.walls.avoid(hand.lease.camera)
        self._tell(hand, runaway=not stands)

    def put_back(self, hand: Hand, why: str) -> None:
        """End a lease: put the camera back to where it looked; ``why`` stands in the ledger."""
        key = hand.lease.camera
        if key not in self._returning:
            self._tell(hand, returning=True)
            self._returning[key] = asyncio.create_task(self._return(hand, why), name="ptz-put-back")

    async def _let_go(self, hand: Hand) -> None:
        """Break off putting a camera back: somebody needs it now."""
        task = self._returning.pop(hand.lease.camera)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        del self._hands[hand.lease.camera]
        await hand.device.close()

    async def _return(self, hand: Hand, why: str) -> None:
        key = hand.lease.camera
        attempt = 0
        while True:
            try:
                async with hand.turn:
                    if hand.watch is not None:
                        hand.watch.cancel()
                    home = hand.lease.home if hand.mount.absolute else None
                    await self.watch.put_back(hand.device, home)
                break
            except DeviceFault as fault:
                pause = self._again_s[min(attempt, len(self._again_s) - 1)]
                attempt += 1
                self._tell(hand, fault=fault.kind)
                _log.warning("a camera is not put back yet", camera=key, reason=str(fault), again_s=pause)
                await asyncio.sleep(pause)

        def write(tx: Tx) -> None:
            ptz_store.end_leases(tx, [key])
            self._ledger.record(
                tx,
                actor=hand.lease.holder,
                action="use",
                incident=hand.lease.incident,
                what=f"PTZ put back {key}",
                why=why,
            )

        await self._database.write(write)
        del self._hands[key], self._returning[key]
        self._cameras.walls.moved(hand.lease.incident)
        await hand.device.close()

    def _tell(self, hand: Hand, **changes: object) -> None:
        held = msgspec.structs.replace(hand.held, **changes)
        if held != hand.held:
            hand.held = held
            self._cameras.walls.moved(held.incident)

    async def _sweeping(self) -> None:
        while True:
            await asyncio.sleep(min(self._idle_s / 4, 5.0))
            late = time.monotonic() - self._idle_s
            for hand in list(self._hands.values()):
                if hand.heard < late:
                    self.put_back(hand, "its holder was silent")

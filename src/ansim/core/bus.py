"""The message bus: NATS JetStream, by leaf link from center to hub.

Both streams live at the hub. A node publishes only what its own database already holds (outbox.py), so a
cut link delays and never loses; what arrives is confirmed only when the receiver's database has it.

Subjects: ``ansim.hub.<center>.msg`` center → hub, ``ansim.center.<center>.msg`` hub → center, and
``ansim.hub.<center>.beat`` for heartbeats (core NATS request, never stored).
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext, api

from ansim.core import logs
from ansim.core.nats_server import NatsServer
from ansim.core.settings import Settings
from ansim.core.tasks import end

_log = logs.get("bus")

HUB_STREAM = "HUB"
CENTERS_STREAM = "CENTERS"
_DAY_S = 86_400.0


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One message between nodes: ``body`` is JSON shaped by ``kind``, ``id`` makes copies harmless."""

    id: str
    kind: str
    node: str
    body: msgspec.Raw

    def encode(self) -> bytes:
        """As it travels."""
        return msgspec.json.encode(self)


decode_letter = msgspec.json.Decoder(Letter).decode


class PublishFailed(Exception):
    """The bus did not confirm a message; it stays in the outbox."""


class Bus:
    """A node's connection to the bus."""

    def __init__(self, settings: Settings, server: NatsServer | None, password: str) -> None:
        self._settings = settings
        self.server = server
        self._password = password
        self._nc: Client | None = None
        self._js: JetStreamContext | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def node(self) -> str:
        """This node's code."""
        return self._settings.code

    @property
    def is_hub(self) -> bool:
        """Whether the streams are ours to make."""
        return self._settings.role == "hub"

    @property
    def connected(self) -> bool:
        """Whether the node's own client has its server (says nothing of the link to the hub)."""
        return self._nc is not None and self._nc.is_connected

    async def start(self) -> None:
        """Start the embedded server when there is one, connect, and (hub) make the streams."""
        if self.server is not None:
            await self.server.start()
        url = self._settings.bus.url or (self.server.url if self.server else "")
        self._nc = await nats.connect(
            url,
            user="node",
            password=self._password,
            name=self.node,
            inbox_prefix=f"_INBOX.{self.node}".encode(),
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,
            error_cb=_on_error,
        )
        self._js = self._nc.jetstream(domain="hub")
        if self.is_hub:
            await self._make_streams()

    async def _make_streams(self) -> None:
        for name, subject in ((HUB_STREAM, "ansim.hub.*.msg"), (CENTERS_STREAM, "ansim.center.*.msg")):
            config = api.StreamConfig(
                name=name,
                subjects=[subject],
                max_age=7 * _DAY_S,
                max_bytes=1_000_000_000,
                duplicate_window=120.0,
                storage=api.StorageType.FILE,
                discard=api.DiscardPolicy.OLD,
            )
            try:
                await self.js.update_stream(config)
            except nats.js.errors.NotFoundError:
                await self.js.add_stream(config)
        await self._make_consumer(HUB_STREAM, "hub", "ansim.hub.*.msg")
        for code in self._settings.centers:
            await self._make_consumer(CENTERS_STREAM, f"center-{code}", f"ansim.center.{code}.msg")

    async def _make_consumer(self, stream: str, durable: str, subject: str) -> None:
        config = api.ConsumerConfig(
            durable_name=durable,
            filter_subject=subject,
            ack_policy=api.AckPolicy.EXPLICIT,
            ack_wait=5.0,
            max_ack_pending=2_000,
        )
        await self.js.add_consumer(stream, config)

    @property
    def js(self) -> JetStreamContext:
        """JetStream of the hub's domain."""
        if self._js is None:
            raise RuntimeError("the bus has not been started")
        return self._js

    @property
    def client(self) -> Client:
        """The connected client."""
        if self._nc is None:
            raise RuntimeError("the bus has not been started")
        return self._nc

    async def publish(self, destination: str, letter_id: str, payload: bytes, *, attempt: int = 0) -> None:
        """Hand one letter to JetStream; PublishFailed unless the stream confirmed it.

        ``attempt`` goes into the message id, so that a repeat after a lost letter is not taken for a copy.
        """
        subject = f"ansim.hub.{self.node}.msg" if destination == "hub" else f"ansim.center.{destination}.msg"
        headers = {"Nats-Msg-Id": f"{letter_id}.{attempt}"}
        try:
            await self.js.publish(subject, payload, timeout=2.0, headers=headers)
        except (NatsError, TimeoutError) as error:
            raise PublishFailed(f"{type(error).__name__}: {error}") from error

    async def backlog(self, destination: str) -> int:
        """Hub: how many letters for a center still wait in the stream or for its confirmation."""
        info = await self.js.consumer_info(CENTERS_STREAM, f"center-{destination}")
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    def consume(self, handle: Callable[[list[Msg]], Awaitable[None]]) -> None:
        """Feed every letter for this node to ``handle`` in batches, for as long as the bus runs.

        ``handle`` confirms the messages itself, after its commit.
        """
        self._tasks.append(asyncio.create_task(self._consume(handle), name="bus-consume"))

    async def _consume(self, handle: Callable[[list[Msg]], Awaitable[None]]) -> None:
        stream, durable = (HUB_STREAM, "hub") if self.is_hub else (CENTERS_STREAM, f"center-{self.node}")
        subscription = await self.js.pull_subscribe_bind(consumer=durable, stream=stream)
        silent = False
        while True:
            try:
                # A short wait: a request that was open while the link fell is only renewed when it ends.
                messages = await subscription.fetch(128, timeout=1.0)
            except TimeoutError:
                silent = False
                continue
            except NatsError as error:
                if not silent:
                    _log.warning("cannot fetch, trying on", reason=f"{type(error).__name__}: {error}")
                silent = True
                await asyncio.sleep(0.25)
                continue
            silent = False
            await handle(messages)

    async def answer(self, subject: str, reply: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Answer core NATS requests on ``subject``; ``reply`` gets the subject and the body."""

        async def on_message(message: Msg) -> None:
            await message.respond(await reply(message.subject, message.data))

        await self.client.subscribe(subject, cb=on_message)

    async def request(self, subject: str, body: bytes, timeout_s: float) -> bytes | None:
        """One core NATS request; None when nobody answered in time."""
        try:
            message = await self.client.request(subject, body, timeout=timeout_s)
        except (NatsError, TimeoutError):
            return None
        return bytes(message.data)

    async def stop(self) -> None:
        """Close the connection, then the embedded server."""
        await end(*self._tasks)
        if self._nc is not None:
            await self._nc.close()
        if self.server is not None:
            await self.server.stop()


async def _on_error(error: Exception) -> None:
    _log.warning("bus error", reason=f"{type(error).__name__}: {error}")

"""The rule of grants behind the gateway's port: what a socket or a still needs before the first byte."""

import asyncio
from collections.abc import Awaitable, Callable

from ansim.cameras.sources import CameraSource
from ansim.core.problems import Problem
from ansim.people.model import SessionKind
from ansim.people.service import PeopleService
from ansim.video.grants.api import viewer_of
from ansim.video.grants.live import Hold, Live
from ansim.video.grants.service import Grants
from ansim.video.model import Quality
from ansim.video.permits import Connection, Permit, Use

SourceOf = Callable[[str], Awaitable[CameraSource | None]]
"""How to reach a camera; None when that is not on record."""


class HeldLease:
    """A grant in force together with the way to its camera (see :class:`~ansim.video.permits.Lease`)."""

    def __init__(self, live: Live, hold: Hold, source: CameraSource, use: Use) -> None:
        self._live = live
        self._hold = hold
        self._use = use
        if use == "live":
            live.watched(hold, 1)
        self._source = source

    @property
    def source(self) -> CameraSource:
        """How to reach the camera."""
        return self._source

    @property
    def revoked(self) -> asyncio.Event:
        """Set when the grant has ended."""
        return self._hold.over

    @property
    def reason(self) -> str:
        """Why it has ended; empty while it stands."""
        return self._hold.reason or ""

    async def done(self) -> None:
        """The picture is closed; the grant outlives it, so that a tile that was swapped out can come back."""
        if self._use == "live":
            self._live.watched(self._hold, -1)


def permits(grants: Grants, people: PeopleService, source_of: SourceOf) -> Permit:
    """The permit of a center: the page is told by ``as`` in the query, the person by its session cookie."""

    async def permit(
        connection: Connection, incident: str, camera: str, use: Use, quality: Quality
    ) -> HeldLease:
        viewer = await viewer_of(people, connection, page_of(connection))
        source = await source_of(camera)
        if source is None:
            raise no_stream()
        return HeldLease(grants.live, await grants.permit(viewer, incident, camera), source, use)

    return permit


def page_of(connection: Connection) -> SessionKind:
    """Which page asks: one browser may be signed in at both."""
    return "desk" if connection.query_params.get("as") == "desk" else "console"


def no_stream() -> Problem:
    """404: the camera is known, but not how to reach it."""
    return Problem(
        404,
        "no-stream",
        ("이 카메라의 영상 연결 정보가 없습니다.", "How to reach this camera's picture is not on record."),
        state="not_found",
    )

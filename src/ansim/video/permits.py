"""Who may look, as a port: routes ask for a permit and hold its lease; nobody gets one by default."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol

from litestar.connection import ASGIConnection

from ansim.cameras.sources import CameraSource
from ansim.core.problems import forbidden
from ansim.video.model import Quality

Use = Literal["live", "still"]


class Lease(Protocol):
    """Permission for one person to see one camera, for now.

    ``source`` is how the node reaches the camera. ``revoked`` is set when the permission ends (closing,
    sign-out, end of duty, hand-over, expiry), ``reason`` says why, as a word pages can translate.
    """

    @property
    def source(self) -> CameraSource: ...

    @property
    def revoked(self) -> asyncio.Event: ...

    @property
    def reason(self) -> str: ...

    async def done(self) -> None:
        """The viewer has left; called exactly once, also after a revocation."""


Connection = ASGIConnection[Any, Any, Any, Any]
Permit = Callable[[Connection, str, str, Use, Quality], Awaitable[Lease]]
"""``(connection, incident, camera, use, quality)``: issues a lease, recorded before it returns.

Raises a :class:`~ansim.core.problems.Problem` otherwise, recorded as well.
"""


async def nobody(connection: Connection, incident: str, camera: str, use: Use, quality: Quality) -> Lease:
    """The permit of a node that has no rule for grants: nobody may look."""
    raise forbidden("영상을 볼 권한이 없습니다.", "You may not watch this camera.")

"""Footage over HTTP: the list, its pieces for the player, review, export and hold."""

from typing import Annotated, Any

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from litestar.response import Stream
from msgspec import Meta, Struct

from ansim.people.model import Operator, Supervisor
from ansim.video.evidence.model import Hold, Recording, Segment
from ansim.video.evidence.package import package
from ansim.video.evidence.service import FootageService

Reason = Annotated[str, Meta(min_length=5, max_length=500)]


class Why(Struct, frozen=True, kw_only=True):
    """The reason, which goes on record."""

    reason: Reason


class Taking(Struct, frozen=True, kw_only=True):
    """Which recordings are taken out (none named: all), and why."""

    reason: Reason
    recordings: Annotated[list[Annotated[str, Meta(max_length=36)]], Meta(max_length=500)] = []


class Holding(Struct, frozen=True, kw_only=True):
    """Why, and until when (ISO-8601)."""

    reason: Reason
    until: Annotated[str, Meta(max_length=40)]


class Until(Struct, frozen=True, kw_only=True):
    """Until when it is open."""

    until: str


class ShownRecording(Struct, frozen=True, kw_only=True):
    """A recording with its pieces."""

    recording: Recording
    segments: list[Segment]


class ShownFootage(Struct, frozen=True, kw_only=True):
    """What was recorded for an incident."""

    recordings: list[ShownRecording]
    hold: Hold | None
    destroyed: bool


def footage_routes(service: FootageService) -> list[HTTPRouteHandler]:
    """The routes under ``/api/console/incidents/{incident}/footage``."""
    base = "/api/console/incidents/{incident:str}/footage"

    @get(base, tags=["footage"])
    async def listing(incident: FromPath[str], operator: NamedDependency[Operator]) -> ShownFootage:
        """What was recorded: while the incident is open, or after a supervisor's review began."""
        found = await service.footage(operator, incident)
        shown = [ShownRecording(recording=one, segments=found.segments[one.id]) for one in found.recordings]
        return ShownFootage(recordings=shown, hold=found.hold, destroyed=found.destroyed)

    @get(base + "/{recording:str}/{number:int}", tags=["footage"])
    async def piece(
        incident: FromPath[str],
        recording: FromPath[str],
        number: FromPath[int],
        operator: NamedDependency[Operator],
    ) -> Response[bytes]:
        """One piece in plain, for the player."""
        segment = await service.piece(operator, incident, recording, number)
        data = await service.read(incident, segment)
        return Response(data, media_type="application/octet-stream", headers={"cache-control": "no-store"})

    @post(base + "/review", status_code=200, tags=["footage"])
    async def review(
        incident: FromPath[str], data: JSONBody[Why], supervisor: NamedDependency[Supervisor]
    ) -> Until:
        """Open the footage of an incident that has ended, with a reason."""
        return Until(until=await service.review(supervisor, incident, data.reason))

    @post(base + "/export", status_code=200, tags=["footage"])
    async def export(
        incident: FromPath[str], data: JSONBody[Taking], operator: NamedDependency[Operator]
    ) -> Stream:
        """A zip of playable files with a manifest of hashes; the reason is on record first."""
        footage = await service.export(operator, incident, data.reason, data.recordings)
        body: Any = package(incident, footage, service.read, by=operator.name, reason=data.reason)
        headers = {"content-disposition": f'attachment; filename="footage-{footage.recordings[0].id}.zip"'}
        return Stream(body, media_type="application/zip", headers=headers)

    @put(base + "/hold", tags=["footage"])
    async def hold(
        incident: FromPath[str], data: JSONBody[Holding], supervisor: NamedDependency[Supervisor]
    ) -> Hold:
        """Keep the footage beyond its time."""
        return await service.hold(supervisor, incident, data.reason, data.until)

    @delete(base + "/hold", tags=["footage"])
    async def release(incident: FromPath[str], supervisor: NamedDependency[Supervisor]) -> None:
        """End a hold before its time."""
        await service.release(supervisor, incident)

    return [listing, piece, review, export, hold, release]

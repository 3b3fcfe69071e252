"""The national operator's routes, on the hub: the picture of the country, live; no person's data."""

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream
from msgspec import Struct
from sqlalchemy.engine import Connection

from ansim.core import push
from ansim.core.database import Database
from ansim.core.feed import Change, Feed, last_seq
from ansim.distribution import national as pictures
from ansim.distribution.national import National
from ansim.distribution.service import Distribution
from ansim.incidents.person_api import resume_at, sse
from ansim.people.model import NationalOperator
from ansim.people.service import PeopleService

_SIMPLIFY_M = 150.0
_TICK_S = 1.0


class Asked(Struct, frozen=True, kw_only=True):
    """A center in the order in which it would be asked."""

    code: str
    name: str
    state: str


class Answer(Struct, frozen=True, kw_only=True):
    """Who is responsible at a place, by what method, and who is asked in what order."""

    lat: float
    lon: float
    code: str
    name: str
    province: str
    method: str
    approximate: bool
    distance_m: float
    others: list[str]
    connected: bool
    order: list[Asked]
    room: Asked | None
    rules: dict[str, str]


def national_routes(
    *,
    database: Database,
    feed: Feed,
    people: PeopleService,
    distribution: Distribution,
    picture: National,
    node: Callable[[], dict[str, Any]],
) -> list[HTTPRouteHandler]:
    """The routes under ``/api/national``."""

    @get("/api/national/stream", tags=["national"])
    async def stream(
        request: Request[Any, Any, Any],
        national: NamedDependency[NationalOperator],
        cursor: FromQuery[int | None] = None,
    ) -> Stream:
        """Every center and every step of the ladder, live (server-sent events)."""

        async def whole() -> tuple[int, bytes]:
            def read(conn: Connection) -> tuple[int, list[pictures.Entry]]:
                return last_seq(conn), pictures.log(conn)

            at, lines = await database.read(read)
            return at, picture.snapshot(at, lines, node())

        async def share(change: Change) -> bytes | None:
            return pictures.change_of(change.payload)

        async def alive() -> bool:
            return await people.session_alive(national.session)

        frames = push.stream(
            feed,
            cursor=resume_at(request, cursor),
            snapshot=whole,
            project=share,
            status=picture.status,
            alive=alive,
            tick_s=_TICK_S,
        )
        return sse(frames)

    @get("/api/national/map", tags=["national"], sync_to_thread=True)
    def borders(national: NamedDependency[NationalOperator]) -> Response[dict[str, Any]]:
        """The boundaries in force as GeoJSON, with the center that answers for each."""
        boundaries = distribution.boundaries
        shapes = boundaries.geojson(boundaries.codes, _SIMPLIFY_M)
        for feature in shapes["features"]:
            feature["properties"]["center"] = distribution.answering(feature["properties"]["code"])
        return Response(shapes | {"approximate": boundaries.approximate})

    @get("/api/national/where", tags=["national"])
    async def where(
        national: NamedDependency[NationalOperator],
        lat: Annotated[float, QueryParameter(ge=-90, le=90)],
        lon: Annotated[float, QueryParameter(ge=-180, le=180)],
    ) -> Answer:
        """Who is responsible for a place. A place on a map is nobody's position."""
        return _answer(distribution, lat, lon)

    return [stream, borders, where]


def _answer(distribution: Distribution, lat: float, lon: float) -> Answer:
    boundaries = distribution.boundaries
    found = boundaries.locate(lat, lon)
    responsible = distribution.answering(found.center_code)
    plan = distribution.plan(responsible or "", "sos")
    room = distribution.room(found.center_code)

    def asked(code: str, name: str) -> Asked:
        return Asked(code=code, name=name, state=distribution.health.state(code).value)

    return Answer(
        lat=lat,
        lon=lon,
        code=found.center_code,
        name=found.center_name,
        province=boundaries.provinces[boundaries.index(found.center_code)],
        method=found.method,
        approximate=found.approximate,
        distance_m=round(found.distance_m),
        others=[boundaries.name(code) for code in found.others],
        connected=responsible is not None,
        order=[asked(one.code, one.name) for one in distribution.order(found.center_code, plan.fallback)[:6]],
        room=asked(room.code, room.name) if room else None,
        rules=plan.rules,
    )

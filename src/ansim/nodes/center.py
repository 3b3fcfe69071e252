"""A center: takes the alarm, looks, asks for help, and closes; goes on when the hub is out of reach."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar

from ansim.cameras.api import camera_routes
from ansim.cameras.buildings import kept_buildings
from ansim.cameras.service import CameraService
from ansim.cameras.sources import CAMERA_KEY, Connections
from ansim.cameras.wall_api import wall_routes
from ansim.core.actors import Actor
from ansim.core.clock import now
from ansim.core.database import Tx
from ansim.core.problems import not_found
from ansim.core.sealing import Sealer
from ansim.core.secrets import encryption_key
from ansim.core.settings import Settings
from ansim.core.web import build_app
from ansim.dispatch.api import desk_routes
from ansim.dispatch.service import DispatchService
from ansim.distribution.generations import FOLDER, in_force
from ansim.distribution.health import Beat
from ansim.distribution.link import HubLink
from ansim.distribution.maps import borders, map_routes
from ansim.incidents import store
from ansim.incidents.console_api import console_routes
from ansim.incidents.journal import EVENTS, POSITIONS, Journal
from ansim.incidents.looks import Looks
from ansim.incidents.operations import Operations
from ansim.incidents.reactions import at_center
from ansim.ledger.model import Head
from ansim.nodes.demo_city import DemoCity
from ansim.nodes.fixes import fixes_from
from ansim.nodes.letters import HEAD, LOOK, HeadBody, LookBody
from ansim.nodes.looking import Looking
from ansim.nodes.parts import Parts
from ansim.nodes.staffing import demo_signins, seed_staff
from ansim.people.access import dependencies
from ansim.people.api import staff_routes
from ansim.people.duty_api import duty_routes
from ansim.people.model import Operator
from ansim.video.gateway import Gateway

PAGES = {"/": "console.html", "/desk": "desk.html"}


def center(settings: Settings) -> Litestar:
    """The center's application; everything starts with it and stops with it."""

    def on_head(tx: Tx, head: Head) -> None:
        parts.outbox.put(tx, ["hub"], HEAD, HeadBody(seq=head.seq, hash=head.hash, at=head.at))

    parts = Parts(settings, on_head=on_head)
    journal = Journal(
        node=settings.code,
        is_hub=False,
        clock=parts.clock,
        feed=parts.feed,
        outbox=parts.outbox,
        react=at_center,
    )
    operations = Operations(parts.database, journal, settings.code, settings.name)
    dispatch = DispatchService(parts.database, journal, settings.code)
    sealer = Sealer(encryption_key(settings.data_dir, CAMERA_KEY))
    connections = Connections(parts.database, sealer, parts.ledger)
    cameras = CameraService(
        parts.database,
        connections,
        fixes_of=fixes_from(parts.database),
        buildings=kept_buildings(settings.data_dir),
    )
    journal.listeners.append(lambda incident: cameras.walls.moved(incident.id))
    journal.position_listeners.append(lambda incident, _: cameras.walls.moved(incident.id))
    looking = Looking(parts, journal, cameras, Gateway(metrics=parts.metrics))
    city = DemoCity(settings.code, journal, cameras, connections) if settings.demo else None
    link = HubLink(parts.bus, parts.feed, lambda: _beat(parts))
    area = borders(in_force(settings.data_dir / FOLDER, now()), settings.code)

    def record_look(tx: Tx, session: str, actor: Actor, subject: str, incident: str, source: str) -> None:
        what, why = "위치, 프로필, 사건 기록", "긴급호출 대응 화면"
        first = parts.ledger.record_once(
            tx,
            session=session,
            actor=actor,
            action="view",
            subject=subject,
            incident=incident,
            what=what,
            why=why,
            source=source,
        )
        if first:
            look = LookBody(actor=actor, subject=subject, incident=incident, what=what, why=why)
            parts.outbox.put(tx, ["hub"], LOOK, look)

    looks = Looks(parts.database, record_look)

    async def position_of(incident: str) -> tuple[float, float, float] | None:
        found = await parts.database.read(lambda conn: store.newest_position(conn, incident))
        return (found.lat, found.lon, found.radius) if found else None

    async def look(operator: Operator, incident: str) -> None:
        found = await parts.database.read(lambda conn: store.load(conn, incident))
        if found is None:
            raise not_found("incident")
        subject = found.armed.person.id if found.armed and found.armed.person else ""
        await looks.reader(operator.session, operator.actor, operator.address).gives(incident, subject)

    def node() -> dict[str, Any]:
        return {"code": settings.code, "name": settings.name, "hub_link": link.state()}

    @contextlib.asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        await parts.start({EVENTS: journal.receive, POSITIONS: journal.receive_positions})
        await seed_staff(parts.people, settings)
        if city is not None:
            await city.start()
        await cameras.start()
        await looking.start()
        await link.start()
        try:
            yield
        finally:
            await link.stop()
            await looking.stop()
            cameras.walls.close()
            if city is not None:
                await city.stop()
            await parts.stop()

    routes = [
        *staff_routes(parts.people),
        *duty_routes(parts.people),
        *looking.routes(),
        *map_routes(area),
        *camera_routes(cameras, position_of),
        *wall_routes(cameras, look, parts.people.session_alive),
        *console_routes(
            settings=settings,
            database=parts.database,
            feed=parts.feed,
            operations=operations,
            people=parts.people,
            looks=looks,
            node=node,
            status=link.status,
        ),
        *desk_routes(
            settings=settings,
            database=parts.database,
            feed=parts.feed,
            dispatch=dispatch,
            people=parts.people,
            looks=looks,
            node=node,
            status=link.status,
        ),
    ]
    return build_app(
        settings=settings,
        metrics=parts.metrics,
        route_handlers=routes,
        dependencies=dependencies(parts.people),
        lifespan=[running],
        pages=PAGES,
        ready=parts.ready,
        demo_signins=demo_signins(settings),
    )


def _beat(parts: Parts) -> Beat:
    depth, age = parts.outbox.reading()
    return Beat(
        code=parts.settings.code, name=parts.settings.name, outbox=depth, outbox_oldest_s=round(age, 1)
    )

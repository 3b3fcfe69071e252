"""The hub: takes every press, finds the center, and sees to it that somebody answers."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Litestar

from ansim.core.actors import Actor, system
from ansim.core.bus import Letter
from ansim.core.clock import iso, now
from ansim.core.database import Tx
from ansim.core.secrets import secret
from ansim.core.settings import Settings
from ansim.core.web import build_app
from ansim.distribution.boundaries import default_boundaries
from ansim.distribution.discrepancies import MENDED_LETTER, Discrepancies, Mended
from ansim.distribution.health import Beat, CenterHealth
from ansim.distribution.lost.part import LostPart
from ansim.distribution.service import Distribution
from ansim.distribution.watch import BoundaryWatch
from ansim.distribution.worker import LadderWorker
from ansim.incidents.journal import EVENTS, POSITIONS, Journal
from ansim.incidents.model import Incident
from ansim.incidents.person_api import person_routes
from ansim.incidents.reactions import at_hub
from ansim.incidents.sos import SosService
from ansim.nodes.letters import HEAD, LOOK, HeadBody, LookBody
from ansim.nodes.parts import Parts
from ansim.people.access import dependencies
from ansim.people.api import citizen_routes
from ansim.people.sms import PrintSms
from ansim.people.worker import SmsWorker
from ansim.simulation.api import demo_routes

PAGES = {"/": "citizen.html"}


def hub(settings: Settings) -> Litestar:
    """The hub's application; everything starts with it and stops with it."""
    parts = Parts(settings)
    ledger = parts.ledger
    health = CenterHealth(list(settings.centers))
    parts.metrics.gauge("ansim_centers_heard", "Enrolled centers heard lately", health.heard)
    names = {code: _name(code) for code in settings.centers}
    distribution = Distribution(settings.data_dir, names, health)

    def on_party(tx: Tx, incident: Incident, code: str) -> None:
        person = incident.armed.person if incident.armed else None
        center = distribution.center(code)
        ledger.record(
            tx,
            actor=Actor(kind="system", id=center.code, name=f"{center.name} 센터"),
            action="provide",
            subject=person.id if person else "",
            incident=incident.id,
            what="위치, 프로필, 사건 기록",
            why="긴급호출: 담당 또는 인접 센터에 제공",
        )

    journal = Journal(
        node=settings.code,
        is_hub=True,
        clock=parts.clock,
        feed=parts.feed,
        outbox=parts.outbox,
        enrolled=settings.centers,
        react=at_hub,
        on_party=on_party,
    )
    sos = SosService(
        database=parts.database,
        journal=journal,
        route=distribution.route,
        card=parts.people.person_card,
        policy=settings.policy,
    )
    ladder = LadderWorker(parts.database, journal, distribution, settings.policy, parts.metrics)
    reports = Discrepancies(parts.database, parts.outbox, settings.centers)
    watch = BoundaryWatch(distribution, reports, min_area_m2=settings.policy.discrepancy_m2)
    lost = LostPart(settings, distribution, parts.database, ledger, reports, parts.metrics)
    sms = SmsWorker(parts.database, parts.sms_queue, PrintSms(settings.data_dir / "sms.log"), parts.metrics)

    def take_look(tx: Tx, letter: Letter) -> None:
        look = msgspec.json.decode(letter.body, type=LookBody)
        ledger.record(
            tx,
            actor=look.actor,
            action="view",
            subject=look.subject,
            incident=look.incident,
            what=look.what,
            why=look.why,
            node=letter.node,
        )

    def take_head(tx: Tx, letter: Letter) -> None:
        head = msgspec.json.decode(letter.body, type=HeadBody)
        ledger.record(
            tx,
            actor=system(letter.node),
            action="admin",
            what=f"ledger head {head.seq} {head.hash}",
            why="센터 원장의 끝을 허브에 고정",
            node=letter.node,
        )

    def take_mended(tx: Tx, letter: Letter) -> None:
        reports.receive_mended(tx, msgspec.json.decode(letter.body, type=Mended), letter.node)

    async def on_beat(subject: str, body: bytes) -> bytes:
        beat = msgspec.json.decode(body, type=Beat)
        if beat.code == subject.split(".")[2]:  # the leaf's permissions vouch for the subject, not the body
            health.beat(beat)
        return msgspec.json.encode({"now": iso(now())})

    @contextlib.asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        handlers = {
            EVENTS: journal.receive,
            POSITIONS: journal.receive_positions,
            LOOK: take_look,
            HEAD: take_head,
            MENDED_LETTER: take_mended,
        }
        await parts.start(handlers)
        await parts.bus.answer("ansim.hub.*.beat", on_beat)
        await ladder.start()
        await sms.start()
        await watch.start()
        await lost.start()
        try:
            yield
        finally:
            await lost.stop()
            await watch.stop()
            await sms.stop()
            await ladder.stop()
            await parts.stop()

    def node() -> dict[str, Any]:
        link = {"up": parts.bus.connected, "since": iso(now())}
        return {"code": settings.code, "name": settings.name, "hub_link": link}

    routes = [
        *lost.routes,
        *citizen_routes(parts.people, center_name=lambda code: names.get(code, code)),
        *person_routes(
            settings=settings,
            database=parts.database,
            feed=parts.feed,
            sos=sos,
            people=parts.people,
            metrics=parts.metrics,
            drill_token=secret(settings.data_dir, "drill"),
            node=node,
        ),
        *(demo_routes() if settings.demo else ()),
    ]
    return build_app(
        settings=settings,
        metrics=parts.metrics,
        route_handlers=routes,
        dependencies=dependencies(parts.people),
        lifespan=[running],
        pages=PAGES,
        ready=parts.ready,
    )


def _name(code: str) -> str:
    boundaries = default_boundaries()
    return boundaries.name(code) if code in boundaries else code

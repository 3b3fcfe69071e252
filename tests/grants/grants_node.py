"""A center without a network: the real journal, people and ledger on a real database, and its grants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
from sqlalchemy.engine import Connection

from ansim.core.actors import Actor, system
from ansim.core.clock import iso, now
from ansim.core.metrics import Metrics
from ansim.core.secrets import signing_key
from ansim.core.settings import Settings
from ansim.incidents import events as ev
from ansim.incidents.positions import Position
from ansim.ledger.model import Entry
from ansim.ledger.service import Ledger
from ansim.ledger.store import entries
from ansim.people.model import AgencyCode, Role, StaffMember
from ansim.people.service import PeopleService
from ansim.people.store import insert_staff
from ansim.video.grants.model import Eye, Viewer
from ansim.video.grants.service import Grants
from ansim.video.grants.worker import GrantKeeper
from support.nodes import Station, letter
from support.story import OPERATOR, Story, alerting

HERE = (37.3943, 126.9568)
EYES = {
    "near": Eye(id="near", name="큰길 카메라", lat=HERE[0] + 0.001, lon=HERE[1]),
    "next": Eye(id="next", name="골목 카메라", lat=HERE[0], lon=HERE[1] + 0.001),
    "far": Eye(id="far", name="먼 카메라", lat=HERE[0] + 0.05, lon=HERE[1]),
}
ADDRESS = "10.0.0.7"


class GrantsNode:
    """안양시's center with two operators and a desk of 112, all signed in."""

    def __init__(self, folder: Path) -> None:
        self.station = Station.in_folder("41170", folder)
        self.database = self.station.database
        self.metrics = Metrics()
        self.ledger = Ledger("41170", signing_key(folder, "ledger"))
        settings = Settings(role="center", code="41170", data=str(folder), secure_cookies=False)
        self.people = PeopleService(database=self.database, ledger=self.ledger, settings=settings)
        self.told: list[tuple[str, str, str]] = []
        self.eyes = dict(EYES)
        self.grants = Grants(
            database=self.database,
            journal=self.station.journal,
            ledger=self.ledger,
            people=self.people,
            code="41170",
            eye_of=lambda _conn, camera: self.eyes.get(camera),
            tell=lambda _tx, actor, subject, _incident, what, _why: self.told.append(
                (actor.name, subject, what)
            ),
            metrics=self.metrics,
        )
        self.keeper = GrantKeeper(self.database, self.grants, self.ledger, self.people, self.metrics)
        self.kim = self.staff("op-kim", "김관제", "operator")
        self.lee = self.staff("op-lee", "이관제", "operator")
        self.police = self.staff("desk-112", "112 상황실", "agency", "112")

    def staff(self, ident: str, name: str, role: Role, agency: AgencyCode | None = None) -> StaffMember:
        member = StaffMember(
            id=ident,
            login=ident,
            name=name,
            role=role,
            agency=agency,
            password_hash="",
            active=True,
            created_at=iso(now()),
        )
        self.station.write(lambda tx: insert_staff(tx, member))
        return member

    def signed_in(self, member: StaffMember) -> Viewer:
        """A new session of somebody."""
        kind = "desk" if member.agency else "console"
        _, session = self.station.write(
            lambda tx: self.people.sessions.open(tx, kind, member.id, ADDRESS)  # type: ignore[arg-type]
        )
        return Viewer(
            id=member.id, name=member.name, session=session.id, address=ADDRESS, agency=member.agency
        )

    def take(self, story: Story, *, at: tuple[float, float] | None = HERE, age_s: float = 0.0) -> str:
        """The node learns an incident, and where she is."""
        self.station.receive(letter("hub", story.events, number=len(story.events)))
        if at is not None:
            self.move(story.incident, at, age_s)
        return story.incident

    def move(self, incident: str, at: tuple[float, float], age_s: float = 0.0) -> None:
        moment = iso(now() - timedelta(seconds=age_s))
        fix = Position(
            id=f"{abs(hash((at, moment))) % 10**8:08d}-1111-7000-8000-000000000000",
            at=moment,
            received_at=iso(now()),
            lat=at[0],
            lon=at[1],
            radius=20.0,
            source="gnss",
        )
        self.station.write(lambda tx: self.station.journal.record_positions(tx, incident, [fix]))

    def tell(self, incident: str, data: ev.Data, actor: Actor | None = None) -> None:
        """An event decided at this center."""
        author = actor or OPERATOR
        self.station.write(lambda tx: self.station.journal.record(tx, incident, [(data, author)]))

    def rows(self, action: str) -> list[Entry]:
        def read(conn: Connection) -> list[Entry]:
            return [one for one in entries(conn) if one.action == action]

        return self.station.read(read)

    def hub(self, incident: str, data: ev.Data) -> None:
        """An event that the hub tells."""
        story = Story(incident)
        story.events = self.station.events(incident)
        story.at_ms = int(story.events[-1].at, 16) >> 16
        event = story.tell(data).last
        event = msgspec.structs.replace(event, id=f"h{len(story.events)}", actor=system("hub"))
        self.station.receive(letter("hub", [event], number=len(story.events)))

    def close(self) -> None:
        self.people.close()
        self.station.close()


@asynccontextmanager
async def node(folder: Path) -> AsyncIterator[GrantsNode]:
    made = GrantsNode(folder)
    try:
        yield made
    finally:
        made.close()


def alarm() -> Story:
    """An alarm that 안양시 owns."""
    return alerting()

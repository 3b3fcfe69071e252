"""What the cameras ask of the incidents: the fixes of somebody whose incident is open."""

from collections.abc import Awaitable, Callable

from sqlalchemy.engine import Connection

from ansim.core.clock import parse_iso
from ansim.core.database import Database
from ansim.geo.track import MOST, Fix
from ansim.incidents import store
from ansim.incidents.positions import Position


def fixes_from(database: Database) -> Callable[[str], Awaitable[list[Fix] | None]]:
    """The newest fixes of an incident by its id; None when it has ended or is not known here."""

    def read(conn: Connection, incident: str) -> list[Position] | None:
        found = store.load(conn, incident)
        return store.track(conn, incident, MOST) if found is not None and found.open else None

    async def fixes_of(incident: str) -> list[Fix] | None:
        positions = await database.read(lambda conn: read(conn, incident))
        return None if positions is None else [fix_of(position) for position in positions]

    return fixes_of


def fix_of(position: Position) -> Fix:
    """A reported position as a fix: seconds since the epoch by the phone's clock, not later than received."""
    at = min(parse_iso(position.at), parse_iso(position.received_at))
    return Fix(
        at_s=at.timestamp(),
        lat=position.lat,
        lon=position.lon,
        radius_m=position.radius,
        confidence=position.confidence,
        speed_mps=position.speed,
        heading_deg=position.heading,
    )

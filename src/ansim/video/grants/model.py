"""Who may look through which camera, for which incident, and until when. Pure.

A grant is person × duty × open incident × this camera within the incident's reach × time (DESIGN §7). The
same rule issues a grant and, asked again at every change, ends it.
"""

import math
from datetime import datetime
from typing import Literal

from msgspec import Struct

from ansim.core.actors import Actor
from ansim.core.clock import parse_iso
from ansim.geo.shape import distance_m
from ansim.incidents.lifecycle import IN_HAND, State
from ansim.incidents.model import Incident
from ansim.incidents.positions import Position

Kind = Literal["watch", "ptz", "clip"]
"""``watch``: stream and still of one camera; ``ptz``: moving it; ``clip``: its recording for the incident."""

Reason = Literal[
    "signed_out",
    "duty_ended",
    "no_incident",
    "not_alarmed",
    "closed",
    "handed_over",
    "not_party",
    "not_asked",
    "not_shared",
    "no_camera",
    "no_position",
    "out_of_reach",
    "not_for_agency",
    "expired",
    "restart",
]
"""Why a grant was refused or has ended."""

WORDS: dict[Reason, tuple[str, str]] = {
    "signed_out": ("로그아웃되었습니다.", "The session has ended."),
    "duty_ended": ("근무 중이 아닙니다.", "You are not on duty."),
    "no_incident": ("사건이 없습니다.", "There is no such incident."),
    "not_alarmed": (
        "아직 취소할 수 있는 시간이어서 카메라를 볼 수 없습니다.",
        "She can still cancel: nobody looks before the alarm.",
    ),
    "closed": ("끝난 사건입니다.", "The incident has ended."),
    "handed_over": ("다른 센터가 담당합니다.", "Another center answers for the incident."),
    "not_party": ("이 센터가 맡은 사건이 아닙니다.", "This center does not answer for the incident."),
    "not_asked": ("이 기관에 요청한 사건이 아닙니다.", "This agency was not asked."),
    "not_shared": ("관제가 공유하지 않은 카메라입니다.", "The operator has not shared this camera."),
    "no_camera": ("없는 카메라입니다.", "There is no such camera."),
    "no_position": ("위치를 몰라 가까운 카메라를 정할 수 없습니다.", "Her position is not known."),
    "out_of_reach": ("신고자와 너무 먼 카메라입니다.", "The camera is too far from her."),
    "not_for_agency": ("기관은 화면만 볼 수 있습니다.", "An agency may only watch."),
    "expired": ("허가 시간이 지났습니다.", "The grant has run out."),
    "restart": ("센터 서버가 다시 시작되었습니다.", "The center was restarted."),
}
"""Each reason for people, Korean and English."""

BREAKABLE: frozenset[Reason] = frozenset({"not_party", "handed_over", "no_position", "out_of_reach"})
"""What two people together may override: never a closed incident, the cancel window, or who they are."""

LASTS_S = 1800.0
"""How long a grant lasts; the page asks for the next one by itself, which is judged anew."""
GLASS_LASTS_S = 600.0
"""How long a camera opened by two people stays open."""
REACH_M = 600.0
"""Farthest camera from the edge of her circle: what a runner covers in two minutes."""
KEEP_M = 200.0
"""A grant that was issued is kept this much farther, so that it does not flicker at the edge."""
_BENT_DEG = 150.0
_PACE_M_S = 1.5
_DRIFT_MOST_M = 900.0


class Viewer(Struct, frozen=True, kw_only=True):
    """Somebody who wants to look: signed in with ``session``; ``agency`` is set at a desk.

    ``on_duty`` and ``alive`` are as the transaction that judges reads them.
    """

    id: str
    name: str
    session: str
    address: str
    agency: str | None = None
    on_duty: bool = True
    alive: bool = True

    @property
    def actor(self) -> Actor:
        """As the author of a ledger row."""
        return Actor(kind="agency" if self.agency else "staff", id=self.id, name=self.name)


class Eye(Struct, frozen=True, kw_only=True):
    """A camera as a grant needs it; ``heading`` is None when nobody knows where it looks."""

    id: str
    name: str
    lat: float
    lon: float
    heading: float | None = None
    fov_deg: float = 360.0

    def bearing(self, x: float) -> float | None:
        """The direction of what stands at ``x`` (0 to 1 from the left) of its picture, degrees from north.

        A pinhole lens: the picture's edges lie half the field of view off the heading. None without a heading
        and for lenses that bend more than a half circle into one picture.
        """
        if self.heading is None or self.fov_deg >= _BENT_DEG:
            return None
        half = math.tan(math.radians(self.fov_deg / 2))
        return (self.heading + math.degrees(math.atan((2 * x - 1) * half))) % 360.0


class Grant(Struct, frozen=True, kw_only=True):
    """Permission for one session to use one camera for one incident. Times are ISO-8601.

    ``second`` is who opened it together with the holder where the glass was broken, else empty.
    """

    id: str
    incident: str
    camera: str
    camera_name: str
    lat: float
    lon: float
    kind: Kind
    holder: str
    holder_name: str
    agency: str | None
    session: str
    subject: str
    issued_at: str
    expires_at: str
    second: str = ""
    why: str = ""

    @property
    def eye(self) -> Eye:
        """The camera it is for."""
        return Eye(id=self.camera, name=self.camera_name, lat=self.lat, lon=self.lon)

    @property
    def actor(self) -> Actor:
        """Its holder as the author of a ledger row."""
        return Actor(kind="agency" if self.agency else "staff", id=self.holder, name=self.holder_name)


def refusal(
    viewer: Viewer,
    incident: Incident | None,
    eye: Eye | None,
    position: Position | None,
    *,
    kind: Kind,
    center: str,
    at: datetime,
    slack_m: float = 0.0,
) -> Reason | None:
    """Why ``viewer`` may not use the camera ``eye`` of ``center`` for the incident now; None: may.

    ``position`` is her newest one; ``slack_m`` is added to the reach for a grant that stands already.
    """
    person = _person(viewer)
    if person is not None:
        return person
    case = _incident(incident, center)
    if case is not None or incident is None:
        return case
    if eye is None:
        return "no_camera"
    if viewer.agency is not None:
        return _agency(viewer.agency, incident, eye, kind, center)
    if kind == "clip":  # it was recorded for this incident: she may have walked on since
        return None
    if position is None:
        return "no_position"
    if distance_m(position.lat, position.lon, eye.lat, eye.lon) > reach_m(position, at) + slack_m:
        return "out_of_reach"
    return None


def reach_m(position: Position, at: datetime) -> float:
    """How far from a fix a camera may be: wider the vaguer and the older the fix is."""
    age = max(0.0, (at - parse_iso(position.at)).total_seconds())
    return position.radius + REACH_M + min(age * _PACE_M_S, _DRIFT_MOST_M)


def still_broken(viewer: Viewer, incident: Incident | None) -> Reason | None:
    """Why a camera opened by two people must be shut again; None: it stays open."""
    person = _person(viewer)
    if person is not None:
        return person
    return _open(incident)


def _person(viewer: Viewer) -> Reason | None:
    if not viewer.alive:
        return "signed_out"
    return None if viewer.on_duty else "duty_ended"


def _open(incident: Incident | None) -> Reason | None:
    if incident is None:
        return "no_incident"
    if not incident.open:
        return "closed"
    return "not_alarmed" if incident.state is State.ARMED else None


def _incident(incident: Incident | None, center: str) -> Reason | None:
    standing = _open(incident)
    if standing is not None or incident is None:
        return standing
    if incident.owner is not None and incident.owner.code == center:
        return None
    alarmed_too = center in incident.co_alarmed and incident.state not in IN_HAND
    if alarmed_too:
        return None
    return "handed_over" if any(owner.code == center for owner in incident.owners) else "not_party"


def _agency(agency: str, incident: Incident, eye: Eye, kind: Kind, center: str) -> Reason | None:
    if kind != "watch":
        return "not_for_agency"
    asked = any(
        request.agency == agency and request.center == center and request.status != "done"
        for request in incident.requests.values()
    )
    if not asked:
        return "not_asked"
    shared = any(
        one.camera == eye.id and one.center == center and one.agency == agency
        for one in incident.shared.values()
    )
    return None if shared else "not_shared"

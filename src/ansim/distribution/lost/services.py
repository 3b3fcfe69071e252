"""The services that can be asked for (RFC 5031, NENA, and the five that Korean centers are linked with).

Names and reasons: docs/decisions/0013-service-names.md.
"""

from msgspec import Struct

SOS = "urn:service:sos"
RESPONDER = "urn:emergency:service:responder"
LINKED = "urn:ansim:service:kr"


class Service(Struct, frozen=True, kw_only=True):
    """One service: its URN, its name in both languages, the number people dial for it (empty: none)."""

    urn: str
    ko: str
    en: str
    number: str = ""


SERVICES: dict[str, Service] = {
    one.urn: one
    for one in (
        Service(urn=SOS, ko="긴급", en="Emergency", number="112"),
        Service(urn=f"{SOS}.ambulance", ko="구급", en="Ambulance", number="119"),
        Service(urn=f"{SOS}.fire", ko="화재", en="Fire", number="119"),
        Service(urn=f"{SOS}.marine", ko="해양 긴급", en="Marine emergency", number="119"),
        Service(urn=f"{SOS}.mountain", ko="산악 구조", en="Mountain rescue", number="119"),
        Service(urn=f"{SOS}.police", ko="경찰", en="Police", number="112"),
        Service(urn=RESPONDER, ko="출동 기관", en="Responder"),
        Service(urn=f"{RESPONDER}.coast_guard", ko="해양경찰", en="Coast guard"),
        Service(urn=f"{RESPONDER}.ems", ko="구급대", en="Emergency medical service"),
        Service(urn=f"{RESPONDER}.fire", ko="소방대", en="Fire department"),
        Service(urn=f"{RESPONDER}.mountain_rescue", ko="산악구조대", en="Mountain rescue team"),
        Service(urn=f"{RESPONDER}.police", ko="경찰관서", en="Police department"),
        Service(urn=LINKED, ko="스마트도시 안전망", en="Smart-city safety net"),
        Service(urn=f"{LINKED}.video-112", ko="112 긴급영상", en="Video for 112", number="112"),
        Service(urn=f"{LINKED}.dispatch-112", ko="112 긴급출동", en="Dispatch of 112", number="112"),
        Service(urn=f"{LINKED}.dispatch-119", ko="119 긴급출동", en="Dispatch of 119", number="119"),
        Service(urn=f"{LINKED}.disaster", ko="재난상황", en="Disaster"),
        Service(urn=f"{LINKED}.vulnerable", ko="사회적 약자", en="Vulnerable people"),
    )
}
"""Every service on offer, by URN; each center gives all of them."""

ROOTS = (SOS, RESPONDER, LINKED)


def resolve(urn: str) -> Service | None:
    """The service of that name or its nearest parent on offer; None when not even a parent is.

    Labels are separated by dots and read without regard to case (RFC 5031, section 4.2).
    """
    name = urn.strip().lower()
    while name:
        found = SERVICES.get(name)
        if found is not None:
            return found
        name = name.rpartition(".")[0]
    return None


def beneath(urn: str | None) -> tuple[str, ...]:
    """The immediate children of a service, the top-level services for None (RFC 5222, section 10)."""
    if urn is None:
        return ROOTS
    head = f"{urn.strip().lower()}."
    return tuple(one for one in SERVICES if one.startswith(head) and "." not in one[len(head) :])

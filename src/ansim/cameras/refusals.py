"""What is refused in turning and editing cameras, in words for the page."""

from ansim.cameras.onvif_device import DeviceFault, FaultKind
from ansim.core.problems import Problem

_DEVICE: dict[FaultKind, tuple[int, str, str]] = {
    "timeout": (504, "카메라가 제때 응답하지 않습니다.", "The camera does not answer in time."),
    "unreachable": (502, "카메라에 연결할 수 없습니다.", "The camera cannot be reached."),
    "sign_in": (
        502,
        "카메라가 등록된 계정을 거부했습니다.",
        "The camera refuses the credentials on record.",
    ),
    "unsupported": (409, "이 카메라에 없는 기능입니다.", "The camera cannot do this."),
    "refused": (502, "카메라가 명령을 거부했습니다.", "The camera refused the command."),
}


def device_problem(fault: DeviceFault) -> Problem:
    """What a camera did not do, as a problem; ``fault`` in it is the kind."""
    status, ko, en = _DEVICE[fault.kind]
    return Problem(status, f"camera-{fault.kind.replace('_', '-')}", (ko, en), fault=fault.kind)


def busy(holder: str) -> Problem:
    """409: somebody else has the camera in hand."""
    return Problem(
        409,
        "camera-held",
        ("다른 사람이 이 카메라를 돌리고 있습니다.", "Somebody else is turning this camera."),
        (f"{holder} 님이 사용 중입니다.", f"{holder} is using it."),
        holder=holder,
    )


def cannot_aim() -> Problem:
    """409: neither geometry nor a preset."""
    return Problem(
        409,
        "camera-cannot-aim",
        ("이 카메라는 그쪽으로 돌릴 수 없습니다.", "This camera cannot be turned there."),
        (
            "절대 위치 이동이 안 되고, 그쪽을 보는 프리셋도 없습니다.",
            "It has no absolute moves, and no preset looks there.",
        ),
    )


def not_connected() -> Problem:
    """409: nothing is on record to reach it by."""
    return Problem(
        409,
        "camera-not-connected",
        ("카메라 접속 정보가 없습니다.", "No connection to this camera is on record."),
    )


def nowhere() -> Problem:
    """409: there is nowhere to aim at."""
    return Problem(
        409,
        "no-position",
        ("위치를 알 수 없습니다.", "Her position is not known."),
        ("위치가 없거나 사건이 끝났습니다.", "There is no position, or the incident is over."),
    )

"""The rule, case by case: who, on duty, for which incident, through which camera, how far, how long."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansim.core.clock import iso, parse_iso
from ansim.geo.shape import destination
from ansim.incidents import events as ev
from ansim.incidents.positions import Position
from ansim.video.grants.model import (
    BREAKABLE,
    REACH_M,
    WORDS,
    Eye,
    Reason,
    Viewer,
    reach_m,
    refusal,
    still_broken,
)
from support.story import OPERATOR, Story, accepted, alerting, dispatched, owns, pressed

NOW = parse_iso("2026-09-21T14:20:00.000Z")
LAT, LON = 37.39, 126.95
KIM = Viewer(id="op-1", name="김관제", session="s-1", address="")
DESK = Viewer(id="desk-1", name="112 상황실", session="s-2", address="", agency="112")
NEAR = Eye(id="c-1", name="큰길 카메라", lat=LAT, lon=LON)


def fix(age_s: float = 0.0, radius: float = 20.0) -> Position:
    at = iso(NOW - timedelta(seconds=age_s))
    return Position(id="p", at=at, received_at=at, lat=LAT, lon=LON, radius=radius)


def judge(story: Story | None, viewer: Viewer = KIM, eye: Eye | None = NEAR, **more: Any) -> Reason | None:
    rest: dict[str, Any] = {"kind": "watch", "center": "41170", "at": NOW} | more
    position = rest.pop("position", fix())
    return refusal(viewer, story.fold if story else None, eye, position, **rest)


def shared(agency: ev.Agency = "112") -> Story:
    data = ev.CameraShare(camera="c-1", name="큰길 카메라", agency=agency, code="41170", state="shared")
    return dispatched("112").tell(data, node="41170", actor=OPERATOR)


def test_the_alarmed_owner_may_look() -> None:
    assert judge(alerting()) is None
    assert judge(accepted()) is None
    assert judge(accepted(), kind="ptz") is None


@pytest.mark.parametrize(
    ("story", "reason"),
    [
        (None, "no_incident"),
        (pressed(), "not_alarmed"),
        (accepted().tell(ev.Closed(disposition="safe"), node="41170"), "closed"),
        (alerting().tell(ev.Cancelled()), "closed"),
        (accepted().tell(owns("41410", 2, "handover")), "handed_over"),
    ],
)
def test_an_incident_that_is_not_ours_or_not_open(story: Story | None, reason: str) -> None:
    assert judge(story) == reason


def test_a_center_that_is_only_informed_may_not_look() -> None:
    assert judge(alerting(), center="41410") == "not_party"


def test_a_co_alarmed_center_may_look_until_somebody_has_it() -> None:
    story = alerting().tell(ev.Rung(step="co_alarm", code="41410", name="군포시"))
    assert judge(story, center="41410") is None
    story.tell(ev.Accepted(code="41170", epoch=1), node="41170", actor=OPERATOR)
    assert judge(story, center="41410") == "not_party"


def test_who_is_not_there_or_not_on_duty_may_not_look() -> None:
    assert judge(alerting(), msgspec.structs.replace(KIM, alive=False)) == "signed_out"
    assert judge(alerting(), msgspec.structs.replace(KIM, on_duty=False)) == "duty_ended"


def test_the_camera_must_exist_and_her_place_be_known() -> None:
    assert judge(alerting(), eye=None) == "no_camera"
    assert judge(alerting(), position=None) == "no_position"


@given(
    metres=st.floats(0, 4_000), bearing=st.floats(0, 359), radius=st.floats(0, 900), age=st.floats(0, 3_000)
)
def test_the_reach_grows_with_vagueness_and_age_and_no_further(
    metres: float, bearing: float, radius: float, age: float
) -> None:
    lat, lon = destination(LAT, LON, bearing, metres)
    reach = reach_m(fix(age, radius), NOW)
    assert radius + REACH_M <= reach <= radius + REACH_M + 900
    if abs(metres - reach) < 0.01:
        return
    verdict = judge(alerting(), eye=Eye(id="c", name="c", lat=lat, lon=lon), position=fix(age, radius))
    assert verdict == (None if metres < reach else "out_of_reach")


def test_a_standing_grant_is_kept_a_little_farther() -> None:
    lat, lon = destination(LAT, LON, 90, REACH_M + 100)
    eye = Eye(id="c", name="c", lat=lat, lon=lon)
    assert judge(alerting(), eye=eye) == "out_of_reach"
    assert judge(alerting(), eye=eye, slack_m=200) is None


def test_an_agency_sees_what_was_shared_with_it_and_no_more() -> None:
    assert judge(accepted(), DESK) == "not_asked"
    assert judge(dispatched("112"), DESK) == "not_shared"
    assert judge(dispatched("119"), DESK) == "not_asked"
    assert judge(shared(), DESK) is None
    assert judge(shared(), DESK, kind="ptz") == "not_for_agency"
    assert judge(shared("119"), DESK) == "not_shared"
    assert judge(shared(), DESK, eye=Eye(id="c-2", name="", lat=LAT, lon=LON)) == "not_shared"


def test_an_agency_that_is_done_sees_no_more() -> None:
    story = shared()
    request = next(iter(story.fold.requests))
    story.tell(ev.DispatchUpdated(request=request, status="done"), node="41170")
    assert judge(story, DESK) == "not_asked"


def test_two_people_cannot_open_what_has_ended_or_is_not_alarmed() -> None:
    assert {"not_party", "handed_over", "no_position", "out_of_reach"} == BREAKABLE
    assert still_broken(KIM, accepted().fold) is None
    assert still_broken(KIM, pressed().fold) == "not_alarmed"
    assert still_broken(KIM, alerting().tell(ev.Cancelled()).fold) == "closed"
    assert still_broken(msgspec.structs.replace(KIM, on_duty=False), accepted().fold) == "duty_ended"


def test_every_reason_has_words() -> None:
    assert set(WORDS) == set(Reason.__args__)  # type: ignore[attr-defined]
    assert all(ko and en for ko, en in WORDS.values())


@pytest.mark.parametrize(("x", "bearing"), [(0.0, 315.0), (0.5, 0.0), (1.0, 45.0)])
def test_a_point_of_the_picture_has_a_direction(x: float, bearing: float) -> None:
    eye = Eye(id="c", name="c", lat=LAT, lon=LON, heading=0.0, fov_deg=90.0)
    assert eye.bearing(x) == pytest.approx(bearing)
    assert NEAR.bearing(x) is None
    assert Eye(id="c", name="c", lat=LAT, lon=LON, heading=0.0, fov_deg=180.0).bearing(x) is None

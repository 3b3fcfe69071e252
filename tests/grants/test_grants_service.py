"""Grants on a real database: on record with their reason, bound to the session, over at once."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from ansim.core.clock import now
from ansim.core.problems import Problem
from ansim.incidents import events as ev
from ansim.people.model import Operator
from ansim.video.grants import store
from ansim.video.grants.model import LASTS_S, Eye, Viewer
from grants.grants_node import ADDRESS, HERE, GrantsNode, alarm, node
from support.story import accepted, dispatched, owns


async def refused(made: GrantsNode, viewer: Viewer, incident: str, camera: str) -> str:
    with pytest.raises(Problem) as error:
        await made.grants.permit(viewer, incident, camera)
    assert (error.value.status, error.value.slug) == (403, "grant-refused")
    return str(error.value.extra["reason"])


def operator(viewer: Viewer) -> Operator:
    return Operator(
        id=viewer.id, login=viewer.id, name=viewer.name, role="operator", agency=None, session=viewer.session,
        address=viewer.address,
    )  # fmt: skip


async def test_a_grant_is_on_record_and_told_to_the_hub(tmp_path: Path) -> None:
    async with node(tmp_path) as made:
        kim = made.signed_in(made.kim)
        incident = made.take(alarm())
        hold = await made.grants.permit(kim, incident, "near")
        assert not hold.ended
        assert len(made.grants.live) == 1
        (row,) = made.rows("view")
        assert (row.actor_id, row.incident, row.subject) == ("op-kim", incident, "p-1")
        assert (row.what, row.source) == ("카메라 영상: 큰길 카메라", ADDRESS)
        assert made.told == [("김관제", "p-1", "카메라 영상: 큰길 카메라")]


async def test_the_same_use_has_one_grant_and_another_session_needs_its_own(tmp_path: Path) -> None:
    async with node(tmp_path) as made:
        kim, again = made.signed_in(made.kim), made.signed_in(made.kim)
        incident = made.take(alarm())
        first = await made.grants.permit(kim, incident, "near")
        assert await made.grants.permit(kim, incident, "near") is first
        other = await made.grants.permit(again, incident, "near")
        assert other.grant.id != first.grant.id
        assert other.grant.session != first.grant.session
        assert len(made.rows("view")) == 2


async def test_a_refusal_is_on_record_once_with_its_reason(tmp_path: Path) -> None:
    async with node(tmp_path) as made:
        kim = made.signed_in(made.kim)
        incident = made.take(alarm())
        assert await refused(made, kim, incident, "far") == "out_of_reach"
        assert await refused(made, kim, incident, "far") == "out_of_reach"
        assert await refused(made, kim, incident, "gone") == "no_camera"
        assert await refused(made, kim, "unknown", "near") == "no_incident"
        rows = made.rows("refuse")
        assert [row.what for row in rows] == [
            "카메라 영상: 먼 카메라 (out_of_reach)",
            "카메라 영상: gone (no_camera)",
            "카메라 영상: 큰길 카메라 (no_incident)",
        ]
        assert rows[0].why == "신고자와 너무 먼 카메라입니다."
        assert made.rows("view") == []
        assert len(made.grants.live) == 0


async def test_closing_ends_every_grant_and_writes_it_down(tmp_path: Path) -> None:
    async with node(tmp_path) as made:
        kim, lee = made.signed_in(made.kim), made.signed_in(made.lee)
        incident = made.take(accepted())
        holds = [
            await made.grants.permit(kim, incident, "near"),
            await made.grants.permit(lee, incident, "next"),
        ]
        made.tell(incident, ev.Closed(disposition="safe"))
        assert [hold.reason for hold in holds] == ["closed", "closed"]
        assert await asyncio.wait_for(holds[0].wait(), 1) == "closed"
        await made.keeper.write_ends()
        assert made.station.read(store.unended) == []
        assert {row.what for row in made.rows("end")} == {
            "카메라 영상 끝: 큰길 카메라",
            "카메라 영상 끝: 골목 카메라",
        }
        assert await refused(made, kim, incident, "near") == "closed"


async def test_hand_over_ends_the_former_owners_grants(tmp_path: Path) -> None:
    async with node(tmp_path) as made:
        kim = made.signed_in(made.kim)
        incident = made.take(accepted())
        hold = await made.grants.permit(kim, incident, "near")
        made.hub(incident, owns("41410", 2, "handover"))
        assert hold.reason == "handed_over"


async def test_signing_out_ends_that_sessions_grants_only(tmp_path: Path) -> None:
    async with node(tmp_path) as made:
        kim, lee = made.signed_in(made.kim), made.signed_in(made.lee)
        incident = made.take(alarm())
        mine, theirs = (
            await made.grants.permit(kim, incident, "near"),
            await made.grants.permit(lee, incident, "near"),
        )
        await made.people.sign_out(kim.session)
        assert (mine.reason, theirs.reason) == ("signed_out", None)
        assert await refused(made, kim, incident, "near") == "signed_out"


async def test_the_end_of_duty_ends_them_and_its_beginning_allows_new_ones(tmp_path: Path) -> None:
    async with node(tmp_path) as made:
        kim = made.signed_in(made.kim)
        incident = made.take(alarm())
        hold = await made.grants.permit(kim, incident, "near")
        await made.people.duty.end(operator(kim))
        assert hold.reason == "duty_ended"
        assert await refused(made, kim, incident, "near") == "duty_ended"
        await made.people.duty.begin(operator(kim))
        # The end has not been written yet: the grant that ended must not come back with its row.
        again = await made.grants.permit(kim, incident, "near")
        assert again.grant.id != hold.grant.id
        await made.keeper.write_ends()
        assert [one.id for one in made.station.read(store.unended)] == [again.grant.id]


async def test_she_walks_away_from_a_camera(tmp_path: Path) -> None:
    async with node(tmp_path) as made:
        kim = made.signed_in(made.kim)
        incident = made.take(alarm())
        hold = await made.grants.permit(kim, incident, "near")
        made.move(incident, (HERE[0] - 0.001, HERE[1]))
        assert not hold.ended
        made.move(incident, (HERE[0] - 0.05, HERE[1]))
        assert hold.reason == "out_of_reach"


async def test_time_and_another_process_end_grants(tmp_path: Path) -> None:
    async with node(tmp_path) as made:
        kim, lee = made.signed_in(made.kim), made.signed_in(made.lee)
        incident = made.take(alarm())
        mine, theirs = (
            await made.grants.permit(kim, incident, "near"),
            await made.grants.permit(lee, incident, "near"),
        )
        made.people.sessions.ended_listeners.clear()  # as when another process closes the account
        made.station.write(lambda tx: made.people.sessions.close(tx, subject="op-kim"))
        await made.keeper.sweep()
        assert (mine.reason, theirs.reason) == ("signed_out", None)
        made.grants.live.expire(now() + timedelta(seconds=LASTS_S - 5))
        assert theirs.reason is None
        made.grants.live.expire(now() + timedelta(seconds=LASTS_S + 5))
        assert theirs.reason == "expired"


async def test_a_restart_ends_what_the_process_before_left(tmp_path: Path) -> None:
    async with node(tmp_path) as made:
        kim = made.signed_in(made.kim)
        incident = made.take(alarm())
        await made.grants.permit(kim, incident, "near")
        await made.keeper.start()
        await made.keeper.stop()
        assert made.station.read(store.unended) == []
        assert [row.why for row in made.rows("end")] == ["센터 서버가 다시 시작되었습니다."]


async def test_the_desk_sees_what_is_shared_until_it_is_withdrawn(tmp_path: Path) -> None:
    async with node(tmp_path) as made:
        kim, desk = made.signed_in(made.kim), made.signed_in(made.police)
        incident = made.take(dispatched("112"))
        assert await refused(made, desk, incident, "near") == "not_shared"
        await made.grants.share(kim, incident, "near", "112", on=True)
        await made.grants.share(kim, incident, "near", "112", on=True)
        hold = await made.grants.permit(desk, incident, "near")
        assert hold.grant.agency == "112"
        assert [row.what for row in made.rows("provide")] == ["카메라 영상: 큰길 카메라 → 112"]
        known = made.station.incident(incident)
        assert known is not None
        assert [one.camera for one in known.shared.values()] == ["near"]
        await made.grants.share(kim, incident, "near", "112", on=False)
        assert hold.reason == "not_shared"


async def test_only_who_may_look_shares_and_only_with_who_was_asked(tmp_path: Path) -> None:
    async with node(tmp_path) as made:
        kim = made.signed_in(made.kim)
        incident = made.take(dispatched("112"))
        for camera, agency, reason in (("far", "112", "out_of_reach"), ("near", "119", "not_asked")):
            with pytest.raises(Problem) as error:
                await made.grants.share(kim, incident, camera, agency, on=True)  # type: ignore[arg-type]
            assert error.value.extra["reason"] == reason


async def test_two_people_open_a_far_camera_loudly(tmp_path: Path) -> None:
    async with node(tmp_path) as made:
        kim = made.signed_in(made.kim)
        incident = made.take(accepted())
        hold = await made.grants.break_glass(kim, made.lee, incident, "far", "터널 반대편을 봐야 합니다")
        assert (hold.grant.second, hold.grant.camera) == ("이관제", "far")
        known = made.station.incident(incident)
        assert known is not None
        (glass,) = known.broken_glass
        assert (glass.by, glass.second, glass.reason) == ("김관제", "이관제", "터널 반대편을 봐야 합니다")
        assert "비상 개방" in made.rows("view")[0].why
        assert any(
            row.what == "비상 개방 서명: 먼 카메라" and row.actor_id == "op-lee" for row in made.rows("admin")
        )
        made.move(incident, HERE)
        assert not hold.ended
        made.tell(incident, ev.Closed(disposition="safe"))
        assert hold.reason == "closed"


async def test_one_person_alone_or_a_closed_incident_breaks_no_glass(tmp_path: Path) -> None:
    async with node(tmp_path) as made:
        kim = made.signed_in(made.kim)
        incident = made.take(accepted())
        with pytest.raises(Problem, match="second_login"):
            await made.grants.break_glass(kim, made.kim, incident, "far", "혼자서 열어 봅니다")
        made.tell(incident, ev.Closed(disposition="safe"))
        with pytest.raises(Problem) as error:
            await made.grants.break_glass(kim, made.lee, incident, "far", "닫힌 뒤에 열어 봅니다")
        assert error.value.extra["reason"] == "closed"
        assert len(made.grants.live) == 0


async def test_a_sighting_stands_beside_the_reported_position(tmp_path: Path) -> None:
    async with node(tmp_path) as made:
        kim = made.signed_in(made.kim)
        incident = made.take(alarm())
        made.eyes["near"] = Eye(
            id="near", name="큰길 카메라", lat=HERE[0], lon=HERE[1], heading=90.0, fov_deg=90.0
        )
        await made.grants.sighted(kim, incident, "near", 0.5, 0.8)
        known = made.station.incident(incident)
        assert known is not None
        assert known.sighting is not None
        assert (known.sighting.camera, known.sighting.bearing, known.sighting.by) == ("near", 90.0, "김관제")
        with pytest.raises(Problem) as error:
            await made.grants.sighted(kim, incident, "far", 0.5, 0.8)
        assert error.value.extra["reason"] == "out_of_reach"

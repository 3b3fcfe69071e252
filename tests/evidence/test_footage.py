"""Footage as evidence: listed when on the medium, sealed, chained, taken out with a reason, destroyed."""

import io
import os
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from ansim.core.clock import iso, now
from ansim.core.problems import Problem
from ansim.core.sealing import SealBroken, Sealer
from ansim.incidents import events as ev
from ansim.ledger.store import entries
from ansim.people.model import Operator, Supervisor
from ansim.video.evidence import store
from ansim.video.evidence.keys import Destroyed, FootageKeys
from ansim.video.evidence.model import GENESIS, Segment, broken_at, digest, linked, to_record
from ansim.video.evidence.package import MANIFEST, package
from ansim.video.evidence.recorder import Parts, Recorder, end
from ansim.video.evidence.retention import Retention
from ansim.video.evidence.service import FootageService
from ansim.video.evidence.vault import DiskFull, Vault
from ansim.video.grants.model import Viewer as Looker
from ansim.video.model import Fragment, Init, Message, VideoPolicy
from ansim.video.viewing import Viewer
from grants.grants_node import GrantsNode, alarm, node
from support.story import accepted, alerting, owns, pressed

INIT = Init(
    kind="mp4", mime='video/mp4; codecs="avc1.42c01e"', codec="h264", width=640, height=360, data=b"moov"
)


class Studio:
    """A center that records, and a camera whose pictures the test sends."""

    def __init__(self, made: GrantsNode, folder: Path) -> None:
        self.made = made
        self.keys = FootageKeys(Sealer(os.urandom(32)))
        self.vault = Vault(folder / "footage")
        self.written: list[int] = []
        self.parts = Parts(
            made.database,
            made.station.journal,
            made.ledger,
            self.keys,
            self.vault,
            "41170",
            self.written.append,
        )
        self.service = FootageService(made.database, made.ledger, made.grants, self.keys, self.vault)
        self.kim = operator(made.signed_in(made.kim))
        self.chief = supervisor(made.signed_in(made.staff("chief", "박책임", "supervisor")))

    async def record(self, incident: str, *messages: Message) -> Recorder:
        """Everything a camera sends, recorded to the end."""

        def enter(tap: Viewer) -> None:
            for message in messages:
                tap.offer(message)
            tap.close()

        tap = Viewer("sub", VideoPolicy(), enter, lambda _tap: None)
        recorder = Recorder(self.parts, tap, incident, "near", "큰길 카메라", "best")
        await recorder.run()
        return recorder

    def read(self, fn: Callable[[Connection], object]) -> object:
        return self.made.station.read(fn)

    def pieces(self, recording: str) -> list[Segment]:
        return self.made.station.read(lambda conn: store.segments(conn, recording))

    def retention(self, days: float = 30.0) -> Retention:
        made = self.made
        return Retention(
            made.database, made.ledger, self.keys, self.vault, made.metrics, code="41170", days=days
        )


@asynccontextmanager
async def studio(folder: Path) -> AsyncIterator[Studio]:
    async with node(folder) as made:
        yield Studio(made, folder)


def operator(viewer: Looker) -> Operator:
    return Operator(
        id=viewer.id, login=viewer.id, name=viewer.name, role="operator", agency=None, session=viewer.session,
        address="",
    )  # fmt: skip


def supervisor(viewer: Looker) -> Supervisor:
    return Supervisor(
        id=viewer.id, login=viewer.id, name=viewer.name, role="supervisor", agency=None,
        session=viewer.session, address="",
    )  # fmt: skip


def frames(count: int, every_s: float = 0.5, key_every: int = 2, start: float = 0.0) -> list[Fragment]:
    return [
        Fragment(
            data=f"<{start + number * every_s:.1f}>".encode(),
            key=number % key_every == 0,
            media_s=start + number * every_s,
            at=1_000.0 + start + number * every_s,
        )
        for number in range(count)
    ]


def test_only_an_alarm_of_ones_own_is_recorded() -> None:
    assert not to_record(pressed().fold, "41170")
    assert to_record(alerting().fold, "41170")
    assert not to_record(alerting().fold, "41410")
    assert not to_record(alerting(exercise=True).fold, "41170")
    assert not to_record(accepted().tell(ev.Closed(disposition="safe"), node="41170").fold, "41170")
    assert not to_record(accepted().tell(owns("41410", 2)).fold, "41170")


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=6), st.data())
def test_the_chain_finds_what_was_changed_taken_out_or_moved(
    pieces: list[bytes], data: st.DataObject
) -> None:
    chain, segments = GENESIS, []
    for number, piece in enumerate(pieces):
        chain = linked(chain, digest(piece))
        segments.append(
            Segment(
                recording="r", number=number, kind="mp4", mime="", from_s=0, until_s=0, at=0,
                bytes=len(piece), sha256=digest(piece), chain=chain,
            )
        )  # fmt: skip
    assert broken_at(segments, chain) is None
    where = data.draw(st.integers(0, len(segments) - 1))
    forged = list(segments)
    forged[where] = msgspec.structs.replace(segments[where], sha256=digest(b"something else entirely"))
    assert broken_at(forged, chain) == where
    assert broken_at(segments[:where] + segments[where + 1 :], chain) is not None
    assert broken_at(segments, GENESIS) == len(segments)


def test_a_sealed_piece_opens_in_its_own_place_only(tmp_path: Path) -> None:
    sealer, vault = Sealer(os.urandom(32)), Vault(tmp_path)
    vault.write(sealer, "../../etc", "r-1", 0, b"picture")
    assert vault.read(sealer, "../../etc", "r-1", 0) == b"picture"
    (file,) = tmp_path.rglob("*.sealed")
    assert b"picture" not in file.read_bytes()
    assert not list(tmp_path.rglob("*.part"))
    file.rename(file.with_name("000001.sealed"))
    with pytest.raises(SealBroken):
        vault.read(sealer, "../../etc", "r-1", 1)
    with pytest.raises(FileNotFoundError):
        vault.read(sealer, "../../etc", "r-1", 0)
    vault.remove("../../etc")
    vault.remove("../../etc")
    assert not list(tmp_path.rglob("*.sealed"))


def test_a_full_disk_is_left_to_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansim.video.evidence.vault.LEAST_FREE_BYTES", 1 << 60)
    with pytest.raises(DiskFull):
        Vault(tmp_path).write(Sealer(os.urandom(32)), "i", "r", 0, b"")


async def test_pieces_begin_with_key_frames_and_are_listed_in_order(tmp_path: Path) -> None:
    async with studio(tmp_path) as it:
        incident = it.made.take(alarm())
        recorder = await it.record(incident, INIT, *frames(12))
        pieces = it.pieces(recorder.id)
        assert [(one.number, one.kind) for one in pieces] == [(0, "init"), (1, "mp4"), (2, "mp4"), (3, "mp4")]
        assert [(one.from_s, one.until_s) for one in pieces[1:]] == [(0.0, 1.5), (1.5, 3.5), (3.5, 5.5)]
        assert pieces[1].at == 1001.5
        assert await it.service.read(incident, pieces[0]) == b"moov"
        assert await it.service.read(incident, pieces[1]) == b"<0.0><0.5><1.0><1.5>"
        found = it.made.station.read(lambda conn: store.recording(conn, recorder.id))
        assert found is not None
        assert (found.segments, found.ended_at != "") == (4, True)
        assert broken_at(pieces, found.head) is None
        events = [one.data for one in it.made.station.events(incident) if isinstance(one.data, ev.Footage)]
        assert [(one.state, one.segments) for one in events] == [("started", 0), ("ended", 4)]
        assert events[1].head == found.head
        assert [row.what for row in it.made.rows("use")] == ["카메라 녹화: 큰길 카메라"]
        assert sum(it.written) == sum(one.bytes for one in pieces)


async def test_a_stream_that_begins_anew_brings_its_initialization(tmp_path: Path) -> None:
    async with studio(tmp_path) as it:
        incident = it.made.take(alarm())
        recorder = await it.record(incident, INIT, *frames(3), INIT, *frames(3))
        assert [one.kind for one in it.pieces(recorder.id)] == ["init", "init", "mp4"]


async def test_a_camera_that_never_shows_a_picture_leaves_no_recording(tmp_path: Path) -> None:
    async with studio(tmp_path) as it:
        incident = it.made.take(alarm())
        await it.record(incident, *frames(3))
        assert it.made.station.read(lambda conn: store.recordings(conn, incident)) == []


async def test_pictures_without_key_frames_are_cut_all_the_same(tmp_path: Path) -> None:
    async with studio(tmp_path) as it:
        incident = it.made.take(alarm())
        recorder = await it.record(incident, INIT, *frames(30, key_every=1000))
        assert [one.until_s for one in it.pieces(recorder.id)[1:]] == [9.5, 14.5]


async def test_a_process_that_died_left_a_recording_that_can_be_read(tmp_path: Path) -> None:
    async with studio(tmp_path) as it:
        incident = it.made.take(alarm())
        recorder = await it.record(incident, INIT, *frames(6))
        it.made.station.write(lambda tx: tx.execute(store.recording_table.update().values(ended_at="")))
        (left,) = it.made.station.read(store.unended)
        assert left.id == recorder.id
        await end(it.parts, left.id)
        await end(it.parts, left.id)
        assert it.made.station.read(store.unended) == []


async def test_playing_needs_a_grant_and_after_the_end_a_supervisors_reason(tmp_path: Path) -> None:
    async with studio(tmp_path) as it:
        incident = it.made.take(accepted())
        recorder = await it.record(incident, INIT, *frames(6))
        assert len((await it.service.footage(it.kim, incident)).recordings) == 1
        piece = await it.service.piece(it.kim, incident, recorder.id, 1)
        await it.service.piece(it.kim, incident, recorder.id, 1)
        assert await it.service.read(incident, piece) == b"<0.0><0.5><1.0><1.5>"
        assert [row.what for row in it.made.rows("view")] == ["녹화 영상: 큰길 카메라"]
        with pytest.raises(Problem, match="not-found"):
            await it.service.piece(it.kim, incident, recorder.id, 99)
        it.made.tell(incident, ev.Closed(disposition="safe"))
        with pytest.raises(Problem, match="review-needed"):
            await it.service.piece(it.kim, incident, recorder.id, 1)
        with pytest.raises(Problem, match="review-needed"):
            await it.service.footage(it.chief, incident)
        await it.service.review(it.chief, incident, "민원 확인")
        assert len((await it.service.footage(it.chief, incident)).recordings) == 1
        await it.service.piece(it.chief, incident, recorder.id, 1)
        with pytest.raises(Problem, match="review-needed"):
            await it.service.piece(it.kim, incident, recorder.id, 1)
        assert ("녹화 영상 열람", "민원 확인") in [(row.what, row.why) for row in it.made.rows("view")]


async def test_what_is_taken_out_can_be_checked(tmp_path: Path) -> None:
    async with studio(tmp_path) as it:
        incident = it.made.take(accepted())
        recorder = await it.record(incident, INIT, *frames(6))
        footage = await it.service.export(it.kim, incident, "수사 협조 요청", [])
        body = b"".join(
            [
                part
                async for part in package(
                    incident, footage, it.service.read, by="김관제", reason="수사 협조 요청"
                )
            ]
        )
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            assert archive.testzip() is None
            assert archive.read("01-near.mp4") == b"moov<0.0><0.5><1.0><1.5><2.0><2.5>"
            manifest = msgspec.json.decode(archive.read(MANIFEST))
        (listed,) = manifest["recordings"]
        pieces = msgspec.convert(listed["segments"], list[Segment])
        assert broken_at(pieces, listed["recording"]["head"]) is None
        assert listed["recording"]["id"] == recorder.id
        (row,) = it.made.rows("export")
        assert (row.what, row.why) == ("녹화 영상 반출: 큰길 카메라", "수사 협조 요청")


async def test_export_refuses_a_changed_record_and_operators_after_the_end(tmp_path: Path) -> None:
    async with studio(tmp_path) as it:
        incident = it.made.take(accepted())
        await it.record(incident, INIT, *frames(6))
        with pytest.raises(Problem, match="not-found"):
            await it.service.export(it.kim, incident, "수사 협조 요청", ["another"])
        it.made.tell(incident, ev.Closed(disposition="safe"))
        with pytest.raises(Problem, match="supervisor-needed"):
            await it.service.export(it.kim, incident, "수사 협조 요청", [])
        await it.service.export(it.chief, incident, "수사 협조 요청", [])
        it.made.station.write(
            lambda tx: tx.execute(store.segment_table.update().values(sha256=digest(b"forged")))
        )
        with pytest.raises(Problem, match="chain-broken"):
            await it.service.export(it.chief, incident, "수사 협조 요청", [])


async def test_footage_ends_with_its_time_unless_held(tmp_path: Path) -> None:
    async with studio(tmp_path) as it:
        incident = it.made.take(accepted())
        recorder = await it.record(incident, INIT, *frames(6))
        (piece, *_) = it.pieces(recorder.id)
        it.made.tell(incident, ev.Closed(disposition="safe"))
        retention = it.retention()
        assert await retention.settle(now() + timedelta(days=29)) == []
        until = iso(now() + timedelta(days=60))
        for wrong in ("soon", iso(now() - timedelta(days=1)), iso(now() + timedelta(days=4000))):
            with pytest.raises(Problem, match="until"):
                await it.service.hold(it.chief, incident, "재판", wrong)
        await it.service.hold(it.chief, incident, "재판 증거", until)
        assert await retention.settle(now() + timedelta(days=31)) == []
        await it.service.release(it.chief, incident)
        await it.service.hold(it.chief, incident, "재판 증거", until)
        assert await retention.settle(now() + timedelta(days=61)) == [incident]
        assert await retention.settle(now() + timedelta(days=62)) == []
        with pytest.raises(Destroyed):
            it.made.station.read(lambda conn: it.keys.find(conn, incident))
        with pytest.raises(Problem, match="footage-destroyed"):
            await it.service.read(incident, piece)
        await it.service.review(it.chief, incident, "파기 확인")
        assert (await it.service.footage(it.chief, incident)).destroyed
        with pytest.raises(Problem, match="footage-destroyed"):
            await it.service.export(it.chief, incident, "수사 협조 요청", [])
        (row,) = it.made.rows("destroy")
        assert (row.incident, row.why) == (incident, "보존 기간 30일 경과")
        assert row.what.startswith("녹화 영상 1건 파기")
        whys = [row.why for row in it.made.station.read(lambda conn: list(entries(conn)))]
        assert whys.count("재판 증거") == 2


def damage(folder: Path) -> None:
    for file in folder.rglob("000001.sealed"):
        file.write_bytes(file.read_bytes()[:-1] + b"\0")


async def test_a_damaged_piece_says_so(tmp_path: Path) -> None:
    async with studio(tmp_path) as it:
        incident = it.made.take(alarm())
        recorder = await it.record(incident, INIT, *frames(6))
        piece = it.pieces(recorder.id)[1]
        damage(tmp_path)
        with pytest.raises(Problem, match="footage-damaged"):
            await it.service.read(incident, piece)
        with pytest.raises(Problem, match="not-found"):
            await it.service.read("another", piece)

"""Text messages: queued with the fact, sent with patience, given up when of no use."""

import asyncio
import io
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansim.people.sms import PrintSms, SmsNotSent
from people.people_node import PHONE, Node, running, sms


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with running(tmp_path) as node:
        yield node


def put(node: Node, text: str = "안녕하세요", useful_for_s: float = 180) -> None:
    async def write() -> None:
        await node.database.write(
            lambda tx: node.queue.put(tx, "+821012345678", text, useful_for_s=useful_for_s)
        )
        await asyncio.sleep(0)

    node.call(write)


def state(node: Node) -> tuple[str, int, str]:
    (row,) = node.rows(sms)
    return row.state, row.attempts, row.reason


def test_a_message_is_sent_once(node: Node) -> None:
    put(node)
    assert node.call(node.worker.send_due) == 1
    assert node.call(node.worker.send_due) == 0
    assert node.port.sent == [("+821012345678", "안녕하세요")]
    assert state(node) == ("sent", 1, "")
    assert node.rows(sms)[0].text == ""


def test_a_failed_message_is_tried_again_later_and_later(node: Node) -> None:
    node.port.failures = 3
    put(node)
    for attempts, pause in ((1, 1), (2, 2), (3, 4)):
        assert node.call(node.worker.send_due) == 1
        assert state(node) == ("queued", attempts, "SmsNotSent: provider down")
        node.later(pause - 0.5)
        assert node.call(node.worker.send_due) == 0
        node.later(0.5)
    assert node.metrics.readings()["sms"] == {"depth": 1, "oldest_s": 7.0}
    node.call(node.worker.send_due)
    assert state(node) == ("sent", 4, "")
    assert node.metrics.readings()["sms"]["depth"] == 0


def test_a_message_is_given_up_when_it_can_no_longer_be_of_use(node: Node) -> None:
    node.port.failures = 1_000
    put(node, useful_for_s=10)
    for _ in range(12):
        node.call(node.worker.send_due)
        node.later(1)
    assert state(node) == ("failed", 4, "SmsNotSent: provider down")
    assert node.rows(sms)[0].text == ""
    assert node.metrics.readings()["sms"]["depth"] == 0
    assert b'ansim_faults_total{part="sms"} 1.0' in node.metrics.exposition()


def test_a_message_that_waited_too_long_is_not_sent_at_all(node: Node) -> None:
    put(node, useful_for_s=10)
    node.later(10)
    node.call(node.worker.send_due)
    assert node.port.sent == []
    assert state(node) == ("failed", 0, "too late to be of use")


def test_nothing_is_queued_when_the_request_fails(node: Node) -> None:
    async def write() -> None:
        def fail(tx: object) -> None:
            node.queue.put(tx, "+821012345678", "x", useful_for_s=10)  # type: ignore[arg-type]
            raise RuntimeError("refused")

        await node.database.write(fail)

    with pytest.raises(RuntimeError):
        node.call(write)
    assert node.rows(sms) == []
    assert node.metrics.readings()["sms"]["depth"] == 0


def test_the_worker_sends_as_soon_as_something_is_queued(node: Node) -> None:
    async def wait(count: int) -> None:
        while len(node.port.sent) < count or node.queue.reading()[0]:  # noqa: ASYNC110 - a fake has no event
            await asyncio.sleep(0.01)

    node.call(node.worker.start)
    put(node, "하나")
    node.call(wait, 1)
    put(node, "둘")
    node.call(wait, 2)
    for number in range(50):
        put(node, f"여럿 {number}")
    node.call(wait, 52)
    node.call(node.worker.stop)
    assert [text for _, text in node.port.sent[:2]] == ["하나", "둘"]
    assert {row.state for row in node.rows(sms)} == {"sent"}


def test_what_an_earlier_run_left_is_taken_up(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        put(node)
    with running(tmp_path) as node:
        assert node.metrics.readings()["sms"]["depth"] == 0
        node.clock.now += 3

        async def start_and_look() -> int:
            node.port.failures = 1_000
            await node.worker.start()
            return node.queue.reading()[0]

        assert node.call(start_and_look) == 1
        node.call(node.worker.stop)
    with running(tmp_path) as node:
        node.clock.now += 60
        node.call(node.worker.send_due)
        assert len(node.port.sent) == 1


def test_a_worker_that_never_started_stops(node: Node) -> None:
    node.call(node.worker.stop)


async def test_the_demonstration_prints_the_message(tmp_path: Path) -> None:
    out = io.StringIO()
    log = tmp_path / "sms.log"
    port = PrintSms(log, out)
    await port.send("+821012345678", "안심 인증번호 123456")
    await port.send("+821099998888", "안심 인증번호 654321")
    lines = [f"[SMS {PHONE}] 안심 인증번호 123456", "[SMS 010-9999-8888] 안심 인증번호 654321"]
    assert out.getvalue().splitlines() == lines
    assert log.read_text("utf-8").splitlines() == lines
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


async def test_without_a_file_it_only_prints(capsys: pytest.CaptureFixture[str]) -> None:
    await PrintSms().send("+12025550100", "hello")
    assert capsys.readouterr().out == "[SMS +12025550100] hello\n"


def test_not_sent_is_an_error_of_its_own() -> None:
    assert issubclass(SmsNotSent, Exception)


def test_a_database_that_is_busy_only_delays(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansim.core.database import Overloaded
    from ansim.people import worker

    monkeypatch.setattr(worker, "_FIRST_PAUSE_S", 0.01)
    real = node.database.write

    async def full(_: object) -> None:
        monkeypatch.setattr(node.database, "write", real)
        raise Overloaded("the write queue is full")

    async def run() -> None:
        monkeypatch.setattr(node.database, "write", full)
        await node.worker.start()
        while node.queue.reading()[0]:  # noqa: ASYNC110 - nothing else tells
            await asyncio.sleep(0.01)
        await node.worker.stop()

    put(node)
    node.call(run)
    assert state(node)[0] == "sent"

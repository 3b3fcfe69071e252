"""The delivery policy: what rules match, what they decide, and that nothing unsigned is executed."""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from ansim.cli import main
from ansim.core.secrets import signing_key
from ansim.core.settings import PolicySettings
from ansim.distribution import policy_file as files
from ansim.distribution.health import ServiceState
from ansim.distribution.policy import (
    DEFAULT,
    KOREA,
    Conditions,
    Plan,
    Policy,
    Rule,
    Then,
    When,
    faults,
    matches,
    plan,
    room_of,
)

SETTINGS = PolicySettings()
NOON = datetime(2026, 11, 25, 12, 0, tzinfo=KOREA)  # a Wednesday


def at(moment: datetime = NOON, **more: object) -> Conditions:
    return msgspec.structs.replace(Conditions(moment=moment, center="41170"), **more)


def document(serial: int = 1, **more: object) -> bytes:
    return msgspec.json.encode(Policy(serial=serial, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("when", "now", "fits"),
    [
        (When(), at(), True),
        (When(hours="09:00-18:00"), at(), True),
        (When(hours="09:00-12:00"), at(), False),
        (When(hours="12:00-24:00"), at(), True),
        (When(hours="22:00-06:00"), at(), False),
        (When(hours="22:00-06:00"), at(NOON.replace(hour=23)), True),
        (When(hours="22:00-06:00"), at(NOON.replace(hour=5)), True),
        (When(hours="22:00-06:00", days=("wed",)), at(NOON.replace(hour=23)), True),
        (When(hours="22:00-06:00", days=("wed",)), at(NOON.replace(hour=5)), False),
        (When(hours="22:00-06:00", days=("tue",)), at(NOON.replace(hour=5)), True),
        (When(days=("sat", "sun")), at(), False),
        (When(states=(ServiceState.DOWN,)), at(state=ServiceState.DOWN), True),
        (When(states=(ServiceState.DOWN,)), at(), False),
        (When(services=("duress",)), at(), False),
        (When(services=("duress",)), at(service="duress"), True),
        (When(centers=("11545",)), at(), False),
        (When(alarms_at_least=5), at(alarms=4), False),
        (When(alarms_at_least=5), at(alarms=5), True),
    ],
)
def test_a_rule_matches_when_all_that_it_waits_for_is_so(when: When, now: Conditions, fits: bool) -> None:
    assert matches(when, now) is fits


def test_the_hours_are_korean_wherever_the_hub_stands() -> None:
    evening = datetime.fromisoformat("2026-11-25T14:30:00+00:00")
    assert matches(When(hours="23:00-24:00"), at(evening))


def test_for_each_setting_the_first_matching_rule_that_speaks_of_it_decides() -> None:
    rules = (
        Rule(name="first written", then=Then(accept_s=9, agency_s=40)),
        Rule(name="urgent", priority=5, when=When(services=("duress",)), then=Then(accept_s=1)),
        Rule(name="night", priority=5, when=When(hours="00:00-01:00"), then=Then(accept_s=2)),
    )
    calm = plan(Policy(serial=1, rules=rules), SETTINGS, at())
    assert (calm.accept_s, calm.agency_s, calm.center_ack_s) == (9, 40, SETTINGS.center_ack_s)
    duress = plan(Policy(serial=1, rules=rules), SETTINGS, at(service="duress"))
    assert (duress.accept_s, duress.agency_s) == (1, 40)
    assert duress.rules == {"accept_s": "urgent", "agency_s": "first written"}


@given(st.sampled_from(list(ServiceState)), st.integers(0, 10), st.datetimes(timezones=st.just(KOREA)))
def test_no_deadline_is_ever_left_open(state: ServiceState, alarms: int, moment: datetime) -> None:
    made = plan(DEFAULT, SETTINGS, at(moment, state=state, alarms=alarms))
    assert all(wait >= 0 for wait in (made.center_ack_s, made.accept_s, made.province_s, made.agency_s))
    assert plan(Policy(serial=0), SETTINGS, at(moment, state=state)) == msgspec.structs.replace(
        Plan.of(SETTINGS), state=state
    )


def test_the_default_does_not_wait_for_an_empty_room() -> None:
    assert plan(DEFAULT, SETTINGS, at(state=ServiceState.UNSTAFFED)).accept_s == 0
    assert plan(DEFAULT, SETTINGS, at()).accept_s == SETTINGS.accept_s


def test_the_longest_beginning_names_the_room() -> None:
    policy = Policy(serial=1, rooms={"41": "gyeonggi", "4111": "suwon-room"})
    assert room_of(policy, "41170") == "gyeonggi"
    assert room_of(policy, "41111") == "suwon-room"
    assert room_of(policy, "11545") is None


def test_an_author_is_told_what_a_policy_cannot_do() -> None:
    rules = (Rule(name="a"), Rule(name="a", then=Then(fallback=("99999",))))
    assert faults(Policy(serial=1, rules=rules, rooms={"41": "nobody"}), ["41170"]) == [
        "center 99999 is not enrolled",
        "center nobody is not enrolled",
        "rule 'a' decides nothing",
        "the name 'a' is given to more than one rule",
    ]


def keeper(data: Path) -> files.PolicyKeeper:
    return files.PolicyKeeper(data, signing_key(data, files.KEY).public_key())


def installed(data: Path, serial: int) -> bytes:
    text = files.sign(document(serial), signing_key(data, files.KEY))
    files.install(data, text)
    return text


def test_a_signed_policy_is_taken_and_survives_a_restart(tmp_path: Path) -> None:
    mine = keeper(tmp_path)
    assert not mine.reload()
    assert mine.in_force.policy == DEFAULT
    installed(tmp_path, 3)
    assert mine.reload()
    assert (mine.in_force.policy.serial, mine.refused) == (3, "")
    assert not mine.reload()
    (tmp_path / files.FOLDER / files.INSTALLED).unlink()
    assert keeper(tmp_path).in_force.policy.serial == 3


@pytest.mark.parametrize(
    "what", ["changed", "stranger", "none", "hmac", "not a policy", "older", "same", "garbage"]
)
def test_what_is_not_rightly_signed_is_not_executed(tmp_path: Path, what: str) -> None:
    """The last good policy stands, and why the new one does not is said."""
    mine = keeper(tmp_path)
    good = installed(tmp_path, 5)
    mine.reload()
    own = signing_key(tmp_path, files.KEY)
    text = good
    if what == "changed":
        head, _, signature = good.split(b".")
        _, body, _ = files.sign(document(6), own).split(b".")
        text = b".".join((head, body, signature))
    elif what == "stranger":
        text = files.sign(document(6), Ed25519PrivateKey.generate())
    elif what == "none":
        text = b"eyJhbGciOiJub25lIiwidHlwIjoiYW5zaW0tcG9saWN5K2p3cyJ9.e30."
    elif what == "hmac":
        public = own.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        secret = OctKey.import_key(msgspec.json.encode(public.decode()))
        kid = mine.in_force.signer
        text = jws.serialize_compact({"alg": "HS256", "kid": kid}, document(6), secret).encode()
    elif what == "not a policy":
        pem = own.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        header = {"alg": "Ed25519", "kid": mine.in_force.signer, "typ": "JWT"}
        key = OKPKey.import_key(pem)
        text = jws.serialize_compact(header, document(6), key, algorithms=["Ed25519"]).encode()
    elif what in ("older", "same"):
        text = files.sign(document(4 if what == "older" else 5, note="other"), own)
    elif what == "garbage":
        text = b"\xff\x00{"
    files.install(tmp_path, text)
    assert mine.reload()
    assert mine.refused != ""
    assert (mine.in_force.policy.serial, mine.in_force.text) == (5, good)
    assert keeper(tmp_path).in_force.policy.serial == 5
    installed(tmp_path, 7)
    assert mine.reload()
    assert (mine.in_force.policy.serial, mine.refused) == (7, "")


def test_another_signer_can_be_trusted(tmp_path: Path) -> None:
    other = Ed25519PrivateKey.generate()
    folder = tmp_path / files.FOLDER / files.TRUSTED
    folder.mkdir(parents=True)
    (folder / "ministry.pub").write_bytes(
        other.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    files.install(tmp_path, files.sign(document(2), other))
    mine = keeper(tmp_path)
    assert mine.reload()
    assert mine.in_force.policy.serial == 2


@pytest.mark.parametrize(
    "wrong",
    [
        b"{}",
        b'{"serial":1,"extra":1}',
        b'{"serial":1,"rules":[{"name":"x","when":{"hours":"25:00-26:00"}}]}',
        b"\xff",
    ],
)
def test_what_is_no_policy_is_not_signed(tmp_path: Path, wrong: bytes) -> None:
    with pytest.raises(files.PolicyError):
        files.sign(wrong, signing_key(tmp_path, files.KEY))
    with pytest.raises(files.PolicyError, match="larger"):
        files.read_policy(b" " * (files.MOST_BYTES + 1))


def run(data: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["policy", *words, "--data", str(data)])
    return result.exit_code, result.output


def test_the_commands_sign_check_install_and_show(tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    night = Rule(name="야간", when=When(hours="22:00-06:00"), then=Then(divert=True, fallback=("11545",)))
    rules.write_bytes(document(1, rules=(night,), rooms={"41": "room"}))
    assert run(tmp_path, "show")[0] == 0
    code, said = run(tmp_path, "check", str(rules))
    assert code == 0
    assert "center 11545 is not enrolled" in said
    out = tmp_path / "rules.jws"
    assert run(tmp_path, "sign", str(rules), "--out", str(out))[0] == 0
    assert "signature holds" in run(tmp_path, "check", str(out))[1]
    assert run(tmp_path, "install", str(out))[0] == 0
    code, said = run(tmp_path, "show")
    assert code == 0
    assert "야간" in said
    assert run(tmp_path, "sign", str(rules))[0] == 0, "the same again is no change"
    rules.write_bytes(document(1, note="other"))
    code, said = run(tmp_path, "sign", str(rules))
    assert code == 1
    assert "not newer" in said
    out.write_bytes(out.read_bytes()[:-4] + b"AAAA")
    assert run(tmp_path, "install", str(out))[0] == 1
    files.install(tmp_path, out.read_bytes())
    code, said = run(tmp_path, "show")
    assert code == 1
    assert "NOT executed" in said


def test_the_policy_is_the_hubs(tmp_path: Path) -> None:
    config = tmp_path / "ansim.toml"
    config.write_text(f'role = "center"\ncode = "41170"\ndata = "{tmp_path}"\n')
    result = CliRunner().invoke(main, ["policy", "show", "--config", str(config)])
    assert result.exit_code == 1
    assert "belongs to the hub" in result.output


def test_a_divert_lasts_as_long_as_its_hours() -> None:
    night = Rule(name="야간", when=When(hours="22:00-06:00"), then=Then(divert=True))
    policy = Policy(serial=1, rules=(night,))
    assert not plan(policy, SETTINGS, at()).divert
    assert plan(policy, SETTINGS, at(NOON + timedelta(hours=11))).divert

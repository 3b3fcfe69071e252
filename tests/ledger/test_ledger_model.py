"""The chain: whatever is done to it is found, and said of the right row."""

import hashlib
import json
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ansim.ledger.model import GENESIS, Entry, Head, Verdict, canonical, digest, sealed, sign, verify

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
PUBLIC = KEY.public_key()
AT = "2026-11-24T03:04:05.678Z"
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def entry(seq: int, prev: str, **changes: Any) -> Entry:
    fields: dict[str, Any] = {
        "seq": seq,
        "at": AT,
        "node": "41170",
        "actor_kind": "staff",
        "actor_id": "op-1",
        "actor_name": "김관제",
        "action": "view",
        "subject": "person-1",
        "incident": "incident-1",
        "what": "위치",
        "why": "사건 대응",
        "source": "10.0.0.7",
        "prev": prev,
        "hash": "",
    }
    return sealed(Entry(**(fields | changes)))


def chain(length: int, whats: list[str] | None = None) -> list[Entry]:
    rows: list[Entry] = []
    prev = GENESIS
    for seq in range(1, length + 1):
        rows.append(entry(seq, prev, what=whats[seq - 1] if whats else f"위치 {seq}"))
        prev = rows[-1].hash
    return rows


def head(row: Entry, key: Ed25519PrivateKey = KEY) -> Head:
    return sign(row.seq, row.hash, AT, key)


def renumbered(rows: list[Entry]) -> list[Entry]:
    return [msgspec.structs.replace(row, seq=seq) for seq, row in enumerate(rows, 1)]


def rechained(rows: list[Entry]) -> list[Entry]:
    """As a thief with the database, but without the key, would write the chain anew."""
    made: list[Entry] = []
    prev = GENESIS
    for seq, row in enumerate(rows, 1):
        made.append(sealed(msgspec.structs.replace(row, seq=seq, prev=prev)))
        prev = made[-1].hash
    return made


chains = st.lists(texts, min_size=1, max_size=12).map(lambda whats: chain(len(whats), whats))


@given(chains, st.data())
def test_an_untouched_ledger_is_whole(rows: list[Entry], data: st.DataObject) -> None:
    signed = sorted(data.draw(st.sets(st.integers(1, len(rows)))))
    verdict = verify(rows, [head(rows[seq - 1]) for seq in signed], PUBLIC)
    assert verdict.whole
    assert verdict.rows == len(rows)
    assert verdict.signed == max(signed, default=0)
    assert (verdict.row, verdict.fault) == (None, None)


def test_an_empty_ledger_is_whole() -> None:
    verdict = verify([], [], PUBLIC)
    assert verdict == Verdict(rows=0, signed=0)
    assert verdict.sentence() == "The ledger is whole: 0 rows."


def test_rows_after_the_last_head_are_said_to_be_unsigned() -> None:
    rows = chain(5)
    verdict = verify(rows, [head(rows[2])], PUBLIC)
    assert verdict.whole
    assert verdict.sentence() == "The ledger is whole: 5 rows; the last 2 are not signed yet."


EDITABLE = [name for name in Entry.__struct_fields__ if name not in ("seq", "prev", "hash")]


@given(chains, st.data())
def test_any_edit_of_any_field_is_found_in_its_row(rows: list[Entry], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(rows) - 1))
    field = data.draw(st.sampled_from(EDITABLE))
    value = data.draw(texts.filter(lambda text: text != getattr(rows[index], field)))
    rows[index] = msgspec.structs.replace(rows[index], **{field: value})
    verdict = verify(rows, [], PUBLIC)
    assert (verdict.row, verdict.fault) == (index + 1, "edited")


@given(chains, st.data())
def test_a_changed_hash_or_link_is_found(rows: list[Entry], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(rows) - 1))
    field = data.draw(st.sampled_from(["prev", "hash"]))
    rows[index] = msgspec.structs.replace(rows[index], **{field: "f" * 64})
    verdict = verify(rows, [], PUBLIC)
    assert (verdict.row, verdict.fault) == (index + 1, "edited")


@given(chains.filter(lambda rows: len(rows) > 1), st.data())
def test_any_removed_row_is_named(rows: list[Entry], data: st.DataObject) -> None:
    signed = head(rows[-1])
    index = data.draw(st.integers(0, len(rows) - 1))
    del rows[index]
    verdict = verify(rows, [signed], PUBLIC)
    assert verdict.row == index + 1
    assert verdict.fault == ("truncated" if index == len(rows) else "removed")


@given(chains.filter(lambda rows: len(rows) > 2), st.data())
def test_a_removed_row_is_found_when_the_rest_is_renumbered(rows: list[Entry], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(rows) - 2))
    signed = head(rows[-1])
    del rows[index]
    verdict = verify(renumbered(rows), [signed], PUBLIC)
    assert (verdict.row, verdict.fault) == (index + 1, "broken")


@given(chains.filter(lambda rows: len(rows) > 1), st.data())
def test_any_two_rows_that_change_places_are_found(rows: list[Entry], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(rows) - 2))
    second = data.draw(st.integers(first + 1, len(rows) - 1))
    rows[first], rows[second] = rows[second], rows[first]
    verdict = verify(renumbered(rows), [], PUBLIC)
    assert verdict.row == first + 1
    assert verdict.fault == ("reordered" if second == first + 1 else "broken")


@given(chains.filter(lambda rows: len(rows) > 1), st.permutations(range(12)))
def test_any_other_order_is_found(rows: list[Entry], order: list[int]) -> None:
    shuffled = [rows[index] for index in order if index < len(rows)]
    verdict = verify(shuffled, [], PUBLIC)
    assert verdict.whole == (shuffled == rows)


@given(chains, st.data())
def test_an_inserted_row_is_found_although_it_fits_its_predecessor(
    rows: list[Entry], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(rows) - 1))
    prev = rows[index - 1].hash if index else GENESIS
    rows.insert(index, entry(index + 1, prev, what="몰래 넣은 줄", why="x" * 30))
    verdict = verify(renumbered(rows), [], PUBLIC)
    # It fits what is before it, so the chain breaks at the row after it.
    assert (verdict.row, verdict.fault) == (index + 2, "broken")


@given(chains, st.data())
def test_an_inserted_row_that_does_not_fit_is_named(rows: list[Entry], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(rows) - 1))
    rows.insert(index, entry(index + 1, "e" * 64))
    verdict = verify(renumbered(rows), [], PUBLIC)
    assert (verdict.row, verdict.fault) == (index + 1, "inserted")


@given(chains, st.data())
def test_a_row_appended_from_elsewhere_is_found(rows: list[Entry], data: st.DataObject) -> None:
    copied = data.draw(st.sampled_from(rows))
    rows.append(copied)
    assert verify(renumbered(rows), [], PUBLIC).row == len(rows)


@given(chains, st.data())
def test_a_rewritten_chain_disagrees_with_the_signed_head(rows: list[Entry], data: st.DataObject) -> None:
    signed_at = data.draw(st.integers(1, len(rows)))
    index = data.draw(st.integers(0, signed_at - 1))
    heads = [head(rows[signed_at - 1])]
    rows[index] = msgspec.structs.replace(rows[index], what="다른 것" * 10)
    verdict = verify(rechained(rows), heads, PUBLIC)
    assert (verdict.row, verdict.fault) == (1, "rewritten")


def test_a_rewriting_is_narrowed_down_to_what_follows_the_last_good_head() -> None:
    rows = chain(9)
    heads = [head(rows[3]), head(rows[8])]
    rows[6] = msgspec.structs.replace(rows[6], why="다른 까닭")
    verdict = verify(rechained(rows), heads, PUBLIC)
    assert (verdict.signed, verdict.row, verdict.fault) == (4, 5, "rewritten")


@given(chains, st.data())
def test_a_ledger_cut_off_before_its_head_is_found(rows: list[Entry], data: st.DataObject) -> None:
    kept = data.draw(st.integers(0, len(rows) - 1))
    verdict = verify(rows[:kept], [head(rows[-1])], PUBLIC)
    assert (verdict.rows, verdict.row, verdict.fault) == (kept, kept + 1, "truncated")


@given(chains)
def test_a_head_by_another_key_is_forged(rows: list[Entry]) -> None:
    verdict = verify(rows, [head(rows[-1], OTHER)], PUBLIC)
    assert (verdict.row, verdict.fault) == (len(rows), "forged")


def test_a_forged_head_beyond_the_end_is_found() -> None:
    rows = chain(3)
    verdict = verify(rows[:2], [head(rows[2], OTHER)], PUBLIC)
    assert (verdict.row, verdict.fault) == (3, "forged")


@pytest.mark.parametrize(("field", "value"), [("at", "2027-01-01T00:00:00.000Z"), ("signature", "zz")])
def test_a_changed_head_is_forged(field: str, value: str) -> None:
    rows = chain(2)
    changed = msgspec.structs.replace(head(rows[1]), **{field: value})
    assert verify(rows, [changed], PUBLIC).fault == "forged"


def test_heads_may_come_in_any_order() -> None:
    rows = chain(4)
    assert verify(rows, [head(rows[3]), head(rows[0])], PUBLIC).signed == 4


def test_a_renumbered_row_is_out_of_place() -> None:
    rows = chain(3)
    rows[2] = msgspec.structs.replace(rows[2], seq=7)
    assert (verify(rows, [], PUBLIC).row, verify(rows, [], PUBLIC).fault) == (3, "reordered")
    rows[2] = msgspec.structs.replace(rows[2], seq=1)
    assert (verify(rows, [], PUBLIC).row, verify(rows, [], PUBLIC).fault) == (3, "reordered")


def test_what_is_no_text_counts_as_an_edit() -> None:
    rows = chain(2)
    rows[1] = msgspec.structs.replace(rows[1], what=b"\xff")  # as SQLite allows
    assert verify(rows, [], PUBLIC).row == 2
    rows[1] = msgspec.structs.replace(rows[1], what="\ud800")
    assert verify(rows, [], PUBLIC).row == 2


@pytest.mark.parametrize("fault", ["edited", "removed", "inserted", "reordered", "broken", "rewritten"])
def test_every_fault_is_one_sentence_that_names_the_row(fault: Any) -> None:
    sentence = Verdict(rows=40, signed=0, row=41, fault=fault).sentence()
    assert "41" in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_the_canonical_form_is_sorted_compact_utf8_without_hash_and_number() -> None:
    row = entry(1, GENESIS, what='따옴표 " 와 줄\n바꿈')
    raw = canonical(row)
    fields = json.loads(raw)
    assert set(fields) == set(Entry.__struct_fields__) - {"hash", "seq"}
    assert list(fields) == sorted(fields)
    assert b": " not in raw
    assert "따옴표".encode() in raw
    assert digest(row) == row.hash == hashlib.sha256(raw).hexdigest()


@given(texts, texts)
def test_different_rows_have_different_bytes(one: str, other: str) -> None:
    """No two rows can be read from the same bytes: what moves from one field to the next shows."""
    first, second = entry(1, GENESIS, what=one, why=other), entry(1, GENESIS, what=other, why=one)
    assert (canonical(first) == canonical(second)) == (one == other)

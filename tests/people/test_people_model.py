"""Phones, texts and the counting of attempts."""

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansim.people.model import Attempts, clean_text, is_mobile, normal_phone, spoken_phone


@pytest.mark.parametrize(
    ("typed", "kept", "spoken"),
    [
        ("010-1234-5678", "+821012345678", "010-1234-5678"),
        ("01012345678", "+821012345678", "010-1234-5678"),
        (" 010 1234 5678 ", "+821012345678", "010-1234-5678"),
        ("010.1234.5678", "+821012345678", "010-1234-5678"),
        ("０１０－1234－5678", "+821012345678", "010-1234-5678"),
        ("+82 10-1234-5678", "+821012345678", "010-1234-5678"),
        ("+82 (0)10-1234-5678", "+821012345678", "010-1234-5678"),
        ("8210 1234 5678", "+821012345678", "010-1234-5678"),
        ("011-123-4567", "+82111234567", "011-123-4567"),
        ("02-123-4567", "+8221234567", "02-123-4567"),
        ("02-1234-5678", "+82212345678", "02-1234-5678"),
        ("031-123-4567", "+82311234567", "031-123-4567"),
        ("070-1234-5678", "+827012345678", "070-1234-5678"),
        ("0505-123-4567", "+825051234567", "0505-123-4567"),
        ("+1 202 555 0100", "+12025550100", "+12025550100"),
    ],
)
def test_numbers_are_kept_as_e164_and_spoken_as_here(typed: str, kept: str, spoken: str) -> None:
    assert normal_phone(typed) == kept
    assert spoken_phone(kept) == spoken
    assert normal_phone(spoken) == kept


@pytest.mark.parametrize("typed", ["", "112", "010", "010-12a4-5678", "+0 123", "+1", "0" * 30, "전화"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="telephone"):
        normal_phone(typed)


@given(st.sampled_from("016789"), st.text(string.digits, min_size=7, max_size=8), st.data())
def test_every_mobile_number_survives_any_spelling(kind: str, rest: str, data: st.DataObject) -> None:
    national = f"01{kind}{rest}"
    gaps = data.draw(
        st.lists(st.sampled_from(["", "-", " ", "."]), min_size=len(national), max_size=len(national))
    )
    typed = "".join(digit + gap for digit, gap in zip(national, gaps, strict=True))
    kept = normal_phone(typed)
    assert kept == f"+82{national[1:]}"
    assert is_mobile(kept)
    assert normal_phone(spoken_phone(kept)) == kept
    assert spoken_phone(kept).replace("-", "") == national


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_a_value_error(text: str) -> None:
    try:
        kept = normal_phone(text)
    except ValueError:
        return
    assert kept.startswith("+")
    assert kept[1:].isascii()
    assert kept[1:].isdigit()
    assert normal_phone(kept) == kept


@pytest.mark.parametrize(
    "phone", ["+8221234567", "+82501234567", "+12025550100", "+8210123", "+82101234567890"]
)
def test_only_mobiles_are_mobile(phone: str) -> None:
    assert not is_mobile(phone)


@given(st.text(max_size=60))
def test_kept_text_is_normal_trimmed_and_stays_so(text: str) -> None:
    kept = clean_text(text)
    assert kept == kept.strip()
    assert unicodedata.is_normalized("NFC", kept)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in kept)
    assert clean_text(kept) == kept


def test_only_notes_have_lines() -> None:
    assert clean_text(" a\nb\0\x1b[31m ", lines=True) == "a\nb[31m"
    assert clean_text("a\nb") == "ab"


class Turned:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.sampled_from(["begin", "succeed", "wait"]), max_size=60), st.integers(1, 5))
def test_never_more_attempts_than_allowed_in_a_window(steps: list[str], limit: int) -> None:
    clock = Turned()
    attempts = Attempts(limit, 10.0, clock)
    allowed = 0
    for step in steps:
        if step == "begin":
            open_before = attempts.left("k") > 0
            assert attempts.begin("k") is open_before
            allowed += open_before
            assert allowed <= limit
            assert attempts.left("k") == limit - allowed
        elif step == "succeed":
            attempts.succeed("k")
            allowed = 0
        else:
            clock.now += 10.0
            allowed = 0
        assert (attempts.retry_after("k") > 0) == (attempts.left("k") == 0)


def test_keys_do_not_disturb_each_other_and_memory_is_bounded() -> None:
    clock = Turned()
    attempts = Attempts(1, 10.0, clock, most=3)
    for key in "abcd":
        assert attempts.begin(key)
    assert attempts.left("a") == 1  # the oldest was forgotten
    assert [attempts.left(key) for key in "bcd"] == [0, 0, 0]
    clock.now = 4.0
    assert attempts.retry_after("b") == 6

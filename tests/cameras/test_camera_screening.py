"""No network address gets into the registry."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansim.cameras.screening import screen


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("석수로 10 192.168.10.25", "석수로 10"),
        ("석수로 10(192.168.10.25)", "석수로 10"),
        ("석수로 10 (IP: 10.0.0.3)", "석수로 10"),
        ("10.0.0.3:554 석수로", "석수로"),
        ("10.0.0.0/24 석수로", "석수로"),
        ("석수로 192 . 168 . 0 . 1 옆", "석수로 옆"),
        ("석수로 １９２．１６８．０．１", "석수로"),
        ("석수로 10, IP 172.16.1.2", "석수로 10"),
        ("rtsp://admin:1234@10.1.1.9:554/stream1 정문", "정문"),
        ("정문 http://cam.example/live", "정문"),
        ("fe80::1 정문", "정문"),
        ("정문 2001:db8:0:0:0:0:0:1", "정문"),
        ("10.0.0.1 10.0.0.2", ""),
    ],
)
def test_addresses_are_taken_out(text: str, left: str) -> None:
    clean, removed = screen(text)
    assert clean == left
    assert removed >= 1


@pytest.mark.parametrize(
    "text",
    [
        "서울특별시 강남구 청담동 23-4 (영동고 담장)",
        "010.1234.5678",
        "02-3423-6963",
        "2020.05.20.",
        "12:30:45",
        "999.300.1.1",
        "A동::B동",
        "산12-3, 101동",
        "v1.2.3",
        "1.2.3.4.5.6",
        "",
    ],
)
def test_what_is_no_address_stays(text: str) -> None:
    assert screen(text) == (text, 0)


def test_text_comes_out_on_one_line() -> None:
    assert screen("  석수로\r\n10\t(석수동)\0 ") == ("석수로 10 (석수동)", 0)


@given(
    st.ip_addresses(v=4).map(str),
    st.sampled_from(["석수로 {}", "{} 석수로", "석수로({})앞", "석수로,{},앞", "석수로 {}번", "IP={}"]),
)
def test_no_ipv4_address_survives(address: str, around: str) -> None:
    clean, removed = screen(around.format(address))
    assert address not in clean
    assert removed == 1


@given(
    st.ip_addresses(v=6).filter(lambda one: sum(bool(part) for part in str(one).split(":")) > 1),
    st.booleans(),
)
def test_no_ipv6_address_survives(address: ipaddress.IPv6Address, whole: bool) -> None:
    text = address.exploded if whole else str(address)
    clean, removed = screen(f"석수로 {text} 앞")
    assert text not in clean
    assert removed == 1


@given(st.text(max_size=200))
def test_screening_twice_finds_nothing_more(text: str) -> None:
    clean, _ = screen(text)
    again, removed = screen(clean)
    assert removed == 0
    assert again == clean

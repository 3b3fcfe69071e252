"""Network addresses in free text: they have leaked into published camera lists before, so none is kept."""

import ipaddress
import re
import unicodedata

_URL = re.compile(r"\b(?:rtsps?|rtmp|https?|onvif|ftp|ws)\s*:\s*//[^\s,)]*", re.IGNORECASE)
_IPV4 = re.compile(
    r"(?<![\d.])(\d{1,3})\s*\.\s*(\d{1,3})\s*\.\s*(\d{1,3})\s*\.\s*(\d{1,3})(?![\d]|\.\d)(?:\s*:\s*\d{1,5}|/\d{1,2})?"
)
_IPV6 = re.compile(r"(?<![0-9A-Za-z:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:%\w+)?(?![0-9A-Za-z:])")
_SPACES = re.compile(r"\s+")
_EMPTY_BRACKETS = re.compile(r"[\(\[<]\s*(?:ip)?\s*[:=]?\s*[\)\]>]", re.IGNORECASE)
_LEFT_OVER = re.compile(r"\bip\s*(?:addr(?:ess)?|주소)?\s*[:=]?\s*(?=$|[\),\]])", re.IGNORECASE)


def screen(text: str) -> tuple[str, int]:
    """The text on one line without IP addresses and stream URLs, and how many were taken out.

    Full-width digits and spaces around the dots are seen through; an address with an octet above 255 is
    none and stays.
    """
    plain = unicodedata.normalize("NFKC", text.replace("\0", ""))
    plain = _SPACES.sub(" ", plain).strip()
    taken = 0
    while "." in plain or ":" in plain:  # again, since what was left may have closed up to another address
        plain, removed = _without(plain)
        if not removed:
            break
        taken += removed
    return plain, taken


def _without(text: str) -> tuple[str, int]:
    removed = 0

    def take(match: re.Match[str]) -> str:
        nonlocal removed
        if match.re is _IPV4 and any(int(part) > 255 for part in match.groups()):
            return match.group()
        if match.re is _IPV6 and not _is_ipv6(match.group()):
            return match.group()
        removed += 1
        return " "

    for pattern in (_URL, _IPV4, _IPV6):
        text = pattern.sub(take, text)
    if removed:
        text = _LEFT_OVER.sub(" ", _EMPTY_BRACKETS.sub(" ", text))
        text = _SPACES.sub(" ", text).strip(" ,;:/-@")
    return text, removed


def _is_ipv6(text: str) -> bool:
    if sum(bool(group) for group in text.split(":")) < 2:
        return False
    try:
        ipaddress.IPv6Address(text.partition("%")[0])
    except ValueError:
        return False
    return True

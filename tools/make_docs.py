"""Write the reference that is made from the code: settings, events, and both nodes' OpenAPI.

python tools/make_docs.py            write docs/reference/
python tools/make_docs.py --check    fail when it is out of date
"""

import json
import sys
import tempfile
from pathlib import Path

import msgspec

from ansim.core.settings import Settings, fields
from ansim.incidents import events as ev
from ansim.nodes.center import center
from ansim.nodes.hub import hub

FOLDER = Path(__file__).parents[1] / "docs" / "reference"


def settings_page() -> str:
    """Every setting as a table."""
    lines = [
        "# Settings",
        "",
        "From a TOML file (`--config FILE`), then the environment. Unknown keys are refused.",
        "",
        "| key | environment | default | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for name, _section, _kind, meta, default in fields():
        variable = f"ANSIM_{name.replace('.', '_').upper()}"
        lines.append(f"| `{name}` | `{variable}` | `{default!r}` | {meta.description} |")
    return "\n".join(lines) + "\n"


def event_schemas() -> str:
    """JSON Schema (2020-12) of each kind of event's data."""
    kinds = {kind: ev.schema(kind) for kind in ev.KINDS}
    return json.dumps(kinds, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def openapi(role: str, scratch: Path) -> str:
    """The OpenAPI 3.1 document of a node."""
    if role == "hub":
        app = hub(Settings(data=str(scratch / "hub"), centers={"41170": "x"}))
    else:
        app = center(Settings(role="center", code="41170", name="안양시", data=str(scratch / "center")))
    document = msgspec.to_builtins(app.openapi_schema.to_schema())
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n"


def main() -> int:
    """Write or compare."""
    with tempfile.TemporaryDirectory() as scratch:
        pages = {
            "settings.md": settings_page(),
            "events.schema.json": event_schemas(),
            "openapi-hub.json": openapi("hub", Path(scratch)),
            "openapi-center.json": openapi("center", Path(scratch)),
        }
    if "--check" in sys.argv:
        stale = [
            n
            for n, text in pages.items()
            if not (FOLDER / n).is_file() or (FOLDER / n).read_text("utf-8") != text
        ]
        for name in stale:
            print(f"docs/reference/{name} is out of date: run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (FOLDER / name).write_text(text, "utf-8")
        print(FOLDER / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())

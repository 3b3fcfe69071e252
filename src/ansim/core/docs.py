"""The API's document at ``/docs``: one plain page made here, so that it works offline and under the CSP."""

from html import escape
from typing import Any, ClassVar

from litestar import Request, Response, Router, get
from litestar.openapi.plugins import OpenAPIRenderPlugin

_METHODS = ("get", "post", "put", "patch", "delete")
_STYLE = b"""
:root { color-scheme: dark; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem 1.5rem 4rem; background: #0b1017; color: #dfe7f1;
  font: 16px/1.5 system-ui, sans-serif; }
a { color: #8fc7ff; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #2b3a4d; }
article { margin: 1rem 0; padding: .75rem 1rem; background: #131b26; border-radius: .5rem; }
article h3 { margin: 0; font: 600 1rem/1.5 ui-monospace, monospace; }
article p { margin: .5rem 0; white-space: pre-line; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .2rem .75rem .2rem 0; }
code { font: .9rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
"""


class DocumentPage(OpenAPIRenderPlugin):
    """Renders the OpenAPI 3.1 document as an HTML page without scripts; the JSON lies beside it."""

    style_path: ClassVar[str] = "/style.css"

    def __init__(self) -> None:
        super().__init__(path="/")

    def receive_router(self, router: Router) -> None:
        """Serve the page's style sheet: the CSP allows no inline one."""

        @get(self.style_path, include_in_schema=False, sync_to_thread=False)
        def style() -> Response[bytes]:
            return Response(_STYLE, media_type="text/css")

        router.register(style)

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The page."""
        return page(openapi_schema).encode()


def page(document: dict[str, Any]) -> str:
    """An OpenAPI document (as JSON values) as HTML."""
    title = escape(str(document["info"]["title"]))
    operations = "".join(
        _operation(path, method, item[method])
        for path, item in sorted(document.get("paths", {}).items())
        for method in _METHODS
        if method in item
    )
    schemas = "".join(
        f'<article id="schema-{escape(name)}"><h3>{escape(name)}</h3>{_properties(schema)}</article>'
        for name, schema in sorted(document.get("components", {}).get("schemas", {}).items())
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="/docs/style.css"></head><body><main>'
        f"<h1>{title}</h1><p>Version {escape(str(document['info']['version']))}, "
        f'OpenAPI {escape(str(document["openapi"]))}: <a href="/docs/openapi.json">openapi.json</a></p>'
        f"<h2>Operations</h2>{operations}<h2>Types</h2>{schemas}</main></body></html>"
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    text = operation.get("description") or operation.get("summary") or ""
    rows = [
        (p["name"], f"{escape(p['in'])}: {_type(p.get('schema', {}))}", p.get("description", ""))
        for p in operation.get("parameters", [])
    ]
    body = operation.get("requestBody", {}).get("content", {})
    rows += [("body", _type(content.get("schema", {})), "") for content in body.values()]
    for status, response in sorted(operation.get("responses", {}).items()):
        schemas = [_type(c.get("schema", {})) for c in response.get("content", {}).values()]
        rows.append((status, " or ".join(filter(None, schemas)), response.get("description", "")))
    return (
        f"<article><h3>{method.upper()} {escape(path)}</h3><p>{escape(text)}</p><table>{_rows(rows)}</table>"
        "</article>"
    )


def _properties(schema: dict[str, Any]) -> str:
    required = set(schema.get("required", []))
    rows = [
        (name, _type(value), "" if name in required else "optional")
        for name, value in schema.get("properties", {}).items()
    ]
    text = schema.get("description", "")
    return f"<p>{escape(text)}</p>" + (f"<table>{_rows(rows)}</table>" if rows else "")


def _rows(rows: list[tuple[str, str, str]]) -> str:
    """``rows`` of name, type (already HTML) and remark."""
    return "".join(
        f'<tr><th scope="row">{escape(name)}</th><td><code>{kind}</code></td><td>{escape(remark)}</td></tr>'
        for name, kind, remark in rows
    )


def _type(schema: dict[str, Any]) -> str:
    """A schema in one line of HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "enum" in schema:
        return " | ".join(escape(repr(value)) for value in schema["enum"])
    if "const" in schema:
        return escape(repr(schema["const"]))
    if "oneOf" in schema or "anyOf" in schema:
        return " | ".join(_type(part) for part in schema.get("oneOf", schema.get("anyOf", [])))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"{_type(schema.get('items', {}))}[]"
    text = " | ".join(kind) if isinstance(kind, list) else str(kind)
    return escape(f"{text} ({schema['format']})" if "format" in schema else text)

"""`GET /docs`: the OpenAPI document as one page that fetches nothing, so that it is whole without internet too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse

PATH: Final = "/docs"
# A browser holds the page to it: whatever may come to stand in it, it calls nobody.
_HEADERS: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
_STYLE: Final = "body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}code{font-size:1.05em}"


def router(app: FastAPI) -> APIRouter:
    """Return the route; it reads the document when it is asked, when every route stands in it."""
    made = APIRouter()

    @made.get(PATH, include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page(app.openapi()), headers=_HEADERS)

    return made


def page(document: Mapping[str, Any]) -> str:
    """Return an OpenAPI document for people: each path, what it is asked with and what it answers."""
    about = document["info"]
    title = escape(f"{about['title']} {about['version']}")
    calls = "".join(_call(method, path, call) for path, of in document["paths"].items() for method, call in of.items())
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>{escape(about['description'])}</p>"
        f'<p>The whole of it for programs: <a href="openapi.json">/openapi.json</a></p>{calls}</html>\n'
    )


def _call(method: str, path: str, call: Mapping[str, Any]) -> str:
    who = "wants the token" if call.get("security") else "open to all"
    asked = [_item(one["name"], ", ".join(_about(one))) for one in call.get("parameters", ())]
    answers = [_item(code, _answer(one)) for code, one in sorted(call["responses"].items())]
    return (
        f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2><p>{escape(call['description'])} ({who})</p>"
        f"<ul>{''.join(asked)}</ul><ul>{''.join(answers)}</ul>"
    )


def _about(parameter: Mapping[str, Any]) -> Iterator[str]:
    schema = parameter["schema"]
    yield f"in the {parameter['in']}"
    yield " or ".join(map(str, schema["enum"])) if "enum" in schema else str(schema["type"])
    if "minimum" in schema and "maximum" in schema:
        yield f"{schema['minimum']} to {schema['maximum']}"
    if "default" in schema:
        yield f"default {schema['default']}"


def _answer(answer: Mapping[str, Any]) -> str:
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    name = str(schema.get("$ref") or schema.get("items", {}).get("$ref", "")).rpartition("/")[2]
    several = "a list of " if schema.get("type") == "array" else ""
    return f"{answer['description']}{f': {several}{name}' if name else ''}"


def _item(name: str, told: str) -> str:
    return f"<li><code>{escape(name)}</code> {escape(told)}</li>"

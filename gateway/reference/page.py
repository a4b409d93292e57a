"""The reference of the API as one page, made from its OpenAPI document. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from gateway.reference.html import html_page, html_table, rich_text

Node = dict[str, Any]
DOCUMENTS = (
    '<p><a href="/openapi.json">OpenAPI 3.1 document</a>; what is told live: '
    '<a href="/asyncapi.json">AsyncAPI 3.0 document</a></p>'
)


def render_reference(document: Node) -> str:
    """Every operation with its parameters, bodies, answers and problems, and every schema."""
    info = document["info"]
    body = [f"<h1>{escape(info['title'])} API</h1>", f'<p class="quiet">Version {escape(info["version"])}</p>']
    body += [rich_text(info["description"]), DOCUMENTS]
    for tag in document["tags"]:
        body += [f"<h2>{escape(tag['name'])}</h2>", rich_text(tag["description"])]
        body += [_operation(document, *found) for found in _operations(document, tag["name"])]
    body.append("<h2>Objects</h2>")
    body += [_schema(name, schema) for name, schema in document["components"]["schemas"].items()]
    return html_page(f"{info['title']} API", nav=_navigation(document), body="\n".join(body))


def _operations(document: Node, tag: str) -> Iterator[tuple[str, str, Node]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield path, method, operation


def _navigation(document: Node) -> str:
    parts = []
    for tag in document["tags"]:
        links = "".join(
            f'<li><a href="#{operation["operationId"]}">{escape(operation["summary"])}</a></li>'
            for _, _, operation in _operations(document, tag["name"])
        )
        parts.append(f"<h2>{escape(tag['name'])}</h2><ul>{links}</ul>")
    return f'<nav aria-label="Operations">{"".join(parts)}</nav>'


def _operation(document: Node, path: str, method: str, operation: Node) -> str:
    head = f'<code><span class="method">{method}</span> {escape(path)}</code>'
    parts = [f"<h3>{escape(operation['summary'])}</h3>", f"<p>{head}</p>", rich_text(operation["description"])]
    parts.append(
        html_table(["Parameter", "In", "Accepts", ""], [_parameter(document, one) for one in operation["parameters"]])
    )
    if "requestBody" in operation:
        parts += ["<h4>Body</h4>", *_contents(operation["requestBody"]["content"])]
    for status, answer in operation["responses"].items():
        if status[0] in "23":
            parts += [f"<h4>{status}</h4>", *_contents(answer.get("content", {}))]
    refusals = [(status, answer) for status, answer in operation["responses"].items() if status[0] in "45"]
    parts.append(html_table(["Refusal", ""], [[escape(status), _problem_links(answer)] for status, answer in refusals]))
    return f'<section id="{operation["operationId"]}">{"".join(parts)}</section>'


def _parameter(document: Node, parameter: Node) -> list[str]:
    if "$ref" in parameter:
        parameter = document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
    name = f"<code>{escape(parameter['name'])}</code>{' (required)' if parameter['required'] else ''}"
    return [name, escape(parameter["in"]), _kind(parameter["schema"]), rich_text(parameter.get("description", ""))]


def _contents(contents: Node) -> Iterator[str]:
    for media_type, content in contents.items():
        yield f"<p>{_kind(content['schema'])} <span class='quiet'>{escape(media_type)}</span></p>"
        yield f"<pre>{escape(_example(content.get('example')), quote=False)}</pre>"


def _example(example: Any) -> str:
    return example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)


def _problem_links(answer: Node) -> str:
    codes = answer["content"].get("application/problem+json", {}).get("examples", {})
    return ", ".join(f'<a href="/docs/problems/{code.replace("_", "-")}"><code>{code}</code></a>' for code in codes)


def _schema(name: str, schema: Node) -> str:
    required = set(schema.get("required", ()))
    rows = [
        [f"<code>{escape(field)}</code>", _kind(shape) + ("" if field in required else " (optional)"), _told(shape)]
        for field, shape in schema.get("properties", {}).items()
    ]
    described = rich_text(schema.get("description", ""))
    table = html_table(["Field", "Type", ""], rows)
    return f'<section id="object-{name}"><h3>{escape(name)}</h3>{described}{table}</section>'


def _told(shape: Node) -> str:
    return rich_text(str(shape.get("description", "")))


def _kind(schema: Node) -> str:
    """A schema in a few words, with links to the objects it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#object-{name}">{escape(name)}</a>'
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(_kind(one) for one in schema[union])
    if "const" in schema or "enum" in schema:
        values = schema.get("enum") or [schema["const"]]
        return ", ".join(f"<code>{escape(json.dumps(value))}</code>" for value in values)
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return escape(" ".join(filter(None, [str(schema.get("type", "anything")), schema.get("format", "")])))

"""Writing HTML so that nothing given to it can become markup."""

from __future__ import annotations

import re
from html import escape

CODE = re.compile(r"`([^`]+)`")


def html_page(title: str, *, nav: str, body: str) -> str:
    """A whole page around a navigation and a body that are HTML already."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(title)}</title>\n<link rel="stylesheet" href="/docs/style.css">\n</head>\n'
        f"<body>\n{nav}\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def rich_text(text: str) -> str:
    """Plain text with `code` and paragraphs, as HTML."""
    paragraphs = [
        CODE.sub(r"<code>\1</code>", escape(part, quote=False)) for part in text.split("\n\n") if part.strip()
    ]
    return "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)


def html_table(head: list[str], rows: list[list[str]]) -> str:
    """A table whose cells are HTML already; nothing where there are no rows."""
    if not rows:
        return ""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"

"""A program of its own: reads texts by paths as JSON and writes those it made smaller (see minifying.py)."""

from __future__ import annotations

import json
import re
import sys

from minify import MinifyError, string

KINDS = {"js": "text/javascript", "css": "text/css"}
TAKEN_APART = re.compile(r"\bconst(?= [{\[])")
"""The minifier makes one statement of declarations of one kind, with what takes a value apart first, even where a call
makes that value. As `let` it stays behind the `const` it is written behind (test_declaration_order.py)."""


def main() -> None:
    """What is refused is left out, and told on the side."""
    smaller = {}
    for path, text in json.load(sys.stdin).items():
        kind = path.rpartition(".")[2]
        try:
            smaller[path] = string(KINDS[kind], TAKEN_APART.sub("let", text) if kind == "js" else text)
        except MinifyError as error:
            sys.stderr.write(f"{path}: {str(error).partition(chr(10))[0]}\n")
    json.dump(smaller, sys.stdout)


if __name__ == "__main__":
    main()

"""Canned texts with variables: a small, closed part of Jinja, filled in by minijinja. Pure.

A template may show documented variables, pass them through a few filters, and leave parts out by `if`. There are no
loops, no assignments, no calls and no arithmetic, so nothing a template says takes long or grows. Every variable is
rewritten to a number of its own before the engine sees it: the engine is handed plain values and nothing to reach into.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

import msgspec
from minijinja import Environment, TemplateError

Format: TypeAlias = Literal["plain", "markdown"]
Value: TypeAlias = str | int | float | bool

TEMPLATE_CHARS = 10_000
OUTPUT_CHARS = 20_000
FUEL = 20_000
"""Steps of the engine one text may take; a template of the longest allowed length stays far below."""

VARIABLES = frozenset({
    "contact.name", "contact.first_name", "contact.language", "agent.name", "agent.first_name", "agent.email",
    "conversation.number", "conversation.subject", "conversation.language", "channel.type", "channel.name",
})  # fmt: skip
OPEN_VARIABLES = ("contact.attributes.", "conversation.attributes.")
"""Below these stand whatever attributes somebody has given a contact or a conversation."""
FILTERS = frozenset({"upper", "lower", "title", "capitalize", "trim", "default"})
TESTS = frozenset({"defined", "undefined"})
WORDS = frozenset({"and", "or", "not", "in", "is", "if", "else", "true", "false", "none"})
STATEMENTS = frozenset({"if", "elif", "else", "endif"})

TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<name>[A-Za-z_]\w*(?:\.\w+)*)|(?P<end>-?(?:\}\}|%\}))|(?P<sign>==|!=|<=|>=|[<>|,()])""",
    re.ASCII,
)
CALLED = re.compile(r"v\d+|['\"\d].*|[)]|true|false|none", re.DOTALL)
"""What would be called if brackets were opened behind it."""
OPENING = re.compile(r"\{\{-?|\{%-?\s*(\w*)|\{#")
MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&])")


class TemplateInvalid(ValueError):
    """A template that cannot be used: what is wrong, and in which line of it."""

    def __init__(self, code: str, detail: str, *, line: int) -> None:
        super().__init__(f"line {line}: {detail}")
        self.code = code
        self.line = line


class Compiled(msgspec.Struct, kw_only=True, frozen=True):
    """A template as the engine reads it: `variables` by their numbers, `shown` the variables of each output."""

    source: str
    variables: list[str]
    shown: list[list[str]]


class Filled(msgspec.Struct, kw_only=True, frozen=True):
    """The text, and the variables it wanted to show that have no value here."""

    text: str
    missing: list[str]


def compile_template(source: str) -> Compiled:
    """Read a template; TemplateInvalid names the variable, filter or sign that cannot be used, and its line."""
    if len(source) > TEMPLATE_CHARS:
        raise TemplateInvalid("too_long", f"a template has at most {TEMPLATE_CHARS} characters", line=1)
    reader = _Reader(source)
    compiled = Compiled(source="".join(reader.rewrite()), variables=reader.variables, shown=reader.shown)
    for values in ({}, dict.fromkeys(compiled.variables, "x")):  # both ways of every plain `if`
        fill_template(compiled, values, format_="plain")
    return compiled


def fill_template(compiled: Compiled, values: Mapping[str, Value], *, format_: Format) -> Filled:
    """The text with these values; in Markdown a value never becomes markup."""
    missing: dict[str, None] = {}

    def show(value: object, number: int) -> str:
        if value in (None, ""):
            missing.update(dict.fromkeys(name for name in compiled.shown[number] if name not in values))
            return ""
        return _plain(value, format_)

    engine = Environment(fuel=FUEL, undefined_behavior="chainable", auto_escape_callback=lambda _: False)
    engine.add_filter("_show", show)
    known = {f"v{at}": values[name] for at, name in enumerate(compiled.variables) if name in values}
    try:
        text = engine.render_str(compiled.source, **known)
    except TemplateError as error:
        raise TemplateInvalid("syntax", error.detail or error.kind, line=error.line or 1) from None
    if len(text) > OUTPUT_CHARS:
        raise TemplateInvalid("too_long", f"the text would be longer than {OUTPUT_CHARS} characters", line=1)
    return Filled(text=text, missing=list(missing))


def is_variable(name: str) -> bool:
    """Whether a template may speak of it."""
    return name in VARIABLES or any(name.startswith(start) and name.count(".") == 2 for start in OPEN_VARIABLES)


def _plain(value: object, format_: Format) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return MARKDOWN.sub(r"\\\1", " ".join(text.split())) if format_ == "markdown" else text


class _Reader:
    """Goes through a template once, and rewrites what stands between its braces."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.variables: list[str] = []
        self.shown: list[list[str]] = []

    def rewrite(self) -> Iterator[str]:
        at = 0
        while opening := OPENING.search(self._source, at):
            yield self._source[at : opening.start()]
            if opening[0] == "{#":
                at = self._after_comment(opening)
                continue
            if opening[0].startswith("{%") and opening[1] not in STATEMENTS:
                known = ", ".join(sorted(STATEMENTS))
                raise self._wrong("unknown_statement", f"{opening[1] or '?'} is none of {known}", opening.start())
            inner, at = self._expression(opening)
            yield self._written(opening[0], inner)
        yield self._source[at:]

    def _written(self, opening: str, inner: tuple[str, str, list[str]]) -> str:
        expression, end, names = inner
        if opening.startswith("{%"):
            return f"{opening}{expression}{end}"
        self.shown.append(names)
        return f"{opening} ({expression})|_show({len(self.shown) - 1}) {end}"

    def _expression(self, opening: re.Match[str]) -> tuple[tuple[str, str, list[str]], int]:
        """The rewritten inside with its end and the variables in it, and where the template goes on."""
        end = "%}" if opening[0].startswith("{%") else "}}"
        written: list[str] = []
        names: list[str] = []
        before, at = "", opening.end()
        while True:
            token = TOKEN.match(self._source, at)
            if token is None:
                sign = self._source[at : at + 1]
                detail = f"{sign!r} cannot be used here" if sign else "the braces are not closed"
                raise self._wrong("syntax", detail, min(at, len(self._source) - 1))
            at, text = token.end(), token[0]
            if token["end"]:
                if not text.endswith(end):
                    raise self._wrong("syntax", f"{text} does not close {opening[0][:2]}", token.start())
                if not before and end == "}}":
                    raise self._wrong("syntax", "there is nothing between the braces", token.start())
                return ("".join(written), text, names), at
            if token["name"]:
                text = self._name(text, before, token.start(), names)
            elif text == "(" and CALLED.fullmatch(before):
                raise self._wrong("syntax", "nothing can be called", token.start())
            written.append(text)
            before = before if token["space"] else text

    def _name(self, name: str, before: str, at: int, names: list[str]) -> str:
        if before == "|":
            return self._known(name, FILTERS, "filter", at)
        if before in {"is", "not"} and name in TESTS:
            return name
        if name in WORDS:
            return name
        if not is_variable(name):
            raise self._wrong("unknown_variable", f"there is no variable {name}", at)
        if name not in self.variables:
            self.variables.append(name)
        names.append(name)
        return f"v{self.variables.index(name)}"

    def _known(self, name: str, allowed: frozenset[str], kind: str, at: int) -> str:
        if name not in allowed:
            detail = f"there is no {kind} {name}; there are {', '.join(sorted(allowed))}"
            raise self._wrong(f"unknown_{kind}", detail, at)
        return name

    def _after_comment(self, opening: re.Match[str]) -> int:
        end = self._source.find("#}", opening.end())
        if end < 0:
            raise self._wrong("syntax", "the comment is not closed", opening.start())
        return end + 2

    def _wrong(self, code: str, detail: str, at: int) -> TemplateInvalid:
        return TemplateInvalid(code, detail, line=self._source.count("\n", 0, max(at, 0)) + 1)

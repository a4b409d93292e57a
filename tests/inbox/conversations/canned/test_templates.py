"""Templates: what may be said in one, what is refused and where, and that values stay values."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.conversations.canned.templates import (
    OUTPUT_CHARS,
    TEMPLATE_CHARS,
    VARIABLES,
    Format,
    TemplateInvalid,
    Value,
    compile_template,
    fill_template,
    is_variable,
)


def fill(source: str, format_: Format = "plain", **values: Value) -> str:
    """The text; `contact__name` stands for `contact.name`."""
    named = {name.replace("__", "."): value for name, value in values.items()}
    return fill_template(compile_template(source), named, format_=format_).text


def missing(source: str, **values: Value) -> list[str]:
    """The variables without a value."""
    named = {name.replace("__", "."): value for name, value in values.items()}
    return fill_template(compile_template(source), named, format_="plain").missing


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hi {{ contact.name }}!", "Hi Ana Ruiz!"),
        ("{{contact.name|upper}} {{ agent.name | lower }}", "ANA RUIZ bo"),
        ("{{ contact.first_name|default('there') }}", "there"),
        ("{% if contact.name %}yes{% else %}no{% endif %}", "yes"),
        ("{% if not contact.name %}a{% elif agent.name == 'Bo' %}b{% endif %}", "b"),
        ("{{ 'known' if contact.name is defined else 'unknown' }}", "known"),
        ("{% if conversation.number > 3 and agent.name in ('Bo', 'Al') %}x{% endif %}", "x"),
        ("a {{- agent.name -}} b{# never seen }} #}", "aBob"),
        ("No. {{ conversation.number }}, {{ contact.attributes.vip }}", "No. 7, true"),
        ("{{ 'it\\'s }} fine' }} { } %} }}", "it's }} fine { } %} }}"),
    ],
)
def test_a_template_shows_chooses_and_filters(source: str, text: str) -> None:
    """Variables, filters, tests and `if` do what they do in Jinja; braces that open nothing are words."""
    shown = fill(
        source, contact__name="Ana Ruiz", agent__name="Bo", conversation__number=7, contact__attributes__vip=True
    )
    assert shown == text


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        ("Hi\n{{ contact.nam }}", "unknown_variable", 2),
        ("{{ contact }}", "unknown_variable", 1),
        ("{{ contact.name.first }}", "unknown_variable", 1),
        ("{{ contact.attributes.a.b }}", "unknown_variable", 1),
        ("{{ v0 }}", "unknown_variable", 1),
        ("{{ _show(1) }}", "unknown_variable", 1),
        ("{{ self }}", "unknown_variable", 1),
        ("a\nb\n{{ contact.name|replace('a', 'b') }}", "unknown_filter", 3),
        ("{% for a in contact.name %}{% endfor %}", "unknown_statement", 1),
        ("{% set a = 1 %}", "unknown_statement", 1),
        ("{% include 'etc' %}", "unknown_statement", 1),
        ("{% raw %}{% endraw %}", "unknown_statement", 1),
        ("{% macro a() %}{% endmacro %}", "unknown_statement", 1),
        ("{{ range(9) }}", "unknown_variable", 1),
        ("{{ contact.name() }}", "syntax", 1),
        ("{{ 'a'('b') }}", "syntax", 1),
        ("{{ (contact.name)(1) }}", "syntax", 1),
        ("{{ 'a' * 1000000000 }}", "syntax", 1),
        ("{{ contact.name ~ contact.name }}", "syntax", 1),
        ("{{ contact.name[0] }}", "syntax", 1),
        ("{{ contact.name + 1 }}", "syntax", 1),
        ("{{ }}", "syntax", 1),
        ("{{ contact.name contact.name }}", "syntax", 1),
        ("{{ contact.name", "syntax", 1),
        ("{{ contact.name %}", "syntax", 1),
        ("\n{% if contact.name %}", "syntax", 2),
        ("{# open", "syntax", 1),
        ("{{ " + "(" * 500 + "1" + ")" * 500 + " }}", "syntax", 1),
        ("x" * (TEMPLATE_CHARS + 1), "too_long", 1),
    ],
)
def test_what_is_not_documented_is_refused_with_its_line(source: str, code: str, line: int) -> None:
    """Nothing can be called, looped over, assigned, multiplied or reached into; the refusal says where."""
    with pytest.raises(TemplateInvalid) as refused:
        compile_template(source)
    assert (refused.value.code, refused.value.line) == (code, line)


def test_the_refusal_names_the_variable() -> None:
    """Whoever mistyped a name reads it."""
    with pytest.raises(TemplateInvalid, match=r"line 2: there is no variable contact\.nmae"):
        compile_template("Hi\n{{ contact.nmae }}")


def test_missing_values_are_told_once_and_only_where_they_show() -> None:
    """A variable without a value leaves nothing and is named; with a default, or in a part left out, it is not."""
    assert missing("{{ contact.name }} {{ contact.name|upper }} {{ agent.name }}", agent__name="Bo") == ["contact.name"]
    assert missing("{{ contact.name|default('you') }}") == []
    assert missing("{% if contact.name %}{{ contact.attributes.order }}{% endif %}") == []
    assert missing("{{ contact.attributes.items }}{{ contact.attributes.__class__ }}") == [
        "contact.attributes.items", "contact.attributes.__class__",
    ]  # fmt: skip


@given(st.text(max_size=60))
def test_a_value_is_never_read_as_a_template(value: str) -> None:
    """What a customer calls themselves is put in letter by letter."""
    assert fill("<{{ contact.name }}>", contact__name=value) == f"<{value}>"


@pytest.mark.parametrize(
    "name", ["[pay](https://evil.test)", "**b**", "<img src=x>", "# a\n# b", "![x](y)", "`c`", "a_b_c", "1. x", "|a|"]
)
def test_in_markdown_a_value_is_no_markup(name: str) -> None:
    """Every sign that means something in Markdown or HTML is escaped, and no line begins with a value's second line."""
    text = fill("Hi {{ contact.name }}.", "markdown", contact__name=name)
    inside = text.removeprefix("Hi ").removesuffix(".")
    assert "\n" not in inside
    unescaped = [sign for before, sign in zip(" " + inside, inside, strict=False) if before != "\\"]
    assert not set(unescaped) & set("`*_{}[]()<>#!|~")
    assert inside.replace("\\", "") == " ".join(name.split())


def test_the_text_has_a_longest_length() -> None:
    """Many long values do not make a text without end."""
    source = "{{ contact.attributes.a }}" * 20
    with pytest.raises(TemplateInvalid, match="longer"):
        fill(source, contact__attributes__a="x" * (OUTPUT_CHARS // 10))


def test_the_longest_template_takes_no_time() -> None:
    """The worst that fits into the limit is read and filled in at once: nothing in it can repeat."""
    source = ("{% if contact.name %}{{ contact.name|upper|lower }}{% endif %}" * 1000)[: TEMPLATE_CHARS - 200]
    source = source[: source.rindex("{% if")]
    began = time.process_time()
    assert fill(source, contact__name="A")
    assert time.process_time() - began < 5


def test_the_documented_names_are_all_variables() -> None:
    """Every name of the table is one, and attributes are, one step deep."""
    assert all(is_variable(name) for name in VARIABLES)
    assert is_variable("contact.attributes.order")
    assert not is_variable("contact.attributes")
    assert not is_variable("contact.attributes.a.b")

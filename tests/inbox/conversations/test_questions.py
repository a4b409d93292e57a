"""Questions can be answered, and answers are to what was asked."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from channels.parts import AnyPart, Choice, ChoiceReply, Choices, Form, FormField, FormReply, FormValue, Text
from inbox.conversations.questions import refuse_questions, settle_answers
from inbox.kit.errors import Problem

FORM = Form(
    id="f",
    fields=[
        FormField(name="name", label="Name", required=True),
        FormField(name="mail", label="Mail", kind="email"),
        FormField(name="size", label="Size", kind="select", options=["S", "M"]),
        FormField(name="news", label="News", kind="checkbox"),
        FormField(name="phone", label="Phone", kind="phone"),
    ],
)
DAYS = Choices(text="Which day?", options=[Choice(id="mo", title="Monday"), Choice(id="tu", title="Tuesday")])


def reply(*values: tuple[str, str], form: str = "f") -> FormReply:
    """A form filled in, its labels made up."""
    return FormReply(form_id=form, values=[FormValue(name=name, label="?", value=value) for name, value in values])


def pointers(part: AnyPart, *asked: AnyPart) -> list[str]:
    """Where an answer is wrong."""
    return [fault.pointer for fault in settle_answers([Text(text="hi"), part], asked).faults]


def test_an_answer_is_kept_as_it_was_asked() -> None:
    """Labels and order are those of the form, values tidied, and what was left empty is left out."""
    given = reply(("mail", "Ana@EXAMPLE.org "), ("news", "false"), ("name", " Ana "), ("phone", "91 123 45 67"))
    [kept] = settle_answers([given], [FORM]).parts
    assert isinstance(kept, FormReply)
    assert [(one.label, one.value) for one in kept.values] == [
        ("Name", "Ana"), ("Mail", "Ana@example.org"), ("Phone", "91 123 45 67"),
    ]  # fmt: skip
    assert settle_answers([ChoiceReply(id="tu", title="?")], [DAYS]).parts == [ChoiceReply(id="tu", title="Tuesday")]


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        (reply(("mail", "a@b.example")), ["/parts/1/values"]),
        (reply(("name", "  ")), ["/parts/1/values/0/value"]),
        (reply(("name", "Ana"), ("mail", "nobody")), ["/parts/1/values/1/value"]),
        (reply(("name", "Ana"), ("size", "XXL")), ["/parts/1/values/1/value"]),
        (reply(("name", "Ana"), ("news", "yes")), ["/parts/1/values/1/value"]),
        (reply(("name", "Ana"), ("phone", "call me")), ["/parts/1/values/1/value"]),
        (reply(("name", "A" * 501)), ["/parts/1/values/0/value"]),
        (reply(("name", "A\x07")), ["/parts/1/values/0/value"]),
        (reply(("name", "Ana"), ("card", "4111")), ["/parts/1/values/1/name"]),
        (reply(("name", "Ana"), ("name", "Bo")), ["/parts/1/values"]),
        (reply(("name", "Ana"), form="other"), ["/parts/1/form_id"]),
        (ChoiceReply(id="su", title="Sunday"), ["/parts/1/id"]),
    ],
)
def test_what_was_not_asked_is_no_answer(part: AnyPart, wrong: list[str]) -> None:
    """Each fault names where it is."""
    assert pointers(part, FORM, DAYS) == wrong


def test_an_answer_needs_a_question() -> None:
    """Of the same conversation: without one nothing is an answer; words are never one."""
    assert pointers(reply(("name", "Ana"))) == ["/parts/1/form_id"]
    assert pointers(ChoiceReply(id="mo", title="Monday")) == ["/parts/1/id"]
    assert settle_answers([Text(text="Monday")], []).faults == []


def test_the_newest_question_counts() -> None:
    """A form that was sent again under its id is answered as it is now."""
    newer = msgspec.structs.replace(FORM, fields=[FormField(name="order", label="Order", required=True)])
    assert pointers(reply(("order", "8841")), newer, FORM) == []


FIELD = FormField(name="a", label="A")


@pytest.mark.parametrize(
    ("part", "pointer"),
    [
        (Choices(text=" ", options=DAYS.options), "/parts/0/text"),
        (Choices(text="Which?", options=[]), "/parts/0/options"),
        (Choices(text="Which?", options=[Choice(id="a", title="A"), Choice(id="a", title="B")]), "/parts/0/options"),
        (Choices(text="Which?", options=[Choice(id="", title="A")]), "/parts/0/options/0/id"),
        (Choices(text="Which?", options=[Choice(id="a", title="A" * 201)]), "/parts/0/options/0/title"),
        (Form(id="", fields=[FIELD]), "/parts/0/id"),
        (Form(id="f", fields=[]), "/parts/0/fields"),
        (Form(id="f", fields=[FIELD, FIELD]), "/parts/0/fields"),
        (Form(id="f", fields=[FormField(name="1 a", label="A")]), "/parts/0/fields/0/name"),
        (Form(id="f", fields=[FormField(name="a", label="")]), "/parts/0/fields/0/label"),
        (Form(id="f", fields=[FormField(name="a", label="A", kind="select")]), "/parts/0/fields/0/options"),
        (Form(id="f", fields=[FormField(name="a", label="A", options=["x"])]), "/parts/0/fields/0/options"),
        (Form(id="f", title="T" * 201, fields=[FIELD]), "/parts/0/title"),
    ],
)
def test_what_nobody_could_answer_is_not_asked(part: AnyPart, pointer: str) -> None:
    """Refused when it is written, with the place that is wrong."""
    with pytest.raises(Problem) as refused:
        refuse_questions([part])
    assert (refused.value.code, refused.value.errors[0].pointer) == ("validation_failed", pointer)


@pytest.mark.parametrize("part", [DAYS, FORM, Text(text="hi")])
def test_what_can_be_answered_may_be_asked(part: Any) -> None:
    """Nothing is refused that a visitor can fill in."""
    refuse_questions([part])

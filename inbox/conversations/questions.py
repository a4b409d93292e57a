"""Choices and forms: whether what we ask can be answered, and whether an answer fits what was asked. Pure.

Nothing of an answer is believed but the value: its label and its order are those of the question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from channels.parts import AnyPart, ChoiceReply, Choices, Form, FormField, FormReply, FormValue
from inbox.contacts.matching import normalise_address
from inbox.kit.errors import FieldError, Problem

OPTIONS_MAX = 50
FIELDS_MAX = 20
ID_CHARS = 100
LABEL_CHARS = 200
"""Of a title, a label, an option and the word on a button."""
QUESTION_CHARS = 2_000
LINE_CHARS = 500
TEXT_CHARS = 5_000
"""What may be written into a field of one line, and into a larger one."""
TICKED = "true"
UNTICKED = frozenset({"", "false"})

FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
DIALLED = re.compile(r"[0-9+()./ -]{5,40}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Answers(msgspec.Struct, frozen=True):
    """Parts with each answer as it is kept, and what is wrong with them: nothing is kept where anything is."""

    parts: list[AnyPart]
    faults: list[FieldError]


def refuse_questions(parts: Sequence[AnyPart], *, pointer: str = "/parts") -> None:
    """The `validation_failed` problem where a question among these parts could not be answered."""
    faults = [fault for index, part in enumerate(parts) for fault in _question_faults(part, f"{pointer}/{index}")]
    if faults:
        raise Problem("validation_failed", faults[0].detail, errors=faults)


def form_faults(form: Form, pointer: str) -> Iterator[FieldError]:
    """What keeps a form from being answered; `pointer` is where it stands."""
    yield from _check_id(form.id, f"{pointer}/id")
    yield from _check_words(form.title, f"{pointer}/title", empty=True)
    yield from _check_words(form.submit, f"{pointer}/submit", empty=True)
    yield from _check_count(len(form.fields), FIELDS_MAX, pointer=f"{pointer}/fields", what="fields")
    yield from _check_once([field.name for field in form.fields], f"{pointer}/fields", "name")
    for index, field in enumerate(form.fields):
        yield from _field_faults(field, f"{pointer}/fields/{index}")


def settle_answers(parts: Sequence[AnyPart], asked: Sequence[AnyPart], *, pointer: str = "/parts") -> Answers:
    """The answers among these parts held against the questions they may answer, the newest first."""
    settled, faults = [], []
    for index, part in enumerate(parts):
        if isinstance(part, ChoiceReply):
            kept, wrong = _settle_choice(part, asked, f"{pointer}/{index}")
        elif isinstance(part, FormReply):
            kept, wrong = _settle_form(part, asked, f"{pointer}/{index}")
        else:
            kept, wrong = part, []
        settled.append(kept)
        faults += wrong
    return Answers(settled, faults)


def _question_faults(part: AnyPart, pointer: str) -> Iterator[FieldError]:
    if isinstance(part, Choices):
        yield from _choice_faults(part, pointer)
    elif isinstance(part, Form):
        yield from form_faults(part, pointer)


def _choice_faults(part: Choices, pointer: str) -> Iterator[FieldError]:
    yield from _check_words(part.text, f"{pointer}/text", limit=QUESTION_CHARS)
    yield from _check_count(len(part.options), OPTIONS_MAX, pointer=f"{pointer}/options", what="options")
    yield from _check_once([option.id for option in part.options], f"{pointer}/options", "id")
    for index, option in enumerate(part.options):
        yield from _check_id(option.id, f"{pointer}/options/{index}/id")
        yield from _check_words(option.title, f"{pointer}/options/{index}/title")
        yield from _check_words(option.description, f"{pointer}/options/{index}/description", empty=True)


def _field_faults(field: FormField, pointer: str) -> Iterator[FieldError]:
    if not FIELD_NAME.fullmatch(field.name):
        detail = "a name has letters, digits and _.- and begins with a letter or _, at most 64 characters"
        yield FieldError(pointer=f"{pointer}/name", code="wrong_value", detail=detail)
    yield from _check_words(field.label, f"{pointer}/label")
    if (field.kind == "select") is not bool(field.options):
        detail = "a select has options, and nothing else has them"
        yield FieldError(pointer=f"{pointer}/options", code="wrong_value", detail=detail)
    if len(field.options) > OPTIONS_MAX:
        detail = f"at most {OPTIONS_MAX} options"
        yield FieldError(pointer=f"{pointer}/options", code="too_many", detail=detail, limit=OPTIONS_MAX)
    yield from _check_once(field.options, f"{pointer}/options", "option")
    for index, option in enumerate(field.options):
        yield from _check_words(option, f"{pointer}/options/{index}")


def _check_id(text: str, pointer: str) -> Iterator[FieldError]:
    if not text or len(text) > ID_CHARS or not text.isprintable():
        detail = f"an id has 1 to {ID_CHARS} characters that can be printed"
        yield FieldError(pointer=pointer, code="wrong_value", detail=detail, limit=ID_CHARS)


def _check_words(
    text: str | None, pointer: str, *, empty: bool = False, limit: int = LABEL_CHARS
) -> Iterator[FieldError]:
    if text is None and empty:
        return
    if not (text or "").strip():
        yield FieldError(pointer=pointer, code="required", detail="it needs words that can be read")
    elif len(text or "") > limit:
        yield FieldError(pointer=pointer, code="too_long", detail=f"at most {limit} characters", limit=limit)


def _check_count(count: int, limit: int, *, pointer: str, what: str) -> Iterator[FieldError]:
    if not 1 <= count <= limit:
        yield FieldError(pointer=pointer, code="wrong_count", detail=f"1 to {limit} {what}", limit=limit)


def _check_once(names: Sequence[str], pointer: str, what: str) -> Iterator[FieldError]:
    if len(set(names)) < len(names):
        yield FieldError(pointer=pointer, code="repeated", detail=f"each {what} is there once")


def _settle_choice(part: ChoiceReply, asked: Sequence[AnyPart], pointer: str) -> tuple[AnyPart, list[FieldError]]:
    options = [option for one in asked if isinstance(one, Choices) for option in one.options]
    chosen = next((option for option in options if option.id == part.id), None)
    if chosen is None:
        return part, [_unasked(f"{pointer}/id", "no question of this conversation has this option")]
    return ChoiceReply(id=chosen.id, title=chosen.title), []


def _settle_form(part: FormReply, asked: Sequence[AnyPart], pointer: str) -> tuple[AnyPart, list[FieldError]]:
    form = next((one for one in asked if isinstance(one, Form) and one.id == part.form_id), None)
    if form is None:
        return part, [_unasked(f"{pointer}/form_id", "no form of this conversation has this id")]
    given = {value.name: (index, value.value) for index, value in enumerate(part.values)}
    known = {field.name for field in form.fields}
    faults = list(_check_once([value.name for value in part.values], f"{pointer}/values", "field"))
    faults += [
        _unasked(f"{pointer}/values/{index}/name", "the form has no such field")
        for name, (index, _) in given.items()
        if name not in known
    ]
    values = []
    for field in form.fields:
        index, written = given.get(field.name, (None, ""))
        try:
            value = _settle_value(field, written)
        except ValueError as wrong:
            place = f"{pointer}/values" if index is None else f"{pointer}/values/{index}/value"
            faults.append(FieldError(pointer=place, code="wrong_value", detail=f"{field.label}: {wrong}"))
        else:
            values += [FormValue(name=field.name, label=field.label, value=value)] if value else []
    return FormReply(form_id=form.id, values=values), faults


def _settle_value(field: FormField, written: str) -> str:
    """What is kept of what was written into a field; "" for nothing, ValueError for what it cannot take."""
    value = written.strip()
    if field.kind == "checkbox" and value in UNTICKED:
        value = ""
    if not value:
        if field.required:
            raise ValueError("an answer is needed")
        return ""
    if field.kind == "email":
        return normalise_address("email", value, default_country=None)
    if field.kind == "phone":
        return _settle_phone(value)
    if field.kind in {"select", "checkbox"}:
        return _settle_choosing(field, value)
    limit = TEXT_CHARS if field.kind == "textarea" else LINE_CHARS
    if len(value) > limit:
        raise ValueError(f"at most {limit} characters")
    if _CONTROLS.search(value):
        raise ValueError("control characters are not taken")
    return value


def _settle_phone(value: str) -> str:
    """In E.164 where it names its country, else as it was dialled: people leave out what goes without saying."""
    if not DIALLED.fullmatch(value):
        raise ValueError("that is no telephone number")
    return normalise_address("phone", value, default_country=None) if value.startswith("+") else value


def _settle_choosing(field: FormField, value: str) -> str:
    if value not in (field.options if field.kind == "select" else [TICKED]):
        raise ValueError("that is not among the options")
    return value


def _unasked(pointer: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code="not_asked", detail=detail)

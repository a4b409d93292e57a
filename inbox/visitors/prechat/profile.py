"""Answers as what somebody says of themselves: name, where they can be reached, the rest by its field. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from channels.parts import AnyPart, Form, FormReply
from channels.webchat.services import PRE_CHAT_ID
from inbox.contacts.contact import MAX_NAME_CHARS
from inbox.kit.errors import FieldError, Problem
from inbox.visitors.visitor import Profile

NAME_FIELDS = ("name", "full_name")


def pre_chat_form(form: Form | None) -> Form | None:
    """The form as it is asked, under the one id it is answered by."""
    return msgspec.structs.replace(form, id=PRE_CHAT_ID) if form else None


def find_pre_chat(parts: Sequence[AnyPart]) -> FormReply | None:
    """The answers to it among the parts of a message."""
    return next((part for part in parts if isinstance(part, FormReply) and part.form_id == PRE_CHAT_ID), None)


def refuse_unasked(form: Form) -> Problem:
    """The problem of a first message without the answers that are needed."""
    needed = [field.label for field in form.fields if field.required]
    detail = f"The first message comes with the answers to the form: {', '.join(needed)}"
    error = FieldError(pointer="/parts", code="required", detail=detail)
    return Problem("validation_failed", detail, errors=[error], hint=f"Send a form_reply with form_id {PRE_CHAT_ID}")


def needs_answers(form: Form | None) -> bool:
    """Whether nobody may begin without them."""
    return form is not None and any(field.required for field in form.fields)


def read_profile(form: Form, reply: FormReply) -> Profile:
    """What the answers say of the visitor; nobody has proven any of it."""
    answers = {value.name: value.value for value in reply.values}
    kinds = {field.name: field.kind for field in form.fields}
    email = next((name for name in answers if kinds.get(name) == "email"), None)
    phone = next((name for name in answers if kinds.get(name) == "phone"), None)
    name = next((one for one in NAME_FIELDS if one in answers), None)
    rest = {key: value for key, value in answers.items() if key not in {email, phone, name}}
    return Profile(
        name=answers[name][:MAX_NAME_CHARS] if name else None,
        email=answers[email] if email else None,
        phone=answers[phone] if phone else None,
        attributes=dict(rest),
    )

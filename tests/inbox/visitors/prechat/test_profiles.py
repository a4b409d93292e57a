"""What visitors say of themselves: read from their answers, and given to the contact where nothing is known."""

from __future__ import annotations

import msgspec

from channels.parts import Form, FormField, FormReply, FormValue
from channels.webchat.services import PRE_CHAT_ID
from inbox.contacts.queries import find_contact
from inbox.kit.db import execute, fetch_value
from inbox.visitors.prechat.actions import describe_contact
from inbox.visitors.prechat.profile import find_pre_chat, needs_answers, pre_chat_form, read_profile
from inbox.visitors.visitor import Profile
from tests.inbox.builders import committed, run_opened
from tests.inbox.visitors.chats import make_chat, make_visitor, visitor_writes

FORM = Form(
    id="any",
    fields=[
        FormField(name="name", label="Name", required=True),
        FormField(name="where", label="Mail", kind="email"),
        FormField(name="tel", label="Phone", kind="phone"),
        FormField(name="order", label="Order"),
    ],
)


def test_answers_are_a_profile() -> None:
    """The kind of a field says what is a mail address or a telephone number; the rest keeps its field's name."""
    values = [("name", "Ana"), ("where", "a@b.example"), ("tel", "911"), ("order", "8841")]
    reply = FormReply(form_id=PRE_CHAT_ID, values=[FormValue(name=one, label="?", value=two) for one, two in values])
    assert read_profile(FORM, reply) == Profile(
        name="Ana", email="a@b.example", phone="911", attributes={"order": "8841"}
    )
    assert find_pre_chat([reply]) is reply
    assert find_pre_chat([msgspec.structs.replace(reply, form_id="any")]) is None


def test_the_form_is_asked_under_one_id() -> None:
    """Whatever its own; and it is needed only where a field is."""
    asked = pre_chat_form(FORM)
    assert asked
    assert asked.id == PRE_CHAT_ID
    assert needs_answers(FORM)
    assert not needs_answers(msgspec.structs.replace(FORM, fields=FORM.fields[1:]))
    assert not needs_answers(pre_chat_form(None))


def test_a_contact_gets_what_nobody_knew(database_url: str) -> None:
    """What is known stays, an address is theirs only if nobody has it, and nothing of it is proven."""

    async def body() -> None:
        chat = await make_chat()
        conversation_id = await visitor_writes(chat)
        await make_visitor(
            chat, name="Ana", email="ana@example.net", phone="911", attributes={"order": "8841", "plan": "free"}
        )
        contact_id = await fetch_value("SELECT contact_id FROM conversation")
        await execute('UPDATE contact SET attributes = \'{"plan": "gold"}\'')
        await committed(describe_contact(conversation_id))
        contact = await find_contact(contact_id)
        assert (contact.name, contact.attributes) == ("Ana", {"plan": "gold", "order": "8841", "phone": "911"})
        [mail] = [one for one in contact.identities if one.kind == "email"]
        assert (mail.address, mail.proof) == ("ana@example.net", "none")
        version = contact.version
        await committed(describe_contact(conversation_id))
        assert (await find_contact(contact_id)).version == version

    run_opened(database_url, body)


def test_definitions_that_refuse_it_lose_the_name_to_nobody(database_url: str) -> None:
    """Attributes are held to what is defined; the name and the address come all the same."""

    async def body() -> None:
        await execute("INSERT INTO attribute_policy (applies_to, strict) VALUES ('contact', true)")
        chat = await make_chat()
        conversation_id = await visitor_writes(chat)
        await make_visitor(chat, name="Ana", attributes={"order": "8841"})
        await committed(describe_contact(conversation_id))
        contact = await find_contact(await fetch_value("SELECT contact_id FROM conversation"))
        assert (contact.name, contact.attributes) == ("Ana", {})

    run_opened(database_url, body)

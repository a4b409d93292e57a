"""The adapter of mail over SMTP: what it writes is a mail that others understand, and what it reads is one."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import dkim
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from channels.contract import (
    Carrying,
    ChannelSettings,
    Checking,
    Closing,
    LetterOut,
    MailTaking,
    OutboundMessage,
    RawEvent,
    Unpacking,
    Vouching,
)
from channels.email.smtp import SmtpMail
from channels.errors import Malformed, Misconfigured, Rejected
from channels.events import Address, MessageReceived
from channels.http import Http
from channels.parts import Attachment, File, Text
from channels.simulators.mail import Draft, DraftFile, MailSimulator, serve_mail, write_mail
from tests.channels.email.sending.servers import ANA, BEN, OURS, account
from tests.channels.email.test_settings import pem

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def message(text: str = "Hello", **more: Any) -> OutboundMessage:
    """One to Ana."""
    given = {"letter": LetterOut(subject="Re: Order 12", cc=[Address(kind="email", value=BEN)]), **more}
    return OutboundMessage(reference="msg_1", to=Address(kind="email", value=ANA), parts=[Text(text=text)], **given)


def raw(content: bytes, *, kind: str = "mail") -> RawEvent:
    """A journaled mail."""
    return RawEvent(kind=kind, method="SMTP", url="smtp://x/", headers={}, body=content, received_at=NOW)


def sent_by(where: dict[str, Any], *messages: OutboundMessage) -> MailSimulator:
    """The server after it was handed these."""
    mail = MailSimulator()

    async def body() -> None:
        client = Http(allow=["127.0.0.1"])
        adapter = SmtpMail(client)
        async with serve_mail(mail) as port:
            for one in messages:
                sent = await adapter.send(account(port, **where), one)
                assert sent.provider_message_id == "msg_1@shop.example"
            await adapter.aclose()
        await client.aclose()

    asyncio.run(body())
    return mail


def test_it_declares_what_it_can() -> None:
    """The gateway asks for abilities and never for names."""
    adapter = SmtpMail(Http())
    for ability in (MailTaking, Unpacking, Vouching, Carrying, Checking, Closing):
        assert isinstance(adapter, ability)


def test_a_second_try_has_the_same_message_id() -> None:
    """Whoever gets it twice sees that it is one mail."""
    mail = sent_by({}, message(), message())
    assert mail.ledger.copies == {("msg_1@shop.example", ANA): 2, ("msg_1@shop.example", BEN): 2}
    assert mail.ledger.accepted[0].envelope_from == OURS


def test_files_travel_in_the_mail() -> None:
    """With their names and bytes; a file whose bytes are not there is no mail at all."""
    file = File(attachment=Attachment(id="att_1", name="offer.pdf", media_type="application/pdf", size=4))
    parts = [Text(text="See below"), file]
    [received] = sent_by({}, msgspec.structs.replace(message(files={"att_1": b"%PDF"}), parts=parts)).ledger.accepted
    assert [(one.name, one.size) for one in received.files] == [("offer.pdf", 4)]
    with pytest.raises(Rejected):
        sent_by({}, msgspec.structs.replace(message(), parts=parts))


@pytest.mark.parametrize("key", [rsa.generate_private_key(65_537, 2_048), ed25519.Ed25519PrivateKey.generate()])
def test_what_is_signed_is_verified_by_others(key: Any) -> None:
    """DKIM holds over the way: what arrives is what was signed, dots and long words included."""
    where = {"dkim_domain": "shop.example", "dkim_selector": "s1", "dkim_private_key": pem(key)}
    [received] = sent_by(where, message(".dot\n" + "wörd " * 400)).ledger.accepted
    kind = b"k=rsa; p=" if isinstance(key, rsa.RSAPrivateKey) else b"k=ed25519; p="
    public = key.public_key()
    written = (
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if isinstance(key, rsa.RSAPrivateKey)
        else public.public_bytes_raw()
    )
    record = b"v=DKIM1; " + kind + b64encode(written)
    assert dkim.verify(received.content, dnsfunc=lambda name, timeout=5: record)


def test_a_mail_becomes_a_message_and_its_file_is_found_again() -> None:
    """What `smtpd` journaled is read: sender, words, and the file by the address it was given."""
    photo = DraftFile(name="mug.png", media_type="image/png", content=b"\x89PNG")
    draft = Draft(sender=ANA, name="Ana Ruiz", to=OURS, subject="Mug", text="It is broken", files=(photo,))
    journaled = raw(write_mail(draft, message_id="1@mail.example", now=NOW))
    adapter, where = SmtpMail(Http()), account(25)
    [event] = adapter.parse(where, journaled)
    assert isinstance(event, MessageReceived)
    assert (event.sender.value, event.sender.name, event.to) == (ANA, "Ana Ruiz", OURS)
    assert event.provider_message_id == "1@mail.example"
    file = event.parts[-1].attachment  # type: ignore[union-attr]  # files come last
    assert adapter.unpack_file(where, journaled, file).content == b"\x89PNG"
    assert adapter.list_txt_names(where, journaled) == []
    with pytest.raises(Malformed):
        adapter.parse(where, raw(b"", kind="webhook"))


def test_the_account_can_be_checked() -> None:
    """The doctor hears whether the server lets us in, and what to do if it does not."""
    mail = MailSimulator()

    async def body() -> None:
        client = Http(allow=["127.0.0.1"])
        adapter = SmtpMail(client)
        async with serve_mail(mail) as port:
            good, bad = account(port), account(port, channel="cha_2", smtp_security="starttls")
            [check] = (await adapter.check_account(good)).checks
            assert check.ok
            [check] = (await adapter.check_account(bad)).checks
            assert not check.ok
            assert "no TLS" in check.detail
            assert check.fix
            await adapter.aclose()
        await client.aclose()

    asyncio.run(body())
    assert "MAIL" not in mail.log


def test_settings_of_another_kind_are_the_operators_fault() -> None:
    """Never a crash that leaves the outcome open."""

    async def body() -> None:
        foreign = msgspec.structs.replace(account(25), settings=ChannelSettings())
        with pytest.raises(Misconfigured):
            await SmtpMail(Http()).send(foreign, message())

    asyncio.run(body())


def test_the_set_up_names_each_address() -> None:
    """An operator sees what has to be handed over, and no secret."""
    where = account(25, aliases=["info@shop.example"], smtp_security="tls", smtp_user="u", smtp_password="secret-1")
    steps = SmtpMail(Http()).setup_steps(where)
    assert {step.value for step in steps if step.value} == {OURS, "info@shop.example"}
    assert "secret-1" not in str(steps)

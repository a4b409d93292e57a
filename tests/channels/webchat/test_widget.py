"""The adapter of our own web chat, by the checks of the kit that fit a channel nobody stands behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from channels.contract import Account, OutboundMessage, Repeatable, Sent, VisitorTaking
from channels.errors import CannotCarry
from channels.events import Address, DeliveryReported, MessageReceived
from channels.http import Http
from channels.kit import Answer, ReadingChecks, Subject
from channels.kit.examples import EXAMPLES
from channels.kit.reading import make_raw
from channels.limits import fit
from channels.parts import AnyPart, Text
from channels.webchat.identity import hash_user_id
from channels.webchat.settings import WebchatSettings
from channels.webchat.widget import WebchatWidget

SAMPLES = Path(__file__).parents[3] / "channels" / "webchat" / "samples" / "widget"
CHANNEL = "cha_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"
SECRET = "0123456789abcdef0123456789abcdef"
PUBLIC = "https://inbox.example"
VISITOR = Address(kind="visitor", value="vis_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b")
FLATTENED = {"html", "contact_card", "template", "choice_reply", "form_reply", "unsupported"}


def account_at(url: str, **settings: Any) -> Account:
    """A web chat of a gateway at this address."""
    given = {"origins": ["https://shop.example"], "identity_secret": SECRET, **settings}
    return Account(
        channel_id=CHANNEL, settings=WebchatSettings(**given), hook_url=f"{url}/hooks/webchat-widget/{CHANNEL}"
    )


def nobody(_: object) -> Any:
    """There is no provider to ask, sign or refuse."""
    raise AssertionError("a web chat asks no provider")


SUBJECT = Subject(
    make=WebchatWidget,
    samples=SAMPLES,
    account=account_at,
    stranger=lambda url: account_at(url, identity_secret="f" * 32),
    sign=lambda _, request: request,
    accept=lambda request: (Answer(body=b""), nobody(request)),
    understand=nobody,
    recipient=VISITOR,
    refusals=[],
    receipts=["receipt_delivered.http", "receipt_read.http"],
    unknown=[
        make_raw("message", PUBLIC, body, headers={})
        for body in (b'{"sender":{},"message_id":"1","parts":[]}', b'{"parts":[{"type":"html","html":"<b>x</b>"}]}')
    ],
)


class TestWebchatWidget(ReadingChecks):
    """What is journaled is read as it was meant."""

    subject = SUBJECT


def send_parts(parts: list[AnyPart]) -> Sent:
    """Hand a message over."""
    message = OutboundMessage(reference="msg_1", to=VISITOR, parts=parts)
    return asyncio.run(WebchatWidget(Http()).send(account_at(PUBLIC), message))


def test_the_adapter_says_what_it_is() -> None:
    """It takes visitors at our own door, and may be handed a message twice."""
    adapter = WebchatWidget(Http())
    assert adapter.name == f"{adapter.medium}-{adapter.provider}"
    assert isinstance(adapter, VisitorTaking)
    assert isinstance(adapter, Repeatable)


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_every_part_is_carried_or_is_words(kind: str) -> None:
    """What the chat can show goes as it is, all else as words; a sticker, which is a file it knows not, is refused."""
    limits = WebchatWidget.limits
    if kind == "sticker":
        with pytest.raises(CannotCarry):
            fit([EXAMPLES[kind]], limits)
        return
    [piece] = fit([EXAMPLES[kind], Text(text="*and* words", format="markdown")], limits)
    assert piece.flattened == ([kind] if kind in FLATTENED else [])
    assert Text(text="*and* words", format="markdown") in piece.parts
    assert send_parts(piece.parts) == Sent(provider_message_id="msg_1")


def test_whose_a_message_is_comes_from_the_session_alone() -> None:
    """The same words of a visitor and of a proven user differ in the address, and in whether it is vouched for."""
    told = {name: events_of(name) for name in ("message_text.http", "message_by_user.http")}
    [stranger], [user] = told["message_text.http"], told["message_by_user.http"]
    assert isinstance(stranger, MessageReceived)
    assert isinstance(user, MessageReceived)
    assert (stranger.sender.verified, user.sender.verified) == (False, True)
    assert (user.sender.value, user.in_reply_to) == ("user:8841", "ent_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b")


def test_one_client_id_is_one_message_of_one_visitor() -> None:
    """Two visitors may count their messages alike: the key of an event is theirs."""
    raw = SUBJECT.read_sample("message_text.http")
    other = msgspec.structs.replace(raw, body=raw.body.replace(b"vis_019a", b"vis_019b"))
    keys = {WebchatWidget(Http()).parse(account_at(PUBLIC), one)[0].key for one in (raw, other)}
    assert len(keys) == 2


def test_a_receipt_tells_of_each_message_once() -> None:
    """Reports are by our own reference; delivered and read are two facts."""
    reports = [*events_of("receipt_delivered.http"), *events_of("receipt_read.http")]
    assert [report.state for report in reports if isinstance(report, DeliveryReported)] == ["delivered", "read"]
    assert len({report.key for report in reports}) == 2


def test_the_set_up_gives_the_line_to_embed_and_no_secret() -> None:
    """An operator copies one line into the site, and an example in the language of its server."""
    steps = WebchatWidget(Http()).setup_steps(account_at(PUBLIC))
    snippet = f'<script src="{PUBLIC}/widget/loader.js" data-channel="{CHANNEL}" async></script>'
    assert steps[0].value == snippet
    assert [step.title.rpartition(": ")[2] for step in steps[1:]] == ["Python", "Node.js", "PHP", "Ruby"]
    assert SECRET not in str(steps)
    bare = WebchatWidget(Http()).setup_steps(account_at(PUBLIC, origins=[]))
    assert any("No site may show it yet" in step.detail for step in bare)


def test_the_python_example_makes_the_hash_we_want() -> None:
    """What we tell people to paste works as pasted."""
    [code] = [step.value for step in WebchatWidget(Http()).setup_steps(account_at(PUBLIC)) if "Python" in step.title]
    program = f"IDENTITY_SECRET, user_id = {SECRET!r}, 'é42'\n{code}\nprint(hash)"
    made = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()
    assert made == hash_user_id(SECRET, "é42")


def events_of(name: str) -> list[Any]:
    """What a sample becomes."""
    return list(WebchatWidget(Http()).parse(account_at(PUBLIC), SUBJECT.read_sample(name)))

"""Parts: what a message is made of, and its words."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.parts import (
    MEDIA_PARTS,
    AnyPart,
    Attachment,
    Audio,
    Choice,
    ChoiceReply,
    Choices,
    ContactCard,
    File,
    Form,
    FormField,
    FormReply,
    FormValue,
    Html,
    Image,
    LinkPreview,
    Location,
    Sticker,
    Template,
    Text,
    Unsupported,
    Video,
    media_part,
    plain_text,
    strip_tags,
)

FILE = Attachment(name="scan.pdf")
EXAMPLES: list[tuple[AnyPart, str]] = [
    (Text(text="hello"), "hello"),
    (Html(html="<p>Dear <b>Ann</b></p>", quoted="> old", signature="Bob"), "Dear Ann"),
    (Image(attachment=FILE, alt="a page"), "[scan.pdf]"),
    (Audio(attachment=Attachment()), "[audio]"),
    (Video(attachment=Attachment()), "[video]"),
    (File(attachment=FILE), "[scan.pdf]"),
    (Sticker(attachment=Attachment()), "[sticker]"),
    (Location(latitude=-3.5, longitude=40, address="Main St 1"), "[Main St 1] -3.500000,40.000000"),
    (ContactCard(name="Ann", phones=["+1"], emails=["a@b.example"]), "[contact] Ann +1 a@b.example"),
    (Template(name="reminder", language="en", variables={"1": "Ann", "2": "Monday"}), "[reminder] Ann Monday"),
    (
        Choices(text="Which?", options=[Choice(id="r", title="Red"), Choice(id="b", title="Blue")]),
        "Which?\n1. Red\n2. Blue",
    ),
    (ChoiceReply(id="r", title="Red"), "Red"),
    (
        Form(
            id="return",
            title="Your return",
            fields=[
                FormField(name="why", label="What is wrong?", kind="textarea", required=True),
                FormField(name="want", label="What next?", kind="select", options=["Money", "A new one"]),
            ],
        ),
        "Your return\n1. What is wrong?\n2. What next? (optional): Money / A new one",
    ),
    (
        FormReply(form_id="return", values=[FormValue(name="why", label="What is wrong?", value="The lid")]),
        "What is wrong?: The lid",
    ),
    (LinkPreview(url="https://a.example", title="A"), "A https://a.example"),
    (Unsupported(provider_type="poll", fallback="[a poll]"), "[a poll]"),
]


def test_every_kind_of_part_is_in_the_examples() -> None:
    """A part added to the union is tested here as well."""
    assert {type(part) for part, _ in EXAMPLES} == set(get_args(AnyPart))


@pytest.mark.parametrize(("part", "words"), EXAMPLES)
def test_every_part_has_words(part: AnyPart, words: str) -> None:
    """Search, bots and plain clients can read any part: nothing is silent."""
    assert plain_text([part]) == words


@pytest.mark.parametrize(("part", "words"), EXAMPLES)
def test_every_part_survives_json(part: AnyPart, words: str) -> None:
    """Parts are stored and served as tagged JSON and come back the same, with the same words."""
    stored = msgspec.json.encode(part)
    restored: AnyPart = msgspec.json.decode(stored, type=AnyPart)
    assert restored == part
    assert plain_text([restored]) == words
    assert msgspec.json.decode(stored)["type"] == type(part).__struct_config__.tag


def test_words_of_many_parts_are_lines() -> None:
    """Parts follow each other in order, those without words leave no gap."""
    parts: list[AnyPart] = [Text(text="one"), Text(text=""), Location(latitude=0, longitude=0), Text(text="two ")]
    assert plain_text(parts) == "one\n[location] 0.000000,0.000000\ntwo"
    assert plain_text([]) == ""


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("image/png", Image),
        ("audio/amr", Audio),
        ("video/mp4", Video),
        ("application/pdf", File),
        ("text/vcard", File),
        ("", File),
    ],
)
def test_a_file_becomes_the_part_that_fits_it(media_type: str, kind: type) -> None:
    """The family of the media type decides, and what has no family is a file."""
    part = media_part(Attachment(media_type=media_type))
    assert type(part) is kind
    assert isinstance(part, MEDIA_PARTS)


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("plain", "plain"),
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<div>one</div>two", "one\ntwo"),
        ("<ul><li>a</li><li>b</li></ul>after", "- a\n- b\nafter"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("a &amp; b &lt;c&gt; &#233; &nbsp;d", "a & b <c> é  d"),
        ("  much \n  space  ", "much space"),
        ("<b>bo</b>ld", "bold"),
        ("<p></p><p> </p>", ""),
        ("<p>never closed", "never closed"),
        ("1 < 2 and <", "1 < 2 and <"),
    ],
)
def test_html_is_read_as_lines(html: str, words: str) -> None:
    """A block is a line, a cell a word, a mark inside a word nothing."""
    assert strip_tags(html) == words


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(max_size=200))
def test_any_html_is_read(html: str) -> None:
    """Broken markup never raises, and never gives an empty line."""
    assert all(strip_tags(html).splitlines())

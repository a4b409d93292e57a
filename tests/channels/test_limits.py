"""Limits: how a message is split, flattened or refused before it leaves."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.errors import CannotCarry
from channels.limits import Limits, Piece, fit, split_text
from channels.parts import (
    AnyPart,
    Attachment,
    Choice,
    Choices,
    File,
    Html,
    Image,
    Location,
    Sticker,
    Text,
    Unsupported,
    plain_text,
)

SMS = Limits(
    parts=frozenset({"text", "image", "file"}),
    text_chars=20,
    media_types=("image/", "application/pdf"),
    media_count=2,
    media_bytes=100,
)
RICH = Limits(parts=frozenset({"text", "location", "choices", "image"}), text_chars=20, media_types=("image/",),
              media_count=1, media_bytes=100)  # fmt: skip
QUESTION = Choices(text="Who?", options=[Choice(id="1", title="Red"), Choice(id="2", title="Blue")])
PLACE = Location(latitude=1, longitude=2, name="Home")


def image(size: int | None = 10, media_type: str = "image/png") -> Image:
    """A picture of so many bytes."""
    return Image(attachment=Attachment(media_type=media_type, size=size))


def test_a_short_text_is_one_message_as_it_is() -> None:
    """What fits is not touched."""
    assert fit([Text(text="hello")], SMS) == [Piece(parts=[Text(text="hello")])]


def test_each_text_is_a_message_of_its_own_in_order() -> None:
    """Two texts are two messages, a long one several."""
    pieces = fit([Text(text="one"), Text(text="word " * 7)], SMS)
    assert [plain_text(piece.parts) for piece in pieces] == ["one", "word word word word", "word word word"]


def test_files_ride_with_the_last_text_and_the_rest_follow() -> None:
    """Words travel first; a message takes as many files as the medium carries."""
    pieces = fit([image(), Text(text="a"), image(), Text(text="b"), image()], SMS)
    kinds = [[type(part).__name__ for part in piece.parts] for piece in pieces]
    assert kinds == [["Text"], ["Text", "Image", "Image"], ["Image"]]


def test_files_together_stay_under_the_weight_of_a_message() -> None:
    """The bytes of all files of one message count, not those of each alone."""
    pieces = fit([image(60), image(60), image(40), image(None)], SMS)
    assert [[part.attachment.size for part in piece.parts if isinstance(part, Image)] for piece in pieces] == [
        [60],
        [60, 40],
        [None],
    ]


def test_files_alone_are_messages_too() -> None:
    """No words are made up for a file."""
    assert fit([image()], SMS) == [Piece(parts=[image()])]


def test_what_the_medium_has_no_form_for_becomes_words() -> None:
    """A question becomes a numbered list and a place its name, and the author can be told what lost its form."""
    pieces = fit([QUESTION, PLACE, Html(html="<b>Hi</b>")], msgspec.structs.replace(SMS, text_chars=40))
    assert [plain_text(piece.parts) for piece in pieces] == [
        "Who?\n1. Red\n2. Blue",
        "[Home] 1.000000,2.000000",
        "Hi",
    ]
    assert {tuple(piece.flattened) for piece in pieces} == {("choices", "location", "html")}


def test_what_the_medium_carries_keeps_its_form() -> None:
    """Parts on the sheet travel unchanged, and files do not ride with a part that is no text."""
    pieces = fit([QUESTION, image()], RICH)
    assert [piece.parts for piece in pieces] == [[QUESTION], [image()]]
    assert pieces[0].flattened == []


def test_markdown_is_reported_as_flattened() -> None:
    """Text with marks goes out as plain text, which its author should know."""
    assert fit([Text(text="*hi*", format="markdown")], SMS)[0].flattened == ["text"]


@pytest.mark.parametrize(
    ("parts", "pointer", "limit"),
    [
        ([], "/parts", None),
        ([Text(text="")], "/parts/0", None),
        ([Text(text="a"), Text(text=" \n ")], "/parts/1", None),
        ([Unsupported(provider_type="x", fallback="")], "/parts/0", None),
        ([image(101)], "/parts/0/attachment", 100),
        ([Text(text="a"), image(1, "text/html")], "/parts/1/attachment", None),
        ([Sticker(attachment=Attachment(media_type="image/webp"))], "/parts/0/attachment", None),
        ([File(attachment=Attachment())], "/parts/0/attachment", None),
    ],
)
def test_what_no_words_can_stand_for_is_refused_by_its_place(
    parts: list[AnyPart], pointer: str, limit: int | None
) -> None:
    """The author reads which part it was and, where there is one, the limit."""
    with pytest.raises(CannotCarry) as refused:
        fit(parts, SMS)
    assert (refused.value.pointer, refused.value.limit) == (pointer, limit)


def test_a_media_type_is_the_same_in_capitals() -> None:
    """Media types are compared without regard to case (RFC 2045 5.1)."""
    assert fit([image(1, "IMAGE/PNG")], SMS)


def test_a_medium_without_files_refuses_them() -> None:
    """No media types on the sheet means no file at all."""
    with pytest.raises(CannotCarry):
        fit([image()], Limits(parts=frozenset({"text", "image"}), text_chars=10))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("short", ["short"]),
        ("", [""]),
        ("x" * 45, ["x" * 20, "x" * 20, "x" * 5]),
        ("first para\n\nsecond paragraph", ["first para", "second paragraph"]),
        ("a long line 12345\nmore", ["a long line 12345", "more"]),
        ("Ends right here ok. Then on", ["Ends right here ok.", "Then on"]),
        ("Exactly twenty char. Next", ["Exactly twenty char.", "Next"]),
        ("これは長い文です。これも長い文章です。", ["これは長い文です。これも長い文章です。"]),
        ("これは長い文章ですよ。これも長い文章ですよ。", ["これは長い文章ですよ。", "これも長い文章ですよ。"]),
        ("a " + "b" * 30, ["a " + "b" * 18, "b" * 12]),
        (" " * 50, [""]),
        (" " * 30 + "end", ["end"]),
        ("end" + " " * 50, ["end"]),
        ("one" + " " * 40 + "two", ["one", "two"]),
    ],
)
def test_text_is_cut_where_a_reader_would(text: str, expected: list[str]) -> None:
    """At paragraphs, lines, sentences or words in the later half; in the middle of a word only where it must be."""
    assert split_text(text, 20) == expected


@settings(deadline=None)  # a busy machine is no failure
@given(text=st.text(alphabet=st.sampled_from("ab .!?\n。é"), max_size=300), longest=st.integers(1, 40))
def test_no_word_is_lost_and_no_piece_is_too_long(text: str, longest: int) -> None:
    """Only white space between pieces may go; every piece fits, and none is empty unless the text was."""
    pieces = split_text(text, longest)
    assert max(map(len, pieces)) <= longest
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(pieces) or pieces == [""]


@settings(deadline=None)  # a busy machine is no failure
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60), max_size=4),
    sizes=st.lists(st.integers(0, 100) | st.none(), max_size=6),
)
def test_every_piece_keeps_to_the_sheet(texts: list[str], sizes: list[int | None]) -> None:
    """Whatever is written, no message exceeds the sheet, every file leaves once, and in order."""
    parts: list[AnyPart] = [*(Text(text=text) for text in texts if text.strip()), *map(image, sizes)]
    if not parts:
        return
    pieces = [piece.parts for piece in fit(parts, SMS)]
    files = [[part for part in piece if isinstance(part, Image)] for piece in pieces]
    assert all(len(part.text) <= SMS.text_chars for piece in pieces for part in piece if isinstance(part, Text))
    assert all(len(batch) <= SMS.media_count for batch in files)
    assert all(sum(part.attachment.size or 0 for part in batch) <= SMS.media_bytes for batch in files)
    assert [part.attachment.size for batch in files for part in batch] == sizes

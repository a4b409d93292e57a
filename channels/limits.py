"""What a medium can carry, and `fit()`: split, flatten or refuse a message. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from channels.errors import CannotCarry
from channels.parts import MEDIA_PARTS, AnyPart, Attachment, MediaPart, Text, plain_text


class Limits(msgspec.Struct, kw_only=True, frozen=True):
    """The capability sheet of a channel type; frontends draw the composer from it.

    `parts` are carried as they are, others are flattened to text where words can stand for them. `text_chars` is the
    longest text of one message in characters, `media_bytes` the most of all its files together, `media_types` the
    accepted media types or their families ("image/"). `whole` says that all parts travel in one message, in any number.
    `reply_window_hours` is how long free text may follow the customer's last message, None for ever.
    """

    parts: frozenset[str]
    text_chars: int
    media_types: tuple[str, ...] = ()
    media_count: int = 0
    media_bytes: int = 0
    delivery_reports: bool = False
    read_reports: bool = False
    typing: bool = False
    templates: bool = False
    counts_segments: bool = False
    whole: bool = False
    reply_window_hours: int | None = None


class Piece(msgspec.Struct, kw_only=True, frozen=True):
    """One message the medium can carry, and the types of parts that lost their form on the way."""

    parts: list[AnyPart]
    flattened: list[str] = []


def fit(parts: list[AnyPart], limits: Limits) -> list[Piece]:
    """The messages that carry these parts, in order; CannotCarry where no words can stand for one.

    Words travel before files: the files ride with the last text, as many as one message takes, the rest follow.
    """
    if not parts:
        raise CannotCarry("a message needs at least one part", pointer="/parts")
    texts: list[AnyPart] = []
    files: list[MediaPart] = []
    flattened: list[str] = []
    for index, part in enumerate(parts):
        kind = type(part).__struct_config__.tag
        if isinstance(part, MEDIA_PARTS):
            _check_file(part.attachment, limits, pointer=f"/parts/{index}/attachment", carried=kind in limits.parts)
            files.append(part)
        elif kind in limits.parts and (limits.whole or not isinstance(part, Text)):
            texts.append(part)
        else:
            texts.append(Text(text=_flat(part, pointer=f"/parts/{index}")))
            flattened += [] if isinstance(part, Text) and part.format == "plain" else [str(kind)]
    messages = [_whole(texts, files, limits)] if limits.whole else _pieces(texts, files, limits)
    return [Piece(parts=message, flattened=flattened) for message in messages]


def split_text(text: str, longest: int) -> list[str]:
    """Text cut into pieces of at most `longest` characters, at paragraphs, lines, sentences or words where it can."""
    pieces = []
    while len(text) > longest:
        cut = next((at for at in _cuts(text, longest) if at > longest // 2), longest)
        pieces.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [piece for piece in [*pieces, text] if piece] or [text]


def _cuts(text: str, longest: int) -> Iterator[int]:
    for mark in ("\n\n", "\n", ". ", "? ", "! ", "。", " "):
        kept = len(mark.rstrip())  # the white space of a mark may lie beyond the end: it is dropped
        at = text.rfind(mark, 0, longest + len(mark) - kept)
        yield at + kept if at > 0 else 0


def _flat(part: AnyPart, *, pointer: str) -> str:
    words = plain_text([part])
    if not words:
        raise CannotCarry("an empty part cannot be sent", pointer=pointer)
    return words


def _check_file(file: Attachment, limits: Limits, *, pointer: str, carried: bool) -> None:
    if not carried or not file.media_type.lower().startswith(limits.media_types):
        raise CannotCarry(f"{file.media_type} cannot be sent on this channel", pointer=pointer)
    if (file.size or 0) > limits.media_bytes:
        raise CannotCarry(
            f"the file is larger than {limits.media_bytes} bytes", pointer=pointer, limit=limits.media_bytes
        )


def _whole(texts: list[AnyPart], files: list[MediaPart], limits: Limits) -> list[AnyPart]:
    if len(plain_text(texts)) > limits.text_chars:
        raise CannotCarry(
            f"a message has at most {limits.text_chars} characters", pointer="/parts", limit=limits.text_chars
        )
    if len(files) > limits.media_count:
        raise CannotCarry(
            f"a message has at most {limits.media_count} files", pointer="/parts", limit=limits.media_count
        )
    if sum(file.attachment.size or 0 for file in files) > limits.media_bytes:
        reason = f"all files together are larger than {limits.media_bytes} bytes"
        raise CannotCarry(reason, pointer="/parts", limit=limits.media_bytes)
    return [*texts, *files]


def _pieces(texts: list[AnyPart], files: list[MediaPart], limits: Limits) -> list[list[AnyPart]]:
    pieces = [piece for part in texts for piece in _messages(part, limits.text_chars)]
    batches = list(_batches(files, limits))
    if batches and pieces and isinstance(pieces[-1][0], Text):
        pieces[-1] = [*pieces[-1], *batches.pop(0)]
    return pieces + batches


def _messages(part: AnyPart, longest: int) -> list[list[AnyPart]]:
    return [[Text(text=text)] for text in split_text(part.text, longest)] if isinstance(part, Text) else [[part]]


def _batches(files: list[MediaPart], limits: Limits) -> Iterator[list[AnyPart]]:
    batch: list[AnyPart] = []
    weight = 0
    for file in files:
        size = file.attachment.size or 0
        if batch and (len(batch) == limits.media_count or weight + size > limits.media_bytes):
            yield batch
            batch, weight = [], 0
        batch.append(file)
        weight += size
    if batch:
        yield batch

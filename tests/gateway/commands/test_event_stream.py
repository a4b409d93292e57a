"""Server-sent events, line by line."""

from __future__ import annotations

from gateway.commands.event_stream import Frame, FrameReader


def read(text: str, *, last_id: str | None = None) -> tuple[list[Frame], str | None]:
    """The frames of a text, and where to resume after it."""
    reader = FrameReader(last_id)
    frames = [frame for line in text.split("\n") if (frame := reader.take_line(line))]
    return frames, reader.last_id


def test_frames_are_put_together_from_their_lines() -> None:
    """Event, data over several lines, and the id as of then; an event without a name is a message."""
    frames, last = read('id: 1\nevent: note.created\ndata: {"a":\ndata: 1}\n\ndata:x\n\n')
    assert frames == [
        Frame(event="note.created", data='{"a":\n1}', last_id="1"),
        Frame(event="message", data="x", last_id="1"),
    ]
    assert last == "1"


def test_a_frame_without_data_moves_the_cursor_alone() -> None:
    """What a stream passes over tells only where to resume; comments and retry times tell nothing."""
    frames, last = read(": alive\n\nretry: 2000\n\nid: 7\n\n", last_id="3")
    assert (frames, last) == ([], "7")


def test_half_a_frame_is_told_again() -> None:
    """A connection that breaks in the middle of an event moves no cursor and leaves nothing behind."""
    reader = FrameReader("3")
    for line in ("id: 4", "event: x", "data: 1"):
        assert reader.take_line(line) is None
    assert reader.last_id == "3"
    reader.begin()
    reader.take_line("data: 2")
    assert reader.take_line("") == Frame(event="message", data="2", last_id="3")

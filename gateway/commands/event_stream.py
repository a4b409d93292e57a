"""Server-sent events, read line by line (WHATWG HTML 9.2.6). Pure."""

from __future__ import annotations

import msgspec


class Frame(msgspec.Struct, kw_only=True, frozen=True):
    """One event: its type, its data, and the last id that was told up to it."""

    event: str
    data: str
    last_id: str | None


class FrameReader:
    """Puts frames together. `last_id` is where to resume; frames without data only move it."""

    def __init__(self, last_id: str | None = None) -> None:
        self.last_id = last_id
        self.begin()

    def begin(self) -> None:
        """A new connection: what the last one left half told will be told again."""
        self._event = ""
        self._data: list[str] = []
        self._id = self.last_id

    def take_line(self, line: str) -> Frame | None:
        """One line, without its end; the frame that it completes, if any."""
        if not line:
            return self._complete()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        return None

    def _complete(self) -> Frame | None:
        event, data = self._event, self._data
        self.last_id = self._id
        self.begin()
        if not data:
            return None
        return Frame(event=event or "message", data="\n".join(data), last_id=self.last_id)

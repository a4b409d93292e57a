"""An adapter whose input breaks it: what the words of a request say happens to whoever parses it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from channels.contract import Account, Media, RawEvent, WebhookRequest
from channels.errors import Malformed
from channels.events import AnyEvent
from channels.http import Http
from channels.parts import Attachment
from tests.inbox.builders import PlainAdapter

STORE = """[switchboard.channels]
sms-plain = tests.gateway.parsing.hostile:Hostile
"""


class Hostile(PlainAdapter):
    """Its requests are events as JSON; a word in them may be an attack."""

    def __init__(self, http: Http | None = None) -> None:
        super().__init__()

    def verify(self, account: Account, request: WebhookRequest) -> None:
        """Nobody calls it."""

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """Obey the words, then read the events."""
        for word, deed in DEEDS.items():
            if word in raw.body:
                deed()
        return super().parse(account, raw)

    def unpack_file(self, account: Account, raw: RawEvent, attachment: Attachment) -> Media:
        """The file is the request itself, and says who took it out."""
        return Media(content=raw.body, name=str(os.getpid()))


def spin() -> None:
    """Burn time for ever."""
    while True:
        pass


def hoard() -> None:
    """Take all memory."""
    hoarded = [bytearray(50_000_000) for _ in range(100)]
    time.sleep(len(hoarded))


def die() -> None:
    """End the process as the kernel does."""
    os.kill(os.getpid(), signal.SIGKILL)


def dawdle() -> None:
    """Take longer than a batch waits, and end well."""
    time.sleep(2.5)


def refuse() -> None:
    """It is not the provider's."""
    raise Malformed("no sender")


DEEDS: dict[bytes, Callable[[], None]] = {
    b"spin": spin, b"hoard": hoard, b"die": die, b"dawdle": dawdle, b"refuse": refuse,
}  # fmt: skip


def install_adapter(folder: Path) -> str:
    """Install it where a process with this PYTHONPATH finds it, as anybody's package would be."""
    package = folder / "hostile-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(STORE)
    return f"{folder}{os.pathsep}{Path(__file__).parents[3]}"

"""The adapters as the inbox is handed them, with what else it takes to open a channel. A plain contract."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal
from uuid import UUID

import msgspec

from channels.contract import Account, Adapter, ChannelSettings
from inbox.kit.ids import show_id
from inbox.kit.secrets import SecretBox, WrongKey


class UnreadableChannel(Exception):
    """A stored channel cannot be opened: `code` says why in a word, the text in a sentence for the operator."""

    def __init__(self, code: Literal["no_adapter", "wrong_key", "misfit"], reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Catalogue:
    """Made once a process by the gateway.

    `public_url` is where providers reach us; `check_url` raises a SendFailed for a URL we would not connect to.
    """

    def __init__(
        self,
        *,
        adapters: Mapping[str, Adapter],
        box: SecretBox,
        public_url: str,
        check_url: Callable[[str], Awaitable[None]],
    ) -> None:
        self.adapters = adapters
        self.check_url = check_url
        self.box = box
        self._public_url = public_url

    def hook_url(self, adapter: str, channel_id: UUID) -> str:
        """Where the provider's webhooks of a channel come in; a kind is appended to it."""
        return f"{self._public_url}/hooks/{adapter}/{show_id('cha', channel_id)}"

    def seal_settings(self, channel_id: UUID, settings: ChannelSettings) -> bytes:
        """Settings as they are stored: they open only as this channel's."""
        return self.box.seal(msgspec.json.encode(settings), bound_to=show_id("cha", channel_id))

    def open_account(self, channel_id: UUID, adapter: str, *, sealed: bytes) -> Account:
        """The channel as its adapter sees it; UnreadableChannel says why it cannot be had."""
        known = self.adapters.get(adapter)
        if known is None:
            raise UnreadableChannel("no_adapter", f"the adapter {adapter} is not installed")
        shown = show_id("cha", channel_id)
        try:
            plain = self.box.open_sealed(sealed, bound_to=shown)
            settings = msgspec.json.decode(plain, type=known.settings)
        except WrongKey as error:
            raise UnreadableChannel("wrong_key", str(error)) from error
        except msgspec.DecodeError:
            # Its text may quote a value, and so may what it was raised from.
            reason = f"the settings kept for {shown} are not what {adapter} wants now"
            raise UnreadableChannel("misfit", reason) from None
        return Account(channel_id=shown, settings=settings, hook_url=self.hook_url(adapter, channel_id))

"""`switchboard channels`: connecting numbers and mailboxes, and looking after them."""

from __future__ import annotations

import rich_click as click

from gateway.commands.lazy import Lazy, LazyGroup

TABLE = {
    "add": Lazy("gateway.commands.channel_add:add_channel", "Connect a number, mailbox or widget."),
    "list": Lazy("gateway.commands.channel_care:show_channels", "List the channels."),
    "show": Lazy("gateway.commands.channel_care:show_one_channel", "Show one channel, without its secrets."),
    "setup": Lazy("gateway.commands.channel_care:print_setup", "Print what to enter where at the provider."),
    "pause": Lazy("gateway.commands.channel_care:pause_channel", "Send nothing by a channel; it still takes messages."),
    "resume": Lazy("gateway.commands.channel_care:resume_channel", "Send by a paused channel again."),
    "backfill": Lazy(
        "gateway.commands.channel_backfill:backfill_channel", "Read a mailbox once more, from a moment on."
    ),
    "parse": Lazy("gateway.commands.channel_parse:parse_files", "Print what captured requests or mails give."),
}


@click.command(cls=LazyGroup, table=TABLE)
def channels() -> None:
    """Connect numbers and mailboxes, and look after them."""

"""The root of the `switchboard` command and the table of what it can do."""

from __future__ import annotations

from importlib import metadata

import click as plain
import rich_click as click

from gateway.commands.lazy import Lazy, LazyGroup
from gateway.commands.output import print_line

COMMANDS = {
    "demo": Lazy("gateway.commands.demo:demo", "See it live: simulated phones, agents and a running gateway."),
    "tail": Lazy("gateway.commands.tail:tail", "Watch all conversations of a running gateway."),
    "send": Lazy("gateway.commands.send:send", "Write to somebody through a running gateway."),
    "search": Lazy("gateway.commands.search:search", "Look for messages and notes of a running gateway."),
    "serve": Lazy(
        "gateway.commands.serve:serve_command", "Answer HTTP: the API, the feed and the providers' webhooks."
    ),
    "work": Lazy("gateway.commands.work:work_command", "Deliver messages and project the journal."),
    "smtpd": Lazy("gateway.commands.smtpd:smtpd_command", "Take mail over SMTP or LMTP."),
    "migrate": Lazy("gateway.commands.migrate:migrate", "Bring the database's tables up to this release, or back."),
    "doctor": Lazy("gateway.commands.doctor:doctor", "Look for what is wrong, and say how to fix it."),
    "config": Lazy("gateway.commands.config:config", "Show and check the settings."),
    "channels": Lazy("gateway.commands.channels:channels", "Connect numbers and mailboxes, and look after them."),
    "webhooks": Lazy("gateway.commands.webhooks:webhooks", "Send events to integrators, and see what became of them."),
    "keys": Lazy("gateway.commands.keys:keys", "Make, list and revoke API keys."),
    "users": Lazy("gateway.commands.users:users", "Take agents on, invite them, set roles and passwords."),
    "secrets": Lazy("gateway.commands.secrets:secrets", "See which keys stored secrets are sealed with, and rotate."),
    "intake": Lazy("gateway.commands.intake:intake", "Look into the journal of what providers sent, and replay it."),
    "jobs": Lazy("gateway.commands.jobs:jobs", "See what waits, runs or is dead, and retry it."),
    "outbox": Lazy("gateway.commands.outbox:outbox", "Hold back everything that leaves, and let it go again."),
    "reconcile": Lazy("gateway.commands.reconcile:reconcile_command", "Look up at the providers what was lost."),
    "backup": Lazy("gateway.commands.backup:backup", "Copy everything while it runs, check a copy, and restore it."),
    "import": Lazy("gateway.commands.transfers:import_command", "Take contacts or companies from a file."),
    "export": Lazy("gateway.commands.transfers:export_command", "Write contacts, messages and more to a file."),
    "erasures": Lazy("gateway.commands.erasures:erasures", "See whom was erased, and erase again after a restore."),
    "openapi": Lazy("gateway.commands.openapi:openapi", "Print the API's description (OpenAPI 3.1)."),
    "asyncapi": Lazy("gateway.commands.asyncapi:asyncapi", "Print what is told live (AsyncAPI 3.0)."),
}
PANELS = {
    "Try it": ["demo", "tail", "send", "search"],
    "Run it": ["serve", "work", "smtpd", "migrate", "doctor", "config"],
    "Look after it": [
        "channels",
        "webhooks",
        "keys",
        "users",
        "secrets",
        "intake",
        "jobs",
        "outbox",
        "reconcile",
        "backup",
        "import",
        "export",
        "erasures",
        "openapi",
        "asyncapi",
    ],
}
HELP_LOOKS = {
    "command_groups": {"switchboard": [{"name": title, "commands": names} for title, names in PANELS.items()]},
    "text_markup": "markdown",
}
EPILOG = "Settings are environment variables: `switchboard config show`. Start with `switchboard demo`."


def show_version(ctx: plain.Context, _: plain.Parameter, asked: bool) -> None:  # noqa: FBT001 - click's signature
    """Print the installed version and end; "0" for a source tree that is not installed."""
    if asked and not ctx.resilient_parsing:
        try:
            version = metadata.version("switchboard")
        except metadata.PackageNotFoundError:
            version = "0"
        print_line(f"switchboard {version}")
        ctx.exit()


@click.command(
    cls=LazyGroup,
    table=COMMANDS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "rich_help_config": HELP_LOOKS},
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=show_version, help="Show the version."
)
def switchboard() -> None:
    """Every channel, one thread: an omnichannel gateway and unified inbox."""

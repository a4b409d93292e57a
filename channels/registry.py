"""Which adapters there are: ours by the table below, other people's by the entry-point group `switchboard.channels`.

Only `load_adapters` imports an adapter; knowing a name costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points

from channels.contract import Adapter
from channels.http import Http

GROUP = "switchboard.channels"

# One line an adapter: its name, medium and provider, and where its class is.
OURS = {
    "email-imap": "channels.email.imap.adapter:ImapMail",
    "email-mailgun": "channels.email.mailgun:EmailMailgun",
    "email-postmark": "channels.email.postmark:EmailPostmark",
    "email-sendgrid": "channels.email.sendgrid:EmailSendgrid",
    "email-smtp": "channels.email.smtp:SmtpMail",
    "sms-twilio": "channels.sms.twilio:TwilioSms",
    "webchat-widget": "channels.webchat.widget:WebchatWidget",
}
REQUIRED = ("name", "medium", "provider", "limits", "settings", "send", "parse", "setup_steps")
EITHER = ("verify", "poll", "takes_mail", "takes_visitors")


class UnknownAdapter(LookupError):
    """No adapter has this name; the text names the nearest one."""


class UnfitAdapter(RuntimeError):
    """An installed adapter cannot be used; the text says which, from which package, and why."""


def load_adapters(http: Http, *, names: Collection[str] | None = None) -> dict[str, Adapter]:
    """Every adapter by its name, or those named, made with the one HTTP client; UnfitAdapter if one cannot be used."""
    entries = _entries(entry_points(group=GROUP))
    return {entry.name: _make_adapter(entry, http) for entry in entries if names is None or entry.name in names}


def find_adapter(adapters: Mapping[str, Adapter], name: str) -> Adapter:
    """The adapter of a name; UnknownAdapter with the nearest match if there is none."""
    if name in adapters:
        return adapters[name]
    near = get_close_matches(name, adapters, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(adapters)) or 'none'}"
    raise UnknownAdapter(f"no adapter is called {name[:64]!r}: {hint}")


def _entries(installed: Iterable[EntryPoint]) -> list[EntryPoint]:
    """Ours, then the installed ones; a name may be taken once."""
    entries = {name: EntryPoint(name=name, value=value, group=GROUP) for name, value in OURS.items()}
    for entry in installed:
        if entry.name in entries:
            raise UnfitAdapter(f"{_origin(entry)} offers the adapter {entry.name!r}, whose name is taken")
        entries[entry.name] = entry
    return list(entries.values())


def _make_adapter(entry: EntryPoint, http: Http) -> Adapter:
    try:
        adapter: Adapter = entry.load()(http)
    except Exception as error:  # whatever a stranger's package raises, the operator has to read whose it is
        raise UnfitAdapter(f"the adapter {entry.name!r} of {_origin(entry)} cannot be loaded: {error!r}") from error
    missing = [part for part in REQUIRED if not hasattr(adapter, part)]
    if missing or not any(hasattr(adapter, part) for part in EITHER):
        lack = ", ".join(missing) or " or ".join(EITHER)
        raise UnfitAdapter(f"the adapter {entry.name!r} of {_origin(entry)} lacks {lack}")
    if not adapter.name == entry.name == f"{adapter.medium}-{adapter.provider}":
        raise UnfitAdapter(
            f"the adapter {entry.name!r} of {_origin(entry)} must be named for its medium and provider, everywhere: "
            f"it calls itself {adapter.name!r}, of {adapter.medium!r} and {adapter.provider!r}"
        )
    return adapter


def _origin(entry: EntryPoint) -> str:
    return f"the package {entry.dist.name}" if entry.dist else entry.value

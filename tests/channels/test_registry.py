"""The registry: which adapters there are, and what is said about one that is missing or unfit."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from channels import registry
from channels.contract import Adapter
from channels.http import Http
from channels.registry import GROUP, OURS, UnfitAdapter, UnknownAdapter, find_adapter, load_adapters
from channels.sms.twilio import TwilioSms

MAX_ADAPTER_LINES = 250


class SmsAcme(TwilioSms):
    """A stranger's adapter, as far as the registry looks at it."""

    name = "sms-acme"
    provider = "acme"


class Nameless(SmsAcme):
    """An adapter that calls itself something else than its package does."""

    name = "sms-other"


class Deaf:
    """An adapter that can neither be called nor ask."""

    name, medium, provider = "sms-deaf", "sms", "deaf"
    limits = settings = send = parse = setup_steps = None

    def __init__(self, http: Http) -> None:
        self.http = http


class Bare:
    """No adapter at all."""

    def __init__(self, http: Http) -> None:
        self.http = http


def explode(http: Http) -> None:
    """A package that fails when it is used."""
    raise RuntimeError("license expired")


def install(monkeypatch: pytest.MonkeyPatch, name: str, what: str) -> None:
    """Pretend that a package offers an adapter."""
    entry = EntryPoint(name=name, value=f"{__name__}:{what}", group=GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda *, group: [entry] if group == GROUP else [])


def test_ours_stay_within_the_lines_an_adapter_may_have() -> None:
    """A provider is one readable file: what it needs beyond 250 lines belongs to its vendor, or beside it."""
    root = Path(registry.__file__).parents[1]
    files = [root / f"{place.partition(':')[0].replace('.', '/')}.py" for place in OURS.values()]
    assert files
    assert all(len(file.read_text().splitlines()) <= MAX_ADAPTER_LINES for file in files)


def test_ours_are_loaded_by_their_names() -> None:
    """Every line of the table gives an adapter that goes by the name it stands under."""
    adapters = load_adapters(Http())
    assert set(OURS) <= set(adapters)
    assert [adapters[name].name for name in OURS] == list(OURS)
    assert isinstance(adapters["sms-twilio"], TwilioSms)


def test_an_installed_adapter_stands_beside_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package adds a channel by an entry point, and nothing of ours is touched."""
    install(monkeypatch, "sms-acme", "SmsAcme")
    adapters = load_adapters(Http())
    assert isinstance(find_adapter(adapters, "sms-acme"), SmsAcme)
    assert set(adapters) == {*OURS, "sms-acme"}


@pytest.mark.parametrize(
    ("name", "what", "complaint"),
    [
        ("sms-twilio", "SmsAcme", "taken"),
        ("sms-other", "Nameless", "named for its medium and provider"),
        ("sms-acme2", "SmsAcme", "named for its medium and provider"),
        ("sms-deaf", "Deaf", "lacks verify or poll"),
        ("sms-bare", "Bare", "lacks name, medium"),
        ("sms-gone", "Gone", "cannot be loaded"),
        ("sms-boom", "explode", "license expired"),
    ],
)
def test_an_unfit_adapter_stops_the_start_and_is_named(
    name: str, what: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clash of names or a broken package is an error the operator can act on, never a channel silently replaced."""
    install(monkeypatch, name, what)
    with pytest.raises(UnfitAdapter, match=complaint) as refused:
        load_adapters(Http())
    assert name in str(refused.value)


@pytest.mark.parametrize(
    ("name", "hint"), [("sms-twillio", "did you mean 'sms-twilio'?"), ("telepathy", "there are sms-twilio")]
)
def test_an_unknown_name_gets_the_nearest_match(name: str, hint: str) -> None:
    """A typing mistake is answered with the name that was meant, or with all there are."""
    adapters: dict[str, Adapter] = {"sms-twilio": TwilioSms(Http())}
    with pytest.raises(UnknownAdapter, match=name) as unknown:
        find_adapter(adapters, name)
    assert hint in str(unknown.value)


def test_knowing_the_names_loads_no_vendor() -> None:
    """A command that only lists or validates names does not pay for the packages of every vendor."""
    look = "import sys, channels.registry; print([name for name in sys.modules if name.split('.')[0] == 'twilio'])"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"

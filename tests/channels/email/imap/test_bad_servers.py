"""Servers that lie, hang, break off, or are not who they should be: no loss, no password shown, no mail in the way."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from channels.email.imap import session as sessions
from channels.email.imap import watching, wire
from channels.email.imap.session import open_imap
from channels.errors import Misconfigured, SendFailed, Throttled, Unreachable
from tests.mail.dovecot import PASSWORD, make_mail
from tests.mail.imap_script import ScriptedImap, scripted_imap
from tests.mail.mailboxes import Reader, mailbox_settings, open_reader

Scenario = Callable[[Reader, ScriptedImap], Awaitable[None]]


def run_against(scenario: Scenario, mails: dict[int, bytes] | None = None, **settings: Any) -> ScriptedImap:
    """Run a reader against a scripted server, and return what that saw."""

    async def body() -> ScriptedImap:
        async with scripted_imap(mails) as server:
            async with open_reader(mailbox_settings(server.port, "help", **settings)) as reader:
                await scenario(reader, server)
            return server

    return asyncio.run(body())


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once, and end an IDLE soon."""
    monkeypatch.setattr(watching, "PAUSES", (0.0,))
    monkeypatch.setattr(sessions, "SILENT_SECONDS", 0.5)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no answer longer than a test may take."""
    monkeypatch.setattr(wire, "CONNECT_SECONDS", 0.5)
    for name in ("COMMAND_SECONDS", "SEARCH_SECONDS"):
        monkeypatch.setattr(sessions, name, 0.5)


def mails(*numbers: int) -> dict[int, bytes]:
    """Mails whose UIDs are their numbers."""
    return {number: make_mail(number) for number in numbers}


@pytest.mark.parametrize("answer", ["BAD what?", "NO not now", "OK begin\r\n* OK injected"])
def test_nothing_is_said_where_tls_cannot_be_had(answer: str) -> None:
    """STARTTLS stripped, refused, or with words smuggled in behind it: no login is tried (security.md T40)."""

    async def scenario(reader: Reader, server: ScriptedImap) -> None:
        server.after_starttls = answer
        with pytest.raises(Misconfigured, match="STARTTLS"):
            await reader.read()

    server = run_against(scenario, imap_security="starttls")
    assert server.heard == ["s1 STARTTLS"]


@pytest.mark.parametrize("greeting", ["* BYE too many", "* PREAUTH welcome", "220 smtp.example ESMTP"])
def test_only_a_greeting_is_answered(greeting: str) -> None:
    """Who turns us away, lets us in unasked or speaks another protocol is told nothing."""

    async def scenario(reader: Reader, server: ScriptedImap) -> None:
        server.greeting = greeting
        with pytest.raises(Unreachable):
            await reader.read()

    assert run_against(scenario).heard == []


@pytest.mark.parametrize("command", ["CAPABILITY", "LOGIN", "SELECT", "SEARCH", "FETCH"])
@pytest.mark.usefixtures("impatient")
def test_a_server_that_falls_silent_is_left(command: str) -> None:
    """Whatever it does not answer, the wait for it has an end."""

    async def scenario(reader: Reader, server: ScriptedImap) -> None:
        server.silent = {command}
        with pytest.raises(Unreachable):
            await reader.read()

    run_against(scenario, mails(1))


@pytest.mark.usefixtures("impatient")
def test_a_dead_line_under_idle_is_noticed() -> None:
    """A server that takes the end of an IDLE and never answers is left: the renewal is what finds it out."""

    async def scenario(reader: Reader, server: ScriptedImap) -> None:
        server.silent = {"IDLE"}
        with pytest.raises(Unreachable):
            await reader.read(until=lambda: False)

    run_against(scenario)


def test_a_mail_that_breaks_the_line_each_time_is_recorded_and_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for again, alone and then in part; then it is written down as not handed out, and the rest comes."""

    async def scenario(reader: Reader, server: ScriptedImap) -> None:
        server.poison = {3}
        await reader.read()
        assert sorted(reader.subjects) == ["", "Order 1", "Order 2", "Order 4"]
        [lost] = [raw for raw in reader.stored if raw.headers.get("imap-fetched")]
        assert (lost.headers["imap-fetched"], lost.body, lost.url[-6:]) == ("not at all", b"", ";UID=3")

    server = run_against(scenario, mails(1, 2, 3, 4))
    assert any("BODY.PEEK[]<0." in line for line in server.heard)


def test_a_mail_that_is_listed_and_never_handed_out_is_recorded() -> None:
    """A server with a damaged mail answers NO to the others' fetch as well: those come all the same."""

    async def scenario(reader: Reader, server: ScriptedImap) -> None:
        server.kept = {2}
        await reader.read()
        assert [raw.headers.get("imap-fetched") for raw in reader.stored] == [None, "not at all", None]

    run_against(scenario, mails(1, 2, 3))


def test_a_server_in_trouble_costs_no_mail() -> None:
    """Where no mail at all is handed out it is the server's doing: none is given up, and the place stays."""

    async def scenario(reader: Reader, server: ScriptedImap) -> None:
        server.poison = {1, 2, 3}
        with pytest.raises(SendFailed):
            await reader.read()
        assert (reader.stored, reader.cursor) == ([], None)
        server.poison = set()
        await reader.read()
        assert len(reader.stored) == 3

    run_against(scenario, mails(1, 2, 3))


def test_more_than_was_announced_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A literal far beyond what we would fetch ends the connection before it fills our memory."""
    monkeypatch.setattr(wire, "ROOM_BYTES", 100_000)
    monkeypatch.setattr(sessions, "ROOM_BYTES", 100_000)

    async def scenario(reader: Reader, server: ScriptedImap) -> None:
        server.liar = 5_000_000
        with pytest.raises(Unreachable):
            await reader.read()
        assert reader.stored == []

    run_against(scenario, mails(1, 2), mail_bytes=100_000)


def test_a_server_that_does_not_count_ahead_is_read_as_well() -> None:
    """UIDNEXT is customary and not certain."""

    async def scenario(reader: Reader, server: ScriptedImap) -> None:
        server.counts = False
        await reader.read()
        assert reader.stored == []
        server.mails |= mails(3)
        await reader.read()
        assert reader.subjects == ["Order 3"]

    run_against(scenario, mails(1, 2), start="new")


def test_a_talkative_server_is_heard_out() -> None:
    """Thousands of lines at once, as when another client empties a large folder, end no connection."""

    async def scenario(reader: Reader, server: ScriptedImap) -> None:
        server.chatter = 20_000
        await reader.read()
        assert reader.subjects == ["Order 1"]

    run_against(scenario, mails(1))


def test_a_token_is_renewed_when_it_is_refused() -> None:
    """The server says no to a token it withdrew early: a fresh one is fetched once, and then it is the operator's."""

    async def scenario(reader: Reader, server: ScriptedImap) -> None:
        server.tokens = {"second"}
        given = iter(["first", "second", "third"])

        class Tokens:
            async def fetch_token(self, account: Any, *, refused: str | None = None) -> str:
                return next(given)

        settings = reader.settings
        http: Any = reader.connect.args[0]  # type: ignore[attr-defined]  # a partial
        async with open_imap(http, settings, tokens=Tokens()) as session:  # type: ignore[arg-type]  # as said
            assert await session.has_folder("INBOX")
        server.tokens = set()
        given = iter(["third", "fourth"])
        with pytest.raises(Misconfigured, match="Invalid credentials"):
            async with open_imap(http, settings, tokens=Tokens()):  # type: ignore[arg-type]  # as said
                pass

    oauth: dict[str, Any] = {
        "smtp_user": "help@shop.example",
        "oauth_token_url": "https://127.0.0.1/token",
        "oauth_client_id": "client",
        "oauth_refresh_token": "refresh",
    }
    run_against(scenario, imap_password=None, **oauth)


@pytest.mark.parametrize(
    "refusal", ["NO [UNAVAILABLE] later", "NO [ALERT] Too many simultaneous connections. (Failure)"]
)
def test_a_busy_server_is_left_alone_for_a_while(refusal: str) -> None:
    """Its refusal is no judgement on the password."""

    async def scenario(reader: Reader, server: ScriptedImap) -> None:
        server.login_refusal = refusal
        with pytest.raises(Throttled) as busy:
            await reader.read()
        assert busy.value.after == sessions.BUSY_SECONDS

    run_against(scenario)


@pytest.mark.usefixtures("impatient")
def test_no_secret_is_told() -> None:
    """Neither logs nor errors hold the password, though the server says it back and the library would write it."""
    lines = io.StringIO()
    handler, root, level = logging.StreamHandler(lines), logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)

    async def scenario(reader: Reader, server: ScriptedImap) -> None:
        server.login_refusal = f"NO cannot LOGIN with {PASSWORD}"
        with pytest.raises(Misconfigured) as failed:
            await reader.read()
        told: BaseException | None = failed.value
        while told is not None:
            assert PASSWORD not in f"{told!s} {told!r}"
            told = told.__cause__ or told.__context__
        server.login_refusal = None
        server.silent = {"LOGIN"}
        with pytest.raises(Unreachable) as failed_too:
            await reader.read()
        assert PASSWORD not in repr(failed_too.value.__context__)

    try:
        run_against(scenario)
        logging.getLogger("aioimaplib.aioimaplib").critical("Sending: %s", PASSWORD)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert PASSWORD not in lines.getvalue()

"""Reading a real mailbox: nothing left out, nothing twice, whatever other clients and the server do meanwhile."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from channels.egress import EgressRefused
from channels.email.imap.watching import PART_BYTES, backfill_mailbox
from channels.errors import Misconfigured, SendFailed, Unreachable
from tests.mail.dovecot import Dovecot, make_mail, running_dovecot
from tests.mail.mailboxes import Reader, beside, count_mails, list_flags, mailbox_settings, run_reader, subject_of


def orders(*numbers: int) -> list[str]:
    """The subjects of these mails."""
    return [f"Order {number}" for number in numbers]


def test_everything_is_read_in_order_and_once(dovecot: Dovecot) -> None:
    """More than a page of mails comes oldest first; who goes on from the cursor gets what is new and nothing else."""
    dovecot.drop(*map(make_mail, range(230)), user="order")

    async def body(reader: Reader) -> None:
        await reader.read()
        assert reader.subjects == orders(*range(230))
        dovecot.drop(make_mail(230), user="order")
        await reader.read()
        assert reader.subjects == orders(*range(231))

    run_reader(mailbox_settings(dovecot.port, "order"), body)


def test_a_fetched_mail_is_kept_as_it_is(dovecot: Dovecot) -> None:
    """Its bytes are the mail's; its URL names folder and UID, and neither user nor server."""
    mail = make_mail(1, text="(a parenthesis ) and {12}\r\n* 1 FETCH (UID 7)\r\nA1 OK done")
    dovecot.drop(mail, user="bytes")

    async def body(reader: Reader) -> None:
        await reader.read()
        [raw] = reader.stored
        assert raw.body.replace(b"\r\n", b"\n") == mail.replace(b"\r\n", b"\n")
        assert (raw.kind, raw.method) == ("mail", "IMAP")
        assert raw.url.startswith("imap:///INBOX;UIDVALIDITY=")
        assert raw.url.endswith("/;UID=1")
        assert datetime.now(UTC) - datetime.fromisoformat(raw.headers["imap-arrived-at"]) < timedelta(minutes=5)

    run_reader(mailbox_settings(dovecot.port, "bytes"), body)


def test_at_first_only_what_comes_is_read(dovecot: Dovecot) -> None:
    """As a rule a channel begins with its connection: old mail stays where it is, and what comes while we are away
    before the first mail was ever stored is not forgotten."""
    dovecot.drop(*map(make_mail, range(5)), user="first")

    async def body(reader: Reader) -> None:
        await reader.read()
        assert reader.stored == []
        dovecot.drop(make_mail(5), user="first")
        await reader.read()
        assert reader.subjects == orders(5)

    run_reader(mailbox_settings(dovecot.port, "first", start="new"), body)


def test_new_mail_is_told_at_once(dovecot: Dovecot) -> None:
    """While we wait the server tells of a mail, and it is read without being asked for."""
    dovecot.maildir("idle")

    async def body(reader: Reader) -> None:
        async def send_later() -> None:
            await asyncio.sleep(0.3)
            dovecot.drop(make_mail(1), user="idle")

        sending = asyncio.create_task(send_later())
        began = time.monotonic()
        await reader.read(until=lambda: bool(reader.stored))
        assert time.monotonic() - began < 60  # the IDLE would last for minutes
        await sending

    run_reader(mailbox_settings(dovecot.port, "idle"), body)


def test_a_plain_server_is_asked_again_and_again(dovecot: Dovecot) -> None:
    """A server without IDLE and MOVE is polled, and mails are copied and deleted where they should be moved."""
    with running_dovecot(bare=True) as server:
        server.drop(make_mail(0), user="plain")

        async def body(reader: Reader) -> None:
            await reader.read()
            server.drop(make_mail(1), user="plain")
            await reader.read(until=lambda: len(reader.stored) == 2)
            await reader.read()
            assert await beside(lambda: count_mails(server, "plain")) == 0
            assert await beside(lambda: count_mails(server, "plain", "Done")) == 2

        settings = mailbox_settings(server.port, "plain", after_storing="move", stored_folder="Done")
        run_reader(settings, body)


def test_several_folders_are_read(dovecot: Dovecot) -> None:
    """Each folder has a place of its own; names are written as IMAP wants them."""
    name = "Kunden/Anfragen & Grüße"
    dovecot.maildir("folders")
    with dovecot.client(user="folders") as client:
        client.create('"Kunden/Anfragen &- Gr&APwA3w-e"')
        client.append('"Kunden/Anfragen &- Gr&APwA3w-e"', "", "", make_mail(1))
    dovecot.drop(make_mail(2), user="folders")

    async def body(reader: Reader) -> None:
        await reader.read()
        assert sorted(reader.subjects) == orders(1, 2)
        assert any(raw.url.startswith("imap:///Kunden/Anfragen%20%26%20Gr%C3%BC%C3%9Fe;") for raw in reader.stored)

    run_reader(mailbox_settings(dovecot.port, "folders", folders=["INBOX", name]), body)


def test_a_mail_that_goes_while_it_is_read_stops_nothing(dovecot: Dovecot) -> None:
    """Others delete mails between our search and our fetch, and mark them as seen: the rest is read all the same."""
    dovecot.drop(*map(make_mail, range(60)), user="gone")

    def meddle() -> None:
        with dovecot.client(user="gone") as client:
            client.store("1:*", "+FLAGS", "\\Seen")
            client.store("40,41", "+FLAGS", "\\Deleted")
            client.expunge()

    async def body(reader: Reader) -> None:
        await reader.read(until=lambda: len(reader.stored) == 10)
        await beside(meddle)
        await reader.read()
        left = [number for number in range(60) if number not in {39, 40}]
        assert reader.subjects == orders(*left)

    run_reader(mailbox_settings(dovecot.port, "gone"), body)


def test_a_mail_expunged_in_the_middle_of_reading_is_passed_over(dovecot: Dovecot) -> None:
    """The reader is between two batches, its search long answered, when mails it was to fetch next disappear."""
    dovecot.drop(*map(make_mail, range(60)), user="midway")

    def expunge() -> None:
        with dovecot.client(user="midway") as client:
            client.store("50:52", "+FLAGS", "\\Deleted")
            client.expunge()

    async def body(reader: Reader) -> None:
        async for quiet in reader.follow():
            if len(reader.stored) == 5 and not quiet:
                await beside(expunge)
            if quiet:
                break
        assert reader.subjects == orders(*[number for number in range(60) if number not in {49, 50, 51}])

    run_reader(mailbox_settings(dovecot.port, "midway"), body)


def test_a_renumbered_folder_is_read_once_more(dovecot: Dovecot) -> None:
    """UIDs of another UIDVALIDITY mean nothing: all that arrived lately is read again, and what came meanwhile is."""
    dovecot.drop(*map(make_mail, range(8)), user="renumbered")

    async def body(reader: Reader) -> None:
        await reader.read()
        await beside(lambda: dovecot.renumber(user="renumbered"))
        dovecot.drop(make_mail(8), user="renumbered")
        await reader.read()
        assert sorted(set(reader.subjects)) == orders(*range(9))
        assert len({raw.url.partition("UIDVALIDITY=")[2].partition("/")[0] for raw in reader.stored}) == 2

    run_reader(mailbox_settings(dovecot.port, "renumbered"), body)


def test_stored_mail_is_flagged(dovecot: Dovecot) -> None:
    """Where it is wished, a mail is marked once it is stored, and not before."""
    dovecot.drop(*map(make_mail, range(3)), user="flag")

    async def body(reader: Reader) -> None:
        await reader.read(until=lambda: len(reader.stored) == 1)
        assert not any(b"$Stored" in flags for flags in await beside(lambda: list_flags(dovecot, "flag")))
        await reader.read()
        assert all(b"$Stored" in flags for flags in await beside(lambda: list_flags(dovecot, "flag")))
        assert reader.subjects == orders(0, 1, 2)

    run_reader(mailbox_settings(dovecot.port, "flag", after_storing="flag", stored_flag="$Stored"), body)


def test_stored_mail_is_moved(dovecot: Dovecot) -> None:
    """Where it is wished it is moved, into a folder that is made; old mail that is not ours stays."""
    dovecot.drop(*map(make_mail, range(3)), user="move")
    settings = mailbox_settings(dovecot.port, "move", start="new", after_storing="move", stored_folder="Archiv/2026")

    async def body(reader: Reader) -> None:
        await reader.read()
        dovecot.drop(*map(make_mail, range(3, 6)), user="move")
        await reader.read()
        assert reader.subjects == orders(3, 4, 5)
        assert await beside(lambda: count_mails(dovecot, "move")) == 3
        assert await beside(lambda: count_mails(dovecot, "move", "Archiv/2026")) == 3

    run_reader(settings, body)


def test_of_a_mail_that_is_too_large_the_beginning_is_kept(dovecot: Dovecot) -> None:
    """It stops nothing, its headers and first words are there, and it is marked."""
    dovecot.drop(make_mail(1, text="long " * 400_000), make_mail(2), user="large")

    async def body(reader: Reader) -> None:
        await reader.read()
        assert reader.subjects == orders(1, 2)
        assert len(reader.stored[0].body) == PART_BYTES
        assert [raw.headers.get("imap-fetched") for raw in reader.stored] == ["in part", None]

    run_reader(mailbox_settings(dovecot.port, "large", mail_bytes=1_500_000), body)


def test_a_folder_can_be_read_back_to_a_moment(dovecot: Dovecot) -> None:
    """A backfill gives what arrived since then, whatever polling has seen, and nothing older."""
    with dovecot.client(user="back", folder=None) as client:
        for number, arrived in enumerate(['"01-Nov-2026 10:00:00 +0000"', '"20-Nov-2026 23:30:00 -0300"']):
            client.append("INBOX", "", arrived, make_mail(number))
    dovecot.drop(make_mail(2), user="back")

    async def body(reader: Reader) -> None:
        since = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
        found = [subject_of(raw) async for raw in backfill_mailbox(reader.connect, reader.settings, since)]
        assert found == orders(1, 2)
        later = [raw async for raw in backfill_mailbox(reader.connect, reader.settings, since + timedelta(hours=1))]
        assert [subject_of(raw) for raw in later] == orders(2)

    run_reader(mailbox_settings(dovecot.port, "back"), body)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_private_authority_is_believed(dovecot: Dovecot, security: str) -> None:
    """Over TLS from the start or begun on the open line, with the host's certificate verified."""
    port = dovecot.tls_port if security == "tls" else dovecot.port
    dovecot.drop(make_mail(1), user=f"over{security}")

    async def body(reader: Reader) -> None:
        await reader.read()
        assert reader.subjects == orders(1)

    changes = {"imap_security": security, "imap_host": "localhost", "imap_ca": dovecot.certificate.pem}
    run_reader(mailbox_settings(port, f"over{security}", **changes), body)


BAD_SETTINGS: list[tuple[dict[str, object], type[SendFailed], str]] = [
    ({"imap_password": "wrong-word"}, Misconfigured, "refuses the login"),
    ({"imap_port": 1}, Unreachable, "no connection"),
    ({"imap_security": "tls"}, Misconfigured, "no TLS"),
    ({"imap_security": "starttls"}, Misconfigured, "certificate"),
    ({"folders": ["INBOX", "Nowhere"]}, Misconfigured, "'Nowhere' cannot be opened"),
    ({"imap_host": "10.0.0.1"}, EgressRefused, "not public"),
    ({"after_storing": "move", "stored_folder": "a//b"}, Misconfigured, "cannot be made"),
]


@pytest.mark.parametrize(("changes", "kind", "words"), BAD_SETTINGS, ids=lambda value: str(value)[:40])
def test_wrong_settings_are_told_apart(
    dovecot: Dovecot, changes: dict[str, object], kind: type[SendFailed], words: str
) -> None:
    """Each has a sentence of its own that an operator can act on, and holds no password."""
    dovecot.maildir("wrong")

    async def body(reader: Reader) -> None:
        with pytest.raises(kind, match=words) as failed:
            await reader.read()
        assert failed.value.fix or kind is Misconfigured
        assert "wrong-word" not in str(failed.value)
        assert "wrong-word" not in repr(failed.value.__cause__)

    run_reader(mailbox_settings(dovecot.port, "wrong", **changes), body)

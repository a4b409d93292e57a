"""Keeping the ids of mails, and what bounces say of an address."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from inbox.contacts.matching import match_key
from inbox.conversations.letters.matching import LetterIds
from inbox.kit.db import execute

TURNS = 64
"""Into how many groups ids are divided: whose groups overlap take turns."""

# Two mails that name each other may come by two channels at once: one of them sees the other.
TAKE_TURN = f"""
SELECT count(pg_advisory_xact_lock(hashtextextended('mail id', turn))) FROM (
    SELECT DISTINCT abs(hashtext(id) % {TURNS}) AS turn FROM unnest($1::text[]) AS id ORDER BY turn
) turns
"""  # noqa: S608 (our own number)
KEEP = """
INSERT INTO mail_id (message_id, entry_id, channel_id, own)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::boolean[]) ON CONFLICT DO NOTHING
"""
FORGET_LETTERS = (
    "DELETE FROM mail_id WHERE entry_id = ANY($1)",
    "UPDATE entry SET letter = NULL WHERE id = ANY($1) AND letter IS NOT NULL",
)
# The ids stay: answers to what was redacted still find their conversation.
BLANK = "UPDATE entry SET letter = letter - 'subject' WHERE id = $1 AND letter IS NOT NULL"

FLAG = """
INSERT INTO undeliverable_address (identity_id, reason, since)
SELECT DISTINCT ON (i.id) i.id, b.reason, $3
FROM unnest($1::text[], $2::text[]) AS b(match_key, reason)
JOIN identity i ON i.kind = 'email' AND i.match_key = b.match_key
ORDER BY i.id
ON CONFLICT (identity_id) DO UPDATE SET reason = excluded.reason, since = excluded.since
"""
UNFLAG = "DELETE FROM undeliverable_address WHERE identity_id = ANY($1)"
REASON_CHARS = 300


class KeptIds(msgspec.Struct, kw_only=True, frozen=True):
    """The ids of one mail that is kept."""

    entry_id: UUID
    channel_id: UUID
    ids: LetterIds


async def take_turn(message_ids: Collection[str]) -> None:
    """Wait for others whose mails may be related, and let later ones wait until this transaction ends.

    It stands between the locks of contacts and those of conversations.
    """
    await execute(TAKE_TURN, sorted(set(message_ids)))


async def keep_mail_ids(kept: Sequence[KeptIds]) -> None:
    """Remember the ids of mails, their own and those they refer to."""
    rows = [(one, name, name == one.ids.own) for one in kept for name in one.ids.all]
    if rows:
        await execute(
            KEEP,
            [name for _, name, _ in rows],
            [one.entry_id for one, _, _ in rows],
            [one.channel_id for one, _, _ in rows],
            [own for _, _, own in rows],
        )


async def forget_letters(entry_ids: Sequence[UUID]) -> None:
    """Take away what mails said of themselves, and the ids by which they were found."""
    for sql in FORGET_LETTERS:
        await execute(sql, list(entry_ids))


async def blank_letter(entry_id: UUID) -> None:
    """Take the words out of what a mail said of itself."""
    await execute(BLANK, entry_id)


async def flag_undeliverable(bounced: Iterable[tuple[str, str]], *, now: datetime) -> None:
    """These mail addresses do not exist, so nothing is written to them; each with the reason given."""
    told = [(match_key("email", address), reason[:REASON_CHARS]) for address, reason in bounced]
    if told:
        await execute(FLAG, [key for key, _ in told], [reason for _, reason in told], now)


async def unflag_undeliverable(identity_ids: Collection[UUID]) -> None:
    """They write to us, or somebody says that they can be reached again."""
    if identity_ids:
        await execute(UNFLAG, list(identity_ids))

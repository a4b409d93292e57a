"""What a mailbox answers when asked whether all is set up: the login, its folders, and whether it tells of new mail."""

from __future__ import annotations

import asyncio

from channels.contract import AccountCheck
from channels.email.imap.session import ImapSession
from channels.email.imap.settings import ImapSettings
from channels.email.imap.watching import Connect
from channels.errors import SendFailed

CHECK_SECONDS = 30.0
"""For all of it."""


async def examine_mailbox(connect: Connect, settings: ImapSettings) -> list[AccountCheck]:
    """Log in and look, changing nothing; what cannot be asked is a check that is not ok."""
    title = "mailbox"
    try:
        async with asyncio.timeout(CHECK_SECONDS), connect() as session:
            checks = [AccountCheck(title=title, ok=True, detail=f"{settings.imap_host} lets {settings.user} in")]
            return [*checks, *[await _look_into(session, folder) for folder in settings.folders], _judge_idle(session)]
    except SendFailed as failed:
        return [AccountCheck(title=title, ok=False, detail=failed.reason, fix=failed.fix)]
    except TimeoutError:
        return [AccountCheck(title=title, ok=False, detail=f"no answer within {CHECK_SECONDS:.0f} s")]


async def _look_into(session: ImapSession, folder: str) -> AccountCheck:
    title = f"folder {folder}"
    if await session.has_folder(folder):
        return AccountCheck(title=title, ok=True, detail="is there")
    return AccountCheck(title=title, ok=False, detail="is not there", fix="check the names in folders")


def _judge_idle(session: ImapSession) -> AccountCheck:
    if session.can_idle:
        return AccountCheck(title="new mail", ok=True, detail="is told at once (IDLE)")
    return AccountCheck(title="new mail", ok=True, detail="is asked for: the server cannot tell of it (no IDLE)")

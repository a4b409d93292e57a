"""Fetching a file that lies at a provider, or in the request it came with, and keeping it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from channels.contract import Adapter, Media, MediaFetching, Unpacking
from channels.errors import OutcomeUnknown, Rejected, SendFailed, Throttled, Unreachable
from channels.parts import Attachment
from gateway.directory import ChannelAway, LiveChannel
from gateway.outcomes import Done, Outcome, TryAgain
from gateway.parsing import ParseFailed, ParseSlow
from gateway.parsing.rows import raw_event
from gateway.runtime import Runtime
from inbox.attachments.actions import StoredFile, give_up_attachment, keep_fetched, store_file
from inbox.attachments.queries import AttachmentRow, attachment_part, find_attachments
from inbox.conversations.actions.files import update_file
from inbox.conversations.queries import find_raw_event
from inbox.kit.clock import utc_now
from inbox.kit.db import tx
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id
from inbox.outbox.jobs import ClaimedJob, FetchMedia


async def fetch_attachment(runtime: Runtime, claimed: ClaimedJob, job: FetchMedia) -> Outcome:
    """Fetch, type by its bytes, store, and let the message say so; what is gone for good is said as well."""
    row = (await find_attachments([job.attachment_id])).get(job.attachment_id)
    if row is None or row.state == "stored" or row.redacted_at or row.channel_id is None:
        return Done()
    try:
        live = await runtime.directory.look_up(row.channel_id)
    except ChannelAway as away:
        return TryAgain(str(away), last=partial(_note_failure, row, "the channel cannot be read"))
    adapter = runtime.adapters[live.adapter] if live else None
    if live is None or not isinstance(adapter, MediaFetching | Unpacking):
        return await _give_up(row, "the channel it came by was removed")
    wanted = Attachment(id=show_id("att", row.id), name=row.name, media_type=row.media_type, url=row.source_url)
    try:
        media = await _get(runtime, live, adapter, row=row, wanted=wanted)
        stored = await store_file(runtime.storage, _once(media), claimed=media.media_type or row.media_type)
    except SendFailed as failed:
        return await _refused(row, failed)
    except Problem as problem:
        return await _give_up(row, problem.detail)
    if not await _keep(row, stored, media.name):
        await runtime.storage.delete_file(stored.storage_key)
    return Done()


async def _get(
    runtime: Runtime, live: LiveChannel, adapter: Adapter, *, row: AttachmentRow, wanted: Attachment
) -> Media:
    if isinstance(adapter, MediaFetching):
        return await adapter.fetch_media(live.account, wanted)
    journaled = await find_raw_event(row.entry_id) if row.entry_id else None
    if journaled is None or journaled["redacted_at"]:
        raise Rejected("the mail it came in is no longer kept")
    seconds = runtime.settings.parse_deadline_seconds
    try:
        return await runtime.parsers.unpack(live, raw_event(journaled), wanted, seconds=seconds)
    except ParseSlow as slow:
        raise Rejected(str(slow)) from slow
    except ParseFailed as failed:
        if failed.code == "parse_crashed":
            raise Unreachable(str(failed)) from failed
        raise Rejected(str(failed)) from failed


async def _refused(row: AttachmentRow, failed: SendFailed) -> Outcome:
    """Asking once more for a file does no harm, so an answer that was lost is asked for again."""
    if failed.retry or isinstance(failed, OutcomeUnknown):
        after = failed.after if isinstance(failed, Throttled) else None
        return TryAgain(failed.reason, after=after, last=partial(_note_failure, row, failed.reason))
    return await _give_up(row, failed.reason)


async def _keep(row: AttachmentRow, stored: StoredFile, name: str | None) -> bool:
    async with tx():
        kept = await keep_fetched(row.id, stored, name=name)
        if kept:
            await _show(row)
    return kept


async def _give_up(row: AttachmentRow, error: str) -> Outcome:
    async with tx():
        await _note_failure(row, error)
    return Done()


async def _note_failure(row: AttachmentRow, error: str) -> None:
    await give_up_attachment(row.id, error=error[:500])
    await _show(row)


async def _show(row: AttachmentRow) -> None:
    known = (await find_attachments([row.id]))[row.id]
    if row.entry_id is not None:
        await update_file(row.entry_id, attachment_part(known), now=utc_now())


async def _once(media: Media) -> AsyncIterator[bytes]:
    yield media.content

"""Merging two contacts into one, and parting them again.

Locks are taken in the order of inbound: contacts by their ids, then conversations by theirs; identities change under
their contact's lock. So neither messages that come in meanwhile nor answers wait in a circle or lose their place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from inbox.audit.actions import record_audit
from inbox.contacts.holds import refuse_erasing, refuse_held
from inbox.contacts.patching import check_free_json
from inbox.contacts.queries import find_survivor
from inbox.conversations.actions.store import lock_threads, store_threads
from inbox.conversations.contact_merging.fields import (
    FREE,
    FieldChange,
    Place,
    apply_changes,
    changes_of,
    plan_fields,
    read_fields,
    revert_changes,
    write_fields,
)
from inbox.conversations.contact_merging.merge import ContactMerge, MergeOrder, UndoReport
from inbox.conversations.contact_merging.moving import goes_back, move_thread
from inbox.conversations.contact_merging.queries import (
    find_merge,
    find_merge_away,
    find_mixed,
    later_merges,
    list_conversation_ids,
    read_rows,
)
from inbox.conversations.thread import Thread
from inbox.feed.actions import append_event
from inbox.kit.callers import Actor
from inbox.kit.db import execute, fetch, fetch_one
from inbox.kit.errors import Problem
from inbox.kit.ids import new_id, show_id
from inbox.kit.versions import mismatch

SAVE = """
UPDATE contact c SET name = new.name, language = new.language, company_id = new.company_id,
    blocked_at = new.blocked_at, attributes = new.attributes, external = new.external,
    version = c.version + 1, updated_at = $3
FROM jsonb_populate_record(NULL::contact, $2) new WHERE c.id = $1
"""
HAND_OVER = "UPDATE identity SET contact_id = $2 WHERE contact_id = $1 RETURNING id"
HAND_BACK = "UPDATE identity SET contact_id = $2 WHERE contact_id = $1 AND id = ANY($3) RETURNING id"

# A conversation that is closed has no entry to tell of the move, so its version is counted here.
MOVE = """
UPDATE conversation SET contact_id = $2, version = version + (NOT (id = ANY($3)))::integer WHERE id = ANY($1)
"""
REMEMBER = """
INSERT INTO contact_merge (id, from_id, into_id, from_contact, changes, identity_ids, conversation_ids, actor, reason,
                           created_at)
VALUES ($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7, $8::jsonb, $9, $10)
"""
SETTLE = "UPDATE contact_merge SET undone_at = $2, undone_by = $3::jsonb, undone = $4::jsonb WHERE id = $1"
FORGET = "DELETE FROM contact_merge WHERE from_id = ANY($1) OR into_id = ANY($1)"


async def merge_contacts(order: MergeOrder, *, actor: Actor, now: datetime) -> UUID:
    """Let one contact go on in another: addresses with their consents and conversations move, the row goes.

    Its id leads to the survivor from now on. Nothing is merged unless somebody asks; returns the merge's own id.
    """
    rows = await read_rows([order.from_id, order.into_id], lock=True)
    await refuse_order(order, {contact_id: row["version"] for contact_id, row in rows.items()})
    await refuse_held(contact_ids=[order.from_id])
    await refuse_erasing([order.from_id, order.into_id])
    plans = plan_fields(read_fields(rows[order.from_id]), read_fields(rows[order.into_id]), order.choices)
    changes = changes_of(plans)
    await _save_fields(order.into_id, apply_changes(read_fields(rows[order.into_id]), changes), now=now)
    identity_ids = [row["id"] for row in await fetch(HAND_OVER, order.from_id, order.into_id)]
    conversation_ids = await _move_threads(
        order.from_id, order.into_id, wanted=lambda _: True, name="contact_merged", actor=actor, now=now
    )
    await execute("DELETE FROM contact WHERE id = $1", order.from_id)
    merge_id = new_id()
    await execute(
        REMEMBER, merge_id, order.from_id, order.into_id, _json(rows[order.from_id]), _json(changes), identity_ids,
        conversation_ids, _json(actor), order.reason, now,
    )  # fmt: skip
    moved = {"identities": len(identity_ids), "conversations": len(conversation_ids)}
    await _tell("contact.merged", merge_id, order.from_id, into_id=order.into_id, actor=actor, facts=moved)
    return merge_id


async def refuse_order(order: MergeOrder, versions: Mapping[UUID, int]) -> None:
    """A problem where the two cannot be merged; `versions` are those of the contacts that were found."""
    if order.from_id == order.into_id:
        raise Problem("merge_cycle", "A contact cannot be merged into itself")
    for contact_id, other in ((order.from_id, order.into_id), (order.into_id, order.from_id)):
        if contact_id not in versions:
            raise await _refuse_missing(contact_id, other)
    for contact_id, expected in ((order.from_id, order.from_version), (order.into_id, order.into_version)):
        if expected not in (None, versions[contact_id]):
            raise mismatch(f"{show_id('ctc', contact_id)} has the version {versions[contact_id]} now")


async def unmerge_contacts(merge_id: UUID, *, actor: Actor, now: datetime) -> UndoReport:
    """Part two contacts that were merged: the one that went is there again with what was its own.

    What came after the merge stays with the survivor unless it belongs to an address that goes back; the report lists
    it. Refused where a later merge has to be undone first.
    """
    survivor_id = (await find_merge(merge_id)).into_id
    survivor = (await read_rows([survivor_id], lock=True)).get(survivor_id)
    merge = await find_merge(merge_id, lock=True)  # after the contact, as where a contact's merges are forgotten
    await refuse_erasing([merge.from_id, merge.into_id])
    await _check_undo(merge, survivor_there=survivor is not None)
    reverted = revert_changes(read_fields(survivor or {}), merge.changes)
    await _save_fields(merge.into_id, await _without_dead_company(reverted.fields), now=now)
    await _restore_contact(merge, now=now)
    returned = {row["id"] for row in await fetch(HAND_BACK, merge.into_id, merge.from_id, merge.identity_ids)}
    moved = set(merge.conversation_ids)
    back = await _move_threads(
        merge.into_id,
        merge.from_id,
        wanted=lambda thread: goes_back(thread, moved=moved, returned=returned, since=merge.created_at),
        name="contact_unmerged",
        actor=actor,
        now=now,
    )
    report = UndoReport(
        restored_fields=reverted.restored,
        kept_fields=reverted.kept,
        identity_ids=[one for one in merge.identity_ids if one in returned],
        lost_identity_ids=[one for one in merge.identity_ids if one not in returned],
        conversation_ids=[one for one in back if one in moved],
        followed_conversation_ids=[one for one in back if one not in moved],
        kept_conversation_ids=await _begun_since(merge),
        mixed_conversation_ids=await find_mixed(
            merge.from_id, merge.into_id, since=merge.created_at, identity_ids=returned
        ),
    )
    await execute(SETTLE, merge_id, now, _json(actor), _json(report))
    parted = {"identities": len(returned), "conversations": len(back)}
    await _tell("contact.unmerged", merge_id, merge.from_id, into_id=merge.into_id, actor=actor, facts=parted)
    return report


async def forget_merges(contact_ids: Collection[UUID]) -> None:
    """Delete what is remembered of these contacts' merges, as where somebody's data is erased: no undo brings it back.

    Ids that were merged away lead nowhere afterwards, so pass a contact's `merged_ids` as well.
    """
    await execute(FORGET, list(contact_ids))


async def _move_threads(
    from_id: UUID,
    into_id: UUID,
    *,
    wanted: Callable[[Thread], bool],
    name: Literal["contact_merged", "contact_unmerged"],
    actor: Actor,
    now: datetime,
) -> list[UUID]:
    """Give the wanted conversations of one contact to another, under their locks.

    One may be split in two while we wait for its lock: so it is looked again until nothing is left to move.
    """
    moved: list[UUID] = []
    seen: set[UUID] = set()
    while fresh := (await list_conversation_ids(from_id)).keys() - seen:
        seen |= fresh
        held = [one for one in (await lock_threads(fresh)).values() if one.thread.contact_id == from_id]
        held = [one for one in held if wanted(one.thread)]
        for one in held:
            move_thread(one, into_id, name=name, actor=actor, now=now)
        told = [one.thread.id for one in held if one.entries]
        await store_threads(held, now=now)
        await execute(MOVE, [one.thread.id for one in held], into_id, told)
        moved += [one.thread.id for one in held]
    return moved


async def _save_fields(contact_id: UUID, fields: dict[Place, Any], *, now: datetime) -> None:
    columns = write_fields(fields)
    for name in FREE:
        check_free_json(columns[name], pointer=f"/{name}")
    await execute(SAVE, contact_id, _json(columns), now)


async def _refuse_missing(contact_id: UUID, other: UUID) -> Problem:
    survivor = await find_survivor(contact_id)
    if survivor is None:
        return Problem("not_found", f"There is no contact {show_id('ctc', contact_id)}")
    named, lives_on = show_id("ctc", contact_id), show_id("ctc", survivor)
    if survivor == other:
        return Problem("merge_cycle", f"{named} was merged into {lives_on} already")
    return Problem("state_conflict", f"{named} was merged into {lives_on}", hint=f"Name {lives_on} instead")


async def _check_undo(merge: ContactMerge, *, survivor_there: bool) -> None:
    if merge.undone_at is not None:
        raise Problem("state_conflict", "This merge has been undone already")
    survivor = show_id("ctc", merge.into_id)
    if not survivor_there:
        away = await find_merge_away(merge.into_id)
        if away is None:
            raise Problem("state_conflict", f"{survivor} is gone, so nothing can be parted from it")
        detail = f"{survivor} itself was merged away later, by {show_id('mrg', away)}"
        raise Problem("state_conflict", detail, hint="Undo that merge first")
    touched = {change.place for change in merge.changes}
    for later in await later_merges(merge):
        if touched & {change.place for change in later.changes}:
            detail = f"The later merge {show_id('mrg', later.id)} changed the same fields of {survivor}"
            raise Problem("state_conflict", detail, hint="Undo that merge first")


async def _restore_contact(merge: ContactMerge, *, now: datetime) -> None:
    """Write the row that went, as it was; it counts as changed. Columns that came since have their defaults."""
    row = {**merge.from_contact, "version": merge.from_contact["version"] + 1, "updated_at": now}
    row.update(write_fields(await _without_dead_company(read_fields(row))))
    columns = ", ".join(f'"{name}"' for name in row)
    await execute(
        f"INSERT INTO contact ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::contact, $1)",  # noqa: S608 (the columns are the table's own, as its row named them)
        _json(row),
    )


async def _without_dead_company(fields: dict[Place, Any]) -> dict[Place, Any]:
    """A company that was deleted meanwhile does not come back."""
    company_id = fields.get(("company_id", None))
    if company_id is None or await fetch_one("SELECT FROM company WHERE id = $1 FOR KEY SHARE", UUID(company_id)):
        return fields
    return {place: value for place, value in fields.items() if place != ("company_id", None)}


async def _begun_since(merge: ContactMerge) -> list[UUID]:
    sql = "SELECT id FROM conversation WHERE contact_id = $1 AND created_at > $2 ORDER BY id"
    return [row["id"] for row in await fetch(sql, merge.into_id, merge.created_at)]


async def _tell(
    happened: Literal["contact.merged", "contact.unmerged"],
    merge_id: UUID,
    from_id: UUID,
    *,
    into_id: UUID,
    actor: Actor,
    facts: dict[str, int],
) -> None:
    ids = {"merge_id": show_id("mrg", merge_id), "from_id": show_id("ctc", from_id), "into_id": show_id("ctc", into_id)}
    changed = ["identities", "conversations"]
    await append_event(happened, actor=actor, contact_id=into_id, facts={**ids, **facts}, changed=changed)
    await record_audit(actor, happened, target=show_id("ctc", into_id), facts={**ids, **facts})


def _json(value: dict[str, Any] | Sequence[FieldChange] | Actor | UndoReport) -> str:
    return msgspec.json.encode(value).decode()

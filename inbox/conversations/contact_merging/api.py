"""Merging contacts over HTTP."""

from __future__ import annotations

from typing import TypeAlias
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from inbox.contacts.queries import find_contact, find_contacts
from inbox.conversations.contact_merging.actions import merge_contacts, refuse_order, unmerge_contacts
from inbox.conversations.contact_merging.merge import ContactMerge
from inbox.conversations.contact_merging.preview import preview_merge
from inbox.conversations.contact_merging.queries import find_merge, list_conversation_ids, list_merges
from inbox.conversations.contact_merging.shapes import (
    ContactMergeObject,
    MergePreview,
    NewMerge,
    UndoMerge,
    read_order,
    show_merge,
)
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.ids import read_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor

READ = {"scope": "contacts:read"}
WRITE = {
    "scope": "contacts:write",
    "problems": ["merge_cycle", "state_conflict", "version_mismatch", "not_found", "validation_failed"],
}
GivenCaller: TypeAlias = NamedDependency[Caller]


class ContactMergeController(Controller):
    """Two contacts that turn out to be one person, and one that turns out to be two."""

    path = "/contacts"
    tags = ("Contacts",)

    @post("/merge/preview", opt=WRITE, operation_id="previewMerge", summary="See what a merge would do",
          status_code=200)  # fmt: skip
    async def preview_merge(self, data: JSONBody[NewMerge]) -> MergePreview:
        """Field by field, with the reasons, what moves, and what stays forbidden. Nothing is changed."""
        order = read_order(data)
        found = await find_contacts([order.from_id, order.into_id])
        await refuse_order(order, {contact_id: contact.version for contact_id, contact in found.items()})
        return preview_merge(
            found[order.from_id],
            found[order.into_id],
            choices=order.choices,
            conversations=await list_conversation_ids(order.from_id),
            staying_open=sum((await list_conversation_ids(order.into_id)).values()),
        )

    @post("/merge", opt=WRITE, operation_id="mergeContacts", summary="Merge two contacts")
    async def merge_contacts(self, *, caller: GivenCaller, data: JSONBody[NewMerge]) -> ContactMergeObject:
        """Addresses, with what was allowed and taken back for them, and conversations move; the other id leads here.

        It can be undone, and is never done unless somebody asks for it.
        """
        merge_id = await merge_contacts(read_order(data), actor=caller.actor, now=utc_now())
        return show_merge(await find_merge(merge_id))

    @post("/unmerge", opt=WRITE, operation_id="unmergeContacts", summary="Undo a merge", status_code=200)
    async def unmerge_contacts(self, *, caller: GivenCaller, data: JSONBody[UndoMerge]) -> ContactMergeObject:
        """What was the contact's own goes back; `undo` lists what came after the merge and where it is now."""
        merge_id = read_id("mrg", data.merge_id)
        await unmerge_contacts(merge_id, actor=caller.actor, now=utc_now())
        return show_merge(await find_merge(merge_id))

    @get("/merges/{merge_id:str}", opt=READ, operation_id="getMerge", summary="Get a merge")
    async def get_merge(self, merge_id: FromPath[str]) -> ContactMergeObject:
        """One merge, undone or not."""
        return show_merge(await find_merge(read_id("mrg", merge_id)))

    @get("/{contact_id:str}/merges", opt=READ, operation_id="listMerges", summary="List a contact's merges")
    async def list_merges(
        self, *, contact_id: FromPath[str], limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None
    ) -> Page[ContactMergeObject]:
        """The newest first, those that were undone too, and those of the contacts that live on in this one."""
        contact = await find_contact(read_id("ctc", contact_id))
        of = ["merges", contact.id]
        after = read_cursor(cursor, UUID, of=of)
        rows = await list_merges([contact.id, *contact.merged_ids], after=after, limit=limit + 1)
        return cut_page(rows, limit, key=_merge_id, of=of, show=show_merge)


def _merge_id(merge: ContactMerge) -> UUID:
    return merge.id

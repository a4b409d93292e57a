"""Merging contacts: what moves, what wins, what stays forbidden, where old ids lead."""

from __future__ import annotations

from inbox.contacts.actions import add_identities, block_contact, change_consent, update_contact
from inbox.contacts.contact import ConsentChange, ContactChange
from inbox.contacts.queries import find_contact, revoked_consents
from inbox.conversations.actions.change import open_conversation, set_status
from inbox.conversations.contact_merging.queries import find_merge, list_merges
from inbox.kit.db import fetch, fetch_value
from inbox.kit.ids import new_id, show_id
from tests.inbox.builders import (
    AGENT,
    ANA,
    BEN,
    CAI,
    NOW,
    committed,
    consent_change,
    count_rows,
    make_channel,
    receive,
    refused,
    reply,
    run_opened,
    text_message,
)
from tests.inbox.contacts.test_contacts import phone
from tests.inbox.conversations.contact_merging.merging import conversations_of, merge, owner_of, unmerge, writer


def test_a_merge_moves_everything_and_the_old_id_leads_to_the_survivor(database_url: str) -> None:
    """Addresses and conversations are the survivor's, who gets what only the other had; reading and writing go on."""

    async def body() -> None:
        lane = await make_channel()
        ana, hers = await writer(lane, ANA, language="es", attributes={"plan": "gold"}, external={"crm": "C-55"})
        ben, his = await writer(lane, BEN, name="Ben")
        await merge(ana, ben, reason="the same person")
        assert await owner_of(ANA) == await owner_of(BEN) == ben
        assert await conversations_of(ben) == {hers, his}
        found = await find_contact(ana)
        assert (found.id, found.name, found.language, found.merged_ids) == (ben, "Ben", "es", [ana])
        assert (found.attributes, found.external) == ({"plan": "gold"}, {"crm": "C-55"})
        await committed(update_contact(ana, ContactChange(name="Benita"), actor=AGENT))
        await committed(add_identities(ana, [phone(CAI)], actor=AGENT))
        assert (await find_contact(ben)).name == "Benita"
        assert await owner_of(CAI) == ben
        opened = await committed(open_conversation(ana, subject=None, actor=AGENT, now=NOW))
        assert opened in await conversations_of(ben)
        assert await count_rows("contact") == 1

    run_opened(database_url, body)


def test_a_merge_is_told_to_the_timeline_the_feed_and_the_audit_log(database_url: str) -> None:
    """An open conversation says it by an entry without a gap; a closed one keeps its place; nobody's words are told."""

    async def body() -> None:
        lane = await make_channel()
        ana, hers = await writer(lane, ANA, name="Ana")
        ben, _ = await writer(lane, BEN)
        done = await committed(open_conversation(ana, subject="old", actor=AGENT, now=NOW))
        await committed(set_status(done, "closed", actor=AGENT, now=NOW))
        before = await fetch_value("SELECT updated_at FROM conversation WHERE id = $1", done)
        merge_id = await merge(ana, ben)
        rows = await fetch(
            "SELECT seq, event->>'name' AS name FROM entry WHERE conversation_id = $1 ORDER BY seq", hers
        )
        assert [(row["seq"], row["name"]) for row in rows] == [(1, None), (2, "contact_merged")]
        closed = await fetch("SELECT version, updated_at, contact_id, last_seq FROM conversation WHERE id = $1", done)
        assert (closed[0]["updated_at"], closed[0]["contact_id"], closed[0]["version"]) == (before, ben, 3)
        told = await fetch("SELECT type, conversation_id, facts FROM feed_event ORDER BY position DESC LIMIT 3")
        assert [row["type"] for row in told] == ["contact.merged", "conversation.updated", "conversation.updated"]
        assert {row["conversation_id"] for row in told[1:]} == {hers, done}
        assert "Ana" not in told[0]["facts"]
        assert show_id("mrg", merge_id) in told[0]["facts"]
        audited = await fetch("SELECT action, target, facts FROM audit_event WHERE action LIKE 'contact.merged'")
        assert [(row["action"], row["target"]) for row in audited] == [("contact.merged", show_id("ctc", ben))]

    run_opened(database_url, body)


def test_choices_overrule_and_may_leave_a_field_behind(database_url: str) -> None:
    """A chosen side's value is kept, also where that side has none."""

    async def body() -> None:
        lane = await make_channel()
        ana, _ = await writer(lane, ANA, name="Ana", attributes={"plan": "gold", "shoe": 38})
        ben, _ = await writer(lane, BEN, name="Ben", attributes={"plan": "free"})
        choices = {("name", None): "from", ("attributes", "plan"): "from", ("attributes", "shoe"): "into"}
        await merge(ana, ben, choices=choices)
        found = await find_contact(ben)
        assert (found.name, found.attributes) == ("Ana", {"plan": "gold"})

    run_opened(database_url, body)


def test_opt_outs_survive_merge_and_undo(database_url: str) -> None:
    """What was taken back for an address stays taken back for it and for no other, before, during and after (T64)."""

    async def body() -> None:
        lane = await make_channel()
        ana, hers = await writer(lane, ANA)
        ben, his = await writer(lane, BEN)
        await receive(lane, consent_change("revoked", sender=ANA))
        theirs = {
            number: await fetch_value("SELECT id FROM identity WHERE address = $1", number) for number in (ANA, BEN)
        }
        pairs = [(identity, lane.route.channel_id) for identity in theirs.values()]
        merge_id = await merge(ana, ben)
        assert await revoked_consents(pairs) == {pairs[0]}
        assert (await refused(reply(hers))).code == "contact_opted_out"
        await reply(his)
        await committed(
            change_consent(ben, ConsentChange(identity_id=theirs[BEN], state="revoked", source="agent"), actor=AGENT)
        )
        await unmerge(merge_id)
        assert await revoked_consents(pairs) == set(pairs)
        for conversation_id in (hers, his):
            assert (await refused(reply(conversation_id))).code == "contact_opted_out"

    run_opened(database_url, body)


def test_a_block_survives_a_merge(database_url: str) -> None:
    """Merging a blocked contact into another does not unblock them by the way; undoing it gives the block back."""

    async def body() -> None:
        lane = await make_channel()
        ana, _ = await writer(lane, ANA)
        ben, his = await writer(lane, BEN)
        await committed(block_contact(ana, blocked=True, actor=AGENT))
        merge_id = await merge(ana, ben)
        assert (await refused(reply(his))).code == "contact_blocked"
        await unmerge(merge_id)
        await reply(his)
        assert (await find_contact(ana)).blocked_at is not None

    run_opened(database_url, body)


def test_what_cannot_be_merged_is_refused_clearly(database_url: str) -> None:
    """With itself, in a circle, with nobody, with one that lives on elsewhere, in another version: each says so."""

    async def body() -> None:
        lane = await make_channel()
        ana, ben, cai = [(await writer(lane, number))[0] for number in (ANA, BEN, CAI)]
        assert (await refused(merge(ana, ana))).code == "merge_cycle"
        assert (await refused(merge(ana, new_id()))).code == "not_found"
        assert (await refused(merge(ana, ben, into_version=7))).code == "version_mismatch"
        await merge(ana, ben)
        assert (await refused(merge(ana, ben))).code == "merge_cycle"
        assert (await refused(merge(ben, ana))).code == "merge_cycle"
        elsewhere = await refused(merge(cai, ana))
        assert (elsewhere.code, show_id("ctc", ben) in str(elsewhere.hint)) == ("state_conflict", True)
        assert (await refused(merge(ana, cai))).code == "state_conflict"

    run_opened(database_url, body)


def test_inbound_never_merges_two_proven_identities(database_url: str) -> None:
    """Same name, same words, same moment: two numbers stay two contacts until a person says otherwise (T36)."""

    async def body() -> None:
        lane, other = await make_channel(), await make_channel("+12125550198")
        for _ in range(2):
            await receive(
                lane, text_message("hi", sender=ANA, name="Ana Ruiz"), text_message("hi", sender=BEN, name="Ana Ruiz")
            )
            await receive(
                other, text_message("hi", sender=ANA, name="Ana Ruiz"), text_message("hi", sender=BEN, name="Ana Ruiz")
            )
        assert await owner_of(ANA) != await owner_of(BEN)
        assert await count_rows("contact") == 2
        assert await count_rows("contact_merge") == 0
        proofs = await fetch("SELECT DISTINCT proof FROM identity")
        assert [row["proof"] for row in proofs] == ["provider"]

    run_opened(database_url, body)


def test_a_chain_of_merges_leads_to_its_end_and_is_one_history(database_url: str) -> None:
    """Every id of a chain leads to the last survivor, whose history holds all merges, the newest first."""

    async def body() -> None:
        lane = await make_channel()
        ana, ben, cai = [(await writer(lane, number))[0] for number in (ANA, BEN, CAI)]
        first, second = await merge(ana, ben), await merge(ben, cai)
        found = await find_contact(ana)
        assert (found.id, set(found.merged_ids)) == (cai, {ana, ben})
        history = await list_merges([found.id, *found.merged_ids], after=None, limit=10)
        assert [one.id for one in history] == [second, first]
        assert (await find_merge(first)).from_contact["id"] == str(ana)

    run_opened(database_url, body)

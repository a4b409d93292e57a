"""Which conversations a query means, asked of a real database."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from inbox.conversations.search import FIELDS, find_matching, queries, read_conversation_query
from inbox.conversations.search.fields import HOLDINGS, STATES, show_words
from inbox.conversations.search.queries import find_each_matching, plan_search, text_values
from inbox.kit.db import close_database, execute, fetch, fetch_value, open_database
from inbox.kit.errors import Problem
from inbox.kit.ids import new_id, show_id
from inbox.kit.query import Query
from inbox.kit.query.words import cut_words
from tests.inbox.builders import ANA, NOW, run_opened
from tests.inbox.conversations.search.stories import tell_stories

CASES = {
    "": "ana ben cai",
    "order": "ana",
    "ord": "ana",
    "ord late": "",
    "LATE, order!": "ana",
    '"order 8841"': "ana",
    '"8841 order"': "",
    '"orde"': "",
    "8841 tomorrow holiday": "ana",
    "tres": "ben",
    "était": "ben",
    "ozturk": "ben",
    "订单": "cai",
    "单订": "",
    "我的 到": "cai",
    "蔡": "cai",
    "2125550101": "",
    "+12125550101": "ben",
    "order OR merci": "ana ben",
    "-order": "ben cai",
    "-(order OR merci)": "cai",
    "is:open": "ana cai",
    "is:closed,snoozed": "ben",
    "status:open is:waiting": "cai",
    "is:unread": "ana cai",
    "is:read": "ben",
    "is:assigned": "ana",
    "is:unassigned -is:closed": "cai",
    "assignee:me": "ana",
    "assignee:none": "ben cai",
    "assignee:none,me": "ana ben cai",
    "assignee:BO@desk.test": "ana",
    'assignee:"bo berg"': "ana",
    "assignee:{agent}": "ana",
    "tag:vip": "ana",
    "tag:gold,late": "ana",
    "tag:vi": "",
    "-tag:vip": "ben cai",
    "channel:sms": "ana ben cai",
    "channel:email": "",
    "channel:{channel}": "ana ben cai",
    f"from:{ANA}": "ana",
    'from:"+1 212 555 0101"': "ben",
    "from:nobody@x.org": "",
    "contact:ruiz": "ana",
    "has:note": "ana",
    "has:attachment,call": "",
    "has:tag has:subject": "ana",
    "priority:high,urgent": "ana",
    "handler:human": "ana ben cai",
    "language:EN": "ana",
    "subject:order": "ana",
    "subject:parcel": "",
    "number:<100": "ana ben cai",
    "number:999": "",
    "attr.order:8841": "ana",
    "attr.gift:true": "ana",
    "attr.order:x": "",
    "created:2026-11-21": "ana ben cai",
    "before:2026-11-21": "",
    "after:2026-11-21T08:00Z": "ana ben cai",
    "created:>2026-11-20 created:<2026-11-22": "ana ben cai",
    "after:100y": "ana ben cai",
}


async def look_up(query: Query, me: UUID) -> list[UUID]:
    """The conversations of a query as a list finds them: its rare words are looked up beforehand."""
    search = await plan_search([query], me=me)
    assert all(words.offset in search.parts[0].found for words in text_values(query) if show_words(words, query))
    args: list[object] = []
    condition = search.condition(args)
    return [row["id"] for row in await fetch(f"SELECT id FROM conversation c WHERE {condition}", *args)]


def test_every_field_finds_what_it_says(database_url: str) -> None:
    """Words in messages, notes, subjects, names and addresses; each field and value; negation and alternatives."""

    async def body() -> None:
        told = await tell_stories()
        names = {told[name]: name for name in ("ana", "ben", "cai")}
        ids = {name: show_id(prefix, told[name]) for name, prefix in (("agent", "agt"), ("channel", "cha"))}  # type: ignore[arg-type]  # literal prefixes
        for text, expected in CASES.items():
            query = read_conversation_query(text.format(**ids))
            matching = await find_matching(query, names, me=told["agent"])
            assert sorted(names[one] for one in matching) == expected.split(), text
            assert sorted(names[one] for one in await look_up(query, told["agent"])) == expected.split(), text

    run_opened(database_url, body)


def test_many_queries_are_asked_at_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is answered as if it were asked alone, with its own `me`, however many there are."""
    monkeypatch.setattr(queries, "EACH_MOST", 7)

    async def body() -> None:
        told = await tell_stories()
        ids = {name: show_id(prefix, told[name]) for name, prefix in (("agent", "agt"), ("channel", "cha"))}  # type: ignore[arg-type]  # literal prefixes
        conversations = [told[name] for name in ("ana", "ben", "cai")]
        asked = [(read_conversation_query(text.format(**ids)), told["agent"]) for text in CASES]
        asked += [(read_conversation_query("assignee:me"), me) for me in (told["agent"], new_id())]
        each = await find_each_matching(asked, conversations)
        assert each[-2:] == [{told["ana"]}, set()]
        assert each == [await find_matching(query, conversations, me=me) for query, me in asked]
        assert await find_each_matching(asked[:2], []) == [set(), set()]
        assert await find_each_matching([], conversations) == []

    run_opened(database_url, body)


def test_only_those_that_are_asked_about(database_url: str) -> None:
    """What matches is told of the given conversations alone; of none, nothing is told."""

    async def body() -> None:
        told = await tell_stories()
        query = read_conversation_query("is:open")
        assert await find_matching(query, [told["cai"], told["ben"], new_id()]) == {told["cai"]}
        assert await find_matching(query, []) == set()

    run_opened(database_url, body)


def test_me_is_somebody(database_url: str) -> None:
    """A query that speaks of `me` may be kept, but not asked by nobody."""

    async def body() -> None:
        query = read_conversation_query("assignee:me")
        with pytest.raises(Problem) as caught:
            await find_matching(query, [new_id()])
        assert "bound to an agent" in caught.value.detail

    run_opened(database_url, body)


def test_redacted_and_changed_words_are_not_found(database_url: str) -> None:
    """A text that is erased, redacted or rewritten is found by what it says now, whoever changed it."""

    async def body() -> None:
        told = await tell_stories()
        ids = [told["ana"]]

        async def finds(text: str) -> bool:
            return bool(await find_matching(read_conversation_query(text), ids))

        assert await finds("parcel")
        await execute("UPDATE entry SET text = 'The package' WHERE text LIKE '%parcel%'")
        assert not await finds("parcel")
        assert await finds("package")
        await execute("UPDATE entry SET redacted_at = $1 WHERE text = 'The package'", NOW)
        assert not await finds("package")
        await execute("UPDATE entry SET text = '' WHERE type = 'note'")
        assert not await finds("holiday")
        assert await fetch_value("SELECT count(*) FROM entry WHERE type = 'event' AND search IS NOT NULL") == 0

    run_opened(database_url, body)


def test_teams_are_refused_until_there_are_any() -> None:
    """`team:` says that there are no teams; it is not offered among the fields."""
    with pytest.raises(Problem) as caught:
        read_conversation_query("is:open team:billing")
    [error] = caught.value.errors
    assert (error.offset, error.length, error.detail) == (8, 4, "there are no teams yet")
    with pytest.raises(Problem) as caught:
        read_conversation_query("tean:billing")
    assert "team" not in (caught.value.errors[0].allowed or [])


@pytest.mark.parametrize(
    ("text", "offset", "allowed"),
    [
        ("is:late", 3, list(STATES)),
        ("has:cake", 4, list(HOLDINGS)),
        ("channel:fax", 8, ["sms", "voice", "email", "whatsapp", "webchat"]),
        ("channel:cha_1", 8, None),
        ("assignee:agt_x", 9, None),
        ("contact:ctc_", 8, None),
        ("priority:3", 9, ["low", "normal", "high", "urgent"]),
    ],
)
def test_values_there_are_not_are_refused(text: str, offset: int, allowed: list[str] | None) -> None:
    """The refusal points at the value and lists what may stand there."""
    with pytest.raises(Problem) as caught:
        read_conversation_query(text)
    [error] = caught.value.errors
    assert (error.offset, error.allowed) == (offset, allowed)


PIECES = strategies.one_of(
    strategies.text(max_size=10),
    strategies.sampled_from(["order", "(", ")", "OR", "-", '"', "订单", "is:open", "has:note", "tag:late", "%", "'"]),
    strategies.builds("{}:{}".format, strategies.sampled_from([name for name in FIELDS if name] + ["attr.a"]),
                      strategies.text(max_size=10)),
)  # fmt: skip


def expect_refusal(problem: Problem) -> None:
    """The only problem a query may have."""
    assert problem.code == "invalid_query"


def test_whatever_is_asked_is_answered_or_refused(database_url: str) -> None:
    """No text makes the database stumble: it is refused with `invalid_query`, or both ways to ask it agree."""

    async def ask(text: str) -> None:
        try:
            query = read_conversation_query(text)
        except Problem as problem:
            expect_refusal(problem)
            return
        ids: list[UUID] = [row["id"] for row in await fetch("SELECT id FROM conversation")]
        me = new_id()
        assert await find_matching(query, ids, me=me) == set(await look_up(query, me))

    with asyncio.Runner() as runner:
        runner.run(open_database(database_url, size=2))
        runner.run(tell_stories())

        @settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
        @given(strategies.lists(PIECES, max_size=5).map(" ".join))
        def examples(text: str) -> None:
            runner.run(ask(text))

        examples()
        runner.run(close_database())


def test_texts_and_queries_are_cut_alike(database_url: str) -> None:
    """The database cuts a text into the same words as a query of the same text, in any script."""

    async def cut(text: str) -> list[str]:
        rows = await fetch(
            "SELECT lexeme FROM unnest(search_vector($1)) AS found(lexeme, places, weights), unnest(places) AS at "
            "ORDER BY at", text,
        )  # fmt: skip
        return [row["lexeme"] for row in rows]

    # Letters that both sides know: Python's and the database's Unicode differ by some years.
    letters = strategies.characters(exclude_categories=["Cn", "Co", "Cs", "Cc"])
    with asyncio.Runner() as runner:
        runner.run(open_database(database_url, size=2))

        @settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
        @given(strategies.text(letters, max_size=40))
        def examples(text: str) -> None:
            assert runner.run(cut(text)) == [word.spelling for word in cut_words(text)]

        examples()
        assert runner.run(cut("x" * 200 + " y")) == ["x" * 100, "y"]
        runner.run(close_database())


@pytest.mark.parametrize(
    "text", ["é" * 100_001, "字" * 100_001, "ﷺ" * 100_001, "a\u0301b " * 40_000, "a:1'\\b&|!* " * 9000]
)
def test_no_text_is_too_long_or_too_odd_to_be_stored(database_url: str, text: str) -> None:
    """An entry is never refused for its words: beyond a limit they are just not found."""

    async def body() -> None:
        assert await fetch_value("SELECT length(search_vector($1)) >= 1", text)

    run_opened(database_url, body)

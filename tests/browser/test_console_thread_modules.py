"""The console's pure decisions, module by module: what text becomes, how rows group, what a text costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.desk import serve_sources
from tests.browser.stage import BrowserSite

NOON = "2026-11-20T12:{minute:02d}:00.000Z"


@pytest.fixture(scope="module")
def page(browser: Browser, site: BrowserSite) -> Iterator[Page]:
    """A page of the site's origin with the sources at hand."""
    context = browser.new_context(locale="en-GB", timezone_id="Europe/Berlin")
    opened = context.new_page()
    serve_sources(opened, site)
    opened.goto(f"{site.url}/console")
    yield opened
    context.close()


def test_markdown_becomes_a_few_known_elements(page: Page) -> None:
    """Bold, emphasis, code, lists, quotes and links of known schemes; all else stays as it was written."""
    text = (
        "Hi **Ana**, _see_ `x<y` and [us](https://a.example/b) or [them](javascript:alert(1))\n- one\n- two\n> quoted"
    )
    tree = _call(page, "timeline/text.js", "readText", text, "markdown")
    paragraph = tree[0]
    assert [part if isinstance(part, str) else part[0] for part in paragraph[2:]] == [
        "Hi ", "strong", ", ", "em", " ", "code", " and ", "a", " or [them](javascript:alert(1))",
    ]  # fmt: skip
    assert paragraph[9][1]["href"] == "https://a.example/b"
    assert [block[0] for block in tree] == ["p", "ul", "blockquote"]


def test_plain_words_keep_their_marks_and_get_links(page: Page) -> None:
    """Plain text is not Markdown; an address in it is a link without the sentence's own punctuation."""
    tree = _call(
        page, "timeline/text.js", "readText", "**as is** (see https://a.example/x_y). me@shop.example!", "plain"
    )
    links = [part[2] for part in tree[0][2:] if not isinstance(part, str)]
    assert [(link[1]["href"], link[2]) for link in links] == [
        ("https://a.example/x_y", "https://a.example/x_y"),
        ("mailto:me@shop.example", "me@shop.example"),
    ]
    assert tree[0][2] == "**as is** (see "


@pytest.mark.parametrize("evil", ["**a", ">", "*a* ", "[a](", "`", "_a", "~~a ", "a@b", "# "])
def test_no_text_takes_long_to_read(page: Page, *, evil: str) -> None:
    """Twenty thousand characters of unfinished marks are read in a moment: no regular expression runs away."""
    took = page.evaluate(
        """async (evil) => {
          const { readText } = await import('/sources/timeline/text.js');
          const text = evil.repeat(Math.ceil(20000 / evil.length)).slice(0, 20000);
          let least = Infinity;
          for (let turn = 0; turn < 5 && least > 200; turn += 1) {
            const started = performance.now();
            readText(text, 'markdown');
            least = Math.min(least, performance.now() - started);
          }
          return least;
        }""",
        evil,
    )
    assert took < 1500


def test_rows_have_days_groups_and_folded_events(page: Page) -> None:
    """A day begins with its date, a group with its author; events in a row are one; unread is marked once."""
    entries = [
        _entry(1), _entry(2, minute=2), _entry(3, minute=30), _entry(4, kind="event"), _entry(5, kind="event"),
        _entry(6, minute=40, channel="cha_2"), _entry(7, minute=41, direction="outbound", author="agt_1"),
    ]  # fmt: skip
    rows = _call(page, "timeline/rows.js", "buildRows", entries, {"newFrom": 6})
    shown = [(row["kind"], row.get("head"), row.get("tail"), row.get("hop")) for row in rows]
    assert shown == [
        ("day", None, None, None),
        ("entry", True, False, True),
        ("entry", False, True, False),
        ("entry", True, True, False),
        ("events", None, None, None),
        ("new", None, None, None),
        ("entry", True, True, True),
        ("entry", True, True, True),
    ]
    assert len(rows[4]["entries"]) == 2


def test_unread_begins_with_the_first_of_the_last_messages_of_theirs(page: Page) -> None:
    """Two unread of three, with an answer between them, begin at the second of theirs."""
    entries = [_entry(1), _entry(2), _entry(3, direction="outbound"), _entry(4)]
    assert _call(page, "timeline/rows.js", "firstUnread", entries, 2) == 2
    assert _call(page, "timeline/rows.js", "firstUnread", entries, 0) is None


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("a" * 160, ("GSM-7", 1, 0)),
        ("a" * 161, ("GSM-7", 2, 145)),
        ("€" * 80, ("GSM-7", 1, 0)),
        ("ç" * 70, ("UCS-2", 1, 0)),
        ("😀" * 36, ("UCS-2", 2, 62)),
    ],
)
def test_a_text_is_counted_as_networks_do(page: Page, *, text: str, counted: tuple[str, int, int]) -> None:
    """160 of the basic alphabet, 70 of any other; more than one has room for fewer (3GPP TS 23.040)."""
    told = _call(page, "composer/segments.js", "countSegments", text)
    assert (told["encoding"], told["segments"], told["units_left"]) == counted


def test_a_way_is_closed_for_its_own_reasons_only(page: Page) -> None:
    """What is wrong with the words does not close a way; an opt-out does, and another way is begun with."""
    words = {"code": "channel_cannot", "detail": "too long", "pointer": "/parts/0/text"}
    out = {"code": "opted_out", "detail": "opted out", "pointer": None}
    long = {"channel": "sms", "channel_id": "cha_1", "address": "+1", "can_send": False, "reasons": [words]}
    shut = {"channel": "sms", "channel_id": "cha_2", "address": "+1", "can_send": False, "reasons": [out]}
    assert _call(page, "composer/channels.js", "whyClosed", long) == ""
    assert _call(page, "composer/channels.js", "whyNotThese", long) == "too long"
    assert _call(page, "composer/channels.js", "whyClosed", shut) == "opted out"
    assert _call(page, "composer/channels.js", "pickWay", [shut, long], None, None)["channel_id"] == "cha_1"
    assert (
        _call(page, "composer/channels.js", "pickWay", [shut, long], {"channel_id": "cha_2"}, None)["channel_id"]
        == "cha_2"
    )


def test_a_slash_word_is_one_right_before_the_caret(page: Page) -> None:
    """A slash at the start of a word lists replies; one inside an address or a date does not."""
    ask = [("/la", 3, "la"), ("Hi /", 4, ""), ("https://a.example/b", 19, None), ("1/2", 3, None), ("/la te", 6, None)]
    assert [_call(page, "composer/canned.js", "slashWord", text, at) for text, at, _ in ask] == [one[2] for one in ask]


def test_what_was_searched_for_is_told_from_filters(page: Page) -> None:
    """Words and phrases are marked; filters, and what was to be left out, are not."""
    query = 'is:open late "blue mug" -spam tag:vip parcel'
    assert _call(page, "timeline/marks.js", "searchedWords", query) == ["late", "blue mug", "parcel"]


def test_a_subject_is_compared_without_its_marks(page: Page) -> None:
    """Re, Fwd and their like in other languages make no other subject."""
    subjects = ["Re: Order 8841", "AW: WG: order 8841", "RV: Order 8841", "Re[2]: Order 8841", "Order 8841"]
    assert {_call(page, "timeline/message.js", "bareSubject", one) for one in subjects} == {"order 8841"}


def test_choices_of_a_merge_are_told_by_field_and_key(page: Page) -> None:
    """Only what is in conflict is chosen; attributes and external ids by their keys."""
    fields = [
        {"pointer": "/name", "conflict": True}, {"pointer": "/language", "conflict": False},
        {"pointer": "/attributes/plan", "conflict": True}, {"pointer": "/attributes/city", "conflict": True},
    ]  # fmt: skip
    values = {"/name": "from", "/language": "from", "/attributes/plan": "into", "/attributes/city": "from"}
    chosen = {"name": "from", "attributes": {"plan": "into", "city": "from"}}
    assert _call(page, "context/duplicates.js", "choicesOf", fields, values) == chosen


def test_files_that_a_channel_does_not_take_are_told(page: Page) -> None:
    """Too large or of another kind: said before it is sent."""
    limits = {"media_bytes": 5_000_000, "media_types": ["image/png", "audio/"]}
    ask = [("image/png", 10), ("audio/mp4", 10), ("image/png", 6_000_000), ("text/html", 10)]
    told = [_call(page, "composer/files.js", "whyNot", {"type": kind, "size": size}, limits) for kind, size in ask]
    assert [bool(one) for one in told] == [False, False, True, True]


def _entry(
    seq: int, *, minute: int = 0, kind: str = "message", direction: str = "inbound", author: str = "ctc_1",
    channel: str = "cha_1",
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": f"ent_{seq}", "seq": seq, "type": kind, "direction": direction, "author": {"id": author},
        "channel": None if kind == "event" else {"type": "sms", "channel_id": channel},
        "occurred_at": NOON.format(minute=minute),
    }  # fmt: skip


def _call(page: Page, module: str, name: str, *given: Any) -> Any:
    """What a function of a module answers."""
    run = "async ([path, name, given]) => (await import(path))[name](...given)"
    return page.evaluate(run, [f"/sources/{module}", name, list(given)])

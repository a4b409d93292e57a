"""Html parts on their way in, out of the store, and onto a page."""

from __future__ import annotations

from channels.email.html.rules import RULES
from channels.email.html.shown import FRAME_HEADERS, clean_stored, clean_written, name_pictures
from channels.parts import AnyPart, Attachment, Html, Image, Text

PICTURE = Image(attachment=Attachment(id="att_1"))


def test_written_html_is_cleaned_whatever_it_says_of_itself() -> None:
    """Who writes by the API cannot claim to be clean, and shows images of the same message only."""
    parts: list[AnyPart] = [
        Text(text="<b>"),
        Html(
            html="<img src=cid:att_1><img data-attachment=att_2 alt=no><script>x</script>",
            quoted="<p onclick=x>q",
            rules=RULES,
        ),
        PICTURE,
    ]
    text, html, picture = clean_written(parts)
    assert (text, picture) == (parts[0], PICTURE)
    assert html == Html(html='<img data-attachment="att_1"><img alt="no">', quoted="<p>q</p>", rules=RULES)


def test_stored_html_is_cleaned_again_only_by_newer_rules() -> None:
    """A read costs nothing where today's rules made it, and old or unmarked HTML is cleaned before it is shown."""
    today: list[AnyPart] = [Html(html="<p onclick=x>", rules=RULES)]
    assert clean_stored(today) == today
    assert clean_stored([Html(html="<p onclick=x>a")]) == [Html(html="<p>a</p>", rules=RULES)]
    again = clean_stored([Html(html='<img data-attachment="att_1">', rules=RULES - 1), PICTURE])
    assert again[0] == Html(html='<img data-attachment="att_1">', rules=RULES)


def test_pictures_get_the_names_of_their_stored_files() -> None:
    """Only the tag of a picture is rewritten, in all three places, and words that look like it are left alone."""
    words = '<p>say data-attachment="mail:1"</p>'
    html = Html(
        html=f'{words}<img data-attachment="mail:1" alt="a">', quoted='<img data-attachment="mail:2">', signature=None
    )
    named = name_pictures([html], {"mail:1": "att_1", "mail:2": 'a"b'})
    assert named == [
        Html(
            html=f'{words}<img data-attachment="att_1" alt="a">',
            quoted='<img data-attachment="a&quot;b">',
            signature=None,
        )
    ]
    assert name_pictures([html, PICTURE], {}) == [html, PICTURE]


def test_pages_of_mail_may_load_and_run_nothing() -> None:
    """The headers of whatever serves mail HTML: nothing from anywhere, sandboxed, no guess at the type."""
    policy = FRAME_HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert policy.endswith("; sandbox")
    assert "http" not in policy
    assert FRAME_HEADERS["X-Content-Type-Options"] == "nosniff"

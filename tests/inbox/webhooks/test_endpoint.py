"""What an endpoint may ask for, and how its secrets overlap."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inbox.webhooks.endpoint import (
    MAX_SECRETS,
    SigningSecret,
    live_secrets,
    matches_type,
    refuse_headers,
    refuse_types,
    rotate_secrets,
)
from tests.inbox.webhooks.endpoints import NOW

KNOWN = ("message.created", "message.updated", "contact.created")
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("patterns", "wanted"),
    [
        (["message.created"], {"message.created"}),
        (["message.*"], {"message.created", "message.updated"}),
        (["contact.created", "message.updated"], {"contact.created", "message.updated"}),
        (["*"], set(KNOWN)),
    ],
)
def test_a_filter_names_types_groups_or_all(patterns: list[str], wanted: set[str]) -> None:
    """A type is wanted as it is named, by its group, or as one of all."""
    assert {name for name in KNOWN if matches_type(patterns, name)} == wanted


def test_a_filter_that_nothing_will_ever_match_is_refused_where_it_stands() -> None:
    """A misspelt type would be a webhook that never fires."""
    wrong = refuse_types(["message.*", "mesage.created", "contact.", "message.cre*"], KNOWN)
    assert [error.pointer for error in wrong] == ["/types/1", "/types/2", "/types/3"]
    assert refuse_types(["*", "contact.*", "message.updated"], KNOWN) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "x"), ("Webhook-Signature", "x"), ("Host", "x"), ("content-length", "1"), ("Cookie", "a=b"),
        ("a b", "x"), ("X-Ok", "a\r\nInjected: 1"), ("X-Ok", ""), ("X-Ok", "é"), ("X-Ok", "x" * 1001), ("", "x"),
    ],
)  # fmt: skip
def test_headers_of_ours_or_that_break_the_wire_are_refused(name: str, value: str) -> None:
    """Nobody overwrites a signature, frames the request anew, or writes a header within a header."""
    [error] = refuse_headers({"X-Fine": "yes", name: value})
    assert error.pointer == f"/headers/{name}"


def test_a_rotation_leaves_the_old_secret_signing_for_its_time() -> None:
    """The new one comes first; the old ends with the overlap, also when it is rotated again before."""
    once = rotate_secrets([SigningSecret("whsec_1")], "whsec_2", now=NOW, overlap=DAY)
    assert once == (SigningSecret("whsec_2"), SigningSecret("whsec_1", NOW + DAY))
    twice = rotate_secrets(once, "whsec_3", now=NOW + DAY / 2, overlap=DAY)
    assert twice[1:] == (SigningSecret("whsec_2", NOW + DAY * 1.5), SigningSecret("whsec_1", NOW + DAY))
    assert [one.secret for one in live_secrets(twice, NOW + DAY)] == ["whsec_3", "whsec_2"]


def test_without_an_overlap_only_the_new_secret_signs() -> None:
    """A secret that leaked is gone at once."""
    assert rotate_secrets([SigningSecret("whsec_1")], "whsec_2", now=NOW, overlap=timedelta()) == (
        SigningSecret("whsec_2"),
    )


def test_rotating_again_and_again_does_not_pile_secrets_up() -> None:
    """The signature header stays short: the oldest secrets go first."""
    secrets: tuple[SigningSecret, ...] = (SigningSecret("whsec_0"),)
    for number in range(1, 9):
        secrets = rotate_secrets(secrets, f"whsec_{number}", now=NOW, overlap=DAY)
    assert [one.secret for one in secrets] == [f"whsec_{number}" for number in range(8, 8 - MAX_SECRETS, -1)]

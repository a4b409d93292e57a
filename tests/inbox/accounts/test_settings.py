"""Settings of channels: strict on the way in, without secrets on the way out."""

from __future__ import annotations

from typing import Any

import pytest

from inbox.accounts.settings import merge_settings, read_settings, secret_names, settings_schema, show_settings, urls_of
from inbox.kit.errors import Problem
from tests.inbox.accounts.adapters import PigeonSettings

GOOD = {"loft": "north", "token": "t0p", "numbers": ["+12125550100"]}


@pytest.mark.parametrize(
    ("given", "pointer", "code"),
    [
        ({"loft": "north"}, "/settings/token", "required"),
        ({**GOOD, "colour": "grey"}, "/settings/colour", "unknown_field"),
        ({**GOOD, "loft": 7}, "/settings/loft", "invalid"),
        ({**GOOD, "numbers": ["a", 7]}, "/settings/numbers/1", "invalid"),
        ({**GOOD, "loft": "burnt"}, "/settings/loft", "invalid"),
    ],
)
def test_wrong_settings_are_pointed_at(given: dict[str, Any], pointer: str, code: str) -> None:
    """Each mistake is refused with a pointer to the setting, and its value is not repeated."""
    with pytest.raises(Problem) as refused:
        read_settings(given, PigeonSettings)
    assert refused.value.code == "validation_failed"
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(pointer, code)]
    assert "t0p" not in refused.value.detail


def test_secrets_are_never_shown() -> None:
    """Of a secret, be it optional or in a list, only whether it is set can be seen."""
    settings = read_settings({**GOOD, "old_tokens": ["o1d"]}, PigeonSettings)
    shown, secrets = show_settings(settings)
    assert shown == {"loft": "north", "numbers": ["+12125550100"], "api_url": "https://pigeons.example"}
    assert secrets == {"old_tokens": True, "spare_token": False, "token": True}


def test_a_patch_keeps_what_it_leaves_out() -> None:
    """Nobody needs to know a secret to change something beside it; a null goes back to the default."""
    before = PigeonSettings(loft="north", token="t0p", spare_token="x", numbers=["1"])
    merged = merge_settings(before, {"numbers": ["2"], "spare_token": None})
    assert read_settings(merged, PigeonSettings) == PigeonSettings(loft="north", token="t0p", numbers=["2"])
    with pytest.raises(Problem) as refused:
        read_settings(merge_settings(before, {"token": None}), PigeonSettings)
    assert refused.value.errors[0].pointer == "/settings/token"


def test_the_schema_marks_secrets() -> None:
    """Whoever draws the form knows which fields to hide; the schema stands alone."""
    schema = settings_schema(PigeonSettings)
    secret = {name for name, field in schema["properties"].items() if field.get("writeOnly")}
    assert secret == secret_names(PigeonSettings) == {"token", "spare_token", "old_tokens"}
    assert set(schema["required"]) == {"loft", "token"}
    assert schema["additionalProperties"] is False


def test_urls_are_known_by_their_names() -> None:
    """Every setting that we connect to is checked."""
    assert list(urls_of(PigeonSettings(loft="n", token="t"))) == [("api_url", "https://pigeons.example")]

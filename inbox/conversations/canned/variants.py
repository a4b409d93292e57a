"""The texts of one canned reply, and which of them suits a channel and a language. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from inbox.conversations.canned.templates import Format, TemplateInvalid, compile_template

VARIANTS_MAX = 40


class Variant(msgspec.Struct, kw_only=True, frozen=True):
    """One text: for a medium or (None) any, in a language (BCP 47) or (None) whichever."""

    text: str
    channel: str | None = None
    language: str | None = None
    format: Format = "plain"


class VariantProblem(msgspec.Struct, kw_only=True, frozen=True):
    """What is wrong with the variants: where (a JSON pointer below `/variants`), a code, and a sentence."""

    pointer: str
    code: str
    detail: str


def choose_variant(variants: Sequence[Variant], *, channel: str | None, language: str | None) -> Variant:
    """The variant that suits best; `variants` have passed `check_variants`, so there is always one.

    The language weighs more than the channel: exactly this language, then its base (`pt` for `pt-BR`), then another
    region of the same base, then no language; and in each, this channel before any channel. What was written for
    another channel or another language is never taken.
    """
    suited = [one for one in variants if one.channel in (None, channel) and _closeness(one.language, language)]
    return max(suited, key=lambda one: (_closeness(one.language, language), one.channel is not None))


def check_variants(variants: Sequence[Variant]) -> list[VariantProblem]:
    """What keeps these from being saved: a template that is none, two for the same, or no text for everybody else."""
    problems = [problem for at, one in enumerate(variants) for problem in _check_template(at, one)]
    seen: set[tuple[str | None, str]] = set()
    for at, one in enumerate(variants):
        key = (one.channel, (one.language or "").lower())
        if key in seen:
            problems.append(_problem(f"/{at}", "duplicate", "another variant is for the same channel and language"))
        seen.add(key)
    if (None, "") not in seen:
        problems.append(_problem("", "no_default", "one variant has neither channel nor language: it is for the rest"))
    return problems


def _closeness(has: str | None, wanted: str | None) -> int:
    if has is None:
        return 1
    if wanted is None:
        return 0
    ours, theirs = has.lower().replace("_", "-"), wanted.lower().replace("_", "-")
    if ours == theirs:
        return 4
    if ours.partition("-")[0] != theirs.partition("-")[0]:
        return 0
    return 3 if "-" not in ours else 2


def _check_template(at: int, variant: Variant) -> list[VariantProblem]:
    try:
        compile_template(variant.text)
    except TemplateInvalid as error:
        return [_problem(f"/{at}/text", error.code, str(error))]
    return []


def _problem(pointer: str, code: str, detail: str) -> VariantProblem:
    return VariantProblem(pointer=pointer, code=code, detail=detail)

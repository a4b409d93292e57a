"""What mail providers are asked about an account: the key, and whether arriving mail comes to us."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels.contract import AccountReport, Checking
from channels.http import Http
from channels.kit import Answer, SeenRequest, Subject
from channels.kit.provider import Provider, run_with_provider
from channels.kit.subject import NOWHERE, list_secrets
from tests.channels.email.mailgun_subject import MAILGUN
from tests.channels.email.postmark_subject import POSTMARK
from tests.channels.email.sendgrid_subject import SENDGRID

HOOKS = {
    one.samples.name: f"https://switchboard.example/hooks/email-{one.samples.name}/cha_01jd3v5x7r/inbound"
    for one in (SENDGRID, MAILGUN, POSTMARK)
}
SUBJECTS = {one.samples.name: one for one in (SENDGRID, MAILGUN, POSTMARK)}
PATHS = {"sendgrid": "/v3/user/webhooks/parse/settings", "mailgun": "/v3/routes?limit=1000", "postmark": "/server"}


def told(provider: str, url: str, *, raw: bool) -> Any:
    """What the provider says, where it posts mail to this URL."""
    bodies: dict[str, Any] = {
        "sendgrid": {"result": [{"url": "https://elsewhere.example"}, {"url": url, "send_raw": raw}]},
        "mailgun": {"items": [{"actions": ["stop()"]}, {"actions": [f'forward("{url}{"_mime" if raw else ""}")']}]},
        "postmark": {"InboundHookUrl": url, "RawEmailEnabled": raw},
    }
    return bodies[provider]


def examine(subject: Subject, answer: Answer | None) -> tuple[AccountReport, list[SeenRequest]]:
    """What the adapter reports of a provider that answers so."""
    reports: list[AccountReport] = []
    seen: list[SeenRequest] = []

    async def ask(provider: Provider, http: Http) -> None:
        adapter = subject.make(http)
        assert isinstance(adapter, Checking)
        reports.append(await adapter.check_account(subject.account(provider.url)))
        seen.extend(provider.seen)

    run_with_provider(lambda _: answer, ask)
    return reports[0], seen


@pytest.mark.parametrize("provider", list(SUBJECTS))
def test_a_channel_that_is_set_up_is_well(provider: str) -> None:
    """The key is taken and the mail comes to us, also where the URL has a secret; one request is enough."""
    for url in (HOOKS[provider], HOOKS[provider].replace("https://", "https://switchboard:geheim@")):
        body = json.dumps(told(provider, url, raw=True)).encode()
        report, [asked] = examine(SUBJECTS[provider], Answer(body=body))
        assert [check.ok for check in report.checks] == [True, True]
        assert report.checks[1].detail == "is posted to us as it came"
        assert (asked.method, asked.target) == ("GET", PATHS[provider])


@pytest.mark.parametrize("provider", list(SUBJECTS))
def test_what_is_wrong_is_named_with_what_helps(provider: str) -> None:
    """Mail that goes elsewhere, mail that is taken apart, a key that is not taken; and never a secret."""
    subject = SUBJECTS[provider]
    elsewhere = json.dumps(told(provider, HOOKS[provider] + "x", raw=True)).encode()
    apart = json.dumps(told(provider, HOOKS[provider], raw=False)).encode()
    reports = [
        examine(subject, answer)[0]
        for answer in (Answer(body=elsewhere), Answer(body=apart), Answer(status=401), Answer(body=b"<html>"), None)
    ]
    assert [[check.ok for check in report.checks] for report in reports] == [
        [True, False], [True, True], [False], [True, False], [False],
    ]  # fmt: skip
    assert HOOKS[provider] in str(reports[0].checks[1].fix)
    assert reports[1].checks[1].fix
    secrets = list_secrets(subject.account(NOWHERE).settings)
    assert not [secret for secret in secrets if secret in repr(reports)]
    assert examine(subject, Answer(status=403))[0].checks[0].ok, "a key with few rights is a good one"

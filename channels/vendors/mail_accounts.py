"""What mail providers say of an account: are the credentials good, and does what arrives there come to us?

https://www.twilio.com/docs/sendgrid/api-reference/settings-inbound-parse,
https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/routes and
https://postmarkapp.com/developer/api/server-api. Reading changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import msgspec

from channels.contract import AccountCheck, AccountReport
from channels.errors import SendFailed
from channels.http import Http, Response

MAX_ROUTES = 1_000
"""How many routes of a Mailgun account are looked at: as many as it gives at once."""

_USER = re.compile(r"(?<=://)[^/@]*@")
_FORWARD = re.compile(r"forward\(\s*[\"']([^\"']{1,2000})")


class Target(msgspec.Struct, frozen=True):
    """Where a provider posts mail; whether it posts it as it came."""

    url: str
    raw: bool


class ParseSetting(msgspec.Struct):
    """A host of SendGrid's Inbound Parse."""

    url: str = ""
    send_raw: bool = False


class ParseSettings(msgspec.Struct):
    """All of them."""

    result: list[ParseSetting] = []


class Server(msgspec.Struct, rename="pascal"):
    """A server at Postmark."""

    inbound_hook_url: str = ""
    raw_email_enabled: bool = False


class Route(msgspec.Struct):
    """A route at Mailgun, with what it does to a mail."""

    actions: list[str] = []


class Routes(msgspec.Struct):
    """All of them."""

    items: list[Route] = []


async def examine_sendgrid(http: Http, *, api_url: str, api_key: str, hook: str) -> AccountReport:
    """The key, and whether Inbound Parse posts to `hook`."""
    url = f"{api_url.rstrip('/')}/v3/user/webhooks/parse/settings"
    headers = {"authorization": f"Bearer {api_key}"}
    return await _examine(http, url, hook=hook, read=_read_parse_settings, headers=headers, auth=None)


async def examine_postmark(http: Http, *, api_url: str, server_token: str, hook: str) -> AccountReport:
    """The token, and whether the server posts to `hook`."""
    headers = {"x-postmark-server-token": server_token, "accept": "application/json"}
    return await _examine(
        http, f"{api_url.rstrip('/')}/server", hook=hook, read=_read_server, headers=headers, auth=None
    )


async def examine_mailgun(http: Http, *, api_url: str, api_key: str, hook: str) -> AccountReport:
    """The key, and whether a route forwards to `hook`; the URL for raw mails begins with that for others."""
    url = f"{api_url.rstrip('/')}/v3/routes?limit={MAX_ROUTES}"
    return await _examine(http, url, hook=hook, read=_read_routes, headers={}, auth=("api", api_key))


def judge_targets(targets: Iterable[Target], *, hook: str) -> AccountCheck:
    """Whether one of these is ours; a secret in a URL is neither compared nor shown."""
    ours = [target for target in targets if _USER.sub("", target.url).partition("?")[0] == hook]
    if not ours:
        return AccountCheck(
            title="arriving mail", ok=False, detail="is not posted to us", fix=f"enter {hook} as the set-up steps say"
        )
    if not any(target.raw for target in ours):
        fix = "have the whole mail posted, as the set-up steps say: what is taken apart has lost its signatures"
        return AccountCheck(title="arriving mail", ok=True, detail="is posted to us taken apart", fix=fix)
    return AccountCheck(title="arriving mail", ok=True, detail="is posted to us as it came")


async def _examine(
    http: Http,
    url: str,
    *,
    hook: str,
    read: Callable[[bytes], list[Target]],
    headers: Mapping[str, str],
    auth: tuple[str, str] | None,
) -> AccountReport:
    try:
        answer = await http.request("GET", url, headers=headers, auth=auth)
    except SendFailed as failed:
        return AccountReport(checks=[AccountCheck(title="account", ok=False, detail=failed.reason, fix=failed.fix)])
    account = _judge_account(answer)
    if answer.status != 200:
        return AccountReport(checks=[account])
    try:
        targets = read(answer.body)
    except (msgspec.DecodeError, ValueError):
        detail = "the provider's answer cannot be read"
        return AccountReport(checks=[account, AccountCheck(title="arriving mail", ok=False, detail=detail)])
    return AccountReport(checks=[account, judge_targets(targets, hook=hook)])


def _judge_account(answer: Response) -> AccountCheck:
    if answer.status == 200:
        return AccountCheck(title="account", ok=True, detail="the provider accepts the key")
    if answer.status == 403:
        detail = "the key is known, and may not be asked where arriving mail is posted"
        return AccountCheck(title="account", ok=True, detail=detail)
    fix = "check the key; one that may only send cannot be checked" if answer.status == 401 else "try again later"
    return AccountCheck(title="account", ok=False, detail=f"the provider answered {answer.status}", fix=fix)


def _read_parse_settings(body: bytes) -> list[Target]:
    return [Target(one.url, one.send_raw) for one in msgspec.json.decode(body, type=ParseSettings).result]


def _read_server(body: bytes) -> list[Target]:
    server = msgspec.json.decode(body, type=Server)
    return [Target(server.inbound_hook_url, server.raw_email_enabled)]


def _read_routes(body: bytes) -> list[Target]:
    """Mailgun posts the raw mail where the URL ends with "mime"; to us it is one target either way."""
    actions = [action for route in msgspec.json.decode(body, type=Routes).items for action in route.actions]
    urls = [found[1] for action in actions if (found := _FORWARD.match(action))]
    return [Target(url.removesuffix("_mime"), url.endswith("mime")) for url in urls]

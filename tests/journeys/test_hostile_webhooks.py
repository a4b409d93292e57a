"""Webhooks nobody of ours sent, or that are not what they should be (security.md T3-T8, T10, T21, T47)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote, urlencode

import asyncpg
import httpx

from channels.signatures import sign_content
from tests.bench.load import inbound_fields
from tests.journeys.gateway import ACCOUNT, NUMBER, TOKEN, Journey, eventually, open_journey

ANA = "+34600111222"


def test_what_twilio_did_not_sign_is_refused_and_leaves_no_row(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """No header, an empty one, a wrong one, two, one made for another URL or token: 403, and nothing is journaled."""

    async def walk(journey: Journey) -> None:
        path, fields = _path(journey), _fields("SM" + "1" * 32)
        right = _sign(journey.url + path, fields)
        for signature in ("", "AAAA", right[:-3] + "AA=", right + ", " + right, "ä", right.lower()):
            assert (await _post(journey, path, fields, signature=signature)).status_code == 403
        assert (await _post(journey, path, fields, signature=None)).status_code == 403
        elsewhere = _sign("https://evil.example" + path, fields)
        headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Host": "evil.example"}
        assert (await _post(journey, path, fields, signature=elsewhere, headers=headers)).status_code == 403
        stranger = _sign(journey.url + path, fields, token="8" * 32)
        answer = await _post(journey, path, fields, signature=stranger)
        assert answer.status_code == 403
        assert right not in answer.text, "an answer never tells the right signature"
        assert await _journaled(database_url) == 0

    _run(walk, database_url, redis_url, tmp_path)


def test_another_accounts_events_are_refused(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A signature that verifies does not vouch for another account's AccountSid (T10)."""

    async def walk(journey: Journey) -> None:
        fields = _fields("SM" + "2" * 32) | {"AccountSid": "AC" + "4" * 32}
        path = _path(journey)
        answer = await _post(journey, path, fields, signature=_sign(journey.url + path, fields))
        assert answer.status_code == 403
        assert await _journaled(database_url) == 0

    _run(walk, database_url, redis_url, tmp_path)


def test_unknown_channels_kinds_and_methods_are_not_found(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A path that names nothing of ours is 404 or 405, whatever is sent to it."""

    async def walk(journey: Journey) -> None:
        paths = ["/hooks/", "/hooks/sms-twilio", "/hooks/sms-twilio/cha_x/message", f"{_path(journey)}/more",
                 _path(journey).replace("message", "voice"), _path(journey).replace("sms-twilio", "email-imap"),
                 "/hooks/sms-twilio/cha_" + "0" * 32 + "/message", "/hooks/%00/%ff/%c0"]  # fmt: skip
        for path in paths:
            assert (await journey.client.post(path, content=b"x")).status_code == 404, path
        assert (await journey.client.delete(_path(journey))).status_code == 405

    _run(walk, database_url, redis_url, tmp_path)


def test_enormous_and_encoded_bodies_are_refused(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """More than a megabyte is 413 before it is all read, also when its length is not announced; gzip is 415 (T21)."""

    async def walk(journey: Journey) -> None:
        path = _path(journey)
        assert (await journey.client.post(path, content=b"a" * 1_100_000)).status_code == 413

        async def endless() -> object:
            for _ in range(40):
                yield b"a" * 50_000

        assert (await journey.client.post(path, content=endless())).status_code == 413  # type: ignore[arg-type]  # an async iterator
        packed = await journey.client.post(path, content=b"x", headers={"Content-Encoding": "gzip"})
        assert packed.status_code == 415

    _run(walk, database_url, redis_url, tmp_path)


def test_signed_but_malformed_events_are_kept_aside(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """What is Twilio's but not what it documents is answered 200, quarantined, and delays nobody (T5, T47)."""

    async def walk(journey: Journey) -> None:
        path = _path(journey)
        strange: list[dict[str, str]] = [
            {"AccountSid": ACCOUNT},
            {"AccountSid": ACCOUNT, "MessageSid": "", "From": "", "To": ""},
            {
                "AccountSid": ACCOUNT,
                "MessageSid": "SM1",
                "From": ANA,
                "To": "+19995550000",
                "Body": "for nobody of ours",
            },
        ]
        for fields in strange:
            assert (await _post(journey, path, fields, signature=_sign(journey.url + path, fields))).status_code == 200
        await journey.twilio.text_in(ANA, "Hello")
        conversation = await journey.conversation_with(ANA)
        assert [entry["text"] for entry in await journey.entries(conversation["id"])] == ["Hello"]
        assert await _quarantined(database_url) == len(strange)

    _run(walk, database_url, redis_url, tmp_path)


def test_text_the_database_cannot_hold_is_stored_readable(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """NUL, invalid UTF-8, lone surrogates and controls become readable text; the raw request is kept (T47)."""

    async def walk(journey: Journey) -> None:
        path = _path(journey)
        bodies = [b"a%00b", b"%ff%fe", b"%ed%a0%80", b"%F0%9F%98%80", b"%C2%85%E2%80%AE", b"%", b"+" * 10]
        for number, body in enumerate(bodies):
            fields = _fields(f"SM{number:032x}")
            form = urlencode({name: value for name, value in fields.items() if name != "Body"}) + "&Body="
            await _post_raw(journey, path, form.encode() + body)
        conversation = await journey.conversation_with(ANA)
        entries = await journey.entries(conversation["id"], at_least=len(bodies))
        assert "\0" not in "".join(entry["text"] for entry in entries)
        assert entries[3]["text"] == "😀"
        raw = await journey.get(f"/v1/messages/{entries[0]['id']}/raw")
        assert "a%00b" in raw["body"]
        assert await _quarantined(database_url) == 0

    _run(walk, database_url, redis_url, tmp_path)


def test_a_webhook_resent_is_answered_and_changes_nothing(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Twilio's retry of what we have is 200 and no second entry (T8)."""

    async def walk(journey: Journey) -> None:
        path, fields = _path(journey), _fields("SM" + "5" * 32)
        for _ in range(3):
            answer = await _post(journey, path, fields, signature=_sign(journey.url + path, fields))
            assert answer.status_code == 200
        conversation = await journey.conversation_with(ANA)
        await asyncio.sleep(0.5)
        assert len(await journey.entries(conversation["id"])) == 1

    _run(walk, database_url, redis_url, tmp_path)


def test_json_that_the_database_or_the_parser_rejects_is_no_server_error(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """NUL, lone surrogates, NaN, depth and duplicate keys in an API body are refused or stored, never 500."""

    async def walk(journey: Journey) -> None:
        bodies = [
            b'{"name":"a\\u0000"}',
            b'{"name":"\\ud800"}',
            b'{"name":NaN}',
            b"[" * 100_000,
            b'{"name":"a","name":"b"}',
            b'{"name":"\xff"}',
            b"",
            b"null",
            b'{"id":"ctc_1","created_at":"2020-01-01","version":9}',
        ]
        for body in bodies:
            headers = {"Content-Type": "application/json"}
            answer = await journey.client.post("/v1/contacts", content=body, headers=headers)
            assert answer.status_code in {201, 400, 422}, (body[:50], answer.text)

    _run(walk, database_url, redis_url, tmp_path)


def _run(walk: Callable[[Journey], Awaitable[None]], database_url: str, redis_url: str, folder: Path) -> None:
    async def open_and_walk() -> None:
        async with open_journey(database_url, redis_url, folder) as journey:
            await walk(journey)

    asyncio.run(open_and_walk())


def _path(journey: Journey) -> str:
    return f"/hooks/sms-twilio/{journey.channel_id}/message"


def _fields(sid: str) -> dict[str, str]:
    return inbound_fields(sid=sid, sender=ANA) | {"AccountSid": ACCOUNT, "To": NUMBER}


def _sign(url: str, fields: dict[str, str], *, token: str = TOKEN) -> str:
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    return sign_content(signed.encode(), key=token.encode(), digest="sha1", encoding="base64")


async def _post(
    journey: Journey,
    path: str,
    fields: dict[str, str],
    *,
    signature: str | None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    if signature is not None:
        sent["X-Twilio-Signature"] = signature
    raw = [(name.encode(), value.encode("utf-8")) for name, value in sent.items()]
    return await journey.client.post(path, content=urlencode(fields), headers=raw)


async def _post_raw(journey: Journey, path: str, form: bytes) -> None:
    """A body that no form library would make, signed the way Twilio signs what it decodes to."""
    pairs = [pair.partition(b"=") for pair in form.split(b"&")]
    decoded = sorted((_decode(name), _decode(value)) for name, _, value in pairs)
    signed = (journey.url + path).encode() + b"".join(name + value for name, value in decoded)
    signature = sign_content(signed, key=TOKEN.encode(), digest="sha1", encoding="base64")
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    answer = await journey.client.post(path, content=form, headers=headers)
    assert answer.status_code == 200, (form[-20:], quote(signature))


def _decode(text: bytes) -> bytes:
    """Percent and plus decoded; bytes that are no UTF-8 replaced, as both sides do before they sign."""
    parts = text.replace(b"+", b" ").split(b"%")
    out = parts[0]
    for part in parts[1:]:
        try:
            out += bytes([int(part[:2], 16)]) + part[2:]
        except ValueError:
            out += b"%" + part
    return out.decode("utf-8", "replace").encode()


async def _journaled(database_url: str) -> int:
    return await _count(database_url, "SELECT count(*) FROM raw_event")


async def _quarantined(database_url: str) -> int:
    async def settled() -> object:
        waiting = await _count(
            database_url,
            "SELECT count(*) FROM lane l JOIN raw_event r ON r.channel_id = l.channel_id AND r.id > l.projected_id",
        )
        return waiting == 0

    await eventually(settled)
    return await _count(database_url, "SELECT count(*) FROM quarantine")


async def _count(database_url: str, sql: str) -> int:
    connection = await asyncpg.connect(database_url)
    try:
        return int(await connection.fetchval(sql))
    finally:
        await connection.close()

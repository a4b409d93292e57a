"""Mail: how many a second are stored, parsed and threaded, beside what the standard library takes to parse them.

`python -m tests.bench.mail [--turns 3] [--mails 600]` prints one JSON line. Rates are mails a second until the last is
in its conversation, medians over interleaved turns in one run: `postmark_1` and `postmark_16` by Postmark's webhook
with the raw mail, from one sender and from sixteen at once; `smtp_1` and `smtp_16` by SMTP to `switchboard smtpd`.
`floor` is `email.message_from_bytes(policy=default)` with every part decoded and the eight headers read that a thread
needs, on one core and nothing else. `ratio` is the least of ours with sixteen senders by the floor. One gateway process
with its worker, the private Postgres; requests are made ready beforehand, since who sends shares the cores.
"""

from __future__ import annotations

import argparse
import asyncio
import email
import email.policy
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from gateway.embedded import open_embedded
from tests.bench.inbound import (
    WAITING,
    running,
    serving,
    switchboard,
    switchboard_environment,
)
from tests.bench.letters import SHOP, write_letters
from tests.ports import free_ports

SECRET = "a-secret-of-the-hook-0123456789"
SETTLE_SECONDS = 120.0
FLOOR_MAILS = 300
SENDER, RECIPIENT = b"MAIL FROM:<a@customers.example>\r\n", f"RCPT TO:<smtp-{SHOP}>\r\n".encode()
READ = ("from", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references")
STORED = "SELECT count(*) FROM entry WHERE type = 'message'"
LATE = "SELECT EXISTS (SELECT FROM quarantine WHERE code = 'parse_slow' AND resolved_at IS NULL)"


class Ours:
    """The gateway under test."""

    def __init__(self, *, port: int, hook: str, smtp_port: int, counter: Any) -> None:
        self.port = port
        self.hook = hook
        self.smtp_port = smtp_port
        self.counter = counter
        self.seeds = count(1)

    async def stored(self) -> int:
        """How many mails are in conversations."""
        return int(await self.counter.fetchval(STORED))


async def measure(*, turns: int, mails: int, work: Path) -> dict[str, Any]:
    """Start everything, take the turns, and reckon up."""
    embedded = await open_embedded(work / "servers")
    with ExitStack() as stack:
        try:
            database, redis = str(embedded.database_url), str(embedded.redis_url)
            port, smtp_port = free_ports(2)
            stack.enter_context(serving(database, redis, port=port, data=work / "data"))
            environment = switchboard_environment(database, redis, port=port, data=work / "data")
            arguments = ["smtpd", "--port", str(smtp_port)]
            stack.enter_context(running("gateway", *arguments, environment=environment))
            ours = await connect(environment, database, port=port, smtp_port=smtp_port)
            results = [await take_turn(ours, number, mails=mails) for number in range(turns)]
        finally:
            stack.close()
            await embedded.close()
    medians = {name: round(statistics.median(turn[name] for turn in results), 1) for name in results[0]}
    ratio = min(medians["postmark_16"], medians["smtp_16"]) / medians["floor"]
    return medians | {"ratio": round(ratio, 3), "turns": turns}


async def connect(environment: dict[str, str], database: str, *, port: int, smtp_port: int) -> Ours:
    """Give the gateway its two channels, and hold a client with a key."""
    key = json.loads(switchboard("keys", "create", "bench", "--scope", "admin", "--json", environment=environment))
    headers = {"Authorization": f"Bearer {key['secret']}"}
    postmark = {"address": SHOP, "server_token": "t" * 36, "hook_secret": SECRET}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
        await _add(client, "email-smtp", {"address": f"smtp-{SHOP}", "smtp_host": "mail.invalid"})
        channel = await _add(client, "email-postmark", postmark)
    hook = f"/hooks/email-postmark/{channel}/inbound?key={SECRET}"
    return Ours(port=port, hook=hook, smtp_port=smtp_port, counter=await asyncpg.connect(database))


async def _add(client: httpx.AsyncClient, adapter: str, settings: dict[str, Any]) -> str:
    answer = await client.post("/v1/channels", json={"adapter": adapter, "name": adapter, "settings": settings})
    answer.raise_for_status()
    return str(answer.json()["id"])


async def take_turn(ours: Ours, number: int, *, mails: int) -> dict[str, float]:
    """Each way with one sender and with sixteen, and the floor, in an order that changes from turn to turn."""
    runs: dict[str, Callable[[], Awaitable[float]]] = {
        "floor": lambda: parse_alone(FLOOR_MAILS),
        "postmark_1": lambda: send_all(ours, post_mail, mails=mails // 4, senders=1),
        "postmark_16": lambda: send_all(ours, post_mail, mails=mails, senders=16),
        "smtp_1": lambda: send_all(ours, mail_by_smtp, mails=mails // 4, senders=1),
        "smtp_16": lambda: send_all(ours, mail_by_smtp, mails=mails, senders=16),
    }
    names = list(runs)
    at = number % len(names)
    turn = {}
    for name in names[at:] + names[:at]:
        turn[name] = await runs[name]()
        print(f"turn {number}: {name} {turn[name]:.0f}/s", file=sys.stderr)  # noqa: T201 (progress, beside the one line)
    return turn


async def parse_alone(amount: int) -> float:
    """The standard library, parsing and decoding."""
    letters = list(write_letters(amount, seed=0))
    began = time.perf_counter()
    for letter in letters:
        mail = email.message_from_bytes(letter, policy=email.policy.default)
        for name in READ:
            str(mail[name])
        for part in mail.walk():
            if not part.is_multipart():
                part.get_content()
    return amount / (time.perf_counter() - began)


async def send_all(
    ours: Ours, send: Callable[[Ours, Sequence[bytes]], Awaitable[None]], *, mails: int, senders: int
) -> float:
    """Mails a second from the first sent to the last in its conversation; all of them are, each once."""
    before = await ours.stored()
    letters = list(write_letters(mails, seed=next(ours.seeds)))
    letters = [posted(ours, letter) if send is post_mail else mailed(letter) for letter in letters]
    began = time.perf_counter()
    await asyncio.gather(*(send(ours, letters[first::senders]) for first in range(senders)))
    async with asyncio.timeout(SETTLE_SECONDS):
        while await ours.counter.fetchval(WAITING) or await ours.counter.fetchval(LATE):  # noqa: ASYNC110 (another process's)
            await asyncio.sleep(0.02)
    took = time.perf_counter() - began
    stored = await ours.stored() - before
    if stored != mails:
        raise RuntimeError(f"{stored} of {mails} mails are in conversations")
    return mails / took


async def post_mail(ours: Ours, letters: Sequence[bytes]) -> None:
    """As Postmark does, with the raw mail in it, over one connection for all."""
    reader, writer = await asyncio.open_connection("127.0.0.1", ours.port)
    for request in letters:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the gateway answered {head[:40]!r}")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(None, 1)[0]))
    writer.close()


def posted(ours: Ours, letter: bytes) -> bytes:
    """The request that carries a mail."""
    body = json.dumps({"MessageID": f"{hash(letter):x}", "RawEmail": letter.decode("latin-1")}).encode()
    head = f"POST {ours.hook} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def mail_by_smtp(ours: Ours, letters: Sequence[bytes]) -> None:
    """As a mail server does, one connection for all."""
    reader, writer = await asyncio.open_connection("127.0.0.1", ours.smtp_port)
    await _answered(reader, b"220")
    writer.write(b"EHLO mx.customers.example\r\n")
    await _answered(reader, b"250")
    for letter in letters:
        for line, code in ((SENDER, b"250"), (RECIPIENT, b"250"), (b"DATA\r\n", b"354"), (letter, b"250")):
            writer.write(line)
            await _answered(reader, code)
    writer.close()


def mailed(letter: bytes) -> bytes:
    """What follows DATA (RFC 5321 4.5.2)."""
    return letter.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n"


async def _answered(reader: asyncio.StreamReader, code: bytes) -> None:
    line = b"-" * 4
    while line[3:4] == b"-":
        line = await reader.readline()
        if not line.startswith(code):
            raise RuntimeError(f"the gateway answered {line[:80]!r}")


def main() -> None:
    """Measure, and print the one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--mails", type=int, default=600)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="switchboard-bench-") as folder:
        Path(folder).chmod(0o755)
        result = asyncio.run(measure(turns=options.turns, mails=options.mails, work=Path(folder)))
    print(json.dumps(result))  # noqa: T201 (the result)


if __name__ == "__main__":
    main()

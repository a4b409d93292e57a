"""A browser that wants to be told, and the push service it chose: it really decrypts, and checks who told it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import http_ece
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from channels.http import Http
from gateway.widget.webpush import show_encoded
from inbox.visitors.push.subscription import read_encoded
from tests.channels.email.sending.servers import secured
from tests.channels.local_server import LOOPBACK, Answer, Peer, serve
from tests.journeys.gateway import Journey
from tests.mail.certificates import Certificate

CREATED = b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"
GONE = b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"
SLOW = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"


class PushBrowser:
    """The keys of one subscription."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.endpoint = f"https://127.0.0.1:{peer.port}/push/{os.urandom(8).hex()}"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._secret = os.urandom(16)

    def subscription(self) -> dict[str, Any]:
        """As `PushSubscription.toJSON()` gives it."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": show_encoded(point), "auth": show_encoded(self._secret)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def notices(self, public_key: str) -> list[Any]:
        """What it was told, decrypted; an error where it was not told by the holder of this key."""
        return [self._read(request, public_key) for request in self.peer.requests]

    def _read(self, request: bytes, public_key: str) -> Any:
        head, _, body = request.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:])
        assert headers["content-encoding"] == "aes128gcm"
        assert int(headers["ttl"]) > 0
        line = next(line for line in head.decode().split("\r\n") if line.lower().startswith("authorization:"))
        token, _, key = line.partition("vapid t=")[2].partition(", k=")
        assert key == public_key
        claims = jwt.decode(token, _verifying(public_key)).claims
        assert claims["aud"] == f"https://127.0.0.1:{self.peer.port}"
        plain = http_ece.decrypt(body, private_key=self._key, auth_secret=self._secret, version="aes128gcm")
        return msgspec.json.decode(plain)


@asynccontextmanager
async def open_push_service(journey: Journey, folder: Path, *answers: Answer) -> AsyncIterator[PushBrowser]:
    """A push service on this machine, which the gateway believes."""
    context, pem = secured(folder)
    before = journey.runtime.http
    journey.runtime.http = Http(tls=Certificate(pem).client_context(), allow=LOOPBACK)
    try:
        async with serve(*(answers or [CREATED]), tls=context) as peer:
            yield PushBrowser(peer)
    finally:
        await journey.runtime.http.aclose()
        journey.runtime.http = before


def _verifying(public_key: str) -> ECKey:
    point = read_encoded(public_key)
    assert point is not None
    return ECKey.import_key(
        {"kty": "EC", "crv": "P-256", "x": show_encoded(point[1:33]), "y": show_encoded(point[33:])}
    )

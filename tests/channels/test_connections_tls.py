"""What TLS proves on a pinned connection."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from channels import connections
from channels.errors import OutcomeUnknown, Unreachable
from tests.channels.local_server import OK, answering, client, serve


def make_certificate(folder: Path, *names: str) -> Path:
    """A self-signed certificate for these names and its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return pem


def serving_tls(pem: Path, asked: list[str | None]) -> ssl.SSLContext:
    """A server's side with this certificate, that notes which host it was asked for."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    context.sni_callback = lambda _connection, name, _context: asked.append(name)
    return context


def test_tls_names_and_verifies_the_host_though_the_connection_is_pinned(tmp_path: Path) -> None:
    """The certificate is the host's, not the address's: the right name is answered, another one is not."""
    pem = make_certificate(tmp_path, "api.example")
    asked: list[str | None] = []

    async def scenario() -> None:
        trusting = ssl.create_default_context(cafile=pem)
        async with serve(tls=serving_tls(pem, asked)) as peer:
            async with client(resolve=answering(["127.0.0.1"]), tls=trusting) as http:
                for _ in range(2):
                    assert (await http.request("POST", f"https://api.example:{peer.port}/", content=b"x")).body == b"ok"
                with pytest.raises(Unreachable, match="certificate"):
                    await http.request("POST", f"https://other.example:{peer.port}/", content=b"x")
            assert asked == ["api.example", "other.example"]
            assert len(peer.requests) == 2

    asyncio.run(scenario())


def test_tls_that_breaks_under_the_answer_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    """The request was handed over; what comes back cannot be trusted, nor read."""
    pem = make_certificate(tmp_path, "api.example")

    async def speak_plainly(writer: asyncio.StreamWriter) -> None:
        with writer.get_extra_info("socket").dup() as wire:
            wire.send(OK)

    async def scenario() -> None:
        trusting = ssl.create_default_context(cafile=pem)
        resolve = answering(["127.0.0.1"])
        async with (
            serve(speak_plainly, tls=serving_tls(pem, [])) as peer,
            client(resolve=resolve, tls=trusting) as http,
        ):
            with pytest.raises(OutcomeUnknown) as caught:
                await http.request("POST", f"https://api.example:{peer.port}/", content=b"x")
            assert caught.value.code == "unreachable"

    asyncio.run(scenario())


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    """Verification is on by default; the error says what is wrong, and nothing was sent."""
    pem = make_certificate(tmp_path, "api.example")

    async def scenario() -> None:
        async with serve(tls=serving_tls(pem, [])) as peer, client(resolve=answering(["127.0.0.1"])) as http:
            with pytest.raises(Unreachable, match="certificate of the host was not accepted: self-signed"):
                await http.request("POST", f"https://api.example:{peer.port}/", content=b"x")
            assert peer.requests == []

    asyncio.run(scenario())


@pytest.mark.parametrize("words", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_a_server_without_tls_is_unreachable_by_https(monkeypatch: pytest.MonkeyPatch, words: bytes) -> None:
    """Neither an answer in plain text nor silence makes a TLS connection, and the connection is given up."""
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 0.2)

    async def scenario() -> None:
        ended = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(words)
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.transport.abort()
            ended.set()

        async with await asyncio.start_server(talk, "127.0.0.1", 0) as server, client() as http:
            port = server.sockets[0].getsockname()[1]
            async with asyncio.timeout(30):
                with pytest.raises(Unreachable):
                    await http.request("GET", f"https://127.0.0.1:{port}/", timeout=60)
            await asyncio.wait_for(ended.wait(), 30)

    asyncio.run(scenario())

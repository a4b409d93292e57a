"""What a file is: by its bytes, not by what is said of it (security.md T25, T26, T29)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.attachments.sniffing import PASSIVE, UNKNOWN, image_size, sniff_media_type
from tests.inbox.attachments import pictures

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("head", "claimed", "media_type"),
    [
        (pictures.png(1, 1), None, "image/png"),
        (pictures.png(1, 1), "text/html", "image/png"),
        (pictures.jpeg(1, 1), "image/jpg", "image/jpeg"),
        (pictures.gif(1, 1), None, "image/gif"),
        (pictures.webp(1, 1, "VP8L"), None, "image/webp"),
        (pictures.bmp(1, 1), "image/bmp", "image/bmp"),
        (pictures.MP4, None, "video/mp4"),
        (pictures.MP4, "audio/mp4", "audio/mp4"),
        (pictures.THREE_GP, "audio/3gpp", "audio/3gpp"),
        (pictures.AMR, None, "audio/amr"),
        (pictures.OGG, "audio/ogg; codecs=opus", "audio/ogg"),
        (pictures.MP3, "audio/mp3", "audio/mpeg"),
        (pictures.PDF, None, "application/pdf"),
        (pictures.ZIP, None, "application/zip"),
        (pictures.ZIP, DOCX, DOCX),
        (pictures.VCARD, "text/x-vcard", "text/vcard"),
        (b"a;b\r\n1;2\r\n", "text/csv", "text/csv"),
        ("Grüße".encode(), "text/plain; charset=utf-8", "text/plain"),
    ],
)
def test_files_are_known_by_their_bytes(head: bytes, claimed: str | None, media_type: str) -> None:
    """The bytes decide; what the sender says only where the bytes allow it."""
    assert sniff_media_type(head, claimed=claimed) == media_type


@pytest.mark.parametrize("head", [pictures.HTML, pictures.SVG, pictures.XML, pictures.EXE, b"\0\x01\x02", b"", b"BM\0"])
@pytest.mark.parametrize("claimed", [None, "image/png", "text/html", "image/svg+xml", "text/plain", "application/pdf"])
def test_what_runs_or_lies_is_plain_bytes(head: bytes, claimed: str | None) -> None:
    """HTML, SVG, XML and programs are octet-stream whatever they are called, and so is what nothing speaks for."""
    assert sniff_media_type(head, claimed=claimed) == UNKNOWN


@given(st.binary(max_size=200), st.sampled_from([None, "text/plain", "image/png", "text/html"]))
def test_only_passive_types_are_named(head: bytes, claimed: str | None) -> None:
    """No bytes and no claim give a type that a browser would run."""
    assert sniff_media_type(head, claimed=claimed) in PASSIVE | {UNKNOWN}


@pytest.mark.parametrize(
    "head",
    [
        pictures.png(1280, 960),
        pictures.gif(1280, 960),
        pictures.bmp(1280, 960),
        pictures.jpeg(1280, 960),
        pictures.jpeg(1280, 960, exif_bytes=60_000),
        pictures.webp(1280, 960, "VP8 "),
        pictures.webp(1280, 960, "VP8L"),
        pictures.webp(1280, 960, "VP8X"),
    ],
)
def test_the_size_of_a_picture_is_read_without_decoding(head: bytes) -> None:
    """Frontends can leave room for a picture before it is there; a bomb of a picture costs nothing."""
    assert image_size(head) == (1280, 960)
    assert image_size(head[:8]) is None


@given(
    st.binary(max_size=100), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF....WEBPVP8L", b"BM"])
)
def test_damaged_pictures_do_no_harm(rest: bytes, head: bytes) -> None:
    """Whatever follows a picture's signature, the answer is a size or none."""
    size = image_size(head + rest)
    assert size is None or (size[0] >= 0 and size[1] >= 0)

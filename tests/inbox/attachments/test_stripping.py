"""Photos go out without what they say beside the picture, and the picture stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.attachments.sniffing import image_size, sniff_media_type
from inbox.attachments.stripping import STRIPPERS, strip_notes
from tests.inbox.attachments.photos import COMMENT, JPEG, MAKER, PNG, WEBP

ON_ITS_SIDE = bytes.fromhex("0112000300000001 00060000".replace(" ", ""))
PHOTOS = [(JPEG, "image/jpeg"), (PNG, "image/png"), (WEBP, "image/webp")]


@pytest.mark.parametrize(("photo", "media_type"), PHOTOS)
def test_notes_are_left_out(photo: bytes, media_type: str) -> None:
    """Neither maker nor place nor comment, and still a picture of its size; once more changes nothing."""
    assert MAKER in photo
    stripped = strip_notes(photo, media_type)
    assert MAKER not in stripped
    assert COMMENT not in stripped
    assert sniff_media_type(stripped, claimed=media_type) == media_type
    assert image_size(stripped) == image_size(photo) == (8, 4)
    assert strip_notes(stripped, media_type) == stripped


def test_how_a_photo_is_turned_is_kept() -> None:
    """Or it would lie on its side: the one note a JPEG keeps."""
    stripped = strip_notes(JPEG, "image/jpeg")
    assert stripped.count(b"Exif") == 1
    assert ON_ITS_SIDE in stripped
    upright = JPEG.replace(ON_ITS_SIDE, ON_ITS_SIDE.replace(b"\x06", b"\x01"))
    assert b"Exif" not in strip_notes(upright, "image/jpeg")


def test_the_picture_itself_is_untouched() -> None:
    """From the tables on, each byte is as it was."""
    start = JPEG.index(b"\xff\xdb")
    assert strip_notes(JPEG, "image/jpeg").endswith(JPEG[start:])


def test_what_hangs_behind_the_picture_goes() -> None:
    """Phones hang films and further pictures there, with notes of their own."""
    assert strip_notes(JPEG + JPEG, "image/jpeg") == strip_notes(JPEG, "image/jpeg")
    assert strip_notes(PNG + b"PhoneMaker", "image/png") == strip_notes(PNG, "image/png")


def test_what_is_no_such_picture_is_left_alone() -> None:
    """Another type, or bytes that break off, come out as they went in."""
    assert strip_notes(b"hello", "text/plain") == b"hello"
    for photo, media_type in PHOTOS:
        assert strip_notes(photo[:20], media_type) == photo[:20]
        assert strip_notes(b"", media_type) == b""


@given(st.sampled_from(sorted(STRIPPERS)), st.binary(max_size=200), st.integers(0, 60))
def test_no_bytes_break_it(media_type: str, noise: bytes, at: int) -> None:
    """Whatever a stranger sends is answered, never with more than they sent."""
    photo = {kind: content for content, kind in PHOTOS}[media_type]
    broken = photo[:at] + noise + photo[at:]
    assert len(strip_notes(broken, media_type)) <= len(broken) + 36

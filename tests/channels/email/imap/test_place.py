"""Where a mailbox goes on: behind what is stored, and at the beginning where a folder was numbered anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from channels.email.imap.place import (
    REREAD,
    FolderPlace,
    Place,
    enter_folder,
    is_wanted,
    move_house,
    read_place,
    write_place,
)
from channels.errors import Misconfigured

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SEEN = int(NOW.timestamp()) - 3600
BEFORE = FolderPlace(validity=5, uid=40, tidied=38, seen=SEEN)


def test_a_place_is_read_as_it_was_written() -> None:
    """The cursor is small text that a person can read, too."""
    other = FolderPlace(validity=1, uid=0, tidied=0, seen=0, old=7, since=3)
    place = Place("help", "imap.shop.example", {"INBOX": BEFORE, "Grüße": other})
    assert read_place(write_place(place)) == place
    assert read_place(None) == Place()
    with pytest.raises(Misconfigured):
        read_place("40")


@pytest.mark.parametrize(("everything", "uid"), [(True, 0), (False, 90)])
def test_at_first_sight_a_folder_begins_at_its_end_or_its_beginning(everything: bool, uid: int) -> None:
    """As the settings want it; nothing that is not ours counts as stored and not yet moved."""
    place = enter_folder(None, validity=5, highest=90, everything=everything, now=NOW)
    assert (place.uid, place.tidied, place.old) == (uid, uid, 0)


def test_a_folder_goes_on_where_it_was() -> None:
    """Whatever its highest number is by now."""
    assert enter_folder(BEFORE, validity=5, highest=9000, everything=False, now=NOW) == BEFORE


def test_a_renumbered_folder_is_read_from_its_beginning() -> None:
    """All that is in it by now is looked at by its date; what comes later is new, whatever its date."""
    place = enter_folder(BEFORE, validity=6, highest=50, everything=False, now=NOW)
    assert (place.validity, place.uid, place.tidied, place.old) == (6, 0, 0, 50)
    long_ago, lately = NOW - REREAD - timedelta(hours=2), NOW - timedelta(days=1)
    assert not is_wanted(place, 50, arrived_at=long_ago)
    assert is_wanted(place, 50, arrived_at=lately)
    assert is_wanted(place, 50, arrived_at=None)
    assert is_wanted(place, 51, arrived_at=long_ago)


def test_another_mailbox_has_no_place_yet() -> None:
    """Its numbers may be the same by chance; the same user's at another host has moved, and is read again."""
    place = Place("help", "old.example", {"INBOX": BEFORE})
    assert move_house(place, user="help", host="old.example") == place
    assert move_house(place, user="sales", host="old.example") == Place("sales", "old.example")
    moved = move_house(place, user="help", host="new.example").folders["INBOX"]
    entered = enter_folder(moved, validity=BEFORE.validity, highest=50, everything=False, now=NOW)
    assert (entered.uid, entered.old, entered.since > 0) == (0, 50, True)


def test_what_is_read_again_is_still_remembered() -> None:
    """Mails are told once for at least eight days: nothing older than that is read twice."""
    assert timedelta(days=8) > REREAD

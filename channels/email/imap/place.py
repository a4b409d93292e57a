"""Where we are in a mailbox, as the text that is stored beside each mail. Pure.

A UID counts only together with the UIDVALIDITY of its folder (RFC 3501 2.3.1.1). Where that changes, the folder is read
once more from its beginning; what arrived long before we last saw the folder whole is passed over by its date then, and
what is told twice happens once, by the mail's own key.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from channels.errors import Misconfigured

NUMBERED_ANEW = 0
"""No UIDVALIDITY: those are greater than 0."""
REREAD = timedelta(days=7)
"""How far a folder that was numbered anew is read back behind the moment it was last seen whole. Less than the 8 days
for which what has happened is remembered at the least, so nothing happens twice."""


class FolderPlace(msgspec.Struct, frozen=True):
    """Mails up to `uid` are stored, and those up to `tidied` flagged or moved as the settings want.

    Mails up to `old` are there from before a renumbering: of them, those that arrived before `since` (Unix time) are
    passed over. `seen` is when all of the folder was last read (Unix time).
    """

    validity: int
    uid: int
    tidied: int
    seen: int
    old: int = 0
    since: int = 0


class Place(msgspec.Struct, frozen=True):
    """Each folder's place by its name, and whose mailbox it is: numbers of another one mean nothing."""

    user: str = ""
    host: str = ""
    folders: dict[str, FolderPlace] = {}


def read_place(cursor: str | None) -> Place:
    """The place a cursor names; no folder is known at the beginning."""
    if cursor is None:
        return Place()
    try:
        return msgspec.json.decode(cursor, type=Place)
    except msgspec.DecodeError as error:
        raise Misconfigured("the place that was stored for this mailbox cannot be read", code="unknown") from error


def move_house(place: Place, *, user: str, host: str) -> Place:
    """The place in the mailbox that the settings name now: none in somebody else's.

    The same user's at another host is one that moved: it is read again as after a renumbering, whatever its numbers.
    """
    if place.user != user:
        return Place(user, host)
    if place.host == host:
        return place
    moved = {name: msgspec.structs.replace(one, validity=NUMBERED_ANEW) for name, one in place.folders.items()}
    return Place(user, host, moved)


def write_place(place: Place) -> str:
    """The cursor of a place."""
    return msgspec.json.encode(place).decode()


def enter_folder(
    before: FolderPlace | None, *, validity: int, highest: int, everything: bool, now: datetime
) -> FolderPlace:
    """Where to go on in a folder as the server shows it now; `highest` is its highest UID.

    At first sight that is its end, or its beginning where `everything` is wanted.
    """
    moment = int(now.timestamp())
    if before is None:
        begin = 0 if everything else highest
        return FolderPlace(validity=validity, uid=begin, tidied=begin, seen=moment)
    if before.validity == validity:
        return before
    since = int((datetime.fromtimestamp(before.seen, UTC) - REREAD).timestamp())
    return FolderPlace(validity=validity, uid=0, tidied=0, seen=before.seen, old=highest, since=since)


def is_wanted(place: FolderPlace, uid: int, *, arrived_at: datetime | None) -> bool:
    """Whether a mail is to be fetched: it is new, or it may have come while nobody looked."""
    if uid > place.old or arrived_at is None:
        return True
    return arrived_at.timestamp() >= place.since

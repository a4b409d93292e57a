"""The people of the demo and their pictures."""

from __future__ import annotations

from io import BytesIO
from itertools import islice
from random import Random

import puremagic

from gateway.demo.people import REGIONS, invent_people
from gateway.demo.photos import MEDIA_TYPE, take_photo
from gateway.demo.stories import STORIES
from gateway.demo.traffic import END_WORDS, stories_for
from inbox.contacts.matching import match_key, normalise_address

MANY = 2000


def test_the_same_seed_makes_the_same_people() -> None:
    """A run can be repeated: names, numbers and who is known."""
    assert list(islice(invent_people(7), 50)) == list(islice(invent_people(7), 50))
    assert list(islice(invent_people(7), 50)) != list(islice(invent_people(8), 50))


def test_everybody_has_a_number_of_their_own_that_can_be_written_to() -> None:
    """Numbers are in the form they are stored in, and no two of them are one person's to the gateway."""
    people = list(islice(invent_people(3), MANY))
    assert all(normalise_address("phone", one.number, default_country=None) == one.number for one in people)
    assert len({match_key("phone", one.number) for one in people}) == MANY


def test_every_language_is_spoken_among_the_first() -> None:
    """The variety is there from the start, and some are known by their number alone."""
    first = list(islice(invent_people(7), 24))
    assert {one.language for one in first} == set(STORIES)
    assert {one.line for one in first} == {"orders", "europe"}
    assert {one.known for one in islice(invent_people(7), 100)} == {True, False}


def test_people_end_when_all_regions_are_full() -> None:
    """Nobody is invented twice, and asking for more does not hang."""
    small = min(REGIONS, key=lambda region: region.numbers)
    living = [one for one in islice(invent_people(1), MANY) if one.number.startswith(small.prefix)]
    assert len(living) == small.numbers


def test_photos_are_pictures_and_differ() -> None:
    """A phone sends a real PNG, so that its type by magic bytes is the one it claims."""
    one, other = take_photo(Random(1)), take_photo(Random(2))
    assert puremagic.magic_stream(BytesIO(one))[0].mime_type == MEDIA_TYPE
    assert one != other
    assert take_photo(Random(1)) == one


def test_some_chat_in_the_shop() -> None:
    """Known ones and strangers, in every language; whoever writes mails does not, and nobody among them texts STOP."""
    chatting = [one for one in islice(invent_people(7), 500) if one.chats]
    assert not any(one.mail for one in chatting)
    assert {one.language for one in chatting} == set(STORIES)
    assert {one.known for one in chatting} == {True, False}
    assert all(story.steps[-1].text != END_WORDS for one in chatting for story in stories_for(one))

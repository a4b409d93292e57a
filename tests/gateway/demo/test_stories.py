"""The stories of the demo: enough of them, in enough languages, and such that they can be played."""

from __future__ import annotations

from string import Formatter

import pytest

from channels.sms.keywords import read_keyword
from gateway.demo.stories import STORIES, TALES, Language, Story, read_stories

WORDS = {"first", "agent", "order", "town"}
LONGEST_TEXT = 1600
ALL = [story for stories in STORIES.values() for story in stories]
STOPPING: set[Language] = {"en", "es", "de", "fr", "pt"}


def test_seven_languages_tell_several_stories_each() -> None:
    """People write in English, Spanish, German, French, Portuguese, Arabic and Chinese, and of more than one thing."""
    assert set(STORIES) == {"en", "es", "de", "fr", "pt", "ar", "zh"}
    assert all(len(stories) >= 5 for stories in STORIES.values())


def test_every_language_has_photos_bursts_and_answers() -> None:
    """A picture, several texts at once and agents who answer belong to the traffic in each language."""
    for stories in STORIES.values():
        steps = [step for story in stories for step in story.steps]
        assert any(step.photo for step in steps)
        assert {"writes", "adds", "answer", "note", "close"} <= {step.move for step in steps}


def test_some_say_stop_and_say_nothing_after_it() -> None:
    """STOP is what the gateway takes for it, and the last word of its story."""
    ends = {story.language for story in ALL if read_keyword(story.steps[-1].text) == "stop"}
    assert ends == STOPPING
    assert not [step.text for story in ALL for step in story.steps[:-1] if read_keyword(step.text)]


@pytest.mark.parametrize("story", ALL, ids=lambda story: f"{story.language}: {story.title}")
def test_each_story_can_be_played(story: Story) -> None:
    """The customer begins; only known words are filled in; each text fits one message of any channel."""
    assert story.steps[0].move == "writes"
    for step in story.steps:
        assert {name for _, name, _, _ in Formatter().parse(step.text) if name} <= WORDS
        assert len(step.text) < LONGEST_TEXT
        assert bool(step.text) == (step.move != "close")
        assert not step.photo or step.move in {"writes", "adds"}


def test_titles_are_told_once() -> None:
    """Each story of a language is another one."""
    for language in TALES:
        titles = [story.title for story in STORIES[language]]
        assert len(set(titles)) == len(titles)


def test_a_line_that_is_no_step_is_refused() -> None:
    """A slip in a story is found when it is read, not when it is played."""
    with pytest.raises(ValueError, match="no step"):
        list(read_stories("en", "# a story\n? what\n"))

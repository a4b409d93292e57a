"""The traffic: people who live their stories, at the rate that was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random

import msgspec

from gateway.demo.desk import Clerk, Desk
from gateway.demo.pacer import Pacer
from gateway.demo.people import Person, invent_people
from gateway.demo.phones import Phones
from gateway.demo.stories import STORIES, Language, Move, Step, Story
from gateway.demo.watch import Watch

THINKING = (0.6, 2.5)
HURRYING = (0.15, 0.5)
TYPING = (0.5, 1.8)
"""How long people think, write on at once, and type, from least to longest, in seconds."""
STORE_SECONDS = 30.0
HEAR_SECONDS = 30.0
"""How long a story waits for the gateway before it goes on without."""
RESTING = 12
"""So many people who wrote last leave the shop alone for a while."""
NAME_CALLED = (", {first}", " {first}", "{first}")
"""The ways in which agents call people by their name, the longest first."""
END_WORDS = "STOP"
BACK_WORDS = "START"


class Scene(msgspec.Struct, kw_only=True):
    """Where one story stands."""

    person: Person
    clerk: Clerk
    order: str
    title: str
    begun: bool = False
    claimed: bool = False
    sid: str | None = None
    conversation: str | None = None


class Traffic:
    """Plays stories until stopped. Nobody plays two at once, and who said STOP is left alone."""

    def __init__(
        self,
        phones: Phones,
        desk: Desk,
        watch: Watch,
        *,
        clerks: dict[Language, list[Clerk]],
        rate: float,
        seed: int,
    ) -> None:
        self._phones = phones
        self._desk = desk
        self._watch = watch
        self._clerks = clerks
        self._dice = Random(seed)
        self._strangers = invent_people(seed)
        self._idle: list[Person] = []
        self._met: set[str] = set()
        self._playing: set[asyncio.Task[None]] = set()
        self._pacer = Pacer(rate, self._dice, on_spare=self._begin)
        self._moves: dict[Move, Callable[[Scene, Step], Awaitable[bool]]] = {
            "writes": self._write,
            "adds": self._add,
            "answer": self._answer,
            "note": self._note,
            "close": self._close,
        }
        self.failures: list[BaseException] = []

    async def invite(self, count: int) -> None:
        """Make the first people known to the shop."""
        people = [person for person, _ in zip(self._strangers, range(count), strict=False)]
        await asyncio.gather(*(self._meet(person) for person in people))
        self._idle += people

    async def run(self, stop: asyncio.Event) -> None:
        """Play until stopped: then nobody writes any more."""
        await self._pacer.run(stop)

    async def finish(self, seconds: float) -> None:
        """Let the agents answer what was written; what takes longer is given up."""
        if self._playing:
            _, unfinished = await asyncio.wait(self._playing, timeout=seconds)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)

    def _begin(self) -> None:
        """Somebody has time: their story begins, and the turn is theirs."""
        rested = len(self._idle) - RESTING
        if rested > 0:
            person = self._idle.pop(self._dice.randrange(rested))
        else:
            person = next(self._strangers, None) or self._idle.pop(0)
        story = self._dice.choice(stories_for(person))
        task = asyncio.create_task(self._play(story, person))
        self._playing.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._playing.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.failures.append(error)

    async def _play(self, story: Story, person: Person) -> None:
        await self._meet(person)
        clerk = self._dice.choice(self._clerks[person.language])
        scene = Scene(person=person, clerk=clerk, order=str(self._dice.randrange(1000, 9999)), title=story.title)
        for step in story.steps:
            if not await self._moves[step.move](scene, step):
                return
        if story.steps[-1].text != END_WORDS:
            self._idle.append(person)

    async def _meet(self, person: Person) -> None:
        if person.address not in self._met and not person.chats:
            self._met.add(person.address)
            await self._desk.introduce(person)

    async def _write(self, scene: Scene, step: Step) -> bool:
        if scene.begun:
            await self._pause(THINKING)
            if not await self._pacer.take_turn():
                return False
        scene.begun = True
        await self._text(scene, step)
        return True

    async def _add(self, scene: Scene, step: Step) -> bool:
        await self._pause(HURRYING)
        self._pacer.use_up()
        await self._text(scene, step)
        return True

    async def _answer(self, scene: Scene, step: Step) -> bool:
        """The agent reads, types and writes; the story goes on when the answer is on the customer's phone."""
        if not await self._read(scene) or scene.conversation is None:
            return False
        await self._pause(TYPING)
        if not scene.claimed:
            scene.claimed = True
            await self._desk.claim(scene.conversation, clerk=scene.clerk)
        text = _filled(_addressed(step.text, scene.person), scene)
        times = self._phones.heard(scene.person, text) + 1
        if not await self._answer_if_welcome(scene, text):
            return False
        await self._phones.hear(scene.person, text, times=times, seconds=HEAR_SECONDS)
        return True

    async def _answer_if_welcome(self, scene: Scene, text: str) -> bool:
        """Somebody who had said STOP, in an earlier run, has to say START before they can be answered."""
        conversation = scene.conversation or ""
        if await self._desk.answer(conversation, text, clerk=scene.clerk):
            return True
        await self._text(scene, Step(move="writes", text=BACK_WORDS))
        return await self._read(scene) and await self._desk.answer(conversation, text, clerk=scene.clerk)

    async def _note(self, scene: Scene, step: Step) -> bool:
        if scene.conversation:
            await self._desk.note(scene.conversation, _filled(step.text, scene), clerk=scene.clerk)
        return True

    async def _close(self, scene: Scene, _: Step) -> bool:
        if await self._read(scene) and scene.conversation:
            await self._pause(TYPING)
            await self._desk.close(scene.conversation, clerk=scene.clerk)
        return True

    async def _read(self, scene: Scene) -> bool:
        """The customer's last text has come to the desk."""
        entry = await self._watch.find_entry(scene.sid, seconds=STORE_SECONDS) if scene.sid else None
        if entry is None:
            return False
        scene.conversation = entry.conversation_id
        return True

    async def _text(self, scene: Scene, step: Step) -> None:
        subject = scene.title if scene.sid is None else None
        message = await self._phones.write(scene.person, _filled(step.text, scene), photo=step.photo, subject=subject)
        scene.sid = message.sid

    async def _pause(self, seconds: Sequence[float]) -> None:
        await asyncio.sleep(self._dice.uniform(seconds[0], seconds[1]))


def stories_for(person: Person) -> Sequence[Story]:
    """STOP is a word of text messages: who writes mails, or chats, does not say it."""
    stories = STORIES[person.language]
    texts = not (person.mail or person.chats)
    return stories if texts else [story for story in stories if story.steps[-1].text != END_WORDS]


def _addressed(text: str, person: Person) -> str:
    """What an agent writes, without the name of somebody they know by the number alone."""
    if person.known:
        return text
    for calling in NAME_CALLED:
        text = text.replace(calling, "")
    return text


def _filled(text: str, scene: Scene) -> str:
    """The words of a step with what differs from time to time."""
    return text.format(
        first=scene.person.first, town=scene.person.town, order=scene.order, agent=scene.clerk.name.split()[0]
    )

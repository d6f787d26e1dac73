"""Two guilds and direct messages at once, in any order: what is told in one moves only that one."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from actors import messages as m
from actors.directory import Directory
from actors.mood import MoodActor
from actors.opinions import OpinionActor
from actors.relationship import RelationshipActor
from actors.rules import mood as rules
from actors.rules.mood import Talk
from actors.storage import StorageActor
from storage.ids import GuildId, UserId
from storage.records import Mood, MoodShift, Opinion, PersonState, Relationship
from tests.actors.ear import NOON, Clock, Shelf, StorageEar, a_dm, a_guild, a_person, an_exchange
from tests.actors.virtual_time import in_virtual_time

PEOPLE = (7, 8, 9)
GUILDS = (GuildId(1), GuildId(2))
SEEDS = range(25)


def some_exchanges(dice: random.Random, count: int = 60) -> list[m.ExchangeEnded]:
    """Return exchanges of all people in all places: the first guild is glad, the second is not."""
    exchanges = []
    for number in range(count):
        user = dice.choice(PEOPLE)
        place = dice.choice([a_guild(1), a_guild(2), a_dm(user)])
        glad = {GUILDS[0]: 0.8, GUILDS[1]: -0.8, None: -1.0}[place.guild_id]
        text = {GUILDS[0]: "rain", GUILDS[1]: "tea", None: "jazz"}[place.guild_id]
        exchanges.append(
            an_exchange(user, place, number=2 * number + 1, valence=glad, arousal=glad, text=text)
        )
    return exchanges


class Bar:
    """A house with all state actors, told of exchanges by several doors at a time."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.clock = Clock()
        self.shelf = Shelf()
        self.house = Directory(clock=self.clock, rng=random.Random(1))
        house, clock = self.house, self.clock
        house.register(StorageActor, lambda key: StorageEar(key, self.shelf), idle_after=None)  # type: ignore[arg-type,return-value]
        house.register(MoodActor, lambda key: MoodActor(key, directory=house, clock=clock))
        house.register(
            RelationshipActor, lambda key: RelationshipActor(key, directory=house, clock=clock)
        )
        house.register(OpinionActor, lambda key: OpinionActor(key, directory=house, clock=clock))

    async def wakes(self) -> None:
        """Load everybody."""
        for guild in GUILDS:
            await self.mood(guild)
            await self.house.ref(OpinionActor, guild).ask(m.ReadOpinions("", NOON))
        for user in PEOPLE:
            await self.relationship(user, None)

    async def hears(self, exchanges: list[m.ExchangeEnded]) -> None:
        """Tell of `exchanges`: each door its own in order, the doors in any order."""
        doors: dict[object, list[m.ExchangeEnded]] = {}
        for exchange in exchanges:
            doors.setdefault((exchange.place.channel_id, exchange.person.user_id), []).append(
                exchange
            )
        await asyncio.gather(*(self._told(door) for door in doors.values()))
        assert await self.house.quiet()

    async def _told(self, exchanges: list[m.ExchangeEnded]) -> None:
        for exchange in exchanges:
            user = exchange.person.user_id
            self.house.ref(MoodActor, m.mood_key(exchange.place, user)).tell(exchange)
            self.house.ref(RelationshipActor, user).tell(exchange)
            self.house.ref(OpinionActor, exchange.place.guild_id or 0).tell(exchange)
            for _ in range(self.dice.randrange(4)):
                await asyncio.sleep(0)

    async def mood(self, guild: GuildId) -> Mood:
        reading = await self.house.ref(MoodActor, ("guild", guild)).ask(m.ReadMood(NOON))
        return reading.mood

    async def relationship(self, user: int, guild: GuildId | None) -> Relationship:
        ref = self.house.ref(RelationshipActor, UserId(user))
        reading = await ref.ask(m.ReadRelationship(a_person(user), guild, NOON))
        return reading.relationship

    async def closes(self) -> None:
        assert await self.house.shutdown() == []


def in_any_order(seed: int, story: Callable[[Bar, random.Random], object]) -> None:
    """Run a story; whatever is ready at a time is run in an order that the seed decides."""

    async def run() -> None:
        dice = random.Random(seed)
        await story(Bar(dice), dice)  # type: ignore[misc]

    in_virtual_time(run(), random.Random(seed))


def last(shelf: Shelf, kind: type) -> dict[object, object]:
    """Return the records of a kind as they were last saved, by who or what they are of."""
    if kind is Relationship:
        return {(r.user_id, r.guild_id): r for r in shelf.of(kind)}
    if kind is Opinion:
        return {(o.guild_id, o.topic): o for o in shelf.of(kind)}
    return {r.guild_id: r for r in shelf.of(kind)}


def counted(exchanges: list[m.ExchangeEnded]) -> dict[object, int]:
    """Return how many exchanges each relationship must have had."""
    counts: dict[object, int] = {}
    for exchange in exchanges:
        for guild in {exchange.place.guild_id, None}:
            key = (exchange.person.user_id, guild)
            counts[key] = counts.get(key, 0) + 1
    return counts


def of_guild(exchanges: list[m.ExchangeEnded], guild: GuildId) -> list[m.ExchangeEnded]:
    return [exchange for exchange in exchanges if exchange.place.guild_id == guild]


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_and_nothing_is_doubled(seed: int) -> None:
    async def story(bar: Bar, dice: random.Random) -> None:
        exchanges = some_exchanges(dice)

        await bar.hears(exchanges)
        await bar.closes()

        kept = last(bar.shelf, Relationship)
        assert {key: r.total_interactions for key, r in kept.items()} == counted(exchanges)  # type: ignore[attr-defined]
        moods = last(bar.shelf, Mood)
        for guild in GUILDS:
            assert moods[guild].total_messages_sent == len(of_guild(exchanges, guild))  # type: ignore[attr-defined]

    in_any_order(seed, story)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_guild_feels_as_if_it_were_alone(seed: int) -> None:
    async def story(bar: Bar, dice: random.Random) -> None:
        exchanges = [e for e in some_exchanges(dice) if e.person.user_id == PEOPLE[0]]

        await bar.hears(exchanges)

        for guild in GUILDS:
            mood, talk = rules.at_rest(guild, NOON), Talk(NOON)
            for exchange in of_guild(exchanges, guild):
                mood, talk = rules.heard(
                    mood,
                    talk,
                    exchange.person.user_id,
                    NOON,
                    valence=exchange.valence,
                    arousal=exchange.arousal,
                )
            felt = await bar.mood(guild)
            assert replace(felt, total_messages_sent=0) == mood
        await bar.closes()

    in_any_order(seed, story)


@pytest.mark.parametrize("seed", SEEDS)
def test_gladness_here_is_no_gladness_there(seed: int) -> None:
    async def story(bar: Bar, dice: random.Random) -> None:
        await bar.hears(some_exchanges(dice))

        glad, sad = await bar.mood(GUILDS[0]), await bar.mood(GUILDS[1])
        await bar.closes()

        assert glad.valence > rules.REST_VALENCE > sad.valence
        by_guild = {shift.guild_id: set[bool]() for shift in bar.shelf.of(MoodShift)}
        for shift in bar.shelf.of(MoodShift):
            by_guild[shift.guild_id].add(shift.valence > rules.REST_VALENCE)
        assert by_guild == {GUILDS[0]: {True}, GUILDS[1]: {False}}
        assert set(last(bar.shelf, Opinion)) == {(GUILDS[0], "rain"), (GUILDS[1], "tea")}

    in_any_order(seed, story)


@pytest.mark.parametrize("seed", SEEDS)
def test_direct_messages_move_no_guild_and_save_no_mood(seed: int) -> None:
    async def story(bar: Bar, dice: random.Random) -> None:
        exchanges = [e for e in some_exchanges(dice) if e.place.is_direct]

        await bar.hears(exchanges)

        for guild in GUILDS:
            assert await bar.mood(guild) == rules.at_rest(guild, NOON)
        for user in PEOPLE:
            assert (await bar.relationship(user, GUILDS[0])).total_interactions == 0
        await bar.closes()
        assert bar.shelf.of(Mood) == bar.shelf.of(MoodShift) == bar.shelf.of(Opinion) == []
        assert {r.guild_id for r in bar.shelf.of(Relationship)} == {None}

    in_any_order(seed, story)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_happens_while_storage_is_away_is_kept_later(seed: int) -> None:
    async def story(bar: Bar, dice: random.Random) -> None:
        exchanges = some_exchanges(dice)
        one, two = dice.randrange(30), 30 + dice.randrange(31)
        await bar.wakes()

        await bar.hears(exchanges[:one])
        bar.shelf.away = True
        await bar.hears(exchanges[one:two])
        bar.shelf.away = False
        await bar.hears(exchanges[two:])
        felt = {guild: await bar.mood(guild) for guild in GUILDS}
        await bar.closes()

        kept = last(bar.shelf, Relationship)
        assert {key: r.total_interactions for key, r in kept.items()} == counted(exchanges)  # type: ignore[attr-defined]
        assert last(bar.shelf, Mood) == felt
        talks = {key: o.discussion_count for key, o in last(bar.shelf, Opinion).items()}  # type: ignore[attr-defined]
        assert talks == {
            (GUILDS[0], "rain"): len(of_guild(exchanges, GUILDS[0])),
            (GUILDS[1], "tea"): len(of_guild(exchanges, GUILDS[1])),
        }

    in_any_order(seed, story)


@pytest.mark.parametrize("seed", SEEDS)
def test_leaving_and_coming_back_changes_nothing(seed: int) -> None:
    async def story(bar: Bar, dice: random.Random) -> None:
        exchanges = [e for e in some_exchanges(dice) if e.person.user_id == PEOPLE[0]]
        middle = dice.randrange(len(exchanges))
        await bar.hears(exchanges[:middle])
        kept = last(bar.shelf, Relationship)
        bar.shelf.person = PersonState(None, None, tuple(kept.values()), None, {})  # type: ignore[arg-type]

        bar.house.ref(RelationshipActor, UserId(PEOPLE[0])).dismiss()
        if dice.random() < 0.5:  # it is gone; else it is told more on its way out
            await bar.house.quiet()
        await bar.hears(exchanges[middle:])
        await bar.closes()

        after = last(bar.shelf, Relationship)
        assert {key: r.total_interactions for key, r in after.items()} == counted(exchanges)  # type: ignore[attr-defined]

    in_any_order(seed, story)

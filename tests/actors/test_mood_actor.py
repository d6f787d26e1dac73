import pytest

from actors import messages as m
from actors.directory import Directory, Ref
from actors.mood import MoodActor
from actors.rules import mood as rules
from storage.ids import GuildId
from storage.records import Mood, MoodShift
from tests.actors.ear import NOON, Clock, Shelf, a_dm, an_exchange

SNUG: m.MoodKey = ("guild", 1)
ADAS: m.MoodKey = ("dm", 7)


@pytest.fixture(autouse=True)
def moods(house: Directory, clock: Clock) -> None:
    house.register(MoodActor, lambda key: MoodActor(key, directory=house, clock=clock))


@pytest.fixture
def snug(house: Directory) -> Ref[MoodActor]:
    return house.ref(MoodActor, SNUG)


async def reading(ref: Ref[MoodActor], clock: Clock) -> m.MoodReading:
    return await ref.ask(m.ReadMood(clock()))


class TestGuild:
    async def test_a_new_guild_is_at_rest(self, snug: Ref[MoodActor], clock: Clock) -> None:
        read = await reading(snug, clock)

        assert (read.mood, read.label) == (rules.at_rest(GuildId(1), NOON), "steady")

    async def test_warm_words_warm_it_and_are_kept(
        self, snug: Ref[MoodActor], clock: Clock, shelf: Shelf
    ) -> None:
        snug.tell(an_exchange(valence=0.9, arousal=0.5))

        read = await reading(snug, clock)

        assert read.mood.valence > rules.REST_VALENCE
        assert shelf.of(Mood) == [read.mood]
        (shift,) = shelf.of(MoodShift)
        assert (shift.guild_id, shift.trigger_user_id, shift.valence) == (1, 7, read.mood.valence)
        assert (shift.trigger_type, shift.trigger_description) == ("conversation", "tone")

    async def test_words_that_change_nothing_are_no_line_of_history(
        self, snug: Ref[MoodActor], clock: Clock, shelf: Shelf
    ) -> None:
        snug.tell(an_exchange(valence=0.0, arousal=0.0))

        read = await reading(snug, clock)

        assert (shelf.of(MoodShift), shelf.of(Mood)) == ([], [read.mood])
        assert read.mood.total_messages_sent == 1

    async def test_a_crisis_calms_and_only_its_level_is_noted(
        self, snug: Ref[MoodActor], clock: Clock, shelf: Shelf
    ) -> None:
        snug.tell(an_exchange(valence=0.9, arousal=1.0, care_level=3))

        read = await reading(snug, clock)

        assert read.mood.arousal < rules.REST_AROUSAL
        assert [shift.trigger_description for shift in shelf.of(MoodShift)] == ["care_3"]

    async def test_silence_is_read_but_not_written(
        self, snug: Ref[MoodActor], clock: Clock, shelf: Shelf
    ) -> None:
        snug.tell(an_exchange(valence=0.9))
        at_once = await reading(snug, clock)
        clock.advance(hours=500)

        later = await reading(snug, clock)

        assert later.mood == rules.settled(at_once.mood, clock())
        assert later.mood.valence == pytest.approx(rules.REST_VALENCE, abs=1e-6)
        assert len(shelf.of(Mood)) == 1

    async def test_one_talker_weighs_less_and_less(
        self, snug: Ref[MoodActor], clock: Clock
    ) -> None:
        steps, before = [], rules.REST_AROUSAL
        for number in range(1, 4):
            snug.tell(an_exchange(valence=0.5, arousal=1.0, number=number))
            after = (await reading(snug, clock)).mood.arousal
            steps.append(after - before)
            before = after

        assert steps[0] > steps[1] > steps[2] > 0

    async def test_a_question_about_the_mood_writes_nothing(
        self, snug: Ref[MoodActor], clock: Clock, house: Directory, shelf: Shelf
    ) -> None:
        await reading(snug, clock)
        snug.dismiss()
        await house.quiet()

        assert shelf.writes == []


class TestOutage:
    async def test_the_mood_stays_and_is_kept_with_the_next_change(
        self, snug: Ref[MoodActor], clock: Clock, shelf: Shelf
    ) -> None:
        await reading(snug, clock)
        shelf.away = True
        snug.tell(an_exchange(valence=0.9, number=1))
        while_away = await reading(snug, clock)
        shelf.away = False

        snug.tell(an_exchange(valence=0.9, number=3))
        read = await reading(snug, clock)

        assert while_away.mood.valence > rules.REST_VALENCE
        assert (shelf.of(Mood), read.mood.total_messages_sent) == ([read.mood], 2)

    async def test_it_is_kept_when_the_actor_leaves(
        self, snug: Ref[MoodActor], clock: Clock, house: Directory, shelf: Shelf
    ) -> None:
        await reading(snug, clock)
        shelf.away = True
        snug.tell(an_exchange(valence=0.9))
        read = await reading(snug, clock)
        shelf.away = False

        snug.dismiss()
        await house.quiet()

        assert shelf.of(Mood) == [read.mood]

    async def test_nobody_leaves_with_what_is_not_kept(
        self, snug: Ref[MoodActor], clock: Clock, house: Directory, shelf: Shelf
    ) -> None:
        await reading(snug, clock)
        shelf.away = True
        snug.tell(an_exchange(valence=0.9))
        before = await reading(snug, clock)

        snug.dismiss()
        await house.quiet()

        assert await reading(snug, clock) == before
        shelf.away = False


class TestDirectMessages:
    async def test_they_have_a_passing_mood_and_save_nothing(
        self, house: Directory, clock: Clock, shelf: Shelf
    ) -> None:
        ref = house.ref(MoodActor, ADAS)
        ref.tell(an_exchange(valence=0.9, place=a_dm()))

        read = await reading(ref, clock)
        ref.dismiss()
        await house.quiet()

        assert (read.mood.guild_id, read.mood.valence > rules.REST_VALENCE) == (None, True)
        assert (shelf.asked, shelf.writes) == ([], [])
        assert (await reading(ref, clock)).mood.valence == rules.REST_VALENCE

    async def test_a_guild_and_a_person_of_one_number_are_two(
        self, house: Directory, clock: Clock
    ) -> None:
        house.ref(MoodActor, ("dm", 1)).tell(an_exchange(1, a_dm(), valence=0.9))
        await house.quiet()

        read = await reading(house.ref(MoodActor, ("guild", 1)), clock)

        assert read.mood.valence == rules.REST_VALENCE

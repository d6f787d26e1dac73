import pytest

from actors import messages as m
from actors.directory import Directory, Ref
from actors.opinions import OpinionActor
from storage.records import Opinion
from tests.actors.ear import Clock, Shelf, a_dm, an_exchange


@pytest.fixture(autouse=True)
def opinions(house: Directory, clock: Clock) -> None:
    house.register(OpinionActor, lambda key: OpinionActor(key, directory=house, clock=clock))


@pytest.fixture
def snug(house: Directory) -> Ref[OpinionActor]:
    return house.ref(OpinionActor, 1)


async def read(
    ref: Ref[OpinionActor], clock: Clock, text: str, limit: int = 2
) -> tuple[Opinion, ...]:
    return await ref.ask(m.ReadOpinions(text, clock(), limit))


class TestForming:
    async def test_a_topic_that_comes_up_forms_one_and_is_kept(
        self, snug: Ref[OpinionActor], clock: Clock, shelf: Shelf
    ) -> None:
        snug.tell(an_exchange(text="Rain again, I love rain", valence=0.8))

        (opinion,) = await read(snug, clock, "more rain")

        assert (opinion.topic, opinion.guild_id, opinion.discussion_count) == ("rain", 1, 1)
        assert opinion.sentiment > 0
        assert shelf.of(Opinion) == [opinion]

    async def test_talking_again_moves_the_same_one(
        self, snug: Ref[OpinionActor], clock: Clock, shelf: Shelf
    ) -> None:
        snug.tell(an_exchange(text="rain", valence=0.8, number=1))
        snug.tell(an_exchange(text="rain", valence=-0.8, number=3))

        (opinion,) = await read(snug, clock, "rain")

        first, second = shelf.of(Opinion)
        assert (opinion, opinion.discussion_count) == (second, 2)
        assert second.sentiment < first.sentiment

    @pytest.mark.parametrize(
        "changes",
        [
            {"text": "politics and Ada"},
            {"text": ""},
            {"text": "rain", "care_level": 1},
            {"text": "rain", "care_level": 3},
        ],
    )
    async def test_nothing_else_forms_one(
        self, snug: Ref[OpinionActor], clock: Clock, shelf: Shelf, changes: dict[str, object]
    ) -> None:
        snug.tell(an_exchange(**changes))

        assert await read(snug, clock, "rain politics Ada") == ()
        assert shelf.writes == []

    async def test_direct_messages_form_none(
        self, house: Directory, clock: Clock, shelf: Shelf
    ) -> None:
        ref = house.ref(OpinionActor, 0)
        ref.tell(an_exchange(text="I love rain", place=a_dm(), valence=0.8))

        assert await read(ref, clock, "rain") == ()
        assert shelf.writes == []


class TestReading:
    async def test_only_what_comes_up_is_read_and_no_more_than_asked_for(
        self, snug: Ref[OpinionActor], clock: Clock
    ) -> None:
        snug.tell(an_exchange(text="rain tea jazz snow", number=1))
        snug.tell(an_exchange(text="jazz", number=3))

        both = await read(snug, clock, "tea or jazz?")

        assert [opinion.topic for opinion in both] == ["jazz", "tea"]
        assert len(await read(snug, clock, "rain tea jazz snow", limit=3)) == 3

    async def test_interest_fades_with_silence(self, snug: Ref[OpinionActor], clock: Clock) -> None:
        snug.tell(an_exchange(text="rain"))
        assert await read(snug, clock, "rain")

        clock.advance(days=31)

        assert await read(snug, clock, "rain") == ()


class TestOutage:
    async def test_what_was_not_kept_is_kept_with_the_next_change(
        self, snug: Ref[OpinionActor], clock: Clock, shelf: Shelf
    ) -> None:
        await read(snug, clock, "")
        shelf.away = True
        snug.tell(an_exchange(text="rain", number=1))
        assert await read(snug, clock, "rain")
        shelf.away = False

        snug.tell(an_exchange(text="tea", number=3))
        await read(snug, clock, "")

        assert {opinion.topic for opinion in shelf.of(Opinion)} == {"rain", "tea"}

    async def test_or_when_the_actor_leaves(
        self, snug: Ref[OpinionActor], clock: Clock, house: Directory, shelf: Shelf
    ) -> None:
        await read(snug, clock, "")
        shelf.away = True
        snug.tell(an_exchange(text="rain"))
        await read(snug, clock, "")
        shelf.away = False

        snug.dismiss()
        await house.quiet()

        assert [opinion.topic for opinion in shelf.of(Opinion)] == ["rain"]

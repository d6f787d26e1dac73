from datetime import date

import pytest

from actors import messages as m
from actors.directory import Directory, Ref
from actors.relationship import UTC_OFFSET_MINUTES, RelationshipActor
from storage.errors import StorageUnavailableError
from storage.ids import GuildId, UserId
from storage.records import (
    CommunicationStyle,
    PersonState,
    Preference,
    Relationship,
)
from tests.actors.ear import NOON, Clock, Shelf, a_dm, a_guild, a_person, an_exchange

ADA = UserId(7)
SNUG, LOFT = GuildId(1), GuildId(2)


@pytest.fixture
def ada(house: Directory, clock: Clock) -> Ref[RelationshipActor]:
    house.register(
        RelationshipActor, lambda key: RelationshipActor(key, directory=house, clock=clock)
    )
    return house.ref(RelationshipActor, ADA)


async def reading(
    ada: Ref[RelationshipActor], guild: GuildId | None = SNUG
) -> m.RelationshipReading:
    return await ada.ask(m.ReadRelationship(a_person(), guild, NOON))


async def score(ada: Ref[RelationshipActor], guild: GuildId | None = SNUG) -> float:
    return (await reading(ada, guild)).relationship.score


def kept(shelf: Shelf) -> dict[GuildId | None, Relationship]:
    """Return the relationships as they were last saved."""
    return {saved.guild_id: saved for saved in shelf.of(Relationship)}


class TestGrowing:
    async def test_a_stranger_is_a_new_face(self, ada: Ref[RelationshipActor]) -> None:
        read = await reading(ada)

        assert (read.relationship, read.band) == (Relationship(ADA, SNUG), "New Face")
        assert (read.name, read.last_disclosed_at) == ("Name7", None)

    async def test_an_exchange_counts_in_its_guild_and_overall(
        self, ada: Ref[RelationshipActor], shelf: Shelf
    ) -> None:
        ada.tell(an_exchange())

        read = await reading(ada)

        assert read.relationship.score == read.overall.score > 0
        assert kept(shelf) == {SNUG: read.relationship, None: read.overall}
        assert await score(ada, LOFT) == 0

    async def test_a_direct_message_counts_overall_alone(
        self, ada: Ref[RelationshipActor], shelf: Shelf
    ) -> None:
        ada.tell(an_exchange(place=a_dm()))

        read = await reading(ada, None)

        assert (read.relationship, read.relationship.total_interactions) == (read.overall, 1)
        assert kept(shelf) == {None: read.overall}

    async def test_two_guilds_add_up(self, ada: Ref[RelationshipActor]) -> None:
        ada.tell(an_exchange(place=a_guild(1), number=1))
        ada.tell(an_exchange(place=a_guild(2), number=3))

        read = await reading(ada, LOFT)

        assert read.relationship.total_interactions == 1
        assert read.overall.total_interactions == 2

    async def test_it_goes_on_where_it_was(self, ada: Ref[RelationshipActor], shelf: Shelf) -> None:
        old = Relationship(ADA, SNUG, 41.0, 50, first_interaction_at=NOON)
        shelf.person = PersonState(None, "Countess", (old,), None, {})

        ada.tell(an_exchange())
        read = await reading(ada)

        assert (read.relationship.total_interactions, read.band) == (51, "Regular")
        assert read.relationship.score > 41
        assert read.name == "Countess"

    @pytest.mark.parametrize("valence", [-1.0, 0.0, 1.0])
    async def test_tone_is_counted_and_weighs_nothing(
        self, ada: Ref[RelationshipActor], valence: float
    ) -> None:
        ada.tell(an_exchange(valence=valence))

        met = (await reading(ada)).relationship

        assert met.score == pytest.approx(100 * (1 - 2.718281828 ** (-0.25 / 60)))
        counted = (met.positive_interactions, met.negative_interactions)
        assert counted == (int(valence > 0.2), int(valence < -0.2))

    @pytest.mark.parametrize(
        ("offset", "day"),
        [
            ("0", date(2026, 3, 1)),
            ("780", date(2026, 3, 2)),
            ("-780", date(2026, 2, 28)),
            ("--5", date(2026, 3, 1)),
            ("999999999999", date(2026, 3, 1)),
            ("noon", date(2026, 3, 1)),
            ("", date(2026, 3, 1)),
        ],
    )
    async def test_days_are_the_persons_own(
        self, ada: Ref[RelationshipActor], offset: str, day: date
    ) -> None:
        await ada.ask(m.SetPreference(UTC_OFFSET_MINUTES, offset))

        ada.tell(an_exchange())

        assert (await reading(ada)).relationship.day == day


class TestStyle:
    async def test_it_is_learned_from_how_they_write(
        self, ada: Ref[RelationshipActor], shelf: Shelf
    ) -> None:
        ada.tell(an_exchange(text="lol yeah idk"))

        style = (await reading(ada)).style

        assert style == shelf.of(CommunicationStyle)[-1]
        assert style is not None
        assert (style.samples_collected, style.preferred_length) == (1, "short")

    @pytest.mark.parametrize("level", [1, 2, 3])
    async def test_never_from_their_worst_hour(
        self, ada: Ref[RelationshipActor], shelf: Shelf, level: int
    ) -> None:
        ada.tell(an_exchange(text="i cannot go on", care_level=level))

        read = await reading(ada)

        assert (read.style, shelf.of(CommunicationStyle)) == (CommunicationStyle(ADA), [])
        assert read.relationship.total_interactions == 1


class TestPreferences:
    async def test_one_is_kept_and_read_and_taken_back(
        self, ada: Ref[RelationshipActor], shelf: Shelf
    ) -> None:
        await ada.ask(m.SetPreference("tea", "green"))
        chosen = dict((await reading(ada)).preferences)

        await ada.ask(m.SetPreference("tea", None))

        assert (chosen, dict((await reading(ada)).preferences)) == ({"tea": "green"}, {})
        assert shelf.of(Preference) == [
            Preference(ADA, "tea", "green"),
            Preference(ADA, "tea", None),
        ]

    async def test_what_could_not_be_kept_does_not_hold(
        self, ada: Ref[RelationshipActor], shelf: Shelf
    ) -> None:
        await reading(ada)
        shelf.away = True

        with pytest.raises(StorageUnavailableError):
            await ada.ask(m.SetPreference("tea", "green"))

        assert dict((await reading(ada)).preferences) == {}

    async def test_a_disclosure_is_remembered(
        self, ada: Ref[RelationshipActor], shelf: Shelf
    ) -> None:
        ada.tell(an_exchange(disclosed=True))

        assert (await reading(ada)).last_disclosed_at == NOON
        assert [saved.value for saved in shelf.of(Preference)] == [NOON.isoformat()]


class TestForgetting:
    async def test_a_person_who_was_forgotten_is_a_new_face(
        self, ada: Ref[RelationshipActor], shelf: Shelf, house: Directory
    ) -> None:
        shelf.person = PersonState(
            None, "Countess", (Relationship(ADA, SNUG, 70.0),), None, {"tea": "green"}
        )
        assert (await reading(ada)).band == "Trusted Regular"

        ada.tell(m.PersonForgotten())
        read = await reading(ada)
        ada.dismiss()
        await house.quiet()

        assert (read.band, read.name, dict(read.preferences)) == ("New Face", "Name7", {})
        assert shelf.writes == []

    async def test_what_was_not_kept_yet_is_never_kept(
        self, ada: Ref[RelationshipActor], shelf: Shelf, house: Directory
    ) -> None:
        await reading(ada)
        shelf.away = True
        ada.tell(an_exchange())
        ada.tell(m.PersonForgotten())
        await reading(ada)
        shelf.away = False

        ada.dismiss()
        await house.quiet()

        assert shelf.writes == []


class TestOutage:
    async def test_everything_is_kept_with_the_next_change(
        self, ada: Ref[RelationshipActor], shelf: Shelf
    ) -> None:
        await reading(ada)
        shelf.away = True
        ada.tell(an_exchange(number=1, disclosed=True))
        ada.tell(an_exchange(number=3, place=a_guild(2)))
        await reading(ada)
        shelf.away = False

        ada.tell(an_exchange(number=5, place=a_dm()))
        await reading(ada)

        counts = {guild: saved.total_interactions for guild, saved in kept(shelf).items()}
        assert counts == {SNUG: 1, LOFT: 1, None: 3}
        assert len(shelf.of(Preference)) == 1

    async def test_or_when_the_actor_leaves(
        self, ada: Ref[RelationshipActor], shelf: Shelf, house: Directory
    ) -> None:
        await reading(ada)
        shelf.away = True
        ada.tell(an_exchange())
        read = await reading(ada)
        shelf.away = False

        ada.dismiss()
        await house.quiet()

        assert kept(shelf) == {SNUG: read.relationship, None: read.overall}

    async def test_what_is_kept_is_not_kept_again(
        self, ada: Ref[RelationshipActor], shelf: Shelf, house: Directory
    ) -> None:
        ada.tell(an_exchange())
        await reading(ada)
        count = len(shelf.writes)

        ada.dismiss()
        await house.quiet()

        assert len(shelf.writes) == count == 3

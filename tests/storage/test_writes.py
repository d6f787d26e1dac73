"""The contract of the group commit, the same on every engine."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from storage.database import Database
from storage.errors import RowRefusedError, StorageError
from storage.ids import GuildId, MessageId, RowId, UserId
from storage.models import (
    BotOpinion,
    BotState,
    CareCount,
    CareState,
    Channel,
    Conversation,
    FactAssociation,
    Guild,
    GuildMember,
    Message,
    ModelUsage,
    MoodHistory,
    Setting,
    User,
    UserCommunicationStyle,
    UserFact,
    UserPreference,
    UserRelationship,
    Watermark,
)
from storage.records import CareCount as Counted
from storage.records import CareState as Care
from storage.records import (
    EditedMessage,
    GuildState,
    Heard,
    KeptCare,
    KnownChannel,
    ModelUse,
    Opinion,
    Preference,
)
from storage.records import Setting as Kept
from storage.records import Watermark as Mark
from storage.writes import Writer
from tests.storage.builders import (
    ANNA,
    BAR,
    BEN,
    CORNER,
    HARBOUR,
    NOON,
    TAVERN,
    a_fact_save,
    a_heard,
    a_mood,
    a_person,
    a_place,
    a_relationship,
    a_reply,
    a_shift,
    a_style,
)
from tests.storage.store import Store

MINUTE = timedelta(minutes=1)


class TestHearing:
    async def test_a_first_message_makes_its_person_guild_member_and_sitting(
        self, store: Store
    ) -> None:
        person = a_person(nickname="Annie", roles=("guest", 'say "hi"'), locale="de")

        await store.save(a_heard(person=person))

        (user,) = await store.rows(User)
        (guild,) = await store.rows(Guild)
        (member,) = await store.rows(GuildMember)
        (sitting,) = await store.rows(Conversation)
        (message,) = await store.rows(Message)
        assert (user.discord_id, user.discord_display_name, user.locale) == (
            ANNA,
            "Name 1001",
            "de",
        )
        assert (guild.discord_id, guild.name, guild.is_active) == (TAVERN, "The Tavern", True)
        assert (member.guild_id, member.user_id) == (guild.id, user.id)
        assert (member.guild_nickname, member.roles) == ("Annie", ["guest", 'say "hi"'])
        assert (sitting.user_id, sitting.guild_id, sitting.channel_id) == (user.id, TAVERN, BAR)
        assert (sitting.message_count, sitting.is_active) == (1, True)
        assert (message.conversation_id, message.role, message.content) == (
            sitting.id,
            "user",
            "words 1",
        )
        assert (message.expects_answer, message.answered_at) == (True, None)

    async def test_the_answer_says_the_sitting_and_that_it_is_new(self, store: Store) -> None:
        (heard,) = await store.save(a_heard(7))

        (sitting,) = await store.rows(Conversation)
        assert heard == Heard(MessageId(7), RowId(sitting.id), fresh=True)

    async def test_a_message_is_kept_once(self, store: Store) -> None:
        (first,) = await store.save(a_heard(7))

        (again,) = await store.save(a_heard(7, text="another text"))

        assert again == Heard(MessageId(7), first.conversation, fresh=False)
        assert [row.content for row in await store.rows(Message)] == ["words 7"]
        assert [row.message_count for row in await store.rows(Conversation)] == [1]

    async def test_the_same_message_twice_in_a_commit_is_kept_once(self, store: Store) -> None:
        first, second = await store.save_each([a_heard(7)], [a_heard(7)])

        assert not isinstance(first, StorageError)
        assert not isinstance(second, StorageError)
        assert (first[0].fresh, second[0].fresh) == (True, False)
        assert await store.count(Message) == 1

    async def test_a_message_that_was_answered_says_so_when_it_comes_again(
        self, store: Store
    ) -> None:
        await store.save(a_heard(7))
        await store.save(a_reply(7))

        (again,) = await store.save(a_heard(7))

        assert again.answered

    async def test_messages_without_a_sitting_in_one_commit_share_the_new_one(
        self, store: Store
    ) -> None:
        await store.save_each([a_heard(1)], [a_heard(2, at=NOON + MINUTE)])

        (sitting,) = await store.rows(Conversation)
        assert sitting.message_count == 2
        assert sitting.last_message_at == NOON + MINUTE

    async def test_a_new_sitting_closes_the_one_before_it_in_that_channel_only(
        self, store: Store
    ) -> None:
        await store.save_each([a_heard(1)], [a_heard(2, place=a_place(channel_id=CORNER))])

        await store.save(a_heard(3))

        open_now = [(row.channel_id, row.is_active) for row in await store.rows(Conversation)]
        assert sorted(open_now) == [(BAR, False), (BAR, True), (CORNER, True)]

    async def test_a_message_goes_on_with_the_sitting_it_names(self, store: Store) -> None:
        (first,) = await store.save(a_heard(1))

        (second,) = await store.save(a_heard(2, conversation=first.conversation, at=NOON + MINUTE))

        assert second.conversation == first.conversation
        (sitting,) = await store.rows(Conversation)
        assert (sitting.message_count, sitting.last_message_at) == (2, NOON + MINUTE)

    async def test_a_sitting_that_is_gone_is_opened_anew(self, store: Store) -> None:
        (heard,) = await store.save(a_heard(1, conversation=RowId(4711)))

        assert heard.fresh
        assert heard.conversation != 4711

    async def test_nobody_can_speak_in_the_sitting_of_another(self, store: Store) -> None:
        (anna,) = await store.save(a_heard(1))

        (ben,) = await store.save(a_heard(2, person=a_person(BEN), conversation=anna.conversation))

        assert ben.conversation != anna.conversation

    async def test_seeing_somebody_again_updates_what_changed(self, store: Store) -> None:
        await store.save(a_heard(1, person=a_person(nickname="Annie", locale="de")))

        later = NOON + timedelta(days=1)
        await store.save(
            a_heard(2, person=a_person(display_name="New", nickname=None), at=later), now=later
        )

        (user,) = await store.rows(User)
        (member,) = await store.rows(GuildMember)
        assert (user.discord_display_name, user.locale) == ("New", "de")
        assert (user.first_seen_at, user.last_seen_at) == (NOON, later)
        assert member.guild_nickname is None

    async def test_a_direct_message_belongs_to_no_guild(self, store: Store) -> None:
        await store.save(a_heard(1, place=a_place(None)))

        assert await store.count(Guild) == 0
        assert await store.count(GuildMember) == 0
        assert [row.guild_id for row in await store.rows(Conversation)] == [None]

    async def test_a_guild_without_a_name_keeps_the_one_it_had(self, store: Store) -> None:
        await store.save(a_heard(1))

        await store.save(a_heard(2, place=a_place(name="")))

        assert [row.name for row in await store.rows(Guild)] == ["The Tavern"]

    async def test_images_are_kept_in_order(self, store: Store) -> None:
        await store.save(a_heard(1, image_urls=("https://b", "https://a")))

        (message,) = await store.rows(Message)
        assert (message.has_images, message.image_urls) == (True, ["https://b", "https://a"])


class TestSaying:
    async def test_a_reply_settles_what_it_answers_and_names_it(self, store: Store) -> None:
        heard, _ = await store.save(a_heard(1), a_heard(2))

        await store.save(a_reply(1, 91, conversation=heard.conversation, at=NOON + MINUTE))

        one, two, reply = await store.rows(Message)
        assert (one.answered_at, two.answered_at) == (NOON + MINUTE, None)
        assert (reply.role, reply.discord_message_id, reply.answers_message_id) == (
            "assistant",
            91,
            1,
        )

    async def test_a_reply_in_parts_is_one_row(self, store: Store) -> None:
        await store.save(a_heard(1), a_heard(2))

        await store.save(a_burst_reply(1, 2, parts=(91, 92, 93)))

        one, two, reply = await store.rows(Message)
        assert one.answered_at == two.answered_at == NOON
        assert (reply.discord_message_id, reply.part_ids) == (91, [92, 93])

    async def test_a_reply_finds_the_sitting_of_what_it_answers(self, store: Store) -> None:
        (heard,) = await store.save(a_heard(1))

        await store.save(a_reply(1))

        rows = await store.rows(Message)
        assert [row.conversation_id for row in rows] == [heard.conversation] * 2
        assert [row.message_count for row in await store.rows(Conversation)] == [2]

    async def test_message_and_reply_may_come_in_one_commit(self, store: Store) -> None:
        ((heard, _),) = await store.save_each([a_heard(1), a_reply(1, at=NOON + MINUTE)])

        assert heard.answered
        (sitting,) = await store.rows(Conversation)
        assert (sitting.message_count, sitting.last_message_at) == (2, NOON + MINUTE)

    async def test_a_reply_is_kept_once(self, store: Store) -> None:
        await store.save(a_heard(1))
        await store.save(a_reply(1))

        await store.save(a_reply(1))

        assert await store.count(Message) == 2
        assert [row.message_count for row in await store.rows(Conversation)] == [2]

    async def test_a_reply_that_could_not_be_said_settles_and_leaves_no_row(
        self, store: Store
    ) -> None:
        await store.save(a_heard(1))

        await store.save(a_burst_reply(1, parts=()))

        (message,) = await store.rows(Message)
        assert message.answered_at == NOON

    async def test_a_reply_to_what_was_forgotten_is_forgotten(self, store: Store) -> None:
        await store.save(a_heard(1))

        await store.save(a_reply(77, conversation=RowId(4711)))

        assert await store.count(Message) == 1

    async def test_the_first_answer_is_the_one_that_counts(self, store: Store) -> None:
        await store.save(a_heard(1), a_reply(1, 91))

        await store.save(a_reply(1, 92, at=NOON + MINUTE))

        assert (await store.rows(Message))[0].answered_at == NOON

    async def test_an_edit_changes_the_text_of_a_kept_message_only(self, store: Store) -> None:
        await store.save(a_heard(1))

        await store.save(
            EditedMessage(MessageId(1), "better words", NOON + MINUTE),
            EditedMessage(MessageId(2), "never heard", NOON),
        )

        (message,) = await store.rows(Message)
        assert (message.content, message.created_at) == ("better words", NOON)

    async def test_a_message_may_be_heard_and_edited_in_one_commit(self, store: Store) -> None:
        await store.save(a_heard(1), EditedMessage(MessageId(1), "better words", NOON))

        assert [row.content for row in await store.rows(Message)] == ["better words"]


class TestStates:
    async def test_of_two_saves_of_one_record_the_later_wins(self, store: Store) -> None:
        await store.save_each([a_mood(valence=0.1)], [a_mood(valence=0.2)])

        await store.save_each([a_mood(valence=0.3)], [a_mood(valence=0.4)])

        assert [row.mood_valence for row in await store.rows(BotState)] == [0.4]

    @pytest.mark.parametrize("guild_id", [TAVERN, None])
    async def test_there_is_one_row_for_each_guild_and_one_for_none(
        self, store: Store, guild_id: GuildId | None
    ) -> None:
        await store.save(a_heard(1))
        for score in (1.0, 2.0):
            await store.save(
                a_mood(guild_id, valence=score / 10),
                a_relationship(guild_id=guild_id, score=score),
                an_opinion(guild_id, sentiment=score / 10),
                Mark(ANNA, guild_id, MessageId(int(score))),
            )

        assert [r.mood_valence for r in await store.rows(BotState)] == [0.2]
        assert [r.relationship_score for r in await store.rows(UserRelationship)] == [2.0]
        assert [r.sentiment for r in await store.rows(BotOpinion)] == [0.2]
        assert [r.last_message_id for r in await store.rows(Watermark)] == [2]

    async def test_guilds_and_none_are_kept_apart(self, store: Store) -> None:
        await store.save(a_mood(TAVERN), a_mood(HARBOUR), a_mood(None))

        assert {row.guild_id for row in await store.rows(BotState)} == {TAVERN, HARBOUR, None}

    async def test_the_bars_birthday_stays(self, store: Store) -> None:
        await store.save(a_mood(first_activated_at=NOON))

        await store.save(a_mood(updated_at=NOON + MINUTE))

        assert [row.first_activated_at for row in await store.rows(BotState)] == [NOON]

    async def test_a_style_is_one_row_for_a_person(self, store: Store) -> None:
        await store.save(a_heard(1))

        await store.save(a_style(humor_affinity=0.1))
        await store.save(a_style(humor_affinity=0.9, engagement_signals={"asks": 3}))

        (style,) = await store.rows(UserCommunicationStyle)
        assert (style.humor_affinity, style.engagement_signals) == (0.9, {"asks": 3})

    async def test_every_shift_of_mood_is_kept(self, store: Store) -> None:
        await store.save(a_heard(1), a_shift(), a_shift(valence=0.3), a_shift(trigger_user_id=None))

        (user,) = await store.rows(User)
        history = await store.rows(MoodHistory)
        assert sorted(row.valence for row in history) == [0.2, 0.2, 0.3]
        assert {row.trigger_user_id for row in history} == {user.id, None}

    async def test_a_preference_needs_no_acquaintance(self, store: Store) -> None:
        await store.save(Preference(BEN, "pause", "yes"))

        (user,) = await store.rows(User)
        assert user.discord_id == BEN
        assert [row.preference_value for row in await store.rows(UserPreference)] == ["yes"]

    async def test_a_preference_can_be_removed(self, store: Store) -> None:
        await store.save(Preference(BEN, "pause", "yes"), Preference(BEN, "country", "DE"))

        await store.save(Preference(BEN, "pause", None))

        assert [row.preference_key for row in await store.rows(UserPreference)] == ["country"]

    @pytest.mark.parametrize(
        ("values", "left"), [(("a", None), []), ((None, "a"), ["a"]), (("a", None, "b"), ["b"])]
    )
    async def test_setting_and_removing_in_one_commit_keeps_their_order(
        self, store: Store, values: tuple[str | None, ...], left: list[str]
    ) -> None:
        await store.save(Preference(BEN, "pause", "before"))

        await store.save_each(*([Preference(BEN, "pause", value)] for value in values))

        assert [row.preference_value for row in await store.rows(UserPreference)] == left

    async def test_care_is_held_and_let_go(self, store: Store) -> None:
        care = Care(2, ("ideation",), NOON, NOON + timedelta(days=3), NOON, "de")
        await store.save(a_heard(1), KeptCare(ANNA, BAR, care))
        held = await store.rows(CareState)

        await store.save(KeptCare(ANNA, BAR, None))

        assert [(row.level, row.labels, row.language) for row in held] == [(2, ["ideation"], "de")]
        assert await store.count(CareState) == 0

    async def test_counts_add_up_within_and_across_commits(self, store: Store) -> None:
        month = NOON.date().replace(day=1)
        use = ModelUse(None, "m", NOON, prompt_tokens=100, cost_usd=0.5)
        for _ in range(2):
            await store.save_each(
                [Counted(month, None, "referral", 2), use],
                [Counted(month, None, "referral", 2), use],
                [Counted(month, TAVERN, "referral", 2)],
            )

        counts = {row.guild_id: row.count for row in await store.rows(CareCount)}
        (usage,) = await store.rows(ModelUsage)
        assert counts == {None: 4, TAVERN: 2}
        assert (usage.calls, usage.prompt_tokens, usage.cost_usd) == (4, 400, 2.0)
        assert usage.day == NOON.date()

    async def test_a_channel_never_goes_back(self, store: Store) -> None:
        for last in (5, 9, 7, None):
            known = MessageId(last) if last else None
            await store.save(KnownChannel(BAR, TAVERN, "text", known))

        assert [row.last_message_id for row in await store.rows(Channel)] == [9]

    async def test_a_setting_may_hold_any_json(self, store: Store) -> None:
        value = {"hash": "ab", "list": [1, None, {"deep": True}], "umlaut": "ü"}

        await store.save(Kept("commands", [1]), Kept("empty", None))
        await store.save(Kept("commands", value))

        kept = {row.key: row.value for row in await store.rows(Setting)}
        assert kept["commands"] == value
        assert kept["empty"] is None

    async def test_a_guild_that_is_left_comes_back_with_its_name(self, store: Store) -> None:
        await store.save(GuildState(TAVERN, "The Tavern", True, NOON))
        await store.save(GuildState(TAVERN, "", False, NOON))
        left = [(row.name, row.is_active) for row in await store.rows(Guild)]

        await store.save(a_heard(1))

        assert left == [("The Tavern", False)]
        assert [(row.name, row.is_active) for row in await store.rows(Guild)] == [
            ("The Tavern", True)
        ]


class TestFacts:
    async def test_a_new_fact_answers_with_its_key(self, store: Store) -> None:
        await store.save(a_heard(1))

        one, two = await store.save(a_fact_save(content="one"), a_fact_save(content="two"))

        kept = {row.id: row.fact_content for row in await store.rows(UserFact)}
        assert kept == {one: "one", two: "two"}

    async def test_a_fact_is_changed_by_its_key(self, store: Store) -> None:
        _, key = await store.save(a_heard(1), a_fact_save())

        (same,) = await store.save(a_fact_save(fact_id=key, content="plays the viola"))

        assert same == key
        assert [row.fact_content for row in await store.rows(UserFact)] == ["plays the viola"]

    async def test_a_fact_that_takes_the_place_of_another_is_linked_to_it(
        self, store: Store
    ) -> None:
        _, old = await store.save(a_heard(1), a_fact_save(content="lives in Bonn"))

        (new,) = await store.save(a_fact_save((old,), content="lives in Kiel"))

        before, after = await store.rows(UserFact)
        (link,) = await store.rows(FactAssociation)
        assert (before.superseded_by, before.is_active) == (new, False)
        assert (after.superseded_by, after.is_active) == (None, True)
        assert (link.fact_id_1, link.fact_id_2, link.association_type) == (new, old, "supersedes")

    async def test_old_and_new_may_be_saved_together(self, store: Store) -> None:
        _, old = await store.save(a_heard(1), a_fact_save(content="lives in Bonn"))

        _, new = await store.save(
            a_fact_save(fact_id=old, content="lives in Bonn", is_active=False, temporal="past"),
            a_fact_save((old,), content="lives in Kiel"),
        )

        before, _ = await store.rows(UserFact)
        assert (before.superseded_by, before.temporal_relevance) == (new, "past")

    async def test_a_later_save_does_not_cut_the_link(self, store: Store) -> None:
        _, old = await store.save(a_heard(1), a_fact_save())
        (new,) = await store.save(a_fact_save((old,)))

        await store.save(a_fact_save(fact_id=old, is_active=False))

        assert (await store.rows(UserFact))[0].superseded_by == new

    async def test_a_fact_that_is_gone_stays_gone(self, store: Store) -> None:
        await store.save(a_heard(1))

        (answer,) = await store.save(a_fact_save(fact_id=RowId(4711)))

        assert answer == 4711
        assert await store.count(UserFact) == 0


class TestRefusal:
    async def test_only_the_ask_with_the_bad_row_is_refused(self, store: Store) -> None:
        asks: list[list[Any]] = [[a_heard(n, person=a_person(UserId(n)))] for n in range(1, 33)]
        asks[20].append(a_relationship(UserId(4711)))

        outcomes = await store.save_each(*asks)

        assert [n for n, o in enumerate(outcomes) if isinstance(o, RowRefusedError)] == [20]
        assert await store.count(Message) == 31

    async def test_an_ask_is_kept_whole_or_not_at_all(self, store: Store) -> None:
        with pytest.raises(RowRefusedError):
            await store.save(a_heard(1), a_mood(), a_style(UserId(4711)))

        assert await store.count(Message) == 0
        assert await store.count(BotState) == 0

    async def test_a_save_hidden_by_a_refused_one_is_kept(self, store: Store) -> None:
        good, bad = await store.save_each(
            [a_mood(valence=0.1)], [a_mood(valence=0.2), a_style(UserId(4711))]
        )

        assert not isinstance(good, StorageError)
        assert isinstance(bad, RowRefusedError)
        assert [row.mood_valence for row in await store.rows(BotState)] == [0.1]

    @pytest.mark.parametrize(
        ("write", "reason"),
        [
            (a_relationship(UserId(4711)), "not_null"),
            (a_fact_save(superseded_by=RowId(4711)), "foreign_key"),
            (a_mood(valence=float("nan")), "invalid"),
            (a_relationship(score=float("inf")), "invalid"),
            (a_style(engagement_signals={"x": float("nan")}), "invalid"),
            (a_style(engagement_signals={"x": object()}), "invalid"),
            (Kept("x", {1, object()}), "invalid"),
            (a_heard(2**70), None),
        ],
        ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
    )
    async def test_what_no_database_can_hold_is_refused_with_a_code(
        self, store: Store, write: Any, reason: str | None
    ) -> None:
        await store.save(a_heard(1))

        with pytest.raises(RowRefusedError) as refused:
            await store.save(write)

        assert reason is None or refused.value.reason == reason

    async def test_the_error_does_not_quote_the_row(self, store: Store) -> None:
        with pytest.raises(RowRefusedError) as refused:
            await store.save(a_fact_save(user_id=UserId(4711), content="a secret of mine"))

        seen: BaseException | None = refused.value
        while seen is not None:
            assert "secret" not in str(seen)
            seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)

    async def test_after_a_refusal_all_goes_on(self, store: Store) -> None:
        await store.save_each([a_style(UserId(4711))])

        (heard,) = await store.save(a_heard(1))

        assert heard.fresh

    async def test_many_bad_asks_among_good_ones_are_all_found(self, store: Store) -> None:
        asks: list[list[Any]] = [
            [a_relationship(UserId(4711))] if n % 3 == 0 else [a_heard(n)] for n in range(40)
        ]

        outcomes = await store.save_each(*asks)

        refused = [n for n, o in enumerate(outcomes) if isinstance(o, StorageError)]
        assert refused == [n for n in range(40) if n % 3 == 0]

    async def test_an_empty_ask_is_kept_easily(self, store: Store) -> None:
        assert await store.save_each([], [a_mood()]) == ((), (None,))


class TestText:
    @pytest.mark.parametrize(
        ("said", "kept"),
        [
            ("nul \x00 in it", "nul \u2400 in it"),
            ("half \ud83d a pair", "half \ufffd a pair"),
            ("a whole \U0001f37a one", "a whole \U0001f37a one"),
            ("'; DROP TABLE users; --", "'; DROP TABLE users; --"),
            ('back\\slash {braces} "quotes" ?', 'back\\slash {braces} "quotes" ?'),
            ("", ""),
        ],
    )
    async def test_any_text_is_kept_everywhere(self, store: Store, said: str, kept: str) -> None:
        person = a_person(username=said, nickname=said, roles=(said, "x"))

        await store.save(
            a_heard(1, person=person, text=said),
            a_reply(1, text=said),
            a_fact_save(content=said, evidence=said),
            a_style(engagement_signals={said: [said]}),
            an_opinion(TAVERN, topic=said, reasoning=said),
            Preference(ANNA, "k", said),
        )

        (member,) = await store.rows(GuildMember)
        assert {row.content for row in await store.rows(Message)} == {kept}
        assert [row.evidence for row in await store.rows(UserFact)] == [kept]
        assert member.guild_nickname == kept
        assert member.roles == [kept, "x"]
        assert [r.engagement_signals for r in await store.rows(UserCommunicationStyle)] == [
            {kept: [kept]}
        ]
        assert [row.preference_value for row in await store.rows(UserPreference)] == [kept]

    async def test_a_name_that_is_too_long_is_cut(self, store: Store) -> None:
        long = "x" * 1_000

        await store.save(
            a_heard(1, person=a_person(username=long, display_name=long, nickname=long)),
            an_opinion(TAVERN, topic=long),
        )

        assert [len(row.discord_username) for row in await store.rows(User)] == [255]
        assert [len(row.topic) for row in await store.rows(BotOpinion)] == [255]


class TestManyAtOnce:
    async def test_a_crowd_that_all_come_at_once_is_all_kept(self, store: Store) -> None:
        asks = [
            [
                a_heard(n, person=a_person(UserId(5_000 + n % 40))),
                a_reply(n, 100_000 + n, user_id=UserId(5_000 + n % 40)),
                a_mood(GuildId(2_000 + n % 5)),
                a_relationship(UserId(5_000 + n % 40)),
                a_fact_save(user_id=UserId(5_000 + n % 40)),
            ]
            for n in range(1, 301)
        ]

        outcomes = await store.save_each(*asks)

        assert not [o for o in outcomes if isinstance(o, StorageError)]
        assert await store.count(User) == 40
        assert await store.count(Message) == 600
        assert sum(row.message_count for row in await store.rows(Conversation)) == 600
        facts = {outcome[4] for outcome in outcomes if not isinstance(outcome, StorageError)}
        assert len(facts) == await store.count(UserFact) == 300

    async def test_facts_are_answered_with_their_own_keys(self, store: Store) -> None:
        await store.save(a_heard(1))

        outcomes = await store.save_each(*([a_fact_save(content=f"f{n}")] for n in range(100)))

        by_key = {row.id: row.fact_content for row in await store.rows(UserFact)}
        assert [by_key[outcome[0]] for outcome in outcomes if isinstance(outcome, tuple)] == [
            f"f{n}" for n in range(100)
        ]

    async def test_two_writers_may_keep_the_same_people(self, url: str, store: Store) -> None:
        other = Database()
        await other.init(url)
        is_shared = not store.database.is_in_memory
        second = Writer(other if is_shared else store.database)
        people = [UserId(n) for n in range(6_000, 6_020)]

        async def crowd(writer: Writer, first: int) -> list[StorageError]:
            asks = [
                [a_heard(first + n, person=a_person(user)), a_relationship(user), a_mood()]
                for n, user in enumerate(people if first else reversed(people))
            ]
            found = []
            for _ in range(5):
                committed = await writer.commit(asks, NOON)
                found += [o for o in committed.outcomes if isinstance(o, StorageError)]
            return found

        failed = await asyncio.gather(crowd(store.writer, 0), crowd(second, 1_000))
        await second.close()
        await other.close()

        assert failed == [[], []]
        assert await store.count(User) == 20


def a_burst_reply(*answers: int, parts: tuple[int, ...]) -> Any:
    reply = a_reply(answers[0])
    return type(reply)(
        user_id=reply.user_id,
        place=reply.place,
        conversation=None,
        answers=tuple(MessageId(n) for n in answers),
        message_ids=tuple(MessageId(n) for n in parts),
        text=reply.text,
        at=NOON,
    )


def an_opinion(guild_id: GuildId | None, **changes: Any) -> Opinion:
    values: dict[str, Any] = {
        "topic": "tea",
        "sentiment": 0.4,
        "interest": 0.5,
        "discussion_count": 2,
        "formed_at": NOON,
        "last_reinforced_at": NOON,
    }
    return Opinion(guild_id, **{**values, **changes})

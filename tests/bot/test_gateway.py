"""The Discord door, through the real client and a real socket: what it hears, and what not."""

import asyncio
import logging

import pytest

from actors.messages import GuildJoined, GuildLeft, MessagesDeleted
from bot.gateway import MOST_WAITING, TOO_MUCH
from bot.hearing import FILE, ONLY_A_MENTION
from storage.ids import ChannelId
from tests.bot.scripted import Evening
from tests.fakes.discord import Account, Channel


class TestWhatIsMeantForTheBar:
    async def test_a_mention_is(self, evening: Evening, ada: Account, bar: Channel) -> None:
        async with evening.opened():
            said = await evening.server.says(ada, bar, "good evening", mentions_bot=True)
            heard = await evening.rooms.next_heard()

        assert (heard.text, heard.message_id) == ("good evening", said.id)
        assert (heard.place.channel_id, heard.place.kind) == (bar.id, "text")
        assert (heard.place.guild_name, heard.person.username) == ("The Snug", "ada")

    async def test_a_direct_message_is(self, evening: Evening, ada: Account) -> None:
        async with evening.opened():
            await evening.server.says(ada, evening.server.dm(ada), "good evening")
            heard = await evening.rooms.next_heard()

        assert (heard.text, heard.place.kind, heard.place.guild_id) == ("good evening", "dm", None)

    async def test_an_answer_to_the_bar_is_and_brings_what_it_answers(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        async with evening.opened():
            await evening.server.says(ada, bar, "hello", mentions_bot=True)
            await evening.says_back(await evening.rooms.next_heard(), "What are you having?")
            asked = await evening.server.next_reply(bar)
            await evening.server.says(ada, bar, "a tea", reply_to=asked, ping=False)
            heard = await evening.rooms.next_heard()

        assert (heard.text, heard.quoted) == ("a tea", "What are you having?")

    @pytest.mark.parametrize(
        "text",
        ["Bartender, a tea please", "hey bartender!", "what do you think, Bartender?", "Bartender"],
    )
    async def test_being_called_by_name_is(
        self, evening: Evening, ada: Account, bar: Channel, text: str
    ) -> None:
        async with evening.opened():
            await evening.server.says(ada, bar, text)

            assert (await evening.rooms.next_heard()).text == text

    async def test_talk_of_the_room_is_not(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        server, ben = evening.server, evening.server.user("Ben")
        robot = server.user("Robot", bot=True)
        async with evening.opened():
            first = await server.says(ben, bar, "nice weather")
            await server.says(ada, bar, "I want to be a bartender some day")
            await server.says(ada, bar, "indeed", reply_to=first)
            await server.says(robot, bar, "beep", mentions_bot=True)
            await server.says(ada, bar, "ping", mentions_bot=True, webhook=True)
            await server.says(ada, server.dm(ada), "only this")
            heard = await evening.rooms.next_heard()

        assert [each.text for each in evening.rooms.all] == [heard.text] == ["only this"]

    async def test_a_thread_is_once_the_bar_was_spoken_to_in_it(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        server, ben = evening.server, evening.server.user("Ben")
        async with evening.opened():
            booth = server.thread(bar)
            other = await server.says(ben, booth, "before anybody called you")
            await server.says(ada, booth, "join us", mentions_bot=True)
            await server.says(ben, booth, "yes, do")
            await server.says(ben, booth, "not to you", reply_to=other)
            await server.says(ben, booth, f"nor this {ada.mention}")
            await server.says(ada, booth, "and this")
            heard = [await evening.rooms.next_heard() for _ in range(3)]

        assert [each.text for each in heard] == ["join us", "yes, do", "and this"]
        assert {each.place.kind for each in heard} == {"thread"}

    async def test_a_thread_stays_the_bars_over_a_restart(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        booth = evening.server.thread(bar)
        async with evening.opened():
            await evening.server.says(ada, booth, "join us", mentions_bot=True)
            await evening.rooms.next_heard()
        async with evening.opened():
            await evening.server.says(ada, booth, "still there?")

            assert (await evening.rooms.next_heard()).text == "still there?"

    async def test_a_chosen_channel_is_with_its_threads(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        async with evening.opened(channels=frozenset({ChannelId(bar.id)})):
            await evening.server.says(ada, bar, "anybody in?")
            await evening.server.says(ada, evening.server.thread(bar), "or here?")
            heard = [await evening.rooms.next_heard() for _ in range(2)]

        assert [each.text for each in heard] == ["anybody in?", "or here?"]

    async def test_what_the_same_person_adds_at_once_is(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        async with evening.opened():
            await evening.server.says(ada, bar, "I had a day", mentions_bot=True)
            for text, seconds in (("a long one", 14), ("as you see", 14), ("to the room", 16)):
                evening.server.world.skip(seconds)
                await evening.server.says(ada, bar, text)
            await evening.server.says(ada, bar, "and to you", mentions_bot=True)
            heard = [await evening.rooms.next_heard() for _ in range(4)]

        assert [each.text for each in heard] == [
            "I had a day",
            "a long one",
            "as you see",
            "and to you",
        ]


class TestWhatIsHeard:
    async def test_names_are_those_of_the_place(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        assert bar.guild is not None
        ada.display_name = "Ada L."
        evening.server.member(bar.guild, ada, nickname="Countess")
        async with evening.opened():
            await evening.server.says(ada, bar, "hello", mentions_bot=True)
            person = (await evening.rooms.next_heard()).person

        assert (person.username, person.display_name, person.nickname) == (
            "ada",
            "Ada L.",
            "Countess",
        )
        assert person.joined_guild_at is not None

    async def test_others_are_called_by_name_in_it(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        ben = evening.server.user("Ben")
        async with evening.opened():
            await evening.server.says(ada, bar, f"I miss {ben.mention}", mentions_bot=True)

            assert (await evening.rooms.next_heard()).text == "I miss @Ben"

    async def test_pictures_come_as_addresses_and_other_files_are_named(
        self, evening: Evening, ada: Account
    ) -> None:
        server, table = evening.server, evening.server.dm(ada)
        cat = server.file("cat.png")
        letter = server.file("letter.pdf", content_type="application/pdf")
        async with evening.opened():
            await server.says(ada, table, "", attachments=[cat, letter])
            await server.says(ada, table, "", attachments=[letter])
            first, second = [await evening.rooms.next_heard() for _ in range(2)]

        assert (first.text, first.image_urls) == ("", (cat["url"],))
        assert (second.text, second.image_urls) == (FILE, ())

    async def test_a_mention_alone_is_not_nothing(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        async with evening.opened():
            await evening.server.says(ada, bar, "", mentions_bot=True)

            assert (await evening.rooms.next_heard()).text == ONLY_A_MENTION

    async def test_an_edit_is_told_and_an_unfolded_link_is_not(
        self, evening: Evening, ada: Account
    ) -> None:
        server = evening.server
        async with evening.opened():
            said = await server.says(ada, server.dm(ada), "I am fin")
            await evening.rooms.next_heard()
            server.gateway.tell_message("MESSAGE_UPDATE", said)
            await server.edits(said, "I am fine")
            edited = await evening.rooms.next_edited()

        assert (edited.message_id, edited.text, edited.user_id) == (said.id, "I am fine", ada.id)

    async def test_deletions_are_told_one_or_many(self, evening: Evening, ada: Account) -> None:
        server, table = evening.server, evening.server.dm(ada)
        async with evening.opened():
            said = [await server.says(ada, table, str(number)) for number in range(3)]
            for _ in said:
                await evening.rooms.next_heard()
            await server.deletes(said[0])
            await server.deletes(said[1], said[2])
            await server.says(ada, table, "done")
            await evening.rooms.next_heard()

        told = [each for each in evening.rooms.house.told if isinstance(each, MessagesDeleted)]
        assert [each.message_ids for each in told] == [{said[0].id}, {said[1].id, said[2].id}]
        assert {each.channel_id for each in told} == {table.id}

    async def test_deletions_where_the_bar_never_was_are_nobodys_business(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        server = evening.server
        async with evening.opened():
            await server.says(ada, server.dm(ada), "first")
            await evening.rooms.next_heard()
            await server.deletes(await server.says(ada, bar, "to the room"))
            await server.says(ada, server.dm(ada), "second")
            await evening.rooms.next_heard()

        assert not [each for each in evening.rooms.house.told if isinstance(each, MessagesDeleted)]

    async def test_a_replayed_message_is_heard_once(self, evening: Evening, ada: Account) -> None:
        server = evening.server
        async with evening.opened():
            said = await server.says(ada, server.dm(ada), "once")
            server.gateway.tell_message("MESSAGE_CREATE", said)
            await server.says(ada, server.dm(ada), "twice")
            heard = [await evening.rooms.next_heard() for _ in range(2)]

        assert [each.text for each in heard] == ["once", "twice"]

    async def test_a_message_the_house_could_not_hear_costs_only_itself(
        self, evening: Evening, ada: Account, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def stumble(_heard: object) -> None:
            evening.rooms.then = None
            raise RuntimeError("a room failed")

        evening.rooms.then = stumble
        async with evening.opened():
            first = await evening.server.says(ada, evening.server.dm(ada), "first")
            await evening.rooms.next_heard()
            await evening.server.says(ada, evening.server.dm(ada), "second")
            evening.server.gateway.tell_message("MESSAGE_CREATE", first)
            heard = [(await evening.rooms.next_heard()).text for _ in range(2)]

        assert heard == ["second", "first"]
        assert "discord.event_failed" in caplog.messages

    async def test_a_flood_is_bounded_and_answered_kindly(
        self, evening: Evening, ada: Account
    ) -> None:
        server, table = evening.server, evening.server.dm(ada)
        evening.rooms.hold = asyncio.Event()
        async with evening.opened():
            for number in range(MOST_WAITING + 5):
                await server.says(ada, table, str(number))
            notice = await server.next_reply(table)
            evening.rooms.hold.set()
            for _ in range(MOST_WAITING):
                await evening.rooms.next_heard()
            await server.says(ada, table, "calm again")

            assert (await evening.rooms.next_heard()).text == "calm again"
        assert (notice.content, notice.reference) == (TOO_MUCH, None)
        assert len(server.replies(table)) == 1


class TestGuilds:
    async def test_the_house_is_told_of_guilds_it_is_in_joins_and_leaves(
        self, evening: Evening, bar: Channel
    ) -> None:
        house = evening.rooms.house
        async with evening.opened():
            joined = await house.until_told(GuildJoined)
            assert bar.guild is not None
            evening.server.leave_guild(bar.guild)
            left = await house.until_told(GuildLeft)

        assert (joined.guild_id, joined.name) == (bar.guild.id, "The Snug")
        assert left.guild_id == bar.guild.id

    async def test_a_guild_that_is_joined_later_can_be_talked_in(
        self, evening: Evening, ada: Account
    ) -> None:
        async with evening.opened():
            lounge = evening.server.channel(evening.server.guild("The Lounge"))
            await evening.server.says(ada, lounge, "hello", mentions_bot=True)

            assert (await evening.rooms.next_heard()).place.guild_name == "The Lounge"


class TestDiscretion:
    async def test_no_word_and_no_name_reaches_the_log(
        self, evening: Evening, ada: Account, bar: Channel, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        for library in ("discord", "aiohttp", "asyncio"):
            logging.getLogger(library).setLevel(logging.WARNING)
        secret, server = "canary-words", evening.server
        ada.name = ada.display_name = "canary-name"
        async with evening.opened():
            said = await server.says(ada, bar, secret, mentions_bot=True)
            await evening.says_back(await evening.rooms.next_heard(), f"{secret} too")
            await server.edits(said, f"{secret} edited {server.bot.mention}")
            await evening.rooms.next_edited()
            used = await server.interaction(ada, bar, "forget", {"what": secret})
            await used.answered()
            server.sends_raw("MESSAGE_CREATE", {"content": secret})
            server.gateway.forget_sessions()
            await server.ready()

        logged = "\n".join(f"{each.__dict__} {each.getMessage()}" for each in caplog.records)
        assert "discord.heard" in logged
        assert "canary" not in logged
        assert str(ada.id) not in logged

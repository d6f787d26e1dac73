"""Saying things on Discord: once, to the right message, pinging nobody."""

from typing import Any

import pytest

from actors.messages import CannotSayError, DoorClosedError, Reply
from bot.outbox import DiscordOutbox
from storage.ids import ChannelId, GuildId, MessageId, UserId
from storage.records import Place
from tests.bot.scripted import Evening
from tests.fakes.discord import Account, Channel, Message


def place_of(channel: Channel) -> Place:
    if channel.guild is None:
        return Place(None, ChannelId(channel.id), kind="dm")
    return Place(GuildId(channel.guild.id), ChannelId(channel.id), channel.guild.name)


def reply_to(message: Message, text: str = "I hear you.", **details: Any) -> Reply:
    return Reply(
        UserId(message.author.id),
        place_of(message.channel),
        MessageId(message.id),
        text,
        **details,
    )


class TestSay:
    async def test_a_reply_references_what_it_answers(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        async with evening.opened():
            said = await evening.server.says(ada, bar, "hello", mentions_bot=True)
            ids = await evening.outbox.say(reply_to(said))
            reply = await evening.server.next_reply(bar)

        assert ids == (reply.id,)
        assert (reply.reference, reply.nonce) == (said.id, str(said.id))

    async def test_nobody_is_pinged_whatever_the_words(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        async with evening.opened():
            said = await evening.server.says(ada, bar, "hello", mentions_bot=True)
            await evening.outbox.say(reply_to(said, f"@everyone @here {ada.mention} <@&1>"))

        assert evening.server.replies(bar)[0].pings == ()

    async def test_said_again_it_appears_once(self, evening: Evening, ada: Account) -> None:
        said = await evening.server.says(ada, table := evening.server.dm(ada), "hello")
        async with evening.opened():
            first = await evening.outbox.say(reply_to(said))
        async with evening.opened():
            again = await evening.outbox.say(reply_to(said))

        assert first == again
        assert len(evening.server.replies(table)) == 1

    async def test_a_long_reply_comes_in_parts_each_said_once(
        self, evening: Evening, ada: Account
    ) -> None:
        text = " ".join(f"This is sentence {number}." for number in range(200))
        said = await evening.server.says(ada, table := evening.server.dm(ada), "tell me")
        async with evening.opened():
            first = await evening.outbox.say(reply_to(said, text))
            again = await evening.outbox.say(reply_to(said, text))

        replies = evening.server.replies(table)
        assert first == again == tuple(reply.id for reply in replies)
        assert " ".join(reply.content for reply in replies) == text
        assert [reply.reference for reply in replies] == [said.id, None, None][: len(replies)]
        assert replies[1].nonce == f"{said.id}.1"

    async def test_an_answer_lost_on_the_way_is_asked_for_again(
        self, evening: Evening, ada: Account
    ) -> None:
        said = await evening.server.says(ada, table := evening.server.dm(ada), "hello")
        async with evening.opened():
            evening.server.faults.lose_answer("POST", "/channels/*/messages")
            ids = await evening.outbox.say(reply_to(said))

        assert [reply.id for reply in evening.server.replies(table)] == list(ids)
        assert evening.server.counts["nonce_repeats"] == 1

    async def test_a_notice_is_beside_the_answer(self, evening: Evening, ada: Account) -> None:
        said = await evening.server.says(ada, table := evening.server.dm(ada), "hello")
        async with evening.opened():
            await evening.outbox.say(reply_to(said, "One moment.", notice=True))
            await evening.outbox.say(reply_to(said))

        assert [(each.content, each.reference) for each in evening.server.replies(table)] == [
            ("One moment.", None),
            ("I hear you.", said.id),
        ]

    async def test_where_it_may_not_speak_it_never_can(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        said = await evening.server.says(ada, bar, "hello", mentions_bot=True)
        async with evening.opened():
            bar.forbidden = True
            with pytest.raises(CannotSayError, match="refused_50013"):
                await evening.outbox.say(reply_to(said))

    async def test_a_deleted_channel_is_never_spoken_in(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        said = await evening.server.says(ada, bar, "hello", mentions_bot=True)
        async with evening.opened():
            evening.server.delete_channel(bar)
            with pytest.raises(CannotSayError, match="refused_10003"):
                await evening.outbox.say(reply_to(said))

    async def test_closed_direct_messages_are_respected(
        self, evening: Evening, ada: Account
    ) -> None:
        said = await evening.server.says(ada, evening.server.dm(ada), "hello")
        ada.closed = True
        async with evening.opened():
            with pytest.raises(CannotSayError, match="refused_50007"):
                await evening.outbox.say(reply_to(said))

    async def test_words_that_were_taken_back_are_not_answered(
        self, evening: Evening, ada: Account
    ) -> None:
        said = await evening.server.says(ada, table := evening.server.dm(ada), "hello")
        async with evening.opened():
            await evening.server.deletes(said)
            with pytest.raises(CannotSayError, match="refused_50035"):
                await evening.outbox.say(reply_to(said))

        assert evening.server.replies(table) == []

    async def test_a_cry_for_help_that_was_taken_back_is(
        self, evening: Evening, ada: Account
    ) -> None:
        said = await evening.server.says(ada, table := evening.server.dm(ada), "I can't go on")
        async with evening.opened():
            await evening.server.deletes(said)
            await evening.outbox.say(reply_to(said, resources="a line to call"))

        assert [each.reference for each in evening.server.replies(table)] == [None]

    async def test_with_discord_away_it_stays_owed(self, evening: Evening, ada: Account) -> None:
        said = await evening.server.says(ada, evening.server.dm(ada), "hello")
        async with evening.opened():
            evening.server.faults.lose_request("POST", "/channels/*/messages", times=None)
            with pytest.raises(DoorClosedError):
                await evening.outbox.say(reply_to(said))

    async def test_before_and_after_the_evening_it_stays_owed(
        self, evening: Evening, ada: Account
    ) -> None:
        said = await evening.server.says(ada, evening.server.dm(ada), "hello")
        with pytest.raises(DoorClosedError):
            await DiscordOutbox().say(reply_to(said))
        async with evening.opened():
            pass
        with pytest.raises(DoorClosedError):
            await evening.outbox.say(reply_to(said))


class TestFindSaid:
    async def test_a_reply_that_was_said_is_found_whole(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        text = "\n".join(f"This is line {number}." for number in range(200))
        said = await evening.server.says(ada, bar, "tell me", mentions_bot=True)
        async with evening.opened():
            ids = await evening.outbox.say(reply_to(said, text))
            other = await evening.server.says(ada, bar, "and", mentions_bot=True)
            await evening.outbox.say(reply_to(other, "Another thing."))
            await evening.outbox.say(reply_to(other, "A notice.", notice=True))
        async with evening.opened():
            found = await evening.outbox.find_said(place_of(bar), MessageId(said.id))

        assert found is not None
        assert found[1] == ids
        assert found[0] == text

    async def test_what_was_not_said_is_not_found(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        server, ben = evening.server, evening.server.user("Ben")
        async with evening.opened():
            said = await server.says(ada, bar, "hello", mentions_bot=True)
            await server.says(ben, bar, "she means you", reply_to=said)
            other = await server.says(ben, bar, "hello too", mentions_bot=True)
            await evening.outbox.say(reply_to(other))

            assert await evening.outbox.find_said(place_of(bar), MessageId(said.id)) is None

    async def test_nothing_is_found_where_nothing_can_be_read(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        said = await evening.server.says(ada, bar, "hello", mentions_bot=True)
        async with evening.opened():
            evening.server.delete_channel(bar)

            assert await evening.outbox.find_said(place_of(bar), MessageId(said.id)) is None

    async def test_with_discord_away_nobody_concludes_that_nothing_was_said(
        self, evening: Evening, ada: Account
    ) -> None:
        said = await evening.server.says(ada, table := evening.server.dm(ada), "hello")
        async with evening.opened():
            evening.server.faults.lose_request("GET", "/channels/*/messages", times=None)
            with pytest.raises(DoorClosedError):
                await evening.outbox.find_said(place_of(table), MessageId(said.id))


class TestTyping:
    async def test_it_is_shown(self, evening: Evening, ada: Account) -> None:
        async with evening.opened():
            await evening.outbox.typing(place_of(evening.server.dm(ada)))

        assert evening.server.counts["typing"] == 1

    async def test_it_fails_silently(self, evening: Evening, bar: Channel) -> None:
        await DiscordOutbox().typing(place_of(bar))
        async with evening.opened():
            evening.server.delete_channel(bar)
            await evening.outbox.typing(place_of(bar))
            evening.server.faults.lose_request("POST", "/channels/*/typing")
            await evening.outbox.typing(place_of(bar))

        assert evening.server.counts["typing"] == 0

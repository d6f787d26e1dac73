"""What was said while the bar was away is heard when it is back."""

import asyncio

from actors.messages import GuildLeft
from bot.missed import PATIENCE_SECONDS
from storage.ids import ChannelId, GuildId, MessageId
from storage.records import KnownChannel
from tests.bot.scripted import Evening
from tests.fakes.discord import Account, Channel


class TestMissed:
    async def test_missed_words_are_heard_before_new_ones(
        self, evening: Evening, ada: Account
    ) -> None:
        server, table = evening.server, evening.server.dm(ada)
        async with evening.opened():
            await server.says(ada, table, "hello")
            await evening.rooms.next_heard()
        for number in range(3):
            await server.says(ada, table, f"missed {number}")
        server.faults.slow("GET", "/channels/*/messages", 0.1)
        async with evening.opened():
            await server.says(ada, table, "new")
            heard = [await evening.rooms.next_heard() for _ in range(4)]

        assert [each.text for each in heard] == ["missed 0", "missed 1", "missed 2", "new"]
        assert all(each.caught_up for each in heard[:3])
        assert len(evening.rooms.all) == 5

    async def test_only_what_was_meant_for_the_bar_is_caught_up(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        server = evening.server
        async with evening.opened():
            await server.says(ada, bar, "hello", mentions_bot=True)
            await evening.rooms.next_heard()
            await evening.says_back(evening.rooms.all[0], "Evening.")
        assert bar.guild is not None
        server.member(bar.guild, ada, nickname="Countess")
        for number in range(130):
            await server.says(server.user(f"Guest {number}"), bar, "to the room")
        await server.says(ada, bar, "are you back?", mentions_bot=True)
        async with evening.opened():
            heard = await evening.rooms.next_heard()

        assert (heard.text, heard.caught_up) == ("are you back?", True)
        assert (heard.person.nickname, heard.place.guild_name) == ("Countess", "The Snug")
        assert len(evening.rooms.all) == 2

    async def test_a_channel_that_cannot_be_read_is_skipped(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        server, table = evening.server, evening.server.dm(ada)
        async with evening.opened():
            await server.says(ada, bar, "hello", mentions_bot=True)
            await server.says(ada, table, "hello")
            for _ in range(2):
                await evening.rooms.next_heard()
        await server.says(ada, table, "missed")
        server.delete_channel(bar)
        async with evening.opened():
            heard = await evening.rooms.next_heard()

        assert heard.text == "missed"

    async def test_a_house_that_does_not_know_its_channels_yet_still_hears(
        self, evening: Evening, ada: Account
    ) -> None:
        evening.rooms.house.failures.append(RuntimeError("commands unknown"))
        evening.rooms.house.failures.append(RuntimeError("channels unknown"))
        evening.rooms.house.failures.append(RuntimeError("choices unknown"))
        async with evening.opened():
            started = asyncio.get_running_loop().time()
            await evening.server.says(ada, evening.server.dm(ada), "hello")
            heard = await evening.rooms.next_heard()
            waited = asyncio.get_running_loop().time() - started

        assert heard.text == "hello"
        assert waited < PATIENCE_SECONDS / 2

    async def test_the_house_learns_which_guilds_sent_the_bar_away_meanwhile(
        self, evening: Evening, bar: Channel
    ) -> None:
        assert bar.guild is not None
        place = KnownChannel(ChannelId(bar.id), GuildId(bar.guild.id), "text", MessageId(1))
        evening.rooms.house.channels[place.channel_id] = place
        evening.server.leave_guild(bar.guild)
        async with evening.opened():
            left = await evening.rooms.house.until_told(GuildLeft)

        assert left.guild_id == bar.guild.id

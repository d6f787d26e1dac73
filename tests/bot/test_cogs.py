"""Slash commands and buttons, as people press them."""

import pytest

from bot.cogs.memory import ASK_FIRST, KEPT
from bot.cogs.moderation import LISTENING, NOT_LISTENING
from bot.cogs.replying import NOT_NOW
from bot.cogs.resources import CLOSED, SENT
from tests.bot.scripted import Evening, a_fact
from tests.fakes.discord import Account, Channel, CommandNotOfferedError, Message

PEOPLES = ("mood", "relationship", "memory", "forget", "about", "help")
LIMIT_SECONDS = 3.0


def options_of(command: str) -> dict[str, str]:
    return {"what": "hobby"} if command == "forget" else {}


class TestCommands:
    @pytest.mark.parametrize("command", PEOPLES)
    async def test_each_works_in_a_direct_message(
        self, evening: Evening, ada: Account, command: str
    ) -> None:
        table = evening.server.dm(ada)
        async with evening.opened():
            used = await evening.server.interaction(ada, table, command, options_of(command))
            shown = await used.answered()

        assert shown.content.startswith(f"{command}: ")
        assert shown.ephemeral

    @pytest.mark.parametrize("command", PEOPLES)
    async def test_each_works_in_a_server_for_the_person_alone(
        self, evening: Evening, ada: Account, bar: Channel, command: str
    ) -> None:
        async with evening.opened():
            used = await evening.server.interaction(ada, bar, command, options_of(command))
            shown = await used.answered()

        assert shown.ephemeral
        assert evening.server.messages(bar) == []
        assert evening.answers.asked[0][2].guild_name == "The Snug"

    async def test_they_are_told_who_asks_and_where(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        assert bar.guild is not None
        evening.server.member(bar.guild, ada, nickname="Countess")
        booth = evening.server.thread(bar)
        async with evening.opened():
            used = await evening.server.interaction(ada, booth, "mood")
            await used.answered()
        (_, person, place, _) = evening.answers.asked[0]

        assert (person.user_id, person.nickname, person.locale) == (ada.id, "Countess", "en-US")
        assert (place.channel_id, place.guild_name, place.kind) == (booth.id, "The Snug", "thread")

    async def test_they_are_acknowledged_before_the_house_is_asked(
        self, evening: Evening, ada: Account
    ) -> None:
        async with evening.opened():
            used = await evening.server.interaction(ada, evening.server.dm(ada), "mood")
            await used.settled()
            acknowledged = used.acknowledged
            await used.answered()

        assert acknowledged == 5
        assert used.acknowledged_after is not None
        assert used.acknowledged_after < LIMIT_SECONDS

    async def test_what_is_not_to_be_had_now_is_said_kindly(
        self, evening: Evening, ada: Account, caplog: pytest.LogCaptureFixture
    ) -> None:
        evening.answers.failures.append(RuntimeError("the house is away"))
        async with evening.opened():
            used = await evening.server.interaction(ada, evening.server.dm(ada), "memory")
            shown = await used.answered()

        assert (shown.content, shown.ephemeral) == (NOT_NOW, True)
        assert "discord.command_failed" in caplog.messages


class TestForget:
    async def test_one_thing_is_forgotten_by_its_number(
        self, evening: Evening, ada: Account
    ) -> None:
        async with evening.opened():
            used = await evening.server.interaction(
                ada, evening.server.dm(ada), "forget", {"what": " 12. "}
            )

            assert (await used.answered()).content == "forget: 12"

    async def test_everything_only_after_asking(self, evening: Evening, ada: Account) -> None:
        table = evening.server.dm(ada)
        async with evening.opened():
            used = await evening.server.interaction(ada, table, "forget", {"what": "Everything"})
            asked = await used.answered()
            before = list(evening.answers.forgotten)
            pressed = await evening.server.clicks(ada, asked, "Delete everything")
            shown = await pressed.answered()

        assert (asked.content, before) == (ASK_FIRST, [])
        assert [person.user_id for person in evening.answers.forgotten] == [ada.id]
        assert (shown.content, shown.ephemeral) == ("All gone.", True)

    async def test_second_thoughts_keep_it(self, evening: Evening, ada: Account) -> None:
        table = evening.server.dm(ada)
        async with evening.opened():
            used = await evening.server.interaction(ada, table, "forget", {"what": "everything"})
            pressed = await evening.server.clicks(ada, await used.answered(), "Keep it")
            shown = await pressed.answered()

        assert shown.content == KEPT
        assert evening.answers.forgotten == []

    async def test_the_question_can_be_answered_after_a_restart(
        self, evening: Evening, ada: Account
    ) -> None:
        table = evening.server.dm(ada)
        async with evening.opened():
            used = await evening.server.interaction(ada, table, "forget", {"what": "everything"})
            asked = await used.answered()
        evening.server.gateway.forget_sessions()
        async with evening.opened():
            pressed = await evening.server.clicks(ada, asked, "Delete everything")
            await pressed.answered()

        assert len(evening.answers.forgotten) == 1

    async def test_it_suggests_what_there_is_to_forget(
        self, evening: Evening, ada: Account
    ) -> None:
        evening.answers.remembered = (a_fact(3, "plays the cello"), a_fact(4, "x" * 300))
        async with evening.opened():
            typing = await evening.server.autocompletes(
                ada, evening.server.dm(ada), "forget", "what", ""
            )
            await typing.settled()

        assert [choice["value"] for choice in typing.choices] == ["everything", "3", "4", "hobby"]
        assert typing.choices[1]["name"] == "3. plays the cello"

    async def test_it_suggests_what_fits_the_typing_also_without_the_house(
        self, evening: Evening, ada: Account
    ) -> None:
        evening.answers.failures.append(RuntimeError("the house is away"))
        async with evening.opened():
            typing = await evening.server.autocompletes(
                ada, evening.server.dm(ada), "forget", "what", "fam"
            )
            await typing.settled()

        assert [choice["value"] for choice in typing.choices] == ["family"]


class TestListen:
    async def test_moderators_choose_a_channel_and_it_stays_chosen(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        server = evening.server
        async with evening.opened():
            used = await server.interaction(ada, bar, "listen", {"on": True})
            shown = await used.answered()
            await server.says(ada, bar, "anybody in?")
            await evening.rooms.next_heard()
        async with evening.opened():
            await server.says(server.user("Ben"), bar, "still?")
            heard = await evening.rooms.next_heard()

        assert (shown.content, heard.text) == (LISTENING, "still?")

    async def test_and_take_it_back(self, evening: Evening, ada: Account, bar: Channel) -> None:
        server = evening.server
        async with evening.opened():
            await (await server.interaction(ada, bar, "listen", {"on": True})).answered()
            used = await server.interaction(ada, bar, "listen", {"on": False})
            shown = await used.answered()
            await server.says(ada, bar, "to the room")
            await server.says(ada, bar, "to you", mentions_bot=True)
            heard = await evening.rooms.next_heard()

        assert (shown.content, heard.text) == (NOT_LISTENING, "to you")
        assert evening.rooms.house.settings["discord.channels"] == []

    async def test_it_is_for_moderators_of_servers(self, evening: Evening, ada: Account) -> None:
        async with evening.opened():
            declared = evening.server.commands()["listen"]
            with pytest.raises(CommandNotOfferedError):
                await evening.server.interaction(ada, evening.server.dm(ada), "listen")

        assert int(declared["default_member_permissions"]) == 1 << 4


async def in_trouble(evening: Evening, ada: Account, bar: Channel) -> Message:
    await evening.server.says(ada, bar, "I can't go on", mentions_bot=True)
    heard = await evening.rooms.next_heard()
    await evening.says_back(heard, "I'm taking this seriously.", resources="Call 000.")
    return await evening.server.next_reply(bar)


class TestResources:
    async def test_the_person_opens_what_was_chosen_for_them(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        async with evening.opened():
            answer = await in_trouble(evening, ada, bar)
            pressed = await evening.server.clicks(ada, answer, "People who can help")
            shown = await pressed.answered()

        assert (shown.content, shown.ephemeral) == ("Call 000.", True)
        assert "000" not in answer.content
        assert len(evening.server.replies(bar)) == 1

    async def test_a_bystander_opens_what_fits_their_own_language(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        async with evening.opened(resources=lambda locale: f"Help for {locale}."):
            answer = await in_trouble(evening, ada, bar)
            ben = evening.server.user("Ben")
            pressed = await evening.server.clicks(ben, answer, "People who can help")
            shown = await pressed.answered()

        assert shown.content == "Help for en-US."

    async def test_the_button_works_after_a_restart(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        async with evening.opened():
            answer = await in_trouble(evening, ada, bar)
        evening.server.gateway.forget_sessions()
        async with evening.opened(resources=lambda locale: f"Help for {locale}."):
            pressed = await evening.server.clicks(ada, answer, "People who can help")

            assert (await pressed.answered()).content == "Help for en-US."

    async def test_a_direct_message_comes_only_when_pressed_for(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        table = evening.server.dm(ada)
        async with evening.opened():
            answer = await in_trouble(evening, ada, bar)
            opened = await evening.server.clicks(ada, answer, "People who can help")
            shown = await opened.answered()
            before = evening.server.messages(table)
            pressed = await evening.server.clicks(ada, shown, "Send me this privately")
            word = await pressed.answered()

        assert (before, word.content) == ([], SENT)
        assert [message.content for message in evening.server.messages(table)] == ["Call 000."]

    async def test_closed_direct_messages_are_said_to_be_closed(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        ada.closed = True
        async with evening.opened():
            answer = await in_trouble(evening, ada, bar)
            opened = await evening.server.clicks(ada, answer, "People who can help")
            shown = await opened.answered()
            pressed = await evening.server.clicks(ada, shown, "Send me this privately")

            assert (await pressed.answered()).content == CLOSED

    async def test_nothing_is_offered_where_nothing_was_chosen(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        async with evening.opened():
            await evening.server.says(ada, bar, "hello", mentions_bot=True)
            await evening.says_back(await evening.rooms.next_heard(), "Evening.")

            assert (await evening.server.next_reply(bar)).buttons == {}


class TestSyncing:
    async def test_commands_are_registered_once_over_restarts(self, evening: Evening) -> None:
        for _ in range(3):
            async with evening.opened():
                pass

        assert evening.server.counts["syncs"] == 1
        assert set(PEOPLES) < set(evening.server.commands())

    async def test_changed_commands_are_registered_again(self, evening: Evening) -> None:
        async with evening.opened():
            pass
        evening.rooms.house.settings["discord.commands"] = "of an earlier release"
        async with evening.opened():
            pass

        assert evening.server.counts["syncs"] == 2

    @pytest.mark.parametrize(("mode", "syncs"), [("never", 0), ("always", 2)])
    async def test_it_does_as_it_is_told(self, evening: Evening, mode: str, syncs: int) -> None:
        for _ in range(2):
            async with evening.opened(sync=mode):
                pass

        assert evening.server.counts["syncs"] == syncs

    async def test_a_failing_registration_does_not_keep_the_door_shut(
        self, evening: Evening, ada: Account, caplog: pytest.LogCaptureFixture
    ) -> None:
        evening.server.faults.fail("PUT", "/applications/*/commands", 400)
        async with evening.opened():
            await evening.server.says(ada, evening.server.dm(ada), "hello")
            await evening.rooms.next_heard()

        assert "discord.commands_not_synced" in caplog.messages
        assert "discord.commands" not in evening.rooms.house.settings

    async def test_every_command_is_for_servers_people_and_direct_messages(
        self, evening: Evening
    ) -> None:
        async with evening.opened():
            commands = evening.server.commands()

        for name in PEOPLES:
            assert sorted(commands[name]["contexts"]) == [0, 1, 2]
            assert sorted(commands[name]["integration_types"]) == [0, 1]

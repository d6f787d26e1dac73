from datetime import UTC, datetime, timedelta

import pytest

from actors import messages as m
from actors.calls import KNOWN_VOICES, Ledger, Models, Voices, blind, request_for
from actors.rules.fairness import Urgency
from storage.ids import GuildId, UserId
from storage.records import ModelUse

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PICTURE = m.PromptPart("user", "look", ("https://cdn/x.png",))


def a_draft(*prompt: m.PromptPart, guild: int | None = 1, crisis: bool = False) -> m.DraftReply:
    house = m.HouseContext("hello", "Ada", turn=2, seed=1)
    guild_id = None if guild is None else GuildId(guild)
    return m.DraftReply("t", guild_id, UserId(7), prompt, house, crisis=crisis)


def an_extraction() -> m.ExtractFacts:
    return m.ExtractFacts(GuildId(1), UserId(7), (m.PromptPart("user", "words"),), {})


def a_use(guild: int | None = 1, at: datetime = NOON, **changes: object) -> ModelUse:
    values: dict[str, object] = {"prompt_tokens": 10, "completion_tokens": 2, "cost_usd": 0.5}
    guild_id = None if guild is None else GuildId(guild)
    return ModelUse(guild_id, "m", at, **(values | changes))  # type: ignore[arg-type]


class TestModels:
    def test_pictures_go_to_the_model_that_sees(self) -> None:
        models = Models("big", "small", "seeing")

        assert models.for_call(a_draft(PICTURE)) == "seeing"
        assert models.for_call(a_draft(m.PromptPart("user", "hi"))) == "big"
        assert models.for_call(an_extraction()) == "small"

    def test_without_one_they_go_to_the_model_that_replies(self) -> None:
        assert Models("big", "small", None).for_call(a_draft(PICTURE)) == "big"


class TestRequest:
    def test_danger_replies_and_facts_are_told_apart(self) -> None:
        kinds = [a_draft(crisis=True), a_draft(), an_extraction()]

        urgencies = [request_for(asked, 1, NOON).urgency for asked in kinds]

        assert urgencies == [Urgency.CRISIS, Urgency.REPLY, Urgency.FACTS]

    def test_a_direct_message_is_a_place_of_its_own(self) -> None:
        assert request_for(a_draft(guild=None), 1, NOON).guild == -7
        assert request_for(a_draft(guild=5), 1, NOON).guild == 5

    def test_pictures_cost(self) -> None:
        seen, blank = request_for(a_draft(PICTURE), 1, NOON), request_for(a_draft(), 1, NOON)

        assert seen.tokens > blank.tokens + 900


class TestBlind:
    def test_the_model_is_told_of_pictures_it_cannot_see(self) -> None:
        part = m.PromptPart("user", "look", ("https://cdn/x.png", "https://cdn/y.png"))

        shown = blind(part)

        assert shown.image_urls == ()
        assert shown.content.startswith("look\n")
        assert "2 pictures" in shown.content
        assert "cdn" not in shown.content

    def test_words_alone_stay_as_they_are(self) -> None:
        part = m.PromptPart("user", "look")

        assert blind(part) is part


class TestLedger:
    def test_uses_of_one_guild_model_and_day_are_added_up(self) -> None:
        ledger = Ledger()
        for _ in range(3):
            ledger.add(a_use())

        (use,) = ledger.taken()

        assert (use.calls, use.prompt_tokens, use.completion_tokens) == (3, 30, 6)
        assert use.cost_usd == pytest.approx(1.5)

    def test_guilds_and_days_stay_apart(self) -> None:
        ledger = Ledger()
        uses = (a_use(1), a_use(2), a_use(None), a_use(1, NOON + timedelta(days=1)))

        ledger.add_all(uses)

        assert set(ledger.taken()) == set(uses)

    def test_what_is_taken_is_gone_until_it_is_brought_back(self) -> None:
        ledger = Ledger()
        ledger.add(a_use())

        taken = ledger.taken()
        assert not ledger
        ledger.add_all(taken)

        assert ledger.taken() == taken


class TestVoices:
    def test_a_change_of_voice_is_told_once(self) -> None:
        voices = Voices()
        voices.answered(UserId(7))

        assert [voices.changed(UserId(7)), voices.changed(UserId(7))] == [True, False]
        assert not voices.changed(UserId(8))

    def test_only_so_many_people_are_remembered(self) -> None:
        voices = Voices()
        for user in range(KNOWN_VOICES + 1):
            voices.answered(UserId(user))

        assert not voices.changed(UserId(0))
        assert voices.changed(UserId(1))

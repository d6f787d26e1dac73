import asyncio
import logging
import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from actors import messages as m
from actors.directory import Directory, Ref
from actors.groq_api import GroqApi
from actors.language import LanguageActor, LookAgain, Models
from actors.rules.breaker import FAILURES_TO_OPEN
from actors.rules.budget import Limits
from storage.ids import GuildId, UserId
from storage.records import ModelUse
from tests.actors.ear import Clock, Shelf
from tests.fakes import groq as fake
from tests.fakes.groq import FakeGroq

ONE_A_MINUTE = Limits(requests_minute=1, tokens_minute=1e6, tokens_day=1e6)
NOTE_TASK = m.PromptPart("system", "You note lasting facts")


class HurriedClock(Clock):
    """Every look at it finds ten seconds gone: pauses are over as soon as they begin."""

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=10)
        return self.now


class Language:
    """The actor under test, and how it is asked."""

    def __init__(self, house: Directory, clock: Clock) -> None:
        self.house = house
        self.clock = clock

    def open(
        self, api: GroqApi | None, limits: Limits | None = None, models: Models | None = None
    ) -> Ref[LanguageActor]:
        def made(key: str) -> LanguageActor:
            return LanguageActor(
                key,
                directory=self.house,
                model=api,
                clock=self.clock,
                rng=random.Random(1),
                limits=limits,
                models=models,
            )

        self.house.register(LanguageActor, made, idle_after=None)
        return self.house.ref(LanguageActor, m.OnlyOne)


@pytest.fixture
async def server() -> AsyncIterator[FakeGroq]:
    async with FakeGroq() as made:
        yield made


@pytest.fixture
async def api(server: FakeGroq) -> AsyncIterator[GroqApi]:
    made = GroqApi(api_key="key", base_url=server.base_url, answer_seconds=10.0)
    yield made
    await made.close()


@pytest.fixture
async def hasty(server: FakeGroq) -> AsyncIterator[GroqApi]:
    """One that waits a quarter of a second only: for servers that hang."""
    made = GroqApi(api_key="key", base_url=server.base_url, answer_seconds=0.25)
    yield made
    await made.close()


@pytest.fixture
def bar(house: Directory, clock: Clock) -> Language:
    return Language(house, clock)


@pytest.fixture
def hurried(house: Directory) -> Language:
    return Language(house, HurriedClock())


def a_draft(
    number: int = 1, guild: int | None = 1, user: int = 7, **changes: object
) -> m.DraftReply:
    values: dict[str, object] = {
        "turn": f"t{number}",
        "guild_id": GuildId(guild) if guild else None,
        "user_id": UserId(user),
        "prompt": (m.PromptPart("system", "persona"), m.PromptPart("user", "my secret words")),
        "house": m.HouseContext("my secret words", "Ada", turn=2, seed=1),
    }
    return m.DraftReply(**(values | changes))  # type: ignore[arg-type]


def an_extraction(guild: int = 1, user: int = 7) -> m.ExtractFacts:
    return m.ExtractFacts(GuildId(guild), UserId(user), (NOTE_TASK,), {"type": "object"})


def asking(ref: Ref[LanguageActor], asked: m.DraftReply) -> asyncio.Task[m.Draft]:
    """Ask it beside the test; it is in the queue before anything that is asked later."""

    async def ask() -> m.Draft:
        return await future

    future = ref.ask(asked)
    return asyncio.ensure_future(ask())


async def settled(ref: Ref[LanguageActor]) -> None:
    """Wait until everything asked so far is in the queue (which must be at a stand)."""
    last = asking(ref, a_draft(guild=404, turn="last"))
    ref.tell(m.DraftWithdrawn("last"))
    assert (await last).reason == "withdrawn"


class TestReplies:
    async def test_the_model_answers_with_its_reading_of_the_risk(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        server.says("Evening.", risk=2)

        draft = await bar.open(api).ask(a_draft())

        assert (draft.text, draft.risk, draft.voice) == ("Evening.", 2, "model")
        assert (draft.reason, draft.completion_tokens) == ("", 40)
        assert draft.model_ms > 0

    async def test_without_a_key_the_house_voice_speaks(self, bar: Language) -> None:
        draft = await bar.open(None).ask(a_draft())

        assert (draft.voice, draft.reason, draft.risk) == ("house", "no_key", 0)
        assert draft.text

    async def test_each_kind_of_call_goes_to_its_model(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        ref = bar.open(api, models=Models("big", "small", "seeing"))
        picture = m.PromptPart("user", "look", ("https://cdn/x.png",))

        await ref.ask(a_draft(1))
        await ref.ask(a_draft(2, prompt=(picture,)))
        await ref.ask(an_extraction())

        assert [r["model"] for r in server.requests] == ["big", "seeing", "small"]
        assert server.requests[1]["messages"][0]["content"][1]["type"] == "image_url"

    async def test_pictures_are_noted_where_no_model_sees_them(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        picture = m.PromptPart("user", "look", ("https://cdn/x.png",))

        await bar.open(api).ask(a_draft(prompt=(picture,)))

        assert "cannot see it" in server.requests[0]["messages"][0]["content"]

    async def test_a_picture_that_cannot_be_shown_does_not_cost_the_reply(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        server.script(fake.refused(400, "cannot fetch the image"))
        picture = m.PromptPart("user", "look", ("https://cdn/x.png",))

        draft = await bar.open(api, models=Models(vision="seeing")).ask(a_draft(prompt=(picture,)))

        assert draft.voice == "model"
        assert [r["model"] for r in server.requests] == ["seeing", Models().reply]
        assert "cannot see it" in server.requests[1]["messages"][0]["content"]


class TestTrouble:
    @pytest.mark.parametrize(
        "trouble",
        [
            fake.content("not json"),
            fake.content('{"reply": 5, "risk": 0}'),
            fake.content('{"reply": "", "risk": 0}'),
            fake.content('{"reply": "x", "risk": 9}'),
            fake.content('{"reply": "x", "risk": 0, "tool": "rm"}'),
            fake.content('{"reply": "' + "x" * 9_000 + '", "risk": 0}'),
            fake.content('{"reply": "cut of', finish="length"),
            fake.hangs_up(),
            fake.status(500),
            fake.status(503, retry_after="5"),
            fake.status(498),
            fake.limited("tokens per minute (TPM)", "4s", retry_after="4"),
        ],
    )
    async def test_it_is_tried_again_once(
        self, hurried: Language, server: FakeGroq, api: GroqApi, trouble: fake.Outcome
    ) -> None:
        server.script(trouble)
        server.says("Second thoughts.")

        draft = await hurried.open(api).ask(a_draft())

        assert (draft.text, len(server.requests)) == ("Second thoughts.", 2)

    @pytest.mark.parametrize(
        ("trouble", "reason"),
        [
            (fake.content("no"), "broken_answer"),
            (fake.status(500), "away"),
            (fake.status(429, retry_after="1"), "busy"),
        ],
    )
    async def test_when_it_lasts_the_house_voice_speaks(
        self,
        hurried: Language,
        server: FakeGroq,
        api: GroqApi,
        trouble: fake.Outcome,
        reason: str,
    ) -> None:
        server.always(trouble)

        draft = await hurried.open(api).ask(a_draft())

        assert (draft.voice, draft.reason, len(server.requests)) == ("house", reason, 2)

    async def test_a_server_that_hangs_is_not_waited_for(
        self, hurried: Language, server: FakeGroq, hasty: GroqApi
    ) -> None:
        server.always(fake.hangs())

        draft = await hurried.open(hasty).ask(a_draft())

        assert (draft.voice, draft.reason, len(server.requests)) == ("house", "timeout", 2)

    @pytest.mark.parametrize("trouble", [fake.status(401), fake.refused(400, "too long")])
    async def test_what_is_refused_for_good_is_not_tried_again(
        self, hurried: Language, server: FakeGroq, api: GroqApi, trouble: fake.Outcome
    ) -> None:
        server.always(trouble)

        draft = await hurried.open(api).ask(a_draft())

        assert (draft.reason, len(server.requests)) == ("refused", 1)

    async def test_a_retry_waits_for_its_time_and_lets_others_go_before(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        server.script(fake.status(503, retry_after="20"))
        ref = bar.open(api)
        failed = asking(ref, a_draft(1))
        await server.heard(1)

        other = await ref.ask(a_draft(2))

        assert other.voice == "model"
        assert not failed.done()
        bar.clock.advance(seconds=21)
        ref.tell(LookAgain())
        assert (await failed).voice == "model"

    async def test_an_error_of_our_own_does_not_silence_the_bar(
        self, bar: Language, api: GroqApi
    ) -> None:
        unsendable = m.PromptPart("user", "x", (object(),))  # type: ignore[arg-type]

        draft = await bar.open(api, models=Models(vision="seeing")).ask(
            a_draft(prompt=(unsendable,))
        )

        assert (draft.voice, draft.reason) == ("house", "error")


class TestBudget:
    @pytest.mark.parametrize("limit", ["tokens per day (TPD)", "requests per day (RPD)"])
    async def test_a_daily_limit_is_not_tried_again_and_nobody_waits_in_vain(
        self, bar: Language, server: FakeGroq, api: GroqApi, limit: str
    ) -> None:
        server.always(fake.limited(limit, "9m38s", retry_after="578"))
        ref = bar.open(api, Limits())

        first = await ref.ask(a_draft(1))
        second = await ref.ask(a_draft(2))

        assert (first.reason, second.reason) == ("busy", "budget")
        assert len(server.requests) == 1

    async def test_it_is_asked_again_when_the_limit_is_over(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        server.script(fake.limited("tokens per day (TPD)", "9m38s", retry_after="578"))
        ref = bar.open(api, Limits())
        await ref.ask(a_draft(1))

        bar.clock.advance(seconds=580)

        assert (await ref.ask(a_draft(2))).voice == "model"

    async def test_headers_hold_calls_back_before_the_provider_has_to(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        nothing_left = {"x-ratelimit-remaining-tokens": "0"}
        server.script(fake.content('{"reply": "ok", "risk": 0}', headers=nothing_left))
        ref = bar.open(api, Limits())
        await ref.ask(a_draft(1))

        waiting = asking(ref, a_draft(2))
        await ref.ask(an_extraction())  # another model, another budget: and the barrier

        assert [r["model"] for r in server.requests] == [Models().reply, Models().facts]
        bar.clock.advance(seconds=30)
        ref.tell(LookAgain())
        assert (await waiting).voice == "model"

    async def test_a_reply_that_waited_too_long_is_given_to_the_house_voice(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        ref = bar.open(api, ONE_A_MINUTE)
        await ref.ask(a_draft(1))
        bar.clock.advance(seconds=30)
        waiting = [asking(ref, a_draft(n)) for n in (2, 3)]
        await settled(ref)

        bar.clock.advance(seconds=31)
        ref.tell(LookAgain())

        drafts = [await task for task in waiting]
        assert sorted(d.voice for d in drafts) == ["house", "model"]

    async def test_whoever_cannot_be_served_in_time_is_told_at_once(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        ref = bar.open(api, ONE_A_MINUTE)
        await ref.ask(a_draft(1))

        draft = await ref.ask(a_draft(2))

        assert (draft.voice, draft.reason) == ("house", "budget")

    async def test_facts_wait_longer_than_replies(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        ref = bar.open(api, ONE_A_MINUTE)
        await ref.ask(an_extraction())
        waiting = ref.ask(an_extraction())

        bar.clock.advance(seconds=61)
        ref.tell(LookAgain())

        assert (await waiting).data is not None


class TestBreaker:
    async def test_a_provider_that_is_down_is_left_alone(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        server.always(fake.status(500))
        ref = bar.open(api)
        first = [asking(ref, a_draft(n, guild=n)) for n in range(1, FAILURES_TO_OPEN + 1)]
        await server.heard(FAILURES_TO_OPEN)
        drafts = [await task for task in first]

        late = [await ref.ask(a_draft(n)) for n in range(20, 30)]

        assert {d.reason for d in drafts + late} == {"away"}
        assert len(server.requests) == FAILURES_TO_OPEN

    async def test_after_a_rest_one_call_tries_it_and_it_is_back(
        self,
        bar: Language,
        server: FakeGroq,
        api: GroqApi,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.INFO)
        server.always(fake.status(500))
        ref = bar.open(api)
        await asyncio.gather(*(asking(ref, a_draft(n, guild=n)) for n in range(5)))
        server.always(None)

        bar.clock.advance(seconds=6)
        draft = await ref.ask(a_draft(50))

        assert draft.voice == "model"
        events = [r.message for r in caplog.records if r.message.startswith("breaker.")]
        assert events == ["breaker.opened", "breaker.closed"]

    async def test_while_one_call_tries_it_nobody_else_waits(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        server.always(fake.status(500))
        ref = bar.open(api)
        await asyncio.gather(*(asking(ref, a_draft(n, guild=n)) for n in range(5)))
        gate = asyncio.Event()
        server.always(fake.waits_for(gate, fake.reply("I am back.")))
        bar.clock.advance(seconds=6)

        trial = asking(ref, a_draft(50))
        other = await ref.ask(a_draft(51))

        assert other.reason == "away"
        gate.set()
        assert (await trial).text == "I am back."

    async def test_a_trial_that_is_refused_shows_that_somebody_is_there(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        server.always(fake.status(500))
        ref = bar.open(api)
        await asyncio.gather(*(asking(ref, a_draft(n, guild=n)) for n in range(5)))
        server.always(None)
        server.script(fake.status(401))
        bar.clock.advance(seconds=6)

        refused = await ref.ask(a_draft(50))
        draft = await ref.ask(a_draft(51))

        assert (refused.reason, draft.voice) == ("refused", "model")


class TestFairness:
    async def test_a_quiet_guild_does_not_wait_for_a_loud_one(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        ref = bar.open(api, ONE_A_MINUTE)
        await ref.ask(a_draft(0, guild=1))
        bar.clock.advance(seconds=30)
        loud = [asking(ref, a_draft(n, guild=1)) for n in range(1, 6)]
        quiet = asking(ref, a_draft(99, guild=2))
        await settled(ref)

        bar.clock.advance(seconds=30)
        ref.tell(LookAgain())

        assert (await quiet).voice == "model"
        assert not any(task.done() and task.result().voice == "model" for task in loud)

    async def test_danger_goes_first(self, bar: Language, server: FakeGroq, api: GroqApi) -> None:
        ref = bar.open(api, ONE_A_MINUTE)
        await ref.ask(a_draft(0, guild=1))
        bar.clock.advance(seconds=30)
        others = [asking(ref, a_draft(n, guild=n)) for n in range(2, 6)]
        danger = asking(ref, a_draft(99, guild=1, crisis=True))
        await settled(ref)

        bar.clock.advance(seconds=30)
        ref.tell(LookAgain())

        assert (await danger).voice == "model"
        assert not any(task.done() and task.result().voice == "model" for task in others)

    async def test_one_guild_cannot_fill_the_queue(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        ref = bar.open(api, ONE_A_MINUTE)
        await ref.ask(a_draft(0))
        bar.clock.advance(seconds=30)

        waiting = [asking(ref, a_draft(n)) for n in range(1, 10)]
        refused = [await waiting[n] for n in (6, 7, 8)]

        assert {draft.reason for draft in refused} == {"busy"}
        assert not any(task.done() for task in waiting[:6])

    async def test_a_server_of_ones_own_is_not_asked_too_much_at_once(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        gate = asyncio.Event()
        server.always(fake.waits_for(gate, fake.reply("late")))
        ref = bar.open(api)

        waiting = [asking(ref, a_draft(n, guild=n)) for n in range(10)]
        await server.heard(api.at_once)
        at_first = len(server.requests)
        gate.set()
        await asyncio.gather(*waiting)

        assert (at_first, len(server.requests)) == (api.at_once, 10)


class TestWithdrawn:
    async def test_a_draft_that_waits_is_not_asked_for(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        ref = bar.open(api, ONE_A_MINUTE)
        await ref.ask(a_draft(1))
        bar.clock.advance(seconds=30)
        waiting = [asking(ref, a_draft(2, again=again)) for again in (False, True)]
        await settled(ref)

        ref.tell(m.DraftWithdrawn("t2"))

        assert [(await task).reason for task in waiting] == ["withdrawn", "withdrawn"]
        assert len(server.requests) == 1

    async def test_a_draft_under_way_is_not_tried_again(
        self, hurried: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        gate = asyncio.Event()
        server.always(fake.waits_for(gate, fake.status(500)))
        ref = hurried.open(api)
        draft = asking(ref, a_draft(1))
        await server.heard(1)

        ref.tell(m.DraftWithdrawn("t1"))
        gate.set()

        assert (await draft).reason == "withdrawn"
        assert len(server.requests) == 1

    async def test_two_drafts_of_one_name_are_both_answered(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        ref = bar.open(api)

        drafts = await asyncio.gather(asking(ref, a_draft(1)), asking(ref, a_draft(1)))

        assert [draft.voice for draft in drafts] == ["model", "model"]


class TestTheVoice:
    async def test_a_change_to_the_simple_voice_is_told_once(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        ref = bar.open(api)
        await ref.ask(a_draft(1))
        server.always(fake.status(401))

        first, second = await ref.ask(a_draft(2)), await ref.ask(a_draft(3))

        assert "simple voice" in first.text
        assert "simple voice" not in second.text


class TestAccounting:
    async def test_tokens_and_cost_are_kept_for_the_guild(
        self, bar: Language, server: FakeGroq, api: GroqApi, shelf: Shelf, house: Directory
    ) -> None:
        server.script(fake.used(900, 500, 40))
        await bar.open(api).ask(a_draft(guild=5))
        await house.shutdown(deadline=2.0)

        (use,) = shelf.of(ModelUse)
        assert (use.guild_id, use.model, use.calls) == (5, Models().reply, 1)
        assert (use.prompt_tokens, use.cached_tokens, use.completion_tokens) == (900, 500, 40)
        assert use.cost_usd == pytest.approx((400 * 0.15 + 500 * 0.075 + 40 * 0.60) / 1e6)

    async def test_a_broken_answer_costs_too(
        self, hurried: Language, server: FakeGroq, api: GroqApi, shelf: Shelf, house: Directory
    ) -> None:
        server.script(fake.content('{"reply": 5, "risk": 0}'))
        await hurried.open(api).ask(a_draft())
        await house.shutdown(deadline=2.0)

        assert sum(use.calls for use in shelf.of(ModelUse)) == 2

    async def test_nothing_is_lost_while_storage_is_away(
        self, bar: Language, server: FakeGroq, api: GroqApi, shelf: Shelf, house: Directory
    ) -> None:
        shelf.away = True
        ref = bar.open(api)
        for number in range(3):
            await ref.ask(a_draft(number))
        shelf.away = False
        await ref.ask(a_draft(4))
        await house.shutdown(deadline=2.0)

        assert sum(use.calls for use in shelf.of(ModelUse)) == 4


class TestExtraction:
    async def test_facts_come_back_as_they_were_said(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        server.notes({"op": "add"})

        extraction = await bar.open(api).ask(an_extraction())

        assert extraction.data == {"facts": [{"op": "add"}], "events": []}
        assert server.requests[0]["response_format"]["json_schema"]["schema"] == {"type": "object"}

    async def test_without_a_key_there_are_none(self, bar: Language) -> None:
        extraction = await bar.open(None).ask(an_extraction())

        assert (extraction.data, extraction.reason) == (None, "no_key")

    async def test_trouble_has_its_reason_and_no_voice(
        self, hurried: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        server.always(fake.status(500))

        extraction = await hurried.open(api).ask(an_extraction())

        assert (extraction.data, extraction.reason) == (None, "away")

    async def test_they_go_out_only_while_half_of_the_minute_is_free(
        self, bar: Language, server: FakeGroq, api: GroqApi
    ) -> None:
        ref = bar.open(api, Limits(requests_minute=10), Models("one", "one"))
        for number in range(6):
            await ref.ask(a_draft(number))

        facts = ref.ask(an_extraction())
        draft = await ref.ask(a_draft(7))

        assert draft.voice == "model"
        assert all("lasting facts" not in str(r["messages"]) for r in server.requests)
        bar.clock.advance(seconds=60)
        ref.tell(LookAgain())
        assert (await facts).data is not None


class TestLogs:
    async def test_no_words_of_anybody_are_logged(
        self, bar: Language, server: FakeGroq, api: GroqApi, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        ref = bar.open(api)
        server.script(
            fake.reply("my secret answer"),
            fake.refused(400, "cannot do my secret words"),
        )

        await ref.ask(a_draft(1))
        await ref.ask(a_draft(2))

        shown = " ".join(str(record.__dict__) for record in caplog.records)
        assert {"model.answered", "model.refused", "house_voice.spoke"} <= set(shown.split("'"))
        assert "secret" not in shown

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from actors import messages as m
from actors.directory import Directory, Ref
from actors.groq_api import GroqApi
from actors.language import LanguageActor, LookAgain
from actors.rules.budget import Limits
from storage.ids import GuildId, UserId
from storage.records import ModelUse
from tests.actors.ear import Clock, Shelf
from tests.fakes import groq as fake
from tests.fakes.groq import FakeGroq

NOTE_TASK = "You note lasting facts"


@pytest.fixture
async def server() -> AsyncIterator[FakeGroq]:
    async with FakeGroq() as made:
        yield made


def language(
    house: Directory, clock: Clock, api: GroqApi | None, limits: Limits | None = None
) -> Ref[LanguageActor]:
    house.register(
        LanguageActor,
        lambda key: LanguageActor(
            key, directory=house, model=api, clock=clock, rng=random.Random(1), limits=limits
        ),
        idle_after=None,
    )
    return house.ref(LanguageActor, m.OnlyOne)


@pytest.fixture
async def api(server: FakeGroq) -> AsyncIterator[GroqApi]:
    made = GroqApi(api_key="key", base_url=server.base_url, answer_seconds=0.3)
    yield made
    await made.close()


def a_draft(
    number: int = 1, guild: int | None = 1, user: int = 7, **changes: object
) -> m.DraftReply:
    values: dict[str, object] = {
        "turn": f"t{number}",
        "guild_id": GuildId(guild) if guild else None,
        "user_id": UserId(user),
        "prompt": (m.PromptPart("system", "persona"), m.PromptPart("user", "hello")),
        "house": m.HouseContext("hello", "Ada", turn=2, seed=1),
    }
    return m.DraftReply(**(values | changes))  # type: ignore[arg-type]


class TestReplies:
    async def test_the_model_answers_with_its_reading_of_the_risk(
        self, house: Directory, clock: Clock, server: FakeGroq, api: GroqApi
    ) -> None:
        server.says("Evening.", risk=2)

        draft = await language(house, clock, api).ask(a_draft())

        assert (draft.text, draft.risk, draft.voice) == ("Evening.", 2, "model")

    async def test_without_a_key_the_house_voice_speaks(
        self, house: Directory, clock: Clock
    ) -> None:
        draft = await language(house, clock, None).ask(a_draft())

        assert (draft.voice, draft.reason) == ("house", "no_key")
        assert draft.text

    @pytest.mark.parametrize(
        "trouble",
        [
            fake.content("not json"),
            fake.content('{"reply": 5, "risk": 0}'),
            fake.content('{"reply": "", "risk": 0}'),
            fake.content('{"reply": "x", "risk": 9}'),
            fake.content('{"reply": "x", "risk": 0, "tool": "rm"}'),
            fake.content('{"reply": "' + "x" * 9_000 + '", "risk": 0}'),
            fake.hangs_up(),
        ],
    )
    async def test_one_broken_answer_is_tried_again(
        self,
        house: Directory,
        clock: Clock,
        server: FakeGroq,
        api: GroqApi,
        trouble: fake.Outcome,
    ) -> None:
        server.script(trouble)
        server.says("Second thoughts.")
        ref = language(house, clock, api)

        (draft,) = await patiently(ref, clock, a_draft())

        assert draft.text == "Second thoughts."
        assert len(server.requests) == 2

    async def test_a_model_that_stays_broken_gives_way_to_the_house_voice(
        self, house: Directory, clock: Clock, server: FakeGroq, api: GroqApi
    ) -> None:
        server.always(fake.content("no"))
        ref = language(house, clock, api)

        (draft,) = await patiently(ref, clock, a_draft())

        assert (draft.voice, draft.reason) == ("house", "broken_answer")

    async def test_a_daily_limit_is_not_tried_again(
        self, house: Directory, clock: Clock, server: FakeGroq, api: GroqApi
    ) -> None:
        server.always(fake.status(429, retry_after="40000"))

        draft = await language(house, clock, api, Limits()).ask(a_draft())

        assert (draft.voice, len(server.requests)) == ("house", 1)

    async def test_after_a_daily_limit_nobody_waits_in_vain(
        self, house: Directory, clock: Clock, server: FakeGroq, api: GroqApi
    ) -> None:
        server.always(fake.status(429, retry_after="40000"))
        ref = language(house, clock, api, Limits())
        await ref.ask(a_draft(1))

        draft = await ref.ask(a_draft(2))

        assert (draft.voice, draft.reason, len(server.requests)) == ("house", "budget", 1)

    async def test_a_provider_that_is_down_is_left_alone(
        self, house: Directory, clock: Clock, server: FakeGroq, api: GroqApi
    ) -> None:
        server.always(fake.status(500))
        ref = language(house, clock, api)

        for number in range(6):
            (draft,) = await patiently(ref, clock, a_draft(number))

            assert draft.voice == "house"
        assert len(server.requests) < 12


async def asked(ref: Ref[LanguageActor], ask: m.DraftReply) -> m.Draft:
    return await ref.ask(ask)


async def patiently(
    ref: Ref[LanguageActor], clock: Clock, *asks: m.DraftReply
) -> tuple[m.Draft, ...]:
    """Return the drafts of `asks` while the clock runs on."""
    tasks = [asyncio.ensure_future(asked(ref, ask)) for ask in asks]
    await run_on(ref, clock, *tasks)
    return tuple(task.result() for task in tasks)


async def run_on(ref: Ref[LanguageActor], clock: Clock, *tasks: "asyncio.Future[m.Draft]") -> None:
    """Let the clock run on until all `tasks` are done."""
    while not all(task.done() for task in tasks):
        clock.advance(seconds=0.1)
        ref.tell(LookAgain())
        await asyncio.sleep(0.002)


class TestFairness:
    async def test_a_quiet_guild_does_not_wait_for_a_loud_one(
        self, house: Directory, clock: Clock, server: FakeGroq, api: GroqApi
    ) -> None:
        limits = Limits(requests_minute=2, requests_day=1_000, tokens_minute=1e6, tokens_day=1e6)
        ref = language(house, clock, api, limits)
        loud = [asyncio.ensure_future(asked(ref, a_draft(n, guild=1))) for n in range(6)]
        await asyncio.sleep(0)
        quiet = asyncio.ensure_future(asked(ref, a_draft(99, guild=2)))
        while len(server.requests) < 2:
            await asyncio.sleep(0.001)

        await run_on(ref, clock, quiet)

        assert quiet.result().voice == "model"
        await run_on(ref, clock, *loud)
        assert [task.result().voice for task in loud].count("model") == 2

    async def test_one_guild_cannot_fill_the_queue(
        self, house: Directory, clock: Clock, server: FakeGroq, api: GroqApi
    ) -> None:
        gate = asyncio.Event()
        server.always(fake.waits_for(gate, fake.reply("late")))
        ref = language(house, clock, api, Limits(requests_minute=4))

        asks = [asyncio.ensure_future(asked(ref, a_draft(n))) for n in range(12)]
        await server.arrived.wait()
        refused = [task for task in asks if task.done()]

        assert len(refused) == 2
        assert {(await task).reason for task in refused} == {"busy"}
        gate.set()
        await run_on(ref, clock, *asks)

    async def test_a_withdrawn_draft_is_not_asked_for(
        self, house: Directory, clock: Clock, server: FakeGroq, api: GroqApi
    ) -> None:
        ref = language(house, clock, api, Limits(requests_minute=2))
        first = await asked(ref, a_draft(0))
        await asked(ref, a_draft(1))
        waiting = asyncio.ensure_future(asked(ref, a_draft(2)))
        await asyncio.sleep(0)

        ref.tell(m.DraftWithdrawn("t2"))

        assert (await waiting).reason == "withdrawn"
        assert first.voice == "model"
        assert len(server.requests) == 2


class TestAccounting:
    async def test_tokens_and_cost_are_kept_for_the_guild(
        self, house: Directory, clock: Clock, server: FakeGroq, api: GroqApi, shelf: Shelf
    ) -> None:
        await language(house, clock, api).ask(a_draft(guild=5))
        while not shelf.of(ModelUse):
            await asyncio.sleep(0)

        use = shelf.of(ModelUse)[0]
        assert (use.guild_id, use.prompt_tokens, use.completion_tokens) == (5, 900, 40)
        assert use.cost_usd == pytest.approx((900 * 0.15 + 40 * 0.60) / 1e6)

    async def test_pictures_are_noted_where_no_model_sees_them(
        self, house: Directory, clock: Clock, server: FakeGroq, api: GroqApi
    ) -> None:
        picture = m.PromptPart("user", "look", ("https://cdn/x.png",))

        await language(house, clock, api).ask(a_draft(prompt=(picture,)))

        assert "cannot see it" in server.requests[0]["messages"][0]["content"]


class TestExtraction:
    async def test_facts_come_back_as_they_were_said(
        self, house: Directory, clock: Clock, server: FakeGroq, api: GroqApi
    ) -> None:
        server.notes({"op": "add"})
        ask = m.ExtractFacts(GuildId(1), UserId(7), (m.PromptPart("system", NOTE_TASK),), {})

        extraction = await language(house, clock, api).ask(ask)

        assert extraction.data == {"facts": [{"op": "add"}], "events": []}

    async def test_without_a_key_there_are_none(self, house: Directory, clock: Clock) -> None:
        ask = m.ExtractFacts(GuildId(1), UserId(7), (), {})

        extraction = await language(house, clock, None).ask(ask)

        assert (extraction.data, extraction.reason) == (None, "no_key")

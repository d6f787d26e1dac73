import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from actors.groq_api import (
    GroqApi,
    ModelAwayError,
    ModelBusyError,
    ModelGarbledError,
    ModelRefusedError,
    ModelSlowError,
    seconds,
)
from actors.language import REPLY_SCHEMA
from actors.messages import PromptPart
from tests.fakes import groq as fake
from tests.fakes.groq import FakeGroq

PROMPT = (PromptPart("system", "be kind"), PromptPart("user", "my secret words"))
MODEL = "openai/gpt-oss-120b"


@pytest.fixture
async def server() -> AsyncIterator[FakeGroq]:
    async with FakeGroq() as made:
        yield made


@pytest.fixture
async def api(server: FakeGroq) -> AsyncIterator[GroqApi]:
    made = GroqApi(api_key="key", base_url=server.base_url, answer_seconds=0.5)
    yield made
    await made.close()


async def asked(api: GroqApi, model: str = MODEL) -> object:
    answer = await api.complete(model, PROMPT, REPLY_SCHEMA, max_tokens=100, temperature=0.7)
    return answer.data


class TestComplete:
    async def test_the_answer_comes_with_its_cost_and_limits(
        self, server: FakeGroq, api: GroqApi
    ) -> None:
        server.says("Evening.", risk=1)

        answer = await api.complete(MODEL, PROMPT, REPLY_SCHEMA, max_tokens=9, temperature=0)

        assert answer.data == {"reply": "Evening.", "risk": 1}
        assert (answer.prompt_tokens, answer.completion_tokens) == (900, 40)
        assert answer.seen.requests_left == 990
        assert answer.seen.tokens_reset_seconds == 3.75

    async def test_a_strict_schema_goes_to_models_that_take_one(
        self, server: FakeGroq, api: GroqApi
    ) -> None:
        await asked(api, MODEL)
        await asked(api, "some/other")

        forms = [request["response_format"]["type"] for request in server.requests]
        assert forms == ["json_schema", "json_object"]
        assert server.requests[0]["response_format"]["json_schema"]["strict"] is True

    async def test_another_servers_path_is_used(self, server: FakeGroq, api: GroqApi) -> None:
        await asked(api)

        assert server.paths == ["/v1/chat/completions"]

    async def test_pictures_become_parts_of_the_message(
        self, server: FakeGroq, api: GroqApi
    ) -> None:
        picture = replace(PROMPT[1], image_urls=("https://cdn/x.png",))

        await api.complete("vision", (picture,), REPLY_SCHEMA, max_tokens=9, temperature=0)

        kinds = [part["type"] for part in server.requests[0]["messages"][0]["content"]]
        assert kinds == ["text", "image_url"]

    @pytest.mark.parametrize(
        ("outcome", "error"),
        [
            (fake.status(429, retry_after="7"), ModelBusyError),
            (fake.status(498), ModelBusyError),
            (fake.status(503), ModelBusyError),
            (fake.status(500), ModelAwayError),
            (fake.status(502), ModelAwayError),
            (fake.status(401), ModelRefusedError),
            (fake.status(413), ModelRefusedError),
            (fake.status(400), ModelGarbledError),
            (fake.hangs(), ModelSlowError),
            (fake.hangs_up(), ModelAwayError),
            (fake.content('{"reply": "cut', finish="length"), ModelGarbledError),
            (fake.content("not json"), ModelGarbledError),
            (fake.content("[1, 2]"), ModelGarbledError),
            (fake.content("x" * 30_000), ModelGarbledError),
            (fake.content("[" * 15_000), ModelGarbledError),
            (fake.body("{"), ModelGarbledError),
            (fake.body('{"choices": []}'), ModelGarbledError),
            (fake.body('{"choices": "no"}'), ModelGarbledError),
        ],
    )
    async def test_each_trouble_has_its_error(
        self, server: FakeGroq, api: GroqApi, outcome: fake.Outcome, error: type[Exception]
    ) -> None:
        server.script(outcome)

        with pytest.raises(error) as caught:
            await asked(api)

        assert "secret" not in str(caught.value)
        assert len(server.requests) == 1, "the client must not retry by itself"

    async def test_a_daily_limit_is_told_from_a_passing_one(
        self, server: FakeGroq, api: GroqApi
    ) -> None:
        server.script(fake.status(429, retry_after="3600"), fake.status(429, retry_after="2"))

        with pytest.raises(ModelBusyError) as daily:
            await asked(api)
        with pytest.raises(ModelBusyError) as passing:
            await asked(api)

        assert daily.value.daily
        assert not passing.value.daily
        assert passing.value.retry_after == 2.0

    async def test_no_words_reach_a_log_at_any_level(
        self, server: FakeGroq, api: GroqApi, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            await asked(api)

        assert "secret" not in caplog.text


class TestSeconds:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("7.66s", 7.66),
            ("2m59.56s", 179.56),
            ("120", 120.0),
            ("1h2m3s", 3723.0),
            ("250ms", 0.25),
            ("", None),
            ("soon", None),
            ("5s later", None),
            ("1e9", None),
        ],
    )
    def test_durations_of_headers(self, text: str, value: float | None) -> None:
        assert seconds(text) == (pytest.approx(value) if value is not None else None)

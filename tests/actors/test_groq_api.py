import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.groq_api import (
    GroqApi,
    ModelAwayError,
    ModelBrokenAnswerError,
    ModelBusyError,
    ModelError,
    ModelRefusedError,
    ModelTimeoutError,
    completion,
    object_in,
)
from actors.messages import PromptPart
from actors.rules.answer import SCHEMA
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
    made = GroqApi(api_key="key", base_url=server.base_url, answer_seconds=10.0)
    yield made
    await made.close()


@pytest.fixture
async def groq(server: FakeGroq, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GroqApi]:
    """The way to Groq itself, at the address that the SDK reads from the environment."""
    monkeypatch.setenv("GROQ_BASE_URL", server.origin)
    made = GroqApi(api_key="key", answer_seconds=10.0)
    yield made
    await made.close()


async def asked(api: GroqApi, model: str = MODEL) -> object:
    answer = await api.complete(model, PROMPT, SCHEMA, max_tokens=100, temperature=0.7)
    return answer.data


class TestWhatIsAsked:
    async def test_groq_gets_a_strict_schema_and_little_thought(
        self, server: FakeGroq, groq: GroqApi
    ) -> None:
        await asked(groq)

        request = server.requests[0]
        schema = request["response_format"]["json_schema"]
        assert server.paths == ["/openai/v1/chat/completions"]
        assert server.headers[0]["authorization"] == "Bearer key"
        assert (request["model"], request["max_completion_tokens"]) == (MODEL, 100)
        assert (schema["strict"], schema["schema"]) == (True, dict(SCHEMA))
        assert request["reasoning_effort"] == "low"

    async def test_models_that_take_no_schema_are_asked_for_an_object(
        self, server: FakeGroq, groq: GroqApi
    ) -> None:
        await asked(groq, "qwen/qwen3.8-27b")

        request = server.requests[0]
        assert request["response_format"] == {"type": "json_object"}
        assert request["reasoning_effort"] == "none"

    async def test_another_server_is_asked_below_its_own_path_in_words_all_servers_know(
        self, server: FakeGroq, api: GroqApi
    ) -> None:
        await asked(api, "llama3.2")

        request = server.requests[0]
        assert server.paths == ["/v1/chat/completions"]
        assert request["max_tokens"] == 300
        assert "max_completion_tokens" not in request
        assert "reasoning_effort" not in request

    async def test_another_servers_path_need_not_end_with_a_slash(self, server: FakeGroq) -> None:
        api = GroqApi(api_key="key", base_url=f"{server.origin}/some/where/v1/")

        await asked(api)
        await api.close()

        assert server.paths == ["/some/where/v1/chat/completions"]

    async def test_pictures_become_parts_of_the_message(
        self, server: FakeGroq, api: GroqApi
    ) -> None:
        picture = replace(PROMPT[1], image_urls=("https://cdn/x.png",))

        await api.complete("vision", (picture,), SCHEMA, max_tokens=9, temperature=0)

        parts = server.requests[0]["messages"][0]["content"]
        assert [part["type"] for part in parts] == ["text", "image_url"]
        assert parts[1]["image_url"] == {"url": "https://cdn/x.png"}

    async def test_a_model_that_takes_no_schema_after_all_is_not_given_one_again(
        self, server: FakeGroq, api: GroqApi
    ) -> None:
        server.script(
            fake.refused(400, "This model does not support response format `json_schema`")
        )

        with pytest.raises(ModelBrokenAnswerError):
            await asked(api)
        await asked(api)

        forms = [request["response_format"]["type"] for request in server.requests]
        assert forms == ["json_schema", "json_object"]


class TestWhatComesBack:
    async def test_the_answer_comes_with_its_cost_and_limits(
        self, server: FakeGroq, api: GroqApi
    ) -> None:
        server.says("Evening.", risk=1)

        answer = await api.complete(MODEL, PROMPT, SCHEMA, max_tokens=9, temperature=0)

        assert answer.data == {"reply": "Evening.", "risk": 1}
        assert (answer.prompt_tokens, answer.cached_tokens, answer.completion_tokens) == (
            900,
            0,
            40,
        )
        assert (answer.seen.requests_limit, answer.seen.requests_left) == (1000, 990)
        assert (answer.seen.tokens_limit, answer.seen.tokens_left) == (8000, 7500)

    async def test_cached_tokens_are_read(self, server: FakeGroq, api: GroqApi) -> None:
        server.script(fake.used(900, 640, 40))

        answer = await api.complete(MODEL, PROMPT, SCHEMA, max_tokens=9, temperature=0)

        assert (answer.prompt_tokens, answer.cached_tokens) == (900, 640)

    async def test_a_server_that_does_not_count_is_no_trouble(
        self, server: FakeGroq, api: GroqApi
    ) -> None:
        server.script(fake.body(json.dumps({"choices": [{"message": {"content": "{}"}}]})))

        answer = await api.complete(MODEL, PROMPT, SCHEMA, max_tokens=9, temperature=0)

        assert (answer.prompt_tokens, answer.completion_tokens) == (0, 0)

    @pytest.mark.parametrize(
        "text",
        [
            '{"reply": "x"}',
            '```json\n{"reply": "x"}\n```',
            '<think>they want {"reply": "y"}</think>\n{"reply": "x"}',
            'Here it is: {"reply": "x"}',
        ],
    )
    def test_small_models_may_dress_their_answer_up(self, text: str) -> None:
        assert object_in(text) == {"reply": "x"}

    @given(st.text(alphabet='{}[]",:x<think>/ \n0', max_size=60))
    def test_any_text_is_an_object_or_broken(self, text: str) -> None:
        try:
            found = object_in(text)
        except ModelBrokenAnswerError:
            return

        assert isinstance(found, dict)

    @given(st.binary(max_size=200))
    def test_any_body_is_an_answer_or_broken(self, body: bytes) -> None:
        with pytest.raises(ModelBrokenAnswerError):
            completion(body, {})


class TestTrouble:
    @pytest.mark.parametrize(
        ("outcome", "error"),
        [
            (fake.limited("requests per minute (RPM)", "2s", retry_after="2"), ModelBusyError),
            (fake.status(429), ModelBusyError),
            (fake.status(498), ModelBusyError),
            (fake.status(500), ModelAwayError),
            (fake.status(502), ModelAwayError),
            (fake.status(503), ModelAwayError),
            (fake.status(408), ModelAwayError),
            (fake.status(301), ModelRefusedError),
            (fake.status(401), ModelRefusedError),
            (fake.status(404), ModelRefusedError),
            (fake.status(413), ModelRefusedError),
            (fake.refused(400, "my secret words"), ModelRefusedError),
            (
                fake.refused(400, "my secret words", kind="json_validate_failed"),
                ModelBrokenAnswerError,
            ),
            (fake.status(422), ModelBrokenAnswerError),
            (fake.floods(4), ModelAwayError),
            (fake.hangs_up(), ModelAwayError),
            (fake.content('{"reply": "cut', finish="length"), ModelBrokenAnswerError),
            (fake.content("not json"), ModelBrokenAnswerError),
            (fake.content("[1, 2]"), ModelBrokenAnswerError),
            (fake.content("x" * 30_000), ModelBrokenAnswerError),
            (fake.content('{"a":' * 3_000 + "1" + "}" * 3_000), ModelBrokenAnswerError),
            (fake.body("{"), ModelBrokenAnswerError),
            (fake.body("null"), ModelBrokenAnswerError),
            (fake.body('{"choices": []}'), ModelBrokenAnswerError),
            (fake.body('{"choices": "no"}'), ModelBrokenAnswerError),
            (fake.body('{"choices": [{"message": {"content": 5}}]}'), ModelBrokenAnswerError),
            (fake.used("many", 0, 40), ModelBrokenAnswerError),
            (fake.used(-5, 0, 40), ModelBrokenAnswerError),
            (fake.used(900, 0, 10**15), ModelBrokenAnswerError),
        ],
    )
    async def test_each_has_its_error_and_is_asked_once(
        self, server: FakeGroq, api: GroqApi, outcome: fake.Outcome, error: type[ModelError]
    ) -> None:
        server.script(outcome)

        with pytest.raises(error) as caught:
            await asked(api)

        assert type(caught.value) is error
        assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r}"
        assert len(server.requests) == 1, "the client must not retry by itself"

    @pytest.mark.parametrize("outcome", [fake.hangs(), fake.drips(0.01)])
    async def test_neither_silence_nor_dripping_holds_us(
        self, server: FakeGroq, outcome: fake.Outcome
    ) -> None:
        server.always(outcome)
        hasty = GroqApi(api_key="key", base_url=server.base_url, answer_seconds=0.2)

        with pytest.raises(ModelTimeoutError):
            await asked(hasty)
        await hasty.close()

    async def test_a_server_that_is_not_there_is_away(self) -> None:
        api = GroqApi(api_key="key", base_url="http://127.0.0.1:9/v1", answer_seconds=2.0)

        with pytest.raises(ModelAwayError):
            await asked(api)
        await api.close()

    @pytest.mark.parametrize(
        ("outcome", "bucket", "wait"),
        [
            (fake.limited("tokens per day (TPD)", "9m38s", retry_after="578"), "tokens_day", 578.0),
            (fake.limited("requests per day (RPD)", "1h"), "requests_day", 86.4),
            (fake.limited("tokens per minute (TPM)", "50.5s"), "tokens_minute", 3.75),
            (fake.limited("requests per minute (RPM)", "2s"), "requests_minute", 2.0),
            (fake.status(429, x_ratelimit_remaining_requests="0"), "requests_day", 2.0),
            (fake.status(429, retry_after="7"), None, 7.0),
            (fake.status(429, retry_after="0"), None, 0.0),
            (fake.status(429, retry_after="Fri, 31 Dec 1999"), None, 2.0),
        ],
    )
    async def test_a_refusal_says_which_limit_and_for_how_long(
        self,
        server: FakeGroq,
        api: GroqApi,
        outcome: fake.Outcome,
        bucket: str | None,
        wait: float,
    ) -> None:
        server.script(outcome)

        with pytest.raises(ModelBusyError) as caught:
            await asked(api)

        assert (caught.value.bucket, caught.value.retry_after) == (bucket, wait)

    async def test_a_server_that_is_down_may_say_for_how_long(
        self, server: FakeGroq, api: GroqApi
    ) -> None:
        server.script(fake.status(503, retry_after="4"))

        with pytest.raises(ModelAwayError) as caught:
            await asked(api)

        assert caught.value.retry_after == 4.0

    async def test_no_words_reach_a_log_at_any_level(
        self, server: FakeGroq, api: GroqApi, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            await asked(api)

        assert server.requests
        assert "secret" not in caplog.text
        assert "I hear you" not in caplog.text

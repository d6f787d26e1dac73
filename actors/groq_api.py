"""The way to the language model: the only file that knows the groq SDK.

Rule 1: the SDK never retries: it ignores a long `retry-after` and repeats refusals of a daily
limit.
Rule 2: whatever goes wrong is one of five errors, none of which holds a word of what was said.
Rule 3: an answer is complete within `answer_seconds` and `LARGEST_BODY`, or it is none: neither a
dripping nor a flooding server can hold us.
Rule 4: nothing in an answer is believed before it was checked, its token counts included.

    ModelError
      ModelBusyError       429, 498: come back after `retry_after` seconds; `bucket`: which limit
      ModelRefusedError    it will not take this request (bad key, too long): asking again is no use
      ModelAwayError       cannot be reached, or broken (5xx); `retry_after` if it says so
      ModelTimeoutError    no answer in time
      ModelBrokenAnswerError   an answer that is not what was asked for
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import groq
import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from actors.messages import PromptPart
from actors.rules import headers as rules
from actors.rules.budget import BucketName, Seen

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0
OWN_ANSWER_SECONDS: Final = 60.0
"""A server of one's own may run on a small machine."""
OWN_ROOM: Final = 3
"""Models on such servers may think aloud before they answer: so much more room they get."""
AT_ONCE: Final = 16
OWN_AT_ONCE: Final = 4
SDK_PREFIX: Final = "/openai/v1"
COMPLETIONS: Final = f"{SDK_PREFIX}/chat/completions"
STRICT_MODELS: Final = ("openai/gpt-oss",)
"""Only these take a strict JSON schema; others are asked for a JSON object and checked
afterwards.
"""
SILENT_MODELS: Final = ("qwen/qwen3",)
"""These think at length unless they are told not to."""
LARGEST_BODY: Final = 1_000_000
LONGEST_ANSWER: Final = 20_000
BUSY_SECONDS: Final = 2.0
THOUGHTS: Final = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)

for _name in ("groq", "httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # at DEBUG they print whole messages


class ModelError(Exception):
    """The model did not answer; `reason` is a code for logs."""

    reason = "error"


class ModelBusyError(ModelError):
    """A limit is reached.

    `retry_after`: seconds until it may be asked again.  `bucket`: which limit, if it said so.
    """

    reason = "busy"

    def __init__(self, retry_after: float, bucket: BucketName | None, seen: Seen) -> None:
        super().__init__("the model is busy")
        self.retry_after = retry_after
        self.bucket = bucket
        self.seen = seen


class ModelRefusedError(ModelError):
    """The model will not take this request, however often it is asked."""

    reason = "refused"


class ModelAwayError(ModelError):
    """The model cannot be reached, or is broken."""

    reason = "away"

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class ModelTimeoutError(ModelError):
    """The model did not answer in time."""

    reason = "timeout"


class ModelBrokenAnswerError(ModelError):
    """The model answered, but not in the form that was asked for."""

    reason = "broken_answer"


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer: the JSON object, what it cost in tokens, and what the headers said."""

    data: Mapping[str, Any]
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    seen: Seen


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Said(_Part):
    content: str | None = None


class _Choice(_Part):
    message: _Said
    finish_reason: str | None = None


class _Cached(_Part):
    cached_tokens: int | None = Field(default=None, ge=0, le=10**9)


class _Usage(_Part):
    prompt_tokens: int = Field(default=0, ge=0, le=10**9)
    completion_tokens: int = Field(default=0, ge=0, le=10**9)
    prompt_tokens_details: _Cached | None = None


class _Answer(_Part):
    """The body of an answer, as far as it matters here."""

    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


class OtherServer(httpx.AsyncBaseTransport):
    """Sends the SDK's requests to another OpenAI-compatible server, below `path` there."""

    def __init__(self, path: str) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._path = path.rstrip("/")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.path.removeprefix(SDK_PREFIX)
        request.url = request.url.copy_with(path=self._path + asked)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


class Bounded(httpx.AsyncByteStream):
    """A body that breaks off when it grows too large."""

    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._inner:
            size += len(chunk)
            if size > LARGEST_BODY:
                raise httpx.ReadError("the answer is far too large")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


async def bounded(response: httpx.Response) -> None:
    """See to it that this response cannot fill the memory (before its body is read)."""
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = Bounded(response.stream)


class GroqApi:
    """One client for the process.

    Args:
        api_key: for Groq, or whatever the other server wants to see.
        base_url: of another OpenAI-compatible server (with its `/v1`); None: Groq.
        answer_seconds: how long an answer may take; None: what suits the server.
    """

    def __init__(
        self, *, api_key: str, base_url: str | None = None, answer_seconds: float | None = None
    ) -> None:
        self.metered = base_url is None
        """Whether the provider's limits apply; a server of one's own has none that are known."""
        self.at_once = AT_ONCE if self.metered else OWN_AT_ONCE
        """How many calls it can work on at the same time."""
        self._seconds = answer_seconds or (ANSWER_SECONDS if self.metered else OWN_ANSWER_SECONDS)
        self._loose: set[str] = set()
        """Models that turned out not to take a schema."""
        url = httpx.URL(base_url) if base_url else None
        timeout = httpx.Timeout(self._seconds, connect=min(CONNECT_SECONDS, self._seconds))
        self._client = groq.AsyncGroq(
            api_key=api_key,
            base_url=str(url.copy_with(path="/")) if url else None,
            max_retries=0,
            timeout=timeout,
            http_client=httpx.AsyncClient(
                transport=OtherServer(url.path) if url else None,
                timeout=timeout,
                event_hooks={"response": [bounded]},
            ),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def complete(
        self,
        model: str,
        prompt: tuple[PromptPart, ...],
        schema: Mapping[str, Any],
        *,
        max_tokens: int,
        temperature: float,
    ) -> Completion:
        """Return the model's answer to `prompt`, a JSON object after `schema`.

        Raises:
            ModelError: see the module.
        """
        asked = {
            "model": model,
            "messages": [as_message(part) for part in prompt],
            "temperature": temperature,
            **self._room(max_tokens),
            **self._form(model, schema),
        }
        try:
            async with asyncio.timeout(self._seconds):
                body, headers = await self._sent(asked)
        except (TimeoutError, groq.APITimeoutError):
            raise ModelTimeoutError("no answer in time") from None
        except groq.BadRequestError as error:
            if asked["response_format"]["type"] == "json_schema" and _is_about_form(error):
                self._loose.add(model)
                raise ModelBrokenAnswerError("it takes no schema: without one next time") from None
            raise refusal(error) from None
        except groq.APIStatusError as error:
            raise refusal(error) from None
        except (groq.GroqError, httpx.HTTPError):
            raise ModelAwayError("cannot be reached") from None
        return completion(body, headers)

    async def _sent(self, asked: dict[str, Any]) -> tuple[bytes, Mapping[str, str]]:
        """Post the request by the SDK's own way for raw bodies.

        Its typed method walks every part of the prompt against its type hints first, on the loop:
        that took longer than all else in a call.
        """
        raw = await self._client.post(COMPLETIONS, cast_to=httpx.Response, body=asked)
        return raw.content, raw.headers

    def _room(self, max_tokens: int) -> dict[str, Any]:
        """Return how the length of the answer is asked for."""
        if self.metered:
            return {"max_completion_tokens": max_tokens}
        return {"max_tokens": max_tokens * OWN_ROOM}  # the name that every server knows

    def _form(self, model: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return how the form of the answer, and how little thinking, is asked for."""
        if model.startswith(STRICT_MODELS) and model not in self._loose:
            named = {"name": "answer", "strict": True, "schema": dict(schema)}
            form: dict[str, Any] = {"type": "json_schema", "json_schema": named}
        else:
            form = {"type": "json_object"}
        effort: dict[str, Any] = {}
        if model.startswith(STRICT_MODELS):
            effort = {"reasoning_effort": "low"}
        elif self.metered and model.startswith(SILENT_MODELS):
            effort = {"reasoning_effort": "none"}
        return {"response_format": form, **effort}


def as_message(part: PromptPart) -> dict[str, Any]:
    """Return a part of the prompt as the API has it; pictures become parts of their own."""
    if not part.image_urls:
        return {"role": part.role, "content": part.content}
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in part.image_urls]
    return {"role": part.role, "content": [{"type": "text", "text": part.content}, *pictures]}


def completion(body: bytes, headers: Mapping[str, str]) -> Completion:
    """Return what an answer's body holds, or raise ModelBrokenAnswerError."""
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError:
        raise ModelBrokenAnswerError("not an answer") from None
    choice = answer.choices[0]
    text = choice.message.content or ""
    if choice.finish_reason == "length" or len(text) > LONGEST_ANSWER:
        raise ModelBrokenAnswerError("cut short, or far too long")
    usage = answer.usage or _Usage()
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0
    return Completion(
        data=object_in(text),
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=min(cached or 0, usage.prompt_tokens),
        completion_tokens=usage.completion_tokens,
        seen=rules.seen(headers),
    )


def object_in(text: str) -> dict[str, Any]:
    """Return the JSON object in an answer, or raise ModelBrokenAnswerError.

    Small models put thoughts before it or a code fence around it: those are taken off.
    """
    bare = THOUGHTS.sub("", text).strip()
    start, end = bare.find("{"), bare.rfind("}")
    try:
        data = from_json(bare[start : end + 1])  # bounds the depth; json's bound varies by Python
    except ValueError:
        raise ModelBrokenAnswerError("not a JSON object") from None
    if not isinstance(data, dict):
        raise ModelBrokenAnswerError("not a JSON object")
    return data


def refusal(error: groq.APIStatusError) -> ModelError:
    """Return what an error status means."""
    status, headers = error.status_code, error.response.headers
    if status in {429, 498}:
        bucket = rules.named_bucket(_error_field(error, "message"), headers)
        wait = rules.refused_wait(headers, bucket)
        seen = rules.seen(headers)
        return ModelBusyError(BUSY_SECONDS if wait is None else wait, bucket, seen)
    if status == 408 or status >= 500:
        return ModelAwayError(f"status {status}", rules.refused_wait(headers, None))
    if _error_field(error, "code") == "json_validate_failed" or status == 422:
        return ModelBrokenAnswerError(f"status {status}")
    return ModelRefusedError(f"status {status}")


def _error_field(error: groq.APIStatusError, name: str) -> str:
    """Return a field of the error that the body tells of; it may quote what was said."""
    body = error.body
    inner = body.get("error", body) if isinstance(body, dict) else None
    value = inner.get(name) if isinstance(inner, dict) else None
    return value if isinstance(value, str) else ""


def _is_about_form(error: groq.APIStatusError) -> bool:
    message = _error_field(error, "message").casefold()
    return any(word in message for word in ("response_format", "response format", "json_schema"))

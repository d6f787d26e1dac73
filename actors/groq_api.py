"""The way to the language model: the only file that knows the groq SDK.

Rule 1: the SDK never retries: it ignores a long `retry-after` and repeats refusals of a daily
limit.
Rule 2: whatever goes wrong is one of five errors, none of which holds a word of what was said.

    ModelError
      ModelBusyError       429, 498, 503: come back after `retry_after` seconds (`daily`: not today)
      ModelRefusedError    it will not take this request (bad key, too long): asking again will
      not help ModelAwayError       cannot be reached, or broken (5xx)
      ModelSlowError       no answer in time
      ModelGarbledError    an answer that is not what was asked for
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import groq
import httpx

from actors.messages import PromptPart

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0
SDK_PREFIX: Final = "/openai/v1"
STRICT_MODELS: Final = ("openai/gpt-oss",)
"""Only these take a strict JSON schema; others are asked for a JSON object and checked
afterwards.
"""
LONGEST_ANSWER: Final = 20_000
DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}

for _name in ("groq", "httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # at DEBUG they print whole messages


class ModelError(Exception):
    """The model did not answer; `reason` is a code for logs."""

    reason = "error"


class ModelBusyError(ModelError):
    """Too many requests; `retry_after` seconds until the next one, `daily` if the day's are
    spent.
    """

    reason = "busy"

    def __init__(self, retry_after: float, *, daily: bool) -> None:
        super().__init__("the model is busy")
        self.retry_after = retry_after
        self.daily = daily


class ModelRefusedError(ModelError):
    """The model will not take this request, however often it is asked."""

    reason = "refused"


class ModelAwayError(ModelError):
    """The model cannot be reached, or is broken."""

    reason = "away"


class ModelSlowError(ModelError):
    """The model did not answer in time."""

    reason = "slow"


class ModelGarbledError(ModelError):
    """The model answered, but not in the form that was asked for."""

    reason = "broken_answer"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the headers of an answer say about the limits; None where they say nothing.

    Requests are counted per day, tokens per minute (that is how Groq does it).
    """

    requests_limit: int | None = None
    requests_left: int | None = None
    tokens_limit: int | None = None
    tokens_left: int | None = None
    tokens_reset_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer: the JSON object, what it cost in tokens, and what the headers said."""

    data: Mapping[str, Any]
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    seen: Seen


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


class GroqApi:
    """One client for the process.

    Args:
        api_key: for Groq, or whatever the other server wants to see.
        base_url: of another OpenAI-compatible server (with its `/v1`); None: Groq.
        answer_seconds: how long an answer may take.
    """

    def __init__(
        self, *, api_key: str, base_url: str | None = None, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self.metered = base_url is None
        """Whether the provider's limits apply; a server of one's own has none that are known."""
        url = httpx.URL(base_url) if base_url else None
        transport = OtherServer(url.path) if url else None
        timeout = httpx.Timeout(answer_seconds, connect=CONNECT_SECONDS)
        self._client = groq.AsyncGroq(
            api_key=api_key,
            base_url=str(url.copy_with(path="/")) if url else None,
            max_retries=0,
            timeout=timeout,
            http_client=httpx.AsyncClient(transport=transport, timeout=timeout),
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
        asked: dict[str, Any] = {
            "model": model,
            "messages": [as_message(part) for part in prompt],
            "response_format": {"type": "json_object"},
            "max_completion_tokens": max_tokens,
            "temperature": temperature,
        }
        if model.startswith(STRICT_MODELS):
            named = {"name": "answer", "strict": True, "schema": dict(schema)}
            asked["response_format"] = {"type": "json_schema", "json_schema": named}
            asked["reasoning_effort"] = "low"
        try:
            raw = await self._client.chat.completions.with_raw_response.create(**asked)
            answer = await raw.parse()
        except groq.APITimeoutError:
            raise ModelSlowError("no answer in time") from None
        except groq.APIStatusError as error:
            raise refusal(error.status_code, error.response.headers) from None
        except (groq.APIConnectionError, groq.APIError, httpx.HTTPError):
            raise ModelAwayError("cannot be reached") from None
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ModelGarbledError("not an answer") from None
        return completion(answer, raw.headers)


def as_message(part: PromptPart) -> dict[str, Any]:
    """Return a part of the prompt as the API has it; pictures become parts of their own."""
    if not part.image_urls:
        return {"role": part.role, "content": part.content}
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in part.image_urls]
    return {"role": part.role, "content": [{"type": "text", "text": part.content}, *pictures]}


def completion(answer: Any, headers: Mapping[str, str]) -> Completion:
    """Return what a response of the API holds, or raise ModelGarbledError."""
    try:
        choice = answer.choices[0]
        text = choice.message.content or ""
        if choice.finish_reason == "length" or len(text) > LONGEST_ANSWER:
            raise ModelGarbledError("cut short, or far too long")
        data = json.loads(text)
    except (ValueError, TypeError, IndexError, AttributeError, RecursionError):
        raise ModelGarbledError("not a JSON object") from None
    if not isinstance(data, dict):
        raise ModelGarbledError("not a JSON object")
    usage = answer.usage
    details = getattr(usage, "prompt_tokens_details", None)
    return Completion(
        data=data,
        prompt_tokens=getattr(usage, "prompt_tokens", 0) or 0,
        cached_tokens=getattr(details, "cached_tokens", 0) or 0,
        completion_tokens=getattr(usage, "completion_tokens", 0) or 0,
        seen=seen(headers),
    )


def refusal(status: int, headers: Mapping[str, str]) -> ModelError:
    """Return what an error status means."""
    if status in {429, 498, 503}:
        wait = seconds(headers.get("retry-after", "")) or 2.0
        daily = headers.get("x-ratelimit-remaining-requests") == "0" or wait > 120
        return ModelBusyError(wait, daily=daily)
    if status == 408 or status >= 500:
        return ModelAwayError(f"status {status}")
    if status in {413, 422, 400}:
        return ModelGarbledError(f"status {status}") if status == 400 else ModelRefusedError("")
    return ModelRefusedError(f"status {status}")


def seen(headers: Mapping[str, str]) -> Seen:
    """Return what the headers say about limits."""
    return Seen(
        requests_limit=whole(headers.get("x-ratelimit-limit-requests")),
        requests_left=whole(headers.get("x-ratelimit-remaining-requests")),
        tokens_limit=whole(headers.get("x-ratelimit-limit-tokens")),
        tokens_left=whole(headers.get("x-ratelimit-remaining-tokens")),
        tokens_reset_seconds=seconds(headers.get("x-ratelimit-reset-tokens", "")),
    )


def whole(text: str | None) -> int | None:
    """Return a header's number, None if it holds none."""
    return int(text) if text is not None and text.isdecimal() and len(text) < 12 else None


def seconds(text: str) -> float | None:
    """Return a header's duration (`7.66s`, `2m59.56s`, `120`) in seconds, None if it holds none."""
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    parts = DURATION.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text:
        return None
    return sum(float(number) * UNITS[unit] for number, unit in parts)

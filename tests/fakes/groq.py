"""A wire-level Groq on loopback, for the real client to talk to.

By default it answers every call at once; a test scripts what comes before that:

    async with FakeGroq() as groq:
        groq.says("I hear you.")                    # from now on
        groq.script(limited("tokens per day (TPD)", "9m38.016s"), hangs(), body("{not json"))

It speaks at `/openai/v1/...` as Groq does, and at any other prefix as other servers do.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self

from aiohttp import web

Outcome = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]

LIMITS = {
    "x-ratelimit-limit-requests": "1000",
    "x-ratelimit-remaining-requests": "990",
    "x-ratelimit-limit-tokens": "8000",
    "x-ratelimit-remaining-tokens": "7500",
    "x-ratelimit-reset-requests": "1m26.4s",
    "x-ratelimit-reset-tokens": "3.75s",
}
NO_FACTS = '{"facts": [], "events": []}'


def completion_of(content: str, *, finish: str = "stop", cached: int = 0) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "fake",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content},
                "finish_reason": finish,
            }
        ],
        "usage": {
            "prompt_tokens": 900,
            "completion_tokens": 40,
            "total_tokens": 940,
            "prompt_tokens_details": {"cached_tokens": cached},
        },
    }


def content(text: str, *, finish: str = "stop", headers: dict[str, str] | None = None) -> Outcome:
    """Answer 200 with a message that holds `text`."""

    async def answer(_request: web.Request, _asked: dict[str, Any]) -> web.StreamResponse:
        return web.json_response(
            completion_of(text, finish=finish), headers=LIMITS | (headers or {})
        )

    return answer


def reply(text: str, risk: int = 0) -> Outcome:
    """Answer as the model should."""
    return content(json.dumps({"reply": text, "risk": risk}))


def facts(*items: dict[str, Any], events: Sequence[dict[str, Any]] = ()) -> Outcome:
    """Answer as the extractor should."""
    return content(json.dumps({"facts": list(items), "events": list(events)}))


def status(code: int, **headers: str) -> Outcome:
    """Refuse with an HTTP status; header names with underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_request: web.Request, _asked: dict[str, Any]) -> web.StreamResponse:
        error = {"error": {"message": "no", "type": "error", "code": str(code)}}
        return web.json_response(error, status=code, headers=named)

    return answer


def body(raw: str) -> Outcome:
    """Answer 200 with a raw body."""

    async def answer(_request: web.Request, _asked: dict[str, Any]) -> web.StreamResponse:
        return web.Response(text=raw, content_type="application/json", headers=LIMITS)

    return answer


def limited(by: str, again_in: str, *, retry_after: str | None = None) -> Outcome:
    """Refuse as Groq does when a limit is reached, e.g. `tokens per minute (TPM)`."""
    said = (
        f"Rate limit reached for model `m` in organization `o` service tier `on_demand` on {by}: "
        f"Limit 100000, Used 97050, Requested 3619. Please try again in {again_in}."
    )
    headers = LIMITS | ({} if retry_after is None else {"retry-after": retry_after})

    async def answer(_request: web.Request, _asked: dict[str, Any]) -> web.StreamResponse:
        error = {"message": said, "type": "tokens", "code": "rate_limit_exceeded"}
        return web.json_response({"error": error}, status=429, headers=headers)

    return answer


def refused(code: int, why: str, *, kind: str = "invalid_request_error") -> Outcome:
    """Refuse with a message, which may quote what was asked."""

    async def answer(_request: web.Request, _asked: dict[str, Any]) -> web.StreamResponse:
        error = {"message": why, "type": "invalid_request_error", "code": kind}
        return web.json_response({"error": error}, status=code)

    return answer


def used(prompt: Any, cached: Any, completion: Any, text: str = "I hear you.") -> Outcome:
    """Answer with this bill."""
    made = completion_of(json.dumps({"reply": text, "risk": 0}))
    made["usage"] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    return body(json.dumps(made))


def drips(pause: float) -> Outcome:
    """Answer a few bytes at a time, for ever."""

    async def answer(request: web.Request, _asked: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(pause)

    return answer


def floods(megabytes: int) -> Outcome:
    """Answer far more than anybody asked for."""

    async def answer(request: web.Request, _asked: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(megabytes * 16):
            await response.write(b" " * 65_536)
        return response

    return answer


def hangs() -> Outcome:
    """Never answer."""

    async def answer(_request: web.Request, _asked: dict[str, Any]) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    return answer


def hangs_up() -> Outcome:
    """Close the connection without an answer."""

    async def answer(request: web.Request, _asked: dict[str, Any]) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return answer


def waits_for(gate: asyncio.Event, then: Outcome) -> Outcome:
    """Answer when the gate opens."""

    async def answer(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        await gate.wait()
        return await then(request, asked)

    return answer


class Awaited:
    """That so many calls have arrived."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.reached = asyncio.Event()

    def look(self, arrived: int) -> None:
        if arrived >= self.count:
            self.reached.set()


class FakeGroq:
    """The server.

    `requests`: the bodies of all calls, in order; `headers` and `paths`: theirs.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.models = ["openai/gpt-oss-120b", "openai/gpt-oss-20b", "qwen/qwen3.8-27b"]
        self.arrived = asyncio.Event()
        self._awaited: list[Awaited] = []
        self._script: deque[Outcome] = deque()
        self._reply = reply("I hear you.")
        self._facts = content(NO_FACTS)
        self._always: Outcome | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{path:.*}/models", self._list)
        app.router.add_post("/{path:.*}/chat/completions", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.05)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await self._site.start()
        host, port = self._runner.addresses[0][:2]
        self.origin = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        """What to set LLM_BASE_URL to."""
        return f"{self.origin}/v1"

    async def heard(self, count: int) -> None:
        """Wait until so many calls have arrived."""
        awaited = Awaited(count)
        awaited.look(len(self.requests))
        self._awaited.append(awaited)
        await asyncio.wait_for(awaited.reached.wait(), timeout=10.0)

    def says(self, text: str, risk: int = 0) -> None:
        """Answer every reply call like this from now on."""
        self._reply = reply(text, risk)

    def notes(self, *items: dict[str, Any], events: Sequence[dict[str, Any]] = ()) -> None:
        """Answer every extraction like this from now on."""
        self._facts = facts(*items, events=events)

    def script(self, *outcomes: Outcome) -> None:
        """Answer the next calls like this, in order."""
        self._script.extend(outcomes)

    def always(self, outcome: Outcome | None) -> None:
        """Answer all calls like this; None: as before."""
        self._always = outcome

    @property
    def replies(self) -> list[dict[str, Any]]:
        """The reply calls (without the extractions)."""
        return [r for r in self.requests if not is_extraction(r)]

    async def _list(self, _request: web.Request) -> web.StreamResponse:
        models = [{"id": name, "object": "model", "owned_by": "fake"} for name in self.models]
        return web.json_response({"object": "list", "data": models})

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.requests.append(asked)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.paths.append(request.path)
        self.arrived.set()
        for awaited in tuple(self._awaited):
            awaited.look(len(self.requests))
        if self._always is not None:
            return await self._always(request, asked)
        if is_extraction(asked):
            return await self._facts(request, asked)
        outcome = self._script.popleft() if self._script else self._reply
        return await outcome(request, asked)


def is_extraction(asked: dict[str, Any]) -> bool:
    """Whether a call asks for facts."""
    return "note lasting facts" in str(asked["messages"][0]["content"])

"""How the fake's REST API answers: exact content types, tokens, limits, faults, error bodies.

Two traps of the real wire live here: discord.py parses a body only if its content type is exactly
`application/json`, and takes a 429 without a `Via` header for a ban.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from tests.fakes.discord.faults import Fault, Faults, RateLimits

API: Final = "/api/v10"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiError(Exception):
    """A refusal as Discord words it: HTTP status, error code, message."""

    def __init__(self, status: int, code: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, "code": code, **more}


def unknown(code: int, what: str) -> ApiError:
    return ApiError(404, code, f"Unknown {what}")


def invalid(field: str, code: str, message: str) -> ApiError:
    errors = {field: {"_errors": [{"code": code, "message": message}]}}
    return ApiError(400, 50035, "Invalid Form Body", errors=errors)


def answer(data: Any = None, *, status: int = 200) -> web.Response:
    if data is None:
        return web.Response(status=204)
    return web.Response(
        status=status,
        body=json.dumps(data).encode(),
        headers={"Content-Type": "application/json"},
    )


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON of a request, whether it came alone or with files."""
    if request.content_type.startswith("multipart/"):
        text = str((await request.post())["payload_json"])
    else:
        text = await request.text()
    parsed: dict[str, Any] = json.loads(text)
    return parsed


class Gate:
    """What every request passes on its way in and out."""

    def __init__(
        self, token: str, faults: Faults, limits: RateLimits, counts: Counter[str]
    ) -> None:
        self._token = token
        self._faults = faults
        self._limits = limits
        self._counts = counts
        self.requests: list[tuple[str, str]] = []

    @web.middleware
    async def pass_through(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(API):
            return await handler(request)
        path = request.path.removeprefix(API)
        self.requests.append((request.method, path))
        fault = self._faults.take(request.method, path)
        if fault is not None:
            refusal = await self._go_wrong(request, fault)
            if refusal is not None:
                return refusal
        headers, refused = self._limits.check(request.method, path)
        if refused is not None:
            response: web.StreamResponse = answer(refused, status=429)
        else:
            response = await self._handled(request, handler)
        response.headers.update(headers)
        if fault is not None and fault.drop == "answer":
            self._hang_up(request)
        return response

    async def _handled(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._check_token(request)
            return await handler(request)
        except ApiError as error:
            return answer(error.body, status=error.status)
        except web.HTTPException as error:
            return answer({"message": f"{error.status}: {error.reason}", "code": 0}, status=404)

    def _check_token(self, request: web.Request) -> None:
        by_its_path = request.path.startswith((f"{API}/interactions", f"{API}/webhooks"))
        if not by_its_path and request.headers.get("Authorization") != f"Bot {self._token}":
            raise ApiError(401, 0, "401: Unauthorized")

    async def _go_wrong(self, request: web.Request, fault: Fault) -> web.StreamResponse | None:
        self._counts["faults"] += 1
        if fault.seconds:
            await asyncio.sleep(fault.seconds)
        if fault.drop == "request":
            self._hang_up(request)
            return answer(status=200)
        if fault.status is not None:
            return answer(fault.body, status=fault.status)
        return None

    @staticmethod
    def _hang_up(request: web.Request) -> None:
        if request.transport is not None:
            request.transport.abort()

"""Health: `/healthz` (the process turns), `/readyz` (door and database are open), `/metrics`
(numbers only).
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from aiohttp import web


async def serve(
    port: int, ready: Callable[[], bool], snapshot: Callable[[], dict[str, Any]]
) -> web.AppRunner:
    """Serve health on all addresses of the container at `port` until the runner is cleaned up."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        is_ready = ready()
        return web.Response(
            text="ready\n" if is_ready else "not ready\n", status=200 if is_ready else 503
        )

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(text=json.dumps(snapshot()), content_type="application/json")

    app = web.Application()
    app.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", port).start()  # noqa: S104 - a container's health is asked from outside
    return runner


def asked(port: int, path: str = "/healthz", seconds: float = 3.0) -> bool:
    """Return whether the process that serves `port` on this machine says it is well."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=seconds) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False

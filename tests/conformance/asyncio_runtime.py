"""A pytest plugin for Pykka's suite: its `runtime` is our actor type, on a loop in a thread.

Pykka's tests are plain functions that block, as users of threads do; the loop runs beside them.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from actors.futures import AsyncioFuture
from actors.runtime import AsyncioActor


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session) -> None:
    """Put our `runtime` in the place of the suite's own, for every test."""
    from tests import conftest  # of the suite, in whose folder we run

    for name, param in conftest.RUNTIMES.items():
        runtime = param.values[0]
        runtime.name = name
        runtime.actor_class = AsyncioActor
        runtime.future_class = AsyncioFuture
        runtime.sleep_func = time.sleep


@pytest.fixture(scope="session", autouse=True)
def loop_beside() -> Iterator[None]:
    """Run the loop that all actors live on; see that no actor had a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="the loop", daemon=True)
    before = threading.active_count()
    thread.start()
    AsyncioActor.loop = loop
    yield
    actor_threads = [t.name for t in threading.enumerate() if "Actor" in t.name]
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=5)
    assert actor_threads == []
    assert threading.active_count() <= before


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say whose actors they were."""
    terminalreporter.write_line(f"actor type: {AsyncioActor.__module__}.{AsyncioActor.__name__}")

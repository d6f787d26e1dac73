import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.breaker import FIRST_SECONDS, LONGEST_SECONDS, Breaker
from storage.errors import StorageUnavailableError


class Watch:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_database_that_answers_is_asked_at_once() -> None:
    breaker = Breaker(Watch(), random.Random(1))

    breaker.check()
    breaker.worked()
    breaker.check()


def test_after_a_failure_callers_are_held_off_for_a_moment() -> None:
    watch = Watch()
    breaker = Breaker(watch, random.Random(1))
    breaker.failed()

    with pytest.raises(StorageUnavailableError):
        breaker.check()

    watch.now += FIRST_SECONDS
    breaker.check()


@given(failures=st.integers(1, 60), seed=st.integers(0, 1_000))
def test_the_wait_grows_to_a_limit_and_is_never_nothing(failures: int, seed: int) -> None:
    watch = Watch()
    breaker = Breaker(watch, random.Random(seed))
    for _ in range(failures):
        breaker.failed()
    most = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** (failures - 1))

    watch.now += most / 2 - 1e-6
    with pytest.raises(StorageUnavailableError):
        breaker.check()

    watch.now += most / 2 + 1e-3
    breaker.check()


def test_one_answer_makes_all_well() -> None:
    breaker = Breaker(Watch(), random.Random(1))
    for _ in range(9):
        breaker.failed()

    breaker.worked()

    breaker.check()

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from actors import messages as m
from actors.notebook import PAUSES, Notebook
from storage.errors import RowRefusedError, StorageUnavailableError
from storage.ids import GuildId
from storage.records import CareCount, Write


def a_write(number: int) -> Write:
    return CareCount(date(2026, 1, 1), GuildId(number), "referral", 2)


class Shelf:
    """Storage as a notebook sees it: takes writes, unless it is away or one of them is bad."""

    def __init__(self, *, bad: Sequence[Write] = ()) -> None:
        self.kept: list[Write] = []
        self.away = False
        self.bad = list(bad)

    async def ask(self, message: m.Save, timeout: float) -> tuple[Any, ...]:  # noqa: ASYNC109
        if self.away:
            raise StorageUnavailableError
        if any(write in self.bad for write in message.writes):
            raise RowRefusedError("foreign_key")
        self.kept.extend(message.writes)
        return (None,) * len(message.writes)


def notebook(shelf: Shelf) -> Notebook:
    return Notebook(shelf)  # type: ignore[arg-type]


async def test_what_could_not_be_kept_is_kept_later_in_order() -> None:
    shelf = Shelf()
    book = notebook(shelf)
    shelf.away = True
    first = await book.keep_or_hold([a_write(1)])
    second = await book.keep_or_hold([a_write(2)])
    shelf.away = False

    third = await book.keep_or_hold([a_write(3)])

    assert (first, second, third) == (False, False, True)
    assert shelf.kept == [a_write(1), a_write(2), a_write(3)]


async def test_a_row_that_is_refused_costs_no_other_row() -> None:
    shelf = Shelf(bad=[a_write(2)])
    book = notebook(shelf)

    done = await book.keep_or_hold([a_write(1), a_write(2), a_write(3)])
    again = await book.keep_or_hold()

    assert (done, again) == (True, True)
    assert shelf.kept == [a_write(1), a_write(3)]


async def test_pauses_grow_and_start_over_when_it_worked() -> None:
    shelf = Shelf()
    book = notebook(shelf)
    grown = [book.pause() for _ in range(len(PAUSES) + 3)]

    await book.keep([a_write(1)])

    assert grown == [*PAUSES, *[PAUSES[-1]] * 3]
    assert book.pause() == PAUSES[0]


async def test_a_refusal_is_raised_to_whom_it_concerns() -> None:
    book = notebook(Shelf(bad=[a_write(1)]))

    with pytest.raises(RowRefusedError):
        await book.keep([a_write(1)])

"""Prices: what a call of a language model cost.

Rule 1: a model that is not in `prices.toml` costs nothing here (a server of one's own).
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Final

PRICES_FILE: Final = Path(__file__).with_name("prices.toml")
MILLION: Final = 1_000_000


@cache
def prices() -> dict[str, dict[str, float]]:
    """Return the price list: for each model dollars per million tokens."""
    return tomllib.loads(PRICES_FILE.read_text(encoding="utf-8"))


def cost(model: str, prompt: int, cached: int, completion: int) -> float:
    """Return what a call cost in US dollars.

    Args:
        model: its name at the provider.
        prompt: tokens of the prompt, the cached ones included.
        cached: how many of them the provider had at hand.
        completion: tokens of the answer.
    """
    price = prices().get(model)
    if price is None:
        return 0.0
    read = (prompt - cached) + cached * price["cached"]
    return (read * price["input"] + completion * price["output"]) / MILLION

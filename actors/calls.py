"""Calls of the language model: what is asked, who waits for it, and how it stands with a model.

The values that `actors.language` works with.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from actors import messages as m
from actors.groq_api import Completion
from actors.rules import answer, budget, fairness
from actors.rules.breaker import Breaker
from actors.rules.budget import Budget
from actors.rules.fairness import Request, Urgency
from actors.rules.prices import cost
from actors.runtime import Reply
from storage.ids import UserId
from storage.records import ModelUse

REPLY_TOKENS: Final = 500
FACTS_TOKENS: Final = 1_500
REPLY_WARMTH: Final = 0.7
KNOWN_VOICES: Final = 10_000
"""For so many people it is remembered that the model answered them last."""

Asked = m.DraftReply | m.ExtractFacts


@dataclass(frozen=True, slots=True)
class Models:
    """Which model does what.  `vision` None: pictures are not shown to any."""

    reply: str = "openai/gpt-oss-120b"
    facts: str = "openai/gpt-oss-20b"
    vision: str | None = None

    def for_call(self, asked: Asked) -> str:
        """Return the model that is to work on a call."""
        if isinstance(asked, m.ExtractFacts):
            return self.facts
        shows = any(part.image_urls for part in asked.prompt)
        return self.vision if shows and self.vision else self.reply


@dataclass(slots=True)
class Call:
    """A call on its way.  `withdrawn`: nobody waits for it any more."""

    request: Request
    asked: Asked
    reply: Reply
    model: str
    attempts: int = 0
    queued_ms: float = 0.0
    model_ms: float = 0.0
    not_before: datetime | None = None
    withdrawn: bool = False
    _mark: float = field(default_factory=time.perf_counter)

    @property
    def turn(self) -> str:
        return self.asked.turn if isinstance(self.asked, m.DraftReply) else ""

    def blinded(self, models: Models) -> bool:
        """Turn to the model that replies without seeing, if this one sees; return whether it did.

        A picture that cannot be fetched, or a model that is not there, must not cost the reply.
        """
        if self.model != models.vision or self.model == models.reply:
            return False
        self.model = models.reply
        return True

    def sent(self) -> None:
        """Note that it goes out now."""
        self.attempts += 1
        self.queued_ms += self._lap()

    def back(self) -> None:
        """Note that it came back, well or not."""
        self.model_ms = self._lap()

    def _lap(self) -> float:
        now = time.perf_counter()
        passed, self._mark = (now - self._mark) * 1000, now
        return round(passed, 2)

    def arguments(self, *, shows_pictures: bool) -> dict[str, Any]:
        """Return what `GroqApi.complete` is given."""
        facts = isinstance(self.asked, m.ExtractFacts)
        prompt = self.asked.prompt
        return {
            "model": self.model,
            "prompt": prompt if shows_pictures else tuple(blind(part) for part in prompt),
            "schema": self.asked.schema
            if isinstance(self.asked, m.ExtractFacts)
            else answer.SCHEMA,
            "max_tokens": FACTS_TOKENS if facts else REPLY_TOKENS,
            "temperature": 0.0 if facts else REPLY_WARMTH,
        }


@dataclass(slots=True)
class Standing:
    """How we stand with one model.  `out`: its calls that are under way."""

    budget: Budget
    breaker: Breaker = field(default_factory=Breaker)
    out: dict[int, Call] = field(default_factory=dict)
    spent_logged: datetime | None = None

    def wait(self, request: Request, now: datetime) -> timedelta:
        """Return how long the budget makes a call wait."""
        return self.budget.wait_for(request.tokens, request.urgency, now)

    def under_way(self) -> tuple[int, float]:
        """Return how many calls are out, and their tokens as estimated."""
        return len(self.out), float(sum(call.request.tokens for call in self.out.values()))


class Ledger:
    """What was used and is not kept yet: added up by guild and model, so that it stays small."""

    def __init__(self) -> None:
        self._uses: dict[tuple[Any, str, Any], ModelUse] = {}

    def __bool__(self) -> bool:
        return bool(self._uses)

    def add(self, use: ModelUse) -> None:
        """Note a use."""
        key = (use.guild_id, use.model, use.at.date())
        held = self._uses.get(key)
        self._uses[key] = use if held is None else added(held, use)

    def add_all(self, uses: Iterable[ModelUse]) -> None:
        """Take back what could not be kept."""
        for use in uses:
            self.add(use)

    def taken(self) -> tuple[ModelUse, ...]:
        """Return everything, and forget it here: now somebody else keeps it (or brings it back)."""
        uses, self._uses = tuple(self._uses.values()), {}
        return uses


class Voices:
    """Whom the model answered last: that the simple voice speaks now is told to them."""

    def __init__(self) -> None:
        self._by_model: OrderedDict[UserId, None] = OrderedDict()

    def answered(self, user_id: UserId) -> None:
        """Note that the model answered a person."""
        self._by_model[user_id] = None
        self._by_model.move_to_end(user_id)
        if len(self._by_model) > KNOWN_VOICES:
            self._by_model.popitem(last=False)

    def changed(self, user_id: UserId) -> bool:
        """Return whether the simple voice is new to a person who was answered by the model."""
        return self._by_model.pop(user_id, self) is None


def added(one: ModelUse, other: ModelUse) -> ModelUse:
    """Return two uses of one guild, model and day as one."""
    return ModelUse(
        guild_id=one.guild_id,
        model=one.model,
        at=max(one.at, other.at),
        calls=one.calls + other.calls,
        prompt_tokens=one.prompt_tokens + other.prompt_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
        completion_tokens=one.completion_tokens + other.completion_tokens,
        cost_usd=one.cost_usd + other.cost_usd,
    )


def use_of(call: Call, back: Completion, now: datetime) -> ModelUse:
    """Return what an answered call used, as storage keeps it."""
    counts = (back.prompt_tokens, back.cached_tokens, back.completion_tokens)
    prompt, cached, completion = counts
    return ModelUse(
        guild_id=call.asked.guild_id,
        model=call.model,
        at=now,
        prompt_tokens=prompt,
        cached_tokens=cached,
        completion_tokens=completion,
        cost_usd=cost(call.model, *counts),
    )


def request_for(asked: Asked, number: int, now: datetime) -> Request:
    """Return a call as the queue sees it."""
    if isinstance(asked, m.ExtractFacts):
        urgency, room = Urgency.FACTS, FACTS_TOKENS
    else:
        urgency = Urgency.CRISIS if asked.crisis else Urgency.REPLY
        room = REPLY_TOKENS
    images = sum(len(part.image_urls) for part in asked.prompt)
    return fairness.Request(
        number=number,
        urgency=urgency,
        guild=asked.guild_id if asked.guild_id is not None else -asked.user_id,
        user=asked.user_id,
        tokens=budget.need_of((part.content for part in asked.prompt), images, room),
        since=now,
    )


def blind(part: m.PromptPart) -> m.PromptPart:
    """Return a part of the prompt for a model that sees no pictures: it is told that there is
    one.
    """
    if not part.image_urls:
        return part
    many = len(part.image_urls)
    note = "(a picture came with it" if many == 1 else f"({many} pictures came with it"
    return m.PromptPart(part.role, f"{part.content}\n{note}; you cannot see it)")

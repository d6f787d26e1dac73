"""The language model's doorkeeper: the one way to it, for everyone.

Rule 1: a reply is always drafted: by the model, or by the house voice, which says so.
Rule 2: no guild and no person can take the model from others: the queue is fair (see rules.budget).
Rule 3: only the model's provider decides how much is left; our own count bridges the time between
answers.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from actors import house_voice
from actors import messages as m
from actors.directory import Directory, VirtualActor
from actors.groq_api import Completion, GroqApi, ModelBusyError, ModelError, ModelGarbledError
from actors.rules import budget as rules
from actors.rules.budget import Breaker, Budget, Request, Urgency
from actors.rules.prompt import tokens
from actors.runtime import Reply, Told
from actors.storage import StorageActor
from storage.records import ModelUse

log = logging.getLogger(__name__)

AT_ONCE: Final = 16
REPLY_TOKENS: Final = 400
FACTS_TOKENS: Final = 1_500
IMAGE_TOKENS: Final = 1_000
ATTEMPTS: Final = 2
PRICES: Final[Mapping[str, tuple[float, float]]] = {
    "openai/gpt-oss-120b": (0.15, 0.60),
    "openai/gpt-oss-20b": (0.075, 0.30),
}
"""US dollars for a million tokens in and out; cached ones cost half.  Unlisted models cost
nothing here.
"""

REPLY_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"reply": {"type": "string"}, "risk": {"type": "integer", "enum": [0, 1, 2, 3]}},
    "required": ["reply", "risk"],
    "additionalProperties": False,
}


class ModelReply(BaseModel):
    """What the model must answer; anything else is a broken answer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reply: str = Field(min_length=1, max_length=4_000)
    risk: int = Field(ge=0, le=3)


@dataclass(frozen=True, slots=True)
class Models:
    """Which model does what.  `vision` None: pictures are not shown to any."""

    reply: str = "openai/gpt-oss-120b"
    facts: str = "openai/gpt-oss-20b"
    vision: str | None = None


@dataclass(slots=True)
class Call:
    """A call on its way: what was asked, who waits for it, and how it went so far."""

    request: Request
    asked: m.DraftReply | m.ExtractFacts
    reply: Reply
    model: str
    attempts: int = 0
    sent_at: float = 0.0
    queued_ms: float = 0.0
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallEnded(Told):
    """The model answered a call, or failed.  To self."""

    call: Call
    outcome: Completion | Exception


@dataclass(frozen=True, slots=True)
class LookAgain(Told):
    """Perhaps a call that waits may go out now.  To self."""


LanguageInbox = m.DraftReply | m.ExtractFacts | m.DraftWithdrawn | CallEnded | LookAgain


@dataclass(slots=True)
class Standing:
    """How we stand with one model."""

    budget: Budget
    breaker: Breaker = field(default_factory=Breaker)


class LanguageActor(VirtualActor):
    """Asks the language model on behalf of everyone.

    Owns:    budgets, the fair queue, the circuit breaker of each model; nothing that outlives the
    process. Hears:   DraftWithdrawn.
    Answers: DraftReply, ExtractFacts.
    Tells:   nothing; asks storage to keep what each guild used.
    """

    def __init__(
        self,
        key: str,
        *,
        directory: Directory,
        model: GroqApi | None,
        clock: Callable[[], datetime],
        rng: random.Random,
        models: Models | None = None,
        limits: rules.Limits | None = None,
    ) -> None:
        super().__init__(key)
        self._api = model
        self._clock = clock
        self._rng = rng
        self._models = models or Models()
        metered = model is not None and model.metered
        self._limits = limits or (rules.Limits() if metered else rules.UNLIMITED)
        self._storage = directory.ref(StorageActor, m.OnlyOne)
        self._waiting: dict[str, Call] = {}
        self._under_way = 0
        self._standing: dict[str, Standing] = {}
        self._usage = rules.Usage(clock(), {}, {})
        self._count = 0

    async def receive(self, message: LanguageInbox) -> None:
        match message:
            case m.DraftReply() | m.ExtractFacts():
                self._take(message)
            case m.DraftWithdrawn():
                self._withdraw(message.turn)
            case CallEnded():
                self._ended(message.call, message.outcome)
            case LookAgain():
                pass
            case _:
                assert_never(message)
        self._send_what_may()

    # --- taking calls
    # -----------------------------------------------------------------------------------

    def _take(self, asked: m.DraftReply | m.ExtractFacts) -> None:
        reply = self.defer()
        if self._api is None:
            self._do_without(asked, reply, "no_key")
            return
        request = self._request(asked)
        waiting = tuple(call.request for call in self._waiting.values())
        if request.urgency is Urgency.REPLY and rules.is_full(waiting, request.guild):
            self._do_without(asked, reply, "busy")
            return
        model = self._model_for(asked)
        self._waiting[request.turn] = Call(
            request, asked, reply, model, sent_at=time.perf_counter()
        )

    def _request(self, asked: m.DraftReply | m.ExtractFacts) -> Request:
        self._count += 1
        if isinstance(asked, m.ExtractFacts):
            turn, urgency, room = f"facts-{self._count}", Urgency.FACTS, FACTS_TOKENS
        else:
            urgency = Urgency.CRISIS if asked.crisis else Urgency.REPLY
            turn, room = f"{asked.turn}{'-again' if asked.again else ''}", REPLY_TOKENS
        text = sum(tokens(part.content) + 4 for part in asked.prompt)
        images = sum(len(part.image_urls) for part in asked.prompt) * IMAGE_TOKENS
        guild = asked.guild_id if asked.guild_id is not None else -asked.user_id
        return Request(
            turn, urgency, guild, asked.user_id, text + images + room // 2, self._clock()
        )

    def _model_for(self, asked: m.DraftReply | m.ExtractFacts) -> str:
        if isinstance(asked, m.ExtractFacts):
            return self._models.facts
        shows = any(part.image_urls for part in asked.prompt)
        return self._models.vision if shows and self._models.vision else self._models.reply

    def _withdraw(self, turn: str) -> None:
        call = self._waiting.pop(turn, None)
        if call is not None:
            call.reply.answer(m.Draft("", voice="house", reason="withdrawn"))

    def _do_without(self, asked: m.DraftReply | m.ExtractFacts, reply: Reply, reason: str) -> None:
        """Answer without the model."""
        if isinstance(asked, m.ExtractFacts):
            reply.answer(m.Extraction(None, reason))
            return
        log.info("house_voice.spoke", extra={"guild_id": asked.guild_id, "reason": reason})
        reply.answer(m.Draft(house_voice.speak(asked.house), voice="house", reason=reason))

    # --- sending
    # ----------------------------------------------------------------------------------------

    def _send_what_may(self) -> None:
        now = self._clock()
        self._usage = self._usage.faded(now)
        self._give_up_old(now)
        candidates = dict(self._waiting)
        soonest: float | None = None
        while candidates and self._under_way < AT_ONCE:
            request = rules.next_up(tuple(c.request for c in candidates.values()), self._usage)
            assert request is not None  # noqa: S101 - for the type checker: there are candidates
            call = candidates.pop(request.turn)
            wait = self._wait(call, now)
            if wait is None:
                continue
            if wait <= 0:
                self._send(call, now)
                continue
            soonest = wait if soonest is None else min(soonest, wait)
            # Whoever is next waits for the budget; only other models' calls may go before.
            candidates = {t: c for t, c in candidates.items() if c.model != call.model}
        if self._waiting and soonest is not None:
            self.after(min(max(soonest, 0.02), 5.0), LookAgain(), name="look")

    def _wait(self, call: Call, now: datetime) -> float | None:
        """Return the seconds until this call may go out; None: not before another is back."""
        standing = self._stand(call.model, now)
        rest = standing.breaker.wait(now)
        if rest is None:
            return None
        if call.not_before is not None and call.not_before > now:
            rest = max(rest, call.not_before - now)
        wait = standing.budget.wait_for(call.request.tokens, call.request.urgency)
        return max(rest, wait).total_seconds()

    def _stand(self, model: str, now: datetime) -> Standing:
        standing = self._standing.get(model)
        if standing is None:
            standing = self._standing[model] = Standing(Budget.full(self._limits, now))
        standing.budget = standing.budget.filled(now)
        return standing

    def _give_up_old(self, now: datetime) -> None:
        """Replies that waited too long, or cannot go out before that, get the house voice now."""
        for turn, call in tuple(self._waiting.items()):
            if call.request.urgency is Urgency.FACTS:
                continue
            waited = now - call.request.since
            wait = self._wait(call, now)
            ahead = rules.LONGEST_WAIT.total_seconds() - waited.total_seconds()
            if ahead <= 0 or (wait is not None and wait > ahead):
                del self._waiting[turn]
                self._do_without(call.asked, call.reply, self._why(call, now))
                continue
            self.after(ahead + 0.05, LookAgain(), name=f"give-up-{turn}")

    def _why(self, call: Call, now: datetime) -> str:
        return "away" if self._stand(call.model, now).breaker.state != "closed" else "budget"

    def _send(self, call: Call, now: datetime) -> None:
        del self._waiting[call.request.turn]
        self.cancel(f"give-up-{call.request.turn}")
        standing = self._stand(call.model, now)
        standing.budget = standing.budget.spent(call.request.tokens)
        standing.breaker = standing.breaker.tried()
        self._usage = self._usage.used(call.request)
        self._under_way += 1
        call.attempts += 1
        started = time.perf_counter()
        call.queued_ms += (started - call.sent_at) * 1000
        call.sent_at = started
        self.pipe(self._asked(call), lambda outcome: CallEnded(call, outcome))

    async def _asked(self, call: Call) -> Completion:
        assert self._api is not None  # noqa: S101 - for the type checker: without it nothing is queued
        facts = isinstance(call.asked, m.ExtractFacts)
        shows = call.model == self._models.vision
        prompt = call.asked.prompt if shows else tuple(blind(part) for part in call.asked.prompt)
        return await self._api.complete(
            call.model,
            prompt,
            call.asked.schema if isinstance(call.asked, m.ExtractFacts) else REPLY_SCHEMA,
            max_tokens=FACTS_TOKENS if facts else REPLY_TOKENS,
            temperature=0.0 if facts else 0.7,
        )

    # --- answers
    # ----------------------------------------------------------------------------------------

    def _ended(self, call: Call, outcome: Completion | Exception) -> None:
        self._under_way -= 1
        now = self._clock()
        standing = self._stand(call.model, now)
        if isinstance(outcome, Completion):
            standing.breaker = standing.breaker.worked()
            self._account(call, outcome, standing)
            self._answer(call, outcome)
            return
        if not isinstance(outcome, ModelError):
            log.error("model.broken", extra={"error": type(outcome).__name__, "model": call.model})
            self._do_without(call.asked, call.reply, "error")
            return
        self._failed(call, outcome, standing, now)

    def _account(self, call: Call, answer: Completion, standing: Standing) -> None:
        cost = tokens_cost(call.model, answer)
        used = answer.prompt_tokens - answer.cached_tokens + answer.completion_tokens
        if used:
            standing.budget = standing.budget.spent(min(used - call.request.tokens, 0))
        seen = answer.seen
        standing.budget = standing.budget.corrected(
            seen.requests_limit, seen.requests_left, seen.tokens_limit, seen.tokens_left
        )
        log.info(
            "model.answered",
            extra={
                "guild_id": call.asked.guild_id,
                "model": call.model,
                "ms": round((time.perf_counter() - call.sent_at) * 1000),
                "queued_ms": round(call.queued_ms),
                "prompt_tokens": answer.prompt_tokens,
                "cached_tokens": answer.cached_tokens,
                "completion_tokens": answer.completion_tokens,
                "cost_usd": round(cost, 6),
                "tokens_left": seen.tokens_left,
                "requests_left": seen.requests_left,
            },
        )
        use = ModelUse(
            guild_id=call.asked.guild_id,
            model=call.model,
            at=self._clock(),
            prompt_tokens=answer.prompt_tokens,
            cached_tokens=answer.cached_tokens,
            completion_tokens=answer.completion_tokens,
            cost_usd=cost,
        )
        self.pipe(self._kept(use), lambda _outcome: LookAgain())

    async def _kept(self, use: ModelUse) -> None:
        await self._storage.ask(m.Save((use,)))

    def _answer(self, call: Call, answer: Completion) -> None:
        if isinstance(call.asked, m.ExtractFacts):
            call.reply.answer(m.Extraction(answer.data))
            return
        try:
            said = ModelReply.model_validate(answer.data)
        except ValidationError:
            standing = self._stand(call.model, self._clock())
            self._failed(call, ModelGarbledError("wrong form"), standing, self._clock())
            return
        call.reply.answer(
            m.Draft(
                text=said.reply.strip(),
                risk=said.risk,
                completion_tokens=answer.completion_tokens,
                queued_ms=round(call.queued_ms, 2),
                model_ms=round((time.perf_counter() - call.sent_at) * 1000, 2),
            )
        )

    def _failed(self, call: Call, error: ModelError, standing: Standing, now: datetime) -> None:
        log.warning(
            "model.failed",
            extra={
                "reason": error.reason,
                "guild_id": call.asked.guild_id,
                "model": call.model,
                "attempt": call.attempts,
                "retry_after": getattr(error, "retry_after", None),
                "daily": getattr(error, "daily", None),
            },
        )
        if isinstance(error, ModelBusyError):
            wait = timedelta(seconds=error.retry_after)
            standing.budget = standing.budget.emptied(wait, daily=error.daily)
            standing.breaker = standing.breaker.worked()
            if not error.daily and call.attempts < ATTEMPTS + 1:
                self._again(call, now + wait)
                return
        elif isinstance(error, ModelGarbledError):
            standing.breaker = standing.breaker.worked()
        elif error.reason != "refused":
            before = standing.breaker.state
            standing.breaker = standing.breaker.failed(now, self._rng.random())
            if standing.breaker.state == "open" and before != "open":
                log.warning("breaker.opened", extra={"model": call.model})
        if error.reason != "refused" and call.attempts < ATTEMPTS:
            self._again(call, now + rules.retry_pause(call.attempts, self._rng.random()))
            return
        self._do_without(call.asked, call.reply, error.reason)

    def _again(self, call: Call, at: datetime) -> None:
        call.not_before = at
        call.sent_at = time.perf_counter()
        self._waiting[call.request.turn] = call


def blind(part: m.PromptPart) -> m.PromptPart:
    """Return a part of the prompt for a model that sees no pictures: it is told that there is
    one.
    """
    if not part.image_urls:
        return part
    many = len(part.image_urls)
    note = "(a picture came with it" if many == 1 else f"({many} pictures came with it"
    return m.PromptPart(part.role, f"{part.content}\n{note}; you cannot see it)")


def tokens_cost(model: str, answer: Completion) -> float:
    """Return what an answer cost in US dollars."""
    price_in, price_out = PRICES.get(model, (0.0, 0.0))
    fresh = answer.prompt_tokens - answer.cached_tokens
    return (
        fresh * price_in
        + answer.cached_tokens * price_in / 2
        + answer.completion_tokens * price_out
    ) / 1e6

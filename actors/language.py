"""The language model's doorkeeper: the one way to it, for everyone.

Rule 1: a reply is always drafted: by the model, or by the house voice, which says so.
Rule 2: no guild and no person can take the model from others: the queue is fair (rules.fairness).
Rule 3: only the model's provider decides how much is left; our own count bridges the time between
answers (rules.budget).
Rule 4: whatever the model does, a call is tried twice at most, ends in time, and ends once.
"""

import logging
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from actors import house_voice
from actors import messages as m
from actors.calls import Asked, Call, Ledger, Models, Standing, Voices, request_for, use_of
from actors.directory import Directory, VirtualActor
from actors.failures import about_error
from actors.groq_api import (
    Completion,
    GroqApi,
    ModelAwayError,
    ModelBrokenAnswerError,
    ModelBusyError,
    ModelError,
    ModelRefusedError,
    ModelTimeoutError,
)
from actors.rules import answer, fairness
from actors.rules.breaker import Breaker
from actors.rules.budget import DAILY, UNLIMITED, Budget, Limits, retry_pause
from actors.rules.fairness import Usage
from actors.runtime import Reply, Told
from actors.storage import StorageActor
from storage.records import ModelUse

log = logging.getLogger(__name__)

ATTEMPTS: Final = 2
LOOK_AT_LEAST: Final = 0.02
LOOK_AT_MOST: Final = 5.0
SAID_ONCE: Final = timedelta(minutes=10)
"""How often the log says that one model's budget is spent."""

__all__ = ["LanguageActor", "Models"]


@dataclass(frozen=True, slots=True)
class CallEnded(Told):
    """The model answered a call, or failed.  To self."""

    call: Call
    outcome: Completion | Exception


@dataclass(frozen=True, slots=True)
class UseKept(Told):
    """Storage kept these uses, or failed to.  To self."""

    uses: tuple[ModelUse, ...]
    error: Exception | None


@dataclass(frozen=True, slots=True)
class LookAgain(Told):
    """Perhaps a call that waits may go out now, or has waited long enough.  To self."""


LanguageInbox = m.DraftReply | m.ExtractFacts | m.DraftWithdrawn | CallEnded | UseKept | LookAgain


class LanguageActor(VirtualActor):
    """Asks the language model on behalf of everyone.

    Owns:    budget, circuit breaker and calls of each model; the fair queue; what was used and is
             not kept yet.
    Hears:   DraftWithdrawn.
    Answers: DraftReply, ExtractFacts.
    Asks:    storage, to keep what each guild used.
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
        limits: Limits | None = None,
    ) -> None:
        super().__init__(key)
        self._api = model
        self._clock = clock
        self._rng = rng
        self._models = models or Models()
        metered = model is not None and model.metered
        self._limits = limits or (Limits() if metered else UNLIMITED)
        self._storage = directory.ref(StorageActor, m.OnlyOne)
        self._waiting: dict[int, Call] = {}
        self._standing: dict[str, Standing] = {}
        self._usage = Usage()
        self._ledger = Ledger()
        self._keeping = False
        self._numbers = 0
        self._voices = Voices()

    async def on_stop(self) -> None:
        if not self._ledger:
            return
        uses = self._ledger.taken()
        try:
            await self._save(uses)
        except Exception:
            self._ledger.add_all(uses)
            raise

    async def receive(self, message: LanguageInbox) -> None:
        match message:
            case m.DraftReply() | m.ExtractFacts():
                self._take(message)
            case m.DraftWithdrawn():
                self._withdraw(message.turn)
            case CallEnded():
                self._ended(message.call, message.outcome)
            case UseKept():
                self._kept(message)
            case LookAgain():
                pass
            case _:
                assert_never(message)
        self._send_what_may()

    # --- taking calls

    def _take(self, asked: Asked) -> None:
        reply, now = self.defer(), self._clock()
        if self._api is None:
            self._do_without(asked, reply, "no_key")
            return
        self._numbers += 1
        request = request_for(asked, self._numbers, now)
        if fairness.is_full((call.request for call in self._waiting.values()), request):
            self._do_without(asked, reply, "busy")
            return
        model = self._models.for_call(asked)
        self._waiting[request.number] = Call(request, asked, reply, model)

    def _withdraw(self, turn: str) -> None:
        """Drop a draft, or its regeneration: nobody waits for it any more."""
        waiting = [call for call in self._waiting.values() if call.turn == turn]
        for call in waiting:
            del self._waiting[call.request.number]
            call.reply.answer(m.Draft("", voice="house", reason="withdrawn"))
        for standing in self._standing.values():
            for call in standing.out.values():
                call.withdrawn = call.withdrawn or call.turn == turn

    def _do_without(self, asked: Asked, reply: Reply, reason: str) -> None:
        """Answer without the model."""
        if isinstance(asked, m.ExtractFacts):
            reply.answer(m.Extraction(None, reason))
            return
        log.info("house_voice.spoke", extra={"guild_id": asked.guild_id, "reason": reason})
        first = asked.house.turn <= 1 or self._voices.changed(asked.user_id)
        text = house_voice.speak(asked.house, introduction=reason if first else None)
        reply.answer(m.Draft(text, voice="house", reason=reason))

    # --- sending

    def _send_what_may(self) -> None:
        """Send every call that may go out, give up those that waited too long, and see to it that
        the next look is in time.
        """
        if not self._waiting:
            self.cancel("look")
            return
        now = self._clock()
        looks = [self._send_of(model, now) for model in {c.model for c in self._waiting.values()}]
        looks += [call.request.gives_up_at for call in self._waiting.values()]
        if times := [look for look in looks if look is not None]:
            wait = (min(times) - now).total_seconds()
            self.after(min(max(wait, LOOK_AT_LEAST), LOOK_AT_MOST), LookAgain(), name="look")

    def _send_of(self, model: str, now: datetime) -> datetime | None:
        """Send what may go out to one model; return when to look again."""
        standing = self._stand(model, now)
        mine = [call for call in self._waiting.values() if call.model == model]
        self._give_up(mine, standing, now)
        while True:
            ready = self._ready(model, now)
            request = fairness.next_up((call.request for call in ready), self._usage)
            if request is None:
                resting = (c.not_before for c in self._waiting.values() if c.model == model)
                return min((at for at in resting if at is not None), default=None)
            if standing.breaker.wait(now) is None:  # one went out to see; nobody waits for it
                self._give_up(ready, standing, now)
                return None
            wait = standing.wait(request, now)
            if len(standing.out) >= self._at_once:
                return None  # a call that comes back will look
            if wait:
                return now + wait  # whoever is next waits; nobody else of this model goes before
            self._send(self._waiting.pop(request.number), standing, now)

    def _ready(self, model: str, now: datetime) -> list[Call]:
        return [
            call
            for call in self._waiting.values()
            if call.model == model and (call.not_before is None or call.not_before <= now)
        ]

    def _stand(self, model: str, now: datetime) -> Standing:
        standing = self._standing.get(model)
        if standing is None:
            standing = self._standing[model] = Standing(Budget.full(self._limits, now))
        standing.budget = standing.budget.filled(now)
        return standing

    def _give_up(self, calls: Iterable[Call], standing: Standing, now: datetime) -> None:
        """End calls that waited too long or cannot go out before they would have; while the
        provider is down, all: nobody waits for it.
        """
        down = standing.breaker.wait(now) != timedelta()
        for call in calls:
            wait = standing.wait(call.request, now)
            if not down and now + wait < call.request.gives_up_at:
                continue
            del self._waiting[call.request.number]
            reason = "away" if down else "budget" if wait else "busy"
            if reason == "budget":
                self._say_spent(call, standing, now)
            self._do_without(call.asked, call.reply, reason)

    def _say_spent(self, call: Call, standing: Standing, now: datetime) -> None:
        if standing.spent_logged is not None and now - standing.spent_logged < SAID_ONCE:
            return
        standing.spent_logged = now
        bucket = standing.budget.scarce(call.request.tokens)
        log.warning("budget.spent", extra={"model": call.model, "bucket": bucket})

    @property
    def _at_once(self) -> int:
        return self._api.at_once if self._api is not None else 0

    def _send(self, call: Call, standing: Standing, now: datetime) -> None:
        standing.budget = standing.budget.spent(call.request.tokens)
        standing.breaker = standing.breaker.tried()
        standing.out[call.request.number] = call
        self._usage.used(call.request, now)
        call.sent()
        self.pipe(self._complete(call), lambda outcome: CallEnded(call, outcome))

    async def _complete(self, call: Call) -> Completion:
        assert self._api is not None  # noqa: S101 - without it nothing is queued
        sees = call.model == self._models.vision
        return await self._api.complete(**call.arguments(shows_pictures=sees))

    # --- answers

    def _ended(self, call: Call, outcome: Completion | Exception) -> None:
        call.back()
        now = self._clock()
        standing = self._stand(call.model, now)
        standing.out.pop(call.request.number, None)
        if isinstance(outcome, Completion):
            self._breaker(call.model, standing, standing.breaker.worked())
            self._account(call, outcome, standing, now)
            self._answer(call, outcome, standing, now)
        elif isinstance(outcome, ModelError):
            self._failed(call, outcome, standing, now)
        else:
            self._breaker(call.model, standing, standing.breaker.worked())
            log.error("model.failed", extra={"model": call.model, **about_error(outcome)})
            self._do_without(call.asked, call.reply, "error")

    def _account(self, call: Call, back: Completion, standing: Standing, now: datetime) -> None:
        used = back.prompt_tokens - back.cached_tokens + back.completion_tokens
        if used:  # a server that does not count leaves it at the estimate
            standing.budget = standing.budget.settled(call.request.tokens, used)
        standing.budget = standing.budget.corrected(back.seen, standing.under_way())
        use = use_of(call, back, now)
        log.info(
            "model.answered",
            extra={
                "guild_id": use.guild_id,
                "model": use.model,
                "ms": round(call.model_ms),
                "queued_ms": round(call.queued_ms),
                "prompt_tokens": use.prompt_tokens,
                "cached_tokens": use.cached_tokens,
                "completion_tokens": use.completion_tokens,
                "estimated_tokens": call.request.tokens,
                "cost_usd": round(use.cost_usd, 6),
                "tokens_left": back.seen.tokens_left,
                "requests_left": back.seen.requests_left,
            },
        )
        self._ledger.add(use)
        self._keep_uses()

    def _keep_uses(self) -> None:
        if self._keeping or not self._ledger:
            return
        self._keeping = True
        uses = self._ledger.taken()
        self.pipe(
            self._save(uses),
            lambda done: UseKept(uses, done if isinstance(done, Exception) else None),
        )

    async def _save(self, uses: tuple[ModelUse, ...]) -> None:
        await self._storage.ask(m.Save(uses))

    def _kept(self, kept: UseKept) -> None:
        self._keeping = False
        if kept.error is not None:  # they go with the next ones
            self._ledger.add_all(kept.uses)
            return
        self._keep_uses()

    def _answer(self, call: Call, back: Completion, standing: Standing, now: datetime) -> None:
        if isinstance(call.asked, m.ExtractFacts):
            call.reply.answer(m.Extraction(back.data))
            return
        said = answer.believed(back.data)
        if said is None:
            self._failed(call, ModelBrokenAnswerError("not a reply"), standing, now)
            return
        self._voices.answered(call.asked.user_id)
        call.reply.answer(
            m.Draft(
                text=said.reply,
                risk=said.risk,
                completion_tokens=back.completion_tokens,
                queued_ms=call.queued_ms,
                model_ms=call.model_ms,
            )
        )

    # --- trouble

    def _failed(self, call: Call, error: ModelError, standing: Standing, now: datetime) -> None:
        about = {"model": call.model, "guild_id": call.asked.guild_id, "attempt": call.attempts}
        pause: timedelta | None = retry_pause(call.attempts, self._rng.random())
        match error:
            case ModelBusyError():
                pause = self._busy(call, error, standing, now)
                more = {"bucket": error.bucket, "retry_after": error.retry_after}
                log.warning("model.busy", extra={**about, **more})
            case ModelRefusedError():
                self._breaker(call.model, standing, standing.breaker.worked())
                log.error("model.refused", extra={**about, "why": str(error)})
                pause = timedelta() if call.blinded(self._models) else None
            case ModelBrokenAnswerError():
                self._breaker(call.model, standing, standing.breaker.worked())
                log.warning("model.broken_answer", extra={**about, "why": str(error)})
            case ModelAwayError() | ModelTimeoutError():
                failed = standing.breaker.failed(now, self._rng.random())
                self._breaker(call.model, standing, failed)
                log.warning("model.away", extra={**about, "why": error.reason})
                if isinstance(error, ModelAwayError) and error.retry_after:
                    pause = timedelta(seconds=error.retry_after)
        self._try_again(call, error.reason, None if pause is None else now + pause)

    def _busy(
        self, call: Call, error: ModelBusyError, standing: Standing, now: datetime
    ) -> timedelta | None:
        """Believe a refusal for want of budget; return the pause, None if it is the day's."""
        wait = timedelta(seconds=error.retry_after)
        need = call.request.tokens
        settled = standing.budget.settled(need, 0).corrected(error.seen, standing.under_way())
        standing.budget = settled.refused(wait, error.bucket, need, now)
        self._breaker(call.model, standing, standing.breaker.worked())
        return None if error.bucket in DAILY else wait

    def _breaker(self, model: str, standing: Standing, after: Breaker) -> None:
        before, standing.breaker = standing.breaker.state, after
        if after.state == "open" and before != "open":
            log.warning("breaker.opened", extra={"model": model, "rests": after.rests})
        elif after.state == "closed" and before != "closed":
            log.info("breaker.closed", extra={"model": model})

    def _try_again(self, call: Call, reason: str, at: datetime | None) -> None:
        """Let a failed call wait for another try, if that is any use."""
        in_time = at is not None and at < call.request.gives_up_at
        if call.withdrawn:
            call.reply.answer(m.Draft("", voice="house", reason="withdrawn"))
        elif call.attempts < ATTEMPTS and in_time:
            call.not_before = at
            self._waiting[call.request.number] = call
        else:
            self._do_without(call.asked, call.reply, reason)

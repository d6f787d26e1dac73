"""Facts: how something new is merged into what is known.  Deterministic; the rules are tried in
this order.

Rule 1: the same fact again (same person, about, type, text; or a confirmation) strengthens the
old one:
        c = 1 - (1 - c_old) * (1 - c_new / 2), importance the larger.
Rule 2: nearly the same (stems overlap by 0.6, same numbers, same negation): the longer wording
stays, then as 1.
Rule 3: an update, or another value in a slot that holds one: the old fact is past and inactive,
the new one
        takes its place, if it is sure enough (c >= 0.6 or >= c_old - 0.1); what the person set by
        hand yields only to their hand.  Nothing is overwritten: history stays.
Rule 4: a retirement: as 3, without a new fact.  Nobody is retired by dying: the relation becomes
past and stays.
Rule 5: many values coexist.
Rule 6: what was to come is past once its day, month or year is over; passing states expire
after a fortnight.
Rule 7: at most 300 active facts; the faintest go first, never the important, the family's, the
grief's.
Rule 8: a fact belongs to the place where it was told, and merges with facts of that place only.
"""

import math
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from actors.rules.extraction import Proposal
from actors.rules.words import plain_words, terms
from storage.ids import GuildId, RowId
from storage.records import SENSITIVE_TYPES, UserFact

NEAR: Final = 0.60
SURE: Final = 0.6
SLACK: Final = 0.1
PASSING: Final = timedelta(days=14)
MOST_ACTIVE: Final = 300
KEPT_IMPORTANCE: Final = 0.8
KEPT_TYPES: Final = SENSITIVE_TYPES | {"family"}
FORGETTING: Final = timedelta(days=60)
PROFILE: Final = 8

NEGATION: Final = frozenset(
    {"not", "no", "never", "dont", "doesnt", "isnt", "wasnt", "didnt", "cant", "without"}
)
DEATH: Final = re.compile(
    r"\b(?:died|dead|death|passed away|deceased|funeral|gestorben|muri[oó])\b", re.IGNORECASE
)
PASSING_STATE: Final = re.compile(
    r"\b(?:today|tonight|this week|right now|currently|has a cold|is ill|is sick|mood|feels?"
    r"|feeling)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FactChange:
    """A fact as it is to be kept from now on (new: without an id), and which ones it takes the
    place of.
    """

    fact: UserFact
    replaces: tuple[RowId, ...] = ()


def merged(
    known: tuple[UserFact, ...], proposals: tuple[Proposal, ...], now: datetime
) -> tuple[FactChange, ...]:
    """Return what changes when `proposals` are learned.

    Args:
        known: the person's active facts, of every place.
        proposals: what was believed of an extractor's answer, in order.
        now: aware UTC.
    """
    changes: list[FactChange] = []
    current = {fact.fact_id: fact for fact in known if fact.fact_id is not None}
    for proposal in proposals:
        here = proposal.fact.guild_id
        same_place = [f for f in current.values() if f.guild_id == here and f.is_active]
        fresh = [f for f in _fresh(changes) if f.guild_id == here]
        learned = _one(same_place, fresh, proposal, now)
        rival = _rival(fresh, learned[-1].fact) if _is_news(learned) else None
        if rival is not None and not _yields(rival, learned[-1].fact):
            continue
        for place, change in enumerate(changes):
            if change.fact is rival:
                changes[place] = replace(change, fact=_ended(change.fact, now))
        changes += learned
        current |= {c.fact.fact_id: c.fact for c in learned if c.fact.fact_id is not None}
    return tuple(changes)


def _fresh(changes: list[FactChange]) -> list[UserFact]:
    """Return what was learned just now, and holds."""
    return [c.fact for c in changes if c.fact.fact_id is None and c.fact.is_active]


def _is_news(learned: tuple[FactChange, ...]) -> bool:
    return bool(learned) and learned[-1].fact.fact_id is None


def _one(
    known: list[UserFact], fresh: list[UserFact], proposal: Proposal, now: datetime
) -> tuple[FactChange, ...]:
    new = _dated(proposal.fact, now)
    target = next((f for f in known if f.fact_id == proposal.target), None)
    if proposal.op == "retire":
        ending = [target] if target and _yields(target, new) else []
        return tuple(FactChange(_retired(fact, new, now)) for fact in ending)
    if any(is_same(other, new) or is_near(other, new) for other in fresh):
        return ()
    if (again := _again(known, target, proposal)) is not None:
        return (FactChange(again),)
    rival = target if proposal.op == "update" else _rival(known, new)
    if rival is None or rival.fact_id is None:
        return (FactChange(new),)
    if not _yields(rival, new):
        return ()
    return (FactChange(_ended(rival, now)), FactChange(new, (rival.fact_id,)))


def _again(known: list[UserFact], target: UserFact | None, proposal: Proposal) -> UserFact | None:
    """Return what is known already and now stronger (rules 1 and 2), None if this is news."""
    new = proposal.fact
    if proposal.op == "confirm" and target is not None:
        return strengthened(target, new)
    if same := next((old for old in known if is_same(old, new)), None):
        return strengthened(same, new)
    if near := next((old for old in known if is_near(old, new)), None):
        by_hand = near.source == "manual"
        content = near.content if by_hand else max(near.content, new.content, key=len)
        return replace(strengthened(near, new), content=content)
    return None


def strengthened(old: UserFact, new: UserFact) -> UserFact:
    """Return `old` after it was said again."""
    confidence = 1 - (1 - old.confidence) * (1 - 0.5 * new.confidence)
    return replace(old, confidence=confidence, importance=max(old.importance, new.importance))


def is_same(old: UserFact, new: UserFact) -> bool:
    """Return whether two facts say the same in the same words."""
    return _subject(old) == _subject(new) and _normal(old) == _normal(new)


def is_near(old: UserFact, new: UserFact) -> bool:
    """Return whether two facts say nearly the same: stems, numbers and negation agree."""
    if _subject(old) != _subject(new):
        return False
    one, two = set(terms(old.content)), set(terms(new.content))
    if not one or not two or len(one & two) / len(one | two) < NEAR:
        return False
    return _digits(old) == _digits(new) and _negated(old) == _negated(new)


def _subject(fact: UserFact) -> tuple[str, str]:
    return fact.about.casefold(), fact.fact_type


def _normal(fact: UserFact) -> str:
    return " ".join(plain_words(fact.content))


def _digits(fact: UserFact) -> list[str]:
    return re.findall(r"\d+", fact.content)


def _negated(fact: UserFact) -> bool:
    return not NEGATION.isdisjoint(plain_words(fact.content))


def _rival(known: list[UserFact], new: UserFact) -> UserFact | None:
    """Return the fact whose slot the new one wants."""
    if new.cardinality != "one" or not new.slot:
        return None
    mine = (f for f in known if f.slot == new.slot and f.about.casefold() == new.about.casefold())
    return next(mine, None)


def _yields(old: UserFact, new: UserFact) -> bool:
    if old.source == "manual" and new.source != "manual":
        return False
    return new.confidence >= SURE or new.confidence >= old.confidence - SLACK


def _ended(old: UserFact, now: datetime) -> UserFact:
    return replace(old, is_active=False, temporal="past", expires_at=now)


def _retired(old: UserFact, new: UserFact, now: datetime) -> UserFact:
    """A death does not end a relation: it is past, and stays."""
    if DEATH.search(f"{new.content} {new.evidence}"):
        return replace(old, temporal="past")
    return _ended(old, now)


def _dated(fact: UserFact, now: datetime) -> UserFact:
    """Give a passing state its fortnight."""
    if (
        fact.expires_at is None
        and fact.temporal == "present"
        and PASSING_STATE.search(fact.content)
    ):
        return replace(fact, expires_at=now + PASSING)
    return fact


def turned(fact: UserFact, now: datetime) -> UserFact:
    """Return a fact as it stands at `now`: what was to come and has come is past; what expired is
    inactive.
    """
    if fact.expires_at is not None and fact.expires_at <= now:
        return replace(fact, is_active=False)
    if (
        fact.temporal == "future"
        and fact.happens_on
        and fact.happens_on < _as_long(now, fact.happens_on)
    ):
        return replace(fact, temporal="past")
    return fact


def _as_long(now: datetime, date: str) -> str:
    return now.strftime("%Y-%m-%d")[: len(date)]


def pruned(facts: tuple[UserFact, ...], now: datetime) -> tuple[UserFact, ...]:
    """Return the facts that must go so that 300 stay: the faintest, never the precious."""
    excess = len(facts) - MOST_ACTIVE
    if excess <= 0:
        return ()
    free = [f for f in facts if not is_precious(f)]
    faintest = sorted(free, key=lambda f: (strength(f, now), f.fact_id or 0))
    return tuple(replace(f, is_active=False) for f in faintest[:excess])


def is_precious(fact: UserFact) -> bool:
    """Return whether a fact is never pruned."""
    by_hand = fact.source == "manual"
    return by_hand or fact.importance >= KEPT_IMPORTANCE or fact.fact_type in KEPT_TYPES


def strength(fact: UserFact, now: datetime) -> float:
    """Return how firmly a fact is held: it fades, slower if it is important or often recalled."""
    since = max(now - (fact.last_referenced_at or fact.learned_at), timedelta())
    stability = FORGETTING * (1 + 4 * fact.importance) * (1 + fact.times_recalled)
    return fact.confidence * fact.importance * math.exp(-(since / stability))


def may_be_said(fact: UserFact, guild_id: GuildId | None) -> bool:
    """Return whether a fact may be used in this place (None: the person's own direct messages).

    A direct message may use everything of its person; a guild only its own plain facts.
    """
    if guild_id is None:
        return True
    return (
        fact.guild_id == guild_id
        and fact.sensitivity == "plain"
        and fact.fact_type not in SENSITIVE_TYPES
    )


def profile(facts: tuple[UserFact, ...]) -> tuple[UserFact, ...]:
    """Return the facts that are always in the prompt: the surest and most important, at most
    eight.
    """
    ranked = sorted(facts, key=lambda f: (-f.importance * f.confidence, f.fact_id or 0))
    return tuple(ranked[:PROFILE])

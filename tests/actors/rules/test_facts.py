from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules import facts as rules
from actors.rules.extraction import Proposal
from actors.rules.facts import FactChange
from storage.ids import GuildId, RowId, UserId
from storage.records import UserFact

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA = UserId(7)
SNUG = GuildId(1)
OTHER = GuildId(2)

shares = st.floats(0, 1)


def a_fact(content: str, row: int | None = None, **changes: Any) -> UserFact:
    values: dict[str, Any] = {
        "fact_id": None if row is None else RowId(row),
        "user_id": ADA,
        "guild_id": SNUG,
        "fact_type": "general",
        "content": content,
        "confidence": 0.8,
        "importance": 0.5,
        "learned_at": NOON,
    }
    return UserFact(**(values | changes))


def said(content: str, op: Any = "add", target: int | None = None, **changes: Any) -> Proposal:
    return Proposal(op, a_fact(content, **changes), None if target is None else RowId(target))


def learned(
    known: tuple[UserFact, ...], *proposals: Proposal, now: datetime = NOON
) -> tuple[FactChange, ...]:
    return rules.merged(known, proposals, now)


def after(known: tuple[UserFact, ...], *proposals: Proposal) -> dict[int, UserFact]:
    """Return what is kept once `proposals` are learned, by row; new ones from 100 on."""
    kept = {int(fact.fact_id or 0): fact for fact in known}
    for row, change in enumerate(learned(known, *proposals), start=100 * len(known) + 100):
        kept[int(change.fact.fact_id or row)] = change.fact
    return kept


def active(kept: dict[int, UserFact]) -> set[str]:
    return {fact.content for fact in kept.values() if fact.is_active}


class TestRule1TheSameAgain:
    @pytest.mark.parametrize("again", ["Likes tea", "likes TEA!", "  Likes   tea. "])
    def test_it_strengthens_and_adds_nothing(self, again: str) -> None:
        known = a_fact("Likes tea", 1, confidence=0.6, importance=0.2)

        (change,) = learned((known,), said(again, confidence=0.8, importance=0.7))

        assert change.fact.fact_id == 1
        assert change.fact.confidence == pytest.approx(1 - 0.4 * 0.6)
        assert (change.fact.importance, change.fact.content) == (0.7, "Likes tea")

    def test_a_confirmation_in_other_words_does_so_too(self) -> None:
        known = a_fact("Likes tea", 1, confidence=0.6)

        (change,) = learned((known,), said("Still drinks oolong daily", "confirm", 1))

        assert (change.fact.fact_id, change.fact.content) == (1, "Likes tea")
        assert change.fact.confidence > 0.6

    @pytest.mark.parametrize("changes", [{"about": "Ana"}, {"fact_type": "preference"}])
    def test_of_somebody_or_something_else_it_is_news(self, changes: dict[str, Any]) -> None:
        (change,) = learned((a_fact("Likes tea", 1),), said("Likes tea", **changes))

        assert change.fact.fact_id is None

    def test_said_twice_in_one_breath_it_is_one(self) -> None:
        changes = learned((), said("Likes tea"), said("likes tea"), said("Likes tea a lot"))

        assert [change.fact.content for change in changes] == ["Likes tea"]

    def test_twice_confirmed_it_is_strengthened_twice(self) -> None:
        known = a_fact("Likes tea", 1, confidence=0.5)
        once = after((known,), said("Likes tea"))[1]

        twice = after((known,), said("Likes tea"), said("likes tea"))[1]

        assert twice.confidence > once.confidence

    @given(shares, shares)
    def test_confidence_never_falls_and_never_leaves_its_limits(
        self, before: float, new: float
    ) -> None:
        old = a_fact("Likes tea", 1, confidence=before)

        stronger = rules.strengthened(old, a_fact("Likes tea", confidence=new))

        assert before - 1e-12 <= stronger.confidence <= 1


class TestRule2NearlyTheSame:
    def test_the_longer_wording_stays(self) -> None:
        known = a_fact("Plays the cello in an orchestra", 1)

        kept = after((known,), said("Plays the cello in a small orchestra"))

        assert active(kept) == {"Plays the cello in a small orchestra"}
        assert list(kept) == [1]

    def test_a_shorter_wording_takes_nothing_away(self) -> None:
        known = a_fact("Plays the cello in a small orchestra", 1)

        assert active(after((known,), said("Plays cello in orchestra"))) == {known.content}

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Has 2 cats at home", "Has 3 cats at home"),
            ("Runs 5 miles each morning", "Runs miles each morning"),
            ("Drinks coffee at work", "Does not drink coffee at work"),
            ("Eats meat with family", "Never eats meat with family"),
            ("Plays the cello", "Repairs old radios"),
        ],
    )
    def test_other_numbers_negation_or_words_are_news(self, one: str, other: str) -> None:
        kept = after((a_fact(one, 1),), said(other))

        assert active(kept) == {one, other}

    def test_words_set_by_hand_stay_as_they_are(self) -> None:
        known = a_fact("Plays cello in orchestra", 1, source="manual")

        kept = after((known,), said("Plays the cello in a small orchestra"))

        assert (active(kept), kept[1].source) == ({"Plays cello in orchestra"}, "manual")

    @given(st.text(), st.text())
    def test_being_near_is_mutual(self, one: str, other: str) -> None:
        assert rules.is_near(a_fact(one), a_fact(other)) == rules.is_near(
            a_fact(other), a_fact(one)
        )


TOWN = {"slot": "home_town", "cardinality": "one", "fact_type": "location"}


class TestRule3Updates:
    def test_an_update_ends_the_old_and_begins_the_new(self) -> None:
        known = a_fact("Studies law", 1)

        ended, begun = learned((known,), said("Gave up law for carpentry", "update", 1))

        assert (ended.fact.is_active, ended.fact.temporal) == (False, "past")
        assert (ended.fact.expires_at, ended.fact.content) == (NOON, "Studies law")
        assert (begun.fact.fact_id, begun.replaces) == (None, (1,))

    def test_a_slot_for_one_value_holds_the_new_one(self) -> None:
        known = a_fact("Lives in Lisbon", 1, **TOWN)

        assert active(after((known,), said("Lives in Oslo", **TOWN))) == {"Lives in Oslo"}

    def test_a_slot_is_each_persons_own(self) -> None:
        known = a_fact("Lives in Lisbon", 1, **TOWN)

        kept = after((known,), said("Has a flat in Oslo", about="Ana", **TOWN))

        assert active(kept) == {"Lives in Lisbon", "Has a flat in Oslo"}

    @pytest.mark.parametrize(
        ("before", "new", "yields"),
        [(0.9, 0.6, True), (0.9, 0.59, False), (0.5, 0.45, True), (0.5, 0.39, False)],
    )
    @pytest.mark.parametrize("op", ["add", "update"])
    def test_it_yields_to_what_is_sure_enough(
        self, before: float, new: float, yields: bool, op: str
    ) -> None:
        known = a_fact("Lives in Lisbon", 1, confidence=before, **TOWN)

        kept = after((known,), said("Lives in Oslo", op, 1, confidence=new, **TOWN))

        assert active(kept) == ({"Lives in Oslo"} if yields else {"Lives in Lisbon"})

    def test_what_was_set_by_hand_yields_to_their_hand_only(self) -> None:
        known = a_fact("Lives in Lisbon", 1, source="manual", **TOWN)

        heard = after((known,), said("Lives in Oslo", confidence=1.0, **TOWN))
        by_hand = after((known,), said("Lives in Oslo", source="manual", **TOWN))

        assert (active(heard), active(by_hand)) == ({"Lives in Lisbon"}, {"Lives in Oslo"})

    def test_of_two_values_in_one_breath_the_later_holds(self) -> None:
        kept = after((), said("Lives in Lisbon", **TOWN), said("Lives in Oslo", **TOWN))

        assert active(kept) == {"Lives in Oslo"}

    def test_of_two_new_values_over_an_old_one_the_later_holds(self) -> None:
        known = a_fact("Lives in Rome", 1, **TOWN)

        kept = after((known,), said("Lives in Lisbon", **TOWN), said("Lives in Oslo", **TOWN))

        assert active(kept) == {"Lives in Oslo"}
        assert {f.content for f in kept.values()} == {
            "Lives in Rome",
            "Lives in Lisbon",
            "Lives in Oslo",
        }

    def test_an_update_of_nothing_known_is_news(self) -> None:
        assert active(after((), said("Lives in Oslo", "update", 99))) == {"Lives in Oslo"}


class TestRule4Retirement:
    def test_what_ended_is_past_and_inactive(self) -> None:
        known = a_fact("Works at the mill", 1)

        (change,) = learned((known,), said("No longer works at the mill", "retire", 1))

        assert (change.fact.fact_id, change.fact.is_active) == (1, False)
        assert (change.fact.temporal, change.fact.expires_at) == ("past", NOON)

    def test_of_nothing_known_it_changes_nothing(self) -> None:
        assert learned((a_fact("Likes tea", 1),), said("Gone", "retire", 99)) == ()

    @pytest.mark.parametrize(
        "words", ["Her father died", "Dad passed away in May", "Vater ist gestorben"]
    )
    def test_a_death_ends_no_relation(self, words: str) -> None:
        known = a_fact("Her father is a sailor", 1, about="father", fact_type="family")

        kept = after((known,), said(words, "retire", 1, about="father", fact_type="family"))

        assert (kept[1].is_active, kept[1].temporal, kept[1].expires_at) == (True, "past", None)

    def test_a_death_is_recognised_by_the_persons_words_too(self) -> None:
        known = a_fact("Has a dog called Rex", 1)

        kept = after((known,), said("Rex is gone", "retire", 1, evidence="we buried him, he died"))

        assert kept[1].is_active

    def test_what_was_set_by_hand_is_not_retired_by_hearsay(self) -> None:
        known = a_fact("Works at the mill", 1, source="manual")

        assert learned((known,), said("Left the mill", "retire", 1, confidence=1.0)) == ()

    def test_an_unsure_retirement_ends_nothing_sure(self) -> None:
        known = a_fact("Works at the mill", 1, confidence=0.9)

        assert learned((known,), said("May leave the mill", "retire", 1, confidence=0.2)) == ()

    def test_it_counts_though_its_words_were_just_learned(self) -> None:
        known = a_fact("Works at the mill", 1)
        news = "Works at the harbour now"

        kept = after((known,), said(news), said(news, "retire", 1))

        assert active(kept) == {news}


class TestRule5ManyValues:
    def test_they_coexist(self) -> None:
        many = {"slot": "pet", "cardinality": "many"}
        known = a_fact("Has a dog called Rex", 1, **many)

        kept = after((known,), said("Keeps two canaries", **many))

        assert active(kept) == {"Has a dog called Rex", "Keeps two canaries"}

    def test_a_nameless_slot_holds_any_number(self) -> None:
        nameless = {"slot": "", "cardinality": "one"}
        kept = after((a_fact("Likes tea", 1, **nameless),), said("Fears moths", **nameless))

        assert active(kept) == {"Likes tea", "Fears moths"}


class TestRule6Time:
    @pytest.mark.parametrize(
        ("happens_on", "last_day"),
        [
            ("2026-03-05", datetime(2026, 3, 5, 23, 59, tzinfo=UTC)),
            ("2026-03", datetime(2026, 3, 31, 23, 59, tzinfo=UTC)),
            ("2026", datetime(2026, 12, 31, 23, 59, tzinfo=UTC)),
        ],
    )
    def test_what_was_to_come_is_past_once_its_time_is_over(
        self, happens_on: str, last_day: datetime
    ) -> None:
        plan = a_fact("Sits an exam", 1, temporal="future", happens_on=happens_on)

        assert rules.turned(plan, last_day).temporal == "future"
        assert rules.turned(plan, last_day + timedelta(minutes=1)).temporal == "past"

    @pytest.mark.parametrize("temporal", ["past", "present", "timeless"])
    def test_only_what_was_to_come_turns(self, temporal: str) -> None:
        fact = a_fact("Was born", 1, temporal=temporal, happens_on="1990-05-05")

        assert rules.turned(fact, NOON) == fact

    def test_a_plan_without_a_day_stays_one(self) -> None:
        plan = a_fact("Wants to sail one day", 1, temporal="future")

        assert rules.turned(plan, NOON + timedelta(days=5_000)) == plan

    @pytest.mark.parametrize("content", ["Has a cold", "Feels low this week", "Is ill"])
    def test_a_passing_state_lasts_a_fortnight(self, content: str) -> None:
        (change,) = learned((), said(content))

        end = NOON + timedelta(days=14)
        assert change.fact.expires_at == end
        assert rules.turned(change.fact, end - timedelta(seconds=1)).is_active
        assert not rules.turned(change.fact, end).is_active

    @pytest.mark.parametrize(
        ("content", "changes"),
        [
            ("Likes tea", {}),
            ("Had a bad mood in school", {"temporal": "past"}),
            ("Is ill", {"expires_at": NOON + timedelta(days=2)}),
        ],
    )
    def test_nothing_else_is_given_an_end(self, content: str, changes: dict[str, Any]) -> None:
        (change,) = learned((), said(content, **changes))

        assert change.fact.expires_at == changes.get("expires_at")


class TestRule7AtMostThreeHundred:
    def many(self, count: int, **changes: Any) -> tuple[UserFact, ...]:
        return tuple(a_fact(f"fact {n}", n, **changes) for n in range(1, count + 1))

    def test_three_hundred_stay(self) -> None:
        assert rules.pruned(self.many(300), NOON) == ()

    def test_the_faintest_goes(self) -> None:
        faint = a_fact("faint", 900, confidence=0.1)

        (gone,) = rules.pruned((*self.many(300), faint), NOON)

        assert (gone.fact_id, gone.is_active) == (900, False)

    @pytest.mark.parametrize(
        "changes",
        [
            {"importance": 0.8},
            {"source": "manual"},
            {"fact_type": "family"},
            {"fact_type": "grief_context"},
            {"fact_type": "attachment_pattern"},
            {"fact_type": "coping_mechanism"},
        ],
    )
    def test_the_precious_never_go(self, changes: dict[str, Any]) -> None:
        precious = a_fact("precious", 900, confidence=0.0, **changes)
        long_ago = replace(precious, learned_at=NOON - timedelta(days=3_000))

        (gone,) = rules.pruned((*self.many(300), long_ago), NOON)

        assert gone.fact_id != 900
        assert rules.pruned(self.many(310, **changes), NOON) == ()

    def test_what_is_old_fades_and_what_is_recalled_fades_slower(self) -> None:
        old = a_fact("x", 1, learned_at=NOON - timedelta(days=90))

        assert rules.strength(old, NOON) < rules.strength(a_fact("x", 1), NOON)
        assert rules.strength(replace(old, times_recalled=3), NOON) > rules.strength(old, NOON)
        assert rules.strength(replace(old, last_referenced_at=NOON), NOON) == pytest.approx(0.4)

    @given(shares, shares, st.integers(-10, 5_000), st.integers(0, 1_000))
    def test_strength_stays_between_nothing_and_what_it_was(
        self, confidence: float, importance: float, days: int, recalled: int
    ) -> None:
        fact = a_fact(
            "x",
            1,
            confidence=confidence,
            importance=importance,
            learned_at=NOON - timedelta(days=days),
            times_recalled=recalled,
        )

        assert 0 <= rules.strength(fact, NOON) <= confidence * importance


class TestRule8Place:
    @pytest.mark.parametrize("elsewhere", [None, OTHER])
    @pytest.mark.parametrize("op", ["add", "update", "retire", "confirm"])
    def test_facts_of_two_places_never_touch(self, elsewhere: GuildId | None, op: str) -> None:
        known = a_fact("Lives in Lisbon", 1, guild_id=elsewhere, **TOWN)

        kept = after((known,), said("Lives in Oslo", op, 1, **TOWN))

        assert kept[1] == known

    @pytest.mark.parametrize(
        ("one", "other"), [(SNUG, None), (None, SNUG), (SNUG, OTHER), (OTHER, SNUG)]
    )
    def test_the_same_said_in_two_places_is_known_in_both(
        self, one: GuildId | None, other: GuildId | None
    ) -> None:
        changes = learned((), said("Likes tea", guild_id=one), said("Likes tea", guild_id=other))

        assert [change.fact.guild_id for change in changes] == [one, other]

    @pytest.mark.parametrize(
        ("changes", "here", "elsewhere"),
        [
            ({}, True, False),
            ({"sensitivity": "private"}, False, False),
            ({"sensitivity": "sensitive"}, False, False),
            ({"fact_type": "grief_context"}, False, False),
            ({"guild_id": None}, False, False),
        ],
    )
    def test_a_guild_hears_its_own_plain_facts_only(
        self, changes: dict[str, Any], here: bool, elsewhere: bool
    ) -> None:
        fact = a_fact("x", 1, **changes)

        assert rules.may_be_said(fact, SNUG) is here
        assert rules.may_be_said(fact, OTHER) is elsewhere
        assert rules.may_be_said(fact, None)


class TestStories:
    def test_changing_job(self) -> None:
        job = {"slot": "employer", "cardinality": "one", "fact_type": "work"}
        known = (a_fact("Works at the mill", 1, **job), a_fact("Likes tea", 2))

        kept = after(
            known,
            said("Left the mill", "retire", 1, **job),
            said("Works as a ferry pilot", **job),
        )

        assert active(kept) == {"Works as a ferry pilot", "Likes tea"}
        assert kept[1].temporal == "past"

    def test_a_break_up(self) -> None:
        partner = {"fact_type": "relationship", "about": "Sam", "slot": "partner"}
        known = (
            a_fact("Sam is her partner", 1, **partner),
            a_fact("Sam bakes bread", 2, about="Sam"),
        )

        kept = after(known, said("She and Sam broke up", "update", 1, **partner))

        assert active(kept) == {"She and Sam broke up", "Sam bakes bread"}
        assert kept[1].content == "Sam is her partner"

    def test_a_death_in_the_family(self) -> None:
        father = {"fact_type": "family", "about": "father"}
        known = (a_fact("Her father is a sailor", 1, **father),)

        kept = after(
            known,
            said("Her father died on 2026-02-27", "retire", 1, **father),
            said("Her father died on 2026-02-27", importance=0.95, **father),
        )

        assert active(kept) == {"Her father is a sailor", "Her father died on 2026-02-27"}
        assert (kept[1].temporal, rules.is_precious(kept[1])) == ("past", True)

    def test_moving_house_twice_leaves_a_trail(self) -> None:
        kept = after((a_fact("Lives in Lisbon", 1, **TOWN),), said("Lives in Oslo", **TOWN))
        lives = tuple(replace(fact, fact_id=RowId(row)) for row, fact in kept.items())

        kept = after(lives, said("Lives in Turin", **TOWN))

        assert active(kept) == {"Lives in Turin"}
        assert len(kept) == 3


class TestProfile:
    def test_the_eight_surest_and_most_important_are_pinned(self) -> None:
        many = tuple(a_fact(f"fact {n}", n, importance=n / 20) for n in range(20))

        assert [f.fact_id for f in rules.profile(many)] == list(range(19, 11, -1))

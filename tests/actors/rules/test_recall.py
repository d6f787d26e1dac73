from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.rules.recall import Hit, Item, RecallIndex, fact_score, worth_showing

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

EVENING = (
    ("guest", "Have you ever been to the harbour at dawn?"),
    ("bartender", "Not yet. What is it like?"),
    ("guest", "Quiet. We grew up around there, so I still go."),
    ("guest", "Where did you adopt the puppy? people keep asking me"),
    ("guest", "Lisbon, from a shelter near the river"),
    ("bartender", "A lucky animal."),
    ("guest", "Work was long. The boss moved the deadline twice."),
    ("bartender", "Twice is once too often."),
    ("guest", "I am learning the cello, badly"),
    ("bartender", "Badly is how it starts."),
)

WORDS = ("tea", "harbour", "cello", "rain", "puppy", "deadline", "guest", "猫が", "7", "the")
texts = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
items = st.builds(
    lambda id_, author, text, sitting, place: Item(id_, author, text, NOON, sitting, place),
    st.integers(1, 30),
    st.sampled_from(["guest", "bartender", "Ana"]),
    texts,
    st.integers(1, 3),
    st.integers(1, 2),
)


def an_item(id_: int, text: str, author: str = "guest", sitting: int = 1) -> Item:
    return Item(id_, author, text, NOON + timedelta(minutes=id_), sitting)


def an_index(*said: tuple[str, str], sitting: int = 1) -> RecallIndex:
    index = RecallIndex()
    for number, (author, text) in enumerate(said):
        index.add(an_item(number, text, author, sitting))
    return index


def found(index: RecallIndex, query: str, asker: str | None = None, limit: int = 20) -> list[int]:
    return [hit.id for hit in index.recall(query, asker, limit)]


def scores(hits: list[Hit]) -> dict[int, float]:
    return {hit.id: round(hit.score, 9) for hit in hits}


class TestWhatIsFound:
    @pytest.mark.parametrize(
        ("query", "answer"), [("harbour", 0), ("how is the cello", 8), ("deadlines", 6)]
    )
    def test_the_turn_that_says_the_word_comes_first(self, query: str, answer: int) -> None:
        assert found(an_index(*EVENING), query)[0] == answer

    def test_an_answer_is_found_though_the_words_stand_in_the_question(self) -> None:
        assert 4 in found(an_index(*EVENING), "where is the puppy from")[:2]

    def test_a_later_turn_shares_more_than_an_earlier_one(self) -> None:
        index = an_index(("guest", "before"), ("guest", "cello"), ("guest", "after"))

        assert found(index, "cello") == [1, 2, 0]

    def test_beyond_four_turns_nothing_is_shared(self) -> None:
        said = [("guest", f"filler{n}") for n in range(12)]
        said[5] = ("guest", "cello")

        assert sorted(found(an_index(*said), "cello")) == list(range(1, 10))

    def test_turns_of_another_sitting_share_nothing(self) -> None:
        index = RecallIndex()
        index.add(an_item(1, "cello", sitting=1))
        index.add(an_item(2, "unrelated", sitting=2))

        assert found(index, "cello") == [1]

    def test_the_rarer_word_weighs_more(self) -> None:
        said = [("guest", "tea")] * 6 + [("guest", "nothing")] * 6 + [("guest", "cello")]

        assert found(an_index(*said), "tea cello")[0] == 12

    def test_a_sitting_that_was_about_it_lifts_its_turns(self) -> None:
        said = [("guest", f"filler{n}") for n in range(12)]
        said[0] = said[11] = ("guest", "cello")
        index = an_index(*said, sitting=1)
        index.add(an_item(99, "cello", sitting=2))

        assert found(index, "cello", limit=3) == [11, 0, 99]

    def test_of_equal_turns_the_newer_comes_first(self) -> None:
        index = RecallIndex()
        for number in (1, 2, 3):
            index.add(an_item(number, "cello", sitting=number))

        assert found(index, "cello") == [3, 2, 1]

    def test_each_sentence_is_asked_for_itself(self) -> None:
        index = RecallIndex()
        index.add(an_item(1, "harbour", sitting=1))
        index.add(an_item(2, "cello", sitting=2))

        assert set(found(index, "How is the cello? And the harbour?")) == {1, 2}

    def test_no_more_are_found_than_asked_for(self) -> None:
        assert len(found(an_index(*EVENING), "harbour puppy cello boss", limit=3)) == 3

    @pytest.mark.parametrize("query", ["", "?!", "zebra", "what is it", "\x00"])
    def test_what_matches_nothing_finds_nothing(self, query: str) -> None:
        assert found(an_index(*EVENING), query) == []

    def test_an_empty_index_finds_nothing(self) -> None:
        assert found(RecallIndex(), "cello") == []


class TestWhoIsMeant:
    SAID = (("Ana", "the cello is heavy"), ("Ben", "the cello is heavy"))

    def of_two(self) -> RecallIndex:
        index = RecallIndex()
        for number, (author, text) in enumerate(self.SAID):
            index.add(an_item(number, text, author, sitting=number))
        return index

    @pytest.mark.parametrize(
        ("query", "first"),
        [("Ana cello", 0), ("Ben cello", 1), ("what about Ana's cello", 0), ("BEN: cello?", 1)],
    )
    def test_a_name_chooses_whose_words_come_first(self, query: str, first: int) -> None:
        assert found(self.of_two(), query)[0] == first

    def test_a_speaker_is_boosted_by_seven_tenths(self) -> None:
        by_id = scores(self.of_two().recall("Ana cello"))

        assert by_id[0] == pytest.approx(1.7 * by_id[1])

    def test_a_name_is_no_word_to_look_for(self) -> None:
        index = self.of_two()
        index.add(an_item(9, "ana ana ana", "Ben", sitting=9))

        assert found(index, "Ana's cello") == [0, 1]

    def test_unless_it_is_the_only_one(self) -> None:
        index = self.of_two()
        index.add(an_item(9, "ana is my sister", "Ben", sitting=9))

        assert found(index, "who is Ana?") == [9]

    def test_my_means_the_asker(self) -> None:
        assert found(self.of_two(), "where is my cello", asker="Ana")[0] == 0
        assert found(self.of_two(), "where is my cello", asker="Ben")[0] == 1

    def test_without_my_nobody_is_boosted(self) -> None:
        by_id = scores(self.of_two().recall("cello", "Ana"))

        assert by_id[0] == by_id[1]

    def test_a_name_is_forgotten_with_the_last_words_of_its_owner(self) -> None:
        index = self.of_two()
        index.add(an_item(9, "met ana", "Ben", sitting=9))

        index.discard(0)

        assert found(index, "ana") == [9]


class TestPlaces:
    @given(st.lists(items, max_size=25, unique_by=lambda item: item.id), texts)
    @settings(deadline=None)
    def test_one_place_knows_nothing_of_another(self, said: list[Item], query: str) -> None:
        index, here = RecallIndex(), RecallIndex()
        for item in said:
            index.add(item)
            if item.place == 1:
                here.add(item)

        assert scores(index.recall(query, "guest", 50, place=1)) == scores(
            here.recall(query, "guest", 50)
        )

    def test_where_nothing_was_said_nothing_is_found(self) -> None:
        assert an_index(*EVENING).recall("cello", place="elsewhere") == []


class TestScriptsWithoutSpaces:
    @pytest.mark.parametrize(
        ("said", "query"),
        [
            ("妹は京都に住んでいます", "京都"),
            ("我最喜欢的乐器是大提琴", "大提琴怎么样"),
            ("ฉันชอบดื่มกาแฟ", "กาแฟ"),
        ],
    )
    def test_they_are_found_by_a_part(self, said: str, query: str) -> None:
        index = an_index(("guest", "hello"))
        index.add(an_item(7, said, sitting=2))

        assert found(index, query) == [7]


class TestDiscard:
    @given(st.lists(items, max_size=25), st.sets(st.integers(1, 30)), texts)
    @settings(deadline=None)
    def test_it_is_as_if_it_had_never_been_said(
        self, said: list[Item], unwanted: set[int], query: str
    ) -> None:
        last = {item.id: number for number, item in enumerate(said)}
        index, without = RecallIndex(), RecallIndex()
        for item in said:
            index.add(item)

        for id_ in unwanted:
            index.discard(id_)

        for number, item in enumerate(said):
            if item.id not in unwanted and last[item.id] == number:
                without.add(item)
        assert len(index) == len(without)
        assert scores(index.recall(query, "guest", 50)) == scores(
            without.recall(query, "guest", 50)
        )

    def test_what_was_never_there_is_no_trouble(self) -> None:
        index = an_index(*EVENING)

        index.discard(4_711)

        assert len(index) == len(EVENING)

    def test_all_of_it_may_go(self) -> None:
        index = an_index(*EVENING)

        for number in range(len(EVENING)):
            index.discard(number)

        assert (len(index), found(index, "cello puppy")) == (0, [])

    def test_saying_it_again_replaces_it(self) -> None:
        index = an_index(("guest", "cello"))

        index.add(an_item(0, "violin"))

        assert (found(index, "cello"), found(index, "violin"), len(index)) == ([], [0], 1)


class TestCapacity:
    def test_the_oldest_goes_first(self) -> None:
        index = RecallIndex(capacity=3)

        for number in range(5):
            index.add(an_item(number, f"word{number}", sitting=number))

        assert [number in index for number in range(5)] == [False, False, True, True, True]
        assert found(index, "word0 word1") == []

    @given(st.lists(items, max_size=60), st.integers(1, 10))
    def test_it_is_never_exceeded(self, said: list[Item], capacity: int) -> None:
        index = RecallIndex(capacity)

        for item in said:
            index.add(item)

        assert len(index) == min(len({item.id for item in said}), len(index)) <= capacity

    def test_a_question_of_common_words_stops_at_twenty_thousand_postings(self) -> None:
        index = RecallIndex()
        for number in range(5_000):
            index.add(an_item(number, "tea rain harbour puppy deadline cello", sitting=number))

        bounded = index.recall("tea rain harbour puppy deadline cello", limit=3)
        four = index.recall("tea rain harbour puppy", limit=3)

        assert bounded == four
        assert bounded[0].score > index.recall("tea rain harbour", limit=1)[0].score

    def test_a_rare_word_is_looked_up_before_the_common_ones(self) -> None:
        index = RecallIndex()
        for number in range(4_999):
            index.add(an_item(number, "tea rain harbour puppy deadline", sitting=number))
        index.add(an_item(4_999, "zither", sitting=4_999))

        assert found(index, "tea rain harbour puppy deadline zither", limit=1) == [4_999]


class TestAnything:
    @given(st.text(), st.text(), st.text(max_size=12), st.one_of(st.none(), st.text(max_size=12)))
    def test_no_text_is_too_strange(
        self, said: str, query: str, author: str, asker: str | None
    ) -> None:
        index = an_index((author, said), ("guest", query))

        hits = index.recall(query, asker)

        assert all(hit.score > 0 and hit.id in index for hit in hits)


class TestWeights:
    def test_what_scores_under_a_fifth_of_the_best_is_not_shown(self) -> None:
        hits = [Hit(1, 10.0), Hit(2, 2.0), Hit(3, 1.99)]

        assert [hit.id for hit in worth_showing(hits)] == [1, 2]
        assert worth_showing([]) == []

    @given(st.floats(0, 50), st.floats(0, 1), st.floats(0, 1))
    def test_a_sure_and_important_fact_weighs_no_less(
        self, bm25: float, confidence: float, importance: float
    ) -> None:
        weight = fact_score(bm25, confidence, importance, about_asked=False)

        assert weight <= fact_score(bm25, 1.0, importance, about_asked=False)
        assert weight <= fact_score(bm25, confidence, 1.0, about_asked=False)
        assert fact_score(bm25, confidence, importance, about_asked=True) == 2 * weight

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from actors.rules.opinions import discussed, interest_now, mattering, topics_in
from storage.records import Opinion

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def an_opinion(topic: str = "rain", times: int = 3, valence: float = 0.8) -> Opinion:
    opinion = None
    for _ in range(times):
        opinion = discussed(opinion, 1, topic, valence, NOON)
    assert opinion is not None
    return opinion


class TestDiscussed:
    @given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 200)), min_size=1, max_size=40))
    def test_sentiment_and_interest_stay_in_range(self, talks: list[tuple[float, float]]) -> None:
        opinion, now = None, NOON

        for valence, days in talks:
            now += timedelta(days=days)
            opinion = discussed(opinion, 1, "rain", valence, now)

            assert -1 <= opinion.sentiment <= 1
            assert 0 <= opinion.interest <= 1
        assert opinion is not None
        assert opinion.discussion_count == len(talks)

    def test_interest_halves_in_thirty_days(self) -> None:
        opinion = an_opinion()

        assert interest_now(opinion, NOON + timedelta(days=30)) == opinion.interest / 2

    def test_an_old_opinion_is_harder_to_turn(self) -> None:
        young, old = an_opinion(times=1), an_opinion(times=30)

        turned_young = young.sentiment - discussed(young, 1, "rain", -1, NOON).sentiment
        turned_old = old.sentiment - discussed(old, 1, "rain", -1, NOON).sentiment

        assert turned_old < turned_young


class TestMattering:
    def test_only_what_comes_up_matters(self) -> None:
        known = {"rain": an_opinion("rain"), "jazz": an_opinion("jazz")}

        assert [o.topic for o in mattering(known, "I love the Rain", NOON, 2)] == ["rain"]

    def test_people_are_never_a_topic(self) -> None:
        assert topics_in("my brother Jonas and Maria like each other") == ()

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules.budget import Seen
from actors.rules.headers import LONGEST, named_bucket, refused_wait, seconds, seen, whole


class TestSeconds:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("7.66s", 7.66),
            ("2m59.56s", 179.56),
            ("120", 120.0),
            ("0", 0.0),
            ("1h2m3s", 3723.0),
            ("250ms", 0.25),
            ("", None),
            (None, None),
            ("soon", None),
            ("5s later", None),
            ("-3", None),
            ("1e9", None),
            ("nan", None),
        ],
    )
    def test_durations_of_headers(self, text: str | None, value: float | None) -> None:
        assert seconds(text) == (pytest.approx(value) if value is not None else None)

    @given(st.text(alphabet="0123456789.hmsd ", max_size=40))
    def test_any_text_is_a_bearable_time_or_none(self, text: str) -> None:
        value = seconds(text)

        assert value is None or 0 <= value <= LONGEST


class TestWhole:
    @pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "²", "٣", "9" * 40])
    def test_what_is_no_number_says_nothing(self, text: str) -> None:
        assert whole(text) is None

    def test_a_number_is_read(self) -> None:
        assert whole("14370") == 14_370


class TestSeen:
    def test_headers_of_groq_are_read(self) -> None:
        headers = {
            "x-ratelimit-limit-requests": "14400",
            "x-ratelimit-limit-tokens": "18000",
            "x-ratelimit-remaining-requests": "14370",
            "x-ratelimit-remaining-tokens": "17997",
        }

        assert seen(headers) == Seen(14_400, 14_370, 18_000, 17_997)

    def test_a_server_without_them_says_nothing(self) -> None:
        assert seen({}) == Seen()


class TestRefusal:
    def test_the_message_names_the_limit(self) -> None:
        assert named_bucket("... on tokens per day (TPD): Limit 1", {}) == "tokens_day"
        assert named_bucket("... on requests per minute (RPM): Limit 1", {}) == "requests_minute"

    def test_an_empty_limit_names_itself(self) -> None:
        assert named_bucket("", {"x-ratelimit-remaining-tokens": "0"}) == "tokens_minute"
        assert named_bucket("", {"x-ratelimit-remaining-requests": "0"}) == "requests_day"
        assert named_bucket("", {"x-ratelimit-remaining-tokens": "5"}) is None

    def test_retry_after_counts_before_the_reset_of_the_limit(self) -> None:
        headers = {"retry-after": "3", "x-ratelimit-reset-tokens": "50s"}

        assert refused_wait(headers, "tokens_minute") == 3.0
        assert refused_wait({"x-ratelimit-reset-tokens": "50s"}, "tokens_minute") == 50.0
        assert refused_wait({"x-ratelimit-reset-tokens": "50s"}, "tokens_day") is None

import pytest

from actors.rules.prices import cost, prices


class TestCost:
    def test_tokens_in_and_out_have_their_price(self) -> None:
        assert cost("openai/gpt-oss-120b", 900, 0, 40) == pytest.approx(
            (900 * 0.15 + 40 * 0.60) / 1e6
        )

    def test_cached_tokens_cost_half(self) -> None:
        whole = cost("openai/gpt-oss-20b", 1_000, 0, 0)

        assert cost("openai/gpt-oss-20b", 1_000, 1_000, 0) == pytest.approx(whole / 2)

    def test_a_model_of_ones_own_costs_nothing(self) -> None:
        assert cost("llama3.2", 10**6, 0, 10**6) == 0.0

    def test_every_price_is_whole(self) -> None:
        assert all(set(price) == {"input", "output", "cached"} for price in prices().values())
        assert all(0 <= price["cached"] <= 1 for price in prices().values())

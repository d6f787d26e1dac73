from hypothesis import given
from hypothesis import strategies as st

from actors.rules.style import hints, observed
from storage.ids import UserId
from storage.records import CommunicationStyle


def after(texts: list[str]) -> CommunicationStyle:
    style = CommunicationStyle(UserId(1))
    for turn, text in enumerate(texts, start=1):
        style = observed(style, text, turn=turn)
    return style


class TestObserved:
    @given(st.lists(st.text(max_size=300), max_size=30))
    def test_every_trait_stays_a_share(self, texts: list[str]) -> None:
        style = after(texts)

        for share in (
            style.preferred_formality,
            style.emoji_affinity,
            style.humor_affinity,
            style.detail_preference,
            style.confidence,
        ):
            assert 0.0 <= share <= 1.0

    def test_a_terse_and_a_chatty_person_are_told_apart(self) -> None:
        terse = after(["ok", "yeah idk", "lol same"] * 6)
        chatty = after(
            ["I would say that it was a long day, " + "and then more happened " * 20] * 18
        )

        assert terse.preferred_length == "short"
        assert chatty.preferred_length == "long"
        assert terse.preferred_formality < chatty.preferred_formality
        assert hints(terse) != hints(chatty)

    def test_one_message_says_little(self) -> None:
        assert hints(after(["ok"])) == ()

    def test_people_may_change(self) -> None:
        style = after(["ok"] * 50 + ["word " * 80] * 60)

        assert style.preferred_length == "long"

    def test_an_empty_message_says_nothing(self) -> None:
        assert after(["", "  "]).samples_collected == 0

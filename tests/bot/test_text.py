"""bot.text: nothing a person or the model writes breaks on Discord's limits."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.text import escaped_name, heard, sanitised, split, units

WORDS = st.sampled_from(
    [
        "I", "hear", "you.", "That", "sounds", "heavy!", "What", "was", "she", "like?", "\n\n",
        "\n", "```py\nx = 1\n```", "`code`", "**bold words**", "[a link](https://example.org/x)",
        "<@123456789012345678>", "<:cat:123456789012345678>", "👩‍👩‍👧‍👦", "🇩🇪", "e\u0301", "👍🏽",
        "https://example.org/a/long/path?with=query", "…", "。", "so,",
    ]
)  # fmt: skip
TALK = st.lists(WORDS, max_size=200).map(" ".join)
FENCE = "```"


def bare(text: str) -> str:
    """The text without white space and without the code fences that cutting may add."""
    return "".join(text.replace("```py", "").replace(FENCE, "").split())


class TestSplit:
    @given(st.text(max_size=600) | TALK, st.integers(16, 300))
    @example("```\n" + "x" * 100 + "\n```", 16)
    @example("```python\n" + "a\n" * 60 + "```", 30)
    @example("👩‍👩‍👧‍👦" * 30, 16)
    @example("``````````", 16)
    def test_no_part_is_empty_or_longer_than_the_limit(self, text: str, limit: int) -> None:
        parts = split(text, limit)

        assert all(part.strip() and units(part) <= limit for part in parts)

    @given(st.text(max_size=600).filter(lambda text: FENCE not in text), st.integers(16, 300))
    def test_nothing_but_white_space_is_lost(self, text: str, limit: int) -> None:
        parts = split(text, limit)

        assert "".join("".join(parts).split()) == "".join(sanitised(text).split())

    @given(TALK, st.integers(16, 300))
    def test_of_code_blocks_too(self, text: str, limit: int) -> None:
        parts = split(text, limit)

        assert "".join(bare(part) for part in parts) == bare(text)

    @given(TALK, st.integers(80, 300))
    def test_no_part_leaves_a_code_block_open(self, text: str, limit: int) -> None:
        parts = split(text, limit)

        assert all(part.count(FENCE) % 2 == 0 for part in parts)

    @given(TALK, st.integers(80, 300))
    def test_links_mentions_and_emphasis_stay_whole(self, text: str, limit: int) -> None:
        atoms = ("[a link](https://example.org/x)", "<@123456789012345678>", "**bold words**")

        parts = split(text, limit)

        for atom in atoms:
            assert sum(part.count(atom) for part in parts) == text.count(atom)

    @given(
        st.lists(st.sampled_from(["👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "e\u0301"]), max_size=80),
        st.integers(24, 60),
    )
    def test_what_a_reader_sees_as_one_character_stays_one(
        self, characters: list[str], limit: int
    ) -> None:
        parts = split(" ".join(characters), limit)

        assert [each for part in parts for each in part.split()] == characters

    def test_a_short_text_stays_as_it_is(self) -> None:
        assert split("One line.\n\nAnother.") == ("One line.\n\nAnother.",)

    def test_white_space_alone_is_nothing(self) -> None:
        assert split(" \n\t ") == ()

    def test_a_cut_between_paragraphs_is_better_than_one_between_sentences(self) -> None:
        assert split("Aa aa. Bb.\n\nCc cc. Dd dd.", 20) == ("Aa aa. Bb.", "Cc cc. Dd dd.")

    def test_a_cut_between_sentences_is_better_than_one_between_words(self) -> None:
        assert split("It was late. We talked about her", 24) == (
            "It was late.",
            "We talked about her",
        )

    def test_a_sentence_keeps_its_closing_quote(self) -> None:
        assert split('She said "go." Then she left us', 20) == (
            'She said "go."',
            "Then she left us",
        )

    def test_an_emoji_counts_as_two(self) -> None:
        assert [units(part) for part in split("🦊" * 20, 16)] == [16, 16, 8]

    def test_a_code_block_that_must_be_cut_is_closed_and_opened_again(self) -> None:
        code = "```py\n" + "\n".join(f"line{n}" for n in range(10)) + "\n```"

        parts = split(code, 40)

        assert all(part.startswith("```py\n") and part.endswith("\n```") for part in parts)
        assert [line for part in parts for line in part.split("\n") if line.startswith("line")] == [
            f"line{n}" for n in range(10)
        ]

    def test_a_limit_too_small_for_a_code_block_is_refused(self) -> None:
        with pytest.raises(ValueError, match="at least 16"):
            split("text", 15)


class TestSanitised:
    @given(st.text(alphabet=st.characters(codec=None, exclude_categories=())))
    def test_it_can_always_be_sent(self, text: str) -> None:
        assert sanitised(text).encode("utf-8") is not None

    def test_two_halves_become_one_character_again(self) -> None:
        assert sanitised("\ud83e\udd8a") == "🦊"

    def test_letters_cannot_be_turned_around(self) -> None:
        assert sanitised("a\u202eb\u2066c\x00d\r\ne") == "abcd\ne"

    def test_the_joiners_of_emoji_stay(self) -> None:
        assert sanitised("👩‍🚀") == "👩‍🚀"


class TestEscapedName:
    @given(st.text(max_size=200))
    def test_a_name_is_one_short_line(self, name: str) -> None:
        shown = escaped_name(name)

        assert shown
        assert "\n" not in shown
        assert len(shown) <= 128

    @given(st.text(alphabet="*_~`|>#[]()<@\\a", max_size=40))
    def test_every_mark_in_a_name_is_disarmed(self, name: str) -> None:
        shown = escaped_name(name)

        assert not re.search(r"(?<!\\)(?:\\\\)*[*_~`|>#\[\]()<@]", shown)

    def test_a_name_of_nothing_is_someone(self) -> None:
        assert escaped_name("\u200e \u202e") == "someone"


class TestHeard:
    def test_the_bars_own_mention_is_gone(self) -> None:
        assert heard("<@1> hello there", 1) == "hello there"
        assert heard("<@!1>, are you open?", 1) == "are you open?"

    def test_other_people_are_called_by_their_names(self) -> None:
        assert heard("I miss <@2> and <@3>", 1, {2: "Ada"}) == "I miss @Ada and @someone"

    def test_an_emoji_is_its_name(self) -> None:
        assert heard("so <:sad_cat:123> and <a:wave:456>", 1) == "so :sad_cat: and :wave:"

    @given(st.text(max_size=200))
    def test_hearing_twice_changes_nothing(self, text: str) -> None:
        once = heard(text, 1)

        assert heard(once, 1) == once

"""Tone: bright, dark, loud and quiet; and grief is never read as bright."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules.tone import LEXICON, Tone, appraise, mourns, register

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=400)
BRIGHT_WORDS = st.sampled_from(sorted(word for word, v in LEXICON.valence.items() if v >= 0.6))

BRIGHT = (
    "I got the job!!",
    "what a wonderful evening",
    "so happy today",
    "we won the match, amazing!",
    "thank you, that was lovely",
    "not bad at all",
    "i love this place",
    "my exam went great",
    "I passed the exam!",
    "today was hard but the ending was beautiful",
    "❤️🎉",
)
DARK = (
    "i feel so sad",
    "what a terrible day",
    "i'm not happy",
    "i hate this",
    "he yelled at me again and i cried",
    "i'm lonely and exhausted",
    "it was fun but now i'm miserable",
    "nothing is good anymore",
    "I failed and I'm ashamed",
    "😭💔",
)
GRIEF = (
    "I miss her laugh",
    "my dog died yesterday",
    "he would have loved this sunny day, the best day",
    "she used to sing beautiful songs",
    "we lost my grandmother, the kindest and funniest woman, a wonderful friend",
    "the funeral was beautiful",
    "I miss my mom, she gave the best hugs",
    "he passed away on his birthday and everyone laughed at the stories",
    "i wish she was here to celebrate, it is such a happy day",
    "I love him so much and he is gone",
    "we had to put him down, the sweetest cat",
    "her smile, her joy, her love; she died in march",
    "first christmas without dad, lovely presents though",
    "she would be so proud of me",
)
NOT_GRIEF = (
    "my phone died",
    "i'm dead tired",
    "dying to see the film",
    "I passed the exam with a good grade",
    "wake up early tomorrow",
    "I missed the bus",
)


class TestValence:
    @pytest.mark.parametrize("text", BRIGHT)
    def test_good_news_is_bright(self, text: str) -> None:
        assert appraise(text).valence > 0.1

    @pytest.mark.parametrize("text", DARK)
    def test_bad_days_are_dark(self, text: str) -> None:
        assert appraise(text).valence < -0.1

    @pytest.mark.parametrize("text", ["", "the train leaves at nine", "what time is it", "hm"])
    def test_plain_statements_are_neither(self, text: str) -> None:
        assert appraise(text).valence == pytest.approx(0.0, abs=0.1)

    def test_not_good_is_less_dark_than_bad(self) -> None:
        assert appraise("it was bad").valence < appraise("it was not good").valence < 0

    def test_very_is_more(self) -> None:
        assert appraise("very sad").valence < appraise("sad").valence
        assert appraise("a little sad").valence > appraise("sad").valence

    def test_what_follows_but_weighs_more(self) -> None:
        assert appraise("awful day but lovely evening").valence > 0
        assert appraise("lovely evening but awful day").valence < 0


class TestLoss:
    @pytest.mark.parametrize("text", GRIEF)
    def test_grief_is_never_bright(self, text: str) -> None:
        assert appraise(text).valence < 0
        assert mourns(text)

    @given(st.sampled_from(GRIEF), st.lists(BRIGHT_WORDS, max_size=20))
    def test_however_many_bright_words_stand_beside_it(self, text: str, words: list[str]) -> None:
        assert appraise(f"{text}. {' '.join(words)} 🎉❤️").valence < 0

    @pytest.mark.parametrize("text", NOT_GRIEF)
    def test_batteries_and_buses_are_no_loss(self, text: str) -> None:
        assert not mourns(text)


class TestArousal:
    @pytest.mark.parametrize(
        ("louder", "quieter"),
        [
            ("we won!!!", "we won"),
            ("WE WON THE GAME", "we won the game"),
            ("sooooo good", "so good"),
            ("I'm furious", "I'm sad"),
            ("i am so excited!", "i am so tired..."),
            ("wow 🎉🎉", "wow"),
        ],
    )
    def test_marks_capitals_stretching_and_words_are_loud(self, louder: str, quieter: str) -> None:
        assert appraise(louder).arousal > appraise(quieter).arousal

    def test_tired_talk_is_quiet(self) -> None:
        assert appraise("i'm tired and the evening is quiet...").arousal < -0.1

    def test_one_acronym_is_no_shouting(self) -> None:
        assert appraise("the NASA launch was at nine").arousal == pytest.approx(0.0)


class TestRegister:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("my cat died", "grief"),
            ("i feel awful", "low"),
            ("what a great day", "bright"),
            ("the train was at nine", "neutral"),
            ("ok good night", "farewell"),
            ("gotta go, talk later", "farewell"),
            ("i feel terrible, good night", "low"),
        ],
    )
    def test_grief_and_low_come_before_farewell(self, text: str, expected: str) -> None:
        assert register(text) == expected


class TestProperties:
    @given(ANY_TEXT)
    def test_any_text_has_a_tone_within_bounds(self, text: str) -> None:
        tone = appraise(text)

        assert -1 <= tone.valence <= 1
        assert -1 <= tone.arousal <= 1
        assert not math.isnan(tone.valence + tone.arousal)

    @given(ANY_TEXT)
    def test_the_same_text_sounds_the_same(self, text: str) -> None:
        assert appraise(text) == appraise(text)

    @given(st.text(alphabet="xyzq .", max_size=80))
    def test_words_without_tone_have_none(self, text: str) -> None:
        assert appraise(text.replace("...", "").replace("..", "")).valence == 0

    def test_the_lexicon_is_about_three_hundred_words_within_bounds(self) -> None:
        assert 280 <= len(LEXICON.valence) <= 420
        assert all(-1 < value < 1 for value in LEXICON.valence.values())

    @pytest.mark.parametrize("text", ["a" * 20_000, "!" * 20_000, "miss " * 4_000, "not " * 4_000])
    def test_long_texts_are_fine(self, text: str) -> None:
        assert isinstance(appraise(text), Tone)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules.words import MOST_SENTENCES, STOP, plain_words, sentences, stem, terms


class TestTerms:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("I ran home", "running home"),
            ("she taught the children", "teaches a child"),
            ("my mum's garden", "mother gardens"),
            ("Don't forget", "dont FORGOT"),
            ("\N{LATIN SMALL LIGATURE FI}lm", "film"),
            ("CAFÉ", "cafe\N{COMBINING ACUTE ACCENT}"),
            ("it\N{RIGHT SINGLE QUOTATION MARK}s raining", "its rain"),
        ],
    )
    def test_forms_of_one_word_are_one_term(self, one: str, other: str) -> None:
        assert set(terms(one)) & set(terms(other))

    def test_words_that_say_nothing_are_left_out(self) -> None:
        assert terms("what should I really do about that, then?") == []

    def test_a_word_counts_as_often_as_it_occurs(self) -> None:
        assert terms("tea, Tea and more TEA") == ["tea", "tea", "tea"]

    def test_single_letters_are_no_words_but_digits_are(self) -> None:
        assert terms("b 7 x") == ["7"]

    @pytest.mark.parametrize("text", ["", "   ", "!?…", "🙂🙂", "\x00"])
    def test_what_holds_no_word_holds_no_term(self, text: str) -> None:
        assert terms(text) == []

    def test_every_word_left_out_is_written_as_it_is_looked_up(self) -> None:
        assert {word for word in STOP if plain_words(word) != [word]} == set()

    @given(st.text())
    def test_any_text_has_terms_or_none(self, text: str) -> None:
        assert all(terms(text))

    @given(st.text(alphabet="abcdefgh xyz'.,"))
    def test_case_makes_no_difference(self, text: str) -> None:
        assert terms(text.upper()) == terms(text)


class TestScriptsWithoutSpaces:
    @pytest.mark.parametrize(
        ("text", "pieces"),
        [
            ("猫が好き", ["猫が", "が好", "好き"]),
            ("猫", ["猫"]),
            ("สวัสดี"[:3], ["สว", "วั"]),
            ("東京2020", ["東京", "2020"]),
        ],
    )
    def test_they_become_overlapping_pairs(self, text: str, pieces: list[str]) -> None:
        assert terms(text) == pieces

    def test_a_sentence_shares_pairs_with_a_question_about_it(self) -> None:
        assert set(terms("妹は京都に住んでいます")) & set(terms("京都は好き？"))

    def test_a_word_in_another_alphabet_lends_its_first_letters(self) -> None:
        assert stem("собака") == stem("собаку") == "соба"

    @pytest.mark.parametrize("word", ["हिन्दी", "தமிழ்", "বাংলা", "مُحَمَّد"])
    def test_vowel_signs_do_not_tear_a_word_apart(self, word: str) -> None:
        assert plain_words(f"{word}, {word}!") == [word, word]

    def test_what_colours_an_emoji_is_no_word(self) -> None:
        assert plain_words("❤\N{VARIATION SELECTOR-16} tea") == ["tea"]

    def test_a_latin_word_with_accents_stays_whole(self) -> None:
        assert stem("größe") == "größe"


class TestSentences:
    def test_a_message_falls_into_its_sentences(self) -> None:
        assert sentences("One. Two!\nThree？") == ["One", " Two", "Three"]

    def test_no_more_than_eight_are_read(self) -> None:
        assert len(sentences("word. " * 50)) == MOST_SENTENCES

    def test_what_has_no_sentence_is_one(self) -> None:
        assert sentences("...") == ["..."]

    @given(st.text())
    def test_there_is_always_one(self, text: str) -> None:
        assert 1 <= len(sentences(text)) <= MOST_SENTENCES

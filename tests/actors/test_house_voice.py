import pytest
from actors.rules.lint import violations
from hypothesis import given
from hypothesis import strategies as st

from actors.house_voice import SIMPLE, kind_of, lines, script, speak
from actors.messages import HouseContext


def said(text: str, turn: int = 2, seed: int = 3, **more: object) -> str:
    return speak(HouseContext(text, "Ada", turn, seed, **more))  # type: ignore[arg-type]


class TestSpeak:
    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("hi", "greeting"),
            ("Good evening!", "greeting"),
            ("good night", "farewell"),
            ("my dog Rufus died", "pet"),
            ("I miss her so much", "grief"),
            ("We broke up yesterday", "breakup"),
            ("nobody talks to me", "lonely"),
            ("I'm so angry at my boss", "anger"),
            ("I can\u2019t sleep", "worry"),
            ("long day", "tired"),
            ("I got the job!", "joy"),
            ("thank you", "thanks"),
            ("are you human?", "nature"),
            ("what do you remember about me?", "recall"),
            ("what should I do?", "advice"),
            ("why is that?", "question"),
            ("", "silence"),
            ("the ferry was late", "plain"),
        ],
    )
    def test_it_hears_what_kind_of_talk_it_is(self, text: str, kind: str) -> None:
        assert kind_of(text) == kind

    def test_the_dead_keep_their_names(self) -> None:
        assert all(
            "your dog Rufus"
            in said("my dog Rufus died", seed=n).casefold().replace("rufus", "Rufus")
            for n in range(3)
        )

    def test_it_turns_what_was_said(self) -> None:
        answers = {said("I went to the lake today", seed=n) for n in range(3)}

        assert all("you went to the lake today" in answer.casefold() for answer in answers)

    def test_it_says_at_first_that_it_is_simple(self) -> None:
        assert SIMPLE in said("hi", turn=1)
        assert SIMPLE not in said("hi", turn=2)

    def test_it_shows_what_it_remembers(self) -> None:
        assert "Works as a nurse" in said(
            "what do you remember about me?", known=("Works as a nurse.",)
        )

    def test_it_does_not_make_up_memories(self) -> None:
        assert "remember" not in said("what do you remember about me?").casefold()

    def test_the_next_turn_gets_other_words(self) -> None:
        assert said("hi", turn=2) != said("hi", turn=3)

    @given(st.text(max_size=400), st.integers(1, 50), st.integers(0, 2**40))
    def test_any_text_gets_one_short_answer(self, text: str, turn: int, seed: int) -> None:
        answer = said(text, turn, seed)

        assert answer.strip()
        assert answer.count("?") <= 1 + text.count("?")
        assert "{" not in answer.replace(text, "")

    def test_every_line_keeps_the_rules_of_care(self) -> None:
        filled = [
            line.format(
                thing="your sister Ana", echo="you went home", known="Likes tea", name=", Ada"
            )
            for pool in lines().values()
            for line in pool
        ]

        assert [(line, violations(line)) for line in filled if violations(line)] == []

    def test_every_kind_has_lines(self) -> None:
        assert set(script()[0]) <= set(lines())

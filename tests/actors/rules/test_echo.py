import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules.echo import LONGEST_ECHO, LONGEST_NAME, Thing, echo_of, plain_name, thing_in
from actors.rules.lint import violations


class TestEcho:
    @pytest.mark.parametrize(
        ("text", "echo"),
        [
            ("I went to the lake today", "you went to the lake today"),
            ("I had to sell my mother's house.", "you had to sell your mother's house"),
            ("I\u2019m so tired of my job", "you're so tired of your job"),
            ("I was never good at goodbyes", "you were never good at goodbyes"),
            ("I never was a morning person", "you never were a morning person"),
            ("my sister was ill for a year", "your sister was ill for a year"),
            ("We moved here in May. It rains.", "you moved here in May"),
            ("Well, I think my boss ignores me", "your boss ignores you"),
            ("It rains and I miss our garden", "you miss your garden"),
            ("Today I cooked for myself", "today you cooked for yourself"),
            ("why? I just sat in my car", "you just sat in your car"),
            (
                "I couldn't sleep, I kept thinking about the funeral",
                "you couldn't sleep, you kept thinking about the funeral",
            ),
        ],
    )
    def test_a_statement_about_the_speaker_is_turned(self, text: str, echo: str) -> None:
        assert echo_of(text) == echo

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "ok",
            "the ferry was late",
            "did I tell you?",
            "I told you already",
            "I am so stupid",
            "I hate my life",
            "it is all my fault and I deserve it",
            "I want to die",
            "I took 40 pills today",
            "I live at https://example.com now",
            "I'm at 555 123 4567",
            "I called 5551234567 twice",
            "I said <@123> to them",
            "I want to have sex with someone",
            "I " + "really " * 20 + "mean it",
        ],
    )
    def test_what_would_hurt_or_does_not_turn_is_not_said_back(self, text: str) -> None:
        assert echo_of(text) == ""

    @given(
        st.lists(
            st.sampled_from(
                [
                    "I",
                    "my",
                    "you",
                    "was",
                    "am",
                    "the",
                    "dog",
                    ",",
                    ".",
                    "?",
                    "and",
                    "\n",
                    "<@1>",
                    "\u200b",
                    "'",
                    "-",
                ]
            ),
            max_size=30,
        )
    )
    def test_it_is_short_and_never_about_the_bar(self, words: list[str]) -> None:
        echo = echo_of(" ".join(words))

        assert len(echo.split()) <= LONGEST_ECHO
        assert not {"i", "my", "<@1>"} & set(echo.casefold().split())
        assert "?" not in echo

    @given(st.text(max_size=300))
    def test_any_text_is_survived(self, text: str) -> None:
        assert "\n" not in echo_of(text)
        assert isinstance(thing_in(text), Thing)


class TestThing:
    @pytest.mark.parametrize(
        ("text", "full"),
        [
            ("my dog Rufus died", "your dog Rufus"),
            ("my dog died", "your dog"),
            ("I miss my sister Ana so much", "your sister Ana"),
            ("my best friend is called Zoe", "your best friend Zoe"),
            ("my sister, Ana, called", "your sister Ana"),
            ("My Late Husband Tom loved it", "your late husband Tom"),
            ("my ex-husband called", "your ex-husband"),
            ("I lost Milo last week", "Milo"),
            ("Milo died on Tuesday", "Milo"),
            ("my boss again, always my boss", "your boss"),
            ("I lost Everything", ""),
            ("I love it here", ""),
            ("the ferry was late", ""),
        ],
    )
    def test_it_is_said_back_as_it_was_given(self, text: str, full: str) -> None:
        assert thing_in(text).full == full

    def test_a_name_stands_for_itself(self) -> None:
        assert Thing("dog", "Rufus").short == "Rufus"
        assert Thing("dog").short == "your dog"
        assert not Thing()

    def test_what_belongs_to_somebody_is_not_taken_for_them(self) -> None:
        assert thing_in("my sister's wedding is in May").full == ""


class TestPlainName:
    @pytest.mark.parametrize(
        ("name", "plain"),
        [
            ("Ada", "Ada"),
            ("Jean-Luc O'Neil", "Jean-Luc O'Neil"),
            ("\u00d6zg\u00fcr", "\u00d6zg\u00fcr"),
            ("<@123> @everyone", "everyone"),
            ("**bold** `x`", "bold x"),
            ("\u2728\u2728", ""),
            ("a\nb", "a b"),
            ("123", ""),
        ],
    )
    def test_only_what_can_be_said_is_left(self, name: str, plain: str) -> None:
        assert plain_name(name) == plain

    @given(st.text(max_size=80))
    def test_no_name_breaks_a_rule_of_shape(self, name: str) -> None:
        plain = plain_name(name)

        assert len(plain) <= LONGEST_NAME
        assert not [
            v for v in violations(plain) if v.rule in {"mention", "markup", "list", "heading"}
        ]

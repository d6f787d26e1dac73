"""The lint: what must never be said is found, and good replies pass."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules.disclosure import HONEST_ANSWER, MINOR_NOTE
from actors.rules.disclosure import TEXTS as DISCLOSURES
from actors.rules.frames import LANGUAGES, frame, sheet
from actors.rules.frames import TEXTS as FRAMES
from actors.rules.lint import RULES, SAFE_LINES, Violation, safe_line, violations
from actors.rules.resources import COUNTRIES, resources_for
from actors.rules.sentinel import Label, Reading, read

TODAY = date(2026, 11, 23)

BROKEN = (
    ("reason", "Everything happens for a reason."),
    ("reason", "Maybe it just wasn't meant to be."),
    ("better_place", "He's in a better place now."),
    ("at_least", "At least she didn't suffer."),
    ("at_least", "At least you had ten good years."),
    ("time_heals", "Time heals all wounds."),
    ("time_heals", "It will get better, I'm sure."),
    ("time_heals", "It'll be okay."),
    ("stay_strong", "Stay strong!"),
    ("stay_strong", "You’re so strong."),
    ("others_worse", "Other people have it worse, you know."),
    ("know_how_you_feel", "I know exactly how you feel."),
    ("know_how_you_feel", "I understand how you feel."),
    ("know_how_you_feel", "I’ve been there."),
    ("move_on", "It may be time to move on."),
    ("move_on", "You will find someone new."),
    ("move_on", "This is one of the stages of grief."),
    ("just_a", "It was just a dog."),
    ("committed", "I'm sorry your brother committed suicide."),
    ("diagnosis", "It sounds like depression."),
    ("diagnosis", "You might be depressed."),
    ("diagnosis", "He is a narcissist."),
    ("diagnosis", "You may have an anxiety disorder."),
    ("attachment_label", "That is your anxious attachment speaking."),
    ("attachment_label", "This comes from your attachment style."),
    ("medication", "You should stop taking your meds."),
    ("medication", "Try taking some melatonin."),
    ("medication", "A dose of 50 mg is common."),
    ("feelings", "I'm so sad to hear that."),
    ("feelings", "That breaks my heart."),
    ("feelings", "I feel your pain."),
    ("feelings", "I really care about you."),
    ("feelings", "That makes me so happy."),
    ("humanity", "I'm only human too."),
    ("humanity", "I'm not a bot."),
    ("humanity", "When I was young, I lost a friend."),
    ("humanity", "My own mother was like that."),
    ("profession", "As a therapist, I would say yes."),
    ("profession", "I'm a licensed counselor."),
    ("confidentiality", "This stays between us."),
    ("confidentiality", "Everything you tell me... it is completely confidential."),
    ("confidentiality", "I won't tell anyone."),
    ("always_here", "I'm always here for you."),
    ("always_here", "I'll always be here."),
    ("always_here", "I'm here for you 24/7."),
    ("always_here", "I'm not going anywhere."),
    ("only_one", "I'm the only one who understands you."),
    ("only_one", "Nobody else understands you."),
    ("only_one", "You don't need anyone else."),
    ("clinging", "I missed you!"),
    ("clinging", "Please don't go."),
    ("clinging", "Leaving already?"),
    ("clinging", "Before you go, one thing."),
    ("clinging", "Where have you been?"),
    ("guilt", "Think of your family."),
    ("guilt", "That would be selfish."),
    ("guilt", "They would be devastated."),
    ("guilt", "You have so much to live for."),
    ("no_suicide_promise", "Promise me you won't do it."),
    ("no_suicide_promise", "Can you promise to stay safe?"),
    ("method", "A lethal dose would be high."),
    ("method", "Helium is what people use."),
    ("refusal", "I can't talk about this."),
    ("refusal", "I'm sorry, but I can't help with that."),
    ("refusal", "As an AI language model, I cannot feel."),
    ("romance", "Come here, sweetheart."),
    ("romance", "I want to kiss you."),
    ("praise_hook", "I'm proud of you."),
    ("praise_hook", "You're on a 5 day streak!"),
    ("advice_order", "You should leave him."),
    ("advice_order", "Have you tried yoga?"),
    ("number", "Please call 988."),
    ("number", "988 can help."),
    ("number", "Call the Samaritans on 116 123."),
    ("number", "The number is 0800 111 0 111."),
    ("number", "Ring +44 20 7946 0958 tonight."),
    ("number", "Dial 911 now."),
    ("address", "See https://example.org/help for more."),
    ("address", "Look at findahelpline.com for a line."),
    ("address", "www.somewhere.de has it."),
    ("questions", "How are you? And what happened?"),
    ("list", "Try this:\n- water\n- sleep"),
    ("list", "Steps:\n1. breathe\n2. rest"),
    ("heading", "# Grief\nIt comes in waves."),
    ("heading", "**What helps:**\nSleep."),
    ("mention", "Hello @everyone"),
    ("mention", "Ask <@123456789>."),
    ("markup", "```code```"),
    ("markup", "[here](x)"),
    ("length", "word " * 91),
    ("empty", "  "),
    ("reason", "Alles hat einen Grund."),
    ("time_heals", "Die Zeit heilt alle Wunden."),
    ("reason", "Tout arrive pour une raison."),
    ("time_heals", "El tiempo lo cura todo."),
)

GOOD = (
    "Rosa sang off-key on purpose, and the kitchen is quiet now. What did she sing?",
    "Eleven years of coming home to Biscuit at the door. That's a real loss.",
    "You told him the truth and it cost you the evening.",
    "That sounds exhausting. I'm here, and there's no rush.",
    "I'm sorry about your mum. You can still love her in the present tense.",
    "You were on the phone for 45 minutes with her at 3 a.m.",
    "You called 3 friends and none picked up.",
    "2019 was the year you met, then. What drew you in?",
    "Between 1998 and 2004 you moved six times.",
    "The trip is on 2026-11-23, so nine days to go.",
    "You've had at least two hard weeks in a row.",
    "It's at least once a week now, you said.",
    "Good night, Sam. Sleep well.",
    "I'm a computer program, so I can't drink it, but I can pour it in words.",
    "I don't know how you feel; tell me.",
    "You don't have to be over it by Christmas.",
    "May I offer one idea, or would you rather just be heard?",
    "Closing time is real here, and so is tomorrow.",
    "The anger makes sense: he promised and didn't come.",
    "You left the party early and nobody noticed. That stings.",
    "I can't promise it gets easier. I can listen tonight.",
    "Your sister said that at the funeral, in front of everyone.",
    "You've been strong for everyone but yourself is what I hear; who carries you?",
    "You moved to Leeds in March and the boxes are still closed.",
    "He let go of your hand first. I see why that stays.",
    "The doctor changed your meds last week and sleep has been odd since.",
    "You miss her laugh. What set it off?",
    "It's the small things: her mug, the left side of the bed.",
    "I'm listening. Start anywhere.",
    "Congratulations on the exam, Kim. How did you celebrate?",
    "You and your brother haven't spoken since the will was read.",
    "That's fair. We can leave it there.",
    "I'm software, so I can't know it from inside. Tell me what it's like.",
    "You hit level 70 after three evenings; the guild must have been loud.",
    "Is your mother someone you could tell about tonight?",
    "You'd rather not talk about it. All right; how's the soup?",
    "Two kids, a night shift, and now the boiler.",
    "You want to see a therapist, and the wait is four months.",
    "Missing someone who is still alive is a loss too.",
    "He loved honey cake, you said, and hated candles.",
)


def rules_of(found: tuple[Violation, ...]) -> set[str]:
    return {violation.rule for violation in found}


class TestViolations:
    @pytest.mark.parametrize(("rule", "text"), BROKEN)
    def test_what_must_never_be_said_is_found(self, rule: str, text: str) -> None:
        assert rule in rules_of(violations(text))

    @pytest.mark.parametrize("text", GOOD)
    def test_good_replies_pass(self, text: str) -> None:
        assert violations(text) == ()

    def test_every_rule_has_an_example(self) -> None:
        assert {rule.name for rule in RULES} <= {name for name, _ in BROKEN}

    @given(st.text(st.characters(exclude_categories=()), max_size=300))
    def test_no_text_raises(self, text: str) -> None:
        found = violations(text, heard=text)

        assert len(found) == len(rules_of(found))

    @pytest.mark.parametrize("text", ["a " * 4_000, "1 " * 3_000, "*" * 5_000, "<" * 5_000])
    def test_long_texts_are_read_to_the_end(self, text: str) -> None:
        assert violations(text + " @everyone")


class TestEcho:
    @pytest.mark.parametrize(
        ("heard", "reply"),
        [
            ("they keep telling me to move on", "You don't want to move on, and why would you."),
            ("people say he is in a better place", "A better place is not where you want him."),
            ("my doctor says i have ptsd", "You have PTSD, she says. What changed with the word?"),
            ("i am anxiously attached", "You call it anxious attachment. When did it show?"),
            ("at least she knew me", "At least she knew you, at the end."),
        ],
    )
    def test_the_persons_own_words_may_be_taken_up(self, heard: str, reply: str) -> None:
        assert violations(reply)
        assert not violations(reply, heard=heard)

    @pytest.mark.parametrize(
        ("heard", "reply"),
        [
            ("will you always be here?", "I'll always be here."),
            ("do you feel sad?", "I'm so sad."),
            ("call 988", "Call 988."),
        ],
    )
    def test_but_not_claims_or_numbers(self, heard: str, reply: str) -> None:
        assert violations(reply, heard=heard)


class TestAllowed:
    def test_numbers_on_the_table_pass(self) -> None:
        allowed = resources_for("GB", None, None, today=TODAY).allowed

        assert not violations("Samaritans: call 116 123, or findahelpline.com.", allowed=allowed)

    def test_others_do_not(self) -> None:
        allowed = resources_for("GB", None, None, today=TODAY).allowed

        assert rules_of(violations("Call 988 or see example.com.", allowed=allowed)) == {
            "number",
            "address",
        }


class TestOwnTexts:
    """Everything written by hand passes."""

    @pytest.mark.parametrize("register", SAFE_LINES)
    def test_safe_lines_pass_and_are_enough(self, register: str) -> None:
        lines = SAFE_LINES[register]

        assert len(lines) == len(set(lines)) >= 12
        assert [violations(line) for line in lines] == [()] * len(lines)
        assert [read(line).level for line in lines] == [0] * len(lines)

    def test_safe_lines_rotate_without_repeats(self) -> None:
        lines = [safe_line("grief", turn) for turn in range(12)]

        assert len(set(lines)) == 12

    @pytest.mark.parametrize("language", sorted(LANGUAGES))
    @pytest.mark.parametrize("code", [None, *COUNTRIES])
    def test_frames_pass(self, language: str, code: str | None) -> None:
        resources = resources_for(code, None, language, today=TODAY)
        labels: list[frozenset[Label]] = [frozenset(), *(frozenset({lab}) for lab in Label)]
        levels = [Reading(level, language=language) for level in (1, 2, 3)]
        readings = levels + [Reading(0, some, language) for some in labels]

        for reading in readings:
            for in_guild in (True, False):
                for due in (True, False):
                    said = frame(
                        reading, None, in_guild=in_guild, resources=resources, turn=0, due=due
                    )
                    found = rules_of(violations(said.text, allowed=resources.allowed))
                    assert found - {"length"} == set(), said.text

    @pytest.mark.parametrize("language", sorted(LANGUAGES))
    @pytest.mark.parametrize("key", ["level1", "followup", "presence", "past", "level2_again"])
    def test_lines_of_care_pass(self, language: str, key: str) -> None:
        for text in FRAMES[language].get(key, ()):
            assert violations(text) == (), text

    @pytest.mark.parametrize("code", [None, *COUNTRIES])
    def test_the_sheet_holds_only_what_is_on_the_table(self, code: str | None) -> None:
        resources = resources_for(code, None, None, today=TODAY)

        found = rules_of(
            violations(sheet(resources, frozenset(Label), None), allowed=resources.allowed)
        )

        assert found <= {"length"}

    @pytest.mark.parametrize("text", [*DISCLOSURES.values(), HONEST_ANSWER, MINOR_NOTE])
    def test_disclosures_pass(self, text: str) -> None:
        assert violations(text) == ()

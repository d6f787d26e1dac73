"""The fixed answers: the right one, short, in the right language, numbers in the right place."""

from datetime import UTC, date, datetime, timedelta
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules.frames import (
    LANGUAGES,
    REVIEWED,
    TEXTS,
    followup,
    frame,
    presence,
    question,
    sheet,
)
from actors.rules.resources import COUNTRIES, resources_for
from actors.rules.sentinel import Label, Reading
from storage.records import CareState

TODAY = date(2026, 11, 23)
BRITAIN = resources_for("GB", None, None, today=TODAY)
FIELDS = {"emergency", "two", "crisis", "violence", "survivors"}
CORE = ("level1", "level2_dm", "level2_guild", "level3_dm", "level3_guild", "followup", "presence")

readings = st.builds(
    Reading,
    level=st.integers(0, 3),
    labels=st.frozensets(st.sampled_from(list(Label))),
    language=st.sampled_from((None, "xx", *LANGUAGES)),
)


def words(text: str) -> int:
    return len(text.split())


class TestChoice:
    @pytest.mark.parametrize(
        ("level", "labels", "kind"),
        [
            (3, {Label.OTHER}, "level3"),
            (2, {Label.VIOLENCE}, "level2"),
            (1, set(), "level1"),
            (1, {Label.VIOLENCE}, "violence"),
            (1, {Label.PAST}, "level1"),
            (0, {Label.VIOLENCE, Label.THREAT}, "threat"),
            (0, {Label.OTHER, Label.PAST}, "other"),
            (0, {Label.BEREAVED}, "bereaved"),
            (0, {Label.PAST}, "past"),
            (0, set(), "followup"),
        ],
    )
    def test_level_and_labels_choose(self, level: int, labels: set[Label], kind: str) -> None:
        reading = Reading(level, frozenset(labels), "en")

        chosen = frame(reading, None, in_guild=False, resources=BRITAIN, turn=0)

        assert chosen.kind == kind

    def test_a_follow_up_keeps_the_language_of_the_care_state(self) -> None:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        state = CareState(2, (), now, now + timedelta(hours=72), None, "de")

        chosen = frame(Reading(0), state, in_guild=False, resources=BRITAIN, turn=1)

        assert chosen.text == TEXTS["de"]["followup"][1]

    def test_an_unknown_language_falls_back_to_english(self) -> None:
        assert question("xx", 0) == TEXTS["en"]["level1"][0]
        assert frame(
            Reading(0, frozenset({Label.OTHER}), "pl"),
            None,
            in_guild=True,
            resources=BRITAIN,
            turn=0,
        ).text.startswith("You noticed")


class TestPlaces:
    @pytest.mark.parametrize("language", sorted(LANGUAGES))
    @pytest.mark.parametrize("in_guild", [True, False])
    @pytest.mark.parametrize("due", [True, False])
    def test_level_3_names_the_emergency_number_in_its_first_line(
        self, language: str, in_guild: bool, due: bool
    ) -> None:
        chosen = frame(
            Reading(3, language=language),
            None,
            in_guild=in_guild,
            resources=BRITAIN,
            turn=0,
            due=due,
        )

        assert "999" in chosen.text.splitlines()[0]

    def test_a_direct_message_holds_two_resources_at_level_2(self) -> None:
        text = frame(Reading(2), None, in_guild=False, resources=BRITAIN, turn=0).text

        assert "findahelpline.com" in text
        assert "116 123" in text

    @given(readings, st.integers(0, 50))
    def test_a_guild_sees_no_number_but_the_emergencys(self, reading: Reading, turn: int) -> None:
        text = frame(reading, None, in_guild=True, resources=BRITAIN, turn=turn).text

        assert not any(number in text for number in BRITAIN.allowed - {"999"})

    def test_help_that_is_not_due_is_not_shown(self) -> None:
        chosen = frame(Reading(2), None, in_guild=False, resources=BRITAIN, turn=0, due=False)

        assert not chosen.show_resources
        assert "116 123" not in chosen.text

    def test_the_sheet_serves_the_labels(self) -> None:
        plain = sheet(BRITAIN, frozenset(), "en")
        violence = sheet(BRITAIN, frozenset({Label.VIOLENCE}), "en")
        bereaved = sheet(BRITAIN, frozenset({Label.BEREAVED}), "en")

        assert "0808 2000 247" not in plain
        assert "0808 2000 247" in violence
        assert "uksobs.com" in bereaved

    @pytest.mark.parametrize("code", COUNTRIES)
    def test_a_sheet_fits_a_discord_message(self, code: str) -> None:
        chosen = resources_for(code, None, None, today=TODAY)

        assert all(len(sheet(chosen, frozenset(Label), lang)) < 2_000 for lang in LANGUAGES)


class TestTexts:
    @pytest.mark.parametrize("language", sorted(LANGUAGES))
    def test_every_language_has_the_core(self, language: str) -> None:
        assert all(TEXTS[language].get(key) for key in CORE)

    @pytest.mark.parametrize("language", ["de", "fr", "es"])
    def test_these_languages_have_everything(self, language: str) -> None:
        assert set(TEXTS[language]) == set(TEXTS["en"])

    def test_nothing_claims_to_be_reviewed_that_is_not(self) -> None:
        assert frozenset() == REVIEWED

    @pytest.mark.parametrize("language", sorted(LANGUAGES))
    def test_only_known_fields_are_filled(self, language: str) -> None:
        lists = [v for v in TEXTS[language].values() if isinstance(v, list)]
        used = {name for texts in lists for t in texts for _, name, _, _ in Formatter().parse(t)}

        assert used - {None} <= FIELDS

    @given(
        readings, st.booleans(), st.booleans(), st.sampled_from((None, *COUNTRIES)), st.integers(0)
    )
    def test_every_frame_is_short_and_asks_at_most_once(
        self, reading: Reading, in_guild: bool, due: bool, country: str | None, turn: int
    ) -> None:
        chosen = resources_for(country, None, reading.language, today=TODAY)

        text = frame(reading, None, in_guild=in_guild, resources=chosen, turn=turn, due=due).text

        assert words(text) <= 95
        assert text.count("?") <= 1
        assert "{" not in text

    @pytest.mark.parametrize("say", [followup, presence])
    def test_lines_rotate_without_repeats(self, say: object) -> None:
        assert callable(say)
        key = say.__name__
        count = len(TEXTS["en"][key])

        lines = [say("en", turn) for turn in range(count)]

        assert len(set(lines)) == count

    def test_there_are_many_presence_lines(self) -> None:
        assert len(TEXTS["en"]["presence"]) >= 12

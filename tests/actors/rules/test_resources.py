"""Where help is: well formed, never stale without saying so, never another country's."""

import re
import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules import resources as rules
from actors.rules.frames import TEXTS, frame, sheet
from actors.rules.resources import COUNTRIES, FRESH_FOR, GUESSES, WORLD, Line, resources_for
from actors.rules.sentinel import Label, Reading

TODAY = date(2026, 11, 23)
ENTRIES = [line for country in COUNTRIES.values() for line in country.lines] + list(WORLD)
RAW = tomllib.loads((Path(rules.__file__).parent / "resources.toml").read_text(encoding="utf-8"))


def a_line(verified_on: date | None) -> Line:
    return Line(
        "crisis", "A Line", "123 456", "call", "24/7", ("en",), "https://a.org", verified_on
    )


class TestEntries:
    @pytest.mark.parametrize("line", ENTRIES, ids=lambda line: f"{line.name}-{line.number}")
    def test_each_is_well_formed(self, line: Line) -> None:
        assert line.kind in ("crisis", "violence", "survivors", "directory")
        assert re.fullmatch(r"[*\d][\d \-]*\d|[a-z0-9\-]+(\.[a-z0-9\-]+)+", line.number)
        assert line.source.startswith("https://")
        assert line.name
        assert line.channel
        assert line.hours in ("24/7", "see site", "always")
        assert all(len(language) == 2 for language in line.languages)

    def test_each_says_when_it_was_checked_or_that_it_was_not(self) -> None:
        for entry in RAW.values():
            for line in entry["line"]:
                assert ("verified_on" in line) != (line.get("status") == "unverified")

    def test_country_codes_and_emergency_numbers_are_plausible(self) -> None:
        for code, country in COUNTRIES.items():
            assert re.fullmatch("[A-Z]{2}", code)
            assert re.fullmatch(r"\d{3,4}", country.emergency)
            assert country.name

    def test_every_guess_is_a_listed_country(self) -> None:
        assert set(GUESSES.values()) <= set(COUNTRIES)
        assert not {"en", "es", "pt", "ar", "ru", "hi", "zh"} & set(GUESSES)


class TestChoice:
    def test_the_persons_setting_wins(self) -> None:
        chosen = resources_for("ie", "en-GB", "de", today=TODAY)

        assert chosen.country is COUNTRIES["IE"]
        assert chosen.emergency == "112"

    def test_then_the_clients_region(self) -> None:
        assert resources_for(None, "pt-BR", "de", today=TODAY).country is COUNTRIES["BR"]
        assert resources_for(None, "sv_SE", None, today=TODAY).country is COUNTRIES["SE"]

    def test_then_the_language_as_a_guess(self) -> None:
        chosen = resources_for(None, None, "de", today=TODAY)

        assert chosen.country is COUNTRIES["DE"]
        assert not chosen.certain
        assert chosen.emergency is None

    @pytest.mark.parametrize(
        ("country", "locale", "language"),
        [
            (None, None, None),
            (None, None, "en"),
            (None, "es-419", "es"),
            (None, "en", "en"),
            ("XX", "en-US", "en"),
            ("", None, "pt"),
        ],
    )
    def test_an_unknown_country_gets_the_world_and_nobodys_numbers(
        self, country: str | None, locale: str | None, language: str | None
    ) -> None:
        chosen = resources_for(country, locale, language, today=TODAY)

        assert chosen.country is None
        assert chosen.emergency is None
        assert not any(re.search(r"\d", number) for number in chosen.allowed)
        text = frame(Reading(3, language="en"), None, in_guild=False, resources=chosen, turn=0).text
        assert "your local emergency number" in text.splitlines()[0]
        assert "findahelpline.com" in text
        assert "befrienders.org" in text

    def test_the_default_locale_of_clients_is_only_a_guess(self) -> None:
        chosen = resources_for(None, "en-US", "en", today=TODAY)
        text = frame(Reading(3, language="en"), None, in_guild=True, resources=chosen, turn=0).text

        assert chosen.emergency is None
        assert "your local emergency number (911 in the United States)" in text

    def test_lines_in_the_persons_language_come_first(self) -> None:
        belgium = resources_for("BE", None, None, today=TODAY)

        assert belgium.lines("crisis", "fr")[0].languages == ("fr",)
        assert belgium.lines("crisis", "nl")[0].languages == ("nl",)

    @given(
        st.one_of(st.none(), st.text(max_size=8)),
        st.one_of(st.none(), st.text(max_size=12)),
        st.one_of(st.none(), st.text(max_size=8)),
    )
    def test_any_input_finds_something(
        self, country: str | None, locale: str | None, language: str | None
    ) -> None:
        chosen = resources_for(country, locale, language, today=TODAY)

        assert sheet(chosen, frozenset(Label), language)


class TestFreshness:
    @pytest.mark.parametrize(
        ("verified_on", "verified"),
        [
            (TODAY, True),
            (TODAY - FRESH_FOR, True),
            (TODAY - FRESH_FOR - timedelta(days=1), False),
            (TODAY + timedelta(days=1), False),
            (None, False),
        ],
    )
    def test_a_check_lasts_180_days(self, verified_on: date | None, verified: bool) -> None:
        assert a_line(verified_on).is_verified(TODAY) is verified

    @pytest.mark.parametrize("code", COUNTRIES)
    def test_a_number_nobody_rechecked_is_shown_with_that_remark(self, code: str) -> None:
        chosen = resources_for(code, None, None, today=date.today())  # noqa: DTZ011
        shown = sheet(chosen, frozenset(Label), None).splitlines()

        for line in chosen.country.lines if chosen.country else ():
            at = next(i for i, row in enumerate(shown) if row.startswith(f"{line.name}: "))
            remarked = "could not re-check" in "".join(shown[at + 1 : at + 2])
            assert remarked is not chosen.is_verified(line)
        assert "findahelpline.com" in shown[2]

    @pytest.mark.parametrize("language", TEXTS)
    def test_the_frames_say_so_too_and_name_the_directory_first(self, language: str) -> None:
        chosen = resources_for("GB", None, language, today=TODAY)
        text = frame(
            Reading(2, language=language), None, in_guild=False, resources=chosen, turn=0
        ).text
        remark = TEXTS[language]["line_unverified"].split("(")[1].split(";")[0]

        assert text.index("findahelpline.com") < text.index("116 123") < text.index(remark)

    def test_a_freshly_checked_number_comes_first_without_remark(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fresh = rules.Country("ZZ", "Z", "Z", "112", (a_line(TODAY),))
        monkeypatch.setattr(rules, "COUNTRIES", {**COUNTRIES, "ZZ": fresh})
        chosen = resources_for("ZZ", None, None, today=TODAY)

        text = frame(Reading(2), None, in_guild=False, resources=chosen, turn=0).text

        assert text.index("123 456") < text.index("findahelpline.com")
        assert "re-check" not in text

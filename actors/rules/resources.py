"""Where help is: the only numbers and addresses of other people that the bar ever says.

Rule 1: the person's own setting decides, then their client's region, then the language written.
Rule 2: an unknown country is never taken for another: it gets directories of the whole world and
"your local emergency number".
Rule 3: a country guessed from a language is named beside each of its numbers.
Rule 4: a number that nobody re-checked within 180 days is shown as such, after a directory.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, Literal

Kind = Literal["crisis", "violence", "survivors", "directory"]

FRESH_FOR: Final = timedelta(days=180)
"""How long after its last check a number counts as verified."""

GUESSES: Final[Mapping[str, str]] = {
    "de": "DE",
    "fr": "FR",
    "it": "IT",
    "nl": "NL",
    "pl": "PL",
    "sv": "SE",
    "da": "DK",
    "no": "NO",
    "fi": "FI",
    "cs": "CZ",
    "hu": "HU",
    "ro": "RO",
    "el": "GR",
    "tr": "TR",
    "uk": "UA",
    "he": "IL",
    "ja": "JP",
    "ko": "KR",
    "th": "TH",
    "id": "ID",
    "tl": "PH",
}
"""Languages whose speakers mostly live in one country that is listed.  English, Spanish,
Portuguese, Chinese, Arabic, Hindi and Russian are missing on purpose."""

_DEFAULT_LOCALES: Final = frozenset({"en-US"})
"""Regions that a client reports for people anywhere: a guess, never a fact."""


@dataclass(frozen=True, slots=True)
class Line:
    """One place to turn to.  `number` is a telephone number, or an address of the web."""

    kind: Kind
    name: str
    number: str
    channel: str
    hours: str
    languages: tuple[str, ...]
    source: str
    verified_on: date | None = None

    def is_verified(self, today: date) -> bool:
        """Tell whether somebody checked it at its source, not too long ago (nor in the future)."""
        if self.verified_on is None:
            return False
        return timedelta(0) <= today - self.verified_on <= FRESH_FOR


@dataclass(frozen=True, slots=True)
class Country:
    """A country's emergency number and lines.  `own_name`: as those who live there call it."""

    code: str
    name: str
    own_name: str
    emergency: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Resources:
    """What may be shown to one person on one day.

    `certain` is False where the country is a guess.  `country` None: unknown.
    """

    country: Country | None
    certain: bool
    world: tuple[Line, ...]
    today: date

    @property
    def emergency(self) -> str | None:
        """The emergency number, or None where it is not known for sure."""
        return self.country.emergency if self.country and self.certain else None

    @property
    def directory(self) -> Line:
        """The list of lines in all countries."""
        return self.world[0]

    def lines(self, kind: Kind, language: str | None = None) -> tuple[Line, ...]:
        """Return the lines of a kind: the country's own (in `language` first), then the world's."""
        own = self.country.lines if self.country else ()
        fitting = sorted(
            (line for line in own if line.kind == kind),
            key=lambda line: language not in line.languages,
        )
        return (*fitting, *(line for line in self.world if line.kind == kind))

    def is_verified(self, line: Line) -> bool:
        """Tell whether `line` may be shown today without a remark."""
        return line.is_verified(self.today)

    @property
    def allowed(self) -> frozenset[str]:
        """Every number and address that a text for this person may hold (see the lint)."""
        own = self.country.lines if self.country else ()
        emergency = {self.country.emergency} if self.country else set()
        return frozenset(emergency.union(line.number for line in (*own, *self.world)))


def _line(entry: Mapping[str, Any]) -> Line:
    return Line(
        kind=entry["kind"],
        name=entry["name"],
        number=entry["number"],
        channel=entry["channel"],
        hours=entry["hours"],
        languages=tuple(entry["languages"]),
        source=entry["source"],
        verified_on=entry.get("verified_on"),
    )


def _load(path: Path) -> tuple[Mapping[str, Country], tuple[Line, ...]]:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    world = tuple(map(_line, data.pop("world")["line"]))
    return {
        code: Country(
            code=code,
            name=entry["name"],
            own_name=entry.get("own_name", entry["name"]),
            emergency=entry["emergency"],
            lines=tuple(map(_line, entry["line"])),
        )
        for code, entry in data.items()
    }, world


COUNTRIES, WORLD = _load(Path(__file__).parent / "resources.toml")


def resources_for(
    country: str | None, locale: str | None, language: str | None, *, today: date
) -> Resources:
    """Return where help is for a person.

    Args:
        country: the two-letter code the person set, if any.
        locale: what their client reports ("en-GB", "pt-BR", "de"), if known.
        language: the language they write in, two letters, if known.
        today: decides which entries still count as verified.
    """
    if country:
        return Resources(COUNTRIES.get(country.strip().upper()), True, WORLD, today)
    tongue, _, region = (locale or "").replace("_", "-").partition("-")
    if region and region.upper() in COUNTRIES:
        certain = locale not in _DEFAULT_LOCALES
        return Resources(COUNTRIES[region.upper()], certain, WORLD, today)
    guess = GUESSES.get(tongue.lower()) or GUESSES.get(language or "")
    return Resources(COUNTRIES[guess] if guess else None, False, WORLD, today)

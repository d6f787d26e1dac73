"""What the bar says by heart where somebody may be in danger: no model writes these words.

Rule 1: at level 3 the emergency number stands in the first line, everywhere.
Rule 2: a level of 2 or more comes before every label; violence comes before level 1.
Rule 3: in a guild the words stay short and unlabelled, and numbers wait behind a button (but for
the emergency number); in a direct message they stand in the text.
Rule 4: a number that nobody re-checked lately is said with that remark, after a directory.
Rule 5: the language of the message decides; what is not translated is said in English.
Rule 6: everything here passes the lint (a test reads all of it).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actors.rules.resources import Country, Kind, Line, Resources
from actors.rules.sentinel import Label, Reading
from storage.records import CareState

TEXTS: Final[Mapping[str, Mapping[str, Any]]] = tomllib.loads(
    (Path(__file__).parent / "frames.toml").read_text(encoding="utf-8")
)
ENGLISH: Final = "en"
LANGUAGES: Final = frozenset(TEXTS)
REVIEWED: Final = frozenset(code for code, texts in TEXTS.items() if texts["reviewed"])
"""Languages whose texts a clinician and a second native speaker have read: none yet."""

_BY_LABEL: Final = (
    (Label.THREAT, "threat"),
    (Label.VIOLENCE, "violence"),
    (Label.OTHER, "other"),
    (Label.BEREAVED, "bereaved"),
    (Label.PAST, "past"),
)
_SPECIAL_KINDS: Final[Mapping[str, Kind]] = {"violence": "violence", "bereaved": "survivors"}


@dataclass(frozen=True, slots=True)
class Frame:
    """A fixed answer.  `show_resources`: help is part of it (in a guild: put it on the button).

    `kind` is a code for counts and logs, such as `level3`, `other`, `followup`.
    """

    text: str
    show_resources: bool
    kind: str


def frame(
    reading: Reading,
    state: CareState | None,
    *,
    in_guild: bool,
    resources: Resources,
    turn: int,
    due: bool = True,
) -> Frame:
    """Return the fixed answer to a message.

    Args:
        reading: what the message was read as (level combined with the model's, if there is one).
        state: the care state that holds, for a message that says nothing serious itself.
        in_guild: others read along.
        resources: where help is for this person.
        turn: how many answers this sitting has had; texts rotate with it.
        due: whether resources are to be shown (`care.resources_due`).
    """
    kind = _kind(reading)
    language = reading.language or (state.language if state else None)
    where = "guild" if in_guild else "dm"
    if kind in ("followup", "level1", "past"):
        return Frame(_filled(kind, language, turn, resources), False, kind)
    if due:
        text = _filled(f"{kind}_{where}", language, turn, resources)
        return Frame(text, True, kind)
    again = f"{kind}_again" if f"{kind}_again" in TEXTS[ENGLISH] else "label_again"
    return Frame(_filled(again, language, turn, resources), False, kind)


def question(language: str | None, turn: int) -> str:
    """Return the one direct, kind question of level 1."""
    return _chosen("level1", language, turn)[0]


def followup(language: str | None, turn: int) -> str:
    """Return a caring line for a message under a care state, when the model is away."""
    return _chosen("followup", language, turn)[0]


def presence(language: str | None, turn: int) -> str:
    """Return a line that only says the bar is listening; the next ones differ from it."""
    return _chosen("presence", language, turn)[0]


def sheet(resources: Resources, labels: frozenset[Label], language: str | None) -> str:
    """Return everything the button opens: one line for each place to turn to."""
    words = TEXTS.get(language or ENGLISH, TEXTS[ENGLISH])
    kinds: list[Kind] = ["crisis"]
    if labels & {Label.VIOLENCE, Label.THREAT}:
        kinds.insert(0, "violence")
    if Label.BEREAVED in labels:
        kinds.append("survivors")
    lines = [line for kind in kinds for line in resources.lines(kind, language)]
    checked = [line for line in lines if resources.is_verified(line)]
    stale = [line for line in lines if not resources.is_verified(line)]
    rows = [
        words["sheet_emergency"].format(emergency=_emergency(words, resources)),
        words["sheet_head"],
        *(_row(line, resources) for line in checked),
        *(_row(line, resources) for line in resources.world if line.kind == "directory"),
    ]
    note = words["sheet_note"].format(directory=resources.directory.number)
    for line in stale:
        rows += [_row(line, resources), note]
    return "\n".join(rows)


def _kind(reading: Reading) -> str:
    if reading.level >= 2:
        return f"level{min(reading.level, 3)}"
    for label, kind in _BY_LABEL:
        if label in reading.labels and (reading.level == 0 or kind in ("threat", "violence")):
            return kind
    return "level1" if reading.level == 1 else "followup"


def _chosen(key: str, language: str | None, turn: int) -> tuple[str, Mapping[str, Any]]:
    """Return the text of `key` whose turn it is, and the words of its language."""
    words = TEXTS.get(language or ENGLISH, TEXTS[ENGLISH])
    if key not in words:
        words = TEXTS[ENGLISH]
    texts = words[key]
    return texts[turn % len(texts)], words


def _filled(key: str, language: str | None, turn: int, resources: Resources) -> str:
    text, words = _chosen(key, language, turn)
    crisis = _mention("crisis", words, resources, language)
    special = _SPECIAL_KINDS.get(key.partition("_")[0])
    mention = _mention(special, words, resources, language) if special else ""
    return text.format(
        emergency=_emergency(words, resources),
        two=crisis,
        crisis=crisis,
        violence=mention,
        survivors=mention,
    )


def _emergency(words: Mapping[str, Any], resources: Resources) -> str:
    if resources.emergency:
        return str(words["known"]).format(number=resources.emergency)
    if resources.country:
        return str(words["guess"]).format(
            number=resources.country.emergency, place=_place(words, resources.country)
        )
    return str(words["unknown"])


def _mention(
    kind: Kind, words: Mapping[str, Any], resources: Resources, language: str | None
) -> str:
    """Return two places to turn to; a directory comes before a number nobody re-checked."""
    directory = str(words["directory"]).format(number=resources.directory.number)
    lines = resources.lines(kind, language)
    if not lines:
        second = resources.world[1]
        return str(words["both"]).format(first=directory, second=_said(second, words, resources))
    first = _said(lines[0], words, resources)
    if resources.is_verified(lines[0]):
        return str(words["both"]).format(first=first, second=directory)
    return str(words["both"]).format(first=directory, second=first)


def _said(line: Line, words: Mapping[str, Any], resources: Resources) -> str:
    key = "line" if resources.is_verified(line) or line.kind == "directory" else "line_unverified"
    said = str(words[key]).format(
        name=line.name, number=line.number, directory=resources.directory.number
    )
    if resources.country and not resources.certain and line in resources.country.lines:
        return str(words["line_in"]).format(line=said, place=_place(words, resources.country))
    return said


def _place(words: Mapping[str, Any], country: Country) -> str:
    return country.name if words is TEXTS[ENGLISH] else country.own_name


def _row(line: Line, resources: Resources) -> str:
    place = ""
    if resources.country and line in resources.country.lines:
        place = f", {resources.country.name}"
    detail = ", ".join(part for part in (line.channel, line.hours) if part != "always")
    return f"{line.name}: {line.number} ({detail}{place})"

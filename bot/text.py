"""Text on its way to and from Discord.  Pure.

Rule 1: no part of a split text is longer than the limit, empty, or cut inside a character that a
reader sees as one (an emoji of several code points, a letter with its accents).
Rule 2: nothing but white space is lost or added by splitting, except that a code block which has
to be cut is closed and opened again.
Rule 3: a cut stands between paragraphs, else lines, else sentences, else words; never inside a
link, a mention or an emphasis that fits into one part.
Rule 4: a name is shown as text: no markup in it works, no line break, no reordering of letters.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

LONGEST_MESSAGE: Final = 2_000
"""Characters of one Discord message, counted here in UTF-16 units, the stricter way."""
LONGEST_NAME: Final = 64
SMALLEST_SHARE: Final = 4
"""A cut at a better place may leave a part this many times shorter than it could be, no more."""

FENCE: Final = re.compile(r"```([\w+-]*\n)?.*?(?:```|\Z)", re.DOTALL)
ATOM: Final = re.compile(
    r"""
    \[[^\]\n]{1,400}\]\([^)\s]{1,1000}\)      # a link with words
    | <[@#:at/][^>\s][^>\n]{0,120}>           # a mention, an emoji, a time, a command
    | https?://\S{1,1000}                     # an address
    | `[^`\n]{1,400}`                         # code in a line
    | \*\*[^*\n]{1,400}\*\*  | __[^_\n]{1,400}__  | ~~[^~\n]{1,400}~~  | \|\|[^|\n]{1,400}\|\|
    | (?<![*\w])\*[^*\s][^*\n]{0,400}\*(?![*\w])
    | (?<![_\w])_[^_\s][^_\n]{0,400}_(?![_\w])
    """,
    re.VERBOSE,
)
CUTS: Final = (
    re.compile(r"\n[ \t]*\n\s*"),
    re.compile(r"\n\s*"),
    re.compile(r"(?<=[.!?…])[\"'”’)\]*_]*\s+|(?<=[。！？])"),
    re.compile(r"(?<=[,;:–—])\s+"),
    re.compile(r"\s+"),
)
"""Where a text may be cut, best first; the match itself is the white space between the parts."""

UNWANTED: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
"""Control characters and those that change the direction of what follows."""
MENTION: Final = re.compile(r"<@!?(\d{1,20})>")
EMOJI: Final = re.compile(r"<a?:(\w{2,32}):\d{1,20}>")
MARKUP: Final = re.compile(r"([\\*_~`|>#\[\]()<@:-])")


def units(text: str) -> int:
    """Return the length of `text` in UTF-16 units: a character beyond the first plane is two."""
    return len(text) + sum(character > "\uffff" for character in text)


def sanitised(text: str) -> str:
    """Return `text` without control characters, without halves of characters, one kind of line
    end.
    """
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return UNWANTED.sub("", whole.replace("\r\n", "\n").replace("\r", "\n"))


def escaped_name(name: str) -> str:
    """Return a person's or place's name so that Discord shows its letters and does nothing else.

    At most 64 characters of the name are kept; a name of nothing visible becomes "someone".
    """
    flat = " ".join(UNWANTED.sub("", sanitised(name)).split())[:LONGEST_NAME]
    if not any(character.isprintable() and not character.isspace() for character in flat):
        return "someone"
    return MARKUP.sub(r"\\\1", flat)


def heard(content: str, bot_id: int, names: Mapping[int, str] | None = None) -> str:
    """Return what a person wrote as words: the bar's own mention gone, others' as their names,
    custom emoji as `:name:`.
    """

    def named(match: re.Match[str]) -> str:
        who = int(match[1])
        return "" if who == bot_id else f"@{(names or {}).get(who, 'someone')}"

    words = EMOJI.sub(r":\1:", MENTION.sub(named, sanitised(content)))
    return re.sub(r"[ \t]{2,}", " ", words).strip(" \t\n,")


def split(text: str, limit: int = LONGEST_MESSAGE) -> tuple[str, ...]:
    """Return `text` in parts of at most `limit` UTF-16 units; none for white space alone.

    Args:
        text: any text.
        limit: at least 16, so that a code block can be closed and opened again.

    Raises:
        ValueError: `limit` is below 16.
    """
    if limit < 16:
        raise ValueError(f"limit must be at least 16, not {limit}")
    return tuple(_parts(sanitised(text).strip(), limit))


def _parts(rest: str, limit: int) -> Iterator[str]:
    while rest:
        if units(rest) <= limit:
            yield rest
            return
        end, start, fence = _cut(rest, limit)
        if fence is None:
            part, rest = rest[:end].rstrip(), rest[start:].lstrip()
        else:
            part, rest = f"{rest[:end]}\n```", f"```{fence}\n{rest[start:]}"
        if part:
            yield part


def _cut(text: str, limit: int) -> tuple[int, int, str | None]:
    """Return where the first part ends, where the next begins, and the language of the code block
    that the cut goes through, if it has to.
    """
    reach = _reach(text, limit)
    fences = [(m.start(), m.end()) for m in FENCE.finditer(text)]
    blocked = [span for span in fences if units(text[span[0] : span[1]]) <= limit]
    outside = FENCE.sub(lambda fence: "\n" * len(fence[0]), text)
    blocked += _atoms(outside, limit, 0, len(text))
    least = reach // SMALLEST_SHARE
    for cut in CUTS:
        found = _last(cut, text, reach, least, blocked + fences)
        if found is not None:
            return *found, None
    open_fence = next((f for f in fences if f[0] < reach < f[1]), None)
    if open_fence is not None and open_fence[0] == 0:
        return _cut_fence(text, limit)
    if open_fence is not None:
        return open_fence[0], open_fence[0], None
    atom = next((span for span in blocked if 0 < span[0] < reach < span[1]), None)
    end = _whole(text, reach if atom is None else atom[0])
    return end, end, None


def _atoms(text: str, limit: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where the things are that stay whole; of one that is too long, what it holds."""
    for match in ATOM.finditer(text, start, end):
        if units(match[0]) <= limit:
            yield match.span()
        else:
            yield from _atoms(text, limit, match.start() + 1, match.end())


def _last(
    cut: re.Pattern[str], text: str, reach: int, least: int, blocked: list[tuple[int, int]]
) -> tuple[int, int] | None:
    """Return the last place for this kind of cut between `least` and `reach`."""
    found = None
    for match in cut.finditer(text, 0, min(len(text), reach + 200)):
        end = match.start() + len(match[0]) - len(match[0].lstrip("\"'”’)]*_"))
        if end > reach:
            break
        inside = any(start < end < stop for start, stop in blocked)
        if end >= max(least, 1) and not inside:
            found = (end, max(match.end(), end))
    return found


def _cut_fence(text: str, limit: int) -> tuple[int, int, str]:
    """Cut inside the code block that `text` begins with: after a line if possible."""
    opening = re.match(r"```([\w+-]*)(?=\n)", text)
    language = "" if opening is None or len(opening[1]) > limit - 12 else opening[1]
    head = 3 if opening is None else opening.end() + 1
    reach = _reach(text, limit - 4)
    line = text.rfind("\n", head, reach)
    if line > head:
        return line, line + 1, language
    end = _whole(text, max(reach, head + 1))
    return end, end, language


def _reach(text: str, limit: int) -> int:
    """Return how many code points of `text` fit into `limit` UTF-16 units."""
    used = 0
    for index, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > limit:
            return index
    return len(text)


def _whole(text: str, end: int) -> int:
    """Move `end` back so that it stands between two characters as a reader sees them."""
    for place in range(end, max(end - 32, 0), -1):
        if place < len(text) and not _joined(text[place - 1], text[place]):
            return place
    return end


def _joined(left: str, right: str) -> bool:
    flags = "\U0001f1e6" <= left <= "\U0001f1ff" and "\U0001f1e6" <= right <= "\U0001f1ff"
    skin = "\U0001f3fb" <= right <= "\U0001f3ff"
    joiner = "\u200d" in (left, right)
    mark = unicodedata.category(right) in ("Mn", "Me", "Mc") or "\ufe00" <= right <= "\ufe0f"
    return flags or skin or joiner or mark

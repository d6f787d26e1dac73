"""The documents say what the code does: events, settings, names, links."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from bot.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EVENT = re.compile(r"[a-z_]+\.[a-z_]+")
LEVELS = {"debug", "info", "warning", "error", "exception"}
NEVER_LOGGED = {"text", "content", "username", "display_name", "nickname", "prompt", "reply"}
OTHERS = {"library.says"}
"""What bot.logs makes of other libraries' lines; no call of ours."""


def sources() -> list[Path]:
    return sorted(
        path for room in ("actors", "bot", "storage") for path in (ROOT / room).rglob("*.py")
    )


def strings(node: ast.AST) -> set[str]:
    return {
        c.value for c in ast.walk(node) if isinstance(c, ast.Constant) and isinstance(c.value, str)
    }


def logged(tree: ast.AST) -> list[ast.Call]:
    """Return the calls that log, and those of helpers that take the event as their first
    argument.
    """
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (
            node.func.attr == "_warn"
            or (node.func.attr in LEVELS and ast.unparse(node.func.value) == "log")
        )
        and node.args
    ]


def events() -> set[str]:
    found: set[str] = set()
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in logged(tree):
            found |= strings(call.args[0])
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "event":
                found |= strings(node.value)
    return {each for each in found if EVENT.fullmatch(each)}


def section(title: str) -> str:
    return README.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def first_column(text: str) -> set[str]:
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


class TestEvents:
    def test_every_event_has_its_row_and_every_row_its_event(self) -> None:
        assert first_column(section("What the logs say")) == events()

    def test_no_event_is_put_together_at_run_time(self) -> None:
        for path in sources():
            for call in logged(ast.parse(path.read_text(encoding="utf-8"))):
                assert not isinstance(call.args[0], ast.JoinedStr), f"{path.name}:{call.lineno}"

    def test_no_field_holds_anyones_words_or_name(self) -> None:
        for path in sources():
            for call in logged(ast.parse(path.read_text(encoding="utf-8"))):
                extras = [k.value for k in call.keywords if k.arg == "extra"]
                keys = {
                    key.value
                    for extra in extras
                    for node in ast.walk(extra)
                    if isinstance(node, ast.Dict)
                    for key in node.keys
                    if isinstance(key, ast.Constant)
                }
                assert not keys & NEVER_LOGGED, f"{path.name}:{call.lineno}"


class TestSettings:
    def test_every_setting_has_its_row_and_every_row_its_setting(self) -> None:
        documented = first_column(section("Settings"))

        assert {name.lower() for name in documented} == set(Settings.model_fields)

    @pytest.mark.parametrize(
        "name",
        """model_reply model_facts model_vision fact_extraction_rate database_pool_size
        database_max_overflow keep_messages_days keep_crisis_hours discord_sync log_format
        log_level""".split(),  # noqa: SIM905 - a list of names reads best as one
    )
    def test_the_defaults_are_those_of_the_code(self, name: str) -> None:
        row = next(line for line in README.splitlines() if line.startswith(f"| `{name.upper()}`"))

        assert f"`{Settings.model_fields[name].default}`" in row


class TestNames:
    def test_every_name_of_the_founding_table_can_be_imported(self) -> None:
        named = re.findall(r"`((?:storage|actors)\.[\w.]+)`", section("From the founding guide"))

        assert len(named) >= 20
        for dotted in named:
            assert resolved(dotted) is not None

    def test_every_linked_file_is_there(self) -> None:
        for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
            text = document.read_text(encoding="utf-8")
            for link in re.findall(r"\]\(([^)#]+)", text):
                if "://" not in link:
                    assert (document.parent / link).exists(), f"{document.name}: {link}"

    def test_nothing_is_left_to_be_filled_in(self) -> None:
        assert "<!--" not in README


def resolved(dotted: str) -> object:
    """Return what a dotted name names."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            thing: object = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for part in parts[cut:]:
            thing = getattr(thing, part)
        return thing
    raise LookupError(dotted)

"""`sleepy templates` shows what each template does."""

from __future__ import annotations

import json

import pytest

from cli.fakes import make_terminal, parse
from sleepy_agent.cli.templates import run_with
from sleepy_agent.errors import BadUsage
from sleepy_agent.fixes.templates.catalogue import Template, template_from_entry

ENTRY = {
    "name": "borrow_value",
    "says": "borrow `{value}`",
    "codes": ["E0382"],
    "family": "borrow_checker",
    "cost": 0.1,
    "keeps_behaviour": True,
    "query": "(identifier) @at",
    "edits": [{"before": "at", "put": "&"}],
    "example": {"before": "fn f() {\n    take(x);\n}\n", "after": "fn f() {\n    take(&x);\n}\n"},
    "leave_alone": "",
}
SYNTAX = {**ENTRY, "name": "add_semicolon", "codes": [""], "family": "syntax", "keeps_behaviour": False}
TEMPLATES: tuple[Template, ...] = (template_from_entry(ENTRY, "moves"), template_from_entry(SYNTAX, "syntax"))


def shown(*words: str) -> str:
    terminal = make_terminal()
    assert run_with(parse("templates", *words), terminal.as_terminal, TEMPLATES) == 0
    return terminal.output.getvalue()


def test_before_and_after_are_shown_with_the_changed_lines_marked() -> None:
    lines = shown("--code", "e0382").splitlines()
    assert lines[0].split() == [
        "borrow_value",
        "E0382",
        "borrow_checker",
        "cost",
        "0.1",
        "keeps",
        "what",
        "the",
        "program",
        "does",
    ]
    assert lines.index("  before:") < lines.index("  |     take(x);") < lines.index("  after:")
    assert "  |     take(&x);" in lines
    assert "    fn f() {" in lines
    assert lines[-1] == "1 template."


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ((), ["borrow_value", "add_semicolon"]),
        (("--code", "E0382"), ["borrow_value"]),
        (("--code", "none"), ["add_semicolon"]),
        (("--family", "syntax"), ["add_semicolon"]),
        (("--name", "borrow_value"), ["borrow_value"]),
    ],
)
def test_what_is_asked_for_is_shown(words: tuple[str, ...], names: list[str]) -> None:
    found = json.loads(shown("--json", *words))["templates"]
    assert [template["name"] for template in found] == names
    assert all(template["before"] != template["after"] for template in found)


def test_a_list_has_no_examples() -> None:
    assert "before" not in shown("--list")


def test_an_unknown_code_is_said_so() -> None:
    with pytest.raises(BadUsage, match="code E9999"):
        shown("--code", "E9999")

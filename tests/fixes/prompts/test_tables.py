"""The data that questions are made of."""

from __future__ import annotations

import re
import subprocess

import pytest

from sleepy_agent.fixes.prompts.compose import NO_CODE, Speech, all_hints
from sleepy_agent.fixes.prompts.profiles import EditForm, Names, Style, all_profiles, profile_for


def test_there_is_a_hint_for_most_codes_and_each_is_short() -> None:
    hints = all_hints()
    assert len(hints) >= 100
    assert NO_CODE in hints
    for code, hint in hints.items():
        assert code == NO_CODE or re.fullmatch(r"E0\d{3}", code), code
        assert 20 < len(hint.says) < 260 and hint.says.endswith("."), code


@pytest.mark.parametrize("code", sorted(all_hints().keys() - {NO_CODE}))
def test_a_hint_is_for_a_code_that_rustc_knows(code: str) -> None:
    outcome = subprocess.run(["rustc", "--explain", code], capture_output=True, check=False)
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize(
    ("model", "profile"),
    [
        ("sleepy-seed#0123abcd", "seed"),
        ("Seed", "seed"),
        ("stand-in#00", "seed"),
        ("seedling", "instruct"),
        ("qwen2.5-coder-1.5b-instruct#01", "instruct"),
        ("gpt-oss@example.org", "instruct"),
        ("", "instruct"),
    ],
)
def test_a_model_is_asked_by_the_profile_of_its_name(model: str, profile: str) -> None:
    assert profile_for(model).name == profile


def test_every_profile_can_be_asked() -> None:
    for profile in all_profiles():
        assert profile.sections[-1] == "error" and "code" in profile.sections
        assert all(hasattr(Speech, name) or hasattr(Speech, f"{name}_section") for name in profile.sections)
        # A grammar is only known for line edits, and abstract names need a form whose words can be told apart.
        assert not profile.grammar or profile.edits is EditForm.LINES
        assert profile.names is Names.REAL or profile.edits is EditForm.LINES
        assert profile.style is Style.RAW or profile.instruction

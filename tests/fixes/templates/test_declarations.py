"""Every form of declarations_forms.toml becomes what it says, and Rust reads that."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.programs import errors_of
from fixes.templates.marked_programs import repaired_texts, squeezed
from sleepy_agent.fixes.templates.declarations_forms import Form, all_forms


@pytest.mark.parametrize("form", all_forms(), ids=lambda form: form.becomes)
def test_a_form_of_another_language_becomes_rust(form: Form, tmp_path: Path) -> None:
    assert errors_of(tmp_path, form.right) == ()
    assert squeezed(form.right) in repaired_texts(tmp_path, form.wrong)

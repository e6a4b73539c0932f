"""Every template does to its example what it says, the compiler accepts that, and it leaves the other program alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.programs import after, context_of, errors_of, problems_of
from sleepy_agent.code.flags import all_flags
from sleepy_agent.fixes.sources.context import SourceContext
from sleepy_agent.fixes.templates.catalogue import Template, all_templates, fill, matcher_named
from sleepy_agent.fixes.templates.matching import proposals_of

EVERY = [pytest.param(template, id=template.name) for template in all_templates()]


@pytest.mark.parametrize("template", EVERY)
def test_the_example_is_mended(template: Template, tmp_path: Path) -> None:
    problems = problems_of(tmp_path, template.example_before, template.edition)
    served = [problem for problem in problems if (problem.code or "") in template.codes]
    assert served, [(problem.code, problem.message) for problem in problems]
    context = context_of(tmp_path, template.example_before, template.edition)
    texts = {}
    for problem in served:
        for scene, proposal in proposals_of(template, problem, context):
            texts[after(context, proposal.edits)] = fill(template.says, {**scene.values, **proposal.values})
    assert template.example_after in texts, list(texts)
    assert "{" not in texts[template.example_after].replace("{}", ""), "a hole of the title is not filled"
    assert errors_of(tmp_path, template.example_after, template.edition) == ()
    assert template.family in {problem.family for problem in served}


@pytest.mark.parametrize("template", EVERY)
def test_it_leaves_the_other_program_alone(template: Template, tmp_path: Path) -> None:
    problems = problems_of(tmp_path, template.leave_alone, template.edition)
    served = [problem for problem in problems if (problem.code or "") in template.codes]
    assert served, [(problem.code, problem.message) for problem in problems]
    context = context_of(tmp_path, template.leave_alone, template.edition)
    assert [after(context, proposal.edits) for _, proposal in all_proposals(template, served, context)] == []


def all_proposals(template, problems, context: SourceContext):  # type: ignore[no-untyped-def]
    return [found for problem in problems for found in proposals_of(template, problem, context)]


def test_what_templates_excuse_are_flags() -> None:
    assert {name for template in all_templates() for name in template.excuses} <= all_flags().keys()


def test_every_matcher_is_there() -> None:
    assert all(callable(matcher_named(template.matcher)) for template in all_templates() if template.matcher)

"""The edit templates as a source: what neither rustc nor rust-analyzer proposes. See fixes/templates/."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sleepy_agent.domain import Candidate, Edit, Problem
from sleepy_agent.fixes.sources.context import SourceContext, SteadyItems
from sleepy_agent.fixes.templates.catalogue import Template, fill, templates_by_code
from sleepy_agent.fixes.templates.matching import proposals_of
from sleepy_agent.fixes.templates.scene import Proposal, Scene


@dataclass(frozen=True, slots=True)
class TemplateSource:
    """All templates, or those that are not `left_out` (names; for benchmarks)."""

    name: str = "template"
    left_out: frozenset[str] = frozenset()
    is_strict: bool = False
    """Whether a matcher's defect is raised, as tests want it. Users lose one template for one problem instead."""

    def candidates(self, problem: Problem, context: SourceContext) -> Iterator[Candidate]:
        """The proposals of every template that serves the problem's code, cheapest template first."""
        context = replace(context, known_items=SteadyItems(context.known_items))
        seen: set[tuple[Edit, ...]] = set()
        for template in templates_by_code().get(problem.code or "", ()):
            if template.name in self.left_out:
                continue
            for scene, proposal in self._proposals(template, problem, context):
                edits = tuple(dict.fromkeys(proposal.edits))
                if edits not in seen:
                    seen.add(edits)
                    yield candidate_of(self.name, template, scene, proposal, edits)

    def _proposals(
        self, template: Template, problem: Problem, context: SourceContext
    ) -> Iterator[tuple[Scene, Proposal]]:
        try:
            yield from proposals_of(template, problem, context)
        except Exception:
            # What a matcher did not foresee in somebody's code must not end their repair.
            if self.is_strict:
                raise
            logging.getLogger(__name__).warning("The template %s failed.", template.name, exc_info=True)


def candidate_of(
    source: str, template: Template, scene: Scene, proposal: Proposal, edits: tuple[Edit, ...]
) -> Candidate:
    """A proposal as a candidate."""
    keeps = template.keeps_behaviour if proposal.keeps_behaviour is None else proposal.keeps_behaviour
    return Candidate(
        source=source,
        title=fill(template.says, {**scene.values, **proposal.values}),
        edits=edits,
        cost=template.cost + proposal.extra_cost,
        template=template.name,
        keeps_behaviour=keeps,
        question=proposal.question or template.question,
        excused_flags=template.excuses,
    )

"""Who proposes candidates. A source is a name and a function from a problem to candidates, cheapest first.

Adding one: a module here, and a line in `available_sources`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from sleepy_agent.domain import Candidate, Problem
from sleepy_agent.errors import BadUsage
from sleepy_agent.fixes.sources.context import SourceContext

__all__ = ["Source", "SourceContext", "available_sources", "choose_sources"]


class Source(Protocol):
    """Something that proposes edits."""

    @property
    def name(self) -> str:
        """The name users and episodes know it by: compiler, memory, template, model, remote."""

    def candidates(self, problem: Problem, context: SourceContext) -> Iterator[Candidate]:
        """Candidates for one problem, cheapest first, made when asked for. Never raises for a strange problem."""


def available_sources() -> Mapping[str, Source]:
    """Every source that is available here, in the order in which they are asked."""
    from sleepy_agent.fixes.sources.compiler import CompilerSource
    from sleepy_agent.fixes.sources.template import TemplateSource

    sources: tuple[Source, ...] = (CompilerSource(), TemplateSource())
    return {source.name: source for source in sources}


def choose_sources(names: tuple[str, ...] | None) -> tuple[Source, ...]:
    """The sources of an exact allow-list, or all that are available. Raises BadUsage for an unknown name."""
    available = available_sources()
    if names is None:
        return tuple(available.values())
    unknown = [name for name in names if name not in available]
    if unknown:
        known = ", ".join(available)
        raise BadUsage(f"There is no source {unknown[0]!r} here.", f"The sources available here are: {known}.")
    return tuple(available[name] for name in names)

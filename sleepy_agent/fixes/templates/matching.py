"""Does a template fit a problem, and what does it propose there?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace

import tree_sitter
from tree_sitter import Node

from sleepy_agent.domain import Edit, Problem
from sleepy_agent.fixes.sources.context import SourceContext
from sleepy_agent.fixes.templates.catalogue import EditRule, Template, fill, matcher_named
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# A template that fits in more ways than these has no opinion.
MOST_PROPOSALS_OF_A_TEMPLATE = 6


def proposals_of(template: Template, problem: Problem, context: SourceContext) -> Iterator[tuple[Scene, Proposal]]:
    """What a template proposes for a problem, with the scene whose values fill the title."""
    scene = scene_for(template, problem, context)
    if scene is None:
        return
    proposals = matcher_named(template.matcher)(scene) if template.matcher is not None else by_query(template, scene)
    for proposal in itertools.islice(proposals, MOST_PROPOSALS_OF_A_TEMPLATE):
        if proposal.edits and all(context.is_editable(edit.file) for edit in proposal.edits):
            yield scene, proposal


def scene_for(template: Template, problem: Problem, context: SourceContext) -> Scene | None:
    """The scene of a problem for a template, or None where its words or spans do not fit."""
    primary = problem.span
    if primary is None or (problem.code or "") not in template.codes:
        return None
    scene = Scene(problem, context, primary)
    values: dict[str, str] = {}
    for pattern, words in ((template.message, problem.message), (template.said, scene.said)):
        found = pattern.search(words) if pattern is not None else None
        if pattern is not None and found is None:
            return None
        values |= {name: value for name, value in (found.groupdict() if found else {}).items() if value is not None}
    span = scene.labelled(template.label.pattern) if template.label is not None else primary
    if span is None or not context.is_editable(span.file):
        return None
    return replace(scene, span=span, values=values)


def by_query(template: Template, scene: Scene) -> Iterator[Proposal]:
    """One proposal for each way the query fits around the scene's span, innermost first."""
    assert template.query is not None
    cursor = tree_sitter.QueryCursor(template.query)
    start, end = scene.span.byte_start, scene.span.byte_end
    # An empty range would find nothing.
    cursor.set_byte_range(start, max(end, start + 1))
    matches = [captures for _, captures in cursor.matches(scene.root) if is_there(captures, start, end)]
    for captures in sorted(matches, key=size_of_match):
        nodes = {name: found[0] for name, found in captures.items()}
        values = {**scene.values, **{name: scene.of(node) for name, node in nodes.items()}}
        if all(values.get(name) == fill(text, values) for name, text in template.where.items()):
            edits = tuple(edit_of(rule, nodes[rule.capture], values, scene) for rule in template.edits)
            yield Proposal(edits, values)


def is_there(captures: Mapping[str, list[Node]], start: int, end: int) -> bool:
    """Whether @at is exactly the span, and @around holds it."""
    exact = all(node.start_byte == start and node.end_byte == end for node in captures.get("at", ()))
    held = all(node.start_byte <= start and end <= node.end_byte for node in captures.get("around", ()))
    return exact and held and bool(captures.keys() & {"at", "around"})


def size_of_match(captures: Mapping[str, list[Node]]) -> int:
    """How many bytes the captures reach over: the innermost match has the fewest."""
    nodes = [node for found in captures.values() for node in found]
    return max(node.end_byte for node in nodes) - min(node.start_byte for node in nodes)


def edit_of(rule: EditRule, node: Node, values: Mapping[str, str], scene: Scene) -> Edit:
    """The edit that a rule makes at a node."""
    text = fill(rule.text, values)
    if rule.how == "replace":
        return scene.replace(node, text)
    return scene.insert(node.start_byte if rule.how == "before" else node.end_byte, text)

"""Attributes with a wrong form or a wrong word."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.names import nearest
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# The tools that rustc knows in front of a lint's or attribute's name.
LINT_TOOLS = ("clippy", "rustc", "rustdoc", "rustfmt", "miri", "diagnostic", "rust_analyzer")


def attribute_around(scene: Scene) -> Node | None:
    """The attribute that the compiler speaks of."""
    return scene.around({"attribute_item", "inner_attribute_item"})


def without_member(scene: Scene, start: int, end: int) -> Edit:
    """Take a member of a list away, with the comma that belongs to it."""
    behind = re.match(rb"\s*,\s*", scene.text[end:])
    if behind is not None:
        return scene.delete(start, end + behind.end())
    before = re.search(rb"\s*,\s*$", scene.text[:start])
    return scene.delete(before.start() if before is not None else start, end)


def words_without_quotes(scene: Scene) -> Iterator[Proposal]:
    """`#[derive("Clone")]`, `#[repr("C")]`: the words are meant, not strings."""
    attribute = attribute_around(scene)
    if attribute is None:
        return
    strings = [
        node
        for node in nodes_of_kind(attribute, "string_literal")
        if re.fullmatch(r'"[A-Za-z]\w*"', scene.of(node)) and not scene.code(0, node.start_byte).rstrip().endswith("=")
    ]
    words = re.match(r"#!?\[\s*(derive|repr|cfg|allow|deny|warn|expect|target_feature)\b", scene.of(attribute))
    if strings and words is not None:
        yield Proposal(tuple(scene.replace(node, scene.of(node).strip('"')) for node in strings))


def nodes_of_kind(node: Node, kind: str) -> list[Node]:
    """All nodes of a kind below a node, in the order of the text."""
    found = [node] if node.type == kind else []
    for child in node.children:
        found += nodes_of_kind(child, kind)
    return found


def known_lint_tool(scene: Scene) -> Iterator[Proposal]:
    """`clipp::all` where `clippy::all` is meant."""
    written = scene.of(scene.node)
    for name, _ in nearest(written, LINT_TOOLS, 1):
        yield Proposal((scene.replace(scene.span, name),), {"tool": name})


def plain_lint_name(scene: Scene) -> Iterator[Proposal]:
    """`#[allow(dead_code = "")]`: a lint takes no value."""
    written = scene.code(scene.span.byte_start, scene.span.byte_end)
    found = re.fullmatch(r'([a-z_:]+)\s*=\s*""', written)
    if found:
        yield Proposal((scene.replace(scene.span, found[1]),), {"lint": found[1]})


def deny_instead_of_forbid(scene: Scene) -> Iterator[Proposal]:
    """What is forbidden for the whole crate cannot be allowed at one place; what is denied can."""
    attribute = attribute_around(scene)
    word = (
        next((node for node in nodes_of_kind(attribute, "identifier") if scene.of(node) == "forbid"), None)
        if (attribute is not None)
        else None
    )
    lints = scene.code(word.end_byte, attribute.end_byte) if word is not None and attribute is not None else ""
    # Beside other lints the whole attribute would become weaker.
    if word is not None and "," not in lints:
        yield Proposal((scene.replace(word, "deny"),))


def export_name_without_nul(scene: Scene) -> Iterator[Proposal]:
    """A symbol's name ends at a NUL, so none may stand in it."""
    literal = scene.node if scene.node.type == "string_literal" else None
    if literal is None:
        attribute = attribute_around(scene)
        literal = next(iter(nodes_of_kind(attribute, "string_literal")), None) if attribute is not None else None
    if literal is not None and "\\0" in scene.of(literal):
        yield Proposal((scene.replace(literal, scene.of(literal).replace("\\0", "")),))

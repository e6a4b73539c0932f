"""Declarations that Rust does not allow in this form: functions, aliases, parameters, visibility."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.fixes.templates.scene import Proposal, Scene


def below(node: Node) -> Iterator[Node]:
    """A node and everything below it."""
    yield node
    for child in node.children:
        yield from below(child)


def pattern_free_parameter_type(scene: Scene) -> Iterator[Proposal]:
    """In the type of a function a parameter has at most a name: `mut` says nothing there."""
    found = re.fullmatch(r"mut\s+(\w+)", scene.code(scene.span.byte_start, scene.span.byte_end))
    if found is not None:
        yield Proposal((scene.replace(scene.span, found[1]),))


def visible_in_the_module(scene: Scene) -> Iterator[Proposal]:
    """`pub(in a::Type)`: visibility is of modules; the module that holds the type is meant."""
    modifier = scene.around("visibility_modifier")
    path = next((node for node in below(modifier) if node.type == "scoped_identifier"), None) if modifier else None
    parent = path.child_by_field_name("path") if path is not None else None
    if path is not None and parent is not None:
        yield Proposal((scene.replace(path, scene.of(parent)),), {"module": scene.of(parent)})


def inferred_lifetime_arguments(scene: Scene) -> Iterator[Proposal]:
    """Lifetimes that a call decides are not written at the call."""
    arguments = scene.around("type_arguments")
    if arguments is None:
        return
    others = [child for child in arguments.named_children if child.type != "lifetime"]
    if not others:
        start = arguments.start_byte - (2 if scene.code(0, arguments.start_byte).endswith("::") else 0)
        yield Proposal((scene.delete(start, arguments.end_byte),))
    else:
        text = ", ".join(scene.of(child) for child in others)
        yield Proposal((scene.replace(arguments, f"<{text}>"),))


GENERIC_ORDER = {"lifetime": 0}


def ordered_generic_arguments(scene: Scene) -> Iterator[Proposal]:
    """Lifetimes come first in a list of generic arguments."""
    arguments = scene.around("type_arguments")
    if arguments is None:
        return
    written = list(arguments.named_children)
    ordered = sorted(written, key=lambda node: GENERIC_ORDER.get(node.type, 1))
    if [node.start_byte for node in ordered] != [node.start_byte for node in written]:
        text = ", ".join(scene.of(node) for node in ordered)
        yield Proposal((scene.replace(arguments, f"<{text}>"),))

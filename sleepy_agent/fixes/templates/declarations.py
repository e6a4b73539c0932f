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


def parameter_without_pattern(scene: Scene) -> Iterator[Proposal]:
    """Where a function has no body, a parameter has a name, not a pattern: the names of the pattern, joined."""
    pattern = scene.code(scene.span.byte_start, scene.span.byte_end)
    names = [name for name in re.findall(r"\b[a-z]\w*", pattern) if name not in {"mut", "ref"}]
    if names:
        yield Proposal((scene.replace(scene.span, "_".join(names)),), {"name": "_".join(names)})


def pattern_free_parameter_type(scene: Scene) -> Iterator[Proposal]:
    """In the type of a function a parameter has at most a name: `mut` says nothing there."""
    found = re.fullmatch(r"mut\s+(\w+)", scene.code(scene.span.byte_start, scene.span.byte_end))
    if found is not None:
        yield Proposal((scene.replace(scene.span, found[1]),))


def constant_without_return(scene: Scene) -> Iterator[Proposal]:
    """The value of a constant is an expression; nothing returns from it."""
    expression = scene.around("return_expression")
    value = next(iter(expression.named_children), None) if expression is not None else None
    if expression is not None and value is not None:
        yield Proposal((scene.delete(expression.start_byte, value.start_byte),))


def visible_in_the_module(scene: Scene) -> Iterator[Proposal]:
    """`pub(in a::Type)`: visibility is of modules; the module that holds the type is meant."""
    modifier = scene.around("visibility_modifier")
    path = next((node for node in below(modifier) if node.type == "scoped_identifier"), None) if modifier else None
    parent = path.child_by_field_name("path") if path is not None else None
    if path is not None and parent is not None:
        yield Proposal((scene.replace(path, scene.of(parent)),), {"module": scene.of(parent)})


def copied_packed_field(scene: Scene) -> Iterator[Proposal]:
    """A field of a packed struct may lie unaligned: refer to a copy of it, in a block."""
    written = scene.code(scene.span.byte_start, scene.span.byte_end)
    found = re.fullmatch(r"(&(?!mut\b)\s*)?(\w+(?:\.\w+)+)", written)
    if found is not None:
        yield Proposal((scene.replace(scene.span, f"{found[1] or ''}{{ {found[2]} }}"),), {"field": found[2]})


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


def ordered_generic_parameters(scene: Scene) -> Iterator[Proposal]:
    """A default may only name parameters that stand before it: exchange the two."""
    parameters = scene.around("type_parameters")
    if parameters is None:
        return
    named = scene.code(scene.span.byte_start, scene.span.byte_end)
    written = list(parameters.named_children)
    user = next((node for node in written if node.start_byte <= scene.span.byte_start < node.end_byte), None)
    used = next((node for node in written if re.match(rf"{re.escape(named)}\b", scene.of(node))), None)
    if user is not None and used is not None and user.start_byte < used.start_byte and "=" in scene.of(used):
        edits = (scene.replace(user, scene.of(used)), scene.replace(used, scene.of(user)))
        yield Proposal(edits, {"used": named})

"""The local names of Rust code: what binds them, where they count, where they are used. Pure, on syntax trees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tree_sitter import Node

from sleepy_agent.code.item_parts import named, text_of
from sleepy_agent.code.syntax import ancestors, node_at

LocalKind = Literal["let", "parameter", "pattern", "self", "closure_parameter", "for"]

# Nothing local is seen through these from inside.
WALLS = frozenset(
    {"function_item", "const_item", "static_item", "impl_item", "trait_item", "mod_item", "struct_item", "enum_item"}
)
# Parts of patterns that name no new variable.
NOT_BINDING = frozenset({"scoped_identifier", "type_arguments", "range_pattern", "const_block", "macro_invocation"})


@dataclass(frozen=True, slots=True)
class Local:
    """One local variable. The positions are bytes."""

    name: str
    type: str | None
    """The type that is written beside it, where it is the whole pattern."""
    is_mutable: bool
    kind: LocalKind
    byte_start: int
    """Of the name where it is bound."""
    byte_end: int
    pattern_start: int
    initializer: str | None
    """What a `let` gives it, where it is the whole pattern."""
    declaration_start: int
    """Of the `let`, the parameter, the arm or the loop that binds it."""
    declaration_end: int
    scope_start: int
    """From here on it can be used ..."""
    scope_end: int
    """... to here."""
    is_whole_pattern: bool = True
    by_reference: bool = False
    """Bound with `ref`."""


def bindings_in(pattern: Node, text: bytes) -> Iterator[tuple[Node, bool, bool]]:
    """The names that a pattern binds, each with whether it is `mut` and whether it is `ref`.

    A name in capitals is a constant, a variant or a unit struct.
    """
    kind = pattern.type
    if kind in {"identifier", "shorthand_field_identifier"}:
        first = text[pattern.start_byte : pattern.start_byte + 1]
        if first.islower() or first == b"_" or first >= b"\x80":
            parent = pattern.parent
            yield pattern, parent is not None and named(parent, "mutable_specifier") is not None, False
        return
    if kind in NOT_BINDING:
        return
    if kind in {"ref_pattern", "mut_pattern"}:
        for inner in pattern.named_children:
            for node, is_mutable, is_ref in bindings_in(inner, text):
                yield node, is_mutable or kind == "mut_pattern", is_ref or kind == "ref_pattern"
        return
    not_values = {pattern.child_by_field_name("type"), pattern.child_by_field_name("condition")}
    for child in pattern.named_children:
        is_field_name = kind == "field_pattern" and child.type == "field_identifier"
        if child not in not_values and not is_field_name and child.type != "mutable_specifier":
            yield from bindings_in(child, text)


def _locals_of(
    declaration: Node,
    pattern: Node | None,
    text: bytes,
    kind: LocalKind,
    scope: tuple[int, int],
) -> list[Local]:
    """The locals that one declaration binds, the last of the text first."""
    if pattern is None:
        return []
    written = text_of(declaration.child_by_field_name("type"), text) or None
    value = text_of(declaration.child_by_field_name("value"), text) or None if kind == "let" else None
    found = []
    for node, is_mutable, is_ref in bindings_in(pattern, text):
        is_whole = node == pattern
        found.append(
            Local(
                name=text_of(node, text),
                type=written if is_whole else None,
                is_mutable=is_mutable,
                kind=kind,
                byte_start=node.start_byte,
                byte_end=node.end_byte,
                pattern_start=pattern.start_byte,
                initializer=value if is_whole else None,
                declaration_start=declaration.start_byte,
                declaration_end=declaration.end_byte,
                scope_start=scope[0],
                scope_end=scope[1],
                is_whole_pattern=is_whole,
                by_reference=is_ref,
            )
        )
    return found[::-1]


def _parameters(function: Node, text: bytes, body: Node | None) -> list[Local]:
    """The parameters of a function or a closure, `self` among them."""
    parameters = function.child_by_field_name("parameters") or named(function, "parameters")
    scope = (body.start_byte, body.end_byte) if body is not None else (function.start_byte, function.end_byte)
    kind: LocalKind = "closure_parameter" if function.type == "closure_expression" else "parameter"
    found: list[Local] = []
    for child in parameters.named_children if parameters is not None else ():
        if child.type == "self_parameter":
            found.append(_self(child, child, text, scope))
        elif child.type == "parameter":
            pattern = child.child_by_field_name("pattern")
            if pattern is not None and pattern.type == "self":
                found.append(_self(child, pattern, text, scope))
            else:
                found += _locals_of(child, pattern, text, kind, scope)
        elif kind == "closure_parameter":
            found += _locals_of(child, child, text, kind, scope)
    return found


def _self(declaration: Node, pattern: Node, text: bytes, scope: tuple[int, int]) -> Local:
    name = named(declaration, "self") or pattern
    written = text_of(declaration.child_by_field_name("type"), text)
    reference = re.match(r"&(?:\s*'\w+)?(?:\s*mut\b)?", text_of(declaration, text))
    held = re.sub(r"\s+", " ", reference.group()) if reference is not None else ""
    type_text = written or ("&Self" if held == "&" else f"{held} Self".strip())
    is_mutable = reference is None and named(declaration, "mutable_specifier") is not None
    return Local(
        "self",
        type_text,
        is_mutable,
        "self",
        name.start_byte,
        name.end_byte,
        pattern.start_byte,
        None,
        declaration.start_byte,
        declaration.end_byte,
        *scope,
    )


def _conditions(condition: Node | None, text: bytes, position: int, scope_end: int) -> list[Local]:
    """What `if let`, `while let` and chains of them bind before a position."""
    if condition is None:
        return []
    if condition.type in {"let_chain", "binary_expression"}:
        parts = reversed(condition.named_children)
        return [local for part in parts for local in _conditions(part, text, position, scope_end)]
    if condition.type != "let_condition" or condition.end_byte > position:
        return []
    pattern = condition.child_by_field_name("pattern")
    return _locals_of(condition, pattern, text, "pattern", (condition.end_byte, scope_end))


def _bound_by(around: Node, inner: Node | None, text: bytes, position: int) -> list[Local]:
    """What a node binds for a position in it, the latest first; `inner`: its child that holds the position."""
    kind, body = around.type, around.child_by_field_name("body")
    if kind in {"block", "ERROR", "source_file"}:
        found: list[Local] = []
        for child in reversed(around.children):
            if child.type == "let_declaration" and child.end_byte <= position:
                pattern = child.child_by_field_name("pattern")
                found += _locals_of(child, pattern, text, "let", (child.end_byte, around.end_byte))
            elif child.type == "parameters" and kind == "ERROR" and child.end_byte <= position:
                # The head of a function whose body could not be read.
                return found + _parameters(around, text, None)
        return found
    is_in_body = inner is not None and inner == body
    if kind in {"function_item", "closure_expression"}:
        return _parameters(around, text, body) if is_in_body else []
    if kind == "for_expression":
        pattern = around.child_by_field_name("pattern")
        return (
            _locals_of(around, pattern, text, "for", (inner.start_byte, inner.end_byte)) if inner and is_in_body else []
        )
    if kind == "match_arm":
        pattern = around.child_by_field_name("pattern")
        scope = (pattern.named_children[0].end_byte if pattern and pattern.named_children else 0, around.end_byte)
        return _locals_of(around, pattern, text, "pattern", scope) if position >= scope[0] else []
    if kind == "if_expression":
        consequence = around.child_by_field_name("consequence")
        is_inside = inner is not None and inner == consequence
        condition = around.child_by_field_name("condition")
        return _conditions(condition, text, position, consequence.end_byte) if is_inside and consequence else []
    if kind == "while_expression":
        condition = around.child_by_field_name("condition")
        return _conditions(condition, text, position, around.end_byte) if is_in_body else []
    if kind == "let_chain":
        holder = around.parent or around
        end = holder.child_by_field_name("consequence") or holder
        return _conditions(around, text, position, end.end_byte)
    return []


def all_locals_at(root: Node, text: bytes, position: int) -> Iterator[Local]:
    """Every local whose scope holds the position, shadowed ones too, innermost and latest first."""
    inner: Node | None = None
    for around in ancestors(node_at(root, position, position)):
        yield from _bound_by(around, inner, text, position)
        if around.type in WALLS:
            return
        inner = around


def locals_at(root: Node, text: bytes, position: int) -> tuple[Local, ...]:
    """The locals that can be named at a position, innermost first; a shadowed one is left out."""
    found: dict[str, Local] = {}
    for local in all_locals_at(root, text, position):
        found.setdefault(local.name, local)
    return tuple(found.values())


def declaration_of(root: Node, text: bytes, position: int, name: str) -> Local | None:
    """The local that a name means at a position."""
    return next((local for local in all_locals_at(root, text, position) if local.name == name), None)


def is_binding(node: Node) -> bool:
    """Whether an identifier stands in a pattern rather than in an expression."""
    for inner in ancestors(node):
        parent = inner.parent
        if parent is None or parent.type in {"block", "arguments"}:
            return False
        if parent.type == "match_pattern":
            return inner != parent.child_by_field_name("condition")
        if parent.type == "closure_parameters" or inner == parent.child_by_field_name("pattern"):
            return True
    return False


def uses_of(root: Node, text: bytes, local: Local) -> tuple[Node, ...]:
    """The places that mention the local after it is bound, in the order of the text; names in macros count.

    Mentions inside of format strings are `format_uses_of`.
    """
    found = []
    name = re.compile(rb"(?<!\w)" + re.escape(local.name.encode()) + rb"(?!\w)")
    for match in name.finditer(text, local.scope_start, local.scope_end):
        node = node_at(root, match.start(), match.end())
        if node.type not in {"identifier", "self"} or node.start_byte != match.start():
            continue
        parent = node.parent
        if parent is not None and parent.type in {"scoped_identifier", "label", "lifetime"}:
            continue
        if parent is not None and parent.type == "token_tree" and is_path_in_macro(text, *match.span()):
            continue
        if not is_binding(node) and _is_meant(root, text, match.start(), local):
            found.append(node)
    return tuple(found)


def format_uses_of(root: Node, text: bytes, local: Local) -> tuple[tuple[int, int], ...]:
    """Where the local is named inside of format strings (`"{total:>5}"`), as byte ranges of the name."""
    pattern = re.compile(rb"(?<!\{)(?:\{\{)*\{(" + re.escape(local.name.encode()) + rb")(?=[:}])")
    return tuple(
        match.span(1)
        for match in pattern.finditer(text, local.scope_start, local.scope_end)
        if node_at(root, match.start(1), match.end(1)).type == "string_content"
        and _is_meant(root, text, match.start(1), local)
    )


def _is_meant(root: Node, text: bytes, position: int, local: Local) -> bool:
    meant = declaration_of(root, text, position, local.name)
    return meant is not None and meant.byte_start == local.byte_start


def is_path_in_macro(text: bytes, start: int, end: int) -> bool:
    """Whether a name in a macro's arguments is a member or a part of a path (a range's dots are two)."""
    before = text[:start][-3:].rstrip()
    is_member = before.endswith(b".") and not before.endswith(b"..")
    return is_member or before.endswith(b"::") or text[end : end + 2] == b"::"

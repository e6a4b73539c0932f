"""Locals that are declared too far inside or not at all (E0425), and methods without `self` (E0424)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.names import similarity
from sleepy_agent.code.scopes import declaration_of, enclosing_block, locals_at
from sleepy_agent.code.syntax import ancestors, node_at
from sleepy_agent.fixes.templates.names_near import spelled
from sleepy_agent.fixes.templates.scene import Proposal, Scene

ASSIGNMENTS = frozenset({"assignment_expression", "compound_assignment_expr"})
# Methods of std's collections and strings that change what they are called on.
CHANGING_METHODS = frozenset(
    {"push", "push_str", "push_back", "push_front", "pop", "pop_front", "pop_back", "insert", "remove", "clear"}
    | {"extend", "append", "truncate", "retain", "drain", "entry", "sort", "sort_by", "sort_by_key", "dedup"}
    | {"get_mut", "iter_mut", "as_mut", "take", "replace", "swap", "reverse", "resize", "reserve", "next"}
    | {"sort_unstable", "values_mut", "first_mut", "last_mut", "get_or_insert_with", "write_all", "read_line"}
)
# A local this near to the name was meant, and no new one.
NEAR_LOCAL = 0.7


# ---- not declared ---------------------------------------------------------------------------------------------


def declare_local(scene: Scene) -> Iterator[Proposal]:
    """`total = 0;` -> `let mut total = 0;`; a `let` in front of the first statement that needs the name, where it is
    first assigned further inside."""
    name, function = scene.values["wanted"], scene.function()
    body = function.child_by_field_name("body") if function is not None else None
    if spelled(scene) != name or body is None or scene.node.type != "identifier":
        return
    uses = [
        node
        for node in identifiers_named(scene, body, name)
        if declaration_of(scene.root, scene.text, node.start_byte, name) is None
    ]
    assigned = [node for node in uses if is_assigned(node)]
    if not any(node.parent is not None and node.parent.type == "assignment_expression" for node in assigned):
        return
    block = common_block(uses)
    if block is None:
        return
    first = statement_in(block, uses[0])
    near = [
        one for one in locals_at(scene.root, scene.text, uses[0].start_byte) if similarity(one.name, name) > NEAR_LOCAL
    ]
    is_first_here = uses[0].parent is not None and uses[0].parent.parent == first and is_plainly_assigned(uses[0])
    if is_first_here:
        edit = scene.insert(
            first.start_byte, "let mut " if len(assigned) > 1 or is_borrowed_mutably(scene, uses) else "let "
        )
    else:
        changed = any(node.parent is not None and node.parent.type == "compound_assignment_expr" for node in assigned)
        indentation = scene.indentation(first.start_byte)
        edit = scene.insert(first.start_byte, f"let {'mut ' if changed else ''}{name};\n{indentation}")
    yield Proposal((edit,), {"name": name}, extra_cost=0.3 if near else 0.0, keeps_behaviour=not near)


def identifiers_named(scene: Scene, around: Node, name: str) -> list[Node]:
    """The identifiers of that name below a node, in the order of the text."""
    found: list[Node] = []
    waiting = [around]
    while waiting:
        node = waiting.pop()
        if node.type == "identifier" and scene.of(node) == name:
            found.append(node)
        waiting += reversed(node.children)
    return found


def is_assigned(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.type in ASSIGNMENTS and parent.child_by_field_name("left") == node


def is_plainly_assigned(node: Node) -> bool:
    return is_assigned(node) and node.parent is not None and node.parent.type == "assignment_expression"


def is_borrowed_mutably(scene: Scene, uses: list[Node]) -> bool:
    """Whether a use borrows the name mutably, or calls a method that changes it."""
    for node in uses:
        parent = node.parent
        if parent is None:
            continue
        if parent.type == "reference_expression" and any(
            child.type == "mutable_specifier" for child in parent.children
        ):
            return True
        method = parent.child_by_field_name("field") if parent.type == "field_expression" else None
        if method is not None and scene.of(method) in CHANGING_METHODS:
            return True
    return False


def common_block(nodes: list[Node]) -> Node | None:
    """The innermost block that holds all nodes."""
    first = nodes[0]
    return next(
        (
            block
            for block in ancestors(first)
            if block.type == "block"
            and all(block.start_byte <= one.start_byte and one.end_byte <= block.end_byte for one in nodes)
        ),
        None,
    )


def statement_in(block: Node, node: Node) -> Node:
    """The statement directly in a block that holds a node."""
    return next(one for one in ancestors(node) if one.parent == block)


# ---- declared too far inside ----------------------------------------------------------------------------------


def declare_outside(scene: Scene) -> Iterator[Proposal]:
    """`{ let total = sum(); } total` -> `let total; { total = sum(); } total`; in every branch that declares it."""
    name, note = scene.values["wanted"], scene.noted("available in a different scope")
    if spelled(scene) != name or note is None or note.file != scene.file:
        return
    binding = node_at(scene.root, note.byte_start, note.byte_end)
    declaration = binding.parent
    if declaration is None or declaration.type != "let_declaration":
        return
    block = common_block([binding, scene.node])
    if block is None or enclosing_block(declaration) == block:
        return
    statement = statement_in(block, binding)
    if scene.node.start_byte < statement.end_byte:
        return
    declarations = [
        node.parent
        for node in identifiers_named(scene, statement, name)
        if node.parent is not None
        and node.parent.type == "let_declaration"
        and node.parent.child_by_field_name("pattern") == node
    ]
    edits = []
    is_mutable, written_type = False, ""
    for one in declarations:
        pattern, value, type_node = (one.child_by_field_name(part) for part in ("pattern", "value", "type"))
        if pattern is None or value is None:
            return
        is_mutable |= any(child.type == "mutable_specifier" for child in one.children)
        written_type = written_type or (f": {scene.of(type_node)}" if type_node is not None else "")
        edits.append(scene.delete(one.start_byte, pattern.start_byte))
        if type_node is not None:
            edits.append(scene.delete(pattern.end_byte, type_node.end_byte))
    indentation = scene.indentation(statement.start_byte)
    mutable = "mut " if is_mutable else ""
    edits.append(scene.insert(statement.start_byte, f"let {mutable}{name}{written_type};\n{indentation}"))
    yield Proposal(tuple(edits), {"name": name})


# ---- methods without self -------------------------------------------------------------------------------------


def receiver_of_method(scene: Scene) -> Iterator[Proposal]:
    """Give the function that uses `self` the receiver it needs: `&mut self` where it changes something."""
    function = scene.function()
    parameters = function.child_by_field_name("parameters") if function is not None else None
    body = function.child_by_field_name("body") if function is not None else None
    if function is None or parameters is None or body is None or spelled(scene) != "self":
        return
    if any(child.type == "self_parameter" for child in parameters.children):
        return
    implementation = scene.index.implementation_at(scene.file, function.start_byte)
    if function.parent is None or function.parent.type != "declaration_list":
        return
    if function.parent.parent is None or function.parent.parent.type not in {"impl_item", "trait_item"}:
        return
    name = function.child_by_field_name("name")
    receiver = receiver_needed(scene, body)
    if implementation is not None and implementation.trait_name is not None and name is not None:
        declared = [
            item.self_parameter
            for item in scene.index.members_of(implementation.trait_name)
            if item.name == scene.of(name) and item.is_in_trait and item.self_parameter
        ]
        receiver = declared[0] if declared else receiver
    separator = ", " if parameters.named_child_count else ""
    yield Proposal((scene.insert(parameters.start_byte + 1, receiver + separator),), {"receiver": receiver})


def receiver_needed(scene: Scene, body: Node) -> str:
    """`&mut self` where the body changes a field or calls something that does, else `&self`."""
    waiting = [body]
    while waiting:
        node = waiting.pop()
        waiting += node.children
        if node.type in ASSIGNMENTS:
            left = node.child_by_field_name("left")
            if left is not None and scene.of(left).startswith(("self.", "*self")):
                return "&mut self"
        is_borrow = node.type == "reference_expression" and scene.of(node).startswith("&mut self")
        if is_borrow or (node.type == "call_expression" and is_changing_call(scene, node)):
            return "&mut self"
    return "&self"


def is_changing_call(scene: Scene, call: Node) -> bool:
    """Whether a call on `self` or one of its fields changes it."""
    function = call.child_by_field_name("function")
    value = function.child_by_field_name("value") if function is not None else None
    method = function.child_by_field_name("field") if function is not None else None
    if value is None or method is None or not scene.of(value).startswith("self"):
        return False
    name = scene.of(method)
    if scene.of(value) == "self":
        return any(item.self_parameter == "&mut self" for item in scene.index.functions_named(name))
    return name in CHANGING_METHODS


def field_of_self_by_number(scene: Scene) -> Iterator[Proposal]:
    """`0.push(3)` -> `self.0.push(3)`, in a method of a tuple struct."""
    before = re.search(
        rb"(?<![\w.])(\d)\s*\.\s*$", scene.text[max(0, scene.span.byte_start - 20) : scene.span.byte_start]
    )
    position = scene.span.byte_start
    implementation = scene.index.implementation_at(scene.file, position)
    if before is None or implementation is None:
        return
    number = before[1].decode()
    has_self = any(one.kind == "self" for one in locals_at(scene.root, scene.text, position))
    if has_self and any(one.name == number for one in scene.index.fields_of(implementation.type_name)):
        start = position - (len(before.string) - before.start(1))
        yield Proposal((scene.insert(start, "self."),), {"number": number})

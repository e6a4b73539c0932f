"""From which parameters a function's returned value comes, as far as its syntax tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from tree_sitter import Node

from sleepy_agent.code.syntax import code_children
from sleepy_agent.fixes.templates.generics_edits import read

# The arguments of these may be what comes back.
ALTERNATIVES = frozenset(
    {"unwrap_or", "unwrap_or_else", "or", "or_else", "max", "min", "chain", "zip", "map_or", "unwrap_or_default"}
)
FILLING = frozenset({"push", "insert", "extend", "push_back", "push_front", "entry"})
THROUGH = frozenset(
    {"reference_expression", "parenthesized_expression", "try_expression", "await_expression", "unary_expression"}
    | {"field_expression", "index_expression", "return_expression", "break_expression", "type_cast_expression"}
    | {"expression_statement"}
)


def returned_names(function: Node, text: bytes) -> set[str]:
    """The names of parameters (and `self`) that the returned value may come from."""
    body = function.child_by_field_name("body")
    if body is None:
        return set()
    sources = sources_of_names(body, text)
    found: set[str] = set()
    waiting = [name for node in returned_nodes(body) for name in names_behind(node, text)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [inner for node in sources.get(name, ()) for inner in names_behind(node, text)]
    return found


def returned_nodes(body: Node) -> Iterator[Node]:
    """The last expression of the body, and what `return` gives."""
    last = last_expression(body)
    if last is not None:
        yield last
    for node in inside(body):
        if node.type == "return_expression":
            yield node


def last_expression(block: Node) -> Node | None:
    """The expression that a block ends with, where it does."""
    children = code_children(block)
    if not children:
        return None
    last = children[-1]
    if last.type == "expression_statement":
        inner = last.named_children[0] if last.named_children else None
        # An `if` or `match` at the end is a statement to the grammar.
        return inner if inner is not None and last.children[-1].type != ";" else None
    return None if last.type.endswith(("_item", "_declaration")) or last.type == "empty_statement" else last


def inside(node: Node) -> Iterator[Node]:
    """Everything below a node, closures and inner functions left out."""
    for child in node.named_children:
        if child.type in {"closure_expression", "function_item"}:
            continue
        yield child
        yield from inside(child)


def sources_of_names(body: Node, text: bytes) -> Mapping[str, list[Node]]:
    """What each local name is made of: its initializer, what is assigned to it, what it is a part of."""
    found: dict[str, list[Node]] = defaultdict(list)

    def bind(pattern: Node | None, value: Node | None) -> None:
        if pattern is not None and value is not None:
            for name in names_in(pattern, text):
                found[name].append(value)

    waiting = [body]
    while waiting:
        node = waiting.pop()
        waiting += node.named_children
        if node.type in {"let_declaration", "for_expression", "let_condition"}:
            bind(node.child_by_field_name("pattern"), node.child_by_field_name("value"))
            bind(node.child_by_field_name("pattern"), node.child_by_field_name("alternative"))
        elif node.type in {"assignment_expression", "compound_assignment_expr"}:
            bind(node.child_by_field_name("left"), node.child_by_field_name("right"))
        elif node.type == "match_expression":
            block = node.child_by_field_name("body")
            for arm in block.named_children if block is not None else ():
                bind(arm.child_by_field_name("pattern"), node.child_by_field_name("value"))
        elif node.type == "call_expression":
            receiver, method = receiver_and_method(node, text)
            arguments = node.child_by_field_name("arguments")
            if receiver is not None and arguments is not None:
                for argument in code_children(arguments):
                    if argument.type == "closure_expression":
                        bind(argument.child_by_field_name("parameters"), receiver)
                    elif method in FILLING:
                        bind(receiver, argument)
    return found


def names_in(pattern: Node, text: bytes) -> Iterator[str]:
    """The lower-case names below a node."""
    if pattern.type in {"identifier", "shorthand_field_identifier"}:
        name = read(pattern, text)
        if not name[:1].isupper():
            yield name
    if pattern.type == "self":
        yield "self"
    for child in pattern.named_children:
        yield from names_in(child, text)


def receiver_and_method(call: Node, text: bytes) -> tuple[Node | None, str]:
    """What a method is called on, and its name."""
    function = call.child_by_field_name("function")
    if function is not None and function.type == "generic_function":
        function = function.child_by_field_name("function")
    if function is None or function.type != "field_expression":
        return None, ""
    return function.child_by_field_name("value"), read(function.child_by_field_name("field"), text)


def names_behind(node: Node | None, text: bytes) -> Iterator[str]:
    """The names that the value of an expression may borrow from."""
    if node is None:
        return
    kind = node.type
    if kind in {"identifier", "self"}:
        yield read(node, text)
    elif kind in THROUGH:
        value = node.child_by_field_name("value") or (code_children(node)[0] if code_children(node) else None)
        yield from names_behind(value, text)
    elif kind == "call_expression":
        receiver, method = receiver_and_method(node, text)
        arguments = node.child_by_field_name("arguments")
        if receiver is not None:
            yield from names_behind(receiver, text)
        if arguments is not None and (receiver is None or method in ALTERNATIVES):
            for argument in code_children(arguments):
                yield from names_behind(argument, text)
    elif kind == "closure_expression":
        yield from names_behind(node.child_by_field_name("body"), text)
    elif kind in {"block", "unsafe_block"}:
        block = node if kind == "block" else next((one for one in node.named_children if one.type == "block"), None)
        yield from names_behind(last_expression(block) if block is not None else None, text)
    elif kind == "if_expression":
        yield from names_behind(node.child_by_field_name("consequence"), text)
        yield from names_behind(node.child_by_field_name("alternative"), text)
    elif kind == "else_clause":
        for child in code_children(node):
            yield from names_behind(child, text)
    elif kind == "match_expression":
        body = node.child_by_field_name("body")
        for arm in body.named_children if body is not None else ():
            yield from names_behind(arm.child_by_field_name("value"), text)
    elif kind == "struct_expression":
        body = node.child_by_field_name("body")
        for field in body.named_children if body is not None else ():
            if field.type == "shorthand_field_initializer":
                yield read(field, text)
            else:
                yield from names_behind(field.child_by_field_name("value"), text)
    elif kind in {"tuple_expression", "array_expression"}:
        for child in code_children(node):
            yield from names_behind(child, text)
    elif kind in {"loop_expression", "while_expression"}:
        for inner in inside(node):
            if inner.type == "break_expression":
                yield from names_behind(inner, text)

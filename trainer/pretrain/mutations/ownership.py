"""Mistakes of ownership, mutability and lifetimes that can be made in any function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tree_sitter import Node

from sleepy_agent.code.syntax import code_children
from trainer.pretrain.mutations.mutant import ByteEdit, Mutant, Mutator

__all__ = ["MUTATORS"]

MUTABILITY: Final = ("E0384", "E0594", "E0596")
OWNERSHIP: Final = ("E0382", "E0499", "E0502", "E0503", "E0505", "E0506", "E0507", "E0515", "E0597", "E0716", "E0521")
LIFETIMES: Final = ("E0106", "E0261", "E0310", "E0311", "E0621", "E0726", "E0700", "")
WITHOUT: Final = frozenset(
    {
        *("as_deref", "as_deref_mut", "as_mut", "as_ref", "clone", "cloned", "copied", "into_owned"),
        *("take", "to_owned", "to_string", "to_vec"),
    }
)
"""Methods without arguments that are left out."""
INSTEAD: Final[Mapping[bytes, tuple[bytes, tuple[str, ...]]]] = {
    b"iter": (b"into_iter", OWNERSHIP),
    b"iter_mut": (b"iter", MUTABILITY),
    b"get_mut": (b"get", MUTABILITY),
    b"values_mut": (b"values", MUTABILITY),
    b"first_mut": (b"first", MUTABILITY),
    b"last_mut": (b"last", MUTABILITY),
    b"as_mut": (b"as_ref", MUTABILITY),
    b"peek_mut": (b"peek", MUTABILITY),
    b"chunks_mut": (b"chunks", MUTABILITY),
    b"drain": (b"range", OWNERSHIP),
    b"as_bytes": (b"into_bytes", OWNERSHIP),
    b"keys": (b"into_keys", OWNERSHIP),
    b"values": (b"into_values", OWNERSHIP),
}
"""Methods in the place of which another one is called, and the codes that are meant."""
TAKEN: Final = frozenset({b"mem::take", b"std::mem::take", b"core::mem::take"})
SHARED: Final = frozenset({b"Rc::clone", b"Arc::clone", b"std::rc::Rc::clone", b"std::sync::Arc::clone"})
SIMPLE: Final = frozenset({"identifier", "field_expression", "call_expression", "index_expression", "macro_invocation"})
"""Expressions that need no parentheses wherever they stand."""
LONGEST_INLINED: Final = 60
"""Bytes; longer expressions are put nowhere else."""


def mistakes(root: Node, text: bytes) -> Iterator[Mutant]:
    """All of them, in the order of the text, from one walk of the tree."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        for make in BY_KIND.get(node.type, ()):
            yield from make(node, text)
        waiting.extend(reversed(node.children))


def source(node: Node, text: bytes) -> bytes:
    return text[node.start_byte : node.end_byte]


def without(node: Node, text: bytes) -> ByteEdit:
    """Takes a word and the blanks behind it away."""
    end = node.end_byte
    while text[end : end + 1] == b" ":
        end += 1
    return ByteEdit(node.start_byte, end, b"")


# ---- mutability -------------------------------------------------------------------------------------------


def no_mut(node: Node, text: bytes) -> Iterator[Mutant]:
    """`mut` is missing, wherever it stands."""
    parent = node.parent
    if parent is None or parent.type == "static_item":
        return
    name = {
        "let_declaration": "binding",
        "parameter": "parameter",
        "mut_pattern": "pattern",
        "self_parameter": "self",
        "reference_type": "reference",
        "reference_expression": "borrow",
    }.get(parent.type)
    if name is not None:
        codes = (*MUTABILITY, "E0308") if name == "borrow" else MUTABILITY
        yield Mutant(f"mutability.{name}", codes, (without(node, text),))


# ---- moves and borrows ------------------------------------------------------------------------------------


def method_left_out(node: Node, text: bytes) -> Iterator[Mutant]:
    """`x.clone()` becomes `x`; another method is called in the place of one."""
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or arguments is None:
        return
    if function.type == "generic_function":
        function = function.child_by_field_name("function") or function
    if function.type != "field_expression":
        yield from function_left_out(node, function, arguments, text)
        return
    value, field = function.child_by_field_name("value"), function.child_by_field_name("field")
    if value is None or field is None:
        return
    name = source(field, text)
    if name.decode() in WITHOUT and not code_children(arguments):
        yield Mutant(f"ownership.no_{name.decode()}", OWNERSHIP, (ByteEdit(value.end_byte, node.end_byte, b""),))
    if name in INSTEAD:
        other, codes = INSTEAD[name]
        edit = ByteEdit(field.start_byte, field.end_byte, other)
        yield Mutant(f"ownership.{name.decode()}_to_{other.decode()}", codes, (edit,))


def function_left_out(node: Node, function: Node, arguments: Node, text: bytes) -> Iterator[Mutant]:
    """`mem::take(&mut x)` and `Rc::clone(&x)` become `x`."""
    path, given = source(function, text), code_children(arguments)
    if path not in TAKEN | SHARED or len(given) != 1:
        return
    inner = given[0].child_by_field_name("value") if given[0].type == "reference_expression" else given[0]
    if inner is not None:
        name = "no_take" if path in TAKEN else "no_shared_clone"
        edit = ByteEdit(node.start_byte, node.end_byte, source(inner, text))
        yield Mutant(f"ownership.{name}", OWNERSHIP, (edit,))


def reference_left_out(node: Node, _text: bytes) -> Iterator[Mutant]:
    """`for x in &y`, `match &y`, `if let .. = &y`, `let x = &y`: the reference is missing."""
    value = node.child_by_field_name("value")
    if value is None or value.type != "reference_expression":
        return
    inner = value.child_by_field_name("value")
    if inner is not None:
        edit = ByteEdit(value.start_byte, inner.start_byte, b"")
        yield Mutant(f"ownership.no_reference_{node.type.removesuffix('_expression')}", OWNERSHIP, (edit,))


def no_reborrow(node: Node, text: bytes) -> Iterator[Mutant]:
    """`&mut *x` becomes `x`."""
    value = node.child_by_field_name("value")
    if value is not None and value.type == "unary_expression" and source(value, text).startswith(b"*"):
        edit = ByteEdit(node.start_byte, value.start_byte + 1, b"")
        yield Mutant("ownership.no_reborrow", OWNERSHIP, (edit,))


def no_ref(node: Node, text: bytes) -> Iterator[Mutant]:
    """`ref` is missing from a pattern."""
    for child in node.children:
        if child.type == "ref":
            yield Mutant("ownership.no_ref", OWNERSHIP, (without(child, text),))


def no_move(node: Node, text: bytes) -> Iterator[Mutant]:
    """`move` is missing from a closure."""
    for child in node.children:
        if child.type == "move":
            yield Mutant("closures.no_move", ("E0373", "E0597", "E0521", "E0505", "E0506", ""), (without(child, text),))


def self_by_value(node: Node, text: bytes) -> Iterator[Mutant]:
    """`&self` becomes `self`."""
    if source(node, text) == b"&self":
        edit = ByteEdit(node.start_byte, node.end_byte, b"self")
        yield Mutant("ownership.self_by_value", ("E0382", "E0507", "E0505"), (edit,))


# ---- statements -------------------------------------------------------------------------------------------


def rearranged(node: Node, text: bytes) -> Iterator[Mutant]:
    """A value is worked out where it is used and not before; two statements change places."""
    statements = code_children(node)
    for number, statement in enumerate(statements[:-1]):
        following = statements[number + 1]
        if statement.type == "let_declaration":
            yield from inlined(statement, statements[number + 1 :], text)
        yield from swapped(statement, following, text)


def inlined(statement: Node, following: list[Node], text: bytes) -> Iterator[Mutant]:
    """`let x = y.len(); f(x)` becomes `f(y.len())`, where x is used once."""
    pattern, value = statement.child_by_field_name("pattern"), statement.child_by_field_name("value")
    if pattern is None or value is None or pattern.type != "identifier" or value.type not in SIMPLE - {"identifier"}:
        return
    expression = source(value, text)
    uses = [use for one in following for use in identifiers(one, source(pattern, text), text)]
    if len(uses) != 1 or len(expression) > LONGEST_INLINED or b"\n" in expression:
        return
    use = uses[0]
    if use.parent is not None and use.parent.type in {"token_tree", "shorthand_field_initializer"}:
        return
    end = following[0].start_byte
    edits = (ByteEdit(statement.start_byte, end, b""), ByteEdit(use.start_byte, use.end_byte, expression))
    yield Mutant("order.worked_out_late", OWNERSHIP, edits)


def swapped(statement: Node, following: Node, text: bytes) -> Iterator[Mutant]:
    """`f(&x); g(x);` becomes `g(x); f(&x);`, where the second one needs no name of the first one."""
    if not source(following, text).endswith((b";", b"}")) or not source(statement, text).endswith((b";", b"}")):
        return
    pattern = statement.child_by_field_name("pattern")
    declared = {source(one, text) for one in words(pattern)} if pattern is not None else set()
    used = {source(one, text) for one in words(following)}
    shared = used & {source(one, text) for one in words(statement)}
    if declared & used or not any(may_end_it(one) for one in words(following) if source(one, text) in shared):
        return
    edits = (
        ByteEdit(statement.start_byte, statement.end_byte, source(following, text)),
        ByteEdit(following.start_byte, following.end_byte, source(statement, text)),
    )
    yield Mutant("order.swapped", OWNERSHIP, edits)


def may_end_it(name: Node) -> bool:
    """Whether what a name stands for may be moved or changed there: as an argument, as a value, by an assignment."""
    parent = name.parent
    return parent is not None and (
        parent.type in {"arguments", "let_declaration", "assignment_expression", "compound_assignment_expr"}
        or (parent.type == "reference_expression" and any(one.type == "mutable_specifier" for one in parent.children))
        or (parent.type == "field_expression" and parent.parent is not None and parent.parent.type == "call_expression")
    )


def words(node: Node) -> Iterator[Node]:
    """The names below a node, in the order of the text."""
    if node.type in {"identifier", "self", "shorthand_field_identifier"}:
        yield node
    for child in node.children:
        yield from words(child)


def identifiers(node: Node, name: bytes, text: bytes) -> list[Node]:
    return [one for one in words(node) if source(one, text) == name]


# ---- lifetimes --------------------------------------------------------------------------------------------


def no_lifetime(node: Node, text: bytes) -> Iterator[Mutant]:
    """`'a` is missing: of a reference, of a type's arguments, of a bound, of a declaration."""
    parent = node.parent
    if parent is None:
        return
    if parent.type == "reference_type":
        yield Mutant("lifetimes.reference_without", LIFETIMES, (without(node, text),))
        return
    if parent.type in {"type_arguments", "type_parameters", "lifetime_parameter"}:
        holder = parent.parent if parent.type == "lifetime_parameter" else parent
        kind = "type_without" if parent.type == "type_arguments" else "undeclared"
        if holder is None:
            return
        whole = parent if parent.type == "lifetime_parameter" else node
        if len(code_children(holder)) == 1:
            yield Mutant(f"lifetimes.{kind}", LIFETIMES, (ByteEdit(holder.start_byte, holder.end_byte, b""),))
        else:
            end = whole.end_byte
            while text[end : end + 1] in {b",", b" "}:
                end += 1
            yield Mutant(f"lifetimes.{kind}", LIFETIMES, (ByteEdit(whole.start_byte, end, b""),))
    elif parent.type == "trait_bounds":
        bounds = code_children(parent)
        if len(bounds) == 1:
            yield Mutant("lifetimes.no_bound", LIFETIMES, (ByteEdit(parent.start_byte, parent.end_byte, b""),))
        elif bounds[-1] == node:
            start = bounds[-2].end_byte
            yield Mutant("lifetimes.no_bound", LIFETIMES, (ByteEdit(start, node.end_byte, b""),))


Maker = Callable[[Node, bytes], Iterator[Mutant]]

BY_KIND: Final[Mapping[str, tuple[Maker, ...]]] = {
    "mutable_specifier": (no_mut,),
    "call_expression": (method_left_out,),
    "for_expression": (reference_left_out,),
    "match_expression": (reference_left_out,),
    "let_condition": (reference_left_out,),
    "let_declaration": (reference_left_out,),
    "reference_expression": (no_reborrow,),
    "ref_pattern": (no_ref,),
    "closure_expression": (no_move,),
    "self_parameter": (self_by_value,),
    "block": (rearranged,),
    "lifetime": (no_lifetime,),
}

MUTATORS: Final[tuple[Mutator, ...]] = (mistakes,)

"""A guess at an expression's type from what is written: literals, written types, constructors, returns, fields.

It says None when it is not sure, and `_` for an argument it does not know. It is no type checker.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from sleepy_agent.code.binding_types import local_type
from sleepy_agent.code.call_types import NUMBERS, awaited, call
from sleepy_agent.code.index import WorkspaceIndex
from sleepy_agent.code.items import ItemKind
from sleepy_agent.code.local_names import declaration_of
from sleepy_agent.code.syntax import code_children
from sleepy_agent.code.type_sight import Readers, Sight, self_type, substituted, with_self, with_unknown_arguments
from sleepy_agent.code.type_text import bare_type_name, is_reference, type_arguments, without_reference

__all__ = ["Sight", "local_type", "self_type", "type_of_expression"]

NUMBER_SUFFIX = re.compile(r"(?:[iu](?:8|16|32|64|128|size)|f32|f64)$")
COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">=", "&&", "||"})
STRING_MACROS = frozenset({"format", "concat", "stringify", "include_str"})
BOOLEAN_MACROS = frozenset({"matches", "cfg"})


def type_of_expression(index: WorkspaceIndex, root: Node, text: bytes, node: Node) -> str | None:
    """The type of an expression as code would write it, or None."""
    return Sight(index, root, text, readers=READERS).type_of(node)


def number(sight: Sight, node: Node) -> str | None:
    suffix = NUMBER_SUFFIX.search(sight.of(node))
    return suffix.group() if suffix else None


def string(sight: Sight, node: Node) -> str:
    written = sight.of(node)
    return "&CStr" if written.startswith("c") else "&[u8]" if written.startswith("b") else "&str"


def name(sight: Sight, node: Node) -> str | None:
    """A local, a constant, or a unit struct."""
    local = declaration_of(sight.root, sight.text, node.start_byte, sight.of(node))
    if local is not None:
        return local_type(sight, local)
    items = [item for item in sight.index.items_named(sight.of(node)) if item.owner is None]
    values = {item.type for item in items if item.kind in {ItemKind.CONST, ItemKind.STATIC}}
    if len(values) == 1 and len(items) == 1:
        return values.pop()
    is_unit = len(items) == 1 and items[0].kind is ItemKind.STRUCT and not items[0].fields and not items[0].generics
    return items[0].name if is_unit else None


def scoped_name(sight: Sight, node: Node) -> str | None:
    """`Enum::Variant`, `Type::CONSTANT`, `u8::MAX`."""
    path, last = node.child_by_field_name("path"), sight.of(node.child_by_field_name("name"))
    owner = with_self(sight, sight.of(path).replace("::<", "<"), node)
    if owner is None:
        return None
    if any(variant.name == last for variant in sight.index.variants_of(owner)):
        item = sight.index.meant_type(owner)
        return with_unknown_arguments(owner, item)
    constants = {item.type for item in sight.index.members_of(owner) if item.name == last and item.type is not None}
    if len(constants) == 1:
        return with_self(sight, constants.pop(), node, owner)
    return owner if owner in NUMBERS and last in {"MAX", "MIN", "EPSILON", "INFINITY", "NAN"} else None


def field(sight: Sight, node: Node) -> str | None:
    """A field of a type of the workspace, or a tuple's member."""
    owner = sight.type_of(node.child_by_field_name("value"))
    wanted = sight.of(node.child_by_field_name("field"))
    while owner is not None:
        bare = without_reference(owner)
        if bare.startswith("(") and wanted.isdigit():
            members = type_arguments(bare)
            return members[int(wanted)] if int(wanted) < len(members) else None
        found = next((one for one in sight.index.fields_of(bare) if one.name == wanted), None)
        if found is not None:
            return with_self(sight, substituted(found.type, bare, sight.index.meant_type(bare)), node, bare)
        inner = type_arguments(bare)
        owner = inner[0] if bare_type_name(bare) in {"Box", "Rc", "Arc"} and inner else without_reference(bare)
        owner = owner if owner != bare else None
    return None


def struct_literal(sight: Sight, node: Node) -> str | None:
    written = sight.of(node.child_by_field_name("name"))
    head = written.rsplit("::", 1)[0]
    if "::" in written and sight.index.variants_of(head):
        written = head
    known = with_self(sight, written.replace("::<", "<"), node)
    return with_unknown_arguments(known, sight.index.meant_type(known)) if known is not None else None


def reference(sight: Sight, node: Node) -> str | None:
    inner = sight.type_of(node.child_by_field_name("value"))
    is_mutable = any(child.type == "mutable_specifier" for child in node.children)
    return f"&{'mut ' if is_mutable else ''}{inner}" if inner is not None else None


def unary(sight: Sight, node: Node) -> str | None:
    inner = sight.type_of(node.named_children[-1]) if node.named_children else None
    if inner is None or node.children[0].type != "*":
        return inner
    if is_reference(inner):
        return without_reference(inner)
    arguments = type_arguments(inner)
    return arguments[0] if bare_type_name(inner) in {"Box", "Rc", "Arc"} and arguments else None


def binary(sight: Sight, node: Node) -> str | None:
    operator = sight.of(node.child_by_field_name("operator"))
    if operator in COMPARISONS:
        return "bool"
    left = sight.type_of(node.child_by_field_name("left"))
    right = sight.type_of(node.child_by_field_name("right"))
    if left == "String":
        return left
    sides = {without_reference(one) for one in (left, right) if one is not None}
    if operator in {"<<", ">>"}:
        sides = {without_reference(left)} if left is not None else set()
    return sides.pop() if len(sides) == 1 and sides <= NUMBERS else None


def element(sight: Sight, node: Node) -> str | None:
    """`list[0]`, `&list[1..]`, `map["key"]`."""
    if len(node.named_children) != 2:
        return None
    owner = sight.type_of(node.named_children[0])
    if owner is None:
        return None
    bare, arguments = bare_type_name(owner), type_arguments(without_reference(owner))
    is_range = node.named_children[1].type == "range_expression"
    if bare in {"str", "String"}:
        return "str" if is_range else None
    if bare in {"slice", "array", "Vec", "VecDeque"} and arguments and arguments[0] != "_":
        return f"[{arguments[0]}]" if is_range else arguments[0]
    if bare in {"HashMap", "BTreeMap"} and len(arguments) > 1 and arguments[1] != "_":
        return arguments[1]
    return None


def tried(sight: Sight, node: Node) -> str | None:
    inner = sight.type_of(node.named_children[0]) if node.named_children else None
    arguments = type_arguments(inner) if inner is not None and bare_type_name(inner) in {"Option", "Result"} else ()
    return arguments[0] if arguments and arguments[0] != "_" else None


def block(sight: Sight, node: Node) -> str | None:
    """The last expression of a block."""
    inner = code_children(node)
    if node.type != "block":
        return sight.type_of(inner[-1]) if inner and node.type == "unsafe_block" else None
    is_value = bool(inner) and not inner[-1].type.endswith(("_declaration", "_item", "_statement"))
    return sight.type_of(inner[-1]) if is_value else None


def branches(sight: Sight, node: Node) -> str | None:
    """The first branch whose type is known; all have the same."""
    if node.type == "if_expression":
        alternative = node.child_by_field_name("alternative")
        parts = [node.child_by_field_name("consequence"), *(alternative.named_children if alternative else ())]
        if alternative is None:
            return None
    else:
        body = node.child_by_field_name("body")
        parts = [arm.child_by_field_name("value") for arm in (code_children(body) if body is not None else ())]
    return next((known for part in parts if (known := sight.type_of(part)) is not None and "_" not in known), None)


def macro(sight: Sight, node: Node) -> str | None:
    called = sight.of(node.child_by_field_name("macro")).rsplit("::", 1)[-1]
    if called == "format":
        return "String"
    if called in STRING_MACROS:
        return "&str"
    return "bool" if called in BOOLEAN_MACROS else "Vec<_>" if called == "vec" else None


def tuple_of(sight: Sight, node: Node) -> str | None:
    known = [sight.type_of(child) for child in code_children(node)]
    return f"({', '.join(one or '_' for one in known)}{',' if len(known) == 1 else ''})"


def range_of(sight: Sight, node: Node) -> str | None:
    """`0..n`, by the side whose type is known."""
    known = next((found for child in node.named_children if (found := sight.type_of(child)) is not None), None)
    is_inclusive = any(child.type == "..=" for child in node.children)
    return f"Range{'Inclusive' if is_inclusive else ''}<{known}>" if known is not None else None


def array(sight: Sight, node: Node) -> str | None:
    length, members = node.child_by_field_name("length"), code_children(node)
    first = sight.type_of(members[0]) if members else None
    if first is None:
        return None
    return f"[{first}; {sight.of(length) if length is not None else len(members)}]"


def cast(sight: Sight, node: Node) -> str | None:
    return sight.of(node.child_by_field_name("type"))


def inner_expression(sight: Sight, node: Node) -> str | None:
    return sight.type_of(node.named_children[0]) if node.named_children else None


READERS: Readers = {
    "integer_literal": number,
    "float_literal": number,
    "string_literal": string,
    "raw_string_literal": string,
    "char_literal": lambda sight, node: "u8" if sight.of(node).startswith("b") else "char",
    "boolean_literal": lambda _sight, _node: "bool",
    "unit_expression": lambda _sight, _node: "()",
    "assignment_expression": lambda _sight, _node: "()",
    "identifier": name,
    "self": name,
    "scoped_identifier": scoped_name,
    "call_expression": call,
    "field_expression": field,
    "struct_expression": struct_literal,
    "reference_expression": reference,
    "unary_expression": unary,
    "binary_expression": binary,
    "type_cast_expression": cast,
    "parenthesized_expression": inner_expression,
    "index_expression": element,
    "try_expression": tried,
    "await_expression": awaited,
    "block": block,
    "unsafe_block": block,
    "if_expression": branches,
    "match_expression": branches,
    "macro_invocation": macro,
    "range_expression": range_of,
    "tuple_expression": tuple_of,
    "array_expression": array,
}

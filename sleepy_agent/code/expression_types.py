"""A guess at an expression's type from what is written: literals, written types, constructors, returns, fields.

It says None when it is not sure, and `_` for an argument it does not know. It is no type checker.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tree_sitter import Node

from sleepy_agent.code.index import WorkspaceIndex
from sleepy_agent.code.item_parts import text_of
from sleepy_agent.code.items import Item, ItemKind
from sleepy_agent.code.local_names import declaration_of
from sleepy_agent.code.std_names import PRIMITIVES, std_result
from sleepy_agent.code.syntax import ancestors, code_children, node_at
from sleepy_agent.code.type_text import (
    bare_type_name,
    is_reference,
    split_outside,
    type_arguments,
    without_reference,
)

DEEPEST = 12
NUMBER_SUFFIX = re.compile(r"(?:[iu](?:8|16|32|64|128|size)|f32|f64)$")
COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">=", "&&", "||"})
NUMBERS = PRIMITIVES - {"bool", "char", "str"}
# `new`, `from` and their like give the type itself; how many arguments it has where they are not written.
CONSTRUCTORS = frozenset({"new", "with_capacity", "default", "from", "from_iter", "from_utf8_lossy"})
ARGUMENTS_OF = {
    "String": 0, "PathBuf": 0, "OsString": 0, "Vec": 1, "VecDeque": 1, "HashSet": 1, "BTreeSet": 1, "BinaryHeap": 1,
    "HashMap": 2, "BTreeMap": 2,
}  # fmt: skip
# What wraps the one value it is made from.
WRAPPERS = frozenset({"Box", "Rc", "Arc", "Cell", "RefCell", "Mutex", "RwLock", "Some", "Ok", "Err", "Reverse", "Pin"})
WRAPPED_AS = {"Some": "Option<{}>", "Ok": "Result<{}, _>", "Err": "Result<_, {}>"}
STRING_MACROS = frozenset({"format", "concat", "stringify", "include_str"})
BOOLEAN_MACROS = frozenset({"matches", "cfg"})


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known while an expression is looked at."""

    index: WorkspaceIndex
    root: Node
    text: bytes
    depth: int = 0

    def of(self, node: Node | None) -> str:
        return text_of(node, self.text)

    def type_of(self, node: Node | None) -> str | None:
        """The type of an inner expression."""
        if node is None or self.depth > DEEPEST:
            return None
        reader = READERS.get(node.type)
        return reader(replace(self, depth=self.depth + 1), node) if reader is not None else None


def type_of_expression(index: WorkspaceIndex, root: Node, text: bytes, node: Node) -> str | None:
    """The type of an expression as code would write it, or None."""
    return Sight(index, root, text).type_of(node)


def self_type(sight: Sight, node: Node) -> str | None:
    """What `Self` is at a node; in a trait nobody knows."""
    around = next((one for one in ancestors(node) if one.type in {"impl_item", "trait_item"}), None)
    return sight.of(around.child_by_field_name("type")) if around is not None and around.type == "impl_item" else None


def with_self(sight: Sight, written: str | None, node: Node, own: str | None = None) -> str | None:
    """A written type with `Self` replaced; None where that cannot be."""
    if written is None or not re.search(r"\bSelf\b", written):
        return written
    own = own or self_type(sight, node)
    return re.sub(r"\bSelf\b(?!::)", lambda _: own, written) if own is not None and "Self::" not in written else None


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
        if not local.is_whole_pattern or local.by_reference:
            return None
        if local.type is not None:
            known = with_self(sight, local.type, node)
            return known if known is None or "impl " not in known else None
        if local.initializer is None:
            return None
        bound = node_at(sight.root, local.byte_start, local.byte_end)
        declaration = next((one for one in ancestors(bound) if one.type == "let_declaration"), None)
        return sight.type_of(declaration.child_by_field_name("value")) if declaration is not None else None
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
        return _with_unknown_arguments(owner, item)
    constants = {item.type for item in sight.index.members_of(owner) if item.name == last and item.type is not None}
    if len(constants) == 1:
        return with_self(sight, constants.pop(), node, owner)
    return owner if owner in NUMBERS and last in {"MAX", "MIN", "EPSILON", "INFINITY", "NAN"} else None


def _with_unknown_arguments(written: str, item: Item | None) -> str:
    names = _generic_names(item)
    return f"{written}<{', '.join('_' for _ in names)}>" if names and "<" not in written else written


def _generic_names(item: Item | None) -> list[str]:
    """The type and const parameters of an item."""
    if item is None or not item.generics:
        return []
    parts = [part.strip() for part in split_outside(item.generics[1:-1], ",")]
    return [re.split(r"[\s:=]", part.removeprefix("const "))[0] for part in parts if part and not part.startswith("'")]


def call(sight: Sight, node: Node) -> str | None:
    """What a call gives: a function's or a method's return, a constructor's type."""
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    given = code_children(arguments) if arguments is not None else []
    if function is None:
        return None
    if function.type == "generic_function":
        return _turbofish(sight, function)
    if function.type == "field_expression":
        return _method_call(sight, function)
    if function.type == "identifier":
        return _function_call(sight, sight.of(function), given)
    if function.type == "scoped_identifier":
        return _path_call(sight, function, given)
    return None


def _turbofish(sight: Sight, function: Node) -> str | None:
    """`.collect::<Vec<_>>()`, `.parse::<u8>()`, `.sum::<f64>()`."""
    inner, written = function.child_by_field_name("function"), sight.of(function.child_by_field_name("type_arguments"))
    last = sight.of(inner.child_by_field_name("field")) if inner is not None else ""
    argument = written[1:-1].strip()
    if last in {"collect", "sum", "product"}:
        return argument
    return f"Result<{argument}, _>" if last == "parse" else None


def _function_call(sight: Sight, called: str, given: list[Node]) -> str | None:
    if called in WRAPPED_AS and len(given) == 1:
        return WRAPPED_AS[called].format(sight.type_of(given[0]) or "_")
    items = [
        item for item in sight.index.items_named(called) if item.owner is None and item.kind is not ItemKind.MODULE
    ]
    if len(items) != 1:
        return None
    item = items[0]
    if item.kind is ItemKind.STRUCT and item.is_tuple:
        return _with_unknown_arguments(item.name, item)
    return _returned(item, None) if item.kind is ItemKind.FUNCTION else None


def _returned(item: Item, own: str | None, *, is_awaited: bool = False) -> str | None:
    """What a function gives where that is one certain type."""
    if item.is_async and not is_awaited:
        return None
    if item.returns is None:
        return "()"
    unknown = set(_generic_names(item))
    if "impl " in item.returns or "Self::" in item.returns or unknown & set(re.findall(r"\w+", item.returns)):
        return None
    if re.search(r"\bSelf\b", item.returns) is None:
        return item.returns
    return re.sub(r"\bSelf\b", lambda _: own or "", item.returns) if own else None


def _path_call(sight: Sight, function: Node, given: list[Node]) -> str | None:
    """`Type::new(..)`, `Enum::Variant(..)`, `module::function(..)`."""
    path, last = sight.of(function.child_by_field_name("path")), sight.of(function.child_by_field_name("name"))
    owner = with_self(sight, path.replace("::<", "<"), function)
    if owner is None:
        return None
    bare = bare_type_name(owner)
    if sight.index.type_named(bare) is not None:
        if any(variant.name == last for variant in sight.index.variants_of(bare)):
            return _with_unknown_arguments(owner, sight.index.meant_type(bare))
        own = _with_unknown_arguments(owner, sight.index.type_named(bare))
        found = {_returned(item, own) for item in sight.index.methods_of(bare) if item.name == last}
        return found.pop() if len(found) == 1 else own if last == "default" and not found else None
    if bare in WRAPPERS and last == "new" and len(given) == 1:
        return f"{bare}<{sight.type_of(given[0]) or '_'}>" if "<" not in owner else owner
    if bare in ARGUMENTS_OF and last in CONSTRUCTORS - {"from_utf8_lossy"}:
        unknown = ", ".join("_" * ARGUMENTS_OF[bare])
        return owner if "<" in owner or not unknown else f"{bare}<{unknown}>"
    if bare in NUMBERS and last in {"from", "default"}:
        return bare
    return _function_call(sight, last, given) if bare[:1].islower() else None


def _method_call(sight: Sight, function: Node, *, is_awaited: bool = False) -> str | None:
    receiver = sight.type_of(function.child_by_field_name("value"))
    called = sight.of(function.child_by_field_name("field"))
    own = receiver
    while own is not None:
        bare = without_reference(own)
        methods = {item.key: item for item in sight.index.methods_of(bare) if item.name == called}
        item = sight.index.meant_type(bare)
        if methods:
            found = {_substituted(_returned(one, bare, is_awaited=is_awaited), bare, item) for one in methods.values()}
            return found.pop() if len(found) == 1 else None
        inner = type_arguments(bare)
        own = inner[0] if bare_type_name(bare) in {"Box", "Rc", "Arc"} and inner and inner[0] != "_" else None
    if called == "clone" and receiver is not None:
        return without_reference(receiver)
    return std_result(receiver, called)


def _substituted(written: str | None, owner: str, item: Item | None) -> str | None:
    """A type of a member with the owner's arguments put in; None where one is not known."""
    names = _generic_names(item)
    used = [one for one in names if written is not None and re.search(rf"\b{one}\b", written)]
    if written is None or not used:
        return written
    known = dict(zip(names, type_arguments(owner), strict=False))
    if any(known.get(one, "_") == "_" for one in used):
        return None
    return re.sub(r"\b(?:" + "|".join(used) + r")\b", lambda match: known[match.group()], written)


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
            return with_self(sight, _substituted(found.type, bare, sight.index.meant_type(bare)), node, bare)
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
    return _with_unknown_arguments(known, sight.index.meant_type(known)) if known is not None else None


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


def awaited(sight: Sight, node: Node) -> str | None:
    """Of calls of the workspace's own `async` functions."""
    inner = node.named_children[0] if node.named_children else None
    function = inner.child_by_field_name("function") if inner is not None and inner.type == "call_expression" else None
    if function is None:
        return None
    if function.type == "field_expression":
        return _method_call(sight, function, is_awaited=True)
    found = {_returned(item, None, is_awaited=True) for item in sight.index.functions_named(sight.of(function))}
    return found.pop() if len(found) == 1 else None


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


READERS: Mapping[str, Callable[[Sight, Node], str | None]] = {
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
    "tuple_expression": tuple_of,
    "array_expression": array,
}

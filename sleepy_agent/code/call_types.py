"""The type of a call: of functions and methods of the workspace, of constructors, of std's everyday methods."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tree_sitter import Node

from sleepy_agent.code.items import Item, ItemKind
from sleepy_agent.code.iterator_types import adaptor_result
from sleepy_agent.code.std_names import PRIMITIVES, std_result
from sleepy_agent.code.syntax import code_children
from sleepy_agent.code.type_sight import (
    Sight,
    filled_in,
    generic_names,
    parameters_of,
    with_self,
    with_unknown_arguments,
)
from sleepy_agent.code.type_text import bare_type_name, type_arguments, without_reference

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


def call(sight: Sight, node: Node) -> str | None:
    """What a call gives: a function's or a method's return, a constructor's type."""
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    given = code_children(arguments) if arguments is not None else []
    if function is None:
        return None
    if function.type == "generic_function":
        return _turbofish(sight, function)
    if function.type == "field_expression":
        return method_call(sight, function)
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
        return with_unknown_arguments(item.name, item)
    return returned(item, None) if item.kind is ItemKind.FUNCTION else None


def returned(
    item: Item,
    own: str | None,
    *,
    names: Sequence[str] = (),
    known: Mapping[str, str] | None = None,
    is_awaited: bool = False,
) -> str | None:
    """What a function gives where that is one certain type. `names`: the parameters of its implementation, `known`:
    what they stand for."""
    if item.is_async and not is_awaited:
        return None
    if item.returns is None:
        return "()"
    unknown = set(generic_names(item))
    if "impl " in item.returns or "Self::" in item.returns or unknown & set(re.findall(r"\w+", item.returns)):
        return None
    written = filled_in(item.returns, names, known or {})
    if written is None or re.search(r"\bSelf\b", written) is None:
        return written
    return re.sub(r"\bSelf\b", lambda _: own or "", written) if own else None


def member_result(sight: Sight, item: Item, own: str, *, is_awaited: bool = False) -> str | None:
    """What a member of a type gives when the type is `own`: the parameters of its implementation stand for the
    type's arguments."""
    around = sight.index.implementation_at(item.file, item.name_start) if not item.is_in_trait else None
    names = parameters_of(around.generics) if around is not None else []
    written = around.type_text if around is not None else ""
    known = dict(zip(type_arguments(written), type_arguments(without_reference(own)), strict=False))
    return returned(item, own, names=names, known=known, is_awaited=is_awaited)


def _path_call(sight: Sight, function: Node, given: list[Node]) -> str | None:
    """`Type::new(..)`, `Enum::Variant(..)`, `module::function(..)`."""
    path, last = sight.of(function.child_by_field_name("path")), sight.of(function.child_by_field_name("name"))
    owner = with_self(sight, path.replace("::<", "<"), function)
    if owner is None:
        return None
    bare = bare_type_name(owner)
    if sight.index.type_named(bare) is not None:
        if any(variant.name == last for variant in sight.index.variants_of(bare)):
            return with_unknown_arguments(owner, sight.index.meant_type(bare))
        own = with_unknown_arguments(owner, sight.index.type_named(bare))
        found = {member_result(sight, item, own) for item in sight.index.methods_of(bare) if item.name == last}
        return found.pop() if len(found) == 1 else own if last == "default" and not found else None
    if bare in WRAPPERS and last == "new" and len(given) == 1:
        return f"{bare}<{sight.type_of(given[0]) or '_'}>" if "<" not in owner else owner
    if bare in ARGUMENTS_OF and last in CONSTRUCTORS - {"from_utf8_lossy"}:
        unknown = ", ".join("_" * ARGUMENTS_OF[bare])
        return owner if "<" in owner or not unknown else f"{bare}<{unknown}>"
    if bare in NUMBERS and last in {"from", "default"}:
        return bare
    return _function_call(sight, last, given) if bare[:1].islower() else None


def method_call(sight: Sight, function: Node, *, is_awaited: bool = False) -> str | None:
    receiver = sight.type_of(function.child_by_field_name("value"))
    called = sight.of(function.child_by_field_name("field"))
    own = receiver
    while own is not None:
        bare = without_reference(own)
        methods = {item.key: item for item in sight.index.methods_of(bare) if item.name == called}
        if methods:
            found = {member_result(sight, one, bare, is_awaited=is_awaited) for one in methods.values()}
            return found.pop() if len(found) == 1 else None
        inner = type_arguments(bare)
        own = inner[0] if bare_type_name(bare) in {"Box", "Rc", "Arc"} and inner and inner[0] != "_" else None
    if called == "clone" and receiver is not None:
        return without_reference(receiver)
    return adaptor_result(receiver, called) or std_result(receiver, called)


def awaited(sight: Sight, node: Node) -> str | None:
    """Of calls of the workspace's own `async` functions."""
    inner = node.named_children[0] if node.named_children else None
    function = inner.child_by_field_name("function") if inner is not None and inner.type == "call_expression" else None
    if function is None:
        return None
    if function.type == "field_expression":
        return method_call(sight, function, is_awaited=True)
    found = {returned(item, None, is_awaited=True) for item in sight.index.functions_named(sight.of(function))}
    return found.pop() if len(found) == 1 else None

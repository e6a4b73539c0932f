"""What must be borrowed mutably from its origin on: the `&` or `.get()` where a reference came from, not where it is
written to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import Local
from sleepy_agent.code.syntax import ancestors, node_at
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.borrows_shared import (
    arguments_of,
    exact_node,
    local_at,
    method_name,
    receiver_of,
    root_name,
)
from sleepy_agent.fixes.templates.borrows_signatures import owner_kind
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# The method that gives mutably what another gives shared, where it is not `name_mut`.
COUNTERPARTS = {
    "as_ref": "as_mut",
    "as_slice": "as_mut_slice",
    "as_str": "as_mut_str",
    "get_ref": "get_mut",
    "downcast_ref": "downcast_mut",
    "as_ptr": "as_mut_ptr",
}
# Those of std whose counterpart is `name_mut`.
WITH_MUT = frozenset(
    {"iter", "get", "first", "last", "front", "back", "values", "chunks", "chunks_exact", "rchunks", "split_at"}
    | {"split_first", "split_last", "peek", "range", "as_deref", "split", "get_unchecked", "deref", "index", "as_any"}
)
# Guards: what gives them, and what gives the other kind.
GUARDS = {
    "Ref": ("borrow", "borrow_mut"),
    "RwLockReadGuard": ("read", "write"),
    "MappedRwLockReadGuard": ("read", "write"),
}
ITERATORS = frozenset({"iter", "values", "chunks", "chunks_exact", "rchunks", "range", "split", "into_iter"})
# Methods that hand on what they are given, reference for reference.
HANDING_ON = frozenset(
    {"enumerate", "rev", "skip", "take", "step_by", "zip", "chain", "filter", "skip_while", "take_while", "peekable"}
    | {
        "fuse",
        "inspect",
        "unwrap",
        "expect",
        "ok",
        "ok_or",
        "ok_or_else",
        "next",
        "next_back",
        "nth",
        "find",
        "flatten",
    }
    | {"max_by_key", "min_by_key", "max_by", "min_by", "by_ref", "unwrap_unchecked", "or_else", "or", "context"}
    | {"with_context", "into_iter", "try_into", "collect"}
)
# Methods whose closure gives what they hand on.
THROUGH_CLOSURE = frozenset({"flat_map", "and_then", "filter_map", "map"})
DEEPEST = 8


class Unchangeable(Exception):
    """What holds the value cannot be made mutable by any edit known here."""


def borrow_mutably_at_origin(scene: Scene) -> Iterator[Proposal]:
    """The reference that something is written through is made `&mut` where it came from."""
    place = exact_node(scene, scene.problem.span)
    if place is None:
        return
    if place.type in {"assignment_expression", "compound_assignment_expr"}:
        place = place.child_by_field_name("left")
    if place is not None and place.type == "reference_expression":
        place = place.child_by_field_name("value")
    if place is None:
        return
    yield from mutable_proposal(scene, place)


def mutable_proposal(scene: Scene, place: Node) -> Iterator[Proposal]:
    """The edits that make a place mutable, where there are any."""
    try:
        edits = tuple(dict.fromkeys(mutable_edits(scene, place, 0)))
    except Unchangeable:
        return
    if edits:
        yield Proposal(
            tuple(sorted(edits, key=lambda edit: edit.byte_start)), {"place": root_name(scene, place) or "it"}
        )


def mutable_edits(scene: Scene, node: Node, depth: int) -> Iterator[Edit]:
    """What to change so that an expression gives a mutable reference, or a place that may be changed."""
    if depth > DEEPEST:
        raise Unchangeable
    kind = node.type
    if kind == "reference_expression":
        value = node.child_by_field_name("value")
        if value is None:
            raise Unchangeable
        if not any(child.type == "mutable_specifier" for child in node.children):
            yield scene.insert(value.start_byte, "mut ")
            yield from owner_edits(scene, value, depth + 1)
    elif kind in {"identifier", "self"}:
        yield from local_edits(scene, node, depth + 1)
    elif kind in {
        "field_expression",
        "index_expression",
        "parenthesized_expression",
        "try_expression",
        "unary_expression",
    }:
        inner = node.child_by_field_name("value") or (node.named_children[0] if node.named_children else None)
        if inner is None:
            raise Unchangeable
        yield from mutable_edits(scene, inner, depth + 1)
    elif kind == "call_expression":
        yield from call_edits(scene, node, depth + 1)
    else:
        raise Unchangeable


def call_edits(scene: Scene, call: Node, depth: int) -> Iterator[Edit]:
    """The counterpart of a method that gives a shared reference, or what the method was called on."""
    name, receiver = method_name(scene, call), receiver_of(call)
    function = call.child_by_field_name("function")
    if name is None or receiver is None or function is None:
        raise Unchangeable
    if function.type == "generic_function":
        function = function.child_by_field_name("function")
    field = function.child_by_field_name("field") if function is not None else None
    counterpart = counterpart_of(scene, name, receiver)
    if counterpart is not None and field is not None:
        yield scene.replace(field, counterpart)
        if counterpart not in {"borrow_mut", "write"}:
            yield from owner_edits(scene, receiver, depth)
    elif name in HANDING_ON:
        yield from mutable_edits(scene, receiver, depth)
    elif name in THROUGH_CLOSURE:
        yield from mutable_edits(scene, receiver, depth)
        closure = next((one for one in ancestors_down(call) if one.type == "closure_expression"), None)
        body = closure.child_by_field_name("body") if closure is not None else None
        if body is None or body.type == "block":
            raise Unchangeable
        yield from mutable_edits(scene, body, depth)
    else:
        raise Unchangeable


def ancestors_down(call: Node) -> list[Node]:
    """The arguments of a call."""
    arguments = call.child_by_field_name("arguments")
    return arguments.named_children if arguments is not None else []


def counterpart_of(scene: Scene, name: str, receiver: Node) -> str | None:
    """The method that gives mutably what this one gives shared, where there is one."""
    said = scene.said
    guard = next((pair for kind, pair in GUARDS.items() if f"of `{kind}<" in said or f"::{kind}<" in said), None)
    if guard is not None and name == guard[0]:
        return guard[1]
    if name in HANDING_ON | {"last"} and gives_iterator(scene, receiver):
        return None
    index = scene.index
    own = [item for item in index.functions_named(f"{name}_mut") if "mut" in (item.self_parameter or "")]
    if own and any(item.self_parameter for item in index.functions_named(name)):
        return f"{name}_mut"
    if name in COUNTERPARTS:
        return COUNTERPARTS[name]
    return f"{name}_mut" if name in WITH_MUT else None


def gives_iterator(scene: Scene, node: Node) -> bool:
    """Whether an expression is a chain of methods that gives an iterator."""
    name, receiver = method_name(scene, node), receiver_of(node)
    return name in ITERATORS or (name in HANDING_ON and receiver is not None and gives_iterator(scene, receiver))


def local_edits(scene: Scene, node: Node, depth: int) -> Iterator[Edit]:
    """What to change so that a local variable holds a mutable reference: where it got it from."""
    local = local_at(scene, node, scene.of(node))
    if local is None or local.by_reference:
        raise Unchangeable
    if local.kind in {"parameter", "self"}:
        yield from parameter_edits(scene, local)
        return
    origin = origin_of(scene, local)
    if origin is None:
        raise Unchangeable
    if local.kind == "let" and local.type is not None:
        yield from written_type_edits(scene, local)
    before = list(mutable_edits(scene, origin, depth))
    if (
        any(edit.replacement in {"borrow_mut", "write"} for edit in before)
        and local.kind == "let"
        and not local.is_mutable
    ):
        yield scene.insert(local.byte_start, "mut ")
    yield from before


def origin_of(scene: Scene, local: Local) -> Node | None:
    """The expression that a local variable is bound to, or taken from."""
    binding = node_at(scene.root, local.byte_start, local.byte_end)
    for one in ancestors(binding):
        if one.type in {"reference_pattern", "captured_pattern"}:
            return None
        if one.type in {"let_declaration", "let_condition", "for_expression"}:
            return one.child_by_field_name("value")
        if one.type == "match_arm":
            match = one.parent.parent if one.parent is not None else None
            return match.child_by_field_name("value") if match is not None else None
        if one.type == "closure_expression":
            call = one.parent.parent if one.parent is not None and one.parent.type == "arguments" else None
            name = method_name(scene, call)
            is_known = name in THROUGH_CLOSURE | {
                "for_each",
                "inspect",
                "try_for_each",
                "if_some",
                "map_or",
                "is_some_and",
            }
            return receiver_of(call) if is_known else None
        if one.type in {"block", "function_item"}:
            return None
    return None


def parameter_edits(scene: Scene, local: Local) -> Iterator[Edit]:
    """`&mut T` for `&T` in the type of a parameter; of `&self` only where the method is the type's own."""
    written = scene.code(local.declaration_start, local.declaration_end)
    found = re.search(r"&\s*('\w+\s+)?(?!mut\b|'\w)", written)
    if re.search(r"&\s*('\w+\s+)?mut\b", written):
        return
    function = scene.function(node_at(scene.root, local.byte_start, local.byte_end))
    if function is not None and owner_kind(function) == "of_trait":
        raise Unchangeable
    if found is None or (local.type is not None and not local.type.startswith("&")):
        if local.is_mutable:
            return
        yield scene.insert(local.byte_start, "mut ")
        return
    yield scene.insert(local.declaration_start + len(written[: found.end()].encode()), "mut ")


def written_type_edits(scene: Scene, local: Local) -> Iterator[Edit]:
    """`&mut` in the type that stands beside a `let`."""
    declaration = scene.code(local.byte_end, local.declaration_end)
    found = re.match(r"\s*:\s*&\s*('\w+\s+)?(?!mut\b)", declaration)
    if found:
        yield scene.insert(local.byte_end + len(declaration[: found.end()].encode()), "mut ")


OWNERS = re.compile(r"^(vec!|[A-Z]\w*(::<.*?>)?(::\w+)?\s*[({]|\[|String::|format!)")


def owner_edits(scene: Scene, place: Node, depth: int) -> Iterator[Edit]:
    """What to change so that a place may be borrowed mutably: `mut` for its owner, `&mut` for its reference."""
    base = place
    while base.type in {"field_expression", "index_expression", "parenthesized_expression"}:
        inner = base.child_by_field_name("value") or (base.named_children[0] if base.named_children else None)
        if inner is None:
            return
        base = inner
    if base.type == "unary_expression" and scene.of(base).startswith("*"):
        base = base.named_children[0]
    if base.type == "call_expression":
        yield from mutable_edits(scene, base, depth)
        return
    if base.type not in {"identifier", "self"}:
        return
    local = local_at(scene, base, scene.of(base))
    if local is None:
        return
    if local.kind in {"parameter", "self"}:
        yield from parameter_edits(scene, local)
    elif local.kind == "let" and local.initializer is not None:
        origin = origin_of(scene, local)
        if OWNERS.match(local.initializer) and not local.is_mutable:
            yield scene.insert(local.byte_start, "mut ")
        elif origin is not None and origin.type == "reference_expression" and place != base:
            yield from local_edits(scene, base, depth)
    elif local.kind in {"for", "pattern", "closure_parameter"}:
        origin = origin_of(scene, local)
        if origin is not None and (origin.type == "reference_expression" or method_name(scene, origin) is not None):
            yield from local_edits(scene, base, depth)


# ---- closures that change what they captured --------------------------------------------------------------------


def accept_fn_mut(scene: Scene) -> Iterator[Proposal]:
    """`FnMut` for `Fn` in the bound of the function that takes (or gives) a closure which changes something."""
    for span in scene.spans():
        if not re.search(r"change this to (accept|return) `FnMut` instead of `Fn`", span.label or ""):
            continue
        if not scene.context.is_editable(span.file) or span.from_macro:
            return
        place = scene.elsewhere(span)
        node = place.node_of(span)
        function = place.function(node)
        if function is None:
            return
        edits = list(fn_mut_edits(place, function, node, returned="return" in (span.label or "")))
        if edits:
            yield Proposal(tuple(sorted(edits, key=lambda edit: edit.byte_start)), {"name": name_of(place, function)})
        return
    yield from accept_dyn_fn_mut(scene)


def accept_dyn_fn_mut(scene: Scene) -> Iterator[Proposal]:
    """The same for a function of ours that takes `&dyn Fn(..)`, of which rustc says nothing."""
    if "captured variable in a `Fn` closure" not in scene.problem.message:
        return
    closure = next((one for one in ancestors(scene.node) if one.type == "closure_expression"), None)
    argument = next(
        (one for one in ancestors(closure) if one.parent is not None and one.parent.type == "arguments"), None
    )
    call = argument.parent.parent if argument is not None and argument.parent is not None else None
    callee = call.child_by_field_name("function") if call is not None else None
    if argument is None or call is None or callee is None:
        return
    name = re.split(r"::|\.", scene.of(callee))[-1].strip()
    own = scene.index.functions_named(name)
    number = arguments_of(call).index(argument)
    if len(own) != 1 or number >= len(own[0].parameters) or not scene.context.is_editable(own[0].file):
        return
    parameter = own[0].parameters[number]
    found = re.search(r"(&\s*(?:'\w+\s+)?)?(mut\s+)?(dyn\s+)Fn(?=\()", parameter.type)
    text = scene.context.read(own[0].file)[parameter.byte_start : parameter.byte_end].decode(errors="replace")
    if found is None or found.group() not in text:
        return
    at = parameter.byte_start + len(text[: text.index(found.group())].encode())
    edits = [Edit(own[0].file, at + len(found.group()), at + len(found.group()), "Mut")]
    if found[1] and not found[2]:
        edits.insert(0, Edit(own[0].file, at + len(found[1]), at + len(found[1]), "mut "))
    shared = re.match(r"&\s*(?!mut\b)", scene.of(argument))
    if shared and found[1]:
        position = argument.start_byte + shared.end()
        edits.append(scene.insert(position, "mut "))
    yield Proposal(tuple(edits), {"name": name})


def name_of(scene: Scene, function: Node) -> str:
    name = function.child_by_field_name("name")
    return scene.of(name) if name is not None else "it"


def fn_mut_edits(scene: Scene, function: Node, node: Node, *, returned: bool) -> Iterator[Edit]:
    """`Fn(` becomes `FnMut(` in what the label names; a parameter of that type becomes `mut`."""
    text = scene.of(node)
    body = function.child_by_field_name("body")
    head_end = body.start_byte if body is not None else function.end_byte
    if re.search(r"\bFn\(", text):
        start, code = node.start_byte, text
    else:
        start, code = function.start_byte, scene.code(function.start_byte, head_end)
        bound = re.search(rf"\b{re.escape(text)}\s*:[^,>]*?\bFn\(", code)
        if bound is None:
            return
        start, code = start + len(code[: bound.start()].encode()), bound.group()
    found = re.search(r"\bFn(?=\()", code)
    if found is None:
        return
    at = start + len(code[: found.end()].encode())
    yield scene.insert(at, "Mut")
    if returned:
        return
    parameters = function.child_by_field_name("parameters")
    for parameter in parameters.named_children if parameters is not None else ():
        written, pattern = parameter.child_by_field_name("type"), parameter.child_by_field_name("pattern")
        if written is None or pattern is None or pattern.type != "identifier":
            continue
        is_it = written.start_byte <= node.start_byte < written.end_byte or scene.of(written) == text
        if is_it and not any(child.type == "mutable_specifier" for child in parameter.children):
            yield scene.insert(pattern.start_byte, "mut ")


# ---- what cannot be changed in its place ------------------------------------------------------------------------


def change_map_entry(scene: Scene) -> Iterator[Proposal]:
    """`map[key] += x` for a map, whose index only looks."""
    if not re.search(r"index of `(std::collections::)?(HashMap|BTreeMap)<", scene.problem.message):
        return
    node = exact_node(scene, scene.problem.span)
    place = node.child_by_field_name("left") if node is not None and node.type == "compound_assignment_expr" else node
    if place is None or place.type != "index_expression" or len(place.named_children) != 2:
        return
    owner, key = place.named_children
    call = f"{scene.of(owner)}.get_mut({scene.of(key)}).unwrap()"
    yield Proposal(
        (scene.replace(place, f"*{call}" if place != node else call),), {"call": f"get_mut({scene.of(key)})"}
    )


def change_shared(scene: Scene) -> Iterator[Proposal]:
    """`Rc::make_mut` for what is written to behind a shared pointer."""
    kind = re.search(r"data in an `(Rc|Arc)`", scene.problem.message)
    node = exact_node(scene, scene.problem.span)
    if kind is None or node is None:
        return
    place = (
        node.child_by_field_name("left") if node.type.endswith(("assignment_expression", "assignment_expr")) else node
    )
    while place is not None and place.type in {"field_expression", "index_expression", "unary_expression"}:
        if place.type == "field_expression" and scene.of(place).startswith("self.") and scene.of(place).count(".") == 1:
            break
        place = place.child_by_field_name("value") or (place.named_children[0] if place.named_children else None)
    if place is None or place.type not in {"identifier", "field_expression"}:
        return
    local = local_at(scene, place, root_name(scene, place))
    is_reference = local is not None and place.type == "identifier" and (local.type or "").startswith("&mut")
    target = scene.of(place) if is_reference else f"&mut {scene.of(place)}"
    question = "whether others that share the value are to see the change"
    copied = scene.replace(place, f"{kind[1]}::make_mut({target})")
    yield Proposal((copied,), {"way": f"{kind[1]}::make_mut"}, question=question)
    alone = scene.replace(place, f"{kind[1]}::get_mut({target}).unwrap()")
    yield Proposal((alone,), {"way": f"{kind[1]}::get_mut"}, 0.05, question=question)

"""Matchers about collections, slices, arrays and iterators."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.std_names import is_copied
from sleepy_agent.code.syntax import code_children
from sleepy_agent.code.type_text import bare_type_name, type_arguments
from sleepy_agent.fixes.templates.conversions_shared import (
    INTEGERS,
    NUMBERS,
    around,
    by_table,
    conditions,
    exact_node,
    is_pattern,
    mismatch_of,
    plain_type,
    without_borrow,
)
from sleepy_agent.fixes.templates.numbers_shared import is_lossless
from sleepy_agent.fixes.templates.results import initializer_of
from sleepy_agent.fixes.templates.scene import Proposal, Scene

collection_made_of_another = by_table("collection_made_of_another")

ITERATORS = frozenset(
    {"Map", "Filter", "Rev", "Chars", "Copied", "Cloned", "Enumerate", "Zip", "Chain", "Take", "Skip", "StepBy"}
    | {"FlatMap", "Flatten", "FilterMap", "Peekable", "TakeWhile", "SkipWhile", "Iter", "IntoIter", "Lines", "Split"}
    | {"SplitWhitespace", "CharIndices", "Bytes", "Keys", "Values", "IntoKeys", "IntoValues", "Windows", "Chunks"}
    | {"Scan", "MapWhile", "Inspect", "Drain", "SplitN", "RSplit", "ChunksExact", "Range", "RangeInclusive", "IterMut"}
)
COLLECTIONS = frozenset(
    {"Vec", "String", "HashMap", "HashSet", "BTreeMap", "BTreeSet", "VecDeque", "BinaryHeap", "LinkedList"}
)
WITH_ITER = COLLECTIONS - {"String"} | {"slice", "array", "Option"}
ADAPTERS = frozenset(
    {"map", "filter", "filter_map", "enumerate", "zip", "rev", "any", "all", "find", "position", "fold", "for_each"}
    | {"take_while", "skip_while", "flat_map", "sum", "max", "min", "max_by_key", "min_by_key", "count", "take", "skip"}
    | {
        "max_by",
        "min_by",
        "last",
        "nth",
        "reduce",
        "unzip",
        "scan",
        "map_while",
        "flatten",
        "cycle",
        "rposition",
        "cmp",
    }
    | {"chain", "collect", "copied", "cloned", "peekable", "step_by", "find_map", "partition", "inspect", "product"}
)
# Adapters whose closures mostly want the values themselves.


def collected(scene: Scene) -> Iterator[Proposal]:
    """`.collect()` where a collection is wanted; a sum, a count or the next item where one value is."""
    found = mismatch_of(scene)
    if found is None or is_pattern(found.node) or bare_type_name(found.found) not in ITERATORS:
        return
    place = found.node or found.span
    wanted = bare_type_name(found.expected)
    if found.expected.startswith("&"):
        return
    arguments = type_arguments(found.expected)
    is_result = wanted in {"Result", "Option"} and bool(arguments) and bare_type_name(arguments[0]) in COLLECTIONS
    if wanted in COLLECTIONS or is_result or (wanted == "Box" and arguments[:1] and arguments[0].startswith("[")):
        yield Proposal(around(scene, place, "", ".collect()"), {"how": "collect()"})
    elif found.expected in NUMBERS | {"{integer}", "{float}"}:
        question = "what one number the items give"
        yield Proposal(around(scene, place, "", ".sum()"), {"how": "sum()"}, 0.55, question, keeps_behaviour=False)
        if found.expected == "usize":
            yield Proposal(
                around(scene, place, "", ".count()"), {"how": "count()"}, 0.55, question, keeps_behaviour=False
            )
    elif wanted == "Option":
        yield Proposal(around(scene, place, "", ".next()"), {"how": "next()"}, 0.55, keeps_behaviour=False)


# ---- items ------------------------------------------------------------------------------------------------------


def chain_before(scene: Scene) -> Node | None:
    """What `.collect()` is called on, where the diagnostic points at its name or at its type argument."""
    function = scene.around("field_expression")
    if function is None:
        generic = scene.around("generic_function")
        function = generic.child_by_field_name("function") if generic is not None else None
    field = function.child_by_field_name("field") if function is not None else None
    if function is None or field is None or scene.of(field) not in {"collect", "sum", "product", "unzip", "partition"}:
        return None
    return function.child_by_field_name("value")


def converted_items(scene: Scene) -> Iterator[Proposal]:
    """`.cloned()`, `.copied()`, `.map(String::from)` in front of `.collect()`, or in the closure of the last `map`."""
    chain = chain_before(scene)
    wanted = re.search(
        r"for that trait implementation, expected `(?P<wanted>[^`]+)`, found `(?P<found>[^`]+)`", scene.said
    )
    if chain is None:
        return
    item = plain_type(f"`{scene.values['item']}`")
    collection = plain_type(f"`{scene.values['collection']}`")
    parts = type_arguments(collection) or ("",)
    pair = f"({', '.join(parts)})" if len(parts) == 2 else parts[0]
    # The help may speak of a part of a tuple only.
    is_whole = wanted is not None and plain_type(f"`{wanted['found']}`") == item
    target = plain_type(f"`{wanted['wanted']}`") if wanted is not None and is_whole else pair
    body = last_closure(scene, chain)
    for before, after, step in steps_for_item(item, target, collection):
        if body is not None and before + after:
            yield Proposal(around(scene, body, before, after), {"how": f"{before}..{after}"})
        elif step:
            yield Proposal((scene.insert(chain.end_byte, step),), {"how": step.removeprefix(".")})
        return


def steps_for_item(item: str, target: str, collection: str) -> Iterator[tuple[str, str, str]]:
    """How an item becomes another: before and after it in a closure, and as a step of its own."""
    if item in {"&str", "&&str", "&String"} and target == "String":
        yield (
            "",
            ".to_string()",
            ".cloned()"
            if item == "&String"
            else ".map(String::from)"
            if item == "&str"
            else ".map(|text| text.to_string())",
        )
    elif item == f"&{target}" and target:
        copied = is_copied(target) or target in NUMBERS | {"bool", "char"}
        yield ("*" if copied else ""), ("" if copied else ".clone()"), (".copied()" if copied else ".cloned()")
    elif target in NUMBERS and is_lossless(item, target):
        yield f"{target}::from(", ")", f".map({target}::from)"
    elif item == "char" and target == "String":
        yield "", ".to_string()", ".map(String::from)"
    elif item in {"u8", "&u8"} and collection == "String":
        yield "char::from(", ")", f".map(|{'&' * item.startswith('&')}byte| char::from(byte))"
    elif (
        target.startswith("(")
        and item.startswith("(")
        and len(type_arguments(target)) == len(type_arguments(item)) == 2
    ):
        pairs = list(zip(type_arguments(item), type_arguments(target), strict=True))
        if all(first in (second, f"&{second}") or (first, second) == ("&str", "String") for first, second in pairs):
            key, value = (converted_name(name, *pair) for name, pair in zip(("key", "value"), pairs, strict=True))
            yield "", "", f".map(|(key, value)| ({key}, {value}))"


def converted_name(name: str, item: str, target: str) -> str:
    if item == target:
        return name
    if item == "&str":
        return f"{name}.to_string()"
    return f"*{name}" if is_copied(target) else f"{name}.clone()"


def last_closure(scene: Scene, chain: Node) -> Node | None:
    """The body of the closure of `map`, where that is the last step and its value is one expression."""
    function = chain.child_by_field_name("function") if chain.type == "call_expression" else None
    field = (
        function.child_by_field_name("field") if function is not None and function.type == "field_expression" else None
    )
    arguments = chain.child_by_field_name("arguments") if field is not None and scene.of(field) == "map" else None
    inside = code_children(arguments) if arguments is not None else []
    body = inside[0].child_by_field_name("body") if inside and inside[0].type == "closure_expression" else None
    if body is not None and body.type == "block":
        members = code_children(body)
        is_value = bool(members) and not members[-1].type.endswith(("_statement", "_declaration"))
        return members[-1] if is_value else None
    return body if body is not None and body.type not in {"match_expression", "if_expression"} else None


def collected_results(scene: Scene) -> Iterator[Proposal]:
    """`collect::<Result<_, _>>()?`; where the types are written behind `collect`, they are changed there."""
    holder = scene.values["holder"]
    call = scene.around("call_expression", scene.node.parent)
    function = call.child_by_field_name("function") if call is not None else None
    if call is None or function is None:
        return
    written = f"{holder}<_, _>" if holder == "Result" else "Option<_>"
    place = conditions(scene, call)
    ending = "?" if f"propagates_{holder.lower()}" in place else ""
    is_handled = call.parent is not None and call.parent.type == "try_expression"
    if function.type == "generic_function":
        arguments = function.child_by_field_name("type_arguments")
        inner = arguments.named_children[0] if arguments is not None and arguments.named_children else None
        if inner is None:
            return
        rest = ", _>" if holder == "Result" else ">"
        edits = (scene.replace(inner, f"{holder}<{scene.of(inner)}{rest}"),)
        yield Proposal(edits)
        if ending and not is_handled:
            yield Proposal((*edits, scene.insert(call.end_byte, ending)), extra_cost=0.01)
        return
    field = function.child_by_field_name("field")
    if field is None:
        return
    if ending and not is_handled:
        yield Proposal((scene.insert(field.end_byte, f"::<{written}>"), scene.insert(call.end_byte, ending)))
    declaration = call.parent if call.parent is not None and call.parent.type == "let_declaration" else None
    kind = declaration.child_by_field_name("type") if declaration is not None else None
    if kind is not None:
        rest = ", _>" if holder == "Result" else ">"
        yield Proposal(
            (scene.insert(kind.start_byte, f"{holder}<"), scene.insert(kind.end_byte, rest)), extra_cost=0.02
        )


# ---- loops ------------------------------------------------------------------------------------------------------


def iterated_parts(scene: Scene) -> Iterator[Proposal]:
    """`for i in n`, `for c in text`, `for item in bag`."""
    node = exact_node(scene, scene.span)
    type_text = plain_type(f"`{scene.values['type']}`")
    bare = bare_type_name(type_text)
    if node is None:
        return
    if type_text in INTEGERS | {"{integer}"}:
        yield Proposal(around(scene, node, "0..", ""), {"parts": f"0..{scene.of(node)}"})
    elif bare in {"str", "String"}:
        inner = without_borrow(node)
        start = (scene.delete(node.start_byte, inner.start_byte),) if inner is not None else ()
        for rank, how in enumerate((".chars()", ".bytes()")):
            edits = (*start, *around(scene, inner or node, "", how))
            yield Proposal(edits, {"parts": how.strip(".()")}, 0.1 * rank, "letters or bytes")
    else:
        yield from parts_of_own_type(scene, node, bare)


def parts_of_own_type(scene: Scene, node: Node, bare: str) -> Iterator[Proposal]:
    """A type of the workspace: its `iter()`, or its only collection."""
    target = without_borrow(node) or node
    if any(item.name == "iter" and item.self_parameter == "&self" for item in scene.index.methods_of(bare)):
        start = (scene.delete(node.start_byte, target.start_byte),) if target != node else ()
        yield Proposal((*start, *around(scene, target, "", ".iter()")), {"parts": "iter()"})
        return
    fields = [field for field in scene.index.fields_of(bare) if bare_type_name(field.type) in COLLECTIONS - {"String"}]
    if len(fields) == 1:
        sign = "" if target != node else "&"
        yield Proposal(around(scene, target, sign, f".{fields[0].name}"), {"parts": fields[0].name})


RECEIVER = re.compile(
    r"found for (?:struct|reference|array|slice|type|enum|mutable reference) `(?P<type>[^`]+)`"
    r"|^`(?P<other>[^`]+)` is not an iterator"
)


def iterator_first(scene: Scene) -> Iterator[Proposal]:
    """`list.map(..)`: `.iter()`; `text.filter(..)`: `.chars()`."""
    found = RECEIVER.search(scene.problem.message)
    access = scene.node.parent
    name = access.child_by_field_name("field") if access is not None and access.type == "field_expression" else None
    value = access.child_by_field_name("value") if access is not None and name is not None else None
    if found is None or name is None or value is None or scene.of(name) not in ADAPTERS:
        return
    type_text = plain_type(f"`{found['type'] or found['other']}`")
    bare = bare_type_name(type_text)
    if bare in {"str", "String"}:
        yield Proposal(around(scene, value, "", ".chars()"), {"how": "chars()"}, keeps_behaviour=False)
    elif bare in WITH_ITER or any(
        item.name == "iter" and item.self_parameter == "&self" for item in scene.index.methods_of(bare)
    ):
        yield Proposal(around(scene, value, "", ".iter()"), {"how": "iter()"})
    else:
        fields = [
            field for field in scene.index.fields_of(bare) if bare_type_name(field.type) in COLLECTIONS - {"String"}
        ]
        if len(fields) == 1:
            yield Proposal(
                around(scene, value, "", f".{fields[0].name}.iter()"), {"how": f"{fields[0].name}.iter()"}, 0.1
            )


def enumerated(scene: Scene) -> Iterator[Proposal]:
    """`for (index, item) in list`."""
    found = mismatch_of(scene)
    node = found.node if found is not None else None
    outer = node.parent if node is not None and node.parent is not None else None
    if node is not None and outer is not None and outer.type == "tuple_pattern" and outer.named_children[-1] == node:
        # `for (index, (name, value)) in pairs`
        node = outer
    loop = node.parent if node is not None else None
    value = loop.child_by_field_name("value") if loop is not None and loop.type == "for_expression" else None
    if found is None or node is None or value is None or node.type != "tuple_pattern":
        return
    if len(code_children(node)) != 2 or found.expected.startswith("("):
        return
    if loop is None or loop.child_by_field_name("pattern") != node:
        return
    inner = without_borrow(value)
    has_iterator = re.search(
        r"\.(iter|iter_mut|into_iter|chars|bytes|lines|split\w*|windows|chunks\w*|keys|values|drain)\(", scene.of(value)
    )
    if inner is not None:
        method = ".iter_mut()" if scene.of(value).startswith("&mut") else ".iter()"
        edits = (scene.delete(value.start_byte, inner.start_byte), *around(scene, inner, "", f"{method}.enumerate()"))
        yield Proposal(edits)
    elif value.type == "range_expression":
        yield Proposal((scene.insert(value.start_byte, "("), scene.insert(value.end_byte, ").enumerate()")))
    else:
        yield Proposal(around(scene, value, "", ".enumerate()" if has_iterator else ".iter().enumerate()"))
        if not has_iterator:
            yield Proposal(around(scene, value, "", ".into_iter().enumerate()"), extra_cost=0.05)


MEASURED = frozenset({"<", ">", "<=", ">=", "==", "!=", "+", "-", "*", "/", "%"})
OF_LISTS = frozenset(
    {
        "join",
        "concat",
        "len",
        "is_empty",
        "sort",
        "sort_by",
        "sort_by_key",
        "sort_unstable",
        "contains",
        "push",
        "windows",
    }
    | {"chunks", "first", "get", "iter", "swap", "reverse", "dedup", "to_vec", "binary_search", "split_at", "as_slice"}
)


def collected_before_method(scene: Scene) -> Iterator[Proposal]:
    """`.join(", ")` of what is still an iterator."""
    access = scene.node.parent
    value = access.child_by_field_name("value") if access is not None and access.type == "field_expression" else None
    if value is None or scene.values["method"] not in OF_LISTS:
        return
    if bare_type_name(plain_type(f"`{scene.values['type']}`")) not in ITERATORS:
        return
    line = scene.text[value.end_byte : scene.node.start_byte].decode(errors="replace")
    gap = line.rstrip(".") if "\n" in line else ""
    yield Proposal((scene.insert(value.end_byte, f"{gap}.collect::<Vec<_>>()"),))


def behind_guard(type_text: str) -> str:
    """`Vec<T>` of `MutexGuard<Vec<T>>`."""
    guards = {"MutexGuard", "Ref", "RefMut", "RwLockReadGuard", "RwLockWriteGuard", "Box", "Rc", "Arc"}
    arguments = type_arguments(type_text)
    return arguments[0] if bare_type_name(type_text) in guards and arguments else type_text


def length_wanted(scene: Scene) -> Iterator[Proposal]:
    """`word > limit` where `limit` is a number of letters; a list where a number is wanted."""
    found = mismatch_of(scene) if scene.problem.code == "E0308" else None
    measured = bare_type_name(behind_guard(found.found)) if found is not None else ""
    is_value = found is not None and found.expected == "usize" and not is_pattern(found.node)
    if found is not None and is_value and measured in COLLECTIONS | {"str", "slice", "array"}:
        target = (initializer_of(scene, found.node) if found.node is not None else None) or found.node or found.span
        yield Proposal(around(scene, target, "", ".len()"))
        return
    node = scene.around("binary_expression")
    operator = node.child_by_field_name("operator") if node is not None else None
    if node is None or operator is None or scene.of(operator) not in MEASURED:
        return
    types = re.search(r"`(?P<left>[^`]+?) (?:[<>]=?|[=!]=|[-+*/%]) (?P<right>[^`]+)`", scene.span.label or "")
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        return
    if found is not None and found.node == right:
        sides = [(left, found.expected, found.found), (right, found.found, found.expected)]
    elif scene.problem.code == "E0369":
        labels = {(span.byte_start, span.byte_end): span.label for span in scene.spans() if span.label}
        own = [plain_type(f"`{labels.get((side.start_byte, side.end_byte), '')}`") for side in (left, right)]
        sides = [(left, own[0], own[1]), (right, own[1], own[0])]
    elif types is not None:
        plain = [plain_type(f"`{types[name]}`") for name in ("left", "right")]
        sides = [(left, plain[0], plain[1]), (right, plain[1], plain[0])]
    else:
        return
    for side, given, other in sides:
        if bare_type_name(given) in COLLECTIONS | {"str", "slice"} and other in {"usize", "{integer}"}:
            yield Proposal(around(scene, side, "", ".len()"))
            return

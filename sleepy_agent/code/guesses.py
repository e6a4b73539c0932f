"""What an edit decides that nobody wrote: flags for edits that compile and may mean something else. Pure.

A derive has an opinion about equality, order and emptiness; a conversion stands before or behind an operation; a
closure counts in its own copy. Each is what many people mean and what some do not, so that people are asked.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from tree_sitter import Node

from sleepy_agent.code.losses import Text, TextChange
from sleepy_agent.code.names import words_of
from sleepy_agent.code.syntax import COMMENT_KINDS, ancestors, code_children, node_at

TYPE_ITEMS = frozenset({"struct_item", "enum_item", "union_item"})
WRITTEN = re.compile(
    r"\bimpl\s*(?:<[^{}()]*>\s*)?(?:\w+::)*(?P<trait>\w+)\s*(?P<arguments><[^{}()]*>)?\s+for\s+(?:\w+::)*(?P<type>\w+)"
)
# What is shared stays shared when it is cloned.
SHARED = re.compile(r"\b(Rc|Arc)\s*<.*\b(Cell|RefCell|OnceCell|Mutex|RwLock|Atomic\w+)\b", re.DOTALL)
HANDLE = re.compile(r"\s*(\w+::)*(Rc|Arc|Weak|Sender|SyncSender|PhantomData|JoinHandle)\b")
NO_VALUE = re.compile(r"\s*(\w+::)*PhantomData\b|\s*\(\s*\)")
# What `Default` gives as well.
EMPTY_VALUES = re.compile(
    r"\b(0(\.0)?(_?[iuf]\d+|_?[iu]size)?|false|None|\w+(::<[^>]*>)?::(new|default)\(\)|vec!\[\])(?![\w.(])|\"\""
)
ARITHMETIC = frozenset({"+", "-", "*", "/", "<<"})
# Where the side that may be missing is the smaller one: `None` is less than everything.
SMALLER_LEFT, SMALLER_RIGHT = frozenset({"<", "<="}), frozenset({">", ">="})
ASSIGNMENTS = frozenset({"assignment_expression", "compound_assignment_expr"})


def guess_flags(before: Text, after: Text, changes: Sequence[TextChange]) -> set[str]:
    """Names of the flags of flags.toml that speak of a decision that the edit makes for its author."""
    found = set()
    for change in changes:
        inserted = after.content[change.new_start : change.new_end]
        if not inserted.strip():
            continue
        found |= derive_flags(before, after, change)
        nodes = list(nodes_touching(after, change))
        if any(converts_a_result(after, node, change) for node in nodes):
            found.add("converted_result")
        if any(compares_with_some(after, node, change) for node in nodes):
            found.add("missing_is_less")
        if any(changes_its_copy(after, node, change) for node in nodes):
            found.add("changes_a_copy")
    return found


def nodes_touching(text: Text, change: TextChange) -> Iterator[Node]:
    """The nodes that hold a change up to its statement, and what lies in it."""
    inner = node_at(text.root, change.new_start, change.new_end)
    for node in ancestors(inner):
        yield node
        if node.type in {"block", "source_file"} or node.type.endswith("_item"):
            break
    waiting = list(inner.children)
    while waiting:
        node = waiting.pop()
        if node.start_byte < change.new_end and change.new_start < node.end_byte:
            yield node
            waiting += node.children


def is_inserted(node: Node | None, change: TextChange) -> bool:
    """Whether a node has bytes of what a change puts in."""
    return node is not None and node.start_byte < change.new_end and change.new_start < node.end_byte


@cache
def known_guesses() -> Mapping[str, Any]:
    """guesses.toml."""
    return tomllib.loads(files("sleepy_agent.code").joinpath("guesses.toml").read_text(encoding="utf-8"))


@cache
def lines_of_words(name: str) -> tuple[tuple[str, ...], ...]:
    """A table of guesses.toml with a list of words a line."""
    return tuple(tuple(line.split()) for line in known_guesses()["order"][name].strip().splitlines())


# ---- derives --------------------------------------------------------------------------------------------------


def derive_flags(before: Text, after: Text, change: TextChange) -> set[str]:
    """What the traits that a change derives decide about their type."""
    found = set()
    for attribute, item in derives_at(after, change):
        added = words_in(after, change.new_start, change.new_end) - words_in(before, change.start, change.end)
        name = item.child_by_field_name("name")
        new = added & set(re.findall(r"\w+", after.of(attribute)))
        if name is None or not new:
            continue
        written = written_traits(after, after.of(name))
        agreement: Mapping[str, list[str]] = known_guesses()["agreement"]
        if any(written & set(agreement.get(trait, ())) for trait in new):
            found.add("derived_beside_written")
        # One that is derived or written already has chosen the order.
        known = {"PartialOrd", "Ord"} & (derived_traits(after, item) - new | written)
        if {"PartialOrd", "Ord"} & new and not known and order_is_open(after, item):
            found.add("derived_order")
        if "Default" in new and is_made_otherwise(after, after.of(name)):
            found.add("derived_default")
        if "Clone" in new and shares_a_part(after, item):
            found.add("clone_that_shares")
        if "Serialize" in new and is_inner_part(after, after.of(name)):
            found.add("written_out")
    return found


def derives_at(text: Text, change: TextChange) -> Iterator[tuple[Node, Node]]:
    """The derive attributes that a change touches, with the types that they belong to."""
    inner = node_at(text.root, change.new_start, change.new_end)
    around = next((node for node in ancestors(inner) if node.type == "attribute_item"), None)
    for node in [around] if around is not None else inner.children:
        if node.type == "attribute_item" and is_inserted(node, change) and "derive" in text.of(node):
            item = node.next_named_sibling
            while item is not None and (item.type == "attribute_item" or item.type in COMMENT_KINDS):
                item = item.next_named_sibling
            if item is not None and item.type in TYPE_ITEMS:
                yield node, item


def words_in(text: Text, start: int, end: int) -> set[str]:
    """The words that a stretch touches, whole."""
    content = text.content
    while start > 0 and (content[start - 1 : start].isalnum() or content[start - 1 : start] == b"_"):
        start -= 1
    while end < len(content) and (content[end : end + 1].isalnum() or content[end : end + 1] == b"_"):
        end += 1
    return set(re.findall(r"\w+", content[start:end].decode(errors="replace")))


def derived_traits(text: Text, item: Node) -> set[str]:
    """All words of the derive attributes of a type."""
    found: set[str] = set()
    node = item.prev_named_sibling
    while node is not None and (node.type == "attribute_item" or node.type in COMMENT_KINDS):
        if node.type == "attribute_item" and "derive" in text.of(node):
            found |= set(re.findall(r"\w+", text.of(node)))
        node = node.prev_named_sibling
    return found


def written_traits(text: Text, name: str) -> set[str]:
    """The traits that this file implements by hand for a type, as far as they speak of the type alone."""
    return {
        found["trait"]
        for found in WRITTEN.finditer(text.content.decode(errors="replace"))
        if found["type"] == name and (not found["arguments"] or re.search(rf"<\s*(Self|{name})\b", found["arguments"]))
    }


def parts_of(text: Text, list_of_fields: Node | None) -> list[tuple[str, str]]:
    """The fields of a struct or a variant: name (empty in tuples) and type."""
    if list_of_fields is None:
        return []
    if list_of_fields.type == "ordered_field_declaration_list":
        kinds = {"attribute_item", "visibility_modifier", *COMMENT_KINDS}
        return [("", text.of(child)) for child in list_of_fields.named_children if child.type not in kinds]
    found = []
    for child in code_children(list_of_fields):
        name, type_node = child.child_by_field_name("name"), child.child_by_field_name("type")
        if child.type == "field_declaration" and name is not None and type_node is not None:
            found.append((text.of(name), text.of(type_node)))
    return found


def order_is_open(text: Text, item: Node) -> bool:
    """Whether the order in which a type declares its parts need not be the one that is meant."""
    body = item.child_by_field_name("body")
    if item.type != "enum_item":
        names = [name.lower() for name, kind in parts_of(text, body) if not NO_VALUE.match(kind)]
        return len(names) > 1 and not any(is_in_order(names, line) for line in lines_of_words("fields"))
    variants = [child for child in code_children(body) if child.type == "enum_variant"] if body is not None else []
    if any(variant.child_by_field_name("body") is not None for variant in variants):
        return len(variants) > 1
    names = [text.of(name).lower() for one in variants if (name := one.child_by_field_name("name")) is not None]
    return any(falls(names, line) for line in lines_of_words("scales"))


def is_in_order(names: Sequence[str], line: Sequence[str]) -> bool:
    """Whether all names stand in a line of words, and in its order."""
    places = [line.index(name) for name in names if name in line]
    return len(places) == len(names) and places == sorted(set(places))


def falls(names: Sequence[str], line: Sequence[str]) -> bool:
    """Whether a word of a line comes before one that is smaller."""
    places = [line.index(word) for name in names for word in words_of(name)[:1] if word in line]
    return any(second < first for first, second in itertools.pairwise(places))


def is_made_otherwise(text: Text, name: str) -> bool:
    """Whether the type has a `new` without parameters that gives something else than zeros and emptiness."""
    for implementation in nodes_of(text.root, "impl_item"):
        of_type, body = implementation.child_by_field_name("type"), implementation.child_by_field_name("body")
        if of_type is None or body is None or implementation.child_by_field_name("trait") is not None:
            continue
        if not re.match(rf"{name}\b", text.of(of_type)):
            continue
        for function in code_children(body):
            if is_plain_maker(text, function, name):
                made = function.child_by_field_name("body")
                rest = EMPTY_VALUES.sub("", text.of(made)) if made is not None else ""
                rest = re.sub(rf"//[^\n]*|\b(Self|{name})\b|\b\w+\s*:(?!:)|[{{}}(),\s]", "", rest)
                return bool(rest)
    return False


def is_plain_maker(text: Text, function: Node, name: str) -> bool:
    """Whether this is `fn new() -> Self`."""
    named = function.child_by_field_name("name")
    parameters = function.child_by_field_name("parameters")
    returned = function.child_by_field_name("return_type")
    if function.type != "function_item" or named is None or parameters is None or returned is None:
        return False
    gives_itself = re.match(rf"(Self|{name})\b", text.of(returned)) is not None
    return text.of(named) == "new" and not code_children(parameters) and gives_itself


def shares_a_part(text: Text, item: Node) -> bool:
    """Whether a copy of the type has some parts of its own, and shares one that can be changed. A type that is nothing
    but handles is copied to be shared."""
    types = [kind for _, kind in parts_of(text, item.child_by_field_name("body"))]
    return any(SHARED.search(kind) for kind in types) and not all(HANDLE.match(kind) for kind in types)


def is_inner_part(text: Text, name: str) -> bool:
    """Whether a struct that shows other fields has one of this type that it does not show: what it remembers for
    itself, perhaps."""
    for item in nodes_of(text.root, "struct_item"):
        body = item.child_by_field_name("body")
        fields = [child for child in code_children(body) if child.type == "field_declaration"] if body else []
        shown = [field for field in fields if any(child.type == "visibility_modifier" for child in field.children)]
        hidden = [kind for one in fields if one not in shown and (kind := one.child_by_field_name("type")) is not None]
        if shown and "Serialize" in derived_traits(text, item) and any(text.of(kind) == name for kind in hidden):
            return True
    return False


def nodes_of(root: Node, kind: str) -> Iterator[Node]:
    """The items of a kind in a file and its modules."""
    for child in root.named_children:
        if child.type == kind:
            yield child
        elif child.type == "mod_item" and (body := child.child_by_field_name("body")) is not None:
            yield from nodes_of(body, kind)


# ---- expressions ----------------------------------------------------------------------------------------------


def converts_a_result(text: Text, node: Node, change: TextChange) -> bool:
    """Whether the result of a computation is converted, and not what it is computed of: `(a / b).into()` has lost
    the fraction by then, `(a + b) as u64` may have run over."""
    if node.type == "type_cast_expression":
        kind = node.child_by_field_name("type")
        return is_inserted(kind, change) and is_computed(text, node.child_by_field_name("value"))
    if node.type != "call_expression":
        return False
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or arguments is None or not is_inserted(function, change):
        return False
    if function.type == "field_expression":
        method = function.child_by_field_name("field")
        is_into = method is not None and text.of(method) in {"into", "try_into"} and is_inserted(method, change)
        return is_into and is_computed(text, function.child_by_field_name("value"))
    given = code_children(arguments)
    return bool(re.search(r"::(try_)?from$", text.of(function))) and len(given) == 1 and is_computed(text, given[0])


def is_computed(text: Text, node: Node | None) -> bool:
    """Whether an expression computes with numbers that are not written out."""
    while node is not None and node.type == "parenthesized_expression":
        node = next(iter(code_children(node)), None)
    if node is None or node.type != "binary_expression":
        return False
    operator = node.child_by_field_name("operator")
    sides = [node.child_by_field_name("left"), node.child_by_field_name("right")]
    is_text = any(side is not None and side.type.startswith(("string", "reference")) for side in sides)
    return operator is not None and text.of(operator) in ARITHMETIC and not is_text


def compares_with_some(text: Text, node: Node, change: TextChange) -> bool:
    """Whether `Some` comes to one side of a comparison, so that what is missing counts as less."""
    operator = node.child_by_field_name("operator") if node.type == "binary_expression" else None
    word = text.of(operator) if operator is not None else ""
    side = "right" if word in SMALLER_LEFT else "left" if word in SMALLER_RIGHT else None
    wrapped = node.child_by_field_name(side) if side is not None else None
    function = wrapped.child_by_field_name("function") if wrapped is not None else None
    return function is not None and text.of(function) == "Some" and is_inserted(function, change)


def changes_its_copy(text: Text, node: Node, change: TextChange) -> bool:
    """Whether a closure becomes a `move` one that assigns to what is still read behind it: it compiles where that is
    copied, and then the closure counts for itself alone."""
    if node.type != "closure_expression" or b"move" not in text.content[change.new_start : change.new_end]:
        return False
    keyword = next((child for child in node.children if text.of(child) == "move"), None)
    body, parameters = node.child_by_field_name("body"), node.child_by_field_name("parameters")
    function = next((around for around in ancestors(node) if around.type == "function_item"), None)
    if not is_inserted(keyword, change) or body is None or function is None:
        return False
    inside, own = text.of(node), text.of(parameters) if parameters is not None else ""
    behind = text.content[node.end_byte : function.end_byte].decode(errors="replace")
    return any(
        re.search(rf"\b{name}\b", behind)
        and not re.search(rf"\b{name}\b", own)
        and not re.search(rf"\blet\s+(mut\s+)?{name}\b", inside)
        for name in assigned_names(text, body)
    )


def assigned_names(text: Text, body: Node) -> set[str]:
    """The locals that a piece of code assigns to, or to a part of."""
    names = set()
    waiting = [body]
    while waiting:
        node = waiting.pop()
        waiting += node.children
        left = node.child_by_field_name("left") if node.type in ASSIGNMENTS else None
        while left is not None and left.type in {"field_expression", "index_expression"}:
            left = left.child_by_field_name("value") or next(iter(code_children(left)), None)
        if left is not None and left.type == "identifier":
            names.add(text.of(left))
    return names

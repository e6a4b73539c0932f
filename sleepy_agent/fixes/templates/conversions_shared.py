"""What the templates about types share: which types a diagnostic speaks of, where, and how to write around that."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from tomllib import loads
from typing import Any

from tree_sitter import Node

from sleepy_agent.code.syntax import ancestors, node_at
from sleepy_agent.code.type_text import split_outside
from sleepy_agent.domain import Edit, Span
from sleepy_agent.fixes.templates.scene import Proposal, Scene

PACKAGE = "sleepy_agent.fixes.templates"

LABEL = re.compile(
    r"expected (?:[a-z ]+ )?(?P<expected>`[^`]+`|[a-z -]+), found (?:[a-z ]+ )?(?P<found>`[^`]+`|[a-z -]+)$"
)
NOTE = re.compile(r"expected [a-z ]*`(?P<expected>[^`]+)`\n\s*found [a-z ]*`(?P<found>[^`]+)`")
WORDS = {"integer": "{integer}", "floating-point number": "{float}", "future": "impl Future", "unit type": "()"}
PATH = re.compile(r"\b(?:\w+::)+(?=\w)")
LIFETIME = re.compile(r"'\w+\s*(?:,\s*)?(?:\+\s*)?")
# What cannot be written as a type: closures, opaque types, shortened ones, unknown parts.
UNWRITABLE = re.compile(r"\{|\.\.\.|\bimpl\b|\bfn item\b|(?<!\w)_(?!\w)|@")

UNSIGNED = ("u8", "u16", "u32", "u64", "u128", "usize")
SIGNED = ("i8", "i16", "i32", "i64", "i128", "isize")
FLOATS = ("f32", "f64")
INTEGERS = frozenset(UNSIGNED + SIGNED)
NUMBERS = INTEGERS | set(FLOATS)

# What binds less than a method call, than a prefix, than `as`.
LOOSE = frozenset(
    {"binary_expression", "range_expression", "closure_expression", "assignment_expression"}
    | {"compound_assignment_expr", "return_expression", "break_expression", "let_condition"}
)
LOOSE_BEFORE_A_PREFIX = LOOSE | {"type_cast_expression"}
LOOSE_BEFORE_A_METHOD = LOOSE_BEFORE_A_PREFIX | {"unary_expression", "reference_expression", "negative_literal"}
PREFIXES = ("*", "&", "&mut ", "!", "-")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The types of an E0308 without paths and lifetimes, and the code that has the wrong one."""

    expected: str
    found: str
    span: Span
    node: Node | None
    """The node that is exactly the span; None inside of macros, where there are only tokens."""


def mismatch_of(scene: Scene) -> Mismatch | None:
    """What a type mismatch says; None where it says it in other words."""
    label = LABEL.search(scene.span.label or "")
    note = next((found for child in scene.diagnostic.children if (found := NOTE.search(child.message))), None)
    if label is None and note is None:
        return None
    parts = label or note
    assert parts is not None
    if note is not None and "..." in parts[0]:
        parts = note
    types = [plain_type(parts[name]) for name in ("expected", "found")]
    return Mismatch(types[0], types[1], scene.span, exact_node(scene, scene.span))


def plain_type(text: str) -> str:
    """A type of a diagnostic without backticks, lifetimes and paths: `Cow<str>` of `std::borrow::Cow<'_, str>`."""
    text = text.strip()
    if not text.startswith("`"):
        return WORDS.get(text, text)
    text = LIFETIME.sub("", text.strip("`")).replace("<>", "")
    return PATH.sub("", text).strip()


def is_writable(type_text: str) -> bool:
    """Whether a diagnostic's type can stand in code."""
    return not UNWRITABLE.search(type_text)


def exact_node(scene: Scene, span: Span) -> Node | None:
    """The outermost node of exactly these bytes."""
    node = node_at(scene.root, span.byte_start, span.byte_end)
    if (node.start_byte, node.end_byte) != (span.byte_start, span.byte_end):
        return None
    while node.parent is not None and (node.parent.start_byte, node.parent.end_byte) == (
        node.start_byte,
        node.end_byte,
    ):
        if node.parent.type in {"expression_statement", "block", "arguments", "source_file", "match_pattern"}:
            break
        node = node.parent
    return node


# ---- writing around code ------------------------------------------------------------------------------------------


def around(scene: Scene, place: Node | Span, before: str, after: str) -> tuple[Edit, ...]:
    """Put code in front of and behind an expression, with parentheses where its parts would fall apart, and with
    the field's name where it was written once for both."""
    start, end = bounds(place)
    node = place if isinstance(place, Node) else exact_node(scene, place)
    kind = node.type if node is not None else kind_of_code(scene.code(start, end))
    if needs_parentheses(kind, before, after):
        before, after = f"{before}(", f"){after}"
    if after.startswith(" as ") and node is not None and is_bound_tightly(scene, node):
        before, after = f"({before}", f"{after})"
    if (node is not None and node.parent is not None and node.parent.type == "shorthand_field_initializer") or (
        node is not None and node.type == "shorthand_field_initializer"
    ):
        before = f"{scene.of(node)}: {before}"
    return tuple(
        edit
        for edit in (
            scene.insert(start, before) if before else None,
            scene.insert(end, after) if after else None,
        )
        if edit is not None
    )


def bounds(place: Node | Span) -> tuple[int, int]:
    if isinstance(place, Node):
        return place.start_byte, place.end_byte
    return place.byte_start, place.byte_end


def needs_parentheses(kind: str, before: str, after: str) -> bool:
    """Whether an expression of a kind falls apart between two pieces of code."""
    if after.startswith((".", "?", "[")) and kind in LOOSE_BEFORE_A_METHOD:
        return True
    return (before.endswith(PREFIXES) and kind in LOOSE_BEFORE_A_PREFIX) or (after.startswith(" as ") and kind in LOOSE)


def is_bound_tightly(scene: Scene, node: Node) -> bool:
    """Whether what follows would take an `as Type` apart: `x as u8.max(..)`, `x as usize < y`."""
    parent = node.parent
    if parent is None:
        return False
    if parent.type in {
        "field_expression",
        "try_expression",
        "await_expression",
        "unary_expression",
        "reference_expression",
    }:
        return True
    if parent.type in {"call_expression", "index_expression"}:
        return parent.children[0] == node
    operator = parent.child_by_field_name("operator") if parent.type == "binary_expression" else None
    return operator is not None and parent.children[0] == node and scene.of(operator) in {"<", "<<"}


@cache
def kind_of_code(code: str) -> str:
    """The kind of an expression that stands inside of a macro, where the tree has only tokens."""
    from sleepy_agent.code.syntax import parse_rust

    start = len("fn f() { (")
    root = parse_rust(f"fn f() {{ ({code}) }}".encode())
    node = node_at(root, start, start + len(code.encode()))
    return "binary_expression" if root.has_error else node.type


def without_borrow(node: Node) -> Node | None:
    """`x` of `&x` or `&mut x`."""
    return node.child_by_field_name("value") if node.type == "reference_expression" else None


def short(scene: Scene, code: str) -> str:
    """Code with std's paths cut to the last name where the file has imported it."""

    def cut(found: re.Match[str]) -> str:
        return found["name"] if is_imported(scene, found["name"]) else found[0]

    return re.sub(r"\bstd::(?:[a-z_]\w*::)+(?P<name>[A-Z]\w*)", cut, code)


def is_imported(scene: Scene, name: str) -> bool:
    """Whether a `use` of the file names it."""
    return re.search(rf"(?:^|[\s;])use\s[^;]*\b{name}\b[^;]*;", scene.text.decode(errors="replace")) is not None


# ---- conversions that are data ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Conversion:
    """One row of `[[conversion]]`: how a value of one type is written where another is wanted."""

    template: str
    expected: re.Pattern[str]
    found: re.Pattern[str]
    put: str
    extra_cost: float
    where: frozenset[str]


@cache
def conversions_of(template: str) -> tuple[Conversion, ...]:
    """The rows of a template, from the TOML files beside it."""
    return tuple(
        Conversion(
            template,
            type_pattern(row["expected"]),
            type_pattern(found),
            row["put"],
            float(row.get("extra_cost", 0.0)),
            frozenset(row.get("where", ())),
        )
        for row in all_rows()
        if row["template"] == template
        for found in row["found"]
    )


@cache
def all_rows() -> tuple[Mapping[str, Any], ...]:
    """Every `[[conversion]]`, by file. Read once: the files hold all templates."""
    texts = [
        file.read_text(encoding="utf-8")
        for file in sorted(files(PACKAGE).iterdir(), key=lambda one: one.name)
        if file.name.endswith(".toml")
    ]
    return tuple(row for text in texts if "[[conversion]]" in text for row in loads(text)["conversion"])


def type_pattern(text: str) -> re.Pattern[str]:
    """A pattern for a type: `{t}` stands for any type, the same one wherever it is named, `{number}` for a number."""
    seen: set[str] = set()

    def hole(found: re.Match[str]) -> str:
        name = found[1]
        if name in {"integer", "float"}:
            # The compiler's own words for a literal whose type is open.
            return found[0]
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>{'|'.join(sorted(NUMBERS))})" if name == "number" else f"(?P<{name}>.+)"

    return re.compile("^" + re.sub(r"\\\{(\w+)\\\}", hole, re.escape(text)) + "$")


def fits(conversion: Conversion, expected: str, found: str) -> Mapping[str, str] | None:
    """What the holes of a row stand for, where it fits both types."""
    first = conversion.expected.match(expected)
    second = conversion.found.match(found)
    if first is None or second is None:
        return None
    groups, others = first.groupdict(), second.groupdict()
    agree = all(same_type(groups[name], value) for name, value in others.items() if name in groups)
    is_whole = all(
        len(split_outside(value, ",")) == 1 and is_balanced(value) for value in [*groups.values(), *others.values()]
    )
    return {**others, **groups} if agree and is_whole else None


def same_type(first: str, second: str) -> bool:
    """Whether two types may be one: what the compiler has not found out yet may be anything."""
    return first == second or any(
        one == "_" or (one == "{integer}" and other in INTEGERS) or (one == "{float}" and other in FLOATS)
        for one, other in ((first, second), (second, first))
    )


def is_balanced(text: str) -> bool:
    return all(text.count(left) == text.count(right) for left, right in ("<>", "()", "[]"))


def by_table(template: str) -> Callable[[Scene], Iterator[Proposal]]:
    """A matcher that writes what the rows of a template say."""

    def matcher(scene: Scene) -> Iterator[Proposal]:
        found = mismatch_of(scene)
        if found is None or is_pattern(found.node):
            return
        for row in conversions_of(template):
            holes = fits(row, found.expected, found.found)
            if holes is None or not row.where <= conditions(scene, found.node):
                continue
            put = row.put
            for name, value in holes.items():
                put = put.replace("{" + name + "}", value)
            before, after = short(scene, put).split("{value}")
            place: Node | Span = found.node or found.span
            inner = without_borrow(found.node) if found.node is not None else None
            if inner is not None and before == "&" and after.startswith("."):
                # The borrow is there already.
                yield Proposal(around(scene, inner, "", after), {"put": put}, row.extra_cost)
            elif inner is not None and after.startswith(".as_"):
                # `&x` where `x.as_ref()` is wanted: the borrow goes.
                removed = scene.delete(found.span.byte_start, inner.start_byte)
                yield Proposal((removed, *around(scene, inner, before, after)), {"put": put}, row.extra_cost)
            else:
                yield Proposal(around(scene, place, before, after), {"put": put}, row.extra_cost)

    return matcher


def conditions(scene: Scene, node: Node | None) -> frozenset[str]:
    """What rows may ask of the place: `propagates_option`, `propagates_result`, `literal`, `not_literal`."""
    returns = returned_type(scene, node or scene.node)
    is_literal = node is not None and node.type.endswith("_literal")
    found = {"literal" if is_literal else "not_literal"}
    if returns is not None and re.match(r"(?:\w+::)*Option\b", returns):
        found.add("propagates_option")
    if returns is not None and re.match(r"(?:\w+::)*\w*Result\b", returns):
        found.add("propagates_result")
    return frozenset(found)


def returned_type(scene: Scene, node: Node) -> str | None:
    """What the function around a node says it returns; None in closures and async blocks, where nothing is written."""
    for one in ancestors(node):
        if one.type in {"closure_expression", "async_block"}:
            return None
        if one.type == "function_item":
            returned = one.child_by_field_name("return_type")
            return scene.of(returned) if returned is not None else "()"
    return None


def is_pattern(node: Node | None) -> bool:
    """Whether a node stands in a pattern: nothing is converted there."""
    inner = node
    for one in ancestors(node):
        if one.type in {"match_pattern", "tuple_struct_pattern", "let_condition", "or_pattern"}:
            value = one.child_by_field_name("value")
            return not (one.type == "let_condition" and inner == value)
        if one.type in {"let_declaration", "for_expression", "parameter"}:
            return inner == one.child_by_field_name("pattern")
        if one.type in {"block", "match_arm", "call_expression", "function_item"}:
            return False
        inner = one
    return False

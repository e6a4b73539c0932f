"""Macros, derives and attributes that nobody knows, and what is written in format strings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.items import ItemKind
from sleepy_agent.code.names import nearest
from sleepy_agent.code.scopes import locals_at
from sleepy_agent.code.std_names import std_names
from sleepy_agent.code.syntax import ancestors, node_at
from sleepy_agent.fixes.templates.names_near import KnownName, rename_proposals, spelled
from sleepy_agent.fixes.templates.scene import Proposal, Scene

MACRO_WORDS = {
    "printf": "print", "fprintf": "eprint", "sprintf": "format", "console_log": "println", "puts": "println",
    "echo": "println", "writeline": "println", "WriteLine": "println", "log": "println", "fmt": "format",
    "throw": "panic", "raise": "panic", "die": "panic", "fail": "panic", "bail_out": "panic", "array": "vec",
    "vector": "vec", "list": "vec", "assertEquals": "assert_eq", "assert_equal": "assert_eq",
    "assert_equals": "assert_eq", "expect_eq": "assert_eq", "assertTrue": "assert", "assert_true": "assert",
    "assert_not_equal": "assert_ne", "assert_neq": "assert_ne", "unimplement": "unimplemented",
    "not_implemented": "unimplemented", "debug": "dbg", "is_match": "matches", "stringify_all": "stringify",
}  # fmt: skip
DERIVES = ("Clone", "Copy", "Debug", "Default", "Eq", "Hash", "Ord", "PartialEq", "PartialOrd")
ATTRIBUTES = (
    *("allow", "automatically_derived", "cfg", "cfg_attr", "cold", "crate_name", "crate_type", "deny", "deprecated"),
    *("derive", "doc", "expect", "export_name", "forbid", "global_allocator", "ignore", "inline", "link", "link_name"),
    *("macro_export", "macro_use", "must_use", "no_mangle", "no_main", "no_std", "non_exhaustive", "panic_handler"),
    *("path", "proc_macro", "proc_macro_attribute", "proc_macro_derive", "recursion_limit", "repr", "should_panic"),
    *("target_feature", "test", "track_caller", "type_length_limit", "used", "warn"),
)
DERIVE_WORDS = {
    "Comparable": "PartialOrd", "Equatable": "PartialEq", "Equal": "PartialEq", "Equals": "PartialEq",
    "Cloneable": "Clone", "Copyable": "Copy", "Hashable": "Hash", "Printable": "Debug", "Show": "Debug",
    "Ordered": "Ord", "PartialEqual": "PartialEq",
}  # fmt: skip
# Nobody means these where another name stands.
UNLIKELY_MACROS = frozenset({"compile_error", "column", "line", "file", "include", "module_path"})
QUOTED = re.compile(r"`([\w()]+)`")
PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}:]*)(?P<spec>:[^{}]*)?\}")


# ---- names ----------------------------------------------------------------------------------------------------


def nearest_macro(scene: Scene) -> Iterator[Proposal]:
    """`square!(3)` -> `square_of!(3)`; words of other languages."""
    wanted = scene.values["wanted"]
    if spelled(scene) != wanted:
        return
    known = [KnownName(one.name) for one in std_names() if one.kind == "macro" and one.name not in UNLIKELY_MACROS]
    for one in scene.index.visible_names(scene.file, scene.span.byte_start):
        if one.kind == ItemKind.MACRO.value:
            known.append(KnownName(one.name, fit=0.02))
    word = MACRO_WORDS.get(wanted)
    if word is not None:
        yield Proposal((scene.replace(scene.span, word),), {"wanted": wanted, "found": word}, extra_cost=0.05)
    yield from rename_proposals(scene, scene.span, wanted, known)


def nearest_derive(scene: Scene) -> Iterator[Proposal]:
    """`#[derive(Comparable)]` -> `#[derive(PartialOrd)]`."""
    wanted = scene.values["wanted"]
    if spelled(scene) != wanted:
        return
    around = scene.around("attribute_item")
    there = set(re.findall(r"\w+", scene.of(around))) if around is not None else set()
    word = DERIVE_WORDS.get(wanted)
    if word is not None and word not in there:
        yield Proposal((scene.replace(scene.span, word),), {"wanted": wanted, "found": word}, extra_cost=0.05)
    yield from rename_proposals(scene, scene.span, wanted, [KnownName(one) for one in DERIVES if one not in there])


def nearest_attribute(scene: Scene) -> Iterator[Proposal]:
    """`#![cfg_ttr(..)]` -> `#![cfg_attr(..)]`."""
    wanted = scene.values["wanted"]
    if spelled(scene) == wanted:
        yield from rename_proposals(scene, scene.span, wanted, [KnownName(one) for one in ATTRIBUTES])


def nearest_of_listed_words(scene: Scene) -> Iterator[Proposal]:
    """`#[repr(u23)]` -> `#[repr(u32)]`: the nearest of the words that the compiler says are allowed there."""
    spans = [span for span in scene.spans() if span.file == scene.file]
    listed = [text for text in (*[span.label or "" for span in spans], scene.said) if "valid" in text]
    allowed = list(dict.fromkeys(word for text in listed for word in QUOTED.findall(text)))
    for span in spans:
        word = scene.code(span.byte_start, span.byte_end)
        if not re.fullmatch(r"\w+", word) or word in allowed:
            continue
        for one, near in nearest(word, allowed, most=2, least=0.6):
            yield Proposal(
                (scene.replace(span, one),), {"wanted": word, "found": one}, extra_cost=round(0.2 * (1 - near), 4)
            )


def macro_defined_below(scene: Scene) -> Iterator[Proposal]:
    """Move a `macro_rules!` in front of the first item that uses it."""
    wanted = scene.values["wanted"]
    use = top_item(scene.root, scene.span.byte_start)
    definition = next(
        (
            child
            for child in scene.root.children
            if child.type == "macro_definition" and scene.of(child.child_by_field_name("name") or child) == wanted
        ),
        None,
    )
    if use is None or definition is None or definition.start_byte < use.start_byte:
        return
    start, end = definition.start_byte, definition.end_byte
    before = definition.prev_named_sibling
    while before is not None and before.type == "attribute_item":
        start, before = before.start_byte, before.prev_named_sibling
    place = use.start_byte
    before = use.prev_named_sibling
    while before is not None and before.type in {"attribute_item", "line_comment"}:
        place, before = before.start_byte, before.prev_named_sibling
    code = scene.code(start, end)
    while scene.text[end : end + 1] == b"\n":
        end += 1
    yield Proposal((scene.insert(place, code + "\n\n"), scene.delete(start, end)), {"wanted": wanted})


def top_item(root: Node, position: int) -> Node | None:
    inner = node_at(root, position, position)
    return next((one for one in ancestors(inner) if one.parent is not None and one.parent == root), None)


# ---- format strings -------------------------------------------------------------------------------------------


def field_in_format_string(scene: Scene) -> Iterator[Proposal]:
    """`format!("{name}")` -> `format!("{}", self.name)`, where `name` is a field."""
    wanted = scene.values["wanted"]
    position = scene.span.byte_start
    literal = scene.around({"string_literal", "raw_string_literal"})
    implementation = scene.index.implementation_at(scene.file, position)
    if literal is None or implementation is None or literal.parent is None or literal.parent.type != "token_tree":
        return
    if not any(one.name == wanted for one in scene.index.fields_of(implementation.type_name)):
        return
    if not any(one.kind == "self" for one in locals_at(scene.root, scene.text, position)):
        return
    format_text = scene.of(literal)
    named = [found for found in PLACEHOLDER.finditer(format_text) if found["name"] is not None]
    here = [found for found in named if found["name"] == wanted]
    if len(here) != 1 or any(found["name"].isdigit() for found in named):
        return
    name_start = literal.start_byte + len(format_text[: here[0].start("name")].encode())
    behind = argument_place(literal, len([found for found in named[: named.index(here[0])] if not found["name"]]))
    if behind is None:
        return
    yield Proposal(
        (scene.delete(name_start, name_start + len(wanted)), scene.insert(behind, f", self.{wanted}")),
        {"wanted": wanted},
    )


def argument_place(literal: Node, count: int) -> int | None:
    """The end of the format string, or of the so-manieth argument behind it."""
    place, node, commas = literal.end_byte, literal.next_sibling, 0
    while node is not None and node.type != ")":
        if node.type == ",":
            commas += 1
            if commas > count:
                break
        else:
            place = node.end_byte
        node = node.next_sibling
    return place if commas >= count else None


def placeholder_for_argument(scene: Scene) -> Iterator[Proposal]:
    """`println!("Total: ", total)` -> `println!("Total: {}", total)`."""
    unused = [span for span in scene.diagnostic.spans if span.is_primary]
    span = scene.labelled("formatting specifier missing")
    if span is None or span.file != scene.file or len(unused) != 1:
        return
    literal = next((one for one in ancestors(scene.node_of(span)) if one.type == "string_literal"), None)
    if literal is None or literal.type != "string_literal":
        return
    text = scene.of(literal)
    place = literal.end_byte - 1
    tail = re.search(r"(?:[.!?)\]]|\\n)+\"$", text)
    if tail:
        place = literal.start_byte + len(text[: tail.start()].encode())
    yield Proposal((scene.insert(place, "{}"),), {"argument": unused[0].text})


def named_argument(scene: Scene) -> Iterator[Proposal]:
    """`format!("{count}", cuont = 3)` -> `count = 3`: the placeholder that has no argument is meant."""
    span = scene.labelled("formatting specifier missing")
    name = re.search(rb"(\w+)\s*=\s*$", scene.text[max(0, scene.span.byte_start - 80) : scene.span.byte_start])
    if span is None or span.file != scene.file or name is None:
        return
    wanted = name[1].decode(errors="replace")
    start = scene.span.byte_start - len(name[0])
    place = node_at(scene.root, start, start + len(name[1]))
    text = scene.code(span.byte_start, span.byte_end)
    names = [found["name"] for found in PLACEHOLDER.finditer(text) if found["name"] and not found["name"].isdigit()]
    local = {one.name for one in locals_at(scene.root, scene.text, scene.span.byte_start)}
    yield from rename_proposals(scene, place, wanted, [KnownName(one) for one in names if one not in local])

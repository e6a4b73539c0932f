"""Representations (`repr`) that contradict each other, and discriminants that are too large for theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.syntax import COMMENT_KINDS
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.attributes import attribute_around, nodes_of_kind, without_member
from sleepy_agent.fixes.templates.scene import Proposal, Scene

TYPE_ITEMS = frozenset({"struct_item", "enum_item", "union_item"})
# Each integer type with the next larger one of its sign.
NEXT_LARGER = {"u8": "u16", "u16": "u32", "u32": "u64", "i8": "i16", "i16": "i32", "i32": "i64"}
# Of what the compiler says that it contradicts itself, most exact first.
CONFLICTS = (
    ("packed and align", re.compile("packed|align")),
    ("packed", re.compile("packed")),
    ("", re.compile("[iu](8|16|32|64|128|size)")),
)
HINT = re.compile(rb"(\w+)\s*(\([^()]*\))?")


def attributes_of(item: Node) -> Iterator[Node]:
    """The attributes in front of an item, the last one first."""
    before = item.prev_named_sibling
    while before is not None and before.type in COMMENT_KINDS | {"attribute_item"}:
        if before.type == "attribute_item":
            yield before
        before = before.prev_named_sibling


def type_item(scene: Scene) -> Node | None:
    """The type that the problem is about: around the span, or behind the attribute that holds it."""
    attribute = attribute_around(scene)
    if attribute is None:
        return scene.around(TYPE_ITEMS)
    item = attribute.next_named_sibling
    while item is not None and item.type in COMMENT_KINDS | {"attribute_item"}:
        item = item.next_named_sibling
    return item if item is not None and item.type in TYPE_ITEMS else None


def hints_of(scene: Scene, item: Node) -> list[tuple[str, int, int, Node]]:
    """The words of all `repr` of an item: the word, its bytes, and the attribute, in the order of the text."""
    found = []
    for attribute in attributes_of(item):
        if not re.match(r"#\[\s*repr\b", scene.of(attribute)):
            continue
        tree = next(iter(nodes_of_kind(attribute, "token_tree")), None)
        if tree is None:
            continue
        start = tree.start_byte + 1
        for hint in HINT.finditer(scene.text[start : tree.end_byte - 1]):
            found.append((hint[1].decode(), start + hint.start(), start + hint.end(), attribute))
    return sorted(found, key=lambda hint: hint[1])


def without_hint(scene: Scene, hint: tuple[str, int, int, Node]) -> Edit:
    """Take one word of a `repr` away; the whole attribute where it is the only word."""
    _, start, end, attribute = hint
    alone = re.fullmatch(
        r"#\[\s*repr\s*\(\s*\)\s*\]", scene.code(attribute.start_byte, start) + scene.code(end, attribute.end_byte)
    )
    if alone is None:
        return without_member(scene, start, end)
    behind = re.match(rb"[ \t]*\r?\n[ \t]*|[ \t]*", scene.text[attribute.end_byte :])
    return scene.delete(attribute.start_byte, attribute.end_byte + (behind.end() if behind is not None else 0))


def one_of_conflicting(scene: Scene) -> Iterator[Proposal]:
    """Of words that contradict each other one has to go. What is said twice says the same once."""
    item = type_item(scene)
    if item is None:
        return
    hints = hints_of(scene, item)
    is_meant = next(words for message, words in CONFLICTS if message in scene.problem.message)
    rivals = [hint for hint in hints if is_meant.fullmatch(hint[0])]
    if len(rivals) != 2:
        return
    texts = [scene.code(start, end) for _, start, end, _ in rivals]
    if texts[0] == texts[1]:
        rivals = rivals[1:]
    for hint in rivals:
        others = [text for text, other in zip(texts, rivals, strict=False) if other is not hint]
        kept = others[0] if others else texts[0]
        yield Proposal((without_hint(scene, hint),), {"kept": kept})


def discriminant_after_the_last(scene: Scene) -> Iterator[Proposal]:
    """Behind the largest discriminant none follows: begin again, as the compiler notes, or take a larger type."""
    if scene.span.from_macro:
        return
    found = re.search(r"explicitly set `(\w+) = (-?\d+)`", scene.said)
    if found is not None and scene.code(scene.span.byte_start, scene.span.byte_end) == found[1]:
        edit = scene.insert(scene.span.byte_end, f" = {found[2]}")
        yield Proposal((edit,), {"way": f"give `{found[1]}` the number {found[2]}"}, 0.05)
    item = scene.around("enum_item")
    for word, start, end, _ in hints_of(scene, item) if item is not None else ():
        if word in NEXT_LARGER:
            larger = NEXT_LARGER[word]
            yield Proposal((scene.replace_bytes(start, end, larger),), {"way": f"number the variants with `{larger}`"})

"""Matchers about text: String, &str, characters, bytes, paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tree_sitter import Node

from sleepy_agent.code.syntax import code_children
from sleepy_agent.domain import Span
from sleepy_agent.fixes.templates.conversions_shared import (
    by_table,
    conditions,
    exact_node,
    is_pattern,
    mismatch_of,
    plain_type,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene

bytes_of_text = by_table("bytes_of_text")
path_from_text = by_table("path_from_text")
text_of_path = by_table("text_of_path")
cow_of_text = by_table("cow_of_text")
number_as_text = by_table("number_as_text")
boxed_text = by_table("boxed_text")

MATCHED = re.compile(r"^this expression has type (`[^`]+`)")
# How the value of a type is seen as something that text patterns fit.
SEEN_AS_TEXT = {
    "String": ".as_str()",
    "&String": ".as_str()",
    "Option<String>": ".as_deref()",
    "&Option<String>": ".as_deref()",
    "Option<&String>": ".map(String::as_str)",
    "Cow<str>": ".as_ref()",
    "&Cow<str>": ".as_ref()",
    "Box<str>": ".as_ref()",
    "&&str": "",
}
CHARACTER = re.compile(r"^b?'(?P<inside>\\?.|\\x..|\\u\{\w+\})'$")
TEXT = re.compile(r'^b?"(?P<inside>(?:[^"\\]|\\.)*)"$')


def matched_text_as_str(scene: Scene) -> Iterator[Proposal]:
    """`match name { "a" => ..` where `name` is a String."""
    found = mismatch_of(scene)
    matched = scene.labelled(MATCHED.pattern)
    if found is None or matched is None or matched.label is None:
        return
    if (found.expected, found.found) not in {("String", "&str"), ("Cow<str>", "&str"), ("Box<str>", "&str")}:
        return
    name = MATCHED.match(matched.label)
    after = SEEN_AS_TEXT.get(plain_type(name[1])) if name else None
    node = exact_node(scene, matched)
    if not after or node is None:
        return
    inner = node.child_by_field_name("value") if node.type == "reference_expression" else None
    if inner is not None:
        yield Proposal((scene.delete(node.start_byte, inner.start_byte), scene.insert(node.end_byte, after)))
    elif node.type in {"identifier", "field_expression", "call_expression", "index_expression", "macro_invocation"}:
        yield Proposal((scene.insert(node.end_byte, after),))


def respelled_text_literal(scene: Scene) -> Iterator[Proposal]:
    """`'a'` for `"a"`, `"a"` for `'a'`, `b'a'` for either, as the type asks."""
    if scene.problem.code == "E0029":
        edits = [
            scene.replace(span, f"'{inside['inside']}'")
            for span in scene.spans()
            if "`char` or numeric" in (span.label or "")
            and (inside := TEXT.match(scene.code(span.byte_start, span.byte_end)))
        ]
        if edits and all(len(edit.replacement.replace("\\", "")) == 3 for edit in edits):
            yield Proposal(tuple(edits), {"literal": " and ".join(edit.replacement for edit in edits)})
        return
    if scene.problem.code == "E0277":
        types = re.search(
            r"no implementation for `(?P<left>[^`]+?) [-+*/%<>=!]+ (?P<right>[^`]+)`", scene.span.label or ""
        )
        node = scene.around({"binary_expression", "compound_assignment_expr"})
        if types is not None and node is not None:
            for name, other in (("left", "right"), ("right", "left")):
                operand = node.child_by_field_name(name)
                text = respelled(scene.of(operand), types[other]) if operand is not None else None
                if operand is not None and text is not None and text != scene.of(operand):
                    yield Proposal((scene.replace(operand, text),), {"literal": text})
        return
    found = mismatch_of(scene)
    if found is None or found.node is None:
        return
    around_range = (
        found.node.parent if found.node.parent is not None and found.node.parent.type == "range_pattern" else None
    )
    nodes = [found.node] if around_range is None else code_children(around_range)
    expected = found.expected.lstrip("&") if is_pattern(found.node) else found.expected
    written = [respelled(scene.of(node), expected) for node in nodes]
    if all(written) and written != [scene.of(node) for node in nodes]:
        edits = [scene.replace(node, text or "") for node, text in zip(nodes, written, strict=True)]
        yield Proposal(tuple(edits), {"literal": " and ".join(edit.replacement for edit in edits)})


def respelled(literal: str, expected: str) -> str | None:
    """A literal of one character or a text, as another type writes it."""
    character, text = CHARACTER.match(literal), TEXT.match(literal)
    literal_parts = character or text
    inside = literal_parts["inside"] if literal_parts is not None else None
    if inside is None:
        return None
    is_one = character is not None or re.fullmatch(r"\\?.", inside) is not None
    bare = inside.replace("\\'", "'") if expected in {"str", "&str"} else inside
    if expected in {"str", "&str"}:
        return '"' + bare.replace('"', '\\"') + '"' if character is not None or literal.startswith("b") else None
    if expected == "char" and is_one:
        return "'" + ("\\'" if inside == "'" else inside) + "'"
    if expected == "u8" and is_one and inside.isascii():
        return "b'" + ("\\'" if inside == "'" else inside) + "'"
    return None


def letter_of_text(scene: Scene) -> Iterator[Proposal]:
    """`text[0]`: a letter with `chars`, or a byte."""
    index = exact_node(scene, scene.span)
    indexed = index.parent if index is not None else None
    if index is None or indexed is None or indexed.type != "index_expression" or index.type == "range_expression":
        return
    text, position = indexed.children[0], scene.of(index)
    step = ".chars().next()" if position == "0" else f".chars().nth({position})"
    is_option = is_compared_with_an_option(scene, indexed)
    ending = "" if is_option else "?" if "propagates_option" in conditions(scene, indexed) else ".unwrap()"
    start, end = text.end_byte, indexed.end_byte
    if not is_borrowed(indexed):
        edit = scene.replace(scene_span(scene, start, end), f"{step}{ending}")
        yield Proposal((edit,))
        if ending == "?":
            yield Proposal((scene.replace(scene_span(scene, start, end), step),), extra_cost=0.02)
        bytes_edit = scene.insert(text.end_byte, ".as_bytes()")
        yield Proposal((bytes_edit,), extra_cost=0.1)
    elif re.fullmatch(r"\w+", position):
        following = str(int(position) + 1) if position.isdigit() else f"{position} + 1"
        yield Proposal((scene.insert(index.end_byte, f"..{following}"),), extra_cost=0.1)


def is_borrowed(node: Node) -> bool:
    return node.parent is not None and node.parent.type == "reference_expression"


def is_compared_with_an_option(scene: Scene, node: Node) -> bool:
    """Whether the other side of a comparison is `Some(..)` or `None`."""
    parent = node.parent
    return (
        parent is not None
        and parent.type == "binary_expression"
        and re.search(r"\b(Some\(|None\b)", scene.of(parent)) is not None
    )


def scene_span(scene: Scene, start: int, end: int) -> Span:
    """A span of this file from two bytes."""
    return replace(scene.span, byte_start=start, byte_end=end)


def texts_by_format(scene: Scene) -> Iterator[Proposal]:
    """`a + " " + b` where the first is no String."""
    node = scene.around("binary_expression")
    if node is None:
        return
    while (
        node.parent is not None and node.parent.type == "binary_expression" and operator_of(scene, node.parent) == "+"
    ):
        node = node.parent
    if node.parent is not None and node.parent.type == "compound_assignment_expr":
        return
    written, arguments = "", []
    for operand in operands_of_a_sum(scene, node):
        code = scene.of(operand)
        inside = TEXT.match(code)
        if inside is not None and not code.startswith("b"):
            written += inside["inside"].replace("{", "{{").replace("}", "}}")
        elif operand.type == "identifier" or (
            operand.type == "reference_expression"
            and operand.named_child_count == 1
            and operand.named_children[0].type == "identifier"
        ):
            written += "{" + code.removeprefix("&") + "}"
        else:
            written += "{}"
            arguments.append(code)
    yield Proposal((scene.replace(node, f"format!({', '.join([chr(34) + written + chr(34), *arguments])})"),))


def operator_of(scene: Scene, node: Node) -> str:
    operator = node.child_by_field_name("operator")
    return scene.of(operator) if operator is not None else ""


def operands_of_a_sum(scene: Scene, node: Node) -> list[Node]:
    """`a`, `b` and `c` of `a + b + c`."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if node.type != "binary_expression" or operator_of(scene, node) != "+" or left is None or right is None:
        return [node]
    return [*operands_of_a_sum(scene, left), right]


def repeated_text(scene: Scene) -> Iterator[Proposal]:
    """`"-" * n`."""
    node = scene.around("binary_expression")
    left, right = (
        (node.child_by_field_name("left"), node.child_by_field_name("right")) if node is not None else (None, None)
    )
    if node is None or left is None or right is None or left.type == "binary_expression":
        return
    count = scene.of(right)
    count = count[1:-1] if right.type == "parenthesized_expression" else count
    yield Proposal((scene.replace(node, f"{scene.of(left)}.repeat({count})"),))

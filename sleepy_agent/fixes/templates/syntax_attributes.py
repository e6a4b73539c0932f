"""Attributes in another language's form, with words they do not know, or where they may not stand; doc comments that
document nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sleepy_agent.code.names import edit_distance
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.scene import Proposal, Scene
from sleepy_agent.fixes.templates.syntax_tokens import line_of, parses_better, tokens_of

PREDICATES = ("all", "any", "not")
OTHER_PREDICATES = {"and": "all", "or": "any", "either": "any", "no": "not"}


def attribute_form(scene: Scene) -> Iterator[Proposal]:
    """`@derive(X)`, `#derive(X)`, `[derive(X)]` and `#[derive X]` as `#[derive(X)]`."""
    start, end = line_of(scene.text, scene.span.byte_start)
    line = scene.code(start, end)
    found = re.match(r"(\s*)(?:@|#)(!?)\[?(\w+(?:::\w+)*)\s*(\(.*\)|[\w, ]+)?\]?\s*$", line)
    if found is None or (line.strip().startswith("#[") and line.strip().endswith(")]")):
        return
    blank, inner, name, rest = found[1], found[2], found[3], (found[4] or "").strip()
    arguments = rest if rest.startswith("(") or not rest else f"({rest})"
    first = start + len(blank.encode())
    edit = Edit(scene.file, first, start + len(line.rstrip().encode()), f"#{inner}[{name}{arguments}]")
    if edit.replacement != line.strip() and parses_better(scene, (edit,)):
        yield Proposal((edit,), {"attribute": edit.replacement})


def attribute_around(scene: Scene) -> tuple[int, int] | None:
    """The attribute that holds the span, or begins where it begins: from `#` to behind `]`."""
    node = scene.around({"attribute_item", "inner_attribute_item"})
    return (node.start_byte, node.end_byte) if node is not None else None


def attribute_removed(scene: Scene) -> Iterator[Proposal]:
    """Take an attribute away that does not fit what it stands at."""
    place = attribute_around(scene)
    if place is None or scene.span.from_macro is not None:
        return
    start, end = place
    first, last = line_of(scene.text, start)
    if scene.text[first:last].strip() == scene.text[start:end]:
        start, end = first, min(last + 1, len(scene.text))
    else:
        end += len(scene.text[end:last]) - len(scene.text[end:last].lstrip(b" "))
    yield Proposal((scene.delete(start, end),), {"attribute": scene.code(*place)})


def only_hint(scene: Scene) -> Iterator[Proposal]:
    """`transparent` beside nothing else."""
    node = scene.around("attribute_item")
    if node is not None and re.search(r"\btransparent\b", scene.of(node)):
        yield Proposal((scene.replace(node, "#[repr(transparent)]"),))


def number_without_quotes(scene: Scene) -> Iterator[Proposal]:
    """`align("8")` as `align(8)`."""
    found = re.fullmatch(r'"(\d+)"', scene.code(scene.span.byte_start, scene.span.byte_end))
    if found is not None:
        yield Proposal((scene.replace(scene.span, found[1]),), {"number": found[1]})


def predicate(scene: Scene) -> Iterator[Proposal]:
    """The predicate of `cfg` that is nearly written so."""
    code = scene.code(scene.span.byte_start, scene.span.byte_end)
    found = re.match(r"(\w+)\(", code)
    if found is None:
        return
    near = [OTHER_PREDICATES[found[1]]] if found[1] in OTHER_PREDICATES else []
    near = near or [one for one in PREDICATES if edit_distance(found[1], one, 1) <= 1]
    if len(near) == 1:
        end = scene.span.byte_start + len(found[1])
        yield Proposal((Edit(scene.file, scene.span.byte_start, end, near[0]),), {"predicate": near[0]})


def predicate_form(scene: Scene) -> Iterator[Proposal]:
    """`!a`, `a && b` and `a || b` in `cfg` as `not(a)`, `all(a, b)` and `any(a, b)`."""
    first, last = line_of(scene.text, scene.span.byte_start)
    line = scene.code(first, last)
    found = re.search(r"\bcfg!?\((.*)\)", line)
    if found is None:
        return
    inside = found[1]
    simple = r'[\w]+(?:\s*=\s*"[^"]*")?'
    changed = re.sub(rf"!\s*({simple})", r"not(\1)", inside)
    part = rf"(?:not\({simple}\)|{simple})"
    for sign, word in (("&&", "all"), (r"\|\|", "any")):
        if re.fullmatch(rf"\s*{part}(?:\s*{sign}\s*{part})+\s*", changed):
            changed = joined(changed, sign, word)
    if changed != inside:
        start = first + len(line[: found.start(1)].encode())
        edit = Edit(scene.file, start, start + len(inside.encode()), changed)
        yield Proposal((edit,), {"condition": changed})


def joined(text: str, sign: str, word: str) -> str:
    parts = [part.strip() for part in re.split(sign, text)]
    return f"{word}({', '.join(parts)})"


def names_without_quotes(scene: Scene) -> Iterator[Proposal]:
    """`derive("Clone, Debug")` as `derive(Clone, Debug)`."""
    found = re.fullmatch(r'"([\w:, ]+)"', scene.code(scene.span.byte_start, scene.span.byte_end))
    if found is not None:
        yield Proposal((scene.replace(scene.span, found[1].strip()),), {"names": found[1].strip()})


def lint_name_alone(scene: Scene) -> Iterator[Proposal]:
    """`allow(dead_code = "")` as `allow(dead_code)`."""
    node = scene.around({"attribute_item", "inner_attribute_item"})
    if node is None:
        return
    found = re.search(r'(\w+(?:::\w+)*)(\s*=\s*"[^"]*")\s*[,)]', scene.of(node))
    if found is not None and found[1] != "reason":
        start = node.start_byte + len(scene.of(node)[: found.start(2)].encode())
        yield Proposal((scene.delete(start, start + len(found[2].encode())),), {"lint": found[1]})


def plain_comment(scene: Scene) -> Iterator[Proposal]:
    """Doc comments in front of nothing as plain ones."""
    tokens = tokens_of(scene.text)
    position = scene.span.byte_start
    edits: list[Edit] = []
    start, _ = line_of(scene.text, position)
    while start > 0:
        before, end = line_of(scene.text, start - 1)
        if not scene.text[before:end].lstrip().startswith(b"///"):
            break
        start = before
    while start < len(scene.text):
        first, last = line_of(scene.text, start)
        line = scene.text[first:last]
        place = first + len(line) - len(line.lstrip())
        if line.lstrip().startswith((b"///", b"//!")):
            edits.append(scene.delete(place + 2, place + 3))
        elif first > position or line.strip():
            break
        start = last + 1
    if edits and tokens.all:
        yield Proposal(tuple(edits))


def representation_of_discriminants(scene: Scene) -> Iterator[Proposal]:
    """`#[repr(isize)]`, which is what discriminants are without it."""
    item = scene.around("enum_item")
    if item is not None and scene.span.from_macro is None:
        yield Proposal((scene.insert(item.start_byte, f"#[repr(isize)]\n{scene.indentation(item.start_byte)}"),))


def one_of_two_hints(scene: Scene) -> Iterator[Proposal]:
    """`repr(u8, u16)` with one hint less: each of those that exclude each other in turn."""
    node = scene.around("attribute_item")
    found = re.fullmatch(r"#\[\s*repr\s*\((.*)\)\s*\]", scene.of(node)) if node is not None else None
    if node is None or found is None or scene.span.from_macro is not None:
        return
    hints = [hint.strip() for hint in re.split(r",(?![^()]*\))", found[1]) if hint.strip()]
    if len(hints) == 2:
        for hint in hints:
            yield Proposal((scene.replace(node, f"#[repr({hint})]"),), {"hint": hint})

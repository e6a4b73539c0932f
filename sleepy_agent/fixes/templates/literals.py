"""Literals that do not end, numbers and texts in another language's form."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sleepy_agent.code.syntax import code_children
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.scene import Proposal, Scene
from sleepy_agent.fixes.templates.syntax_tokens import broken_places_after, line_of, tokens_of

MOST_PLACES = 4
MOST_TEXTS = 3
COST_OF_A_LATER_PLACE = 0.01


def closing_quote(scene: Scene) -> Iterator[Proposal]:
    """End a text in its first line, where the fewest places stay broken.

    From a missing quote on, what is text and what is code is exchanged: the compiler complains of the last quote of the
    file. The text that reaches over several lines is the one that does not end.
    """
    found: list[tuple[tuple[int, int], Edit]] = []
    for start in starts_of_endless(scene):
        _, end = line_of(scene.text, start)
        line = scene.code(start, end).rstrip()
        quote = '"' if '"' in line[:3] else "'"
        opening = line.find(quote) + 1
        edits = [
            (code_in(line[opening:place]), scene.insert(start + len(line[:place].encode()), quote))
            for place in places_for_quote(line, opening)
        ]
        touches = re.match(rb"\w", scene.text[start - 1 : start]) is not None
        if scene.text[start - 1 : start] != b"b":
            # In front of that letter a quote would make text of bytes.
            edits += [(-1 if touches else 3, scene.insert(place, quote)) for place in places_to_open(scene, start)]
        for doubt, edit in edits:
            left = broken_places_after(scene, (edit,), everywhere=True)
            if left is not None:
                found.append(((left, doubt), edit))
    fewest = min((left for (left, _), _ in found), default=0)
    ranked = sorted((one for one in found if one[0][0] == fewest), key=lambda one: one[0])[:MOST_PLACES]
    for number, (_, edit) in enumerate(ranked):
        question = "where the text ends" if len(ranked) > 1 else None
        yield Proposal((edit,), {}, COST_OF_A_LATER_PLACE * number, question=question)


def code_in(text: str) -> int:
    """How much of a text looks like code."""
    return len(re.findall(r"[()\[\]=;&|]|\.\w+\(|::", re.sub(r"\{[^{}]*\}", "", text)))


def starts_of_endless(scene: Scene) -> list[int]:
    """Where texts of several lines begin, and the one that has no end at all."""
    long = [
        token.start
        for token in tokens_of(scene.text).all
        if token.kind == "literal" and b"\n" in token.text and token.text[:1] in b'"b' and b"\\\n" not in token.text
    ]
    return [*long[:MOST_TEXTS], scene.span.byte_start]


def places_to_open(scene: Scene, quote: int) -> list[int]:
    """Where a text may begin whose end is taken for a beginning: behind a bracket or comma in front of it."""
    first, _ = line_of(scene.text, quote)
    line = scene.code(first, quote)
    found = list(re.finditer(r"[(\[,=&]\s*", line))
    return [first + len(line[: match.end()].encode()) for match in reversed(found[-3:]) if match.end() < len(line)]


def places_for_quote(line: str, opening: int) -> list[int]:
    """Where a text may end in a line: in front of what closes the line, of commas and brackets from the right."""
    ending = re.search(r"[;,)\]}?{\s]*$", line)
    last = ending.start() if ending is not None else len(line)
    places = [last, *(match.start() for match in reversed(list(re.finditer(r"[,)\];]|\.\w+\(", line))))]
    return [place for place in dict.fromkeys([*places, len(line)]) if place >= opening]


def end_of_comment(scene: Scene) -> Iterator[Proposal]:
    """End a comment where its paragraph ends."""
    start = scene.span.byte_start
    rest = scene.text[start:].decode(errors="replace")
    if not rest.startswith("/*"):
        return
    if "/*" in rest[2:]:
        return
    stop = re.search(r"\n\s*\n|\s*$", rest)
    first_line = rest.split("\n", 1)[0]
    ends = [len(first_line.rstrip()), stop.start() if stop is not None else len(rest.rstrip())]
    for place in dict.fromkeys(ends):
        edit = scene.insert(start + len(rest[:place].encode()), " */")
        yield Proposal((edit,), {}, question="where the comment ends" if len(set(ends)) > 1 else None)


def power(scene: Scene) -> Iterator[Proposal]:
    """`x ** 2` as `x.pow(2)`; with a float as `powi` or `powf`."""
    around = scene.around("binary_expression")
    if around is None or scene.span.from_macro is not None:
        return
    left, right = around.child_by_field_name("left"), around.child_by_field_name("right")
    sign = around.child_by_field_name("operator")
    if left is None or right is None or sign is None or sign.type != "*" or right.type != "unary_expression":
        return
    if scene.code(sign.end_byte, right.start_byte) or not scene.of(right).startswith("*"):
        return
    exponent = code_children(right)[0]
    base = (
        scene.of(left)
        if left.type in {"identifier", "field_expression", "parenthesized_expression", "call_expression"}
        else None
    )
    if base is None:
        return
    is_float = "." in scene.of(exponent) or "`{float}`" in scene.problem.message
    for number, method in enumerate(("powf", "powi") if is_float else ("pow", "powi")):
        yield Proposal(
            (scene.replace(around, f"{base}.{method}({scene.of(exponent)})"),), {"method": method}, 0.02 * number
        )


def bar_of_closure(scene: Scene) -> Iterator[Proposal]:
    """`map(x| x + 1)`, `fold(0, sum, x| sum + x)`, `let f = x| x + 1`: the bar in front of the closure's parameters.

    It was read as an or of two values, perhaps with more behind it, or with `&` in front of it.
    """
    top = node = scene.node
    sign = None
    while node.parent is not None and node.parent.type in {"reference_expression", "binary_expression"}:
        if node.parent.type == "binary_expression":
            if node.parent.child_by_field_name("left") != node:
                break
            operator = node.parent.child_by_field_name("operator")
            sign = operator if sign is None and operator is not None and operator.type == "|" else sign
        top = node = node.parent
    if sign is None or scene.span.from_macro is not None:
        return
    body = scene.code(sign.end_byte, top.end_byte)
    if scene.node.type != "identifier" or not is_word_of(scene.of(scene.node), body):
        return
    first = top
    if top.parent is not None and top.parent.type == "arguments":
        given = code_children(top.parent)
        for before in reversed(given[: given.index(top)]):
            if before.type != "identifier" or not is_word_of(scene.of(before), body):
                break
            first = before
    yield Proposal((scene.insert(first.start_byte, "|"),))


def is_word_of(word: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text) is not None

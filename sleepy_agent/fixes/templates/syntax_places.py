"""Marks that the parser missed in front of where it stopped: `>`, `::`, `=>`, `|` at the first place that parses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.scene import Proposal, Scene
from sleepy_agent.fixes.templates.syntax_expected import MOST_LINES_BACK, MOST_PLACES, MOST_TOKENS_BACK, stop_of
from sleepy_agent.fixes.templates.syntax_tokens import Tokens, broken_places_after, parses_better, tokens_of


def end_of_angle_brackets(scene: Scene) -> Iterator[Proposal]:
    """`>` in the last line up to the stop that opens more angle brackets than it closes."""
    if scene.span.from_macro is not None:
        return
    end = scene.text.find(b"\n", scene.span.byte_start)
    end = end if end >= 0 else len(scene.text)
    tokens = tokens_of(scene.text)
    for _ in range(MOST_LINES_BACK):
        start = scene.text.rfind(b"\n", 0, end) + 1
        arrows = re.sub(r"->|=>|[<>]=|<<|\s<\s", "  ", scene.code(start, end))
        if arrows.count("<") > arrows.count(">"):
            yield from closing_angles(scene, tokens, start, end)
            return
        end = start - 1
        if end <= 0:
            return


def closing_angles(scene: Scene, tokens: Tokens, start: int, end: int) -> Iterator[Proposal]:
    """Every place in a line where `>` makes the whole text parse, the ends of things first."""
    first = scene.text.find(b"<", start, end)
    in_expression = scene.text[first - 2 : first] == b"::"
    ends = {b"(", b")", b"{", b"=", b","} | ({b"::"} if in_expression else set())
    found: list[tuple[int, Edit]] = []
    for number in range(tokens.number_at(end) - 1, tokens.number_at(first), -1):
        token, following = tokens.all[number], tokens.all[number + 1 : number + 2]
        if token.kind == "mark" and token.text not in {b">", b")", b"]"}:
            continue
        edit = scene.insert(token.end, ">")
        if broken_places_after(scene, (edit,)) == 0:
            is_end = not following or following[0].text in ends or following[0].start > end
            swallows = re.search(rb"[^:]:[^:]", scene.text[first : token.end]) is not None
            found.append((2 if swallows else 0 if is_end else 1, edit))
    for number, (_, edit) in enumerate(sorted(found, key=lambda one: one[0])[:MOST_PLACES]):
        question = "where the angle brackets end" if len(found) > 1 else None
        yield Proposal((edit,), {"mark": ">"}, 0.02 * number, question=question)


def turbofish(scene: Scene) -> Iterator[Proposal]:
    """`collect<Vec<_>>()` read as a comparison: `::` in front of the nearest `<` that a name stands before."""
    stop = stop_of(scene)
    if stop is None:
        return
    for number in range(stop.number, max(stop.number - MOST_TOKENS_BACK, 1), -1):
        token, before = stop.tokens.all[number], stop.tokens.all[number - 1]
        if token.text in {b";", b"{", b"}"}:
            return
        if token.text == b"<" and before.kind == "word" and before.end == token.start:
            edit = scene.insert(token.start, "::")
            if broken_places_after(scene, (edit,)) == 0:
                yield Proposal((edit,), {"name": before.text.decode(errors="replace")})
                return


def arrow_of_an_arm(scene: Scene) -> Iterator[Proposal]:
    """`Ok(0) if is_done *count = 1,`: the arm's pattern and guard end somewhere in it."""
    tokens = tokens_of(scene.text)
    first, last = tokens.number_at(scene.span.byte_start), tokens.number_at(scene.span.byte_end)
    kept = 0
    for number in range(min(last + 1, len(tokens.all) - 1), max(first, 1), -1):
        token, before = tokens.all[number], tokens.all[number - 1]
        may_end = before.kind in {"word", "literal"} or before.text in {b")", b"}", b"]"}
        if not may_end or token.text in {b",", b".", b")", b"]", b"}", b"::", b"?", b";"}:
            continue
        edit = scene.insert(before.end, " =>" if token.start > before.end else " => ")
        if parses_better(scene, (edit,)):
            yield Proposal((edit,), {"mark": "=>"}, question="where the pattern ends")
            kept += 1
            if kept == MOST_PLACES:
                return


def bar_behind_parameters(scene: Scene) -> Iterator[Proposal]:
    """`map(mut item| item.len())`: the bar in front. `map(|(key, value) key.len())`: every place behind the first bar
    where a second one makes the text parse."""
    stop = stop_of(scene)
    if stop is None:
        return
    tokens = stop.tokens.all
    if stop.found.text in {b"mut", b"_"} and b"|" in {token.text for token in tokens[stop.number : stop.number + 12]}:
        edit = scene.insert(stop.found.start, "|")
        if broken_places_after(scene, (edit,)) == 0:
            yield Proposal((edit,), {"mark": "|"})
        return
    first = next(
        (
            number
            for number in range(stop.number, max(stop.number - MOST_TOKENS_BACK, 1), -1)
            if tokens[number].text == b"|" and tokens[number - 1].text in {b"(", b",", b"=", b"move", b"{", b"=>"}
        ),
        None,
    )
    if first is None:
        return
    kept = 0
    for number in range(first, min(stop.number + 1, len(tokens) - 1)):
        token, following = tokens[number], tokens[number + 1]
        may_end = number == first or token.kind == "word" or token.text in {b")", b">", b"]"}
        if not may_end or following.text in {b",", b".", b")", b"::", b":", b"|", b"?"}:
            continue
        edit = scene.insert(token.end, "|" if following.start > token.end else "| ")
        if broken_places_after(scene, (edit,)) == 0:
            yield Proposal((edit,), {"mark": "|"}, 0.02 * kept, question="where the parameters end")
            kept += 1
            if kept == MOST_PLACES:
                return

"""One token put in, exchanged or taken away where the parser stopped, if the text parses better then.

rustc's message says what might have stood there; the grammar (tree-sitter's) says what makes sense of the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.scene import Proposal, Scene
from sleepy_agent.fixes.templates.syntax_tokens import (
    CLOSERS,
    OPENERS,
    Token,
    Tokens,
    broken_places_after,
    parses_better,
    tokens_of,
)

# How each mark is written between two tokens, the likeliest first.
INSERTED = {
    ",": ", ",
    ";": "; ",
    "=>": " => ",
    "->": " -> ",
    ":": ": ",
    "::": "::",
    "=": " = ",
    "in": " in ",
    "|": "| ",
    ">": "> ",
    "{": " { ",
}
# Which mark is written for which other one.
CONFUSED = {
    ";": (",", ":"),
    ",": (";",),
    ":": ("=>", "=", "->", "::", ","),
    "::": (":",),
    "=": (":", "=>", "=="),
    "==": ("=",),
    "->": ("=>", ".", ":"),
    "=>": ("->", "=", ":", ">="),
    ".": (",", "::"),
    "||": ("|",),
    "&&": ("&",),
    "+": (",",),
    "<": ("::<",),
}
REMOVED = frozenset({",", ";", "=", ":", ".", "->", "=>", "::"})
PRIMITIVES = frozenset(
    {"u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "char"}
)
# Words that belong in front of others.
LEADING_WORDS = frozenset(
    {"mut", "pub", "let", "async", "unsafe", "const", "ref", "dyn", "fn", "struct", "enum", "trait"}
)
# What a value may begin with, beside names and literals.
VALUE_MARKS = frozenset({b"[", b"(", b"&", b"*", b"-", b"!", b"|", b"||"})
NOT_LISTED = 0.06
MOST_PLACES = 3
MOST_LINES_BACK = 15
MOST_TOKENS_BACK = 24


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the parser stopped: the token it found, the one in front, and the marks it would have taken."""

    tokens: Tokens
    number: int
    expected: tuple[str, ...]

    @property
    def found(self) -> Token:
        return self.tokens.all[self.number]

    @property
    def previous(self) -> Token:
        return self.tokens.all[self.number - 1]

    @property
    def following(self) -> Token | None:
        return self.tokens.all[self.number + 1] if self.number + 1 < len(self.tokens.all) else None


def stop_of(scene: Scene) -> Stop | None:
    """Where the parser stopped, or None where the message does not tell."""
    if scene.span.from_macro is not None and scene.span.byte_end <= scene.span.byte_start:
        return None
    tokens = tokens_of(scene.text)
    number = tokens.number_at(scene.span.byte_start)
    if not 0 < number < len(tokens.all):
        return None
    return Stop(tokens, number, expected_marks(scene.problem.message))


def expected_marks(message: str) -> tuple[str, ...]:
    """The tokens that a message lists in front of `found`."""
    listed = message.partition(", found ")[0].partition(" found ")[0]
    return tuple(re.findall(r"`([^`]+)`", listed)) if "expected" in message else ()


# ---- a token is missing ---------------------------------------------------------------------------------------


def missing_mark(scene: Scene) -> Iterator[Proposal]:
    """Put one of the expected marks behind the token in front."""
    stop = stop_of(scene)
    if stop is None:
        return
    marks = likeliest_first(scene, stop, [mark for mark in INSERTED if mark in stop.expected])
    if stop.found.text.decode(errors="replace") in PRIMITIVES and "." in stop.expected:
        marks.insert(0, "as")
    for position, mark in enumerate(marks):
        edit = insertion(scene, stop, mark)
        if parses_better(scene, (edit,)):
            yield Proposal((edit,), {"mark": mark}, 0.02 * position)
    yield from colon_in_front_of_reference(scene, stop)
    yield from arrow_in_front_of_block(scene, stop)


def likeliest_first(scene: Scene, stop: Stop, marks: list[str]) -> list[str]:
    """A line ends with `;` or `,`; within a line a value follows `=`, in angle brackets a bound or a further type."""
    if starts_a_line(scene, stop.found):
        first: tuple[str, ...] = (";", ",")
    elif "}" in stop.expected and ":" in stop.expected:
        first = (":",)
    elif "(" in stop.expected and "," in stop.expected and stop.found.kind == "word":
        first = (",",)
    elif ">" in stop.expected:
        first = (",",) if "::" in stop.expected else (":",)
    elif "=" in stop.expected and (stop.found.kind in {"word", "literal"} or stop.found.text in VALUE_MARKS):
        rest = scene.code(stop.found.start, min(stop.found.start + 200, len(scene.text))).partition(";")[0]
        first = (":", "=") if re.search(r"[^=<>!]=[^=>]", rest) and ":" in marks else ("=",)
    else:
        first = ()
    if closes_angle_brackets(scene):
        marks = [mark for mark in marks if mark != ">"]
    return sorted(marks, key=lambda mark: (mark not in first, first.index(mark) if mark in first else 0))


def closes_angle_brackets(scene: Scene) -> bool:
    """Whether rustc itself says where `>` belongs."""
    return any("end the type parameters" in suggestion.message for suggestion in scene.diagnostic.suggestions)


def colon_in_front_of_reference(scene: Scene, stop: Stop) -> Iterator[Proposal]:
    """`(name &str)` is read as `name & str`: the colon belongs in front of the `&`."""
    if ":" not in stop.expected:
        return
    for number in range(stop.number - 1, max(stop.number - 6, 0), -1):
        token, before = stop.tokens.all[number], stop.tokens.all[number - 1]
        if token.text == b"&" and before.kind == "word":
            edit = scene.insert(before.end, ":" if token.start > before.end else ": ")
            if parses_better(scene, (edit,)):
                yield Proposal((edit,), {"mark": ":"})
            return


def arrow_in_front_of_block(scene: Scene, stop: Stop) -> Iterator[Proposal]:
    """`Colour::Red { .. }` in a match, read as a pattern with fields: the arrow belongs in front of the brace."""
    depth = 0
    for number in range(stop.number - 1, max(stop.number - 400, 0), -1):
        token = stop.tokens.all[number]
        depth += (token.text in CLOSERS) - (token.text in OPENERS)
        if depth < 0:
            before = stop.tokens.all[number - 1]
            if token.text == b"{" and (before.kind in {"word", "literal"} or before.text == b")"):
                edit = scene.insert(before.end, " =>" if token.start > before.end else " => ")
                if broken_places_after(scene, (edit,)) == 0:
                    yield Proposal((edit,), {"mark": "=>"})
            return


def insertion(scene: Scene, stop: Stop, mark: str) -> Edit:
    """A mark between two tokens, with the blanks that belong around it."""
    text = INSERTED.get(mark, f" {mark} ")
    between = scene.text[stop.previous.end : stop.found.start]
    if mark == ">" and stop.previous.text == b",":
        return scene.insert(stop.previous.start, mark)
    if not between:
        return scene.insert(stop.found.start, text)
    if text.startswith(" ") and between[:1] in b" \t":
        return scene.insert(stop.previous.end + 1, text[1:].rstrip() if between[1:] else text[1:])
    return scene.insert(stop.previous.end, text.rstrip())


# ---- a token for another one ----------------------------------------------------------------------------------


def other_mark(scene: Scene) -> Iterator[Proposal]:
    """Exchange the mark that was found, or the one in front of it, for one that is easily confused with it."""
    stop = stop_of(scene)
    if stop is None:
        return
    yield from joined_marks(scene, stop)
    for token in (stop.found, stop.previous):
        word = token.text.decode(errors="replace")
        choices = sorted(CONFUSED.get(word, ()), key=lambda mark: mark not in stop.expected)
        for mark in choices:
            if mark == ";" and token is stop.found and not starts_a_line(scene, stop.following):
                continue
            edits = [replacement(scene, token, mark)]
            left = broken_places_after(scene, edits)
            if left != 0:
                everywhere = all_in_list(scene, stop.tokens, token, mark)
                left_then = broken_places_after(scene, everywhere)
                if left_then is not None and (left is None or left_then < left):
                    edits, left = everywhere, left_then
            if left is None:
                continue
            is_listed = token is stop.found and mark in stop.expected
            yield Proposal(tuple(edits), {"old": word, "mark": mark}, 0.0 if is_listed else NOT_LISTED)


def starts_a_line(scene: Scene, token: Token | None) -> bool:
    return token is None or scene.indentation(token.start) == scene.code(
        scene.text.rfind(b"\n", 0, token.start) + 1, token.start
    )


def joined_marks(scene: Scene, stop: Stop) -> Iterator[Proposal]:
    """Two marks that are one with a blank too many, in the wrong order, or with one mark too many."""
    pairs = {b"=": {b">": "=>"}, b":": {b"=": "="}, b"-": {b">": "->"}, b"=>": {b"=": ">="}}
    pairs[b"="] |= {b"+": "+=", b"*": "*=", b"/": "/="}
    for first, second in ((stop.previous, stop.found), (stop.found, stop.following)):
        mark = pairs.get(first.text, {}).get(second.text) if second is not None else None
        if second is not None and mark is not None:
            before = scene.text[first.start - 1 : first.start]
            text = f" {mark}" if mark == "=" and before.strip() else mark
            edit = Edit(scene.file, first.start, second.end, text)
            if parses_better(scene, (edit,)):
                yield Proposal((edit,), {"old": scene.code(first.start, second.end), "mark": mark}, -NOT_LISTED)


def replacement(scene: Scene, token: Token, mark: str) -> Edit:
    """A token exchanged; the blanks around it follow the new one's habits."""
    start, end = token.start, token.end
    blank_before = scene.text[start - 1 : start] in (b" ", b"\n")
    blank_after = scene.text[end : end + 1].isspace()
    wanted = INSERTED.get(mark, mark)
    if wanted.startswith(" ") and not blank_before:
        mark = f" {mark}"
    if wanted.endswith(" ") and not blank_after:
        mark = f"{mark} "
    if blank_before and mark.strip() in {",", ";", ":"} and scene.text[start - 2 : start - 1].strip():
        start -= 1
    return Edit(scene.file, start, end, mark)


def all_in_list(scene: Scene, tokens: Tokens, token: Token, mark: str) -> list[Edit]:
    """The same exchange for every such token of the brackets around it."""
    edits: list[Edit] = []
    for step in (1, -1):
        depth = 0
        number = tokens.number_at(token.start) + step
        while 0 <= number < len(tokens.all):
            other = tokens.all[number]
            opens, closes = (OPENERS, CLOSERS) if step == 1 else (CLOSERS, OPENERS)
            depth += (other.text in opens) - (other.text in closes)
            if depth < 0:
                break
            if depth == 0 and other.text == token.text:
                edits.append(replacement(scene, other, mark))
            number += step
    return [*edits, replacement(scene, token, mark)]


# ---- a token too many, or in the wrong place ------------------------------------------------------------------


def mark_too_many(scene: Scene) -> Iterator[Proposal]:
    """Take away the mark that was found, or the one in front of it."""
    stop = stop_of(scene)
    if stop is None:
        return
    for token in (stop.found, stop.previous):
        word = token.text.decode(errors="replace")
        if word in REMOVED and not parts_two_values(stop.tokens, token):
            start = token.start
            if scene.text[start - 1 : start] == b" " and scene.text[token.end : token.end + 1] in (b" ", b";", b")"):
                start -= 1
            edit = scene.delete(start, token.end)
            if parses_better(scene, (edit,)):
                yield Proposal((edit,), {"mark": word}, 0.0 if token is stop.found else NOT_LISTED)
                return


def parts_two_values(tokens: Tokens, token: Token) -> bool:
    """Whether names or literals stand on both sides: without the mark they would run into each other."""
    number = tokens.number_at(token.start)
    sides = [*tokens.all[number - 1 : number], *tokens.all[number + 1 : number + 2]]
    return len(sides) == 2 and all(side.kind in {"word", "literal"} for side in sides)


def words_in_wrong_order(scene: Scene) -> Iterator[Proposal]:
    """Exchange two neighbouring words of which one belongs in front of others."""
    stop = stop_of(scene)
    if stop is None:
        return
    pairs: Sequence[tuple[Token, Token | None]] = ((stop.previous, stop.found), (stop.found, stop.following))
    for first, second in pairs:
        if second is None or first.text == second.text:
            continue
        texts = [token.text.decode(errors="replace") for token in (first, second)]
        if not LEADING_WORDS & set(texts) or not all(
            token.kind == "word" or token.text == b"&" for token in (first, second)
        ):
            continue
        blank = "" if texts[1] == "&" else scene.code(first.end, second.start)
        after = " " if texts[1] == "&" and scene.text[second.end : second.end + 1].strip() else ""
        edit = Edit(scene.file, first.start, second.end, f"{texts[1]}{blank}{texts[0]}{after}")
        if parses_better(scene, (edit,)):
            yield Proposal((edit,), {"first": texts[1], "second": texts[0]})
            return

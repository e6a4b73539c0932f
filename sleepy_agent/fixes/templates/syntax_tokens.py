"""The tokens of a text that may not parse, and whether an edit leads to a text that parses better."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from tree_sitter import Node

from sleepy_agent.code.edits import EditConflict, apply_edits
from sleepy_agent.code.syntax import parse_edited_rust, parse_rust, rust_parser
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.scene import Scene

TOKEN = re.compile(
    rb"""
    (?P<comment>//[^\n]*|/\*(?s:.*?)\*/)
    |(?P<literal>b?r(?P<hashes>\#+)"(?s:.*?)"(?P=hashes)|b?r"[^"]*"|[bc]?"(?:[^"\\]|\\(?s:.))*"
      |b?'(?:[^'\\\n]|\\u\{\w+\}|\\x\w\w|\\.)'|b?'[\xc0-\xff][\x80-\xbf]+'
      |\d[\w]*(?:\.\d[\w]*)?(?:(?<=[eE])[+-]\d+)?)
    |(?P<lifetime>'\w+)
    |(?P<word>(?:r\#)?[A-Za-z_\x80-\xff][\w\x80-\xff]*)
    |(?P<mark><<=|>>=|\.\.=|\.\.\.|::|->|=>|==|!=|<=|>=|&&|\|\||\+=|-=|\*=|/=|%=|\^=|&=|\|=|\.\.|[^\s\w])
    """,
    re.VERBOSE,
)
ITEM_START = re.compile(
    rb"^(?:(?:pub|fn|struct|enum|impl|trait|mod|use|const|static|type|unsafe|extern|async|macro_rules|union)\b|#)", re.M
)
OPENERS = {b"(": b")", b"[": b"]", b"{": b"}"}
CLOSERS = {closer: opener for opener, closer in OPENERS.items()}


@dataclass(frozen=True, slots=True)
class Token:
    """A word, literal or punctuation mark. `>` and `<` are always marks of their own."""

    kind: str
    text: bytes
    start: int
    end: int


@dataclass(frozen=True)
class Tokens:
    """All tokens of a text but its comments."""

    all: Sequence[Token]

    @cached_property
    def starts(self) -> list[int]:
        return [token.start for token in self.all]

    def number_at(self, position: int) -> int:
        """The number of the first token that begins at a position or behind it."""
        return bisect_left(self.starts, position)

    def before(self, position: int) -> Token | None:
        """The last token that begins in front of a position."""
        number = self.number_at(position)
        return self.all[number - 1] if number else None

    def at_or_after(self, position: int) -> Token | None:
        """The first token that begins at a position or behind it."""
        number = self.number_at(position)
        return self.all[number] if number < len(self.all) else None

    def partner(self, number: int) -> int | None:
        """The number of the bracket that closes the one of a number, where the brackets between are in order."""
        waiting: list[bytes] = []
        for other in range(number, len(self.all)):
            text = self.all[other].text
            if text in OPENERS:
                waiting.append(OPENERS[text])
            elif text in CLOSERS:
                if not waiting or waiting.pop() != text:
                    return None
                if not waiting:
                    return other
        return None


@lru_cache(maxsize=8)
def tokens_of(text: bytes) -> Tokens:
    """The tokens of a text; the last few texts' are kept, because many templates ask."""
    return Tokens(
        tuple(
            Token(found.lastgroup or "mark", found[0], found.start(), found.end())
            for found in TOKEN.finditer(text)
            if found.lastgroup != "comment"
        )
    )


def count_of_errors(root: Node) -> int:
    """How many places of a tree are broken."""
    count = 0
    waiting = [root]
    while waiting:
        node = waiting.pop()
        count += node.is_error or node.is_missing
        waiting += [child for child in node.children if child.has_error or child.is_missing]
    return count


def broken_places_after(scene: Scene, edits: Sequence[Edit], *, everywhere: bool = False) -> int | None:
    """How many places are broken after the edits; None where these are no fewer than before.

    Only the items around are read, where they show the mistake: a whole file for each of many ideas takes too long.
    A quote changes everything behind it, so that all must be read (`everywhere`).
    """
    texts = apply_edits(edits, scene.context.read)
    if isinstance(texts, EditConflict) or scene.file not in texts:
        return None
    after = texts[scene.file]
    first = min(edit.byte_start for edit in edits)
    last = max(scene.span.byte_end, *(edit.byte_end for edit in edits))
    start, end = items_around(scene.text, first, last)
    before = broken_places(scene.text[start:end])
    if before and not everywhere and end - start < len(scene.text) // 2:
        root = rust_parser().parse(after[start : end + len(after) - len(scene.text)]).root_node
    else:
        before = broken_places(scene.text)
        root = parse_edited_rust(scene.text, after)
    count = count_of_errors(root) if root.has_error else 0
    return count if count == 0 or count < before else None


@lru_cache(maxsize=4)
def starts_of_items(text: bytes) -> Sequence[int]:
    """Where lines at the left edge begin that look like the beginning of an item."""
    return [match.start() for match in ITEM_START.finditer(text)]


def items_around(text: bytes, first: int, last: int) -> tuple[int, int]:
    """From the item at the left edge that holds a byte to the first one behind another byte."""
    starts = starts_of_items(text)
    number = bisect_left(starts, first + 1)
    behind = bisect_left(starts, last + 1)
    return starts[number - 1] if number else 0, starts[behind] if behind < len(starts) else len(text)


def parses_better(scene: Scene, edits: Sequence[Edit]) -> bool:
    """Whether the text has no broken places after the edits, or fewer than before."""
    return broken_places_after(scene, edits) is not None


@lru_cache(maxsize=64)
def broken_places(text: bytes) -> int:
    """How many places of a text are broken."""
    return count_of_errors(parse_rust(text))


def line_of(text: bytes, position: int) -> tuple[int, int]:
    """Where the line that holds a byte begins and ends (without its line feed)."""
    start = text.rfind(b"\n", 0, position) + 1
    end = text.find(b"\n", position)
    return start, end if end >= 0 else len(text)


def width_of_indentation(text: bytes, position: int) -> int:
    """How many white spaces begin the line that holds a byte."""
    start, end = line_of(text, position)
    line = text[start:end]
    return len(line) - len(line.lstrip(b" \t"))

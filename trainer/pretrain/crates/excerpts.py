"""The part of a crate that a question needs, as one text: imports, the item around the mistake, what the error names.

It is made of stretches of the crate's files. Places that rustc tells of are followed into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tree_sitter import Node

from sleepy_agent.cargo.diagnostics import all_texts
from sleepy_agent.code.syntax import COMMENT_KINDS, ancestors, node_at, parse_rust
from sleepy_agent.domain import Diagnostic, Edit, Span, Suggestion
from sleepy_agent.fixes.prompts.view import NAMES_IN_QUOTES, WORD
from sleepy_agent.fixes.templates.scene import spans_of
from trainer.pretrain.crates.targets import Declared, Target, Targets
from trainer.pretrain.mutations.mutant import ByteEdit
from trainer.pretrain.records import FILE

__all__ = ["Excerpt", "Piece", "excerpt_around", "moved_into"]

SHOWN: Final = 1200
"""Characters of code in a question of the seed profile: of a larger item only the function is shown."""
LARGEST_WHOLE: Final = 1600
MOST_DECLARED: Final = 10
MOST_OF_A_NAME: Final = 2
MOST_MEMBERS: Final = 6
LARGEST_DECLARED: Final = 700
MOST_OF_COMMENTS: Final = 300
"""Characters; longer ones would fill the question."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a file, or, where `file` is None, a text of ours."""

    file: Path | None
    start: int = 0
    end: int = 0
    text: bytes = b""


@dataclass(frozen=True)
class Excerpt:
    """Pieces in a row, of the crate as it was published."""

    pieces: tuple[Piece, ...]
    sources: Mapping[Path, bytes]

    def text(self, file: Path, edits: Sequence[ByteEdit] = ()) -> bytes:
        """All of it, with edits of one file made."""
        return b"".join(
            piece.text if piece.file is None else self.stretch(piece, edits if piece.file == file else ())
            for piece in self.pieces
        )

    def stretch(self, piece: Piece, edits: Sequence[ByteEdit]) -> bytes:
        assert piece.file is not None
        text, made, position = self.sources[piece.file], b"", piece.start
        for edit in edits:
            if is_in(edit, piece):
                made += text[position : edit.start] + edit.replacement
                position = edit.end
        return made + text[position : piece.end]

    def holds(self, file: Path, edits: Iterable[ByteEdit]) -> bool:
        """Whether each edit lies in exactly one piece."""
        return all(sum(piece.file == file and is_in(edit, piece) for piece in self.pieces) == 1 for edit in edits)

    def place_of(self, file: Path, position: int, broken: Path, edits: Sequence[ByteEdit]) -> int | None:
        """Where a byte of a file (with the edits made, if it is the broken one) stands in the excerpt."""
        own = edits if file == broken else ()
        reached = 0
        for piece in self.pieces:
            piece_edits = edits if piece.file == broken else ()
            length = len(piece.text) if piece.file is None else len(self.stretch(piece, piece_edits))
            if piece.file == file:
                first = piece.start + moved(own, piece)
                if first <= position <= first + length and (position < first + length or not self.goes_on(piece)):
                    return reached + position - first
            reached += length
        return None

    def goes_on(self, piece: Piece) -> bool:
        """Whether another piece begins where this one ends."""
        return any(other.file == piece.file and other.start == piece.end for other in self.pieces)


def is_in(edit: ByteEdit, piece: Piece) -> bool:
    return piece.start <= edit.start and edit.end <= piece.end and not edit.start == edit.end == piece.start


def moved(edits: Iterable[ByteEdit], piece: Piece) -> int:
    """By how many bytes the edits before a piece move it."""
    before = [edit for edit in edits if edit.end <= piece.start and edit.start < piece.start]
    before += [edit for edit in edits if edit.start == edit.end == piece.start]
    return sum(len(edit.replacement) - (edit.end - edit.start) for edit in before)


# ---- which pieces -----------------------------------------------------------------------------------------


def excerpt_around(
    target: Target, sources: Mapping[Path, bytes], targets: Targets, said: Diagnostic | None, *, with_comments: bool
) -> Excerpt:
    """The excerpt for a mistake in a function, of which rustc said this."""
    text = sources[target.file]
    function = node_of(parse_rust(text), target)
    item = next((one for one in ancestors(function) if one.type in {"impl_item", "trait_item"}), function)
    pieces = list(imports_of(item, target.file))
    shown = list(shown_of(item, function))
    for start, end in shown:
        kept = without_comments(parse_rust(text), text, start, end)
        if with_comments and end - start - sum(last - first for first, last in kept) <= MOST_OF_COMMENTS:
            kept = [(start, end)]
        pieces += [Piece(target.file, first, last) for first, last in kept]
        pieces.append(Piece(None, text=b"\n"))
    if said is not None:
        declared = [one for one in named_by(said, targets, target.file) if not overlaps(one, target.file, item, shown)]
        for one in declared[:MOST_DECLARED]:
            pieces += declaration(one, sources[one.file])
    return Excerpt(tuple(pieces), sources)


def node_of(root: Node, target: Target) -> Node:
    """The function in its file's tree."""
    node = node_at(root, target.start, target.end)
    return next(one for one in ancestors(node) if one.type == "function_item" and one.start_byte == target.start)


def imports_of(item: Node, file: Path) -> Iterator[Piece]:
    """The imports of the module that an item stands in."""
    module = item.parent
    for child in module.named_children if module is not None else ():
        if child.type == "use_declaration":
            yield Piece(file, child.start_byte, child.end_byte)
            yield Piece(None, text=b"\n")
    yield Piece(None, text=b"\n")


def shown_of(item: Node, function: Node) -> Iterator[tuple[int, int]]:
    """The stretches of an item that are kept: all of it, or so much around the function that the rest would not be
    shown either."""
    body = item.child_by_field_name("body")
    if item == function or body is None or item.end_byte - item.start_byte <= LARGEST_WHOLE:
        yield item.start_byte, item.end_byte
        return
    members = body.named_children
    first = last = next(number for number, one in enumerate(members) if one == function)
    while first > 0 and members[first - 1].type in {"attribute_item", *COMMENT_KINDS}:
        first -= 1
    while members[last].end_byte - members[first].start_byte <= SHOWN:
        if last + 1 < len(members) and members[last + 1].type == "function_item":
            last += 1
        elif first > 0:
            first -= 1
        else:
            break
    yield item.start_byte, body.start_byte + 1
    yield line_start(item, members[first].start_byte), members[last].end_byte
    yield body.end_byte - 1, item.end_byte


def line_start(item: Node, position: int) -> int:
    """Back over the indentation."""
    text = item.text or b""
    offset = position - item.start_byte
    while offset > 0 and text[offset - 1 : offset] in {b" ", b"\t"}:
        offset -= 1
    return item.start_byte + offset


def without_comments(root: Node, text: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """A stretch less its comments: with the whole line where nothing else is on it."""
    kept, position = [], start
    for first, last in comments_in(root, text, start, end):
        if first > position:
            kept.append((position, first))
        position = max(position, last)
    if position < end:
        kept.append((position, end))
    return kept


def comments_in(root: Node, text: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where comments stand, the white space before them and the line's end counted in where they are alone."""
    waiting = [node_at(root, start, end)]
    while waiting:
        node = waiting.pop()
        if node.end_byte <= start or node.start_byte >= end:
            continue
        if node.type in COMMENT_KINDS:
            first, last = node.start_byte, node.end_byte
            # A doc comment's node ends behind its line.
            while last > first and text[last - 1 : last] in {b"\n", b"\r"}:
                last -= 1
            while first > start and text[first - 1 : first] in {b" ", b"\t"}:
                first -= 1
            if text[last : last + 1] == b"\n" and (first == 0 or text[first - 1 : first] == b"\n"):
                last += 1
            yield max(first, start), min(last, end)
        else:
            waiting += reversed(node.children)


def overlaps(one: Declared, file: Path, item: Node, shown: Iterable[tuple[int, int]]) -> bool:
    """Whether a declaration is in the excerpt already, or cannot be (a trait around itself)."""
    if one.file != file:
        return False
    return any(first < one.end and one.start < last for first, last in shown) or (
        one.start <= item.start_byte and item.end_byte <= one.end
    )


def named_by(said: Diagnostic, targets: Targets, file: Path) -> list[Declared]:
    """What an error names, as the product would look it up: types first, their methods last."""
    quoted = [name for text in all_texts(said) for name in NAMES_IN_QUOTES.findall(text)]
    pointed = [span.text for span in spans_of(said)]
    names = dict.fromkeys(word for text in (*quoted, *pointed) for word in WORD.findall(text))
    found: dict[tuple[Path, int], Declared] = {}
    for name in names:
        known = sorted(targets.declared.get(name, ()), key=lambda one: one.file != file)
        for one in known[:MOST_OF_A_NAME]:
            found.setdefault((one.file, one.start), one)
    types = [one for one in found.values() if one.is_type]
    members = [one for name in names for one in targets.members.get(name, ())[:MOST_MEMBERS]]
    others = [one for one in found.values() if not one.is_type]
    return list({(one.file, one.start): one for one in (*types, *others, *members)}.values())


def declaration(one: Declared, text: bytes) -> Iterator[Piece]:
    """A declaration: a function's head, inside of its impl's, else all of it; nothing of what is too long."""
    end = one.body if one.body >= 0 else one.end
    if end - one.start > LARGEST_DECLARED or (one.around >= 0 and one.around_body - one.around > LARGEST_DECLARED):
        return
    yield Piece(None, text=b"\n")
    if one.around >= 0:
        yield Piece(None, text=text[one.around : one.around_body] + b"{\n    ")
    for first, last in without_comments(parse_rust(text), text, one.start, end):
        yield Piece(one.file, first, last)
    if one.body >= 0:
        yield Piece(None, text=b"{\n    }")
    yield Piece(None, text=b"\n}\n" if one.around >= 0 else b"\n")


# ---- what rustc said, moved -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moving:
    """Follows places into an excerpt. `text` is the excerpt with the mistake; `alone` says where a byte of a file of
    that call of rustc stands when this mistake is the only one."""

    excerpt: Excerpt
    broken: Path
    edits: Sequence[ByteEdit]
    text: bytes
    alone: Callable[[Path, int], int]

    def place(self, file: Path, position: int) -> int | None:
        return self.excerpt.place_of(file, self.alone(file, position), self.broken, self.edits)

    def span(self, span: Span) -> Span | None:
        start, end = self.place(span.file, span.byte_start), self.place(span.file, span.byte_end)
        if start is None or end is None or end < start:
            return None
        first_line, first_column = self.line_and_column(start)
        last_line, last_column = self.line_and_column(end)
        return replace(
            span,
            file=FILE,
            byte_start=start,
            byte_end=end,
            line_start=first_line,
            column_start=first_column,
            line_end=last_line,
            column_end=last_column,
        )

    def line_and_column(self, position: int) -> tuple[int, int]:
        begin = self.text.rfind(b"\n", 0, position) + 1
        return self.text.count(b"\n", 0, position) + 1, len(self.text[begin:position].decode(errors="replace")) + 1

    def suggestion(self, suggestion: Suggestion) -> Suggestion | None:
        edits = []
        for edit in suggestion.edits:
            start, end = self.place(edit.file, edit.byte_start), self.place(edit.file, edit.byte_end)
            if start is None or end is None or end < start:
                return None
            edits.append(Edit(FILE, start, end, edit.replacement))
        return replace(suggestion, edits=tuple(edits))

    def diagnostic(self, said: Diagnostic) -> Diagnostic:
        spans = [self.span(span) for span in said.spans]
        suggestions = [self.suggestion(one) for one in said.suggestions]
        return replace(
            said,
            spans=tuple(span for span in spans if span is not None),
            suggestions=tuple(one for one in suggestions if one is not None),
            children=tuple(self.diagnostic(child) for child in said.children),
            rendered="",
        )


def moved_into(
    excerpt: Excerpt, said: Diagnostic, broken: Path, edits: Sequence[ByteEdit], alone: Callable[[Path, int], int]
) -> Diagnostic | None:
    """What rustc said, with all places in the excerpt; None where its main place is not in there. `alone` leads from
    the files that rustc read to those with these edits only."""
    text = excerpt.text(broken, edits)
    primary = [span for span in said.spans if span.is_primary]
    moving = Moving(excerpt, broken, edits, text, alone)
    if not primary or moving.span(primary[0]) is None:
        return None
    return moving.diagnostic(said)

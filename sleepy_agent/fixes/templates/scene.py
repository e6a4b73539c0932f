"""What a template looks at (`Scene`) and what it answers (`Proposal`), with the small steps that matchers share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from tree_sitter import Node

from sleepy_agent.cargo.diagnostics import all_texts
from sleepy_agent.code.index import WorkspaceIndex
from sleepy_agent.code.syntax import ancestors, node_at, parse_rust
from sleepy_agent.domain import Diagnostic, Edit, Problem, Span
from sleepy_agent.fixes.sources.context import SourceContext

STATEMENT_KINDS = frozenset({"let_declaration", "expression_statement", "empty_statement"})
ITEM_KINDS = frozenset(
    {"function_item", "impl_item", "trait_item", "struct_item", "enum_item", "union_item", "mod_item"}
    | {"const_item", "static_item", "type_item", "function_signature_item", "macro_definition", "use_declaration"}
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One answer of a template. `values` fill the holes of its title, beside those the scene has already."""

    edits: tuple[Edit, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    extra_cost: float = 0.0
    """How much less likely this one is than the template's best."""
    question: str | None = None
    """Overrides the template's: answers to the same question mean different things and exclude each other."""
    keeps_behaviour: bool | None = None
    """Overrides the template's."""


@dataclass(frozen=True)
class Scene:
    """One problem as a template sees it: the text it was found in, the tree, the diagnostic's words and spans.

    `span` is where the template looks: the primary span, or the span whose label its `at` names.
    """

    problem: Problem
    context: SourceContext
    span: Span
    values: Mapping[str, str] = field(default_factory=dict)
    """What the template's patterns found in the diagnostic's words, by the name of the group."""

    # ---- texts and trees --------------------------------------------------------------------------------

    @property
    def diagnostic(self) -> Diagnostic:
        return self.problem.diagnostic

    @property
    def file(self) -> Path:
        """The file of `span`; `text`, `root` and all edits made here speak of it."""
        return self.span.file

    @cached_property
    def text(self) -> bytes:
        return self.context.read(self.file)

    @cached_property
    def root(self) -> Node:
        return parse_rust(self.text)

    @property
    def index(self) -> WorkspaceIndex:
        """The items of the workspace, in the texts as they are now."""
        return self.context.index

    @cached_property
    def node(self) -> Node:
        """The smallest node that holds `span`."""
        return self.node_of(self.span)

    def node_of(self, span: Span) -> Node:
        """The smallest node of this file that holds a span."""
        return node_at(self.root, span.byte_start, span.byte_end)

    @cached_property
    def said(self) -> str:
        """The message, all labels, notes and helps, a line each."""
        return "\n".join(all_texts(self.diagnostic))

    def of(self, node: Node) -> str:
        """The code of a node of this file."""
        return self.text[node.start_byte : node.end_byte].decode(errors="replace")

    def code(self, start: int, end: int) -> str:
        """The code between two bytes of this file."""
        return self.text[start:end].decode(errors="replace")

    def elsewhere(self, span: Span) -> Scene:
        """The same problem, looked at from another of its spans (perhaps in another file)."""
        return replace(self, span=span)

    # ---- spans ------------------------------------------------------------------------------------------

    def spans(self) -> Iterator[Span]:
        """All spans: the diagnostic's own, then those of its notes and helps."""
        yield from spans_of(self.diagnostic)

    def labelled(self, pattern: str) -> Span | None:
        """The first span whose label has the pattern in it."""
        return next((span for span in self.spans() if span.label and re.search(pattern, span.label)), None)

    def noted(self, pattern: str) -> Span | None:
        """The first span of a note or help whose message has the pattern in it."""
        return next(
            (span for child in self.diagnostic.children if re.search(pattern, child.message) for span in child.spans),
            None,
        )

    # ---- around a node ----------------------------------------------------------------------------------

    def around(self, kinds: frozenset[str] | set[str] | str, node: Node | None = None) -> Node | None:
        """The innermost node of some kinds that holds `node` (itself included; default: `self.node`)."""
        wanted = {kinds} if isinstance(kinds, str) else kinds
        return next((one for one in ancestors(node or self.node) if one.type in wanted), None)

    def statement(self, node: Node | None = None) -> Node | None:
        """The statement, or the block's last expression, that holds a node."""
        for one in ancestors(node or self.node):
            if one.type in STATEMENT_KINDS or (one.parent is not None and one.parent.type == "block"):
                return one
        return None

    def function(self, node: Node | None = None) -> Node | None:
        """The function around a node."""
        return self.around({"function_item", "function_signature_item"}, node)

    def item(self, node: Node | None = None) -> Node | None:
        """The innermost item around a node."""
        return self.around(ITEM_KINDS, node)

    def indentation(self, position: int) -> str:
        """The white space at the beginning of the line that holds a byte."""
        start = self.text.rfind(b"\n", 0, position) + 1
        line = self.text[start:position]
        return self.code(start, start + len(line) - len(line.lstrip(b" \t")))

    # ---- edits ------------------------------------------------------------------------------------------

    def replace(self, node: Node | Span, replacement: str) -> Edit:
        """Put other code in the place of a node or span of this file."""
        return Edit(
            self.file, node.start_byte if isinstance(node, Node) else node.byte_start, end_of(node), replacement
        )

    def replace_bytes(self, start: int, end: int, replacement: str) -> Edit:
        """Put other code in the place of the bytes start..end of this file."""
        return Edit(self.file, start, end, replacement)

    def insert(self, position: int, code: str) -> Edit:
        """Put code in front of a byte of this file."""
        return Edit(self.file, position, position, code)

    def delete(self, start: int, end: int) -> Edit:
        """Take the bytes start..end of this file away."""
        return Edit(self.file, start, end, "")

    def import_edit(self, path: str) -> Edit | None:
        """A new line `use path;` where this module's imports stand; None where no place can be found."""
        place = self.index.import_place(self.file, self.span.byte_start)
        return self.insert(place[0], f"{place[1]}use {path};\n") if place is not None else None


def end_of(place: Node | Span) -> int:
    """The byte behind a node or span."""
    return place.end_byte if isinstance(place, Node) else place.byte_end


def spans_of(diagnostic: Diagnostic) -> Iterator[Span]:
    """The spans of a diagnostic and of everything below it."""
    yield from diagnostic.spans
    for child in diagnostic.children:
        yield from spans_of(child)

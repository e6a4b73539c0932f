"""Where a new `use` line goes in a file or in an inline module. Pure.

The place is such that `indentation + "use a::b;\\n"` can be put there as it is.
"""

from __future__ import annotations

from dataclasses import replace

from tree_sitter import Node

from sleepy_agent.code.item_records import Module
from sleepy_agent.code.syntax import COMMENT_KINDS

IMPORTS = frozenset({"use_declaration", "extern_crate_declaration"})
BEFORE_IMPORTS = frozenset({"inner_attribute_item", "{", "}", "shebang", "empty_statement"})


def with_import_place(module: Module, body: Node, text: bytes) -> Module:
    """The module, knowing where its imports go. `body`: the root of its file, or its inline body."""
    position, indentation = import_place_in(body, text)
    return replace(module, import_place=position, import_indentation=indentation)


def import_place_in(container: Node, text: bytes) -> tuple[int, str]:
    """Behind the first run of imports; without one behind inner attributes and inner documentation.

    `container`: the root of a file, or the body of a module.
    """
    last, first = _first_run(container)
    if last is not None:
        return _behind(last.end_byte, text), indentation_at(last.start_byte, text)
    if first is not None:
        line = line_start(first.start_byte, text)
        if not text[line : first.start_byte].strip():
            return line, indentation_at(first.start_byte, text)
        return first.start_byte, ""
    if container.type == "declaration_list":
        return _behind(container.start_byte + 1, text), indentation_at(container.start_byte, text) + "    "
    return len(text), ""


def _first_run(container: Node) -> tuple[Node | None, Node | None]:
    """The last import of the first run of imports, and the first thing that is neither an inner attribute nor
    an inner comment (the attributes and doc comments of an item belong to it)."""
    last: Node | None = None
    first: Node | None = None
    for child in container.children:
        kind = child.type
        if kind in IMPORTS:
            last = child
        elif kind in BEFORE_IMPORTS or (kind in COMMENT_KINDS and child.child_by_field_name("outer") is None):
            continue
        elif last is not None and kind != "attribute_item":
            break
        first = first or child
    return last, first


def _behind(position: int, text: bytes) -> int:
    """The beginning of the next line where nothing but a comment follows on this one, else the position."""
    end = text.find(b"\n", position)
    if end < 0:
        return position
    rest = text[position:end].strip()
    return end + 1 if not rest or rest.startswith(b"//") else position


def line_start(position: int, text: bytes) -> int:
    """Where the line of a position begins."""
    return text.rfind(b"\n", 0, position) + 1


def indentation_at(position: int, text: bytes) -> str:
    """The blanks at the beginning of a position's line."""
    line = text[line_start(position, text) : position]
    return line[: len(line) - len(line.lstrip())].decode(errors="replace")

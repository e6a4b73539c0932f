"""Looks into the arguments of macro calls: the tree has nothing but tokens there, although most of them are
expressions (`assert_eq!(shelf.len(), 3)`). Pure.

The call is read as if it were a plain one: `assert_eq (shelf.len(), 3)`. Every byte keeps its place, so what is
found in such a tree can be edited in the text as it is.
"""

from __future__ import annotations

from tree_sitter import Node

from sleepy_agent.code.syntax import ancestors, node_at, parse_edited_rust, parse_rust

DEEPEST = 5
# Their arguments are no expressions.
LEFT_CLOSED = frozenset({"macro_rules", "quote", "quote_spanned", "parse_quote", "stringify", "concat_idents", "asm"})


def parse_with_open_macros(text: bytes, position: int) -> Node:
    """The root of the tree in which the macro calls around a position are plain calls.

    A call whose arguments cannot be read so stays as it is.
    """
    root = parse_rust(text)
    opened = text
    for _ in range(DEEPEST):
        call = _outermost_call(root, position)
        changed = _as_plain_call(call, opened) if call is not None else None
        if call is None or changed is None:
            return root
        fresh = parse_edited_rust(text, changed)
        if not _is_readable(fresh, call, position):
            return root
        root, opened = fresh, changed
    return root


def _outermost_call(root: Node, position: int) -> Node | None:
    """The outermost macro call in whose arguments the position lies."""
    found = None
    for node in ancestors(node_at(root, position, position)):
        if node.type == "macro_definition":
            return None
        if node.type == "macro_invocation" and _arguments(node, position) is not None:
            found = node
    return found


def _arguments(call: Node, position: int) -> Node | None:
    last = call.children[-1] if call.children else None
    is_inside = last is not None and last.type == "token_tree" and last.start_byte < position < last.end_byte
    return last if is_inside else None


def _as_plain_call(call: Node, text: bytes) -> bytes | None:
    """The text with the call written as a plain call, an array or a block, as its brackets say."""
    name, arguments = call.child_by_field_name("macro"), call.children[-1]
    if (
        name is None
        or text[name.start_byte : name.end_byte].decode(errors="replace").rsplit("::", 1)[-1] in LEFT_CLOSED
    ):
        return None
    is_call = text[arguments.start_byte : arguments.start_byte + 1] == b"("
    start = name.end_byte if is_call else call.start_byte
    blanks = b"".join(b"\n" if byte == 10 else b" " for byte in text[start : arguments.start_byte])
    return text[:start] + blanks + text[arguments.start_byte :]


def _is_readable(root: Node, call: Node, position: int) -> bool:
    """Whether what was a macro call has become an expression, and its argument at the position one without errors."""
    opening = call.children[-1].start_byte
    for node in ancestors(node_at(root, position, position)):
        if node.type == "ERROR":
            return False
        if node.start_byte <= opening and node.end_byte >= call.end_byte:
            return True
        if node.parent is not None and node.parent.start_byte <= opening and node.has_error:
            return False
    return False

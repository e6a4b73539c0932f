"""What an edit does to the code, beyond making it compile: the flags of flags.toml. Pure.

Patterns find what is inserted; the syntax trees before and after find what is gone, what became public and
whose signature changed. The design's rule: "looks fixed" is not fixed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tree_sitter import Node

from sleepy_agent.code.syntax import (
    COMMENT_KINDS,
    LOOP_KINDS,
    ancestors,
    code_children,
    leaves,
    node_at,
    parse_rust,
    visibility_of,
)


@dataclass(frozen=True, slots=True)
class Flag:
    """One entry of flags.toml."""

    name: str
    says: str
    cost: float
    blocks_preference: bool
    refused: bool
    inserted: re.Pattern[str] | None
    waived_by: re.Pattern[str] | None


@cache
def all_flags() -> dict[str, Flag]:
    """The table of flags by name."""
    raw = tomllib.loads(files("sleepy_agent.code").joinpath("flags.toml").read_text(encoding="utf-8"))
    return {
        name: Flag(
            name=name,
            says=entry["says"],
            cost=entry["cost"],
            blocks_preference=entry["blocks_preference"],
            refused=entry.get("refused", False),
            inserted=re.compile(entry["inserted"]) if "inserted" in entry else None,
            waived_by=re.compile(entry["waived_by"]) if "waived_by" in entry else None,
        )
        for name, entry in raw["flag"].items()
    }


# Lists whose members are counted before and after, and what it is called when one is gone.
COUNTED_LISTS = {
    "block": "deleted_statement",
    "source_file": "deleted_item",
    "declaration_list": "deleted_item",
    "field_declaration_list": "deleted_item",
    "enum_variant_list": "deleted_item",
    "match_block": "deleted_item",
    "field_initializer_list": "deleted_argument",
    "arguments": "deleted_argument",
    "parameters": "deleted_argument",
}
ATTRIBUTES = frozenset({"attribute_item", "inner_attribute_item"})
# Expressions that do something when they run: losing one changes behaviour even where all still compiles.
ACTING_EXPRESSIONS = frozenset(
    {"call_expression", "macro_invocation", "try_expression", "await_expression", "assignment_expression"}
)
SIGNATURE_ITEMS = frozenset(
    {
        "function_item",
        "function_signature_item",
        "struct_item",
        "enum_item",
        "union_item",
        "trait_item",
        "type_item",
        "const_item",
        "static_item",
        "field_declaration",
    }
)


@dataclass(frozen=True, slots=True)
class TextChange:
    """A replaced stretch: bytes of the text before, and of the text after."""

    start: int
    end: int
    new_start: int
    new_end: int


def flags_of_change(
    before: bytes, after: bytes, changes: Sequence[TextChange], target: tuple[int, int] | None
) -> tuple[str, ...]:
    """Names of all flags that fit, in the order of flags.toml.

    `target`: the bytes the compiler complained about in the text before, where they lie in this file.
    """
    root_before, root_after = parse_rust(before), parse_rust(after)
    found = inserted_flags(before, after, changes)
    for change in changes:
        found |= deletion_flags(root_before, root_after, change, target)
        found |= visibility_flags((root_before, before), (root_after, after), change, target)
        if "clone" in found and any(
            around.type in LOOP_KINDS | {"closure_expression"}
            for around in ancestors(node_at(root_after, change.new_start, change.new_end))
            if around.type != "function_item"
        ):
            found.add("clone_in_loop")
    told = {"deleted_statement", "deleted_item", "deleted_argument", "deleted_import", "erased_target", "emptied_body"}
    replaces = any(change.end > change.start for change in changes) and not root_before.has_error
    if replaces and not found & told and lost_actions(root_before, root_after, before, changes):
        found.add("deleted_expression")
    return tuple(name for name in all_flags() if name in found)


def inserted_flags(before: bytes, after: bytes, changes: Sequence[TextChange]) -> set[str]:
    """Flags whose pattern appears more often in the changed lines than it did."""
    old = "\n".join(line_around(before, change.start, change.end) for change in changes)
    new = "\n".join(line_around(after, change.new_start, change.new_end) for change in changes)
    return {
        flag.name
        for flag in all_flags().values()
        if flag.inserted and len(flag.inserted.findall(new)) > len(flag.inserted.findall(old))
    }


def line_around(text: bytes, start: int, end: int) -> str:
    """The whole lines that hold the bytes start..end."""
    first = text.rfind(b"\n", 0, start) + 1
    last = text.find(b"\n", end)
    return text[first : last if last >= 0 else len(text)].decode(errors="replace")


def deletion_flags(root_before: Node, root_after: Node, change: TextChange, target: tuple[int, int] | None) -> set[str]:
    """What the change takes away: members of lists, whole bodies, calls; what it turns into comments."""
    if change.end <= change.start or root_before.has_error:
        # Insertions take nothing away, except what they wrap in a comment; and where the text could not be
        # parsed before, counting its parts means nothing.
        return comment_flags(root_before, root_after, change)
    found = comment_flags(root_before, root_after, change)
    inside = node_at(root_before, change.start, change.end)
    for list_before in ancestors(inside):
        name = COUNTED_LISTS.get(list_before.type)
        if name is None:
            continue
        list_after = next(
            (
                node
                for node in ancestors(node_at(root_after, change.new_start, change.new_end))
                if node.type == list_before.type and node.start_byte <= list_before.start_byte
            ),
            None,
        )
        if list_after is None:
            continue
        members = [child for child in code_children(list_before) if child.type not in ATTRIBUTES]
        members_after = [child for child in code_children(list_after) if child.type not in ATTRIBUTES]
        if len(members_after) < len(members):
            gone = [child for child in members if child.start_byte < change.end and change.start < child.end_byte]
            imports = all(child.type in {"use_declaration", "extern_crate_declaration"} for child in gone)
            erased = target is not None and any(
                child.start_byte <= target[0] and target[1] <= child.end_byte for child in gone
            )
            if list_before.type == "block" and not members_after:
                found.add("emptied_body")
            if imports:
                found.add("deleted_import")
            elif erased and name != "deleted_argument":
                found.add("erased_target")
            else:
                found.add(name)
        break
    return found


def lost_actions(root_before: Node, root_after: Node, before: bytes, changes: Sequence[TextChange]) -> bool:
    """Whether fewer calls stand in the changed items than before. Counted over all changes together, because a
    call that moves into a `let`, or becomes an argument, is not lost."""
    items_before = [item_around(node_at(root_before, change.start, change.end)) for change in changes]
    items_after = [item_around(node_at(root_after, change.new_start, change.new_end)) for change in changes]
    # `.clone()` and conversions that merely copy may go without loss.
    removed = b"\n".join(before[change.start : change.end] for change in changes)
    harmless = len(re.findall(rb"\.\s*(clone|as_ref|borrow|iter|into_iter|to_owned|into|cloned|copied)\(\)", removed))
    return count_actions(items_after) < count_actions(items_before) - harmless


def item_around(node: Node) -> Node | None:
    """The function or other item that holds a node; None between the items of a file."""
    return next((around for around in ancestors(node) if around.type in SIGNATURE_ITEMS), None)


def count_actions(items: Sequence[Node | None]) -> int:
    """How many expressions that do something stand in these items, each item once."""
    distinct = {item.start_byte: item for item in items if item is not None}
    return sum(1 for item in distinct.values() for node in descendants(item) if node.type in ACTING_EXPRESSIONS)


def descendants(node: Node) -> list[Node]:
    """The node and all nodes below it."""
    found, waiting = [], [node]
    while waiting:
        current = waiting.pop()
        found.append(current)
        waiting += current.children
    return found


def comment_flags(root_before: Node, root_after: Node, change: TextChange) -> set[str]:
    """Whether tokens vanished into a comment."""
    after = node_at(root_after, change.new_start, change.new_end)
    comments = [node for node in descendants(after) if node.type in COMMENT_KINDS] if change.new_end else []
    own = [node for node in comments if node.start_byte >= change.new_start - 1 and node.start_byte < change.new_end]
    if not own:
        return set()
    tokens_after = sum(1 for _ in leaves(after))
    tokens_before = sum(1 for _ in leaves(node_at(root_before, change.start, change.end)))
    return {"commented_out"} if tokens_after < tokens_before else set()


def visibility_flags(
    old: tuple[Node, bytes], new: tuple[Node, bytes], change: TextChange, target: tuple[int, int] | None
) -> set[str]:
    """Whether a public signature changed that was not itself the complaint, or something became public."""
    found = set()
    (root_before, before), (root_after, after) = old, new
    item_after = signature_around(root_after, change.new_start, change.new_end)
    item_before = signature_around(root_before, change.start, change.end)
    if item_after is not None and item_before is not None:
        if visibility_of(item_after, after) not in {"", visibility_of(item_before, before)}:
            found.add("widened_visibility")
        complained = target is not None and overlaps(signature_range(item_before), target)
        is_public = is_public_item(item_before, before) and not found
        if is_public and not complained and overlaps(signature_range(item_before), (change.start, change.end)):
            found.add("changed_public_signature")
    return found


def signature_around(root: Node, start: int, end: int) -> Node | None:
    """The item whose signature (not body) holds the bytes, where they lie in one."""
    for node in ancestors(node_at(root, start, end)):
        if node.type in SIGNATURE_ITEMS:
            return node if overlaps(signature_range(node), (start, end)) else None
        if node.type in {"block", "attribute_item"}:
            return None
    return None


def signature_range(item: Node) -> tuple[int, int]:
    """From the item's beginning to its body (functions), or to its end."""
    body = item.child_by_field_name("body") if item.type == "function_item" else None
    return item.start_byte, body.start_byte if body is not None else item.end_byte


def is_public_item(item: Node, text: bytes) -> bool:
    """Whether code outside the crate may see the item: it is `pub`, or belongs to a public trait or field."""
    if visibility_of(item, text) == "pub":
        return True
    for around in ancestors(item.parent):
        if around.type == "trait_item":
            return visibility_of(around, text) == "pub"
        if around.type == "impl_item":
            # Methods of a trait's implementation follow the trait.
            return around.child_by_field_name("trait") is not None
    return False


def overlaps(first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Whether two byte ranges share a byte or touch."""
    return first[0] <= second[1] and second[0] <= first[1]


def is_private_change(before: bytes, after: bytes, changes: Sequence[TextChange]) -> bool:
    """Whether no other crate can notice: every change lies in the body of an ordinary function, in an item
    that is not `pub`, or in a private import.

    `const` bodies, bodies behind a returned `impl Trait` and `async` bodies are seen by others through their
    types; implementations are seen wherever their type and trait are.
    """
    root_before, root_after = parse_rust(before), parse_rust(after)
    return all(
        is_private_place(node_at(root_before, change.start, change.end), before, (change.start, change.end))
        if change.end > change.start or node_at(root_before, change.start, change.end).parent is not None
        else is_private_insertion(root_after, after, change)
        for change in changes
    )


def is_private_insertion(root_after: Node, after: bytes, change: TextChange) -> bool:
    """Whether what was put between items is a private import, or an attribute of an item that is private."""
    inserted = after[change.new_start : change.new_end]
    if re.match(rb"\s*use\s", inserted):
        return True
    if re.match(rb"\s*#\[", inserted):
        first = change.new_start + len(inserted) - len(inserted.lstrip())
        node = node_at(root_after, first, first + 1)
        attribute = next((around for around in ancestors(node) if around.type == "attribute_item"), None)
        item = attribute.next_named_sibling if attribute is not None else None
        while item is not None and item.type in ATTRIBUTES | COMMENT_KINDS:
            item = item.next_named_sibling
        return item is not None and item.type in SIGNATURE_ITEMS and visibility_of(item, after) != "pub"
    return False


def is_private_place(node: Node, text: bytes, changed: tuple[int, int]) -> bool:
    """Whether the innermost item around `node` keeps a change of those bytes to itself."""
    for around in ancestors(node):
        if around.type == "use_declaration":
            return visibility_of(around, text) != "pub"
        if around.type in {"impl_item", "trait_item", "macro_definition"}:
            return False
        if around.type == "function_item":
            body = around.child_by_field_name("body")
            if body is None:
                return False
            signature = text[around.start_byte : body.start_byte]
            shows_body = re.search(rb"\b(const|async)\b|->.*\bimpl\b", signature, re.DOTALL) is not None
            if body.start_byte < changed[0] and changed[1] < body.end_byte:
                return not shows_body
            return not is_public_item(around, text)
        if around.type in SIGNATURE_ITEMS - {"field_declaration"}:
            return visibility_of(around, text) != "pub"
    return False

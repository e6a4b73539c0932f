"""What an edit does to the code, beyond making it compile: the flags of flags.toml. Pure.

Patterns find what is inserted; the syntax trees before and after find what is gone, what became public and
whose signature changed. The design's rule: "looks fixed" is not fixed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tree_sitter import Node

from sleepy_agent.code.flags import all_flags
from sleepy_agent.code.guesses import guess_flags
from sleepy_agent.code.losses import Text, TextChange, loss_flags
from sleepy_agent.code.syntax import (
    COMMENT_KINDS,
    LOOP_KINDS,
    ancestors,
    code_children,
    node_at,
    parse_edited_rust,
    parse_rust,
    visibility_of,
)

# Lists whose members are counted before and after, and what it is called when one is gone.
COUNTED_LISTS = {
    "block": "deleted_statement",
    "source_file": "deleted_item",
    "declaration_list": "deleted_item",
    "field_declaration_list": "deleted_item",
    "ordered_field_declaration_list": "deleted_item",
    "enum_variant_list": "deleted_item",
    "match_block": "deleted_item",
    "field_initializer_list": "deleted_argument",
    "arguments": "deleted_argument",
    "parameters": "deleted_argument",
    "tuple_expression": "deleted_argument",
    "array_expression": "deleted_argument",
}
ATTRIBUTES = frozenset({"attribute_item", "inner_attribute_item"})
MARKS = re.compile(rb"(?:[\s()\[\]{}<>,;:=|.]|->)*")
TELLS_ALL = frozenset(
    {"deleted_statement", "deleted_item", "deleted_argument", "deleted_import", "erased_target", "emptied_body"}
)
NO_MEMBERS = ATTRIBUTES | {"empty_statement"}
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


def flags_of_change(
    before: bytes, after: bytes, changes: Sequence[TextChange], target: tuple[int, int] | None
) -> tuple[str, ...]:
    """Names of all flags that fit, in the order of flags.toml.

    `target`: the bytes the compiler complained about in the text before, where they lie in this file.
    """
    root_before, root_after = parse_rust(before), parse_edited_rust(before, after)
    found = inserted_flags(before, after, changes)
    is_one_quote = len(changes) == 1 and after[changes[0].new_start : changes[0].new_end] in {b'"', b"'"}
    is_one_quote = is_one_quote and changes[0].start == changes[0].end
    if root_before.has_error and (is_one_quote or all(concerns_marks(before, after, change) for change in changes)):
        # Of text that does not parse the tree is a guess: nobody can say what a bracket or a comma takes away there.
        return tuple(name for name in all_flags() if name in found)
    for change in changes:
        found |= deletion_flags(root_before, root_after, change, target)
        if not root_before.has_error:
            found |= visibility_flags((root_before, before), (root_after, after), change, target)
        if "clone" in found and is_repeated(node_at(root_after, change.new_start, change.new_end)):
            found.add("clone_in_loop")
    sides = Text(root_before, before), Text(root_after, after)
    found |= guess_flags(*sides, changes)
    lost = loss_flags(*sides, changes)
    if found & TELLS_ALL:
        # That a statement is gone says also that what it did is gone.
        lost.discard("deleted_expression")
    found |= lost
    return tuple(name for name in all_flags() if name in found)


def concerns_marks(before: bytes, after: bytes, change: TextChange) -> bool:
    """Whether only brackets, separators and arrows come and go."""
    stretches = before[change.start : change.end], after[change.new_start : change.new_end]
    return all(MARKS.fullmatch(stretch) for stretch in stretches)


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
    """What the change takes away: members of lists, whole bodies."""
    if change.end <= change.start or root_before.has_error:
        # Insertions take no member away; and where the text could not be parsed before, counting its parts
        # means nothing.
        return set()
    found = set()
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
        members = [child for child in code_children(list_before) if child.type not in NO_MEMBERS]
        members_after = [child for child in code_children(list_after) if child.type not in NO_MEMBERS]
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


def is_repeated(node: Node) -> bool:
    """Whether what stands here runs more than once: in a loop's body or condition, or in a closure."""
    inner = node
    for around in ancestors(node):
        if around.type == "function_item":
            return False
        is_iterated_value = around.type == "for_expression" and inner == around.child_by_field_name("value")
        if around.type in LOOP_KINDS | {"closure_expression"} and not is_iterated_value:
            return True
        inner = around
    return False


def visibility_flags(
    old: tuple[Node, bytes], new: tuple[Node, bytes], change: TextChange, target: tuple[int, int] | None
) -> set[str]:
    """Whether a public signature changed that was not itself the complaint, or something became public."""
    found = set()
    (root_before, before), (root_after, after) = old, new
    if changes_public_header(root_before, before, (change.start, change.end), target):
        found.add("changed_public_signature")
    item_after = signature_around(root_after, change.new_start, change.new_end)
    item_before = signature_around(root_before, change.start, change.end)
    if item_after is not None and item_before is not None:
        if visibility_of(item_after, after) not in {"", visibility_of(item_before, before)}:
            is_for_all = visibility_of(item_after, after) == "pub"
            found.add("widened_visibility" if is_for_all else "widened_within_the_crate")
        complained = target is not None and overlaps(signature_range(item_before), target)
        # A function that may also be called in constants serves everybody it served before.
        is_wider = (
            before[change.start : change.end].strip() == b""
            and after[change.new_start : change.new_end].strip() == b"const"
            and item_after.type == "function_item"
        )
        is_public = is_public_item(item_before, before) and not found and not is_wider
        is_public = is_public and not is_mut_of_parameter(before, after, change)
        if is_public and not complained and overlaps(signature_range(item_before), (change.start, change.end)):
            found.add("changed_public_signature")
    return found


def is_mut_of_parameter(before: bytes, after: bytes, change: TextChange) -> bool:
    """Whether all that changes is the `mut` of a parameter's own name, which no caller sees."""
    words = {before[change.start : change.end].strip(), after[change.new_start : change.new_end].strip()}
    return words == {b"", b"mut"} and before[: change.start].rstrip()[-1:] in {b"(", b","}


def changes_public_header(root: Node, text: bytes, changed: tuple[int, int], target: tuple[int, int] | None) -> bool:
    """Whether the head of an implementation changes (its bounds, say) that others may rely on, and the head was
    not itself the complaint. A type that this file declares without `pub` is nobody else's."""
    found = next((node for node in ancestors(node_at(root, *changed)) if node.type in {"impl_item", "block"}), None)
    body = found.child_by_field_name("body") if found is not None and found.type == "impl_item" else None
    if found is None or body is None or not found.start_byte < changed[0] <= changed[1] < body.start_byte:
        return False
    if target is not None and overlaps((found.start_byte, body.start_byte), target):
        return False
    of_type = found.child_by_field_name("type")
    words = re.findall(rb"\w+", text[of_type.start_byte : of_type.end_byte]) if of_type is not None else []
    return not any(
        re.search(rb"(^|[;}\]\s])(struct|enum|union|trait)\s+" + word + rb"\b", text)
        and not re.search(rb"\bpub\s+(struct|enum|union|trait)\s+" + word + rb"\b", text)
        for word in words
    )


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


# Kinds that others cannot name where they are not `pub`. A private alias or constant may stand in a public
# signature, so it is not among them.
HIDDEN_ITEMS = frozenset({"struct_item", "enum_item", "union_item"})


def is_private_change(before: bytes, after: bytes, changes: Sequence[TextChange]) -> bool:
    """Whether no other crate can notice: every change lies in the body of an ordinary function, in an item
    that is not `pub`, or in a private import, before as well as after.

    `const` bodies, bodies behind a returned `impl Trait` and `async` bodies are seen by others through their
    types; implementations are seen wherever their type and trait are.
    """
    root_before, root_after = parse_rust(before), parse_edited_rust(before, after)
    return all(
        is_private_insertion(root_after, after, change)
        if change.end == change.start and is_between_items(root_before, change.start)
        else is_private_place(root_before, before, (change.start, change.end))
        and (
            change.new_end == change.new_start
            or is_private_place(root_after, after, (change.new_start, change.new_end))
        )
        for change in changes
    )


def is_between_items(root: Node, position: int) -> bool:
    """Whether a position lies in no item, but at most at the edge of one."""
    inside = (
        node for node in ancestors(node_at(root, position, position)) if node.start_byte < position < node.end_byte
    )
    return next(inside, root).type in {"source_file", "declaration_list"}


def is_private_insertion(root_after: Node, after: bytes, change: TextChange) -> bool:
    """Whether what was put between items is private imports, and attributes of private types."""
    inner = node_at(root_after, change.new_start, change.new_end)
    holder = next((node for node in ancestors(inner) if node.type in {"source_file", "declaration_list"}), root_after)
    inserted = [
        child
        for child in code_children(holder)
        if child.start_byte < change.new_end and change.new_start < child.end_byte
    ]
    return bool(inserted) and all(
        visibility_of(child, after) == ""
        if child.type == "use_declaration"
        else child.type == "attribute_item" and is_hidden(attributed_item(child), after)
        for child in inserted
    )


def attributed_item(attribute: Node) -> Node | None:
    """The item that an attribute belongs to."""
    item = attribute.next_named_sibling
    while item is not None and item.type in ATTRIBUTES | COMMENT_KINDS:
        item = item.next_named_sibling
    return item


def is_hidden(item: Node | None, text: bytes) -> bool:
    """Whether an item is a type that other crates cannot name."""
    return item is not None and item.type in HIDDEN_ITEMS and visibility_of(item, text) != "pub"


def is_private_place(root: Node, text: bytes, changed: tuple[int, int]) -> bool:
    """Whether the innermost item around the changed bytes keeps the change to itself."""
    stretch = text[changed[0] : changed[1]]
    start = changed[0] + len(stretch) - len(stretch.lstrip())
    changed = (start, start + len(stretch.strip()))
    for around in ancestors(node_at(root, *changed)):
        if changed[0] == changed[1] and not around.start_byte < changed[0] < around.end_byte:
            # At the edge of something is not inside.
            continue
        if around.type == "use_declaration":
            return visibility_of(around, text) == ""
        if around.type in {"impl_item", "trait_item", "macro_definition"}:
            return False
        if around.type == "attribute_item":
            return is_hidden(attributed_item(around), text)
        if around.type == "function_item":
            body = around.child_by_field_name("body")
            if body is None:
                return False
            signature = text[around.start_byte : body.start_byte]
            shows_body = re.search(rb"\b(const|async)\b|->.*\bimpl\b", signature, re.DOTALL) is not None
            if body.start_byte < changed[0] and changed[1] < body.end_byte:
                return not shows_body
            return not shows_body and not is_public_item(around, text)
        if around.type in HIDDEN_ITEMS:
            return is_hidden(around, text)
    return False

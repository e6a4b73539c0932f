"""Where a new import goes as its author would have written it: into the list that has its siblings, or as a line of its
own in the group and in the order of rustfmt."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.syntax import ancestors, code_children, node_at
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.scene import Scene

ROOTS = ("self", "super", "crate")


def import_edit_at(scene: Scene, path: str, position: int) -> Edit:
    """The edit that imports `path` (perhaps with `as name`) into the module around a byte."""
    segments = path.split(" as ", maxsplit=1)[0].split("::")
    inside = edit_inside_function(scene, path, segments)
    if inside is not None:
        return inside
    declarations = list(plain_uses(container_at(scene, position)))
    listed = list_edit(scene, declarations, path, segments)
    if listed is not None:
        return listed
    merged = merging_edit(scene, declarations, path, segments)
    if merged is not None:
        return merged
    group = group_for(scene, declarations, segments)
    if group is None:
        place = scene.index.import_place(scene.file, position)
        start, indentation = place if place is not None else (0, "")
        return scene.insert(start, f"{indentation}use {path};\n")
    return line_edit(scene, group, path)


def import_list_at(scene: Scene, parent: str, names: list[str], position: int) -> Edit | None:
    """The edit that imports several names of one module on a line of their own; None where that module has a list."""
    declarations = list(plain_uses(container_at(scene, position)))
    segments = [*parent.split("::"), "{"]
    if list_edit(scene, declarations, f"{parent}::x", [*parent.split("::"), "x"]) is not None:
        return None
    path = f"{parent}::{{{', '.join(sorted(names, key=order_of))}}}"
    group = group_for(scene, declarations, segments)
    if group is not None:
        return line_edit(scene, group, path)
    place = scene.index.import_place(scene.file, position)
    return scene.insert(place[0], f"{place[1]}use {path};\n") if place is not None else None


def edit_inside_function(scene: Scene, path: str, segments: list[str]) -> Edit | None:
    """Put the name into a list of the same module that stands in a block around the scene."""
    for block in ancestors(scene.node):
        if block.type != "block":
            continue
        declarations = list(plain_uses(block))
        for declaration in declarations:
            argument = argument_of(declaration)
            for prefix, _ in lists_in(scene, argument, ()) if argument is not None else ():
                if list(prefix) == segments[:-1]:
                    return list_edit(scene, declarations, path, segments)
    return None


def container_at(scene: Scene, position: int) -> Node:
    """The body of the module around a byte; the whole file at last."""
    inner = node_at(scene.root, position, position)
    for one in ancestors(inner):
        if one.type == "declaration_list" and one.parent is not None and one.parent.type == "mod_item":
            return one
    return scene.root


def plain_uses(container: Node) -> Iterator[Node]:
    """The `use` declarations of a module without attributes and without `pub`, in the order of the text."""
    before: Node | None = None
    for child in container.named_children:
        if child.type == "use_declaration":
            is_public = any(part.type == "visibility_modifier" for part in child.children)
            if not is_public and (before is None or before.type != "attribute_item"):
                yield child
        before = child


def argument_of(declaration: Node) -> Node | None:
    return declaration.child_by_field_name("argument")


# ---- into a list ----------------------------------------------------------------------------------------------


def list_edit(scene: Scene, declarations: list[Node], path: str, segments: list[str]) -> Edit | None:
    """Put the last part of the path into the longest list that begins as the path does."""
    best: tuple[int, Node] | None = None
    for declaration in declarations:
        argument = argument_of(declaration)
        for prefix, names in lists_in(scene, argument, ()) if argument is not None else ():
            # A list right behind the crate's name holds modules as often as not: only where it already does.
            is_wanted = len(prefix) < len(segments) and tuple(segments[: len(prefix)]) == prefix and prefix
            if not is_wanted or (len(prefix) == 1 and len(segments) > 2 and not holds_paths(names)):
                continue
            if best is None or len(prefix) > best[0]:
                best = (len(prefix), names)
    if best is None:
        return None
    rest = path.split("::", best[0])[-1]
    return insertion_into(scene, best[1], rest)


def holds_paths(names: Node) -> bool:
    return any(child.type in {"scoped_identifier", "scoped_use_list"} for child in names.named_children)


def lists_in(scene: Scene, argument: Node, prefix: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Node]]:
    """The `{..}` of a use tree with the path in front of each."""
    if argument.type == "scoped_use_list":
        path, names = argument.child_by_field_name("path"), argument.child_by_field_name("list")
        if names is None:
            return
        inner = (*prefix, *(scene.of(path).replace(" ", "").split("::") if path is not None else ()))
        yield inner, names
        for child in names.named_children:
            yield from lists_in(scene, child, inner)


def insertion_into(scene: Scene, names: Node, written: str) -> Edit:
    """Put a name into a `{..}` where rustfmt would have it."""
    children = code_children(names)
    if not children:
        return scene.insert(names.start_byte + 1, written)
    is_broken = names.start_point[0] != names.end_point[0]
    following = next((child for child in children if order_of(scene.of(child)) > order_of(written)), None)
    if following is not None:
        own_line = is_broken and is_first_on_line(scene, following)
        separator = ",\n" + scene.indentation(following.start_byte) if own_line and one_each(names) else ", "
        return scene.insert(following.start_byte, f"{written}{separator}")
    last = children[-1]
    own_line = is_broken and is_first_on_line(scene, last) and one_each(names)
    separator = ",\n" + scene.indentation(last.start_byte) if own_line else ", "
    return scene.insert(last.end_byte, f"{separator}{written}")


def is_first_on_line(scene: Scene, node: Node) -> bool:
    start = scene.text.rfind(b"\n", 0, node.start_byte) + 1
    return not scene.text[start : node.start_byte].strip()


def one_each(names: Node) -> bool:
    """Whether every name of the list has a line of its own."""
    children = code_children(names)
    return len({child.start_point[0] for child in children}) == len(children)


# ---- beside a sibling -----------------------------------------------------------------------------------------


def merging_edit(scene: Scene, declarations: list[Node], path: str, segments: list[str]) -> Edit | None:
    """`use std::fmt::Display;` -> `use std::fmt::{Debug, Display};` in a file that writes its imports so."""
    parents = [parent_of(scene, declaration) for declaration in declarations]
    has_lists = any(
        argument is not None and argument.type == "scoped_use_list" for argument in map(argument_of, declarations)
    )
    known = [parent for parent in parents if parent]
    writes_lines = len(known) != len(set(known))
    if not has_lists or writes_lines or (len(segments) < 3 and segments[0] not in ROOTS):
        return None
    parent = "::".join(segments[:-1])
    for declaration, own in zip(declarations, parents, strict=True):
        argument = argument_of(declaration)
        if own == parent and argument is not None:
            names = sorted([scene.of(argument).rsplit("::", 1)[-1].strip(), path.rsplit("::", 1)[-1]], key=order_of)
            return scene.replace(argument, f"{parent}::{{{', '.join(names)}}}")
    return None


def parent_of(scene: Scene, declaration: Node) -> str:
    """`std::fmt` of `use std::fmt::Display;`; empty for lists and globs."""
    argument = argument_of(declaration)
    if argument is None or argument.type not in {"scoped_identifier", "use_as_clause"}:
        return ""
    return scene.of(argument).split(" as ")[0].replace(" ", "").rpartition("::")[0]


# ---- as a line ------------------------------------------------------------------------------------------------


def group_for(scene: Scene, declarations: list[Node], segments: list[str]) -> list[Node] | None:
    """The group of lines (nothing but line ends between them) that has imports of the same root; where none has, the
    only group there is."""
    groups: list[list[Node]] = []
    for declaration in declarations:
        if groups and is_next_line(scene, groups[-1][-1], declaration):
            groups[-1].append(declaration)
        else:
            groups.append([declaration])
    with_root = [
        (sum(root_of(scene, one) == root_name(segments[0]) for one in group), -number, group)
        for number, group in enumerate(groups)
    ]
    best = max(with_root, default=None, key=lambda entry: entry[:2])
    if best is None:
        return None
    if best[0] > 0 or len(groups) == 1:
        return best[2]
    # Std comes first, the own crate last.
    return groups[-1] if segments[0] in ROOTS else groups[0]


def is_next_line(scene: Scene, before: Node, after: Node) -> bool:
    between = scene.text[before.end_byte : after.start_byte]
    return not between.strip() and between.count(b"\n") <= 1


def root_name(first: str) -> str:
    return "std" if first in {"std", "core", "alloc"} else first if first in ROOTS else "other"


def root_of(scene: Scene, declaration: Node) -> str:
    argument = argument_of(declaration)
    return root_name(re.split(r"\W", scene.of(argument).lstrip(":"), maxsplit=1)[0]) if argument is not None else ""


def line_edit(scene: Scene, group: list[Node], path: str) -> Edit:
    """A new line in the group, in rustfmt's order."""
    following = next((one for one in group if tree_order(scene.of(argument_of(one) or one)) > tree_order(path)), None)
    indentation = scene.indentation(group[0].start_byte)
    if following is not None:
        return scene.insert(following.start_byte, f"use {path};\n{indentation}")
    end = group[-1].end_byte
    rest = scene.text.find(b"\n", end)
    tail = scene.text[end : rest if rest >= 0 else len(scene.text)]
    if tail.strip().startswith(b"//"):
        end += len(tail)
    return scene.insert(end, f"\n{indentation}use {path};")


def tree_order(tree: str) -> list[tuple[int, int, str]]:
    """What rustfmt sorts use trees by: part after part, lists behind names."""
    head, brace, _ = tree.split(" as ", maxsplit=1)[0].replace("\n", " ").partition("{")
    parts = [part.strip() for part in head.split("::") if part.strip()]
    return [order_of(part) for part in parts] + ([(5, 0, "")] if brace else [])


def order_of(name: str) -> tuple[int, int, str]:
    """What rustfmt sorts names by: `self`, `super`, `crate`, names in small letters, types, constants, `*`."""
    first = name.split("::", maxsplit=1)[0].split(" as ", maxsplit=1)[0].strip().removeprefix("r#")
    if first in ROOTS:
        return (ROOTS.index(first), 0, "")
    if first == "*":
        return (4, 0, "")
    if name.startswith("{"):
        return (5, 0, "")
    shape = 2 if len(first) > 1 and first.isupper() else 1 if first[:1].isupper() else 0
    return (3, shape, name)

"""Paths that lead nowhere: the item is somewhere else, or one part of the path is misspelt (E0432, E0433, E0425)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.crate_items import CrateItems
from sleepy_agent.code.items import Item
from sleepy_agent.code.name_paths import exported
from sleepy_agent.code.names import similarity
from sleepy_agent.code.std_names import std_named, std_names
from sleepy_agent.code.syntax import ancestors
from sleepy_agent.fixes.templates.imports import is_in_core, is_way_visible, votes_for
from sleepy_agent.fixes.templates.names_near import (
    LEAST_SIMILARITY,
    KnownName,
    case_of,
    known_dependencies,
    rename_proposals,
    spelled,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene

PATH_IN_FRONT = re.compile(rb"(?:\w+\s*::\s*)+$")
PATH_KINDS = frozenset({"scoped_identifier", "scoped_type_identifier", "scoped_use_list"})
STD_ROOTS = frozenset({"std", "core", "alloc"})
# What a rename costs at most that only corrects a slip.
COST_OF_A_SLIP = 0.06
# Modules of std that the list of everyday names does not show, because nothing everyday is named in them.
MORE_MODULES = ("os", "backtrace", "panic", "prelude", "primitive", "f32", "f64", "i32", "u32", "u64", "i64", "ascii")


# ---- a part that is misspelt ----------------------------------------------------------------------------------


def nearest_segment(scene: Scene) -> Iterator[Proposal]:
    """`std::collection::HashMap` -> `std::collections::HashMap`: the nearest name in the module before it."""
    segment = failing_segment(scene)
    if segment is None:
        return
    wanted = scene.of(segment)
    before, behind = path_before(scene, segment), names_behind(scene, segment)
    is_in_path = segment.parent is not None and segment.parent.type in {*PATH_KINDS, "use_list", "use_as_clause"}
    if not before and not is_in_path and not (is_token(segment) and behind):
        return
    known = []
    for name in dict.fromkeys(names_in(scene, before)):
        fit = 0.0
        if behind and similarity(wanted, name) >= LEAST_SIMILARITY:
            inner = set(names_in(scene, (*before, name)))
            fit = 0.08 if behind <= inner else -0.1
        known.append(KnownName(name, fit=fit))
    yield from rename_proposals(scene, segment, wanted, known)


def failing_segment(scene: Scene) -> Node | None:
    """The name in the path that nobody knows: the one that the span covers, or the last of the path it covers."""
    wanted = wanted_name(scene)
    node = scene.node
    if spelled(scene) != wanted:
        if node.type not in PATH_KINDS:
            return None
        node = node.child_by_field_name("name") or node
    return node if scene.of(node) == wanted and not node.named_children else None


def wanted_name(scene: Scene) -> str:
    """The last name of what the message says cannot be found."""
    values = scene.values
    named = values.get("wanted") or values.get("path") or values.get("private")
    found = re.search(r"`([\w:]+)`", scene.problem.message) if named is None else None
    return (named or (found[1] if found is not None else "")).rsplit("::", 1)[-1]


def path_before(scene: Scene, segment: Node) -> tuple[str, ...]:
    """The parts of the path in front of a name, those of use lists around it too."""
    if is_token(segment):
        found = PATH_IN_FRONT.search(scene.text[max(0, segment.start_byte - 200) : segment.start_byte])
        return tuple(part.decode(errors="replace") for part in re.findall(rb"\w+", found[0])) if found else ()
    parts: list[str] = []
    inner = segment
    for one in ancestors(segment.parent):
        if one.type in PATH_KINDS:
            path = one.child_by_field_name("path")
            if path is not None and path.end_byte <= inner.start_byte:
                parts[:0] = scene.of(path).replace(" ", "").split("::")
        elif one.type not in {"use_list", "use_as_clause", "use_wildcard"}:
            break
        inner = one
    return tuple(part for part in parts if part)


def is_token(node: Node) -> bool:
    """Whether a node stands in a macro, where there are only tokens."""
    return node.parent is not None and node.parent.type in {"token_tree", "token_tree_pattern"}


def names_behind(scene: Scene, segment: Node) -> frozenset[str]:
    """The names that must be in the module or type that a name stands for."""
    if is_token(segment):
        found = re.match(rb"\s*::\s*(\w+)", scene.text[segment.end_byte : segment.end_byte + 80])
        return frozenset({found[1].decode(errors="replace")} if found else ())
    around = segment.parent
    if around is None or around.type not in PATH_KINDS:
        return frozenset()
    if around.child_by_field_name("name") == segment:
        around = around.parent
        if around is None or around.type not in PATH_KINDS:
            return frozenset()
    listed = around.child_by_field_name("list")
    if listed is not None:
        return names_listed(scene, listed)
    name = around.child_by_field_name("name")
    return frozenset({scene.of(name)} if name is not None and name != segment else ())


def names_listed(scene: Scene, listed: Node) -> frozenset[str]:
    """The first parts of the paths in a use list."""
    return frozenset(
        scene.of(child).split("::")[0].split(" as ")[0].strip()
        for child in listed.named_children
        if child.type in {"identifier", "scoped_identifier", "use_as_clause"}
    )


def names_in(scene: Scene, path: tuple[str, ...]) -> Iterator[str]:
    """The names that can stand behind a path; without a path those that a path can begin with."""
    index, position = scene.index, scene.span.byte_start
    if not path:
        yield from ("crate", "self", "super", "std", "core", "alloc", *known_dependencies(scene))
        for one in index.visible_names(scene.file, position):
            if one.kind in {"module", "crate", "struct", "enum", "trait", "union", "type alias", "import"}:
                yield one.name
        return
    if path[0] in STD_ROOTS:
        yield from std_names_in(path)
        return
    module = index.module_of(scene.file, position)
    viewers = index.crates_of_file(scene.file)
    for target in index.resolve(path, scene.file, position):
        if target.path[:1] and target.path[0] in STD_ROOTS and target.crate is None:
            yield from std_names_in(target.path)
        if target.module is not None and target.crate is not None:
            viewer = module if target.crate in viewers else None
            yield from (name for name, _ in exported(index.crate, target.crate, target.module, viewer))
        elif target.item is not None:
            yield from (variant.name for variant in target.item.variants)
            yield from (item.name for item in index.members_of(target.item.name))


def std_names_in(path: tuple[str, ...]) -> Iterator[str]:
    """The names of a module of std, as far as they are everyday names."""
    wanted = ("std", *path[1:])
    if len(wanted) == 1:
        yield from MORE_MODULES
    for one in std_names():
        if one.path[: len(wanted)] == wanted and len(one.path) > len(wanted):
            yield one.path[len(wanted)]


# ---- the item is somewhere else -------------------------------------------------------------------------------


def item_elsewhere(scene: Scene) -> Iterator[Proposal]:
    """`use crate::store::Book;` -> `use crate::store::shelf::Book;`: the path by which the named item is reached."""
    whole = whole_path(scene)
    if whole is None:
        return
    written = [part.strip() for part in scene.of(whole).split("::")]
    leaf, before = written[-1], path_before(scene, whole)
    if before or not leaf.isidentifier():
        return
    wanted = wanted_name(scene)
    if wanted not in written:
        return
    plain = [part for part in written if part not in {"crate", "self", "super"}]
    found = [path for path in paths_to(scene, leaf) if path.split("::") != written]
    if "private" in scene.values:
        # The same way with another beginning is as private.
        found = [path for path in found if path.split("::")[-len(plain) :] != plain]
    ordered = sorted(found, key=lambda path: -nearness(written, path.split("::")))
    votes = votes_for(scene, leaf)
    slip = cost_beside_a_slip(scene, wanted)
    clear = [path for path in ordered if votes[path]] if len(ordered) > 1 else ordered
    for number, path in enumerate(ordered[:3]):
        is_clear = [path] == clear
        found_path = in_words_of(scene, "::".join(written), path)
        yield Proposal(
            (scene.replace(whole, found_path),),
            {"found": found_path, "wanted": "::".join(written)},
            extra_cost=slip + (0.0 if is_clear else 0.04 + 0.04 * number),
            question=f"which `{leaf}` is meant" if len(ordered) > 1 and not is_clear else None,
            keeps_behaviour=is_clear and not slip,
        )


def list_elsewhere(scene: Scene) -> Iterator[Proposal]:
    """`use std::{self, Debug, Display};` -> `use std::fmt::{self, Debug, Display};`: the module that has them all."""
    around = scene.around("scoped_use_list")
    path = around.child_by_field_name("path") if around is not None else None
    listed = around.child_by_field_name("list") if around is not None else None
    if path is None or listed is None or path_before(scene, path):
        return
    written = scene.of(path).replace(" ", "")
    parents: set[str] | None = None
    for name in names_listed(scene, listed) - {"self"}:
        found = {one.rpartition("::")[0] for one in paths_to(scene, name)}
        parents = found if parents is None else parents & found
    ordered = sorted(parents or (), key=lambda one: -nearness([*written.split("::"), ""], [*one.split("::"), ""]))
    usable = [in_words_of(scene, written, one) for one in ordered if one and one != written]
    slip = cost_beside_a_slip(scene, wanted_name(scene))
    for number, parent in enumerate(usable[:2]):
        yield Proposal(
            (scene.replace(path, parent),),
            {"found": parent, "wanted": written},
            extra_cost=slip + 0.04 * number,
            question="which module is meant" if len(ordered) > 1 else None,
            keeps_behaviour=not slip,
        )


def cost_beside_a_slip(scene: Scene, wanted: str) -> float:
    """A slip of the pen in one part is likelier than another path, and a smaller change."""
    slips = [one for one in nearest_segment(scene) if one.extra_cost < COST_OF_A_SLIP]
    return 0.1 if any(case_of(one.values["found"]) == case_of(wanted) for one in slips) else 0.0


def in_words_of(scene: Scene, written: str, path: str) -> str:
    """`core::fmt` for `std::fmt`, where the path began with `core`; `super::` where it began so."""
    if written.startswith("core") and is_in_core(path):
        return "core" + path.removeprefix("std")
    module = scene.index.module_of(scene.file, scene.span.byte_start)
    parent = "::".join(("crate", *module[:-1])) + "::"
    is_beside = written.startswith("super::") and not written.startswith("super::super") and bool(module)
    return "super::" + path.removeprefix(parent) if is_beside and path.startswith(parent) else path


def whole_path(scene: Scene) -> Node | None:
    """The whole path around the span, without the list or the alias behind it."""
    found: Node | None = None
    for one in ancestors(scene.node):
        if one.type in {"scoped_identifier", "scoped_type_identifier"}:
            found = one
        elif one.type not in {"identifier", "type_identifier", "crate", "super", "self"}:
            break
    return found


def paths_to(scene: Scene, name: str) -> list[str]:
    """All paths to things of that name: in the workspace, in std, and in the dependencies where neither has one."""
    index, position = scene.index, scene.span.byte_start
    items = [item for item in index.items_named(name) if item.owner is None]
    paths = [index.path_to(item, scene.file, position) for item in items]
    paths += [one.written_path for one in std_named(name) if one.kind != "macro"]
    if not any(paths):
        for crate in dependency_crates(scene):
            for item in list(top_items(crate, name))[:3]:
                path = index.path_to(item, scene.file, position)
                if path is not None and not path.endswith(f"::{name}"):
                    # A re-export has given it another name, but it may be reached by its own as well.
                    declared = "::".join((crate.name, *item.module, name))
                    path = declared if is_way_visible(crate.module_visibilities, item.module, None) else None
                paths.append(path)
    return list(dict.fromkeys(path for path in paths if path))


def top_items(crate: CrateItems, name: str) -> Iterator[Item]:
    """The items of a crate with that name that stand in modules."""
    for names in crate.members.values():
        yield from names.get(name, ())


def dependency_crates(scene: Scene) -> Iterator[CrateItems]:
    """The dependencies that the file's crate may name, from the registry."""
    for name in known_dependencies(scene):
        crate = scene.index.crate(name)
        if crate is not None and not crate.is_local:
            yield crate


def nearness(written: list[str], path: list[str]) -> float:
    """How much of a path was meant as it is written: the same crate, the same or similar modules."""
    same = sum(max((similarity(part, other) for other in path[:-1]), default=0.0) for part in written[:-1])
    return same - 0.3 * abs(len(path) - len(written)) + (0.5 if path[0] == written[0] else 0.0)

"""Names that exist but are not imported: which of several is meant, and where the import goes."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

import tree_sitter

from sleepy_agent.code.items import Import
from sleepy_agent.code.name_paths import exported, is_visible
from sleepy_agent.code.std_names import std_names
from sleepy_agent.code.syntax import rust_language
from sleepy_agent.domain import Suggestion
from sleepy_agent.fixes.templates.imports_place import import_edit_at, import_list_at
from sleepy_agent.fixes.templates.names_near import is_behind_path, spelled
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# Where the import is of a trait, for a method.
METHOD_CODES = frozenset({"E0599", "E0277"})
USES = """
(type_identifier) @type
(scoped_identifier path: (identifier) @head)
(scoped_type_identifier path: (identifier) @head)
"""
ROOT_WORDS = frozenset({"crate", "self", "super", "std", "core", "alloc"})
IMPORT = re.compile(r"^\s*use (?P<path>(?:\w+::)+\w+(?: as \w+)?);\s*$")


@cache
def import_signs() -> Mapping[str, frozenset[str]]:
    """Words that are used where a path is meant whose name has several meanings: `Relaxed` of the atomic Ordering."""
    text = files("sleepy_agent.fixes.templates").joinpath("imports.toml").read_text(encoding="utf-8")
    return {path: frozenset(words.split()) for path, words in tomllib.loads(text)["signs"].items()}


def missing_import(scene: Scene) -> Iterator[Proposal]:
    """The import that rustc proposes, put where its author would have put it; of several first the one that the
    rest of the workspace uses."""
    found: dict[str, int] = {}
    for suggestion in scene.diagnostic.suggestions:
        path, position = import_of(scene, suggestion)
        if path is not None:
            found.setdefault(path, position)
    if scene.diagnostic.code not in METHOD_CODES:
        # What stands behind a path is not found by an import.
        found = {path: place for path, place in found.items() if path.split(" as ")[0].endswith(f"::{spelled(scene)}")}
        if is_behind_path(scene):
            return
    if not found:
        return
    paths = best_first(scene, distinct_paths(scene, list(found)))
    is_clear = len(paths) == 1 or rating(scene, paths[0]) > rating(scene, paths[1])
    if is_clear and scene.diagnostic.code not in METHOD_CODES:
        yield from with_companions(scene, as_written_here(scene, paths[0]), found[paths[0]])
    for number, path in enumerate(paths):
        written = as_written_here(scene, path)
        yield Proposal(
            (import_edit_at(scene, written, found[path]),),
            {"path": written},
            # A variant is rather named with its enum.
            extra_cost=min(0.15 * number if is_clear else 0.03 * number, 0.3) + (0.02 if is_variant(path) else 0.0),
            question=None if is_clear and number == 0 else f"which `{path.rsplit('::', 1)[-1]}` is meant",
            keeps_behaviour=is_clear and number == 0,
        )


def with_companions(scene: Scene, path: str, position: int) -> Iterator[Proposal]:
    """The import together with the other names of that module that the file uses and nothing in it brings: they were
    imported together, and went together."""
    parent, _, name = path.rpartition("::")
    if " as " in path or "::" not in parent or is_variant(path):
        # Of a whole crate everything is somewhere.
        parent, name = (path, "self") if path.count("::") == 1 and not is_variant(path) else ("", "")
    if not parent:
        return
    used, heads = names_used(scene)
    visible = {one.name for one in scene.index.visible_names(scene.file, scene.span.byte_start)}
    there = {one for one in names_of_module(scene, parent) if one[:1].isupper() and len(one) > 1}
    names = (there & used) - visible
    head = parent.rpartition("::")[2]
    if head in heads - visible and head not in ROOT_WORDS:
        names.add("self")
    names.add(name)
    if len(names) < 2:
        return
    edit = import_list_at(scene, parent, sorted(names), position)
    if edit is not None:
        listed = ", ".join(sorted(names))
        yield Proposal((edit,), {"path": f"{parent}: {listed}"}, extra_cost=0.01)


@cache
def uses_query() -> tree_sitter.Query:
    return tree_sitter.Query(rust_language(), USES)


def names_used(scene: Scene) -> tuple[set[str], set[str]]:
    """The types that the file names without a path, and what its paths begin with."""
    captures = tree_sitter.QueryCursor(uses_query()).captures(scene.root)
    heads = {scene.of(node) for node in captures.get("head", ())}
    types = {
        scene.of(node)
        for node in captures.get("type", ())
        if node.parent is not None and node.parent.type != "scoped_type_identifier"
    }
    return types | {head for head in heads if head[:1].isupper()}, heads


def names_of_module(scene: Scene, path: str) -> Iterator[str]:
    """What a module of the workspace, or of std, has to import."""
    parts = tuple(path.split("::"))
    if parts[0] in {"std", "core", "alloc"}:
        yield from (one.name for one in std_names() if one.path[:-1] == ("std", *parts[1:]) and not one.is_in_prelude)
        return
    module = scene.index.module_of(scene.file, scene.span.byte_start)
    for target in scene.index.resolve(parts, scene.file, scene.span.byte_start):
        if target.module is not None and target.crate is not None and target.crate.is_local:
            yield from (name for name, _ in exported(scene.index.crate, target.crate, target.module, module))


def is_variant(path: str) -> bool:
    """Whether a path leads to a variant of an enum."""
    parts = path.split("::")
    return len(parts) > 2 and parts[-2][:1].isupper()


def import_of(scene: Scene, suggestion: Suggestion) -> tuple[str | None, int]:
    """The path that a suggestion imports in the scene's file, and where."""
    if len(suggestion.edits) != 1 or suggestion.edits[0].file != scene.file:
        return None, 0
    edit = suggestion.edits[0]
    match = IMPORT.match(edit.replacement)
    return (match["path"], edit.byte_start) if match and edit.byte_start == edit.byte_end else (None, 0)


# What a collection of std calls its own: rarely meant where the name is known otherwise.
OF_A_COLLECTION = re.compile(
    r"(std|alloc)::(collections|slice|vec|string)::(\w+::)*(Iter|IntoIter|Range|Drain|Entry)\w*"
)


def rating(scene: Scene, path: str) -> tuple[int, int, int, int, int]:
    """How likely a path is the one that is meant: what follows the name, what the function around imports, who else
    imports it, whose it is, whether it is an everyday one."""
    plain = path.split(" as ", maxsplit=1)[0]
    fits = uses_signs_of(scene, plain)
    votes = votes_for(scene, plain.rsplit("::", 1)[-1])
    own = 1 if plain.startswith(("std::", "crate::", "super::", "self::")) else 0
    parent = tuple(plain.split("::")[:-1])
    beside = sum(one.scope is not None and one.path[:-1] == parent for one in imports_in_scope(scene))
    return (int(fits), beside, votes[normal(scene, plain)], own, int(OF_A_COLLECTION.fullmatch(plain) is None))


def imports_in_scope(scene: Scene) -> tuple[Import, ...]:
    return scene.index.imports_at(scene.file, scene.span.byte_start)


def uses_signs_of(scene: Scene, path: str) -> bool:
    """Whether the file uses a member that only this meaning of the name has."""
    signs = import_signs().get(path.replace("core::", "std::"))
    if signs is None:
        return False
    name = path.rsplit("::", 1)[-1].encode()
    used = re.findall(rb"(?:\b%s\s*::\s*|\.\s*)(\w+)" % re.escape(name), scene.text)
    return any(word.decode(errors="replace") in signs for word in used)


def distinct_paths(scene: Scene, paths: list[str]) -> list[str]:
    """The paths without those that lead to the same thing: through an import of the own crate, or through `core`."""
    best: dict[str, str] = {}
    for path in paths:
        targets = scene.index.resolve(path.split(" as ")[0].split("::"), scene.file, scene.span.byte_start)
        meaning = "::".join(targets[0].path) if targets else path
        for alias in ("core::", "alloc::"):
            if meaning.startswith(alias) and "std::" + meaning.removeprefix(alias) in {*paths, *best}:
                meaning = "std::" + meaning.removeprefix(alias)
        if meaning not in best or path == meaning:
            best[meaning] = path
    return list(best.values())


def best_first(scene: Scene, paths: list[str]) -> list[str]:
    return sorted(paths, key=lambda path: tuple(-part for part in rating(scene, path)))[:4]


def votes_for(scene: Scene, name: str) -> Counter[str]:
    """How often the local crates import that name from each path."""
    votes: Counter[str] = Counter()
    for crate in scene.index.crates:
        for imports in crate.imports.values():
            for one in imports:
                if one.path[-1:] == (name,) and not one.is_glob:
                    path = one.path
                    if path[0] in {"super", "self"}:
                        ups = len([part for part in path if part == "super"])
                        path = ("crate", *one.module[: len(one.module) - ups], *path[max(1, ups) :])
                    votes["::".join(path)] += 1
    return votes


def normal(scene: Scene, path: str) -> str:
    """The path from the crate's root on."""
    if path.startswith(("super::", "self::")):
        module = scene.index.module_of(scene.file, scene.span.byte_start)
        parts = path.split("::")
        ups = parts.count("super")
        return "::".join(("crate", *module[: len(module) - ups], *parts[max(1, ups) :]))
    return path


# What std has from `alloc` or alone; everything else of it is in `core` too.
NOT_IN_CORE = frozenset(
    {"collections", "io", "fs", "path", "rc", "string", "vec", "boxed", "thread", "env", "process", "net", "os", "ffi"}
    | {"sync"}
)
# Single things that only `alloc` has, and those of such modules that `core` has.
ONLY_IN_ALLOC = frozenset({"std::borrow::Cow", "std::borrow::ToOwned", "std::fmt::format"})


def is_in_core(path: str) -> bool:
    """Whether a path of std leads to the same in `core`."""
    parts = path.split("::")
    if parts[0] != "std" or path in ONLY_IN_ALLOC:
        return False
    return len(parts) < 2 or parts[1] not in NOT_IN_CORE or path.startswith("std::sync::atomic")


IN_ALLOC = (
    "std::vec",
    "std::string::",
    "std::boxed::",
    "std::rc::",
    "std::borrow::",
    "std::sync::Arc",
    "std::format",
)


def root_of_std(scene: Scene, path: str) -> str | None:
    """`core` or `alloc` for a path of std, where the file (or, where it imports neither, the crate) writes so."""
    items = scene.index.file_items(scene.file)
    roots = Counter(one.path[0] for one in items.imports if one.path) if items is not None else Counter[str]()
    whole = Counter(
        one.path[0]
        for crate in scene.index.crates_of_file(scene.file)
        for imports in crate.imports.values()
        for one in imports
        if one.path
    )
    counted = roots if roots["core"] or roots["std"] else whole
    if is_in_core(path):
        return "core" if counted["core"] > counted["std"] else None
    return "alloc" if path.startswith(IN_ALLOC) and whole["alloc"] > whole["std"] else None


def as_written_here(scene: Scene, path: str) -> str:
    """The path in the words of the file: `core::fmt` where it imports from `core`, by the module or by the re-export
    that the crate uses, `super::Shelf` for `crate::store::Shelf` where the module writes its imports so."""
    path = by_usual_way(scene, path)
    root = root_of_std(scene, path)
    if root is not None:
        return root + path.removeprefix("std")
    module = scene.index.module_of(scene.file, scene.span.byte_start)
    if not module or not path.startswith("crate::"):
        return path
    parent = "::".join(("crate", *module[:-1])) + "::"
    if not path.startswith(parent) or path == parent:
        return path
    own = [one for one in scene.index.imports_at(scene.file, scene.span.byte_start) if one.scope is None]
    from_super = sum(one.path[:1] == ("super",) for one in own)
    from_root = sum("::".join(one.path).startswith(parent) for one in own)
    return "super::" + path.removeprefix(parent) if from_super > from_root else path


def by_usual_way(scene: Scene, path: str) -> str:
    """`crate::store::Shelf` for `crate::Shelf`, a re-export, where the rest of the crate imports so."""
    if not path.startswith("crate::") or " as " in path:
        return path
    targets = scene.index.resolve(path.split("::"), scene.file, scene.span.byte_start)
    item = next((one.item for one in targets if one.item is not None), None)
    if item is None or item.owner is not None:
        return path
    declared = "::".join(("crate", *item.module, item.name))
    own = next((crate for crate in scene.index.crates_of_file(scene.file) if item.file in crate.by_file), None)
    if declared == path or own is None:
        return path
    module = scene.index.module_of(scene.file, scene.span.byte_start)
    if not is_way_visible(own.module_visibilities, item.module, module):
        return path
    ways = Counter(
        "::".join(one.path[:-1]) for imports in own.imports.values() for one in imports if not one.visibility
    )
    usual = ways[declared.rpartition("::")[0]] > ways[path.rpartition("::")[0]]
    return declared if usual else path


def is_way_visible(
    visibilities: Mapping[tuple[str, ...], str], target: tuple[str, ...], viewer: tuple[str, ...] | None
) -> bool:
    """Whether a module can be named from another one of its crate, module by module."""
    return all(
        is_visible(visibilities.get(target[:depth], ""), target[: depth - 1], viewer)
        for depth in range(1, len(target) + 1)
    )

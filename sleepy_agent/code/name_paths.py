"""What a path means in a module, and by which paths an item can be reached. Works on the items of crates alone:
no macro is expanded and no `cfg` is judged."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.code.crate_items import CrateItems, ModulePath
from sleepy_agent.code.items import Import, Item, ItemKind

FindCrate = Callable[[str], CrateItems | None]
ItemKey = tuple[Path, int]

# Re-exports of re-exports end somewhere; circles of globs would not.
DEEPEST = 12
# A module that is reached by more steps than this is not where anybody imports from.
LONGEST_PATH = 6


@dataclass(frozen=True, slots=True)
class Target:
    """What a name means: an item, a module (`item` is None for a crate's root), or something outside of what is
    known (then only `path` says what it is called)."""

    path: tuple[str, ...]
    crate: CrateItems | None = None
    item: Item | None = None
    module: ModulePath | None = None
    """Its path within the crate where it is a module."""


def resolve(
    find: FindCrate,
    crate: CrateItems,
    module: ModulePath,
    path: tuple[str, ...],
    depth: int = 0,
    *,
    is_use: bool = False,
) -> tuple[Target, ...]:
    """All that a path may mean in a module (a name can be a type and a function at once).

    `is_use`: whether it stands in a `use`, which in the edition of 2015 begins at the crate's root.
    """
    if not path or depth > DEEPEST:
        return ()
    first, rest = path[0], path[1:]
    if first == "crate":
        targets: tuple[Target, ...] = (Target((crate.name,), crate, None, ()),)
    elif first == "self":
        targets = (Target((crate.name, *module), crate, None, module),)
    elif first == "super":
        if not module:
            return ()
        targets = (Target((crate.name, *module[:-1]), crate, None, module[:-1]),)
    else:
        start = () if is_use and crate.edition == "2015" else module
        targets = tuple(lookup(find, crate, start, first, depth + 1))
        if not targets and (first in crate.dependencies or first == crate.name):
            other = find(first)
            targets = (Target((first,), other, None, () if other is not None else None),)
        if not targets:
            targets = (Target((first,)),) if first in {"std", "core", "alloc"} else ()
    for segment in rest:
        targets = tuple(inner for target in targets for inner in step(find, target, segment, depth + 1))
    return targets


def step(find: FindCrate, target: Target, segment: str, depth: int) -> Iterator[Target]:
    """What `segment` means behind `target::`."""
    if segment == "super" and target.module:
        yield Target(target.path[:-1], target.crate, None, target.module[:-1])
    elif target.module is not None and target.crate is not None:
        yield from lookup(find, target.crate, target.module, segment, depth)
    elif target.item is None or any(variant.name == segment for variant in target.item.variants):
        # Outside of what is known, or a variant of an enum.
        yield Target((*target.path, segment))


def lookup(find: FindCrate, crate: CrateItems, module: ModulePath, name: str, depth: int) -> Iterator[Target]:
    """What a name means in a module: its own items, else its imports, else what globs bring."""
    if depth > DEEPEST:
        return
    is_found = False
    for item in crate.members.get(module, {}).get(name, ()):
        is_found = True
        yield target_of(crate, item)
    imports = crate.imports.get(module, ())
    for one in imports:
        if one.name == name and not one.is_glob:
            for target in resolve(find, crate, module, one.path, depth + 1, is_use=True):
                is_found = True
                yield target
    if is_found:
        return
    for one in imports:
        if one.is_glob:
            for target in resolve(find, crate, module, one.path, depth + 1, is_use=True):
                if (
                    target.module is not None
                    and target.crate is not None
                    and (target.crate, target.module) != (crate, module)
                ):
                    for inner in lookup(find, target.crate, target.module, name, depth + 2):
                        importer = module if target.crate is crate else None
                        if inner.item is None or is_visible(inner.item.visibility, inner.item.module, importer):
                            yield inner
                elif target.item is not None and any(variant.name == name for variant in target.item.variants):
                    yield Target((*target.path, name))


def target_of(crate: CrateItems, item: Item) -> Target:
    """An item as the meaning of a path."""
    path = (crate.name, *item.module, item.name)
    return Target(path, crate, item, (*item.module, item.name) if item.kind is ItemKind.MODULE else None)


def is_visible(visibility: str, declared_in: ModulePath, viewer: ModulePath | None) -> bool:
    """Whether something of that visibility, declared in that module, can be named by `viewer`: a module of the
    same crate, or None for another crate."""
    words = visibility.replace(" ", "")
    if words == "pub":
        return True
    if viewer is None:
        return False
    if words in {"pub(crate)", "crate"}:
        return True
    if words == "pub(super)":
        place = declared_in[:-1]
    elif words.startswith("pub(incrate"):
        place = tuple(words.removeprefix("pub(incrate").removesuffix(")").split("::")[1:])
    else:
        place = declared_in
    return viewer[: len(place)] == place


@dataclass(frozen=True, slots=True)
class Reachable:
    """What can be named from some place behind a crate's name."""

    by_item: Mapping[ItemKey, ModulePath]
    """The shortest path from the crate's root to each item."""
    by_name: Mapping[str, tuple[ModulePath, ...]]
    """All paths that end with a name, shorter ones first; also of re-exports whose item is not known."""


def reachable(find: FindCrate, crate: CrateItems, viewer: ModulePath | None) -> Reachable:
    """All that the viewer (a module of the crate, or None for other crates) may name, module by module."""
    known: Reachable | None = crate.memory.get(viewer)
    if known is not None:
        return known
    by_item: dict[ItemKey, ModulePath] = {}
    by_name: dict[str, tuple[ModulePath, ...]] = {}
    seen: set[tuple[CrateItems, ModulePath]] = set()
    waiting: deque[tuple[CrateItems, ModulePath, ModulePath]] = deque([(crate, (), ())])
    while waiting:
        owner, module, shown = waiting.popleft()
        if (owner, module) in seen or len(shown) > LONGEST_PATH:
            continue
        seen.add((owner, module))
        for name, target in exported(find, owner, module, viewer if owner is crate else None):
            path = (*shown, name)
            if path not in by_name.get(name, ()):
                by_name[name] = (*by_name.get(name, ()), path)
            if target.item is not None:
                by_item.setdefault(target.item.key, path)
            if target.module is not None and target.crate is not None:
                waiting.append((target.crate, target.module, path))
    found = Reachable(by_item, by_name)
    crate.memory[viewer] = found
    return found


def exported(
    find: FindCrate,
    crate: CrateItems,
    module: ModulePath,
    viewer: ModulePath | None,
    importers: tuple[ModulePath | None, ...] = (),
) -> Iterator[tuple[str, Target]]:
    """The names that the viewer may use behind the module's path: its items first, then its re-exports.

    `importers`: the modules through whose globs they come; a glob brings only what its own module may name.
    """
    if len(importers) > DEEPEST:
        return
    if viewer is None and crate.procedural_macros:
        # A macro crate shows nothing else.
        for name in crate.procedural_macros if not module else ():
            yield name, Target((crate.name, name))
        return
    viewers = (viewer, *importers)
    for items in crate.members.get(module, {}).values():
        for item in items:
            if item.kind is not ItemKind.MACRO and all(is_visible(item.visibility, module, one) for one in viewers):
                yield item.name, target_of(crate, item)
    if not module:
        for item in crate.exported_macros:
            yield item.name, Target((crate.name, item.name), crate, item)
    for one in crate.imports.get(module, ()):
        # A private import of a parent could be used as a path too, but nobody means that.
        if one.visibility and all(is_visible(one.visibility, module, viewer) for viewer in viewers):
            yield from _names_of_import(find, crate, module, one, viewers)


def _names_of_import(
    find: FindCrate, crate: CrateItems, module: ModulePath, one: Import, viewers: tuple[ModulePath | None, ...]
) -> Iterator[tuple[str, Target]]:
    targets = resolve(find, crate, module, one.path, len(viewers), is_use=True)
    if not targets and not one.is_glob:
        # Of a crate that is not known, or made by a macro.
        yield one.name, Target(one.path)
    for target in targets:
        if not one.is_glob:
            yield one.name, target
        elif target.module is not None and target.crate is not None:
            is_own = target.crate is crate
            importers = (*viewers[1:], module) if is_own else (None, *(None for _ in viewers[1:]))
            yield from exported(find, target.crate, target.module, viewers[0] if is_own else None, importers)

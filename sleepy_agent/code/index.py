"""The index of a workspace: what its crates declare and what is visible where.

It is frozen; `refreshed` gives a new one that keeps everything whose text is the same. The user's own crates are
read at once, crates of the registry on the first question, from their sources on disk. What std has is in
`std_names.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TypeVar

from sleepy_agent.code.crate_items import (
    MOST_BYTES,
    MOST_FILES,
    CrateItems,
    CrateRoot,
    ModulePath,
    Read,
    crate_name,
    crate_roots,
    read_crate,
)
from sleepy_agent.code.items import (
    FUNCTION_KINDS,
    TYPE_KINDS,
    Field,
    FileItems,
    Implementation,
    Import,
    Item,
    ItemKind,
    Module,
    Variant,
)
from sleepy_agent.code.name_paths import Target, exported, reachable, resolve
from sleepy_agent.code.std_names import prelude_names, std_named
from sleepy_agent.code.type_text import bare_type_name

Value = TypeVar("Value")

__all__ = ["CrateItems", "CrateRoot", "VisibleName", "WorkspaceIndex", "build_index", "crate_roots"]


@dataclass(frozen=True, slots=True)
class VisibleName:
    """A name that can be used unqualified at some place."""

    name: str
    kind: str
    """The value of an ItemKind, `variant`, `crate`, or `import` where it is not known what the name is."""
    item: Item | None = None
    path: tuple[str, ...] = ()
    """Where it comes from, the crate's name first."""


def build_index(roots: Sequence[CrateRoot], read: Read) -> WorkspaceIndex:
    """Read all local crates. `read` gives the text of a file, or raises an OSError where there is none."""
    return WorkspaceIndex(tuple(roots), tuple(read_crate(root, read) for root in roots if root.is_local))


@lru_cache(maxsize=64)
def registry_crate(root: CrateRoot) -> CrateItems:
    """A crate that is not the user's, from the disk; its sources never change, so it is read once in a process."""
    return read_crate(root, Path.read_bytes, most_files=MOST_FILES, most_bytes=MOST_BYTES)


@lru_cache(maxsize=1024)
def sources_mention(root: CrateRoot, name: str) -> bool:
    """Whether a name occurs anywhere in the sources of a crate of the registry; much quicker than reading it."""
    written = name.encode()
    return any(written in file.read_bytes() for file in root.root_file.parent.rglob("*.rs"))


@dataclass(frozen=True, eq=False)
class WorkspaceIndex:
    """What the crates of a workspace declare. Two are the same only if they are one object."""

    roots: tuple[CrateRoot, ...]
    crates: tuple[CrateItems, ...]
    """The local ones."""

    def refreshed(self, read: Read, changed: Collection[Path] | None = None) -> WorkspaceIndex:
        """The index of the texts as they are now; itself where nothing changed.

        `changed`: where given, only these files are read again.
        """
        crates = []
        for root, crate in zip((root for root in self.roots if root.is_local), self.crates, strict=True):
            fresh = read_crate(root, read, crate.by_file, changed)
            is_same = len(fresh.files) == len(crate.files) and all(
                new is old for new, old in zip(fresh.files, crate.files, strict=True)
            )
            crates.append(crate if is_same else fresh)
        if all(new is old for new, old in zip(crates, self.crates, strict=True)):
            return self
        return WorkspaceIndex(self.roots, tuple(crates))

    # Crates and places.

    def crate(self, name: str) -> CrateItems | None:
        """The library of that name: a local one, else one of the registry, which is read now."""
        name = crate_name(name)
        local = self.local_crate(name)
        if local is not None:
            return local
        root = self._registry_roots.get(name)
        return registry_crate(root) if root is not None else None

    def local_crate(self, name: str) -> CrateItems | None:
        """The local crate of that name, its library rather than a program."""
        return self._local_crates.get(name)

    @cached_property
    def _local_crates(self) -> Mapping[str, CrateItems]:
        found: dict[str, CrateItems] = {}
        for crate in self.crates:
            found.setdefault(crate.name, crate)
        return found

    @cached_property
    def _registry_roots(self) -> Mapping[str, CrateRoot]:
        return {crate_name(root.name): root for root in self.roots if not root.is_local}

    @cached_property
    def _crates_of_files(self) -> Mapping[Path, tuple[CrateItems, ...]]:
        found: dict[Path, tuple[CrateItems, ...]] = {}
        for crate in self.crates:
            for file in crate.files:
                found[file.file] = (*found.get(file.file, ()), crate)
        return found

    def crates_of_file(self, file: Path) -> tuple[CrateItems, ...]:
        """The local crates that the file belongs to; a file of a program and a library belongs to both."""
        return self._crates_of_files.get(file, ())

    def file_items(self, file: Path) -> FileItems | None:
        """What a file of a local crate declares."""
        crates = self.crates_of_file(file)
        return crates[0].by_file[file] if crates else None

    def module_at(self, file: Path, position: int) -> Module | None:
        """The innermost module around a position."""
        items = self.file_items(file)
        return items.module_around(position) if items is not None else None

    def module_of(self, file: Path, position: int) -> tuple[str, ...]:
        """The path of that module from the crate's root; empty for the root and for unknown files."""
        module = self.module_at(file, position)
        return module.path if module is not None else ()

    def item_at(self, file: Path, position: int) -> Item | None:
        """The innermost item around a position."""
        items = self.file_items(file)
        return items.item_around(position) if items is not None else None

    def implementation_at(self, file: Path, position: int) -> Implementation | None:
        """The innermost implementation around a position."""
        items = self.file_items(file)
        return items.implementation_around(position) if items is not None else None

    def import_place(self, file: Path, position: int) -> tuple[int, str] | None:
        """Where `indentation + "use ..;\\n"` goes for the module around a position, and that indentation."""
        module = self.module_at(file, position)
        return (module.import_place, module.import_indentation) if module is not None else None

    def imports_at(self, file: Path, position: int) -> tuple[Import, ...]:
        """The imports that count at a position: the module's own, and those of the functions around."""
        items = self.file_items(file)
        if items is None:
            return ()
        module = items.module_around(position).path
        return tuple(
            one
            for one in items.imports
            if one.module == module and (one.scope is None or one.scope[0] <= position <= one.scope[1])
        )

    # Items by name.

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Every item of the local crates, once."""
        return tuple({item.key: item for crate in self.crates for item in crate.items}.values())

    @cached_property
    def implementations(self) -> tuple[Implementation, ...]:
        """Every implementation of the local crates, once."""
        found = {(one.file, one.byte_start): one for crate in self.crates for one in crate.implementations}
        return tuple(found.values())

    @cached_property
    def _items_by_name(self) -> Mapping[str, tuple[Item, ...]]:
        return _grouped(self.items, lambda item: item.name)

    def items_named(self, name: str, kinds: Iterable[ItemKind] | None = None) -> tuple[Item, ...]:
        """All items of the local crates with that name."""
        found = self._items_by_name.get(name, ())
        if kinds is None:
            return found
        wanted = frozenset(kinds)
        return tuple(item for item in found if item.kind in wanted)

    @cached_property
    def _types(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.kind in TYPE_KINDS)

    def types(self) -> tuple[Item, ...]:
        """All structs, enums, unions and aliases of the local crates."""
        return self._types

    def type_named(self, name: str) -> Item | None:
        """The type of that name (the bare name, or a type as it is written); the first of several."""
        found = self.items_named(bare_type_name(name), TYPE_KINDS)
        return min(
            found,
            key=lambda item: (item.is_local, item.is_test, item.is_conditional, item.kind is ItemKind.TYPE_ALIAS),
            default=None,
        )

    def trait_named(self, name: str) -> Item | None:
        """The trait of that name."""
        found = self.items_named(bare_type_name(name), (ItemKind.TRAIT,))
        return min(found, key=lambda item: (item.is_local, item.is_test, item.is_conditional), default=None)

    def functions_named(self, name: str) -> tuple[Item, ...]:
        """All functions and methods of that name."""
        return self.items_named(name, FUNCTION_KINDS)

    def meant_type(self, name: str) -> Item | None:
        """The type of that name, aliases followed."""
        item = self.type_named(name)
        for _ in range(5):
            if item is None or item.kind is not ItemKind.TYPE_ALIAS or item.type is None:
                return item
            item = self.type_named(item.type) or item
        return item

    def fields_of(self, type_name: str) -> tuple[Field, ...]:
        """The fields of a struct or a union."""
        item = self.meant_type(type_name)
        return item.fields if item is not None else ()

    def variants_of(self, type_name: str) -> tuple[Variant, ...]:
        """The variants of an enum."""
        item = self.meant_type(type_name)
        return item.variants if item is not None else ()

    # Members and implementations.

    @cached_property
    def _implementations_by_type(self) -> Mapping[str, tuple[Implementation, ...]]:
        return _grouped(self.implementations, lambda one: one.type_name)

    @cached_property
    def _implementations_by_trait(self) -> Mapping[str, tuple[Implementation, ...]]:
        return _grouped(self.implementations, lambda one: one.trait_name or "")

    @cached_property
    def _members_by_owner(self) -> Mapping[str, tuple[Item, ...]]:
        return _grouped((item for item in self.items if item.owner is not None), lambda item: item.owner or "")

    def implementations_of(self, type_name: str) -> tuple[Implementation, ...]:
        """All `impl` blocks for a type."""
        return self._implementations_by_type.get(bare_type_name(type_name), ())

    def implementors_of(self, trait_name: str) -> tuple[Implementation, ...]:
        """All `impl` blocks of a trait."""
        return self._implementations_by_trait.get(bare_type_name(trait_name), ())

    def members_of(self, owner: str) -> tuple[Item, ...]:
        """The functions, constants and types in the implementations of a type, or in a trait."""
        return self._members_by_owner.get(bare_type_name(owner), ())

    def methods_of(self, type_name: str) -> tuple[Item, ...]:
        """The functions of a type: its own, those of its traits, and those its workspace traits provide.

        Asked with a trait's name it gives the trait's functions and those of its supertraits.
        """
        name = bare_type_name(type_name)
        item = self.meant_type(name)
        if item is not None and item.name != name and not self.members_of(name):
            name = item.name
        own = [member for member in self.members_of(name) if member.kind is ItemKind.METHOD]
        names = {member.name for member in own}
        traits = [one.trait_name for one in self.implementations_of(name) if one.trait_name is not None]
        declared = self.trait_named(name)
        traits += [bare_type_name(one) for one in declared.supertraits] if declared is not None else []
        traits += [one.trait_name for one in self.implementations if one.is_blanket and one.trait_name is not None]
        for trait in dict.fromkeys(traits):
            own += [
                member
                for member in self.members_of(trait)
                if member.kind is ItemKind.METHOD and member.is_in_trait and member.name not in names
            ]
        return tuple(own)

    # Names and paths.

    def resolve(self, path: Sequence[str], file: Path, position: int) -> tuple[Target, ...]:
        """What a path means at a position; several where a name is a type and a function, say."""
        crates = self.crates_of_file(file)
        if not crates or not path:
            return ()
        for item in self._local_items(file, position):
            if item.name == path[0] and len(path) == 1:
                return (Target((crates[0].name, *item.module, item.name), crates[0], item),)
        for one in self.imports_at(file, position):
            if one.scope is not None and one.name == path[0]:
                path = (*one.path, *path[1:])
                break
        return resolve(self.crate, crates[0], self.module_of(file, position), tuple(path))

    def _local_items(self, file: Path, position: int) -> list[Item]:
        """The items declared in the blocks around a position."""
        items = self.file_items(file)
        return [
            item
            for item in (items.items if items is not None else ())
            if item.scope is not None and item.owner is None and item.scope[0] <= position <= item.scope[1]
        ]

    def path_to(self, item: Item, file: Path, position: int) -> str | None:
        """The shortest path by which the item can be named at a position: `crate::store::Shelf`, or with the
        name of its crate from another one. None where it is private there, or a member of something."""
        if item.owner is not None or item.is_local:
            return None
        viewers = self.crates_of_file(file)
        owner = next((one for one in viewers if item.file in one.by_file), None)
        if owner is not None:
            paths = reachable(self.local_crate, owner, self.module_of(file, position)).by_item
            path = paths.get(item.key)
            return "::".join(("crate", *path)) if path is not None else None
        for viewer in viewers:
            for name in viewer.dependencies:
                other = self.local_crate(name) or self._read_crate(name, item.file)
                path = reachable(self.crate, other, None).by_item.get(item.key) if other is not None else None
                if path is not None:
                    return "::".join((name, *path))
        return None

    def paths_in_crate(self, crate: str, name: str) -> tuple[str, ...]:
        """The public paths of a library that end with a name, shorter ones first: `serde::Serialize`.

        Re-exports count, also those of other crates and of derive macros. A crate of the registry in whose
        sources the name does not occur is not read.
        """
        root = self._registry_roots.get(crate_name(crate))
        if root is not None and self.local_crate(crate) is None and not self._may_export(root, name):
            return ()
        items = self.crate(crate)
        paths = reachable(self.crate, items, None).by_name.get(name, ()) if items is not None else ()
        return tuple("::".join((crate_name(crate), *path)) for path in paths)

    def _may_export(self, root: CrateRoot, name: str) -> bool:
        """Whether the sources of a crate, or of those that it depends on, have the name in them."""
        roots = [root, *(self._registry_roots[one] for one in root.dependencies if one in self._registry_roots)]
        return any(sources_mention(one, name) for one in roots)

    def _read_crate(self, name: str, file: Path) -> CrateItems | None:
        """The crate of the registry of that name if the file may be one of its files."""
        root = self._registry_roots.get(name)
        if root is None or not file.is_relative_to(root.root_file.parent):
            return None
        return self.crate(name)

    def visible_names(self, file: Path, position: int) -> tuple[VisibleName, ...]:
        """Every name of an item or an import that can be used unqualified at a position, inner ones first."""
        crates = self.crates_of_file(file)
        if not crates:
            return ()
        crate, module = crates[0], self.module_of(file, position)
        inner = [
            VisibleName(item.name, item.kind.value, item, (crate.name, *item.module, item.name))
            for item in self._local_items(file, position)
        ]
        for one in self.imports_at(file, position):
            if one.scope is not None:
                inner += self._names_of_import(one, crate, module)
        names: dict[tuple[str, str], VisibleName] = {}
        for name in (*inner, *self._names_of_module(crate, module)):
            names.setdefault((name.name, name.kind), name)
        return tuple(names.values())

    def _names_of_module(self, crate: CrateItems, module: ModulePath) -> tuple[VisibleName, ...]:
        """The names of a module, of the crates it knows, and of std's prelude; kept, because candidates for one
        place ask again and again."""
        known = self._known_names.get((crate.root_file, module))
        if known is not None:
            return known
        names = [
            _visible(item.name, Target((crate.name, *item.module, item.name), crate, item))
            for items in crate.members.get(module, {}).values()
            for item in items
        ]
        for one in crate.imports.get(module, ()):
            names += self._names_of_import(one, crate, module)
        names += [
            _visible(item.name, Target((crate.name, item.name), crate, item))
            for item in crate.items
            if item.kind is ItemKind.MACRO and item.scope is None
        ]
        names += [VisibleName(name, "crate", None, (name,)) for name in (*crate.dependencies, "std")]
        names += [VisibleName(one.name, one.kind, None, one.path) for one in prelude_names()]
        self._known_names[crate.root_file, module] = tuple(names)
        return tuple(names)

    @cached_property
    def _known_names(self) -> dict[tuple[Path, ModulePath], tuple[VisibleName, ...]]:
        return {}

    def _names_of_import(self, one: Import, crate: CrateItems, module: ModulePath) -> list[VisibleName]:
        """What one import binds; what a glob brings only from local crates and from enums."""
        targets = resolve(self.local_crate, crate, module, one.path, is_use=True)
        if not one.is_glob:
            return [_visible(one.name, target) for target in targets] or [
                VisibleName(one.name, "import", None, one.path)
            ]
        names = []
        for target in targets:
            if target.module is not None and target.crate is not None:
                viewer = module if target.crate is crate else None
                names += [
                    _visible(name, inner)
                    for name, inner in exported(self.local_crate, target.crate, target.module, viewer)
                ]
            elif target.item is not None:
                names += [
                    VisibleName(variant.name, "variant", target.item, (*target.path, variant.name))
                    for variant in target.item.variants
                ]
        return names


def _visible(name: str, target: Target) -> VisibleName:
    if target.item is not None:
        return VisibleName(name, target.item.kind.value, target.item, target.path)
    if target.module is not None:
        return VisibleName(name, "crate" if len(target.path) == 1 else "module", None, target.path)
    known = next((one for one in std_named(target.path[-1]) if one.path == target.path), None)
    return VisibleName(name, known.kind if known is not None else "import", None, target.path)


def _grouped(values: Iterable[Value], key: Callable[[Value], str]) -> Mapping[str, tuple[Value, ...]]:
    found: dict[str, list[Value]] = defaultdict(list)
    for value in values:
        found[key(value)].append(value)
    return {name: tuple(group) for name, group in found.items()}

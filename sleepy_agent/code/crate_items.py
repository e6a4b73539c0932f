"""The items of one crate: the files that `mod name;` reaches from its root, each with its module's path."""

from __future__ import annotations

import os
import re
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sleepy_agent.code.items import FileItems, Implementation, Import, Item, ItemKind, Module, items_of_file

Read = Callable[[Path], bytes]
ModulePath = tuple[str, ...]

# A crate of the registry that is larger than this is read only in part: its root comes first.
MOST_FILES = 400
MOST_BYTES = 4_000_000
PROCEDURAL_MACRO = re.compile(r"#\[\s*proc_macro(?:_attribute|_derive\s*\(\s*(?P<derive>\w+))?\b")
ROOT_FILE_NAMES = ("lib.rs", "main.rs", "build.rs")


@dataclass(frozen=True, slots=True)
class CrateRoot:
    """One crate (a target of a package) as the caller knows it from cargo."""

    name: str
    edition: str
    root_file: Path
    is_local: bool
    dependencies: tuple[str, ...] = ()
    """The names by which its code knows other crates; `-` is read as `_`."""


def crate_name(name: str) -> str:
    """A package's name as code writes it."""
    return name.replace("-", "_")


def crate_roots(
    name: str, edition: str, source_files: Sequence[Path], dependencies: Sequence[str], *, is_local: bool
) -> tuple[CrateRoot, ...]:
    """The crates of one package from the root files of its targets; a package of the registry has only its library.

    Programs, tests and examples know the library of their package by its name.
    """
    known = tuple(crate_name(one) for one in dependencies)
    library = next((file for file in source_files if file.name == "lib.rs"), None)
    if library is None and not is_local:
        library = next((file for file in source_files if file.name not in {"main.rs", "build.rs"}), None)
    own = (CrateRoot(crate_name(name), edition, library, is_local, known),) if library is not None else ()
    if not is_local:
        return own
    with_library = (crate_name(name), *known) if own else known
    return (
        *own,
        *(
            CrateRoot(
                crate_name(name if file.name in ROOT_FILE_NAMES else file.stem), edition, file, is_local, with_library
            )
            for file in source_files
            if file != library
        ),
    )


@dataclass(frozen=True, eq=False)
class CrateItems:
    """All that one crate declares, file by file. Two are the same only if they are one object."""

    name: str
    root_file: Path
    edition: str
    files: tuple[FileItems, ...]
    dependencies: tuple[str, ...] = ()
    is_local: bool = True

    @cached_property
    def by_file(self) -> Mapping[Path, FileItems]:
        return {file.file: file for file in self.files}

    @cached_property
    def items(self) -> tuple[Item, ...]:
        return tuple(item for file in self.files for item in file.items)

    @cached_property
    def implementations(self) -> tuple[Implementation, ...]:
        return tuple(one for file in self.files for one in file.implementations)

    @cached_property
    def modules(self) -> Mapping[ModulePath, Module]:
        """Each module by its path; the declaration that has the body wins."""
        found: dict[ModulePath, Module] = {}
        for file in self.files:
            for module in file.modules:
                if module.path not in found or module.body_start is not None:
                    found[module.path] = module
        return found

    @cached_property
    def module_visibilities(self) -> Mapping[ModulePath, str]:
        """How visible each module is in its parent, as it is written at its `mod`."""
        return {module.path: module.visibility for file in self.files for module in file.modules[1:]}

    @cached_property
    def members(self) -> Mapping[ModulePath, Mapping[str, tuple[Item, ...]]]:
        """The items that stand directly in each module, by name."""
        found: dict[ModulePath, dict[str, tuple[Item, ...]]] = defaultdict(dict)
        for item in self.items:
            if item.owner is None and item.scope is None:
                names = found[item.module]
                names[item.name] = (*names.get(item.name, ()), item)
        return dict(found)

    @cached_property
    def imports(self) -> Mapping[ModulePath, tuple[Import, ...]]:
        """The imports of each module, those inside of functions left out."""
        found: dict[ModulePath, list[Import]] = defaultdict(list)
        for file in self.files:
            for one in file.imports:
                if one.scope is None:
                    found[one.module].append(one)
        return {path: tuple(imports) for path, imports in found.items()}

    @cached_property
    def exported_macros(self) -> tuple[Item, ...]:
        """The macros that `#[macro_export]` puts at the crate's root, wherever they are declared."""
        return tuple(
            item
            for item in self.items
            if item.kind is ItemKind.MACRO and any("macro_export" in attribute for attribute in item.attributes)
        )

    @cached_property
    def procedural_macros(self) -> tuple[str, ...]:
        """The names that a macro crate exports: of derives as they are written in `derive(..)`."""
        found = []
        for item in self.items:
            for attribute in item.attributes:
                derive = PROCEDURAL_MACRO.match(attribute)
                if derive is not None:
                    found.append(derive["derive"] or item.name)
        return tuple(found)

    @cached_property
    def memory(self) -> dict[ModulePath | None, Any]:
        """What `name_paths.reachable` found for each viewer; it follows from the fields and never changes."""
        return {}


def read_crate(
    root: CrateRoot,
    read: Read,
    known: Mapping[Path, FileItems] | None = None,
    changed: Collection[Path] | None = None,
    most_files: int | None = None,
    most_bytes: int | None = None,
) -> CrateItems:
    """Follow the modules from the crate's root.

    `known`: files as they were read before; one whose text is the same is not read into items again. `changed`:
    where given, only these files can have another text than in `known`, the rest is not even opened.
    `read` raises an OSError where there is no file.
    """
    known = known or {}
    files: dict[Path, FileItems] = {}
    size = 0
    # Where the file may be (with whether its children lie beside it), and the `mod` that names it.
    waiting: deque[tuple[Sequence[tuple[Path, bool]], Module]] = deque(
        [([(root.root_file, True)], Module((), root.root_file, 0, 0, None, None))]
    )
    while waiting:
        places, declared = waiting.popleft()
        if (most_files and len(files) >= most_files) or (most_bytes and size >= most_bytes):
            break
        for path, has_children_beside in places:
            items = files.get(path) or read_file(path, declared, read, known, changed, is_local=root.is_local)
            if items is None:
                continue
            if path not in files:
                files[path] = items
                size += len(items.text)
                waiting += [
                    (module_files(one, path, has_children_beside=has_children_beside), one)
                    for one in items.modules[1:]
                    if one.body_start is None
                ]
            break
    return CrateItems(
        name=crate_name(root.name),
        root_file=root.root_file,
        edition=root.edition,
        files=tuple(files.values()),
        dependencies=tuple(crate_name(one) for one in root.dependencies),
        is_local=root.is_local,
    )


def read_file(
    path: Path,
    declared: Module,
    read: Read,
    known: Mapping[Path, FileItems],
    changed: Collection[Path] | None,
    *,
    is_local: bool,
) -> FileItems | None:
    """The items of a file, from before where its text is still the same; None where there is no such file."""
    before = known.get(path)
    is_same_place = before is not None and (before.module, before.is_test, before.is_conditional) == (
        declared.path,
        declared.is_test,
        declared.is_conditional,
    )
    if before is not None and is_same_place and changed is not None and path not in changed:
        return before
    try:
        text = read(path)
    except OSError:
        return None
    if before is not None and is_same_place and before.text == text:
        return before
    return items_of_file(
        path,
        text,
        declared.path,
        is_test=declared.is_test,
        is_conditional=declared.is_conditional,
        before=before.text if before is not None else None,
        # Nobody edits a crate of the registry, so nothing asks for its trees again.
        is_edited=is_local,
    )


def module_files(module: Module, file: Path, *, has_children_beside: bool) -> list[tuple[Path, bool]]:
    """Where the file of `mod name;` may be, and whether the children of that file lie beside it.

    `has_children_beside`: whether `file` is a crate's root, a `mod.rs`, or was named by a `#[path]`.
    """
    folder = file.parent if has_children_beside else file.parent / file.stem
    inner = folder.joinpath(*module.inline_parents)
    if module.path_attribute is not None:
        # Outside of inline modules the path counts from the file's own folder, whatever the file is called.
        start = inner if module.inline_parents else file.parent
        return [(Path(os.path.normpath(start / module.path_attribute)), True)]
    return [(inner / f"{module.name}.rs", False), (inner / module.name / "mod.rs", True)]

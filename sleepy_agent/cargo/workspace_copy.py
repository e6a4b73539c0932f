"""Read a workspace that cargo could only read after writing into it (no Cargo.lock, or one that is behind):
on a copy, so that the user's tree stays as it is."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sleepy_agent.cargo.copied_tree import CopiedTree
from sleepy_agent.cargo.overlay import unmirrored, walk_source_files
from sleepy_agent.cargo.workspace import Package, Workspace, read_workspace
from sleepy_agent.config import Settings
from sleepy_agent.process import CancelToken


def read_through_copy(folder: Path, root: Path, settings: Settings, cancel: CancelToken) -> Workspace:
    """The workspace of `root` with the user's paths, read in `folder` (ours)."""
    bare = Workspace(root=root, target_directory=root / "target", packages=(), depended_on_by_registry=frozenset())
    outside = path_dependencies_outside(root)
    bare = replace(bare, packages=tuple(bare_package(path) for path in sorted(outside)))
    copy = CopiedTree(folder, bare)
    tree = copy.lay({})
    workspace = read_workspace(tree.cargo_folder, settings, may_write_lock=True, cancel=cancel)
    assert isinstance(workspace, Workspace)
    return workspace_from_copy(workspace, copy.root)


def workspace_from_copy(workspace: Workspace, copy_root: Path) -> Workspace:
    """The same workspace with the user's paths instead of the copy's."""

    def user_path(path: Path) -> Path:
        return unmirrored(copy_root, path)

    return Workspace(
        root=user_path(workspace.root),
        target_directory=user_path(workspace.target_directory),
        packages=tuple(
            replace(
                package,
                manifest=user_path(package.manifest),
                source_files=tuple(user_path(path) for path in package.source_files),
            )
            for package in workspace.packages
        ),
        depended_on_by_registry=frozenset(user_path(path) for path in workspace.depended_on_by_registry),
    )


def path_dependencies_outside(root: Path) -> set[Path]:
    """Folders outside `root` that its manifests, and theirs in turn, name as path dependencies."""
    manifests = [path for path in walk_source_files(root) if path.name == "Cargo.toml"]
    found: set[Path] = set()
    while manifests:
        manifest = manifests.pop()
        try:
            content = tomllib.loads(manifest.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        for name in named_paths(content):
            folder = Path(os.path.normpath(manifest.parent / name))
            if not folder.is_relative_to(root) and folder not in found and (folder / "Cargo.toml").is_file():
                found.add(folder)
                manifests.append(folder / "Cargo.toml")
    return found


def named_paths(content: dict[str, Any]) -> Iterator[str]:
    """Every `path = "..."` of the dependency tables, patches included, wherever they stand."""
    for key, value in content.items():
        if isinstance(value, dict):
            if key.endswith("dependencies") or key in {"patch", "replace"}:
                yield from (entry["path"] for entry in tables_in(value) if isinstance(entry.get("path"), str))
            else:
                yield from named_paths(value)


def tables_in(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The tables inside a table, at any depth."""
    for value in table.values():
        if isinstance(value, dict):
            yield value
            yield from tables_in(value)


def bare_package(folder: Path) -> Package:
    """A package of which only the place is known."""
    return Package(
        name=folder.name,
        version="0.0.0",
        manifest=folder / "Cargo.toml",
        edition="2021",
        is_local=True,
        is_member=False,
        dependencies=(),
        features=(),
        source_files=(),
    )

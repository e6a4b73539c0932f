"""Families and files that the user does not want to hear of: kept across restarts, until they say otherwise.

Families are muted for the user, files for the workspace they belong to (the same file of another checkout is another
matter). Everything stands in one small JSON file of the state folder, which any number of editors may change: each
change reads it again under a lock and replaces it in one step.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from sleepy_agent.config import Places
from sleepy_agent.errors import BadUsage, StoreError, cannot_write
from sleepy_agent.families import load_family_rules

SCHEMA = 1
FILE_NAME = "mutes.json"


@dataclass(frozen=True, slots=True)
class Mutes:
    """What is muted: names of families, and absolute paths of files, by the root of their workspace."""

    families: frozenset[str] = frozenset()
    files: Mapping[Path, frozenset[Path]] = field(default_factory=dict)

    def files_of(self, root: Path) -> frozenset[Path]:
        """The muted files of one workspace, absolute, links resolved."""
        return self.files.get(root.resolve(), frozenset())


def mutes_file(places: Places) -> Path:
    """Where the mutes stand."""
    return places.state / FILE_NAME


def read_mutes(places: Places) -> Mutes:
    """All that is muted now. Raises StoreError where the file is not what this module writes."""
    path = mutes_file(places)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _mutes_of(content)
    except (FileNotFoundError, NotADirectoryError):
        return Mutes()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"The list of what you muted, {path}, cannot be read: {str(error) or type(error).__name__}.",
            "Mend or delete that file; without it nothing is muted.",
        ) from error


def mute_family(places: Places, family: str) -> Mutes:
    """Mute a family of problems everywhere, and return all that is muted now.

    Raises BadUsage for a name that is no family, StoreError and CannotWrite.
    """
    own_rules = places.user_families_file
    known = load_family_rules(own_rules if own_rules.exists() else None).families
    if family not in known:
        raise BadUsage(f"There is no family {family!r}.", f"The families are: {', '.join(known)}.")
    return _change(places, lambda present: Mutes(present.families | {family}, present.files))


def mute_file(places: Places, root: Path, path: Path) -> Mutes:
    """Mute a file of the workspace at `root`, and return all that is muted now. Raises StoreError and CannotWrite."""
    return _change(
        places,
        lambda present: Mutes(
            present.families, {**present.files, root.resolve(): present.files_of(root) | {path.resolve()}}
        ),
    )


def unmute(places: Places, root: Path | None = None, what: str | Path | None = None) -> Mutes:
    """Take back one family (`what` is its name), one file (its path), or, without `what`, every family and the files
    of the workspace at `root`. What is not muted stays so. Returns all that is muted now.

    Raises StoreError and CannotWrite.
    """

    def without(present: Mutes) -> Mutes:
        if isinstance(what, str):
            return Mutes(present.families - {what}, present.files)
        if isinstance(what, Path):
            gone = frozenset({what.resolve()})
            return Mutes(present.families, {one: files - gone for one, files in present.files.items()})
        left = {one: files for one, files in present.files.items() if root is None or one != root.resolve()}
        return Mutes(frozenset(), left if root is not None else {})

    return _change(places, without)


def _change(places: Places, changed: Callable[[Mutes], Mutes]) -> Mutes:
    path = mutes_file(places)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            mutes = changed(read_mutes(places))
            _replace_file(path, json.dumps(_content_of(mutes), indent=1) + "\n")
    except OSError as error:
        raise cannot_write(path, error) from error
    return mutes


def _replace_file(path: Path, text: str) -> None:
    """Write a file that only its owner may read, so that everybody sees the old text or the new one."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as output:
            output.write(text)
            output.flush()
            os.fsync(output.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _content_of(mutes: Mutes) -> dict[str, Any]:
    files = {str(root): sorted(map(str, files)) for root, files in sorted(mutes.files.items()) if files}
    return {"schema": SCHEMA, "families": sorted(mutes.families), "files": files}


def _mutes_of(content: dict[str, Any]) -> Mutes:
    if content["schema"] != SCHEMA:
        raise ValueError(f"its schema is {content['schema']!r}, not {SCHEMA}")
    return Mutes(
        families=frozenset(map(str, content["families"])),
        files={Path(root): frozenset(map(Path, files)) for root, files in content["files"].items()},
    )

"""Changes of Cargo.toml that a message asks for: a dependency the lock or the workspace already has, a
feature, an edition. Nothing that would have to be fetched; cargo verifies them, offline.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from os.path import relpath
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable, Table

from sleepy_agent.cargo.diagnostics import all_texts
from sleepy_agent.cargo.workspace import Package, Workspace
from sleepy_agent.code.edits import line_edits
from sleepy_agent.domain import Applicability, Candidate, Problem
from sleepy_agent.fixes.sources import SourceContext

# A change of the manifest reaches further than one of the code, so it comes behind equals.
MANIFEST_COST = 0.2


@dataclass(frozen=True, slots=True)
class ManifestRule:
    """One entry of manifests.toml."""

    change: str
    message: re.Pattern[str]
    feature: str | None


@cache
def manifest_rules() -> tuple[ManifestRule, ...]:
    """The rules, read once."""
    raw = tomllib.loads(files("sleepy_agent.fixes.sources").joinpath("manifests.toml").read_text(encoding="utf-8"))
    return tuple(
        ManifestRule(entry["change"], re.compile(entry["message"]), entry.get("feature")) for entry in raw["rule"]
    )


@dataclass(frozen=True, slots=True)
class ManifestChange:
    """One change of one manifest: what to say, and the new text."""

    title: str
    text: str


def manifest_candidates(source: str, problem: Problem, context: SourceContext) -> Iterator[Candidate]:
    """Candidates for one problem, the likeliest first, each only once."""
    package = next((p for p in context.workspace.local_packages if p.name == problem.package), None)
    if package is None or not context.is_editable(package.manifest):
        return
    text = context.read(package.manifest)
    texts = list(all_texts(problem.diagnostic))
    seen = set()
    for rule in manifest_rules():
        for said in texts:
            match = rule.message.search(said)
            if match is None:
                continue
            for change in changes_for(rule, match.groupdict(), package, context.workspace, text, texts):
                if change.text.encode() != text and change.text not in seen:
                    seen.add(change.text)
                    yield Candidate(
                        source=source,
                        title=change.title,
                        edits=tuple(line_edits(package.manifest, text, change.text.encode())),
                        cost=MANIFEST_COST,
                        applicability=Applicability.MAYBE_INCORRECT,
                    )


def changes_for(
    rule: ManifestRule,
    caught: dict[str, str | None],
    package: Package,
    workspace: Workspace,
    text: bytes,
    texts: list[str],
) -> Iterator[ManifestChange]:
    """The manifest's new texts that one rule leads to; none where the manifest cannot be read."""
    try:
        if rule.change == "edition":
            yield from edition_change(text, caught["edition"] or "")
        elif rule.change == "dependency":
            yield from dependency_changes(text, caught["crate"] or "", package, workspace)
        else:
            feature = caught.get("feature") or rule.feature or ""
            for crate in crates_with_feature(feature, caught.get("crate"), package, workspace, texts):
                yield from feature_changes(text, crate, feature)
    except (TOMLKitError, UnicodeDecodeError):
        return


def edition_change(text: bytes, edition: str) -> Iterator[ManifestChange]:
    document = tomlkit.parse(text.decode())
    table = document.get("package")
    if not isinstance(table, Table):
        return
    table["edition"] = edition
    yield ManifestChange(f"use edition {edition}", tomlkit.dumps(document))


def dependency_changes(text: bytes, crate: str, package: Package, workspace: Workspace) -> Iterator[ManifestChange]:
    """Add a package that the workspace has: by inheritance, by path, or in the version the lock file has."""
    candidates = [other for other in workspace.packages if other.name.replace("-", "_") == crate]
    if crate == package.name.replace("-", "_") or crate in {name.replace("-", "_") for name in package.dependencies}:
        return
    for other in sorted(candidates, key=lambda other: version_order(other.version), reverse=True):
        document = tomlkit.parse(text.decode())
        if "dependencies" not in document:
            document.add("dependencies", tomlkit.table())
        dependencies = document["dependencies"]
        if not isinstance(dependencies, Table):
            return
        entry: InlineTable | str
        if other.name in inherited_dependencies(workspace):
            entry = inline_table("workspace = true")
            title = f"depend on `{other.name}`, which the workspace declares"
        elif other.is_local:
            entry = inline_table(f"path = {quoted(Path(relpath(other.folder, package.folder)).as_posix())}")
            title = f"depend on `{other.name}` of this workspace"
        else:
            entry = other.version
            title = f"depend on `{other.name}` {other.version}, which the lock file has"
        dependencies[other.name] = entry
        yield ManifestChange(title, tomlkit.dumps(document))


def version_order(version: str) -> tuple[int, ...]:
    """Numbers to compare versions by; build and pre-release tags do not count."""
    return tuple(int(part) for part in re.findall(r"\d+", version.split("-", maxsplit=1)[0].split("+", maxsplit=1)[0]))


def inherited_dependencies(workspace: Workspace) -> frozenset[str]:
    """Names in the root manifest's `[workspace.dependencies]`."""
    try:
        content = tomllib.loads((workspace.root / "Cargo.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return frozenset()
    return frozenset(content.get("workspace", {}).get("dependencies", {}))


def crates_with_feature(
    feature: str, crate: str | None, package: Package, workspace: Workspace, texts: list[str]
) -> list[str]:
    """Direct dependencies that have the feature: the one that was named, else those the notes speak of, else all."""
    names = set(package.dependencies)
    having = [p.name for p in workspace.packages if p.name in names and feature in p.features]
    spoken = " ".join(texts)
    named = [name for name in having if name.replace("-", "_") == crate]
    mentioned = [name for name in having if re.search(rf"\b{re.escape(name.replace('-', '_'))}\b", spoken)]
    return named or mentioned or having


def feature_changes(text: bytes, crate: str, feature: str) -> Iterator[ManifestChange]:
    """Turn a feature of a direct dependency on, wherever the manifest declares it."""
    document = tomlkit.parse(text.decode())
    for section in ("dependencies", "dev-dependencies", "build-dependencies"):
        table = document.get(section)
        if not isinstance(table, Table) or crate not in table:
            continue
        declared = table[crate]
        if isinstance(declared, (InlineTable, Table)):
            features = declared.get("features")
            if features is None:
                declared["features"] = [feature]
            elif feature not in features:
                features.append(feature)
        else:
            table[crate] = inline_table(f"version = {quoted(str(declared))}, features = [{quoted(feature)}]")
        yield ManifestChange(f"turn on the feature `{feature}` of `{crate}`", tomlkit.dumps(document))
        return


def inline_table(content: str) -> InlineTable:
    """`{ content }` with the spaces that cargo's own manifests have."""
    table = tomlkit.parse(f"entry = {{ {content} }}\n")["entry"]
    assert isinstance(table, InlineTable)
    return table


def quoted(text: str) -> str:
    """A TOML string."""
    return tomlkit.string(text).as_string()

"""One-file Rust programs: what rustc says of them, as problems, and what a candidate makes of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sleepy_agent.cargo.diagnostics import parse_diagnostics
from sleepy_agent.cargo.problems import error_key
from sleepy_agent.cargo.workspace import Package, Workspace
from sleepy_agent.code.edits import EditConflict, apply_edits
from sleepy_agent.domain import Candidate, Diagnostic, Edit, Level, Problem
from sleepy_agent.families import family_of, load_family_rules
from sleepy_agent.fixes.sources.context import SourceContext
from sleepy_agent.process import run_process
from sleepy_agent.signature import signature_of


def errors_of(folder: Path, text: str, edition: str = "2021") -> tuple[Diagnostic, ...]:
    """The errors of a program, compiled as `example` in a folder (a library, unless it has a `main`); each once."""
    file = folder / "src" / "lib.rs"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    # What is wrong with `main` is only said of programs.
    crate_type = "bin" if re.search(r"^(pub )?(async )?fn main\b", text, re.MULTILINE) else "lib"
    arguments = ["--edition", edition, "--crate-type", crate_type, "--crate-name", "example", "--emit", "metadata"]
    output = ["--error-format", "json", "-A", "warnings", "--out-dir", str(folder)]
    outcome = run_process(
        ["rustc", *arguments, *output, "src/lib.rs"],
        cwd=folder,
        timeout_seconds=60,
    )
    found = parse_diagnostics(outcome.stderr.splitlines(), lambda name: folder / name)
    errors = [diagnostic for diagnostic in found if diagnostic.level == Level.ERROR]
    return tuple({error_key(error): error for error in errors}.values())


def problems_of(folder: Path, text: str, edition: str = "2021") -> tuple[Problem, ...]:
    """The problems of a program."""
    rules = load_family_rules(None)
    return tuple(
        Problem(error, "example", ("example",), family_of(error, rules), signature_of(error))
        for error in errors_of(folder, text, edition)
    )


def context_of(folder: Path, text: str, edition: str = "2021") -> SourceContext:
    """What a source may look at: that program alone."""
    file = folder / "src" / "lib.rs"
    package = Package("example", "0.0.0", folder / "Cargo.toml", edition, True, True, (), (), (file,))
    workspace = Workspace(folder, folder / "target", (package,), frozenset())

    def read(path: Path) -> bytes:
        return text.encode() if path == file else b""

    return SourceContext(workspace, read, lambda path: path == file)


def after(context: SourceContext, edits: Sequence[Edit] | Candidate) -> str | EditConflict:
    """The program's text after edits."""
    edits = edits.edits if isinstance(edits, Candidate) else edits
    texts = apply_edits(edits, context.read)
    if isinstance(texts, EditConflict):
        return texts
    return next(iter(texts.values())).decode()

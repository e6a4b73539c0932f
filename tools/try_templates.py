"""See what rustc says of a one-file program and what every source proposes: python tools/try_templates.py FILE.rs

For those who write templates: labels and spans as a template sees them, each candidate as a diff, whether it compiles.
`--template NAME` takes the example of a template in place of a file (`--alone NAME`: its "leave it alone" program).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.programs import after, context_of, errors_of, problems_of
from sleepy_agent.code.edits import EditConflict, unified_diff
from sleepy_agent.domain import Diagnostic, Problem
from sleepy_agent.fixes.rank import rank_candidate
from sleepy_agent.fixes.sources.compiler import CompilerSource
from sleepy_agent.fixes.sources.template import TemplateSource
from sleepy_agent.fixes.templates.catalogue import all_templates


def main() -> int:
    """Compile, print, propose, compile again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--template")
    parser.add_argument("--alone")
    parser.add_argument("--edition", default="2021")
    arguments = parser.parse_args()
    text, edition = chosen_text(arguments)
    with tempfile.TemporaryDirectory(prefix="try-templates-") as name:
        folder = Path(name)
        for problem in problems_of(folder, text, edition):
            show_problem(problem, folder, text, edition)
    return 0


def chosen_text(arguments: argparse.Namespace) -> tuple[str, str]:
    named = arguments.template or arguments.alone
    if named is None:
        return arguments.file.read_text(encoding="utf-8"), arguments.edition
    template = next(one for one in all_templates() if one.name == named)
    return (template.example_before if arguments.template else template.leave_alone), template.edition


def show_problem(problem: Problem, folder: Path, text: str, edition: str) -> None:
    print(f"==== {problem.code or 'no code'} ({problem.family}): {problem.message}")
    show_spans(problem.diagnostic, "  ")
    context = context_of(folder, text, edition)
    for source in (CompilerSource(), TemplateSource(is_strict=True)):
        for candidate in source.candidates(problem, context):
            result = after(context, candidate)
            if isinstance(result, EditConflict):
                print(f"  -- {candidate.title}: {result.reason}")
                continue
            errors = errors_of(folder, result, edition)
            words = "COMPILES" if not errors else f"{len(errors)} errors: {errors[0].code} {errors[0].message}"
            ranked = rank_candidate(candidate, problem, context.read)
            name = candidate.template or candidate.source
            print(f"  -- [{name}] {candidate.title} (cost {ranked.cost:.2f}, flags {ranked.flags}): {words}")
            path = folder / "src" / "lib.rs"
            diff = unified_diff({path: text.encode()}, {path: result.encode()}, folder, context=0)
            print("\n".join(f"       {line}" for line in diff.splitlines()[2:] if not line.startswith("@@")))


def show_spans(diagnostic: Diagnostic, indentation: str) -> None:
    for span in diagnostic.spans:
        kind = "primary" if span.is_primary else "span"
        print(f"{indentation}{kind} {span.line_start}:{span.column_start} `{span.text}` label: {span.label}")
    for child in diagnostic.children:
        print(f"{indentation}{child.level}: {child.message}")
        show_spans(child, indentation + "    ")


if __name__ == "__main__":
    sys.exit(main())

"""What the stand-in is taught: the prompt that the product makes of each broken program, and the right answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cargo.projects import lock_of, manifest_of, open_session, places_in, write_project

from serving.stand_in_programs import CRATES, Program
from sleepy_agent.code.edits import line_edits
from sleepy_agent.fixes.prompts.compose import compose, edits_as_answer
from sleepy_agent.fixes.prompts.profiles import profile_for
from sleepy_agent.fixes.sources.context import KnownItems, SourceContext, SteadyItems

STAND_IN = "stand-in"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A prompt and the answer to it."""

    mistake: str
    family: str
    prompt: str
    answer: str


def lessons_of(programs: Sequence[Program], folder: Path) -> list[Lesson]:
    """Check all programs with rustc, a crate of each kind of error, and put each mistake into words."""
    found: list[Lesson] = []
    for crate in CRATES:
        own = [program for program in programs if program.mistake.crate == crate]
        if own:
            found += lessons_of_crate(own, folder / crate)
    return found


def lessons_of_crate(programs: Sequence[Program], folder: Path) -> Iterator[Lesson]:
    root = folder / "project"
    modules = "".join(f"pub mod {program.module};\n" for program in programs)
    files = {f"src/{program.module}.rs": program.broken for program in programs}
    lock = {"Cargo.toml": manifest_of("lessons"), "Cargo.lock": lock_of("lessons"), "src/lib.rs": modules}
    write_project(root, {**lock, **files})
    profile = profile_for(STAND_IN)
    with open_session(root, places_in(folder)) as session:
        steady = SteadyItems(KnownItems())
        context = SourceContext(session.workspace, session.read, session.is_editable, steady)
        problems = {problem.span.file.stem: problem for problem in session.check() if problem.span is not None}
        for program in programs:
            problem = problems.get(program.module)
            assert problem is not None, f"rustc finds nothing in {program.module}:\n{program.broken}"
            prompt = compose(problem, context, profile)
            assert prompt is not None and problem.span is not None
            right = line_edits(problem.span.file, program.broken.encode(), program.right.encode())
            answer = edits_as_answer(right, prompt.view, session.read)
            assert answer is not None, f"the edit of {program.module} cannot be said:\n{program.broken}"
            said = prompt.names.abstracted(answer) if prompt.names is not None else answer
            yield Lesson(program.mistake.name, problem.family, prompt.text, said)

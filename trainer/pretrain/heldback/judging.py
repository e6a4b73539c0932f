"""rustc as the judge of programs that use other crates: many small modules in one call, as in `trainer.pretrain.judge`.

Here there are hundreds of programs and not hundreds of thousands, so that whatever is not heard in the first call is
asked alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sleepy_agent.cargo.toolchain import cargo_environment
from sleepy_agent.process import CancelToken, run_process
from trainer.pretrain.behaviour import halves, has_run, with_tests
from trainer.pretrain.heldback.dependencies import Externs
from trainer.pretrain.judge import (
    LONGEST_SECONDS,
    ROOT,
    Reply,
    Said,
    parts_of,
    read_reply,
    rustc_command,
    write_modules,
)
from trainer.pretrain.records import Program

__all__ = ["check_with", "working_with"]

TESTS: Final = ("--test", "-Cdebuginfo=0", "-Copt-level=0", "-Cincremental=")


def check_with(texts: Sequence[str], externs: Externs, folder: Path, cancel: CancelToken) -> list[Said]:
    """The errors of each text. `folder`: an empty one to write into."""
    found: dict[int, Said] = {}
    for part in parts_of(range(len(texts))):
        reply = ask([texts[number] for number in part], externs, folder, cancel)
        for number, said in zip(part, reply.said, strict=True):
            if (said.errors or reply.reached_the_end) and not said.about_others:
                found[number] = said
    for number in range(len(texts)):
        if number not in found:
            found[number] = ask([texts[number]], externs, folder, cancel, with_late=False).said[0]
    return [found[number] for number in range(len(texts))]


def ask(texts: Sequence[str], externs: Externs, folder: Path, cancel: CancelToken, *, with_late: bool = True) -> Reply:
    """Compile the texts as modules of one crate that may use the externs."""
    write_modules(texts, folder, with_late=with_late)
    outcome = run_process(
        rustc_command(*externs.words, "--crate-type=lib", "--emit=metadata", "-o", str(folder / "lib.rmeta"), ROOT),
        cwd=folder,
        environment=cargo_environment(),
        timeout_seconds=LONGEST_SECONDS,
        cancel=cancel,
    )
    cancel.raise_if_cancelled()
    said, reached = read_reply(outcome.stderr.splitlines(), texts)
    return Reply(said, reached and outcome.returncode in {0, 1}, outcome.returncode not in {0, 1})


def working_with(programs: Sequence[Program], externs: Externs, folder: Path, cancel: CancelToken) -> list[bool]:
    """Which programs compile, and pass their tests where they have some. `folder`: an empty one to write into."""
    texts = [with_tests(program) if program.behaviour else program.text for program in programs]
    good: set[int] = set()
    waiting = parts_of(range(len(texts)))
    while waiting:
        part = waiting.pop()
        write_modules([texts[number] for number in part], folder)
        outcome = run_process(
            rustc_command(*externs.words, *TESTS, "-o", str(folder / "tests"), ROOT),
            cwd=folder,
            environment=cargo_environment(),
            timeout_seconds=LONGEST_SECONDS,
            cancel=cancel,
        )
        cancel.raise_if_cancelled()
        said, _ = read_reply(outcome.stderr.splitlines(), [texts[number] for number in part])
        blamed = {number for number, one in zip(part, said, strict=True) if one.errors}
        tested = {number for number in part if programs[number].behaviour}
        if blamed and len(blamed) < len(part):
            waiting.append([number for number in part if number not in blamed])
        elif not blamed and outcome.succeeded and (not tested or has_run(part, folder, good, cancel)):
            good |= set(part) - tested
        elif not blamed:
            waiting += halves(part)
    return [number in good for number in range(len(texts))]

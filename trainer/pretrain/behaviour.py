"""Whether programs do what they are meant to do: the tests of many, built into one program and run shut off."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from sleepy_agent.cargo.toolchain import cargo_environment
from sleepy_agent.fixes.proof import sheltered_environment, without_network
from sleepy_agent.process import CancelToken, run_process
from trainer.pretrain.judge import LONGEST_SECONDS, MODULE, ROOT, parts_of, read_reply, rustc_command, write_modules
from trainer.pretrain.records import Program

__all__ = ["behaving", "with_tests"]

LONGEST_TEST_SECONDS: Final = 10.0
_RESULT: Final = re.compile(rf"^test {MODULE}(\d+)::(\S+) \.\.\. (\w+)".encode(), re.MULTILINE)
_END: Final = re.compile(rb"^test result: ", re.MULTILINE)


def behaving(programs: Sequence[Program], folder: Path, cancel: CancelToken) -> list[bool]:
    """Which programs compile together with their tests, and pass at least one of them and fail none. `folder`: an
    empty one to write into."""
    texts = [with_tests(program) for program in programs]
    good: set[int] = set()
    waiting = parts_of(range(len(texts)))
    while waiting:
        part = waiting.pop()
        blamed = built(part, texts, folder, cancel)
        if blamed is None or (not blamed and not has_run(part, folder, good, cancel)):
            # Nobody can be blamed alone: one that ends the whole program or never comes to an end, say.
            waiting += halves(part)
        elif blamed and len(blamed) < len(part):
            waiting.append([number for number in part if number not in blamed])
    return [number in good for number in range(len(texts))]


def halves(part: Sequence[int]) -> Iterator[list[int]]:
    """Both halves; nothing of what is one already."""
    if len(part) > 1:
        middle = len(part) // 2
        yield list(part[:middle])
        yield list(part[middle:])


def with_tests(program: Program) -> str:
    """The program with its tests in it, as a file of the user's would have them."""
    head = "" if "use super::" in program.behaviour else "    use super::*;\n"
    return f"{program.text.rstrip()}\n\n#[cfg(test)]\nmod tests {{\n{head}{program.behaviour.rstrip()}\n}}\n"


def built(part: Sequence[int], texts: Sequence[str], folder: Path, cancel: CancelToken) -> set[int] | None:
    """Build the tests of these texts. Returns those that do not compile; None where rustc blames nobody and fails."""
    chosen = [texts[number] for number in part]
    write_modules(chosen, folder)
    outcome = run_process(
        rustc_command("--test", "-Cdebuginfo=0", "-Copt-level=0", "-Cincremental=", "-o", str(folder / "tests"), ROOT),
        cwd=folder,
        environment=cargo_environment(),
        timeout_seconds=LONGEST_SECONDS,
        cancel=cancel,
    )
    cancel.raise_if_cancelled()
    said, _ = read_reply(outcome.stderr.splitlines(), chosen)
    blamed = {number for number, one in zip(part, said, strict=True) if one.errors}
    return blamed if blamed or outcome.succeeded else None


def has_run(part: Sequence[int], folder: Path, good: set[int], cancel: CancelToken) -> bool:
    """Run the tests that were built and note who passes; False where they did not come to their end."""
    with tempfile.TemporaryDirectory(prefix="sleepy-tests-") as scratch:
        outcome = run_process(
            [*shut_off(), str(folder / "tests"), "--test-threads=2"],
            cwd=Path(scratch),
            environment=sheltered_environment(dict(environment()), Path(scratch)),
            timeout_seconds=LONGEST_TEST_SECONDS,
            cancel=cancel,
        )
    cancel.raise_if_cancelled()
    if outcome.timed_out or not _END.search(outcome.stdout):
        return False
    results: dict[int, set[bytes]] = {}
    for match in _RESULT.finditer(outcome.stdout):
        results.setdefault(part[int(match.group(1))], set()).add(match.group(3))
    good.update(number for number, words in results.items() if words == {b"ok"})
    return True


def environment() -> Mapping[str, str]:
    """What a test sees of ours."""
    return os.environ | {"RUST_BACKTRACE": "0"}


@cache
def shut_off() -> tuple[str, ...]:
    """The prefix that gives a test a network with nobody in it."""
    return tuple(without_network())

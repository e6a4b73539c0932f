"""How soon `sleepy lsp` answers an editor, and how much memory it and its worker hold once they have worked.

The start: from the spawn of the process to the answer to `initialize`, with a warm disk cache. The memory: on the
bundled example as it is, broken; a document with problems is opened, its fixes are searched, and then all processes
of ours are counted. No model is in it.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from benchmarks.example_time import EXAMPLE
from benchmarks.lsp_editor import MARK_VARIABLE, Way, opened_editor, start_line
from benchmarks.lsp_line import Journal, ServerLine
from benchmarks.lsp_processes import MemorySample, memory_of_ours
from benchmarks.lsp_projects import copied
from benchmarks.machine import environment_with, machine_facts, median, scratch_directory, sleepy_program
from benchmarks.results import Figure, Result
from sleepy_agent.process import CancelToken

STARTS, QUICK_STARTS = 15, 5
MOST_START_SECONDS = 0.6
MOST_MEBIBYTES = 120.0
SEARCH_SECONDS = 240.0
BROKEN_FILE = Path("crates/catalog/src/book.rs")


def run(quick: bool, command: str, cancel: CancelToken) -> Result:
    """Time starts, then weigh a server that has worked."""
    starts = QUICK_STARTS if quick else STARTS
    with scratch_directory("lsp-start") as directory:
        root = copied(EXAMPLE, directory / "lending_library")
        # The first start fills the disk cache and is not counted.
        seconds = [started(root, directory / "home", cancel) for _ in range(starts + 1)][1:]
        samples = weighed(root, directory / "home", cancel)
    rss, pss = sum(one.rss for one in samples), sum(one.pss for one in samples)
    held = ", ".join(f"{one.role.value} {one.rss:.0f} MiB ({one.pss:.0f} not shared)" for one in samples)
    measured_on = f"{' + '.join(one.role.value for one in samples)}, after a check and a search on the example"
    return Result(
        name="lsp_start",
        title="The language server's start and memory",
        command=command,
        machine=machine_facts(),
        figures=(
            Figure(
                "lsp: start until `initialize` is answered",
                median(seconds) * 1000,
                "ms",
                bar=MOST_START_SECONDS * 1000,
                at_most=True,
                measured_on=f"median of {starts}",
            ),
            Figure("lsp: memory of all processes (RSS)", rss, "MiB", MOST_MEBIBYTES, True, measured_on),
            Figure("lsp: memory of all processes (PSS)", pss, "MiB", None, True, measured_on),
        ),
        notes=(f"Memory: {held}.",),
        details={"start_seconds": seconds, "memory": [asdict(one) for one in samples]},
    )


def started(root: Path, home: Path, cancel: CancelToken) -> float:
    """Seconds from the spawn to the answer to `initialize`."""
    journal = Journal(cancel)
    environment = environment_with(home, {MARK_VARIABLE: "start"})
    line = ServerLine("sleepy", [sleepy_program(), "lsp"], root, environment, cancel, journal.add)
    try:
        return start_line(line, root, {}).at - line.started_at
    finally:
        line.close()


def weighed(root: Path, home: Path, cancel: CancelToken) -> list[MemorySample]:
    """What each process of ours holds after a document was opened, checked, and its fixes were searched."""
    with opened_editor(root, Way.BESIDE, home, cancel, with_analyzer=False) as editor:
        path = root / BROKEN_FILE
        mark = editor.journal.mark()
        editor.open(path)
        if editor.until_ready(mark, path, 1, SEARCH_SECONDS) is None:
            raise RuntimeError(f"There was no offer for {BROKEN_FILE} within {SEARCH_SECONDS:.0f} s.")
        editor.until_calm(mark, SEARCH_SECONDS, quiet=3.0)
        return memory_of_ours(editor.mark)

"""The worker as a process: what it answers, what ends its work, and that nothing of it stays behind."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from cargo.projects import SETTINGS, places_in, single_package

from live.test_live_workspace import GREEN, ONE_ERROR
from sleepy_agent.live.channel import receive, send
from sleepy_agent.live.messages import (
    ChangeTexts,
    CheckText,
    FixesFound,
    FromWorker,
    OpenWorkspace,
    SearchEnded,
    SearchFixes,
    StageBegan,
    StopWork,
    TextChecked,
    ToWorker,
    Trigger,
    WorkFailed,
    WorkspaceOpened,
)


@dataclass
class WorkerProcess:
    """A worker, and everything it said so far."""

    process: subprocess.Popen[bytes]
    heard: list[FromWorker]

    def say(self, *messages: ToWorker) -> None:
        assert self.process.stdin is not None
        for message in messages:
            send(self.process.stdin, message)

    def wait_for(self, *kinds: type) -> FromWorker:
        """The next message of one of these kinds."""
        assert self.process.stdout is not None
        while (message := receive(self.process.stdout)) is not None:
            self.heard.append(message)  # type: ignore[arg-type]
            if isinstance(message, kinds):
                return message  # type: ignore[return-value]
        raise AssertionError(f"the worker ended; it said {self.heard}")


@pytest.fixture
def worker() -> Iterator[WorkerProcess]:
    process = subprocess.Popen(
        [sys.executable, "-m", "sleepy_agent.live.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    yield WorkerProcess(process, [])
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        with contextlib.suppress(BrokenPipeError):
            stream.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return single_package(tmp_path / "one", GREEN)


def opening(root: Path, tmp_path: Path) -> OpenWorkspace:
    return OpenWorkspace(root, places_in(tmp_path / "places"), SETTINGS)


def test_from_a_text_to_a_fix(worker: WorkerProcess, root: Path, tmp_path: Path) -> None:
    file = root / "src" / "lib.rs"
    worker.say(opening(root, tmp_path))
    opened = worker.wait_for(WorkspaceOpened)
    assert isinstance(opened, WorkspaceOpened) and opened.root == root
    worker.say(ChangeTexts(3, {file: ONE_ERROR.encode()}), CheckText(3), SearchFixes(3, Trigger.RUST_ANALYZER, (file,)))
    checked = worker.wait_for(TextChecked)
    assert isinstance(checked, TextChecked) and checked.generation == 3
    assert [one.problem.code for one in checked.problems] == ["E0384"]
    worker.wait_for(SearchEnded)
    found = [one for one in worker.heard if isinstance(one, FixesFound)]
    assert {(one.generation, one.trigger) for one in found} == {(3, Trigger.RUST_ANALYZER)}
    stages = [one.text for one in worker.heard if isinstance(one, StageBegan)]
    assert "recording the rustc calls of the workspace" in stages


def test_work_on_an_older_text_ends_with_the_next(worker: WorkerProcess, root: Path, tmp_path: Path) -> None:
    file = root / "src" / "lib.rs"
    worker.say(opening(root, tmp_path))
    worker.wait_for(WorkspaceOpened)
    for generation in range(1, 40):
        text = ONE_ERROR if generation % 2 else GREEN + f"// {generation}\n"
        worker.say(ChangeTexts(generation, {file: text.encode()}), CheckText(generation))
        worker.say(SearchFixes(generation, Trigger.OWN_REPLAY))
    worker.say(StopWork(), ChangeTexts(99, {file: ONE_ERROR.encode()}), CheckText(99))
    while True:
        checked = worker.wait_for(TextChecked)
        assert isinstance(checked, TextChecked)
        expected = ["E0384"] if checked.generation % 2 else []
        assert [one.problem.code for one in checked.problems] == expected
        if checked.generation == 99:
            break


def test_a_workspace_that_cannot_be_opened_is_tried_again_when_a_file_changes(
    worker: WorkerProcess, root: Path, tmp_path: Path
) -> None:
    manifest, file = root / "Cargo.toml", root / "src" / "lib.rs"
    good = manifest.read_text()
    manifest.write_text("[nonsense")
    worker.say(opening(root, tmp_path))
    failed = worker.wait_for(WorkFailed)
    assert isinstance(failed, WorkFailed) and failed.remedy and not failed.is_final
    worker.say(ChangeTexts(1, {file: ONE_ERROR.encode()}), CheckText(1))
    manifest.write_text(good)
    worker.say(ChangeTexts(2, {}, frozenset({manifest})), CheckText(2))
    worker.wait_for(WorkspaceOpened)
    checked = worker.wait_for(TextChecked)
    assert isinstance(checked, TextChecked)
    assert [one.problem.code for one in checked.problems] == ["E0384"]


@pytest.mark.parametrize("when", ["at once", "while it works", "idle"])
def test_nothing_stays_behind_when_the_editor_is_gone(
    worker: WorkerProcess, root: Path, tmp_path: Path, when: str
) -> None:
    worker.say(opening(root, tmp_path))
    if when != "at once":
        worker.wait_for(WorkspaceOpened)
        worker.say(ChangeTexts(1, {root / "src" / "lib.rs": ONE_ERROR.encode()}), CheckText(1))
    if when == "idle":
        worker.wait_for(TextChecked)
    children = psutil.Process(worker.process.pid).children(recursive=True)
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    assert worker.process.wait(30) == 0
    _gone, left = psutil.wait_procs(children, 10)
    assert left == []

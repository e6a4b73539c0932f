"""Half an hour of typing with the language server in between: is its memory flat, and is nothing left running?

A seeded typist (lsp_typist.py) writes and mends code in the files of the mended example through `sleepy lsp --wrap
rust-analyzer`. Memory of the proxy, the server and the worker is sampled all the time; after each pause no compiler of
ours may run; each edit that is handed out is compiled on a copy by cargo; at the end no process may be left.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.lsp_editor import BenchmarkEditor, Way, opened_editor, place_of, says_state
from benchmarks.lsp_processes import MemorySample, compilers_running, marked_processes, memory_of_ours
from benchmarks.lsp_projects import Project, copied, mended_example, mistakes_of
from benchmarks.lsp_typist import (
    BackToGreen,
    Keystroke,
    LookAtActions,
    Pause,
    Save,
    Step,
    TakeOffer,
    line_through,
    steps,
)
from benchmarks.machine import environment_with, machine_facts, scratch_directory
from benchmarks.real_crates.judging import errors_of
from benchmarks.results import Figure, Result
from sleepy_agent.process import CancelToken, run_process

SEED = "typing-1"
DURATION, QUICK_DURATION = 1800.0, 120.0
LEAST_EDITS = 5000
FLAT_SHARE = 2 / 3
"""The last part of the run, in which memory has to be flat: before, what is only loaded once is loaded."""
MOST_GROWTH = 5.0
SAMPLE_SECONDS, QUICK_SAMPLE_SECONDS = 10.0, 2.0
OPENING_SECONDS = 180.0
OFFER_SECONDS = 12.0
CALM_SECONDS = 30.0
LEFT_SECONDS = 5.0
"""How long processes may take to end once the editor is closed."""
CHECK_SECONDS = 60.0


@dataclass(slots=True)
class Tally:
    """What happened. `wrong`: a sentence for each thing that should not have."""

    edits: int = 0
    saves: int = 0
    looks: int = 0
    handed_out: int = 0
    accepted: int = 0
    dismissed: int = 0
    without_offer: int = 0
    pauses: int = 0
    not_compiling: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    left_running: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    """Milliseconds of each question for code actions, rust-analyzer's own part included."""


@dataclass(frozen=True, slots=True)
class TimedSample:
    """All processes of ours, some seconds after the typing began."""

    seconds: float
    processes: tuple[MemorySample, ...]

    @property
    def rss(self) -> float:
        return sum(one.rss for one in self.processes)

    @property
    def pss(self) -> float:
        return sum(one.pss for one in self.processes)


def run(quick: bool, command: str, cancel: CancelToken) -> Result:
    """Type for half an hour, or two minutes."""
    duration = QUICK_DURATION if quick else DURATION
    tally = Tally()
    with scratch_directory("lsp-typing") as directory:
        project = mended_example(directory / "project", directory / "making", cancel)
        judge = Judge(project, copied(project.root, directory / "judge"), directory / "judge-target", cancel)
        with opened_editor(project.root, Way.WRAPPED, directory / "home", cancel) as editor:
            typing = Typing(project, editor, judge, tally, cancel)
            typing.prepare()
            sampler = Sampler(editor.mark, QUICK_SAMPLE_SECONDS if quick else SAMPLE_SECONDS)
            sampler.start()
            typing.type_for(duration)
            samples = sampler.stop()
            mark = editor.mark
            went = editor.shut()
        tally.orphans += [f"{pid}: {words}" for pid, words in left_after(mark, LEFT_SECONDS)]
        if not went:
            tally.orphans.append("the proxy did not end by itself and was killed")
    return Result(
        name="lsp_typing",
        title="Half an hour of typing through `sleepy lsp --wrap rust-analyzer`",
        command=command,
        machine=machine_facts(),
        figures=tuple(figures_of(tally, samples, duration)),
        notes=tuple(notes_of(tally, samples)),
        details={"tally": asdict(tally), "samples": [asdict(one) for one in samples]},
    )


def figures_of(tally: Tally, samples: Sequence[TimedSample], duration: float) -> Iterator[Figure]:
    window = duration * FLAT_SHARE
    late = [one for one in samples if one.seconds >= duration - window]
    minutes = f"last {window / 60:.0f} minutes, {len(late)} samples"
    yield Figure("typing: edits", tally.edits, "", LEAST_EDITS if duration == DURATION else None, False)
    for name, values in (
        ("RSS", [(one.seconds, one.rss) for one in late]),
        ("PSS", [(one.seconds, one.pss) for one in late]),
    ):
        line = line_through(values)
        yield Figure(f"typing: growth of memory ({name})", line.growth(window), "%", MOST_GROWTH, True, minutes)
        yield Figure(f"typing: slope of memory ({name})", line.slope * 3600, "MiB an hour", None, True, minutes)
    yield Figure("typing: memory, most (RSS)", max(one.rss for one in samples), "MiB", None, True)
    yield Figure("typing: processes left at the end", len(tally.orphans), "", 0, True)
    yield Figure(
        "typing: compilers running after a pause", len(tally.left_running), "", 0, True, f"{tally.pauses} pauses"
    )
    measured_on = f"{tally.handed_out} fixes compiled by cargo; hidden errors that the title tells of are none"
    yield Figure("typing: fixes handed out that do not compile", len(tally.not_compiling), "", 0, True, measured_on)
    yield Figure("typing: stale edits handed out", len(tally.stale), "", 0, True)


def notes_of(tally: Tally, samples: Sequence[TimedSample]) -> Iterator[str]:
    yield (
        f"{tally.edits} edits, {tally.saves} saves, {tally.looks} looks at code actions, {tally.accepted} offers "
        f"accepted, {tally.dismissed} dismissed, {tally.without_offer} mistakes without an offer in time."
    )
    by_role: Counter[str] = Counter()
    for one in samples[-1].processes:
        by_role[one.role.value] += round(one.rss)
    yield "At the end: " + ", ".join(f"{role} {held} MiB" for role, held in sorted(by_role.items())) + "."
    starts = {one.process_id for sample in samples for one in sample.processes}
    yield f"{len(starts)} processes of ours were seen in all."


class Judge:
    """cargo, on a copy of the project that nobody else looks at."""

    def __init__(self, project: Project, root: Path, target: Path, cancel: CancelToken) -> None:
        self._project = project
        self._root = root
        self._environment = environment_with(extra={"CARGO_TARGET_DIR": str(target), "CARGO_NET_OFFLINE": "true"})
        self._cancel = cancel

    def errors(self, texts: dict[Path, bytes]) -> int:
        """How many errors cargo finds with these texts (by their paths in the project) in place of the green ones."""
        try:
            for path, text in texts.items():
                self._copy_of(path).write_bytes(text)
            outcome = run_process(
                ["cargo", "check", "--workspace", "--all-targets", "--offline", "--quiet", "--message-format=json"],
                cwd=self._root,
                environment=self._environment,
                timeout_seconds=CHECK_SECONDS,
                cancel=self._cancel,
            )
        finally:
            for path in texts:
                self._copy_of(path).write_bytes(self._green[path])
        self._cancel.raise_if_cancelled()
        # One error may be told of a library and of its tests; each place counts once.
        told = {(one.code, one.message, one.file, one.line) for one in errors_of(outcome.stdout.decode())}
        return len(told) if told or outcome.succeeded else 1

    @property
    def _green(self) -> dict[Path, bytes]:
        return green_texts(self._project)

    def _copy_of(self, path: Path) -> Path:
        return self._root / path.relative_to(self._project.root)


def green_texts(project: Project) -> dict[Path, bytes]:
    return {project.root / file: project.texts[file] for file in project.sources}


class Typing:
    """The one who takes the typist's steps to the editor, and looks whether all is well."""

    def __init__(
        self, project: Project, editor: BenchmarkEditor, judge: Judge, tally: Tally, cancel: CancelToken
    ) -> None:
        self._project = project
        self._editor = editor
        self._judge = judge
        self._tally = tally
        self._cancel = cancel
        self._pause_mark = 0

    def prepare(self) -> None:
        """Let Sleepy record the workspace."""
        mark = self._editor.journal.mark()
        self._editor.open(self._project.root / self._project.sources[0])
        self._editor.journal.until(mark, lambda one: says_state(one) not in {None, "idle"}, OPENING_SECONDS)
        self._editor.until_calm(mark, OPENING_SECONDS, quiet=3.0)

    def type_for(self, duration: float) -> None:
        """Take steps for some seconds."""
        end = time.monotonic() + duration
        told = time.monotonic()
        for step in steps(dict(self._project.texts), mistakes_of(self._project), SEED):
            if time.monotonic() >= end:
                return
            self._cancel.raise_if_cancelled()
            self._take(step)
            if time.monotonic() - told > 60:
                told = time.monotonic()
                tally = self._tally
                print(
                    f"  {end - told:.0f} s left: {tally.edits} edits, {tally.accepted} accepted, "
                    f"{len(tally.not_compiling)} not compiling, {len(tally.left_running)} left running",
                    flush=True,
                )

    def _take(self, step: Step) -> None:
        match step:
            case Keystroke(file, text, rest):
                self._show(file, text)
                time.sleep(rest)
            case BackToGreen(file, text):
                for path, green in green_texts(self._project).items():
                    if path in self._editor.documents and path != file:
                        self._show(path, green)
                self._show(file, text)
            case Save(file):
                for path in [*self._editor.documents]:
                    if path == file or path.read_bytes() != self._editor.documents[path].text:
                        self._editor.save(path)
                        self._tally.saves += 1
            case Pause(seconds):
                self._pause(seconds)
            case LookAtActions(file, line):
                self._look(file, line)
            case TakeOffer(file, line, dismiss):
                self._take_offer(file, line, dismiss=dismiss)

    def _show(self, file: Path, text: bytes) -> None:
        path = self._path(file)
        self._editor.open(path)
        if self._editor.documents[path].text != text:
            self._editor.change(path, text)
            self._tally.edits += 1

    def _path(self, file: Path) -> Path:
        return file if file.is_absolute() else self._project.root / file

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)
        self._editor.until_calm(self._pause_mark, CALM_SECONDS)
        self._pause_mark = self._editor.journal.mark()
        self._tally.pauses += 1
        self._tally.left_running += compilers_running(self._editor.mark)

    def _look(self, file: Path, line: int) -> None:
        actions, milliseconds = self._editor.actions(self._path(file), line, kind=2)
        self._tally.looks += 1
        self._tally.answers.append(milliseconds)
        for action in own_fixes(actions)[:1]:
            self._judged(action)

    def _take_offer(self, file: Path, line: int, *, dismiss: bool) -> None:
        path = self._path(file)
        deadline = time.monotonic() + OFFER_SECONDS
        while time.monotonic() < deadline:
            mark = self._editor.journal.mark()
            actions, milliseconds = self._editor.actions(path, line)
            self._tally.answers.append(milliseconds)
            fixes = own_fixes(actions)
            if fixes:
                break
            self._editor.journal.until(mark, lambda one: one.method == "sleepy/ready", 0.5)
        else:
            self._tally.without_offer += 1
            return
        if dismiss:
            self._execute("sleepy.dismiss", [fixes[0]["data"]["sleepy"]["offerId"]])
            self._tally.dismissed += 1
            return
        action = self._judged(fixes[0])
        if action is not None:
            for changed, text in self._texts_after(action["edit"]).items():
                self._show(changed, text)
            command = action.get("command")
            if command:
                self._execute(command["command"], command.get("arguments") or [])
            self._tally.accepted += 1

    def _judged(self, action: dict[str, Any]) -> dict[str, Any] | None:
        """The action with its edit, which is compiled; None where the server says that it is stale by now."""
        if "edit" not in action:
            answer = self._editor.sleepy.request("codeAction/resolve", action, OFFER_SECONDS)
            if not isinstance(answer.content, dict) or "edit" not in answer.content:
                return None
            action = answer.content
        self._tally.handed_out += 1
        before = {path: document.text for path, document in self._editor.documents.items()}
        after = self._texts_after(action["edit"])
        errors_before, errors_after = self._judge.errors(before), self._judge.errors({**before, **after})
        promised = errors_before - 1 + hidden_errors(action["title"])
        if errors_after > max(0, promised):
            self._tally.not_compiling.append(f"{action['title']}: {errors_before} errors before, {errors_after} after")
        return action

    def _texts_after(self, edit: dict[str, Any]) -> dict[Path, bytes]:
        """The texts of the files that an edit changes. An edit of another version than the editor's is noted."""
        texts: dict[Path, bytes] = {}
        for change in edit["documentChanges"]:
            path = Path(change["textDocument"]["uri"].removeprefix("file://"))
            document = self._editor.documents.get(path)
            version = change["textDocument"].get("version")
            if document is not None and version is not None and version != document.version:
                self._tally.stale.append(f"{path.name}: version {version}, the editor has {document.version}")
            text = document.text if document is not None else path.read_bytes()
            ranges = [
                (place_of(text, one["range"]["start"]), place_of(text, one["range"]["end"]), one["newText"].encode())
                for one in change["edits"]
            ]
            for start, end, new in sorted(ranges, reverse=True):
                text = text[:start] + new + text[end:]
            texts[path] = text
        return texts

    def _execute(self, command: str, arguments: list[Any]) -> None:
        parameters = {"command": command, "arguments": arguments}
        self._editor.sleepy.request("workspace/executeCommand", parameters, OFFER_SECONDS)


def own_fixes(actions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The quick fixes among some actions that are Sleepy's, each for one problem."""
    return [
        one
        for one in actions
        if one.get("kind") == "quickfix" and ((one.get("data") or {}).get("sleepy") or {}).get("offerId")
    ]


def hidden_errors(title: str) -> int:
    """How many errors a fix brings to light that the mended one hid, as the title tells the user."""
    found = re.search(r"brings (\d+) errors? to light", title)
    return int(found[1]) if found else 0


class Sampler:
    """A thread that weighs the processes of ours again and again."""

    def __init__(self, mark: str, every: float) -> None:
        self._mark = mark
        self._every = every
        self._samples: list[TimedSample] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> list[TimedSample]:
        self._ended.set()
        self._thread.join()
        return self._samples

    def _sample(self) -> None:
        begun = time.monotonic()
        while not self._ended.wait(self._every):
            processes = tuple(memory_of_ours(self._mark))
            self._samples.append(TimedSample(time.monotonic() - begun, processes))


def left_after(mark: str, seconds: float) -> list[tuple[int, str]]:
    """Marked processes that are still there after some time, with their command lines; they are ended."""
    _gone, left = psutil.wait_procs(marked_processes(mark), timeout=seconds)
    told = []
    for process in left:
        try:
            told.append((process.pid, " ".join(process.cmdline())[:200]))
            process.kill()
        except psutil.Error:
            continue
    return told

"""A worker without a compiler, for tests: `python -m lsp.scripted_worker`, with `tests` on PYTHONPATH.

Its Rust knows one error: each `broken_NAME` of a `.rs` file is E0425, and its fix is `mended_NAME` (a second offer is
`other_NAME`, not preferred). Every record it hears is written to the file that SCRIPTED_WORKER_JOURNAL names, one line
each. Words in a comment of any file make it misbehave, see `MOODS`.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from lsp.offers import bundle_of, known_problem, live_offer, replacing, search_ended, text_checked
from sleepy_agent.live.channel import receive, send
from sleepy_agent.live.messages import (
    ChangeTexts,
    CheckText,
    FixesFound,
    KnownProblem,
    LiveOffer,
    OpenWorkspace,
    SearchFixes,
    StageBegan,
    VanishedProblem,
    WorkFailed,
    WorkspaceOpened,
)

JOURNAL_VARIABLE = "SCRIPTED_WORKER_JOURNAL"
BROKEN = re.compile(rb"broken_\w+")
MOODS = {
    b"worker: crash": "ends at the next check",
    b"worker: garbage": "writes what is no record at the next check",
    b"worker: deaf": "reads nothing any more",
    b"worker: fail": "says at the next check that it cannot go on, and ends",
    b"worker: stumble": "says at the next check that it could not do that, and goes on",
    b"worker: record": "begins to record at the next check and does not end before the next text",
    b"worker: silent": "answers no search",
    b"worker: late": "answers each search twice: a second time after the next text came, for the former one",
}


class ScriptedWorker:
    """The texts of a workspace and what is wrong with them."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._root = Path()
        self._buffers: dict[Path, bytes] = {}
        self._problems: dict[str, KnownProblem] = {}
        self._recording = False
        self._late: FixesFound | None = None

    def texts(self) -> Mapping[Path, bytes]:
        on_disk = {
            path: path.read_bytes()
            for path in self._root.rglob("*.rs")
            if "target" not in path.relative_to(self._root).parts
        }
        return {**on_disk, **self._buffers}

    def is_in_the_mood(self, mood: bytes) -> bool:
        assert mood in MOODS
        return any(mood in text for text in self.texts().values())

    def hear(self, record: object) -> None:
        if isinstance(record, OpenWorkspace):
            self._root = next(
                folder for folder in [record.path, *record.path.parents] if (folder / "Cargo.toml").exists()
            )
            send(self._output, WorkspaceOpened(self._root, (self._root,), self._root / "target"))
        elif isinstance(record, ChangeTexts):
            if self._recording:
                self._recording = False
                send(self._output, StageBegan(""))
            if self._late:
                send(self._output, self._late)
                self._late = None
            for path, text in record.buffers.items():
                if text is None:
                    self._buffers.pop(path, None)
                else:
                    self._buffers[path] = text
        elif isinstance(record, CheckText):
            self.check(record.generation)
        elif isinstance(record, SearchFixes) and not self.is_in_the_mood(b"worker: silent"):
            self.search(record)

    def check(self, generation: int) -> None:
        if self.is_in_the_mood(b"worker: crash"):
            os._exit(3)
        if self.is_in_the_mood(b"worker: garbage"):
            self._output.write(b"\0\0\0\x0crustc panics")
            self._output.flush()
        if self.is_in_the_mood(b"worker: deaf"):
            threading.Event().wait()
        if self.is_in_the_mood(b"worker: fail"):
            send(self._output, WorkFailed("There is no cargo.", "Install it.", is_final=True))
            sys.exit(0)
        if self.is_in_the_mood(b"worker: stumble"):
            send(self._output, WorkFailed("That went wrong.", "Wait for the next text.", is_final=False))
            return
        if self.is_in_the_mood(b"worker: record"):
            self._recording = True
            send(self._output, StageBegan("recording the rustc calls"))
        former = self._problems
        self._problems = {known.problem_id: known for known in problems_of(self.texts())}
        gone = tuple(
            VanishedProblem(known.problem_id, known.problem, "", deleted=False, new_errors=0)
            for identifier, known in former.items()
            if identifier not in self._problems
        )
        answer = text_checked(generation, *self._problems.values())
        send(self._output, type(answer)(generation, answer.problems, gone, (), 1.0))

    def search(self, record: SearchFixes) -> None:
        texts = self.texts()
        offers: list[LiveOffer] = []
        asked = [
            known
            for known in self._problems.values()
            if known.problem.span and (not record.files or known.problem.span.file in record.files)
        ]
        for known in asked:
            offers += [offer for offer in offers_for(known, texts) if offer.offer_id not in record.dismissed]
        best = [offer for offer in offers if offer.fix.preferred]
        bundles = (bundle_of(best, texts, subject=str(next(iter(best[0].texts)))),) if len(best) > 1 else ()
        found = FixesFound(
            record.generation, record.trigger, tuple(known.problem_id for known in asked), tuple(offers), bundles
        )
        send(self._output, found)
        send(self._output, search_ended(record.generation))
        if self.is_in_the_mood(b"worker: late"):
            self._late = found


def problems_of(texts: Mapping[Path, bytes]) -> list[KnownProblem]:
    """One problem for each broken name of a file."""
    return [
        known_problem(
            path, text, name, code="E0425", message=f"cannot find value `{name}` in this scope", family="missing_items"
        )
        for path, text in sorted(texts.items())
        for name in dict.fromkeys(match.group().decode() for match in BROKEN.finditer(text))
    ]


def offers_for(known: KnownProblem, texts: Mapping[Path, bytes]) -> list[LiveOffer]:
    """The right fix, then another one."""
    assert known.problem.span
    path, name = known.problem.span.file, known.problem.span.text
    return [
        live_offer(
            known,
            texts,
            replacing(path, texts[path], name, name.replace("broken", new)),
            title=f"use `{name.replace('broken', new)}`",
            preferred=new == "mended",
            root=path.parent,
        )
        for new in ("mended", "other")
    ]


def main() -> None:
    """Hear records until the input ends."""
    source, output = sys.stdin.buffer, sys.stdout.buffer
    worker = ScriptedWorker(output)
    journal = os.environ.get(JOURNAL_VARIABLE)
    while (record := receive(source)) is not None:
        if journal:
            with Path(journal).open("a", encoding="utf-8") as file:
                file.write(f"{record!r}\n")
        worker.hear(record)


if __name__ == "__main__":
    main()
